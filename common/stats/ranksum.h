/*
 * Wilcoxon's rank-sum test of many groups against one reference (or each
 * against all the others), on sparse values: zeros are not listed, they enter
 * as counts. Mid ranks; U is the number of pairs in which the group's value is
 * the larger, ties for a half; `ties` is the sum of t^3 - t over the tied runs
 * of group and reference together. One sort a gene serves all groups: the work
 * grows with the number of values, not with groups x reference.
 */
#ifndef STATS_RANKSUM_H
#define STATS_RANKSUM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Non-zero values of the reference in ascending order, and what is the same for every group. */
struct ranksum_reference {
	const double *sorted;
	size_t n_values, n_cells;
	size_t n_negative;
	double ties;                    /* among the non-zero values */
};

/* Sorts `value` in place and describes it. */
struct ranksum_reference ranksum_reference(double *value, size_t n_values, size_t n_cells);

/* A group: all its cells, and those that have a value. */
struct ranksum_size {
	size_t n_cells, n_values;
};

/* Buffers for one thread, for up to `most` values and `n_groups` groups. */
struct ranksum_scratch;
struct ranksum_scratch *ranksum_scratch_new(size_t most, size_t n_groups);
void ranksum_scratch_free(struct ranksum_scratch *s);

/* value[i] (non-zero) belongs to group[i] < n_groups. Writes u[g] and ties[g]. */
void ranksum_groups(const double *value, const uint32_t *group, size_t n_values, const struct ranksum_size *size, size_t n_groups,
		    const struct ranksum_reference *reference, struct ranksum_scratch *s, double *u, double *ties);
/* Each group against all cells outside of it; the same `ties` for all. */
void ranksum_rest(const double *value, const uint32_t *group, size_t n_values, const struct ranksum_size *size, size_t n_groups,
		  size_t n_cells, struct ranksum_scratch *s, double *u, double *ties);

/*
 * log p, two-sided, normal approximation with tie and continuity correction (R's wilcox.test); NaN when
 * all values are tied.
 */
double ranksum_log_p(double u, size_t n1, size_t n2, double ties);
/* log p by the exact distribution of U without ties; n1, n2 < 50. */
double ranksum_log_p_exact(double u, size_t n1, size_t n2);
/* z = (U - n1 n2 / 2) / sqrt(n1 n2 (n1 + n2 + 1) / 12): no tie, no continuity correction (scanpy). */
double ranksum_z_plain(double u, size_t n1, size_t n2);

#endif
