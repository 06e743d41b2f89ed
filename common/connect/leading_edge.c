#include "connect/leading_edge.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

static const double EQUAL = 1e-12;

struct hit {
	double above, upto, weight;
	uint32_t gene;
};

bool leading_edge_of(int method)
{
	return method == SCORE_WTCS || method == SCORE_GSEA || method == SCORE_ENSEMBLE || method == SCORE_RGES || method == SCORE_LAMB;
}

static int from_the_top(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;
	if (x->above != y->above)
		return x->above < y->above ? -1 : 1;
	return (x->gene > y->gene) - (x->gene < y->gene);
}

static size_t collect(const struct profiles *p, size_t signature, const uint32_t *set, size_t n, bool weighted, struct hit *hit, double *total)
{
	const struct profile_slab *slab = p->slab;
	size_t m = 0;
	while (signature >= slab->first + slab->n)
		slab++;
	*total = 0;
	for (size_t i = 0; i < n; i++) {
		struct profile_run r = profile_run(p, slab, set[i], signature - slab->first);
		if (*r.above == PROFILE_NONE)
			continue;
		double v = p->value_size == 8 ? *(const double *)r.value : (double)*(const float *)r.value;
		hit[m] = (struct hit){ *r.above, *r.upto, weighted ? fabs(v) : 1, set[i] };
		*total += hit[m++].weight;
	}
	if (m)
		qsort(hit, m, sizeof *hit, from_the_top);
	return m;
}

/* Hits before `split` are on its upper side. Returns whether the statistic is positive. */
static bool enrichment_split(const struct hit *hit, size_t m, double n_measured, double total, size_t *split)
{
	double best = 0, worst = 0, sum = 0, outside = n_measured - (double)m, miss = outside > 0 ? 1 / outside : 0;
	size_t at_best = 0, at_worst = 0;
	for (size_t i = 0; i < m; i++) {
		bool begins = !i || hit[i].above > hit[i - 1].above, ends = i + 1 == m || hit[i + 1].above > hit[i].above;
		double before = sum / total - (hit[i].above - (double)i) * miss;
		sum += hit[i].weight;
		double after = sum / total - (hit[i].upto - (double)(i + 1)) * miss;
		if (begins && before < worst - EQUAL) {
			worst = before;
			at_worst = i;
		}
		if (ends && after > best + EQUAL) {
			best = after;
			at_best = i + 1;
		}
	}
	*split = best >= -worst - EQUAL ? at_best : at_worst;
	return best >= -worst - EQUAL;
}

static bool kolmogorov_split(const struct hit *hit, size_t m, double all, size_t *split)
{
	double a = -INFINITY, b = -INFINITY, t = (double)m;
	size_t at_a = 0, at_b = 0;
	for (size_t i = 0; i < m; i++) {
		double over = (double)(i + 1) * all - hit[i].upto * t, under = hit[i].upto * t - (double)i * all;
		if (over > a) {
			a = over;
			at_a = i + 1;
		}
		if (under > b) {
			b = under;
			at_b = i;
		}
	}
	*split = a > b ? at_a : at_b;
	return a > b;
}

size_t leading_edge(int method, const struct profiles *p, size_t signature, const uint32_t *set, size_t n, uint32_t *out)
{
	struct hit *hit = mem_array(n, sizeof *hit);
	double total, all = p->n_measured[signature];
	size_t m = collect(p, signature, set, n, method == SCORE_WTCS, hit, &total), split = 0, k = 0;
	bool ks = method == SCORE_RGES || method == SCORE_LAMB, none = !m || !(total > 0 && isfinite(total)) || (method == SCORE_RGES && m < 2);
	bool positive = !none && (ks ? kolmogorov_split(hit, m, all, &split) : enrichment_split(hit, m, all, total, &split));
	for (size_t i = positive ? 0 : split, end = none ? 0 : positive ? split : m; i < end; i++)
		out[k++] = hit[i].gene;
	mem_free(hit);
	return k;
}
