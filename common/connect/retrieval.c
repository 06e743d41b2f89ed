#include "connect/retrieval.h"
#include "base/mem.h"
#include "num/random.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_BOOTSTRAP = 0x52455452 };

const char *const retrieval_metric_name[RETRIEVAL_N_METRICS] = { "recall", "mrr", "auc", "spearman" };

/* A score that is not there stands behind all others. */
static double place_of(double score)
{
	return isnan(score) ? INFINITY : score;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* Values below x, and up to x, in an ascending array. */
static void count_below(const double *sorted, size_t n, double x, size_t *below, size_t *upto)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (sorted[middle] < x)
			low = middle + 1;
		else
			high = middle;
	}
	*below = low;
	high = n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (sorted[middle] <= x)
			low = middle + 1;
		else
			high = middle;
	}
	*upto = low;
}

/*
 * Pearson's correlation of mid ranks with membership: with mean rank M of m members among n, it needs but the
 * spread of the ranks.
 */
static double correlation(const double *sorted, size_t n, double member_ranks, size_t m)
{
	double mean = ((double)n + 1) / 2, squares = 0;
	for (size_t i = 0; i < n; ) {
		size_t end = i + 1;
		while (end < n && sorted[end] == sorted[i])
			end++;
		double rank = (double)(i + 1 + end) / 2 - mean;
		squares += rank * rank * (double)(end - i);
		i = end;
	}
	double share = (double)m / (double)n;
	double spread = sqrt(squares * (double)m * (1 - share));
	return spread > 0 ? -(member_ranks - (double)m * mean) / spread : NAN;
}

size_t retrieval_measure(const struct retrieval *r, const struct retrieval_query *q, const double *score, const uint32_t *k, size_t n_k, double *out)
{
	const int8_t *label = r->label + q->target * r->n_compounds;
	double *all = mem_array(r->n_signatures, sizeof *all), *member = mem_array(r->n_signatures, sizeof *member);
	size_t n = 0, m = 0;
	for (size_t i = 0; i < n_k + RETRIEVAL_N_METRICS - 1; i++)
		out[i] = NAN;
	for (size_t i = 0; i < r->n_signatures; i++) {
		uint32_t c = r->compound[i];
		if (!r->candidate[i] || i == r->self[q->target])
			continue;
		if (c == q->compound)
			member[m++] = all[n++] = place_of(score[i]);
		else if (label[c] != 1)
			all[n++] = place_of(score[i]);
	}
	if (m && n > m) {
		double area = 0, best = INFINITY, sum = 0;
		qsort(all, n, sizeof *all, by_value);
		qsort(member, m, sizeof *member, by_value);
		for (size_t i = 0; i < n_k; i++)
			out[i] = 0;
		for (size_t i = 0; i < m; i++) {
			size_t below, upto, below_own, upto_own;
			count_below(all, n, member[i], &below, &upto);
			count_below(member, m, member[i], &below_own, &upto_own);
			double rank = 1 + (double)below + (double)(upto - below - 1) / 2;
			for (size_t j = 0; j < n_k; j++)
				out[j] += rank <= (double)k[j] ? 1 / (double)m : 0;
			best = fmin(best, rank);
			sum += rank;
			/* Others that stand behind, and half of those beside. */
			size_t others = n - m, before = below - below_own, beside = upto - upto_own - before;
			area += ((double)(others - before - beside) + (double)beside / 2) / (double)others;
		}
		out[n_k] = 1 / best;
		out[n_k + 1] = area / (double)m;
		out[n_k + 2] = correlation(all, n, sum, m);
	}
	mem_free(all);
	mem_free(member);
	return m && n > m ? n : 0;
}

static double quantile(const double *sorted, size_t n, double q)
{
	double at = q * (double)(n - 1), low = floor(at);
	size_t i = (size_t)low;
	return i + 1 < n ? sorted[i] + (at - low) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

struct retrieval_interval retrieval_bootstrap(const double *value, size_t stride, const uint32_t *unit, size_t n, size_t n_units, long draws,
					      double level, uint64_t seed)
{
	double *mean = mem_zero(n_units, sizeof *mean), *count = mem_zero(n_units, sizeof *count), sum = 0;
	for (size_t i = 0; i < n; i++)
		if (!isnan(value[i * stride])) {
			mean[unit[i]] += value[i * stride];
			count[unit[i]]++;
		}
	size_t m = 0;
	for (size_t u = 0; u < n_units; u++)
		if (count[u] > 0) {
			mean[m] = mean[u] / count[u];
			sum += mean[m++];
		}
	struct retrieval_interval out = { NAN, NAN, NAN, m };
	if (m) {
		double *sample = mem_array((size_t)draws, sizeof *sample);
		for (long b = 0; b < draws; b++) {
			double s = 0;
			struct random4 r = { { 0 } };
			for (size_t i = 0; i < m; i++) {
				if (i % 4 == 0)
					r = random_words(seed, STREAM_BOOTSTRAP, (uint64_t)b, (uint32_t)i);
				s += mean[random_below(r.v[i % 4], (uint32_t)m)];
			}
			sample[b] = s / (double)m;
		}
		qsort(sample, (size_t)draws, sizeof *sample, by_value);
		out.value = sum / (double)m;
		out.lower = quantile(sample, (size_t)draws, (1 - level) / 2);
		out.upper = quantile(sample, (size_t)draws, (1 + level) / 2);
		mem_free(sample);
	}
	mem_free(mean);
	mem_free(count);
	return out;
}
