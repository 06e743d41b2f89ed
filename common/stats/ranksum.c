#include "stats/ranksum.h"
#include "base/mem.h"
#include "stats/distribution.h"
#include <math.h>
#include <string.h>

enum { BITS = 11, BUCKETS = 1 << BITS, PASSES = 3, FEW = 64, MANY = 1 << 17 };

struct ranksum_scratch {
	uint32_t *key[2], *at[2];       /* sort keys and what they belong to, twice for the passes */
	uint32_t count[PASSES][BUCKETS];
	double *sorted;
	double *last;                   /* per group: the last value that tied */
	uint32_t *multiple;             /* per group: how often it came in the current run */
};

struct ranksum_scratch *ranksum_scratch_new(size_t most, size_t n_groups)
{
	struct ranksum_scratch *s = mem_zero(1, sizeof *s);
	for (int i = 0; i < 2; i++) {
		s->key[i] = mem_array(most, sizeof *s->key[i]);
		s->at[i] = mem_array(most, sizeof *s->at[i]);
	}
	s->last = mem_array(n_groups, sizeof *s->last);
	s->multiple = mem_array(n_groups, sizeof *s->multiple);
	s->sorted = mem_array(most, sizeof *s->sorted);
	return s;
}

void ranksum_scratch_free(struct ranksum_scratch *s)
{
	if (!s)
		return;
	for (int i = 0; i < 2; i++) {
		mem_free(s->key[i]);
		mem_free(s->at[i]);
	}
	mem_free(s->last);
	mem_free(s->multiple);
	mem_free(s->sorted);
	mem_free(s);
}

/* Unsigned integers in the order of the floats. */
static uint32_t key_of(double x)
{
	float f = (float)x;
	uint32_t bits;
	memcpy(&bits, &f, sizeof bits);
	return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static void insertion(double *value, uint32_t *at, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint32_t a = at[i];
		double x = value[i];
		size_t j = i;
		for (; j > 0 && value[j - 1] > x; j--) {
			value[j] = value[j - 1];
			at[j] = at[j - 1];
		}
		value[j] = x;
		at[j] = a;
	}
}

/* Values whose keys are equal may differ: such runs, short ones, are sorted again. Their keys differ from those around. */
static void settle(double *sorted, uint32_t *at, const uint32_t *key, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (sorted[i] < sorted[i - 1]) {
			size_t first = i - 1, end = i + 1;
			while (first > 0 && key[first - 1] == key[i])
				first--;
			while (end < n && key[end] == key[i])
				end++;
			insertion(sorted + first, at + first, end - first);
			i = end - 1;
		}
}

/*
 * Sorts the values into s->sorted; the result says where each came from. Radix sort of the upper 22 bits of
 * a 32 bit key (all of it when there are many values), 11 bits a pass; passes that would move nothing are left out.
 */
static uint32_t *order(const double *value, size_t n, struct ranksum_scratch *s)
{
	uint32_t *key = s->key[0], *at = s->at[0], *other_key = s->key[1], *other = s->at[1];
	for (size_t i = 0; i < n; i++)
		at[i] = (uint32_t)i;
	if (n <= FEW) {
		memcpy(s->sorted, value, n * sizeof *value);
		insertion(s->sorted, at, n);
		return at;
	}
	int drop = n < MANY ? 32 - 2 * BITS : 0, passes = n < MANY ? 2 : PASSES;
	memset(s->count, 0, (size_t)passes * sizeof *s->count);
	for (size_t i = 0; i < n; i++) {
		uint32_t k = key[i] = key_of(value[i]) >> drop;
		s->count[0][k & (BUCKETS - 1)]++;
		s->count[1][k >> BITS & (BUCKETS - 1)]++;
		if (passes > 2)
			s->count[2][k >> 2 * BITS]++;
	}
	for (int pass = 0; pass < passes; pass++) {
		uint32_t *count = s->count[pass], sum = 0;
		int shift = pass * BITS;
		if (count[key[0] >> shift & (BUCKETS - 1)] == n)
			continue;
		for (int b = 0; b < BUCKETS; b++) {
			uint32_t c = count[b];
			count[b] = sum;
			sum += c;
		}
		for (size_t i = 0; i < n; i++) {
			uint32_t to = count[key[i] >> shift & (BUCKETS - 1)]++;
			other_key[to] = key[i];
			other[to] = at[i];
		}
		uint32_t *t = key;
		key = other_key;
		other_key = t;
		t = at;
		at = other;
		other = t;
	}
	for (size_t i = 0; i < n; i++)
		s->sorted[i] = value[at[i]];
	settle(s->sorted, at, key, n);
	return at;
}

static double cubed(double t)
{
	return t * t * t - t;
}

struct ranksum_reference ranksum_reference(double *value, size_t n_values, size_t n_cells)
{
	struct ranksum_reference r = { .sorted = value, .n_values = n_values, .n_cells = n_cells };
	struct ranksum_scratch *s = ranksum_scratch_new(n_values, 1);
	order(value, n_values, s);
	memcpy(value, s->sorted, n_values * sizeof *value);
	ranksum_scratch_free(s);
	for (size_t i = 0; i < n_values; ) {
		size_t end = i + 1;
		while (end < n_values && value[end] == value[i])
			end++;
		r.ties += cubed((double)(end - i));
		r.n_negative += value[i] < 0 ? end - i : 0;
		i = end;
	}
	return r;
}

void ranksum_groups(const double *value, const uint32_t *group, size_t n_values, const struct ranksum_size *size, size_t n_groups,
		    const struct ranksum_reference *reference, struct ranksum_scratch *s, double *u, double *ties)
{
	const double *ref = reference->sorted, *x = s->sorted;
	size_t n_ref = reference->n_values, below = 0;
	double zeros = (double)(reference->n_cells - n_ref);
	const uint32_t *at = order(value, n_values, s);
	for (size_t g = 0; g < n_groups; g++) {
		u[g] = ties[g] = 0;
		s->last[g] = NAN;
	}
	for (size_t i = 0; i < n_values; ) {
		double v = x[i];
		size_t end = i + 1, equal = 0;
		while (end < n_values && x[end] == v)
			end++;
		while (below < n_ref && ref[below] < v)
			below++;
		while (below + equal < n_ref && ref[below + equal] == v)
			equal++;
		double wins = (double)below + 0.5 * (double)equal + (v > 0 ? zeros : 0);
		if (end == i + 1 && !equal) {
			u[group[at[i++]]] += wins;
			continue;
		}
		for (; i < end; i++) {
			uint32_t g = group[at[i]];
			u[g] += wins;
			if (s->last[g] != v) {
				s->last[g] = v;
				s->multiple[g] = 0;
			}
			double t = (double)equal + ++s->multiple[g];
			ties[g] += cubed(t) - cubed(t - 1);
		}
		below += equal;
	}
	for (size_t g = 0; g < n_groups; g++) {
		double own_zeros = (double)(size[g].n_cells - size[g].n_values);
		u[g] += own_zeros * ((double)reference->n_negative + 0.5 * zeros);
		ties[g] += reference->ties + (zeros + own_zeros > 0 ? cubed(zeros + own_zeros) : 0);
	}
}

void ranksum_rest(const double *value, const uint32_t *group, size_t n_values, const struct ranksum_size *size, size_t n_groups,
		  size_t n_cells, struct ranksum_scratch *s, double *u, double *ties)
{
	const double *x = s->sorted;
	double zeros = (double)(n_cells - n_values), negative = 0;
	const uint32_t *at = order(value, n_values, s);
	for (size_t g = 0; g < n_groups; g++)
		u[g] = 0;
	*ties = zeros > 0 ? cubed(zeros) : 0;
	for (size_t i = 0; i < n_values; ) {
		double v = x[i];
		size_t end = i + 1;
		while (end < n_values && x[end] == v)
			end++;
		double run = (double)(end - i), rank = (double)i + (run + 1) / 2 + (v > 0 ? zeros : 0);
		negative += v < 0 ? run : 0;
		*ties += cubed(run);
		for (; i < end; i++)
			u[group[at[i]]] += rank;
	}
	for (size_t g = 0; g < n_groups; g++) {
		double n = (double)size[g].n_cells;
		u[g] += (double)(size[g].n_cells - size[g].n_values) * (negative + (zeros + 1) / 2);
		u[g] -= n * (n + 1) / 2;
	}
}

double ranksum_log_p(double u, size_t n1, size_t n2, double ties)
{
	double a = (double)n1, b = (double)n2, n = a + b;
	double sigma = sqrt(a * b / 12 * ((n + 1) - ties / (n * (n - 1))));
	double z = u - a * b / 2;
	if (!(sigma > 0))
		return NAN;
	z = (z - (z > 0 ? 0.5 : z < 0 ? -0.5 : 0)) / sigma;
	return distribution_log_normal_two_sided(z);
}

double ranksum_z_plain(double u, size_t n1, size_t n2)
{
	double a = (double)n1, b = (double)n2;
	return (u - a * b / 2) / sqrt(a * b * (a + b + 1) / 12);
}

/* Number of ways to get each U: the recurrence of Mann and Whitney over one more cell of the group. */
double ranksum_log_p_exact(double u, size_t n1, size_t n2)
{
	size_t top = n1 * n2, cap = top + 1;
	/* ways[i * cap + v]: i cells of the group and j of the reference so far give U = v. */
	double *ways = mem_zero((n1 + 1) * cap, sizeof *ways);
	for (size_t i = 0; i <= n1; i++)
		ways[i * cap] = 1;
	for (size_t j = 1; j <= n2; j++)
		for (size_t i = 1; i <= n1; i++)
			for (size_t v = i * j + 1; v-- > j; )
				/* The largest of all is the group's (it beats j) or the reference's. */
				ways[i * cap + v] += ways[(i - 1) * cap + v - j];
	double all = 0, tail = 0;
	bool upper = u > (double)top / 2;
	for (size_t v = 0; v <= top; v++) {
		all += ways[n1 * cap + v];
		if (upper ? (double)v >= u : (double)v <= u)
			tail += ways[n1 * cap + v];
	}
	mem_free(ways);
	double p = 2 * tail / all;
	return p < 1 ? log(p) : 0;
}
