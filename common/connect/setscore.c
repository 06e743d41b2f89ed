/* Scores that look at the positions of two sets of genes, PROFILE_LANES signatures at a time. */
#include "connect/lanes.h"
#include "base/mem.h"
#include "num/vector.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { L = PROFILE_LANES };

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
	bool *tile_gaps, *tile_ties;    /* does a lane lack the gene, or have it in a block of several? */
	void *by_rank;                  /* (genes + 1) x lanes: |value| by the genes above it, float or double; 0 without a value */
	struct network *network;        /* for each number of elements that a set has */
	size_t n_networks;
	uint16_t *above, *upto;         /* elements x lanes, each sorted by itself */
	void *value;                    /* |value| in the order of above */
	bool flat[L];                   /* all values of the lane are the same: nothing is above anything */
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
					w->pair[w->n_pairs][0] = (uint32_t)(i * L);
					w->pair[w->n_pairs++][1] = (uint32_t)((i + d) * L);
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
	s->value = mem_aligned(most * L, sizeof(double));
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
	s->by_rank = mem_aligned((n_genes + 1) * L, sizeof(double));
	memset(s->by_rank, 0, (n_genes + 1) * L * sizeof(double));
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
	mem_free(s->value);
	mem_free(s->tile_place);
	mem_free(s->tile_genes);
	mem_free(s->tile_above);
	mem_free(s->tile_upto);
	mem_free(s->by_rank);
	mem_free(s->tile_gaps);
	mem_free(s->tile_ties);
	mem_free(s);
}

VECTOR_CLONES static void exchange(const struct network *w, uint16_t *key)
{
	for (size_t k = 0; k < w->n_pairs; k++) {
		uint16_t *a = key + w->pair[k][0], *b = key + w->pair[k][1];
#pragma omp simd
		for (int l = 0; l < L; l++) {
			uint16_t x = a[l], y = b[l];
			a[l] = x < y ? x : y;
			b[l] = x > y ? x : y;
		}
	}
}

/* Every gene of a block of ties has the same genes above it and the same value. */
VECTOR_INLINE void note_values(const struct profile_run *r, bool wide, size_t n_genes, void *by_rank)
{
	for (size_t l = 0; l < L; l++) {
		size_t at = (r->above[l] < n_genes ? r->above[l] : n_genes) * L + l;
		if (wide)
			((double *)by_rank)[at] = fabs(((const double *)r->value)[l]);
		else
			((float *)by_rank)[at] = fabsf(((const float *)r->value)[l]);
	}
}

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
		if (weighted)
			note_values(&r, at->p->value_size == 8, at->p->n_genes, s->by_rank);
		r = profile_run(at->p, at->slab, s->tile_genes[i + PROFILE_AHEAD < s->n_tile ? i + PROFILE_AHEAD : i], at->from);
		__builtin_prefetch(r.above);
		__builtin_prefetch(r.upto);
		if (weighted)
			profile_prefetch_values(at->p, &r);
	}
	size_t row = L * (size_t)at->p->value_size;
	memset((char *)s->by_rank + at->p->n_genes * row, 0, row);
}

/* What was found while a set was read. */
struct loaded {
	double hits[L];                 /* genes that a lane has */
	bool ties;                      /* one of them ends a block of several genes, anywhere */
};

VECTOR_CLONES static void load(const uint32_t *gene, size_t n, struct set_scratch *s, struct loaded *found)
{
	found->ties = false;
	for (int l = 0; l < L; l++)
		found->hits[l] = (double)n;
	for (size_t i = 0; i < n; i++) {
		size_t tile = s->tile_place[gene[i]];
		const uint16_t *above = s->tile_above + tile * L;
		memcpy(s->above + i * L, above, L * sizeof *s->above);
		found->ties |= s->tile_ties[tile];
		for (int l = 0; l < L && s->tile_gaps[tile]; l++)
			found->hits[l] -= above[l] == PROFILE_NONE;
	}
}

/* |value| of the sorted elements, and their sum. */
VECTOR_INLINE void look_up(const uint16_t *above, size_t n, size_t n_genes, const void *by_rank, bool wide, void *value, double *total)
{
	double sum[L] = { 0 };
	for (size_t i = 0; i < n; i++) {
		int32_t place[L], last = (int32_t)n_genes;
		for (int l = 0; l < L; l++) {
			int32_t a = above[i * L + (size_t)l];
			place[l] = (a < last ? a : last) * L + l;
		}
		if (wide) {
			double *to = (double *)value + i * L;
#pragma omp simd
			for (int l = 0; l < L; l++)
				to[l] = ((const double *)by_rank)[place[l]];
			for (int l = 0; l < L; l++)
				sum[l] += to[l];
		} else {
			float *to = (float *)value + i * L;
#pragma omp simd
			for (int l = 0; l < L; l++)
				to[l] = ((const float *)by_rank)[place[l]];
			for (int l = 0; l < L; l++)
				sum[l] += (double)to[l];
		}
	}
	memcpy(total, sum, sizeof sum);
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
	double best[L], worst[L], sum[L], miss[L], step[L], hits[L];
};

/*
 * Elements from .. to of the sorted set. Inside a block the first hit's `before` is the lowest and the last one's
 * `after` the highest, so the others do no harm. Genes that a lane lacks come last.
 */
VECTOR_INLINE void walk_on(struct walk *walk, const struct set_scratch *s, size_t from, size_t to, bool gaps, bool ties, bool weighted,
			   bool wide)
{
	struct walk w = *walk;
	for (size_t i = from; i < to; i++) {
		const uint16_t *above = s->above + i * L, *upto = s->upto + i * L;
		const float *narrow = (const float *)s->value + i * L;
		const double *full = (const double *)s->value + i * L;
		int k = (int)i;
#pragma omp simd
		for (int l = 0; l < L; l++) {
			double fallen = (double)(above[l] - k) * w.miss[l], before = w.sum[l] - fallen;
			double sum = w.sum[l] + (!weighted ? w.step[l] : wide ? full[l] : (double)narrow[l]);
			if (ties)
				fallen = (double)(upto[l] - k - 1) * w.miss[l];
			double after = sum - fallen;
			bool there = !gaps || w.hits[l] > (double)k;
			w.sum[l] = sum;
			w.worst[l] = there && before < w.worst[l] ? before : w.worst[l];
			w.best[l] = there && after > w.best[l] ? after : w.best[l];
		}
	}
	*walk = w;
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
	double total[L] = { 0 }, scale[L];
	size_t least = n;
	bool wide = at->p->value_size == 8;
	if (weighted && wide)
		look_up(s->above, n, at->p->n_genes, s->by_rank, true, s->value, total);
	else if (weighted)
		look_up(s->above, n, at->p->n_genes, s->by_rank, false, s->value, total);
	for (int l = 0; l < L; l++) {
		double outside = at->n_measured[l] - f->hits[l];
		least = f->hits[l] < (double)least ? (size_t)f->hits[l] : least;
		w.step[l] = outside > 0 ? outside : 1;
		w.miss[l] = outside > 0 ? weighted ? total[l] / outside : f->hits[l] : 0;
		w.hits[l] = f->hits[l];
		scale[l] = weighted ? total[l] : outside > 0 ? f->hits[l] * outside : f->hits[l];
	}
	if (!weighted)
		walk_all(&w, s, least, n, f->ties, false, false);
	else if (wide)
		walk_all(&w, s, least, n, f->ties, true, true);
	else
		walk_all(&w, s, least, n, f->ties, true, false);
	for (int l = 0; l < L; l++) {
		double high = w.best[l] / scale[l], low = w.worst[l] / scale[l];
		es[l] = f->hits[l] > 0 ? high >= -low - EQUAL ? high : low : 0;
		if (f->hits[l] > 0 && (f->hits[l] >= at->n_measured[l] || (weighted && !(total[l] > 0 && isfinite(total[l])))))
			es[l] = (double)NAN;
	}
}

/*
 * Lamb's statistic from the sorted ends of blocks; 0 for lanes with fewer than `least` genes of the set. In whole numbers, times
 * (genes) x (size of the set).
 */
VECTOR_CLONES static void kolmogorov(const struct lanes *at, size_t n, const struct set_scratch *s, const double *hits, double least, double *ks)
{
	double a[L], b[L], t[L], all[L];
	for (int l = 0; l < L; l++) {
		a[l] = b[l] = -INFINITY;
		t[l] = hits[l];
		all[l] = at->n_measured[l];
	}
	for (size_t i = 0; i < n; i++) {
		const uint16_t *upto = s->upto + i * L;
		double k = (double)i;
#pragma omp simd
		for (int l = 0; l < L; l++) {
			double at_end = (double)upto[l] * t[l], over = all[l] * k + all[l] - at_end, under = at_end - all[l] * k;
			a[l] = t[l] > k && over > a[l] ? over : a[l];
			b[l] = t[l] > k && under > b[l] ? under : b[l];
		}
	}
	for (int l = 0; l < L; l++)
		ks[l] = t[l] < least ? 0 : (a[l] > b[l] ? a[l] : -b[l]) / (t[l] * all[l]);
}

/* Statistic of one set by `method`. */
static void statistic(int method, const struct lanes *at, const uint32_t *gene, size_t n, struct set_scratch *s, double *hits, double *out)
{
	struct loaded found;
	const struct network *w = network_of(s, n);
	bool ks = method == SCORE_RGES || method == SCORE_LAMB;
	load(gene, n, s, &found);
	memcpy(hits, found.hits, sizeof found.hits);
	if (ks || found.ties) {
		for (size_t i = 0; i < n; i++)
			memcpy(s->upto + i * L, s->tile_upto + s->tile_place[gene[i]] * (size_t)L, L * sizeof *s->upto);
		exchange(w, s->upto);
	}
	if (ks) {
		kolmogorov(at, n, s, hits, method == SCORE_RGES ? 2 : 1, out);
		return;
	}
	exchange(w, s->above);
	enrichment(at, n, method == SCORE_WTCS, s, &found, out);
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

/* The first gene of a profile tells: if all others are beside it, it is so of every gene. */
static void find_flat(const struct lanes *at, bool *flat)
{
	for (int l = 0; l < L; l++) {
		flat[l] = false;
		for (size_t g = 0; at->n_measured[l] > 0 && g < at->p->n_genes; g++) {
			struct profile_run r = profile_run(at->p, at->slab, g, at->from);
			if (r.above[l] == PROFILE_NONE)
				continue;
			flat[l] = r.above[l] == 0 && r.upto[l] == (uint16_t)at->n_measured[l];
			break;
		}
	}
}

void set_lanes_begin(int method, const struct lanes *at, struct set_scratch *s)
{
	if (method != SCORE_XSUM)
		find_flat(at, s->flat);
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
	/* Where nothing is above anything, positions say nothing. */
	for (int l = 0; l < L && method != SCORE_XSUM; l++)
		out[l] = s->flat[l] ? (double)NAN : out[l];
}
