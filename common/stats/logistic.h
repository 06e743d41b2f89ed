/*
 * Likelihood-ratio test of a logistic regression of group membership on one
 * value (Seurat's test.use = "LR"; R's glm and lmtest::lrtest). Response 1 for
 * the reference cells, 0 for the target's; model 1: intercept + x, model 0:
 * intercept. IRLS as R runs it: mu0 = (y + 0.5) / 2, stop when
 * |dev - dev_old| / (|dev| + 0.1) < 1e-8, at most 25 rounds; the linear
 * predictor is cut at +-30. Perfect separation ends at the value of its last
 * round, as R's does.
 */
#ifndef STATS_LOGISTIC_H
#define STATS_LOGISTIC_H
#include <stddef.h>

struct logistic_result {
	double statistic;               /* |dev0 - dev1|, chi-square with 1 degree of freedom */
	double slope;
	int rounds;
	int converged;
};

/* x: the n non-zero values of each side; zeros: how many cells have 0 besides. */
struct logistic_result logistic_lr(const double *target, size_t n_target, size_t target_zeros,
				   const double *reference, size_t n_reference, size_t reference_zeros);

#endif
