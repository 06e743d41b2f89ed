/*
 * Local regression on one predictor as loess computes it by default: quadratic
 * or linear, tricube weights, surface interpolated (Cleveland and Grosse 1991,
 * Statistics and Computing 1:47; R's loess(surface = "interpolate"), netlib's dloess).
 *
 * The range of x, widened by 0.005 of it on either side, is cut at medians until a
 * cell holds no more than floor(n * span * LOESS_CELL) points. At each end of a
 * cell the polynomial is fitted to the floor(n * span) nearest points by least
 * squares of least norm (singular values below 100 eps of the largest dropped,
 * columns of equal norm). Between the ends, the cubic with their values and slopes.
 */
#ifndef STATS_LOESS_H
#define STATS_LOESS_H
#include <stdbool.h>
#include <stddef.h>

#define LOESS_CELL 0.2

/*
 * fitted[i] at x[i], for n finite points in any order. False when floor(n * span) is less than
 * degree + 1 points or when as many as that share one x at an end of a cell.
 */
bool loess_fit(const double *x, const double *y, size_t n, double span, int degree, double *fitted);

#endif
