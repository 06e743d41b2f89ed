#include "cli/discriminants.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/split_cells.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

enum reason { PLACED, CELL_NO_SIGNATURE, ONLY_CELL, N_REASONS };
static const char *const reason_name[N_REASONS] = { NULL, "no_signature", "only_cell_of_class" };

struct discriminants *discriminants_new(const struct cli *c)
{
	struct err e = { 0 };
	struct discriminants *d = mem_zero(1, sizeof *d);
	d->c = c;
	d->scratch = file_scratch(&e);
	if (d->scratch < 0)
		cli_fail(&e);
	return d;
}

void discriminants_free(struct discriminants *d)
{
	close(d->scratch);
	projections_free(&d->parts);
	names_free(d->classes);
	lda_free(d->lda);
	mem_free(d->class);
	mem_free(d);
}

void discriminants_learn(struct discriminants *d, struct screen *s, const struct cell_group *g, const uint32_t *cell, size_t n_learned)
{
	struct err e = { 0 };
	size_t width = d->parts.width, n = 0;
	double *score = mem_array(g->n * width, sizeof *score);
	projections_scores(d->c, &d->parts, s, g, score);
	if (file_pwrite(d->scratch, score, g->n * width * sizeof *score, (uint64_t)d->n_cells * width * sizeof *score, &e))
		cli_fail(&e);
	mem_room(&d->class, &d->cap, d->n_cells + g->n, sizeof *d->class);
	memset(d->class + d->n_cells, 0xff, g->n * sizeof *d->class);
	uint32_t class = n_learned ? names_find(d->classes, g->label) : UINT32_MAX;
	for (size_t i = 0; i < n_learned; i++) {
		if (isnan(score[cell[i] * width]))
			continue;
		memmove(score + n++ * width, score + cell[i] * width, width * sizeof *score);
		d->class[d->n_cells + cell[i]] = class;
	}
	if (n)
		lda_learn(d->lda, class, score, n);
	d->n_cells += g->n;
	mem_free(score);
}

void discriminants_settle(struct discriminants *d)
{
	enum lda_reason reason = lda_settle(d->lda);
	if (reason)
		cli_die("no discriminants: %s", lda_reason_text[reason]);
	if (d->lda->rank_within < d->parts.width)
		cli_detail(d->c, "%zu of %zu components hang on the others", d->parts.width - d->lda->rank_within, d->parts.width);
}

static json_t *notes_of(const struct discriminants *d, const struct pmx_schema *s)
{
	json_t *notes = s->notes ? json_deep_copy(s->notes) : json_object(), *classes = json_array(), *prior = json_array(), *singular = json_array(),
	       *targets = json_array();
	for (size_t i = 0; i < d->classes->n; i++) {
		json_array_append_new(classes, json_string(d->classes->at[i]));
		json_array_append_new(prior, json_real(d->lda->prior[i]));
	}
	for (size_t i = 0; i < d->lda->rank; i++)
		json_array_append_new(singular, json_real(d->lda->singular[i]));
	for (size_t i = 0; i < d->parts.n; i++)
		json_array_append_new(targets, json_string(d->parts.at[i].target));
	json_object_set_new(notes, "lda", json_pack("{s:o, s:o, s:o, s:o, s:i}", "classes", classes, "prior", prior, "svd", singular, "targets",
						    targets, "components", (int)d->parts.width));
	return notes;
}

enum { COORDINATES, POSTERIOR, ASSIGNED, REASON, N_FIELDS };
static const char *const made[N_FIELDS] = { "X_lda", "lda_posterior", "lda_assignment", "lda_reason" };

static struct pmx_schema *describe(const struct discriminants *d, const struct pmx_schema *in, size_t *field)
{
	struct pmx_schema *out = pmx_schema_copy(in);
	for (int i = 0; i < N_FIELDS; i++)
		if (pmx_find(out, PMX_OBS, made[i]) != PMX_NO_FIELD)
			pmx_drop_field(out, pmx_find(out, PMX_OBS, made[i]));
	pmx_add_obsm(out, made[COORDINATES], PMX_F64, (uint32_t)d->lda->rank);
	pmx_add_obsm(out, made[POSTERIOR], PMX_F64, (uint32_t)d->classes->n);
	struct names *classes = pmx_add_obs(out, made[ASSIGNED], PMX_CATEGORY)->values;
	for (size_t i = 0; i < d->classes->n; i++)
		names_add(classes, d->classes->at[i], NULL);
	struct names *reasons = pmx_add_obs(out, made[REASON], PMX_CATEGORY)->values;
	for (int i = 1; i < N_REASONS; i++)
		names_add(reasons, reason_name[i], NULL);
	for (int i = 0; i < N_FIELDS; i++)
		field[i] = pmx_find(out, PMX_OBS, made[i]);
	json_decref(out->notes);
	out->notes = notes_of(d, in);
	return out;
}

/* Coordinates, posteriors and classes of n cells from `row` on. */
static void place(const struct discriminants *d, struct pmx_pass *pass, const size_t *field, size_t row, size_t n, bool leave_one_out,
		  uint64_t *count)
{
	struct err e = { 0 };
	size_t width = d->parts.width, g = d->classes->n;
	double *score = mem_array(n * width, sizeof *score), *at = mem_array(n * d->lda->rank, sizeof *at), *p = mem_array(n * g, sizeof *p);
	uint32_t *assigned = mem_array(n, sizeof *assigned), *reason = mem_array(n, sizeof *reason);
	if (file_pread(d->scratch, score, n * width * sizeof *score, (uint64_t)row * width * sizeof *score, &e))
		cli_fail(&e);
	lda_place(d->lda, score, n, d->c->threads, at, p);
	if (leave_one_out)
		lda_leave_one_out(d->lda, score, d->class + row, n, d->c->threads, p);
	for (size_t i = 0; i < n; i++) {
		enum reason why = isnan(score[i * width]) ? CELL_NO_SIGNATURE : isnan(p[i * g]) ? ONLY_CELL : PLACED;
		uint32_t best = 0;
		for (uint32_t j = 1; j < g; j++)
			if (p[i * g + j] > p[i * g + best])
				best = j;
		assigned[i] = why == PLACED ? best : PMX_MISSING_CODE;
		reason[i] = why == PLACED ? PMX_MISSING_CODE : (uint32_t)why - 1;
		count[why]++;
	}
	if (pmx_pass_values(pass, field[COORDINATES], at, n, &e) || pmx_pass_values(pass, field[POSTERIOR], p, n, &e) ||
	    pmx_pass_values(pass, field[ASSIGNED], assigned, n, &e) || pmx_pass_values(pass, field[REASON], reason, n, &e))
		cli_fail(&e);
	mem_free(score);
	mem_free(at);
	mem_free(p);
	mem_free(assigned);
	mem_free(reason);
}

void discriminants_write(const struct discriminants *d, struct cli_again *input, const struct screen_options *o, bool leave_one_out)
{
	struct err e = { 0 };
	struct pmx_reader *in = cli_again_sorted(input, o->pert_key, o->control);
	size_t field[N_FIELDS];
	uint64_t count[N_REASONS] = { 0 };
	struct pmx_schema *described = describe(d, pmx_reader_schema(in), field);
	struct pmx_writer *out = cli_output(d->c, described, cli_again_original(input));
	struct pmx_pass *pass = pmx_pass_new(out);
	for (int i = 0; i < N_FIELDS; i++)
		pmx_pass_adds(pass, field[i]);
	for (struct pmx_block *b; (b = cli_next(in)); ) {
		size_t row = b->first_row, n = b->n_rows;
		pmx_pass_block(pass, b);
		place(d, pass, field, row, n, leave_one_out, count);
	}
	split_cells_report(d->c, cli_again_original(input), "placed", "lda_reason", count, reason_name, N_REASONS);
	if (pmx_pass_close(pass, &e))
		cli_fail(&e);
	cli_finish(out, cli_again_original(input));
	pmx_schema_free(described);
}

