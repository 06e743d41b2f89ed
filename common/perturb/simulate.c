#include "perturb/simulate.h"
#include "base/mem.h"
#include "num/random.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Streams of the counter-based generator: what a number is for. */
enum { GENE_MEAN = 1, BATCH, PROGRAMME, CELL, COUNTS };
enum { SIZES = 16, CONTROL_GUIDES = 10, GROUP = 4 };

/* Inverse distribution function of one (size class, split, gene): P(X <= k) as 32 bit thresholds. */
struct table {
	uint32_t offset, n;
};

struct simulated_screen {
	struct simulate_options o;
	double *mean, *batch;           /* gene; split x gene */
	double size[SIZES];
	struct table *table;            /* (class * splits + split) * genes + gene */
	uint32_t *zero;                 /* thresholds of P(X = 0), same index: the common case */
	uint32_t *threshold;
	size_t *effect_start;           /* of each target, into the next two: its genes in order */
	uint32_t *effect_gene;
	double *effect;
};

static double normal(uint64_t seed, uint32_t stream, uint64_t a, uint32_t b)
{
	struct random4 r = random_words(seed, stream, a, b);
	double z[2];
	random_normal(&r, z);
	return z[0];
}

static double zero_share(double mu, double phi)
{
	return exp(-log1p(phi * mu) / phi);
}

/* Scales the means so that the expected share of non-zero counts is the wanted one. */
static void scale_means(struct simulated_screen *s)
{
	double low = -30, high = 30;
	for (int step = 0; step < 60; step++) {
		double scale = exp((low + high) / 2), sum = 0;
		for (long g = 0; g < s->o.genes; g++)
			for (int k = 0; k < SIZES; k++)
				sum += 1 - zero_share(scale * s->mean[g] * s->size[k], s->o.dispersion);
		if (sum / (double)(s->o.genes * SIZES) < s->o.density)
			low = log(scale);
		else
			high = log(scale);
	}
	for (long g = 0; g < s->o.genes; g++)
		s->mean[g] *= exp((low + high) / 2);
}

static uint32_t threshold_of(double p)
{
	return p >= 1 ? UINT32_MAX : (uint32_t)(p * 0x1p32);
}

static void make_tables(struct simulated_screen *s)
{
	size_t n = (size_t)(SIZES * s->o.splits * s->o.genes), used = 0, cap = 0;
	s->table = mem_array(n, sizeof *s->table);
	s->zero = mem_array(n, sizeof *s->zero);
	for (int c = 0; c < SIZES; c++)
		for (long b = 0; b < s->o.splits; b++)
			for (long g = 0; g < s->o.genes; g++) {
				double mu = s->mean[g] * s->batch[b * s->o.genes + g] * s->size[c], phi = s->o.dispersion;
				double r = 1 / phi, q = phi * mu / (1 + phi * mu), p = zero_share(mu, phi), sum = p;
				size_t i = (size_t)((c * s->o.splits + b) * s->o.genes + g), first = used;
				s->zero[i] = threshold_of(sum);
				for (uint32_t k = 0; sum < 1 - 0x1p-32 && (p > 1e-13 || k < mu); k++) {
					p *= q * (r + k) / (k + 1);
					sum += p;
					mem_room(&s->threshold, &cap, used + 1, sizeof *s->threshold);
					s->threshold[used++] = threshold_of(sum);
				}
				s->table[i] = (struct table){ (uint32_t)first, (uint32_t)(used - first) };
			}
}

static double effect_of(const struct simulated_screen *s, uint32_t t, uint32_t g)
{
	if (t % 5 == 4)
		return 0;
	if (g == t)
		return log(0.1);
	/* A twentieth of the genes belongs to a programme; a quarter of those moves for this target alone. */
	struct random4 r = random_words(s->o.seed, PROGRAMME, g, t / GROUP);
	if (r.v[0] > UINT32_MAX / 20)
		return 0;
	double z = normal(s->o.seed, PROGRAMME, g, 0x40000000u + (r.v[1] % 4 == 0 ? 0x20000000u + t : t / GROUP));
	return s->o.effect * z;
}

static void make_effects(struct simulated_screen *s)
{
	size_t n = 0, cap = 0, cap2 = 0;
	s->effect_start = mem_zero((size_t)s->o.targets + 1, sizeof *s->effect_start);
	for (uint32_t t = 0; t < (uint32_t)s->o.targets; t++) {
		for (uint32_t g = 0; g < (uint32_t)s->o.genes; g++) {
			double effect = effect_of(s, t, g);
			if (effect == 0)
				continue;
			mem_room(&s->effect_gene, &cap, n + 1, sizeof *s->effect_gene);
			mem_room(&s->effect, &cap2, n + 1, sizeof *s->effect);
			s->effect_gene[n] = g;
			s->effect[n++] = effect;
		}
		s->effect_start[t + 1] = n;
	}
}

struct simulated_screen *simulate_new(const struct simulate_options *o)
{
	struct simulated_screen *s = mem_zero(1, sizeof *s);
	s->o = *o;
	if (!s->o.controls)
		s->o.controls = o->cells / 10 > 1 ? o->cells / 10 : 1;
	s->mean = mem_array((size_t)o->genes, sizeof *s->mean);
	s->batch = mem_array((size_t)(o->genes * o->splits), sizeof *s->batch);
	/* Quantiles of a log-normal with sd 0.4, by the logistic approximation of the normal's. */
	for (int k = 0; k < SIZES; k++) {
		double p = (k + 0.5) / SIZES;
		s->size[k] = exp(0.4 * log(p / (1 - p)) / 1.702);
	}
	for (long g = 0; g < o->genes; g++) {
		/* Targeted genes are expressed well enough to see their loss. */
		double z = normal(o->seed, GENE_MEAN, (uint64_t)g, 0);
		s->mean[g] = exp(1.2 * (g < o->targets ? fabs(z) + 0.5 : z));
	}
	scale_means(s);
	for (long b = 0; b < o->splits; b++)
		for (long g = 0; g < o->genes; g++)
			s->batch[b * o->genes + g] = exp(0.15 * normal(o->seed, BATCH, (uint64_t)g, (uint32_t)b));
	make_tables(s);
	make_effects(s);
	return s;
}

void simulate_free(struct simulated_screen *s)
{
	if (!s)
		return;
	mem_free(s->mean);
	mem_free(s->batch);
	mem_free(s->table);
	mem_free(s->zero);
	mem_free(s->threshold);
	mem_free(s->effect_start);
	mem_free(s->effect_gene);
	mem_free(s->effect);
	mem_free(s);
}

size_t simulate_controls(const struct simulated_screen *s)
{
	return (size_t)s->o.controls;
}

double simulate_base_mean(const struct simulated_screen *s, uint32_t g)
{
	return s->mean[g];
}

size_t simulate_effects(const struct simulated_screen *s, uint32_t t, const uint32_t **gene, const double **effect)
{
	*gene = s->effect_gene + s->effect_start[t];
	*effect = s->effect + s->effect_start[t];
	return s->effect_start[t + 1] - s->effect_start[t];
}

static void describe_cell(const struct simulated_screen *s, uint64_t i, struct simulated_cell *cell, uint32_t *size)
{
	const struct simulate_options *o = &s->o;
	struct random4 r = random_words(o->seed, CELL, i, 0), q = random_words(o->seed, CELL, i, 1);
	*size = r.v[0] % SIZES;
	cell->split = r.v[1] % (uint32_t)o->splits;
	cell->efficacy = 0;
	if (i < (uint64_t)o->controls) {
		cell->target = UINT32_MAX;
		cell->guide = r.v[2] % CONTROL_GUIDES;
		return;
	}
	uint64_t rest = i - (uint64_t)o->controls, perturbed = (uint64_t)(o->cells - o->controls);
	cell->target = (uint32_t)(rest * (uint64_t)o->targets / perturbed);
	cell->guide = r.v[2] % (uint32_t)o->guides_per_target;
	bool weak = cell->target % 3 == 0 && o->guides_per_target > 1 && cell->guide == (uint32_t)o->guides_per_target - 1;
	bool escaped = random_unit(r.v[3]) < 0.15;
	if (cell->target % 5 == 4 || escaped)
		return;
	double z[2];
	random_normal(&q, z);
	double e = (weak ? 0.1 : 0.8 - 0.1 * cell->guide) + 0.2 * z[0];
	cell->efficacy = e < 0 ? 0 : e > 1 ? 1 : e;
}

void simulate_cell(const struct simulated_screen *s, uint64_t i, struct simulated_cell *cell)
{
	const struct simulate_options *o = &s->o;
	uint32_t size, n = 0, n_genes = (uint32_t)o->genes;
	describe_cell(s, i, cell, &size);
	size_t row = (size_t)(size * (uint64_t)o->splits + cell->split) * n_genes;
	struct random4 words = { { 0 } };
	const uint32_t *touched = NULL;
	const double *effect = NULL;
	size_t n_touched = cell->efficacy > 0 ? simulate_effects(s, cell->target, &touched, &effect) : 0;
	for (uint32_t g = 0; g < n_genes; g++) {
		if (g % 4 == 0)
			words = random_words(o->seed, COUNTS, i, g / 4);
		uint32_t u = words.v[g % 4], count;
		if (n_touched && *touched == g) {
			double mu = s->mean[g] * s->batch[cell->split * n_genes + g] * s->size[size] * exp(*effect * cell->efficacy);
			count = random_negative_binomial(mu, o->dispersion, random_unit(u));
			touched++;
			effect++;
			n_touched--;
		} else if (u < s->zero[row + g]) {
			continue;
		} else {
			const uint32_t *t = s->threshold + s->table[row + g].offset;
			uint32_t low = 0, high = s->table[row + g].n;
			while (low < high) {
				uint32_t middle = (low + high) / 2;
				if (t[middle] <= u)
					low = middle + 1;
				else
					high = middle;
			}
			count = low + 1;
		}
		if (!count)
			continue;
		cell->gene[n] = g;
		cell->count[n++] = count;
	}
	cell->n = n;
}
