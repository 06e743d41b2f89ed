/* decompose - groups of perturbations with like effects, from contrasts */
#include "cli/effect_rows.h"
#include "cli/program_out.h"
#include "base/mem.h"
#include "perturb/programs.h"
#include <math.h>

enum { HCLUST, MULTICCA };
static const char *const methods[] = { "hclust", NULL };
static const char *const linkages[] = { "minimax", "single", NULL };
static const char *const correlations[] = { "pearson", "spearman", "kendall", NULL };
static const char *const compats[] = { "own", "seurat", NULL };
static struct effects_options effects = EFFECTS_DEFAULTS;
static struct programs_tree_options tree_opt = PROGRAMS_TREE_DEFAULTS;
static int method, compat;
static const char *tree_file;
static bool tsv;

static const struct cli_option options[] = {
	CLI_CHOICE(0, "method", &method, methods, "WHICH", "how programs are sought"),
	CLI_REAL(0, "pval-cutoff", &effects.p, 0, 1, "P", "genes are taken with this p value at most (not adjusted) ..."),
	CLI_REAL(0, "logfc-threshold", &effects.logfc, 0, 1000, "X", "... and this |log2 fold change| at least, in some contrast"),
	CLI_INT(0, "top-genes", &effects.top, 0, 1000000, "N", "of each contrast, the N most significant; 0: all"),
	CLI_INT(0, "min-de-genes", &effects.min_genes, 0, 1000000, "N", "a contrast with fewer |z| beyond --pval-cutoff is left out"),
	CLI_REAL(0, "z-cap", &effects.cap, 0, 1e300, "Z", "larger |z| are set to it"),
	CLI_FLAG(0, "mask-target", &effects.mask, "the target's own gene counts as 0"),
	CLI_FLAG(0, "center", &effects.centre, "take the mean from each contrast"),
	CLI_FLAG(0, "scale", &effects.scale, "and unit variance, with --center"),
	CLI_CHOICE(0, "correlation", &tree_opt.correlation, correlations, "WHICH", "hclust: distance 1 - |correlation|"),
	CLI_CHOICE(0, "linkage", &tree_opt.linkage, linkages, "WHICH", "hclust: distance of two groups"),
	CLI_REAL(0, "height", &tree_opt.height, 0, 1, "H", "hclust: groups are what is joined at H or below"),
	CLI_TEXT(0, "tree", &tree_file, "FILE", "hclust: the joins of each tree, as a table"),
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

static int run(struct cli *c)
{
	effects.by_order = compat;
	if (effects.scale && !effects.centre)
		cli_misuse("--scale needs --center: a column is scaled about its mean");
	if (tree_file && method != HCLUST)
		cli_misuse("--tree belongs to --method hclust");
	struct cli_again *in = cli_again_new(c);
	struct effect_rows *rows = effect_rows_read(c, in, &effects);
	struct member *member = members_new(rows);
	struct names *programs = names_new();
	by_tree(c, rows, programs, member);
	program_out(c, in, rows, programs, member, &(struct program_columns){ { "height", NULL }, true }, tsv);
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
	"What differs from Mixscale 0.3.0: z is taken from the logarithm of p, so that no p is too small for it (there it becomes infinite, and then the cap); "
	"--top-genes takes the most significant genes, where there the order of p stands in place of its rank; targets and genes go by name, so that no order "
	"of the input matters; a target that lacks a split, one split alone, and fewer than three targets have a reason, where there the call stops. "
	"--compat seurat keeps to that cut.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "program", "row column: the group, missing where there is none" },
	{ "program_reason", "row column: not_tested, no_de_genes (of the target, in any split), few_de_genes (--min-de-genes), constant (the same z "
	  "everywhere), few_targets (fewer than 3 in the split), alone (joined to none at --height)" },
	{ "height, prototype", "hclust, row columns: where the target is first joined; whether it is its program's prototype" },
	{ "z", "layer: the z scores that were compared, NaN for other genes and for rows that are left out; program-signature works on it" },
	{ "--tsv", "program, split, target, the columns above, reason; program by program" },
	{ "--tree", "split, step, joined, with (a target, or the step that made the group), height, n_members, prototype" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"weighted-de --control NT --split-by replicate signature.pmx | decompose -o programs.pmx",
	"decompose --height 0.4 --tree tree.tsv --tsv de.pmx",
	"decompose --mask-target --correlation spearman markers.pmx | pmx-view --obs",
	NULL
};
static const char *const sources[] = {
	"get_DE_mat, prune_DE_mat and DEhclust of Mixscale 0.3.0 (Jiang et al. 2025, Nature Cell Biology).",
	"Bien and Tibshirani (2011), Journal of the American Statistical Association 106, 1075 (minimax linkage).",
	NULL
};

const struct cli_tool tool = { .name = "decompose", .summary = "groups of perturbations with like effects, from contrasts", .stage = CLI_SCREENS,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_WRITES_TEXT | CLI_THREADS, .reads = CLI_KIND(PMX_CONTRASTS), .writes = "contrasts",
	.args = "[FILE]", .max_args = 1, .options = options, .description = description, .outputs = outputs, .examples = examples,
	.sources = sources, .run = run };
