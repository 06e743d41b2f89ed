/* pmx-sort - group rows by the label of a column */
#include "cli/cli.h"
#include "base/mem.h"
#include "stream/sort.h"

static const char *by = "gene_target", *first;

static const struct cli_option options[] = {
	CLI_TEXT(0, "by", &by, "FIELD", "row column with the labels"),
	CLI_TEXT(0, "first", &first, "VALUE", "label whose rows come first (the control)"),
	CLI_END
};

static int run(struct cli *c)
{
	struct err e = { 0 };
	struct pmx_reader *in = cli_input(c);
	struct pmx_sort_options o = { .by = by, .first = first, .memory = c->memory, .level = c->level, .threads = c->threads,
		.block_rows = c->block_rows };
	struct pmx_schema *s = pmx_sort_schema(pmx_reader_schema(in), &o, &e);
	if (!s)
		cli_fail(&e);
	struct pmx_writer *out = cli_output(c, s, in);
	if (pmx_sort(in, out, &o, &e)) {
		pmx_abandon(out);
		cli_fail(&e);
	}
	cli_finish(out, in);
	pmx_schema_free(s);
	pmx_close(in);
	return 0;
}

static const char *const description[] = {
	"Brings rows with the same label together: those of --first in front, then the labels in the order of their bytes, rows without a label last; "
	"inside a group rows stand in the order of their names. The header of the result promises that order, so that per-target tools need one pass "
	"and hold only the controls and one target. The result does not depend on the order of the input, on memory or on threads.",
	"Rows are moved as the bytes that they are encoded in. What exceeds --memory is spilled to $TMPDIR and merged.",
	"A stream with a signature that is computed from neighbours is refused, since the neighbours are named by their place: sort before "
	"pert-signature.",
	NULL
};
static const char *const examples[] = {
	"pmx-sort --by gene_target --first NT screen.pmx -o sorted.pmx",
	"pmx-sort --by replicate --memory 64M screen.pmx | pmx-info",
	NULL
};

const struct cli_tool tool = { .name = "pmx-sort", .summary = "group rows by the label of a column", .stage = CLI_STREAMS,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS | CLI_HOLDS_DATA, .reads = CLI_ANY_KIND, .writes = "same",
	.args = "[FILE]", .max_args = 1, .options = options, .description = description, .examples = examples, .run = run };
