/* Cosine, Pearson and Spearman, PROFILE_LANES signatures at a time. */
#include "connect/lanes.h"
#include "base/mem.h"
#include "num/vector.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { L = PROFILE_LANES, TOGETHER = 4 };

static const double NO_SPREAD = 1e-12;

struct vector_scratch {
	double *tile;                   /* genes x lanes */
	double *x, *y;                  /* genes: one lane, when it lacks some */
	uint32_t *count;                /* of the ranks of a lane */
	struct ranked *order;
};

struct ranked {
	double value;
	size_t at;
};

struct vector_scratch *vector_scratch_new(size_t n_genes, size_t n_queries)
{
	(void)n_queries;
	struct vector_scratch *s = mem_zero(1, sizeof *s);
	s->tile = mem_aligned(n_genes * L, sizeof *s->tile);
	s->x = mem_array(n_genes, sizeof *s->x);
	s->y = mem_array(n_genes, sizeof *s->y);
	s->count = mem_array(n_genes + 1, sizeof *s->count);
	s->order = mem_array(n_genes, sizeof *s->order);
	return s;
}

void vector_scratch_free(struct vector_scratch *s)
{
	mem_free(s->tile);
	mem_free(s->x);
	mem_free(s->y);
	mem_free(s->count);
	mem_free(s->order);
	mem_free(s);
}

static int ascending(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	return x->value < y->value ? -1 : x->value > y->value;
}

/* Mid ranks in place. */
static void rank_values(double *x, size_t n, struct ranked *order)
{
	for (size_t i = 0; i < n; i++)
		order[i] = (struct ranked){ x[i], i };
	if (n)
		qsort(order, n, sizeof *order, ascending);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && order[end].value == order[i].value; end++)
			;
		for (size_t j = i; j < end; j++)
			x[order[j].at] = (double)(i + 1 + end) / 2;
	}
}

/* Centres x unless for the cosine; returns its norm. */
static double prepare(int method, double *x, size_t n)
{
	double mean = 0, squares = 0;
	for (size_t i = 0; i < n; i++)
		mean += x[i];
	mean = method == SCORE_COSINE || !n ? 0 : mean / (double)n;
	for (size_t i = 0; i < n; i++) {
		x[i] -= mean;
		squares += x[i] * x[i];
	}
	return sqrt(squares);
}

/* Is the spread (norm over sqrt n) of something that has one? */
static bool spreads(double norm, double n)
{
	return norm >= NO_SPREAD * sqrt(n) && isfinite(norm);
}

static bool same_genes(const struct query *a, const struct query *b)
{
	return a->n == b->n && !memcmp(a->gene, b->gene, a->n * sizeof *a->gene);
}

struct vector_group *vector_groups(int method, const struct query *q, size_t n_queries, size_t *n_groups)
{
	struct vector_group *group = mem_zero(n_queries, sizeof *group);
	*n_groups = 0;
	for (size_t i = 0; i < n_queries; i++) {
		size_t k = 0;
		while (k < *n_groups && !same_genes(group[k].query[0], &q[i]))
			k++;
		struct vector_group *g = &group[k];
		if (k == *n_groups) {
			++*n_groups;
			*g = (struct vector_group){ .n = q[i].n, .gene = q[i].gene, .query = mem_array(n_queries, sizeof *g->query),
				.index = mem_array(n_queries, sizeof *g->index) };
		}
		g->query[g->n_queries] = &q[i];
		g->index[g->n_queries++] = i;
	}
	for (size_t k = 0; k < *n_groups; k++) {
		struct vector_group *g = &group[k];
		struct ranked *order = mem_array(g->n, sizeof *order);
		g->weight = mem_array(g->n * g->n_queries, sizeof *g->weight);
		g->norm = mem_array(g->n_queries, sizeof *g->norm);
		for (size_t i = 0; i < g->n_queries; i++) {
			double *w = g->weight + i * g->n;
			memcpy(w, g->query[i]->weight, g->n * sizeof *w);
			if (method == SCORE_SPEARMAN)
				rank_values(w, g->n, order);
			g->norm[i] = prepare(method, w, g->n);
		}
		mem_free(order);
	}
	return group;
}

void vector_groups_free(struct vector_group *g, size_t n_groups)
{
	for (size_t k = 0; k < n_groups; k++) {
		mem_free(g[k].query);
		mem_free(g[k].index);
		mem_free(g[k].weight);
		mem_free(g[k].norm);
	}
	mem_free(g);
}

/* Ranks of a lane among the genes of the group: counted, as positions among all genes are known. */
static void rank_lane(const struct lanes *at, const struct vector_group *g, int l, struct vector_scratch *s)
{
	size_t n = at->p->n_genes;
	memset(s->count, 0, (n + 1) * sizeof *s->count);
	for (size_t i = 0; i < g->n; i++) {
		uint16_t above = profile_run(at->p, at->slab, g->gene[i], at->from).above[l];
		if (above != PROFILE_NONE)
			s->count[above + 1]++;
	}
	for (size_t i = 0; i < n; i++)
		s->count[i + 1] += s->count[i];
	for (size_t i = 0; i < g->n; i++) {
		uint16_t above = profile_run(at->p, at->slab, g->gene[i], at->from).above[l];
		/* Largest first; the sign is turned where the tile is filled. */
		s->tile[i * L + (size_t)l] = above == PROFILE_NONE ? (double)NAN : -(double)(s->count[above] + 1 + s->count[above + 1]) / 2;
	}
}

VECTOR_CLONES static void fill(int method, const struct lanes *at, const struct vector_group *g, struct vector_scratch *s)
{
	bool all = g->n == at->p->n_genes;
	for (size_t i = 0; i < g->n; i++) {
		struct profile_run r = profile_run(at->p, at->slab, g->gene[i], at->from);
		double *tile = s->tile + i * L;
		struct profile_run later = profile_run(at->p, at->slab, g->gene[i + PROFILE_AHEAD < g->n ? i + PROFILE_AHEAD : i], at->from);
		if (method == SCORE_SPEARMAN) {
			__builtin_prefetch(later.above);
			__builtin_prefetch(later.upto);
			for (int l = 0; l < L; l++)
				tile[l] = -(double)((uint32_t)r.above[l] + r.upto[l] + 1) / 2;
		} else {
			profile_prefetch_values(at->p, &later);
			profile_values(at->p, &r, tile);
		}
	}
	for (int l = 0; l < L && method == SCORE_SPEARMAN; l++)
		if (at->n_measured[l] > 0 && !(all && at->whole[l]))
			rank_lane(at, g, l, s);
}

/* Mean (0 for the cosine) and norm of every lane; a lane that lacks a gene of the group gets NaN. */
VECTOR_CLONES static void moments(int method, size_t n, const double *restrict tile, double *restrict mean, double *restrict norm)
{
	double sum[L] = { 0 }, squares[L] = { 0 };
	for (size_t i = 0; i < n && method != SCORE_COSINE; i++)
		for (int l = 0; l < L; l++)
			sum[l] += tile[i * L + (size_t)l];
	for (int l = 0; l < L; l++)
		sum[l] /= (double)n;
	for (size_t i = 0; i < n; i++)
		for (int l = 0; l < L; l++) {
			double v = tile[i * L + (size_t)l] - sum[l];
			squares[l] += v * v;
		}
	for (int l = 0; l < L; l++) {
		mean[l] = sum[l];
		norm[l] = sqrt(squares[l]);
	}
}

/* Products of one query, or of TOGETHER, with the lanes less their means, gene after gene. */
VECTOR_CLONES static void product(size_t n, const double *restrict tile, const double *restrict mean, const double *restrict weight,
				  double *restrict out)
{
	double sum[L] = { 0 }, centre[L];
	memcpy(centre, mean, sizeof centre);
	for (size_t i = 0; i < n; i++)
		for (int l = 0; l < L; l++)
			sum[l] += weight[i] * (tile[i * L + (size_t)l] - centre[l]);
	memcpy(out, sum, sizeof sum);
}

VECTOR_CLONES static void products(size_t n, const double *restrict tile, const double *restrict mean, const double *const *weight,
				   double *restrict out)
{
	double sum[TOGETHER][L] = { { 0 } }, centre[L];
	const double *a = weight[0], *b = weight[1], *c = weight[2], *d = weight[3];
	memcpy(centre, mean, sizeof centre);
	for (size_t i = 0; i < n; i++)
		for (int l = 0; l < L; l++) {
			double v = tile[i * L + (size_t)l] - centre[l];
			sum[0][l] += a[i] * v;
			sum[1][l] += b[i] * v;
			sum[2][l] += c[i] * v;
			sum[3][l] += d[i] * v;
		}
	memcpy(out, sum, sizeof sum);
}

/* One query and a signature that lacks some of its genes: both are ranked and centred over the genes that are left. */
static double partial(int method, const struct lanes *at, const struct query *q, int l, struct vector_scratch *s, uint32_t *overlap)
{
	size_t n = 0;
	for (size_t i = 0; i < q->n; i++) {
		struct profile_run r = profile_run(at->p, at->slab, q->gene[i], at->from);
		if (r.above[l] == PROFILE_NONE)
			continue;
		s->x[n] = q->weight[i];
		s->y[n++] = at->p->value_size == 8 ? ((const double *)r.value)[l] : (double)((const float *)r.value)[l];
	}
	*overlap = (uint32_t)n;
	if (method == SCORE_SPEARMAN) {
		rank_values(s->x, n, s->order);
		rank_values(s->y, n, s->order);
	}
	double a = prepare(method, s->x, n), b = prepare(method, s->y, n), sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += s->x[i] * s->y[i];
	return n && spreads(a, (double)n) && spreads(b, (double)n) ? sum / (a * b) : (double)NAN;
}

static uint32_t shared(const struct lanes *at, const uint32_t *gene, size_t n_genes, int l)
{
	uint32_t n = 0;
	for (size_t i = 0; i < n_genes; i++)
		n += profile_run(at->p, at->slab, gene[i], at->from).above[l] != PROFILE_NONE;
	return n;
}

void vector_lanes(int method, const struct lanes *at, const struct vector_group *g, struct vector_scratch *s, double *out, uint32_t *overlap)
{
	double mean[L], norm[L], sum[TOGETHER * L];
	bool lacks[L];
	fill(method, at, g, s);
	moments(method, g->n, s->tile, mean, norm);
	for (int l = 0; l < L; l++)
		lacks[l] = !at->whole[l] && shared(at, g->gene, g->n, l) < g->n;
	for (size_t first = 0; first < g->n_queries; first += TOGETHER) {
		const double *weight[TOGETHER];
		size_t here = g->n_queries - first < TOGETHER ? g->n_queries - first : TOGETHER;
		for (size_t j = 0; j < TOGETHER; j++)
			weight[j] = g->weight + (first + (j < here ? j : 0)) * g->n;
		if (here == 1)
			product(g->n, s->tile, mean, weight[0], sum);
		else
			products(g->n, s->tile, mean, weight, sum);
		for (size_t j = 0; j < here; j++)
			for (int l = 0; l < L; l++) {
				size_t to = (first + j) * L + (size_t)l;
				double n = (double)g->n, own = g->norm[first + j];
				const struct query *q = g->query[first + j];
				/* What a list says nothing of is no evidence. */
				size_t named = q->n_up + q->n_down;
				overlap[to] = (uint32_t)(q->list ? named : g->n);
				out[to] = spreads(own, n) && spreads(norm[l], n) ? sum[j * L + (size_t)l] / (own * norm[l]) : (double)NAN;
				if (lacks[l])
					out[to] = partial(method, at, q, l, s, &overlap[to]);
				if (lacks[l] && q->list)
					overlap[to] = shared(at, q->set, named, l);
			}
	}
}
