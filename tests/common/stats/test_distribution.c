#include "stats/distribution.h"
#include "unit.h"

/* Values of SciPy 1.18 (mpmath where it underflows). */
UNIT(normal_tails)
{
	CHECK_RELATIVE(exp(distribution_log_normal_tail(0)), 0.5, 1e-15);
	CHECK_RELATIVE(exp(distribution_log_normal_tail(1.5)), 0.06680720126885807, 1e-14);
	CHECK_RELATIVE(exp(distribution_log_normal_tail(-3)), 0.9986501019683699, 1e-15);
	CHECK_RELATIVE(distribution_log_normal_tail(30), -454.32124395634327, 1e-13);
	CHECK_RELATIVE(distribution_log_normal_tail(60), -1805.013560680567, 1e-13);
	CHECK_RELATIVE(exp(distribution_log_normal_two_sided(-2)), 0.04550026389635842, 1e-14);
}

UNIT(chi_square_tail)
{
	CHECK_RELATIVE(exp(distribution_log_chisq1_tail(3.841458820694124)), 0.05, 1e-13);
	CHECK_RELATIVE(exp(distribution_log_chisq1_tail(0)), 1, 0);
	CHECK_RELATIVE(distribution_log_chisq1_tail(3000), -1504.2293081924811, 1e-12);
}

UNIT(t_tail)
{
	CHECK_RELATIVE(exp(distribution_log_t_two_sided(1.5, 20)), 0.14923577116925246, 1e-12);
	CHECK_RELATIVE(exp(distribution_log_t_two_sided(-0.1, 20)), 0.9213399413456138, 1e-13);
	CHECK_RELATIVE(exp(distribution_log_t_two_sided(30, 900)), 1.2919180403050489e-137, 2e-12);
	CHECK_RELATIVE(exp(distribution_log_t_two_sided(2, 1.5)), 0.22418833035605112, 1e-11);
	CHECK(isnan(distribution_log_t_two_sided(NAN, 5)));
}

UNIT(f_tail_and_quantile)
{
	CHECK_RELATIVE(exp(distribution_log_f_tail(4, 3, 12)), 0.03459035715564687, 1e-12);
	CHECK_RELATIVE(distribution_normal_quantile(0.975), 1.959963984540054, 1e-14);
	CHECK_RELATIVE(distribution_normal_quantile(1e-20), -9.262340089798408, 1e-13);
	CHECK_NEAR(distribution_normal_quantile(0.5), 0, 1e-15);
}

UNIT(z_of_any_p)
{
	CHECK_RELATIVE(distribution_z_of_log_p(-400 * M_LN10), 42.82640649117118, 1e-14);
	CHECK_RELATIVE(distribution_z_of_log_p(log(0.05)), 1.9599639845400536, 1e-14);
	CHECK_RELATIVE(distribution_z_of_log_p(-1e-3), 0.001252688016705492, 1e-12);
	CHECK_RELATIVE(distribution_z_of_log_p(-5000), 99.95168254392745, 1e-14);
	CHECK(distribution_z_of_log_p(0) == 0 && isinf(distribution_z_of_log_p(-INFINITY)) && isnan(distribution_z_of_log_p(NAN)));
	for (double z = 1e-3; z < 300; z *= 1.7)
		CHECK_RELATIVE(distribution_z_of_log_p(distribution_log_normal_two_sided(z)), z, 1e-12);
}

/* Exact, by whole numbers: C(n, k) up to n = 60 fits. */
static double choose(int n, int k)
{
	double c = 1;
	for (int i = 1; i <= k; i++)
		c = c * (n - k + i) / i;
	return c;
}

UNIT(hypergeometric_tail)
{
	for (int all = 1; all <= 30; all += 3)
		for (int white = 0; white <= all; white += 2)
			for (int drawn = 0; drawn <= all; drawn += 3)
				for (int k = 0; k <= all; k++) {
					double sum = 0;
					for (int x = k; x <= white && x <= drawn; x++)
						sum += drawn - x <= all - white ? choose(white, x) * choose(all - white, drawn - x) : 0;
					double got = exp(distribution_log_hypergeometric_tail(k, white, drawn, all)), want = sum / choose(all, drawn);
					CHECK_NEAR(got, want, 1e-13 * want);
				}
	/* scipy.stats.hypergeom and exact fractions. */
	CHECK_RELATIVE(exp(distribution_log_hypergeometric_tail(10, 47, 10, 200)), 2.3063853535145373e-07, 1e-13);
	CHECK_NEAR(distribution_log_hypergeometric_tail(8835, 11476, 9988, 30000), -8582.440558524055, 1e-10);
	CHECK_NEAR(distribution_log_hypergeometric_tail(9860, 21223, 12372, 30000), -423.15924059655663, 1e-10);
}

UNITS(RUN(hypergeometric_tail), RUN(normal_tails), RUN(chi_square_tail), RUN(t_tail), RUN(f_tail_and_quantile), RUN(z_of_any_p))
