/* enrich - what gathers in lists of genes, and at the top of a ranking of compounds */
#include "cli/class_tests.h"
#include "cli/gene_enrichment.h"
#include "cli/rankings.h"
#include "connect/class_enrichment.h"

static struct rankings_options opt = { .target_key = "target", .compound_key = "compound", .signature_key = "signature_id",
	.score_key = "score", .class_key = "moa" };
static int method, want, compat;
static long top = 50, permutations = 1000, min_size = 2;
static double weight = 1;
static const char *lists_file, *gene_info;
static struct gene_lists_options lists_opt = { NULL, NULL, GENES_BOTH, 0, 0.05, 0 };
static struct gene_enrichment_options gene_opt = { .min_genes = 1, .persistence = 0.95 };

static const char *const methods[] = { "fisher", "gsea", "rbo", NULL };
static const char *const wants[] = { "reverse", "mimic", NULL };
static const char *const directions[] = { "both", "up", "down", NULL };
static const char *const nulls[] = { "empirical", "normal", NULL };
static const char *const compats[] = { "own", "seurat", NULL };
static const char *const units[] = { "compound", "signature", NULL };

static const struct cli_option options[] = {
	CLI_CHOICE(0, "method", &method, methods, "NAME", "test: of the first --top, of the running sum, of the overlap"),
	CLI_TEXT(0, "class-key", &opt.class_key, "COLUMN", "column with the classes of a row, several between |"),
	CLI_TEXT(0, "sets", &opt.sets_file, "FILE", "sets of genes, or classes of compounds instead: GMT, or a table member TAB set"),
	CLI_CHOICE(0, "unit", &opt.unit, units, "WHAT", "what is counted and ranked",
		   "A compound with several rows for a target has the maximum quantile of their scores: of the 67th and 33rd percentile the larger in magnitude"),
	CLI_CHOICE(0, "want", &want, wants, "WHAT", "what comes first: reverse, the lowest score; mimic, the highest"),
	CLI_INT(0, "top", &top, 1, 1000000000, "N", "fisher: the first so many against the others"),
	CLI_TEXT(0, "background", &opt.background_file, "FILE", "fisher: all that could have come up, one a line (default: what is ranked or tested)"),
	CLI_REAL(0, "weight", &weight, 0, 10, "W", "gsea: exponent of |score|; 0 is Kolmogorov and Smirnov's"),
	CLI_REAL(0, "persistence", &gene_opt.persistence, 0.001, 0.999999, "P", "rbo: how deep one looks, 1 / (1 - P) places on average"),
	CLI_INT('p', "permutations", &permutations, 1, 10000000, "N", "gsea, rbo: random classes of the same size"),
	CLI_INT(0, "min-size", &min_size, 1, 1000000000, "N", "fewer members in the ranking: the class is not tested"),
	CLI_TEXT(0, "lists", &lists_file, "FILE", "lists of genes, the first the strongest: GMT, gene TAB list, or one gene a line"),
	GENE_NAMES_OPTION(&gene_info),
	CLI_CHOICE(0, "direction", &lists_opt.direction, directions, "WHICH", "genes that go up or down, of signatures and contrasts"),
	CLI_REAL(0, "pval-cutoff", &lists_opt.p_cutoff, 0, 1, "P", "contrasts: adjusted p of a gene at most"),
	CLI_REAL(0, "logfc-threshold", &lists_opt.logfc_threshold, 0, 1000, "X", "contrasts: |log2 fold change| of a gene over"),
	CLI_INT(0, "min-genes", &gene_opt.min_genes, 1, 1000000, "N", "fewer genes in a list: it is not tested"),
	CLI_FLAG(0, "ease", &gene_opt.ease, "fisher of genes: one less in the overlap (EASE score)"),
	CLI_INT(0, "depth", &gene_opt.depth, 0, 1000000000, "K", "rbo of genes: the first K of list and set; 0: all"),
	CLI_FLAG(0, "even-lengths", &gene_opt.even, "rbo of genes: cut the longer to the length of the shorter"),
	CLI_CHOICE(0, "null", &gene_opt.null, nulls, "WHICH", "rbo of genes: p by counting, or from a normal distribution"),
	CLI_TEXT(0, "permutation-file", &gene_opt.permutation_file, "FILE", "rbo of genes: given ones; number TAB value,value,..."),
	CLI_CHOICE(0, "compat", &compat, compats, "WHICH", "genes: semantics where the reference differs"),
	CLI_TEXT(0, "score-key", &opt.score_key, "COLUMN", "column with the score"),
	CLI_TEXT(0, "compound-key", &opt.compound_key, "COLUMN", "column with the compound"),
	CLI_END
};

/* Genes against sets of genes, where the input is of genes; false: it is a ranking of compounds, read into *table. */
static bool test_genes(struct cli *c, struct table **table)
{
	lists_opt.background_file = opt.background_file;
	lists_opt.top = top;
	gene_opt.sets_file = opt.sets_file;
	gene_opt.min_size = min_size;
	gene_opt.permutations = permutations;
	gene_opt.rbo = method == CLASS_RBO;
	gene_opt.seurat = compat == 1;
	struct gene_ledger *ledger = gene_names_ledger(gene_info);
	lists_opt.ledger = gene_opt.ledger = ledger;
	if (lists_file && c->n_args)
		cli_misuse("--lists takes the place of FILE");
	struct gene_lists *lists = lists_file ? gene_lists_read(c, &lists_opt, lists_file) : gene_lists_of_input(c, &lists_opt, table);
	if (!lists && gene_info)
		cli_misuse("--gene-info is about genes; the input is a ranking of compounds");
	if (!lists)
		return false;
	if (method == CLASS_GSEA)
		cli_misuse("--method gsea ranks compounds; for genes there are fisher and rbo");
	if (!opt.sets_file)
		cli_misuse("--sets is needed: which sets of genes?");
	gene_enrichment(c, &gene_opt, lists);
	gene_lists_free(lists);
	gene_ledger_free(ledger);
	return true;
}

static int run(struct cli *c)
{
	struct table *table;
	if (test_genes(c, &table))
		return 0;
	opt.mimic = want == 1;
	if (opt.background_file && method != CLASS_FISHER)
		cli_misuse("--background belongs to --method fisher; the others know ranked items only");
	if (opt.background_file && !opt.sets_file)
		cli_misuse("--background needs --sets: the classes of what is not in the table are not in a column of it");
	struct rankings *r = rankings_of_table(c, &opt, table);
	if (!r->classes->n)
		cli_die("no row has a class in column '%s'", opt.class_key);
	struct class_tests_options tests = { method, top, permutations, min_size, weight, gene_opt.persistence };
	class_tests(c, &tests, r);
	rankings_free(r);
	table_free(table);
	return 0;
}

static const char *const description[] = {
	"Takes the table of rank and says, for every target, which classes of compounds (mechanisms of action, drug targets) gather at its top: strong "
	"reversers, or with --want mimic strong mimics. The whole ranking is needed: rank --top-k 0.",
	"  fisher  P(X >= overlap) for the members among the first --top, X hypergeometric over all that is ranked\n"
	"          (one-sided Fisher); the statistic is the odds ratio of the table, infinite where a cell is 0\n"
	"  gsea    largest deviation of the running sum: members step up by |score|^W of their sum, others down evenly;\n"
	"          negative where the class gathers at the end\n"
	"  rbo     rank-biased overlap with the members, which tie for the first place:\n"
	"          (1 - P) sum over depths d of P^(d-1) 2 X_d / (d + m), X_d of the m members among the first d",
	"p of gsea and rbo is (1 + random classes of the same size whose statistic is at least as large) / (1 + those drawn), for gsea among those of the same "
	"sign. q is Benjamini and Hochberg's over the classes tested for a target. Compounds are counted, not signatures, unless --unit says so. Items without a "
	"class are no class of their own, but are ranked and counted.",
	"Genes: with --lists, or where FILE is a stream of signatures or contrasts or a table of contrasts (de-markers --tsv), lists of genes are tested "
	"against --sets. Of a signature the --top strongest a side are a list, with those that tie with the last; of a contrast those with "
	"--pval-cutoff and --logfc-threshold, its background the genes tested. fisher leaves out what is not in the background; its odds ratio is the conditional "
	"maximum likelihood estimate. rbo is the extrapolated overlap (equation 32); p is against as many random genes of the background.",
	"With --gene-info genes of lists, sets, background and input are compared as genes, whatever of their names is used, and called by their current symbol.",
	"--compat seurat repeats Mixscale: one gene less in every overlap (its fisher_enrich_test does so unless EASE=TRUE), no least size, the background not applied to the list; rbo "
	"with the term that its code adds for equal lengths, permutations of the list's own order, p 1 where one gene or none is shared or the overlap is at most 0.01. Its odds ratios "
	"are R's, found to a ten thousandth of the odds.",
	"What differs from scperturb-cmap 0.2: there the rest is the rest of a list that was cut before, signatures are counted, a missing class is a class, and "
	"nothing is corrected for the number of classes. With the whole table and --unit signature p and odds ratio are the same.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "n_set, n_list", "genes: of the set in the background (rbo: all); of the list that count" },
	{ "combined, log10_p", "genes: -ln(p) x odds ratio; p that does not run out" },
	{ "n_class, n_in", "members that are ranked; items compared: the first --top (fisher), all (gsea, rbo)" },
	{ "overlap", "members among the first --top; of gsea those in the leading edge" },
	{ "statistic", "odds ratio (fisher), enrichment score (gsea), rank-biased overlap (rbo)" },
	{ "members", "those of the overlap, in the order of the ranking, between |" },
	{ "reason", "why there is no p: too_few_members, all_are_members, no_rest_to_compare; else NA" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"enrich --top 6 ranked.tsv",
	"enrich --method gsea --permutations 2000 --seed 3 ranked.tsv | head",
	"enrich --sets sets.gmt --min-size 1 markers.pmx",
	NULL
};
static const char *const sources[] = {
	"Hosack et al. 2003, Genome Biology (EASE score); fisher_enrich_test, rbo_enrich_test and DEenrich of Mixscale 0.3.",
	"Fisher 1934; Subramanian et al. 2005, PNAS (gene set enrichment analysis); Webber, Moffat and Zobel 2010, ACM TOIS (rank-biased overlap).",
	NULL
};

const struct cli_tool tool = { .name = "enrich", .summary = "what gathers in lists of genes, and at the top of a ranking of compounds", .stage = CLI_CONNECT,
	.flags = CLI_WRITES_TEXT | CLI_HOLDS_DATA | CLI_THREADS | CLI_DRAWS, .args = "[FILE]", .max_args = 1, .options = options,
	.description = description, .outputs = outputs, .examples = examples, .sources = sources, .run = run };
