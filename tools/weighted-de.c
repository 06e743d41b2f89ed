/* weighted-de - differential expression of each target, cells weighted by their score */
#include "cli/marker_genes.h"
#include "cli/split_cells.h"
#include "cli/weighted_out.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

/* What the pool of the controls comes to for a value, about: its size is known when they are there. */
enum { POOL_BYTES = 14 };

static struct screen_options opt = SCREEN_DEFAULTS;
static struct marker_gene_options genes_opt = MARKER_GENE_DEFAULTS;
static struct mixscale_options score_opt = MIXSCALE_DEFAULTS;
static struct weighted_de_options fit_opt = WEIGHTED_DE_DEFAULTS;
static const char *signature = "X_pert", *given_file;
static struct cli_list only;
static bool standard, tsv;
static uint64_t n_empty;       /* cells without a count */

static const struct cli_option options[] = {
	SCREEN_PERT_OPTIONS(opt),
	SCREEN_SPLIT_OPTION(opt),
	SCREEN_GUIDE_OPTION(opt),
	CLI_TEXT(0, "layer", &signature, "NAME", "signature layer"),
	CLI_TEXT(0, "de-layer", &opt.layer, "NAME", "normalised layer, for markers and for the counts behind it (default X)"),
	CLI_LIST(0, "target", &only, "LABEL", "fit this target only; repeatable"),
	CLI_FLAG(0, "standard", &standard, "weight 1 for every cell of a target, no scores"),
	CLI_TEXT(0, "markers", &genes_opt.markers_file, "FILE", "marker genes of the score from de-markers, instead of a test here"),
	CLI_TEXT(0, "de-genes", &genes_opt.list_file, "FILE", "marker genes of the score from a list: target TAB gene"),
	CLI_INT(0, "min-de-genes", &score_opt.min_de_genes, 1, 1000000, "N", "fewer: the target has no score, and weights of 1"),
	CLI_INT(0, "max-de-genes", &score_opt.max_de_genes, 0, 1000000, "N", "the most significant ones that count; 0: all"),
	CLI_SWITCH(0, "scale", &score_opt.scale, "unit variance per gene, cut at 10 above, for the score"),
	CLI_FLAG(0, "fine-mode", &genes_opt.by_guide, "test guide by guide, lists one after the other"),
	CLI_REAL(0, "logfc-threshold", &fit_opt.logfc_threshold, 0, 1000, "X", "test genes with this |log2 fold change| at least"),
	CLI_REAL(0, "min-pct", &fit_opt.min_pct, 0, 1, "SHARE", "least share of expressing cells on either side"),
	CLI_INT(0, "min-cells-group", &fit_opt.min_cells, 0, 1000000000, "N", "least number of expressing cells on either side"),
	CLI_TEXT(0, "dispersion", &given_file, "FILE", "given dispersions: target TAB gene TAB dispersion TAB trend",
		 "Nothing is estimated then: coefficients use the trend (the dispersion where it is NA), errors the dispersion"),
	CLI_FLAG(0, "tsv", &tsv, "a table of the tested genes instead of a stream"),
	CLI_END
};

/* The target in hand: weights of its cells and which cells take part. */
struct work {
	double *weight, *left_out;
	uint32_t *own_run;
	size_t *split_of_run, n_runs;
	bool scored;
	size_t n_markers;
	const uint32_t *marker;
};

static void work_free(struct work *w)
{
	mem_free(w->weight);
	mem_free(w->left_out);
	mem_free(w->own_run);
	mem_free(w->split_of_run);
}

/* A cell without a count has no log10 of its total: it stays out. */
static bool takes_part(const struct cell_group *g, size_t i)
{
	return g->split[i] != PMX_MISSING_CODE && g->total[i] > 0;
}

static double positive(double x)
{
	return x > 0 ? x : 0;
}

/* Scores of one split as weights, with and without each marker; false where the split has no score. */
static bool weigh_split(const struct cli *c, const struct screen *s, const struct cell_group *g, size_t split, const double *own,
			const double *control, struct work *w)
{
	struct split_cells p;
	split_cells_take(&p, s, g, split, own, control, w->n_markers);
	bool scored = p.in.d;
	if (scored) {
		size_t n = p.in.n_target + p.in.n_control;
		double *score = mem_array(p.in.n_target, sizeof *score), *projection = mem_array(n, sizeof *projection);
		double *left_out = mem_array(w->n_markers * n, sizeof *left_out);
		scored = mixscale_score(&score_opt, &p.in, c->threads, projection, score, left_out) == MIXSCALE_SCORED;
		for (size_t i = 0; scored && i < p.in.n_target; i++)
			w->weight[p.own[i]] = positive(score[i]);
		for (size_t h = 0; scored && h < w->n_markers; h++) {
			mixscale_standardise_by_controls(left_out + h * n, p.in.n_target, p.in.n_control, score);
			for (size_t i = 0; i < p.in.n_target; i++)
				w->left_out[h * g->n + p.own[i]] = positive(score[i]);
		}
		for (size_t i = 0; i < p.n_without; i++)
			w->own_run[p.without[i]] = UINT32_MAX;
		mem_free(score);
		mem_free(projection);
		mem_free(left_out);
	}
	split_cells_free(&p);
	return scored;
}

/* Weights from the score where the target has enough markers; else it stays unscored. */
static void weigh(const struct cli *c, struct screen *s, const struct cell_group *g, struct marker_genes *lists, bool *in_use, struct work *w)
{
	enum markers_reason why = MARKERS_FEW_CELLS;
	if (!standard)
		w->marker = marker_genes_of(lists, g, &w->n_markers, &why);
	if (score_opt.max_de_genes && w->n_markers > (size_t)score_opt.max_de_genes)
		w->n_markers = (size_t)score_opt.max_de_genes;
	if (why != MARKERS_DONE || w->n_markers < (size_t)score_opt.min_de_genes)
		return;
	w->weight = mem_zero(g->n, sizeof *w->weight);
	w->left_out = mem_zero(w->n_markers * g->n, sizeof *w->left_out);
	double *own = mem_array(w->n_markers * g->n, sizeof *own), *control = mem_array(w->n_markers * s->controls.n, sizeof *control);
	screen_signature_genes(s, w->marker, w->n_markers, c->threads);
	screen_signature_values(s, g, c->threads, own);
	screen_signature_values(s, &s->controls, c->threads, control);
	for (size_t split = 0; split < screen_splits(s); split++) {
		bool any = false;
		bool scored = in_use[split] && weigh_split(c, s, g, split, own, control, w);
		for (size_t i = 0; scored && i < g->n; i++)
			any = any || (takes_part(g, i) && g->split[i] == split && w->weight[i] > 0);
		in_use[split] = any;
		w->scored = w->scored || any;
	}
	mem_free(own);
	mem_free(control);
}

/* Splits with two cells of the target and of the controls, numbered as runs; cells elsewhere are left out. */
static void set_runs(const struct screen *s, const struct cell_group *g, const bool *in_use, struct work *w)
{
	uint32_t *run = mem_array(screen_splits(s), sizeof *run);
	for (size_t split = 0; split < screen_splits(s); split++) {
		run[split] = in_use[split] ? (uint32_t)w->n_runs : UINT32_MAX;
		if (in_use[split])
			w->split_of_run[w->n_runs++] = split;
	}
	for (size_t i = 0; i < g->n; i++)
		w->own_run[i] = takes_part(g, i) && w->own_run[i] != UINT32_MAX ? run[g->split[i]] : UINT32_MAX;
	mem_free(run);
}

static void count_cells(const struct cell_group *g, size_t *n)
{
	for (size_t i = 0; i < g->n; i++)
		if (takes_part(g, i))
			n[g->split[i]]++;
		else
			n_empty += g->split[i] != PMX_MISSING_CODE;
}

static void fit_target(const struct cli *c, struct screen *s, const struct cell_group *g, struct marker_genes *lists,
		       struct negbin_pool *controls, struct weighted_given *given, struct weighted_out *out)
{
	size_t n_splits = screen_splits(s), *n_own = mem_zero(n_splits, sizeof *n_own), *n_control = mem_zero(n_splits, sizeof *n_control);
	bool *in_use = mem_array(n_splits, sizeof *in_use);
	struct work w = { .own_run = mem_zero(g->n, sizeof *w.own_run), .split_of_run = mem_zero(n_splits, sizeof *w.split_of_run) };
	count_cells(g, n_own);
	for (size_t split = 0; split < n_splits; split++) {
		n_control[split] = controls->group[split].n;
		in_use[split] = n_own[split] >= 2 && n_control[split] >= 2;
	}
	weigh(c, s, g, lists, in_use, &w);
	set_runs(s, g, in_use, &w);
	struct weighted_row row = { g->code, n_own, n_control, w.split_of_run, w.n_runs, w.scored };
	if (w.n_runs) {
		struct sparse_cols *own = sparse_transpose(&g->counts, c->threads);
		struct weighted_de_input in = { .n_genes = s->s->n_columns, .n_runs = w.n_runs, .controls = controls, .group = w.split_of_run,
			.own = own, .own_run = w.own_run, .own_total = g->total,
			.weight = w.scored ? w.weight : NULL, .marker = w.marker, .n_markers = w.n_markers, .left_out = w.left_out,
			.own_gene = weighted_out_gene(out, g->label), .given = weighted_given_of(given, g->label) };
		struct weighted_de_result *r = weighted_de_result_new(in.n_genes, in.n_runs);
		weighted_de(&fit_opt, &in, c->threads, r);
		weighted_out_put(out, &row, r);
		weighted_de_result_free(r);
		sparse_cols_free(own);
	} else {
		weighted_out_put(out, &row, NULL);
	}
	work_free(&w);
	mem_free(n_own);
	mem_free(n_control);
	mem_free(in_use);
}

/* The controls by genes, each split of them a group. */
static struct negbin_pool *gather_controls(struct screen *s, const struct sparse_cols *counts, int threads)
{
	size_t n_splits = screen_splits(s), *n = mem_zero(n_splits, sizeof *n);
	double *c = mem_array(s->controls.n, sizeof *c);
	uint32_t *group = mem_array(s->controls.n, sizeof *group);
	count_cells(&s->controls, n);
	s->value_bytes -= POOL_BYTES;
	screen_keep(s, negbin_pool_bytes(n, n_splits, counts->n_cols));
	for (size_t i = 0; i < s->controls.n; i++) {
		c[i] = log10(s->controls.total[i]);
		group[i] = takes_part(&s->controls, i) ? s->controls.split[i] : UINT32_MAX;
	}
	struct negbin_pool *p = negbin_pool_new(counts, c, group, n_splits, threads);
	mem_free(n);
	mem_free(c);
	mem_free(group);
	return p;
}

static bool is_wanted(const struct cell_group *g)
{
	bool wanted = g->code != PMX_MISSING_CODE && !only.n;
	for (size_t i = 0; g->label && i < only.n; i++)
		wanted = wanted || !strcmp(only.at[i], g->label);
	return wanted;
}

static int run(struct cli *c)
{
	fit_opt.by_split = opt.split_by;
	unsigned wants = SCREEN_COUNTS | (standard ? 0 : SCREEN_SIGNATURE) | (standard || !marker_genes_need_expression(&genes_opt) ? 0 : SCREEN_EXPRESSION) |
			 (genes_opt.by_guide ? SCREEN_GUIDES : 0);
	struct screen *s = screen_open(c, &opt, wants, signature, NULL);
	s->value_bytes += POOL_BYTES;
	for (size_t i = 0; i < only.n; i++)
		if (names_find(s->s->field[s->pert].values, only.at[i]) == NAMES_NONE)
			cli_die("column '%s' has no label '%s', which --target names", opt.pert_key, only.at[i]);
	struct marker_genes *lists = standard ? NULL : marker_genes_new(c, &genes_opt, s);
	struct weighted_given *given = weighted_given_read(given_file, s->s);
	struct weighted_out *out = weighted_out_open(c, s, tsv);
	struct cell_group target;
	screen_controls(s);
	struct sparse_cols *control = sparse_transpose(&s->controls.counts, c->threads);
	struct negbin_pool *controls = gather_controls(s, control, c->threads);
	struct cli_progress *bar = cli_progress_new(c, "targets", s->s->field[s->pert].values->n - 1);
	cell_group_init(&target, s);
	for (uint64_t done = 0; screen_next(s, &target); cli_progress_at(bar, ++done, target.label))
		if (is_wanted(&target))
			fit_target(c, s, &target, lists, controls, given, out);
	cli_progress_end(bar);
	if (n_empty)
		cli_note(c, "%llu cells without any count take no part", (unsigned long long)n_empty);
	weighted_out_close(out, s->original);
	weighted_given_free(given);
	cell_group_free(&target);
	negbin_pool_free(controls);
	sparse_cols_free(control);
	if (lists)
		marker_genes_free(lists);
	mem_free(only.at);
	screen_close(s);
	return 0;
}

static const char *const description[] = {
	"Tests every gene for a difference between the cells of each target and the controls, and lets a cell count as much as it answers to its "
	"perturbation. Counts are fitted by a negative-binomial regression (log link, Cox-Reid adjusted dispersion) on",
	"  an intercept per split + log10(total count of the cell) + weight within each split",
	"where the weight of a cell is its Mixscale score within its split, at least 0, and 0 for controls. A marker gene, from which the score was made, is "
	"fitted alone with scores that leave it out; the target's own gene is fitted alone with weight 1. A target without a score (too few markers), or "
	"all with --standard, get weight 1 for each of their cells. The scores are made here as mixscale makes them.",
	"Without --split-by the dispersion comes from the full model, smoothed along the mean for the coefficients; with it, from the model without "
	"weights. Errors are of the Wald test with each gene's own dispersion. p values are kept as logarithms; log10_p_adj is Benjamini and Hochberg's, "
	"over the tested genes of the row.",
	"Sums over the controls of a split are taken at 64 Chebyshev nodes of log10(total), where a bound on the interpolation stays below 1e-14 (with "
	"totals over 1.5 decades: for slopes up to 6), else cell by cell: the same numbers to rounding, at a cost that does not grow with the controls. "
	"Sums for the nodes are kept, 512 bytes a gene and split of 128 controls or more.",
	"  log2fc  log2((sum of counts + 1) / cells) of the target minus that of the controls;\n"
	"          not corrected for depth. beta and se are natural logarithms",
	"What differs from Mixscale 0.3.0: a cell without any count is left out, where there all fits fail; a split in which the target has fewer than "
	"two cells, or no positive weight, is left out with a reason, for "
	"scored and unscored targets alike, where there the whole call can stop; each split's fold change stands with that split (there it can move to "
	"another). A dispersion is the root of the score everywhere, where the reference's optimiser sometimes stops early; genes of "
	"equal mean stand in file order for the smoothing, there in the order of rounding. Coefficients and p "
	"values equal the reference's to 1e-8 when the dispersions are given.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "target, split, method", "row columns: what the contrast compares; weighted or standard" },
	{ "n_target, n_control, n_tested", "row columns: cells on both sides that have counts, genes tested" },
	{ "reason", "row column: why nothing was tested (too_few_cells, too_few_controls, no_weight)" },
	{ "log2fc, beta, se, log10_p, log10_p_adj", "layers; NaN where not tested" },
	{ "--tsv", "target, split, gene, log2fc, beta, se, log10_p, log10_p_adj, dispersion, trend (the dispersion that the coefficients use: "
	  "smoothed, or the gene's own where it is fitted alone; NA with --split-by: the dispersion), method, reason of the fit (separation, "
	  "not_converged, singular, no_dispersion), most significant gene of a target first" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"weighted-de --control NT --split-by replicate --tsv signature.pmx | head",
	"weighted-de --control NT --standard --target T0001 normalised.pmx -o de.pmx",
	NULL
};
static const char *const sources[] = {
	"Run_wmvRegDE and Run_stdDE of Mixscale 0.3.0 (Jiang et al. 2025, Nature Cell Biology).",
	"Trefethen (2013), Approximation Theory and Approximation Practice, theorem 8.2 (the bound).",
	"Ahlmann-Eltze and Huber (2021), Bioinformatics 36, 5701 (glmGamPoi); McCarthy, Chen and Smyth (2012), Nucleic Acids Research 40, 4288.",
	NULL
};

const struct cli_tool tool = { .name = "weighted-de", .summary = "differential expression, cells weighted by their score", .stage = CLI_SCREENS,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_WRITES_TEXT | CLI_THREADS | CLI_HOLDS_DATA | CLI_NEEDS_ORDER,
	.reads = CLI_KIND(PMX_CELLS), .writes = "contrasts", .args = "[FILE]", .max_args = 1, .options = options,
	.description = description, .outputs = outputs, .examples = examples, .sources = sources, .run = run };
