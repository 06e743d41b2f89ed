/*
 * The leading eigenpairs of a symmetric positive semi-definite matrix, known
 * as a matrix or only as an operator. Deterministic: fixed start, one thread
 * in BLAS; the largest component of every vector (the first of equals in
 * size) is positive.
 */
#ifndef NUM_EIGEN_H
#define NUM_EIGEN_H
#include <stdbool.h>
#include <stddef.h>

/* out = A v for a block of b vectors: v and out are n x b, row by row. */
typedef void eigen_operator(void *context, const double *v, double *out, size_t b);

struct eigen_result {
	size_t k;
	double *value;                  /* k, descending */
	double *vector;                 /* n x k, row by row */
	double residual;                /* largest ||A x - lambda x|| / lambda_1 */
	size_t applied;                 /* vectors that the operator was applied to */
	bool converged;
};

/* All of it by LAPACK: for matrices up to about a thousand columns. `a` is overwritten. */
struct eigen_result eigen_small(double *a, size_t n, size_t k);
/*
 * Block Davidson with thick restarts, corrections preconditioned by the diagonal of A, until the residuals of
 * the k leading pairs are at most tolerance * lambda_1, or `most` vectors were applied. (Davidson 1975; Crouzeix,
 * Philippe and Sadkane 1994.)
 */
struct eigen_result eigen_davidson(eigen_operator *apply, void *context, const double *diagonal, size_t n, size_t k, double tolerance,
				   size_t most);
/* Vectors of n numbers that eigen_davidson holds at most. */
size_t eigen_room(size_t k);
void eigen_free(struct eigen_result *r);
/* Makes that component of each of the k columns positive: n x k, row by row. */
void eigen_fix_signs(double *vector, size_t n, size_t k);

#endif
