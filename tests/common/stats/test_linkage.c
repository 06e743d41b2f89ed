#include <string.h>
#include "base/mem.h"
#include "num/random.h"
#include "stats/correlation.h"
#include "stats/linkage.h"
#include "unit.h"

/* The definition word by word: every pair of clusters, every centre, every member, at each step. */
enum { MOST = 14 };

struct group {
	int n;
	uint32_t member[MOST];
	int64_t name;
};

static double slow_distance(enum linkage_method method, const double *d, size_t n, const struct group *g, const struct group *h, double *complete,
			    uint32_t *centre)
{
	double single = INFINITY, radius = INFINITY;
	uint32_t all[2 * MOST];
	int m = 0;
	*complete = 0;
	*centre = UINT32_MAX;
	for (int i = 0; i < g->n; i++)
		for (int j = 0; j < h->n; j++) {
			double x = d[g->member[i] * n + h->member[j]];
			single = fmin(single, x);
			*complete = fmax(*complete, x);
		}
	for (int i = 0; i < g->n; i++)
		all[m++] = g->member[i];
	for (int i = 0; i < h->n; i++)
		all[m++] = h->member[i];
	for (int i = 0; i < m; i++) {
		double most = 0;
		for (int j = 0; j < m; j++)
			most = fmax(most, all[i] == all[j] ? 0 : d[all[i] * n + all[j]]);
		if (most < radius || (most == radius && all[i] < *centre)) {
			radius = most;
			*centre = all[i];
		}
	}
	return method == LINKAGE_MINIMAX ? radius : single;
}

static uint32_t first(const struct group *g)
{
	uint32_t least = g->member[0];
	for (int i = 1; i < g->n; i++)
		least = g->member[i] < least ? g->member[i] : least;
	return least;
}

static void slow(enum linkage_method method, const double *d, size_t n, struct linkage_step *step)
{
	struct group group[MOST] = { 0 };
	size_t k = n;
	for (size_t i = 0; i < n; i++)
		group[i] = (struct group){ 1, { (uint32_t)i }, -(int64_t)i - 1 };
	for (size_t s = 0; s + 1 < n; s++) {
		size_t a = 0, b = 0;
		double best = INFINITY, best_complete = INFINITY;
		uint32_t centre = 0;
		/* Groups stand in the order of their first members. */
		for (size_t i = 0; i < k; i++)
			for (size_t j = i + 1; j < k; j++) {
				double complete;
				uint32_t x;
				double distance = slow_distance(method, d, n, &group[i], &group[j], &complete, &x);
				if (distance < best || (distance == best && complete < best_complete)) {
					best = distance;
					best_complete = complete;
					a = i;
					b = j;
					centre = x;
				}
			}
		int64_t p = group[a].name, q = group[b].name;
		int swap = (p < 0) == (q < 0) ? llabs(p) > llabs(q) : p > 0;
		step[s] = (struct linkage_step){ { swap ? q : p, swap ? p : q }, best, method == LINKAGE_MINIMAX ? centre : UINT32_MAX,
			(uint32_t)(group[a].n + group[b].n) };
		memcpy(group[a].member + group[a].n, group[b].member, (size_t)group[b].n * sizeof *group[b].member);
		group[a].n += group[b].n;
		group[a].name = (int64_t)s + 1;
		memmove(group + b, group + b + 1, (k - b - 1) * sizeof *group);
		k--;
		for (size_t i = 0; i + 1 < k; i++)
			CHECK(first(&group[i]) < first(&group[i + 1]));
	}
}

/* Distances of few different values: ties everywhere. */
static void distances(uint64_t seed, size_t n, uint32_t values, double *d)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++) {
			struct random4 r = random_words(seed, 3, i, (uint32_t)j);
			d[i * n + j] = d[j * n + i] = i == j ? 0 : 1 + (double)random_below(r.v[0], values);
		}
}

UNIT(equals_the_definition)
{
	double d[MOST * MOST];
	struct linkage_step fast[MOST], plain[MOST];
	for (uint64_t seed = 0; seed < 200; seed++) {
		size_t n = 2 + seed % (MOST - 1);
		distances(seed, n, seed % 2 ? 4 : 1000000, d);
		for (int method = LINKAGE_MINIMAX; method <= LINKAGE_SINGLE; method++) {
			linkage((enum linkage_method)method, d, n, fast);
			slow((enum linkage_method)method, d, n, plain);
			for (size_t s = 0; s + 1 < n; s++) {
				CHECK(fast[s].joined[0] == plain[s].joined[0] && fast[s].joined[1] == plain[s].joined[1]);
				CHECK(fast[s].height == plain[s].height && fast[s].prototype == plain[s].prototype && fast[s].n == plain[s].n);
				CHECK(!s || fast[s].height >= fast[s - 1].height);
			}
		}
	}
}

UNIT(cuts)
{
	double d[MOST * MOST];
	struct linkage_step step[MOST];
	uint32_t cluster[MOST], centre[MOST];
	for (uint64_t seed = 0; seed < 60; seed++) {
		size_t n = 3 + seed % (MOST - 2);
		distances(seed, n, 8, d);
		linkage(LINKAGE_MINIMAX, d, n, step);
		for (double h = 0; h < 9; h += 0.5) {
			size_t k = linkage_cut(step, n, h, cluster, centre), low = 0, seen = 0;
			for (size_t s = 0; s + 1 < n; s++)
				low += step[s].height <= h;
			CHECK(k == n - low);
			for (size_t i = 0; i < n; i++) {
				CHECK(cluster[i] <= seen);
				seen += cluster[i] == seen;
				/* What minimax promises: nobody is farther than h from the prototype, which is of the same cluster. */
				CHECK(d[i * n + centre[i]] <= h && cluster[centre[i]] == cluster[i]);
			}
		}
	}
}

/* Values of SciPy 1.18. */
UNIT(correlations)
{
	const double x[] = { 1, 3, 2, 5, 4, 4, 7, 0.5 }, y[] = { 2, 2, 1, 6, 3, 8, 4, 0 }, c[] = { 3, 3, 3, 3, 3, 3, 3, 3 };
	double z[24], r[9];
	memcpy(z, x, sizeof x);
	memcpy(z + 8, y, sizeof y);
	memcpy(z + 16, c, sizeof c);
	const double want[] = { 0.6454237976357505, 0.8313253012048192, 0.6666666666666666 };
	for (int method = 0; method < 3; method++) {
		correlation_matrix((enum correlation_method)method, z, 8, 3, 2, r);
		CHECK_NEAR(r[1], want[method], 1e-15);
		CHECK(r[1] == r[3] && r[0] == 1 && isnan(r[2]) && isnan(r[8]));
	}
	CHECK(correlation_pearson(x, y, 8) == (correlation_matrix(CORRELATION_PEARSON, z, 8, 3, 1, r), r[1]));
}

UNITS(RUN(equals_the_definition), RUN(cuts), RUN(correlations))
