#include "cli/gene_lists.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/list.h"
#include "formats/sets.h"
#include "stream/layer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT32_MAX

static struct gene_lists *lists_new(void)
{
	struct gene_lists *l = mem_zero(1, sizeof *l);
	l->genes = names_new();
	return l;
}

void gene_lists_free(struct gene_lists *l)
{
	for (size_t i = 0; i < l->n; i++) {
		mem_free(l->at[i].target);
		mem_free(l->at[i].gene);
		mem_free(l->at[i].all);
	}
	mem_free(l->at);
	mem_free(l->background);
	names_free(l->genes);
	mem_free(l);
}

/* The caller fills in the genes. */
static struct gene_list *add_list(struct gene_lists *l, const char *target, const char *direction, size_t room)
{
	mem_room(&l->at, &l->cap, l->n + 1, sizeof *l->at);
	l->at[l->n] = (struct gene_list){ .target = mem_text(target), .direction = direction, .gene = mem_array(room, sizeof(uint32_t)) };
	return &l->at[l->n++];
}

/* The names as the file has them, for the caller to free. */
static struct names *take_background(struct gene_lists *l, const struct gene_lists_options *o)
{
	struct err e = { 0 };
	char *argument = mem_print("@%s", o->background_file);
	struct names *list = list_read(argument, false, &e), *seen = names_new();
	mem_free(argument);
	if (!list)
		cli_fail(&e);
	l->background = mem_array(list->n, sizeof *l->background);
	for (uint32_t i = 0; i < list->n; i++) {
		const char *name = gene_ledger_spelling(o->ledger, list->at[i]);
		bool is_new;
		names_add(seen, name, &is_new);
		if (is_new)
			l->background[l->n_background++] = names_add(l->genes, name, NULL);
	}
	names_free(seen);
	return list;
}

/* What a table of genes makes of the names: against the background where a file gives it. */
static void report(const struct cli *c, const struct gene_lists_options *o, const struct names *name, const struct names *background)
{
	if (o->ledger)
		gene_alignment_free(gene_names_align(c, "genes of the lists", (const char *const *)name->at, name->n,
						     background ? (const char *const *)background->at : NULL, background ? background->n : 0, o->ledger));
}

struct gene_lists *gene_lists_read(const struct cli *c, const struct gene_lists_options *o, const char *path)
{
	struct err e = { 0 };
	struct gene_lists *l = lists_new();
	struct sets *s = sets_read(path, true, "list", o->ledger, &e);
	if (!s)
		cli_fail(&e);
	if (s->n_repeated)
		cli_note(c, "%s: %llu repetitions inside of a list count once", path, (unsigned long long)s->n_repeated);
	for (size_t i = 0; i < s->names->n; i++) {
		struct gene_list *list = add_list(l, s->names->at[i], "list", s->at[i].n);
		for (size_t k = 0; k < s->at[i].n; k++)
			list->gene[list->n++] = names_add(l->genes, s->members->at[s->at[i].member[k]], NULL);
	}
	struct names *background = o->background_file ? take_background(l, o) : NULL;
	report(c, o, s->spelt, background);
	names_free(background);
	sets_free(s);
	return l;
}

/* Where the columns, or genes of a table, stand among l->genes; NOWHERE for what names a gene again. */
static uint32_t *place(const struct cli *c, const struct gene_lists_options *o, struct gene_lists *l, const char *const *name, size_t n)
{
	uint32_t *here = mem_array(n, sizeof *here);
	struct gene_columns g = gene_columns_new(c, "genes of the input", name, n, o->ledger);
	for (size_t i = 0; i < n; i++)
		here[i] = NOWHERE;
	for (size_t k = 0; k < g.names->n; k++)
		here[g.from[k]] = names_add(l->genes, g.names->at[k], NULL);
	gene_columns_free(&g);
	return here;
}

struct ranked {
	double first, second;           /* ascending */
	uint32_t gene;
};

static int by_rank(const void *pa, const void *pb)
{
	const struct ranked *a = pa, *b = pb;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->second != b->second)
		return a->second < b->second ? -1 : 1;
	return (a->gene > b->gene) - (a->gene < b->gene);
}

/* The genes of one side: the first `top` (0: all) and those that tie with the last. */
static void add_side(struct gene_lists *l, const char *target, const char *direction, struct ranked *r, size_t n, size_t top)
{
	struct gene_list *list = add_list(l, target, direction, n);
	if (n)
		qsort(r, n, sizeof *r, by_rank);
	for (size_t i = 0; i < n && (!top || i < top || r[i].first == r[i - 1].first); i++)
		list->gene[list->n++] = r[i].gene;
}

/* One contrast: n genes that were tested. */
static void add_contrast(struct gene_lists *l, const struct gene_lists_options *o, const char *target, const uint32_t *gene, const double *logfc,
			 const double *log10_p_adj, size_t n)
{
	struct ranked *r = mem_array(n, sizeof *r);
	for (int down = 0; down < 2; down++) {
		size_t m = 0;
		if (o->direction == (down ? GENES_UP : GENES_DOWN))
			continue;
		for (size_t i = 0; i < n; i++) {
			double fc = down ? -logfc[i] : logfc[i];
			if (log10_p_adj[i] <= log10(o->p_cutoff) && fc > o->logfc_threshold)
				r[m++] = (struct ranked){ log10_p_adj[i], -fc, gene[i] };
		}
		add_side(l, target, down ? "down" : "up", r, m, 0);
		if (!l->background) {
			struct gene_list *list = &l->at[l->n - 1];
			list->all = mem_array(n, sizeof *list->all);
			memcpy(list->all, gene, n * sizeof *gene);
			list->n_all = n;
		}
	}
	mem_free(r);
}

static void add_signature(struct gene_lists *l, const struct gene_lists_options *o, const char *target, const struct sparse_rows *x, size_t row,
			  const uint32_t *here)
{
	size_t from = x->start[row], end = x->start[row + 1];
	struct ranked *r = mem_array(end - from, sizeof *r);
	for (int down = 0; down < 2; down++) {
		size_t m = 0;
		for (size_t i = from; i < end; i++)
			if (here[x->col[i]] != NOWHERE && (down ? x->value[i] < 0 : x->value[i] > 0))
				r[m++] = (struct ranked){ -fabs(x->value[i]), 0, here[x->col[i]] };
		if (m && o->direction != (down ? GENES_UP : GENES_DOWN))
			add_side(l, target, down ? "down" : "up", r, m, (size_t)o->top);
	}
	mem_free(r);
}

/* A dense layer's value of the genes of one row, NaN where it is missing. */
static void spread(const struct sparse_rows *x, size_t row, double *out)
{
	memset(out, 0, x->n_cols * sizeof *out);
	for (size_t i = x->start[row]; i < x->start[row + 1]; i++)
		out[x->col[i]] = x->value[i];
}

static size_t tested(const uint32_t *here, size_t n, uint32_t *gene, double *fc, double *p)
{
	size_t m = 0;
	for (size_t i = 0; i < n; i++) {
		if (isnan(p[i]) || isnan(fc[i]) || here[i] == NOWHERE)
			continue;
		gene[m] = here[i];
		fc[m] = fc[i];
		p[m++] = p[i];
	}
	return m;
}

static struct gene_lists *of_stream(const struct cli *c, const struct gene_lists_options *o, struct pmx_reader *in)
{
	struct err e = { 0 };
	struct gene_lists *l = lists_new();
	const struct pmx_schema *s = pmx_reader_schema(in);
	bool contrasts = s->kind == PMX_CONTRASTS;
	size_t n = s->n_columns, name = pmx_find(s, PMX_OBS, s->row_names), second = PMX_NO_FIELD;
	size_t first = pmx_find(s, PMX_LAYER, contrasts ? "logfc" : "weights");
	if (contrasts && first == PMX_NO_FIELD)
		first = pmx_find(s, PMX_LAYER, "log2fc");
	if (contrasts)
		second = pmx_need(s, PMX_LAYER, "log10_p_adj", &e);
	if (first == PMX_NO_FIELD && !e.set)
		first = pmx_need(s, PMX_LAYER, contrasts ? "logfc" : "weights", &e);
	if (e.set)
		cli_fail(&e);
	uint32_t *gene = mem_array(n, sizeof *gene);
	double *fc = mem_array(n, sizeof *fc), *p = mem_array(n, sizeof *p);
	const char **column = mem_array(n, sizeof *column);
	for (size_t i = 0; i < n; i++)
		column[i] = pmx_column_name(s, i);
	uint32_t *here = place(c, o, l, column, n);
	mem_free(column);
	if (o->background_file) {
		names_free(take_background(l, o));
	} else if (!contrasts) {
		l->background = mem_array(n, sizeof *here);
		for (size_t i = 0; i < n; i++)
			if (here[i] != NOWHERE)
				l->background[l->n_background++] = here[i];
	}
	struct sparse_rows x[2];
	sparse_rows_init(&x[0], n);
	sparse_rows_init(&x[1], n);
	for (struct pmx_block *b; (b = cli_next(in)); pmx_block_free(b)) {
		const struct pmx_column *target = pmx_block_column(b, s, name, &e);
		sparse_rows_clear(&x[0]);
		sparse_rows_clear(&x[1]);
		if (!target || pmx_layer_rows(b, s, first, 0, b->n_rows, &x[0], &e) ||
		    (contrasts && pmx_layer_rows(b, s, second, 0, b->n_rows, &x[1], &e)))
			cli_fail(&e);
		for (size_t r = 0; r < b->n_rows; r++) {
			const char *what = target->text[r] ? target->text[r] : "NA";
			if (!contrasts) {
				add_signature(l, o, what, &x[0], r, here);
				continue;
			}
			spread(&x[0], r, fc);
			spread(&x[1], r, p);
			add_contrast(l, o, what, gene, fc, p, tested(here, n, gene, fc, p));
		}
	}
	sparse_rows_free(&x[0]);
	sparse_rows_free(&x[1]);
	mem_free(here);
	mem_free(gene);
	mem_free(fc);
	mem_free(p);
	return l;
}

static size_t seek(const struct table *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (!strcmp(t->head[i], name))
			return i;
	return SIZE_MAX;
}

static size_t either(const struct table *t, const char *name, const char *other)
{
	size_t at = seek(t, name);
	return at == SIZE_MAX ? seek(t, other) : at;
}

static bool holds_contrasts(const struct table *t)
{
	return seek(t, "gene") != SIZE_MAX && seek(t, "target") != SIZE_MAX && either(t, "logfc", "log2fc") != SIZE_MAX &&
	       either(t, "pval_adj", "log10_p_adj") != SIZE_MAX;
}

static double number_at(const struct table *t, size_t row, size_t column)
{
	const char *text = t->field[row * t->n_columns + column];
	double v = NAN;
	if (!text_missing(text) && !text_f64(text, &v))
		cli_die("%s, line %llu: %s '%.60s' is no number", t->name, (unsigned long long)t->line[row], t->head[column], text);
	return v;
}

/* Target, and split and guide where the rows are not of all. */
static char *contrast_name(const struct table *t, size_t row)
{
	char *name = mem_text(t->field[row * t->n_columns + seek(t, "target")]);
	const char *part[] = { "split", "guide" };
	for (int i = 0; i < 2; i++) {
		size_t at = seek(t, part[i]);
		const char *text = at == SIZE_MAX ? "all" : t->field[row * t->n_columns + at];
		if (!strcmp(text, "all") || text_missing(text))
			continue;
		char *longer = mem_print("%s|%s", name, text);
		mem_free(name);
		name = longer;
	}
	return name;
}

static struct gene_lists *of_table(const struct cli *c, const struct gene_lists_options *o, const struct table *t)
{
	struct gene_lists *l = lists_new();
	struct names *contrasts = names_new(), *spelt = names_new();
	size_t fc_at = either(t, "logfc", "log2fc"), p_at = either(t, "pval_adj", "log10_p_adj"), gene_at = seek(t, "gene");
	bool log_scale = !strcmp(t->head[p_at], "log10_p_adj");
	uint32_t *of = mem_array(t->n_rows, sizeof *of), *gene = mem_array(t->n_rows, sizeof *gene);
	double *fc = mem_array(t->n_rows, sizeof *fc), *p = mem_array(t->n_rows, sizeof *p);
	if (o->background_file)
		names_free(take_background(l, o));
	for (size_t row = 0; row < t->n_rows; row++) {
		names_add(spelt, t->field[row * t->n_columns + gene_at], NULL);
		char *name = contrast_name(t, row);
		of[row] = names_add(contrasts, name, NULL);
		mem_free(name);
	}
	uint32_t *here = place(c, o, l, (const char *const *)spelt->at, spelt->n);
	for (uint32_t k = 0; k < contrasts->n; k++) {
		size_t n = 0;
		for (size_t row = 0; row < t->n_rows; row++) {
			if (of[row] != k)
				continue;
			fc[n] = number_at(t, row, fc_at);
			p[n] = number_at(t, row, p_at);
			p[n] = log_scale ? p[n] : log10(p[n]);
			gene[n] = here[names_find(spelt, t->field[row * t->n_columns + gene_at])];
			n += !isnan(fc[n]) && !isnan(p[n]) && gene[n] != NOWHERE;
		}
		add_contrast(l, o, contrasts->at[k], gene, fc, p, n);
	}
	names_free(contrasts);
	names_free(spelt);
	mem_free(here);
	mem_free(of);
	mem_free(gene);
	mem_free(fc);
	mem_free(p);
	return l;
}

struct gene_lists *gene_lists_of_input(const struct cli *c, const struct gene_lists_options *o, struct table **table)
{
	struct err e = { 0 };
	struct file_in *in = cli_file(c->n_args ? c->args[0] : "-");
	struct gene_lists *l = NULL;
	uint8_t magic[PMX_MAGIC_SIZE];
	int64_t got = file_peek(in, magic, sizeof magic, &e);
	if (got == sizeof magic && !memcmp(magic, pmx_magic, sizeof magic)) {
		struct pmx_reader *r = cli_reader(c, in, CLI_KIND(PMX_CONTRASTS) | CLI_KIND(PMX_SIGNATURES));
		l = of_stream(c, o, r);
		pmx_close(r);
		return l;
	}
	*table = got < 0 ? NULL : table_read_file(in, c->memory, &e);
	if (!*table)
		cli_fail(&e);
	if (holds_contrasts(*table)) {
		l = of_table(c, o, *table);
		table_free(*table);
	}
	return l;
}
