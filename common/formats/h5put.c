#include "formats/h5put.h"
#include "base/mem.h"
#include <string.h>
#include <zlib.h>

/* The number of chunks that are written together is fixed, so that the file does not depend on threads. */
enum { CHUNK_BYTES = 1 << 19, BATCH = 4, LONGEST_FIXED = 32767 };

static hid_t text_type(void)
{
	hid_t type = H5Tcopy(H5T_C_S1);
	H5Tset_size(type, H5T_VARIABLE);
	H5Tset_cset(type, H5T_CSET_UTF8);
	return type;
}

hid_t h5_create(const char *path, struct err *e)
{
	h5_init();
	hid_t access = h5_access(), file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
	H5Pclose(access);
	if (file < 0)
		h5_fail(e, "cannot write %s", path);
	return file;
}

int h5_finish(hid_t file, const char *path, struct err *e)
{
	int status = H5Fflush(file, H5F_SCOPE_GLOBAL) < 0 ? h5_fail(e, "cannot finish %s", path) : 0;
	if (H5Fclose(file) < 0 && !status)
		status = h5_fail(e, "cannot finish %s", path);
	return status;
}

/* h5py's bool. */
static hid_t truth_type(void)
{
	int8_t value = 0;
	hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
	H5Tenum_insert(type, "FALSE", &value);
	value = 1;
	H5Tenum_insert(type, "TRUE", &value);
	return type;
}

static int put_attribute(hid_t at, const char *object, const char *name, hid_t type, hid_t space, const void *value, struct err *e)
{
	if (H5Aexists_by_name(at, object, name, H5P_DEFAULT) > 0)
		H5Adelete_by_name(at, object, name, H5P_DEFAULT);
	hid_t id = H5Acreate_by_name(at, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	int status = id < 0 || (value && H5Awrite(id, type, value) < 0) ? h5_fail(e, "cannot write the attribute %s of %s", name, object) : 0;
	if (id >= 0)
		H5Aclose(id);
	return status;
}

int h5_put_text_attribute(hid_t at, const char *object, const char *name, const char *text, struct err *e)
{
	hid_t type = text_type(), space = H5Screate(H5S_SCALAR);
	int status = put_attribute(at, object, name, type, space, &text, e);
	H5Sclose(space);
	H5Tclose(type);
	return status;
}

int h5_put_encoding(hid_t at, const char *object, const char *type, const char *version, struct err *e)
{
	return h5_put_text_attribute(at, object, "encoding-type", type, e) ||
	       h5_put_text_attribute(at, object, "encoding-version", version, e) ? -1 : 0;
}

int h5_put_group(hid_t at, const char *path, const char *type, const char *version, struct err *e)
{
	hid_t id = H5Gcreate2(at, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	if (id < 0)
		return h5_fail(e, "cannot make the group %s", path);
	H5Gclose(id);
	return h5_put_encoding(at, path, type, version, e);
}

int h5_put_shape(hid_t at, const char *object, uint64_t n_rows, uint64_t n_cols, struct err *e)
{
	int64_t shape[2] = { (int64_t)n_rows, (int64_t)n_cols };
	hsize_t two = 2;
	hid_t space = H5Screate_simple(1, &two, NULL);
	int status = put_attribute(at, object, "shape", H5T_NATIVE_INT64, space, shape, e);
	H5Sclose(space);
	return status;
}

/* Without the time of day: the same stream makes the same file. */
static hid_t creation_list(void)
{
	hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
	H5Pset_obj_track_times(creation, false);
	return creation;
}

static int put_dataset(hid_t at, const char *path, hid_t type, hid_t space, const void *values, struct err *e)
{
	hid_t creation = creation_list(), id = H5Dcreate2(at, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
	int status = id < 0 || (H5Sget_simple_extent_npoints(space) > 0 && H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
		? h5_fail(e, "cannot write %s", path) : 0;
	if (id >= 0)
		H5Dclose(id);
	H5Pclose(creation);
	return status;
}

int h5_put_texts(hid_t at, const char *path, const char *const *text, size_t n, struct err *e)
{
	hsize_t dim = n;
	hid_t type = text_type(), space = H5Screate_simple(1, &dim, NULL);
	int status = put_dataset(at, path, type, space, text, e);
	H5Sclose(space);
	H5Tclose(type);
	return status || h5_put_encoding(at, path, "string-array", "0.2.0", e) ? -1 : 0;
}

int h5_put_fixed(hid_t at, const char *path, const char *const *text, size_t n, struct err *e)
{
	size_t size = 1;
	bool ascii = true;
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(text[i]);
		size = length > size ? length : size;
		for (size_t k = 0; k < length && ascii; k++)
			ascii = (unsigned char)text[i][k] < 0x80;
	}
	if (size > LONGEST_FIXED)
		return err_set(e, "%s: a text of %zu bytes is longer than a text of fixed length may be (%d)", path, size, LONGEST_FIXED);
	char *bytes = mem_zero(n, size);
	for (size_t i = 0; i < n; i++)
		memcpy(bytes + i * size, text[i], strlen(text[i]));
	hsize_t dim = n;
	hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &dim, NULL);
	H5Tset_size(type, size);
	H5Tset_strpad(type, H5T_STR_NULLPAD);
	H5Tset_cset(type, ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8);
	int status = put_dataset(at, path, type, space, bytes, e);
	H5Sclose(space);
	H5Tclose(type);
	mem_free(bytes);
	return status;
}

int h5_put_text(hid_t at, const char *path, const char *text, struct err *e)
{
	hid_t type = text_type(), space = H5Screate(H5S_SCALAR);
	int status = put_dataset(at, path, type, space, &text, e);
	H5Sclose(space);
	H5Tclose(type);
	return status || h5_put_encoding(at, path, "string", "0.2.0", e) ? -1 : 0;
}

int h5_put_numbers(hid_t at, const char *path, hid_t type, const void *values, uint64_t n, uint64_t width, struct err *e)
{
	hsize_t dims[2] = { n, width };
	hid_t space = H5Screate_simple(width ? 2 : 1, dims, NULL);
	int status = put_dataset(at, path, type, space, values, e);
	H5Sclose(space);
	return status || h5_put_encoding(at, path, "array", "0.2.0", e) ? -1 : 0;
}

int h5_put_plain(hid_t at, const char *path, hid_t type, const void *values, uint64_t n, struct err *e)
{
	hsize_t dim = n;
	hid_t space = H5Screate_simple(1, &dim, NULL);
	int status = put_dataset(at, path, type, space, values, e);
	H5Sclose(space);
	return status;
}

static int put_truths(hid_t at, const char *path, const uint8_t *values, size_t n, struct err *e)
{
	hid_t type = truth_type();
	int status = h5_put_numbers(at, path, type, values, n, 0, e);
	H5Tclose(type);
	return status;
}

/* Group `path` with values and mask. */
static int put_nullable(hid_t at, const char *path, const struct pmx_column *c, struct err *e)
{
	uint8_t *mask = mem_array(c->n, 1), *flag = mem_array(c->n, 1);
	int64_t *whole = mem_array(c->type == PMX_I64 ? c->n : 0, sizeof *whole);
	for (size_t i = 0; i < c->n; i++) {
		mask[i] = pmx_column_is_missing(c, i);
		if (c->type == PMX_I64)
			whole[i] = mask[i] ? 0 : c->i64[i];
		else
			flag[i] = mask[i] ? 0 : c->flag[i];
	}
	char *values_path = mem_print("%s/values", path), *mask_path = mem_print("%s/mask", path);
	int status = h5_put_group(at, path, c->type == PMX_I64 ? "nullable-integer" : "nullable-boolean", "0.1.0", e) ||
		(c->type == PMX_I64 ? h5_put_numbers(at, values_path, H5T_NATIVE_INT64, whole, c->n, 0, e)
				    : put_truths(at, values_path, flag, c->n, e)) ||
		put_truths(at, mask_path, mask, c->n, e) ? -1 : 0;
	mem_free(values_path);
	mem_free(mask_path);
	mem_free(mask);
	mem_free(flag);
	mem_free(whole);
	return status;
}

/* As narrow as the number of labels allows, -1 for missing. */
static int put_codes(hid_t at, const char *path, const uint32_t *code, size_t n, size_t n_labels, struct err *e)
{
	size_t size = n_labels < 128 ? 1 : n_labels < 32768 ? 2 : 4;
	uint8_t *narrow = mem_array(n, size);
	for (size_t i = 0; i < n; i++) {
		int32_t k = code[i] == PMX_MISSING_CODE ? -1 : (int32_t)code[i];
		memcpy(narrow + i * size, &k, size);    /* little-endian, as block.c demands */
	}
	int status = h5_put_numbers(at, path, size == 1 ? H5T_NATIVE_INT8 : size == 2 ? H5T_NATIVE_INT16 : H5T_NATIVE_INT32, narrow, n, 0, e);
	mem_free(narrow);
	return status;
}

static int put_categorical(hid_t at, const char *path, const uint32_t *code, size_t n, const struct names *values, bool ordered,
			   struct err *e)
{
	char *codes = mem_print("%s/codes", path), *categories = mem_print("%s/categories", path);
	uint8_t flag = ordered;
	hid_t type = truth_type(), space = H5Screate(H5S_SCALAR);
	int status = h5_put_group(at, path, "categorical", "0.2.0", e) || put_attribute(at, path, "ordered", type, space, &flag, e) ||
		put_codes(at, codes, code, n, values->n, e) ||
		h5_put_texts(at, categories, (const char *const *)values->at, values->n, e) ? -1 : 0;
	H5Sclose(space);
	H5Tclose(type);
	mem_free(codes);
	mem_free(categories);
	return status;
}

/* Text with missing values, which only categoricals can have in every version. */
static int put_text_labels(hid_t at, const char *path, const struct pmx_column *c, struct err *e)
{
	struct names *values = names_new();
	uint32_t *code = mem_array(c->n, sizeof *code);
	for (size_t i = 0; i < c->n; i++)
		code[i] = c->text[i] ? names_add(values, c->text[i], NULL) : PMX_MISSING_CODE;
	int status = put_categorical(at, path, code, c->n, values, false, e);
	names_free(values);
	mem_free(code);
	return status;
}

static int put_matrix(hid_t at, const char *path, const struct pmx_column *c, struct err *e)
{
	if (c->type != PMX_U32)
		return h5_put_numbers(at, path, c->type == PMX_F32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE, c->f64, c->n, c->width, e);
	size_t n = c->n * c->width;
	int64_t *wide = mem_array(n, sizeof *wide);
	for (size_t i = 0; i < n; i++)
		wide[i] = c->u32[i] == PMX_MISSING_CODE ? -1 : (int64_t)c->u32[i];
	int status = h5_put_numbers(at, path, H5T_NATIVE_INT64, wide, c->n, c->width, e);
	mem_free(wide);
	return status;
}

int h5_put_column(hid_t at, const char *path, const struct pmx_field *f, const struct pmx_column *c, struct err *e)
{
	bool missing = false;
	if (f->matrix)
		return put_matrix(at, path, c, e);
	for (size_t i = 0; i < c->n && !missing; i++)
		missing = pmx_column_is_missing(c, i);
	switch (c->type) {
	case PMX_TEXT: return missing ? put_text_labels(at, path, c, e) : h5_put_texts(at, path, c->text, c->n, e);
	case PMX_CATEGORY: return put_categorical(at, path, c->u32, c->n, f->values, f->ordered, e);
	case PMX_BOOL: return missing ? put_nullable(at, path, c, e) : put_truths(at, path, c->flag, c->n, e);
	case PMX_I64: return missing ? put_nullable(at, path, c, e) : h5_put_numbers(at, path, H5T_NATIVE_INT64, c->i64, c->n, 0, e);
	default: return h5_put_numbers(at, path, H5T_NATIVE_DOUBLE, c->f64, c->n, 0, e);
	}
}

int h5_put_column_order(hid_t at, const char *path, const struct names *columns, struct err *e)
{
	hsize_t n = columns->n;
	hid_t type = text_type(), space = H5Screate_simple(1, &n, NULL);
	int status = put_attribute(at, path, "column-order", type, space, n ? columns->at : NULL, e);
	H5Sclose(space);
	H5Tclose(type);
	return status;
}

int h5_put_frame(hid_t at, const char *path, const char *const *name, size_t n, struct err *e)
{
	char *index = mem_print("%s/_index", path);
	int status = h5_put_group(at, path, "dataframe", "0.2.0", e) || h5_put_text_attribute(at, path, "_index", "_index", e) ||
		h5_put_texts(at, index, name, n, e) ? -1 : 0;
	mem_free(index);
	return status;
}

char *h5_link_name(const char *name)
{
	char *out = mem_text(name);
	for (char *p = out; (p = strchr(p, '/')); )
		*p = '|';
	return out;
}

struct h5_growing {
	hid_t dataset;
	char *name;
	uint64_t width, n_rows, n_written;      /* rows taken, rows in whole chunks of the file */
	size_t row_size, element, chunk_rows, n_buffered, batch;
	int level, threads;
	uint8_t *buffer;
	uint8_t **packed, **shuffled;
	size_t *packed_size;
};

void h5_grow_free(struct h5_growing *g)
{
	if (!g)
		return;
	if (g->dataset >= 0)
		H5Dclose(g->dataset);
	for (size_t i = 0; g->packed && i < g->batch; i++) {
		mem_free(g->packed[i]);
		mem_free(g->shuffled[i]);
	}
	mem_free(g->packed);
	mem_free(g->shuffled);
	mem_free(g->packed_size);
	mem_free(g->buffer);
	mem_free(g->name);
	mem_free(g);
}

struct h5_growing *h5_grow(hid_t at, const char *path, hid_t type, uint64_t width, int level, int threads, struct err *e)
{
	struct h5_growing *g = mem_zero(1, sizeof *g);
	g->name = mem_text(path);
	g->width = width;
	g->element = H5Tget_size(type);
	g->row_size = g->element * (width ? width : 1);
	g->chunk_rows = CHUNK_BYTES / g->row_size ? CHUNK_BYTES / g->row_size : 1;
	g->level = level;
	g->threads = threads > 1 ? threads : 1;
	g->batch = BATCH;
	g->buffer = mem_array(g->batch * g->chunk_rows, g->row_size);
	if (level) {
		g->packed = mem_zero(g->batch, sizeof *g->packed);
		g->shuffled = mem_zero(g->batch, sizeof *g->shuffled);
		g->packed_size = mem_zero(g->batch, sizeof *g->packed_size);
	}
	hsize_t dims[2] = { 0, width }, most[2] = { H5S_UNLIMITED, width }, chunk[2] = { g->chunk_rows, width };
	hid_t space = H5Screate_simple(width ? 2 : 1, dims, most), creation = creation_list();
	H5Pset_chunk(creation, width ? 2 : 1, chunk);
	if (level) {
		H5Pset_shuffle(creation);
		H5Pset_deflate(creation, (unsigned)level);
	}
	g->dataset = H5Dcreate2(at, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
	if (g->dataset < 0)
		h5_fail(e, "cannot make %s", path);
	H5Pclose(creation);
	H5Sclose(space);
	if (g->dataset >= 0)
		return g;
	h5_grow_free(g);
	return NULL;
}

static void pack(struct h5_growing *g, size_t i)
{
	size_t size = g->chunk_rows * g->row_size, n = size / g->element;
	const uint8_t *from = g->buffer + i * size;
	if (!g->packed[i]) {
		g->packed[i] = mem_array(compressBound(size), 1);
		g->shuffled[i] = mem_array(size, 1);
	}
	for (size_t b = 0; b < g->element; b++)
		for (size_t k = 0; k < n; k++)
			g->shuffled[i][b * n + k] = from[k * g->element + b];
	uLongf packed = compressBound(size);
	/* The bound leaves no other reason than memory. */
	if (compress2(g->packed[i], &packed, g->shuffled[i], size, g->level) != Z_OK)
		mem_exhausted(packed);
	g->packed_size[i] = packed;
}

/* Writes the first n chunks of the buffer; rows from n_written on. */
static int write_chunks(struct h5_growing *g, size_t n, struct err *e)
{
	size_t size = g->chunk_rows * g->row_size;
	hsize_t dims[2] = { g->n_written + n * g->chunk_rows, g->width };
	if (H5Dset_extent(g->dataset, dims) < 0)
		return h5_fail(e, "cannot write %s", g->name);
#pragma omp parallel for schedule(dynamic, 1) num_threads(g->threads) if (g->level && g->threads > 1 && n > 1)
	for (size_t i = 0; i < n; i++)
		if (g->level)
			pack(g, i);
	for (size_t i = 0; i < n; i++) {
		hsize_t at[2] = { g->n_written, 0 };
		if (H5Dwrite_chunk(g->dataset, H5P_DEFAULT, 0, at, g->level ? g->packed_size[i] : size,
				   g->level ? g->packed[i] : g->buffer + i * size) < 0)
			return h5_fail(e, "cannot write %s", g->name);
		g->n_written += g->chunk_rows;
	}
	return 0;
}

int h5_grow_by(struct h5_growing *g, const void *rows, uint64_t n, struct err *e)
{
	const uint8_t *from = rows;
	size_t room = g->batch * g->chunk_rows;
	g->n_rows += n;
	while (n) {
		size_t k = room - g->n_buffered < n ? room - g->n_buffered : (size_t)n;
		memcpy(g->buffer + g->n_buffered * g->row_size, from, k * g->row_size);
		from += k * g->row_size;
		n -= k;
		g->n_buffered += k;
		if (g->n_buffered == room) {
			g->n_buffered = 0;
			if (write_chunks(g, g->batch, e))
				return -1;
		}
	}
	return 0;
}

uint64_t h5_grown(const struct h5_growing *g)
{
	return g->n_rows;
}

int h5_grow_end(struct h5_growing *g, struct err *e)
{
	size_t n = (g->n_buffered + g->chunk_rows - 1) / g->chunk_rows;
	hsize_t dims[2] = { g->n_rows, g->width };
	memset(g->buffer + g->n_buffered * g->row_size, 0, (n * g->chunk_rows - g->n_buffered) * g->row_size);
	int status = write_chunks(g, n, e);
	if (!status && H5Dset_extent(g->dataset, dims) < 0)
		status = h5_fail(e, "cannot write %s", g->name);
	h5_grow_free(g);
	return status;
}
