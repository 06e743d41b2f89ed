#include "unit.h"
#include "base/mem.h"
#include "num/random.h"
#include "perturb/calibration.h"
#include "stats/distribution.h"

enum { CELLS = 60, GENES = 400 };

/* Cells x genes, `shift` added to the cells of side 1 in the first half of the genes. */
static struct sparse_cols *screen(double shift, uint8_t *side, double *dense)
{
	struct sparse_rows m;
	sparse_rows_init(&m, GENES);
	for (size_t r = 0; r < CELLS; r++) {
		side[r] = r % 2;
		sparse_rows_room(&m, 1, GENES);
		size_t at = m.start[r];
		for (uint32_t g = 0; g < GENES; g++) {
			struct random4 u = random_words(3, 9, r, g);
			double v = random_unit(u.v[0]) < 0.4 ? 0 : 1 + random_unit(u.v[1]) + (side[r] && g < GENES / 2 ? shift : 0);
			dense[r * GENES + g] = v;
			if (v != 0) {
				m.col[at] = g;
				m.value[at++] = v;
			}
		}
		m.start[++m.n_rows] = at;
	}
	struct sparse_cols *x = sparse_transpose(&m, 1);
	sparse_rows_free(&m);
	return x;
}

/* Wilcoxon with every pair compared, ties for a half, and R's approximation. */
static double plain_share(const double *dense, const uint8_t *side, size_t *n_different)
{
	size_t n_small = 0;
	*n_different = 0;
	for (size_t g = 0; g < GENES; g++) {
		double u = 0, n1 = 0, n0 = 0, ties = 0;
		for (size_t i = 0; i < CELLS; i++) {
			double a = dense[i * GENES + g], same = 0;
			for (size_t j = 0; j < CELLS; j++) {
				double b = dense[j * GENES + g];
				same += a == b;
				if (side[i] && !side[j])
					u += a > b ? 1 : a == b ? 0.5 : 0;
			}
			ties += same * same - 1;
			n1 += side[i];
			n0 += !side[i];
		}
		double n = n1 + n0, sd = sqrt(n1 * n0 / 12 * (n + 1 - ties / (n * (n - 1)))), z = u - n1 * n0 / 2;
		z = (z - (z > 0 ? 0.5 : z < 0 ? -0.5 : 0)) / sd;
		n_small += erfc(fabs(z) / sqrt(2)) < 0.05;
		*n_different += erfc(fabs(z) / sqrt(2)) < 0.05 / GENES;
	}
	return (double)n_small / GENES;
}

UNIT(the_share_is_that_of_the_plain_test)
{
	uint8_t side[CELLS];
	double *dense = mem_array((size_t)CELLS * GENES, sizeof *dense);
	for (double shift = 0; shift < 1; shift += 0.4) {
		struct sparse_cols *x = screen(shift, side, dense);
		struct calibration c = calibration_test(x, side);
		CHECK(c.n_tested == GENES);
		size_t n_different;
		CHECK_NEAR(c.share, plain_share(dense, side, &n_different), 1e-12);
		CHECK(c.n_different == n_different && (shift < 0.5 || n_different > 0));
		CHECK(shift > 0 ? c.share > 0.15 : c.share < 0.09 && c.share > 0.01);
		sparse_cols_free(x);
	}
	mem_free(dense);
}

UNIT(cells_of_no_side_have_no_part)
{
	uint8_t side[CELLS];
	double *dense = mem_array((size_t)CELLS * GENES, sizeof *dense);
	struct sparse_cols *x = screen(0.8, side, dense);
	for (size_t r = 0; r < CELLS; r++)
		side[r] = side[r] ? 2 : r % 4 == 0;
	struct calibration c = calibration_test(x, side);
	CHECK(c.n_tested > GENES / 2 && c.share < 0.1);
	for (size_t r = 0; r < CELLS; r++)
		side[r] = 0;
	c = calibration_test(x, side);
	CHECK(c.n_tested == 0 && isnan(c.share));
	sparse_cols_free(x);
	mem_free(dense);
}

/* Simulated: a difference of that size is found about as often as it says. */
UNIT(the_smallest_effect_has_the_power_it_names)
{
	enum { N1 = 40, N0 = 160, TRIALS = 4000 };
	double d = calibration_smallest_effect(2, N1, N0, 100, 0.8), found = 0;
	for (uint32_t t = 0; t < TRIALS; t++) {
		struct random4 r = random_words(7, 1, t, 0);
		double z[2];
		random_normal(&r, z);
		double at = (d + 2 * sqrt(1.0 / N1 + 1.0 / N0) * z[0]) / (2 * sqrt(1.0 / N1 + 1.0 / N0));
		found += distribution_log_normal_two_sided(at) < log(0.05 / 100);
	}
	CHECK_NEAR(found / TRIALS, 0.8, 0.02);
	CHECK_NEAR(calibration_smallest_effect(1, 100, 100, 1, 0.5), 1.959963984540054 * sqrt(0.02), 1e-9);
	CHECK(calibration_smallest_effect(1, 10, 1000, 100, 0.8) > calibration_smallest_effect(1, 20, 1000, 100, 0.8));
	CHECK(isnan(calibration_smallest_effect(1, 0, 10, 10, 0.8)));
}

UNITS(RUN(the_share_is_that_of_the_plain_test), RUN(cells_of_no_side_have_no_part), RUN(the_smallest_effect_has_the_power_it_names))
