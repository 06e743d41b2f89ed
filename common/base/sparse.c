#include "base/sparse.h"
#include "base/mem.h"
#include <string.h>

void sparse_rows_init(struct sparse_rows *m, size_t n_cols)
{
	*m = (struct sparse_rows){ .n_cols = n_cols };
	m->start = mem_zero(1, sizeof *m->start);
}

void sparse_rows_room(struct sparse_rows *m, size_t n_rows, size_t n_values)
{
	size_t rows = m->row_cap + 1, need = m->start[m->n_rows] + n_values;
	mem_room(&m->start, &rows, m->n_rows + n_rows + 1, sizeof *m->start);
	m->row_cap = rows - 1;
	size_t cap = m->cap;
	mem_room(&m->col, &cap, need, sizeof *m->col);
	mem_room(&m->value, &m->cap, need, sizeof *m->value);
}

void sparse_rows_clear(struct sparse_rows *m)
{
	m->n_rows = 0;
	m->start[0] = 0;
}

void sparse_rows_free(struct sparse_rows *m)
{
	mem_free(m->start);
	mem_free(m->col);
	mem_free(m->value);
	*m = (struct sparse_rows){ 0 };
}

/* Columns first .. end of the result, few enough that the ends of all of them stay in the cache. */
static void transpose_columns(const struct sparse_rows *m, struct sparse_cols *t, size_t *next, size_t first, size_t end)
{
	for (size_t r = 0; r < m->n_rows; r++) {
		size_t i = m->start[r], stop = m->start[r + 1];
		if (first) {
			size_t high = stop;
			while (i < high) {
				size_t middle = (i + high) / 2;
				if (m->col[middle] < first)
					i = middle + 1;
				else
					high = middle;
			}
		}
		for (; i < stop && m->col[i] < end; i++) {
			size_t at = next[m->col[i]]++;
			t->row[at] = (uint32_t)r;
			t->value[at] = m->value[i];
		}
	}
}

struct sparse_cols *sparse_transpose(const struct sparse_rows *m, int threads)
{
	return sparse_transpose_into(NULL, m, threads);
}

struct sparse_cols *sparse_transpose_into(struct sparse_cols *t, const struct sparse_rows *m, int threads)
{
	size_t n = m->start[m->n_rows];
	if (!t)
		t = mem_zero(1, sizeof *t);
	if (n > t->cap || !t->row) {
		mem_free(t->row);
		mem_free(t->value);
		t->row = mem_array(n, sizeof *t->row);
		t->value = mem_array(n, sizeof *t->value);
		t->cap = n;
	}
	t->n_rows = m->n_rows;
	t->n_cols = m->n_cols;
	t->start = mem_resize(t->start, m->n_cols + 1, sizeof *t->start);
	memset(t->start, 0, (m->n_cols + 1) * sizeof *t->start);
	for (size_t i = 0; i < n; i++)
		t->start[m->col[i] + 1]++;
	for (size_t c = 0; c < m->n_cols; c++)
		t->start[c + 1] += t->start[c];
	size_t *next = mem_array(m->n_cols, sizeof *next);
	memcpy(next, t->start, m->n_cols * sizeof *next);
	enum { AT_A_TIME = 512 };
	size_t parts = n < 100000 ? 1 : (m->n_cols + AT_A_TIME - 1) / AT_A_TIME;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1 && parts > 1)
	for (size_t p = 0; p < parts; p++)
		transpose_columns(m, t, next, m->n_cols * p / parts, m->n_cols * (p + 1) / parts);
	mem_free(next);
	return t;
}

void sparse_normal_product(const struct sparse_rows *m, const double *v, double *out, size_t b)
{
	double *y = mem_array(b, sizeof *y);
	for (size_t r = 0; r < m->n_rows; r++) {
		memset(y, 0, b * sizeof *y);
		for (size_t i = m->start[r]; i < m->start[r + 1]; i++)
			for (size_t k = 0; k < b; k++)
				y[k] += m->value[i] * v[m->col[i] * b + k];
		for (size_t i = m->start[r]; i < m->start[r + 1]; i++)
			for (size_t k = 0; k < b; k++)
				out[m->col[i] * b + k] += m->value[i] * y[k];
	}
	mem_free(y);
}

void sparse_cols_free(struct sparse_cols *m)
{
	if (!m)
		return;
	mem_free(m->start);
	mem_free(m->row);
	mem_free(m->value);
	mem_free(m);
}
