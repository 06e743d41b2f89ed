#include "cli/contrasts.h"
#include "cli/gene_names.h"
#include "base/mem.h"
#include "base/text.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LOGFC, PCT_TARGET, PCT_CONTROL, STATISTIC, LOG10_P, LOG10_P_ADJ, MARKER_RANK, N_LAYERS };
static const char *const layer_name[N_LAYERS] = { "logfc", "pct_target", "pct_control", "statistic", "log10_p", "log10_p_adj", "marker_rank" };

struct contrast_writer {
	const struct cli *cli;
	const struct contrast_options *o;
	const struct pmx_schema *cells;
	struct contrast_rows rows;
	struct cli_text *text;
	struct pmx_writer *out;
	struct pmx_filler *fill;
	size_t name, target, split, guide, n_target, n_control, n_markers, reason, layer[N_LAYERS];
	double *values;
	uint32_t *rank;
	uint64_t count[MARKERS_N_REASONS];
};

static size_t add_labels(struct pmx_schema *s, const char *name, const struct pmx_field *from)
{
	struct pmx_field *f = pmx_add_obs(s, name, PMX_CATEGORY);
	names_free(f->values);
	f->values = names_copy(from->values);
	return s->n_fields - 1;
}

static size_t add(struct pmx_schema *s, const char *name, enum pmx_type type)
{
	pmx_add_obs(s, name, type);
	return s->n_fields - 1;
}

static struct pmx_schema *describe(struct contrast_writer *w, const struct pmx_schema *cells)
{
	struct pmx_schema *s = pmx_schema_new(PMX_CONTRASTS, cells->n_columns);
	w->name = add(s, "contrast", PMX_TEXT);
	w->target = add_labels(s, "target", w->rows.target);
	if (w->rows.split)
		w->split = add_labels(s, "split", w->rows.split);
	if (w->rows.guide)
		w->guide = add_labels(s, "guide", w->rows.guide);
	w->n_target = add(s, "n_target", PMX_I64);
	w->n_control = add(s, "n_control", PMX_I64);
	w->n_markers = add(s, "n_markers", PMX_I64);
	w->reason = add(s, "reason", PMX_CATEGORY);
	for (int i = 1; i < MARKERS_N_REASONS; i++)
		names_add(s->field[w->reason].values, markers_reason_name[i], NULL);
	for (int k = 0; k < N_LAYERS; k++) {
		pmx_add_layer(s, layer_name[k], k == MARKER_RANK ? PMX_U32 : PMX_F64, k == MARKER_RANK ? PMX_SPARSE : PMX_DENSE);
		w->layer[k] = s->n_fields - 1;
	}
	struct names *genes = gene_names_unique(cells);
	pmx_set_column_names(s, "gene", genes);
	names_free(genes);
	s->row_names = mem_text("contrast");
	json_decref(s->provenance);
	s->provenance = json_deep_copy(cells->provenance);
	return s;
}

struct contrast_writer *contrasts_open(const struct cli *c, const struct contrast_options *o, const struct pmx_schema *cells,
				       const struct contrast_rows *rows, const struct pmx_reader *in, json_t *notes)
{
	struct contrast_writer *w = mem_zero(1, sizeof *w);
	w->cli = c;
	w->o = o;
	w->cells = cells;
	w->rows = *rows;
	w->values = mem_array(cells->n_columns, sizeof *w->values);
	w->rank = mem_zero(cells->n_columns, sizeof *w->rank);
	if (o->tsv) {
		w->text = cli_text_new(c);
		cli_text_put(w->text, "target\tsplit\tguide\tgene\tlogfc\tpct_target\tpct_control\tstatistic\tpval\tpval_adj\tmarker_rank\n");
		json_decref(notes);
		return w;
	}
	struct pmx_schema *s = describe(w, cells);
	s->notes = notes;
	w->out = cli_output(c, s, in);
	w->fill = pmx_filler_new(w->out, c->block_rows);
	pmx_schema_free(s);
	return w;
}

static const char *label(const struct pmx_field *f, uint32_t code)
{
	return !f ? "all" : code == PMX_MISSING_CODE ? "NA" : f->values->at[code];
}

static void put_line(struct contrast_writer *w, const char *head, const struct markers_contrast *m, uint32_t g)
{
	const double value[] = { m->logfc[g], m->pct_target[g], m->pct_reference[g], m->statistic[g], exp(m->log_p[g]), exp(m->log_p_adj[g]) };
	cli_text_put(w->text, head);
	cli_text_put(w->text, pmx_column_name(w->cells, g));
	for (int i = 0; i < 6; i++) {
		cli_text_put(w->text, "\t");
		cli_text_f64(w->text, value[i]);
	}
	cli_text_print(w->text, "\t%u\n", w->rank[g]);
}

static void put_text(struct contrast_writer *w, uint32_t target, uint32_t split, uint32_t guide, const struct markers_contrast *m)
{
	char *head = mem_print("%s\t%s\t%s\t", label(w->rows.target, target), label(w->rows.split, split), label(w->rows.guide, guide));
	for (size_t i = 0; i < m->n_tested; i++)
		put_line(w, head, m, m->order[i]);
	for (uint32_t g = 0; w->o->all_genes && g < m->n_genes; g++)
		if (isnan(m->log_p[g]) && isnan(m->statistic[g]))
			put_line(w, head, m, g);
	mem_free(head);
}

static void put_row(struct contrast_writer *w, uint32_t target, uint32_t split, uint32_t guide, const struct markers_contrast *m)
{
	struct err e = { 0 };
	char *name = mem_print("%s%s%s%s%s", label(w->rows.target, target), w->rows.split ? "|" : "", w->rows.split ? label(w->rows.split, split) : "",
			       w->rows.guide ? "|" : "", w->rows.guide ? label(w->rows.guide, guide) : "");
	pmx_fill_text(w->fill, w->name, name);
	mem_free(name);
	pmx_fill_code(w->fill, w->target, target);
	if (w->rows.split)
		pmx_fill_code(w->fill, w->split, split);
	if (w->rows.guide)
		pmx_fill_code(w->fill, w->guide, guide);
	pmx_fill_i64(w->fill, w->n_target, (int64_t)m->n_target);
	pmx_fill_i64(w->fill, w->n_control, (int64_t)m->n_reference);
	pmx_fill_i64(w->fill, w->n_markers, (int64_t)m->n_markers);
	pmx_fill_code(w->fill, w->reason, m->reason == MARKERS_DONE ? PMX_MISSING_CODE : (uint32_t)m->reason - 1);
	const double *source[] = { m->logfc, m->pct_target, m->pct_reference, m->statistic, m->log_p, m->log_p_adj };
	for (int k = 0; k < MARKER_RANK; k++) {
		for (size_t g = 0; g < m->n_genes; g++)
			w->values[g] = k < LOG10_P ? source[k][g] : source[k][g] / M_LN10;
		pmx_fill_row(w->fill, w->layer[k], w->values);
	}
	uint32_t *gene = mem_array(m->n_markers, sizeof *gene), *rank = mem_array(m->n_markers, sizeof *rank);
	size_t n = 0;
	for (uint32_t g = 0; g < m->n_genes; g++)
		if (w->rank[g]) {
			gene[n] = g;
			rank[n++] = w->rank[g];
		}
	pmx_fill_sparse(w->fill, w->layer[MARKER_RANK], gene, rank, n);
	mem_free(gene);
	mem_free(rank);
	if (pmx_fill_end_row(w->fill, &e))
		cli_fail(&e);
}

void contrasts_put(struct contrast_writer *w, uint32_t target, uint32_t split, uint32_t guide, const struct markers_contrast *m)
{
	w->count[m->reason]++;
	for (size_t i = 0; i < m->n_markers; i++)
		w->rank[m->marker[i]] = (uint32_t)i + 1;
	if (w->text)
		put_text(w, target, split, guide, m);
	else
		put_row(w, target, split, guide, m);
	for (size_t i = 0; i < m->n_markers; i++)
		w->rank[m->marker[i]] = 0;
}

/* What was not tested is said; nothing tested at all is a failure. */
static void report(const struct contrast_writer *w, const struct pmx_reader *in)
{
	char text[160] = "";
	uint64_t all = w->count[MARKERS_DONE];
	for (int i = 1; i < MARKERS_N_REASONS; i++) {
		size_t n = strlen(text);
		if (w->count[i])
			snprintf(text + n, sizeof text - n, "%s%s %" PRIu64, n ? ", " : "", markers_reason_name[i], w->count[i]);
		all += w->count[i];
	}
	if (all && !w->count[MARKERS_DONE] && !cli_shard(in))
		cli_die("none of the %" PRIu64 " contrasts could be tested: %s", all, text);
	if (*text)
		cli_note(w->cli, "%" PRIu64 " of %" PRIu64 " contrasts not tested: %s", all - w->count[MARKERS_DONE], all, text);
}

void contrasts_close(struct contrast_writer *w, const struct pmx_reader *in)
{
	struct err e = { 0 };
	report(w, in);
	if (w->text) {
		cli_text_close(w->text);
	} else {
		if (pmx_filler_close(w->fill, &e))
			cli_fail(&e);
		cli_finish(w->out, in);
	}
	mem_free(w->values);
	mem_free(w->rank);
	mem_free(w);
}
