#include "stats/negbin.h"
#include "base/mem.h"
#include "num/random.h"
#include "unit.h"
#include <string.h>

enum { GROUPS = 3, RUNS = 2, OWN = 52, POOL = 300, ROWS = GROUPS * POOL + 7, GENES = 2 };
static const size_t group_of_run[RUNS] = { 2, 0 };

/* A screen by hand: pool cells of the groups in turn, a few in none; own cells by run. One gene of counts, one of zeros. */
struct screen {
	double c[ROWS], own_c[RUNS * OWN], own_w[RUNS * OWN], own_y[RUNS * OWN];
	uint32_t group[ROWS];
	struct sparse_cols counts;
	size_t start[GENES + 1];
	uint32_t row[ROWS];
	double value[ROWS];
};

static double uniform(uint64_t seed, uint64_t i)
{
	struct random4 r = random_words(seed, 5, i, 0);
	return random_unit53(&r, 0);
}

static double count(double mu, double u)
{
	return random_negative_binomial(mu, 0.4, u);
}

/* Totals over c = 1 +- half, log mu = a + b c. */
static void fill(struct screen *s, uint64_t seed, double half, double a, double b)
{
	memset(s, 0, sizeof *s);
	size_t n = 0;
	for (uint32_t i = 0; i < ROWS; i++) {
		s->c[i] = 1 + half * (2 * uniform(seed, 4 * i) - 1);
		s->group[i] = i % 150 == 149 ? UINT32_MAX : i % GROUPS;
		double y = count(exp(a + b * s->c[i]), uniform(seed, 4 * i + 1));
		if (y > 0) {
			s->row[n] = i;
			s->value[n++] = y;
		}
	}
	s->start[1] = s->start[2] = n;
	s->counts = (struct sparse_cols){ ROWS, GENES, s->start, s->row, s->value, n };
	for (size_t i = 0; i < RUNS * OWN; i++) {
		s->own_c[i] = 1 + half * (2 * uniform(seed, 4 * i + 2) - 1);
		s->own_w[i] = i % 3 ? 2 * uniform(seed, 4 * i + 3) : 0;
		s->own_y[i] = count(exp(a + b * s->own_c[i] + 0.3 * s->own_w[i]), uniform(seed + 1000, i));
	}
}

/* The same cells as a design, with the pool beside it, or (pool NULL) all cells in it. y is the caller's, of enough room. */
static struct negbin_design *design(const struct screen *s, bool weighted, struct negbin_pool *pool, double *y)
{
	size_t n[RUNS] = { 0 };
	for (size_t r = 0; r < RUNS; r++) {
		n[r] = OWN;
		for (size_t i = 0; !pool && i < ROWS; i++)
			n[r] += s->group[i] == group_of_run[r];
	}
	struct negbin_design *d = negbin_design_new(n, RUNS, weighted, pool, group_of_run);
	memset(y, 0, d->n_places * sizeof *y);
	for (size_t r = 0; r < RUNS; r++) {
		size_t at = d->start[r];
		for (size_t i = 0; i < OWN; i++, at++) {
			d->c[at] = s->own_c[r * OWN + i];
			if (weighted)
				d->w[at] = s->own_w[r * OWN + i];
			y[at] = s->own_y[r * OWN + i];
		}
		for (size_t i = 0, k = 0; !pool && i < ROWS; i++) {
			while (k < s->start[1] && s->row[k] < i)
				k++;
			if (s->group[i] != group_of_run[r])
				continue;
			d->c[at] = s->c[i];
			y[at++] = k < s->start[1] && s->row[k] == i ? s->value[k] : 0;
		}
	}
	return d;
}

struct all {
	double moment, mean, se[2 * RUNS + 1], at_se[2 * RUNS + 1], dispersion, beta[2 * RUNS + 1], deviance;
	bool fitted;
};

/* What a fit has, at given coefficients and from them on. */
static struct all everything(const struct screen *s, bool weighted, struct negbin_pool *pool, double theta, const double *beta)
{
	double y[RUNS * (OWN + POOL + 16)];
	struct negbin_design *d = design(s, weighted, pool, y);
	struct negbin_room *room = negbin_room_new(d);
	struct all out = { 0 };
	struct negbin_fit fit = { .beta = out.beta };
	negbin_take(d, room, y, 0);
	out.moment = negbin_moments(d, room);
	out.mean = negbin_mean(d, room, beta);
	CHECK(negbin_standard_errors(d, room, beta, theta, out.at_se));
	out.dispersion = negbin_dispersion(d, room, out.moment, beta);
	out.fitted = negbin_betas(d, room, theta, false, &fit) && fit.converged && negbin_standard_errors(d, room, out.beta, theta, out.se);
	out.deviance = fit.deviance;
	negbin_room_free(room);
	negbin_design_free(d);
	return out;
}

static void near(double a, double b, double limit)
{
	CHECK_NEAR(a, b, limit * fmax(fabs(b), 1e-300));
}

static void equal(const struct all *a, const struct all *b, size_t p)
{
	near(a->moment, b->moment, 1e-12);
	near(a->mean, b->mean, 1e-12);
	near(a->dispersion, b->dispersion, 1e-11);
	near(a->deviance, b->deviance, 1e-12);
	CHECK(a->fitted && b->fitted);
	for (size_t k = 0; k < p; k++) {
		near(a->at_se[k], b->at_se[k], 1e-12);
		near(a->se[k], b->se[k], 1e-12);
		CHECK_NEAR(a->beta[k], b->beta[k], 1e-12 * (fabs(b->beta[k]) + b->se[k]));
	}
}

UNIT(nodes_equal_cells)
{
	const double theta[] = { 0, 1e-7, 1e-3, 0.1, 1, 50 }, slope[] = { 0, 1, 2.4, -3, 6 }, half[] = { 0.3, 0.8, 4 };
	size_t smooth = 0, rough = 0;
	for (size_t i = 0; i < 6 * 5 * 3; i++) {
		double b = slope[i / 6 % 5], h = half[i / 30], a = -1 - b + (double)(i % 4) - fabs(b) * h / 2;
		struct screen s;
		fill(&s, i, h, a, b);
		struct negbin_pool *pool = negbin_pool_new(&s.counts, s.c, s.group, GROUPS, 1);
		const double beta[2 * RUNS + 1] = { a, a + 0.1, b, 0.3, 0.2 };
		*(negbin_pool_smooth(fabs(b) * h, 10) ? &smooth : &rough) += 1;
		for (int weighted = 0; weighted < 2; weighted++) {
			struct all plain = everything(&s, weighted, NULL, theta[i % 6], beta), nodes = everything(&s, weighted, pool, theta[i % 6], beta);
			equal(&plain, &nodes, RUNS + 1 + (weighted ? RUNS : 0));
		}
		negbin_pool_free(pool);
	}
	CHECK(smooth > 20 && rough > 20);
}

/* Sums over cells at the nodes: no further off than the bound, and rounding, says; polynomials of a high degree to rounding. */
UNIT(bound_holds)
{
	struct screen s;
	fill(&s, 7, 1, 0, 0);
	struct negbin_pool *pool = negbin_pool_new(&s.counts, s.c, s.group, GROUPS, 1);
	const struct negbin_group *g = &pool->group[1];
	CHECK(g->nodes && g->n > POOL - 10);
	double half = (g->high - g->low) / 2, close = 0;
	for (double slope = 0.5; slope < 30; slope *= 1.3)
		for (double e_max = -6; e_max < 12; e_max += 1.5) {
			double cells[4] = { 0 }, nodes[4] = { 0 }, largest[4] = { 0 }, bound = negbin_pool_error(slope * half, e_max);
			for (size_t i = 0; i < g->n + NEGBIN_NODES; i++) {
				bool cell = i < g->n;
				double c = cell ? g->c[i] : g->node[i - g->n], times = cell ? 1 : g->times[i - g->n];
				double u = exp(e_max + slope * (c - g->high)), f[4] = { u / (1 + u), 1 / (1 + u), log1p(u), pow((c - 1) / 1.1, 40) };
				for (int k = 0; k < 4; k++) {
					*(cell ? &cells[k] : &nodes[k]) += times * f[k];
					largest[k] = fmax(largest[k], fabs(f[k]));
				}
			}
			for (int k = 0; k < 3; k++)
				CHECK_NEAR(nodes[k], cells[k], (bound + 2e-15) * largest[k] * (double)g->n);
			CHECK_NEAR(nodes[3], cells[3], 2e-15 * (double)g->n);
			close = fmax(close, bound < 1 ? fabs(nodes[1] / cells[1] - 1) : 0);
			CHECK(negbin_pool_smooth(slope * half, e_max) == (bound < 1e-14));
		}
	/* The worst of them is no rounding. */
	CHECK(close > 1e-9);
	negbin_pool_free(pool);
}

/* Cells in another order: the same to rounding. */
UNIT(order_of_cells_is_nothing)
{
	struct screen s, t;
	const double beta[2 * RUNS + 1] = { -2, -1.9, 2, 0.3, 0.2 };
	fill(&s, 3, 0.8, -2, 2);
	fill(&t, 3, 0.8, -2, 2);
	size_t n = 0;
	for (uint32_t i = 0; i < ROWS; i++) {
		uint32_t from = (uint32_t)random_permuted(9, i, ROWS);
		t.c[i] = s.c[from];
		t.group[i] = s.group[from];
		for (size_t k = 0; k < s.start[1]; k++)
			if (s.row[k] == from) {
				t.row[n] = i;
				t.value[n++] = s.value[k];
			}
	}
	for (size_t i = 0; i < RUNS * OWN; i++) {
		size_t from = i / OWN * OWN + random_permuted(9, i % OWN, OWN);
		t.own_c[i] = s.own_c[from];
		t.own_w[i] = s.own_w[from];
		t.own_y[i] = s.own_y[from];
	}
	struct negbin_pool *one = negbin_pool_new(&s.counts, s.c, s.group, GROUPS, 1), *other = negbin_pool_new(&t.counts, t.c, t.group, GROUPS, 1);
	struct all a = everything(&s, true, one, 0.3, beta), b = everything(&t, true, other, 0.3, beta);
	equal(&a, &b, 2 * RUNS + 1);
	negbin_pool_free(one);
	negbin_pool_free(other);
}

/* The log-likelihood with the Cox-Reid term, by lgamma, has its top at the dispersion; counts up to `least` at least. */
static void check_top(double a, double least)
{
	struct screen s;
	fill(&s, 5, 0.8, a, 1);
	struct negbin_pool *pool = negbin_pool_new(&s.counts, s.c, s.group, GROUPS, 1);
	double y[RUNS * (OWN + POOL + 16)], all[RUNS * (OWN + POOL + 16)], beta[RUNS + 1] = { a, a + 0.1, 1 }, most = 0, at[3] = { 0 };
	struct negbin_design *d = design(&s, false, pool, y), *whole = design(&s, false, NULL, all);
	struct negbin_room *room = negbin_room_new(d);
	negbin_take(d, room, y, 0);
	double theta = negbin_dispersion(d, room, negbin_moments(d, room), beta);
	for (int k = 0; k < 3; k++) {
		double r = exp(-log(theta) - 1e-3 * (k - 1)), x[3][3] = { { 0 } };
		for (size_t run = 0; run < RUNS; run++)
			for (size_t i = whole->start[run]; i < whole->start[run + 1]; i++) {
				if (whole->one[i] == 0)
					continue;
				double c = whole->c[i], mu = exp(beta[run] + beta[RUNS] * c), v = mu / (1 + mu / r);
				at[k] += lgamma(all[i] + r) - lgamma(r) - (all[i] + r) * log1p(mu / r) + all[i] * log(mu / r);
				most = fmax(most, all[i]);
				x[run][run] += v;
				x[run][2] += v * c;
				x[2][2] += v * c * c;
			}
		at[k] -= 0.99 * 0.5 * log(x[0][0] * x[1][1] * (x[2][2] - x[0][2] * x[0][2] / x[0][0] - x[1][2] * x[1][2] / x[1][1]));
	}
	CHECK(most > least);
	CHECK(at[1] > at[0] && at[1] > at[2]);
	/* Of a parabola through the three, in steps. */
	CHECK_NEAR((at[0] - at[2]) / (at[0] + at[2] - 2 * at[1]) / 2, 0, 1e-3);
	negbin_room_free(room);
	negbin_design_free(d);
	negbin_design_free(whole);
	negbin_pool_free(pool);
}

UNIT(dispersion_is_the_top)
{
	check_top(0, 10);
	check_top(3, 257);      /* counts that are not tallied by value */
	check_top(6.5, 2000);   /* counts whose digamma is in closed form */
}

/* Steps from where all means are nothing are too long, and the fit says so. */
UNIT(no_step_is_no_convergence)
{
	struct screen s;
	fill(&s, 5, 0.8, 1, 1);
	struct negbin_pool *pool = negbin_pool_new(&s.counts, s.c, s.group, GROUPS, 1);
	double y[RUNS * (OWN + POOL + 16)], beta[RUNS + 1] = { -50, -50, 0 };
	struct negbin_design *d = design(&s, false, pool, y);
	struct negbin_room *room = negbin_room_new(d);
	struct negbin_fit fit = { .beta = beta };
	negbin_take(d, room, y, 0);
	CHECK(negbin_betas(d, room, 0, true, &fit) && !fit.converged);
	/* A gene without a count. */
	memset(y, 0, d->n_places * sizeof *y);
	negbin_take(d, room, y, 1);
	CHECK(negbin_moments(d, room) == 0 && negbin_dispersion(d, room, 0, beta) == 0);
	negbin_room_free(room);
	negbin_design_free(d);
	negbin_pool_free(pool);
}

/* Means that rounding tells apart are equal: the genes stand in the order given. */
UNIT(equal_means_keep_their_order)
{
	enum { N = 300 };
	double mean[N], noisy[N], dispersion[N], a[N], b[N];
	for (size_t i = 0; i < N; i++) {
		mean[i] = (double)(i / 2) + 0.1;
		noisy[i] = mean[i] * (i % 2 ? 1 : 1 + 4e-16);
		dispersion[i] = uniform(1, i);
	}
	negbin_trend(mean, dispersion, N, a);
	negbin_trend(noisy, dispersion, N, b);
	for (size_t i = 0; i < N; i++)
		CHECK(a[i] == b[i]);
	CHECK(a[0] != a[N - 1]);
}

UNITS(RUN(nodes_equal_cells), RUN(bound_holds), RUN(order_of_cells_is_nothing), RUN(dispersion_is_the_top), RUN(no_step_is_no_convergence), RUN(equal_means_keep_their_order))
