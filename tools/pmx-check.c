/* pmx-check - verify a stream to its last byte */
#include "cli/cli.h"
#include "stream/audit.h"
#include <inttypes.h>

static const struct cli_option options[] = { CLI_END };

static int run(struct cli *c)
{
	struct err e = { 0 };
	struct pmx_reader *in = cli_input(c);
	const struct pmx_schema *s = pmx_reader_schema(in);
	struct pmx_audit *audit = pmx_audit_new(in, &e);
	if (!audit)
		cli_fail(&e);
	struct cli_progress *bar = cli_progress_new(c, "rows", 0);
	for (struct pmx_block *b; (b = cli_next(in)); pmx_block_free(b)) {
		if (pmx_audit_block(audit, b, &e))
			cli_fail(&e);
		cli_progress_at(bar, pmx_rows_read(in), NULL);
	}
	cli_progress_end(bar);
	if (pmx_audit_end(audit, &e))
		cli_fail(&e);
	const char *note;
	for (size_t i = 0; (note = pmx_audit_note(audit, i)); i++)
		cli_note(c, "%s: %s", pmx_reader_name(in), note);
	struct cli_text *t = cli_text_new(c);
	const struct pmx_index *x = pmx_read_index(in, &e);
	if (!c->quiet && x)
		cli_text_print(t, "%s: sound; %s, %" PRIu64 " rows x %zu columns, %zu block%s, digest %016" PRIx64 "\n", pmx_reader_name(in),
			       pmx_kind_name(s->kind), x->n_rows, s->n_columns, x->n_blocks, x->n_blocks == 1 ? "" : "s", x->digest);
	cli_text_close(t);
	pmx_audit_free(audit);
	pmx_close(in);
	return 0;
}

static const char *const description[] = {
	"Reads every byte: checksums, paddings, the encoding of every section, label codes, row lengths, the order that the header promises, "
	"the trailer's index of blocks and groups against the rows, the digest and the end mark.",
	"Of recipes it holds the ingredients against each other: totals must be positive where a row has values, neighbours must be controls that are "
	"in the stream, every split that is used must have controls.",
	"Names of rows or columns that come twice, or are missing, are notes and no failures. Prints one line where all is sound; with -q none.",
	NULL
};
static const char *const examples[] = {
	"pmx-check screen.pmx",
	"normalize screen.pmx | pmx-check -q && echo sound",
	NULL
};

const struct cli_tool tool = { .name = "pmx-check", .summary = "verify a stream to its last byte", .stage = CLI_STREAMS,
	.flags = CLI_READS_STREAM | CLI_WRITES_TEXT | CLI_THREADS, .reads = CLI_ANY_KIND, .args = "[FILE]", .max_args = 1,
	.options = options, .description = description, .examples = examples, .run = run };
