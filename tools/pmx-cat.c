/* pmx-cat - join streams one after the other */
#include "cli/cli.h"
#include "base/mem.h"
#include "stream/concat.h"
#include <string.h>

static bool controls_once;

static const struct cli_option options[] = {
	CLI_FLAG(0, "controls-once", &controls_once, "shards of pmx-split: their controls come from the first stream alone",
		 "Every stream has to promise the same first label and begin with rows of the same names. A signature recipe stays"),
	CLI_END
};

static int run(struct cli *c)
{
	struct err e = { 0 };
	size_t n = (size_t)c->n_args, n_stdin = 0;
	struct pmx_reader **in = mem_array(n, sizeof *in);
	for (size_t i = 0; i < n; i++)
		n_stdin += !strcmp(c->args[i], "-");
	if (n_stdin > 1)
		cli_misuse("standard input (-) can be read once only");
	for (size_t i = 0; i < n; i++)
		in[i] = cli_open(c, c->args[i]);
	struct pmx_concat *x = pmx_concat_new(in, n, controls_once, &e);
	if (!x)
		cli_fail(&e);
	const char *note;
	for (size_t i = 0; (note = pmx_concat_note(x, i)); i++)
		cli_note(c, "%s", note);

	struct pmx_schema *described = pmx_schema_copy(pmx_concat_schema(x));
	cli_provenance_of_many(c, described, in, n);
	struct pmx_writer *out = cli_create(c, described);
	struct pmx_block *b;
	int more;
	while ((more = pmx_concat_next(x, &b, &e)) > 0)
		cli_put(out, b);
	if (more < 0 || pmx_finish(out, 0, &e))
		cli_fail(&e);
	pmx_schema_free(described);
	pmx_concat_free(x);
	for (size_t i = 0; i < n; i++)
		pmx_close(in[i]);
	mem_free(in);
	return 0;
}

static const char *const description[] = {
	"Writes the rows of several streams one after the other as one stream. Kind, columns (genes, in the same order), row columns, row matrices and "
	"layers have to agree in name and type; what does not is refused by name. Dictionaries of label columns are united, in the order of first "
	"appearance. Column metadata that the streams do not share are left out, with a note.",
	"A log-normalised layer stays a recipe. A signature is refused, since it is computed from the controls of its own stream: store it with "
	"pert-signature --dense, or drop it. Shards of pmx-split, or what a tool made of them, have their controls in common: with --controls-once they come together "
	"as the whole that they were cut from, signatures and all.",
	"The order promise stays where the joined rows still keep it, and else goes, with a note; only files tell their groups beforehand. "
	"Names of rows are taken as they are: whether one comes twice says pmx-check.",
	NULL
};
static const char *const examples[] = {
	"pmx-select --rows 1-100 screen.pmx -o a.pmx && pmx-select --rows 101- screen.pmx -o b.pmx && pmx-cat a.pmx b.pmx | pmx-diff - screen.pmx",
	NULL
};

const struct cli_tool tool = { .name = "pmx-cat", .summary = "join streams one after the other", .stage = CLI_STREAMS,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS, .reads = CLI_ANY_KIND, .writes = "same", .args = "FILE...",
	.min_args = 1, .max_args = -1, .options = options, .description = description, .examples = examples, .run = run };
