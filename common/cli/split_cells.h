/*
 * One split of one target: the cells of both sides that have a signature, and
 * their values on the marker genes as the scoring kernels want them.
 */
#ifndef CLI_SPLIT_CELLS_H
#define CLI_SPLIT_CELLS_H
#include "cli/screen.h"
#include "perturb/mixscale.h"

struct split_cells {
	uint32_t *own, *control;        /* cells of the target, and of the controls, as places in their groups */
	uint32_t *without;              /* cells of the target in this split that have no signature */
	size_t n_without;
	struct mixscale_input in;       /* d is NULL when the target has no cell here, or fewer than two controls */
};

/* own_values and control_values: screen_signature_values of g and of the controls, for n_genes. */
void split_cells_take(struct split_cells *p, const struct screen *s, const struct cell_group *g, size_t split, const double *own_values,
		      const double *control_values, size_t n_genes);
void split_cells_free(struct split_cells *p);
/* Name and role (target or control label) of cell i of `in`; needs SCREEN_NAMES. */
const char *split_cells_name(const struct split_cells *p, const struct screen *s, const struct cell_group *g, size_t i);
const char *split_cells_role(const struct split_cells *p, const struct screen *s, const struct cell_group *g, size_t i);
/* The cells of `in` in the order of their names. The caller frees. */
uint32_t *split_cells_by_name(const struct split_cells *p, const struct screen *s, const struct cell_group *g);

/* "N cells WHAT, M not (NOTE): reason 5, ..." on stderr, where there are any of those; count[0] is N, and 0 ends the process but in a shard. */
void split_cells_report(const struct cli *c, const struct pmx_reader *in, const char *what, const char *note, const uint64_t *count,
			const char *const *reason, int n_reasons);

#endif
