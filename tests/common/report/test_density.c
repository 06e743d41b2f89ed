#include "unit.h"
#include "num/random.h"
#include "report/density.h"
#include <string.h>

enum { N = 3000 };

/* Normal values, with a few far away. */
static void values(double *v, double scale)
{
	for (size_t i = 0; i < N; i += 2) {
		struct random4 r = random_words(5, 1, i, 0);
		random_normal(&r, v + i);
	}
	for (size_t i = 0; i < N; i++)
		v[i] = scale * (i % 500 == 0 ? 20 * v[i] : v[i] + 1);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

UNIT(bins_do_not_depend_on_the_order)
{
	double v[N];
	struct density a = { 0 }, b = { 0 };
	values(v, 1);
	for (size_t i = 0; i < N; i++) {
		density_add(&a, v[i]);
		density_add(&b, v[N - 1 - i]);
	}
	CHECK(a.power == b.power && a.first == b.first && a.last == b.last && !memcmp(a.bin, b.bin, DENSITY_BINS * sizeof *a.bin));
	CHECK(a.last - a.first < DENSITY_BINS && a.last - a.first > DENSITY_BINS / 5);
	double sum = 0;
	for (size_t i = 0; i < DENSITY_BINS; i++)
		sum += a.bin[i];
	CHECK(sum == N);
	density_free(&a);
	density_free(&b);
}

UNIT(quantiles_are_right_to_a_bin)
{
	for (int k = -6; k <= 6; k += 3) {
		double v[N], scale = pow(10, k);
		struct density d = { 0 };
		values(v, scale);
		for (size_t i = 0; i < N; i++)
			density_add(&d, v[i]);
		qsort(v, N, sizeof *v, ascending);
		for (double q = 0.01; q < 1; q += 0.07)
			CHECK_NEAR(density_quantile(&d, q), v[(size_t)(q * N)], ldexp(1, d.power) + 0.05 * scale);
		CHECK(density_quantile(&d, 0) >= d.low && density_quantile(&d, 1) <= d.high);
		density_free(&d);
	}
}

/* The plain version: a kernel on each value, with the bandwidth of the header. */
UNIT(the_curve_is_the_kernel_density_of_the_values)
{
	double v[N], sorted[N], at[50], out[50];
	struct density d = { 0 };
	values(v, 1);
	double sum = 0, squares = 0;
	for (size_t i = 0; i < N; i++) {
		density_add(&d, v[i]);
		sum += v[i];
	}
	for (size_t i = 0; i < N; i++)
		squares += (v[i] - sum / N) * (v[i] - sum / N);
	memcpy(sorted, v, sizeof v);
	qsort(sorted, N, sizeof *sorted, ascending);
	double sd = sqrt(squares / (N - 1)), iqr = sorted[N * 3 / 4] - sorted[N / 4], h = 0.9 * fmin(sd, iqr / 1.34) * pow(N, -0.2), area = 0;
	for (size_t k = 0; k < 50; k++)
		at[k] = -4 + 0.2 * (double)k;
	density_curve(&d, at, 50, out);
	for (size_t k = 0; k < 50; k++) {
		double plain = 0;
		for (size_t i = 0; i < N; i++)
			plain += exp(-0.5 * pow((at[k] - v[i]) / h, 2));
		plain /= N * h * sqrt(2 * M_PI);
		CHECK_NEAR(out[k], plain, 0.012);
		area += 0.2 * out[k];
	}
	CHECK_NEAR(area, 1, 0.02);
	density_free(&d);
}

UNIT(values_that_make_no_curve)
{
	double at[3] = { 0, 1, 2 }, out[3] = { 9, 9, 9 };
	struct density d = { 0 };
	CHECK(isnan(density_quantile(&d, 0.5)));
	density_curve(&d, at, 3, out);
	CHECK(out[0] == 0 && out[2] == 0);
	for (int i = 0; i < 4; i++)
		density_add(&d, 1);
	density_curve(&d, at, 3, out);
	CHECK(out[1] == 0 && density_quantile(&d, 0.5) == 1);
	density_free(&d);
	/* As far apart as numbers go. */
	density_add(&d, -1e300);
	density_add(&d, 1e300);
	density_add(&d, 1e-300);
	CHECK(d.last - d.first < DENSITY_BINS && density_quantile(&d, 0) == -1e300);
	density_free(&d);
}

UNITS(RUN(bins_do_not_depend_on_the_order), RUN(quantiles_are_right_to_a_bin), RUN(the_curve_is_the_kernel_density_of_the_values), RUN(values_that_make_no_curve))
