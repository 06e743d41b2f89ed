/*
 * Programs: groups of perturbations with like effects, from the z matrices of
 * one or several splits (perturb/effects.h), column after column.
 */
#ifndef PERTURB_PROGRAMS_H
#define PERTURB_PROGRAMS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "stats/correlation.h"
#include "stats/linkage.h"

#define PROGRAM_NONE UINT32_MAX
#define PROGRAMS_LEAST_COLUMNS 3        /* fewer make no tree worth cutting */

struct programs_tree_options {
	int correlation;                /* enum correlation_method */
	int linkage;                    /* enum linkage_method */
	double height;                  /* clusters joined at it or below */
};
#define PROGRAMS_TREE_DEFAULTS { CORRELATION_PEARSON, LINKAGE_MINIMAX, 0.6 }

/*
 * DEhclust of Mixscale: a tree on d = 1 - |r| of the columns, cut; clusters of two or more are programs, numbered from 0
 * in the order of their first columns. step: n - 1 of them. For each column: its program or PROGRAM_NONE, the height
 * at which it was joined to anything, and whether it is the prototype of its program.
 */
size_t programs_tree(const struct programs_tree_options *o, const double *z, size_t n_rows, size_t n, int threads, struct linkage_step *step,
		     uint32_t *program, double *height, bool *prototype);

#endif
