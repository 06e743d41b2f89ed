/* mixscale - how strongly each cell answers to its perturbation */
#include "cli/marker_genes.h"
#include "cli/split_cells.h"
#include "base/mem.h"
#include "perturb/mixscale.h"
#include <string.h>

static struct screen_options opt = SCREEN_DEFAULTS;
static struct marker_gene_options genes_opt = MARKER_GENE_DEFAULTS;
static struct mixscale_options score_opt = MIXSCALE_DEFAULTS;
static const char *signature = "X_pert", *column = "mixscale_score", *details_file;
static const char reason_column[] = "mixscale_reason";

static const struct cli_option options[] = {
	SCREEN_PERT_OPTIONS(opt),
	SCREEN_SPLIT_OPTION(opt),
	SCREEN_GUIDE_OPTION(opt),
	CLI_TEXT(0, "layer", &signature, "NAME", "signature layer"),
	CLI_TEXT(0, "de-layer", &opt.layer, "NAME", "expression in which markers are tested (default X)"),
	CLI_TEXT(0, "markers", &genes_opt.markers_file, "FILE", "marker genes from de-markers, instead of a test here"),
	CLI_TEXT(0, "de-genes", &genes_opt.list_file, "FILE", "marker genes from a list: target TAB gene"),
	MARKER_TEST_OPTIONS(genes_opt.test),
	CLI_INT(0, "min-de-genes", &score_opt.min_de_genes, 1, 1000000, "N", "fewer: the target is not scored"),
	CLI_INT(0, "max-de-genes", &score_opt.max_de_genes, 0, 1000000, "N", "the most significant ones that count; 0: all"),
	CLI_SWITCH(0, "scale", &score_opt.scale, "unit variance per gene, cut at 10 above"),
	CLI_FLAG(0, "fine-mode", &genes_opt.by_guide, "test guide by guide, lists one after the other"),
	CLI_FLAG(0, "harmonize", &genes_opt.harmonize, "test against controls drawn in the target's split proportions"),
	CLI_REAL(0, "harmonize-min-proportion", &genes_opt.harmonize_min_proportion, 0, 1, "SHARE", "of the controls, at least drawn"),
	CLI_TEXT(0, "harmonize-cells", &genes_opt.harmonize_file, "FILE", "a given draw: target TAB guide (or all) TAB cell"),
	CLI_TEXT(0, "new-class-name", &column, "NAME", "name of the score column"),
	CLI_TEXT(0, "details", &details_file, "FILE", "projections and leave-one-out projections of every cell"),
	CLI_CHOICE(0, "compat", &genes_opt.test.compat, compat_choices, "WHICH", "semantics where the references differ"),
	CLI_END
};

/* What is computed for one target, over all its cells. */
struct result {
	double *score;
	uint32_t *reason;
};

static struct pmx_schema *describe(const struct pmx_schema *in)
{
	struct pmx_schema *s = pmx_schema_copy(in);
	const char *made[] = { column, reason_column };
	for (int i = 0; i < 2; i++)
		if (pmx_find(s, PMX_OBS, made[i]) != PMX_NO_FIELD)
			pmx_drop_field(s, pmx_find(s, PMX_OBS, made[i]));
	pmx_add_obs(s, column, PMX_F64);
	struct names *reasons = pmx_add_obs(s, reason_column, PMX_CATEGORY)->values;
	for (int i = 1; i < MIXSCALE_N_REASONS; i++)
		names_add(reasons, mixscale_reason_name[i], NULL);
	return s;
}

static uint32_t code_of(enum mixscale_reason reason)
{
	return reason == MIXSCALE_SCORED ? PMX_MISSING_CODE : (uint32_t)reason - 1;
}

static void write_details(struct cli_text *t, const struct screen *s, const struct cell_group *g, size_t split, const struct split_cells *p,
			  const double *projection, const double *left_out)
{
	size_t n = p->in.n_target + p->in.n_control;
	for (size_t i = 0; i < n; i++) {
		cli_text_print(t, "%s\t%s\t%s\t%s\t", g->label, screen_split_name(s, split), split_cells_name(p, s, g, i),
			       split_cells_role(p, s, g, i));
		cli_text_f64(t, projection[i]);
		for (size_t h = 0; h < p->in.n_genes; h++) {
			cli_text_put(t, "\t");
			cli_text_f64(t, left_out[h * n + i]);
		}
		cli_text_put(t, "\n");
	}
}

/* One split of one target: the rows of both sides on the genes, scored. */
static void score_split(const struct cli *c, struct screen *s, const struct cell_group *g, size_t split, const double *own_values,
			const double *control_values, size_t n_genes, struct result *r, struct cli_text *details)
{
	struct split_cells p;
	split_cells_take(&p, s, g, split, own_values, control_values, n_genes);
	size_t n = p.in.n_target + p.in.n_control;
	enum mixscale_reason reason = p.in.n_control == 0 ? MIXSCALE_NO_CONTROLS_IN_SPLIT : p.in.n_control < 2 ? MIXSCALE_FEW_CONTROLS
				      : MIXSCALE_SCORED;
	double *score = mem_array(p.in.n_target, sizeof *score), *projection = mem_array(n, sizeof *projection), *left_out = NULL;
	if (p.in.d) {
		if (details)
			left_out = mem_array(n_genes * n, sizeof *left_out);
		reason = mixscale_score(&score_opt, &p.in, c->threads, projection, score, left_out);
		if (details && reason != MIXSCALE_NO_DIRECTION)
			write_details(details, s, g, split, &p, projection, left_out);
	}
	for (size_t i = 0; i < p.n_without; i++)
		r->reason[p.without[i]] = code_of(MIXSCALE_NO_SIGNATURE);
	for (size_t i = 0; i < p.in.n_target; i++) {
		r->reason[p.own[i]] = code_of(reason);
		if (reason == MIXSCALE_SCORED)
			r->score[p.own[i]] = score[i];
	}
	mem_free(left_out);
	mem_free(score);
	mem_free(projection);
	split_cells_free(&p);
}

/* Score 1 and the reason, for all cells; a split that can be scored overwrites them. */
static void refuse_all(const struct cell_group *g, struct result *r, enum mixscale_reason reason)
{
	for (size_t i = 0; i < g->n; i++) {
		r->score[i] = 1;
		r->reason[i] = code_of(g->split[i] == PMX_MISSING_CODE ? MIXSCALE_NO_SPLIT : reason);
	}
}

static void score_target(const struct cli *c, struct screen *s, const struct cell_group *g, struct marker_genes *lists, struct result *r,
			 struct cli_text *details)
{
	if (g->code == PMX_MISSING_CODE) {
		refuse_all(g, r, MIXSCALE_NO_LABEL);
		return;
	}
	enum markers_reason why;
	size_t n;
	const uint32_t *genes = marker_genes_of(lists, g, &n, &why);
	if (score_opt.max_de_genes && n > (size_t)score_opt.max_de_genes)
		n = (size_t)score_opt.max_de_genes;
	refuse_all(g, r, why == MARKERS_FEW_CELLS ? MIXSCALE_FEW_CELLS : why == MARKERS_FEW_CONTROLS ? MIXSCALE_FEW_CONTROLS
		   : MIXSCALE_FEW_MARKERS);
	if (why != MARKERS_DONE || n < (size_t)score_opt.min_de_genes)
		return;
	double *own = mem_array(n * g->n, sizeof *own), *control = mem_array(n * s->controls.n, sizeof *control);
	screen_signature_genes(s, genes, n, c->threads);
	screen_signature_values(s, g, c->threads, own);
	screen_signature_values(s, &s->controls, c->threads, control);
	if (details) {
		cli_text_put(details, "target\tsplit\tcell\trole\tpvec");
		for (size_t k = 0; k < n; k++)
			cli_text_print(details, "\t%s", pmx_column_name(s->s, genes[k]));
		cli_text_put(details, "\n");
	}
	for (size_t split = 0; split < screen_splits(s); split++)
		score_split(c, s, g, split, own, control, n, r, details);
	mem_free(own);
	mem_free(control);
}

static void put(struct pmx_pass *pass, size_t score_field, size_t reason_field, const struct result *r, size_t n)
{
	struct err e = { 0 };
	if (pmx_pass_values(pass, score_field, r->score, n, &e) || pmx_pass_values(pass, reason_field, r->reason, n, &e))
		cli_fail(&e);
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	score_opt.compat = genes_opt.test.compat;
	if (genes_opt.harmonize_file)
		genes_opt.harmonize = true;
	unsigned wants = SCREEN_SIGNATURE | (marker_genes_need_expression(&genes_opt) ? SCREEN_EXPRESSION : 0) |
			 (genes_opt.by_guide ? SCREEN_GUIDES : 0) | (details_file || genes_opt.harmonize_file ? SCREEN_NAMES : 0);
	struct screen *s = screen_open(c, &opt, wants, signature, NULL);
	struct marker_genes *lists = marker_genes_new(c, &genes_opt, s);
	struct pmx_schema *described = describe(s->s);
	struct pmx_writer *out = cli_output(c, described, s->original);
	size_t score_field = pmx_find(described, PMX_OBS, column), reason_field = pmx_find(described, PMX_OBS, reason_column);
	s->pass = pmx_pass_new(out);
	pmx_pass_adds(s->pass, score_field);
	pmx_pass_adds(s->pass, reason_field);
	struct cli_text *details = details_file ? cli_text_at(details_file) : NULL;

	struct cell_group target, *controls = screen_controls(s);
	struct result r = { mem_zero(controls->n, sizeof *r.score), mem_array(controls->n, sizeof *r.reason) };
	memset(r.reason, 0xff, controls->n * sizeof *r.reason);
	put(s->pass, score_field, reason_field, &r, controls->n);
	uint64_t count[MIXSCALE_N_REASONS] = { 0 }, cells = 0;
	struct cli_progress *bar = cli_progress_new(c, "cells", 0);
	cell_group_init(&target, s);
	while (screen_next(s, &target)) {
		r.score = mem_resize(r.score, target.n, sizeof *r.score);
		r.reason = mem_resize(r.reason, target.n, sizeof *r.reason);
		score_target(c, s, &target, lists, &r, details);
		for (size_t i = 0; i < target.n; i++)
			count[r.reason[i] == PMX_MISSING_CODE ? 0 : r.reason[i] + 1]++;
		put(s->pass, score_field, reason_field, &r, target.n);
		cli_progress_at(bar, cells += target.n, target.label);
	}
	cli_progress_end(bar);
	split_cells_report(c, s->original, "scored", "score 1", count, mixscale_reason_name, MIXSCALE_N_REASONS);
	if (pmx_pass_close(s->pass, &e))
		cli_fail(&e);
	cli_finish(out, s->original);
	if (details)
		cli_text_close(details);
	mem_free(r.score);
	mem_free(r.reason);
	cell_group_free(&target);
	marker_genes_free(lists);
	pmx_schema_free(described);
	screen_close(s);
	return 0;
}

static const char *const description[] = {
	"Gives every perturbed cell a continuous score: 0 is the mean of the control cells of its split, 1 their standard deviation, along the direction in "
	"which the target's cells differ from the controls. For a target, within each split:",
	"  D      signature (X_pert) of its cells and of the controls on its marker genes,\n"
	"         per gene (D - mean) / sd over these cells, then at most 10\n"
	"  v      mean of D over its cells - mean of D over the controls\n"
	"  p      (D . v) / (v . v)\n"
	"  score  (p - mean of p over the controls) / (sd of p over the controls)",
	"Marker genes are tested over all splits together (likelihood ratio of a logistic regression, Bonferroni over all genes, the first --max-de-genes by p), "
	"unless --markers or --de-genes gives them. Negative scores are kept. Controls score 0. A cell that cannot be scored gets 1, as the reference "
	"gives it, and always a reason.",
	"What differs from Mixscale 0.3.0: --harmonize works (there it does nothing, since it tests the number of columns named, not of splits); "
	"its draw is made from counter-based random numbers, seeded by --seed, target and guide, so it is not R's. A blank in a label is "
	"nothing special. With --fine-mode the guides follow each other in the order in which they first appear among the rows of the "
	"target, and the cut at --max-de-genes favours the first ones, as in R; the canonical order of pmx-sort makes that independent of "
	"the input's order. p values that underflow to 0 in R keep their order. A target with fewer than 3 cells is not tested.",
	"--compat pertpy takes pertpy 1.4's tests (rank sum without tie correction, float32 fold changes, Benjamini-Hochberg) and sets a spread of 0 to 1.",
	"--details writes, per target, a header line and then one line a cell: target, split, cell, role (the target or the control label), pvec, and one "
	"column a marker gene: the projection with that gene left out of both sums.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "mixscale_score", "row column: the score; 0 for controls, 1 where there is none" },
	{ "mixscale_reason", "row column: why a cell has no score (too_few_cells, too_few_controls, too_few_markers, no_label, no_split, no_signature, "
	  "no_direction, no_spread_of_controls, no_controls_in_split); missing where it has one" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"mixscale --control NT signature.pmx | pmx-view --obs",
	"mixscale --control NT --split-by replicate --markers markers.pmx signature.pmx -o scores.pmx",
	NULL
};
static const char *const sources[] = {
	"RunMixscale of Mixscale 0.3.0 (Jiang et al. 2025, Nature Cell Biology); pertpy 1.4 (Heumos et al.).",
	NULL
};

const struct cli_tool tool = { .name = "mixscale", .summary = "how strongly each cell answers to its perturbation", .stage = CLI_SCREENS,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS | CLI_HOLDS_DATA | CLI_DRAWS | CLI_NEEDS_ORDER,
	.reads = CLI_KIND(PMX_CELLS), .writes = "cells", .args = "[FILE]", .max_args = 1, .options = options,
	.description = description, .outputs = outputs, .examples = examples, .sources = sources, .run = run };
