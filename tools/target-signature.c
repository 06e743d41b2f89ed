/* target-signature - the state that a drug is sought for: populations of cells, gene lists, or weights as signatures */
#include "cli/targets.h"
#include "base/mem.h"
#include "formats/sets.h"
#include "formats/weights.h"
#include <math.h>
#include <string.h>

static const char *up_file, *down_file, *weights_file, *name = "target";

static const struct cli_option options[] = {
	CLI_TEXT(0, "up", &up_file, "FILE", "genes that go up: one a line, or a GMT with many sets",
		 "In a GMT, NAME_UP of --up and NAME_DN or NAME_DOWN of --down make the target NAME. A name without such an ending stands for itself; "
		 "one with the ending of the other side is left out, so that one file can be given for both"),
	CLI_TEXT(0, "down", &down_file, "FILE", "genes that go down; one side alone is enough"),
	CLI_TEXT(0, "name", &name, "NAME", "the target that lists with one gene a line make"),
	CLI_TEXT(0, "weights", &weights_file, "FILE", "a table: gene, then a column of weights for every target"),
	CLI_END
};

static void from_lists(struct cli *c)
{
	struct err e = { 0 };
	struct signed_sets *s = signed_sets_read(up_file, down_file, name, &e);
	if (!s)
		cli_fail(&e);
	if (s->n_repeated)
		cli_note(c, "%llu repetitions of a gene inside of a list count once", (unsigned long long)s->n_repeated);
	if (s->n_skipped)
		cli_note(c, "%llu sets are named for the other side and left out", (unsigned long long)s->n_skipped);
	if (s->n_both)
		cli_note(c, "%llu genes are listed up and down for the same target and left out of both (%s)", (unsigned long long)s->n_both,
			 s->example);
	struct target_writer *w = targets_open(c, &(struct target_stream){ .genes = s->genes, .source = up_file ? up_file : down_file });
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
	struct target_writer *w = targets_open(c, &(struct target_stream){ .genes = t->genes, .source = weights_file });
	double *weights = mem_array(t->genes->n, sizeof *weights);
	for (uint32_t k = 0; k < t->targets->n; k++) {
		struct target_row row = { t->targets->at[k], TARGET_DENSE, PMX_MISSING_I64, PMX_MISSING_I64, PMX_MISSING_I64, NULL };
		for (size_t g = 0; g < t->genes->n; g++)
			weights[g] = t->value[g * t->targets->n + k];
		targets_put(w, &row, weights);
	}
	mem_free(weights);
	targets_close(w);
	weights_free(t);
}

static int run(struct cli *c)
{
	if (weights_file && (up_file || down_file))
		cli_misuse("--weights and --up, --down are two ways to give a target; take one");
	if (weights_file)
		from_table(c);
	else if (up_file || down_file)
		from_lists(c);
	else
		cli_misuse("say where the targets come from: --group-key, --up and --down, or --weights");
	return 0;
}

static const char *const description[] = {
	"Writes one signature a target: the layer weights, over genes.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "target", "row names" },
	{ "weights", "layer: one number a gene, positive where the gene is higher in the target; NaN where it was not measured, or not listed" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"printf 'gene\\tinflamed\\nSTAT1\\t2.5\\nIRF1\\t-1\\n' > weights.tsv && target-signature --weights weights.tsv -o target.pmx",
	"printf 'STAT1\\nIRF1\\n' > up.txt && target-signature --up up.txt --name interferon | pmx-view --obs",
	NULL
};

const struct cli_tool tool = { .name = "target-signature", .summary = "cell populations, gene lists or weights as targets of a drug search",
	.stage = CLI_CONNECT, .flags = CLI_WRITES_STREAM | CLI_THREADS | CLI_HOLDS_DATA, .reads = CLI_KIND(PMX_CELLS), .writes = "signatures", .args = "[FILE]",
	.max_args = 1, .options = options, .description = description, .outputs = outputs, .examples = examples, .run = run };
