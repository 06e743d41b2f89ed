/*
 * Correlations between the columns of a matrix, column after column in memory.
 * Pearson's r from centred values; Spearman's is Pearson's of mid ranks;
 * Kendall's is tau-b, n^2 / 2 steps a pair. All lie in [-1, 1]; NaN where a
 * column is constant.
 */
#ifndef STATS_CORRELATION_H
#define STATS_CORRELATION_H
#include <stddef.h>

enum correlation_method { CORRELATION_PEARSON, CORRELATION_SPEARMAN, CORRELATION_KENDALL };

double correlation_pearson(const double *x, const double *y, size_t n);
/* Of all pairs among k columns of n values: out[i * k + j]. */
void correlation_matrix(enum correlation_method method, const double *x, size_t n, size_t k, int threads, double *out);
/* Ranks from 1, ties share their mean. No NaN. */
void correlation_ranks(const double *x, size_t n, double *rank);

#endif
