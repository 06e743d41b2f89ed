/* target-signature - the state that a drug is sought for: populations of cells, gene lists, or weights as signatures */
#include "cli/gene_names.h"
#include "cli/populations.h"
#include "cli/targets.h"
#include "base/mem.h"
#include "formats/sets.h"
#include "formats/weights.h"
#include <math.h>
#include <string.h>

static struct population_options opt = POPULATION_DEFAULTS;
static const char *up_file, *down_file, *weights_file, *gene_info, *name = "target";
static struct gene_ledger *ledger;      /* NULL without a table of genes */

/* In the order of their enums. */
static const char *const methods[] = { "rank_biserial", "cohen_d", "logfc", "t", "wilcoxon", NULL };
static const char *const pairings[] = { "auto", "paired", "unpaired", NULL };

static const struct cli_option options[] = {
	CLI_TEXT(0, "group-key", &opt.group_key, "COLUMN", "row column whose labels are the populations"),
	CLI_LIST(0, "group", &opt.groups, "NAME", "a population, or all (default); may be repeated"),
	CLI_TEXT(0, "reference", &opt.reference, "LABEL", "rest: all other cells; or the label to compare with",
		 "With --case-key it is a label of that column, else one of --group-key. Where a label is called rest, it is that label"),
	CLI_TEXT(0, "case-key", &opt.case_key, "COLUMN", "compare two conditions inside of every population instead"),
	CLI_TEXT(0, "case", &opt.case_label, "LABEL", "the condition whose state is sought; --reference is the other"),
	CLI_CHOICE(0, "method", &opt.method, methods, "EFFECT", "what is measured, gene by gene"),
	CLI_TEXT(0, "sample-key", &opt.sample_key, "COLUMN", "row column of donors: they count, not their cells"),
	CLI_CHOICE(0, "pairing", &opt.pairing, pairings, "HOW", "of samples on both sides; auto: where there are two or more"),
	CLI_INT(0, "min-cells", &opt.min_cells, 1, 1000000, "N", "least cells on a side (of a sample, with --sample-key)"),
	CLI_TEXT(0, "layer", &opt.layer, "NAME", "log-normalised layer (default X)"),
	CLI_TEXT(0, "up", &up_file, "FILE", "genes that go up: one a line, or a GMT with many sets",
		 "In a GMT, NAME_UP of --up and NAME_DN or NAME_DOWN of --down make the target NAME. A name without such an ending stands for itself; "
		 "one with the ending of the other side is left out, so that one file can be given for both"),
	CLI_TEXT(0, "down", &down_file, "FILE", "genes that go down; one side alone is enough"),
	CLI_TEXT(0, "name", &name, "NAME", "the target that lists with one gene a line make"),
	CLI_TEXT(0, "weights", &weights_file, "FILE", "a table: gene, then a column of weights for every target"),
	GENE_NAMES_OPTION(&gene_info),
	CLI_END
};

static void from_lists(struct cli *c)
{
	struct err e = { 0 };
	struct signed_sets *s = signed_sets_read(up_file, down_file, name, ledger, &e);
	if (!s)
		cli_fail(&e);
	if (s->n_repeated)
		cli_note(c, "%llu repetitions of a gene inside of a list count once", (unsigned long long)s->n_repeated);
	if (s->n_skipped)
		cli_note(c, "%llu sets are named for the other side and left out", (unsigned long long)s->n_skipped);
	if (s->n_both)
		cli_note(c, "%llu genes are listed up and down for the same target and left out of both (%s)", (unsigned long long)s->n_both,
			 s->example);
	struct gene_columns spelt = gene_columns_new(c, "genes of the lists", (const char *const *)s->spelt->at, s->spelt->n, ledger);
	struct target_writer *w = targets_open(c, &(struct target_stream){ .genes = s->genes, .gene_counts = spelt.counts,
					       .source = up_file ? up_file : down_file });
	double *weights = mem_array(s->genes->n, sizeof *weights);
	for (uint32_t t = 0; t < s->targets->n; t++) {
		const struct signed_set *set = &s->at[t];
		struct target_row row = { s->targets->at[t], TARGET_LIST, PMX_MISSING_I64, PMX_MISSING_I64, PMX_MISSING_I64, NULL };
		for (size_t g = 0; g < s->genes->n; g++)
			weights[g] = NAN;
		for (size_t i = 0; i < set->n; i++)
			weights[set->gene[i]] = i < set->n_up ? 1 : -1;
		cli_detail(c, "%s: %zu genes up, %zu down", row.name, set->n_up, set->n - set->n_up);
		targets_put(w, &row, weights);
	}
	mem_free(weights);
	targets_close(w);
	gene_columns_free(&spelt);
	signed_sets_free(s);
}

static void from_table(struct cli *c)
{
	struct err e = { 0 };
	struct weights *t = weights_read(weights_file, &e);
	if (!t)
		cli_fail(&e);
	if (t->n_missing)
		cli_note(c, "%s: %llu weights are missing: these genes do not count for those targets", weights_file, (unsigned long long)t->n_missing);
	struct gene_columns genes = gene_columns_new(c, "genes of the weights", (const char *const *)t->genes->at, t->genes->n, ledger);
	struct target_writer *w = targets_open(c, &(struct target_stream){ .genes = genes.names, .from = genes.from, .gene_counts = genes.counts,
					       .source = weights_file });
	double *weights = mem_array(t->genes->n, sizeof *weights);
	for (uint32_t k = 0; k < t->targets->n; k++) {
		struct target_row row = { t->targets->at[k], TARGET_DENSE, PMX_MISSING_I64, PMX_MISSING_I64, PMX_MISSING_I64, NULL };
		for (size_t g = 0; g < t->genes->n; g++)
			weights[g] = t->value[g * t->targets->n + k];
		targets_put(w, &row, weights);
	}
	mem_free(weights);
	targets_close(w);
	gene_columns_free(&genes);
	weights_free(t);
}

static void from_cells(struct cli *c)
{
	struct populations *p = populations_read(c, &opt);
	size_t n = p->cells->n_columns;
	const char **column = mem_array(n, sizeof *column);
	for (size_t i = 0; i < n; i++)
		column[i] = pmx_column_name(p->cells, i);
	struct gene_columns genes = gene_columns_new(c, "genes of the cells", column, n, ledger);
	struct target_writer *w = targets_open(c, &(struct target_stream){ .genes = genes.names, .from = genes.from, .gene_counts = genes.counts,
					       .reasons = target_reason_name + 1, .samples = opt.sample_key, .cells = p->cells });
	size_t unused = 0;
	for (size_t i = 0; i < p->n; i++) {
		const struct target_group *how = &p->at[i].how;
		unused += how->n_unused;
		targets_put(w, &(struct target_row){ p->at[i].name, TARGET_DENSE, (int64_t)how->n_case, (int64_t)how->n_control,
			    (int64_t)how->n_samples, target_reason_name[how->reason] }, p->at[i].effect);
		if (opt.sample_key && how->reason == TARGET_DONE)
			cli_detail(c, "%s: %zu samples, %s; %zu cells of others are left out", p->at[i].name, how->n_samples,
				   how->paired ? "paired" : "unpaired", how->n_unused);
	}
	if (unused)
		cli_note(c, "%zu cells are left out: their samples lack cells on the other side, or have fewer than --min-cells there (-v: of which targets)",
			 unused);
	targets_close(w);
	gene_columns_free(&genes);
	mem_free(column);
	populations_free(p);
}

static void check_use(const struct cli *c)
{
	bool cells = opt.group_key || opt.case_key;
	if (cells + (weights_file != NULL) + (up_file || down_file) > 1)
		cli_misuse("--group-key or --case-key, --up and --down, and --weights are three ways to give targets; take one");
	if (!cells && !weights_file && !up_file && !down_file)
		cli_misuse("say where the targets come from: --group-key (or --case-key), --up and --down, or --weights");
	if (!cells && c->n_args)
		cli_misuse("%s is not read: targets come from a stream of cells with --group-key or --case-key", c->args[0]);
	if (!opt.group_key && opt.groups.n)
		cli_misuse("--group picks labels of --group-key, which is missing");
	if ((opt.case_label != NULL) != (opt.case_key != NULL))
		cli_misuse("--case-key names the column and --case its label; one of them is missing");
	if (opt.pairing != TARGET_PAIR_AUTO && !opt.sample_key)
		cli_misuse("--pairing is about the samples of --sample-key, which is missing");
}

static int run(struct cli *c)
{
	check_use(c);
	ledger = gene_names_ledger(gene_info);
	if (weights_file)
		from_table(c);
	else if (up_file || down_file)
		from_lists(c);
	else
		from_cells(c);
	gene_ledger_free(ledger);
	mem_free(opt.groups.at);
	return 0;
}

static const char *const description[] = {
	"Writes a signature for every target: the state of a population for which drugs are sought, as one number a gene. Positive is higher in the "
	"target. Numbers keep their sign and their zero: nothing is centred or scaled afterwards. Targets come from one of three sources.",
	"Cells: a stream with log-normalised values. Each label of --group-key is compared with all other cells, or with --reference; with --case-key, "
	"cells of --case with those of --reference inside of the label. All populations are done in one run. With means m, variances s2 "
	"(over n; u2 over n - 1) and U the pairs of cells that the target wins, ties for a half:",
	"  rank_biserial  2 U / (n1 n2) - 1\n"
	"  cohen_d        (m1 - m2) / sqrt((s2_1 + s2_2) / 2)\n"
	"  logfc          m1 - m2, a difference of log1p values\n"
	"  t              (m1 - m2) / sqrt(u2_1 / n1 + u2_2 / n2)\n"
	"  wilcoxon       (U - n1 n2 / 2) / its standard deviation, ties counted in",
	"Cells of one donor are no replicates. With --sample-key, samples that have --min-cells cells on both sides are compared inside of "
	"themselves: the mean over samples of rank_biserial, cohen_d or logfc; for t the paired t of the differences of the samples' means; for wilcoxon "
	"van Elteren's test, which takes out differences between samples but still counts cells. Where fewer than two samples are on both sides, the mean of "
	"each sample and side is one observation and the formulas above apply to those; fewer than two on a side is a reason, too_few_samples.",
	"A gene without difference and spread has 0; a difference without any spread has no size in cohen_d and t and is NaN. Cells without a label of one of the "
	"columns are left out. A population that cannot be compared is a row without weights and with a reason.",
	"Lists: a gene that is listed has +1 (--up) or -1 (--down), the others NaN; form is list. One side alone makes a one-sided target. "
	"A gene in both lists of a target is left out of both. Weights: taken as they are, NA and LINCS' -666 are NaN; form is dense.",
	"With --gene-info a gene is called by its current symbol, where only one gene has that; names that the table does not know, or finds ambiguous, stay as "
	"they are. Of two columns or lines of one gene the one named by its symbol or id counts before one named by a previous or alias symbol, else the first. "
	"Two names of one gene in lists are one gene.",
	"What differs from scperturb-cmap 0.2: effects are not standardised, which made genes without any effect go down; one-sided lists have weights; donors on both "
	"sides are paired (--pairing unpaired gives its pseudobulk). Its rank_biserial, cohen_d and logfc before that step are the same numbers, but for "
	"genes that differ without any spread.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "target", "row names: the label of --group-key (without it, of --case), the list's or column's name" },
	{ "form", "row column: dense or list" },
	{ "n_case, n_control", "row columns: cells on the two sides; missing for lists and tables" },
	{ "n_samples", "row column, with --sample-key: samples used" },
	{ "n_genes", "row column: genes with a weight" },
	{ "reason", "row column: why there are no weights (no_cells, no_controls, too_few_cells, too_few_controls, too_few_samples, no_genes); else missing" },
	{ "weights", "layer: one number a gene; NaN where it was not measured, or is not listed" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"target-signature --group-key cell_type --case-key condition --case case --reference ctrl cells.pmx -o populations.pmx",
	"target-signature --group-key cell_type --method t --sample-key donor cells.pmx | pmx-view --obs",
	"printf 'STAT1\\nIRF1\\n' > up.txt && target-signature --up up.txt --name interferon | pmx-view --obs",
	"printf 'gene\\tinflamed\\nSTAT1\\t2.5\\nIRF1\\t-1\\n' > weights.tsv && target-signature --weights weights.tsv -o target.pmx",
	NULL
};
static const char *const sources[] = {
	"Cureton 1956 and Kerby 2014 (rank-biserial correlation); Cohen 1988; Welch 1947; van Elteren 1960 (stratified rank sum).",
	"Squair et al. 2021, Nature Communications: confronting false discoveries in single-cell differential expression (donors are the replicates).",
	NULL
};

const struct cli_tool tool = { .name = "target-signature", .summary = "cell populations, gene lists or weights as targets of a drug search",
	.stage = CLI_CONNECT, .flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS | CLI_HOLDS_DATA, .reads = CLI_KIND(PMX_CELLS),
	.writes = "signatures", .args = "[FILE]", .max_args = 1, .options = options, .description = description, .outputs = outputs,
	.examples = examples, .sources = sources, .run = run };
