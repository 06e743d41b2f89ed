#include "connect/target_signature.h"
#include "base/mem.h"
#include "stats/ranksum.h"
#include <math.h>
#include <string.h>

const char *const target_reason_name[TARGET_N_REASONS + 1] = { NULL, "no_cells", "no_controls", "too_few_cells", "too_few_controls",
	"too_few_samples" };

struct target_plan {
	struct target_design d;
	size_t *n_cells;                /* of slots */
	size_t *n_all;                  /* cells of a sample, for the rest */
	struct target_group *group;
};

struct target_scratch {
	struct moments *rest, *before;  /* groups + 1 */
	double *value, *u, *ties;
	uint32_t *code;
	size_t *start;                  /* of buckets */
	size_t *n_values;               /* of slots */
	struct ranksum_size *size;
	struct ranksum_scratch *rank;
	double *sum, *variance;         /* of groups: over strata */
	size_t *n_strata;
};

static size_t n_case(const struct target_plan *p, size_t sample, size_t g)
{
	return p->n_cells[target_slot(&p->d, sample, 0, g)];
}

static size_t n_control(const struct target_plan *p, size_t sample, size_t g)
{
	const struct target_design *d = &p->d;
	switch (d->against) {
	case TARGET_CONDITION:
		return p->n_cells[target_slot(d, sample, 1, g)];
	case TARGET_LABEL:
		return p->n_cells[target_slot(d, sample, 0, d->reference)];
	default:
		return p->n_all[sample] - n_case(p, sample, g);
	}
}

static bool counts(const struct target_plan *p, size_t n)
{
	return n >= p->d.min_cells && n > 0;
}

static bool is_pair(const struct target_plan *p, size_t sample, size_t g)
{
	return counts(p, n_case(p, sample, g)) && counts(p, n_control(p, sample, g));
}

/* Which samples a group uses, and whether there are enough. */
static void plan_samples(struct target_plan *p, size_t g)
{
	struct target_group *t = &p->group[g];
	size_t pairs = 0, sides[2] = { 0, 0 }, either = 0;
	for (size_t s = 0; s < p->d.n_samples; s++) {
		pairs += is_pair(p, s, g);
		sides[0] += counts(p, n_case(p, s, g));
		sides[1] += counts(p, n_control(p, s, g));
		either += counts(p, n_case(p, s, g)) || counts(p, n_control(p, s, g));
	}
	t->paired = p->d.pairing == TARGET_PAIRED || (p->d.pairing == TARGET_PAIR_AUTO && pairs >= 2);
	t->n_samples = t->paired ? pairs : either;
	if (t->paired ? pairs < 2 : sides[0] < 2 || sides[1] < 2) {
		t->reason = TARGET_FEW_SAMPLES;
		return;
	}
	size_t all = t->n_case + t->n_control;
	t->n_case = t->n_control = 0;
	for (size_t s = 0; s < p->d.n_samples; s++) {
		size_t a = n_case(p, s, g), b = n_control(p, s, g);
		t->n_case += (t->paired ? is_pair(p, s, g) : counts(p, a)) ? a : 0;
		t->n_control += (t->paired ? is_pair(p, s, g) : counts(p, b)) ? b : 0;
	}
	t->n_unused = all - t->n_case - t->n_control;
}

struct target_plan *target_plan_new(const struct target_design *d, const size_t *n_cells)
{
	struct target_plan *p = mem_zero(1, sizeof *p);
	size_t n = target_slots(d);
	p->d = *d;
	p->n_cells = mem_array(n, sizeof *p->n_cells);
	memcpy(p->n_cells, n_cells, n * sizeof *n_cells);
	p->n_all = mem_zero(d->n_samples, sizeof *p->n_all);
	p->group = mem_zero(d->n_groups, sizeof *p->group);
	for (size_t s = 0; s < d->n_samples; s++)
		for (size_t g = 0; g < d->n_groups; g++)
			p->n_all[s] += n_case(p, s, g);
	for (size_t g = 0; g < d->n_groups; g++) {
		struct target_group *t = &p->group[g];
		for (size_t s = 0; s < d->n_samples; s++) {
			t->n_case += n_case(p, s, g);
			t->n_control += n_control(p, s, g);
		}
		t->reason = !t->n_case ? TARGET_NO_CELLS : !t->n_control ? TARGET_NO_CONTROLS : t->n_case < d->min_cells ? TARGET_FEW_CELLS :
			    t->n_control < d->min_cells ? TARGET_FEW_CONTROLS : TARGET_DONE;
		if (t->reason == TARGET_DONE && d->sampled)
			plan_samples(p, g);
	}
	return p;
}

void target_plan_free(struct target_plan *p)
{
	if (!p)
		return;
	mem_free(p->n_cells);
	mem_free(p->n_all);
	mem_free(p->group);
	mem_free(p);
}

const struct target_group *target_plan_group(const struct target_plan *p, size_t group)
{
	return &p->group[group];
}

bool target_plan_ranks(const struct target_plan *p, size_t group)
{
	return (p->d.method == TARGET_RANK_BISERIAL || p->d.method == TARGET_WILCOXON) && (!p->d.sampled || p->group[group].paired);
}

bool target_plan_any(const struct target_plan *p, bool ranks)
{
	for (size_t g = 0; g < p->d.n_groups; g++)
		if (p->group[g].reason == TARGET_DONE && target_plan_ranks(p, g) == ranks)
			return true;
	return false;
}

struct target_scratch *target_scratch_new(const struct target_plan *p, size_t most)
{
	struct target_scratch *s = mem_zero(1, sizeof *s);
	size_t n = p->d.n_groups, n_slots = target_slots(&p->d), room = most > 2 * p->d.n_samples ? most : 2 * p->d.n_samples;
	s->rest = mem_array(n * p->d.n_samples, sizeof *s->rest);
	s->before = mem_array(n + 1, sizeof *s->before);
	s->value = mem_array(room, sizeof *s->value);
	s->code = mem_array(room, sizeof *s->code);
	s->u = mem_array(n + 2, sizeof *s->u);
	s->ties = mem_array(n + 2, sizeof *s->ties);
	s->start = mem_array(n_slots + 1, sizeof *s->start);
	s->n_values = mem_array(n_slots, sizeof *s->n_values);
	s->size = mem_array(n + 2, sizeof *s->size);
	s->rank = ranksum_scratch_new(room, n + 2);
	s->sum = mem_array(n, sizeof *s->sum);
	s->variance = mem_array(n, sizeof *s->variance);
	s->n_strata = mem_array(n, sizeof *s->n_strata);
	return s;
}

void target_scratch_free(struct target_scratch *s)
{
	if (!s)
		return;
	mem_free(s->rest);
	mem_free(s->before);
	mem_free(s->value);
	mem_free(s->code);
	mem_free(s->u);
	mem_free(s->ties);
	mem_free(s->start);
	mem_free(s->n_values);
	mem_free(s->size);
	ranksum_scratch_free(s->rank);
	mem_free(s->sum);
	mem_free(s->variance);
	mem_free(s->n_strata);
	mem_free(s);
}

/* A difference over its spread. */
static double over(double difference, double spread)
{
	return spread > 0 ? difference / spread : difference == 0 ? 0 : NAN;
}

static double of_moments(int method, const struct moments *a, const struct moments *b)
{
	double d = a->mean - b->mean;
	if (method == TARGET_COHEN_D)
		return over(d, sqrt((a->squares / a->n + b->squares / b->n) / 2));
	if (method == TARGET_T)
		return a->n < 2 || b->n < 2 ? NAN : over(d, sqrt(a->squares / (a->n - 1) / a->n + b->squares / (b->n - 1) / b->n));
	return d;
}

/* U's variance under the null, ties counted in. */
static double rank_variance(double n1, double n2, double ties)
{
	double n = n1 + n2;
	return fmax(0, n1 * n2 / 12 * (n + 1 - ties / (n * (n - 1))));
}

static double of_ranks(int method, double u, double n1, double n2, double ties)
{
	if (method == TARGET_RANK_BISERIAL)
		return 2 * u / (n1 * n2) - 1;
	return over(u - n1 * n2 / 2, sqrt(rank_variance(n1, n2, ties)));
}

/* rest[sample * groups + g]: all groups but g, merged from both ends. */
static void merge_rests(const struct target_plan *p, const struct moments *slot, struct target_scratch *s)
{
	size_t n = p->d.n_groups;
	for (size_t k = 0; k < p->d.n_samples; k++) {
		const struct moments *m = slot + target_slot(&p->d, k, 0, 0);
		struct moments after = { 0 };
		s->before[0] = after;
		for (size_t g = 0; g < n; g++)
			s->before[g + 1] = moments_merge(s->before[g], m[2 * g]);
		for (size_t g = n; g-- > 0; after = moments_merge(m[2 * g], after))
			s->rest[k * n + g] = moments_merge(s->before[g], after);
	}
}

static const struct moments *control_moments(const struct target_plan *p, const struct moments *slot, const struct target_scratch *s,
					     size_t sample, size_t g)
{
	switch (p->d.against) {
	case TARGET_CONDITION:
		return slot + target_slot(&p->d, sample, 1, g);
	case TARGET_LABEL:
		return slot + target_slot(&p->d, sample, 0, p->d.reference);
	default:
		return s->rest + sample * p->d.n_groups + g;
	}
}

static double pair_moments(const struct target_plan *p, const struct moments *slot, const struct target_scratch *s, size_t g)
{
	struct moments effects = { 0 };
	bool t = p->d.method == TARGET_T;
	for (size_t k = 0; k < p->d.n_samples; k++) {
		if (!is_pair(p, k, g))
			continue;
		double e = of_moments(t ? TARGET_LOGFC : p->d.method, slot + target_slot(&p->d, k, 0, g), control_moments(p, slot, s, k, g));
		if (!isnan(e))
			moments_add(&effects, e);
	}
	if (effects.n < (t ? 2 : 1))
		return NAN;
	return t ? over(effects.mean, sqrt(effects.squares / (effects.n - 1) / effects.n)) : effects.mean;
}

/* The samples' means as observations. */
static double pseudobulk(const struct target_plan *p, const struct moments *slot, struct target_scratch *s, size_t g)
{
	struct moments side[2] = { { .n = 0 }, { .n = 0 } };
	struct ranksum_size size[2] = { { 0, 0 }, { 0, 0 } };
	size_t n = 0;
	for (size_t k = 0; k < p->d.n_samples; k++) {
		const struct moments *m[2] = { slot + target_slot(&p->d, k, 0, g), control_moments(p, slot, s, k, g) };
		size_t cells[2] = { n_case(p, k, g), n_control(p, k, g) };
		for (uint32_t i = 0; i < 2; i++) {
			if (!counts(p, cells[i]))
				continue;
			double mean = moments_mean(m[i]);
			moments_add(&side[i], mean);
			size[i].n_cells++;
			if (mean == 0)
				continue;
			size[i].n_values++;
			s->value[n] = mean;
			s->code[n++] = i;
		}
	}
	if (p->d.method != TARGET_RANK_BISERIAL && p->d.method != TARGET_WILCOXON)
		return of_moments(p->d.method, &side[0], &side[1]);
	ranksum_rest(s->value, s->code, n, size, 2, size[0].n_cells + size[1].n_cells, s->rank, s->u, s->ties);
	return of_ranks(p->d.method, s->u[0], side[0].n, side[1].n, s->ties[0]);
}

void target_effect_moments(const struct target_plan *p, const struct moments *slot, struct target_scratch *s, double *effect)
{
	if (p->d.against == TARGET_REST)
		merge_rests(p, slot, s);
	for (size_t g = 0; g < p->d.n_groups; g++) {
		const struct target_group *t = &p->group[g];
		if (t->reason != TARGET_DONE || target_plan_ranks(p, g))
			continue;
		effect[g] = !p->d.sampled ? of_moments(p->d.method, slot + target_slot(&p->d, 0, 0, g), control_moments(p, slot, s, 0, g)) :
			    t->paired ? pair_moments(p, slot, s, g) : pseudobulk(p, slot, s, g);
	}
}

/* U of a group in one sample, into what the group's strata add up to. */
static void take_stratum(const struct target_plan *p, struct target_scratch *s, size_t sample, size_t g, double u, double ties)
{
	double n1 = (double)n_case(p, sample, g), n2 = (double)n_control(p, sample, g);
	bool elteren = p->d.sampled && p->d.method == TARGET_WILCOXON;
	if (p->group[g].reason != TARGET_DONE || !target_plan_ranks(p, g) || (p->d.sampled && !is_pair(p, sample, g)))
		return;
	s->n_strata[g]++;
	if (!elteren) {
		s->sum[g] += of_ranks(p->d.method, u, n1, n2, ties);
		return;
	}
	double w = 1 / (n1 + n2 + 1);
	s->sum[g] += w * (u - n1 * n2 / 2);
	s->variance[g] += w * w * rank_variance(n1, n2, ties);
}

/* All groups of a sample at once. */
static void rank_rest(const struct target_plan *p, struct target_scratch *s, size_t sample)
{
	size_t n = p->d.n_groups, first = target_slot(&p->d, sample, 0, 0), from = s->start[first], to = s->start[first + 2 * n];
	for (size_t g = 0; g < n; g++)
		s->size[g] = (struct ranksum_size){ n_case(p, sample, g), s->n_values[first + 2 * g] };
	ranksum_rest(s->value + from, s->code + from, to - from, s->size, n, p->n_all[sample], s->rank, s->u, s->ties);
	for (size_t g = 0; g < n; g++)
		take_stratum(p, s, sample, g, s->u[g], s->ties[0]);
}

/* One group a call: the values of the reference stand among the others'. */
static void rank_label(const struct target_plan *p, struct target_scratch *s, size_t sample)
{
	size_t first = target_slot(&p->d, sample, 0, 0), at = first + 2 * p->d.reference;
	struct ranksum_reference r = ranksum_reference(s->value + s->start[at], s->n_values[at], p->n_cells[at]);
	for (size_t g = 0; g < p->d.n_groups; g++) {
		size_t own = first + 2 * g;
		struct ranksum_size size = { p->n_cells[own], s->n_values[own] };
		if (g == p->d.reference)
			continue;
		memset(s->code, 0, size.n_values * sizeof *s->code);
		ranksum_groups(s->value + s->start[own], s->code, size.n_values, &size, 1, &r, s->rank, s->u, s->ties);
		take_stratum(p, s, sample, g, s->u[0], s->ties[0]);
	}
}

static void rank_conditions(const struct target_plan *p, struct target_scratch *s, size_t sample)
{
	for (size_t g = 0; g < p->d.n_groups; g++) {
		size_t own = target_slot(&p->d, sample, 0, g), from = s->start[own], n = s->start[own + 2] - from;
		struct ranksum_size size[2] = { { p->n_cells[own], s->n_values[own] }, { p->n_cells[own + 1], s->n_values[own + 1] } };
		ranksum_rest(s->value + from, s->code + from, n, size, 2, size[0].n_cells + size[1].n_cells, s->rank, s->u, s->ties);
		take_stratum(p, s, sample, g, s->u[0], s->ties[0]);
	}
}

void target_effect_ranks(const struct target_plan *p, const double *value, const uint32_t *slot, size_t n, struct target_scratch *s,
			 double *effect)
{
	const struct target_design *d = &p->d;
	size_t n_slots = target_slots(d);
	/* Values by slots, in order inside of one. */
	memset(s->n_values, 0, n_slots * sizeof *s->n_values);
	for (size_t i = 0; i < n; i++)
		s->n_values[slot[i]]++;
	s->start[0] = 0;
	for (size_t k = 0; k < n_slots; k++)
		s->start[k + 1] = s->start[k] + s->n_values[k];
	for (size_t i = 0; i < n; i++) {
		size_t at = s->start[slot[i]]++;
		s->value[at] = value[i];
		s->code[at] = d->against == TARGET_CONDITION ? slot[i] % 2 : (uint32_t)(slot[i] / 2 % d->n_groups);
	}
	for (size_t k = n_slots; k > 0; k--)
		s->start[k] = s->start[k - 1];
	s->start[0] = 0;
	memset(s->sum, 0, d->n_groups * sizeof *s->sum);
	memset(s->variance, 0, d->n_groups * sizeof *s->variance);
	memset(s->n_strata, 0, d->n_groups * sizeof *s->n_strata);
	for (size_t k = 0; k < d->n_samples; k++) {
		if (d->against == TARGET_REST)
			rank_rest(p, s, k);
		else if (d->against == TARGET_LABEL)
			rank_label(p, s, k);
		else
			rank_conditions(p, s, k);
	}
	for (size_t g = 0; g < d->n_groups; g++) {
		if (!s->n_strata[g])
			continue;
		effect[g] = d->sampled && d->method == TARGET_WILCOXON ? over(s->sum[g], sqrt(s->variance[g]))
									: s->sum[g] / (double)s->n_strata[g];
	}
}
