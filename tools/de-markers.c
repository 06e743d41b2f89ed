/* de-markers - genes that differ between each target and the controls */
#include "cli/contrast_scan.h"
#include "cli/marker_genes.h"

enum { AGAINST_CONTROLS, AGAINST_REST, AGAINST_ALL };
enum { BY_TARGET, BY_GUIDE };

static struct screen_options opt = SCREEN_DEFAULTS;
static struct markers_options test_opt = MARKERS_DEFAULTS;
static struct contrast_options out_opt;
static int against, by;
static const char *const references[] = { "controls", "rest", "all", NULL };
static const char *const parts[] = { "target", "guide", NULL };

static const struct cli_option options[] = {
	SCREEN_PERT_OPTIONS(opt),
	SCREEN_SPLIT_OPTION(opt),
	SCREEN_GUIDE_OPTION(opt),
	CLI_TEXT(0, "layer", &opt.layer, "NAME", "log-normalised layer (default X)"),
	MARKER_TEST_OPTIONS(test_opt),
	CLI_REAL(0, "min-diff-pct", &test_opt.min_diff_pct, 0, 1, "SHARE", "least difference of the two shares"),
	CLI_FLAG(0, "only-positive", &test_opt.only_positive, "genes that go up"),
	CLI_INT(0, "max-genes", &test_opt.max_genes, 0, 10000000, "N", "most markers of a target; 0: all"),
	CLI_CHOICE(0, "correction", &test_opt.correction, marker_corrections, "WHICH", "for multiple tests",
		   "auto is bonferroni, and bh with --compat pertpy. Both count all genes of the stream, tested or not"),
	CLI_CHOICE(0, "reference", &against, references, "WHICH", "controls, all other cells, or all cells"),
	CLI_CHOICE(0, "by", &by, parts, "WHAT", "a contrast a target, or a guide"),
	CONTRAST_OPTIONS(out_opt),
	CLI_CHOICE(0, "compat", &test_opt.compat, compat_choices, "WHICH", "semantics where the references differ"),
	CLI_END
};

static int run(struct cli *c)
{
	markers_resolve(&test_opt);
	struct contrast_scan scan = { &opt, &test_opt, &out_opt, by == BY_GUIDE, against == AGAINST_ALL };
	json_t *notes = json_pack("{s:s, s:s, s:s, s:s}", "pert_key", opt.pert_key, "control", opt.control ? opt.control : "", "reference",
				  references[against], "test", marker_tests[test_opt.test]);
	if (against == AGAINST_CONTROLS)
		contrast_scan_controls(c, &scan, notes);
	else
		contrast_scan_rest(c, &scan, notes);
	return 0;
}

static const char *const description[] = {
	"Compares the cells of each target with the control cells, gene by gene: shares of expressing cells, log2 fold change, a test, adjusted p, and the rank "
	"of the genes that pass. One contrast a target; with --split-by one a target and split, with --by guide one a guide.",
	"As FindMarkers of Seurat: pct is the share of cells above 0, rounded to 3 digits; logfc = log2(mean(expm1 x) + 1) of the target minus that of the reference; "
	"genes are tested when the larger pct is at least --min-pct, the two differ by --min-diff-pct and |logfc| is at least --logfc-threshold. Tests: lr, the "
	"likelihood ratio of a logistic regression of group on expression (chi-square, 1 df); wilcoxon, the rank sum with mid ranks, tie and continuity "
	"correction, exact when both groups have fewer than 50 cells and no ties; t, Welch's. Markers have an adjusted p below --pval-cutoff; equal p "
	"keep the order of the genes.",
	"p values are kept as logarithms, so none is lost to underflow, and genes whose p is 0 in R stay ordered among themselves. A contrast with fewer than "
	"3 cells on a side is not tested and says so; where none can be tested, nothing is written and the status is 1.",
	"--compat pertpy follows scanpy's rank_genes_groups as pertpy 1.4 uses it: rank sum without tie or continuity correction, fold change from means in "
	"log space with 1e-9 added, in float32, no filter before the test, Benjamini-Hochberg, and the fold-change filter afterwards.",
	"--reference rest compares with all other cells of the stream, controls among them; --reference all with all cells, the target's own among them (for screens "
	"without controls; the test then is conservative). These need no --control, and read the input several times when its values exceed --memory.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "target, split, guide", "row columns: what the contrast compares" },
	{ "n_target, n_control, n_markers", "row columns: cells on both sides, genes that pass" },
	{ "reason", "row column: why nothing was tested (too_few_cells, too_few_controls)" },
	{ "logfc, pct_target, pct_control", "layers, for all genes" },
	{ "statistic", "layer: chi-square, U of the target (z with --compat pertpy) or t; NaN where not tested" },
	{ "log10_p, log10_p_adj", "layers; NaN where not tested" },
	{ "marker_rank", "layer: 1 for the most significant marker; 0 for no marker" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"de-markers --control NT normalised.pmx -o markers.pmx",
	"de-markers --control NT --test wilcoxon --logfc-threshold 0 --min-pct 0 --tsv normalised.pmx | head",
	NULL
};
static const char *const sources[] = {
	"FindMarkers of Seurat 4.3 (LR: McDavid et al. 2013; stats::wilcox.test; t.test); pertpy 1.4 and scanpy 1.12 for --compat pertpy.",
	NULL
};

const struct cli_tool tool = { .name = "de-markers", .summary = "genes that differ between each target and the controls", .stage = CLI_SCREENS,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_WRITES_TEXT | CLI_THREADS | CLI_HOLDS_DATA | CLI_NEEDS_ORDER,
	.reads = CLI_KIND(PMX_CELLS), .writes = "contrasts", .args = "[FILE]", .max_args = 1, .options = options,
	.description = description, .outputs = outputs, .examples = examples, .sources = sources, .run = run };
