/* Scores of rank by a shared embedding. */
#ifndef CLI_RANK_EMBEDDING_H
#define CLI_RANK_EMBEDDING_H
#include "cli/rank_reference.h"
#include "cli/rank_targets.h"

struct rank_embedding;
/* The reference embedded; targets and reference must have the genes of the model, or are refused by their names. */
struct rank_embedding *rank_embedding_new(const struct cli *c, const char *model, const struct rank_reference *r, const struct rank_targets *t);
void rank_embedding_free(struct rank_embedding *m);
/*
 * score[q * n + s] = -similarity (connect/embedding.h), so that low reverses as in every score; NaN where either has no
 * embedding. overlap (may be NULL): genes of the model that both measured.
 */
void rank_embedding_scores(const struct cli *c, const struct rank_embedding *m, const struct query *q, size_t n_queries, double *score,
			   uint32_t *overlap);

#endif
