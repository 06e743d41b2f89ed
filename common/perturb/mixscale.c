#include "perturb/mixscale.h"
#include "base/mem.h"
#include "perturb/markers.h"
#include <math.h>
#include <string.h>

const char *const mixscale_reason_name[MIXSCALE_N_REASONS] = { NULL, "too_few_cells", "too_few_controls", "too_few_markers", "no_label",
	"no_split", "no_signature", "no_direction", "no_spread_of_controls", "no_controls_in_split" };

static double mean_of(const double *x, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return sum / (double)n;
}

static double sd_of(const double *x, size_t n, double mean)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (x[i] - mean) * (x[i] - mean);
	return sqrt(sum / (double)(n - 1));
}

/* A gene that does not vary: Seurat's 0 / 0 becomes 0, pertpy's sd of 0 becomes 1; both give 0. */
struct mixscale_moments mixscale_standardise(double *x, size_t n, double most)
{
	double mean = mean_of(x, n), sd = sd_of(x, n, mean);
	for (size_t i = 0; i < n; i++) {
		double z = sd > 0 ? (x[i] - mean) / sd : 0;
		x[i] = z > most ? most : z;
	}
	return (struct mixscale_moments){ mean, sd };
}

double mixscale_standardise_by_controls(const double *p, size_t n_target, size_t n_control, double *score)
{
	double mean = mean_of(p + n_target, n_control), sd = sd_of(p + n_target, n_control, mean);
	for (size_t i = 0; i < n_target; i++)
		score[i] = (p[i] - mean) / sd;
	return sd;
}

enum mixscale_reason mixscale_score(const struct mixscale_options *o, const struct mixscale_input *in, int threads,
				    double *projection, double *score, double *left_out)
{
	size_t n = in->n_target + in->n_control;
	double *v = mem_array(in->n_genes, sizeof *v), vv = 0;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1 && in->n_genes > 1)
	for (size_t g = 0; g < in->n_genes; g++) {
		double *d = in->d + g * n;
		if (o->scale)
			mixscale_standardise(d, n, MIXSCALE_CLIP);
		v[g] = mean_of(d, in->n_target) - mean_of(d + in->n_target, in->n_control);
	}
	for (size_t g = 0; g < in->n_genes; g++)
		vv += v[g] * v[g];
	if (!(vv > 0)) {
		mem_free(v);
		return MIXSCALE_NO_DIRECTION;
	}
	memset(projection, 0, n * sizeof *projection);
	for (size_t g = 0; g < in->n_genes; g++)
		for (size_t i = 0; i < n; i++)
			projection[i] += in->d[g * n + i] * v[g];
	for (size_t h = 0; left_out && h < in->n_genes; h++)
		for (size_t i = 0; i < n; i++)
			left_out[h * n + i] = (projection[i] - in->d[h * n + i] * v[h]) / (vv - v[h] * v[h]);
	for (size_t i = 0; i < n; i++)
		projection[i] /= vv;
	mem_free(v);

	double sd = mixscale_standardise_by_controls(projection, in->n_target, in->n_control, score);
	if (sd > 0)
		return MIXSCALE_SCORED;
	if (o->compat != COMPAT_PERTPY)
		return MIXSCALE_NO_SPREAD;
	double mean = mean_of(projection + in->n_target, in->n_control);
	for (size_t i = 0; i < in->n_target; i++)
		score[i] = projection[i] - mean;
	return MIXSCALE_SCORED;
}

/*
 * n_s target cells and m_s controls in split s, prop_s = n_s / sum n, T = floor(min_s m_s / prop_s): with
 * T >= min_proportion * sum m, floor(T * prop_s) controls of each split are drawn; else the split with the
 * fewest controls is left out (the first of equals) and the rest is tried again. Splits without cells of
 * the target (prop 0) do not bound T and give nothing.
 */
bool mixscale_harmonise(const size_t *n_target, const size_t *n_control, size_t n_splits, double min_proportion, size_t *draw)
{
	bool *left = mem_array(n_splits, sizeof *left);
	size_t n_left = n_splits;
	for (size_t s = 0; s < n_splits; s++)
		left[s] = true;
	memset(draw, 0, n_splits * sizeof *draw);
	bool done = false;
	while (n_left > 0 && !done) {
		double all = 0, controls = 0, most = INFINITY;
		for (size_t s = 0; s < n_splits; s++)
			if (left[s]) {
				all += (double)n_target[s];
				controls += (double)n_control[s];
			}
		for (size_t s = 0; s < n_splits; s++)
			if (left[s] && n_target[s])
				most = fmin(most, (double)n_control[s] / ((double)n_target[s] / all));
		most = floor(most);
		if (isfinite(most) && most >= min_proportion * controls) {
			for (size_t s = 0; s < n_splits; s++)
				if (left[s])
					draw[s] = (size_t)floor(most * ((double)n_target[s] / all));
			done = true;
			break;
		}
		size_t fewest = SIZE_MAX;
		for (size_t s = 0; s < n_splits; s++)
			if (left[s] && (fewest == SIZE_MAX || n_control[s] < n_control[fewest]))
				fewest = s;
		left[fewest] = false;
		n_left--;
	}
	mem_free(left);
	return done;
}
