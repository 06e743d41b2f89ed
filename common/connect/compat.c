#include "connect/compat.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t TOP = 150;
static const double TINY = 1e-12;

struct gene_value {
	double value;
	uint32_t gene;
};

static int by_magnitude(const void *a, const void *b)
{
	const struct gene_value *x = a, *y = b;
	double s = fabs(x->value), t = fabs(y->value);
	return s > t ? -1 : s < t ? 1 : x->gene < y->gene ? -1 : x->gene > y->gene;
}

static int falling(const void *a, const void *b)
{
	const struct gene_value *x = a, *y = b;
	return x->value > y->value ? -1 : x->value < y->value;
}

static void standardise(double *x, size_t n)
{
	double mean = 0, squares = 0;
	for (size_t i = 0; i < n; i++)
		mean += x[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += (x[i] - mean) * (x[i] - mean);
	double sd = n ? sqrt(squares / (double)n) : 0;
	for (size_t i = 0; i < n; i++)
		x[i] = sd < TINY ? 0 : (x[i] - mean) / sd;
}

static double cosine(const double *profile, const struct query *q, double *x, double *y, uint32_t *overlap)
{
	size_t n = 0;
	for (size_t i = 0; i < q->n; i++)
		if (!isnan(profile[q->gene[i]])) {
			x[n] = q->weight[i];
			y[n++] = profile[q->gene[i]];
		}
	*overlap = (uint32_t)n;
	standardise(x, n);
	standardise(y, n);
	double product = 0, a = 0, b = 0;
	for (size_t i = 0; i < n; i++) {
		product += x[i] * y[i];
		a += x[i] * x[i];
		b += y[i] * y[i];
	}
	return -product / ((sqrt(a) + TINY) * (sqrt(b) + TINY));
}

/* side[gene] == which marks the hits among n sorted genes. */
static double enrichment(const struct gene_value *v, size_t n, const signed char *side, signed char which)
{
	size_t hits = 0;
	for (size_t i = 0; i < n; i++)
		hits += side[v[i].gene] == which;
	double up = hits ? 1 / (double)hits : 0, down = n > hits ? 1 / (double)(n - hits) : 0, best = 0, worst = 0;
	double sum = 0;
	/* Step by step: which of two equally large ends wins depends on the rounding of this sum. */
	for (size_t i = 0, end; i < n && hits; i = end) {
		for (end = i; end < n && v[end].value == v[i].value; end++)
			sum += side[v[end].gene] == which ? up : -down;
		best = sum > best ? sum : best;
		worst = sum < worst ? sum : worst;
	}
	return best >= -worst ? best : worst;
}

static double gsea(const double *profile, size_t n_genes, const signed char *side, struct gene_value *v)
{
	size_t n = 0;
	for (size_t g = 0; g < n_genes; g++)
		if (!isnan(profile[g]))
			v[n++] = (struct gene_value){ profile[g], (uint32_t)g };
	if (n)
		qsort(v, n, sizeof *v, by_magnitude);
	n = n < TOP ? n : TOP;
	if (n)
		qsort(v, n, sizeof *v, falling);
	return (enrichment(v, n, side, 1) - enrichment(v, n, side, -1)) / 2;
}

static void profile_of(const struct profiles *p, const struct profile_slab *slab, size_t i, double *out)
{
	for (size_t g = 0; g < p->n_genes; g++) {
		const void *value = profile_run(p, slab, g, i).value;
		out[g] = p->value_size == 8 ? *(const double *)value : (double)*(const float *)value;
	}
}

void compat_scores(int method, const struct profiles *p, const struct query *q, int threads, double *score, uint32_t *overlap)
{
	signed char *side = mem_zero(p->n_genes, 1);
	double *other = mem_array(p->n, sizeof *other);
	size_t *walked = mem_zero(p->n_slabs, sizeof *walked);
	for (size_t i = 0; i < q->n_up + q->n_down; i++)
		side[q->set[i]] = i < q->n_up ? 1 : -1;
#pragma omp parallel num_threads(threads)
	{
		double *room = mem_array(3 * p->n_genes, sizeof *room);
		struct gene_value *v = mem_array(p->n_genes, sizeof *v);
		for (size_t k = 0; k < p->n_slabs; k++) {
#pragma omp for schedule(dynamic, 16) nowait
			for (size_t i = 0; i < p->slab[k].n; i++) {
				size_t s = p->slab[k].first + i;
				bool keep = !p->keep || p->keep[s];
				score[s] = other[s] = (double)NAN;
				overlap[s] = 0;
				if (keep) {
					profile_of(p, &p->slab[k], i, room);
					score[s] = cosine(room, q, room + p->n_genes, room + 2 * p->n_genes, &overlap[s]);
					other[s] = method == SCORE_COSINE ? 0 : -gsea(room, p->n_genes, side, v);
				}
				profile_walked(p, k, 1, walked);
			}
		}
		mem_free(room);
		mem_free(v);
	}
	if (method == SCORE_ENSEMBLE) {
		score_standardise(score, p->n);
		score_standardise(other, p->n);
	}
	for (size_t s = 0; s < p->n && method != SCORE_COSINE; s++)
		score[s] = method == SCORE_GSEA ? -other[s] : (score[s] + other[s]) / 2;
	mem_free(side);
	mem_free(other);
	mem_free(walked);
}
