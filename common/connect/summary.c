#include "connect/summary.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

void summary_normalise(const double *score, const uint32_t *group, size_t n, size_t n_groups, double *out)
{
	double *sum = mem_zero(2 * n_groups, sizeof *sum), *count = mem_zero(2 * n_groups, sizeof *count);
	for (size_t i = 0; i < n; i++)
		if (score[i] > 0 || score[i] < 0) {
			size_t side = 2 * (size_t)group[i] + (score[i] < 0);
			sum[side] += fabs(score[i]);
			count[side]++;
		}
	for (size_t i = 0; i < n; i++) {
		size_t side = 2 * (size_t)group[i] + (score[i] < 0);
		out[i] = score[i] > 0 || score[i] < 0 ? score[i] / (sum[side] / count[side]) : score[i];
	}
	mem_free(sum);
	mem_free(count);
}

double summary_quantile(const double *sorted, size_t n, double q)
{
	if (!n)
		return (double)NAN;
	double at = (double)n * q + 0.5;
	if (at <= 1)
		return sorted[0];
	if (at >= (double)n)
		return sorted[n - 1];
	size_t low = (size_t)at;
	return sorted[low - 1] + (at - (double)low) * (sorted[low] - sorted[low - 1]);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

double summary_max_quantile(double *value, size_t n)
{
	size_t m = 0;
	for (size_t i = 0; i < n; i++)
		if (!isnan(value[i]))
			value[m++] = value[i];
	if (m)
		qsort(value, m, sizeof *value, ascending);
	double high = summary_quantile(value, m, 0.67), low = summary_quantile(value, m, 0.33);
	return fabs(high) >= fabs(low) || !m ? high : low;
}

void summary_groups_init(struct summary_groups *g, const uint32_t *group, size_t n, size_t n_groups)
{
	*g = (struct summary_groups){ n_groups, mem_zero(n_groups + 2, sizeof *g->start), mem_array(n, sizeof *g->member) };
	for (size_t i = 0; i < n; i++)
		if (group[i] != UINT32_MAX)
			g->start[group[i] + 2]++;
	for (size_t k = 2; k < n_groups + 2; k++)
		g->start[k] += g->start[k - 1];
	for (size_t i = 0; i < n; i++)
		if (group[i] != UINT32_MAX)
			g->member[g->start[group[i] + 1]++] = (uint32_t)i;
}

void summary_groups_free(struct summary_groups *g)
{
	mem_free(g->start);
	mem_free(g->member);
}

void summary_over_groups(const struct summary_groups *g, const double *value, int threads, double *out)
{
	size_t most = 0;
	for (size_t k = 0; k < g->n; k++)
		most = g->start[k + 1] - g->start[k] > most ? g->start[k + 1] - g->start[k] : most;
#pragma omp parallel num_threads(threads)
	{
		double *room = mem_array(most, sizeof *room);
#pragma omp for schedule(dynamic, 64)
		for (size_t k = 0; k < g->n; k++) {
			size_t n = 0;
			for (size_t i = g->start[k]; i < g->start[k + 1]; i++)
				room[n++] = value[g->member[i]];
			out[k] = summary_max_quantile(room, n);
		}
		mem_free(room);
	}
}

void summary_count_at_least(const double *null, const double *observed, size_t n, uint32_t *count)
{
	for (size_t i = 0; i < n; i++)
		count[i] += !(fabs(null[i]) < fabs(observed[i]));
}

void summary_count_below(const double *null, const double *observed, size_t n, uint32_t *count)
{
	for (size_t i = 0; i < n; i++)
		count[i] += fabs(null[i]) < fabs(observed[i]);
}

double summary_mean_magnitude(const double *value, size_t n)
{
	double sum = 0, m = 0;
	for (size_t i = 0; i < n; i++)
		if (isfinite(value[i]) && value[i] != 0) {
			sum += fabs(value[i]);
			m++;
		}
	return m > 0 ? sum / m : 0;
}
