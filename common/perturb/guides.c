#include "perturb/guides.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Least deviation of the signal, in doublings: one that is a single count stays a density. */
static const double LEAST_SD = 0.1, LEAST_LAMBDA = 1e-3;
enum { MOST_ROUNDS = 10000 };

const char *const guides_reason_name[GUIDES_N_REASONS] = {
	NULL, "no_counts", "tie", "below_threshold", "multiple_guides", "no_fit", "not_in_guide_stream"
};

struct guides_call guides_call(const struct guides_rule *rule, const uint32_t *guide, const uint32_t *count, size_t n)
{
	struct guides_call call = { .guide = UINT32_MAX, .reason = GUIDES_NO_COUNTS };
	size_t top = 0, n_top = 0, n_passed = 0, passed = 0;
	for (size_t i = 0; i < n; i++) {
		call.total += count[i];
		if (count[i] > count[top])
			n_top = 0;
		if (!n_top || count[i] > count[top])
			top = i;
		n_top += count[i] == count[top];
	}
	if (!call.total)
		return call;
	for (size_t i = 0; i < n; i++) {
		bool passes = count[i] && (double)count[i] >= rule->min_umi;
		if (rule->method == GUIDES_MAX)
			passes = passes && i == top;
		else if (rule->method == GUIDES_THRESHOLD)
			passes = passes && (double)count[i] >= rule->min_share * (double)call.total;
		else
			passes = passes && (double)count[i] >= rule->limit[guide[i]];
		n_passed += passes;
		passed = passes ? i : passed;
	}
	if (!n_passed) {
		call.reason = rule->method == GUIDES_MIXTURE && isinf(rule->limit[guide[top]]) ? GUIDES_NO_FIT : GUIDES_BELOW_THRESHOLD;
	} else if (rule->method == GUIDES_MAX && n_top > 1) {
		call.reason = GUIDES_TIE;
	} else if (n_passed > 1) {
		call.reason = GUIDES_MULTIPLE;
	} else {
		call.reason = GUIDES_ASSIGNED;
		call.guide = guide[passed];
		call.umi = count[passed];
	}
	return call;
}

void guides_count(struct guides_counts *c, uint32_t count)
{
	if (count < GUIDES_SMALL) {
		c->small[count]++;
		return;
	}
	mem_room(&c->large, &c->cap, c->n_large + 1, sizeof *c->large);
	c->large[c->n_large++] = count;
}

static int ascending(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	return a < b ? -1 : a > b;
}

/* Different counts on log2 scale, ascending, with how many cells have each. */
struct points {
	double *y, *weight;
	size_t n;
	double total;
};

static void add_point(struct points *p, uint32_t count, double weight)
{
	double y = log2(count);
	p->total += weight;
	if (p->n && p->y[p->n - 1] >= y) {
		p->weight[p->n - 1] += weight;
		return;
	}
	p->y[p->n] = y;
	p->weight[p->n++] = weight;
}

static struct points points_of(struct guides_counts *c)
{
	struct points p = { .y = mem_array(GUIDES_SMALL + c->n_large, sizeof *p.y), .weight = mem_array(GUIDES_SMALL + c->n_large, sizeof *p.weight) };
	for (uint32_t k = 1; k < GUIDES_SMALL; k++)
		if (c->small[k])
			add_point(&p, k, (double)c->small[k]);
	if (c->n_large)
		qsort(c->large, c->n_large, sizeof *c->large, ascending);
	for (size_t i = 0; i < c->n_large; i++)
		add_point(&p, c->large[i], 1);
	return p;
}

/* log of the density of each part at y, times its share. */
static double log_signal(const struct guides_mixture *m, double y)
{
	double z = (y - m->mean) / m->sd;
	return log(m->share) - log(m->sd) - 0.5 * log(2 * acos(-1)) - 0.5 * z * z;
}

static double log_background(const struct guides_mixture *m, double y)
{
	return log(1 - m->share) + y * log(m->lambda) - m->lambda - lgamma(y + 1);
}

/* The parameters from each point's share in the signal. */
static void maximise(struct guides_mixture *m, const struct points *p, const double *in_signal)
{
	double signal = 0, sum = 0, squares = 0, background = 0;
	for (size_t i = 0; i < p->n; i++) {
		double w = p->weight[i] * in_signal[i];
		signal += w;
		sum += w * p->y[i];
		background += (p->weight[i] - w) * p->y[i];
	}
	m->mean = sum / signal;
	for (size_t i = 0; i < p->n; i++)
		squares += p->weight[i] * in_signal[i] * (p->y[i] - m->mean) * (p->y[i] - m->mean);
	m->share = signal / p->total;
	m->sd = fmax(sqrt(squares / signal), LEAST_SD);
	m->lambda = fmax(background / (p->total - signal), LEAST_LAMBDA);
}

/* The mean log likelihood, and each point's share in the signal. */
static double expect(const struct guides_mixture *m, const struct points *p, double *in_signal)
{
	double sum = 0;
	for (size_t i = 0; i < p->n; i++) {
		double s = log_signal(m, p->y[i]), b = log_background(m, p->y[i]), high = s > b ? s : b;
		double both = high + log1p(exp(-fabs(s - b)));
		in_signal[i] = exp(s - both);
		sum += p->weight[i] * both;
	}
	return sum / p->total;
}

/* The least count from which on, up to the signal's mean, the signal is the likelier; INFINITY when it is not there. */
static double limit_of(const struct guides_mixture *m)
{
	double limit = INFINITY;
	if (!(m->mean > m->lambda))
		return limit;
	for (double count = ceil(exp2(m->mean)); count >= 1 && log_signal(m, log2(count)) > log_background(m, log2(count)); count--)
		limit = count;
	return limit;
}

struct guides_mixture guides_fit(struct guides_counts *c)
{
	struct guides_mixture m = { .limit = INFINITY };
	struct points p = points_of(c);
	double *in_signal = mem_array(p.n, sizeof *in_signal), before = -INFINITY;
	bool rests = false;
	for (size_t i = 0; i < p.n; i++)
		in_signal[i] = p.y[i] > p.y[p.n - 1] / 2 ? 1 : 0;
	if (p.n > 1 && p.total >= GUIDES_LEAST_CELLS && in_signal[0] == 0) {
		maximise(&m, &p, in_signal);
		while (!rests && m.rounds++ < MOST_ROUNDS && m.share > 0 && m.share < 1) {
			double now = expect(&m, &p, in_signal);
			rests = fabs(now - before) < 1e-12;
			before = now;
			maximise(&m, &p, in_signal);
		}
	}
	if (rests)
		m.limit = limit_of(&m);
	mem_free(in_signal);
	mem_free(p.y);
	mem_free(p.weight);
	return m;
}

static size_t digits_off(const char *s, size_t n)
{
	while (n && s[n - 1] >= '0' && s[n - 1] <= '9')
		n--;
	return n;
}

static bool divides(char c)
{
	return c == '_' || c == '-';
}

size_t guides_target_length(const char *guide)
{
	size_t all = strlen(guide), n = digits_off(guide, all);
	if (n == all || !n || (guide[n - 1] != 'g' && !divides(guide[n - 1])))
		return all;
	n--;
	if (n && guide[n] == 'g' && divides(guide[n - 1]))
		n--;
	return n ? n : all;
}
