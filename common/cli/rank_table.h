/* The ranked table of rank, target by target. */
#ifndef CLI_RANK_TABLE_H
#define CLI_RANK_TABLE_H
#include "cli/rank_scores.h"
#include "cli/rank_targets.h"

struct rank_table_options {
	bool mimic;                     /* the highest first, else the lowest */
	long top_k;                     /* units shown of each target; 0: all */
	bool leading_edge;              /* two more columns: genes of the up and of the down set in the leading edge */
};

struct rank_count {
	uint64_t scored, few_genes, no_spread, targets_without;
};

void rank_table_head(struct cli_text *out, const struct rank_table_options *o);
/* The targets of `s`, which are those of t from `first` on. Adds to *n. */
void rank_table_targets(const struct cli *c, struct cli_text *out, const struct rank_table_options *o, const struct rank_reference *r,
			const struct rank_targets *t, size_t first, const struct rank_scores *s, const struct rank_options *how, struct rank_count *n);

/*
 * Ranked units of a target, at least the first `most` (0: all), then UINT32_MAX: the ones with a statistic, then the others;
 * ties by name. Caller frees.
 */
uint32_t *rank_order(const struct rank_reference *r, const double *stat, bool mimic, size_t most, size_t *n_scored);
/* The signature that a unit is shown by: the strongest in the direction of its statistic. SIZE_MAX: none. */
size_t rank_shown(const struct rank_reference *r, size_t unit, const double *score, double stat);

#endif
