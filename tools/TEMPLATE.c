/* TEMPLATE - what it does, in a line. Copy to tools/NAME.c; `make man` writes its page; the laws find it. */
#include "cli/cli.h"
#include "base/mem.h"

/* Defaults live in the option struct of the algorithm (common/.../NAME.h); here only what the tool itself needs. */
static const char *column = "gene_target";
static long minimum = 1;

static const struct cli_option options[] = {
	CLI_TEXT('p', "pert-key", &column, "COLUMN", "row column that names the target"),
	CLI_INT(0, "minimum", &minimum, 1, 1000000, "N", "what is counted from", "A longer explanation, for the man page only"),
	CLI_END
};

/* Reads like a table of contents: open, loop over blocks or groups, close. Arithmetic over ten lines belongs in common/. */
static int run(struct cli *c)
{
	struct err e = { 0 };
	struct pmx_reader *in = cli_input(c);
	struct pmx_schema *s = pmx_schema_copy(pmx_reader_schema(in));
	if (pmx_need_category(s, column, &e) == PMX_NO_FIELD)
		cli_fail(&e);
	pmx_add_obs(s, "example", PMX_I64);
	size_t field = pmx_find(s, PMX_OBS, "example");
	struct pmx_writer *out = cli_output(c, s, in);
	struct pmx_pass *pass = pmx_pass_new(out);
	pmx_pass_adds(pass, field);
	int64_t next = minimum;
	for (struct pmx_block *b; (b = cli_next(in)); ) {
		size_t n = b->n_rows;
		int64_t *value = mem_array(n, sizeof *value);
		for (size_t r = 0; r < n; r++)
			value[r] = next++;
		pmx_pass_block(pass, b);        /* every other section goes on untouched */
		if (pmx_pass_values(pass, field, value, n, &e))
			cli_fail(&e);
		mem_free(value);
	}
	if (pmx_pass_close(pass, &e))
		cli_fail(&e);
	cli_finish(out, in);
	pmx_schema_free(s);
	pmx_close(in);
	return 0;
}

static const char *const description[] = {
	"First paragraph: what the tool does, the formula, what differs from the reference and why.",
	"  a paragraph that begins with two blanks is set as it is",
	NULL
};
static const struct cli_output outputs[] = {
	{ "example", "row column: a number" },
	{ NULL, NULL }
};
/* Run by the tests in a folder with screen.pmx, guides.pmx, normalised.pmx, pca.pmx, signature.pmx, scores.pmx, markers.pmx, de.pmx, programs.pmx. */
static const char *const examples[] = { "TEMPLATE screen.pmx -o out.pmx", NULL };
static const char *const sources[] = { "Author et al. (year), what it gave.", NULL };

const struct cli_tool tool = { .name = "TEMPLATE", .summary = "what it does, in a line", .stage = CLI_STREAMS,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS, .reads = CLI_KIND(PMX_CELLS), .writes = "same",
	.args = "[FILE]", .max_args = 1, .options = options, .description = description, .outputs = outputs,
	.examples = examples, .sources = sources, .run = run };
