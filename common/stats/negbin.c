#include "stats/negbin.h"
#include "base/mem.h"
#include "num/vector.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums over a run of W (1, c, w) x (1, c, w), upper triangle, and of the working residuals times (1, c, w). */
enum { ONE_ONE, ONE_C, C_C, ONE_W, C_W, W_W, G_ONE, G_C, G_W, N_SUMS };
/* Cells of a run by what a pass has to do for them: a count (and the nodes), none but a w, neither. */
enum { COUNTED, ZERO_WITH_W, ZERO, N_PARTS };
enum { TAILS = 1024 };           /* counts from here on have their digamma in closed form */

/* Cells in the order of their parts, each part of a run in a multiple of 8 places. */
struct arranged {
	bool made;
	size_t *start;                  /* n_runs x N_PARTS + 1 places */
	double *times;                  /* 1 for a cell, N_k for a node, 0 in padding */
	double *c, *w;
	double *y;                      /* of the counted only; Y_k for a node */
	double *mu;                     /* of one cell */
	bool means;                     /* mu is made */
	size_t cap[5];
};

struct negbin_room {
	double *sums;                   /* n_runs x N_SUMS */
	double *square;                 /* the same with W^2 */
	double *matrix, *other, *vector, *step, *beta, *tried;
	const double *y;
	size_t gene;
	struct arranged nodes, cells;   /* the pool's groups at their nodes where they have any; cell by cell, made when needed */
	double *value, *value_times;    /* positive counts, each as often as it is told; padded with 1, 0 times */
	size_t n_values, value_cap, times_cap;
	double most, typical;           /* the largest of them; mean over the counts, each cell as often as it has counts */
	double tail[TAILS + 8];         /* tail[j]: cells with more than j counts; padded */
	size_t n_tail;
};

struct negbin_design *negbin_design_new(const size_t *n, size_t n_runs, bool weighted, struct negbin_pool *pool, const size_t *group)
{
	struct negbin_design *d = mem_zero(1, sizeof *d);
	d->n_runs = n_runs;
	d->start = mem_zero(n_runs + 1, sizeof *d->start);
	d->pool = pool;
	d->group = pool ? mem_array(n_runs, sizeof *d->group) : NULL;
	for (size_t r = 0; r < n_runs; r++) {
		d->start[r + 1] = d->start[r] + (n[r] + 7) / 8 * 8;
		d->n_cells += n[r];
		if (pool) {
			d->group[r] = group[r];
			d->n_cells += pool->group[group[r]].n;
		}
	}
	d->n_places = d->start[n_runs];
	d->one = mem_zero(d->n_places, sizeof *d->one);
	d->c = mem_zero(d->n_places, sizeof *d->c);
	d->w = weighted ? mem_zero(d->n_places, sizeof *d->w) : NULL;
	for (size_t r = 0; r < n_runs; r++)
		for (size_t i = 0; i < n[r]; i++)
			d->one[d->start[r] + i] = 1;
	return d;
}

void negbin_design_free(struct negbin_design *d)
{
	if (!d)
		return;
	mem_free(d->start);
	mem_free(d->group);
	mem_free(d->one);
	mem_free(d->c);
	mem_free(d->w);
	mem_free(d);
}

size_t negbin_n_coefficients(const struct negbin_design *d)
{
	return d->n_runs + 1 + (d->w ? d->n_runs : 0);
}

struct negbin_room *negbin_room_new(const struct negbin_design *d)
{
	struct negbin_room *r = mem_zero(1, sizeof *r);
	size_t p = 2 * d->n_runs + 1;
	r->sums = mem_array(d->n_runs * N_SUMS, sizeof *r->sums);
	r->square = mem_array(d->n_runs * N_SUMS, sizeof *r->square);
	r->matrix = mem_array(p * p, sizeof *r->matrix);
	r->other = mem_array(p * p, sizeof *r->other);
	r->vector = mem_array(p, sizeof *r->vector);
	r->step = mem_array(p, sizeof *r->step);
	r->beta = mem_array(p, sizeof *r->beta);
	r->tried = mem_array(p, sizeof *r->tried);
	r->nodes.start = mem_array(d->n_runs * N_PARTS + 1, sizeof *r->nodes.start);
	r->cells.start = mem_array(d->n_runs * N_PARTS + 1, sizeof *r->cells.start);
	return r;
}

static void arranged_free(struct arranged *a)
{
	mem_free(a->start);
	mem_free(a->times);
	mem_free(a->c);
	mem_free(a->w);
	mem_free(a->y);
	mem_free(a->mu);
}

void negbin_room_free(struct negbin_room *r)
{
	if (!r)
		return;
	mem_free(r->sums);
	mem_free(r->square);
	mem_free(r->matrix);
	mem_free(r->other);
	mem_free(r->vector);
	mem_free(r->step);
	mem_free(r->beta);
	mem_free(r->tried);
	arranged_free(&r->nodes);
	arranged_free(&r->cells);
	mem_free(r->value);
	mem_free(r->value_times);
	mem_free(r);
}

/* Upper triangle of the p x p matrix of a design from its runs' sums. */
static void assemble(const struct negbin_design *d, const double *sums, double *a)
{
	size_t n = d->n_runs, p = negbin_n_coefficients(d);
	memset(a, 0, p * p * sizeof *a);
	for (size_t r = 0; r < n; r++) {
		const double *s = sums + r * N_SUMS;
		a[r * p + r] = s[ONE_ONE];
		a[r * p + n] = s[ONE_C];
		a[n * p + n] += s[C_C];
		if (!d->w)
			continue;
		size_t w = n + 1 + r;
		a[r * p + w] = s[ONE_W];
		a[n * p + w] = s[C_W];
		a[w * p + w] = s[W_W];
	}
}

static void gradient(const struct negbin_design *d, const double *sums, double *g)
{
	g[d->n_runs] = 0;
	for (size_t r = 0; r < d->n_runs; r++) {
		g[r] = sums[r * N_SUMS + G_ONE];
		g[d->n_runs] += sums[r * N_SUMS + G_C];
		if (d->w)
			g[d->n_runs + 1 + r] = sums[r * N_SUMS + G_W];
	}
}

/* a = R'R in place of its upper triangle; `ridge` is added to the diagonal. */
static bool cholesky(double *a, size_t p, double ridge)
{
	for (size_t i = 0; i < p; i++) {
		double whole = a[i * p + i] + ridge, d = whole;
		for (size_t k = 0; k < i; k++)
			d -= a[k * p + i] * a[k * p + i];
		if (!(d > 1e-14 * whole) || !(d > 0))
			return false;
		d = sqrt(d);
		a[i * p + i] = d;
		for (size_t j = i + 1; j < p; j++) {
			double s = a[i * p + j];
			for (size_t k = 0; k < i; k++)
				s -= a[k * p + i] * a[k * p + j];
			a[i * p + j] = s / d;
		}
	}
	return true;
}

static void solve(const double *r, size_t p, double *x)
{
	for (size_t i = 0; i < p; i++) {
		for (size_t k = 0; k < i; k++)
			x[i] -= r[k * p + i] * x[k];
		x[i] /= r[i * p + i];
	}
	for (size_t i = p; i-- > 0; ) {
		for (size_t k = i + 1; k < p; k++)
			x[i] -= r[i * p + k] * x[k];
		x[i] /= r[i * p + i];
	}
}

static const double LEAST_ETA = -115.12925464970229, MOST_ETA = 115.12925464970229;     /* mu in 1e-50 .. 1e50 */
static const double POISSON = 1e-6;     /* below this dispersion the deviance is Poisson's */

/* No branch hangs on the counts. */
static inline size_t part_of(double y, double w)
{
	return (size_t)(y <= 0) * (1 + (size_t)(w == 0));
}

static const struct negbin_group *group_of(const struct negbin_design *d, size_t r)
{
	return d->pool ? &d->pool->group[d->group[r]] : NULL;
}

static const struct negbin_counts *pool_counts(const struct negbin_design *d, const struct negbin_room *room, size_t r)
{
	return &d->pool->of[room->gene * d->pool->n_groups + d->group[r]];
}

static void put(struct arranged *a, size_t to, double times, double c, double w, double y)
{
	a->times[to] = times;
	a->c[to] = c;
	a->w[to] = w;
	a->y[to] = y;
}

/* The cells of a group one by one, after those that at[] has already. */
static void put_group(const struct negbin_design *d, size_t gene, size_t group, struct arranged *a, size_t *at)
{
	const struct negbin_group *g = &d->pool->group[group];
	const struct sparse_cols *x = d->pool->counts;
	size_t next = x->start[gene], end = x->start[gene + 1];
	for (size_t i = 0; i < g->n; i++) {
		while (next < end && x->row[next] < g->cell[i])
			next++;
		double y = next < end && x->row[next] == g->cell[i] ? x->value[next] : 0;
		put(a, at[part_of(y, 0)]++, 1, g->c[i], 0, y);
	}
}

static void arrange(const struct negbin_design *d, const struct negbin_room *room, bool nodes, struct arranged *a)
{
	size_t *start = a->start, most = d->n_places + 8 * N_PARTS * d->n_runs;
	for (size_t r = 0; d->pool && r < d->n_runs; r++)
		most += nodes && group_of(d, r)->nodes ? NEGBIN_NODES : group_of(d, r)->n;
	double **array[] = { &a->times, &a->c, &a->w, &a->y, &a->mu };
	for (size_t k = 0; k < sizeof array / sizeof *array; k++)
		mem_room(array[k], &a->cap[k], most, sizeof **array[k]);
	start[0] = 0;
	for (size_t r = 0; r < d->n_runs; r++, start += N_PARTS) {
		size_t n[N_PARTS] = { 0 }, at[N_PARTS], end = d->start[r];
		const struct negbin_group *g = group_of(d, r);
		/* Padding is at the end of a run. */
		for (; end < d->start[r + 1] && d->one[end] > 0; end++)
			n[part_of(room->y[end], d->w ? d->w[end] : 0)]++;
		if (g && nodes && g->nodes) {
			n[COUNTED] += NEGBIN_NODES;
		} else if (g) {
			size_t counted = (size_t)pool_counts(d, room, r)->n_positive;
			n[COUNTED] += counted;
			n[ZERO] += g->n - counted;
		}
		for (int k = 0; k < N_PARTS; k++) {
			start[k + 1] = start[k] + (n[k] + 7) / 8 * 8;
			at[k] = start[k];
			for (size_t i = start[k] + n[k]; i < start[k + 1]; i++)
				put(a, i, 0, 0, 0, 0);
		}
		for (size_t i = d->start[r]; i < end; i++) {
			double w = d->w ? d->w[i] : 0;
			put(a, at[part_of(room->y[i], w)]++, 1, d->c[i], w, room->y[i]);
		}
		if (g && nodes && g->nodes)
			for (size_t k = 0; k < NEGBIN_NODES; k++)
				put(a, at[COUNTED]++, g->times[k], g->node[k], 0, pool_counts(d, room, r)->node[k]);
		else if (g)
			put_group(d, room->gene, d->group[r], a, at);
	}
	a->made = true;
	a->means = false;
}

static void add_value(struct negbin_room *room, double value, double times)
{
	room->value[room->n_values] = value;
	room->value_times[room->n_values++] = times;
}

static void list_values(const struct negbin_design *d, struct negbin_room *room)
{
	size_t most = d->n_places + 8;
	for (size_t r = 0; d->pool && r < d->n_runs; r++)
		most += pool_counts(d, room, r)->n_values;
	mem_room(&room->value, &room->value_cap, most, sizeof *room->value);
	mem_room(&room->value_times, &room->times_cap, most, sizeof *room->value_times);
	room->n_values = 0;
	for (size_t i = 0; i < d->n_places; i++)
		if (room->y[i] > 0)
			add_value(room, room->y[i], 1);
	for (size_t r = 0; d->pool && r < d->n_runs; r++) {
		const struct negbin_counts *of = pool_counts(d, room, r);
		for (size_t i = 0; i < of->n_values; i++)
			add_value(room, of->value[i], of->times[i]);
	}
	while (room->n_values % 8)
		add_value(room, 1, 0);
}

void negbin_take(const struct negbin_design *d, struct negbin_room *room, const double *y, size_t gene)
{
	if (d->pool)
		negbin_pool_prepare(d->pool, gene);
	room->y = y;
	room->gene = gene;
	room->cells.made = false;
	arrange(d, room, true, &room->nodes);
	list_values(d, room);
}

/* Nodes where the bound holds in every run, else cells. */
static struct arranged *cells_for(const struct negbin_design *d, struct negbin_room *room, const double *beta, double theta)
{
	double slope = beta[d->n_runs], log_theta = theta > 0 ? log(theta) : -INFINITY;
	bool smooth = true;
	for (size_t r = 0; d->pool && smooth && r < d->n_runs; r++) {
		const struct negbin_group *g = group_of(d, r);
		double a = beta[r] + slope * g->low, b = beta[r] + slope * g->high;
		smooth = !g->nodes || (fmin(a, b) > LEAST_ETA && fmax(a, b) < MOST_ETA && negbin_pool_smooth(fabs(b - a) / 2, log_theta + fmax(a, b)));
	}
	if (smooth)
		return &room->nodes;
	if (!room->cells.made)
		arrange(d, room, false, &room->cells);
	return &room->cells;
}

VECTOR_INLINE vec8 mean_at(vec8 eta)
{
	vec8 power, rest;
	vec8_reduce(eta, &power, &rest);
	return power + power * rest;
}

VECTOR_INLINE vec8 log1p_of(vec8 t, vec8 inverse)
{
	vec8 u = 1 + t;
	return vec8_log(u) + (t - (u - 1)) * inverse;
}

/*
 * Sum of log(1 + t) over cells without a count: of products of four (places i, i + 8, ...), but one by one for dispersions below
 * FINE, of whose small t a product keeps too little.
 */
static const double FINE = 0.05;
VECTOR_INLINE void add_log(vec8 *sum, vec8 *product, vec8 t, vec8 part, size_t i, bool fine)
{
	if (fine) {
		*sum += log1p_of(t, part);
		return;
	}
	*product *= 1 + t;
	if (i % 32 == 0) {
		*sum += vec8_log(*product);
		*product = vec8_set(1);
	}
}

/* Sums over a part of weights without w; the residuals of cells without a count are these, negative. */
VECTOR_INLINE void add_zeros(const vec8 *s, double *sums, bool with_w)
{
	for (int k = ONE_ONE; k <= (with_w ? W_W : C_C); k++)
		sums[k] += vec8_sum(s[k]);
	sums[G_ONE] -= vec8_sum(s[ONE_ONE]);
	sums[G_C] -= vec8_sum(s[ONE_C]);
	if (with_w)
		sums[G_W] -= vec8_sum(s[ONE_W]);
}

/*
 * One pass at `beta`: the runs' sums, and (returned) the part of half the deviance that depends on mu:
 * sum (y + 1/theta) log(1 + mu theta) - y log mu, or sum mu - y log mu.
 */
VECTOR_CLONES
static double pass(const struct negbin_design *d, const struct arranged *a, const double *beta, double theta, double *all_sums)
{
	bool poisson = theta < POISSON;
	double common = beta[d->n_runs], inverse = poisson ? 0 : 1 / theta, all = 0;
	for (size_t r = 0; r < d->n_runs; r++) {
		const size_t *start = a->start + r * N_PARTS;
		double *sums = all_sums + r * N_SUMS, intercept = beta[r], slope = d->w ? beta[d->n_runs + 1 + r] : 0;
		vec8 s[N_SUMS] = { { 0 } }, half = { 0 }, logs = { 0 }, product = vec8_set(1);
		for (size_t i = start[COUNTED]; i < start[COUNTED + 1]; i += 8) {
			vec8 times = vec8_load(a->times + i), c = vec8_load(a->c + i), w = vec8_load(a->w + i), count = vec8_load(a->y + i);
			vec8 eta = vec8_clamp(intercept + common * c + slope * w, LEAST_ETA, MOST_ETA), mu = mean_at(eta), t = mu * theta;
			vec8 part = 1 / (1 + t), mass = times * mu, weight = mass * part, residual = (count - mass) * part;
			half += (poisson ? mass : (count + times * inverse) * log1p_of(t, part)) - count * eta;
			s[ONE_ONE] += weight;
			s[ONE_C] += weight * c;
			s[ONE_W] += weight * w;
			s[C_C] += weight * c * c;
			s[C_W] += weight * c * w;
			s[W_W] += weight * w * w;
			s[G_ONE] += residual;
			s[G_C] += residual * c;
			s[G_W] += residual * w;
		}
		for (size_t k = 0; k < N_SUMS; k++)
			sums[k] = vec8_sum(s[k]);
		memset(s, 0, sizeof s);
		for (size_t i = start[ZERO_WITH_W]; i < start[ZERO_WITH_W + 1]; i += 8) {
			vec8 one = vec8_load(a->times + i), c = vec8_load(a->c + i), w = vec8_load(a->w + i);
			vec8 mu = one * mean_at(vec8_clamp(intercept + common * c + slope * w, LEAST_ETA, MOST_ETA)), t = mu * theta;
			vec8 part = 1 / (1 + t), weight = mu * part;
			if (poisson)
				half += mu;
			else
				add_log(&logs, &product, t, part, i, theta < FINE);
			s[ONE_ONE] += weight;
			s[ONE_C] += weight * c;
			s[ONE_W] += weight * w;
			s[C_C] += weight * c * c;
			s[C_W] += weight * c * w;
			s[W_W] += weight * w * w;
		}
		add_zeros(s, sums, true);
		memset(s, 0, sizeof s);
		for (size_t i = start[ZERO]; i < start[ZERO + 1]; i += 8) {
			vec8 one = vec8_load(a->times + i), c = vec8_load(a->c + i);
			vec8 mu = one * mean_at(vec8_clamp(intercept + common * c, LEAST_ETA, MOST_ETA)), t = mu * theta;
			vec8 part = 1 / (1 + t), weight = mu * part;
			if (poisson)
				half += mu;
			else
				add_log(&logs, &product, t, part, i, theta < FINE);
			s[ONE_ONE] += weight;
			s[ONE_C] += weight * c;
			s[C_C] += weight * c * c;
		}
		add_zeros(s, sums, false);
		all += vec8_sum(half) + inverse * vec8_sum(logs + vec8_log(product));
	}
	return all;
}

static double pass_at(const struct negbin_design *d, struct negbin_room *r, const double *beta, double theta)
{
	return pass(d, cells_for(d, r, beta, theta), beta, theta, r->sums);
}

/* What half the deviance has of y alone: sum of y log y - (y + 1/theta) log(1 + y theta), or of y log y - y. */
VECTOR_CLONES
static double of_counts(const struct negbin_room *room, double theta)
{
	vec8 sum = { 0 };
	for (size_t i = 0; i < room->n_values; i += 8) {
		vec8 y = vec8_load(room->value + i), t = y * theta;
		vec8 of = theta < POISSON ? y : (y + 1 / theta) * log1p_of(t, 1 / (1 + t));
		sum += vec8_load(room->value_times + i) * (y * vec8_log(y) - of);
	}
	return vec8_sum(sum);
}

/* Least squares of log(y + 1): the same sums with weight 1. */
VECTOR_CLONES
static bool start_betas(const struct negbin_design *d, struct negbin_room *room, double *beta)
{
	for (size_t r = 0; r < d->n_runs; r++) {
		vec8 v[N_SUMS] = { { 0 } };
		for (size_t i = d->start[r]; i < d->start[r + 1]; i += 8) {
			vec8 c = vec8_load(d->c + i), w = d->w ? vec8_load(d->w + i) : vec8_set(0), z = vec8_log(vec8_load(room->y + i) + 1);
			v[ONE_ONE] += vec8_load(d->one + i);
			v[ONE_C] += c;
			v[ONE_W] += w;
			v[C_C] += c * c;
			v[C_W] += c * w;
			v[W_W] += w * w;
			v[G_ONE] += z;
			v[G_C] += z * c;
			v[G_W] += z * w;
		}
		double *s = room->sums + r * N_SUMS;
		for (size_t j = 0; j < N_SUMS; j++)
			s[j] = vec8_sum(v[j]);
		if (d->pool) {
			const struct negbin_group *g = group_of(d, r);
			const struct negbin_counts *of = pool_counts(d, room, r);
			s[ONE_ONE] += (double)g->n;
			s[ONE_C] += g->sum_c;
			s[C_C] += g->sum_cc;
			s[G_ONE] += of->sum_log;
			s[G_C] += of->sum_log_c;
		}
	}
	assemble(d, room->sums, room->matrix);
	gradient(d, room->sums, beta);
	if (!cholesky(room->matrix, negbin_n_coefficients(d), 0))
		return false;
	solve(room->matrix, negbin_n_coefficients(d), beta);
	return true;
}

bool negbin_betas(const struct negbin_design *d, struct negbin_room *r, double dispersion, bool start,
		  struct negbin_fit *fit)
{
	const double enough = 1e-8;
	size_t p = negbin_n_coefficients(d);
	double ridge = 1e-10 / (double)d->n_cells;
	fit->converged = false;
	if (!start && !start_betas(d, r, fit->beta))
		return false;
	double counts = of_counts(r, dispersion);
	fit->deviance = 2 * (pass_at(d, r, fit->beta, dispersion) + counts);
	for (fit->iterations = 0; fit->iterations < 1000 && !fit->converged; fit->iterations++) {
		assemble(d, r->sums, r->matrix);
		gradient(d, r->sums, r->step);
		if (!cholesky(r->matrix, p, ridge))
			return false;
		solve(r->matrix, p, r->step);
		double deviance = NAN, speed = 1;
		bool lower = false;
		for (int halving = 0; halving < 100 && speed >= 1e-6 && !lower; halving++, speed /= 2) {
			for (size_t k = 0; k < p; k++)
				r->tried[k] = fit->beta[k] + speed * r->step[k];
			deviance = 2 * (pass_at(d, r, r->tried, dispersion) + counts);
			fit->converged = fabs(deviance - fit->deviance) / (fabs(deviance) + 0.1) < enough;
			lower = deviance < fit->deviance || fit->converged;
		}
		if (!lower)
			break;
		memcpy(fit->beta, r->tried, p * sizeof *fit->beta);
		fit->deviance = deviance;
	}
	return true;
}

double negbin_moments(const struct negbin_design *d, const struct negbin_room *r)
{
	double sum = 0, square = 0, counted = 0, n = (double)d->n_cells;
	for (size_t i = 0; i < r->n_values; i++) {
		sum += r->value_times[i] * r->value[i];
		counted += r->value_times[i];
	}
	double mean = sum / n;
	for (size_t i = 0; i < r->n_values; i++)
		square += r->value_times[i] * (r->value[i] - mean) * (r->value[i] - mean);
	square += (n - counted) * mean * mean;
	double excess = (square / (n - 1) - mean) / (mean * mean);
	return excess > 0 ? excess : 0;
}

/* Means at beta, for passes that change theta only. */
VECTOR_CLONES
static void means(const struct negbin_design *d, const double *beta, struct arranged *a)
{
	for (size_t r = 0; r < d->n_runs; r++)
		for (size_t i = a->start[r * N_PARTS]; i < a->start[(r + 1) * N_PARTS]; i += 8) {
			vec8 eta = beta[r] + beta[d->n_runs] * vec8_load(a->c + i);
			if (d->w)
				eta += beta[d->n_runs + 1 + r] * vec8_load(a->w + i);
			vec8_store(a->mu + i, mean_at(vec8_clamp(eta, LEAST_ETA, MOST_ETA)));
		}
	a->means = true;
}

/* log(1 + t) - t / (1 + t), part = 1 / (1 + t): where 1 + t < sqrt 2, f = t and f - t part = t^2 part, so small t keep their digits. */
VECTOR_INLINE vec8 beyond_linear(vec8 t, vec8 part)
{
	vec8 u = 1 + t;
	struct vec8_log_parts l = vec8_log_part(u, t);
	vec8i low = l.k_ln2 == 0;
	vec8 first = vec8_select(low, t * t * part, l.f + ((t - (u - 1)) - t) * part);
	return l.k_ln2 + ((first - l.square) + l.rest);
}

/*
 * Sums of W and of W^2 over the runs, and (returned) what the log-likelihood's derivative by log theta has of mu:
 * sum (log(1 + t) - t / (1 + t)) / theta - y t / (1 + t), t = mu theta; or with + y / (1 + t), sum y more (`large`).
 */
VECTOR_CLONES
static double curvature(const struct negbin_design *d, const struct arranged *a, double theta, bool large, double *sums, double *square)
{
	double inverse = 1 / theta, all = 0;
	for (size_t r = 0; r < d->n_runs; r++) {
		const size_t *start = a->start + r * N_PARTS;
		vec8 s[W_W + 1] = { { 0 } }, q[W_W + 1] = { { 0 } }, part_of_mu = { 0 };
		for (size_t i = start[COUNTED]; i < start[ZERO]; i += 8) {
			vec8 times = vec8_load(a->times + i), c = vec8_load(a->c + i), w = vec8_load(a->w + i), mu = vec8_load(a->mu + i), t = mu * theta;
			vec8 part = 1 / (1 + t), one = mu * part, v = times * one, b = v * one;
			part_of_mu += times * inverse * beyond_linear(t, part) + vec8_load(a->y + i) * (large ? part : -t * part);
			s[ONE_ONE] += v;
			s[ONE_C] += v * c;
			s[ONE_W] += v * w;
			s[C_C] += v * c * c;
			s[C_W] += v * c * w;
			s[W_W] += v * w * w;
			q[ONE_ONE] += b;
			q[ONE_C] += b * c;
			q[ONE_W] += b * w;
			q[C_C] += b * c * c;
			q[C_W] += b * c * w;
			q[W_W] += b * w * w;
		}
		for (size_t i = start[ZERO]; i < start[ZERO + 1]; i += 8) {
			vec8 times = vec8_load(a->times + i), c = vec8_load(a->c + i), mu = vec8_load(a->mu + i), t = mu * theta;
			vec8 part = 1 / (1 + t), one = mu * part, v = times * one, b = v * one;
			part_of_mu += times * inverse * beyond_linear(t, part);
			s[ONE_ONE] += v;
			s[ONE_C] += v * c;
			s[C_C] += v * c * c;
			q[ONE_ONE] += b;
			q[ONE_C] += b * c;
			q[C_C] += b * c * c;
		}
		for (size_t k = 0; k <= W_W; k++) {
			sums[r * N_SUMS + k] = vec8_sum(s[k]);
			square[r * N_SUMS + k] = vec8_sum(q[k]);
		}
		all += vec8_sum(part_of_mu);
	}
	return all;
}

/* tr((B + 1e-6 I)^-1 Q), B and Q from the sums of W and W^2. NaN when B is singular. */
static double trace(const struct negbin_design *d, struct negbin_room *r)
{
	size_t p = negbin_n_coefficients(d);
	assemble(d, r->sums, r->matrix);
	assemble(d, r->square, r->other);
	if (!cholesky(r->matrix, p, 1e-6))
		return NAN;
	double sum = 0;
	for (size_t j = 0; j < p; j++) {
		for (size_t i = 0; i < p; i++)
			r->vector[i] = i <= j ? r->other[i * p + j] : r->other[j * p + i];
		solve(r->matrix, p, r->vector);
		sum += r->vector[j];
	}
	return sum;
}

/* digamma(x) - log x for x >= TAILS: the asymptotic series; the next term is below 1e-20. */
static double digamma_rest(double x)
{
	double z = 1 / (x * x);
	return -0.5 / x - z * (1.0 / 12 - z * (1.0 / 120 - z / 252));
}

/*
 * What the derivative has of y alone: (digamma(1/theta) - digamma(y + 1/theta)) / theta = - sum over j < y of 1 / (1 + j theta), of all y
 * - sum tail_j / (1 + j theta), and with sum y sum tail_j j theta / (1 + j theta). From TAILS on in closed form. Each of the
 * two ways keeps the digits that the other loses: with sum y where y theta is small, without it (`large`) elsewhere.
 */
VECTOR_CLONES
static double of_tails(const struct negbin_room *r, double theta, bool large)
{
	vec8 sum = { 0 }, t = theta * (vec8){ 0, 1, 2, 3, 4, 5, 6, 7 };
	for (size_t j = 0; j < r->n_tail; j += 8, t = theta * ((vec8){ 0, 1, 2, 3, 4, 5, 6, 7 } + (double)j))
		sum += vec8_load(r->tail + j) * ((large ? vec8_set(-1) : t) / (1 + t));
	double beyond = 0, inverse = 1 / theta, from = TAILS + inverse;
	for (size_t i = 0; i < r->n_values && r->most > TAILS; i++) {
		double more = r->value[i] - TAILS;
		if (more > 0)
			beyond += r->value_times[i] * ((large ? 0 : more) - inverse * (log1p(more / from) + digamma_rest(more + from) - digamma_rest(from)));
	}
	return vec8_sum(sum) + beyond;
}

/* Derivative of the log-likelihood with the Cox-Reid term by log theta. */
static double score_at(const struct negbin_design *d, struct negbin_room *r, const double *beta, double log_theta)
{
	double theta = exp(log_theta);
	struct arranged *a = cells_for(d, r, beta, theta);
	if (!a->means)
		means(d, beta, a);
	bool large = theta * r->typical > 1;
	double sum = curvature(d, a, theta, large, r->sums, r->square);
	return sum + of_tails(r, theta, large) + 0.5 * 0.99 * theta * trace(d, r);
}

static void count_tails(struct negbin_room *r)
{
	double sum = 0, square = 0;
	r->most = 0;
	for (size_t i = 0; i < r->n_values; i++)
		if (r->value_times[i] > 0) {
			r->most = fmax(r->most, r->value[i]);
			sum += r->value_times[i] * r->value[i];
			square += r->value_times[i] * r->value[i] * r->value[i];
		}
	r->typical = square / sum;
	memset(r->tail, 0, sizeof r->tail);
	for (size_t i = 0; i < r->n_values; i++)
		r->tail[(size_t)fmin(r->value[i], TAILS)] += r->value_times[i];
	r->n_tail = (size_t)fmin(r->most, TAILS);
	for (size_t j = r->n_tail; j-- > 1; )
		r->tail[j] += r->tail[j + 1];
	for (size_t j = 0; j < r->n_tail; j++)
		r->tail[j] = r->tail[j + 1];
	r->tail[r->n_tail] = 0;
}

/*
 * Between a and b, where the score changes its sign, to 1e-12: inverse quadratic interpolation where it is safe, else
 * halving (Chandrupatla 1997, Advances in Engineering Software 28, 145).
 */
static double root(const struct negbin_design *d, struct negbin_room *r, const double *beta, double a, double fa, double b, double fb)
{
	double at = (a * fb - b * fa) / (fb - fa), t = fmin(fmax((at - a) / (b - a), 0), 1);
	for (int i = 0; i < 200; i++) {
		double best = fabs(fa) < fabs(fb) ? a : b, least = 0.5e-12 / fabs(b - a);
		if (!(least < 0.5) || fa == 0 || fb == 0)
			return best;
		t = fmin(fmax(t, least), 1 - least);
		double x = a + t * (b - a), fx = score_at(d, r, beta, x), c = b, fc = fb;
		if ((fx > 0) == (fa > 0)) {
			c = a;
			fc = fa;
		} else {
			b = a;
			fb = fa;
		}
		a = x;
		fa = fx;
		double xi = (a - b) / (c - b), phi = (fa - fb) / (fc - fb);
		t = 0.5;
		if (phi * phi < xi && (1 - phi) * (1 - phi) < 1 - xi)
			t = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb);
	}
	return fabs(fa) < fabs(fb) ? a : b;
}

double negbin_dispersion(const struct negbin_design *d, struct negbin_room *r, double moment, const double *beta)
{
	const double least = log(1e-8), most = log(1e8);
	count_tails(r);
	if (!(r->most > 0))
		return 0;
	r->nodes.means = r->cells.means = false;
	double f_least = score_at(d, r, beta, least);
	if (!(f_least >= 0))
		return isnan(f_least) ? NAN : 0;
	double a = log(moment > 0 ? moment : 0.5), fa = score_at(d, r, beta, a), b = a, fb = fa;
	for (double reach = 0.25; (fa > 0) == (fb > 0); reach *= 2) {
		if ((fa > 0 && b >= most) || (fa <= 0 && b <= least))
			return NAN;
		a = b;
		fa = fb;
		b = fa > 0 ? fmin(b + reach, most) : fmax(b - reach, least);
		fb = score_at(d, r, beta, b);
		if (isnan(fb))
			return NAN;
	}
	return exp(root(d, r, beta, a, fa, b, fb));
}

bool negbin_standard_errors(const struct negbin_design *d, struct negbin_room *r, const double *beta, double dispersion,
			    double *se)
{
	size_t p = negbin_n_coefficients(d);
	pass_at(d, r, beta, dispersion);
	assemble(d, r->sums, r->matrix);
	if (!cholesky(r->matrix, p, 0))
		return false;
	for (size_t j = 0; j < p; j++) {
		memset(r->vector, 0, p * sizeof *r->vector);
		r->vector[j] = 1;
		solve(r->matrix, p, r->vector);
		se[j] = sqrt(r->vector[j]);
	}
	return true;
}

double negbin_mean(const struct negbin_design *d, struct negbin_room *r, const double *beta)
{
	struct arranged *a = cells_for(d, r, beta, 0);
	double sum = 0;
	means(d, beta, a);
	for (size_t i = 0; i < a->start[d->n_runs * N_PARTS]; i++)
		sum += a->times[i] * a->mu[i];
	return sum / (double)d->n_cells;
}

struct ranked {
	double value, weight;
	size_t at;
};

static int by_value(const void *pa, const void *pb)
{
	const struct ranked *a = pa, *b = pb;
	return a->value < b->value ? -1 : a->value > b->value ? 1 : (a->at > b->at) - (a->at < b->at);
}

/* Of values in order; matrixStats::weightedMedian: `between` interpolates the cumulative weights at their middles. */
static double weighted_median(const struct ranked *v, size_t n, bool between)
{
	double all = 0, sum = 0, last = 0;
	for (size_t i = 0; i < n; i++)
		all += v[i].weight;
	for (size_t i = 0; i < n; i++) {
		double middle = sum + v[i].weight / 2;
		sum += v[i].weight;
		if (between ? middle >= all / 2 : sum > all / 2) {
			if (!between || i == 0)
				return v[i].value;
			return v[i - 1].value + (all / 2 - last) / (middle - last) * (v[i].value - v[i - 1].value);
		}
		last = middle;
	}
	return v[n - 1].value;
}

static double bell(size_t i, size_t n)
{
	double x = n == 1 ? -3 : -3 + 6 * (double)i / (double)(n - 1);
	return exp(-0.5 * x * x);
}

/* Where v stands, or would stand, among n in order. */
static size_t place_of(const struct ranked *sorted, size_t n, const struct ranked *v)
{
	size_t low = 0;
	while (n) {
		size_t half = n / 2;
		if (by_value(sorted + low + half, v) < 0) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return low;
}

/* The window in order, one gene later: `out` goes, `in` comes. */
static void slide(struct ranked *window, size_t n, const struct ranked *out, const struct ranked *in)
{
	size_t from = place_of(window, n, out);
	memmove(window + from, window + from + 1, (n - 1 - from) * sizeof *window);
	size_t to = place_of(window, n - 1, in);
	memmove(window + to + 1, window + to, (n - 1 - to) * sizeof *window);
	window[to] = *in;
}

/* To 40 binary digits: what rounding tells apart is equal. */
static double coarse(double x)
{
	int exponent;
	double digits = frexp(x, &exponent);
	return ldexp(rint(ldexp(digits, 40)), exponent - 40);
}

void negbin_trend(const double *mean, const double *dispersion, size_t n, double *trend)
{
	struct ranked *order = mem_array(n, sizeof *order), *window = mem_array(n + 1, sizeof *window);
	for (size_t i = 0; i < n; i++)
		order[i] = (struct ranked){ coarse(mean[i]), 0, i };
	qsort(order, n, sizeof *order, by_value);
	double wanted = fmax(0.1 * (double)n, 100);
	size_t half = (size_t)floor(fmin(wanted, (double)n) / 2), full = 2 * half + 1;
	double *weight = mem_array(full, sizeof *weight);
	for (size_t k = 0; k < full; k++)
		weight[k] = bell(k, full);
	for (size_t k = 0; full <= n && k < full; k++)
		window[k] = (struct ranked){ dispersion[order[k].at], 0, k };
	if (full <= n)
		qsort(window, full, sizeof *window, by_value);
	for (size_t i = 0; i + full <= n; i++) {
		if (i)
			slide(window, full, &(struct ranked){ dispersion[order[i - 1].at], 0, i - 1 },
			      &(struct ranked){ dispersion[order[i + full - 1].at], 0, i + full - 1 });
		for (size_t k = 0; k < full; k++)
			window[k].weight = weight[window[k].at - i];
		trend[order[i + half].at] = weighted_median(window, full, false);
	}
	mem_free(weight);
	if (full <= n) {
		for (size_t i = 0; i < half; i++) {
			trend[order[i].at] = trend[order[half].at];
			trend[order[n - 1 - i].at] = trend[order[n - 1 - half].at];
		}
	} else {
		for (size_t k = 0; k < n; k++)
			window[k] = (struct ranked){ dispersion[k], bell(k, n), k };
		if (n)
			qsort(window, n, sizeof *window, by_value);
		double median = n ? weighted_median(window, n, true) : 0;
		for (size_t i = 0; i < n; i++)
			trend[i] = median;
	}
	mem_free(order);
	mem_free(window);
}
