#include "formats/h5matrix.h"
#include "base/mem.h"
#include "formats/h5.h"
#include "formats/rows.h"
#include <inttypes.h>
#include <string.h>

enum { SAMPLES = 16, SAMPLE = 4096, PIECE = 1 << 20 };

struct h5_matrix {
	struct import *im;
	char *path;
	enum h5_storing storing;
	struct h5_array value, index;
	bool has_index;
	uint64_t *start;                /* indptr as it is in the file */
	uint64_t *row_start;            /* entries before each cell */
	struct turn turn;
	struct layer_target target;
	bool mostly_not_zero;
	uint64_t share;
};

void h5_matrix_free(struct h5_matrix *m)
{
	if (!m)
		return;
	h5_array_close(&m->value);
	h5_array_close(&m->index);
	turn_free(&m->turn);
	if (m->row_start != m->start)
		mem_free(m->row_start);
	mem_free(m->start);
	mem_free(m->path);
	mem_free(m);
}

static void free_state(void *state)
{
	h5_matrix_free(state);
}

enum pmx_type h5_matrix_type(const struct h5_matrix *m)
{
	return m->target.type;
}

bool h5_matrix_is_dense(const struct h5_matrix *m)
{
	return m->storing == H5_DENSE && m->target.type != PMX_U32 && m->mostly_not_zero;
}

static int open_part(struct h5_array *a, const struct h5_matrix *m, const char *part, struct err *e)
{
	char *path = part ? mem_print("%s/%s", m->path, part) : mem_text(m->path);
	int status = h5_array_open(a, m->im->h5, path, m->im->o->memory / H5_SHARE, m->im->o->threads, e);
	mem_free(path);
	return status;
}

/* indptr: 0, never falling, its last as many as there are values. */
static int read_start(struct h5_matrix *m, uint64_t n, struct err *e)
{
	struct h5_array a = { .dataset = -1 };
	int status = open_part(&a, m, "indptr", e);
	if (!status && (a.rank != 1 || number_is_float(a.type) || a.n_rows != n + 1))
		status = err_set(e, "%s/indptr has %" PRIu64 " entries where %" PRIu64 " %s ask for %" PRIu64, m->path, a.n_rows, n,
				 m->storing == H5_BY_CELLS ? "cells" : "genes", n + 1);
	const void *p = status ? NULL : h5_array_rows(&a, 0, n + 1, e);
	m->start = p ? mem_array(n + 1, sizeof *m->start) : NULL;
	for (uint64_t i = 0; p && i <= n; i++)
		m->start[i] = (uint64_t)number_i64(a.type, p, i);
	h5_array_close(&a);
	if (!p)
		return -1;
	uint64_t most = m->storing == H5_BY_CELLS ? m->im->columns->n : m->im->n_rows;
	for (uint64_t i = 0; i < n; i++)
		if (m->start[0] || m->start[i + 1] < m->start[i])
			return err_set(e, "%s/indptr is damaged: it does not rise from 0 (entry %" PRIu64 ")", m->path, i);
		else if (m->start[i + 1] - m->start[i] > most)
			return err_set(e, "%s is damaged: %s %" PRIu64 " has %" PRIu64 " values, but there are %" PRIu64 " %s", m->path,
				       m->storing == H5_BY_CELLS ? "cell" : "gene", i + 1, m->start[i + 1] - m->start[i], most,
				       m->storing == H5_BY_CELLS ? "genes" : "cells");
	if (m->start[n] != m->value.n_rows || m->start[n] != m->index.n_rows)
		return err_set(e, "%s is damaged: indptr ends at %" PRIu64 ", but there are %" PRIu64 " values and %" PRIu64 " indices", m->path,
			       m->start[n], m->value.n_rows, m->index.n_rows);
	return 0;
}

static int open_sparse(struct h5_matrix *m, struct err *e)
{
	m->has_index = true;
	if (open_part(&m->value, m, "data", e) || open_part(&m->index, m, "indices", e))
		return -1;
	if (m->value.rank != 1 || m->index.rank != 1 || number_is_float(m->index.type))
		return err_set(e, "%s is no sparse matrix: data and indices must have one dimension, and indices be whole", m->path);
	return read_start(m, m->storing == H5_BY_CELLS ? m->im->n_rows : m->im->columns->n, e);
}

static int open_dense(struct h5_matrix *m, struct err *e)
{
	if (open_part(&m->value, m, NULL, e))
		return -1;
	if (m->value.rank != 2 || m->value.n_rows != m->im->n_rows || m->value.n_cols != m->im->columns->n)
		return err_set(e, "%s has %" PRIu64 " x %" PRIu64 " values, but there are %" PRIu64 " cells and %zu genes", m->path,
			       m->value.n_rows, m->value.n_cols, m->im->n_rows, m->im->columns->n);
	return 0;
}

/* Looks at values here and there: whether they are whole, and how many are 0. */
static int look(struct h5_matrix *m, struct err *e)
{
	uint64_t n = m->value.n_rows, piece = m->storing == H5_DENSE ? 1 + SAMPLE / (m->value.n_cols + 1) : SAMPLE;
	size_t seen = 0, zeros = 0;
	bool whole = true;
	for (uint64_t i = 0; i < SAMPLES && n; i++) {
		uint64_t at = i * (n / SAMPLES), k = piece < n - at ? piece : n - at;
		const void *p = h5_array_rows(&m->value, at, k, e);
		if (!p)
			return -1;
		size_t values = (size_t)(k * m->value.n_cols);
		whole = rows_are_whole(m->value.type, p, values, &zeros) && whole;
		seen += values;
	}
	m->mostly_not_zero = zeros < seen - zeros;
	m->target.type = rows_type(m->value.type, whole, m->im->o->values);
	m->target.guessed = m->im->o->values == IMPORT_AUTO && number_is_float(m->value.type);
	return 0;
}

struct h5_matrix *h5_matrix_open(struct import *im, const char *path, enum h5_storing storing, uint64_t share, struct err *e)
{
	struct h5_matrix *m = mem_zero(1, sizeof *m);
	*m = (struct h5_matrix){ .im = im, .path = mem_text(path), .storing = storing, .share = share };
	m->value.dataset = m->index.dataset = -1;
	m->target = (struct layer_target){ .im = im, .name = m->path };
	if ((storing == H5_DENSE ? open_dense(m, e) : open_sparse(m, e)) || look(m, e)) {
		h5_matrix_free(m);
		return NULL;
	}
	return m;
}

static int read_by_cells(struct feed *f, uint64_t first, size_t n, struct err *e)
{
	struct h5_matrix *m = f->state;
	uint64_t from = m->start[first], k = m->start[first + n] - from;
	const void *index = h5_array_rows(&m->index, from, k, e), *value = index ? h5_array_rows(&m->value, from, k, e) : NULL;
	struct raw_rows raw = { first, n, m->start + first, index, value, m->index.type, m->value.type };
	return value ? rows_sparse(&f->run, &raw, &m->target, e) : -1;
}

static int read_dense(struct feed *f, uint64_t first, size_t n, struct err *e)
{
	struct h5_matrix *m = f->state;
	const void *value = h5_array_rows(&m->value, first, n, e);
	if (!value)
		return -1;
	if (!h5_matrix_is_dense(m))
		return rows_sparse_of_dense(&f->run, value, m->value.type, first, n, &m->target, e);
	pmx_column_free(f->column);
	f->column = pmx_column_new(m->target.type, n, (uint32_t)m->im->schema->n_columns);
	rows_dense(f->column, value, m->value.type, n, &m->target);
	return 0;
}

/* The cell of the first entry of a piece that names none. */
static int bad_cell(const struct h5_matrix *m, uint64_t first, const void *index, struct err *e)
{
	uint64_t gene = 0, at = first;
	int64_t cell;
	while ((cell = number_i64(m->index.type, index, (size_t)(at - first))) >= 0 && (uint64_t)cell < m->im->n_rows)
		at++;
	while (m->start[gene + 1] <= at)
		gene++;
	return err_set(e, "matrix %s, gene %s: cell index %" PRId64 ", but there are %" PRIu64 " cells; the file is damaged", m->path,
		       m->im->columns->at[gene], cell, m->im->n_rows);
}

/* Entries of each cell of a matrix by genes. */
static int count_cells(struct h5_matrix *m, struct err *e)
{
	uint64_t n_rows = m->im->n_rows, n = m->index.n_rows;
	uint32_t *cell = mem_array(PIECE, sizeof *cell);
	int status = 0;
	m->row_start = mem_zero(n_rows + 1, sizeof *m->row_start);
	for (uint64_t at = 0; at < n && !status; at += PIECE) {
		size_t k = n - at < PIECE ? (size_t)(n - at) : PIECE;
		const void *p = h5_array_rows(&m->index, at, k, e);
		if (!p || !rows_indices(m->index.type, p, 0, k, n_rows, cell)) {
			status = p ? bad_cell(m, at, p, e) : -1;
			break;
		}
		for (size_t i = 0; i < k; i++)
			m->row_start[cell[i] + 1]++;
	}
	for (uint64_t r = 0; r < n_rows; r++)
		m->row_start[r + 1] += m->row_start[r];
	mem_free(cell);
	return status;
}

/* Places entries at .. end of the piece, all of one gene. */
static int place(struct turn *t, const uint32_t *cell, const uint8_t *value, size_t at, size_t end, uint32_t gene)
{
	for (; at < end; at++) {
		if (cell[at] < t->from || cell[at] >= t->to)
			continue;
		size_t to = turn_place(t, cell[at]);
		if (to == SIZE_MAX)
			return -1;
		t->col[to] = gene;
		if (t->value_size == 4)
			memcpy(t->value + 4 * to, value + 4 * at, 4);
		else
			memcpy(t->value + t->value_size * to, value + t->value_size * at, t->value_size);
	}
	return 0;
}

static int scan(struct turn *t, void *source, struct err *e)
{
	struct h5_matrix *m = source;
	uint64_t n = m->index.n_rows, gene = 0;
	uint32_t *cell = mem_array(PIECE, sizeof *cell);
	int status = 0;
	for (uint64_t first = 0; first < n && !status; first += PIECE) {
		size_t k = n - first < PIECE ? (size_t)(n - first) : PIECE;
		const void *index = h5_array_rows(&m->index, first, k, e), *value = index ? h5_array_rows(&m->value, first, k, e) : NULL;
		if (!value || !rows_indices(m->index.type, index, 0, k, m->im->n_rows, cell)) {
			status = value ? bad_cell(m, first, index, e) : -1;
			break;
		}
		for (uint64_t at = first; at < first + k && !status; ) {
			while (m->start[gene + 1] <= at)
				gene++;
			uint64_t end = m->start[gene + 1] < first + k ? m->start[gene + 1] : first + k;
			if (place(t, cell, value, (size_t)(at - first), (size_t)(end - first), (uint32_t)gene))
				status = err_set(e, "%s changed while it was read", m->path);
			at = end;
		}
	}
	mem_free(cell);
	return status;
}

static int prepare(struct feed *f, uint64_t first, struct err *e)
{
	struct h5_matrix *m = f->state;
	int status = turn_prepare(&m->turn, first, e);
	f->until = m->turn.to;
	return status;
}

static int read_turned(struct feed *f, uint64_t first, size_t n, struct err *e)
{
	struct h5_matrix *m = f->state;
	struct raw_rows raw = turn_rows(&m->turn, first, n, m->value.type);
	return rows_sparse(&f->run, &raw, &m->target, e);
}

int h5_matrix_add(struct import *im, struct h5_matrix *m, const char *name, struct err *e)
{
	struct feed *f = import_add_layer(im, name, m->target.type, h5_matrix_is_dense(m) ? PMX_DENSE : PMX_SPARSE);
	f->state = m;
	f->free = free_state;
	f->read = m->storing == H5_DENSE ? read_dense : m->storing == H5_BY_CELLS ? read_by_cells : read_turned;
	if (m->storing == H5_DENSE) {
		f->row_bytes = m->value.n_cols * number_size(m->value.type);
		return 0;
	}
	m->row_start = m->start;
	if (m->storing == H5_BY_GENES) {
		if (count_cells(m, e))
			return -1;
		m->turn = (struct turn){ .start = m->row_start, .n_rows = im->n_rows, .memory = m->share,
			.value_size = number_size(m->value.type), .scan = scan, .source = m };
		f->prepare = prepare;
	}
	f->start = m->row_start;
	return 0;
}
