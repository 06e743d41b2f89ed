/*
 * A sparse matrix kept in few bytes for many products with blocks of vectors:
 * PACKED_ROWS rows at a time, by columns, two bytes an entry. An entry's code
 * is its row and the place of its value in a table of the row, for a row has
 * few different values (counts). Where that does not hold (measured values),
 * rows and values are stored.
 *
 * Column g may be bounded: x' = min(x, bound[g]) - min(0, bound[g]).
 */
#ifndef NUM_PACKED_H
#define NUM_PACKED_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACKED_ROWS = 256, PACKED_WIDTH = 16 };

struct packed;

struct packed *packed_new(size_t n_cols);
void packed_free(struct packed *p);
void packed_clear(struct packed *p);
/* Appends a row: columns strictly increasing. The last rows become a chunk with packed_end. */
void packed_add(struct packed *p, const uint32_t *col, const double *value, size_t n);
void packed_end(struct packed *p);
size_t packed_chunks(const struct packed *p);
size_t packed_rows(const struct packed *p, size_t chunk);
size_t packed_bytes(const struct packed *p);
size_t packed_values(const struct packed *p);           /* entries of all chunks made, cleared ones among them */

/* sum[g] += x, squares[g] += x^2 over the chunk, in row order; bound NULL: none. */
void packed_moments(const struct packed *p, size_t chunk, const double *bound, double *sum, double *squares);
/* y (rows x PACKED_WIDTH) = X' v; w (n_cols x PACKED_WIDTH) += X'' y. Both on multiples of 64 bytes. */
void packed_forward(const struct packed *p, size_t chunk, const double *bound, const double *v, double *y);
void packed_backward(const struct packed *p, size_t chunk, const double *bound, const double *y, double *w);
/* The chunk as a dense matrix, rows x n_cols. */
void packed_dense(const struct packed *p, size_t chunk, const double *bound, double *out);

#endif
