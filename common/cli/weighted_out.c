#include "cli/weighted_out.h"
#include "cli/gene_names.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/lines.h"
#include "stats/adjust.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LOG2FC, BETA, SE, LOG10_P, LOG10_P_ADJ, N_LAYERS };
static const char *const layer_name[N_LAYERS] = { "log2fc", "beta", "se", "log10_p", "log10_p_adj" };
enum { NO_REASON, TOO_FEW_CELLS, TOO_FEW_CONTROLS, NO_WEIGHT, N_REASONS };
static const char *const reason_name[N_REASONS] = { NULL, "too_few_cells", "too_few_controls", "no_weight" };
static const char *const method_name[] = { NULL, "standard", "weighted" };

struct weighted_out {
	const struct cli *c;
	const struct screen *s;
	struct names *genes;
	struct cli_text *text;
	struct pmx_writer *out;
	struct pmx_filler *fill;
	size_t name, target, split, method, n_target, n_control, n_tested, reason, layer[N_LAYERS];
	double *values;
	uint64_t n_rows, n_fitted, not_fitted[N_REASONS], odd[WDE_N_REASONS];
};

static size_t add(struct pmx_schema *s, const char *name, enum pmx_type type, const struct names *values)
{
	struct pmx_field *f = pmx_add_obs(s, name, type);
	if (values) {
		names_free(f->values);
		f->values = names_copy(values);
	}
	return s->n_fields - 1;
}

static struct pmx_schema *describe(struct weighted_out *w)
{
	const struct pmx_schema *cells = w->s->s;
	struct pmx_schema *s = pmx_schema_new(PMX_CONTRASTS, cells->n_columns);
	w->name = add(s, "contrast", PMX_TEXT, NULL);
	w->target = add(s, "target", PMX_CATEGORY, cells->field[w->s->pert].values);
	w->split = add(s, "split", PMX_CATEGORY, w->s->split == PMX_NO_FIELD ? NULL : cells->field[w->s->split].values);
	w->method = add(s, "method", PMX_CATEGORY, NULL);
	w->n_target = add(s, "n_target", PMX_I64, NULL);
	w->n_control = add(s, "n_control", PMX_I64, NULL);
	w->n_tested = add(s, "n_tested", PMX_I64, NULL);
	w->reason = add(s, "reason", PMX_CATEGORY, NULL);
	if (w->s->split == PMX_NO_FIELD)
		names_add(s->field[w->split].values, "all", NULL);
	for (int i = WDE_STANDARD; i <= WDE_WEIGHTED; i++)
		names_add(s->field[w->method].values, method_name[i], NULL);
	for (int i = 1; i < N_REASONS; i++)
		names_add(s->field[w->reason].values, reason_name[i], NULL);
	for (int k = 0; k < N_LAYERS; k++) {
		pmx_add_layer(s, layer_name[k], PMX_F64, PMX_DENSE);
		w->layer[k] = s->n_fields - 1;
	}
	pmx_set_column_names(s, "gene", w->genes);
	s->row_names = mem_text("contrast");
	json_decref(s->provenance);
	s->provenance = json_deep_copy(cells->provenance);
	return s;
}

struct weighted_out *weighted_out_open(const struct cli *c, const struct screen *s, bool tsv)
{
	struct weighted_out *w = mem_zero(1, sizeof *w);
	w->c = c;
	w->s = s;
	w->genes = gene_names_unique(s->s);
	w->values = mem_array(s->s->n_columns, sizeof *w->values);
	if (tsv) {
		w->text = cli_text_new(c);
		cli_text_put(w->text, "target\tsplit\tgene\tlog2fc\tbeta\tse\tlog10_p\tlog10_p_adj\tdispersion\ttrend\tmethod\treason\n");
		return w;
	}
	struct pmx_schema *described = describe(w);
	w->out = cli_output(c, described, s->original);
	w->fill = pmx_filler_new(w->out, c->block_rows);
	pmx_schema_free(described);
	return w;
}

uint32_t weighted_out_gene(const struct weighted_out *w, const char *name)
{
	uint32_t gene = name ? names_find(w->genes, name) : NAMES_NONE;
	return gene == NAMES_NONE ? UINT32_MAX : gene;
}

/* A gene and the smallest p that it has in some split. */
struct gene_order {
	double p;
	uint32_t gene;
};

static int by_p(const void *pa, const void *pb)
{
	const struct gene_order *a = pa, *b = pb;
	return a->p < b->p ? -1 : a->p > b->p ? 1 : a->gene < b->gene ? -1 : a->gene > b->gene;
}

static void put_table(struct weighted_out *w, const struct weighted_row *row, const struct weighted_de_result *r, const double *adjusted)
{
	struct gene_order *order = mem_array(r->n_genes, sizeof *order);
	size_t n = 0;
	for (uint32_t g = 0; g < r->n_genes; g++) {
		if (r->method[g] == WDE_UNTESTED)
			continue;
		order[n] = (struct gene_order){ INFINITY, g };
		for (size_t k = 0; k < r->n_runs; k++)
			order[n].p = fmin(order[n].p, r->log_p[g * r->n_runs + k]);
		n++;
	}
	qsort(order, n, sizeof *order, by_p);
	const char *target = w->s->s->field[w->s->pert].values->at[row->target];
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < r->n_runs; k++) {
			uint32_t g = order[i].gene;
			size_t at = g * r->n_runs + k;
			const double value[] = { r->log2fc[at], r->beta[at], r->se[at], r->log_p[at] / M_LN10, adjusted[at] / M_LN10, r->dispersion[g],
						 r->trend[g] };
			cli_text_print(w->text, "%s\t%s\t%s", target, screen_split_name(w->s, row->split_of_run[k]), w->genes->at[g]);
			for (size_t v = 0; v < sizeof value / sizeof *value; v++) {
				cli_text_put(w->text, "\t");
				if (v == N_LAYERS + 1 && isnan(value[v]))
					cli_text_put(w->text, "NA");    /* nothing was smoothed */
				else
					cli_text_f64(w->text, value[v]);
			}
			cli_text_print(w->text, "\t%s\t%s\n", method_name[r->method[g]],
				       r->reason[g] == WDE_FITTED ? "NA" : weighted_de_reason_name[r->reason[g]]);
		}
	mem_free(order);
}

/* The row of one split; run < 0 where it was not fitted. */
static void put_row(struct weighted_out *w, const struct weighted_row *row, size_t split, int64_t run, int reason, const struct weighted_de_result *r,
		    const double *adjusted)
{
	struct err e = { 0 };
	bool one = w->s->split == PMX_NO_FIELD;
	const char *target = w->s->s->field[w->s->pert].values->at[row->target];
	char *name = one ? mem_text(target) : mem_print("%s|%s", target, screen_split_name(w->s, split));
	pmx_fill_text(w->fill, w->name, name);
	mem_free(name);
	pmx_fill_code(w->fill, w->target, row->target);
	pmx_fill_code(w->fill, w->split, (uint32_t)split);
	pmx_fill_code(w->fill, w->method, run < 0 ? PMX_MISSING_CODE : row->scored ? WDE_WEIGHTED - 1 : WDE_STANDARD - 1);
	pmx_fill_i64(w->fill, w->n_target, (int64_t)row->n_target[split]);
	pmx_fill_i64(w->fill, w->n_control, (int64_t)row->n_control[split]);
	pmx_fill_i64(w->fill, w->n_tested, run < 0 ? 0 : (int64_t)r->n_tested);
	pmx_fill_code(w->fill, w->reason, reason == NO_REASON ? PMX_MISSING_CODE : (uint32_t)reason - 1);
	const double *source[N_LAYERS] = { 0 };
	if (run >= 0)
		memcpy(source, (const double *[]){ r->log2fc, r->beta, r->se, r->log_p, adjusted }, sizeof source);
	for (int k = 0; k < N_LAYERS; k++) {
		for (size_t g = 0; g < w->genes->n; g++)
			w->values[g] = run < 0 ? NAN : source[k][g * r->n_runs + (size_t)run] / (k < LOG10_P ? 1 : M_LN10);
		pmx_fill_row(w->fill, w->layer[k], w->values);
	}
	if (pmx_fill_end_row(w->fill, &e))
		cli_fail(&e);
}

void weighted_out_put(struct weighted_out *w, const struct weighted_row *row, struct weighted_de_result *r)
{
	double *adjusted = r ? mem_array(r->n_genes * r->n_runs, sizeof *adjusted) : NULL;
	for (size_t k = 0; k < row->n_runs; k++)
		adjust_bh_log(r->log_p + k, adjusted + k, r->n_genes, r->n_runs);
	for (size_t g = 0; r && g < r->n_genes; g++)
		w->odd[r->reason[g]] += r->method[g] != WDE_UNTESTED;
	size_t run = 0;
	for (size_t split = 0; split < screen_splits(w->s); split++) {
		bool fitted = run < row->n_runs && row->split_of_run[run] == split;
		int reason = fitted ? NO_REASON : row->n_target[split] < 2 ? TOO_FEW_CELLS : row->n_control[split] < 2 ? TOO_FEW_CONTROLS : NO_WEIGHT;
		w->n_rows++;
		w->n_fitted += fitted;
		w->not_fitted[reason]++;
		if (w->out)
			put_row(w, row, split, fitted ? (int64_t)run : -1, reason, r, adjusted);
		run += fitted;
	}
	if (w->text && r)
		put_table(w, row, r, adjusted);
	mem_free(adjusted);
}

void weighted_out_close(struct weighted_out *w, const struct pmx_reader *in)
{
	struct err e = { 0 };
	for (int i = 1; i < N_REASONS; i++)
		if (w->not_fitted[i])
			cli_note(w->c, "%llu of %llu targets and splits were not fitted: %s", (unsigned long long)w->not_fitted[i],
				 (unsigned long long)w->n_rows, reason_name[i]);
	for (int i = 1; i < WDE_N_REASONS; i++)
		if (w->odd[i])
			cli_note(w->c, "%llu of %llu fits: %s", (unsigned long long)w->odd[i],
				 (unsigned long long)(w->odd[0] + w->odd[1] + w->odd[2] + w->odd[3] + w->odd[4]), weighted_de_reason_name[i]);
	if (!w->n_fitted && !cli_shard(in))
		cli_die("no target could be fitted: none has two cells, one of them with a weight, beside two controls in a split");
	if (w->text)
		cli_text_close(w->text);
	else if (pmx_filler_close(w->fill, &e))
		cli_fail(&e);
	else
		cli_finish(w->out, in);
	names_free(w->genes);
	mem_free(w->values);
	mem_free(w);
}

struct given_line {
	char *target;
	uint32_t gene;
	double dispersion, trend;
};

struct weighted_given {
	struct given_line *line;
	size_t n, cap, n_genes;
	double *dispersion, *trend;
};

static double number(const char *text, const char *path, const struct lines *l)
{
	double v = NAN;
	if (!text_missing(text) && !(text_f64(text, &v) && v >= 0 && isfinite(v)))
		cli_die("%s, line %llu: '%.40s' is no dispersion: a number of at least 0, or NA", path, (unsigned long long)lines_number(l), text);
	return v;
}

struct weighted_given *weighted_given_read(const char *path, const struct pmx_schema *s)
{
	if (!path)
		return NULL;
	struct err e = { 0 };
	struct weighted_given *g = mem_zero(1, sizeof *g);
	struct names *genes = gene_names_unique(s);
	g->n_genes = genes->n;
	g->dispersion = mem_array(genes->n, sizeof *g->dispersion);
	g->trend = mem_array(genes->n, sizeof *g->trend);
	struct lines *in = lines_open(path, &e);
	char *line, *field[4];
	size_t length;
	while (in && lines_next(in, &line, &length, &e) > 0) {
		size_t n = text_split(line, '\t', field, 4);
		if (lines_number(in) == 1 || !length)
			continue;
		if (n < 3)
			cli_die("%s, line %llu: target, gene, dispersion and trend are wanted, with tabs between", path,
				(unsigned long long)lines_number(in));
		uint32_t gene = names_find(genes, field[1]);
		if (gene == NAMES_NONE)
			continue;
		mem_room(&g->line, &g->cap, g->n + 1, sizeof *g->line);
		g->line[g->n++] = (struct given_line){ mem_text(field[0]), gene, number(field[2], path, in), n > 3 ? number(field[3], path, in) : NAN };
	}
	if (e.set)
		cli_fail(&e);
	lines_close(in);
	names_free(genes);
	if (!g->n)
		cli_die("%s has no gene of this stream", path);
	return g;
}

struct weighted_de_given weighted_given_of(struct weighted_given *g, const char *target)
{
	if (!g)
		return (struct weighted_de_given){ 0 };
	for (size_t i = 0; i < g->n_genes; i++)
		g->dispersion[i] = g->trend[i] = NAN;
	for (size_t i = 0; i < g->n; i++)
		if (!strcmp(g->line[i].target, target)) {
			g->dispersion[g->line[i].gene] = g->line[i].dispersion;
			g->trend[g->line[i].gene] = g->line[i].trend;
		}
	return (struct weighted_de_given){ g->dispersion, g->trend };
}

void weighted_given_free(struct weighted_given *g)
{
	for (size_t i = 0; g && i < g->n; i++)
		mem_free(g->line[i].target);
	if (!g)
		return;
	mem_free(g->line);
	mem_free(g->dispersion);
	mem_free(g->trend);
	mem_free(g);
}
