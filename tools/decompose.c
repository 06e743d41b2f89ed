/* decompose - groups of perturbations with like effects, from contrasts */
#include "cli/effect_rows.h"
#include "cli/program_out.h"
#include "base/mem.h"
#include "perturb/programs.h"
#include <math.h>

enum { HCLUST, MULTICCA };
static const char *const methods[] = { "hclust", "multicca", NULL };
static const char *const linkages[] = { "minimax", "single", NULL };
static const char *const correlations[] = { "pearson", "spearman", "kendall", NULL };
static const char *const compats[] = { "own", "seurat", NULL };
static struct effects_options effects = EFFECTS_DEFAULTS;
static struct programs_tree_options tree_opt = PROGRAMS_TREE_DEFAULTS;
static struct programs_shared_options shared_opt = PROGRAMS_SHARED_DEFAULTS;
static int method, compat;
static const char *tree_file, *weights_file;
static bool tsv;

static const struct cli_option options[] = {
	CLI_CHOICE(0, "method", &method, methods, "WHICH", "a tree for each split, or programs that splits share"),
	CLI_REAL(0, "pval-cutoff", &effects.p, 0, 1, "P", "genes count that have this p value at most in some contrast",
		 "Not adjusted; 0.05 over the number of genes is Bonferroni's. The default is 0.05 / 30000"),
	CLI_REAL(0, "logfc-threshold", &effects.logfc, 0, 1000, "X", "and this |log2 fold change| at least in the same contrast"),
	CLI_INT(0, "top-genes", &effects.top, 0, 1000000, "N", "of each contrast, the N most significant; 0: all"),
	CLI_INT(0, "min-de-genes", &effects.min_genes, 0, 1000000, "N", "a contrast with fewer |z| beyond --pval-cutoff is left out"),
	CLI_REAL(0, "z-cap", &effects.cap, 0, 1e300, "Z", "larger |z| are set to it"),
	CLI_FLAG(0, "mask-target", &effects.mask, "the target's own gene counts as 0"),
	CLI_FLAG(0, "center", &effects.centre, "take the mean from the z scores of each contrast"),
	CLI_FLAG(0, "scale", &effects.scale, "with --center: and give them unit variance"),
	CLI_CHOICE(0, "correlation", &tree_opt.correlation, correlations, "WHICH", "hclust: distance 1 - |correlation|"),
	CLI_CHOICE(0, "linkage", &tree_opt.linkage, linkages, "WHICH", "hclust: distance of two groups"),
	CLI_REAL(0, "height", &tree_opt.height, 0, 1, "H", "hclust: groups are what is joined at H or below"),
	CLI_TEXT(0, "tree", &tree_file, "FILE", "hclust: the joins of each tree, as a table"),
	CLI_REAL(0, "penalty", &shared_opt.penalty, 0, 1e6, "L", "multicca: most sum of |weights| of a split, 1 or more; 0: no bound"),
	CLI_INT(0, "max-programs", &shared_opt.most, 1, 100000, "N", "multicca: most programs"),
	CLI_REAL(0, "min-correlation", &shared_opt.own, 0, 1, "R", "multicca: of a member with its split's variate"),
	CLI_REAL(0, "min-mean-correlation", &shared_opt.others, 0, 1, "R", "multicca: of a member with the others'"),
	CLI_REAL(0, "min-split-correlation", &shared_opt.matrices, 0, 1, "R", "multicca: of a split's variate with the others'"),
	CLI_REAL(0, "member-pval", &shared_opt.p, 0, 1, "P", "multicca: largest p of a member's correlations"),
	CLI_TEXT(0, "weights", &weights_file, "FILE", "multicca: the weights of each round, as a table"),
	CLI_FLAG(0, "tsv", &tsv, "a table of the programs' members instead of a stream"),
	CLI_CHOICE(0, "compat", &compat, compats, "WHICH", "seurat: the accidents of Mixscale too",
		"--top-genes then takes the i-th gene of the target's table where the i-th element of the order of p is at most N"),
	CLI_END
};

static void put_tree(struct cli_text *t, const struct effect_rows *r, size_t split, const struct linkage_step *step, size_t n)
{
	const struct effect_matrix *m = &r->matrix[split];
	for (size_t s = 0; s + 1 < n; s++) {
		cli_text_print(t, "%s\t%zu", r->splits->at[split], s + 1);
		for (int side = 0; side < 2; side++)
			if (step[s].joined[side] < 0)
				cli_text_print(t, "\t%s", r->targets->at[r->row[m->row[-step[s].joined[side] - 1]].target]);
			else
				cli_text_print(t, "\t%lld", (long long)step[s].joined[side]);
		cli_text_put(t, "\t");
		cli_text_f64(t, step[s].height);
		cli_text_print(t, "\t%u\t%s\n", step[s].n,
			       step[s].prototype == UINT32_MAX ? "NA" : r->targets->at[r->row[m->row[step[s].prototype]].target]);
	}
}

/* A tree for each split; the second split's first program is P1|SPLIT, with one split P1 alone. */
static void by_tree(const struct cli *c, const struct effect_rows *r, struct names *programs, struct member *member)
{
	struct cli_text *text = tree_file ? cli_text_at(tree_file) : NULL;
	if (text)
		cli_text_put(text, "split\tstep\tjoined\twith\theight\tn_members\tprototype\n");
	for (size_t split = 0; split < r->splits->n; split++) {
		const struct effect_matrix *m = &r->matrix[split];
		for (size_t k = 0; k < m->n; k++)
			member[m->row[k]].reason = m->n < PROGRAMS_LEAST_COLUMNS ? MEMBER_FEW_TARGETS : MEMBER_ALONE;
		if (m->n < PROGRAMS_LEAST_COLUMNS)
			continue;
		struct linkage_step *step = mem_array(m->n, sizeof *step);
		uint32_t *program = mem_array(m->n, sizeof *program);
		double *height = mem_array(m->n, sizeof *height);
		bool *prototype = mem_array(m->n, sizeof *prototype);
		size_t n = programs_tree(&tree_opt, m->z, r->n_genes, m->n, c->threads, step, program, height, prototype), first = programs->n;
		for (size_t p = 0; p < n; p++) {
			char *name = r->splits->n > 1 ? mem_print("P%zu|%s", p + 1, r->splits->at[split]) : mem_print("P%zu", p + 1);
			names_add(programs, name, NULL);
			mem_free(name);
		}
		for (size_t k = 0; k < m->n; k++) {
			struct member *to = &member[m->row[k]];
			bool alone = program[k] == PROGRAM_NONE;
			*to = (struct member){ alone ? MEMBER_ALONE : MEMBER, alone ? PROGRAM_NONE : (uint32_t)first + program[k],
					       { height[k], NAN }, prototype[k] };
		}
		if (text)
			put_tree(text, r, split, step, m->n);
		mem_free(step);
		mem_free(program);
		mem_free(height);
		mem_free(prototype);
	}
	if (text)
		cli_text_close(text);
}

static void put_weights(const struct effect_rows *r, const struct programs_loading *l, size_t n, const uint32_t *split)
{
	struct cli_text *t = cli_text_at(weights_file);
	cli_text_put(t, "program\tsplit\ttarget\tweight\tcorrelation\tmember\n");
	for (size_t i = 0; i < n; i++) {
		const struct effect_matrix *m = &r->matrix[split[l[i].matrix]];
		cli_text_print(t, "P%u\t%s\t%s\t", l[i].program + 1, r->splits->at[split[l[i].matrix]],
			       r->targets->at[r->row[m->row[l[i].column]].target]);
		cli_text_f64(t, l[i].weight);
		cli_text_put(t, "\t");
		cli_text_f64(t, l[i].correlation);
		cli_text_put(t, l[i].member ? "\ttrue\n" : "\tfalse\n");
	}
	cli_text_close(t);
}

/* Programs P1, P2, ... over the splits that have two targets and more. */
static void by_variates(const struct effect_rows *r, struct names *programs, struct member *member)
{
	struct programs_matrix *m = mem_array(r->splits->n, sizeof *m);
	uint32_t *split = mem_array(r->splits->n, sizeof *split);
	struct programs_loading *loading = NULL;
	size_t n = 0, n_loadings = 0, n_programs = 0;
	for (uint32_t i = 0; i < r->splits->n; i++)
		if (r->matrix[i].n > 1) {
			m[n] = (struct programs_matrix){ r->matrix[i].z, r->matrix[i].n };
			split[n++] = i;
		}
	for (size_t i = 0; i < r->splits->n; i++)
		for (size_t k = 0; k < r->matrix[i].n; k++)
			member[r->matrix[i].row[k]].reason = r->matrix[i].n < 2 ? MEMBER_FEW_TARGETS : n < 2 ? MEMBER_ONE_SPLIT : MEMBER_NOWHERE;
	if (n > 1)
		n_programs = programs_shared(&shared_opt, m, n, r->n_genes, &loading, &n_loadings);
	for (size_t p = 0; p < n_programs; p++) {
		char *name = mem_print("P%zu", p + 1);
		names_add(programs, name, NULL);
		mem_free(name);
	}
	for (size_t i = 0; i < n_loadings; i++)
		if (loading[i].member)
			member[r->matrix[split[loading[i].matrix]].row[loading[i].column]] = (struct member){ MEMBER, loading[i].program,
				{ loading[i].weight, loading[i].correlation }, false };
	if (weights_file)
		put_weights(r, loading, n_loadings, split);
	mem_free(loading);
	mem_free(split);
	mem_free(m);
}

static int run(struct cli *c)
{
	static const struct program_columns of_tree = { { "height", NULL }, true }, of_variates = { { "weight", "correlation" }, false };
	effects.by_order = shared_opt.as_reference = compat;
	if (effects.scale && !effects.centre)
		cli_misuse("--scale needs --center: a column is scaled about its mean");
	if ((tree_file && method != HCLUST) || (weights_file && method != MULTICCA))
		cli_misuse("--tree belongs to --method hclust, --weights to --method multicca");
	if (shared_opt.penalty > 0 && shared_opt.penalty < 1)
		cli_misuse("--penalty is 0 or at least 1: weights of length 1 have no smaller sum");
	struct cli_again *in = cli_again_new(c);
	struct effect_rows *rows = effect_rows_read(c, in, &effects);
	struct member *member = members_new(rows);
	struct names *programs = names_new();
	if (method == HCLUST)
		by_tree(c, rows, programs, member);
	else
		by_variates(rows, programs, member);
	program_out(c, in, rows, programs, member, method == HCLUST ? &of_tree : &of_variates, tsv);
	names_free(programs);
	mem_free(member);
	effect_rows_free(rows);
	cli_again_free(in);
	return 0;
}

static const char *const description[] = {
	"Groups targets whose perturbation changes the same genes. Each contrast becomes a column of z scores, sign(effect) sqrt(chi-square quantile of p), "
	"over the genes that pass --pval-cutoff and --logfc-threshold in some contrast: of weighted-de the sign of beta, log10_p and log2fc, of de-markers "
	"logfc and log10_p. A gene that was not tested in a contrast has z 0 there. A target of which no gene passes in any split is left out.",
	"hclust makes a tree of the targets of each split from d = 1 - |correlation|, and cuts it. Minimax linkage joins the groups G and H at",
	"  min over x of max over y of d(x, y), x and y in G and H together",
	"so that a group cut at H has a prototype, x, that is no farther than H from any member. Groups of two and more are the programs P1, P2, ... of the split "
	"(P1|SPLIT where there are several), numbered by the name of their first target. As |correlation| counts, opposite effects are alike.",
	"multicca seeks programs that the splits share. Sparse multiple canonical correlation gives each split's targets weights w_i so that the variates "
	"X_i w_i go together (sum over pairs of splits of their products, as large as it gets). A split whose variate has a mean |correlation| with the others' "
	"below --min-split-correlation stands aside for the round. Members are the targets of a split whose z scores are correlated with their own variate and "
	"with the others' as the options say, in every split that takes part; where fewer than two are, in one split less, down to two. They are taken out, and "
	"the next program is sought, until there is none or --max-programs are found.",
	"What differs from Mixscale 0.3.0: z is taken from the logarithm of p, so that no p is too small for it (there it becomes infinite, and then the cap); "
	"--top-genes takes the most significant genes, where there the order of p stands in place of its rank; targets and genes go by name, so that no order "
	"of the input matters; a target that lacks a split, one split alone, and fewer than three targets have a reason, where there the call stops. "
	"MultiCCA runs until it no longer gains 1e-12, from a start in which no split works against another (there 1e-3, and whatever signs LAPACK gave). "
	"--compat seurat keeps to the cut, the stop and the signs, and to the slip by which of several splits without members the wrong ones are dropped.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "program", "row column: the group, missing where there is none" },
	{ "program_reason", "row column: not_tested, no_de_genes (of the target, in any split), few_de_genes (--min-de-genes), constant (the same z "
	  "everywhere), few_genes (fewer than 3 in all), few_targets (fewer than 3 in the split, multicca 2), one_split (multicca needs two), alone (joined to none at --height), "
	  "no_program (multicca: member of none)" },
	{ "height, prototype", "hclust, row columns: where the target is first joined; whether it is its program's prototype" },
	{ "weight, correlation", "multicca, row columns of members: weight in the variate, 0 where --penalty leaves it out; mean correlation with the "
	  "variates" },
	{ "z", "layer: the z scores that were compared, NaN for other genes and for rows that are left out; program-signature works on it" },
	{ "--tsv", "program, split, target, the columns above, reason; program by program" },
	{ "--tree", "split, step, joined, with (a target, or the step that made the group), height, n_members, prototype" },
	{ "--weights", "program, split, target, weight, correlation, member, of every target that was left when the program was found" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"weighted-de --control NT --split-by replicate signature.pmx | decompose -o programs.pmx",
	"decompose --height 0.4 --tree tree.tsv --tsv de.pmx",
	"decompose --method multicca de.pmx -o shared.pmx",
	"decompose --mask-target --correlation spearman markers.pmx | pmx-view --obs",
	NULL
};
static const char *const sources[] = {
	"get_DE_mat, prune_DE_mat, DEhclust and DEmultiCCA of Mixscale 0.3.0 (Jiang et al. 2025, Nature Cell Biology).",
	"Bien and Tibshirani (2011), Journal of the American Statistical Association 106, 1075 (minimax linkage).",
	"Witten and Tibshirani (2009), Statistical Applications in Genetics and Molecular Biology 8, 28; PMA 1.2-4 (MultiCCA).",
	NULL
};

const struct cli_tool tool = { .name = "decompose", .summary = "groups of perturbations with like effects, from contrasts", .stage = CLI_SCREENS,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_WRITES_TEXT | CLI_THREADS, .reads = CLI_KIND(PMX_CONTRASTS), .writes = "contrasts",
	.args = "[FILE]", .max_args = 1, .options = options, .description = description, .outputs = outputs, .examples = examples,
	.sources = sources, .run = run };
