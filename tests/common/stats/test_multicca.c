#include <string.h>
#include "base/mem.h"
#include "num/random.h"
#include "num/svd.h"
#include "stats/multicca.h"
#include "unit.h"

enum { ROWS = 50, COLUMNS = 6 };

static void fill(double *x, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i += 2) {
		struct random4 r = random_words(seed, 5, i, 0);
		double z[2];
		random_normal(&r, z);
		x[i] = z[0];
		x[i + 1 < n ? i + 1 : i] = z[1];
	}
}

/* A common factor in all matrices. */
static void plant(double *x, size_t n, uint64_t seed)
{
	double factor[ROWS];
	fill(factor, ROWS, 77);
	fill(x, ROWS * n, seed);
	for (size_t j = 0; j < n; j++)
		for (size_t i = 0; i < ROWS; i++)
			x[j * ROWS + i] += (double)(j % 3) * factor[i];
}

/* Without a bound, two matrices have the leading singular vectors of X' Y. */
UNIT(two_matrices_are_a_singular_value)
{
	for (uint64_t seed = 1; seed < 20; seed++) {
		double x[ROWS * COLUMNS], y[ROWS * (COLUMNS - 2)], a[COLUMNS * (COLUMNS - 2)], s[COLUMNS], v[COLUMNS * COLUMNS], w[COLUMNS], u[COLUMNS];
		plant(x, COLUMNS, seed);
		plant(y, COLUMNS - 2, seed + 100);
		struct multicca_matrix m[] = { { x, COLUMNS, w }, { y, COLUMNS - 2, u } };
		CHECK(multicca(&(struct multicca_options){ 0 }, m, 2, ROWS) > 1);
		for (size_t i = 0; i < COLUMNS; i++)
			for (size_t j = 0; j < COLUMNS - 2; j++) {
				a[j * COLUMNS + i] = 0;
				for (size_t r = 0; r < ROWS; r++)
					a[j * COLUMNS + i] += x[i * ROWS + r] * y[j * ROWS + r];
			}
		CHECK(svd_thin(a, COLUMNS, COLUMNS - 2, s, v));
		double same = 0;
		for (size_t j = 0; j < COLUMNS - 2; j++)
			same += v[j] * u[j];
		CHECK_NEAR(fabs(same), 1, 1e-9);
	}
}

static double criterion(const struct multicca_matrix *m, size_t k)
{
	double sum = 0;
	for (size_t a = 1; a < k; a++)
		for (size_t b = 0; b < a; b++)
			for (size_t r = 0; r < ROWS; r++) {
				double p = 0, q = 0;
				for (size_t j = 0; j < m[a].n; j++)
					p += m[a].x[j * ROWS + r] * m[a].w[j];
				for (size_t j = 0; j < m[b].n; j++)
					q += m[b].x[j * ROWS + r] * m[b].w[j];
				sum += p * q;
			}
	return sum;
}

UNIT(bound_holds_and_nothing_near_is_better)
{
	for (uint64_t seed = 1; seed < 20; seed++) {
		double x[3][ROWS * COLUMNS], w[3][COLUMNS], other[3][COLUMNS];
		struct multicca_matrix m[3], moved[3];
		for (int k = 0; k < 3; k++) {
			plant(x[k], COLUMNS, seed * 3 + (uint64_t)k);
			m[k] = (struct multicca_matrix){ x[k], COLUMNS, w[k] };
			moved[k] = (struct multicca_matrix){ x[k], COLUMNS, other[k] };
		}
		multicca(&(struct multicca_options){ .penalty = 1.5 }, m, 3, ROWS);
		double best = criterion(m, 3);
		for (int k = 0; k < 3; k++) {
			double squares = 0, sum = 0;
			for (size_t j = 0; j < COLUMNS; j++) {
				squares += w[k][j] * w[k][j];
				sum += fabs(w[k][j]);
			}
			CHECK_NEAR(squares, 1, 1e-12);
			CHECK(sum <= 1.5 + 1e-9);
		}
		/* Each w_i is the best for the others': steps towards any unit vector within the bound, made short again, gain nothing. */
		for (int k = 0; k < 3; k++)
			for (size_t to = 0; to < COLUMNS; to++) {
				memcpy(other, w, sizeof other);
				for (size_t j = 0; j < COLUMNS; j++)
					other[k][j] = 0.99 * w[k][j] + (j == to ? copysign(0.01, w[k][j]) : 0);
				CHECK(criterion(moved, 3) <= best * (1 + 1e-6));
			}
	}
}

UNIT(no_start_from_values_that_are_not_finite)
{
	double x[ROWS * COLUMNS], y[ROWS * COLUMNS], w[COLUMNS], u[COLUMNS];
	plant(x, COLUMNS, 1);
	plant(y, COLUMNS, 2);
	y[3] = NAN;
	struct multicca_matrix m[] = { { x, COLUMNS, w }, { y, COLUMNS, u } };
	CHECK(multicca(&(struct multicca_options){ 0 }, m, 2, ROWS) == 0);
}

UNITS(RUN(two_matrices_are_a_singular_value), RUN(bound_holds_and_nothing_near_is_better), RUN(no_start_from_values_that_are_not_finite))
