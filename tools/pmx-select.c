/* pmx-select - rows, genes and columns picked out */
#include "cli/cli.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/list.h"
#include "stream/select.h"
#include <inttypes.h>
#include <string.h>

static const char *where, *genes, *columns, *rows;
static struct cli_list layers, matrices;

static const struct cli_option options[] = {
	CLI_TEXT(0, "where", &where, "CONDITION", "rows that stay: gene_target in (NT, STAT1) and n_counts > 500"),
	CLI_TEXT(0, "genes", &genes, "FILE", "columns (genes) that stay: a file, a name a line, or A,B"),
	CLI_TEXT(0, "columns", &columns, "A,B", "row columns that stay; the row names always do"),
	CLI_LIST(0, "drop-layer", &layers, "NAME", "leave out a layer; may be repeated"),
	CLI_LIST(0, "drop-obsm", &matrices, "NAME", "leave out a row matrix; may be repeated"),
	CLI_TEXT(0, "rows", &rows, "FROM-TO", "rows of the input by number, from 1; either end may be open"),
	CLI_END
};

/* FROM-TO counts from 1 and includes both. */
static void parse_rows(struct pmx_select_options *o)
{
	const char *dash = strchr(rows, '-');
	int64_t from = 1, to = INT64_MAX;
	char *first = dash ? mem_textn(rows, (size_t)(dash - rows)) : NULL;
	if (!dash || (*first && !text_i64(first, &from)) || (dash[1] && !text_i64(dash + 1, &to)) || from < 1 || to < from)
		cli_misuse("--rows takes FROM-TO, row numbers from 1 (1-100, 500-), not '%s'", rows);
	mem_free(first);
	o->first_row = (uint64_t)from - 1;
	o->end_row = dash[1] ? (uint64_t)to : UINT64_MAX;
}

static struct names *names_of(const struct cli_list *list)
{
	struct names *names = list->n ? names_new() : NULL;
	for (size_t i = 0; i < list->n; i++)
		names_add(names, list->at[i], NULL);
	return names;
}

static struct names *read_list(const char *argument, bool plain_files)
{
	struct err e = { 0 };
	struct names *names = argument ? list_read(argument, plain_files, &e) : NULL;
	if (argument && !names)
		cli_fail(&e);
	return names;
}

/* With a schema also whether the columns are there and the values fit them. */
static struct pmx_where *parse_where(const struct cli *c, const struct pmx_schema *s)
{
	struct err e = { 0 };
	const char *note;
	struct pmx_where *w = where ? pmx_where_parse(where, s, &e) : NULL;
	if (where && !w) {
		err_context(&e, "--where");
		if (!s)
			cli_misuse("%s", e.text);
		cli_fail(&e);
	}
	for (size_t i = 0; w && s && (note = pmx_where_note(w, i)); i++)
		cli_note(c, "%s", note);
	return w;
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	struct pmx_select_options o = PMX_SELECT_ALL;
	if (rows)
		parse_rows(&o);
	pmx_where_free(parse_where(c, NULL));
	struct names *gene_list = read_list(genes, true), *column_list = read_list(columns, false);
	struct names *layer_list = names_of(&layers), *matrix_list = names_of(&matrices);
	struct pmx_reader *in = cli_input(c);
	const struct pmx_schema *s = pmx_reader_schema(in);
	struct pmx_where *condition = parse_where(c, s);
	uint32_t *column = gene_list ? list_columns(gene_list, s, true, &o.n_columns, &e) : NULL;
	if (gene_list && !column)
		cli_fail(&e);
	o.where = condition;
	o.column = column;
	o.row_columns = column_list;
	o.drop_layers = layer_list;
	o.drop_matrices = matrix_list;
	o.block_rows = c->block_rows;

	struct pmx_select *x = pmx_select_new(in, &o, &e);
	if (!x)
		cli_fail(&e);
	/* Whether the first label is still in front is known with the first row: the header waits for it. */
	struct pmx_writer *out = NULL;
	struct pmx_block *b;
	int more;
	while ((more = pmx_select_next(x, &b, &e)) > 0) {
		if (!out) {
			struct pmx_schema *described = pmx_schema_copy(pmx_select_schema(x));
			out = cli_output(c, described, in);
			pmx_schema_free(described);
		}
		cli_put(out, b);
	}
	if (more < 0)
		cli_fail(&e);
	if (!out)
		cli_die("none of the %" PRIu64 " rows is left; nothing is written", pmx_select_rows_in(x));
	cli_detail(c, "%" PRIu64 " of %" PRIu64 " rows stay; %" PRIu64 " were read", pmx_rows_written(out), pmx_select_rows_in(x),
		   pmx_select_rows_read(x));
	if (s->order_by && !pmx_select_schema(x)->order_by)
		cli_note(c, "the promised order goes with column '%s'", s->order_by);
	if (pmx_finish(out, pmx_select_digest(x), &e))
		cli_fail(&e);
	pmx_select_free(x);
	pmx_where_free(condition);
	mem_free(column);
	names_free(gene_list);
	names_free(column_list);
	names_free(layer_list);
	names_free(matrix_list);
	pmx_close(in);
	return 0;
}

static const char *const description[] = {
	"Keeps the rows that a condition holds for, the columns (genes) and the row columns that are named. Rows keep their order, genes the order of "
	"the stream. Computed layers keep their values: what they are made of stays in the stream, and what is needed for that cannot be left out.",
	"A condition compares row columns with values:",
	"  COLUMN = VALUE, also !=, <, <=, >, >=\n"
	"  COLUMN in (VALUE, VALUE, ...), COLUMN not in (...)\n"
	"  COLUMN is missing, COLUMN is not missing",
	"joined by not, and, or (in that order of binding) and parentheses. Texts with blanks or signs stand in quotes, 'A B'; so may column names. A "
	"missing value is neither equal nor unequal to anything, so that such a row is selected only by is missing. Row numbers of --rows count rows "
	"of the input, before the condition.",
	"Of a file that promises an order by a column, only blocks are read whose groups the condition can hold for, and with --rows only the blocks "
	"of those rows. A pipe is read to its end.",
	"A layer that is a signature recipe needs all controls: a selection that leaves one out stops the tool. Leaving out such a layer with "
	"--drop-layer leaves out its neighbours, too. When no row of the promised first label is left, the promise no longer names it.",
	NULL
};
static const char *const examples[] = {
	"pmx-select --where \"gene_target in (NT, T0001) and n_counts > 50\" normalised.pmx -o part.pmx",
	"pmx-select --genes T0001,T0002 --columns gene_target,n_counts normalised.pmx | pmx-view --layer X --obs",
	"pmx-select --rows 1-100 screen.pmx | pmx-info",
	NULL
};

const struct cli_tool tool = { .name = "pmx-select", .summary = "rows, genes and columns picked out", .stage = CLI_STREAMS,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS, .reads = CLI_ANY_KIND, .writes = "same", .args = "[FILE]",
	.max_args = 1, .options = options, .description = description, .examples = examples, .run = run };
