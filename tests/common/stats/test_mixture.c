#include "num/random.h"
#include "stats/mixture.h"
#include "unit.h"

enum { N = 1500, FAR = 300 };

/* The first N - FAR from N(0, 1), the rest from N(shift, 0.7). */
static const double *values(double shift)
{
	static double x[N];
	for (uint32_t i = 0; i < N; i += 2) {
		struct random4 r = random_words(3, 1, i, 0);
		random_normal(&r, x + i);
	}
	for (int i = N - FAR; i < N; i++)
		x[i] = shift + 0.7 * x[i];
	return x;
}

static struct mixture start(double weight, double mean, double sd)
{
	return (struct mixture){ .weight = { 1 - weight, weight }, .mean = { 0, mean }, .sd = { 1, sd } };
}

/* Expectation-maximisation without any haste. */
static struct mixture slow(const double *x, struct mixture m)
{
	for (int round = 0; round < 3000; round++) {
		double held = 0, sum = 0, square = 0, share[N];
		for (int i = 0; i < N; i++) {
			share[i] = mixture_posterior(&m, x[i], true);
			held += share[i];
			sum += share[i] * x[i];
		}
		for (int i = 0; i < N; i++)
			square += share[i] * (x[i] - sum / held) * (x[i] - sum / held);
		struct mixture next = start(held / N, sum / held, sqrt(square / held));
		bool still = fabs(next.mean[1] - m.mean[1]) + fabs(next.sd[1] - m.sd[1]) < 1e-10;
		m = next;
		if (still)
			break;
	}
	for (int i = 0; i < N; i++)
		m.log_likelihood += log(m.weight[0] * exp(-0.5 * x[i] * x[i]) +
					m.weight[1] / m.sd[1] * exp(-0.5 * pow((x[i] - m.mean[1]) / m.sd[1], 2))) - 0.5 * log(2 * acos(-1));
	return m;
}

UNIT(converged_is_the_best_of_the_slow_optima)
{
	for (double shift = 1.5; shift <= 4; shift += 0.5) {
		const double *x = values(shift);
		struct mixture best = { .log_likelihood = -INFINITY }, m = start(0, 0, 0);
		for (double mean = 0.5; mean <= 4.5; mean += 1)
			for (double sd = 0.4; sd < 2; sd *= 2) {
				struct mixture end = slow(x, start(0.4, mean, sd));
				if (end.log_likelihood > best.log_likelihood)
					best = end;
			}
		CHECK(mixture_fit(&m, x, N));
		CHECK(m.converged);
		CHECK_NEAR(m.log_likelihood, best.log_likelihood, 1e-6);
		CHECK_NEAR(m.weight[1], best.weight[1], 1e-5);
		CHECK_NEAR(m.mean[1], best.mean[1], 1e-5);
		CHECK_NEAR(m.sd[1], best.sd[1], 1e-5);
	}
}

UNIT(early_stops_end_near_the_optimum_and_below_it)
{
	const double *x = values(3);
	struct mixture best = start(0, 0, 0), r = start(0.58360240890933046, 3, 1), learn = start(0.5, 3, 1);
	CHECK(mixture_fit(&best, x, N));
	CHECK(mixture_fit_mixtools(&r, x, N));
	mixture_fit_sklearn(&learn, x, N);
	CHECK(r.converged && learn.converged);
	CHECK(r.log_likelihood <= best.log_likelihood && r.log_likelihood > best.log_likelihood - 1e-5);
	CHECK(learn.log_likelihood < best.log_likelihood && learn.log_likelihood > best.log_likelihood - 15);
	CHECK(learn.iterations < r.iterations);
}

UNIT(a_second_that_is_not_there_is_reported)
{
	double x[200];
	for (int i = 0; i < 200; i++)
		x[i] = i % 2 ? 0.8 : -0.8;
	x[0] = x[2] = x[4] = 5;
	struct mixture point = start(0, 0, 0), r = start(0.5, 5, 0.1);
	CHECK(!mixture_fit(&point, x, 200));
	CHECK(!mixture_fit_mixtools(&r, x, 200));
}

UNIT(posteriors)
{
	struct mixture m = start(0.2, 2, 1);
	CHECK_NEAR(mixture_posterior(&m, 1, false), 0.5, 1e-15);
	CHECK_NEAR(mixture_posterior(&m, 1, true), 0.2, 1e-15);
	CHECK_NEAR(mixture_posterior_r(&m, 1), 0.5, 1e-15);
	CHECK(isnan(mixture_posterior_r(&m, 1e6)));
	CHECK_NEAR(mixture_posterior(&m, 1e6, false), 1, 0);
}

UNITS(RUN(converged_is_the_best_of_the_slow_optima), RUN(early_stops_end_near_the_optimum_and_below_it),
      RUN(a_second_that_is_not_there_is_reported), RUN(posteriors))
