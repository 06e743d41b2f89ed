/* simulate-signatures - populations of cells and drug signatures with known truth */
#include "cli/targets.h"
#include "base/mem.h"
#include "connect/simulate_signatures.h"
#include <stdio.h>

static struct simulate_signatures_options opt = SIMULATE_SIGNATURES_DEFAULTS;
static const char *folder;

static const struct cli_option options[] = {
	CLI_TEXT(0, "out-dir", &folder, "DIR", "folder for the five files (needed)"),
	CLI_INT(0, "targets", &opt.targets, 1, 1000000, "N", "populations, each with a state of its own"),
	CLI_INT(0, "compounds", &opt.compounds, 2, 1000000, "N", "drugs"),
	CLI_INT(0, "cell-lines", &opt.cell_lines, 1, 1000, "N", "lines in which every drug was measured"),
	CLI_INT(0, "genes", &opt.genes, 1, 1000000, "N", "genes"),
	CLI_INT(0, "cells", &opt.cells, 1, 1000000, "N", "cells of a population in each condition"),
	CLI_INT(0, "donors", &opt.donors, 1, 1000, "N", "donors, all of them in both conditions"),
	CLI_REAL(0, "noise", &opt.noise, 0, 100, "SD", "of the drug signatures, whose effects have sd 1"),
	CLI_FLAG(0, "nonlinear", &opt.nonlinear, "the reverser is not the mirror image: states and effects are two maps of one latent space"),
	CLI_END
};

static struct file_out *create(struct folder_out *dir, const char *name)
{
	struct err e = { 0 };
	struct file_out *file = folder_file(dir, name, &e);
	if (!file)
		cli_fail(&e);
	return file;
}

static struct pmx_writer *create_stream(const struct cli *c, struct folder_out *dir, const char *name, struct pmx_schema *s)
{
	struct err e = { 0 };
	cli_provenance(c, s, NULL, NULL);
	cli_provenance_file(s, folder, name);
	struct pmx_writer *w = pmx_create(create(dir, name), s, c->level, c->threads, &e);
	if (!w)
		cli_fail(&e);
	return w;
}

/* PREFIX0001, PREFIX0002, ... */
static struct names *numbered(const char *prefix, long n)
{
	struct names *names = names_new();
	char name[40];
	for (long i = 0; i < n; i++) {
		snprintf(name, sizeof name, "%s%04ld", prefix, i + 1);
		names_add(names, name, NULL);
	}
	return names;
}

static size_t add_labels(struct pmx_schema *s, const char *name, const struct names *values)
{
	struct pmx_field *f = pmx_add_obs(s, name, PMX_CATEGORY);
	names_free(f->values);
	f->values = names_copy(values);
	return s->n_fields - 1;
}

struct truth {
	const struct simulated_signatures *s;
	struct names *targets, *compounds, *genes, *lines, *donors;
};

static struct pmx_schema *with_genes(struct pmx_schema *s, const struct truth *t, const char *row_names)
{
	pmx_set_column_names(s, "gene", t->genes);
	s->row_names = mem_text(row_names);
	return s;
}

static void write_targets(const struct cli *c, struct folder_out *dir, const struct truth *t)
{
	struct target_writer *w = targets_open(c, &(struct target_stream){ .genes = t->genes, .file = create(dir, "targets.pmx"), .folder = folder, .name = "targets.pmx" });
	double *weights = mem_array(t->genes->n, sizeof *weights);
	for (uint32_t k = 0; k < t->targets->n; k++) {
		simulate_signatures_target(t->s, k, weights);
		targets_put(w, &(struct target_row){ t->targets->at[k], TARGET_DENSE, PMX_MISSING_I64, PMX_MISSING_I64, PMX_MISSING_I64, NULL }, weights);
	}
	targets_close(w);
	mem_free(weights);
}

enum { SIGNATURE, COMPOUND, LINE, DOSE, TIME, MOA, DRUG_TARGET, PERT_TYPE, PROFILE };

static struct pmx_schema *describe_reference(const struct truth *t)
{
	long n_classes = (long)simulate_signatures_classes(t->s);
	struct names *moas = numbered("moa", n_classes), *proteins = numbered("P", n_classes);
	struct pmx_schema *s = pmx_schema_new(PMX_SIGNATURES, t->genes->n);
	pmx_add_obs(s, "signature_id", PMX_TEXT);
	add_labels(s, "compound", t->compounds);
	add_labels(s, "cell_line", t->lines);
	pmx_add_obs(s, "dose", PMX_F64);
	pmx_add_obs(s, "time", PMX_F64);
	add_labels(s, "moa", moas);
	add_labels(s, "target", proteins);
	names_add(pmx_add_obs(s, "pert_type", PMX_CATEGORY)->values, "trt_cp", NULL);
	pmx_add_layer(s, "X", PMX_F32, PMX_DENSE);
	names_free(moas);
	names_free(proteins);
	return with_genes(s, t, "signature_id");
}

static void put_signature(struct pmx_filler *fill, const struct truth *t, uint32_t compound, uint32_t line, const float *profile)
{
	struct err e = { 0 };
	struct simulated_treatment how = simulate_signatures_treatment(t->s, compound, line);
	char *name = mem_print("%s:%s:%guM:%gh", t->compounds->at[compound], t->lines->at[line], how.dose, how.time);
	pmx_fill_text(fill, SIGNATURE, name);
	mem_free(name);
	pmx_fill_code(fill, COMPOUND, compound);
	pmx_fill_code(fill, LINE, line);
	pmx_fill_f64(fill, DOSE, how.dose);
	pmx_fill_f64(fill, TIME, how.time);
	pmx_fill_code(fill, MOA, simulate_signatures_class(t->s, compound));
	pmx_fill_code(fill, DRUG_TARGET, simulate_signatures_class(t->s, compound));
	pmx_fill_code(fill, PERT_TYPE, 0);
	pmx_fill_row(fill, PROFILE, profile);
	if (pmx_fill_end_row(fill, &e))
		cli_fail(&e);
}

static void write_reference(const struct cli *c, struct folder_out *dir, const struct truth *t)
{
	enum { BATCH = 256 };
	struct err e = { 0 };
	struct pmx_schema *s = describe_reference(t);
	struct pmx_writer *out = create_stream(c, dir, "reference.pmx", s);
	struct pmx_filler *fill = pmx_filler_new(out, 0);
	size_t n_genes = t->genes->n, n_lines = t->lines->n;
	uint64_t n = (uint64_t)t->compounds->n * n_lines;
	float *profile = mem_array(BATCH * n_genes, sizeof *profile);
	for (uint64_t first = 0; first < n; first += BATCH) {
		uint64_t end = n - first < BATCH ? n : first + BATCH;
#pragma omp parallel num_threads(c->threads)
		{
			double *x = mem_array(n_genes, sizeof *x);
#pragma omp for schedule(static)
			for (uint64_t i = first; i < end; i++) {
				simulate_signatures_profile(t->s, (uint32_t)(i / n_lines), (uint32_t)(i % n_lines), x);
				for (size_t g = 0; g < n_genes; g++)
					profile[(i - first) * n_genes + g] = (float)x[g];
			}
			mem_free(x);
		}
		for (uint64_t i = first; i < end; i++)
			put_signature(fill, t, (uint32_t)(i / n_lines), (uint32_t)(i % n_lines), profile + (i - first) * n_genes);
	}
	if (pmx_filler_close(fill, &e))
		cli_fail(&e);
	cli_finish(out, NULL);
	mem_free(profile);
	pmx_schema_free(s);
}

enum { CELL, CELL_TYPE, CONDITION, DONOR, TOTAL, COUNTS };

static struct pmx_schema *describe_cells(const struct truth *t)
{
	struct pmx_schema *s = pmx_schema_new(PMX_CELLS, t->genes->n);
	pmx_add_obs(s, "cell", PMX_TEXT);
	add_labels(s, "cell_type", t->targets);
	struct names *conditions = pmx_add_obs(s, "condition", PMX_CATEGORY)->values;
	names_add(conditions, "ctrl", NULL);
	names_add(conditions, "case", NULL);
	add_labels(s, "donor", t->donors);
	pmx_add_obs(s, "n_counts", PMX_F64);
	pmx_add_layer(s, "counts", PMX_U32, PMX_SPARSE);
	pmx_add_layer(s, "X", PMX_F64, PMX_RECIPE)->recipe =
		(struct pmx_recipe){ .kind = PMX_LOG_NORMALISED, .source = mem_text("counts"), .totals = mem_text("n_counts"), .target_sum = 1e4 };
	return with_genes(s, t, "cell");
}

static void put_cell(struct pmx_filler *fill, uint64_t i, const uint32_t code[3], const uint32_t *gene, const uint32_t *count, size_t n)
{
	struct err e = { 0 };
	char name[40];
	double total = 0;
	for (size_t k = 0; k < n; k++)
		total += count[k];
	snprintf(name, sizeof name, "c%09llu", (unsigned long long)i + 1);
	pmx_fill_text(fill, CELL, name);
	for (size_t k = CELL_TYPE; k <= DONOR; k++)
		pmx_fill_code(fill, k, code[k - CELL_TYPE]);
	pmx_fill_f64(fill, TOTAL, total);
	pmx_fill_sparse(fill, COUNTS, gene, count, n);
	if (pmx_fill_end_row(fill, &e))
		cli_fail(&e);
}

static void write_cells(const struct cli *c, struct folder_out *dir, const struct truth *t)
{
	enum { BATCH = 256 };
	struct err e = { 0 };
	struct pmx_schema *s = describe_cells(t);
	struct pmx_writer *out = create_stream(c, dir, "cells.pmx", s);
	struct pmx_filler *fill = pmx_filler_new(out, 0);
	size_t n_genes = t->genes->n, n_donors = t->donors->n;
	double *state = mem_array(n_genes, sizeof *state), *means = mem_array(n_genes * n_donors, sizeof *means);
	uint32_t *gene = mem_array(BATCH * n_genes, sizeof *gene), *count = mem_array(BATCH * n_genes, sizeof *count);
	uint64_t n = (uint64_t)opt.cells, done = 0, n_values[BATCH];
	struct cli_progress *bar = cli_progress_new(c, "cells", 2 * n * t->targets->n);
	for (uint32_t k = 0; k < 2 * t->targets->n; k++) {
		simulate_signatures_state(t->s, k / 2, state);
		for (uint32_t d = 0; d < n_donors; d++)
			simulate_signatures_means(t->s, state, k % 2, d, means + d * n_genes);
		for (uint64_t first = 0; first < n; first += BATCH) {
			uint64_t end = n - first < BATCH ? n : first + BATCH;
#pragma omp parallel for schedule(dynamic, 8) num_threads(c->threads)
			for (uint64_t i = first; i < end; i++)
				n_values[i - first] = simulate_signatures_cell(t->s, means + i % n_donors * n_genes, done + i,
									       gene + (i - first) * n_genes, count + (i - first) * n_genes);
			for (uint64_t i = first; i < end; i++)
				put_cell(fill, done + i, (uint32_t[]){ k / 2, k % 2, (uint32_t)(i % n_donors) },
					 gene + (i - first) * n_genes, count + (i - first) * n_genes, n_values[i - first]);
		}
		cli_progress_at(bar, done += n, t->targets->at[k / 2]);
	}
	cli_progress_end(bar);
	if (pmx_filler_close(fill, &e))
		cli_fail(&e);
	cli_finish(out, NULL);
	mem_free(gene);
	mem_free(count);
	mem_free(state);
	mem_free(means);
	pmx_schema_free(s);
}

/* Every pair in truth.tsv; in pairs.tsv the reversers (1), and as what is not: the mimics and every compound of no effect. */
static void write_truth(struct folder_out *dir, const struct truth *t)
{
	static const char *const effect_name[] = { "none", "reverse", "mimic" };
	struct cli_text *truth = cli_text_on(create(dir, "truth.tsv")), *pairs = cli_text_on(create(dir, "pairs.tsv"));
	cli_text_put(truth, "target\tcompound\teffect\n");
	cli_text_put(pairs, "target\tcompound\tlabel\n");
	for (uint32_t k = 0; k < t->targets->n; k++)
		for (uint32_t d = 0; d < t->compounds->n; d++) {
			enum simulated_effect effect = simulate_signatures_effect(t->s, k, d);
			cli_text_print(truth, "%s\t%s\t%s\n", t->targets->at[k], t->compounds->at[d], effect_name[effect]);
			cli_text_print(pairs, "%s\t%s\t%d\n", t->targets->at[k], t->compounds->at[d], effect == SIMULATED_REVERSE);
		}
	cli_text_close(truth);
	cli_text_close(pairs);
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	opt.seed = c->seed;
	if (!folder)
		cli_misuse("--out-dir is needed: five files go there");
	struct folder_out *dir = folder_create(folder, &e);
	if (!dir)
		cli_fail(&e);
	struct truth t = { simulate_signatures_new(&opt), numbered("state", opt.targets), numbered("cpd", opt.compounds), numbered("G", opt.genes),
		numbered("LINE", opt.cell_lines), numbered("donor", opt.donors) };
	write_targets(c, dir, &t);
	write_reference(c, dir, &t);
	write_truth(dir, &t);
	write_cells(c, dir, &t);
	if (folder_commit(dir, &e))
		cli_fail(&e);
	struct names *all[] = { t.targets, t.compounds, t.genes, t.lines, t.donors };
	for (size_t i = 0; i < 5; i++)
		names_free(all[i]);
	simulate_signatures_free((struct simulated_signatures *)t.s);
	return 0;
}

static const char *const description[] = {
	"Writes into --out-dir what a search for drugs needs, with the answer:",
	"  cells.pmx      populations in the conditions ctrl and case, counts and X (log-normalised)\n"
	"  targets.pmx    the states of the populations, as measured with noise\n"
	"  reference.pmx  a signature a drug and cell line, with dose, time, moa and target\n"
	"  truth.tsv      target, compound, effect: reverse, mimic or none\n"
	"  pairs.tsv      target, compound, label: 1 where the compound reverses, else 0",
	"Three compounds reverse a state and three mimic it (fewer when there are fewer than 12 compounds); at least a tenth do nothing. By default "
	"a reverser's profile is the mirror image of the state, weakened by dose, time, cell line, effects of its own and noise. Where there are "
	"more targets than compounds can serve, targets share the state of their family, and its drugs, but for a part of their own.",
	"With --nonlinear, targets and compounds have points in one space of six dimensions; states and effects are two different fixed "
	"non-linear maps of them (32 random features, half tanh, half rectified, mixed into genes). The three compounds nearest to the opposite of a target's "
	"point reverse it, the three nearest to the point itself mimic it. Scores that compare gene with gene see nothing of that; what was learned from other "
	"compounds carries over.",
	"A folder that is there is replaced only when it holds nothing but these files. Every value depends on the options and on its own number "
	"alone: the same for any number of threads.",
	NULL
};
static const char *const examples[] = {
	"simulate-signatures --targets 4 --compounds 60 --genes 600 --seed 7 --out-dir sim",
	"simulate-signatures --nonlinear --targets 20 --compounds 40 --genes 200 --out-dir curved && pmx-view --obs curved/reference.pmx | head -3",
	NULL
};

const struct cli_tool tool = { .name = "simulate-signatures", .summary = "cell populations and drug signatures with known truth",
	.stage = CLI_BRING_IN, .flags = CLI_THREADS | CLI_DRAWS, .options = options, .description = description, .examples = examples, .run = run };
