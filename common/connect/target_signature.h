/*
 * The state of a population as one effect a gene: cells of a group against the rest, against one group, or the two
 * conditions inside of the group. Effects keep their sign and their zero: positive is higher in the case.
 *
 * With mean m, variance s^2 (over n, or over n - 1: u^2), U the pairs that the case wins (ties for a half):
 *   rank_biserial  2 U / (n1 n2) - 1                                  (Cureton 1956; Kerby 2014)
 *   cohen_d        (m1 - m2) / sqrt((s1^2 + s2^2) / 2)                (Cohen 1988, for unequal sizes too)
 *   logfc          m1 - m2, of log1p values
 *   t              (m1 - m2) / sqrt(u1^2 / n1 + u2^2 / n2)            (Welch 1947)
 *   wilcoxon       (U - n1 n2 / 2) / sqrt(n1 n2 / 12 (n + 1 - sum(t^3 - t) / (n (n - 1)))), mid ranks
 * No difference and no spread is 0; a difference without any spread has no size: NaN (cohen_d, t).
 *
 * With samples (donors), a sample counts on a side where it has min_cells cells. Paired, over the samples on both sides:
 *   rank_biserial, cohen_d, logfc   mean over samples of the effect inside the sample, each with the same weight
 *   t              of the differences of means: mean(d) / (sd(d) / sqrt(k)), k - 1 degrees of freedom
 *   wilcoxon       sum_s w_s (U_s - n1 n2 / 2) / sqrt(sum_s w_s^2 var_s), w_s = 1 / (n1 + n2 + 1) (van Elteren 1960)
 * Unpaired, the mean of each sample and side is one observation (pseudobulk) and the formulas above apply to those.
 * Pairs when two samples or more are on both sides, unless it is said otherwise.
 * (Squair et al. 2021, Nature Communications: cells of one donor are no replicates.)
 */
#ifndef CONNECT_TARGET_SIGNATURE_H
#define CONNECT_TARGET_SIGNATURE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "stats/moments.h"

enum target_method { TARGET_RANK_BISERIAL, TARGET_COHEN_D, TARGET_LOGFC, TARGET_T, TARGET_WILCOXON };
enum target_against { TARGET_REST, TARGET_LABEL, TARGET_CONDITION };
enum target_pairing { TARGET_PAIR_AUTO, TARGET_PAIRED, TARGET_UNPAIRED };
enum target_reason { TARGET_DONE, TARGET_NO_CELLS, TARGET_NO_CONTROLS, TARGET_FEW_CELLS, TARGET_FEW_CONTROLS, TARGET_FEW_SAMPLES, TARGET_N_REASONS };
extern const char *const target_reason_name[TARGET_N_REASONS + 1];      /* NULL for DONE, and at the end */

struct target_design {
	int method, against, pairing;
	size_t n_groups, n_samples;     /* n_samples 1 where there are none */
	bool sampled;
	uint32_t reference;             /* the group, of TARGET_LABEL */
	size_t min_cells;
};

/* Cells are counted in slots: of a sample, a group, a side (0; 1: the control condition), the sides of a group together. */
static inline size_t target_slot(const struct target_design *d, size_t sample, size_t side, size_t group)
{
	return (sample * d->n_groups + group) * 2 + side;
}
static inline size_t target_slots(const struct target_design *d)
{
	return d->n_samples * 2 * d->n_groups;
}

/* How each group is compared. */
struct target_group {
	enum target_reason reason;
	bool paired;                    /* of a sampled design; else pseudobulks */
	size_t n_case, n_control, n_samples;    /* that are used */
	size_t n_unused;                /* cells of samples that are not: without a partner, or with too few cells */
};
struct target_plan;
/* n_cells[slot]. */
struct target_plan *target_plan_new(const struct target_design *d, const size_t *n_cells);
void target_plan_free(struct target_plan *p);
const struct target_group *target_plan_group(const struct target_plan *p, size_t group);
/* Are ranks of single cells needed (else moments are enough)? In a sampled design that may differ from group to group. */
bool target_plan_ranks(const struct target_plan *p, size_t group);
bool target_plan_any(const struct target_plan *p, bool ranks);

/* For one thread; `most`: values of a gene. */
struct target_scratch;
struct target_scratch *target_scratch_new(const struct target_plan *p, size_t most);
void target_scratch_free(struct target_scratch *s);

/*
 * One gene. Both write effect[g] of the groups that are theirs (target_plan_ranks) and have no reason, and leave the others.
 * From the moments of each slot, its zeros included; or from the non-zero values with their slots.
 */
void target_effect_moments(const struct target_plan *p, const struct moments *slot, struct target_scratch *s, double *effect);
void target_effect_ranks(const struct target_plan *p, const double *value, const uint32_t *slot, size_t n, struct target_scratch *s,
			 double *effect);

#endif
