/*
 * Cells that stand in many regressions (stats/negbin.h) with w = 0: the controls
 * of a screen, in groups (replicates). In a group all that a fit sums over them is
 * of the form sum f(c) or sum y f(c), f a function of e = log(theta mu) = e0 + b c
 * that is analytic for |Im e| < pi. So f is interpolated at the m = NEGBIN_NODES
 * Chebyshev nodes x_k between the ends of c, l_k the Lagrange polynomials:
 *
 *   sum_i f(c_i) = sum_k N_k f(x_k)        N_k = sum_i l_k(c_i), once a group
 *   sum_i y_i f(c_i) = sum_k Y_k f(x_k)    Y_k = sum_i y_i l_k(c_i), once a gene and group
 *
 * and a pass takes m nodes instead of all cells. Sums of polynomials in c below
 * degree m are exact but for rounding.
 *
 * Bound. c = middle + half x, s = |b| half, e_max the largest e of the group. In the
 * ellipse with the half axes A, B = sqrt(A^2 - 1) and the foci -1, 1, rho = A + B,
 * an f bounded by M is interpolated to 4 M rho^(1 - m) / (rho - 1) (Trefethen,
 * Approximation Theory and Approximation Practice, theorem 8.2, for the extrema of T_m;
 * at its zeros, which are taken here, the aliased coefficients are as large). With u = exp(e):
 *   strip: s B = phi = 0.9 pi. There |1 + u| >= sin phi, so u / (1 + u), 1 / (1 + u), log(1 + u) are
 *          below 2 exp(s (A - 1)) / sin phi times their largest value between the ends;
 *   disc:  s (A - 1) <= -log 2 - e_max, so |u| <= 1/2 in the ellipse: 3 exp(s (A - 1)) times.
 *          B is (m - 1) / s at most, the best for the exponential function alone (theta = 0).
 * negbin_pool_error is the smaller of both, relative to the largest value of f between the ends. Nodes are used where it is
 * below 1e-14, elsewhere (steep slopes, wide totals, clamped mu) the cells. Factors c, c^2 and the square
 * of the weight raise M by no more than A^2 and the constant's square: rounding remains the larger part.
 */
#ifndef STATS_NEGBIN_POOL_H
#define STATS_NEGBIN_POOL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/sparse.h"

enum { NEGBIN_NODES = 64, NEGBIN_LEAST_FOR_NODES = 2 * NEGBIN_NODES };

struct negbin_group {
	size_t n;
	uint32_t *cell;                 /* rows of the counts, increasing */
	double *c;                      /* of each of them */
	double sum_c, sum_cc, low, high;
	bool nodes;                     /* NEGBIN_LEAST_FOR_NODES cells at least, and not all of one c */
	double node[NEGBIN_NODES], times[NEGBIN_NODES];         /* x_k as c, N_k */
};

/* Of one gene in one group. */
struct negbin_counts {
	double n_positive, sum;
	/* From negbin_pool_prepare on: sums of log(y + 1) and of that times c, Y_k (NULL without nodes), distinct positive counts. */
	double sum_log, sum_log_c;
	double *node;
	double *value, *times;
	size_t n_values;
};

struct negbin_pool {
	size_t n_genes, n_groups;
	const struct sparse_cols *counts;
	uint32_t *group_of;             /* of each row; UINT32_MAX: in none */
	struct negbin_group *group;
	struct negbin_counts *of;       /* gene * n_groups + group */
	double *c;                      /* of each row */
	double *lagrange;               /* rows x NEGBIN_NODES: l_k of each cell */
	bool *prepared;
};

/* Keeps a reference to counts (genes are columns); c (finite where there is a group) and group_of by row. */
struct negbin_pool *negbin_pool_new(const struct sparse_cols *counts, const double *c, const uint32_t *group_of, size_t n_groups, int threads);
/* Bytes that a pool of groups of n[g] cells comes to when every gene is prepared. */
uint64_t negbin_pool_bytes(const size_t *n, size_t n_groups, size_t n_genes);
void negbin_pool_free(struct negbin_pool *p);
/* Makes what is made once a gene; one thread at a time for one gene. */
void negbin_pool_prepare(struct negbin_pool *p, size_t gene);
/* The bound; e_max = log(theta) + largest log mu between the ends. */
double negbin_pool_error(double s, double e_max);
/* Is it below 1e-14? */
bool negbin_pool_smooth(double s, double e_max);

#endif
