#include "cli/signature_set.h"
#include "base/mem.h"
#include "base/text.h"
#include "stream/dense.h"
#include <stdio.h>
#include <string.h>

static size_t find_layer(const struct pmx_schema *s, const char *layer, const char *stream)
{
	struct err e = { 0 };
	size_t f = layer ? PMX_NO_FIELD : pmx_find(s, PMX_LAYER, "weights");
	if (f == PMX_NO_FIELD)
		f = pmx_need(s, PMX_LAYER, layer ? layer : "X", &e);
	if (f == PMX_NO_FIELD) {
		err_context(&e, "%s", stream);
		cli_fail(&e);
	}
	return f;
}

static void add_labels(struct row_labels *l, const struct pmx_schema *s, struct pmx_block *b, size_t field, size_t n)
{
	struct err e = { 0 };
	if (field == PMX_NO_FIELD)
		return;
	if (!l->values)
		l->values = names_new();
	l->code = mem_resize(l->code, n + b->n_rows, sizeof *l->code);
	const struct pmx_column *column = pmx_block_column(b, s, field, &e);
	if (!column)
		cli_fail(&e);
	for (size_t r = 0; r < b->n_rows; r++) {
		char number[TEXT_F64];
		l->code[n + r] = pmx_column_is_missing(column, r) ? UINT32_MAX
			: names_add(l->values, pmx_column_text(&s->field[field], column, r, number, sizeof number), NULL);
	}
}

static void add_names(struct signature_set *set, const struct pmx_schema *s, struct pmx_block *b)
{
	struct err e = { 0 };
	size_t field = s->row_names ? pmx_find(s, PMX_OBS, s->row_names) : PMX_NO_FIELD;
	const struct pmx_column *column = field == PMX_NO_FIELD ? NULL : pmx_block_column(b, s, field, &e);
	if (e.set)
		cli_fail(&e);
	for (size_t r = 0; r < b->n_rows; r++) {
		char number[TEXT_F64];
		bool is_new;
		if (!column || pmx_column_is_missing(column, r))
			cli_die("%s: row %llu has no name", set->stream, (unsigned long long)(b->first_row + r));
		const char *name = pmx_column_text(&s->field[field], column, r, number, sizeof number);
		names_add(set->name, name, &is_new);
		if (!is_new)
			cli_die("%s: two rows are called '%s'", set->stream, name);
	}
}

static void report(const struct cli *c, const struct signature_set *s)
{
	size_t count[EMBEDDING_N_REASONS] = { 0 };
	char text[300] = "";
	for (size_t i = 0; i < s->n; i++)
		count[s->reason[i]]++;
	for (int k = 1; k < EMBEDDING_N_REASONS; k++) {
		size_t n = strlen(text);
		if (count[k])
			snprintf(text + n, sizeof text - n, "%s%s %zu", n ? ", " : "", embedding_reason_name[k], count[k]);
	}
	if (!s->n)
		cli_die("%s has no rows", s->stream);
	if (!count[0])
		cli_die("%s: no row can be embedded: %s", s->stream, text);
	if (*text)
		cli_note(c, "%s: %zu of %zu rows cannot be embedded and have no part: %s", s->stream, s->n - count[0], s->n, text);
}

struct signature_set *signature_set_read(const struct cli *c, struct pmx_reader *in, const char *layer, const uint32_t *column, size_t d,
					 bool negated, bool with_values)
{
	struct err e = { 0 };
	const struct pmx_schema *s = pmx_reader_schema(in);
	struct signature_set *set = mem_zero(1, sizeof *set);
	set->stream = mem_text(pmx_reader_name(in));
	set->d = d;
	set->name = names_new();
	struct {
		const char *name;
		struct row_labels *to;
	} labels[] = { { "compound", &set->compound }, { "cell_line", &set->cell_line }, { "moa", &set->moa }, { "target", &set->target } };
	struct pmx_dense *dense = pmx_dense_new(in, c->threads);
	int handle = pmx_dense_layer(dense, find_layer(s, layer, set->stream), column, d, &e);
	if (handle < 0)
		cli_fail(&e);
	int got;
	for (struct pmx_block *b; (got = pmx_dense_next(dense, &b, &e)) > 0; pmx_block_free(b)) {
		size_t n = set->n + b->n_rows;
		double *value = mem_array(b->n_rows * d, sizeof *value);
		add_names(set, s, b);
		for (size_t k = 0; k < sizeof labels / sizeof *labels; k++)
			add_labels(labels[k].to, s, b, pmx_find(s, PMX_OBS, labels[k].name), set->n);
		if (pmx_dense_rows(dense, handle, b, 0, b->n_rows, value, &e))
			cli_fail(&e);
		set->row = mem_resize(set->row, n * d, sizeof *set->row);
		set->reason = mem_resize(set->reason, n, sizeof *set->reason);
		for (size_t r = 0; r < b->n_rows; r++) {
			set->reason[set->n + r] = (uint8_t)embedding_row(value + r * d, d, negated, set->row + (set->n + r) * d);
			set->n_embedded += set->reason[set->n + r] == EMBEDDING_DONE;
		}
		if (with_values) {
			set->value = mem_resize(set->value, n * d, sizeof *set->value);
			memcpy(set->value + set->n * d, value, b->n_rows * d * sizeof *value);
		}
		mem_free(value);
		set->n = n;
	}
	if (got < 0)
		cli_fail(&e);
	pmx_dense_free(dense);
	report(c, set);
	return set;
}

void signature_set_free(struct signature_set *s)
{
	if (!s)
		return;
	struct row_labels *labels[] = { &s->compound, &s->cell_line, &s->moa, &s->target };
	for (size_t k = 0; k < 4; k++) {
		names_free(labels[k]->values);
		mem_free(labels[k]->code);
	}
	mem_free(s->stream);
	names_free(s->name);
	mem_free(s->row);
	mem_free(s->value);
	mem_free(s->reason);
	mem_free(s);
}

uint32_t *signature_columns(const struct names *genes, const struct pmx_schema *s, const char *stream, const char *model)
{
	struct names *lacking = names_new();
	uint32_t *at = mem_array(genes->n, sizeof *at);
	for (size_t j = 0; j < genes->n; j++)
		at[j] = UINT32_MAX;
	for (size_t i = 0; i < s->n_columns; i++) {
		uint32_t g = names_find(genes, pmx_column_name(s, i));
		if (g == NAMES_NONE)
			continue;
		if (at[g] != UINT32_MAX)
			cli_die("%s: gene %s stands in two columns", stream, genes->at[g]);
		at[g] = (uint32_t)i;
	}
	for (size_t j = 0; j < genes->n; j++)
		if (at[j] == UINT32_MAX)
			names_add(lacking, genes->at[j], NULL);
	if (lacking->n) {
		char list[400];
		names_list(lacking, list, sizeof list);
		cli_die("%s lacks %zu of the %zu genes of %s: %s; a model is used on the genes that it was trained on", stream, lacking->n, genes->n,
			model, list);
	}
	names_free(lacking);
	return at;
}

static struct names *shared_genes(const struct cli *c, const struct pmx_reader *targets, const struct pmx_reader *drugs)
{
	struct names *have = pmx_column_names(pmx_reader_schema(targets)), *want = pmx_column_names(pmx_reader_schema(drugs)), *genes = names_new();
	for (size_t j = 0; j < want->n; j++)
		if (names_find(have, want->at[j]) != NAMES_NONE)
			names_add(genes, want->at[j], NULL);
	if (genes->n < 2) {
		char a[200], b[200];
		names_list(have, a, sizeof a);
		names_list(want, b, sizeof b);
		cli_die("%s and %s have no two genes in common: %s; and %s", pmx_reader_name(targets), pmx_reader_name(drugs), a, b);
	}
	if (genes->n < want->n || genes->n < have->n)
		cli_note(c, "%zu genes are in both %s (%zu) and %s (%zu); the model is of these", genes->n, pmx_reader_name(targets), have->n,
			 pmx_reader_name(drugs), want->n);
	names_free(have);
	names_free(want);
	return genes;
}

struct names *signature_sets_read(const struct cli *c, const struct signature_source *o, struct signature_set **targets, struct signature_set **drugs)
{
	const unsigned kind = CLI_KIND(PMX_SIGNATURES);
	if (!o->reference)
		cli_misuse("--reference FILE is needed: the signatures of the drugs");
	struct pmx_reader *drug_in = cli_open_kind(c, o->reference, kind);
	struct pmx_reader *target_in = o->mirrored && !c->n_args ? cli_open_kind(c, o->reference, kind) : cli_input(c);
	struct names *genes = o->genes ? names_copy(o->genes) : shared_genes(c, target_in, drug_in);
	const char *model = o->model ? o->model : "both";
	uint32_t *target_column = signature_columns(genes, pmx_reader_schema(target_in), pmx_reader_name(target_in), model);
	uint32_t *drug_column = signature_columns(genes, pmx_reader_schema(drug_in), pmx_reader_name(drug_in), model);
	*targets = signature_set_read(c, target_in, o->layer, target_column, genes->n, o->mirrored, o->with_values);
	*drugs = signature_set_read(c, drug_in, NULL, drug_column, genes->n, true, o->with_values);
	mem_free(target_column);
	mem_free(drug_column);
	pmx_close(target_in);
	pmx_close(drug_in);
	return genes;
}
