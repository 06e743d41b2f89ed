#include "connect/set_enrichment.h"
#include "base/mem.h"
#include "num/random.h"
#include "stats/distribution.h"
#include <math.h>
#include <string.h>

enum { DRAW = 0x53455401, BISECTIONS = 200 };

/* Mean of the noncentral hypergeometric distribution on low .. low + n - 1 with log weights `log_w` and log odds `t`; and its variance. */
static double noncentral_mean(const double *log_w, size_t n, double low, double t, double *variance)
{
	double most = -INFINITY, sum = 0, mean = 0, square = 0;
	for (size_t i = 0; i < n; i++)
		most = fmax(most, log_w[i] + (double)i * t);
	for (size_t i = 0; i < n; i++) {
		double w = exp(log_w[i] + (double)i * t - most);
		sum += w;
		mean += w * (double)i;
		square += w * (double)i * (double)i;
	}
	mean /= sum;
	*variance = square / sum - mean * mean;
	return low + mean;
}

/* The odds ratio at which the expected count is x: Newton's steps on its logarithm, kept between bounds. */
static double conditional_odds_ratio(double x, double n_white, double n_black, double n_drawn)
{
	double low = fmax(0, n_drawn - n_black), high = fmin(n_drawn, n_white), variance;
	if (x <= low)
		return low == high ? NAN : 0;
	if (x >= high)
		return INFINITY;
	size_t n = (size_t)(high - low) + 1;
	double *log_w = mem_array(n, sizeof *log_w);
	log_w[0] = 0;
	for (size_t i = 1; i < n; i++) {
		double v = low + (double)i;
		log_w[i] = log_w[i - 1] + log((n_white - v + 1) * (n_drawn - v + 1) / (v * (n_black - n_drawn + v)));
	}
	double below = -1, above = 1;
	while (noncentral_mean(log_w, n, low, below, &variance) > x)
		below *= 2;
	while (noncentral_mean(log_w, n, low, above, &variance) < x)
		above *= 2;
	double t = 0;
	for (int i = 0; i < BISECTIONS && above - below > 1e-15 * (1 + fabs(t)); i++) {
		double off = noncentral_mean(log_w, n, low, t, &variance) - x;
		if (off > 0)
			above = t;
		else
			below = t;
		double step = t - off / variance, before = t;
		t = step > below && step < above ? step : (below + above) / 2;
		if (fabs(t - before) < 1e-15 * (1 + fabs(t)))
			break;
	}
	mem_free(log_w);
	return exp(t);
}

struct set_fisher set_fisher(const struct set_counts *c, bool ease)
{
	double one = ease && c->overlap > 0, x = (double)c->overlap - one, set = (double)c->n_set, list = (double)c->n_list - one, all = (double)c->n_all;
	struct set_fisher f = { .possible = x <= set && x <= list && list - x <= all - set, .odds_ratio = NAN, .log_p = NAN, .combined = NAN };
	if (!f.possible)
		return f;
	f.odds_ratio = conditional_odds_ratio(x, list, all - list, set);
	if (isnan(f.odds_ratio))
		f.odds_ratio = 0;       /* one table only: R's estimate is the lower end */
	f.log_p = fmin(0, distribution_log_hypergeometric_tail(x, set, list, all));
	f.combined = f.log_p == 0 ? 0 : -f.log_p * f.odds_ratio;
	return f;
}

static size_t meet(uint8_t *seen, uint32_t item, uint8_t side)
{
	seen[item] |= side;
	return seen[item] == 3;
}

double set_rbo(const struct set_rbo *o, const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b, uint8_t *seen)
{
	size_t most = o->depth ? o->depth : SIZE_MAX, na = n_a < most ? n_a : most, nb = n_b < most ? n_b : most;
	size_t s = na < nb ? na : nb, l = o->even ? s : na < nb ? nb : na, x = 0, x_s = 0;
	double p = o->persistence, power = 1, sum = 0, rest = 0;
	if (!s)
		return 0;
	for (size_t d = 1; d <= l; d++) {
		power *= p;
		if (d <= na)
			x += meet(seen, a[d - 1], 1);
		if (d <= nb)
			x += meet(seen, b[d - 1], 2);
		if (d == s)
			x_s = x;
		sum += (double)x / (double)d * power;
		if (d > s)
			rest += (double)x_s * (double)(d - s) / ((double)s * (double)d) * power;
	}
	for (size_t i = 0; i < na && i < l; i++)
		seen[a[i]] = 0;
	for (size_t i = 0; i < nb && i < l; i++)
		seen[b[i]] = 0;
	if (o->extra && s == l && !o->even)
		rest += (double)x_s / ((double)s * (double)(l + 1)) * power * p;
	return fmin(1, (1 - p) / p * (sum + rest) + ((double)(x - x_s) / (double)l + (double)x_s / (double)s) * power);
}

void set_rbo_null(const struct set_rbo *o, const uint32_t *set, size_t n_set, const uint32_t *pool, size_t n_pool, size_t length,
		  size_t n_items, uint64_t seed, size_t n, int threads, double *out)
{
#pragma omp parallel num_threads(threads)
	{
		uint32_t *list = mem_array(n_pool, sizeof *list);
		uint8_t *seen = mem_zero(n_items, 1);
#pragma omp for schedule(static)
		for (size_t k = 0; k < n; k++) {
			/* The first `length` of a shuffle (Fisher and Yates). */
			memcpy(list, pool, n_pool * sizeof *list);
			struct random4 words = { { 0 } };
			for (size_t i = 0; i < length; i++) {
				if (i % 4 == 0)
					words = random_words(seed, DRAW, k, (uint32_t)(i / 4));
				size_t at = i + random_below(words.v[i % 4], (uint32_t)(n_pool - i));
				uint32_t item = list[at];
				list[at] = list[i];
				list[i] = item;
			}
			out[k] = set_rbo(o, set, n_set, list, length, seen);
		}
		mem_free(list);
		mem_free(seen);
	}
}

double set_rbo_log_p_normal(double value, const double *null, size_t n)
{
	double mean = 0, square = 0;
	for (size_t i = 0; i < n; i++)
		mean += null[i];
	mean /= (double)n;
	for (size_t i = 0; i < n; i++)
		square += (null[i] - mean) * (null[i] - mean);
	double sd = sqrt(square / (double)(n - 1));
	return sd > 0 ? distribution_log_normal_tail((value - mean) / sd) : NAN;
}
