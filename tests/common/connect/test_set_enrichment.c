#include "connect/set_enrichment.h"
#include "unit.h"

/* Of 20 genes 8 in the set, 6 in the list, 5 in both: (C(8,5) C(12,1) + C(8,6)) / C(20,6). */
UNIT(fisher_by_hand)
{
	struct set_counts c = { 5, 8, 6, 20 };
	struct set_fisher f = set_fisher(&c, false);
	CHECK_RELATIVE(exp(f.log_p), 700 / 38760.0, 1e-12);
	/* At its maximum of likelihood the expected overlap is the one seen. */
	double sum = 0, mean = 0, choose[7] = { 924, 6336, 13860, 12320, 4620, 672, 28 };
	for (int i = 0; i < 7; i++) {
		sum += choose[i] * pow(f.odds_ratio, i);
		mean += i * choose[i] * pow(f.odds_ratio, i);
	}
	CHECK_NEAR(mean / sum, 5, 1e-12);
	CHECK_RELATIVE(f.combined, -f.log_p * f.odds_ratio, 1e-14);
	struct set_fisher e = set_fisher(&c, true);
	struct set_counts less = { 4, 8, 5, 20 };
	struct set_fisher g = set_fisher(&less, false);
	CHECK(e.log_p == g.log_p && e.odds_ratio == g.odds_ratio && e.log_p > f.log_p);
}

UNIT(ends_of_the_table)
{
	struct set_counts all = { 4, 4, 6, 20 }, none = { 0, 3, 6, 20 }, no = { 7, 5, 9, 20 }, empty = { 0, 0, 6, 20 };
	CHECK(isinf(set_fisher(&all, false).odds_ratio) && isinf(set_fisher(&all, false).combined));
	struct set_fisher f = set_fisher(&none, true);
	CHECK(f.odds_ratio == 0 && f.log_p == 0 && f.combined == 0);
	CHECK(!set_fisher(&no, false).possible && isnan(set_fisher(&no, false).log_p));
	CHECK(set_fisher(&empty, false).log_p == 0);
}

/* The formula as it is written, with overlaps counted from the start every time. */
static double slow(double p, const uint32_t *a, size_t na, const uint32_t *b, size_t nb)
{
	size_t s = na < nb ? na : nb, l = na < nb ? nb : na, x[100] = { 0 };
	for (size_t d = 1; d <= l; d++)
		for (size_t i = 0; i < d && i < na; i++)
			for (size_t j = 0; j < d && j < nb; j++)
				x[d] += a[i] == b[j];
	double sum = 0;
	for (size_t d = 1; d <= l; d++)
		sum += (double)x[d] / (double)d * pow(p, (double)d);
	for (size_t d = s + 1; d <= l; d++)
		sum += (double)(x[s] * (d - s)) / (double)(s * d) * pow(p, (double)d);
	return (1 - p) / p * sum + ((double)(x[l] - x[s]) / (double)l + (double)x[s] / (double)s) * pow(p, (double)l);
}

UNIT(overlap_is_the_formula)
{
	uint32_t a[] = { 3, 1, 4, 15, 9, 2, 6 }, b[] = { 1, 4, 3, 8, 2, 7, 18, 28, 9, 5, 6 };
	uint8_t seen[30] = { 0 };
	struct set_rbo o = { .persistence = 0.9 };
	CHECK_NEAR(set_rbo(&o, a, 7, b, 11, seen), slow(0.9, a, 7, b, 11), 1e-14);
	CHECK_NEAR(set_rbo(&o, b, 11, a, 7, seen), slow(0.9, a, 7, b, 11), 1e-14);
	CHECK_NEAR(set_rbo(&o, a, 7, a, 7, seen), 1, 1e-14);
	CHECK(set_rbo(&o, a, 7, a, 0, seen) == 0);
	o.depth = 4;
	CHECK_NEAR(set_rbo(&o, a, 7, b, 11, seen), slow(0.9, a, 4, b, 4), 1e-14);
	double plain = set_rbo(&o, a, 7, b, 11, seen);
	o.extra = true;
	CHECK_NEAR(set_rbo(&o, a, 7, b, 11, seen) - plain, 0.1 / 0.9 * 3 / (4 * 5.0) * pow(0.9, 5), 1e-14);
	o = (struct set_rbo){ .persistence = 0.7, .even = true };
	CHECK_NEAR(set_rbo(&o, a, 7, b, 11, seen), slow(0.7, a, 7, b, 7), 1e-14);
	for (int i = 0; i < 30; i++)
		CHECK(seen[i] == 0);
}

UNIT(random_lists_are_the_same_for_any_threads)
{
	uint32_t pool[40], set[] = { 2, 3, 5, 7, 11 };
	double one[500], three[500], mean = 0;
	for (uint32_t i = 0; i < 40; i++)
		pool[i] = i;
	struct set_rbo o = { .persistence = 0.9 };
	set_rbo_null(&o, set, 5, pool, 40, 10, 40, 3, 500, 1, one);
	set_rbo_null(&o, set, 5, pool, 40, 10, 40, 3, 500, 3, three);
	for (int i = 0; i < 500; i++) {
		CHECK(one[i] == three[i]);
		mean += one[i] / 500;
	}
	/* A random gene is in the first d of 40 with d / 40. */
	CHECK(mean > 0.1 && mean < 0.3);
	CHECK(set_rbo_log_p_normal(1, one, 500) < -5);
	CHECK_NEAR(set_rbo_log_p_normal(mean, one, 500), log(0.5), 1e-9);
	double same[] = { 0.5, 0.5 };
	CHECK(isnan(set_rbo_log_p_normal(1, same, 2)));
}

UNITS(RUN(fisher_by_hand), RUN(ends_of_the_table), RUN(overlap_is_the_formula), RUN(random_lists_are_the_same_for_any_threads))
