#include "cli/signature_set.h"
#include "base/mem.h"
#include "base/text.h"
#include "connect/profiles.h"
#include "formats/reference.h"
#include "stream/dense.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

size_t signature_set_layer(const struct pmx_schema *s, const char *layer, const char *stream)
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

void signature_lists(const struct pmx_schema *s, struct pmx_block *b, double *value, size_t d)
{
	struct err e = { 0 };
	size_t field = pmx_find(s, PMX_OBS, "form");
	const struct pmx_column *form = field == PMX_NO_FIELD ? NULL : pmx_block_column(b, s, field, &e);
	if (e.set)
		cli_fail(&e);
	for (size_t r = 0; form && r < b->n_rows; r++) {
		char number[TEXT_F64];
		bool list = !pmx_column_is_missing(form, r) && !strcmp(pmx_column_text(&s->field[field], form, r, number, sizeof number), "list");
		for (size_t j = 0; j < d && list; j++)
			if (isnan(value[r * d + j]))
				value[r * d + j] = 0;
	}
}

/* n rows more, of d values each. */
static void add_rows(struct signature_set *set, const double *value, size_t n, bool negated, bool with_values)
{
	size_t d = set->d, all = set->n + n;
	set->row = mem_resize(set->row, all * d, sizeof *set->row);
	set->reason = mem_resize(set->reason, all, sizeof *set->reason);
	for (size_t r = 0; r < n; r++) {
		set->reason[set->n + r] = (uint8_t)embedding_row(value + r * d, d, negated, set->row + (set->n + r) * d);
		set->n_embedded += set->reason[set->n + r] == EMBEDDING_DONE;
	}
	if (with_values) {
		set->value = mem_resize(set->value, all * d, sizeof *set->value);
		memcpy(set->value + set->n * d, value, n * d * sizeof *value);
	}
	set->n = all;
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
	set->origin = pmx_header_sum(in);
	set->d = d;
	set->name = names_new();
	struct {
		const char *name;
		struct row_labels *to;
	} labels[] = { { "compound", &set->compound }, { "cell_line", &set->cell_line }, { "moa", &set->moa }, { "target", &set->target } };
	struct pmx_dense *dense = pmx_dense_new(in, c->threads);
	int handle = pmx_dense_layer(dense, signature_set_layer(s, layer, set->stream), column, d, &e);
	if (handle < 0)
		cli_fail(&e);
	int got;
	for (struct pmx_block *b; (got = pmx_dense_next(dense, &b, &e)) > 0; pmx_block_free(b)) {
		double *value = mem_array(b->n_rows * d, sizeof *value);
		add_names(set, s, b);
		for (size_t k = 0; k < sizeof labels / sizeof *labels; k++)
			add_labels(labels[k].to, s, b, pmx_find(s, PMX_OBS, labels[k].name), set->n);
		if (pmx_dense_rows(dense, handle, b, 0, b->n_rows, value, &e))
			cli_fail(&e);
		signature_lists(s, b, value, d);
		add_rows(set, value, b->n_rows, negated, with_values);
		mem_free(value);
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

/* Places of the genes among n names; what lacks some is refused by their names. */
static uint32_t *place_genes(const struct names *genes, char *const *have, size_t n, const char *stream, const char *model)
{
	struct names *lacking = names_new();
	uint32_t *at = mem_array(genes->n, sizeof *at);
	for (size_t j = 0; j < genes->n; j++)
		at[j] = UINT32_MAX;
	for (size_t i = 0; i < n; i++) {
		uint32_t g = names_find(genes, have[i]);
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

uint32_t *signature_columns(const struct names *genes, const struct pmx_schema *s, const char *stream, const char *model)
{
	char **have = mem_array(s->n_columns, sizeof *have);
	for (size_t j = 0; j < s->n_columns; j++)
		have[j] = mem_text(pmx_column_name(s, j));
	uint32_t *at = place_genes(genes, have, s->n_columns, stream, model);
	for (size_t j = 0; j < s->n_columns; j++)
		mem_free(have[j]);
	mem_free(have);
	return at;
}

/* The drugs: a reference file, or a stream of signatures. */
struct drugs {
	struct reference *file;
	struct pmx_reader *in;
	const char *name;
	struct names *genes;
};

static void open_drugs(const struct cli *c, const char *path, struct drugs *d)
{
	struct err e = { 0 };
	char mark[PMX_MAGIC_SIZE];
	struct file_in *file = cli_file(path);
	int64_t got = file_peek(file, mark, sizeof mark, &e);
	if (got < 0)
		cli_fail(&e);
	if (got == PMX_MAGIC_SIZE && !memcmp(mark, pmx_magic, PMX_MAGIC_SIZE)) {
		d->in = cli_reader(c, file, CLI_KIND(PMX_SIGNATURES));
		d->name = pmx_reader_name(d->in);
		d->genes = pmx_column_names(pmx_reader_schema(d->in));
		return;
	}
	file_close(file);
	if (!(d->file = reference_open(path, &e)))
		cli_fail(&e);
	d->name = d->file->name;
	d->genes = names_new();
	for (size_t g = 0; g < d->file->n_genes; g++)
		names_add(d->genes, d->file->gene[g], NULL);
}

uint32_t *signature_reference_genes(const struct names *genes, const struct reference *r, const char *model)
{
	return place_genes(genes, r->gene, r->n_genes, r->name, model);
}

static uint32_t *place_in(const struct drugs *d, const struct names *genes, const char *model)
{
	return d->in ? signature_columns(genes, pmx_reader_schema(d->in), d->name, model)
		: signature_reference_genes(genes, d->file, model);
}

static void close_drugs(struct drugs *d)
{
	if (d->in)
		pmx_close(d->in);
	reference_free(d->file);
	names_free(d->genes);
}

double *signature_reference_values(const struct reference *r, size_t slab, const uint32_t *gene, size_t d)
{
	const struct reference_slab *from = &r->slab[slab];
	size_t n = (size_t)from->n;
	struct profiles p = { .value_size = r->value_size };
	struct profile_slab s = { .n = n, .width = (size_t)from->width, .at = r->map + from->offset };
	double *value = mem_array(n * d, sizeof *value);
	for (size_t j = 0; j < d; j++) {
		const uint8_t *run = profile_run(&p, &s, gene[j], 0).value;
		for (size_t i = 0; i < n; i++) {
			float small;
			if (r->value_size == 8) {
				memcpy(&value[i * d + j], run + 8 * i, sizeof *value);
			} else {
				memcpy(&small, run + 4 * i, sizeof small);
				value[i * d + j] = (double)small;
			}
		}
	}
	return value;
}

static void reference_labels(struct row_labels *l, const struct reference *r, enum reference_field f)
{
	l->values = names_new();
	l->code = mem_array(r->n, sizeof *l->code);
	for (size_t i = 0; i < r->n; i++) {
		const char *text = reference_text(r, f, i);
		l->code[i] = text ? names_add(l->values, text, NULL) : UINT32_MAX;
	}
}

static struct signature_set *read_reference(const struct cli *c, const struct reference *r, const uint32_t *gene, size_t d, bool negated,
					    bool with_values)
{
	struct signature_set *set = mem_zero(1, sizeof *set);
	set->stream = mem_text(r->name);
	set->origin = r->digest;
	set->d = d;
	set->name = names_new();
	for (size_t i = 0; i < r->n; i++)
		names_add(set->name, r->id[i], NULL);
	if (set->name->n != r->n)
		cli_die("%s: two signatures have one name", set->stream);
	reference_labels(&set->compound, r, REFERENCE_COMPOUND);
	reference_labels(&set->cell_line, r, REFERENCE_CELL_LINE);
	reference_labels(&set->moa, r, REFERENCE_MOA);
	reference_labels(&set->target, r, REFERENCE_TARGET);
	for (size_t k = 0; k < r->n_slabs; k++) {
		double *value = signature_reference_values(r, k, gene, d);
		add_rows(set, value, (size_t)r->slab[k].n, negated, with_values);
		mem_free(value);
	}
	report(c, set);
	return set;
}

static struct names *shared_genes(const struct cli *c, const struct pmx_reader *targets, const struct drugs *drugs)
{
	struct names *have = pmx_column_names(pmx_reader_schema(targets)), *want = drugs->genes, *genes = names_new();
	for (size_t j = 0; j < want->n; j++)
		if (names_find(have, want->at[j]) != NAMES_NONE)
			names_add(genes, want->at[j], NULL);
	if (genes->n < 2) {
		char a[200], b[200];
		names_list(have, a, sizeof a);
		names_list(want, b, sizeof b);
		cli_die("%s and %s have no two genes in common: %s; and %s", pmx_reader_name(targets), drugs->name, a, b);
	}
	if (genes->n < want->n || genes->n < have->n)
		cli_note(c, "%zu genes are in both %s (%zu) and %s (%zu); the model is of these", genes->n, pmx_reader_name(targets), have->n,
			 drugs->name, want->n);
	names_free(have);
	return genes;
}

/* Targets that are the reference's own signatures, turned round. */
static struct signature_set *mirror(const struct cli *c, const struct signature_request *o, const struct names *genes, const char *model)
{
	struct drugs again = { NULL, NULL, NULL, NULL };
	open_drugs(c, o->reference, &again);
	uint32_t *place = place_in(&again, genes, model);
	struct signature_set *set = again.in ? signature_set_read(c, again.in, o->layer, place, genes->n, true, o->with_values)
		: read_reference(c, again.file, place, genes->n, true, o->with_values);
	mem_free(place);
	close_drugs(&again);
	return set;
}

struct names *signature_sets_read(const struct cli *c, const struct signature_request *o, struct signature_set **targets, struct signature_set **drugs)
{
	if (!o->reference)
		cli_misuse("--reference FILE is needed: the signatures of the drugs");
	struct drugs d = { NULL, NULL, NULL, NULL };
	struct pmx_reader *in = o->mirrored && !c->n_args ? NULL : cli_input(c);
	open_drugs(c, o->reference, &d);
	struct names *genes = names_copy(o->genes ? o->genes : d.genes);
	if (!o->genes && in) {
		names_free(genes);
		genes = shared_genes(c, in, &d);
	}
	const char *model = o->model ? o->model : "both";
	if (in) {
		uint32_t *column = signature_columns(genes, pmx_reader_schema(in), pmx_reader_name(in), model);
		*targets = signature_set_read(c, in, o->layer, column, genes->n, o->mirrored, o->with_values);
		mem_free(column);
		pmx_close(in);
	} else {
		*targets = mirror(c, o, genes, model);
	}
	/* Rows were turned round on the way; the values, for scores, are the states'. */
	for (size_t i = 0; o->mirrored && o->with_values && i < (*targets)->n * genes->n; i++)
		(*targets)->value[i] = -(*targets)->value[i];
	uint32_t *place = place_in(&d, genes, model);
	*drugs = d.in ? signature_set_read(c, d.in, NULL, place, genes->n, true, o->with_values)
		: read_reference(c, d.file, place, genes->n, true, o->with_values);
	mem_free(place);
	close_drugs(&d);
	return genes;
}
