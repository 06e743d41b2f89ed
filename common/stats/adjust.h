/*
 * Benjamini-Hochberg adjusted p values on the natural log scale, so that none is
 * lost to underflow: adj of the k-th smallest = min over j >= k of p_j * n / j, at
 * most 1. NaN is no test: it is not counted and stays NaN.
 */
#ifndef STATS_ADJUST_H
#define STATS_ADJUST_H
#include <stddef.h>

/* n tests, log_p[i * stride]; out in the same places, may be log_p. */
void adjust_bh(const double *log_p, double *out, size_t n, size_t stride);

#endif
