/*
 * GCTX 1.0: HDF5 with /0/DATA/0/matrix, stored signatures x genes (a "column" of GCT is contiguous), and the ids and
 * metadata of genes (ROW) and signatures (COL) below /0/META, one array a field. Read as runs of signatures, so
 * memory does not depend on the size of the matrix.
 */
#include "base/mem.h"
#include "base/text.h"
#include "formats/h5.h"
#include "formats/lincs.h"
#include "formats/rows.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MATRIX "/0/DATA/0/matrix"

struct gctx {
	struct import *im;
	struct h5_array matrix;
	struct layer_target target;
	struct name_list *field;        /* texts of the signature fields, which columns point into */
	size_t n_fields, cap;
	uint64_t n_null, n_nan, n_latin1;
};

static void close_gctx(void *state)
{
	struct gctx *g = state;
	for (size_t i = 0; i < g->n_fields; i++)
		name_list_free(&g->field[i]);
	mem_free(g->field);
	h5_array_close(&g->matrix);
	mem_free(g);
}

static bool recognise(const struct sniff *s)
{
	return s->h5 >= 0 && (h5_kind(s->h5, "/0/DATA") == H5_GROUP || h5_kind(s->h5, "/0/META") == H5_GROUP);
}

static int add_text(void *to, uint64_t i, const char *text, struct err *e)
{
	(void)i, (void)e;
	name_list_add(to, text);
	return 0;
}

/*
 * Does the file hold as many values as it says? A dataset that was never written reads as zeros of any number, and no
 * filter packs 2000 values into a byte.
 */
static bool is_there(hid_t dataset, uint64_t n)
{
	return n / 2000 <= H5Dget_storage_size(dataset) && (!n || H5Dget_storage_size(dataset));
}

/* Class of the values of a dataset of rank 1, as far as it is one and is there; *n its length. */
static H5T_class_t class_of(hid_t at, const char *path, uint64_t *n)
{
	hid_t id = h5_kind(at, path) == H5_DATASET ? H5Dopen2(at, path, H5P_DEFAULT) : -1;
	if (id < 0)
		return H5T_NO_CLASS;
	hid_t type = H5Dget_type(id), space = H5Dget_space(id);
	H5T_class_t class = H5Sget_simple_extent_ndims(space) == 1 ? H5Tget_class(type) : H5T_NO_CLASS;
	*n = class == H5T_NO_CLASS ? 0 : (uint64_t)H5Sget_simple_extent_npoints(space);
	if (!is_there(id, *n))
		class = H5T_NO_CLASS;
	H5Sclose(space);
	H5Tclose(type);
	H5Dclose(id);
	return class;
}

/* A field of texts or numbers as texts; numbers as short as they can be. */
static int read_field(struct gctx *g, const char *path, struct name_list *out, const char **what, struct err *e)
{
	uint64_t n;
	H5T_class_t class = class_of(g->im->h5, path, &n);
	*what = NULL;
	if (class == H5T_STRING)
		return h5_texts_latin1(g->im->h5, path, 0, n, &g->n_latin1, add_text, out, e);
	if (class != H5T_INTEGER && class != H5T_FLOAT && class != H5T_ENUM) {
		*what = "it is neither a list of texts nor of numbers, or was never written";
		return 0;
	}
	struct h5_array a;
	const void *p = h5_array_open(&a, g->im->h5, path, g->im->o->memory / H5_SHARE, 1, e) ? NULL : h5_array_rows(&a, 0, n, e);
	for (uint64_t i = 0; p && i < n; i++) {
		char text[TEXT_F64];
		if (a.truth)
			snprintf(text, sizeof text, "%s", number_i64(a.type, p, i) ? "True" : "False");
		else if (number_is_float(a.type))
			text_put_number(text, number_f64(a.type, p, i), a.type == NUMBER_F32);
		else
			snprintf(text, sizeof text, "%" PRId64, number_i64(a.type, p, i));
		name_list_add(out, text);
	}
	h5_array_close(&a);
	return p ? 0 : -1;
}

static struct names *read_ids(struct gctx *g, const char *path, const char *what, struct err *e)
{
	struct name_list ids = { 0 };
	const char *why;
	struct names *names = NULL;
	if (read_field(g, path, &ids, &why, e) || why)
		err_set(e, "%s is missing or damaged%s%s: a GCTX has the ids of its %ss there", path, why ? ": " : "", why ? why : "", what);
	else
		names = import_unique(g->im, &ids, what, g->im->o->make_unique, e);
	name_list_free(&ids);
	return names;
}

/* Members of a META group but the ids, each handed to put() when it has n values. */
static int read_group(struct gctx *g, const char *group, uint64_t n, bool genes, struct err *e)
{
	struct names *field = h5_children(g->im->h5, group, e);
	const char **text = mem_array(n, sizeof *text);
	int status = field ? 0 : -1;
	for (size_t i = 0; !status && i < field->n; i++) {
		char *path = mem_print("%s/%s", group, field->at[i]);
		struct name_list values = { 0 };
		const char *why = NULL;
		if (strcmp(field->at[i], "id"))
			status = read_field(g, path, &values, &why, e);
		if (!status && why)
			import_say(g->im, false, "%s is left out: %s", path, why);
		else if (!status && strcmp(field->at[i], "id") && values.n != n)
			status = err_set(e, "%s has %zu values where there are %" PRIu64 " %ss", path, values.n, n,
					 genes ? "gene" : import_row_word(g->im));
		for (size_t k = 0; !status && values.n == n && k < n; k++)
			text[k] = values.at[k];
		if (!status && !why && strcmp(field->at[i], "id")) {
			if (genes)
				lincs_put_var(g->im, field->at[i], text);
			else
				lincs_put_obs(g->im, field->at[i], text);
		}
		mem_room(&g->field, &g->cap, g->n_fields + 1, sizeof *g->field);
		g->field[g->n_fields++] = values;
		mem_free(path);
	}
	mem_free(text);
	names_free(field);
	return status;
}

static void mark_missing(struct gctx *g, struct pmx_column *c)
{
	for (size_t i = 0; i < c->n * c->width; i++) {
		double v = c->type == PMX_F32 ? (double)c->f32[i] : c->f64[i];
		g->n_nan += isnan(v) != 0;
		if (v != LINCS_NULL)
			continue;
		g->n_null++;
		if (c->type == PMX_F32)
			c->f32[i] = NAN;
		else
			c->f64[i] = NAN;
	}
}

static int read_rows(struct feed *f, uint64_t first, size_t n, struct err *e)
{
	struct gctx *g = f->state;
	const void *value = h5_array_rows(&g->matrix, first, n, e);
	if (!value)
		return -1;
	if (g->target.type == PMX_U32)
		return rows_sparse_of_dense(&f->run, value, g->matrix.type, first, n, &g->target, e);
	pmx_column_free(f->column);
	f->column = pmx_column_new(g->target.type, n, (uint32_t)g->im->schema->n_columns);
	rows_dense(f->column, value, g->matrix.type, n, &g->target);
	mark_missing(g, f->column);
	if (first + n == g->im->n_rows)
		lincs_say_missing(g->im, g->n_null, g->n_nan);
	return 0;
}

static int open_matrix(struct gctx *g, struct err *e)
{
	struct import *im = g->im;
	uint64_t n_genes = im->columns->n, n = im->n_rows;
	if (h5_kind(im->h5, MATRIX) != H5_DATASET)
		return err_set(e, "there is no " MATRIX ", where a GCTX has its values");
	if (h5_array_open(&g->matrix, im->h5, MATRIX, im->o->memory / H5_SHARE, im->o->threads, e))
		return -1;
	if (g->matrix.rank != 2 || g->matrix.n_rows != n || g->matrix.n_cols != n_genes)
		return err_set(e, MATRIX " is %" PRIu64 " x %" PRIu64 ", but there are %" PRIu64 " column ids and %" PRIu64 " row ids: GCTX 1.0 stores "
			       "columns x rows%s", g->matrix.n_rows, g->matrix.n_cols, n, n_genes,
			       g->matrix.n_rows == n_genes && g->matrix.n_cols == n ? ", and this one is the other way round" : "");
	if (!is_there(g->matrix.dataset, n * n_genes))
		return err_set(e, MATRIX " was never written: the file is damaged or still being made");
	bool counts = im->o->values == IMPORT_COUNTS;
	g->target = (struct layer_target){ .im = im, .name = MATRIX, .type = rows_type(g->matrix.type, false,
		counts ? IMPORT_COUNTS : IMPORT_FLOAT) };
	struct feed *f = import_add_layer(im, im->o->layer ? im->o->layer : counts ? "counts" : "X", g->target.type,
					  counts ? PMX_SPARSE : PMX_DENSE);
	f->state = g;
	f->read = read_rows;
	f->row_bytes = n_genes * number_size(g->matrix.type);
	return 0;
}

static int open_gctx(struct import *im, const char *path, struct err *e)
{
	struct gctx *g = mem_zero(1, sizeof *g);
	*g = (struct gctx){ .im = im, .matrix = { .dataset = -1, .memory_type = -1 } };
	im->state = g;
	im->close = close_gctx;
	struct names *genes = read_ids(g, "/0/META/ROW/id", "gene", e);
	if (!genes || import_set_columns(im, genes, NULL, e) || read_group(g, "/0/META/ROW", genes->n, true, e))
		return err_context(e, "%s", path);
	struct names *rows = read_ids(g, "/0/META/COL/id", import_row_word(im), e);
	if (!rows || import_set_rows(im, rows, e) || read_group(g, "/0/META/COL", rows->n, false, e) || open_matrix(g, e))
		return err_context(e, "%s", path);
	import_say_latin1(im, path, g->n_latin1);
	return 0;
}

const struct format format_gctx = { "GCTX", HOLDS_SIGNATURES, recognise, open_gctx };
