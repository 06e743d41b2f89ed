/*
 * Whether a screen can answer at all: what a test says about controls against controls, and the smallest effect that it could see.
 */
#ifndef PERTURB_CALIBRATION_H
#define PERTURB_CALIBRATION_H
#include <stddef.h>
#include <stdint.h>
#include "base/sparse.h"

/* Cells expressing a gene below which (in share of both sides together) it is not tested. */
#define CALIBRATION_MIN_PCT 0.1

struct calibration {
	size_t n_tested;                /* genes */
	double share;                   /* of them with p < 0.05; NaN where none was tested */
	size_t n_different;             /* with p < 0.05 / n_tested (Bonferroni) */
};

/*
 * Wilcoxon's rank-sum test (stats/ranksum.h, normal approximation, both corrections) of the cells with side 1 against those with side
 * 0, gene by gene, x by genes. side[i] other than 0 and 1: the cell has no part. A calibrated test of cells that differ by chance alone
 * has a share near 0.05. Genes whose values are all tied are not tested.
 */
struct calibration calibration_test(const struct sparse_cols *x, const uint8_t *side);

/*
 * The difference of means that a two-sided test at level 0.05 / n_tests (Bonferroni) sees with probability `power`, in the unit of sd:
 * (z(1 - 0.025 / n_tests) + z(power)) sd sqrt(1 / n_target + 1 / n_control), by the normal approximation.
 */
double calibration_smallest_effect(double sd, size_t n_target, size_t n_control, size_t n_tests, double power);

#endif
