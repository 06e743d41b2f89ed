/* mixscape - which cells answer to their perturbation, and which do not */
#include "cli/class_out.h"
#include "cli/guide_table.h"
#include "cli/marker_genes.h"
#include "cli/split_cells.h"
#include "base/mem.h"
#include "perturb/mixscape.h"
#include <math.h>

static struct screen_options opt = SCREEN_DEFAULTS;
static struct marker_gene_options genes_opt = MARKER_GENE_DEFAULTS;
static struct mixscape_options class_opt = MIXSCAPE_DEFAULTS;
static struct class_out_options out_opt = { "mixscape_class", "KO", false };
static const char *signature = "X_pert", *details_file, *guides_file;
static const char *const compats[] = { "own", "seurat", "pertpy", NULL };

static const struct cli_option options[] = {
	SCREEN_PERT_OPTIONS(opt),
	SCREEN_SPLIT_OPTION(opt),
	SCREEN_GUIDE_OPTION(opt),
	CLI_TEXT(0, "layer", &signature, "NAME", "signature layer"),
	CLI_TEXT(0, "de-layer", &opt.layer, "NAME", "expression in which markers are tested (default X)"),
	CLI_TEXT(0, "markers", &genes_opt.markers_file, "FILE", "marker genes from de-markers, instead of a test in each split"),
	CLI_TEXT(0, "de-genes", &genes_opt.list_file, "FILE", "marker genes from a list: target TAB gene"),
	MARKER_TEST_OPTIONS(genes_opt.test),
	CLI_INT(0, "min-de-genes", &class_opt.min_de_genes, 1, 1000000, "N", "fewer: the target is not classified in that split"),
	CLI_INT(0, "min-cells", &class_opt.min_cells, 2, 1000000, "N", "cells of a target in a split, and cells called, at least",
		"With --compat the references' rule holds instead: at least --min-de-genes cells called"),
	CLI_INT(0, "iter-num", &class_opt.iter_num, 1, 10000, "N", "rounds of calls at most"),
	CLI_SWITCH(0, "scale", &class_opt.scale, "unit variance per gene, cut at 10 above"),
	CLI_TEXT(0, "perturbation-type", &out_opt.suffix, "TYPE", "suffix of the class of the cells that answer: KO, KD, OE"),
	CLI_FLAG(0, "fine-mode", &genes_opt.by_guide, "test guide by guide, lists one after the other"),
	CLI_TEXT(0, "new-class-name", &out_opt.column, "NAME", "name of the class column and stem of the others"),
	CLI_TEXT(0, "guide-table", &guides_file, "FILE", "table of the guides: cells, share that answers, which guides are weak"),
	CLI_TEXT(0, "details", &details_file, "FILE", "projection (of the first round) and posterior of every cell"),
	CLI_CHOICE(0, "compat", &class_opt.compat, compats, "WHICH", "semantics where the references differ"),
	CLI_END
};

static void write_details(struct cli_text *t, const struct screen *s, const struct cell_group *g, size_t split, const struct split_cells *p,
			  const double *projection, const double *p_ko)
{
	for (size_t i = 0; i < p->in.n_target + p->in.n_control; i++) {
		cli_text_print(t, "%s\t%s\t%s\t%s\t", g->label, screen_split_name(s, split), split_cells_name(p, s, g, i),
			       split_cells_role(p, s, g, i));
		cli_text_f64(t, projection[i]);
		cli_text_put(t, "\t");
		cli_text_f64(t, i < p->in.n_target ? p_ko[i] : NAN);
		cli_text_put(t, "\n");
	}
}

/* Markers of the target in the split, and the calls on them. */
static void classify_split(const struct cli *c, struct screen *s, const struct cell_group *g, size_t split, struct marker_genes *lists,
			   const struct class_out *out, struct cell_classes *r, struct cli_text *details)
{
	enum markers_reason why;
	size_t n_genes;
	const uint32_t *genes = marker_genes_in_split(lists, g, split, &n_genes, &why);
	enum mixscape_reason reason = why == MARKERS_FEW_CELLS ? MIXSCAPE_FEW_CELLS : why == MARKERS_FEW_CONTROLS ? MIXSCAPE_FEW_CONTROLS
				      : n_genes < (size_t)class_opt.min_de_genes ? MIXSCAPE_FEW_MARKERS : MIXSCAPE_CLASSIFIED;
	if (reason != MIXSCAPE_CLASSIFIED) {
		for (size_t i = 0; i < g->n; i++)
			if (g->split[i] == split)
				class_out_reason(r, i, reason);
		return;
	}
	double *own = mem_array(n_genes * g->n, sizeof *own), *control = mem_array(n_genes * s->controls.n, sizeof *control);
	screen_signature_genes(s, genes, n_genes, c->threads);
	screen_signature_values(s, g, c->threads, own);
	screen_signature_values(s, &s->controls, c->threads, control);
	struct split_cells p;
	split_cells_take(&p, s, g, split, own, control, n_genes);
	size_t n = p.in.n_target;
	enum mixscape_call *call = mem_zero(n, sizeof *call);
	double *p_ko = mem_zero(n, sizeof *p_ko), *projection = mem_array(n + p.in.n_control, sizeof *projection);
	reason = p.in.n_control == 0 ? MIXSCAPE_NO_CONTROLS_IN_SPLIT : p.in.n_control < 2 ? MIXSCAPE_FEW_CONTROLS : MIXSCAPE_FEW_CELLS;
	uint32_t *order = class_opt.compat == MIXSCAPE_PERTPY ? split_cells_by_name(&p, s, g) : NULL;
	if (p.in.d)
		reason = mixscape_classify(&class_opt, &p.in, order, c->threads, projection, call, p_ko);
	for (size_t i = 0; i < n; i++) {
		class_out_set(out, g, r, p.own[i], call[i]);
		r->p[p.own[i]] = p_ko[i];
		class_out_reason(r, p.own[i], reason);
	}
	for (size_t i = 0; i < p.n_without; i++)
		class_out_reason(r, p.without[i], MIXSCAPE_NO_SIGNATURE);
	if (details && (reason == MIXSCAPE_CLASSIFIED || reason == MIXSCAPE_FEW_PERTURBED || reason == MIXSCAPE_NO_SECOND))
		write_details(details, s, g, split, &p, projection, p_ko);
	split_cells_free(&p);
	mem_free(order);
	mem_free(call);
	mem_free(p_ko);
	mem_free(projection);
	mem_free(own);
	mem_free(control);
}

static void classify_target(const struct cli *c, struct screen *s, const struct cell_group *g, struct marker_genes *lists,
			    const struct class_out *out, struct cell_classes *r, struct cli_text *details)
{
	size_t *n_cells = mem_zero(screen_splits(s), sizeof *n_cells);
	class_out_reset(out, g, r);
	for (size_t i = 0; i < g->n; i++)
		if (g->split[i] != PMX_MISSING_CODE)
			n_cells[g->split[i]]++;
	for (size_t split = 0; g->code != PMX_MISSING_CODE && split < screen_splits(s); split++)
		if (n_cells[split])
			classify_split(c, s, g, split, lists, out, r, details);
	mem_free(n_cells);
}

static void count_guides(struct guide_table *t, const struct cell_group *g, const struct cell_classes *r)
{
	bool *classified = mem_array(g->n, sizeof *classified), *answers = mem_array(g->n, sizeof *answers);
	for (size_t i = 0; i < g->n; i++) {
		classified[i] = class_out_reason_of(r, i) == MIXSCAPE_CLASSIFIED;
		answers[i] = class_out_answers(r, i);
	}
	guide_table_add(t, g, classified, answers);
	mem_free(classified);
	mem_free(answers);
}

static int run(struct cli *c)
{
	genes_opt.test.compat = class_opt.compat == MIXSCAPE_PERTPY ? COMPAT_PERTPY : COMPAT_SEURAT;
	out_opt.bare_is_control = class_opt.compat == MIXSCAPE_SEURAT;
	unsigned wants = SCREEN_SIGNATURE | (marker_genes_need_expression(&genes_opt) ? SCREEN_EXPRESSION : 0) |
			 (genes_opt.by_guide || guides_file ? SCREEN_GUIDES : 0) |
			 (details_file || class_opt.compat == MIXSCAPE_PERTPY ? SCREEN_NAMES : 0);
	struct screen *s = screen_open(c, &opt, wants, signature, NULL);
	s->value_bytes += 20; /* the signature of the controls, kept from round to round */
	struct marker_genes *lists = marker_genes_new(c, &genes_opt, s);
	struct class_out *out = class_out_open(c, &out_opt, s);
	struct guide_table *guides = guides_file ? guide_table_new(s) : NULL;
	struct cli_text *details = details_file ? cli_text_at(details_file) : NULL;
	if (details)
		cli_text_put(details, "target\tsplit\tcell\trole\tpvec\tposterior\n");

	struct cell_group target, *controls = screen_controls(s);
	struct cell_classes r = { 0 };
	class_out_reset(out, controls, &r);
	class_out_put(out, controls, &r);
	uint64_t count[MIXSCAPE_N_REASONS] = { 0 }, cells = 0;
	struct cli_progress *bar = cli_progress_new(c, "cells", 0);
	cell_group_init(&target, s);
	while (screen_next(s, &target)) {
		classify_target(c, s, &target, lists, out, &r, details);
		for (size_t i = 0; i < target.n; i++)
			count[class_out_reason_of(&r, i)]++;
		if (guides && target.label)
			count_guides(guides, &target, &r);
		class_out_put(out, &target, &r);
		cli_progress_at(bar, cells += target.n, target.label);
	}
	cli_progress_end(bar);
	split_cells_report(c, s->original, "classified", "class NP", count, mixscape_reason_name, MIXSCAPE_N_REASONS);
	class_out_close(out);
	if (guides)
		guide_table_write(guides, c, guides_file);
	if (details)
		cli_text_close(details);
	cell_classes_free(&r);
	cell_group_free(&target);
	marker_genes_free(lists);
	screen_close(s);
	return 0;
}

static const char *const description[] = {
	"Calls every perturbed cell an answering one (KO) or not (NP), target by target and, with --split-by, split by split:",
	"  D   signature (X_pert) of the target's cells and of the controls on its marker\n"
	"      genes, per gene (D - mean) / sd over these cells, then at most 10\n"
	"  v   mean of D over the cells called KO (at first all) - mean over the controls\n"
	"  p   (D . v) / (v . v)\n"
	"  P   1 / (1 + N1(p) / N2(p)); KO where P is over 0.5",
	"N1 is the normal distribution of the controls' p; N2 the second of a mixture of both that is fitted to p over all these cells. Calls and "
	"direction take turns until no call changes, at most --iter-num times. Marker genes are tested within the split (likelihood ratio of a "
	"logistic regression, Bonferroni over all genes), unless --markers or --de-genes gives them.",
	"By default the mixture is run to convergence: there is no seed, and the answer does not hang on where it stopped. A target of which fewer "
	"than --min-cells cells are called keeps none: all its cells in that split are NP, with the reason. Cells that were not classified are NP, "
	"with posterior 0 and a reason.",
	"--guide-table compares the guides of each target: cells that were classified, the share of them that answers, that share among the target's "
	"other guides, and the one-sided p (Fisher) that so few would answer; q is Benjamini and Hochberg's over the guides tested. A guide is weak "
	"where q < 0.05 and its share is below half of the others'.",
	"--compat seurat repeats RunMixscape of Seurat 4.3: the mixture starts with the weights that R draws for seed 1 and stops when the "
	"log-likelihood gains at most 1e-8; with fewer than --min-de-genes cells called, the cells called before become bare NP, of global class "
	"control, as there. A posterior of exactly 0.5 or NaN keeps a cell's class.",
	"--compat pertpy repeats pertpy 1.4 with random_state 0: its marker test, no bound on D, a mixture started by k-means and stopped at 1e-3, "
	"posteriors that include the weights of the mixture, and the bare NP. Its classes depend on that seed and on the order of the cells, which "
	"is taken to be that of their names; the default's depend on neither.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "mixscape_class", "row column: the control label, TARGET KO or TARGET NP" },
	{ "mixscape_class_global", "row column: the control label, KO or NP" },
	{ "mixscape_class_p_ko", "row column: posterior P of the last round; 0 for controls and cells that were not classified" },
	{ "mixscape_reason", "row column: why a cell was not classified (too_few_cells, too_few_controls, too_few_markers, no_label, no_split, "
	  "no_signature, no_direction, no_spread_of_controls, no_controls_in_split, too_few_perturbed, no_second_population); missing where it was" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"mixscape --control NT signature.pmx | pmx-view --obs",
	"mixscape --control NT --split-by replicate --compat seurat signature.pmx -o classes.pmx",
	NULL
};
static const char *const sources[] = {
	"Papalexi et al. (2021), Nature Genetics 53, 322; RunMixscape of Seurat 4.3; pertpy 1.4 (Heumos et al.).",
	"Varadhan and Roland (2008), Scandinavian Journal of Statistics 35, 335, for the extrapolated expectation-maximisation.",
	NULL
};

const struct cli_tool tool = { .name = "mixscape", .summary = "which cells answer to their perturbation, and which do not", .stage = CLI_SCREENS,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS | CLI_HOLDS_DATA | CLI_NEEDS_ORDER,
	.reads = CLI_KIND(PMX_CELLS), .writes = "cells", .args = "[FILE]", .max_args = 1, .options = options,
	.description = description, .outputs = outputs, .examples = examples, .sources = sources, .run = run };
