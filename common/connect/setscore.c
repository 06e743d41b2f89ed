/* Scores that look at the positions of two sets of genes, PROFILE_LANES signatures at a time. */
#include "connect/lanes.h"
#include "base/mem.h"
#include "num/vector.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { L = PROFILE_LANES, V = L / 8 };

static const double EQUAL = 1e-12;      /* ends of a running sum that differ by less */

struct set_scratch {
	struct network *network;        /* for each number of elements that a set has */
	size_t n_networks;
	uint32_t *key;                  /* elements x lanes: above << 16 | element */
	uint16_t *upto;                 /* elements x lanes */
	double *weight;                 /* elements x lanes */
	const struct query *query;      /* all queries, and for each the ranks of its strengths */
	double **rank;
	size_t n_queries;
};

static void network_init(struct network *w, size_t n)
{
	*w = (struct network){ .n = n };
	size_t top = 1, cap = 0;
	while (top < n)
		top *= 2;
	for (size_t p = top / 2; p > 0; p /= 2) {
		size_t r = 0, d = p;
		for (size_t q = top / 2; ; q /= 2) {
			for (size_t i = 0; i + d < n; i++)
				if ((i & p) == r) {
					mem_room((void *)&w->pair, &cap, w->n_pairs + 1, sizeof *w->pair);
					w->pair[w->n_pairs][0] = (uint16_t)i;
					w->pair[w->n_pairs++][1] = (uint16_t)(i + d);
				}
			if (q == p)
				break;
			d = q - p;
			r = p;
		}
	}
}

/* Ranks of the strengths of the m elements named, ties share their mean. */
struct strength {
	double value;
	size_t element;
};

static int weaker(const void *a, const void *b)
{
	const struct strength *x = a, *y = b;
	return x->value < y->value ? -1 : x->value > y->value ? 1 : 0;
}

static void rank_strengths(struct strength *s, size_t m, double *rank)
{
	if (m)
		qsort(s, m, sizeof *s, weaker);
	for (size_t i = 0, end; i < m; i = end) {
		for (end = i + 1; end < m && s[end].value == s[i].value; end++)
			;
		for (size_t j = i; j < end; j++)
			rank[s[j].element] = (double)(i + 1 + end) / 2;
	}
}

/* Of all genes of the sets; the same for all in a list. */
static double *rank_all(const struct query *q)
{
	size_t m = q->n_up + q->n_down;
	struct strength *order = mem_array(m, sizeof *order);
	double *rank = mem_array(m, sizeof *rank);
	for (size_t i = 0; i < m; i++)
		order[i] = (struct strength){ q->list ? 1 : q->strength[i], i };
	rank_strengths(order, m, rank);
	mem_free(order);
	return rank;
}

struct set_scratch *set_scratch_new(const struct query *q, size_t n_queries)
{
	struct set_scratch *s = mem_zero(1, sizeof *s);
	size_t most = 0;
	s->network = mem_zero(2 * n_queries, sizeof *s->network);
	for (size_t i = 0; i < 2 * n_queries; i++) {
		size_t n = i & 1 ? q[i / 2].n_down : q[i / 2].n_up, k = 0;
		while (k < s->n_networks && s->network[k].n != n)
			k++;
		if (k == s->n_networks)
			network_init(&s->network[s->n_networks++], n);
		most = n > most ? n : most;
	}
	s->key = mem_aligned(most * L, sizeof *s->key);
	s->upto = mem_aligned(most * L, sizeof *s->upto);
	s->weight = mem_aligned(most * L, sizeof *s->weight);
	s->query = q;
	s->n_queries = n_queries;
	s->rank = mem_array(n_queries, sizeof *s->rank);
	for (size_t i = 0; i < n_queries; i++)
		s->rank[i] = rank_all(&q[i]);
	return s;
}

void set_scratch_free(struct set_scratch *s)
{
	for (size_t i = 0; i < s->n_networks; i++)
		mem_free(s->network[i].pair);
	for (size_t i = 0; i < s->n_queries; i++)
		mem_free(s->rank[i]);
	mem_free(s->rank);
	mem_free(s->network);
	mem_free(s->key);
	mem_free(s->upto);
	mem_free(s->weight);
	mem_free(s);
}

VECTOR_CLONES static void exchange(const struct network *w, uint32_t *restrict key)
{
	for (size_t k = 0; k < w->n_pairs; k++) {
		uint32_t *a = key + w->pair[k][0] * (size_t)L, *b = key + w->pair[k][1] * (size_t)L;
		for (int l = 0; l < L; l++) {
			uint32_t x = a[l], y = b[l];
			a[l] = x < y ? x : y;
			b[l] = x < y ? y : x;
		}
	}
}

/* Keys, ends of blocks and weights |r| of the set; how many of its genes each lane has, and the sum of their weights. */
VECTOR_CLONES static void load(const struct lanes *at, const uint32_t *gene, size_t n, bool weighted, struct set_scratch *s, double *hits,
			       double *total)
{
	uint32_t there[L] = { 0 };
	double sum[L] = { 0 };
	for (size_t i = 0; i < n; i++) {
		struct profile_run r = profile_run(at->p, at->slab, gene[i], at->from);
		/* Copies, which the compiler knows to stand apart from what is written. */
		uint16_t above[L];
		uint32_t key[L];
		memcpy(above, r.above, sizeof above);
		memcpy(s->upto + i * L, r.upto, L * sizeof *r.upto);
		/* The next signatures stand beside these. */
		__builtin_prefetch(r.above + L);
		__builtin_prefetch(r.upto + L);
		for (int l = 0; l < L; l++)
			key[l] = (uint32_t)above[l] << 16 | (uint32_t)i;
		for (int l = 0; l < L; l++)
			there[l] += above[l] != PROFILE_NONE;
		memcpy(s->key + i * L, key, sizeof key);
		if (!weighted)
			continue;
		double weight[L];
		__builtin_prefetch((const char *)r.value + L * at->p->value_size);
		__builtin_prefetch((const char *)r.value + L * at->p->value_size + 64);
		profile_values(at->p, &r, weight);
		for (int l = 0; l < L; l++) {
			double w = fabs(weight[l]);
			w = w == w ? w : 0;
			weight[l] = w;
			sum[l] += w;
		}
		memcpy(s->weight + i * L, weight, sizeof weight);
	}
	for (int l = 0; l < L; l++) {
		hits[l] = there[l];
		total[l] = weighted ? sum[l] : there[l];
	}
}

static void sort(struct set_scratch *s, size_t n)
{
	size_t k = 0;
	while (s->network[k].n != n)
		k++;
	exchange(&s->network[k], s->key);
}

typedef uint32_t vec8u __attribute__((vector_size(32)));

/* Eight whole numbers, shifted to the right, in double. */
VECTOR_INLINE vec8 widen(const uint32_t *p, int shift)
{
	vec8u v;
	memcpy(&v, p, sizeof v);
	return __builtin_convertvector(v >> (uint32_t)shift, vec8);
}

/*
 * Enrichment of the sorted set; 0 for lanes without a gene of it. Unweighted sums are taken times (size of the set) x
 * (genes outside), in whole numbers: which of two equally large ends is the larger is no matter of rounding then.
 */
VECTOR_CLONES static void enrichment(const struct lanes *at, size_t n, bool weighted, const struct set_scratch *s, const double *hits,
				     const double *total, double *es)
{
	vec8 best[V] = { 0 }, worst[V] = { 0 }, sum[V] = { 0 }, steps[V], misses[V];
	double step[L], miss[L], scale[L];
	for (int l = 0; l < L; l++) {
		double outside = at->n_measured[l] - hits[l];
		step[l] = weighted ? 1 / total[l] : outside > 0 ? outside : 1;
		miss[l] = outside > 0 ? weighted ? 1 / outside : hits[l] : 0;
		scale[l] = weighted ? 1 : outside > 0 ? hits[l] * outside : hits[l];
	}
	memcpy(steps, step, sizeof steps);
	memcpy(misses, miss, sizeof misses);
	for (size_t i = 0; i < n; i++) {
		const uint32_t *key = s->key + i * L;
		double weight[L];
		uint32_t upto[L];
		for (int l = 0; l < L; l++) {
			size_t from = (key[l] & UINT16_MAX) * L + (size_t)l;
			weight[l] = weighted ? s->weight[from] : 1;
			upto[l] = s->upto[from];
		}
		/*
		 * Inside a block the first hit's `before` is the lowest and the last one's `after` the highest, so the others do
		 * no harm.
		 */
		for (int v = 0; v < V; v++) {
			vec8 above = widen(key + 8 * v, 16), before = sum[v] * steps[v] - (above - (double)i) * misses[v];
			sum[v] += vec8_load(weight + 8 * v);
			vec8 after = sum[v] * steps[v] - (widen(upto + 8 * v, 0) - (double)(i + 1)) * misses[v];
			vec8i there = (vec8i)(above < PROFILE_NONE);
			worst[v] = vec8_select(there & (vec8i)(before < worst[v]), before, worst[v]);
			best[v] = vec8_select(there & (vec8i)(after > best[v]), after, best[v]);
		}
	}
	for (int l = 0; l < L; l++) {
		double high = best[l / 8][l % 8], low = worst[l / 8][l % 8];
		es[l] = hits[l] > 0 ? (high >= -low - EQUAL ? high : low) / scale[l] : 0;
		if (hits[l] > 0 && !(total[l] > 0 && isfinite(total[l])))
			es[l] = (double)NAN;
	}
}

/* Lamb's statistic; 0 for lanes with fewer than `least` genes of the set. */
static void kolmogorov(const struct lanes *at, size_t n, const struct set_scratch *s, const double *hits, double least, double *ks)
{
	for (int l = 0; l < L; l++) {
		double a = -INFINITY, b = -INFINITY, t = hits[l], all = at->n_measured[l];
		for (size_t i = 0; i < n && (double)i < t; i++) {
			double v = s->upto[(s->key[i * L + (size_t)l] & UINT16_MAX) * L + (size_t)l] / all, j = (double)i;
			a = (j + 1) / t - v > a ? (j + 1) / t - v : a;
			b = v - j / t > b ? v - j / t : b;
		}
		ks[l] = t < least ? 0 : a > b ? a : -b;
	}
}

/* Statistic of one set by `method`. */
static void statistic(int method, const struct lanes *at, const uint32_t *gene, size_t n, struct set_scratch *s, double *hits, double *out)
{
	double total[L];
	load(at, gene, n, method == SCORE_WTCS, s, hits, total);
	sort(s, n);
	if (method == SCORE_WTCS || method == SCORE_GSEA)
		enrichment(at, n, method == SCORE_WTCS, s, hits, total, out);
	else
		kolmogorov(at, n, s, hits, method == SCORE_RGES ? 2 : 1, out);
}

static void two_sided(int method, const struct lanes *at, const struct query *q, struct set_scratch *s, double *out, uint32_t *overlap)
{
	double up[L] = { 0 }, down[L] = { 0 }, n_up[L] = { 0 }, n_down[L] = { 0 };
	if (q->n_up)
		statistic(method, at, q->set, q->n_up, s, n_up, up);
	if (q->n_down)
		statistic(method, at, q->set + q->n_up, q->n_down, s, n_down, down);
	bool same_is_zero = method == SCORE_WTCS || method == SCORE_LAMB, halves = method == SCORE_WTCS || method == SCORE_GSEA;
	for (int l = 0; l < L; l++) {
		bool both = n_up[l] > 0 && n_down[l] > 0;
		double d = up[l] - down[l];
		overlap[l] = (uint32_t)(n_up[l] + n_down[l]);
		if (same_is_zero && both && ((up[l] > 0 && down[l] > 0) || (up[l] < 0 && down[l] < 0)))
			d = 0;
		out[l] = !overlap[l] ? (double)NAN : halves && both ? d / 2 : d;
	}
}

VECTOR_CLONES static void extreme_sum(long n_extreme, const struct lanes *at, const struct query *q, double *out, uint32_t *overlap)
{
	double sum[L] = { 0 }, most = (double)n_extreme;
	uint32_t hits[L] = { 0 };
	for (size_t i = 0; i < q->n_up + q->n_down; i++) {
		struct profile_run r = profile_run(at->p, at->slab, q->set[i], at->from);
		double value[L], sign = i < q->n_up ? 1 : -1;
		__builtin_prefetch(r.above + L);
		__builtin_prefetch(r.upto + L);
		__builtin_prefetch((const char *)r.value + L * at->p->value_size);
		profile_values(at->p, &r, value);
		for (int l = 0; l < L; l++) {
			bool there = r.above[l] != PROFILE_NONE, kept = there & ((r.above[l] < most) | (at->n_measured[l] - r.upto[l] < most));
			hits[l] += there;
			sum[l] += kept ? sign * value[l] : 0;
		}
	}
	for (int l = 0; l < L; l++) {
		overlap[l] = hits[l];
		out[l] = hits[l] ? sum[l] : (double)NAN;
	}
}

/* What the sum of products can be at most: m genes of the sets among `all`. */
static double most_of(double all, double m, bool list)
{
	double most = 0;
	for (double i = 1; i <= m; i++)
		most += (all - i + 1) * (list ? 1 : m - i + 1);
	return most;
}

/* One lane that lacks genes of the sets ranks those that it has. */
static double signed_ranks_of(const struct lanes *at, const struct query *q, int l, size_t here)
{
	size_t m = q->n_up + q->n_down, n = 0;
	struct strength *order = mem_array(m, sizeof *order);
	double *rank = mem_array(m, sizeof *rank), sum = 0;
	for (size_t i = 0; i < m; i++)
		if (profile_run(at->p, at->slab, q->set[i], at->from).above[l] != PROFILE_NONE)
			order[n++] = (struct strength){ q->list ? 1 : q->strength[i], i };
	rank_strengths(order, n, rank);
	for (size_t i = 0; i < m; i++) {
		struct profile_run r = profile_run(at->p, at->slab, q->set[i], at->from);
		if (r.above[l] == PROFILE_NONE)
			continue;
		double v = at->p->value_size == 8 ? ((const double *)r.value)[l] : (double)((const float *)r.value)[l];
		double sign = v > 0 ? 1 : v < 0 ? -1 : 0, side = i < q->n_up ? 1 : -1;
		sum += sign * side * r.magnitude[l] / 2 * (q->list ? 1 : rank[i]);
	}
	mem_free(order);
	mem_free(rank);
	return here ? sum / most_of(at->n_measured[l], (double)here, q->list) : (double)NAN;
}

/* Signed ranks against signed ranks. */
VECTOR_CLONES static void signed_ranks(const struct lanes *at, const struct query *q, const double *rank, double *out, uint32_t *overlap)
{
	size_t m = q->n_up + q->n_down;
	double sum[L] = { 0 };
	uint32_t hits[L] = { 0 };
	for (size_t i = 0; i < m; i++) {
		struct profile_run r = profile_run(at->p, at->slab, q->set[i], at->from);
		double value[L], s = (i < q->n_up ? 0.5 : -0.5) * (q->list ? 1 : rank[i]);
		__builtin_prefetch(r.above + L);
		__builtin_prefetch(r.magnitude + L);
		__builtin_prefetch((const char *)r.value + L * at->p->value_size);
		profile_values(at->p, &r, value);
		for (int l = 0; l < L; l++)
			hits[l] += r.above[l] != PROFILE_NONE;
		for (int l = 0; l < L; l++) {
			double magnitude = r.magnitude[l], v = value[l];
			sum[l] += (v > 0 ? s : v < 0 ? -s : 0) * magnitude;
		}
	}
	double last = -1, most = 1;
	for (int l = 0; l < L; l++) {
		overlap[l] = hits[l];
		if (hits[l] < m || !m) {
			out[l] = signed_ranks_of(at, q, l, hits[l]);
			continue;
		}
		if (at->n_measured[l] < last || at->n_measured[l] > last)
			most = most_of(last = at->n_measured[l], (double)m, q->list);
		out[l] = sum[l] / most;
	}
}

void set_lanes(int method, long n_extreme, const struct lanes *at, const struct query *q, struct set_scratch *s, double *out,
	       uint32_t *overlap)
{
	if (method == SCORE_XSUM)
		extreme_sum(n_extreme, at, q, out, overlap);
	else if (method == SCORE_ZHANG)
		signed_ranks(at, q, s->rank[q - s->query], out, overlap);
	else
		two_sided(method, at, q, s, out, overlap);
}
