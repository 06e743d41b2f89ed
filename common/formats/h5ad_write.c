/* Writes h5ad as anndata 0.8 and newer reads it. */
#include "base/file.h"
#include "base/mem.h"
#include "formats/collect.h"
#include "formats/export.h"
#include "formats/h5put.h"
#include "stream/dense.h"
#include "stream/layer.h"
#include <string.h>

/* A layer on its way into the file: csr_matrix, or an array where it is stored dense. */
struct out_layer {
	size_t field;
	char *path;
	bool sparse, narrow;            /* f64 as float32 */
	int computed;                   /* handle of a signature, whose values the dense reader computes; -1 for others */
	struct h5_growing *value, *index;
	uint64_t *start;
	size_t n_rows, cap;
};

struct h5ad_out {
	const struct pmx_schema *s;
	const struct export_options *o;
	hid_t file;
	struct out_layer *layer;
	size_t n_layers;
	struct pmx_dense *dense;        /* reads the stream, and computes signatures */
	struct h5_growing **matrix;     /* of each field: row matrices */
	struct collected *columns;
	struct sparse_rows rows;
	float *narrow;
	size_t narrow_cap;
	int32_t *whole;
	size_t whole_cap;
};

static void out_free(struct h5ad_out *w)
{
	for (size_t i = 0; i < w->n_layers; i++) {
		h5_grow_free(w->layer[i].value);
		h5_grow_free(w->layer[i].index);
		mem_free(w->layer[i].start);
		mem_free(w->layer[i].path);
	}
	for (size_t i = 0; w->matrix && i < w->s->n_fields; i++)
		h5_grow_free(w->matrix[i]);
	mem_free(w->matrix);
	mem_free(w->layer);
	collect_free(w->columns);
	sparse_rows_free(&w->rows);
	mem_free(w->narrow);
	mem_free(w->whole);
	pmx_dense_free(w->dense);
	if (w->file >= 0)
		H5Fclose(w->file);
	H5Eclear2(H5E_DEFAULT);
}

static bool is_chosen(const struct h5ad_out *w, size_t field)
{
	const struct pmx_field *f = &w->s->field[field];
	if (f->class != PMX_LAYER)
		return false;
	if (w->o->layers)
		return names_find(w->o->layers, f->name) != NAMES_NONE;
	if (!pmx_layer_is_signature(w->s, field))
		return true;
	export_say(w->o, false, "layer '%s' is computed, cells x genes, and left out; --layers names what to write", f->name);
	return false;
}

static hid_t value_type(const struct pmx_field *f, bool narrow)
{
	if (f->storage != PMX_RECIPE && f->type == PMX_U32)
		return H5T_NATIVE_INT32;
	return narrow || (f->storage != PMX_RECIPE && f->type == PMX_F32) ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

static int open_layer(struct h5ad_out *w, size_t field, const char *path, struct err *e)
{
	const struct pmx_field *f = &w->s->field[field];
	struct out_layer *l = &w->layer[w->n_layers++];
	bool signature = pmx_layer_is_signature(w->s, field);
	*l = (struct out_layer){ .field = field, .path = mem_text(path), .sparse = f->storage != PMX_DENSE && !signature, .computed = -1,
		.narrow = w->o->float32 && (f->storage == PMX_RECIPE || f->type == PMX_F64) };
	hid_t type = value_type(f, l->narrow);
	if (signature && (l->computed = pmx_dense_layer(w->dense, field, NULL, 0, e)) < 0)
		return -1;
	if (!l->sparse) {
		l->value = h5_grow(w->file, path, type, w->s->n_columns, w->o->gzip, w->o->threads, e);
		return l->value ? h5_put_encoding(w->file, path, "array", "0.2.0", e) : -1;
	}
	char *data = mem_print("%s/data", path), *indices = mem_print("%s/indices", path);
	if (!h5_put_group(w->file, path, "csr_matrix", "0.1.0", e)) {
		l->value = h5_grow(w->file, data, type, 0, w->o->gzip, w->o->threads, e);
		l->index = l->value ? h5_grow(w->file, indices, H5T_NATIVE_INT32, 0, w->o->gzip, w->o->threads, e) : NULL;
	}
	mem_free(data);
	mem_free(indices);
	mem_room(&l->start, &l->cap, 1, sizeof *l->start);
	l->start[0] = 0;
	return l->index ? 0 : -1;
}

/* X is the layer X, else counts; whatever else is chosen goes into layers. */
static int open_layers(struct h5ad_out *w, struct err *e)
{
	for (size_t i = 0; w->o->layers && i < w->o->layers->n; i++)
		if (pmx_need(w->s, PMX_LAYER, w->o->layers->at[i], e) == PMX_NO_FIELD)
			return -1;
	w->layer = mem_zero(w->s->n_fields, sizeof *w->layer);
	bool *chosen = mem_zero(w->s->n_fields, sizeof *chosen);
	size_t main = PMX_NO_FIELD, n_chosen = 0, last = 0;
	for (size_t i = 0; i < w->s->n_fields; i++)
		if ((chosen[i] = is_chosen(w, i))) {
			n_chosen++;
			last = i;
			if (!strcmp(w->s->field[i].name, "X") || (main == PMX_NO_FIELD && !strcmp(w->s->field[i].name, "counts")))
				main = i;
		}
	if (w->o->layers && n_chosen == 1)
		main = last;
	int status = 0;
	for (size_t i = 0; i < w->s->n_fields && !status; i++) {
		if (!chosen[i])
			continue;
		char *link = h5_link_name(w->s->field[i].name), *path = i == main ? mem_text("X") : mem_print("layers/%s", link);
		status = open_layer(w, i, path, e);
		mem_free(link);
		mem_free(path);
	}
	mem_free(chosen);
	return status;
}

static int open_matrices(struct h5ad_out *w, struct err *e)
{
	w->matrix = mem_zero(w->s->n_fields, sizeof *w->matrix);
	for (size_t i = 0; i < w->s->n_fields; i++) {
		const struct pmx_field *f = &w->s->field[i];
		if (f->class != PMX_OBS || !f->matrix)
			continue;
		char *link = h5_link_name(f->name), *path = mem_print("obsm/%s", link);
		hid_t type = f->type == PMX_F32 ? H5T_NATIVE_FLOAT : f->type == PMX_F64 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64;
		w->matrix[i] = h5_grow(w->file, path, type, f->width, w->o->gzip, w->o->threads, e);
		if (w->matrix[i])
			h5_put_encoding(w->file, path, "array", "0.2.0", e);
		mem_free(link);
		mem_free(path);
		if (e->set)
			return -1;
	}
	return 0;
}

static int put_var(struct h5ad_out *w, struct err *e)
{
	struct names *columns = names_new();
	const char **name = mem_array(w->s->n_columns, sizeof *name);
	for (size_t i = 0; i < w->s->n_columns; i++)
		name[i] = pmx_column_name(w->s, i);
	int status = h5_put_frame(w->file, "var", name, w->s->n_columns, e);
	for (size_t i = 0; i < w->s->n_fields && !status; i++) {
		const struct pmx_field *f = &w->s->field[i];
		if (f->class != PMX_VAR || !strcmp(f->name, w->s->column_names))
			continue;
		char *link = h5_link_name(f->name), *path = mem_print("%s/%s", f->matrix ? "varm" : "var", link);
		status = h5_put_column(w->file, path, f, f->column, e);
		if (!f->matrix)
			names_add(columns, link, NULL);
		mem_free(link);
		mem_free(path);
	}
	if (!status)
		status = h5_put_column_order(w->file, "var", columns, e);
	names_free(columns);
	mem_free(name);
	return status ? -1 : 0;
}

static int put_start(struct h5ad_out *w, struct err *e)
{
	static const char *const dict[] = { "layers", "obsm", "varm", "obsp", "varp", "uns" };
	if (h5_put_encoding(w->file, "/", "anndata", "0.1.0", e))
		return -1;
	for (size_t i = 0; i < sizeof dict / sizeof *dict; i++)
		if (h5_put_group(w->file, dict[i], "dict", "0.1.0", e))
			return -1;
	char *text = json_dumps(w->s->provenance, JSON_COMPACT);
	int status = h5_put_text(w->file, "uns/pertpipe_provenance", text, e);
	free(text);
	return status;
}

static int too_large(struct h5ad_out *w, struct pmx_block *b, const struct out_layer *l, size_t row, uint32_t col, uint32_t value,
		     struct err *e)
{
	const char *const *name = export_row_names(b, w->s, e);
	return name ? err_set(e, "layer %s: cell %s, gene %s: %u does not fit the int32 of an h5ad", w->s->field[l->field].name, name[row],
			      pmx_column_name(w->s, col), value) : -1;
}

static int put_stored(struct h5ad_out *w, struct out_layer *l, struct pmx_block *b, struct err *e)
{
	const struct pmx_sparse *m = pmx_block_sparse(b, w->s, l->field, e);
	if (!m)
		return -1;
	size_t n = m->start[m->n_rows];
	const void *value = m->u32;
	if (m->type == PMX_U32) {
		uint32_t most = 0;
		for (size_t i = 0; i < n; i++)
			most |= m->u32[i];
		for (size_t r = 0; most > INT32_MAX && r < m->n_rows; r++)
			for (size_t i = m->start[r]; i < m->start[r + 1]; i++)
				if (m->u32[i] > INT32_MAX)
					return too_large(w, b, l, r, m->col[i], m->u32[i], e);
	} else if (l->narrow) {
		mem_room(&w->narrow, &w->narrow_cap, n, sizeof *w->narrow);
		for (size_t i = 0; i < n; i++)
			w->narrow[i] = (float)m->f64[i];
		value = w->narrow;
	}
	uint64_t before = h5_grown(l->value);
	for (size_t r = 0; r < m->n_rows; r++)
		l->start[++l->n_rows] = before + m->start[r + 1];
	return h5_grow_by(l->value, value, n, e) || h5_grow_by(l->index, m->col, n, e) ? -1 : 0;
}

static int put_computed(struct h5ad_out *w, struct out_layer *l, struct pmx_block *b, struct err *e)
{
	sparse_rows_clear(&w->rows);
	if (pmx_layer_rows(b, w->s, l->field, 0, b->n_rows, &w->rows, e))
		return -1;
	size_t n = w->rows.start[w->rows.n_rows];
	const void *value = w->rows.value;
	if (l->narrow) {
		mem_room(&w->narrow, &w->narrow_cap, n, sizeof *w->narrow);
		for (size_t i = 0; i < n; i++)
			w->narrow[i] = (float)w->rows.value[i];
		value = w->narrow;
	}
	uint64_t before = h5_grown(l->value);
	for (size_t r = 0; r < w->rows.n_rows; r++)
		l->start[++l->n_rows] = before + w->rows.start[r + 1];
	return h5_grow_by(l->value, value, n, e) || h5_grow_by(l->index, w->rows.col, n, e) ? -1 : 0;
}

static int put_dense(struct h5ad_out *w, struct out_layer *l, struct pmx_block *b, struct err *e)
{
	const struct pmx_column *c = pmx_block_column(b, w->s, l->field, e);
	if (!c)
		return -1;
	size_t n = c->n * c->width;
	const void *value = c->flag;
	if (l->narrow) {
		mem_room(&w->narrow, &w->narrow_cap, n, sizeof *w->narrow);
		for (size_t i = 0; i < n; i++)
			w->narrow[i] = (float)c->f64[i];
		value = w->narrow;
	}
	for (size_t i = 0; c->type == PMX_U32 && i < n; i++)
		if (c->u32[i] > INT32_MAX)
			return too_large(w, b, l, i / c->width, (uint32_t)(i % c->width), c->u32[i], e);
	return h5_grow_by(l->value, value, c->n, e);
}

static int put_signature(struct h5ad_out *w, struct out_layer *l, struct pmx_block *b, struct err *e)
{
	enum { PIECE = 64 };
	size_t width = w->s->n_columns;
	double *value = mem_array(PIECE * width, sizeof *value);
	float *narrow = mem_array(PIECE * width, sizeof *narrow);
	int status = 0;
	for (size_t from = 0; from < b->n_rows && !status; from += PIECE) {
		size_t n = b->n_rows - from < PIECE ? b->n_rows - from : PIECE;
		status = pmx_dense_rows(w->dense, l->computed, b, from, from + n, value, e);
		for (size_t i = 0; l->narrow && !status && i < n * width; i++)
			narrow[i] = (float)value[i];
		if (!status)
			status = h5_grow_by(l->value, l->narrow ? (void *)narrow : value, n, e);
	}
	mem_free(value);
	mem_free(narrow);
	return status;
}

static int put_matrix_rows(struct h5ad_out *w, size_t field, struct pmx_block *b, struct err *e)
{
	const struct pmx_column *c = pmx_block_column(b, w->s, field, e);
	if (!c)
		return -1;
	if (c->type != PMX_U32)
		return h5_grow_by(w->matrix[field], c->flag, c->n, e);
	size_t n = c->n * c->width;
	int64_t *wide = mem_array(n, sizeof *wide);
	for (size_t i = 0; i < n; i++)
		wide[i] = c->u32[i] == PMX_MISSING_CODE ? -1 : (int64_t)c->u32[i];
	int status = h5_grow_by(w->matrix[field], wide, c->n, e);
	mem_free(wide);
	return status;
}

static int put_block(struct h5ad_out *w, struct pmx_block *b, struct err *e)
{
	if (!export_row_names(b, w->s, e) || collect_block(w->columns, b, e))
		return -1;
	for (size_t i = 0; i < w->n_layers; i++) {
		struct out_layer *l = &w->layer[i];
		if (l->sparse)
			mem_room(&l->start, &l->cap, l->n_rows + b->n_rows + 1, sizeof *l->start);
		bool computed = w->s->field[l->field].storage == PMX_RECIPE;
		if ((l->computed >= 0 ? put_signature : !l->sparse ? put_dense : computed ? put_computed : put_stored)(w, l, b, e))
			return -1;
	}
	for (size_t i = 0; i < w->s->n_fields; i++)
		if (w->matrix[i] && put_matrix_rows(w, i, b, e))
			return -1;
	return 0;
}

static int end_layer(struct h5ad_out *w, struct out_layer *l, struct err *e)
{
	struct h5_growing *value = l->value, *index = l->index;
	uint64_t n = h5_grown(value);
	l->value = l->index = NULL;
	int status = h5_grow_end(value, e);
	if (!l->sparse)
		return status;
	status |= h5_grow_end(index, e);
	/* int32 where it fits, as scipy has it: both arrays of one type then. */
	char *path = mem_print("%s/indptr", l->path);
	bool small = n <= INT32_MAX;
	int32_t *narrow = mem_array(small ? l->n_rows + 1 : 0, sizeof *narrow);
	for (size_t i = 0; small && i <= l->n_rows; i++)
		narrow[i] = (int32_t)l->start[i];
	if (!status)
		status = h5_put_plain(w->file, path, small ? H5T_NATIVE_INT32 : H5T_NATIVE_INT64, small ? (void *)narrow : l->start,
				      l->n_rows + 1, e);
	mem_free(narrow);
	mem_free(path);
	return status ? -1 : h5_put_shape(w->file, l->path, l->n_rows, w->s->n_columns, e);
}

static int put_obs(struct h5ad_out *w, struct err *e)
{
	size_t names = pmx_find(w->s, PMX_OBS, w->s->row_names), n = collect_n_rows(w->columns);
	struct names *columns = names_new();
	int status = h5_put_frame(w->file, "obs", collect_column(w->columns, names)->text, n, e);
	for (size_t i = 0; i < w->s->n_fields && !status; i++) {
		const struct pmx_field *f = &w->s->field[i];
		if (f->class != PMX_OBS || f->matrix || i == names)
			continue;
		char *link = h5_link_name(f->name), *path = mem_print("obs/%s", link);
		if (strcmp(link, f->name))
			export_say(w->o, false, "row column '%s' is called '%s' in the h5ad, whose names cannot hold a /", f->name, link);
		status = h5_put_column(w->file, path, f, collect_column(w->columns, i), e);
		names_add(columns, link, NULL);
		mem_free(link);
		mem_free(path);
	}
	if (!status)
		status = h5_put_column_order(w->file, "obs", columns, e);
	names_free(columns);
	return status ? -1 : 0;
}

static int put_all(struct h5ad_out *w, struct pmx_reader *in, struct err *e)
{
	if (put_start(w, e) || put_var(w, e) || open_layers(w, e) || open_matrices(w, e))
		return -1;
	sparse_rows_init(&w->rows, w->s->n_columns);
	w->columns = collect_new(w->s, false);
	collect_want(w->columns, in);
	for (size_t i = 0; i < w->n_layers; i++)
		pmx_layer_want(in, w->s, w->layer[i].field);
	struct pmx_block *b;
	int more;
	while ((more = pmx_dense_next(w->dense, &b, e)) > 0) {
		int status = put_block(w, b, e);
		pmx_block_free(b);
		if (status)
			return -1;
	}
	if (more < 0)
		return -1;
	for (size_t i = 0; i < w->n_layers; i++)
		if (end_layer(w, &w->layer[i], e))
			return -1;
	for (size_t i = 0; i < w->s->n_fields; i++) {
		struct h5_growing *g = w->matrix[i];
		w->matrix[i] = NULL;
		if (g && h5_grow_end(g, e))
			return -1;
	}
	return put_obs(w, e);
}

static int run(struct pmx_reader *in, const char *path, const struct export_options *o, struct err *e)
{
	struct file_out *file = file_create_for_library(path, e);
	if (!file)
		return -1;
	struct h5ad_out w = { .s = pmx_reader_schema(in), .o = o, .file = h5_create(file_temporary(file), e),
		.dense = pmx_dense_new(in, o->threads) };
	int status = w.file < 0 ? -1 : put_all(&w, in, e);
	if (!status) {
		status = h5_finish(w.file, path, e);
		w.file = -1;
	}
	out_free(&w);
	if (!status)
		return file_commit(file, e);
	file_abandon(file);
	return -1;
}

const struct export_format export_h5ad = { "h5ad", true, run };
