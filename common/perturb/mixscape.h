/*
 * Mixscape: which cells of a target answer to their perturbation (knock-out,
 * KO) and which do not (NP), by a mixture of two normal distributions along
 * the direction in which the target's cells differ from the controls
 * (Papalexi et al. 2021; RunMixscape of Seurat 4.3). Within one split:
 *
 *   D    signature of the target's cells, then of the controls, on the marker genes, standardised
 *        as in perturb/mixscale.h
 *   at most iter_num times, G the cells called KO so far (at first all of the target):
 *     v     mean of D over G - mean over the controls
 *     p_c   (D_c . v) / (v . v)
 *     a mixture on p over all cells: the first distribution is that of the controls' p, fixed; the second
 *     starts as that of G's p
 *     P_c = 1 / (1 + N1(p_c) / N2(p_c)); KO where P > 0.5; ends when no call changes
 *
 * Where the references differ (enum mixscape_compat):
 *
 *               own                        Seurat 4.3                pertpy 1.4
 *   mixture     to convergence             gain <= 1e-8              mean gain < 1e-3
 *   P           densities                  densities                 densities x weights
 *   P = 0.5     NP                         as before                 NP
 *   D           at most 10                 at most 10                no bound
 *   few KO      fewer than min_cells: all  fewer than min_de_genes:  as Seurat
 *               NP, with a reason          G becomes bare NP
 */
#ifndef PERTURB_MIXSCAPE_H
#define PERTURB_MIXSCAPE_H
#include "perturb/mixscale.h"

enum mixscape_compat { MIXSCAPE_OWN, MIXSCAPE_SEURAT, MIXSCAPE_PERTPY };
enum mixscape_call { MIXSCAPE_NP, MIXSCAPE_KO, MIXSCAPE_BARE_NP };
enum mixscape_reason {
	MIXSCAPE_CLASSIFIED, MIXSCAPE_FEW_CELLS, MIXSCAPE_FEW_CONTROLS, MIXSCAPE_FEW_MARKERS, MIXSCAPE_NO_LABEL, MIXSCAPE_NO_SPLIT,
	MIXSCAPE_NO_SIGNATURE, MIXSCAPE_NO_DIRECTION, MIXSCAPE_NO_SPREAD, MIXSCAPE_NO_CONTROLS_IN_SPLIT, MIXSCAPE_FEW_PERTURBED,
	MIXSCAPE_NO_SECOND, MIXSCAPE_N_REASONS
};
extern const char *const mixscape_reason_name[MIXSCAPE_N_REASONS];      /* NULL for CLASSIFIED */

struct mixscape_options {
	long min_de_genes, min_cells, iter_num;
	bool scale;
	int compat;
};
#define MIXSCAPE_DEFAULTS { 5, 5, 10, true, MIXSCAPE_OWN }

/*
 * `in` as for mixscale_score. projection: n_target + n_control, of the first round (may be NULL). call and
 * p_ko: n_target; all NP and 0 before the call. FEW_PERTURBED and NO_SECOND leave the p_ko of the last round;
 * other reasons leave both as they were. order (n_target + n_control places; used by PERTPY only, NULL: as
 * they are) is the order of the cells in which k-means starts.
 */
enum mixscape_reason mixscape_classify(const struct mixscape_options *o, const struct mixscale_input *in, const uint32_t *order,
				       int threads, double *projection, enum mixscape_call *call, double *p_ko);

#endif
