/*
 * Guides of a target against each other: of each the share of its cells that answer (KO), the share among the target's other
 * guides, and how often as few or fewer would answer if guides made no difference,
 *
 *   p = P(X <= n_ko), X hypergeometric: n_cells of the target's cells drawn, of which so many answer (one-sided Fisher)
 *   q   Benjamini and Hochberg's over all guides tested
 *   weak where q < 0.05 and the share is below half of the others'
 */
#ifndef PERTURB_WEAK_GUIDES_H
#define PERTURB_WEAK_GUIDES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum weak_guide_reason { WEAK_GUIDE_TESTED, WEAK_GUIDE_NOT_CLASSIFIED, WEAK_GUIDE_NO_ANSWER, WEAK_GUIDE_ONLY_GUIDE, WEAK_GUIDE_N_REASONS };
extern const char *const weak_guide_reason_name[WEAK_GUIDE_N_REASONS];  /* "NA" for TESTED */

#define WEAK_GUIDE_Q 0.05
#define WEAK_GUIDE_SHARE 0.5

struct guide_share {
	uint32_t target, guide;         /* guides of a target stand together */
	size_t n_cells, n_ko;           /* cells that were classified, and of these those that answer */
	double share, share_others, p, q;       /* NaN where they are not known */
	bool weak;
	enum weak_guide_reason reason;
};

/* Fills in what follows n_ko. */
void weak_guides_test(struct guide_share *g, size_t n);

#endif
