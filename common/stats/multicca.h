/*
 * Sparse multiple canonical correlation (Witten and Tibshirani 2009, Statistical Applications in Genetics and Molecular
 * Biology 8, 28): weights w_i of length 1 for the columns of matrices X_i with the same rows that make
 *
 *	sum over i > j of w_i' X_i' X_j w_j
 *
 * large, under sum |w_i| <= penalty. Each w_i in turn becomes soft(X_i' sum over j != i of X_j w_j, delta), scaled to length 1,
 * with delta 0 where the bound holds, else by bisection. The start is the first right singular vector of each X_i.
 *
 * Stops when the criterion grows by no more than 1e-12 of itself, or after 1000 rounds. as_reference: as PMA 1.2-4 is run by
 * Mixscale, 1e-3 (of the criterion before; the first is held against -20) and 30 rounds, bisection to 1e-6 absolute, and the
 * start vectors with the signs that LAPACK gives. Else the signs of the start are chosen so that no matrix works against
 * another: the largest weight of the first matrix is positive, and X_i w_i goes along with the sum of those before.
 */
#ifndef STATS_MULTICCA_H
#define STATS_MULTICCA_H
#include <stdbool.h>
#include <stddef.h>

struct multicca_options {
	double penalty;                 /* 0: none */
	bool as_reference;
};

struct multicca_matrix {
	const double *x;                /* n_rows x n, column after column */
	size_t n;
	double *w;                      /* n: the result */
};

/* Rounds taken; 0 when a start vector could not be found (values that are not finite). */
size_t multicca(const struct multicca_options *o, const struct multicca_matrix *m, size_t n_matrices, size_t n_rows);

#endif
