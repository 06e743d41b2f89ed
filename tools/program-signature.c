/* program-signature - the genes that the programs of decompose move, as signatures */
#include "cli/program_rows.h"
#include "cli/targets.h"
#include "base/mem.h"
#include "perturb/program_genes.h"
#include <math.h>
#include <string.h>

static const char *const forms[] = { "list", "dense", NULL };
static const char *const compats[] = { "own", "seurat", NULL };
static struct program_genes_options opt = PROGRAM_GENES_DEFAULTS;
static const char *given_file, *gmt_file, *scores_file, *null_file;
static struct cli_list only;
static int form, compat;

static const struct cli_option options[] = {
	CLI_LIST(0, "program", &only, "NAME", "this program only; repeatable"),
	CLI_INT(0, "components", &opt.components, 1, 100000, "K", "principal components that are looked at"),
	CLI_REAL(0, "variance-share", &opt.share, 0, 1, "SHARE", "instead: those up to the last one with this share of the variance; 0: off"),
	CLI_REAL(0, "variance-total", &opt.total, 0, 1, "SHARE", "instead: as many as have this share together; 0: off"),
	CLI_REAL(0, "row-pval", &opt.row_p, 0, 1, "P", "genes with this p value in no member are left out; 1: none are"),
	CLI_INT(0, "iterations", &opt.iterations, 1, 1000000, "N", "permutations"),
	CLI_REAL(0, "permutation-pval", &opt.permutation_p, 0, 0.5, "P", "genes are taken from this share at either end of the permuted scores,"),
	CLI_REAL(0, "gene-pval", &opt.gene_p, 0, 1, "P", "that have this p value at most in a member that goes with the component,"),
	CLI_REAL(0, "correlation", &opt.correlation, 0, 1, "R", "by a |correlation| with it of R at least"),
	CLI_CHOICE(0, "form", &form, forms, "WHICH", "weights of the genes taken, or of all that were tested"),
	CLI_TEXT(0, "gmt", &gmt_file, "FILE", "the genes also as sets, PROGRAM_UP and PROGRAM_DN, the most extreme first"),
	CLI_TEXT(0, "scores", &scores_file, "FILE", "score and position of each gene, as a table"),
	CLI_TEXT(0, "null-scores", &null_file, "FILE", "the scores of the permuted matrices, as a table"),
	CLI_TEXT(0, "permutations", &given_file, "FILE", "given permutations: [program,] iteration, row, then a place for each member",
		 "Rows and places count from 1, in the order of --scores; members in that of the column members"),
	CLI_CHOICE(0, "compat", &compat, compats, "WHICH", "seurat: permuted scores with the sign that LAPACK gave, as Mixscale"),
	CLI_END
};

/* The tables that go out beside the stream; NULL where not asked for. */
struct beside {
	struct cli_text *gmt, *scores, *null;
};

static struct cli_text *open_table(const char *path, const char *head)
{
	struct cli_text *t = path ? cli_text_at(path) : NULL;
	if (t)
		cli_text_put(t, head);
	return t;
}

static void put_set(struct cli_text *t, const struct program_rows *p, const char *ending, const struct names *genes, const uint32_t *row, size_t n)
{
	if (strpbrk(p->name, "\t\r\n"))
		cli_die("the name of program '%s' holds a tab or a line's end, which a GMT cannot hold", p->name);
	if (n)
		cli_text_print(t, "%s%s\t%s", p->name, ending, p->members);
	for (size_t i = 0; i < n; i++) {
		cli_text_put(t, "\t");
		cli_text_put(t, genes->at[p->gene[row[i]]]);
	}
	if (n)
		cli_text_put(t, "\n");
}

static void put_beside(const struct beside *b, const struct program_rows *p, const struct program_genes *g, const struct names *genes)
{
	if (b->gmt) {
		put_set(b->gmt, p, "_UP", genes, g->up, g->n_up);
		put_set(b->gmt, p, "_DN", genes, g->down, g->n_down);
	}
	for (size_t c = 0; b->scores && c < g->k; c++)
		for (size_t i = 0; i < g->n; i++) {
			cli_text_print(b->scores, "%s\t%s\t%zu\t", p->name, genes->at[p->gene[g->row[i]]], c + 1);
			cli_text_f64(b->scores, g->score[c * g->n + i]);
			cli_text_put(b->scores, "\t");
			cli_text_f64(b->scores, g->position[c * g->n + i]);
			cli_text_print(b->scores, "\t");
			cli_text_f64(b->scores, g->sd[c]);
			cli_text_put(b->scores, "\n");
		}
	size_t n = g->k ? (size_t)opt.iterations * g->n : 0;
	for (size_t c = 0; b->null && c < g->k; c++)
		for (size_t i = 0; i < n; i++) {
			cli_text_print(b->null, "%s\t%zu\t%zu\t%zu\t", p->name, i / g->n + 1, i % g->n + 1, c + 1);
			cli_text_f64(b->null, g->null[c * n + i]);
			cli_text_put(b->null, "\n");
		}
}

static void put_row(struct target_writer *w, const struct program_rows *p, const struct program_genes *g, double *weights, size_t n_genes)
{
	for (size_t i = 0; i < n_genes; i++)
		weights[i] = NAN;
	for (size_t i = 0; g->reason == PROGRAM_GENES_FOUND && i < g->n; i++)
		if (form || g->weight[i] != 0)
			weights[p->gene[g->row[i]]] = form ? g->oriented[i] : g->weight[i];
	targets_members(w, (int64_t)p->n, p->members);
	targets_put(w, &(struct target_row){ p->name, form ? TARGET_DENSE : TARGET_LIST, PMX_MISSING_I64, PMX_MISSING_I64, PMX_MISSING_I64,
		g->reason == PROGRAM_GENES_FOUND ? NULL : program_genes_reason_name[g->reason] }, weights);
}

static bool is_wanted(const char *name)
{
	bool wanted = !only.n;
	for (size_t i = 0; i < only.n; i++)
		wanted = wanted || !strcmp(only.at[i], name);
	return wanted;
}

static void check_names(struct program_reader *rows)
{
	struct names *there = names_new();
	char list[300];
	for (size_t i = 0; i < program_rows_count(rows); i++)
		names_add(there, program_rows_take(rows, i)->name, NULL);
	names_list(there, list, sizeof list);
	if (!there->n)
		cli_die("no contrast belongs to a program: column program_reason tells why");
	for (size_t i = 0; i < only.n; i++)
		if (names_find(there, only.at[i]) == NAMES_NONE)
			cli_die("there is no program '%s', which --program names; there are %s", only.at[i], list);
	names_free(there);
}

static int run(struct cli *c)
{
	if ((opt.share > 0) + (opt.total > 0) > 1)
		cli_misuse("--variance-share and --variance-total are two ways to choose the components; take one");
	opt.seed = c->seed;
	opt.as_reference = compat;
	struct pmx_reader *in = cli_input(c);
	struct names *genes = pmx_column_names(pmx_reader_schema(in));
	struct program_reader *rows = program_rows_read(in);
	check_names(rows);
	struct permutations *given = permutations_read(given_file);
	struct beside beside = { gmt_file ? cli_text_at(gmt_file) : NULL,
		open_table(scores_file, "program\tgene\tcomponent\tscore\tposition\tsd\n"),
		open_table(null_file, "program\titeration\trow\tcomponent\tscore\n") };
	struct target_writer *out = targets_open(c, &(struct target_stream){ .genes = genes, .reasons = program_genes_reason_name + 1, .members = true,
		.cells = pmx_reader_schema(in), .in = in });
	double *weights = mem_array(genes->n, sizeof *weights);
	for (size_t i = 0; i < program_rows_count(rows); i++) {
		const struct program_rows *p = program_rows_take(rows, i);
		if (!is_wanted(p->name))
			continue;
		size_t kept = program_genes_rows(&opt, p->z, p->n_genes, p->n);
		uint32_t *order = given && p->n && kept ? permutations_of(given, p->name, p->n, kept, &opt.iterations) : NULL;
		struct program_genes *g = program_genes(&opt, p->z, p->n_genes, p->n, order, c->threads);
		cli_detail(c, "%s: %zu members, %zu genes, %zu up, %zu down", p->name, p->n, g->n, g->n_up, g->n_down);
		put_row(out, p, g, weights, genes->n);
		put_beside(&beside, p, g, genes);
		program_genes_free(g);
		mem_free(order);
	}
	targets_close(out);
	if (beside.gmt)
		cli_text_close(beside.gmt);
	if (beside.scores)
		cli_text_close(beside.scores);
	if (beside.null)
		cli_text_close(beside.null);
	mem_free(weights);
	mem_free(only.at);
	permutations_free(given);
	program_rows_free(rows);
	names_free(genes);
	pmx_close(in);
	return 0;
}

static const char *const description[] = {
	"Finds the genes that the members of a program move together. The z scores of the members (layer z of decompose, genes x members) are centred and "
	"scaled, and the genes have scores on the first principal component. How far out a score lies is seen from matrices in which each column is permuted "
	"by itself: the position of a gene is the share of their scores, pooled, at or below its own. Genes with a position within --permutation-pval of either "
	"end are taken, if a member that goes with the component (--correlation) has them with --gene-pval. The end whose z scores add up to more is up, the "
	"other down: up genes rise when the members are perturbed.",
	"A weight is the size of the score, positive for up, negative for down genes; of several components each gene counts where it is found first. "
	"The stream goes into rank as any target does: a drug that reverses a program is found by what the perturbation does.",
	"Permutations depend on --seed, iteration and member alone: a program has the same whatever the threads and the other programs.",
	"What differs from Mixscale 0.3.0: the sign of a component of a permuted matrix means nothing, so each of its scores counts with both signs (there with "
	"the sign that LAPACK happened to give, as with --compat seurat); a gene is up or down, not both by two components; a program without a "
	"result has a reason, where there the call stops. With --compat seurat and the same --permutations scores, positions and lists are equal.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "target", "row names: the programs" },
	{ "form", "row column: list or dense" },
	{ "n_members, members, n_genes", "row columns: contrasts of the program (of multicca those with a weight), and genes with a weight" },
	{ "reason", "row column: why there are no weights (no_members, few_genes: fewer than 3 pass --row-pval, constant: a member's z scores, "
	  "no_component: none has --variance-share, no_significant_gene)" },
	{ "weights", "layer; NaN for genes that are not taken, with --form dense for those that were not tested" },
	{ "--scores", "program, gene, component, score, position, sd (of the component), of the genes that pass --row-pval" },
	{ "--null-scores", "program, iteration, row (gene, in the order of --scores), component, score" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"program-signature programs.pmx -o signatures.pmx",
	"program-signature --gmt programs.gmt --scores scores.tsv --form dense programs.pmx -o signatures.pmx",
	"decompose --method multicca de.pmx | program-signature | pmx-view --obs",
	NULL
};
static const char *const sources[] = {
	"PCApermtest and get_sig_genes of Mixscale 0.3.0 (Jiang et al. 2025, Nature Cell Biology).",
	NULL
};

const struct cli_tool tool = { .name = "program-signature", .summary = "the genes that programs move, as signatures", .stage = CLI_SCREENS,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS | CLI_DRAWS, .reads = CLI_KIND(PMX_CONTRASTS), .writes = "signatures",
	.args = "[FILE]", .max_args = 1, .options = options, .description = description, .outputs = outputs, .examples = examples,
	.sources = sources, .run = run };
