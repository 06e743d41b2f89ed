/*
 * How well scores find the compounds that reverse a target. A query is a target
 * and one compound known to reverse it; it looks for that compound's signatures
 * among those of the candidates that are not known to reverse the target. The
 * target's other reversers and the signature that it was made of stand aside.
 * Low scores come first; rank = 1 + candidates with a lower score + half of
 * those with the same.
 */
#ifndef CONNECT_RETRIEVAL_H
#define CONNECT_RETRIEVAL_H
#include <stddef.h>
#include <stdint.h>

enum retrieval_metric { RETRIEVAL_RECALL, RETRIEVAL_MRR, RETRIEVAL_AUC, RETRIEVAL_SPEARMAN, RETRIEVAL_N_METRICS };
extern const char *const retrieval_metric_name[RETRIEVAL_N_METRICS];

struct retrieval_query {
	uint32_t target, compound;
};

struct retrieval {
	size_t n_signatures, n_compounds;
	const uint32_t *compound;       /* of each signature */
	const uint8_t *candidate;       /* signatures that take part */
	const uint32_t *self;           /* by target: a signature that stands aside, or UINT32_MAX */
	const int8_t *label;            /* targets x n_compounds: 1 reverses */
};

/*
 * Of one query, from the scores of its target with all signatures (NaN stands behind all others, like a tie): the share of the
 * compound's signatures of rank <= k for each of n_k; 1 / the best rank; the mean chance to stand before one
 * that does not reverse (ties half); Spearman's correlation of -score with "reverses". out: n_k + 3 values in
 * the order of enum retrieval_metric. Returns the number of candidates, 0 (and NaN) when the compound has
 * no signature among them or there is no other compound's.
 */
size_t retrieval_measure(const struct retrieval *r, const struct retrieval_query *q, const double *score, const uint32_t *k, size_t n_k, double *out);

/*
 * Mean over compounds of the means over their queries, and a percentile interval from `draws` bootstrap
 * samples of the compounds: value[i * stride] belongs to compound unit[i]; NaN is left out. The draws depend on
 * seed, draw and place alone, so all methods see the same samples. Returns how many compounds there are.
 */
struct retrieval_interval {
	double value, lower, upper;
	size_t n;
};
struct retrieval_interval retrieval_bootstrap(const double *value, size_t stride, const uint32_t *unit, size_t n, size_t n_units, long draws,
					      double level, uint64_t seed);

#endif
