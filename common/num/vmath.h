/* Elementary functions over arrays. */
#ifndef NUM_VMATH_H
#define NUM_VMATH_H
#include <stddef.h>

/* out[i] = e^x[i] - 1, within 2 ulp; x up to 708. out may be x. */
void vmath_expm1(const double *x, double *out, size_t n);
void vmath_exp(const double *x, double *out, size_t n);
/* Sum in eight lanes, then pairwise: one order on every CPU. */
double vmath_sum(const double *x, size_t n);

#endif
