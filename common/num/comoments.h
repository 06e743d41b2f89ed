/*
 * Means of many variables and the products of their deviations, over rows that come in parts:
 *
 *   mean_g,  P_gh = sum over rows of (x_g - mean_g) (x_h - mean_h)
 *
 * Parts of rows join by P = Pa + Pb + d d' na nb / (na + nb), d = mean_b - mean_a: no large sums are taken from
 * each other, however far from 0 the means are. (Chan, Golub and LeVeque 1983, The American Statistician 37:242.)
 */
#ifndef NUM_COMOMENTS_H
#define NUM_COMOMENTS_H
#include <stddef.h>
#include "num/packed.h"

struct comoments {
	size_t n, rows;                 /* variables; rows so far */
	double *mean;
	double *product;                /* n x n, row by row; only h >= g is meant */
	double *dense, *part;           /* of comoments_add, kept from one call to the next */
};

struct comoments *comoments_new(size_t n);
void comoments_free(struct comoments *m);
/* Bytes that n variables take, with what comoments_add works on. */
size_t comoments_bytes(size_t n);
/*
 * The rows of all chunks, columns bounded as packed.h says. They are joined 1024 at a time, panels of columns side by
 * side: the same bits for any number of threads.
 */
void comoments_add(struct comoments *m, const struct packed *x, const double *bound, int threads);
/*
 * Adds x'x to out (n x n), of rows x n values: its upper triangle, in panels of columns that one thread each sums in the order of the
 * rows. Every thread of a team calls it; OpenBLAS is set to one.
 */
void comoments_cross(const double *x, size_t rows, size_t n, double *out);
/*
 * Joins what others found of other rows: first their number and means, which gives `step` (n), then each of their
 * products once, in any order.
 */
void comoments_join(struct comoments *m, size_t rows, const double *mean, double *step);
void comoments_join_product(struct comoments *m, size_t g, size_t h, double product, const double *step);
double comoments_product(const struct comoments *m, size_t g, size_t h);

#endif
