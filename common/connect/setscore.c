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
	/*
	 * The genes of all sets, of the lanes at hand, side by side: queries that share genes read them from here, not from
	 * pages far apart.
	 */
	uint32_t *tile_place;           /* of each gene of the profile */
	size_t n_tile;
	uint32_t *tile_genes;
	uint16_t *tile_above, *tile_upto;
	void *tile_fall;
	bool *tile_gaps, *tile_ties;    /* does a lane lack the gene, or have it in a block of several? */
	struct network *network;        /* for each number of elements that a set has */
	size_t n_networks;
	/*
	 * Elements x lanes. Each sorted by itself, as above, upto and the falling value are in one order: no key has to
	 * carry the others along.
	 */
	uint16_t *above, *upto;
	void *fall;                     /* -value as a whole number, of 32 or 64 bits */
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

struct set_scratch *set_scratch_new(const struct query *q, size_t n_queries, size_t n_genes)
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
	s->above = mem_aligned(most * L, sizeof *s->above);
	s->upto = mem_aligned(most * L, sizeof *s->upto);
	s->fall = mem_aligned(most * L, sizeof(double));
	s->tile_place = mem_array(n_genes, sizeof *s->tile_place);
	s->tile_genes = mem_array(n_genes, sizeof *s->tile_genes);
	memset(s->tile_place, 0xff, n_genes * sizeof *s->tile_place);
	for (size_t i = 0; i < n_queries; i++)
		for (size_t k = 0; k < q[i].n_up + q[i].n_down; k++)
			if (s->tile_place[q[i].set[k]] == UINT32_MAX) {
				s->tile_place[q[i].set[k]] = (uint32_t)s->n_tile;
				s->tile_genes[s->n_tile++] = q[i].set[k];
			}
	s->tile_above = mem_aligned(s->n_tile * L, sizeof *s->tile_above);
	s->tile_upto = mem_aligned(s->n_tile * L, sizeof *s->tile_upto);
	s->tile_fall = mem_aligned(s->n_tile * L, sizeof(double));
	s->tile_gaps = mem_array(s->n_tile, sizeof *s->tile_gaps);
	s->tile_ties = mem_array(s->n_tile, sizeof *s->tile_ties);
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
	mem_free(s->above);
	mem_free(s->upto);
	mem_free(s->fall);
	mem_free(s->tile_place);
	mem_free(s->tile_genes);
	mem_free(s->tile_above);
	mem_free(s->tile_upto);
	mem_free(s->tile_fall);
	mem_free(s->tile_gaps);
	mem_free(s->tile_ties);
	mem_free(s);
}

/* Of whole numbers: compilers know the smaller and the larger of two in one instruction, which they do not for floats. */
#define EXCHANGE(name, type) \
	VECTOR_CLONES static void name(const struct network *w, type *key) \
	{ \
		for (size_t k = 0; k < w->n_pairs; k++) { \
			type *a = key + w->pair[k][0] * (size_t)L, *b = key + w->pair[k][1] * (size_t)L; \
			_Pragma("omp simd") \
			for (int l = 0; l < L; l++) { \
				type x = a[l], y = b[l]; \
				a[l] = x < y ? x : y; \
				b[l] = x > y ? x : y; \
			} \
		} \
	}
EXCHANGE(exchange_16, uint16_t)
EXCHANGE(exchange_32, int32_t)
EXCHANGE(exchange_64, int64_t)

/* The bits of -value, turned so that as whole numbers they are in the order of the floats. */
#define FALL(type, whole) \
	do { \
		type v[L]; \
		whole bits[L]; \
		memcpy(v, r.value, sizeof v); \
		for (int l = 0; l < L; l++) \
			v[l] = v[l] == v[l] ? -v[l] : (type)INFINITY; \
		memcpy(bits, v, sizeof v); \
		for (int l = 0; l < L; l++) \
			bits[l] ^= (bits[l] >> (8 * sizeof(whole) - 1)) & (whole)(((uint64_t)1 << (8 * sizeof(whole) - 1)) - 1); \
		memcpy((whole *)s->tile_fall + i * L, bits, sizeof bits); \
	} while (0)

VECTOR_CLONES static void fill_tile(const struct lanes *at, bool weighted, struct set_scratch *s)
{
	for (size_t i = 0; i < s->n_tile; i++) {
		struct profile_run r = profile_run(at->p, at->slab, s->tile_genes[i], at->from);
		/* Copies, which the compiler knows to stand apart from what is written. */
		uint16_t above[L], upto[L], gaps = 0, ties = 0;
		memcpy(above, r.above, sizeof above);
		memcpy(upto, r.upto, sizeof upto);
		memcpy(s->tile_above + i * L, above, sizeof above);
		memcpy(s->tile_upto + i * L, upto, sizeof upto);
		for (int l = 0; l < L; l++)
			gaps |= (uint16_t)(above[l] == PROFILE_NONE);
		/* Both are 65535 without a value. */
		for (int l = 0; l < L; l++)
			ties |= (uint16_t)((upto[l] - above[l]) >> 1);
		s->tile_gaps[i] = gaps;
		s->tile_ties[i] = ties;
		/* The next signatures stand beside these. */
		__builtin_prefetch(r.above + L);
		__builtin_prefetch(r.upto + L);
		if (!weighted)
			continue;
		__builtin_prefetch((const char *)r.value + L * at->p->value_size);
		__builtin_prefetch((const char *)r.value + L * at->p->value_size + 64);
		if (at->p->value_size == 8)
			FALL(double, int64_t);
		else
			FALL(float, int32_t);
	}
}

typedef uint16_t vec8h __attribute__((vector_size(16)));
typedef int32_t vec8w __attribute__((vector_size(32)));
typedef float vec8f __attribute__((vector_size(32)));

VECTOR_INLINE vec8 widen(const uint16_t *p)
{
	vec8h v;
	memcpy(&v, p, sizeof v);
	return __builtin_convertvector(__builtin_convertvector(v, vec8w), vec8);
}

VECTOR_INLINE vec8 magnitude(const void *fall, size_t at, bool wide)
{
	if (wide) {
		vec8i x;
		memcpy(&x, (const int64_t *)fall + at, sizeof x);
		return (vec8)((x ^ x >> 63) & INT64_MAX);
	}
	vec8w x;
	memcpy(&x, (const int32_t *)fall + at, sizeof x);
	return __builtin_convertvector((vec8f)((x ^ x >> 31) & INT32_MAX), vec8);
}

/* What was found while a set was read. */
struct loaded {
	double hits[L];                 /* genes that a lane has */
	double total[L];                /* sum of |value| over those */
	bool ties;                      /* one of them ends a block of several genes, anywhere */
};

VECTOR_INLINE void load_from(const uint32_t *gene, size_t n, bool weighted, bool wide, struct set_scratch *s, struct loaded *found)
{
	const size_t bytes = wide ? 8 : 4;
	vec8 total[V] = { 0 };
	for (size_t i = 0; i < n; i++) {
		size_t tile = s->tile_place[gene[i]], from = tile * L;
		memcpy(s->above + i * L, s->tile_above + from, L * sizeof *s->above);
		found->ties |= s->tile_ties[tile];
		if (weighted)
			memcpy((char *)s->fall + i * L * bytes, (const char *)s->tile_fall + from * bytes, L * bytes);
		vec8i there[V];
		for (int v = 0; v < V && s->tile_gaps[tile]; v++)
			there[v] = (vec8i)(widen(s->tile_above + from + 8 * v) < PROFILE_NONE);
		for (int v = 0; v < V && s->tile_gaps[tile]; v++)
			for (int k = 0; k < 8; k++)
				found->hits[8 * v + k] -= there[v][k] ? 0 : 1;
		for (int v = 0; v < V && weighted; v++) {
			vec8 m = magnitude(s->tile_fall, from + 8 * (size_t)v, wide);
			total[v] += s->tile_gaps[tile] ? vec8_select(there[v], m, vec8_set(0)) : m;
		}
	}
	memcpy(found->total, total, sizeof total);
}

VECTOR_CLONES static void load(const uint32_t *gene, size_t n, bool weighted, bool wide, struct set_scratch *s, struct loaded *found)
{
	found->ties = false;
	for (int l = 0; l < L; l++)
		found->hits[l] = (double)n;
	if (!weighted)
		load_from(gene, n, false, false, s, found);
	else if (wide)
		load_from(gene, n, true, true, s, found);
	else
		load_from(gene, n, true, false, s, found);
}

static const struct network *network_of(const struct set_scratch *s, size_t n)
{
	size_t k = 0;
	while (s->network[k].n != n)
		k++;
	return &s->network[k];
}

/* A running sum, times what its hits sum to: a hit steps up by its weight, a gene outside down by `miss`. */
struct walk {
	vec8 best[V], worst[V], sum[V], miss[V], hits[V];
};

/*
 * Elements from .. to of the sorted set. Inside a block the first hit's `before` is the lowest and the last one's
 * `after` the highest, so the others do no harm. Genes that a lane lacks come last.
 */
VECTOR_INLINE void walk_on(struct walk *w, const struct set_scratch *s, size_t from, size_t to, bool gaps, bool ties, bool weighted, bool wide)
{
	for (int v = 0; v < V; v++) {
		vec8 best = w->best[v], worst = w->worst[v], sum = w->sum[v], miss = w->miss[v];
		for (size_t i = from; i < to; i++) {
			size_t at = i * L + 8 * (size_t)v;
			vec8 fallen = (widen(s->above + at) - (double)i) * miss, before, after;
			if (weighted) {
				before = sum - fallen;
				sum += magnitude(s->fall, at, wide);
			} else {
				before = sum * (double)i - fallen;
			}
			if (ties)
				fallen = (widen(s->upto + at) - (double)(i + 1)) * miss;
			after = (weighted ? sum : sum * (double)(i + 1)) - fallen;
			if (gaps) {
				vec8i there = (vec8i)(w->hits[v] > (double)i);
				before = vec8_select(there, before, worst);
				after = vec8_select(there, after, best);
			}
			worst = vec8_select((vec8i)(before < worst), before, worst);
			best = vec8_select((vec8i)(after > best), after, best);
		}
		w->best[v] = best;
		w->worst[v] = worst;
		w->sum[v] = sum;
	}
}

/* With compilers' constants for the flags. */
VECTOR_INLINE void walk_all(struct walk *w, const struct set_scratch *s, size_t least, size_t n, bool ties, bool weighted, bool wide)
{
	if (ties) {
		walk_on(w, s, 0, least, false, true, weighted, wide);
		walk_on(w, s, least, n, true, true, weighted, wide);
	} else {
		walk_on(w, s, 0, least, false, false, weighted, wide);
		walk_on(w, s, least, n, true, false, weighted, wide);
	}
}

/*
 * Enrichment of the sorted set; 0 for lanes without a gene of it. Unweighted sums are taken times (size of the set) x
 * (genes outside), in whole numbers: which of two equally large ends is the larger is no matter of rounding then.
 */
VECTOR_CLONES static void enrichment(const struct lanes *at, size_t n, bool weighted, const struct set_scratch *s, const struct loaded *f,
				     double *es)
{
	struct walk w = { 0 };
	double miss[L], step[L], scale[L];
	size_t least = n;
	for (int l = 0; l < L; l++) {
		double outside = at->n_measured[l] - f->hits[l];
		least = f->hits[l] < (double)least ? (size_t)f->hits[l] : least;
		step[l] = weighted ? 0 : outside > 0 ? outside : 1;
		miss[l] = outside > 0 ? weighted ? f->total[l] / outside : f->hits[l] : 0;
		scale[l] = weighted ? f->total[l] : outside > 0 ? f->hits[l] * outside : f->hits[l];
	}
	memcpy(w.miss, miss, sizeof miss);
	memcpy(w.sum, step, sizeof step);
	memcpy(w.hits, f->hits, sizeof f->hits);
	if (!weighted)
		walk_all(&w, s, least, n, f->ties, false, false);
	else if (at->p->value_size == 8)
		walk_all(&w, s, least, n, f->ties, true, true);
	else
		walk_all(&w, s, least, n, f->ties, true, false);
	for (int l = 0; l < L; l++) {
		double high = w.best[l / 8][l % 8] / scale[l], low = w.worst[l / 8][l % 8] / scale[l];
		es[l] = f->hits[l] > 0 ? high >= -low - EQUAL ? high : low : 0;
		if (f->hits[l] > 0 && weighted && !(f->total[l] > 0 && isfinite(f->total[l])))
			es[l] = (double)NAN;
	}
}

/*
 * Lamb's statistic from the sorted ends of blocks; 0 for lanes with fewer than `least` genes of the set. In whole numbers, times
 * (genes) x (size of the set).
 */
VECTOR_CLONES static void kolmogorov(const struct lanes *at, size_t n, const struct set_scratch *s, const double *hits, double least, double *ks)
{
	for (int v = 0; v < V; v++) {
		vec8 t = vec8_load(hits + 8 * v), all = vec8_load(at->n_measured + 8 * v), a = vec8_set(-INFINITY), b = a;
		for (size_t i = 0; i < n; i++) {
			vec8 at_end = widen(s->upto + i * L + 8 * (size_t)v) * t, j = all * (double)i;
			vec8i there = (vec8i)(t > (double)i);
			vec8 over = j + all - at_end, under = at_end - j;
			a = vec8_select(there & (vec8i)(over > a), over, a);
			b = vec8_select(there & (vec8i)(under > b), under, b);
		}
		for (int k = 0; k < 8; k++)
			ks[8 * v + k] = t[k] < least ? 0 : (a[k] > b[k] ? a[k] : -b[k]) / (t[k] * all[k]);
	}
}

/* Statistic of one set by `method`. */
static void statistic(int method, const struct lanes *at, const uint32_t *gene, size_t n, struct set_scratch *s, double *hits, double *out)
{
	struct loaded found;
	const struct network *w = network_of(s, n);
	bool weighted = method == SCORE_WTCS, ks = method == SCORE_RGES || method == SCORE_LAMB;
	load(gene, n, weighted, at->p->value_size == 8, s, &found);
	memcpy(hits, found.hits, sizeof found.hits);
	if (ks || found.ties) {
		for (size_t i = 0; i < n; i++)
			memcpy(s->upto + i * L, s->tile_upto + s->tile_place[gene[i]] * (size_t)L, L * sizeof *s->upto);
		exchange_16(w, s->upto);
	}
	if (ks) {
		kolmogorov(at, n, s, hits, method == SCORE_RGES ? 2 : 1, out);
		return;
	}
	exchange_16(w, s->above);
	if (weighted && at->p->value_size == 8)
		exchange_64(w, s->fall);
	else if (weighted)
		exchange_32(w, s->fall);
	enrichment(at, n, weighted, s, &found, out);
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

void set_lanes_begin(int method, const struct lanes *at, struct set_scratch *s)
{
	if (method != SCORE_XSUM && method != SCORE_ZHANG)
		fill_tile(at, method == SCORE_WTCS, s);
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
