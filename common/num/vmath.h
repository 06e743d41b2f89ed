/* Elementary functions over arrays. */
#ifndef NUM_VMATH_H
#define NUM_VMATH_H
#include <stddef.h>

/* out[i] = e^x[i] - 1, within 2 ulp; x up to 708. out may be x. */
void vmath_expm1(const double *x, double *out, size_t n);
void vmath_exp(const double *x, double *out, size_t n);
/*
 * x Phi(x) and its derivative Phi(x) + x phi(x), Phi and phi of the standard normal, within 2e-15 of the larger of 1
 * and |x|. Phi(-|x|) = exp(-x^2 / 2) P((|x| - 5) / (|x| + 5)), P a polynomial of degree 18 (after Schonfelder, 1978,
 * Math. Comp. 32:1232, who maps erfc so). value may be x.
 */
void vmath_gelu(const double *x, double *value, double *slope, size_t n);
/* Sum in eight lanes, then pairwise: one order on every CPU. */
double vmath_sum(const double *x, size_t n);

#endif
