#include "unit.h"
#include "stats/loess.h"

enum { N = 28 };
static const double x[N] = { 0, 1, 1, 2, 3, 3, 3, 4, 6, 7, 9, 10, 12, 13, 15, 18, 19, 22, 24, 25, 27, 28, 30, 33, 34, 36, 39, 40 };

static void response(double *y)
{
	for (int i = 0; i < N; i++)
		y[i] = sin(x[i] / 6) + (i + 1) * 7 % 5 / 10.0;
}

/* Fitted values of R 4.2.2's loess(y ~ x, span, degree) at some of the points. */
UNIT(fitted_values_are_those_of_r)
{
	static const int at[] = { 0, 1, 4, 7, 14, 21, 27 };
	static const struct {
		double span;
		int degree;
		double fitted[7];
	} want[] = {
		{ 0.75, 2, { 0.21004664636160703, 0.39609368010864815, 0.70582484175975724, 0.82906617595854948, 0.80553104348480664,
			     -0.63351099369927999, 0.55144980128894361 } },
		{ 0.3, 2, { 0.19312194219166537, 0.42980789491445270, 0.68875038518654474, 0.74445065960902113, 0.70111094925009065,
			    -0.76000262408470742, 0.61454664655461722 } },
		{ 0.5, 1, { 0.31770200818374306, 0.42891465798994610, 0.64522991603503499, 0.75105224601891452, 0.68511003867650166,
			    -0.51307630092654288, 0.26149355295311827 } },
	};
	double y[N], fitted[N];
	response(y);
	for (size_t w = 0; w < 3; w++) {
		CHECK(loess_fit(x, y, N, want[w].span, want[w].degree, fitted));
		for (size_t i = 0; i < 7; i++)
			CHECK_NEAR(fitted[at[i]], want[w].fitted[i], 1e-13);
	}
}

/* Three different x near a vertex, or fewer: the solution of least norm. */
UNIT(ties_and_singular_neighbourhoods)
{
	double tied[80], y[80], fitted[80];
	for (int i = 0; i < 80; i++) {
		tied[i] = i / 8;
		y[i] = tied[i] * tied[i] / 10 + (i + 1) * 7 % 11 / 10.0;
	}
	CHECK(loess_fit(tied, y, 80, 0.3, 2, fitted));
	CHECK_NEAR(fitted[0], 0.5375, 1e-13);
	CHECK_NEAR(fitted[8], 0.6, 1e-13);
	CHECK_NEAR(fitted[24], 1.4625, 1e-13);
	CHECK_NEAR(fitted[79], 8.575, 1e-12);
}

UNIT(a_parabola_is_its_own_fit)
{
	double y[N], fitted[N];
	for (int i = 0; i < N; i++)
		y[i] = 3 - 2 * x[i] + 0.25 * x[i] * x[i];
	CHECK(loess_fit(x, y, N, 0.4, 2, fitted));
	/* The cubic between vertices holds it too. */
	for (int i = 0; i < N; i++)
		CHECK_NEAR(fitted[i], y[i], 1e-10);
}

UNIT(the_order_of_the_points_does_not_matter)
{
	double y[N], a[N], b[N], mixed_x[N], mixed_y[N];
	response(y);
	for (int i = 0; i < N; i++) {
		mixed_x[i * 11 % N] = x[i];
		mixed_y[i * 11 % N] = y[i];
	}
	CHECK(loess_fit(x, y, N, 0.5, 2, a) && loess_fit(mixed_x, mixed_y, N, 0.5, 2, b));
	for (int i = 0; i < N; i++)
		CHECK_NEAR(b[i * 11 % N], a[i], 1e-14);
}

UNIT(what_has_no_fit)
{
	double same[N] = { 0 }, y[N], fitted[N];
	response(y);
	for (int i = 20; i < N; i++)
		same[i] = i;
	CHECK(!loess_fit(same, y, N, 0.3, 2, fitted));
	CHECK(!loess_fit(x, y, N, 0.08, 2, fitted));
	CHECK(!loess_fit(x, y, 0, 0.3, 2, fitted));
}

UNITS(RUN(fitted_values_are_those_of_r), RUN(ties_and_singular_neighbourhoods), RUN(a_parabola_is_its_own_fit),
      RUN(the_order_of_the_points_does_not_matter), RUN(what_has_no_fit))
