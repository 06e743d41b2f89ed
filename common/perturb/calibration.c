#include "perturb/calibration.h"
#include "base/mem.h"
#include "stats/distribution.h"
#include "stats/ranksum.h"
#include <math.h>
#include <string.h>

struct calibration calibration_test(const struct sparse_cols *x, const uint8_t *side)
{
	struct calibration c = { 0, NAN, 0 };
	size_t n[2] = { 0, 0 }, most = 0, small = 0;
	for (size_t i = 0; i < x->n_rows; i++)
		if (side[i] < 2)
			n[side[i]]++;
	if (!n[0] || !n[1])
		return c;
	for (size_t g = 0; g < x->n_cols; g++)
		most = x->start[g + 1] - x->start[g] > most ? x->start[g + 1] - x->start[g] : most;
	double *reference = mem_array(most, sizeof *reference), *value = mem_array(most, sizeof *value);
	double *log_p = mem_array(x->n_cols, sizeof *log_p);
	uint32_t *group = mem_zero(most, sizeof *group);
	struct ranksum_scratch *scratch = ranksum_scratch_new(most, 1);
	for (size_t g = 0; g < x->n_cols; g++) {
		size_t k[2] = { 0, 0 };
		for (size_t i = x->start[g]; i < x->start[g + 1]; i++) {
			uint8_t of = side[x->row[i]];
			if (of < 2 && x->value[i] != 0)
				(of ? value : reference)[k[of]++] = x->value[i];
		}
		if ((double)(k[0] + k[1]) < CALIBRATION_MIN_PCT * (double)(n[0] + n[1]))
			continue;
		struct ranksum_reference r = ranksum_reference(reference, k[0], n[0]);
		struct ranksum_size size = { n[1], k[1] };
		double u, ties;
		ranksum_groups(value, group, k[1], &size, 1, &r, scratch, &u, &ties);
		double p = ranksum_log_p(u, n[1], n[0], ties);
		if (isnan(p))
			continue;
		log_p[c.n_tested++] = p;
		small += p < log(0.05);
	}
	for (size_t i = 0; i < c.n_tested; i++)
		c.n_different += log_p[i] < log(0.05 / (double)c.n_tested);
	if (c.n_tested)
		c.share = (double)small / (double)c.n_tested;
	ranksum_scratch_free(scratch);
	mem_free(reference);
	mem_free(value);
	mem_free(group);
	mem_free(log_p);
	return c;
}

double calibration_smallest_effect(double sd, size_t n_target, size_t n_control, size_t n_tests, double power)
{
	if (!n_target || !n_control || !n_tests)
		return NAN;
	double z = distribution_normal_quantile(1 - 0.025 / (double)n_tests) + distribution_normal_quantile(power);
	return z * sd * sqrt(1 / (double)n_target + 1 / (double)n_control);
}
