/* Numbers of a dataset by rows; chunks are read here and unpacked side by side. */
#include "formats/h5.h"
#include "base/mem.h"
#include <stdatomic.h>
#include <string.h>

/* Chunks in flight at a time, for each thread. */
enum { AHEAD = 4 };

static bool find_type(struct h5_array *a, hid_t type, bool *native)
{
	static const enum number whole[2][4] = { { NUMBER_U8, NUMBER_U16, NUMBER_U32, NUMBER_U64 },
		{ NUMBER_I8, NUMBER_I16, NUMBER_I32, NUMBER_I64 } };
	H5T_class_t class = H5Tget_class(type);
	size_t size = H5Tget_size(type);
	if (class == H5T_FLOAT) {
		a->type = size <= 4 ? NUMBER_F32 : NUMBER_F64;
	} else if (class == H5T_INTEGER && (size == 1 || size == 2 || size == 4 || size == 8)) {
		int log2 = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
		a->type = whole[H5Tget_sign(type) == H5T_SGN_2][log2];
	} else if (class == H5T_ENUM && size == 1) {
		a->type = NUMBER_I8;
		a->truth = true;
		a->memory_type = H5Tcopy(type);
		*native = true;
		return true;
	} else {
		return false;
	}
	const hid_t ours[] = { H5T_NATIVE_INT8, H5T_NATIVE_UINT8, H5T_NATIVE_INT16, H5T_NATIVE_UINT16, H5T_NATIVE_INT32,
		H5T_NATIVE_UINT32, H5T_NATIVE_INT64, H5T_NATIVE_UINT64, H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE };
	a->memory_type = H5Tcopy(ours[a->type]);
	*native = H5Tequal(type, a->memory_type) > 0;
	return true;
}

static size_t row_size(const struct h5_array *a)
{
	return (size_t)a->n_cols * number_size(a->type);
}

/* Chunks are unpacked here when they are native numbers, filled up with zeros and packed by filters known here. */
static int find_chunks(struct h5_array *a, bool native, struct err *e)
{
	hid_t creation = H5Dget_create_plist(a->dataset);
	hsize_t dims[2] = { 0, 1 };
	int status = 0;
	hid_t type = H5Dget_type(a->dataset);
	size_t stored = H5Tget_size(type);
	H5Tclose(type);
	struct h5_pipeline *p = h5_pipeline_of(creation, number_size(a->type), a->name, e);
	H5D_fill_value_t fill = H5D_FILL_VALUE_UNDEFINED;
	H5Pfill_value_defined(creation, &fill);
	if (!p && e->set) {
		status = -1;
	} else if (H5Pget_layout(creation) == H5D_CHUNKED && H5Pget_chunk(creation, 2, dims) == a->rank) {
		bool sane = dims[0] && dims[1] && dims[0] <= UINT32_MAX / dims[1] / stored;
		uint64_t bytes = dims[0] * dims[1] * stored;
		if (!sane || (bytes > a->memory && bytes > 1 << 20)) {
			status = err_set(e, "%s comes in chunks of %llu MiB, more than a part of --memory; give %lluM", a->name,
					 (unsigned long long)bytes >> 20, (unsigned long long)(bytes >> 20) * H5_SHARE + H5_SHARE);
		} else if (p && native && fill != H5D_FILL_VALUE_USER_DEFINED) {
			a->chunk_rows = dims[0];
			a->chunk_cols = dims[1];
			a->pipeline = p;
			p = NULL;
		}
	}
	h5_pipeline_free(p);
	H5Pclose(creation);
	return status;
}

int h5_array_open(struct h5_array *a, hid_t at, const char *path, uint64_t memory, int threads, struct err *e)
{
	*a = (struct h5_array){ .dataset = -1, .memory_type = -1, .n_cols = 1, .memory = memory, .threads = threads > 1 ? threads : 1 };
	a->name = mem_text(path);
	hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
	H5Pset_chunk_cache(access, H5D_CHUNK_CACHE_NSLOTS_DEFAULT, (size_t)memory, H5D_CHUNK_CACHE_W0_DEFAULT);
	a->dataset = H5Dopen2(at, path, access);
	if (a->dataset < 0)
		h5_fail(e, "cannot read %s", path);
	H5Pclose(access);
	if (a->dataset < 0)
		return -1;
	hid_t type = H5Dget_type(a->dataset), space = H5Dget_space(a->dataset);
	hsize_t dims[2] = { 0, 1 };
	bool native = false, numbers = find_type(a, type, &native);
	a->rank = H5Sget_simple_extent_ndims(space);
	int status = 0;
	if (!numbers || (a->rank != 1 && a->rank != 2) || H5Sget_simple_extent_dims(space, dims, NULL) < 0)
		status = err_set(e, "%s is no array of numbers with one or two dimensions", path);
	a->n_rows = dims[0];
	a->n_cols = a->rank == 2 ? dims[1] : 1;
	if (!status && a->n_cols > UINT32_MAX)
		status = err_set(e, "%s has %llu columns", path, (unsigned long long)a->n_cols);
	H5Sclose(space);
	H5Tclose(type);
	return status ? status : find_chunks(a, native, e);
}

void h5_array_close(struct h5_array *a)
{
	if (a->memory_type > 0)
		H5Tclose(a->memory_type);
	if (a->dataset > 0)
		H5Dclose(a->dataset);
	h5_pipeline_free(a->pipeline);
	mem_free(a->name);
	mem_free(a->window);
	*a = (struct h5_array){ .dataset = -1, .memory_type = -1 };
}

static int read_by_library(struct h5_array *a, uint64_t first, uint64_t n, uint8_t *out, struct err *e)
{
	hsize_t start[2] = { first, 0 }, count[2] = { n, a->n_cols };
	hid_t file = H5Dget_space(a->dataset), memory = H5Screate_simple(a->rank, count, NULL);
	H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, count, NULL);
	int status = 0;
	if (H5Dread(a->dataset, a->memory_type, memory, file, H5P_DEFAULT, out) < 0)
		status = h5_fail(e, "cannot read %s", a->name);
	H5Sclose(memory);
	H5Sclose(file);
	return status;
}

struct chunk {
	hsize_t row, col;
	uint32_t skipped;
	hsize_t size;
	uint8_t *stored;
	size_t cap;
	uint8_t *out, *spare;
};

static int read_chunk(struct h5_array *a, struct chunk *c, size_t plain, struct err *e)
{
	hsize_t at[2] = { c->row, c->col };
	c->size = 0;
	if (H5Dget_chunk_storage_size(a->dataset, at, &c->size) < 0) {
		/* A chunk that was never written has no place in the file: it is all zeros. */
		H5Eclear2(H5E_DEFAULT);
		c->size = 0;
	}
	if (!c->size)
		return 0;
	if (c->size > 2 * (uint64_t)plain + 4096)
		return err_set(e, "%s is damaged: a chunk of %zu bytes takes %llu", a->name, plain, (unsigned long long)c->size);
	mem_room(&c->stored, &c->cap, c->size, 1);
	if (H5Dread_chunk(a->dataset, H5P_DEFAULT, at, &c->skipped, c->stored) < 0)
		return h5_fail(e, "cannot read %s", a->name);
	return 0;
}

/* Copies what the chunk has of rows first .. end. */
static void place_chunk(const struct h5_array *a, const struct chunk *c, uint64_t first, uint64_t end, uint8_t *rows)
{
	size_t size = number_size(a->type);
	uint64_t from = c->row > first ? c->row : first;
	uint64_t to = c->row + a->chunk_rows < end ? c->row + a->chunk_rows : end;
	size_t cols = a->n_cols - c->col < a->chunk_cols ? a->n_cols - c->col : a->chunk_cols;
	if (a->n_cols == 1 && a->chunk_cols == 1) {
		uint8_t *out = rows + (from - first) * size;
		if (c->size)
			memcpy(out, c->out + (from - c->row) * size, (to - from) * size);
		else
			memset(out, 0, (to - from) * size);
		return;
	}
	for (uint64_t r = from; r < to; r++) {
		uint8_t *out = rows + ((r - first) * a->n_cols + c->col) * size;
		if (c->size)
			memcpy(out, c->out + (r - c->row) * a->chunk_cols * size, cols * size);
		else
			memset(out, 0, cols * size);
	}
}

static int read_chunks(struct h5_array *a, uint64_t first, uint64_t n_rows, uint8_t *out, struct err *e)
{
	size_t plain = (size_t)(a->chunk_rows * a->chunk_cols) * number_size(a->type), batch = (size_t)a->threads * AHEAD;
	uint64_t row = first / a->chunk_rows * a->chunk_rows, col = 0, end = first + n_rows;
	/* Large chunks: as few at a time as fit. */
	while (batch > 1 && batch * plain > a->memory)
		batch--;
	struct chunk *c = mem_zero(batch, sizeof *c);
	int status = 0;
	while (row < end && !status) {
		size_t n = 0;
		for (; n < batch && row < end && !status; n++) {
			c[n].row = row;
			c[n].col = col;
			status = read_chunk(a, &c[n], plain, e);
			col += a->chunk_cols;
			if (col >= a->n_cols) {
				col = 0;
				row += a->chunk_rows;
			}
		}
		if (status)
			break;
		_Atomic bool damaged = false;
#pragma omp parallel for schedule(dynamic, 1) num_threads(a->threads) if (a->threads > 1 && n > 1)
		for (size_t i = 0; i < n; i++) {
			if (c[i].size && !c[i].out) {
				c[i].out = mem_array(plain, 1);
				c[i].spare = mem_array(plain, 1);
			}
			if (c[i].size && !h5_unpack(a->pipeline, c[i].skipped, c[i].stored, c[i].size, c[i].out, c[i].spare, plain))
				atomic_store(&damaged, true);
			else
				place_chunk(a, &c[i], first, end, out);
		}
		if (atomic_load(&damaged))
			status = err_set(e, "%s is damaged: a chunk does not unpack", a->name);
	}
	for (size_t i = 0; i < batch; i++) {
		mem_free(c[i].stored);
		mem_free(c[i].out);
		mem_free(c[i].spare);
	}
	mem_free(c);
	return status;
}

const void *h5_array_rows(struct h5_array *a, uint64_t first, uint64_t n, struct err *e)
{
	if (first > a->n_rows || n > a->n_rows - first) {
		err_set(e, "%s has %llu rows where %llu are needed", a->name, (unsigned long long)a->n_rows,
			(unsigned long long)(first + n));
		return NULL;
	}
	size_t size = row_size(a);
	if (a->window && first >= a->first && first + n <= a->first + a->n)
		return a->window + (first - a->first) * size;
	uint64_t end = first + n;
	if (a->chunk_rows) {
		/* To the end of the last chunk, where that fits: a chunk is unpacked once then. */
		uint64_t whole = (end + a->chunk_rows - 1) / a->chunk_rows * a->chunk_rows;
		if (whole > a->n_rows)
			whole = a->n_rows;
		if (size && (whole - first) <= a->memory / size)
			end = whole;
	}
	if (size && end - first > SIZE_MAX / 2 / size) {
		err_set(e, "%s is too large", a->name);
		return NULL;
	}
	mem_room(&a->window, &a->window_cap, (size_t)(end - first) * size + 1, 1);
	/* What the window holds already of these rows moves to its front. */
	uint64_t kept = first >= a->first && first < a->first + a->n ? a->first + a->n - first : 0;
	if (kept)
		memmove(a->window, a->window + (first - a->first) * size, kept * size);
	a->first = first;
	a->n = kept;
	uint64_t more = end - first - kept;
	if (more && size &&
	    (a->chunk_rows ? read_chunks : read_by_library)(a, first + kept, more, a->window + kept * size, e))
		return NULL;
	a->n = end - first;
	return a->window;
}
