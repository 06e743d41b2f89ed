#include "connect/network.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/table.h"
#include "num/random.h"
#include "num/vmath.h"
#include "unit.h"
#include <string.h>

/* A table of reference values, or NULL where they are not at hand. */
static struct table *golden(const char *name)
{
	const char *shared = getenv("PERTPIPE_SHARED");
	char path[1000];
	struct err e = { 0 };
	snprintf(path, sizeof path, "%s/golden/connectivity/%s", shared ? shared : "../shared", name);
	return table_read(path, 1 << 28, &e);
}

static double number(const struct table *t, size_t row, size_t column)
{
	double v = NAN;
	text_f64(t->field[row * t->n_columns + column], &v);
	return v;
}

static const char *word(const struct table *t, size_t row, size_t column)
{
	return t->field[row * t->n_columns + column];
}

/* Numbers of all columns but the first. */
static double *matrix(const char *name, size_t *n, size_t *width)
{
	struct table *t = golden(name);
	if (!t)
		return NULL;
	*n = t->n_rows;
	*width = t->n_columns - 1;
	double *m = mem_array(*n * *width, sizeof *m);
	for (size_t r = 0; r < *n; r++)
		for (size_t j = 0; j < *width; j++)
			m[r * *width + j] = number(t, r, j + 1);
	table_free(t);
	return m;
}

/* A table of param, row, col, value into our layout; NaN where the table has nothing. */
static double *parameters(const char *name, const struct net_shape *s)
{
	struct table *t = golden(name);
	if (!t)
		return NULL;
	struct net_parts part = net_parts(s);
	double *p = mem_array(2 * part.end, sizeof *p);
	for (size_t i = 0; i < 2 * part.end; i++)
		p[i] = NAN;
	for (size_t r = 0; r < t->n_rows; r++) {
		const char *key = word(t, r, 0), *rest = strstr(key, ".net.") + 5;
		bool weight = strstr(rest, "weight") != NULL;
		size_t i = (size_t)number(t, r, 1), j = (size_t)number(t, r, 2);
		size_t at = *rest == '0' ? (weight ? part.gain : part.bias) + i : *rest == '1' ? weight ? part.w1 + j * s->h + i : part.b1 + i
			    : weight ? part.w2 + j * s->e + i : part.b2 + i;
		p[at + (*key == 'r' ? part.end : 0)] = number(t, r, 3);
	}
	table_free(t);
	return p;
}

#define NEED(pointer) if (!(pointer)) SKIP("reference data golden/connectivity are not at hand")

static double worst(const double *a, const double *b, size_t n)
{
	double w = 0;
	for (size_t i = 0; i < n; i++)
		w = fmax(w, isnan(a[i]) || isnan(b[i]) ? INFINITY : fabs(a[i] - b[i]));
	return w;
}

static float *narrow(const double *x, size_t n)
{
	float *f = mem_array(n, sizeof *f);
	for (size_t i = 0; i < n; i++)
		f[i] = (float)x[i];
	return f;
}

/* Rows times sign, normalised, put into a pass from row `from` on. */
static void fill(struct net_pass_f64 *p, size_t d, const double *x, size_t n, double sign, size_t from)
{
	double *row = mem_array(d, sizeof *row);
	for (size_t r = 0; r < n; r++) {
		for (size_t j = 0; j < d; j++)
			row[j] = sign * x[r * d + j];
		net_normalise_f64(row, d, p->x + (from + r) * d);
	}
	p->n = from + n;
	mem_free(row);
}

static void compare_forward(const char *size, const char *weights)
{
	char name[100];
	double *in[2], *want64[2], *want32[2];
	static const char *const side[] = { "left", "right" };
	size_t n = 0, d = 0, e = 0;
	for (int t = 0; t < 2; t++) {
		snprintf(name, sizeof name, "nn_fwd%s_%s_emb_f64.tsv", size, side[t]);
		NEED(want64[t] = matrix(name, &n, &e));
		snprintf(name, sizeof name, "nn_fwd%s_%s_emb_f32.tsv", size, side[t]);
		want32[t] = matrix(name, &n, &e);
		snprintf(name, sizeof name, "nn_fwd%s_%s_in.tsv", size, side[t]);
		in[t] = matrix(name, &n, &d);
	}
	struct net_shape s = { d, 64, e };
	double *p = parameters(weights, &s);
	float *p32 = narrow(p, 2 * net_parts(&s).end);
	struct net_work_f64 *w = net_work_new_f64(&s, 2);
	struct net_work_f32 *w32 = net_work_new_f32(&s, 2);
	for (int t = 0; t < 2; t++) {
		struct net_pass_f64 *pass = net_pass_new_f64(&s, (enum net_tower)t, n, false);
		struct net_pass_f32 *pass32 = net_pass_new_f32(&s, (enum net_tower)t, n, false);
		float *x = narrow(in[t], n * d);
		fill(pass, d, in[t], n, 1, 0);
		for (size_t r = 0; r < n; r++)
			net_normalise_f32(x + r * d, d, pass32->x + r * d);
		pass32->n = n;
		net_forward_f64(w, p, &pass, 1, NULL);
		net_forward_f32(w32, p32, &pass32, 1, NULL);
		CHECK_NEAR(worst(pass->unit, want64[t], n * e), 0, 1e-12);
		double difference = 0;
		for (size_t i = 0; i < n * e; i++)
			difference = fmax(difference, fabs(pass32->unit[i] - want32[t][i]));
		CHECK_NEAR(difference, 0, 1e-6);
		net_pass_free_f64(pass);
		net_pass_free_f32(pass32);
		mem_free(x);
		mem_free(in[t]);
		mem_free(want64[t]);
		mem_free(want32[t]);
	}
	net_work_free_f64(w);
	net_work_free_f32(w32);
	mem_free(p);
	mem_free(p32);
}

UNIT(embeddings_of_16_genes_as_the_reference)
{
	compare_forward("16", "nn_weights_demo16.tsv.gz");
}

UNIT(embeddings_of_978_genes_as_the_reference)
{
	compare_forward("978", "nn_weights_978.tsv.gz");
}

/* A whole step of the reference: NT-Xent in one direction, or its triplet, which sends everything through the state tower. */
struct trial {
	struct net_shape s;
	struct net_parts part;
	bool triplet;
	struct net_work_f64 *w;
	struct net_pass_f64 *pass[2];
	int n_passes;
	size_t n;
	double *p, *g, *m, *v;
	uint64_t t;
};

static struct trial *trial_new(size_t d, size_t n, bool triplet, double *p)
{
	struct trial *t = mem_zero(1, sizeof *t);
	t->s = (struct net_shape){ d, 64, 64 };
	t->part = net_parts(&t->s);
	t->triplet = triplet;
	t->n = n;
	t->w = net_work_new_f64(&t->s, 2);
	t->n_passes = triplet ? 1 : 2;
	t->pass[0] = net_pass_new_f64(&t->s, NET_STATE, triplet ? 3 * n : n, true);
	t->pass[1] = net_pass_new_f64(&t->s, NET_DRUG, n, true);
	t->p = p;
	t->g = mem_zero(2 * t->part.end, sizeof(double));
	t->m = mem_zero(2 * t->part.end, sizeof(double));
	t->v = mem_zero(2 * t->part.end, sizeof(double));
	return t;
}

static void trial_free(struct trial *t)
{
	net_work_free_f64(t->w);
	net_pass_free_f64(t->pass[0]);
	net_pass_free_f64(t->pass[1]);
	mem_free(t->p);
	mem_free(t->g);
	mem_free(t->m);
	mem_free(t->v);
	mem_free(t);
}

static void trial_rows(struct trial *t, const double *target, const double *positive, const double *negative)
{
	fill(t->pass[0], t->s.d, target, t->n, 1, 0);
	if (t->triplet) {
		fill(t->pass[0], t->s.d, positive, t->n, -1, t->n);
		fill(t->pass[0], t->s.d, negative, t->n, 1, 2 * t->n);
	} else {
		fill(t->pass[1], t->s.d, positive, t->n, -1, 0);
	}
}

static double trial_loss(struct trial *t)
{
	size_t block = t->n * t->s.e;
	struct net_pass_f64 *a = t->pass[0], *b = t->pass[1];
	net_forward_f64(t->w, t->p, t->pass, t->n_passes, NULL);
	if (t->triplet)
		return net_triplet_f64(&t->s, 0.2, t->n, a->unit, a->unit + block, a->unit + 2 * block, a->d_unit, a->d_unit + block, a->d_unit + 2 * block);
	return net_contrast_f64(t->w, &(struct net_contrast){ .temperature = 0.2 }, t->n, a->unit, b->unit, a->d_unit, b->d_unit);
}

static double trial_gradient(struct trial *t)
{
	double loss = trial_loss(t);
	net_backward_f64(t->w, t->p, t->pass, t->n_passes, t->g);
	return loss;
}

static void trial_step(struct trial *t, double rate, double decay)
{
	struct net_adamw o = NET_ADAMW;
	o.rate = rate;
	o.decay = decay;
	net_adamw_f64(&o, ++t->t, 1, (t->triplet ? 1 : 2) * t->part.end, t->p, t->g, t->m, t->v, 2);
}

static void compare_losses(bool triplet, double first, double after[2][2])
{
	const char *kind = triplet ? "triplet" : "ntxent";
	static const char *const decay[] = { "0.0", "0.01" };
	char name[100];
	size_t n, d;
	double *target = matrix("loss_left.tsv", &n, &d);
	NEED(target);
	double *positive = matrix("loss_pos_right.tsv", &n, &d), *negative = matrix("loss_neg_right.tsv", &n, &d);
	for (int k = 0; k < 2; k++) {
		struct net_shape s = { d, 64, 64 };
		struct trial *t = trial_new(d, n, triplet, parameters("loss_init_weights.tsv.gz", &s));
		size_t n_trained = (triplet ? 1 : 2) * t->part.end;
		trial_rows(t, target, positive, negative);
		CHECK_NEAR(trial_gradient(t), first, 1e-12);
		snprintf(name, sizeof name, "loss_%s_grad.tsv.gz", kind);
		double *want = parameters(name, &s);
		CHECK_NEAR(worst(t->g, want, n_trained), 0, 1e-9);
		mem_free(want);
		for (int step = 1; step <= 5; step++) {
			trial_step(t, 0.01, k ? 0.01 : 0);
			double loss = trial_gradient(t);
			if (step != 1 && step != 5)
				continue;
			snprintf(name, sizeof name, "loss_%s_adamw%d_wd%s.tsv.gz", kind, step, decay[k]);
			want = parameters(name, &s);
			CHECK_NEAR(worst(t->p, want, 2 * t->part.end), 0, 1e-10);
			CHECK_NEAR(loss, after[k][step == 5], 1e-10);
			mem_free(want);
		}
		trial_free(t);
	}
	mem_free(target);
	mem_free(positive);
	mem_free(negative);
}

/* The losses stand in a JSON file of a few lines. */
static double loss_value(const char *key, const char *name)
{
	const char *shared = getenv("PERTPIPE_SHARED");
	char text[8192] = "";
	snprintf(text, sizeof text, "%s/golden/connectivity/loss_values.json", shared ? shared : "../shared");
	FILE *f = fopen(text, "r");
	if (!f)
		return NAN;
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	const char *at = strstr(text, key);
	at = at ? strstr(at, name) : NULL;
	return at ? strtod(strchr(at, ':') + 1, NULL) : NAN;
}

static void losses_of(bool triplet)
{
	const char *key[] = { triplet ? "triplet_wd0.0\"" : "ntxent_wd0.0\"", triplet ? "triplet_wd0.01" : "ntxent_wd0.01" };
	double after[2][2];
	for (int k = 0; k < 2; k++) {
		after[k][0] = loss_value(key[k], "loss_after_1");
		after[k][1] = loss_value(key[k], "loss_after_5");
	}
	compare_losses(triplet, loss_value(key[0], "loss0"), after);
}

UNIT(contrast_gradient_and_steps_as_the_reference)
{
	losses_of(false);
}

UNIT(triplet_gradient_and_steps_as_the_reference)
{
	losses_of(true);
}

static const double *find_row(const struct table *names, const double *x, size_t d, const char *id)
{
	for (size_t r = 0; r < names->n_rows; r++)
		if (!strcmp(word(names, r, 0), id))
			return x + r * d;
	return NULL;
}

static void compare_trajectory(bool triplet)
{
	enum { B = 16, STEPS = 60 };
	const char *kind = triplet ? "triplet" : "ntxent";
	char name[100];
	struct table *batches = golden("traj_batches.tsv"), *loss = golden("traj_loss.tsv"), *names = golden("real_vectors.tsv");
	NEED(batches);
	size_t n, d;
	double *vectors = matrix("real_vectors.tsv", &n, &d);
	struct net_shape s = { d, 64, 64 };
	struct trial *t = trial_new(d, B, triplet, parameters("traj_init.tsv.gz", &s));
	double *rows[3];
	for (int k = 0; k < 3; k++)
		rows[k] = mem_array(B * d, sizeof(double));
	double worst_loss = 0, worst_norm = 0;
	size_t compared = 0;
	for (size_t step = 0; step < STEPS; step++) {
		for (size_t b = 0; b < B; b++)
			for (size_t k = 0; k < 3; k++)
				memcpy(rows[k] + b * d, find_row(names, vectors, d, word(batches, step * B + b, 2 + k)), d * sizeof(double));
		trial_rows(t, rows[0], rows[1], rows[2]);
		double value = trial_gradient(t), norm = net_norm_f64(t->g, 2 * t->part.end, 2);
		for (size_t r = 0; r < loss->n_rows; r++)
			if (!strcmp(word(loss, r, 0), kind) && (size_t)number(loss, r, 1) == step) {
				worst_loss = fmax(worst_loss, fabs(value - number(loss, r, 2)));
				worst_norm = fmax(worst_norm, fabs(norm - number(loss, r, 3)));
				compared++;
			}
		trial_step(t, 1e-3, 0.01);
	}
	CHECK(compared == STEPS);
	CHECK_NEAR(worst_loss, 0, 1e-8);
	CHECK_NEAR(worst_norm, 0, 1e-8);
	snprintf(name, sizeof name, "traj_final_%s.tsv.gz", kind);
	double *want = parameters(name, &s);
	CHECK_NEAR(worst(t->p, want, 2 * t->part.end), 0, 1e-8);
	mem_free(want);
	for (int k = 0; k < 3; k++)
		mem_free(rows[k]);
	mem_free(vectors);
	table_free(batches);
	table_free(loss);
	table_free(names);
	trial_free(t);
}

UNIT(sixty_steps_of_contrast_as_the_reference)
{
	compare_trajectory(false);
}

UNIT(sixty_steps_of_triplet_as_the_reference)
{
	compare_trajectory(true);
}

static double draw(uint32_t stream, size_t i)
{
	struct random4 r = random_words(5, stream, i, 0);
	double z[2];
	random_normal(&r, z);
	return z[0];
}

/* A batch through both towers with everything on: symmetric, masked, dropout; or the triplet through both towers. */
static double full_loss(struct trial *t, const uint8_t *exclude, bool triplet, bool gradient)
{
	struct net_dropout dropout = { 0.3, 9, 4 };
	struct net_pass_f64 *a = t->pass[0], *b = t->pass[1];
	size_t half = b->n / 2 * t->s.e;
	net_forward_f64(t->w, t->p, t->pass, 2, &dropout);
	double loss = triplet ? net_triplet_f64(&t->s, 0.7, a->n, a->unit, b->unit, b->unit + half, a->d_unit, b->d_unit, b->d_unit + half)
		: net_contrast_f64(t->w, &(struct net_contrast){ 0.3, true, exclude }, a->n, a->unit, b->unit, a->d_unit, b->d_unit);
	if (gradient)
		net_backward_f64(t->w, t->p, t->pass, 2, t->g);
	return loss;
}

static void finite_differences(bool triplet)
{
	enum { N = 70, D = 7 };
	struct net_shape s = { D, 6, 5 };
	struct net_parts part = net_parts(&s);
	struct trial t = { .s = s, .part = part, .w = net_work_new_f64(&s, 3) };
	t.p = mem_array(2 * part.end, sizeof(double));
	t.g = mem_array(2 * part.end, sizeof(double));
	net_start_f64(&s, 3, false, t.p);
	for (size_t i = 0; i < 2 * part.end; i++)
		t.p[i] += 0.2 * draw(1, i);
	size_t n_drugs = triplet ? 2 * N : N;
	double *x = mem_array(2 * N * D, sizeof *x);
	for (size_t i = 0; i < 2 * N * D; i++)
		x[i] = draw(2, i);
	t.pass[0] = net_pass_new_f64(&s, NET_STATE, N, true);
	t.pass[1] = net_pass_new_f64(&s, NET_DRUG, n_drugs, true);
	fill(t.pass[0], D, x, N, 1, 0);
	fill(t.pass[1], D, x, n_drugs, -0.5, 0);
	uint8_t *exclude = mem_zero(N * N, 1);
	for (size_t i = 0; i < N * N; i++)
		exclude[i] = draw(3, i) > 1;
	full_loss(&t, exclude, triplet, true);
	double largest = 0;
	for (size_t i = 0; i < 2 * part.end; i++) {
		double at = t.p[i], step = 1e-5, f[4];
		static const double place[] = { -2, -1, 1, 2 };
		for (int k = 0; k < 4; k++) {
			t.p[i] = at + place[k] * step;
			f[k] = full_loss(&t, exclude, triplet, false);
		}
		t.p[i] = at;
		largest = fmax(largest, fabs((8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * step) - t.g[i]));
	}
	CHECK_NEAR(largest, 0, triplet ? 1e-8 : 1e-9);
	net_pass_free_f64(t.pass[0]);
	net_pass_free_f64(t.pass[1]);
	net_work_free_f64(t.w);
	mem_free(t.p);
	mem_free(t.g);
	mem_free(x);
	mem_free(exclude);
}

UNIT(contrast_gradient_as_finite_differences)
{
	finite_differences(false);
}

UNIT(triplet_gradient_as_finite_differences)
{
	finite_differences(true);
}

/* Ten steps in float, with dropout and clipping, on so many threads. */
static float *train(int threads, const struct net_shape *s, size_t n)
{
	size_t size = 2 * net_parts(s).end;
	float *p = mem_zero(size, sizeof *p), *g = mem_zero(size, sizeof *g), *m = mem_zero(size, sizeof *m), *v = mem_zero(size, sizeof *v);
	struct net_adamw o = NET_ADAMW;
	struct net_work_f32 *w = net_work_new_f32(s, threads);
	struct net_pass_f32 *pass[2] = { net_pass_new_f32(s, NET_STATE, n, true), net_pass_new_f32(s, NET_DRUG, n, true) };
	net_start_f32(s, 8, true, p);
	for (uint64_t step = 1; step <= 10; step++) {
		for (uint32_t k = 0; k < 2; k++) {
			for (size_t i = 0; i < n * s->d; i++)
				pass[k]->x[i] = (float)draw(10 + k, i + step * n);
			pass[k]->n = n;
		}
		net_forward_f32(w, p, pass, 2, &(struct net_dropout){ 0.1, 2, step });
		net_contrast_f32(w, &(struct net_contrast){ 0.2, true, NULL }, n, pass[0]->unit, pass[1]->unit, pass[0]->d_unit, pass[1]->d_unit);
		net_backward_f32(w, p, pass, 2, g);
		net_adamw_f32(&o, step, fmin(1, 0.5 / net_norm_f32(g, size, threads)), size, p, g, m, v, threads);
	}
	net_pass_free_f32(pass[0]);
	net_pass_free_f32(pass[1]);
	net_work_free_f32(w);
	mem_free(g);
	mem_free(m);
	mem_free(v);
	return p;
}

UNIT(any_number_of_threads_gives_the_same_bits)
{
	struct net_shape s = { 301, 48, 24 };
	float *one = train(1, &s, 150);
	for (int threads = 2; threads <= 7; threads += 5) {
		float *many = train(threads, &s, 150);
		CHECK(!memcmp(one, many, 2 * net_parts(&s).end * sizeof *one));
		mem_free(many);
	}
	mem_free(one);
}

UNIT(dropout_keeps_the_mean_and_drops_its_share)
{
	struct net_shape s = { 4, 4000, 2 };
	size_t size = 2 * net_parts(&s).end, dropped = 0;
	double *p = mem_zero(size, sizeof *p), sum[2] = { 0 };
	net_start_f64(&s, 1, false, p);
	struct net_work_f64 *w = net_work_new_f64(&s, 1);
	struct net_pass_f64 *pass = net_pass_new_f64(&s, NET_DRUG, 1, false);
	pass->n = 1;
	for (size_t j = 0; j < 4; j++)
		pass->x[j] = draw(20, j);
	for (int k = 0; k < 2; k++) {
		net_forward_f64(w, p, &pass, 1, k ? &(struct net_dropout){ 0.25, 1, 1 } : NULL);
		for (size_t j = 0; j < s.h; j++) {
			sum[k] += fabs(pass->active[j]);
			dropped += k && pass->active[j] == 0;
		}
	}
	CHECK_NEAR((double)dropped / (double)s.h, 0.25, 0.03);
	CHECK_RELATIVE(sum[1], sum[0], 0.05);
	net_pass_free_f64(pass);
	net_work_free_f64(w);
	mem_free(p);
}

UNIT(gelu_equals_erf)
{
	double largest = 0;
	for (int i = -40000; i <= 40000; i++) {
		double x = i / 1000.0, value, slope, cumulative = 0.5 * erfc(-x / sqrt(2));
		vmath_gelu(&x, &value, &slope, 1);
		largest = fmax(largest, fabs(value - x * cumulative) / fmax(1, fabs(x)));
		largest = fmax(largest, fabs(slope - cumulative - x * exp(-x * x / 2) / sqrt(2 * M_PI)));
	}
	CHECK_NEAR(largest, 0, 2e-15);
}

UNITS(RUN(embeddings_of_16_genes_as_the_reference), RUN(embeddings_of_978_genes_as_the_reference),
      RUN(contrast_gradient_and_steps_as_the_reference), RUN(triplet_gradient_and_steps_as_the_reference),
      RUN(sixty_steps_of_contrast_as_the_reference), RUN(sixty_steps_of_triplet_as_the_reference),
      RUN(contrast_gradient_as_finite_differences), RUN(triplet_gradient_as_finite_differences),
      RUN(any_number_of_threads_gives_the_same_bits), RUN(dropout_keeps_the_mean_and_drops_its_share), RUN(gelu_equals_erf))
