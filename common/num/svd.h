/*
 * Thin singular value decomposition of a small dense matrix, by LAPACK's dgesdd in one thread.
 */
#ifndef NUM_SVD_H
#define NUM_SVD_H
#include <stdbool.h>
#include <stddef.h>

/*
 * a = U diag(s) V', m x n, column after column, overwritten. Writes the min(m, n) singular values, descending, and V: vector k at
 * v + k * n. Signs are LAPACK's, which R's svd and prcomp and NumPy's svd hand on: a caller that wants its own fixes them.
 * False when it did not converge (or a holds NaN).
 */
bool svd_thin(double *a, size_t m, size_t n, double *s, double *v);

#endif
