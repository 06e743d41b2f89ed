/* simulate-screen - a pooled screen with known truth */
#include "cli/cli.h"
#include "base/mem.h"
#include "num/random.h"
#include "perturb/simulate.h"
#include <stdio.h>

static struct simulate_options opt = SIMULATE_DEFAULTS;
static bool shuffle;
static const char *truth_file;

static const struct cli_option options[] = {
	CLI_INT(0, "cells", &opt.cells, 2, 1e9, "N", "cells in all"),
	CLI_INT(0, "genes", &opt.genes, 1, 1000000, "N", "genes; the first are the targeted ones"),
	CLI_INT(0, "targets", &opt.targets, 0, 100000, "N", "perturbed genes"),
	CLI_INT(0, "controls", &opt.controls, 0, 1e9, "N", "cells with the control label NT; 0: a tenth of the cells"),
	CLI_INT(0, "guides-per-target", &opt.guides_per_target, 1, 100, "N", "guides of each target"),
	CLI_INT(0, "splits", &opt.splits, 1, 100, "N", "replicates, each with its own batch effect"),
	CLI_REAL(0, "density", &opt.density, 0.001, 0.99, "SHARE", "share of non-zero counts"),
	CLI_REAL(0, "dispersion", &opt.dispersion, 0.001, 100, "PHI", "of the counts: variance = mean + PHI mean^2"),
	CLI_REAL(0, "effect", &opt.effect, 0, 10, "SD", "spread of the log fold changes at full efficacy"),
	CLI_FLAG(0, "shuffle", &shuffle, "cells in mixed order, as a screen comes; else controls first, then target by target"),
	CLI_TEXT(0, "truth", &truth_file, "FILE", "write the moved genes: target, gene, log fold change"),
	CLI_END
};

enum { CELL, TARGET, GUIDE, REPLICATE, EFFICACY, COUNTS };

static void target_name(char *out, size_t size, uint32_t t)
{
	if (t == UINT32_MAX)
		snprintf(out, size, "NT");
	else
		snprintf(out, size, "T%04u", t + 1);
}

static void gene_name(char *out, size_t size, uint32_t g)
{
	if (g < (uint32_t)opt.targets)
		target_name(out, size, g);
	else
		snprintf(out, size, "G%05u", g + 1);
}

/* Codes: NT is 0, target t is t + 1; its guides follow those of the control. */
static struct pmx_schema *describe(const struct simulated_screen *screen)
{
	char name[40], guide[60];
	struct pmx_schema *s = pmx_schema_new(PMX_CELLS, (size_t)opt.genes);
	pmx_add_obs(s, "cell", PMX_TEXT);
	struct names *targets = pmx_add_obs(s, "gene_target", PMX_CATEGORY)->values;
	struct names *guides = pmx_add_obs(s, "guide_id", PMX_CATEGORY)->values;
	names_add(targets, "NT", NULL);
	for (int k = 0; k < 10; k++) {
		snprintf(guide, sizeof guide, "NTg%d", k + 1);
		names_add(guides, guide, NULL);
	}
	for (uint32_t t = 0; t < (uint32_t)opt.targets; t++) {
		target_name(name, sizeof name, t);
		names_add(targets, name, NULL);
		for (long k = 0; k < opt.guides_per_target; k++) {
			snprintf(guide, sizeof guide, "%sg%ld", name, k + 1);
			names_add(guides, guide, NULL);
		}
	}
	struct names *splits = pmx_add_obs(s, "replicate", PMX_CATEGORY)->values;
	for (long k = 0; k < opt.splits; k++) {
		snprintf(name, sizeof name, "rep%ld", k + 1);
		names_add(splits, name, NULL);
	}
	pmx_add_obs(s, "true_efficacy", PMX_F64);
	pmx_add_layer(s, "counts", PMX_U32, PMX_SPARSE);
	struct names *genes = names_new();
	struct pmx_column *mean = pmx_column_new(PMX_F64, (size_t)opt.genes, 1);
	for (uint32_t g = 0; g < (uint32_t)opt.genes; g++) {
		gene_name(name, sizeof name, g);
		names_add(genes, name, NULL);
		mean->f64[g] = simulate_base_mean(screen, g);
	}
	s->row_names = mem_text("cell");
	pmx_set_column_names(s, "gene", genes);
	pmx_add_var(s, "true_mean", mean);
	names_free(genes);
	if (!shuffle)
		pmx_promise_order(s, "gene_target", "NT");
	return s;
}

static void write_truth(const struct simulated_screen *screen)
{
	char target[40], gene[40];
	struct cli_text *t = cli_text_at(truth_file);
	cli_text_put(t, "target\tgene\tlog_fold_change\n");
	for (uint32_t k = 0; k < (uint32_t)opt.targets; k++) {
		const uint32_t *moved;
		const double *effect;
		size_t n = simulate_effects(screen, k, &moved, &effect);
		target_name(target, sizeof target, k);
		for (size_t i = 0; i < n; i++) {
			gene_name(gene, sizeof gene, moved[i]);
			cli_text_print(t, "%s\t%s\t%.17g\n", target, gene, effect[i]);
		}
	}
	cli_text_close(t);
}

static void put_cell(struct pmx_filler *fill, uint64_t i, const struct simulated_cell *cell)
{
	struct err e = { 0 };
	char name[40];
	snprintf(name, sizeof name, "c%09llu", (unsigned long long)i + 1);
	pmx_fill_text(fill, CELL, name);
	pmx_fill_code(fill, TARGET, cell->target == UINT32_MAX ? 0 : cell->target + 1);
	pmx_fill_code(fill, GUIDE, cell->target == UINT32_MAX ? cell->guide
		      : 10 + cell->target * (uint32_t)opt.guides_per_target + cell->guide);
	pmx_fill_code(fill, REPLICATE, cell->split);
	pmx_fill_f64(fill, EFFICACY, cell->efficacy);
	pmx_fill_sparse(fill, COUNTS, cell->gene, cell->count, cell->n);
	if (pmx_fill_end_row(fill, &e))
		cli_fail(&e);
}

static int run(struct cli *c)
{
	enum { BATCH = 512 };
	struct err e = { 0 };
	opt.seed = c->seed;
	if (opt.genes < opt.targets)
		cli_misuse("--genes %ld: there must be at least one gene a target (%ld)", opt.genes, opt.targets);
	if (opt.controls > opt.cells - (opt.targets > 0))
		cli_misuse("--controls %ld leaves no cell for the targets", opt.controls);
	if (!opt.targets)
		opt.controls = opt.cells;
	struct simulated_screen *screen = simulate_new(&opt);
	struct pmx_schema *s = describe(screen);
	struct pmx_writer *out = cli_output(c, s, NULL);
	struct pmx_filler *fill = pmx_filler_new(out, c->block_rows);
	struct simulated_cell *cell = mem_zero(BATCH, sizeof *cell);
	for (size_t i = 0; i < BATCH; i++) {
		cell[i].gene = mem_array((size_t)opt.genes, sizeof *cell[i].gene);
		cell[i].count = mem_array((size_t)opt.genes, sizeof *cell[i].count);
	}
	struct cli_progress *bar = cli_progress_new(c, "cells", (uint64_t)opt.cells);
	for (uint64_t first = 0; first < (uint64_t)opt.cells; first += BATCH) {
		uint64_t n = (uint64_t)opt.cells - first < BATCH ? (uint64_t)opt.cells - first : BATCH;
#pragma omp parallel for schedule(dynamic, 8) num_threads(c->threads)
		for (uint64_t i = 0; i < n; i++)
			simulate_cell(screen, shuffle ? random_permuted(c->seed, first + i, (uint64_t)opt.cells) : first + i, &cell[i]);
		for (uint64_t i = 0; i < n; i++)
			put_cell(fill, first + i, &cell[i]);
		cli_progress_at(bar, first + n, NULL);
	}
	cli_progress_end(bar);
	if (pmx_filler_close(fill, &e))
		cli_fail(&e);
	cli_finish(out, NULL);
	if (truth_file)
		write_truth(screen);
	for (size_t i = 0; i < BATCH; i++) {
		mem_free(cell[i].gene);
		mem_free(cell[i].count);
	}
	mem_free(cell);
	pmx_schema_free(s);
	simulate_free(screen);
	return 0;
}

static const char *const description[] = {
	"Writes a screen whose truth is known, of any size, cell by cell: counts of the first --targets genes, each the target that it is named "
	"after (T0001, ...), and of others (G...). The control label is NT.",
	"Counts are negative binomial with log-normal gene means and cell sizes. Four targets in a row share a programme of genes that move; "
	"every fifth target does nothing at all; the last guide of every third target is weak. 15 % of the cells escape. The efficacy of a cell scales the "
	"log fold changes, so that perturbation is graded, as CRISPRi makes it.",
	"A cell's counts depend on the options and on its number alone: the same for any number of threads.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "gene_target", "row column: the target, or NT" },
	{ "guide_id", "row column: the guide" },
	{ "replicate", "row column: rep1, rep2, ..." },
	{ "true_efficacy", "row column: 0 (no response) to 1" },
	{ "counts", "layer of counts" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"simulate-screen --cells 2000 --genes 500 --targets 10 --seed 1 -o simulated.pmx",
	"simulate-screen --cells 300 --genes 100 --targets 4 --truth truth.tsv | pmx-info",
	NULL
};

const struct cli_tool tool = { .name = "simulate-screen", .summary = "a pooled screen with known truth", .stage = CLI_BRING_IN,
	.flags = CLI_WRITES_STREAM | CLI_THREADS | CLI_DRAWS, .writes = "cells", .options = options,
	.description = description, .outputs = outputs, .examples = examples, .run = run };
