#include "unit.h"
#include "base/mem.h"
#include "connect/target_signature.h"
#include "num/random.h"
#include <string.h>

enum { N_CELLS = 240 };

/* Cells with many zeros and ties, in three groups, two conditions, four samples; the last sample is on one side only. */
struct toy {
	double x[N_CELLS];
	uint32_t group[N_CELLS], side[N_CELLS], sample[N_CELLS];
};

static struct toy make_toy(void)
{
	struct toy t;
	for (uint32_t i = 0; i < N_CELLS; i++) {
		struct random4 r = random_words(4, 1, i, 0);
		t.group[i] = r.v[0] % 3;
		t.side[i] = r.v[1] % 2;
		t.sample[i] = r.v[2] % 4;
		if (t.sample[i] == 3)
			t.side[i] = 0;
		double values[] = { 0, 0, 0.5, 0.5, 1, 1.5, -0.5, random_unit(r.v[3]) };
		t.x[i] = values[r.v[3] % 8] + (t.group[i] == 1 && r.v[1] % 3 == 0 ? 1 : 0);
	}
	return t;
}

static struct target_design design_of(int method, int against, bool sampled, int pairing)
{
	return (struct target_design){ .method = method, .against = against, .pairing = pairing, .n_groups = 3, .n_samples = sampled ? 4 : 1,
		.sampled = sampled, .reference = 2, .min_cells = 2 };
}

static uint32_t slot_of(const struct toy *t, const struct target_design *d, uint32_t i)
{
	return (uint32_t)target_slot(d, d->sampled ? t->sample[i] : 0, d->against == TARGET_CONDITION ? t->side[i] : 0, t->group[i]);
}

static void compute(const struct toy *t, const struct target_design *d, double *effect, struct target_group *how)
{
	size_t n_slots = target_slots(d), *n_cells = mem_zero(n_slots, sizeof *n_cells), n = 0;
	struct moments *m = mem_zero(n_slots, sizeof *m);
	double value[N_CELLS];
	uint32_t slot[N_CELLS];
	for (uint32_t i = 0; i < N_CELLS; i++) {
		uint32_t at = slot_of(t, d, i);
		n_cells[at]++;
		moments_add(&m[at], t->x[i]);
		if (t->x[i] != 0) {
			value[n] = t->x[i];
			slot[n++] = at;
		}
	}
	struct target_plan *p = target_plan_new(d, n_cells);
	struct target_scratch *s = target_scratch_new(p, N_CELLS);
	for (size_t g = 0; g < 3; g++) {
		effect[g] = NAN;
		how[g] = *target_plan_group(p, g);
	}
	if (target_plan_any(p, true))
		target_effect_ranks(p, value, slot, n, s, effect);
	if (target_plan_any(p, false))
		target_effect_moments(p, m, s, effect);
	target_scratch_free(s);
	target_plan_free(p);
	mem_free(n_cells);
	mem_free(m);
}

/* The two sides of a group, in one sample or (UINT32_MAX) all. */
static void sides(const struct toy *t, const struct target_design *d, uint32_t g, uint32_t sample, double *a, size_t *n, double *b, size_t *m)
{
	*n = *m = 0;
	for (uint32_t i = 0; i < N_CELLS; i++) {
		if (sample != UINT32_MAX && t->sample[i] != sample)
			continue;
		bool own = t->group[i] == g, is_case = own && !(d->against == TARGET_CONDITION && t->side[i]);
		bool is_control = d->against == TARGET_REST ? !own : d->against == TARGET_LABEL ? t->group[i] == d->reference : own && t->side[i];
		if (is_case)
			a[(*n)++] = t->x[i];
		if (is_control)
			b[(*m)++] = t->x[i];
	}
}

static double mean(const double *x, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return sum / (double)n;
}

static double squares(const double *x, size_t n)
{
	double m = mean(x, n), sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (x[i] - m) * (x[i] - m);
	return sum;
}

static double plain_u(const double *a, size_t n, const double *b, size_t m)
{
	double u = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < m; j++)
			u += a[i] > b[j] ? 1 : a[i] == b[j] ? 0.5 : 0;
	return u;
}

/* Sum of t^2 - 1 over all values of both sides: each of t tied ones has t - 1 partners. */
static double plain_variance(const double *a, size_t n, const double *b, size_t m)
{
	double all[2 * N_CELLS], ties = 0, k = (double)(n + m);
	memcpy(all, a, n * sizeof *a);
	memcpy(all + n, b, m * sizeof *b);
	for (size_t i = 0; i < n + m; i++) {
		double t = 0;
		for (size_t j = 0; j < n + m; j++)
			t += all[i] == all[j];
		ties += t * t - 1;
	}
	return (double)n * (double)m / 12 * (k + 1 - ties / (k * (k - 1)));
}

static double plain(int method, const double *a, size_t n, const double *b, size_t m)
{
	double d = mean(a, n) - mean(b, m), k = (double)n, l = (double)m;
	switch (method) {
	case TARGET_RANK_BISERIAL:
		return 2 * plain_u(a, n, b, m) / (k * l) - 1;
	case TARGET_COHEN_D:
		return d / sqrt((squares(a, n) / k + squares(b, m) / l) / 2);
	case TARGET_T:
		return d / sqrt(squares(a, n) / (k - 1) / k + squares(b, m) / (l - 1) / l);
	case TARGET_WILCOXON:
		return (plain_u(a, n, b, m) - k * l / 2) / sqrt(plain_variance(a, n, b, m));
	default:
		return d;
	}
}

static const int all_methods[] = { TARGET_RANK_BISERIAL, TARGET_COHEN_D, TARGET_LOGFC, TARGET_T, TARGET_WILCOXON };

UNIT(effects_equal_their_formulas)
{
	struct toy t = make_toy();
	for (int against = TARGET_REST; against <= TARGET_CONDITION; against++)
		for (size_t k = 0; k < 5; k++) {
			struct target_design d = design_of(all_methods[k], against, false, TARGET_PAIR_AUTO);
			double effect[3], a[N_CELLS], b[N_CELLS];
			struct target_group how[3];
			size_t n, m;
			compute(&t, &d, effect, how);
			for (uint32_t g = 0; g < 3; g++) {
				if (against == TARGET_LABEL && g == d.reference)
					continue;
				sides(&t, &d, g, UINT32_MAX, a, &n, b, &m);
				CHECK(how[g].reason == TARGET_DONE && how[g].n_case == n && how[g].n_control == m);
				CHECK_NEAR(effect[g], plain(d.method, a, n, b, m), 1e-12);
			}
		}
}

UNIT(pairs_are_compared_inside_of_samples)
{
	struct toy t = make_toy();
	for (int against = TARGET_REST; against <= TARGET_CONDITION; against++)
		for (size_t k = 0; k < 5; k++) {
			struct target_design d = design_of(all_methods[k], against, true, TARGET_PAIR_AUTO);
			double effect[3], a[N_CELLS], b[N_CELLS], each[4];
			struct target_group how[3];
			size_t n, m;
			compute(&t, &d, effect, how);
			for (uint32_t g = 0; g < 3; g++) {
				size_t pairs = 0;
				double top = 0, bottom = 0;
				if (against == TARGET_LABEL && g == d.reference)
					continue;
				for (uint32_t s = 0; s < 4; s++) {
					sides(&t, &d, g, s, a, &n, b, &m);
					if (n < 2 || m < 2)
						continue;
					double w = 1 / (double)(n + m + 1);
					each[pairs++] = plain(d.method == TARGET_T ? TARGET_LOGFC : d.method, a, n, b, m);
					top += w * (plain_u(a, n, b, m) - (double)n * (double)m / 2);
					bottom += w * w * plain_variance(a, n, b, m);
				}
				double want = mean(each, pairs);
				if (d.method == TARGET_T)
					want /= sqrt(squares(each, pairs) / (double)(pairs - 1) / (double)pairs);
				if (d.method == TARGET_WILCOXON)
					want = top / sqrt(bottom);
				CHECK(how[g].paired && how[g].n_samples == pairs);
				/* The last sample has no control condition. */
				CHECK(pairs == (against == TARGET_CONDITION ? 3 : 4));
				CHECK_NEAR(effect[g], want, 1e-12);
			}
		}
}

UNIT(unpaired_samples_count_once)
{
	struct toy t = make_toy();
	for (size_t k = 0; k < 5; k++) {
		struct target_design d = design_of(all_methods[k], TARGET_CONDITION, true, TARGET_UNPAIRED);
		double effect[3], a[N_CELLS], b[N_CELLS], of_case[4], of_control[4];
		struct target_group how[3];
		compute(&t, &d, effect, how);
		for (uint32_t g = 0; g < 3; g++) {
			size_t n, m, n_case = 0, n_control = 0;
			for (uint32_t s = 0; s < 4; s++) {
				sides(&t, &d, g, s, a, &n, b, &m);
				if (n >= 2)
					of_case[n_case++] = mean(a, n);
				if (m >= 2)
					of_control[n_control++] = mean(b, m);
			}
			CHECK(n_case == 4 && n_control == 3 && !how[g].paired && how[g].n_samples == 4);
			CHECK_NEAR(effect[g], plain(d.method, of_case, n_case, of_control, n_control), 1e-12);
		}
	}
}

UNIT(constants_have_no_size)
{
	struct toy t = make_toy();
	double effect[3];
	struct target_group how[3];
	for (uint32_t i = 0; i < N_CELLS; i++)
		t.x[i] = 0.1;
	for (size_t k = 0; k < 5; k++) {
		struct target_design d = design_of(all_methods[k], TARGET_REST, false, TARGET_PAIR_AUTO);
		compute(&t, &d, effect, how);
		CHECK(effect[0] == 0 && effect[1] == 0);
	}
	for (uint32_t i = 0; i < N_CELLS; i++)
		t.x[i] = t.group[i] == 0 ? 0.1 : 0.3;
	for (size_t k = 0; k < 5; k++) {
		struct target_design d = design_of(all_methods[k], TARGET_REST, false, TARGET_PAIR_AUTO);
		compute(&t, &d, effect, how);
		bool undefined = d.method == TARGET_COHEN_D || d.method == TARGET_T;
		CHECK(undefined ? isnan(effect[0]) : effect[0] < 0);
		CHECK(d.method != TARGET_RANK_BISERIAL || effect[0] == -1);
	}
}

UNIT(what_cannot_be_compared_has_a_reason)
{
	struct toy t = make_toy();
	double effect[3];
	struct target_group how[3];
	struct target_design d = design_of(TARGET_LOGFC, TARGET_CONDITION, true, TARGET_PAIR_AUTO);
	for (uint32_t i = 0; i < N_CELLS; i++) {
		if (t.group[i] == 0)
			t.side[i] = 0;
		if (t.group[i] == 1)
			t.sample[i] = 0;
		if (t.group[i] == 2)
			t.side[i] = 1;
	}
	compute(&t, &d, effect, how);
	CHECK(how[0].reason == TARGET_NO_CONTROLS && isnan(effect[0]));
	CHECK(how[1].reason == TARGET_FEW_SAMPLES && isnan(effect[1]));
	CHECK(how[2].reason == TARGET_NO_CELLS && isnan(effect[2]));
	d = design_of(TARGET_LOGFC, TARGET_CONDITION, false, TARGET_PAIR_AUTO);
	d.min_cells = N_CELLS;
	compute(&t, &d, effect, how);
	CHECK(how[1].reason == TARGET_FEW_CELLS && isnan(effect[1]));
}

UNITS(RUN(effects_equal_their_formulas), RUN(pairs_are_compared_inside_of_samples), RUN(unpaired_samples_count_once), RUN(constants_have_no_size),
      RUN(what_cannot_be_compared_has_a_reason))
