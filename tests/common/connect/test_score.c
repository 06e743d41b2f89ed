/* The kernels, 32 signatures at a time, against scores written down as the formulas have them, one signature at a time. */
#include "unit.h"
#include "base/mem.h"
#include "connect/compat.h"
#include "connect/leading_edge.h"
#include "connect/score.h"
#include "num/random.h"
#include <limits.h>
#include <string.h>

enum { GENES = 83, SIGNATURES = 75, TARGETS = 6 };

/* Profiles with ties, zeros, gaps, one without spread and one without values. */
static void make(double *value, bool gaps)
{
	for (uint32_t s = 0; s < SIGNATURES; s++)
		for (uint32_t g = 0; g < GENES; g++) {
			struct random4 r = random_words(5, 1, s, g);
			double z[2];
			random_normal(&r, z);
			double v = s % 3 ? z[0] : round(2 * z[0]) / 2;
			if (gaps && (random_below(r.v[3], 100) < 9 || s == 11))
				v = (double)NAN;
			value[s * GENES + g] = s == 7 ? 1 : (double)(float)v;
		}
}

struct store {
	double *value;
	uint8_t *bytes;
	struct profile_slab slab[3];
	uint32_t n_measured[SIGNATURES];
	struct profiles p;
};

static void store_init(struct store *s, bool gaps, int value_size, size_t width)
{
	*s = (struct store){ .value = mem_array(SIGNATURES * GENES, sizeof *s->value) };
	make(s->value, gaps);
	size_t run = profile_run_bytes(width, value_size) * GENES, k = 0;
	s->bytes = mem_array(3, run);
	for (size_t first = 0; first < SIGNATURES; first += width, k++) {
		size_t n = SIGNATURES - first < width ? SIGNATURES - first : width;
		s->slab[k] = (struct profile_slab){ first, n, width, s->bytes + k * run };
		profile_pack(s->value + first * GENES, n, GENES, width, value_size, 2, s->bytes + k * run, s->n_measured + first);
	}
	s->p = (struct profiles){ .n = SIGNATURES, .n_genes = GENES, .value_size = value_size, .slab = s->slab, .n_slabs = k, .n_measured = s->n_measured };
}

static void store_free(struct store *s)
{
	mem_free(s->value);
	mem_free(s->bytes);
}

/* Targets: dense over all genes, over some, a list, one-sided lists, one that meets ties of weights. */
static void make_target(size_t t, struct query *q)
{
	double weight[GENES];
	uint32_t place[GENES];
	for (uint32_t g = 0; g < GENES; g++) {
		struct random4 r = random_words(9, 2, t, g);
		double z[2];
		random_normal(&r, z);
		place[g] = (g * 7 + 3) % GENES;
		weight[g] = t == 5 ? round(2 * z[0]) : z[0];
		if (t >= 2 && t <= 4)
			weight[g] = z[0] > 0.9 ? 1 : z[0] < -0.9 && t != 4 ? -1 : (double)NAN;
		if (t == 3 && weight[g] > 0)
			weight[g] = (double)NAN;
		if (t == 1 && g % 4 == 0)
			weight[g] = (double)NAN;
	}
	query_init(q, weight, place, GENES, GENES, t >= 2 && t <= 4, 15);
}

static size_t above(const double *r, double v)
{
	size_t n = 0;
	for (size_t g = 0; g < GENES; g++)
		n += r[g] > v;
	return n;
}

static size_t same(const double *r, double v)
{
	size_t n = 0;
	for (size_t g = 0; g < GENES; g++)
		n += r[g] == v ? 1 : 0;
	return n;
}

static size_t measured(const double *r)
{
	size_t n = 0;
	for (size_t g = 0; g < GENES; g++)
		n += isnan(r[g]) ? 0 : 1;
	return n;
}

static bool holds(const uint32_t *set, size_t n, uint32_t gene)
{
	for (size_t i = 0; i < n; i++)
		if (set[i] == gene)
			return true;
	return false;
}

/* Walks down the profile value by value; hits and misses of a value count together. */
static double plain_es(const double *r, const uint32_t *set, size_t n, double p, size_t *hits)
{
	double total = 0, best = 0, worst = 0, sum = 0, last = INFINITY;
	*hits = 0;
	for (size_t i = 0; i < n; i++)
		if (!isnan(r[set[i]])) {
			total += pow(fabs(r[set[i]]), p);
			++*hits;
		}
	if (!*hits)
		return 0;
	if (measured(r) == *hits)
		return (double)NAN;
	double miss = 1 / (double)(measured(r) - *hits);
	for (;;) {
		double top = -INFINITY;
		for (size_t g = 0; g < GENES; g++)
			if (r[g] < last && r[g] > top)
				top = r[g];
		if (isinf(top))
			break;
		for (uint32_t g = 0; g < GENES; g++)
			if (r[g] == top)
				sum += holds(set, n, g) ? pow(fabs(top), p) / total : -miss;
		best = sum > best ? sum : best;
		worst = sum < worst ? sum : worst;
		last = top;
	}
	return best >= -worst - 1e-12 ? best : worst;
}

static double plain_ks(const double *r, const uint32_t *set, size_t n, size_t *hits)
{
	/* Times t N, in whole numbers: rounding must not say which of two equal ones is larger. */
	long v[GENES], a = LONG_MIN, b = LONG_MIN, all = (long)measured(r), t = 0;
	for (size_t i = 0; i < n; i++)
		if (!isnan(r[set[i]])) {
			long at = t++, mine = (long)(above(r, r[set[i]]) + same(r, r[set[i]]));
			for (; at > 0 && v[at - 1] > mine; at--)
				v[at] = v[at - 1];
			v[at] = mine;
		}
	*hits = (size_t)t;
	for (long j = 1; j <= t; j++) {
		long over = j * all - v[j - 1] * t, under = v[j - 1] * t - (j - 1) * all;
		a = over > a ? over : a;
		b = under > b ? under : b;
	}
	return !t ? 0 : (double)(a > b ? a : -b) / (double)(t * all);
}

static double plain_sets(int method, const double *r, const struct query *q)
{
	size_t n_up, n_down;
	bool ks = method == SCORE_RGES || method == SCORE_LAMB;
	double p = method == SCORE_WTCS ? 1 : 0;
	double up = ks ? plain_ks(r, q->set, q->n_up, &n_up) : plain_es(r, q->set, q->n_up, p, &n_up);
	double down = ks ? plain_ks(r, q->set + q->n_up, q->n_down, &n_down) : plain_es(r, q->set + q->n_up, q->n_down, p, &n_down);
	if (!n_up && !n_down)
		return (double)NAN;
	if (method == SCORE_RGES) {
		up = n_up < 2 ? 0 : up;
		down = n_down < 2 ? 0 : down;
	}
	if (!n_down)
		return up;
	if (!n_up)
		return -down;
	if ((method == SCORE_WTCS || method == SCORE_LAMB) && up * down > 0)
		return 0;
	return (up - down) / (ks ? 1 : 2);
}

static double plain_xsum(const double *r, const struct query *q, size_t keep)
{
	double sum = 0;
	for (size_t i = 0; i < q->n_up + q->n_down; i++) {
		double v = r[q->set[i]];
		size_t below = measured(r) - above(r, v) - same(r, v);
		if (!isnan(v) && (above(r, v) < keep || below < keep))
			sum += i < q->n_up ? v : -v;
	}
	return sum;
}

/* Mid rank of |x[i]| among the n. */
static double magnitude_rank(const double *x, size_t n, double v)
{
	size_t less = 0, equal = 0;
	for (size_t i = 0; i < n; i++) {
		less += fabs(x[i]) < fabs(v);
		equal += fabs(x[i]) == fabs(v) ? 1 : 0;
	}
	return (double)less + (double)(equal + 1) / 2;
}

static double plain_zhang(const double *r, const struct query *q)
{
	double strength[GENES], sum = 0, most = 0;
	size_t m = 0;
	for (size_t i = 0; i < q->n_up + q->n_down; i++)
		if (!isnan(r[q->set[i]]))
			strength[m++] = q->list ? 1 : q->strength[i];
	for (size_t i = 0, j = 0; i < q->n_up + q->n_down; i++) {
		double v = r[q->set[i]], side = i < q->n_up ? 1 : -1;
		if (isnan(v))
			continue;
		double s = q->list ? 1 : magnitude_rank(strength, m, strength[j]);
		sum += (v > 0 ? 1 : v < 0 ? -1 : 0) * magnitude_rank(r, GENES, v) * side * s;
		j++;
	}
	for (size_t i = 1; i <= m; i++)
		most += (double)(measured(r) - i + 1) * (q->list ? 1 : (double)(m - i + 1));
	return sum / most;
}

static double signed_rank(const double *x, size_t n, double v)
{
	size_t less = 0, equal = 0;
	for (size_t i = 0; i < n; i++) {
		less += x[i] < v;
		equal += x[i] == v ? 1 : 0;
	}
	return (double)less + (double)(equal + 1) / 2;
}

static uint32_t plain_overlap(const double *r, const struct query *q)
{
	uint32_t n = 0;
	for (size_t i = 0; i < q->n_up + q->n_down; i++)
		n += isnan(r[q->set[i]]) ? 0 : 1;
	return n;
}

static double plain_vector(int method, const double *r, const struct query *q, uint32_t *overlap)
{
	double x[GENES], y[GENES], a[GENES], b[GENES], mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
	size_t n = 0;
	for (size_t i = 0; i < q->n; i++)
		if (!isnan(r[q->gene[i]])) {
			x[n] = q->weight[i];
			y[n++] = r[q->gene[i]];
		}
	*overlap = q->list ? plain_overlap(r, q) : (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		a[i] = method == SCORE_SPEARMAN ? signed_rank(x, n, x[i]) : x[i];
		b[i] = method == SCORE_SPEARMAN ? signed_rank(y, n, y[i]) : y[i];
		mx += method == SCORE_COSINE ? 0 : a[i] / (double)n;
		my += method == SCORE_COSINE ? 0 : b[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		xx += (a[i] - mx) * (a[i] - mx);
		yy += (b[i] - my) * (b[i] - my);
		xy += (a[i] - mx) * (b[i] - my);
	}
	return xx > 1e-20 && yy > 1e-20 ? xy / sqrt(xx) / sqrt(yy) : (double)NAN;
}

static double plain(int method, const double *r, const struct query *q, uint32_t *overlap)
{
	bool flat = false;
	for (size_t g = 0; g < GENES; g++)
		flat = flat || (!isnan(r[g]) && same(r, r[g]) == measured(r));
	*overlap = plain_overlap(r, q);
	switch (method) {
	case SCORE_XSUM: return *overlap ? plain_xsum(r, q, 20) : (double)NAN;
	case SCORE_ZHANG: return *overlap && !flat ? plain_zhang(r, q) : (double)NAN;
	case SCORE_COSINE: case SCORE_PEARSON: case SCORE_SPEARMAN: return plain_vector(method, r, q, overlap);
	default: return flat ? (double)NAN : plain_sets(method, r, q);
	}
}

static void compare(int method, bool gaps, int value_size, size_t width)
{
	struct store s;
	struct query q[TARGETS];
	store_init(&s, gaps, value_size, width);
	double *score = mem_array(TARGETS * SIGNATURES, sizeof *score), *again = mem_array(TARGETS * SIGNATURES, sizeof *again);
	uint32_t *overlap = mem_array(TARGETS * SIGNATURES, sizeof *overlap);
	struct score_options o = { method, 20 };
	for (size_t t = 0; t < TARGETS; t++)
		make_target(t, &q[t]);
	score_queries(&o, &s.p, q, TARGETS, 1, score, overlap);
	score_queries(&o, &s.p, q, TARGETS, 3, again, NULL);
	CHECK(!memcmp(score, again, TARGETS * SIGNATURES * sizeof *score));
	for (size_t t = 0; t < TARGETS; t++) {
		score_queries(&o, &s.p, &q[t], 1, 2, again, NULL);
		CHECK(!memcmp(score + t * SIGNATURES, again, SIGNATURES * sizeof *score));
		for (size_t i = 0; i < SIGNATURES; i++) {
			uint32_t n;
			double want = plain(method, s.value + i * GENES, &q[t], &n);
			CHECK(overlap[t * SIGNATURES + i] == n);
			CHECK_NEAR(score[t * SIGNATURES + i], want, 1e-12);
		}
		query_free(&q[t]);
	}
	mem_free(score);
	mem_free(again);
	mem_free(overlap);
	store_free(&s);
}

static void compare_all(int method)
{
	for (int gaps = 0; gaps < 2; gaps++)
		for (int size = 4; size <= 8; size += 4)
			for (size_t width = 32; width <= 96; width += 64)
				compare(method, gaps, size, width);
}

UNIT(weighted_enrichment) { compare_all(SCORE_WTCS); }
UNIT(unweighted_enrichment) { compare_all(SCORE_GSEA); }
UNIT(difference_of_ks) { compare_all(SCORE_RGES); }
UNIT(connectivity_of_2006) { compare_all(SCORE_LAMB); }
UNIT(extreme_sum) { compare_all(SCORE_XSUM); }
UNIT(signed_ranks) { compare_all(SCORE_ZHANG); }
UNIT(cosine) { compare_all(SCORE_COSINE); }
UNIT(pearson) { compare_all(SCORE_PEARSON); }
UNIT(spearman) { compare_all(SCORE_SPEARMAN); }

/* The profile itself is its best mimic, its negative the best reverser; all methods agree on the sign. */
UNIT(one_sign_for_all)
{
	struct store s;
	store_init(&s, false, 8, 96);
	double *r = s.value + GENES, weight[GENES], score[SIGNATURES];
	uint32_t place[GENES];
	for (int side = 1; side >= -1; side -= 2)
		for (int m = 0; m < SCORE_N_METHODS; m++) {
			struct query q;
			struct score_options o = { m, 20 };
			for (uint32_t g = 0; g < GENES; g++) {
				weight[g] = side * r[g];
				place[g] = g;
			}
			query_init(&q, weight, place, GENES, GENES, false, 15);
			score_queries(&o, &s.p, &q, 1, 1, score, NULL);
			for (size_t i = 0; i < SIGNATURES; i++)
				CHECK(i == 1 || isnan(score[i]) || score[i] * side < score[1] * side);
			query_free(&q);
		}
	store_free(&s);
}

/* Null queries: the same genes and weights, sets of the same sizes; the weights of the sets go with their genes. */
UNIT(permuted_queries)
{
	for (size_t t = 0; t < TARGETS; t++) {
		struct query q, n, again;
		make_target(t, &q);
		double sum = 0, null_sum = 0;
		for (uint32_t draw = 0; draw < 20; draw++) {
			query_permuted(&n, &q, 3, draw);
			query_permuted(&again, &q, 3, draw);
			CHECK(n.n == q.n && n.n_up == q.n_up && n.n_down == q.n_down);
			CHECK(!memcmp(n.set, again.set, (n.n_up + n.n_down) * sizeof *n.set) && !memcmp(n.weight, again.weight, n.n * sizeof *n.weight));
			for (size_t i = 0; i < n.n_up + n.n_down; i++) {
				CHECK(!holds(n.set, i, n.set[i]) && holds(q.gene, q.n, n.set[i]));
				for (size_t k = 0; k < n.n; k++)
					if (n.gene[k] == n.set[i])
						CHECK(fabs(n.weight[k]) == n.strength[i] && (n.weight[k] > 0) == (i < n.n_up));
			}
			for (size_t k = 0; k < n.n; k++) {
				sum += q.weight[k];
				null_sum += n.weight[k];
			}
			query_free(&n);
			query_free(&again);
		}
		CHECK_NEAR(sum, null_sum, 1e-9);
		query_free(&q);
	}
}

/* No gene is outside: the sum has nowhere to fall. */
UNIT(set_of_all_genes)
{
	struct store s;
	struct query q;
	double weight[GENES], score[SIGNATURES];
	uint32_t place[GENES], overlap[SIGNATURES];
	store_init(&s, false, 4, 32);
	for (uint32_t g = 0; g < GENES; g++) {
		weight[g] = 1;
		place[g] = g;
	}
	query_init(&q, weight, place, GENES, GENES, true, 0);
	for (int method = SCORE_WTCS; method <= SCORE_GSEA; method += SCORE_GSEA - SCORE_WTCS) {
		score_queries(&(struct score_options){ method, 20 }, &s.p, &q, 1, 1, score, overlap);
		for (size_t i = 0; i < SIGNATURES; i++) {
			CHECK(overlap[i] == GENES);
			CHECK(isnan(score[i]));
		}
	}
	query_free(&q);
	store_free(&s);
}

/* Signatures that are not wanted have no score, and do not change those of the others. */
UNIT(left_out_signatures)
{
	struct store s;
	struct query q;
	double all[SIGNATURES], some[SIGNATURES];
	bool keep[SIGNATURES];
	store_init(&s, true, 4, 32);
	make_target(0, &q);
	for (size_t i = 0; i < SIGNATURES; i++)
		keep[i] = i % 5 == 1 && i < 60;
	struct score_options o = { SCORE_WTCS, 20 };
	score_queries(&o, &s.p, &q, 1, 2, all, NULL);
	s.p.keep = keep;
	score_queries(&o, &s.p, &q, 1, 2, some, NULL);
	for (size_t i = 0; i < SIGNATURES; i++)
		CHECK(keep[i] ? some[i] == all[i] || (isnan(some[i]) && isnan(all[i])) : isnan(some[i]));
	query_free(&q);
	store_free(&s);
}

/* A gap in one signature leaves the old program's scores of the others alone. */
UNIT(old_scores_with_a_gap)
{
	struct store s;
	struct query q;
	double score[SIGNATURES];
	uint32_t overlap[SIGNATURES], n;
	store_init(&s, true, 8, 96);
	make_target(0, &q);
	compat_scores(SCORE_COSINE, &s.p, &q, 2, score, overlap);
	for (size_t i = 0; i < SIGNATURES; i++) {
		double want = plain_vector(SCORE_PEARSON, s.value + i * GENES, &q, &n);
		CHECK(overlap[i] == n);
		CHECK_NEAR(score[i], isnan(want) ? 0 : -want, 1e-11);
	}
	query_free(&q);
	store_free(&s);
}

/* What the genes of the leading edge and the genes outside of the set sum to there is the enrichment itself. */
static void compare_edges(int method, int value_size)
{
	struct store s;
	size_t n_negative = 0, n_positive = 0;
	store_init(&s, true, value_size, 32);
	for (size_t t = 0; t < TARGETS; t++) {
		struct query q;
		make_target(t, &q);
		for (size_t i = 0; i < SIGNATURES; i++) {
			const double *r = s.value + i * GENES;
			uint32_t edge[GENES];
			double p = method == SCORE_WTCS ? 1 : 0, sum = 0, total = 0;
			size_t hits, n = leading_edge(method, &s.p, i, q.set, q.n_up, edge);
			double es = plain_es(r, q.set, q.n_up, p, &hits), outside = (double)(measured(r) - hits);
			CHECK((n > 0) == (fabs(es) > 1e-12));
			if (!n)
				continue;
			for (size_t k = 0; k < q.n_up; k++)
				total += isnan(r[q.set[k]]) ? 0 : pow(fabs(r[q.set[k]]), p);
			for (size_t k = 0; k < n; k++) {
				sum += pow(fabs(r[edge[k]]), p) / total;
				CHECK(holds(q.set, q.n_up, edge[k]) && (!k || r[edge[k]] <= r[edge[k - 1]]));
			}
			if (outside > 0 && es > 0) {
				double last = r[edge[n - 1]];
				CHECK_NEAR(es, sum - (double)(above(r, last) + same(r, last) - n) / outside, 1e-12);
				n_positive++;
			} else if (outside > 0) {
				CHECK_NEAR(es, 1 - sum - (double)(above(r, r[edge[0]]) - (hits - n)) / outside, 1e-12);
				n_negative++;
			}
		}
		query_free(&q);
	}
	CHECK(n_positive > 50 && n_negative > 50);
	store_free(&s);
}

UNIT(leading_edges)
{
	for (int size = 4; size <= 8; size += 4) {
		compare_edges(SCORE_WTCS, size);
		compare_edges(SCORE_GSEA, size);
	}
	/* Four of ten, at the places 1, 2, 5 and 9: Lamb's a is largest at the second. */
	double value[10];
	uint32_t set[] = { 8, 0, 1, 4 }, edge[4], n_measured;
	for (uint32_t g = 0; g < 10; g++)
		value[g] = 10 - (double)g;
	uint8_t *bytes = mem_array(10, profile_run_bytes(32, 8));
	struct profile_slab slab = { 0, 1, 32, bytes };
	profile_pack(value, 1, 10, 32, 8, 1, bytes, &n_measured);
	struct profiles p = { .n = 1, .n_genes = 10, .value_size = 8, .slab = &slab, .n_slabs = 1, .n_measured = &n_measured };
	CHECK(leading_edge(SCORE_RGES, &p, 0, set, 4, edge) == 2 && edge[0] == 0 && edge[1] == 1);
	/* Places 4, 7 and 9: b, from the gene at 4 on. */
	uint32_t low[] = { 6, 8, 3 };
	CHECK(leading_edge(SCORE_LAMB, &p, 0, low, 3, edge) == 3 && edge[0] == 3 && edge[2] == 8);
	mem_free(bytes);
}

UNITS(RUN(leading_edges), RUN(weighted_enrichment), RUN(unweighted_enrichment), RUN(difference_of_ks), RUN(connectivity_of_2006), RUN(extreme_sum),
      RUN(signed_ranks), RUN(cosine), RUN(pearson), RUN(spearman), RUN(one_sign_for_all), RUN(permuted_queries), RUN(set_of_all_genes), RUN(left_out_signatures),
      RUN(old_scores_with_a_gap))
