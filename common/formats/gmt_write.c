/*
 * Rows as gene sets: genes by the sign of their value, the largest first, among equals in the order of the columns.
 * A row with negative values makes NAME_UP and NAME_DN, one without makes NAME; 0 and NaN are in no set.
 */
#include "base/file.h"
#include "base/mem.h"
#include "formats/export.h"
#include "stream/codec.h"
#include "stream/dense.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct member {
	double size;                    /* of the value */
	uint32_t column;
};

struct gmt_out {
	const struct pmx_schema *s;
	struct file_out *file;
	struct bytes text;
	struct pmx_dense *in;
	double *row;
	struct member *member;
	uint64_t n_empty;
};

static int by_size(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

/* The set of one sign; nothing where it is empty. */
static int put_set(struct gmt_out *g, const char *name, const char *ending, const char *description, int sign, struct err *e)
{
	size_t n = 0;
	for (size_t i = 0; i < g->s->n_columns; i++)
		if (sign > 0 ? g->row[i] > 0 : g->row[i] < 0)
			g->member[n++] = (struct member){ fabs(g->row[i]), (uint32_t)i };
	if (!n)
		return 0;
	qsort(g->member, n, sizeof *g->member, by_size);
	if (strpbrk(name, "\t\r\n") || strpbrk(description, "\t\r\n"))
		return err_set(e, "the name or description of '%s' holds a tab or a line's end, which a GMT cannot hold", name);
	bytes_add(&g->text, name, strlen(name));
	bytes_add(&g->text, ending, strlen(ending));
	bytes_add(&g->text, "\t", 1);
	bytes_add(&g->text, description, strlen(description));
	for (size_t i = 0; i < n; i++) {
		const char *gene = pmx_column_name(g->s, g->member[i].column);
		bytes_add(&g->text, "\t", 1);
		bytes_add(&g->text, gene, strlen(gene));
	}
	bytes_add(&g->text, "\n", 1);
	return 0;
}

static int put_block(struct gmt_out *g, int layer, struct pmx_block *b, size_t description, struct err *e)
{
	const char *const *name = export_row_names(b, g->s, e);
	const struct pmx_column *c = description == PMX_NO_FIELD ? NULL : pmx_block_column(b, g->s, description, e);
	if (!name || (!c && description != PMX_NO_FIELD))
		return -1;
	for (size_t r = 0; r < b->n_rows; r++) {
		char spare[64];
		if (pmx_dense_rows(g->in, layer, b, r, r + 1, g->row, e))
			return -1;
		bool down = false, any = false;
		for (size_t i = 0; i < g->s->n_columns; i++) {
			down = down || g->row[i] < 0;
			any = any || fabs(g->row[i]) > 0;
		}
		g->n_empty += !any;
		const char *about = c && !pmx_column_is_missing(c, r) ? pmx_column_text(&g->s->field[description], c, r, spare, sizeof spare) : "na";
		if (put_set(g, name[r], down ? "_UP" : "", about, 1, e) || put_set(g, name[r], "_DN", about, -1, e))
			return -1;
	}
	int status = file_write(g->file, g->text.at, g->text.n, e);
	g->text.n = 0;
	return status;
}

static int put_sets(struct gmt_out *g, struct pmx_reader *in, const struct export_options *o, struct err *e)
{
	size_t field = export_main_layer(g->s, o->layer, false, e), description = pmx_find(g->s, PMX_OBS, "description");
	if (field == PMX_NO_FIELD)
		return -1;
	if (g->s->field[field].storage != PMX_SPARSE)
		export_say(o, false, "layer '%s' is dense: every gene with a value is listed, the strongest first", g->s->field[field].name);
	g->in = pmx_dense_new(in, o->threads);
	g->row = mem_array(g->s->n_columns, sizeof *g->row);
	g->member = mem_array(g->s->n_columns, sizeof *g->member);
	int layer = pmx_dense_layer(g->in, field, NULL, 0, e), more = layer < 0 ? -1 : 1;
	struct pmx_block *b;
	pmx_want(in, pmx_find(g->s, PMX_OBS, g->s->row_names));
	while (more > 0 && (more = pmx_dense_next(g->in, &b, e)) > 0) {
		if (put_block(g, layer, b, description, e))
			more = -1;
		pmx_block_free(b);
	}
	if (!more && g->n_empty)
		export_say(o, false, "%" PRIu64 " rows have no value above or below 0 and make no set", g->n_empty);
	return more;
}

static int run(struct pmx_reader *in, const char *path, const struct export_options *o, struct err *e)
{
	struct gmt_out g = { .s = pmx_reader_schema(in), .file = file_create(path, e) };
	if (!g.file)
		return -1;
	int status = put_sets(&g, in, o, e);
	bytes_free(&g.text);
	pmx_dense_free(g.in);
	mem_free(g.row);
	mem_free(g.member);
	if (!status)
		return file_commit(g.file, e);
	file_abandon(g.file);
	return -1;
}

const struct export_format export_gmt = { "gmt", false, run };
