/* enrich - classes of compounds that gather at the top of a ranking */
#include "cli/gene_enrichment.h"
#include "cli/rankings.h"
#include "cli/values.h"
#include "base/mem.h"
#include "connect/class_enrichment.h"
#include "connect/summary.h"
#include <math.h>
#include <string.h>

static struct rankings_options opt = { .target_key = "target", .compound_key = "compound", .signature_key = "signature_id",
	.score_key = "score", .class_key = "moa" };
static int method, want, compat;
static long top = 50, permutations = 1000, min_size = 2;
static double weight = 1;
static const char *lists_file;
static struct gene_lists_options lists_opt = { NULL, GENES_BOTH, 0, 0.05, 0 };
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

enum reason { TESTED, FEW_MEMBERS, ALL_MEMBERS, NO_REST, N_REASONS };
static const char *const reason_name[N_REASONS] = { "NA", "too_few_members", "all_are_members", "no_rest_to_compare" };

struct line {
	uint32_t class;
	enum reason reason;
	size_t n_class, overlap;
	double statistic, p, q;
	uint32_t *place;                /* of the members, ascending */
	size_t n_place;
	size_t from, to;                /* those that the column members names */
};

/* Places of the ranked members, in order; background members count for fisher only. */
static void find_members(struct line *l, const struct item_class *c, const uint32_t *place, size_t n_ranked)
{
	uint8_t *mark = mem_zero(n_ranked + 1, 1);
	l->place = mem_array(c->n, sizeof *l->place);
	for (size_t i = 0; i < c->n; i++) {
		uint32_t at = place[c->item[i]];
		l->n_class += at != UINT32_MAX && (method == CLASS_FISHER || at < n_ranked);
		if (at < n_ranked)
			mark[at] = 1;
	}
	for (uint32_t at = 0; at < n_ranked; at++)
		if (mark[at])
			l->place[l->n_place++] = at;
	mem_free(mark);
	while (l->overlap < l->n_place && l->place[l->overlap] < (size_t)top)
		l->overlap++;
	l->to = l->overlap;
}

static void test(const struct cli *c, struct line *l, const struct class_ranking *r, size_t n_all, double *null, size_t *null_size)
{
	l->statistic = l->p = l->q = NAN;
	l->reason = l->n_class < (size_t)min_size ? FEW_MEMBERS : l->n_class == n_all ? ALL_MEMBERS : n_all <= (size_t)top && method == CLASS_FISHER ?
		    NO_REST : TESTED;
	if (l->reason != TESTED)
		return;
	if (method == CLASS_FISHER) {
		struct class_table t = class_fisher(l->overlap, l->n_class, r->n < (size_t)top ? r->n : (size_t)top, n_all);
		l->statistic = t.odds_ratio;
		l->p = exp(t.log_p);
		return;
	}
	if (*null_size != l->n_class)
		class_null(r, method, *null_size = l->n_class, c->seed, (size_t)permutations, c->threads, null);
	size_t edge = 0;
	l->statistic = method == CLASS_GSEA ? class_gsea(r, l->place, l->n_class, &edge) : class_rbo(r, l->place, l->n_class);
	l->p = class_p(method, l->statistic, null, (size_t)permutations);
	if (method == CLASS_GSEA) {
		l->from = l->statistic < 0 ? l->n_place - edge : 0;
		l->to = l->from + edge;
		l->overlap = edge;
	}
}

static int by_size(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	return x->n_class != y->n_class ? (x->n_class > y->n_class) - (x->n_class < y->n_class) : (x->class > y->class) - (x->class < y->class);
}

static const struct names *class_names;

/* The most significant first, then the larger statistic, then by name. */
static int by_p(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	if (isnan(x->p) != isnan(y->p))
		return isnan(x->p) ? 1 : -1;
	if (x->p != y->p && !isnan(x->p))
		return x->p < y->p ? -1 : 1;
	if (x->statistic != y->statistic && !isnan(x->statistic) && !isnan(y->statistic))
		return x->statistic > y->statistic ? -1 : 1;
	return strcmp(class_names->at[x->class], class_names->at[y->class]);
}

static void write_line(struct cli_text *out, const struct rankings *r, uint32_t target, const struct line *l, size_t n_in)
{
	const struct ranking *at = &r->at[target];
	cli_text_name(out, r->targets->at[target]);
	cli_text_put(out, "\t");
	cli_text_name(out, r->classes->at[l->class]);
	cli_text_print(out, "\t%s\t%zu\t%zu\t%zu", methods[method], l->n_class, n_in, l->overlap);
	const double value[] = { l->statistic, l->p, l->q };
	for (int i = 0; i < 3; i++) {
		cli_text_put(out, "\t");
		if (isnan(value[i]))
			cli_text_put(out, "NA");
		else
			cli_text_f64(out, value[i]);
	}
	cli_text_put(out, l->from == l->to ? "\tNA" : "\t");
	for (size_t i = l->from; i < l->to; i++)
		cli_text_print(out, "%s%s", i > l->from ? "|" : "", r->items->at[at->item[l->place[i]]]);
	cli_text_print(out, "\t%s\n", reason_name[l->reason]);
}

/* Number of classes tested. */
static size_t test_target(const struct cli *c, struct cli_text *out, const struct rankings *r, uint32_t target, uint64_t *count)
{
	const struct ranking *at = &r->at[target];
	size_t n_classes = r->classes->n, n_all = at->n, tested = 0, null_size = 0;
	uint32_t *place = mem_array(r->items->n, sizeof *place);
	struct line *line = mem_zero(n_classes, sizeof *line);
	double *w = mem_array(at->n, sizeof *w), *p = mem_array(n_classes, sizeof *p), *q = mem_array(n_classes, sizeof *q);
	double *null = method == CLASS_FISHER ? NULL : mem_array((size_t)permutations, sizeof *null);
	memset(place, 0xff, r->items->n * sizeof *place);
	for (uint32_t i = 0; i < at->n; i++) {
		place[at->item[i]] = i;
		w[i] = weight == 0 ? 1 : pow(fabs(at->score[i]), weight);
	}
	for (size_t i = 0; i < r->n_background && method == CLASS_FISHER; i++)
		place[r->background[i]] = (uint32_t)n_all++;
	struct class_ranking ranking = { at->n, w, gene_opt.persistence };
	for (uint32_t i = 0; i < n_classes; i++) {
		line[i].class = i;
		find_members(&line[i], &r->of_class[i], place, at->n);
	}
	qsort(line, n_classes, sizeof *line, by_size);
	for (size_t i = 0; i < n_classes; i++) {
		test(c, &line[i], &ranking, n_all, null, &null_size);
		count[line[i].reason]++;
		tested += line[i].reason == TESTED;
		p[i] = line[i].p;
	}
	summary_adjust(p, n_classes, q);
	for (size_t i = 0; i < n_classes; i++)
		line[i].q = q[i];
	qsort(line, n_classes, sizeof *line, by_p);
	for (size_t i = 0; i < n_classes; i++) {
		write_line(out, r, target, &line[i], method == CLASS_FISHER && at->n > (size_t)top ? (size_t)top : at->n);
		mem_free(line[i].place);
	}
	mem_free(line);
	mem_free(place);
	mem_free(w);
	mem_free(p);
	mem_free(q);
	mem_free(null);
	return tested;
}

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
	if (lists_file && c->n_args)
		cli_misuse("--lists takes the place of FILE");
	struct gene_lists *lists = lists_file ? gene_lists_read(c, &lists_opt, lists_file) : gene_lists_of_input(c, &lists_opt, table);
	if (!lists)
		return false;
	if (method == CLASS_GSEA)
		cli_misuse("--method gsea ranks compounds; for genes there are fisher and rbo");
	if (!opt.sets_file)
		cli_misuse("--sets is needed: which sets of genes?");
	gene_enrichment(c, &gene_opt, lists);
	gene_lists_free(lists);
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
	class_names = r->classes;
	if (!r->classes->n)
		cli_die("no row has a class in column '%s'", opt.class_key);
	struct cli_text *out = cli_text_new(c);
	uint64_t count[N_REASONS] = { 0 }, tested = 0, without = 0;
	cli_text_put(out, "target\tclass\tmethod\tn_class\tn_in\toverlap\tstatistic\tp_value\tq_value\tmembers\treason\n");
	for (uint32_t t = 0; t < r->targets->n; t++) {
		tested += test_target(c, out, r, t, count);
		without += r->at[t].n_without;
	}
	if (without)
		cli_note(c, "%llu rows have no score and are left out", (unsigned long long)without);
	if (count[NO_REST])
		cli_note(c, "%llu classes not tested: all ranked are among the first %ld; rank with --top-k 0, or give a smaller --top",
			 (unsigned long long)count[NO_REST], top);
	if (count[FEW_MEMBERS] + count[ALL_MEMBERS])
		cli_note(c, "%llu classes tested, %llu not: too_few_members %llu, all_are_members %llu", (unsigned long long)tested,
			 (unsigned long long)(count[FEW_MEMBERS] + count[ALL_MEMBERS]), (unsigned long long)count[FEW_MEMBERS],
			 (unsigned long long)count[ALL_MEMBERS]);
	if (!tested)
		cli_die("no class was tested");
	cli_text_close(out);
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
	"What differs from scperturb-cmap 0.2: there the rest is the rest of a list that was cut before, signatures are counted, a missing class is a class, and "
	"nothing is corrected for the number of classes. With the whole table and --unit signature p and odds ratio are the same.",
	NULL
};
static const struct cli_output outputs[] = {
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
	NULL
};
static const char *const sources[] = {
	"Fisher 1934; Subramanian et al. 2005, PNAS (gene set enrichment analysis); Webber, Moffat and Zobel 2010, ACM TOIS (rank-biased overlap).",
	NULL
};

const struct cli_tool tool = { .name = "enrich", .summary = "classes of compounds that gather at the top of a ranking", .stage = CLI_CONNECT,
	.flags = CLI_WRITES_TEXT | CLI_HOLDS_DATA | CLI_THREADS | CLI_DRAWS, .args = "[FILE]", .max_args = 1, .options = options,
	.description = description, .outputs = outputs, .examples = examples, .sources = sources, .run = run };
