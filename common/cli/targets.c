#include "cli/targets.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct target_writer {
	const struct cli *c;
	const struct pmx_reader *in;
	struct pmx_writer *out;
	struct pmx_filler *fill;
	const struct names *reasons;
	size_t n_genes, name, form, n_case, n_control, n_samples, n_members, members, genes, reason, weights;
	const uint32_t *from;
	double *row;                    /* of the genes in their order */
	uint64_t *count, n_rows, n_scored;
};

static const char no_genes[] = "no_genes";

static size_t add(struct pmx_schema *s, const char *name, enum pmx_type type)
{
	pmx_add_obs(s, name, type);
	return s->n_fields - 1;
}

/* Takes s. */
static void start(struct target_writer *w, struct pmx_schema *s, const struct target_stream *o)
{
	struct err e = { 0 };
	if (o->cells) {
		json_decref(s->provenance);
		s->provenance = json_deep_copy(o->cells->provenance);
	}
	cli_provenance(w->c, s, o->in, o->source);
	if (o->gene_counts)
		json_object_set(json_array_get(s->provenance, json_array_size(s->provenance) - 1), "genes", o->gene_counts);
	if (o->file)
		cli_provenance_file(s, o->folder, o->name);
	w->out = o->file ? pmx_create(o->file, s, w->c->level, w->c->threads, &e) : cli_create(w->c, s);
	if (!w->out)
		cli_fail(&e);
	pmx_schema_free(s);
	w->fill = pmx_filler_new(w->out, w->c->block_rows);
	w->reasons = pmx_writer_schema(w->out)->field[w->reason].values;
	w->count = mem_zero(w->reasons->n, sizeof *w->count);
}

struct target_writer *targets_open(const struct cli *c, const struct target_stream *o)
{
	struct target_writer *w = mem_zero(1, sizeof *w);
	struct pmx_schema *s = pmx_schema_new(PMX_SIGNATURES, o->genes->n);
	w->c = c;
	w->in = o->in;
	w->n_genes = o->genes->n;
	w->from = o->from;
	w->row = mem_array(w->n_genes, sizeof *w->row);
	w->name = add(s, "target", PMX_TEXT);
	w->form = add(s, "form", PMX_CATEGORY);
	names_add(s->field[w->form].values, "dense", NULL);
	names_add(s->field[w->form].values, "list", NULL);
	w->n_case = add(s, "n_case", PMX_I64);
	w->n_control = add(s, "n_control", PMX_I64);
	w->n_samples = o->samples ? add(s, "n_samples", PMX_I64) : PMX_NO_FIELD;
	w->n_members = o->members ? add(s, "n_members", PMX_I64) : PMX_NO_FIELD;
	w->members = o->members ? add(s, "members", PMX_TEXT) : PMX_NO_FIELD;
	w->genes = add(s, "n_genes", PMX_I64);
	w->reason = add(s, "reason", PMX_CATEGORY);
	names_add(s->field[w->reason].values, no_genes, NULL);
	for (const char *const *r = o->reasons; r && *r; r++)
		names_add(s->field[w->reason].values, *r, NULL);
	pmx_add_layer(s, "weights", PMX_F64, PMX_DENSE);
	w->weights = s->n_fields - 1;
	pmx_set_column_names(s, "gene", o->genes);
	s->row_names = mem_text("target");
	start(w, s, o);
	return w;
}

void targets_members(struct target_writer *w, int64_t n, const char *members)
{
	pmx_fill_i64(w->fill, w->n_members, n);
	pmx_fill_text(w->fill, w->members, members);
}

void targets_put(struct target_writer *w, const struct target_row *row, const double *weights)
{
	struct err e = { 0 };
	int64_t n = 0;
	for (size_t g = 0; g < w->n_genes; g++) {
		w->row[g] = weights[w->from ? w->from[g] : g];
		n += !isnan(w->row[g]);
	}
	const char *reason = row->reason ? row->reason : n ? NULL : no_genes;
	uint32_t code = reason ? names_find(w->reasons, reason) : PMX_MISSING_CODE;
	pmx_fill_text(w->fill, w->name, row->name);
	pmx_fill_code(w->fill, w->form, row->form);
	pmx_fill_i64(w->fill, w->n_case, row->n_case);
	pmx_fill_i64(w->fill, w->n_control, row->n_control);
	if (w->n_samples != PMX_NO_FIELD)
		pmx_fill_i64(w->fill, w->n_samples, row->n_samples);
	pmx_fill_i64(w->fill, w->genes, n);
	pmx_fill_code(w->fill, w->reason, code);
	pmx_fill_row(w->fill, w->weights, w->row);
	if (pmx_fill_end_row(w->fill, &e))
		cli_fail(&e);
	w->n_rows++;
	if (reason)
		w->count[code]++;
	else
		w->n_scored++;
}

void targets_close(struct target_writer *w)
{
	struct err e = { 0 };
	char text[300] = "";
	for (size_t i = 0; i < w->reasons->n; i++) {
		size_t n = strlen(text);
		if (w->count[i])
			snprintf(text + n, sizeof text - n, "%s%s %llu", n ? ", " : "", w->reasons->at[i], (unsigned long long)w->count[i]);
	}
	if (*text)
		cli_note(w->c, "%llu targets have weights, %llu have none: %s", (unsigned long long)w->n_scored,
			 (unsigned long long)(w->n_rows - w->n_scored), text);
	if (!w->n_scored)
		cli_die("no target has weights%s%s", *text ? ": " : "", text);
	if (pmx_filler_close(w->fill, &e))
		cli_fail(&e);
	cli_finish(w->out, w->in);
	mem_free(w->count);
	mem_free(w->row);
	mem_free(w);
}
