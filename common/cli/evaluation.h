/* Retrieval of held-out compounds by an embedding and by scores of connect/score.h, on the same queries and candidates. */
#ifndef CLI_EVALUATION_H
#define CLI_EVALUATION_H
#include "cli/embedding_file.h"
#include "cli/pairing.h"
#include "connect/retrieval.h"
#include "connect/score.h"

struct evaluation_options {
	bool all_candidates;            /* else the held-out signatures alone */
	long n_genes;                   /* per side, for the set scores */
	const uint32_t *k;              /* ascending */
	size_t n_k;
};

struct evaluation {
	const struct cli *c;
	const struct evaluation_options *o;
	const struct signature_set *targets, *drugs;
	struct retrieval retrieval;
	uint8_t *candidate;
	size_t n_candidates;
	struct retrieval_query *query;  /* by target */
	uint32_t *unit;                 /* compound of each query */
	size_t n_queries, n_values;     /* n_values of each query: recall for each k, then the other metrics */
};

/* Held-out queries; none ends the process. */
struct evaluation *evaluation_new(const struct cli *c, const struct evaluation_options *o, const struct pairing *p, const struct signature_set *targets,
				  const struct signature_set *drugs);
void evaluation_free(struct evaluation *e);
/* n_queries x n_values; NaN where a query has no answer. The caller frees. */
double *evaluation_embedding(const struct evaluation *e, const struct embedding *model);
double *evaluation_score(const struct evaluation *e, int method);

#endif
