/* Components of several targets side by side, and the scores of cells on all of them. */
#ifndef CLI_PROJECTIONS_H
#define CLI_PROJECTIONS_H
#include "cli/screen.h"
#include "perturb/target_components.h"

struct projection_part {
	const char *target;
	uint32_t *gene;                 /* columns of the screen, of the components' genes */
	struct target_components components;
};

struct projections {
	struct projection_part *at;
	size_t n, cap;
	size_t width;                   /* components of all */
};

/* Takes `t`; copies the rest. */
void projections_add(struct projections *p, const char *target, const uint32_t *gene, const struct target_components *t);
/*
 * score: g->n x width; NaN in all of a row whose cell has no signature. Genes are worked on a few at a time, so that their values take
 * no more than a quarter of --memory; sums run gene by gene in the order of the columns, whatever that is.
 */
void projections_scores(const struct cli *c, const struct projections *p, struct screen *s, const struct cell_group *g, double *score);
void projections_free(struct projections *p);

#endif
