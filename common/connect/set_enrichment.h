/*
 * Does a list of genes lie in a set?
 *
 * fisher  P(X >= overlap), X hypergeometric over the background (one-sided Fisher). The odds ratio is the conditional maximum
 *         likelihood estimate, as R's fisher.test has it: 0 and infinite at the ends of what the margins allow. combined is
 *         -ln(p) x odds ratio. `ease` counts one gene less in the overlap (Hosack et al. 2003) where there is one.
 * rbo     extrapolated rank-biased overlap of two ranked lists (Webber, Moffat and Zobel 2010, equation 32). Of the shorter s,
 *         of the longer l places, both at most `depth`; X_d the overlap of the first d:
 *           (1 - p) / p [ sum_{d <= l} X_d / d p^d + sum_{s < d <= l} X_s (d - s) / (s d) p^d ] + [ (X_l - X_s) / l + X_s / s ] p^l,
 *         at most 1. even: both are cut to s places. extra: where s = l, (1 - p) / p X_s / (s (l + 1)) p^(l + 1) more, the term
 *         that gespeR's and Mixscale's rbo add there.
 */
#ifndef CONNECT_SET_ENRICHMENT_H
#define CONNECT_SET_ENRICHMENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Counts: genes of the list in the set, of the set and of the list in the background, of the background. */
struct set_counts {
	size_t overlap, n_set, n_list, n_all;
};
struct set_fisher {
	bool possible;                  /* no cell of the table is negative */
	double odds_ratio, log_p, combined;
};
struct set_fisher set_fisher(const struct set_counts *counts, bool ease);

struct set_rbo {
	double persistence;             /* p, in (0, 1) */
	size_t depth;                   /* 0: all */
	bool even, extra;
};
/* a and b: items, each once, best first; `seen`: a byte for every item, all 0 before and after. 0 where a list is empty. */
double set_rbo(const struct set_rbo *o, const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b, uint8_t *seen);
/*
 * set_rbo of `set` with `n` random lists of `length` items in random order, out of pool[0 .. n_pool): by seed and number alone.
 */
void set_rbo_null(const struct set_rbo *o, const uint32_t *set, size_t n_set, const uint32_t *pool, size_t n_pool, size_t length,
		  size_t n_items, uint64_t seed, size_t n, int threads, double *out);
/* log P that as much comes of a normal distribution with the mean and deviation (n - 1) of `null`. */
double set_rbo_log_p_normal(double value, const double *null, size_t n);

#endif
