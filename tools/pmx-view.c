/* pmx-view - rows of a stream as text */
#include "cli/values.h"
#include "base/mem.h"
#include "formats/list.h"
#include "stream/dense.h"

static bool obs, var;
static const char *columns, *matrix, *layer, *genes;
static long head;

static const struct cli_option options[] = {
	CLI_FLAG(0, "obs", &obs, "the row columns (what is shown when nothing else is asked for)"),
	CLI_TEXT(0, "columns", &columns, "A,B", "only these row columns, in this order"),
	CLI_TEXT(0, "layer", &layer, "NAME", "values of a layer, computed where it is a recipe"),
	CLI_TEXT(0, "genes", &genes, "A,B", "only these columns of the layer; @FILE: from a file, a name a line"),
	CLI_TEXT(0, "obsm", &matrix, "NAME", "a row matrix"),
	CLI_FLAG(0, "var", &var, "a table of the columns (genes) instead of the rows"),
	CLI_INT(0, "head", &head, 0, 1e15, "N", "only the first N rows; 0: all",
		"The rest is not read, so that damage there is not found; of a file the end is looked at, and a file cut short is refused"),
	CLI_END
};

/* What is shown of each row. */
struct view {
	const struct pmx_schema *s;
	struct pmx_dense *values;
	size_t *field, n_fields;        /* row columns and matrices, the row name first */
	int handle;                     /* of the layer; -1: none */
	bool as_float;                  /* its values are f32 */
	uint32_t *gene;
	size_t n_genes;
	double *row;                    /* room for `step` rows of the layer */
	size_t step;
};

static void add_field(struct view *v, size_t f)
{
	for (size_t i = 0; i < v->n_fields; i++)
		if (v->field[i] == f)
			return;
	v->field[v->n_fields++] = f;
}

static void choose_fields(struct view *v)
{
	struct err e = { 0 };
	const struct pmx_schema *s = v->s;
	v->field = mem_array(s->n_fields, sizeof *v->field);
	add_field(v, pmx_find(s, PMX_OBS, s->row_names));
	struct names *wanted = columns ? list_read(columns, false, &e) : NULL;
	if (columns && !wanted)
		cli_fail(&e);
	for (size_t i = 0; wanted && i < wanted->n; i++) {
		size_t f = pmx_need(s, PMX_OBS, wanted->at[i], &e);
		if (f == PMX_NO_FIELD)
			cli_fail(&e);
		add_field(v, f);
	}
	names_free(wanted);
	for (size_t i = 0; i < s->n_fields && !columns && (obs || (!layer && !matrix)); i++)
		if (s->field[i].class == PMX_OBS && !pmx_is_matrix(&s->field[i]))
			add_field(v, i);
	if (!matrix)
		return;
	size_t f = pmx_need(s, PMX_OBS, matrix, &e);
	if (f == PMX_NO_FIELD)
		cli_fail(&e);
	if (!pmx_is_matrix(&s->field[f]))
		cli_die("'%s' is a row column, not a row matrix; show it with --columns %s", matrix, matrix);
	add_field(v, f);
}

static void choose_values(struct view *v)
{
	struct err e = { 0 };
	v->handle = -1;
	if (!layer)
		return;
	size_t f = pmx_need(v->s, PMX_LAYER, layer, &e);
	if (f == PMX_NO_FIELD)
		cli_fail(&e);
	struct names *wanted = genes ? list_read(genes, false, &e) : NULL;
	if (genes && (!wanted || !(v->gene = list_columns(wanted, v->s, false, &v->n_genes, &e))))
		cli_fail(&e);
	names_free(wanted);
	v->handle = pmx_dense_layer(v->values, f, v->gene, v->n_genes, &e);
	if (v->handle < 0)
		cli_fail(&e);
	v->n_genes = pmx_dense_width(v->values, v->handle);
	v->as_float = v->s->field[f].storage != PMX_RECIPE && v->s->field[f].type == PMX_F32;
	v->step = v->n_genes ? ((size_t)1 << 17) / v->n_genes + 1 : 1 << 17;
	v->row = mem_array(v->step * v->n_genes, sizeof *v->row);
}

static void put_header(struct cli_text *t, const struct view *v)
{
	for (size_t i = 0; i < v->n_fields; i++) {
		cli_text_put(t, i ? "\t" : "");
		cli_text_heads(t, &v->s->field[v->field[i]]);
	}
	for (size_t j = 0; v->handle >= 0 && j < v->n_genes; j++) {
		cli_text_put(t, "\t");
		cli_text_name(t, pmx_column_name(v->s, v->gene ? v->gene[j] : j));
	}
	cli_text_put(t, "\n");
}

static void put_rows(struct cli_text *t, const struct view *v, struct pmx_block *b, size_t n)
{
	struct err e = { 0 };
	const struct pmx_column **c = mem_array(v->n_fields, sizeof *c);
	for (size_t i = 0; i < v->n_fields; i++)
		if (!(c[i] = pmx_block_column(b, v->s, v->field[i], &e)))
			cli_fail(&e);
	for (size_t r = 0; r < n; r++) {
		size_t ahead = v->handle < 0 ? 0 : r % v->step;
		if (v->handle >= 0 && !ahead &&
		    pmx_dense_rows(v->values, v->handle, b, r, r + v->step < n ? r + v->step : n, v->row, &e))
			cli_fail(&e);
		for (size_t i = 0; i < v->n_fields; i++) {
			cli_text_put(t, i ? "\t" : "");
			cli_text_values(t, &v->s->field[v->field[i]], c[i], r);
		}
		for (size_t j = 0; v->handle >= 0 && j < v->n_genes; j++) {
			cli_text_put(t, "\t");
			cli_text_number(t, v->row[ahead * v->n_genes + j], v->as_float);
		}
		cli_text_put(t, "\n");
	}
	mem_free(c);
}

static void show_rows(const struct cli *c, struct pmx_reader *in, struct cli_text *t)
{
	struct err e = { 0 };
	struct view v = { .s = pmx_reader_schema(in), .values = pmx_dense_new(in, c->threads) };
	choose_fields(&v);
	choose_values(&v);
	for (size_t i = 0; i < v.n_fields; i++)
		pmx_want(in, v.field[i]);
	uint64_t left = head ? (uint64_t)head : UINT64_MAX;
	if (head && !pmx_read_index(in, &e) && e.set)
		cli_fail(&e);
	put_header(t, &v);
	int more = 0;
	struct pmx_block *b;
	while (left && (more = pmx_dense_next(v.values, &b, &e)) > 0) {
		size_t n = b->n_rows < left ? b->n_rows : (size_t)left;
		put_rows(t, &v, b, n);
		left -= n;
		pmx_block_free(b);
	}
	if (more < 0)
		cli_fail(&e);
	pmx_dense_free(v.values);
	mem_free(v.field);
	mem_free(v.gene);
	mem_free(v.row);
}

/* The names of the columns, then their metadata. */
static void show_columns(struct pmx_reader *in, struct cli_text *t)
{
	const struct pmx_schema *s = pmx_reader_schema(in);
	size_t names = pmx_find(s, PMX_VAR, s->column_names);
	cli_text_heads(t, &s->field[names]);
	for (size_t f = 0; f < s->n_fields; f++)
		if (s->field[f].class == PMX_VAR && f != names) {
			cli_text_put(t, "\t");
			cli_text_heads(t, &s->field[f]);
		}
	cli_text_put(t, "\n");
	for (size_t i = 0; i < s->n_columns && (!head || i < (size_t)head); i++) {
		cli_text_name(t, pmx_column_name(s, i));
		for (size_t f = 0; f < s->n_fields; f++)
			if (s->field[f].class == PMX_VAR && f != names) {
				cli_text_put(t, "\t");
				cli_text_values(t, &s->field[f], s->field[f].column, i);
			}
		cli_text_put(t, "\n");
	}
}

static int run(struct cli *c)
{
	if (var && (obs || columns || layer || matrix))
		cli_misuse("--var shows the columns, the other options show rows; ask for one of them");
	if (genes && !layer)
		cli_misuse("--genes needs --layer");
	struct pmx_reader *in = cli_input(c);
	struct cli_text *t = cli_text_new(c);
	if (var)
		show_columns(in, t);
	else
		show_rows(c, in, t);
	cli_text_close(t);
	pmx_close(in);
	return 0;
}

static const char *const description[] = {
	"Writes a table with tabs, a line a row with the name of the row first: its columns (--obs, the default), a row matrix as NAME_1, NAME_2, ... "
	"(--obsm), values of a layer, a column a gene (--layer). Several of them stand side by side.",
	"Numbers are written with as few digits as read back to the same number (of f32 values: to the same f32). Missing is NA in row columns, NaN in "
	"layers and matrices. A text with a tab, a line break or a quote in front is put in double quotes.",
	"Layers that are recipes are computed. For a signature the controls at the front of the stream are read first, also with --head.",
	NULL
};
static const char *const examples[] = {
	"pmx-view --head 5 scores.pmx",
	"pmx-view --layer X --genes T0001,T0002 normalised.pmx | head",
	"pmx-view --var screen.pmx > genes.tsv",
	NULL
};

const struct cli_tool tool = { .name = "pmx-view", .summary = "rows of a stream as text", .stage = CLI_STREAMS,
	.flags = CLI_READS_STREAM | CLI_WRITES_TEXT | CLI_THREADS, .reads = CLI_ANY_KIND, .args = "[FILE]", .max_args = 1,
	.options = options, .description = description, .examples = examples, .run = run };
