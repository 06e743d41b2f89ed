/*
 * Sparse matrices in memory, as plain data: rows x columns with the values of
 * each row (sparse_rows) or of each column (sparse_cols) together. What is not
 * stored is 0. Indices increase inside a row (column).
 */
#ifndef BASE_SPARSE_H
#define BASE_SPARSE_H
#include <stddef.h>
#include <stdint.h>

struct sparse_rows {
	size_t n_rows, n_cols;
	size_t *start;                  /* n_rows + 1 */
	uint32_t *col;
	double *value;
	size_t row_cap, cap;            /* room in start (less one) and in col, value */
};

struct sparse_cols {
	size_t n_rows, n_cols;
	size_t *start;                  /* n_cols + 1 */
	uint32_t *row;
	double *value;
	size_t cap;
};

void sparse_rows_init(struct sparse_rows *m, size_t n_cols);
/* Makes room for n_rows and n_values more. */
void sparse_rows_room(struct sparse_rows *m, size_t n_rows, size_t n_values);
void sparse_rows_clear(struct sparse_rows *m);
void sparse_rows_free(struct sparse_rows *m);
/* m by columns; the caller frees. */
struct sparse_cols *sparse_transpose(const struct sparse_rows *m, int threads);
/* The same into `t`, whose room is used again (start with NULL). */
struct sparse_cols *sparse_transpose_into(struct sparse_cols *t, const struct sparse_rows *m, int threads);
/* out (n_cols x b) += m' (m v) for a block v of b vectors, row after row. */
void sparse_normal_product(const struct sparse_rows *m, const double *v, double *out, size_t b);
void sparse_cols_free(struct sparse_cols *m);

#endif
