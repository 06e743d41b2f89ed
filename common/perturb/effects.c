#include "perturb/effects.h"
#include "base/mem.h"
#include "stats/correlation.h"
#include "stats/distribution.h"
#include <math.h>
#include <stdlib.h>

double effects_z(double log_p, double sign)
{
	return sign == 0 || isnan(sign) ? sign : copysign(distribution_z_of_log_p(log_p), sign);
}

struct candidate {
	double key;
	uint32_t gene, order;           /* order: its place among those that pass */
	double p;
};

static int by_key(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;
	if (isnan(a->key) != isnan(b->key))
		return isnan(a->key) ? 1 : -1;
	return a->key < b->key ? -1 : a->key > b->key ? 1 : a->gene < b->gene ? -1 : a->gene > b->gene;
}

static int by_p(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;
	return a->p < b->p ? -1 : a->p > b->p ? 1 : a->order < b->order ? -1 : a->order > b->order;
}

static int by_gene(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	return a < b ? -1 : a > b;
}

size_t effects_select(const struct effects_options *o, const double *log_p, const double *logfc, const double *key, size_t n_genes,
		      uint32_t *gene)
{
	struct candidate *c = mem_array(n_genes, sizeof *c), *sorted;
	double limit = log(o->p);
	size_t n = 0;
	for (uint32_t g = 0; g < n_genes; g++)
		if (log_p[g] <= limit && fabs(logfc[g]) >= o->logfc)
			c[n++] = (struct candidate){ o->by_order ? key[g] : 0, g, 0, log_p[g] };
	if (o->by_order)
		qsort(c, n, sizeof *c, by_key);
	for (uint32_t i = 0; i < n; i++)
		c[i].order = i;
	sorted = mem_array(n, sizeof *sorted);
	for (size_t i = 0; i < n; i++)
		sorted[i] = c[i];
	qsort(sorted, n, sizeof *sorted, by_p);
	size_t top = o->top && n > (size_t)o->top ? (size_t)o->top : n, taken = 0;
	for (size_t i = 0; i < n; i++) {
		if (!o->by_order && i < top)
			gene[taken++] = sorted[i].gene;
		else if (o->by_order && sorted[i].order < top)
			gene[taken++] = c[i].gene;
	}
	qsort(gene, taken, sizeof *gene, by_gene);
	mem_free(c);
	mem_free(sorted);
	return taken;
}

static void standardise(double *z, size_t n, bool scale)
{
	double sum = 0, squares = 0;
	for (size_t i = 0; i < n; i++)
		sum += z[i];
	for (size_t i = 0; i < n; i++) {
		z[i] -= sum / (double)n;
		squares += z[i] * z[i];
	}
	double sd = sqrt(squares / ((double)n - 1));
	for (size_t i = 0; scale && i < n; i++)
		z[i] /= sd;
}

enum effects_reason effects_prune(const struct effects_options *o, double *z, size_t n, uint32_t own)
{
	double limit = distribution_z_of_log_p(log(o->p));
	long large = 0;
	if (o->mask && own != UINT32_MAX)
		z[own] = 0;
	for (size_t i = 0; i < n; i++) {
		z[i] = isnan(z[i]) ? 0 : fmin(fmax(z[i], -o->cap), o->cap);
		large += fabs(z[i]) > limit;
	}
	if (large < o->min_genes)
		return EFFECTS_FEW_GENES;
	if (isnan(correlation_pearson(z, z, n)))
		return EFFECTS_CONSTANT;
	if (o->centre)
		standardise(z, n, o->scale);
	return EFFECTS_KEPT;
}
