/* What lda makes of the scores of all cells: a scratch file of them, the discriminants, and the stream with what was found. */
#ifndef CLI_DISCRIMINANTS_H
#define CLI_DISCRIMINANTS_H
#include "cli/projections.h"
#include "stats/lda.h"

struct discriminants {
	const struct cli *c;
	struct projections parts;
	struct names *classes;          /* in the order of their bytes */
	struct lda *lda;
	uint32_t *class;                /* of each cell that was learned from; else UINT32_MAX */
	size_t n_cells, cap;
	int scratch;                    /* scores of all cells, n_cells x parts.width */
};

struct discriminants *discriminants_new(const struct cli *c);
void discriminants_free(struct discriminants *d);
/* The next cells of the stream; the class g->label is learned from `cell`, all there are of it. */
void discriminants_learn(struct discriminants *d, struct screen *s, const struct cell_group *g, const uint32_t *cell, size_t n);
/* After the last cells. Ends the process where there are no discriminants. */
void discriminants_settle(struct discriminants *d);
/* The sorted input with coordinates, posteriors (of cells learned from without themselves: leave_one_out), labels and reasons. */
void discriminants_write(const struct discriminants *d, struct cli_again *input, const struct screen_options *o, bool leave_one_out);

#endif
