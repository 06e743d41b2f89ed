#include "connect/class_enrichment.h"
#include "base/mem.h"
#include "num/random.h"
#include "stats/distribution.h"
#include <math.h>
#include <stdbool.h>

enum { DRAW = 0x43455201 };
/* Deviations that differ by less are equally large. */
static const double rounding = 1e-12;

struct class_table class_fisher(size_t overlap, size_t n_class, size_t n_top, size_t n_all)
{
	double a = (double)overlap, b = (double)n_top - a, c = (double)n_class - a, d = (double)n_all - (double)n_top - c;
	struct class_table t = { a * d / (b * c), distribution_log_hypergeometric_tail(a, (double)n_class, (double)n_top, (double)n_all) };
	if (b * c == 0)
		t.odds_ratio = a * d == 0 ? NAN : INFINITY;
	return t;
}

double class_gsea(const struct class_ranking *r, const uint32_t *place, size_t m, size_t *edge)
{
	double total = 0, sum = 0, best = 0, worst = 0, miss = 1 / (double)(r->n - m);
	size_t best_at = 0, worst_at = m;
	for (size_t i = 0; i < m; i++)
		total += r->weight[place[i]];
	for (size_t i = 0; i < m; i++) {
		double misses = (double)(place[i] - i) * miss, before = sum - misses;
		if (before < worst) {
			worst = before;
			worst_at = i;
		}
		sum += total > 0 ? r->weight[place[i]] / total : 1 / (double)m;
		if (sum - misses > best) {
			best = sum - misses;
			best_at = i + 1;
		}
	}
	bool up = best >= -worst - rounding;
	if (edge)
		*edge = up ? best_at : m - worst_at;
	return up ? best : worst;
}

double class_rbo(const struct class_ranking *r, const uint32_t *place, size_t m)
{
	double sum = 0, power = 1;
	size_t x = 0;
	for (size_t d = 1; d <= r->n && power > 0; d++, power *= r->persistence) {
		x += x < m && place[x] == d - 1;
		sum += power * 2 * (double)x / (double)(d + m);
	}
	return (1 - r->persistence) * sum;
}

/* Floyd's sample of m out of n, then in order. */
static void draw(size_t n, size_t m, uint64_t seed, size_t number, uint8_t *taken, uint32_t *place)
{
	struct random4 words = { { 0 } };
	for (size_t i = 0; i < m; i++) {
		size_t last = n - m + i;
		if (i % 4 == 0)
			words = random_words(seed, DRAW, number << 32 | m, (uint32_t)(i / 4));
		uint32_t at = random_below(words.v[i % 4], (uint32_t)(last + 1));
		taken[taken[at] ? last : at] = 1;
	}
	for (size_t i = 0, k = 0; k < m; i++)
		if (taken[i]) {
			place[k++] = (uint32_t)i;
			taken[i] = 0;
		}
}

void class_null(const struct class_ranking *r, int method, size_t m, uint64_t seed, size_t n, int threads, double *out)
{
#pragma omp parallel num_threads(threads)
	{
		uint8_t *taken = mem_zero(r->n, 1);
		uint32_t *place = mem_array(m, sizeof *place);
#pragma omp for schedule(static)
		for (size_t k = 0; k < n; k++) {
			draw(r->n, m, seed, k, taken, place);
			out[k] = method == CLASS_GSEA ? class_gsea(r, place, m, NULL) : class_rbo(r, place, m);
		}
		mem_free(taken);
		mem_free(place);
	}
}

double class_p(int method, double statistic, const double *null, size_t n)
{
	size_t larger = 0, drawn = 0;
	for (size_t k = 0; k < n; k++) {
		if (method == CLASS_GSEA && (null[k] < 0) != (statistic < 0))
			continue;
		drawn++;
		larger += fabs(null[k]) >= fabs(statistic);
	}
	return (1 + (double)larger) / (1 + (double)drawn);
}
