/*
 * What is made of scores: normalised within groups, summarised over signatures,
 * compared to a background.
 */
#ifndef CONNECT_SUMMARY_H
#define CONNECT_SUMMARY_H
#include <stddef.h>
#include <stdint.h>

/*
 * Normalised connectivity: score / mean of the positive scores of its group, or / |mean of the negative ones|;
 * zeros do not count in the means. NaN stays. group[i] < n_groups. (Subramanian et al. 2017.)
 */
void summary_normalise(const double *score, const uint32_t *group, size_t n, size_t n_groups, double *out);
/* Quantile q of n ascending values, Hazen's: position n q + 1/2, between them linearly, ends held. NaN for none. */
double summary_quantile(const double *sorted, size_t n, double q);
/*
 * Maximum quantile: of the 67th and the 33rd percentile the one of larger magnitude, the 67th when they are
 * equally large. Orders `value` and leaves NaN out; NaN when nothing is left.
 */
double summary_max_quantile(double *value, size_t n);
/* Mean of |value| over those that are finite; 0 for none. */
double summary_mean_magnitude(const double *value, size_t n);
/* Rows of the groups: members of group g are member[start[g] .. start[g + 1]]. out[g] over value[member]. */
struct summary_groups {
	size_t n;
	size_t *start;
	uint32_t *member;
};
void summary_groups_init(struct summary_groups *g, const uint32_t *group, size_t n, size_t n_groups);    /* UINT32_MAX: in none */
void summary_groups_free(struct summary_groups *g);
void summary_over_groups(const struct summary_groups *g, const double *value, int threads, double *out);
/* Counts |null[i]| >= |observed[i]|, a null that is NaN among them; and |null[i]| < |observed[i]|. */
void summary_count_at_least(const double *null, const double *observed, size_t n, uint32_t *count);
void summary_count_below(const double *null, const double *observed, size_t n, uint32_t *count);

#endif
