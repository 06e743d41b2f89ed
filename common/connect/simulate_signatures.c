#include "connect/simulate_signatures.h"
#include "base/mem.h"
#include "num/random.h"
#include <math.h>
#include <string.h>

/* Streams of the counter-based generator: what a number is for. */
enum { FAMILY = 0x53470001, CLASS, OWN_STATE, OWN_EFFECT, MOVED, STRENGTH, LINE, NOISE, TREATMENT, TARGET_NOISE, LATENT_TARGET, LATENT_CLASS,
	LATENT_COMPOUND, MAP, GENE_MEAN, DONOR, SIZE, COUNTS };
enum { PER = 3, LATENT = 6, HIDDEN = 32 };
static const double share_moved = 0.3, dispersion = 0.2, fold = 0.5, most_fold = 2;

/* One view of the latent space. */
struct view {
	double r[HIDDEN][LATENT], b[HIDDEN];
	double *m;                      /* genes x HIDDEN */
};

struct simulated_signatures {
	struct simulate_signatures_options o;
	uint32_t per, families, classes;
	struct view view[2];            /* of states, of effects */
	double *target_point, *compound_point;
	uint32_t *near, *far;           /* targets x per compounds */
	double *line;                   /* cell lines x genes */
};

/* out += weight x n independent normal values. */
static void add_normals(uint64_t seed, uint32_t stream, uint64_t a, double weight, double *out, size_t n)
{
	double z[2];
	for (size_t i = 0; i < n; i += 2) {
		struct random4 r = random_words(seed, stream, a, (uint32_t)(i / 2));
		random_normal(&r, z);
		out[i] += weight * z[0];
		if (i + 1 < n)
			out[i + 1] += weight * z[1];
	}
}

static void normals(uint64_t seed, uint32_t stream, uint64_t a, double *out, size_t n)
{
	memset(out, 0, n * sizeof *out);
	add_normals(seed, stream, a, 1, out, n);
}

/* out += weight x programme `id` of a kind: 0 where a gene does not move, variance 1 over all genes. */
static void add_programme(const struct simulated_signatures *s, uint32_t kind, uint32_t id, double weight, double *out)
{
	uint32_t n = (uint32_t)s->o.genes;
	double z[4] = { 0 };
	weight /= sqrt(share_moved);
	for (uint32_t g = 0; g < n; g += 4) {
		struct random4 moved = random_words(s->o.seed, MOVED, (uint64_t)id << 32 | kind, g);
		bool drawn = false;
		for (uint32_t k = 0; k < 4 && g + k < n; k++) {
			if (random_unit(moved.v[k]) >= share_moved)
				continue;
			if (!drawn) {
				for (uint32_t half = 0; half < 2; half++) {
					struct random4 r = random_words(s->o.seed, kind, id, g / 2 + half);
					random_normal(&r, z + 2 * half);
				}
				drawn = true;
			}
			out[g + k] += weight * z[k];
		}
	}
}

static void to_sphere(double *z)
{
	double sum = 0;
	for (int k = 0; k < LATENT; k++)
		sum += z[k] * z[k];
	for (int k = 0; k < LATENT; k++)
		z[k] /= sqrt(sum);
}

static void make_view(struct simulated_signatures *s, uint32_t which)
{
	struct view *v = &s->view[which];
	size_t n = (size_t)s->o.genes;
	normals(s->o.seed, MAP, which, &v->r[0][0], (size_t)HIDDEN * LATENT);
	normals(s->o.seed, MAP, 16 + which, v->b, HIDDEN);
	v->m = mem_array(n * HIDDEN, sizeof *v->m);
	for (size_t g = 0; g < n; g++)
		normals(s->o.seed, MAP, (uint64_t)(g + 1) << 8 | which, v->m + g * HIDDEN, HIDDEN);
}

static void add_view(const struct simulated_signatures *s, const struct view *v, const double *z, double weight, double *out)
{
	/* The features' spread, so that values have about unit variance. */
	const double gain = 1.5, shift = 0.5, spread = 0.75;
	double f[HIDDEN];
	for (int h = 0; h < HIDDEN; h++) {
		double x = shift * v->b[h];
		for (int k = 0; k < LATENT; k++)
			x += gain * v->r[h][k] * z[k];
		f[h] = (h % 2 ? (x > 0 ? x : 0) - 0.4 * gain : tanh(x)) / spread / sqrt(HIDDEN);
	}
	for (size_t g = 0; g < (size_t)s->o.genes; g++) {
		const double *m = v->m + g * HIDDEN;
		double x = 0;
		for (int h = 0; h < HIDDEN; h++)
			x += m[h] * f[h];
		out[g] += weight * x;
	}
}

/* The `per` compounds whose points are nearest to sign x the target's; the smaller number wins a tie. */
static void find_nearest(const struct simulated_signatures *s, uint32_t t, double sign, uint32_t *best)
{
	double value[PER];
	uint32_t n = 0;
	for (uint32_t c = 0; c < (uint32_t)s->o.compounds; c++) {
		double dot = 0;
		for (int k = 0; k < LATENT; k++)
			dot += sign * s->target_point[t * LATENT + (size_t)k] * s->compound_point[c * LATENT + (size_t)k];
		if (n == s->per && !(dot > value[n - 1]))
			continue;
		uint32_t at = n < s->per ? n++ : n - 1;
		for (; at > 0 && value[at - 1] < dot; at--) {
			value[at] = value[at - 1];
			best[at] = best[at - 1];
		}
		value[at] = dot;
		best[at] = c;
	}
}

static void make_latent(struct simulated_signatures *s)
{
	size_t n_targets = (size_t)s->o.targets, n_compounds = (size_t)s->o.compounds;
	s->target_point = mem_array(n_targets * LATENT, sizeof *s->target_point);
	s->compound_point = mem_array(n_compounds * LATENT, sizeof *s->compound_point);
	for (size_t t = 0; t < n_targets; t++) {
		normals(s->o.seed, LATENT_TARGET, t, s->target_point + t * LATENT, LATENT);
		to_sphere(s->target_point + t * LATENT);
	}
	for (size_t c = 0; c < n_compounds; c++) {
		double centre[LATENT], *z = s->compound_point + c * LATENT;
		normals(s->o.seed, LATENT_CLASS, c % s->classes, centre, LATENT);
		normals(s->o.seed, LATENT_COMPOUND, c, z, LATENT);
		for (int k = 0; k < LATENT; k++)
			z[k] += centre[k];
		to_sphere(z);
	}
	s->near = mem_array(n_targets * s->per, sizeof *s->near);
	s->far = mem_array(n_targets * s->per, sizeof *s->far);
	for (uint32_t t = 0; t < n_targets; t++) {
		find_nearest(s, t, 1, s->near + t * s->per);
		find_nearest(s, t, -1, s->far + t * s->per);
	}
	make_view(s, 0);
	make_view(s, 1);
}

struct simulated_signatures *simulate_signatures_new(const struct simulate_signatures_options *o)
{
	struct simulated_signatures *s = mem_zero(1, sizeof *s);
	uint32_t n = (uint32_t)o->compounds;
	s->o = *o;
	s->per = n / 4 < 1 ? 1 : n / 4 < PER ? n / 4 : PER;
	/* Every tenth compound at least does nothing to any target. */
	s->families = (n - (n + 9) / 10) / (2 * s->per);
	if (s->families > (uint32_t)o->targets)
		s->families = (uint32_t)o->targets;
	if (s->families < 1)
		s->families = 1;
	s->classes = o->nonlinear ? (n + 5) / 6 : (n + s->per - 1) / s->per;
	s->line = mem_array((size_t)(o->cell_lines * o->genes), sizeof *s->line);
	for (long k = 0; k < o->cell_lines; k++)
		normals(o->seed, LINE, (uint64_t)k, s->line + k * o->genes, (size_t)o->genes);
	if (o->nonlinear)
		make_latent(s);
	return s;
}

void simulate_signatures_free(struct simulated_signatures *s)
{
	if (!s)
		return;
	mem_free(s->view[0].m);
	mem_free(s->view[1].m);
	mem_free(s->target_point);
	mem_free(s->compound_point);
	mem_free(s->near);
	mem_free(s->far);
	mem_free(s->line);
	mem_free(s);
}

/* Linear: where a compound stands among the families' reversers and mimics, which come first. */
static uint32_t place_of(const struct simulated_signatures *s, uint32_t compound)
{
	return (uint32_t)random_permuted(s->o.seed ^ STRENGTH, compound, (uint64_t)s->o.compounds);
}

/* SIMULATED_NONE for a compound that belongs to no family. */
static enum simulated_effect role_of(const struct simulated_signatures *s, uint32_t compound, uint32_t *family)
{
	uint32_t place = place_of(s, compound), side = place / s->per;
	*family = side / 2;
	return *family >= s->families ? SIMULATED_NONE : side % 2 ? SIMULATED_MIMIC : SIMULATED_REVERSE;
}

static bool among(const uint32_t *list, uint32_t n, uint32_t c)
{
	for (uint32_t i = 0; i < n; i++)
		if (list[i] == c)
			return true;
	return false;
}

enum simulated_effect simulate_signatures_effect(const struct simulated_signatures *s, uint32_t target, uint32_t compound)
{
	uint32_t family;
	if (s->o.nonlinear)
		return among(s->far + target * s->per, s->per, compound) ? SIMULATED_REVERSE :
		       among(s->near + target * s->per, s->per, compound) ? SIMULATED_MIMIC : SIMULATED_NONE;
	enum simulated_effect role = role_of(s, compound, &family);
	return family == target % s->families ? role : SIMULATED_NONE;
}

size_t simulate_signatures_classes(const struct simulated_signatures *s)
{
	return s->classes;
}

uint32_t simulate_signatures_class(const struct simulated_signatures *s, uint32_t compound)
{
	return s->o.nonlinear ? compound % s->classes : place_of(s, compound) / s->per;
}

void simulate_signatures_state(const struct simulated_signatures *s, uint32_t target, double *out)
{
	bool shared = s->families < (uint32_t)s->o.targets;
	memset(out, 0, (size_t)s->o.genes * sizeof *out);
	if (s->o.nonlinear) {
		add_view(s, &s->view[0], s->target_point + (size_t)target * LATENT, 1, out);
		return;
	}
	add_programme(s, FAMILY, target % s->families, shared ? 0.9 : 1, out);
	if (shared)
		add_programme(s, OWN_STATE, target, sqrt(1 - 0.81), out);
}

void simulate_signatures_target(const struct simulated_signatures *s, uint32_t target, double *out)
{
	simulate_signatures_state(s, target, out);
	add_normals(s->o.seed, TARGET_NOISE, target, 0.2, out, (size_t)s->o.genes);
}

struct simulated_treatment simulate_signatures_treatment(const struct simulated_signatures *s, uint32_t compound, uint32_t line)
{
	static const double dose[] = { 1, 3, 10 }, hours[] = { 6, 24 };
	struct random4 r = random_words(s->o.seed, TREATMENT, compound, line);
	return (struct simulated_treatment){ dose[random_below(r.v[0], 3)], hours[random_below(r.v[1], 2)] };
}

void simulate_signatures_profile(const struct simulated_signatures *s, uint32_t compound, uint32_t line, double *out)
{
	uint32_t family;
	size_t n = (size_t)s->o.genes;
	memset(out, 0, n * sizeof *out);
	if (s->o.nonlinear) {
		add_view(s, &s->view[1], s->compound_point + (size_t)compound * LATENT, 1, out);
	} else {
		enum simulated_effect role = role_of(s, compound, &family);
		struct random4 r = random_words(s->o.seed, STRENGTH, compound, 0);
		double a = 0.7 + 0.2 * random_unit(r.v[0]);
		if (role == SIMULATED_NONE)
			add_programme(s, CLASS, simulate_signatures_class(s, compound), a, out);
		else
			add_programme(s, FAMILY, family, role == SIMULATED_REVERSE ? -a : a, out);
		add_programme(s, OWN_EFFECT, compound, sqrt(1 - a * a), out);
	}
	/* A tenth of the dose has two thirds of the effect, 6 hours four fifths of that of 24. */
	struct simulated_treatment t = simulate_signatures_treatment(s, compound, line);
	double scale = (t.dose < 2 ? 0.67 : t.dose < 5 ? 0.85 : 1) * (t.time < 12 ? 0.8 : 1);
	const double *of_line = s->line + line * n;
	for (size_t g = 0; g < n; g++)
		out[g] = scale * out[g] + 0.3 * of_line[g];
	add_normals(s->o.seed, NOISE, (uint64_t)line << 32 | compound, s->o.noise, out, n);
}

void simulate_signatures_means(const struct simulated_signatures *s, const double *state, bool is_case, uint32_t donor, double *out)
{
	size_t n = (size_t)s->o.genes;
	double *of_donor = mem_array(n, sizeof *of_donor);
	normals(s->o.seed, GENE_MEAN, 0, out, n);
	normals(s->o.seed, DONOR, donor, of_donor, n);
	for (size_t g = 0; g < n; g++) {
		double change = is_case ? fmin(fmax(fold * state[g], -most_fold), most_fold) : 0;
		out[g] = exp(0.8 * out[g] + 0.15 * of_donor[g] + change);
	}
	mem_free(of_donor);
}

size_t simulate_signatures_cell(const struct simulated_signatures *s, const double *means, uint64_t i, uint32_t *gene, uint32_t *count)
{
	struct random4 r = random_words(s->o.seed, SIZE, i, 0);
	double z[2];
	size_t n = 0;
	random_normal(&r, z);
	double size = exp(0.3 * z[0]);
	for (uint32_t g = 0; g < (uint32_t)s->o.genes; g++) {
		if (g % 4 == 0)
			r = random_words(s->o.seed, COUNTS, i, g / 4);
		uint32_t k = random_negative_binomial(size * means[g], dispersion, random_unit(r.v[g % 4]));
		if (k) {
			gene[n] = g;
			count[n++] = k;
		}
	}
	return n;
}
