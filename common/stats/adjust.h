/*
 * Benjamini-Hochberg adjusted p values: adj of the k-th smallest of n = min over j >= k of p_j * n / j, at most 1. NaN
 * is no test: it is not counted and stays NaN. (Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57:289.)
 */
#ifndef STATS_ADJUST_H
#define STATS_ADJUST_H
#include <stddef.h>

void adjust_bh(const double *p, double *out, size_t n);
/* On the natural log scale, so that none is lost to underflow; log_p[i * stride], out in the same places, may be log_p. */
void adjust_bh_log(const double *log_p, double *out, size_t n, size_t stride);

#endif
