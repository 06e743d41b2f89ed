/*
 * Contrasts coming in: rows target x split from weighted-de or de-markers, as the z matrices of each split
 * (perturb/effects.h). Genes, targets and splits are taken in the order of their names, so that nothing depends on
 * the order of rows or columns in the stream. Read three times: for the genes, for their z scores, and by the caller.
 */
#ifndef CLI_EFFECT_ROWS_H
#define CLI_EFFECT_ROWS_H
#include "cli/again.h"
#include "perturb/effects.h"

enum effect_state { EFFECT_IN, EFFECT_NOT_TESTED, EFFECT_NO_GENES, EFFECT_FEW_GENES, EFFECT_CONSTANT, EFFECT_FEW_ROWS };
#define EFFECT_LEAST_GENES 3            /* of two, all correlations are 1 or -1 */

struct effect_row {                     /* of the stream, in its order */
	uint32_t target, split;         /* places in the names below; UINT32_MAX where missing */
	enum effect_state state;
};

/* The matrix of one split: n columns (targets by name) over the genes, column after column. */
struct effect_matrix {
	size_t n;
	uint32_t *row;                  /* of each column: its row of the stream */
	double *z;
};

struct effect_rows {
	struct names *targets, *splits; /* sorted; one split "all" where the stream has none */
	bool has_splits;
	struct effect_row *row;
	size_t n_rows, cap;
	uint32_t *gene;                 /* columns of the stream, in the order of their names */
	size_t n_genes;
	struct effect_matrix *matrix;   /* splits->n */
};

struct effect_rows *effect_rows_read(const struct cli *c, struct cli_again *in, const struct effects_options *o);
void effect_rows_free(struct effect_rows *r);

#endif
