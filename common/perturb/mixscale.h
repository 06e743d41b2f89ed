/*
 * Mixscale: how strongly a cell answers to its perturbation, as a continuous
 * score (RunMixscale 0.3.0; Jiang et al. 2025). For one target within one split:
 *
 *   D     signature of the target's cells, then of the controls, on the marker genes
 *   D     (D - mean) / sd over these cells per gene (sd with n - 1), then at most 10
 *   v     mean of D over the target's cells - mean over the controls
 *   p_c   (D_c . v) / (v . v)                            projection of cell c
 *   p_c^(-h)   the same with gene h left out of both sums; v is not computed again
 *   score_c    (p_c - mean of p over controls) / (sd of p over controls)
 */
#ifndef PERTURB_MIXSCALE_H
#define PERTURB_MIXSCALE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mixscale_reason {
	MIXSCALE_SCORED, MIXSCALE_FEW_CELLS, MIXSCALE_FEW_CONTROLS, MIXSCALE_FEW_MARKERS, MIXSCALE_NO_LABEL, MIXSCALE_NO_SPLIT,
	MIXSCALE_NO_SIGNATURE, MIXSCALE_NO_DIRECTION, MIXSCALE_NO_SPREAD, MIXSCALE_NO_CONTROLS_IN_SPLIT, MIXSCALE_N_REASONS
};
extern const char *const mixscale_reason_name[MIXSCALE_N_REASONS];      /* NULL for SCORED */

struct mixscale_options {
	bool scale;
	long min_de_genes, max_de_genes;        /* max 0: no cut */
	int compat;                             /* enum compat of markers.h */
};
#define MIXSCALE_DEFAULTS { true, 5, 100, 0 }

/* (x - mean) / sd with n - 1, at most `most`; a gene that does not vary becomes 0. Returns both, of x as it was. */
#define MIXSCALE_CLIP 10.0
struct mixscale_moments {
	double mean, sd;
};
struct mixscale_moments mixscale_standardise(double *x, size_t n, double most);

struct mixscale_input {
	double *d;                              /* n_genes x n_cells, gene by gene; scaled in place */
	size_t n_genes, n_target, n_control;    /* the target's cells come first in each row of d */
};

/*
 * projection: n_target + n_control. score: n_target, standardised. left_out (may be NULL): n_genes x n_cells.
 * Anything but SCORED leaves score unset.
 */
enum mixscale_reason mixscale_score(const struct mixscale_options *o, const struct mixscale_input *in, int threads,
				    double *projection, double *score, double *left_out);

/* score[i] = (p[i] - mean) / sd of the target's cells, mean and sd (n - 1) over the n_control values that follow them. The sd. */
double mixscale_standardise_by_controls(const double *p, size_t n_target, size_t n_control, double *score);

/* How many control cells of each split go with a target's (harmonize): see mixscale.c. False: nothing can be drawn. */
bool mixscale_harmonise(const size_t *n_target, const size_t *n_control, size_t n_splits, double min_proportion, size_t *draw);

#endif
