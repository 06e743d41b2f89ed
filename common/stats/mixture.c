#include "stats/mixture.h"
#include "base/mem.h"
#include "num/vector.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double LOG_SQRT_2PI = 0.91893853320467274178;

static double log_density(const struct mixture *m, int k, double x)
{
	double z = (x - m->mean[k]) / m->sd[k];
	return -0.5 * z * z - log(m->sd[k]) - LOG_SQRT_2PI;
}

static double density(const struct mixture *m, int k, double x)
{
	double z = (x - m->mean[k]) / m->sd[k];
	return exp(-0.5 * z * z - LOG_SQRT_2PI) / m->sd[k];
}

double mixture_posterior_r(const struct mixture *m, double x)
{
	return 1 / (1 + density(m, 0, x) / density(m, 1, x));
}

double mixture_posterior(const struct mixture *m, double x, bool weighted)
{
	double odds = log_density(m, 0, x) - log_density(m, 1, x) + (weighted ? log(m->weight[0]) - log(m->weight[1]) : 0);
	return 1 / (1 + exp(odds));
}

/* Share of the second in each x and, returned, the log-likelihood. */
static double expect(const struct mixture *m, const double *x, size_t n, double *share)
{
	double a = log(m->weight[0]), b = log(m->weight[1]), sum = 0;
	for (size_t i = 0; i < n; i++) {
		double first = a + log_density(m, 0, x[i]), second = b + log_density(m, 1, x[i]);
		double most = first > second ? first : second, all = most + log(exp(first - most) + exp(second - most));
		share[i] = exp(second - all);
		sum += all;
	}
	return sum;
}

static double sum_of(const double *x, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return sum;
}

/*
 * The constraints make mixtools take two half steps: weights and mean from one set of shares, then weights and
 * sd from the shares at the new weights and mean and the old sd.
 */
bool mixture_fit_mixtools(struct mixture *m, const double *x, size_t n)
{
	const int most = 5000;
	double *share = mem_array(n, sizeof *share), gain = INFINITY;
	bool alive = true;
	m->log_likelihood = expect(m, x, n, share);
	for (m->iterations = 0; gain > 1e-8 && m->iterations < most && alive; m->iterations++) {
		double held = sum_of(share, n), moment = 0;
		for (size_t i = 0; i < n; i++)
			moment += share[i] * x[i];
		m->weight[1] = held / (double)n;
		m->weight[0] = 1 - m->weight[1];
		m->mean[1] = moment / held;
		expect(m, x, n, share);
		held = sum_of(share, n);
		moment = 0;
		for (size_t i = 0; i < n; i++)
			moment += share[i] * (x[i] - m->mean[1]) * (x[i] - m->mean[1]);
		m->weight[1] = held / (double)n;
		m->weight[0] = 1 - m->weight[1];
		m->sd[1] = sqrt(moment / held);
		alive = m->sd[1] >= 1e-8;
		double likelihood = alive ? expect(m, x, n, share) : NAN;
		gain = likelihood - m->log_likelihood;
		m->log_likelihood = likelihood;
	}
	m->converged = alive && !(gain > 1e-8);
	mem_free(share);
	return alive;
}

/* MT19937's first three numbers for seed 0: what k-means++ draws there. */
static const double kmeans_draw[3] = { 0.5488135039273248, 0.7151893663724195, 0.6027633760716439 };

static double squared_nearest(const double *x, size_t n, double first, double second, double *out)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++) {
		double a = (x[i] - first) * (x[i] - first), b = (x[i] - second) * (x[i] - second);
		out[i] = a < b ? a : b;
		sum += out[i];
	}
	return sum;
}

/* k-means with two centres as scikit-learn runs it: the number of values with label 1. */
static size_t kmeans_second(const double *given, size_t n)
{
	double *x = mem_array(n, sizeof *x), *away = mem_array(n, sizeof *away), mean = sum_of(given, n) / (double)n, variance = 0;
	for (size_t i = 0; i < n; i++) {
		x[i] = given[i] - mean;
		variance += x[i] * x[i];
	}
	variance /= (double)n;
	size_t first = (size_t)(kmeans_draw[0] * (double)n);
	double centre[2] = { x[first < n ? first : n - 1], 0 }, least = INFINITY;
	double all = squared_nearest(x, n, centre[0], centre[0], away);
	double *trial = mem_array(n, sizeof *trial);
	for (int t = 1; t < 3; t++) {
		double at = kmeans_draw[t] * all, sum = 0;
		size_t pick = 0;
		for (; pick < n - 1 && (sum += away[pick]) < at; pick++)
			;
		double potential = squared_nearest(x, n, centre[0], x[pick], trial);
		if (potential < least) {
			least = potential;
			centre[1] = x[pick];
		}
	}
	size_t count = 0, before = SIZE_MAX;
	for (int round = 0; round < 300; round++) {
		double sum[2] = { 0 };
		uint64_t label_sum = 0;
		count = 0;
		for (size_t i = 0; i < n; i++) {
			bool second = (x[i] - centre[1]) * (x[i] - centre[1]) < (x[i] - centre[0]) * (x[i] - centre[0]);
			sum[second] += x[i];
			count += second;
			label_sum += second ? i + 1 : 0;
		}
		if (!count || count == n)
			break;
		double moved[2] = { sum[0] / (double)(n - count), sum[1] / (double)count };
		double shift = (moved[0] - centre[0]) * (moved[0] - centre[0]) + (moved[1] - centre[1]) * (moved[1] - centre[1]);
		bool same = label_sum == before;
		before = label_sum;
		if (same)
			break;
		centre[0] = moved[0];
		centre[1] = moved[1];
		if (shift <= variance * 1e-4) {
			count = 0;
			for (size_t i = 0; i < n; i++)
				count += (x[i] - centre[1]) * (x[i] - centre[1]) < (x[i] - centre[0]) * (x[i] - centre[0]);
			break;
		}
	}
	mem_free(x);
	mem_free(away);
	mem_free(trial);
	return count;
}

void mixture_fit_sklearn(struct mixture *m, const double *x, size_t n)
{
	const double tiny = 10 * DBL_EPSILON;
	double *share = mem_array(n, sizeof *share), before = -INFINITY;
	size_t second = kmeans_second(x, n);
	m->weight[0] = ((double)(n - second) + tiny) / (double)n;
	m->weight[1] = ((double)second + tiny) / (double)n;
	m->converged = false;
	for (m->iterations = 0; m->iterations < 100 && !m->converged; m->iterations++) {
		double mean = expect(m, x, n, share) / (double)n, held = 0, rest = 0, moment = 0, square = 0;
		for (size_t i = 0; i < n; i++) {
			held += share[i];
			rest += 1 - share[i];
			moment += share[i] * x[i];
			square += share[i] * x[i] * x[i];
		}
		held += tiny;
		rest += tiny;
		m->weight[0] = rest / (held + rest);
		m->weight[1] = held / (held + rest);
		m->mean[1] = moment / held;
		m->sd[1] = sqrt(square / held - m->mean[1] * m->mean[1] + 1e-6);
		m->log_likelihood = mean * (double)n;
		m->converged = fabs(mean - before) < 1e-3;
		before = mean;
	}
	mem_free(share);
}

/* What is fitted, on scales without bounds. */
struct free_parameters {
	double odds, mean, log_sd;      /* log(weight 2 / weight 1) */
};

/* One step of expectation-maximisation; the number of values that the second holds. */
VECTOR_CLONES
static double step(const struct free_parameters *from, double mean, double sd, const double *x, size_t n, struct free_parameters *to)
{
	double second_sd = exp(from->log_sd), base = log(second_sd) - log(sd) - from->odds;
	vec8 held = { 0 }, moment = { 0 }, square = { 0 };
	double scale[2] = { 1 / sd, 1 / second_sd };
	for (size_t i = 0; i < n; i += 8) {
		vec8 v = i + 8 <= n ? vec8_load(x + i) : vec8_load_part(x + i, n - i, NAN);
		vec8 a = (v - mean) * scale[0], b = (v - from->mean) * scale[1];
		vec8 share = 1 / (1 + vec8_exp(base - 0.5 * (a * a - b * b)));
		share = vec8_select((vec8i)(v == v), share, vec8_set(0));
		v = vec8_select((vec8i)(v == v), v, vec8_set(0));
		/* About the old mean, so that the variance is no difference of large numbers. */
		vec8 d = v - from->mean;
		held += share;
		moment += share * d;
		square += share * d * d;
	}
	double sum = vec8_sum(held), shift = vec8_sum(moment) / sum;
	to->odds = log(sum / ((double)n - sum));
	to->mean = from->mean + shift;
	to->log_sd = 0.5 * log(vec8_sum(square) / sum - shift * shift);
	return sum;
}

static double likelihood_of(const struct free_parameters *p, struct mixture *m, const double *x, size_t n, double *share)
{
	m->weight[1] = 1 / (1 + exp(-p->odds));
	m->weight[0] = 1 / (1 + exp(p->odds));
	m->mean[1] = p->mean;
	m->sd[1] = exp(p->log_sd);
	return expect(m, x, n, share);
}

static double distance(const struct free_parameters *a, const struct free_parameters *b, double sd)
{
	return fmax(fabs(a->odds - b->odds), fmax(fabs(a->mean - b->mean) / sd, fabs(a->log_sd - b->log_sd)));
}

static struct free_parameters extrapolate(const struct free_parameters p[3])
{
	double r[3] = { p[1].odds - p[0].odds, p[1].mean - p[0].mean, p[1].log_sd - p[0].log_sd };
	double v[3] = { p[2].odds - p[1].odds - r[0], p[2].mean - p[1].mean - r[1], p[2].log_sd - p[1].log_sd - r[2] };
	double rr = r[0] * r[0] + r[1] * r[1] + r[2] * r[2], vv = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
	double a = vv > 0 ? -sqrt(rr / vv) : -1;
	a = a > -1 ? -1 : a;
	return (struct free_parameters){ p[0].odds - 2 * a * r[0] + a * a * v[0], p[0].mean - 2 * a * r[1] + a * a * v[1],
					 p[0].log_sd - 2 * a * r[2] + a * a * v[2] };
}

static bool climb(struct mixture *m, const double *x, size_t n, double *share)
{
	const int most = 2000;
	const double enough = 1e-11;
	struct free_parameters p[4] = { { log(m->weight[1] / m->weight[0]), m->mean[1], log(m->sd[1]) } };
	double least = log(m->sd[0]) + log(1e-3), likelihood = -INFINITY;
	bool alive = true;
	m->converged = false;
	for (m->iterations = 0; m->iterations < most && alive && !m->converged; m->iterations++) {
		double held = step(&p[0], m->mean[0], m->sd[0], x, n, &p[1]);
		m->converged = distance(&p[0], &p[1], m->sd[0]) < enough;
		held = fmin(held, step(&p[1], m->mean[0], m->sd[0], x, n, &p[2]));
		alive = held >= 1 && held < (double)n && p[2].log_sd >= least;
		if (!alive || m->converged)
			break;
		p[3] = extrapolate(p);
		double there = fabs(p[3].odds) < 50 && fabs(p[3].log_sd) < 50 ? likelihood_of(&p[3], m, x, n, share) : NAN;
		bool better = there >= likelihood;
		p[0] = better ? p[3] : p[2];
		likelihood = better ? there : likelihood_of(&p[2], m, x, n, share);
	}
	m->log_likelihood = likelihood_of(&p[m->converged ? 1 : 0], m, x, n, share);
	return alive;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

bool mixture_fit(struct mixture *m, const double *x, size_t n)
{
	static const size_t upper[] = { 2, 4, 10, 30 };
	double *share = mem_array(n, sizeof *share), *sorted = mem_array(n, sizeof *sorted);
	bool found = false;
	memcpy(sorted, x, n * sizeof *x);
	qsort(sorted, n, sizeof *sorted, ascending);
	for (size_t s = 0; s < sizeof upper / sizeof *upper; s++) {
		size_t k = n / upper[s];
		if (k < 2)
			continue;
		const double *top = sorted + n - k;
		struct mixture trial = *m;
		double mean = sum_of(top, k) / (double)k, square = 0;
		for (size_t i = 0; i < k; i++)
			square += (top[i] - mean) * (top[i] - mean);
		trial.weight[1] = (double)k / (double)n;
		trial.weight[0] = 1 - trial.weight[1];
		trial.mean[1] = mean;
		trial.sd[1] = sqrt(square / (double)(k - 1));
		if (!(trial.sd[1] > 0) || !climb(&trial, x, n, share))
			continue;
		if (!found || trial.log_likelihood > m->log_likelihood + 1e-9 * fabs(m->log_likelihood))
			*m = trial;
		found = true;
	}
	mem_free(share);
	mem_free(sorted);
	return found;
}
