/*
 * A layer as GCT 1.3: a line a gene, a column a row of the stream. The stream comes the other way round, so its rows
 * wait in a scratch file, of which as many genes are read at a time as fit PANEL bytes.
 */
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/collect.h"
#include "formats/export.h"
#include "formats/lincs.h"
#include "stream/codec.h"
#include "stream/dense.h"
#include <string.h>
#include <unistd.h>

enum { FLUSH = 1 << 18, PANEL = 1 << 27 };

struct gct_out {
	const struct pmx_schema *s;
	struct file_out *file;
	struct bytes text;
	struct pmx_dense *in;
	struct collected *columns;
	int scratch;
	bool single;
	double *row;
};

static int flush(struct gct_out *g, size_t least, struct err *e)
{
	if (g->text.n < least)
		return 0;
	int status = file_write(g->file, g->text.at, g->text.n, e);
	g->text.n = 0;
	return status;
}

static int put(struct gct_out *g, const char *s, char end, struct err *e)
{
	if (strpbrk(s, "\t\r\n"))
		return err_set(e, "'%.200s' holds a tab or a line's end, which a GCT cannot hold", s);
	bytes_add(&g->text, s, strlen(s));
	bytes_add(&g->text, &end, 1);
	return 0;
}

static int put_value(struct gct_out *g, const struct pmx_field *f, const struct pmx_column *c, size_t i, char end, struct err *e)
{
	char spare[TEXT_F64];
	if (pmx_column_is_missing(c, i))
		return put(g, LINCS_NULL_TEXT, end, e);
	if (c->type == PMX_BOOL)
		return put(g, c->flag[i] ? "True" : "False", end, e);
	return put(g, pmx_column_text(f, c, i, spare, sizeof spare), end, e);
}

static bool is_meta(const struct pmx_schema *s, size_t i, enum pmx_class class, const char *names)
{
	const struct pmx_field *f = &s->field[i];
	return f->class == class && !f->matrix && strcmp(f->name, names);
}

/* The two lines of sizes, the header and a line for each row column. */
static int put_top(struct gct_out *g, struct err *e)
{
	const struct pmx_schema *s = g->s;
	size_t n_var = 0, n_obs = 0, n = collect_n_rows(g->columns);
	size_t names = pmx_find(s, PMX_OBS, s->row_names);
	for (size_t i = 0; i < s->n_fields; i++) {
		n_var += is_meta(s, i, PMX_VAR, s->column_names);
		n_obs += is_meta(s, i, PMX_OBS, s->row_names);
	}
	char *sizes = mem_print("#1.3\n%zu\t%zu\t%zu\t%zu\nid", s->n_columns, n, n_var, n_obs);
	bytes_add(&g->text, sizes, strlen(sizes));
	mem_free(sizes);
	for (size_t i = 0; i < s->n_fields; i++)
		if (is_meta(s, i, PMX_VAR, s->column_names)) {
			bytes_add(&g->text, "\t", 1);
			if (put(g, s->field[i].name, '\t', e))
				return -1;
			g->text.n--;
		}
	bytes_add(&g->text, n ? "\t" : "\n", 1);
	const struct pmx_column *id = collect_column(g->columns, names);
	for (size_t r = 0; r < n; r++)
		if (put(g, id->text[r], r + 1 < n ? '\t' : '\n', e))
			return -1;
	for (size_t i = 0; i < s->n_fields; i++) {
		if (!is_meta(s, i, PMX_OBS, s->row_names))
			continue;
		if (put(g, s->field[i].name, '\t', e))
			return -1;
		for (size_t k = 0; k < n_var; k++)
			put(g, LINCS_NULL_TEXT, '\t', e);
		const struct pmx_column *c = collect_column(g->columns, i);
		for (size_t r = 0; r < n; r++)
			if (put_value(g, &s->field[i], c, r, r + 1 < n ? '\t' : '\n', e) || flush(g, FLUSH, e))
				return -1;
	}
	return 0;
}

static int put_gene(struct gct_out *g, size_t gene, const double *value, size_t n, size_t step, struct err *e)
{
	const struct pmx_schema *s = g->s;
	if (put(g, pmx_column_name(s, gene), '\t', e))
		return -1;
	for (size_t i = 0; i < s->n_fields; i++)
		if (is_meta(s, i, PMX_VAR, s->column_names) && put_value(g, &s->field[i], s->field[i].column, gene, '\t', e))
			return -1;
	for (size_t r = 0; r < n; r++) {
		char text[TEXT_F64 + 1];
		size_t k = text_put_number(text, value[r * step], g->single);
		text[k] = r + 1 < n ? '\t' : '\n';
		bytes_add(&g->text, text, k + 1);
		if (flush(g, FLUSH, e))
			return -1;
	}
	return 0;
}

static int put_genes(struct gct_out *g, struct err *e)
{
	size_t n = collect_n_rows(g->columns), width = g->s->n_columns, panel = n ? PANEL / sizeof(double) / n : width;
	panel = panel < 1 ? 1 : panel > width ? width : panel;
	double *value = mem_array(n * panel, sizeof *value);
	int status = 0;
	for (size_t first = 0; first < width && !status; first += panel) {
		size_t k = width - first < panel ? width - first : panel;
		for (size_t r = 0; r < n && !status; r++)
			status = file_pread(g->scratch, value + r * k, k * sizeof *value, ((uint64_t)r * width + first) * sizeof *value, e);
		for (size_t i = 0; i < k && !status; i++)
			status = put_gene(g, first + i, value + i, n, k, e);
	}
	mem_free(value);
	return status ? -1 : flush(g, 1, e);
}

/* Rows of the stream to the scratch file, row columns to memory. */
static int take_stream(struct gct_out *g, struct pmx_reader *in, size_t field, struct err *e)
{
	int layer = pmx_dense_layer(g->in, field, NULL, 0, e), more = layer < 0 ? -1 : 1;
	size_t size = g->s->n_columns * sizeof *g->row;
	uint64_t n = 0;
	struct pmx_block *b;
	collect_want(g->columns, in);
	while (more > 0 && (more = pmx_dense_next(g->in, &b, e)) > 0) {
		if (!export_row_names(b, g->s, e) || collect_block(g->columns, b, e))
			more = -1;
		for (size_t r = 0; more > 0 && r < b->n_rows; r++)
			if (pmx_dense_rows(g->in, layer, b, r, r + 1, g->row, e) || file_pwrite(g->scratch, g->row, size, n++ * size, e))
				more = -1;
		pmx_block_free(b);
	}
	return more;
}

static int put_table(struct gct_out *g, struct pmx_reader *in, const struct export_options *o, struct err *e)
{
	size_t field = export_main_layer(g->s, o->layer, false, e);
	if (field == PMX_NO_FIELD || (g->scratch = file_scratch(e)) < 0)
		return -1;
	const struct pmx_field *f = &g->s->field[field];
	g->single = f->storage != PMX_RECIPE && f->type == PMX_F32;
	g->in = pmx_dense_new(in, o->threads);
	g->columns = collect_new(g->s, false);
	g->row = mem_array(g->s->n_columns, sizeof *g->row);
	return take_stream(g, in, field, e) || put_top(g, e) || put_genes(g, e) ? -1 : 0;
}

static int run(struct pmx_reader *in, const char *path, const struct export_options *o, struct err *e)
{
	struct gct_out g = { .s = pmx_reader_schema(in), .file = file_create(path, e), .scratch = -1 };
	if (!g.file)
		return -1;
	int status = put_table(&g, in, o, e);
	bytes_free(&g.text);
	pmx_dense_free(g.in);
	collect_free(g.columns);
	mem_free(g.row);
	if (g.scratch >= 0)
		close(g.scratch);
	if (!status)
		return file_commit(g.file, e);
	file_abandon(g.file);
	return -1;
}

const struct export_format export_gct = { "gct", false, run };
