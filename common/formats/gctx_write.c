/* A layer as GCTX 1.0: HDF5, a row of the stream contiguous in it, metadata as arrays beside the ids; missing is -666. */
#include "base/file.h"
#include "base/mem.h"
#include "formats/collect.h"
#include "formats/export.h"
#include "formats/h5put.h"
#include "formats/lincs.h"
#include "stream/dense.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct gctx_out {
	hid_t file;
	const struct pmx_schema *s;
	const struct export_options *o;
	struct pmx_dense *in;
	struct collected *columns;
	struct h5_growing *matrix;
	bool single;
};

static int put_groups(hid_t file, const char *path, struct err *e)
{
	static const char *const group[] = { "/0", "/0/DATA", "/0/DATA/0", "/0/META", "/0/META/ROW", "/0/META/COL" };
	for (size_t i = 0; i < sizeof group / sizeof *group; i++) {
		hid_t id = H5Gcreate2(file, group[i], H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
		if (id < 0)
			return h5_fail(e, "cannot make the group %s", group[i]);
		H5Gclose(id);
	}
	const char *name = strrchr(path, '/');
	return h5_put_text_attribute(file, "/", "version", "GCTX1.0", e) || h5_put_text_attribute(file, "/", "src", name ? name + 1 : path, e)
		? -1 : 0;
}

/* Texts as they are; numbers as numbers. */
static int put_column(hid_t file, const char *path, const struct pmx_field *f, const struct pmx_column *c, struct err *e)
{
	size_t n = c->n;
	int status;
	if (c->type == PMX_I64) {
		int64_t *v = mem_array(n, sizeof *v);
		for (size_t i = 0; i < n; i++)
			v[i] = c->i64[i] == PMX_MISSING_I64 ? (int64_t)LINCS_NULL : c->i64[i];
		status = h5_put_plain(file, path, H5T_NATIVE_INT64, v, n, e);
		mem_free(v);
	} else if (c->type == PMX_F64) {
		double *v = mem_array(n, sizeof *v);
		for (size_t i = 0; i < n; i++)
			v[i] = isnan(c->f64[i]) ? LINCS_NULL : c->f64[i];
		status = h5_put_plain(file, path, H5T_NATIVE_DOUBLE, v, n, e);
		mem_free(v);
	} else {
		const char **text = mem_array(n, sizeof *text);
		char spare[1];
		for (size_t i = 0; i < n; i++)
			text[i] = pmx_column_is_missing(c, i) ? LINCS_NULL_TEXT
				: c->type == PMX_BOOL ? (c->flag[i] ? "True" : "False") : pmx_column_text(f, c, i, spare, 0);
		status = h5_put_fixed(file, path, text, n, e);
		mem_free(text);
	}
	return status;
}

/* Columns of the rows (COL of a GCTX) or of the genes (ROW), the names as ids. */
static int put_meta(struct gctx_out *g, enum pmx_class class, const char *group, const char *names, struct err *e)
{
	for (size_t i = 0; i < g->s->n_fields; i++) {
		const struct pmx_field *f = &g->s->field[i];
		if (f->class != class || f->matrix)
			continue;
		bool is_id = !strcmp(f->name, names);
		char *link = is_id ? mem_text("id") : !strcmp(f->name, "id") ? mem_text("id_1") : h5_link_name(f->name);
		if (!is_id && strcmp(link, f->name))
			export_say(g->o, false, "column '%s' is called '%s' in the GCTX", f->name, link);
		char *path = mem_print("%s/%s", group, link);
		int status = put_column(g->file, path, f, class == PMX_VAR ? f->column : collect_column(g->columns, i), e);
		mem_free(link);
		mem_free(path);
		if (status)
			return -1;
	}
	return 0;
}

static int put_block(struct gctx_out *g, int layer, struct pmx_block *b, double *row, float *narrow, struct err *e)
{
	if (!export_row_names(b, g->s, e) || collect_block(g->columns, b, e))
		return -1;
	for (size_t r = 0; r < b->n_rows; r++) {
		if (pmx_dense_rows(g->in, layer, b, r, r + 1, row, e))
			return -1;
		for (size_t i = 0; g->single && i < g->s->n_columns; i++)
			narrow[i] = (float)row[i];
		if (h5_grow_by(g->matrix, g->single ? (void *)narrow : row, 1, e))
			return -1;
	}
	return 0;
}

static int put_matrix(struct gctx_out *g, struct pmx_reader *in, struct err *e)
{
	size_t field = export_main_layer(g->s, g->o->layer, false, e);
	if (field == PMX_NO_FIELD)
		return -1;
	const struct pmx_field *f = &g->s->field[field];
	g->single = g->o->float32 || (f->storage != PMX_RECIPE && f->type == PMX_F32);
	int layer = pmx_dense_layer(g->in, field, NULL, 0, e);
	g->matrix = layer < 0 ? NULL : h5_grow(g->file, "/0/DATA/0/matrix", g->single ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE, g->s->n_columns,
					       g->o->gzip, g->o->threads, e);
	if (!g->matrix)
		return -1;
	g->columns = collect_new(g->s, false);
	collect_want(g->columns, in);
	double *row = mem_array(g->s->n_columns, sizeof *row);
	float *narrow = mem_array(g->s->n_columns, sizeof *narrow);
	struct pmx_block *b;
	int more;
	while ((more = pmx_dense_next(g->in, &b, e)) > 0) {
		int status = put_block(g, layer, b, row, narrow, e);
		pmx_block_free(b);
		if (status) {
			more = -1;
			break;
		}
	}
	mem_free(row);
	mem_free(narrow);
	struct h5_growing *matrix = g->matrix;
	if (more < 0)
		return -1;
	g->matrix = NULL;
	return h5_grow_end(matrix, e);
}

static int run(struct pmx_reader *in, const char *path, const struct export_options *o, struct err *e)
{
	struct file_out *file = file_create_for_library(path, e);
	if (!file)
		return -1;
	struct gctx_out g = { .s = pmx_reader_schema(in), .o = o, .file = h5_create(file_temporary(file), e) };
	int status = -1;
	if (!g.s->n_columns) {
		err_set(e, "the stream has no columns: a GCTX needs genes");
	} else if (g.file >= 0) {
		g.in = pmx_dense_new(in, o->threads);
		status = put_groups(g.file, path, e) || put_meta(&g, PMX_VAR, "/0/META/ROW", g.s->column_names, e) || put_matrix(&g, in, e) ||
			put_meta(&g, PMX_OBS, "/0/META/COL", g.s->row_names, e) ? -1 : 0;
	}
	h5_grow_free(g.matrix);
	pmx_dense_free(g.in);
	collect_free(g.columns);
	if (!status)
		status = h5_finish(g.file, path, e);
	else
		h5_close(g.file);
	if (!status)
		return file_commit(file, e);
	file_abandon(file);
	return -1;
}

const struct export_format export_gctx = { "gctx", true, run };
