/* h5ad: anndata 0.7 to 0.13, and the modalities of MuData (h5mu), each of which is one. */
#include "base/mem.h"
#include "formats/feed.h"
#include "formats/h5.h"
#include "formats/h5column.h"
#include "formats/h5matrix.h"
#include "formats/rows.h"
#include <inttypes.h>
#include <string.h>

/* A matrix of the file and the name its layer gets. */
struct wanted {
	char *path, *layer;
	struct h5_matrix *matrix;
};

struct h5ad {
	hid_t at;                       /* the root, or the modality */
	char *var;                      /* "var", or "raw/var" where raw/X is taken */
	struct wanted *matrix;
	size_t n_matrices, cap;
	struct names *obs_columns;
};

static void close_h5ad(void *state)
{
	struct h5ad *a = state;
	for (size_t i = 0; i < a->n_matrices; i++) {
		mem_free(a->matrix[i].path);
		mem_free(a->matrix[i].layer);
		h5_matrix_free(a->matrix[i].matrix);
	}
	mem_free(a->matrix);
	mem_free(a->var);
	names_free(a->obs_columns);
	mem_free(a);
}

static int take_name(void *to, uint64_t i, const char *text, struct err *e)
{
	(void)i;
	(void)e;
	name_list_add(to, text);
	return 0;
}

/* Names of the rows of a frame, each once. */
static struct names *read_names(struct import *im, hid_t at, const char *frame, const char *what, struct err *e)
{
	char *path = h5_frame_index(at, frame, e);
	struct name_list list = { 0 };
	struct names *names = NULL;
	int64_t n = path ? h5_n_texts(at, path, e) : -1;
	if (n >= UINT32_MAX)
		err_set(e, "%s holds %" PRId64 " names", path, n);
	else if (n >= 0 && !h5_texts(at, path, 0, (uint64_t)n, take_name, &list, e))
		names = import_unique(im, &list, what, im->o->make_unique, e);
	name_list_free(&list);
	mem_free(path);
	return names;
}

static void want(struct h5ad *a, const char *path, const char *layer)
{
	mem_room(&a->matrix, &a->cap, a->n_matrices + 1, sizeof *a->matrix);
	a->matrix[a->n_matrices++] = (struct wanted){ mem_text(path), mem_text(layer), NULL };
}

static bool is_null(hid_t at, const char *path)
{
	char *encoding = h5_text_attribute(at, path, "encoding-type");
	bool null = encoding && !strcmp(encoding, "null");
	mem_free(encoding);
	return null;
}

/* The matrix that --layer names: a path in the file, or the name of a layer. */
static int want_one(struct h5ad *a, const char *name, struct err *e)
{
	char *path = mem_text(name);
	if (h5_kind(a->at, path) == H5_NOTHING) {
		mem_free(path);
		path = mem_print("layers/%s", name);
	}
	if (h5_kind(a->at, path) != H5_NOTHING) {
		want(a, path, "X");
		if (!strncmp(path, "raw/", 4)) {
			mem_free(a->var);
			a->var = mem_text("raw/var");
		}
		mem_free(path);
		return 0;
	}
	mem_free(path);
	struct names *layers = h5_kind(a->at, "layers") == H5_GROUP ? h5_children(a->at, "layers", e) : names_new();
	char list[700];
	if (!layers)
		return -1;
	names_list(layers, list, sizeof list);
	names_free(layers);
	return err_set(e, "there is no matrix '%s'; there is X%s%s%s%s", name, h5_kind(a->at, "raw/X") == H5_NOTHING ? "" : ", raw/X",
		       *list ? ", layers/{" : "", list, *list ? "}" : "");
}

static int want_all(struct import *im, struct h5ad *a, struct err *e)
{
	if (h5_kind(a->at, "X") != H5_NOTHING && !is_null(a->at, "X"))
		want(a, "X", "X");
	if (h5_kind(a->at, "layers") == H5_GROUP) {
		struct names *layers = h5_children(a->at, "layers", e);
		if (!layers)
			return -1;
		for (size_t i = 0; i < layers->n; i++) {
			char *path = mem_print("layers/%s", layers->at[i]);
			if (!strcmp(layers->at[i], "X"))
				import_say(im, false, "layers/X is left out: X has the name; take it with --layer layers/X");
			else
				want(a, path, layers->at[i]);
			mem_free(path);
		}
		names_free(layers);
	}
	if (h5_kind(a->at, "raw/X") != H5_NOTHING)
		import_say(im, true, "raw is left out; take its matrix with --layer raw/X");
	if (!a->n_matrices)
		return err_set(e, "there is no matrix: neither X nor a layer");
	return 0;
}

/* How the matrix is stored, and its shape where that is written down beside it. */
static int storing(struct import *im, hid_t at, const char *path, enum h5_storing *how, struct err *e)
{
	if (h5_kind(at, path) == H5_DATASET) {
		*how = H5_DENSE;
		return 0;
	}
	char *encoding = h5_text_attribute(at, path, "encoding-type"), *old = h5_text_attribute(at, path, "h5sparse_format");
	const char *format = encoding ? encoding : old ? old : "none";
	int64_t shape[2];
	int status = 0;
	if (!strncmp(format, "csr", 3))
		*how = H5_BY_CELLS;
	else if (!strncmp(format, "csc", 3))
		*how = H5_BY_GENES;
	else
		status = err_set(e, "%s has the encoding '%s', which is no matrix that can be read; write it as an array, csr_matrix or "
				 "csc_matrix", path, format);
	if (!status && !h5_whole_attribute(at, path, "shape", shape, 2) && !h5_whole_attribute(at, path, "h5sparse_shape", shape, 2))
		status = err_set(e, "%s is a sparse matrix without its shape", path);
	if (!status && (shape[0] != (int64_t)im->n_rows || shape[1] != (int64_t)im->columns->n))
		status = err_set(e, "%s has the shape %" PRId64 " x %" PRId64 ", but there are %" PRIu64 " cells and %zu genes", path, shape[0],
				 shape[1], im->n_rows, im->columns->n);
	mem_free(encoding);
	mem_free(old);
	return status;
}

static int add_var(struct import *im, struct h5ad *a, struct err *e)
{
	struct names *columns = h5_frame_columns(a->at, a->var, e);
	for (size_t i = 0; columns && i < columns->n && !e->set; i++) {
		const char *what;
		struct h5_column *c = h5_column_open(a->at, a->var, columns->at[i], im->columns->n, false, im->o->memory / H5_SHARE, &what, e);
		if (!c && !e->set)
			import_say(im, false, "%s/%s is left out: %s", a->var, columns->at[i], what);
		if (!c)
			continue;
		struct typed t = { .type = h5_column_type(c), .column = h5_column_rows(c, 0, im->columns->n, e) };
		t.values = h5_column_take_values(c, &t.ordered);
		if (t.column)
			import_add_var(im, columns->at[i], &t);
		else
			typed_free(&t);
		h5_column_free(c);
	}
	names_free(columns);
	return e->set ? -1 : 0;
}

static int read_column(struct feed *f, uint64_t first, size_t n, struct err *e)
{
	pmx_column_free(f->column);
	f->column = h5_column_rows(f->state, first, n, e);
	return f->column ? 0 : -1;
}

static void free_column(void *state)
{
	h5_column_free(state);
}

static int add_obs(struct import *im, struct h5ad *a, struct err *e)
{
	struct names *columns = h5_frame_columns(a->at, "obs", e);
	for (size_t i = 0; columns && i < columns->n; i++) {
		const char *what, *name = columns->at[i];
		struct h5_column *c = h5_column_open(a->at, "obs", name, im->n_rows, import_is_label(im, name), im->o->memory / H5_SHARE,
						     &what, e);
		if (e->set)
			break;
		if (!c) {
			import_say(im, false, "obs/%s is left out: %s", name, what);
			continue;
		}
		struct feed *f = import_add_obs(im, name, h5_column_type(c));
		struct pmx_field *field = &im->schema->field[im->schema->n_fields - 1];
		f->state = c;
		f->free = free_column;
		f->read = read_column;
		f->row_bytes = 8;
		if (field->type == PMX_CATEGORY) {
			names_free(field->values);
			field->values = h5_column_take_values(c, &field->ordered);
		}
	}
	names_free(columns);
	return e->set ? -1 : 0;
}

static int read_obsm(struct feed *f, uint64_t first, size_t n, struct err *e)
{
	struct h5_array *a = f->state;
	const void *p = h5_array_rows(a, first, n, e);
	if (!p)
		return -1;
	pmx_column_free(f->column);
	f->column = pmx_column_new(a->type == NUMBER_F32 ? PMX_F32 : PMX_F64, n, (uint32_t)a->n_cols);
	if (number_is_float(a->type))
		memcpy(f->column->flag, p, n * a->n_cols * number_size(a->type));
	else
		for (size_t i = 0; i < n * a->n_cols; i++)
			f->column->f64[i] = number_f64(a->type, p, i);
	return 0;
}

static void free_array(void *state)
{
	h5_array_close(state);
	mem_free(state);
}

static int add_obsm(struct import *im, struct h5ad *a, struct err *e)
{
	if (h5_kind(a->at, "obsm") != H5_GROUP)
		return 0;
	struct names *names = h5_children(a->at, "obsm", e);
	for (size_t i = 0; names && i < names->n && !e->set; i++) {
		char *path = mem_print("obsm/%s", names->at[i]);
		struct err no_array = { 0 };
		struct h5_array *m = mem_zero(1, sizeof *m);
		bool is_array = h5_kind(a->at, path) == H5_DATASET &&
			!h5_array_open(m, a->at, path, im->o->memory / H5_SHARE, im->o->threads, &no_array);
		bool fits = is_array && m->rank == 2 && m->n_cols && m->n_cols <= 1000000;
		if (fits && m->n_rows != im->n_rows)
			err_set(e, "%s has %" PRIu64 " rows for %" PRIu64 " cells", path, m->n_rows, im->n_rows);
		else if (!fits)
			import_say(im, false, "%s is left out: %s", path,
				   no_array.set ? no_array.text : "it is no array of numbers with two dimensions");
		if (fits && !e->set && pmx_find(im->schema, PMX_OBS, names->at[i]) == PMX_NO_FIELD) {
			struct feed *f = import_add_obsm(im, names->at[i], m->type == NUMBER_F32 ? PMX_F32 : PMX_F64, (uint32_t)m->n_cols);
			f->state = m;
			f->free = free_array;
			f->read = read_obsm;
			f->row_bytes = m->n_cols * 8;
		} else {
			if (fits && !e->set)
				import_say(im, false, "%s is left out: a row column has its name", path);
			free_array(m);
		}
		mem_free(path);
	}
	names_free(names);
	return e->set ? -1 : 0;
}

/* An X of counts is the layer counts, unless there is another of that name. */
static const char *name_of(const struct h5ad *a, size_t i)
{
	const struct wanted *w = &a->matrix[i];
	if (strcmp(w->layer, "X") || h5_matrix_type(w->matrix) != PMX_U32)
		return w->layer;
	for (size_t k = 0; k < a->n_matrices; k++)
		if (!strcmp(a->matrix[k].layer, "counts"))
			return w->layer;
	return "counts";
}

static int add_matrices(struct import *im, struct h5ad *a, struct err *e)
{
	uint64_t by_genes = 0;
	enum h5_storing how;
	for (size_t i = 0; i < a->n_matrices; i++) {
		if (storing(im, a->at, a->matrix[i].path, &how, e))
			return -1;
		by_genes += how == H5_BY_GENES;
	}
	hid_t root = im->h5;
	im->h5 = a->at;                 /* paths are of the modality */
	for (size_t i = 0; i < a->n_matrices && !e->set; i++) {
		struct wanted *w = &a->matrix[i];
		storing(im, a->at, w->path, &how, e);
		w->matrix = h5_matrix_open(im, w->path, how, im->o->memory / 3 / (by_genes ? by_genes : 1), e);
	}
	for (size_t i = 0; i < a->n_matrices && !e->set; i++) {
		struct h5_matrix *m = a->matrix[i].matrix;
		const char *name = name_of(a, i);
		a->matrix[i].matrix = NULL;
		h5_matrix_add(im, m, name, e);
	}
	im->h5 = root;
	return e->set ? -1 : 0;
}

static int open_at(struct import *im, hid_t at, struct err *e)
{
	struct h5ad *a = mem_zero(1, sizeof *a);
	im->state = a;
	im->close = close_h5ad;
	a->at = at;
	a->var = mem_text("var");
	if (im->o->layer ? want_one(a, im->o->layer, e) : want_all(im, a, e))
		return -1;
	struct names *genes = read_names(im, at, a->var, "gene", e);
	if (!genes || import_set_columns(im, genes, NULL, e) || add_var(im, a, e))
		return -1;
	struct names *cells = read_names(im, at, "obs", "cell", e);
	if (!cells || import_set_rows(im, cells, e))
		return -1;
	return add_obs(im, a, e) || add_matrices(im, a, e) || add_obsm(im, a, e) ? -1 : 0;
}

static int open_h5ad(struct import *im, const char *path, struct err *e)
{
	return open_at(im, im->h5, e) ? err_context(e, "%s", path) : 0;
}

static bool is_h5ad(const struct sniff *s)
{
	return s->h5 >= 0 && h5_kind(s->h5, "obs") != H5_NOTHING && h5_kind(s->h5, "var") != H5_NOTHING;
}

static int open_h5mu(struct import *im, const char *path, struct err *e)
{
	const char *name = im->o->modality ? im->o->modality : "rna";
	char *at = mem_print("mod/%s", name);
	if (h5_kind(im->h5, at) != H5_GROUP) {
		struct names *there = h5_children(im->h5, "mod", e);
		char list[500] = "";
		if (there)
			names_list(there, list, sizeof list);
		names_free(there);
		mem_free(at);
		return err_set(e, "%s has no modality '%s'; name one of these with --modality: %s", path, name, list);
	}
	hid_t group = H5Gopen2(im->h5, at, H5P_DEFAULT);
	mem_free(at);
	if (group < 0)
		return h5_fail(e, "%s: cannot read the modality %s", path, name);
	/* Stays open: closing the file closes it. */
	return open_at(im, group, e) ? err_context(e, "%s, modality %s", path, name) : 0;
}

static bool is_h5mu(const struct sniff *s)
{
	return s->h5 >= 0 && h5_kind(s->h5, "mod") == H5_GROUP;
}

const struct format format_h5ad = { "h5ad", 0, is_h5ad, open_h5ad };
const struct format format_h5mu = { "h5mu", USES_MODALITY, is_h5mu, open_h5mu };
