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

struct sparse_cols *sparse_transpose(const struct sparse_rows *m)
{
	struct sparse_cols *t = mem_zero(1, sizeof *t);
	size_t n = m->start[m->n_rows];
	t->n_rows = m->n_rows;
	t->n_cols = m->n_cols;
	t->start = mem_zero(m->n_cols + 1, sizeof *t->start);
	t->row = mem_array(n, sizeof *t->row);
	t->value = mem_array(n, sizeof *t->value);
	for (size_t i = 0; i < n; i++)
		t->start[m->col[i] + 1]++;
	for (size_t c = 0; c < m->n_cols; c++)
		t->start[c + 1] += t->start[c];
	size_t *next = mem_array(m->n_cols, sizeof *next);
	memcpy(next, t->start, m->n_cols * sizeof *next);
	for (size_t r = 0; r < m->n_rows; r++)
		for (size_t i = m->start[r]; i < m->start[r + 1]; i++) {
			size_t at = next[m->col[i]]++;
			t->row[at] = (uint32_t)r;
			t->value[at] = m->value[i];
		}
	mem_free(next);
	return t;
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
