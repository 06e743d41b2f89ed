/* rank - drugs whose signatures reverse or mimic the state of a target */
#include "cli/gene_names.h"
#include "cli/rank_background.h"
#include "cli/rank_table.h"
#include "base/mem.h"
#include "connect/leading_edge.h"
#include <limits.h>
#include <string.h>

static struct rank_options opt = RANK_DEFAULTS;
static struct rank_table_options table_opt = { .top_k = 50 };
static struct rank_conditions where;
static const char *reference_file, *model_file, *layer, *background_file, *write_background, *gene_info;
static long n_genes = 150;
static int want, unit, compat, method;
static double blend = 0.5;
static bool verify;

static const char *const methods[] = { "wtcs", "cosine", "pearson", "spearman", "gsea", "xsum", "zhang", "ensemble", "rges", "lamb", "embedding", "blend",
	NULL };
enum { METHOD_EMBEDDING = SCORE_N_METHODS, METHOD_BLEND };
static const char *const wants[] = { "reverse", "mimic", NULL };
static const char *const units[] = { "signature", "compound", "moa", NULL };
static const char *const compats[] = { "none", "scperturb-cmap", NULL };

static const struct cli_option options[] = {
	CLI_TEXT('r', "reference", &reference_file, "FILE", "signatures of drugs, from reference-build (needed)"),
	CLI_CHOICE('m', "method", &method, methods, "NAME", "score"),
	CLI_TEXT(0, "model", &model_file, "FILE", "of embedding and blend, from embed-train"),
	CLI_REAL(0, "blend", &blend, 0, 1, "W", "blend: weight of the embedding beside the ensemble"),
	CLI_INT(0, "n-genes", &n_genes, 1, 32767, "N", "strongest up and as many down genes of a dense target, for the set scores",
		"wtcs, gsea, xsum, zhang, rges, lamb and one half of the ensemble look at sets; of a list they take all genes"),
	CLI_INT(0, "n-extreme", &opt.score.n_extreme, 1, 32767, "N", "xsum: genes kept at each end of a profile"),
	CLI_CHOICE(0, "want", &want, wants, "WHAT", "what comes first: reverse, the lowest score; or mimic, the highest"),
	CLI_INT('k', "top-k", &table_opt.top_k, 0, 2000000000, "N", "rows shown for each target; 0: all"),
	CLI_CHOICE(0, "aggregate", &unit, units, "UNIT", "rank signatures, compounds or mechanisms of action"),
	CLI_SWITCH(0, "normalize", &opt.normalise, "summarise normalised scores (ncs); else the scores themselves"),
	CLI_INT('p', "permutations", &opt.permutations, 0, 1000000, "N", "random queries for p values; 0: none"),
	CLI_TEXT(0, "background", &background_file, "FILE", "scores of reference queries, for tau"),
	CLI_TEXT(0, "write-background", &write_background, "FILE", "keep the scores of these targets as a background"),
	CLI_INT(0, "min-overlap", &opt.min_overlap, 1, 32767, "N", "genes that target and signature share at least; fewer: no score"),
	GENE_NAMES_OPTION(&gene_info),
	CLI_LIST(0, "cell-line", &where.cell_line, "NAME", "only signatures in this cell line; repeatable, as are the next"),
	CLI_LIST(0, "moa", &where.moa, "NAME", "only compounds with this mechanism of action"),
	CLI_LIST(0, "dose", &where.dose, "DOSE", "only this dose: a text, a number, or a range as 1:10"),
	CLI_LIST(0, "time", &where.time, "TIME", "only this time, likewise"),
	CLI_TEXT(0, "layer", &layer, "NAME", "weights of the targets (default weights, else X, else the first layer of floats)"),
	CLI_FLAG(0, "leading-edge", &table_opt.leading_edge, "two more columns: the genes that make the enrichment of either set"),
	CLI_CHOICE(0, "compat", &compat, compats, "WHICH", "scores and order of another program: scperturb-cmap 0.2.0"),
	CLI_FLAG(0, "verify", &verify, "read the whole reference first and check its sums"),
	CLI_END
};

static void check_options(const struct cli *c)
{
	bool learned = method >= METHOD_EMBEDDING;
	int m = opt.score.method = learned ? SCORE_ENSEMBLE : method;
	opt.blend = method == METHOD_EMBEDDING ? 1 : blend;
	opt.compat = compat != 0;
	opt.background = background_file != NULL;
	table_opt.mimic = want == 1;
	if (!reference_file)
		cli_misuse("give the reference with --reference FILE; reference-build makes one");
	if (learned != (model_file != NULL))
		cli_misuse(learned ? "--method %s needs --model FILE, from embed-train" : "%s takes no --model; embedding and blend do", methods[method]);
	if (learned && (background_file || write_background || compat))
		cli_misuse("--method %s goes without --background, --write-background and --compat", methods[method]);
	if (opt.compat && m != SCORE_COSINE && m != SCORE_GSEA && m != SCORE_ENSEMBLE)
		cli_misuse("scperturb-cmap has no %s; it has cosine, gsea and ensemble", methods[m]);
	if (table_opt.leading_edge && (opt.compat || learned || !leading_edge_of(m)))
		cli_misuse("%s has no leading edge; wtcs, gsea, ensemble, rges and lamb have one", opt.compat ? compats[1] : methods[method]);
	if (opt.compat && opt.permutations)
		cli_misuse("--compat scperturb-cmap has no p values; leave --permutations out");
	/* Its order is that of rising scores, and its low is concordant. */
	if (opt.compat)
		table_opt.mimic = false;
	if (!opt.permutations)
		cli_detail(c, "no p values without --permutations");
}

static void fetch_for(const struct rank_reference *r, const struct rank_targets *t, int part)
{
	bool *used = mem_zero(r->file->n_genes, sizeof *used);
	for (size_t i = 0; i < t->n; i++)
		score_genes(&(struct score_options){ .method = part }, &t->query[i], used);
	for (size_t g = 0; g < r->file->n_genes && (opt.permutations || opt.compat || model_file); g++)
		used[g] = true;
	rank_reference_fetch(r, used, opt.compat ? UINT_MAX : score_parts(part, rank_reference_gaps(r)));
	mem_free(used);
}

static void fetch(const struct rank_reference *r, const struct rank_targets *t)
{
	bool both = opt.score.method == SCORE_ENSEMBLE;
	fetch_for(r, t, both ? SCORE_GSEA : opt.score.method);
	if (both)
		fetch_for(r, t, SCORE_PEARSON);
}

static void report(const struct cli *c, const struct rank_count *n)
{
	if (n->few_genes || n->no_spread)
		cli_note(c, "%llu scores, %llu not computed: few_shared_genes %llu, no_spread %llu", (unsigned long long)n->scored,
			 (unsigned long long)(n->few_genes + n->no_spread), (unsigned long long)n->few_genes, (unsigned long long)n->no_spread);
	if (n->targets_without)
		cli_note(c, "%llu targets have no score at all", (unsigned long long)n->targets_without);
	if (!n->scored && n->few_genes && !n->no_spread)
		cli_die("nothing was scored: of every target fewer than %ld genes count in any signature (--min-overlap)", opt.min_overlap);
	if (!n->scored)
		cli_die("nothing was scored");
}

static int run(struct cli *c)
{
	check_options(c);
	struct rank_reference *r = rank_reference_open(c, reference_file, &where, unit, verify);
	struct pmx_reader *in = cli_input(c);
	struct rank_targets *t = rank_targets_read(c, in, r, layer, n_genes, opt.compat, gene_info);
	fetch(r, t);
	struct rank_embedding *embedding = model_file ? rank_embedding_new(c, model_file, r, t) : NULL;
	opt.embedding = embedding;
	struct cli_text *out = cli_text_new(c);
	struct rank_background *keep = write_background ? rank_background_new(c, write_background, &opt, r, n_genes, t) : NULL;
	struct rank_count count = { 0 };
	struct cli_progress *bar = cli_progress_new(c, "targets", t->n);
	rank_table_head(out, &table_opt);
	for (size_t first = 0, batch = rank_scores_batch(c, &opt, r); first < t->n; first += batch) {
		size_t n = t->n - first < batch ? t->n - first : batch;
		struct rank_scores *s = rank_scores_new(c, &opt, r, t->query + first, n);
		if (opt.permutations)
			rank_scores_null(c, &opt, r, t->query + first, s);
		if (background_file)
			rank_background_compare(c, background_file, &opt, r, n_genes, s);
		if (keep)
			rank_background_put(keep, t, first, s);
		rank_table_targets(c, out, &table_opt, r, t, first, s, &opt, &count);
		rank_scores_free(s);
		cli_progress_at(bar, first + n, NULL);
	}
	cli_progress_end(bar);
	report(c, &count);
	if (keep)
		rank_background_close(keep);
	cli_text_close(out);
	rank_embedding_free(embedding);
	rank_targets_free(t);
	rank_reference_free(r);
	pmx_close(in);
	return 0;
}

static const char *const description[] = {
	"Scores every target row of a stream of signatures against every signature of a reference and writes a table, the strongest reverser first (or, "
	"with --want mimic, the strongest mimic). Positive scores mimic the target's state, negative ones reverse it, whatever the method.",
	"  wtcs      weighted enrichment of the up and the down set, (ES_up - ES_down) / 2, 0 where both have\n"
	"            the same sign (CMap 2017)\n"
	"  gsea      the same, unweighted and without the zero\n"
	"  xsum      sum of the up less that of the down genes, among the --n-extreme ends of a profile\n"
	"  zhang     signed ranks of both sides against each other, 1 is the largest possible\n"
	"  rges, lamb  difference of the two KS statistics; lamb is 0 where both have the same sign\n"
	"  cosine, pearson, spearman  of the weights over the genes that both sides have\n"
	"  ensemble  mean of pearson and gsea, each standardised over the signatures, two or more\n"
	"  embedding minus the similarity in the space of --model: <state tower(target), drug tower(-drug)>\n"
	"  blend     (1 - W) ensemble + W embedding, both standardised over the signatures",
	"A target with one set is scored by it alone. Genes that a list does not name weigh 0 in cosine, pearson and spearman. Tied values of a "
	"profile are one block, and ties of the ranking go by name. Genes are found by symbol or id, then without regard to case and to the version of an "
	"Ensembl id. A signature that lacks genes is scored on those it has: n_overlap is their number (of a list: "
	"of the genes that it names). A profile whose values are all the same has no positions, and a set with every gene of a profile leaves none outside: no_spread.",
	"The reference is mapped, so a query reads the runs of its own genes. Of one larger than half of --memory the pages are let go as soon as they have been walked over.",
	"ncs is the score divided by the mean of the positive scores, or by that of the negative ones without its sign, of the same cell line and perturbagen type; zeros do not "
	"count. A compound has the 67th or the 33rd percentile of its signatures' ncs, whichever is larger in magnitude (Hazen's quantiles), a mechanism of "
	"action the same of its compounds; they are ranked by ncs, and shown by their strongest signature. tau is the percentage of "
	"background queries with a smaller |ncs|, with the sign of ncs. A background is a run of reference queries kept with --write-background.",
	"p is (1 + number of random queries with at least that magnitude) / (1 + N). A random query permutes the gene labels of the target, so its sets have the same "
	"sizes (random sets, for lists from all genes of the reference) and its weights the same values; for compounds it goes through "
	"the same summary. Genes move together, so a real query has larger scores everywhere than random genes have: scores of signatures are compared in units of "
	"their query's mean magnitude, zeros left out (with --no-normalize as they are). q is Benjamini and Hochberg's over all of the reference that the conditions leave; neither depends on --top-k. "
	"So the null is that the genes of the target have nothing to do with those of the drug, each drug by itself; genes that move together in "
	"the drugs and in the target are no part of it. Targets without any relation to the reference have p < 0.05 in 4.5 to 5.5 % of the signatures on average "
	"(wtcs, gsea, zhang, xsum, cosine, spearman).",
	"The leading edge of a set is the genes down to the point where its running sum is largest, or where the score of the set is negative those from "
	"its lowest point on.",
	"--compat scperturb-cmap gives the scores of that program (0.2.0) with its sign, low is concordant, in its order, rising; cosine is its cosine_score. Sets "
	"are all genes with a weight. A gene that is missing in one signature does not make the scores of all of them missing, as it does there. Where the running sum of "
	"gsea ends equally far up and down, rounding says which end is the score there, and this option adds up in its order, so that the same end wins. "
	"Without it gsea counts in whole numbers and the positive end is the score, as is that of wtcs where the ends differ by less than 1e-12. Genes of the "
	"same value are in the order of the file there, one block here; names that differ by case only are two genes here.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "target, rank", "row of the input; 1 is the best" },
	{ "signature_id ... drug_target", "of the signature, or of the one that the compound or class is shown by" },
	{ "score, ncs, tau", "positive: mimics; negative: reverses" },
	{ "p_value, q_value", "with --permutations" },
	{ "n_overlap, reason", "genes shared; why there is no score: few_shared_genes, no_spread, or the target's own reason" },
	{ "leading_up, leading_down", "with --leading-edge: genes of the up and of the down set, the highest of the profile first, between |" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"rank --reference ref.pmx targets.pmx -o drugs.tsv",
	"rank --reference ref.pmx --aggregate compound --permutations 200 targets.pmx -o drugs.tsv",
	NULL
};
static const char *const sources[] = {
	"Subramanian et al. (2017), Cell 171:1437; Lamb et al. (2006), Science 313:1929; Cheng et al. (2014), Genome Med. 6:95; Zhang and Gant (2008), BMC "
	"Bioinformatics 9:258; Chen et al. (2017), Nat. Commun. 8:16022; Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57:289.",
	NULL
};

const struct cli_tool tool = { .name = "rank", .summary = "drugs that reverse or mimic the state of a target", .stage = CLI_CONNECT,
	.flags = CLI_READS_STREAM | CLI_WRITES_TEXT | CLI_HOLDS_DATA | CLI_DRAWS | CLI_THREADS, .reads = CLI_KIND(PMX_SIGNATURES),
	.args = "[FILE]", .max_args = 1, .options = options, .description = description, .outputs = outputs, .examples = examples, .sources = sources, .run = run };
