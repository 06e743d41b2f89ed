/* lda - how far apart the answers to the targets are, cell by cell */
#include "cli/marker_genes.h"
#include "cli/discriminants.h"
#include "cli/split_cells.h"
#include "base/mem.h"

static struct screen_options opt = { "gene_target", NULL, NULL, "mixscape_class_global", NULL };
static struct marker_gene_options genes_opt = MARKER_GENE_DEFAULTS;
static const char *signature = "X_pert", *answering = "KO", *details_file;
static long n_comps = 10;
static bool left_out;

static const struct cli_option options[] = {
	SCREEN_PERT_OPTIONS(opt),
	CLI_TEXT(0, "class-key", &opt.guide_key, "COLUMN", "row column that says which cells answer (of mixscape)"),
	CLI_TEXT(0, "perturbation-type", &answering, "TYPE", "its label of the cells that answer: KO, KD, OE"),
	CLI_TEXT(0, "layer", &signature, "NAME", "signature layer"),
	CLI_TEXT(0, "de-layer", &opt.layer, "NAME", "expression in which markers are tested (default X)"),
	CLI_TEXT(0, "markers", &genes_opt.markers_file, "FILE", "marker genes from de-markers, instead of a test here"),
	CLI_TEXT(0, "de-genes", &genes_opt.list_file, "FILE", "marker genes from a list: target TAB gene"),
	MARKER_TEST_OPTIONS(genes_opt.test),
	CLI_INT('n', "n-comps", &n_comps, 1, 1000, "N", "components of each target",
		"A target with fewer than N + 1 marker genes, or no more than N cells with its controls, gives none; its cells stay a class"),
	CLI_FLAG(0, "cv", &left_out, "posteriors of the cells that were learned from: each without itself"),
	CLI_TEXT(0, "details", &details_file, "FILE", "table of the targets: cells, markers, components, reason"),
	CLI_END
};

enum why { GIVES, FEW_CELLS, FEW_CONTROLS, FEW_MARKERS, NO_SIGNATURE, NOT_CONVERGED, N_WHY };
static const char *const why_name[N_WHY] = { "NA", "too_few_cells", "too_few_controls", "too_few_markers", "no_signature", "not_converged" };
/* Cells of the group that answer; the controls all do. */
static size_t pick_answering(const struct screen *s, const struct cell_group *g, uint32_t *cell)
{
	uint32_t code = names_find(s->s->field[s->guide].values, answering);
	size_t n = 0;
	for (uint32_t i = 0; i < g->n; i++)
		if (g == &s->controls || (g->code != PMX_MISSING_CODE && g->guide[i] == code))
			cell[n++] = i;
	return n;
}

static enum why components_of(struct discriminants *k, struct screen *s, const struct cell_group *g, const uint32_t *gene, size_t n_genes)
{
	double *own = mem_array(n_genes * g->n, sizeof *own), *control = mem_array(n_genes * s->controls.n, sizeof *control);
	screen_signature_genes(s, gene, n_genes, k->c->threads);
	screen_signature_values(s, g, k->c->threads, own);
	screen_signature_values(s, &s->controls, k->c->threads, control);
	struct split_cells p;
	split_cells_take(&p, s, g, 0, own, control, n_genes);
	mem_free(own);
	mem_free(control);
	size_t n = p.in.n_target + p.in.n_control;
	enum why why = !p.in.n_target ? NO_SIGNATURE : p.in.n_control < 2 ? FEW_CONTROLS : n <= (size_t)n_comps ? FEW_CELLS : GIVES;
	struct target_components t;
	if (why == GIVES) {
		if (target_components_find(&t, p.in.d, n_genes, n, (size_t)n_comps, k->c->threads)) {
			projections_add(&k->parts, g->label, gene, &t);
		} else {
			target_components_free(&t);
			why = NOT_CONVERGED;
		}
	}
	split_cells_free(&p);
	return why;
}

/* First pass: marker genes and components of every target with cells that answer. */
static void learn_components(struct discriminants *k, struct cli_again *input, struct cli_text *details)
{
	unsigned wants = SCREEN_SIGNATURE | SCREEN_GUIDES | (marker_genes_need_expression(&genes_opt) ? SCREEN_EXPRESSION : 0);
	struct screen *s = screen_open_again(k->c, input, &opt, wants, signature);
	if (names_find(s->s->field[s->guide].values, answering) == NAMES_NONE)
		cli_die("column '%s' has no label '%s': no cell answers; run mixscape first, or name its type of perturbation", opt.guide_key,
			answering);
	struct marker_genes *lists = marker_genes_new(k->c, &genes_opt, s);
	/* A target's marker genes, three times: taken to be 150, or a tenth of few genes. */
	size_t markers = s->s->n_columns < 1500 ? s->s->n_columns / 10 : 150;
	s->own_cell_bytes = 3 * markers * sizeof(double);
	uint64_t count[N_WHY] = { 0 };
	struct names *present = names_new();
	names_add(present, opt.control, NULL);
	screen_controls(s);
	struct cell_group all, g;
	cell_group_init(&all, s);
	cell_group_init(&g, s);
	while (screen_next(s, &all)) {
		uint32_t *cell = mem_array(all.n, sizeof *cell);
		size_t n = pick_answering(s, &all, cell), n_genes = 0, before = k->parts.width;
		if (n) {
			enum markers_reason no_test;
			cell_group_pick(s, &all, cell, n, &g);
			const uint32_t *gene = marker_genes_of(lists, &g, &n_genes, &no_test);
			enum why why = no_test == MARKERS_FEW_CELLS ? FEW_CELLS : no_test == MARKERS_FEW_CONTROLS ? FEW_CONTROLS
				       : n_genes < (size_t)n_comps + 1 ? FEW_MARKERS : components_of(k, s, &g, gene, n_genes);
			count[why]++;
			names_add(present, g.label, NULL);
			if (details)
				cli_text_print(details, "%s\t%zu\t%zu\t%zu\t%s\n", g.label, n, n_genes, k->parts.width - before, why_name[why]);
		}
		mem_free(cell);
	}
	for (int i = 1; i < N_WHY; i++)
		if (count[i])
			cli_note(k->c, "%llu targets give no components: %s", (unsigned long long)count[i], why_name[i]);
	if (!k->parts.n)
		cli_die("no target gives components%s", present->n == 1 ? ": no cell answers" : "; lower --n-comps, or see --details");
	uint32_t *rank = names_ranks(present), *at = mem_array(present->n, sizeof *at);
	for (uint32_t i = 0; i < present->n; i++)
		at[rank[i]] = i;
	k->classes = names_new();
	for (size_t i = 0; i < present->n; i++)
		names_add(k->classes, present->at[at[i]], NULL);
	mem_free(rank);
	mem_free(at);
	names_free(present);
	for (size_t i = 0; i < k->parts.n; i++)
		k->parts.at[i].target = k->classes->at[names_find(k->classes, k->parts.at[i].target)];
	cell_group_free(&all);
	cell_group_free(&g);
	marker_genes_free(lists);
	screen_close(s);
}

/* Second pass: scores of all cells on all components, and what the classes are from them. */
static void learn_classes(struct discriminants *k, struct cli_again *input)
{
	struct screen *s = screen_open_again(k->c, input, &opt, SCREEN_SIGNATURE | SCREEN_GUIDES, signature);
	s->own_cell_bytes = k->parts.width * sizeof(double);
	struct cell_group g;
	cell_group_init(&g, s);
	k->lda = lda_new(k->parts.width, k->classes->n);
	struct cli_progress *bar = cli_progress_new(k->c, "cells", 0);
	const struct cell_group *group = screen_controls(s);
	do {
		uint32_t *cell = mem_array(group->n, sizeof *cell);
		discriminants_learn(k, s, group, cell, pick_answering(s, group, cell));
		cli_progress_at(bar, k->n_cells, group->label);
		mem_free(cell);
		group = &g;
	} while (screen_next(s, &g));
	cli_progress_end(bar);
	discriminants_settle(k);
	cell_group_free(&g);
	screen_close(s);
}

static int run(struct cli *c)
{
	struct cli_again *input = cli_again_new(c);
	struct discriminants *k = discriminants_new(c);
	struct cli_text *details = details_file ? cli_text_at(details_file) : NULL;
	if (details)
		cli_text_put(details, "target\tn_cells\tn_markers\tn_comps\treason\n");
	learn_components(k, input, details);
	learn_classes(k, input);
	discriminants_write(k, input, &opt, left_out);
	if (details)
		cli_text_close(details);
	discriminants_free(k);
	cli_again_free(input);
	return 0;
}

static const char *const description[] = {
	"Separates the perturbations by linear discriminants (MixscapeLDA): how alike the answers to the targets are, as coordinates and as posteriors.",
	"For every target with cells that answer (class KO of mixscape) the marker genes of these against the controls are tested, and the signature "
	"of both on these genes, (D - mean) / sd and at most 10, is decomposed into --n-comps components. All cells are projected on the components of all "
	"targets. On these scores a linear discriminant analysis with one class per target and one for the controls is learned from the cells that answer and the "
	"controls; priors are the shares of the classes. Cells that do not answer are placed too: they are asked, not learned from.",
	"The components are exact (Seurat's irlba stops early, with scores up to 1e-3 off) and no seed is needed; the largest loading of each component and "
	"the largest coefficient of each discriminant are positive. The test's --logfc-threshold does hold, which MixscapeLDA does not pass on (0.25 there). Cells "
	"of a target without components stay a class, as there. The cells are read three times; their scores lie in $TMPDIR.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "X_lda", "row matrix: coordinates on the discriminants" },
	{ "lda_posterior", "row matrix: posterior of every class; the classes' names are in the note lda" },
	{ "lda_assignment", "row column: the class of the largest posterior, the first of equals" },
	{ "lda_reason", "row column: why a cell has none (no_signature; with --cv only_cell_of_class); missing where it has" },
	{ "lda", "note: classes, prior, svd (deviation between over within classes), targets with components" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"lda --control NT --n-comps 4 classes.pmx | pmx-view --obsm X_lda",
	"mixscape --control NT signature.pmx | lda --control NT --cv -o lda.pmx",
	NULL
};
static const char *const sources[] = {
	"Papalexi et al. (2021), Nature Genetics 53, 322; MixscapeLDA of Seurat 4.3; lda of MASS (Venables and Ripley 2002).",
	"Lachenbruch and Mickey (1968), Technometrics 10, 1, for the posteriors without the cell itself.",
	NULL
};

const struct cli_tool tool = { .name = "lda", .summary = "discriminants between the answers to the targets", .stage = CLI_SCREENS,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS | CLI_HOLDS_DATA | CLI_NEEDS_ORDER,
	.reads = CLI_KIND(PMX_CELLS), .writes = "cells", .args = "[FILE]", .max_args = 1, .options = options,
	.description = description, .outputs = outputs, .examples = examples, .sources = sources, .run = run };
