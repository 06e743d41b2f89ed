#include "unit.h"
#include "connect/summary.h"
#include "stats/adjust.h"
#include <string.h>

UNIT(normalised_by_the_mean_of_the_side)
{
	double score[] = { 0.5, 0, 0.1, -0.2, -0.4, (double)NAN, 1, 0 }, out[8];
	uint32_t group[] = { 0, 0, 0, 0, 0, 0, 1, 1 };
	summary_normalise(score, group, 8, 2, out);
	double want[] = { 0.5 / 0.3, 0, 0.1 / 0.3, -0.2 / 0.3, -0.4 / 0.3, (double)NAN, 1, 0 };
	for (int i = 0; i < 8; i++)
		CHECK_NEAR(out[i], want[i], 1e-15);
}

/* Hazen (1914): value i of n is the quantile (i - 1/2) / n. */
UNIT(hazen_quantiles)
{
	double x[] = { 1, 2, 4, 8 };
	CHECK_NEAR(summary_quantile(x, 4, 0.125), 1, 0);
	CHECK_NEAR(summary_quantile(x, 4, 0.375), 2, 0);
	CHECK_NEAR(summary_quantile(x, 4, 0.5), 3, 1e-15);
	CHECK_NEAR(summary_quantile(x, 4, 0.01), 1, 0);
	CHECK_NEAR(summary_quantile(x, 4, 0.99), 8, 0);
	CHECK_NEAR(summary_quantile(x, 1, 0.67), 1, 0);
	CHECK(isnan(summary_quantile(x, 0, 0.5)));
}

UNIT(the_larger_quantile_in_magnitude)
{
	double a[] = { -1, -4, 0.5, (double)NAN }, b[] = { 3, 3 }, c[] = { -2, 2 }, d[] = { (double)NAN };
	/* -4, -1, 0.5: 33 % is at 1.49, 67 % at 2.51. */
	CHECK_NEAR(summary_max_quantile(a, 4), -4 + 0.49 * 3, 1e-14);
	CHECK_NEAR(summary_max_quantile(b, 2), 3, 0);
	CHECK(summary_max_quantile(c, 2) > 0);
	CHECK(isnan(summary_max_quantile(d, 1)));
}

UNIT(groups)
{
	double value[] = { 1, 2, -7, 4, 9 }, out[3];
	uint32_t group[] = { 2, 0, UINT32_MAX, 2, 0 };
	struct summary_groups g;
	summary_groups_init(&g, group, 5, 3);
	summary_over_groups(&g, value, 2, out);
	double first[] = { 2, 9 }, last[] = { 1, 4 };
	CHECK_NEAR(out[0], summary_max_quantile(first, 2), 0);
	CHECK(isnan(out[1]));
	CHECK_NEAR(out[2], summary_max_quantile(last, 2), 0);
	summary_groups_free(&g);
}

/* R: p.adjust(c(0.01, 0.04, 0.03, 0.5), "BH") */
UNIT(benjamini_hochberg)
{
	double p[] = { 0.01, (double)NAN, 0.04, 0.03, 0.5 }, q[5], want[] = { 0.04, (double)NAN, 0.16 / 3, 0.16 / 3, 0.5 };
	adjust_bh(p, q, 5);
	for (int i = 0; i < 5; i++)
		CHECK_NEAR(q[i], want[i], 1e-15);
	/* As logarithms, every other place. */
	double log_p[10];
	for (int i = 0; i < 5; i++)
		log_p[2 * i] = log(p[i]);
	adjust_bh_log(log_p, log_p, 5, 2);
	for (int i = 0; i < 5; i++)
		CHECK_NEAR(exp(log_p[2 * i]), want[i], 1e-15);
	adjust_bh(p, q, 0);
}

UNIT(counts)
{
	double null[] = { -2, 1, (double)NAN, 0, 3 }, seen[] = { 2, 2, 2, 0, -3.5 };
	uint32_t at_least[5] = { 0 }, below[5] = { 0 };
	summary_count_at_least(null, seen, 5, at_least);
	summary_count_below(null, seen, 5, below);
	CHECK(!memcmp(at_least, (uint32_t[]){ 1, 0, 1, 1, 0 }, sizeof at_least));
	CHECK(!memcmp(below, (uint32_t[]){ 0, 1, 0, 0, 1 }, sizeof below));
}

UNIT(mean_magnitude)
{
	double x[] = { -2, 0, (double)NAN, 4 };
	CHECK_NEAR(summary_mean_magnitude(x, 4), 3, 0);
	CHECK_NEAR(summary_mean_magnitude(x + 1, 2), 0, 0);
}

UNITS(RUN(normalised_by_the_mean_of_the_side), RUN(hazen_quantiles), RUN(the_larger_quantile_in_magnitude), RUN(groups),
      RUN(benjamini_hochberg), RUN(counts), RUN(mean_magnitude))
