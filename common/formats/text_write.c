/* A layer as a table of numbers: a header of genes, then a line a cell, its name first. */
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/export.h"
#include "stream/codec.h"
#include "stream/dense.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FLUSH = 1 << 18 };

static void put_name(struct bytes *out, const char *s, char separator)
{
	if (separator == '\t' || !strpbrk(s, ",\"")) {
		bytes_add(out, s, strlen(s));
		return;
	}
	bytes_add(out, "\"", 1);
	for (; *s; s++)
		bytes_add(out, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
	bytes_add(out, "\"", 1);
}

/* A name with the separator of a TSV in it would shift the columns. */
static int check_name(const char *s, char separator, struct err *e)
{
	return strpbrk(s, separator == '\t' ? "\t\n\r" : "\n\r")
		? err_set(e, "the name '%s' holds a tab or a line's end, which a table cannot hold", s) : 0;
}

static int put_header(struct bytes *out, const struct pmx_schema *s, char separator, struct err *e)
{
	put_name(out, s->row_names, separator);
	for (size_t i = 0; i < s->n_columns; i++) {
		const char *name = pmx_column_name(s, i);
		if (check_name(name, separator, e))
			return -1;
		bytes_add(out, &separator, 1);
		put_name(out, name, separator);
	}
	bytes_add(out, "\n", 1);
	return 0;
}

/* The table under way. */
struct table_out {
	struct bytes text;
	struct file_out *file;
	char separator;
	bool single;                    /* f32 values */
	const struct pmx_schema *s;
	struct pmx_dense *in;
	int layer;
	double *row;
};

static int put_block(struct table_out *t, struct pmx_block *b, struct err *e)
{
	const char *const *name = export_row_names(b, t->s, e);
	if (!name)
		return -1;
	for (size_t r = 0; r < b->n_rows; r++) {
		if (check_name(name[r], t->separator, e) || pmx_dense_rows(t->in, t->layer, b, r, r + 1, t->row, e))
			return -1;
		put_name(&t->text, name[r], t->separator);
		for (size_t i = 0; i < t->s->n_columns; i++) {
			char text[TEXT_F64 + 1] = { t->separator, '0' };
			size_t n = t->row[i] == 0 ? 1 : text_put_number(text + 1, t->row[i], t->single);
			bytes_add(&t->text, text, n + 1);
		}
		bytes_add(&t->text, "\n", 1);
		if (t->text.n >= FLUSH) {
			if (file_write(t->file, t->text.at, t->text.n, e))
				return -1;
			t->text.n = 0;
		}
	}
	return 0;
}

static int put_table(struct pmx_reader *in, struct file_out *file, const struct export_options *o, char separator, struct err *e)
{
	struct table_out t = { .file = file, .separator = separator, .s = pmx_reader_schema(in) };
	size_t layer = export_main_layer(t.s, o->layer, false, e);
	if (layer == PMX_NO_FIELD)
		return -1;
	const struct pmx_field *f = &t.s->field[layer];
	struct pmx_block *b;
	t.single = f->storage != PMX_RECIPE && f->type == PMX_F32;
	t.in = pmx_dense_new(in, o->threads);
	t.layer = pmx_dense_layer(t.in, layer, NULL, 0, e);
	t.row = mem_array(t.s->n_columns, sizeof *t.row);
	pmx_want(in, pmx_find(t.s, PMX_OBS, t.s->row_names));
	int more = t.layer < 0 || put_header(&t.text, t.s, separator, e) ? -1 : 1;
	while (more > 0 && (more = pmx_dense_next(t.in, &b, e)) > 0) {
		if (put_block(&t, b, e))
			more = -1;
		pmx_block_free(b);
	}
	if (!more && file_write(file, t.text.at, t.text.n, e))
		more = -1;
	bytes_free(&t.text);
	mem_free(t.row);
	pmx_dense_free(t.in);
	return more;
}

static int run(struct pmx_reader *in, const char *path, const struct export_options *o, char separator, struct err *e)
{
	struct file_out *file = file_create(path, e);
	if (!file)
		return -1;
	if (!put_table(in, file, o, separator, e))
		return file_commit(file, e);
	file_abandon(file);
	return -1;
}

static int run_tsv(struct pmx_reader *in, const char *path, const struct export_options *o, struct err *e)
{
	return run(in, path, o, '\t', e);
}

static int run_csv(struct pmx_reader *in, const char *path, const struct export_options *o, struct err *e)
{
	return run(in, path, o, ',', e);
}

const struct export_format export_tsv = { "tsv", false, run_tsv };
const struct export_format export_csv = { "csv", false, run_csv };
