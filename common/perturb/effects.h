/*
 * Effects of perturbations as z scores, and the genes on which perturbations
 * are compared (get_DE_mat and prune_DE_mat of Mixscale 0.3.0).
 *
 *	z = sign(b) sqrt(q), q the upper quantile of chi-square (1) at p, taken from log p: a p below the smallest double
 *	has its z like any other, where the reference has an infinity (and then its cap)
 *
 * A gene passes in a contrast with p <= options.p and |log fold change| >= options.logfc; of those the `top` most
 * significant (ties: the first by name) are taken. All genes taken in some contrast are the rows of every matrix.
 */
#ifndef PERTURB_EFFECTS_H
#define PERTURB_EFFECTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct effects_options {
	double p, logfc;
	long top;                       /* 0: all */
	double cap;                     /* z scores beyond are set to it */
	bool mask;                      /* z of the target's own gene is 0 */
	long min_genes;                 /* a column with fewer |z| above z(p) is dropped */
	bool centre, scale;             /* columns, ddof 1; scale only with centre */
	bool by_order;                  /* the reference's cut to `top`, see effects_select */
};
#define EFFECTS_DEFAULTS { 0.05 / 30000, 0.2, 0, 37, false, 0, false, false, false }

double effects_z(double log_p, double sign);

/*
 * Genes of a contrast that pass and are taken: gene[] (room for n_genes), ascending; their number. NaN does not pass.
 * by_order: the genes that pass are put into the order of `key` (NaN last; ties by index), o = order of their p, and
 * the i-th is taken where o[i] <= top: the confusion of order and rank in the reference, which is no cut by p unless key is p.
 */
size_t effects_select(const struct effects_options *o, const double *log_p, const double *logfc, const double *key, size_t n_genes,
		      uint32_t *gene);

enum effects_reason { EFFECTS_KEPT, EFFECTS_FEW_GENES, EFFECTS_CONSTANT };
/*
 * One column of n z scores, in place: own gene (its place, or UINT32_MAX) masked, NaN to 0, capped, counted, and centred
 * and scaled as the options say. What is not kept is left as it is then.
 */
enum effects_reason effects_prune(const struct effects_options *o, double *z, size_t n, uint32_t own);

#endif
