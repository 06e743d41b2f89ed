/*
 * Does a class of items (compounds with one mechanism of action) gather at the top of a ranking?
 *
 * fisher  P(X >= overlap), X hypergeometric: the class among the first n_top of n_all items (one-sided Fisher);
 *         odds ratio a d / (b c) of the table itself, infinite where b c is 0.
 * gsea    weighted running sum: a hit steps up by |score|^w over its sum, a miss down by 1 / (n - m); the statistic is
 *         the largest deviation from 0, the positive one when both are as large to 1e-12 (Subramanian et al. 2005). Hits that all
 *         have weight 0 count alike.
 * rbo     rank-biased overlap of the ranking with the class, all members of which tie for the first place:
 *         (1 - p) sum_d p^(d - 1) 2 X_d / (d + m), X_d members among the first d (Webber, Moffat and Zobel 2010,
 *         section on ties); down to the end of the ranking, without extrapolation.
 *
 * gsea and rbo are compared with random classes of the same size: p = (1 + those at least as large) / (1 + those
 * drawn), for gsea among those with the same sign.
 */
#ifndef CONNECT_CLASS_ENRICHMENT_H
#define CONNECT_CLASS_ENRICHMENT_H
#include <stddef.h>
#include <stdint.h>

enum class_method { CLASS_FISHER, CLASS_GSEA, CLASS_RBO };

/* A ranking: weight[i] = |score|^w of the item at place i (gsea). */
struct class_ranking {
	size_t n;
	const double *weight;
	double persistence;             /* p of rbo, in (0, 1) */
};

struct class_table {
	double odds_ratio, log_p;
};
struct class_table class_fisher(size_t overlap, size_t n_class, size_t n_top, size_t n_all);
/* place: the m members' places, ascending, 0 < m < n; *edge: how many of them are in the leading edge (from the far end when negative). */
double class_gsea(const struct class_ranking *r, const uint32_t *place, size_t m, size_t *edge);
double class_rbo(const struct class_ranking *r, const uint32_t *place, size_t m);
/* The statistics of n random classes of m members, the same for any number of threads. */
void class_null(const struct class_ranking *r, int method, size_t m, uint64_t seed, size_t n, int threads, double *out);
double class_p(int method, double statistic, const double *null, size_t n);

#endif
