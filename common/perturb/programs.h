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

struct programs_shared_options {
	double penalty;                 /* bound of sum |w|; 0: none */
	long most;                      /* programs */
	double own, others, matrices;   /* least correlations: own variate, mean of the others', mean among the variates */
	double p;                       /* largest p of a correlation */
	bool as_reference;
};
#define PROGRAMS_SHARED_DEFAULTS { 0, 5, 0.6, 0.3, 0.2, 0.05, false }

struct programs_matrix {
	const double *z;                /* n_rows x n, column after column; none constant */
	size_t n;
};

/* A column of a matrix in a round that gave a program. */
struct programs_loading {
	uint32_t program, matrix, column;
	double weight, correlation;     /* mean correlation with the variates of all matrices of the round */
	bool member;
};

/*
 * DEmultiCCA of Mixscale: programs that several matrices (splits) share. In each round the canonical variates X_i w_i
 * (stats/multicca.h) of what is left of the matrices are found; the matrix whose variate has the smallest mean |correlation| with
 * the others stands aside for this round while that is below `matrices`, and the variates are found again. A column counts for
 * a variate when its correlation with it has p <= options.p (t test) and, rounded to 2 digits, |correlation with the variate of its own
 * matrix| >= own and mean |correlation| with the others >= others. Members are the columns that count for all variates; where
 * fewer than two do, for one less, and so on down to two. Members leave their matrices, and the next round begins.
 * A matrix without a column that counts for another variate leaves the round with its variate. A matrix with one column left
 * has itself as variate and takes part in the fit only where there is but one larger one; when all are that small it is over.
 *
 * as_reference: multicca's; the last rule without that exception (the reference fails there); and of several matrices that leave a
 * round the ones after the first shift by one with each that went, as the reference's list does.
 *
 * Returns the number of programs; *loading (the caller frees) has *n_loadings of them, round by round, matrix by matrix.
 */
size_t programs_shared(const struct programs_shared_options *o, const struct programs_matrix *m, size_t n_matrices, size_t n_rows,
		       struct programs_loading **loading, size_t *n_loadings);

#endif
