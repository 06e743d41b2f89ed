/*
 * Which guide a cell has, from its guide counts.
 *
 * GUIDES_MAX: the largest count, when no other guide has as many (Papalexi et al. 2021).
 * GUIDES_THRESHOLD: the guide with at least min_umi counts and min_share of the cell's guide counts, when one has.
 * GUIDES_MIXTURE: the guide whose count reaches its own limit, when one does. The limit comes from a mixture of
 *   background and signal on y = log2(count) over the cells that have the guide: Poisson(lambda), continued by the
 *   gamma function, and Normal(mean, sd) (Replogle et al. 2022): the least count from which on up to the signal's
 *   mean the signal is the likelier. EM from a split at half of the largest y until the mean log likelihood moves by
 *   less than 1e-12; no seed. The order of the cells has no part in it.
 */
#ifndef PERTURB_GUIDES_H
#define PERTURB_GUIDES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum guides_method { GUIDES_MAX, GUIDES_THRESHOLD, GUIDES_MIXTURE };
enum guides_reason {
	GUIDES_ASSIGNED, GUIDES_NO_COUNTS, GUIDES_TIE, GUIDES_BELOW_THRESHOLD, GUIDES_MULTIPLE, GUIDES_NO_FIT, GUIDES_NOT_IN_STREAM,
	GUIDES_N_REASONS
};
extern const char *const guides_reason_name[GUIDES_N_REASONS];  /* NULL for ASSIGNED */

struct guides_rule {
	enum guides_method method;
	double min_umi, min_share;
	const double *limit;            /* of each guide, for the mixture; INFINITY where there is no fit */
};

struct guides_call {
	uint32_t guide;                 /* UINT32_MAX unless assigned */
	enum guides_reason reason;
	uint32_t umi;                   /* of the guide; 0 unless assigned */
	uint64_t total;                 /* of all guides */
};

/* NO_FIT: no guide passes, and the one with the largest count has no fit. */
struct guides_call guides_call(const struct guides_rule *rule, const uint32_t *guide, const uint32_t *count, size_t n);

/* Counts of one guide over the cells. */
enum { GUIDES_SMALL = 256, GUIDES_LEAST_CELLS = 10 };
struct guides_counts {
	uint64_t small[GUIDES_SMALL];   /* cells with each count */
	uint32_t *large;                /* counts from GUIDES_SMALL on */
	size_t n_large, cap;
};
void guides_count(struct guides_counts *c, uint32_t count);

struct guides_mixture {
	double share, mean, sd;         /* of the signal */
	double lambda;                  /* of the background */
	double limit;                   /* INFINITY: no fit */
	int rounds;
};
/*
 * No fit: fewer than GUIDES_LEAST_CELLS cells have the guide, all counts are equal, EM does not come to rest in
 * 10000 rounds, or the signal is not above the background. Sorts c->large.
 */
struct guides_mixture guides_fit(struct guides_counts *c);

/*
 * Length of the target in a guide's name: without g12, _12 or -12 at its end, and a _ or - that stands before g12
 * (STAT1g2, STAT1_2, STAT1-2, STAT1_g2). The whole name when nothing would be left.
 */
size_t guides_target_length(const char *guide);

#endif
