/* pmx-join - add row columns from a table */
#include "cli/cli.h"
#include "base/mem.h"
#include "formats/join.h"
#include <string.h>

static const char *obs, *key;
static struct cli_list matrices;
static bool replace;

static const struct cli_option options[] = {
	CLI_TEXT(0, "obs", &obs, "FILE", "table (TSV or CSV, also gz, zst) whose columns become row columns"),
	CLI_TEXT(0, "key", &key, "COLUMN", "its column with the row names (default: the first)"),
	CLI_LIST(0, "obsm", &matrices, "NAME=FILE", "table whose columns become a row matrix; may be repeated"),
	CLI_FLAG(0, "replace", &replace, "replace columns and matrices that are there"),
	CLI_END
};

static struct join *open_table(const struct cli *c, const char *path, const char *key_column)
{
	struct err e = { 0 };
	struct join *j = join_open(path, key_column, c->memory, &e);
	if (!j)
		cli_fail(&e);
	return j;
}

static struct join *open_columns(const struct cli *c, struct pmx_schema *s)
{
	struct err e = { 0 };
	struct join *j = open_table(c, obs, key);
	if (join_columns(j, s, replace, &e))
		cli_fail(&e);
	return j;
}

static struct join *open_matrix(const struct cli *c, struct pmx_schema *s, const char *argument)
{
	struct err e = { 0 };
	const char *equals = strchr(argument, '=');
	char *name = mem_textn(argument, (size_t)(equals - argument));
	struct join *j = open_table(c, equals + 1, NULL);
	if (join_matrix(j, s, name, replace, &e))
		cli_fail(&e);
	mem_free(name);
	return j;
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	if (!obs && !matrices.n)
		cli_misuse("nothing to join: give --obs FILE or --obsm NAME=FILE");
	for (size_t i = 0; i < matrices.n; i++)
		if (!strchr(matrices.at[i], '=') || *matrices.at[i] == '=')
			cli_misuse("--obsm takes NAME=FILE, not '%s'", matrices.at[i]);
	struct pmx_reader *in = cli_input(c);
	const struct pmx_schema *s = pmx_reader_schema(in);
	struct pmx_schema *described = pmx_schema_copy(s);
	struct join **join = mem_array(matrices.n + 1, sizeof *join);
	size_t n = 0, names = pmx_find(s, PMX_OBS, s->row_names);
	if (obs)
		join[n++] = open_columns(c, described);
	for (size_t i = 0; i < matrices.n; i++)
		join[n++] = open_matrix(c, described, matrices.at[i]);
	if (s->order_by && !described->order_by)
		cli_note(c, "column '%s' is replaced, and the promise to be ordered by it goes; see pmx-sort", s->order_by);

	struct pmx_writer *out = cli_output(c, described, in);
	pmx_want(in, names);
	for (struct pmx_block *b; (b = cli_next(in)); ) {
		const struct pmx_column *name = pmx_block_column(b, s, names, &e);
		if (!name)
			cli_fail(&e);
		for (size_t i = 0; i < n; i++)
			join_put(join[i], b, described, name);
		cli_put(out, b);        /* every other section goes on untouched */
	}
	for (size_t i = 0; i < n; i++) {
		char note[1000];
		if (join_end(join[i], note, sizeof note, &e))
			cli_fail(&e);
		if (*note)
			cli_note(c, "%s", note);
		join_free(join[i]);
	}
	mem_free(join);
	cli_finish(out, in);
	pmx_schema_free(described);
	pmx_close(in);
	return 0;
}

static const char *const description[] = {
	"Adds the columns of a table to the rows of a stream; a row and a line belong together when they have the same name. The table has a line of "
	"column names and is separated by tabs or commas; fields may stand in double quotes.",
	"A column of true and false (True, FALSE, ...) becomes bool, of whole numbers i64, of numbers f64; others become labels, their dictionary in "
	"the order of the bytes, or texts where there are more than 1000 and no two alike. NA, NaN, null and empty are missing, and so is what "
	"rows without a line get. Numbers with leading zeros are labels.",
	"A name that has two lines is refused. When no row has a line, the tool fails; when some have none, a note counts them.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "the table's columns", "row columns" },
	{ "NAME of --obsm", "row matrix of f64, one column for each column of its table; NaN is missing" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"pmx-view --columns mixscale_score scores.pmx > table.tsv && pmx-join --obs table.tsv screen.pmx -o joined.pmx",
	"pmx-view --columns replicate screen.pmx | sed 1s/replicate/batch/ > batch.tsv && pmx-join --obs batch.tsv screen.pmx | pmx-info",
	NULL
};

const struct cli_tool tool = { .name = "pmx-join", .summary = "add row columns from a table", .stage = CLI_STREAMS,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS | CLI_HOLDS_DATA, .reads = CLI_ANY_KIND, .writes = "same",
	.args = "[FILE]", .max_args = 1, .options = options, .description = description, .outputs = outputs, .examples = examples,
	.run = run };
