#include "stats/negbin.h"
#include "base/mem.h"
#include "num/vector.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums over a run of W (1, c, w) x (1, c, w), upper triangle, and of the working residuals times (1, c, w). */
enum { ONE_ONE, ONE_C, ONE_W, C_C, C_W, W_W, G_ONE, G_C, G_W, N_SUMS };

struct negbin_room {
	double *sums;                   /* n_runs x N_SUMS */
	double *square;                 /* the same with W^2 */
	double *matrix, *other, *vector, *step, *beta, *tried;
	double *mu;                  /* by place */
	double *tail;                   /* tail[j]: cells with more than j counts */
	size_t tail_cap, n_tail;
};

struct negbin_design *negbin_design_new(const size_t *n, size_t n_runs, bool weighted)
{
	struct negbin_design *d = mem_zero(1, sizeof *d);
	d->n_runs = n_runs;
	d->start = mem_zero(n_runs + 1, sizeof *d->start);
	for (size_t r = 0; r < n_runs; r++) {
		d->start[r + 1] = d->start[r] + (n[r] + 7) / 8 * 8;
		d->n_cells += n[r];
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
	mem_free(d->one);
	mem_free(d->c);
	mem_free(d->w);
	mem_free(d);
}

size_t negbin_n_coefficients(const struct negbin_design *d)
{
	return d->n_runs + 1 + (d->w ? d->n_runs : 0);
}

struct negbin_room *negbin_room_new(size_t n_places, size_t n_runs)
{
	struct negbin_room *r = mem_zero(1, sizeof *r);
	size_t p = 2 * n_runs + 1;
	r->sums = mem_array(n_runs * N_SUMS, sizeof *r->sums);
	r->square = mem_array(n_runs * N_SUMS, sizeof *r->square);
	r->matrix = mem_array(p * p, sizeof *r->matrix);
	r->other = mem_array(p * p, sizeof *r->other);
	r->vector = mem_array(p, sizeof *r->vector);
	r->step = mem_array(p, sizeof *r->step);
	r->beta = mem_array(p, sizeof *r->beta);
	r->tried = mem_array(p, sizeof *r->tried);
	r->mu = mem_array(n_places, sizeof *r->mu);
	return r;
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
	mem_free(r->mu);
	mem_free(r->tail);
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

/*
 * One pass at `beta`: the runs' sums, and (returned) the part of half the deviance that depends on mu:
 * sum (y + 1/theta) log(1 + mu theta) - y log mu, or sum mu - y log mu.
 */
VECTOR_CLONES
static double pass(const struct negbin_design *d, const double *y, const double *beta, double theta, double *sums)
{
	bool poisson = theta < POISSON;
	double common = beta[d->n_runs], inverse = poisson ? 0 : 1 / theta, all = 0;
	for (size_t r = 0; r < d->n_runs; r++) {
		vec8 s[N_SUMS] = { { 0 } }, half = { 0 };
		double intercept = beta[r], slope = d->w ? beta[d->n_runs + 1 + r] : 0;
		for (size_t i = d->start[r]; i < d->start[r + 1]; i += 8) {
			vec8 one = vec8_load(d->one + i), c = vec8_load(d->c + i), count = vec8_load(y + i);
			vec8 w = d->w ? vec8_load(d->w + i) : vec8_set(0);
			vec8 eta = vec8_clamp(intercept + common * c + slope * w, LEAST_ETA, MOST_ETA), mu = vec8_exp(eta);
			vec8 part = one / (1 + mu * theta), weight = mu * part, residual = (count - mu) * part;
			half += (poisson ? one * mu : one * (count + inverse) * vec8_log1p(mu * theta)) - count * eta;
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
			sums[r * N_SUMS + k] = vec8_sum(s[k]);
		all += vec8_sum(half);
	}
	return all;
}

/* What half the deviance has of y alone. */
static double of_counts(const struct negbin_design *d, const double *y, double theta)
{
	double sum = 0;
	for (size_t i = 0; i < d->n_places; i++)
		if (y[i] > 0)
			sum += theta < POISSON ? y[i] * log(y[i]) - y[i] : y[i] * log(y[i]) - (y[i] + 1 / theta) * log1p(y[i] * theta);
	return sum;
}

/* Least squares of log(y + 1): the same sums with weight 1. */
static bool start_betas(const struct negbin_design *d, struct negbin_room *r, const double *y, double *beta)
{
	for (size_t k = 0; k < d->n_runs; k++) {
		double *s = r->sums + k * N_SUMS;
		memset(s, 0, N_SUMS * sizeof *s);
		for (size_t i = d->start[k]; i < d->start[k + 1]; i++) {
			double c = d->c[i], w = d->w ? d->w[i] : 0, z = y[i] > 0 ? log(y[i] + 1) : 0;
			s[ONE_ONE] += d->one[i];
			s[ONE_C] += c;
			s[ONE_W] += w;
			s[C_C] += c * c;
			s[C_W] += c * w;
			s[W_W] += w * w;
			s[G_ONE] += z;
			s[G_C] += z * c;
			s[G_W] += z * w;
		}
	}
	assemble(d, r->sums, r->matrix);
	gradient(d, r->sums, beta);
	if (!cholesky(r->matrix, negbin_n_coefficients(d), 0))
		return false;
	solve(r->matrix, negbin_n_coefficients(d), beta);
	return true;
}

bool negbin_betas(const struct negbin_design *d, struct negbin_room *r, const double *y, double dispersion, bool start,
		  struct negbin_fit *fit)
{
	const double enough = 1e-8;
	size_t p = negbin_n_coefficients(d);
	double ridge = 1e-10 / (double)d->n_cells;
	fit->converged = false;
	if (!start && !start_betas(d, r, y, fit->beta))
		return false;
	double counts = of_counts(d, y, dispersion);
	fit->deviance = 2 * (pass(d, y, fit->beta, dispersion, r->sums) + counts);
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
			deviance = 2 * (pass(d, y, r->tried, dispersion, r->sums) + counts);
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

double negbin_moments(const struct negbin_design *d, const double *y)
{
	double sum = 0, square = 0, n = (double)d->n_cells;
	for (size_t i = 0; i < d->n_places; i++)
		sum += y[i];
	double mean = sum / n;
	for (size_t i = 0; i < d->n_places; i++)
		square += d->one[i] * (y[i] - mean) * (y[i] - mean);
	double excess = (square / (n - 1) - mean) / (mean * mean);
	return excess > 0 ? excess : 0;
}

/* Means at beta, for passes that change theta only. */
VECTOR_CLONES
static void means(const struct negbin_design *d, const double *beta, double *mu)
{
	for (size_t r = 0; r < d->n_runs; r++)
		for (size_t i = d->start[r]; i < d->start[r + 1]; i += 8) {
			vec8 eta = beta[r] + beta[d->n_runs] * vec8_load(d->c + i);
			if (d->w)
				eta += beta[d->n_runs + 1 + r] * vec8_load(d->w + i);
			vec8_store(mu + i, vec8_exp(vec8_clamp(eta, LEAST_ETA, MOST_ETA)));
		}
}

/* Sums of W and of W^2 over the runs, and (returned) sum log(1 + mu theta) + theta (y - mu) / (1 + mu theta). */
VECTOR_CLONES
static double curvature(const struct negbin_design *d, const double *y, const double *mu, double theta, double *sums, double *square)
{
	double all = 0;
	for (size_t r = 0; r < d->n_runs; r++) {
		vec8 s[W_W + 1] = { { 0 } }, q[W_W + 1] = { { 0 } }, score = { 0 };
		for (size_t i = d->start[r]; i < d->start[r + 1]; i += 8) {
			vec8 one = vec8_load(d->one + i), c = vec8_load(d->c + i), m = vec8_load(mu + i), t = m * theta;
			vec8 w = d->w ? vec8_load(d->w + i) : vec8_set(0);
			vec8 part = one / (1 + t), a = m * part, b = a * a;
			score += one * vec8_log1p(t) + theta * (vec8_load(y + i) - m) * part;
			s[ONE_ONE] += a;
			s[ONE_C] += a * c;
			s[ONE_W] += a * w;
			s[C_C] += a * c * c;
			s[C_W] += a * c * w;
			s[W_W] += a * w * w;
			q[ONE_ONE] += b;
			q[ONE_C] += b * c;
			q[ONE_W] += b * w;
			q[C_C] += b * c * c;
			q[C_W] += b * c * w;
			q[W_W] += b * w * w;
		}
		for (size_t k = 0; k <= W_W; k++) {
			sums[r * N_SUMS + k] = vec8_sum(s[k]);
			square[r * N_SUMS + k] = vec8_sum(q[k]);
		}
		all += vec8_sum(score);
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

/* Derivative of the log-likelihood with the Cox-Reid term by log theta. */
static double score_at(const struct negbin_design *d, struct negbin_room *r, const double *y, double log_theta)
{
	double theta = exp(log_theta), inverse = 1 / theta, digamma = 0;
	double sum = curvature(d, y, r->mu, theta, r->sums, r->square);
	for (size_t j = 0; j < r->n_tail; j++)
		digamma += r->tail[j] / ((double)j + inverse);
	return inverse * (sum - digamma) + 0.5 * 0.99 * theta * trace(d, r);
}

/* digamma(y + 1/theta) - digamma(1/theta) = sum over j < y of 1 / (j + 1/theta): cells with more than j counts, by j. */
static void count_tails(const struct negbin_design *d, struct negbin_room *r, const double *y)
{
	size_t most = 0;
	for (size_t i = 0; i < d->n_places; i++)
		if (y[i] > (double)most)
			most = (size_t)y[i];
	mem_room(&r->tail, &r->tail_cap, most + 1, sizeof *r->tail);
	memset(r->tail, 0, (most + 1) * sizeof *r->tail);
	for (size_t i = 0; i < d->n_places; i++)
		r->tail[(size_t)y[i]]++;
	for (size_t j = most; j-- > 1; )
		r->tail[j] += r->tail[j + 1];
	for (size_t j = 0; j < most; j++)
		r->tail[j] = r->tail[j + 1];
	r->n_tail = most;
}

/* Regula falsi with halving (Illinois) between a and b, where the score changes its sign. */
static double root(const struct negbin_design *d, struct negbin_room *r, const double *y, double a, double fa, double b, double fb)
{
	int side = 0;
	for (int i = 0; i < 200 && fabs(b - a) > 1e-11; i++) {
		double x = (a * fb - b * fa) / (fb - fa);
		if (!(x > fmin(a, b) && x < fmax(a, b)))
			x = (a + b) / 2;
		double fx = score_at(d, r, y, x);
		if (fx == 0)
			return x;
		if ((fx > 0) == (fb > 0)) {
			if (fabs(b - x) < 1e-11)
				return x;
			b = x;
			fb = fx;
			if (side == -1)
				fa /= 2;
			side = -1;
		} else {
			if (fabs(a - x) < 1e-11)
				return x;
			a = x;
			fa = fx;
			if (side == 1)
				fb /= 2;
			side = 1;
		}
	}
	return (a + b) / 2;
}

double negbin_dispersion(const struct negbin_design *d, struct negbin_room *r, const double *y, const double *beta)
{
	const double least = log(1e-8), most = log(1e8);
	count_tails(d, r, y);
	if (!r->n_tail)
		return 0;
	means(d, beta, r->mu);
	double f_least = score_at(d, r, y, least);
	if (!(f_least >= 0))
		return isnan(f_least) ? NAN : 0;
	double moment = negbin_moments(d, y), a = log(moment > 0 ? moment : 0.5), fa = score_at(d, r, y, a), b = a, fb = fa;
	for (double reach = 0.25; (fa > 0) == (fb > 0); reach *= 2) {
		if ((fa > 0 && b >= most) || (fa <= 0 && b <= least))
			return NAN;
		a = b;
		fa = fb;
		b = fa > 0 ? fmin(b + reach, most) : fmax(b - reach, least);
		fb = score_at(d, r, y, b);
		if (isnan(fb))
			return NAN;
	}
	return exp(root(d, r, y, a, fa, b, fb));
}

bool negbin_standard_errors(const struct negbin_design *d, struct negbin_room *r, const double *y, const double *beta,
			    double dispersion, double *se)
{
	size_t p = negbin_n_coefficients(d);
	pass(d, y, beta, dispersion, r->sums);
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
	double sum = 0;
	means(d, beta, r->mu);
	for (size_t i = 0; i < d->n_places; i++)
		sum += d->one[i] * r->mu[i];
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

/* matrixStats::weightedMedian: `between` interpolates the cumulative weights at their middles. */
static double weighted_median(struct ranked *v, size_t n, bool between)
{
	double all = 0, sum = 0, last = 0;
	qsort(v, n, sizeof *v, by_value);
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

void negbin_trend(const double *mean, const double *dispersion, size_t n, double *trend)
{
	struct ranked *order = mem_array(n, sizeof *order), *window = mem_array(n + 1, sizeof *window);
	for (size_t i = 0; i < n; i++)
		order[i] = (struct ranked){ mean[i], 0, i };
	qsort(order, n, sizeof *order, by_value);
	double wanted = fmax(0.1 * (double)n, 100);
	size_t half = (size_t)floor(fmin(wanted, (double)n) / 2), full = 2 * half + 1;
	for (size_t i = 0; full <= n && i + full <= n; i++) {
		for (size_t k = 0; k < full; k++)
			window[k] = (struct ranked){ dispersion[order[i + k].at], bell(k, full), k };
		trend[order[i + half].at] = weighted_median(window, full, false);
	}
	if (full <= n) {
		for (size_t i = 0; i < half; i++) {
			trend[order[i].at] = trend[order[half].at];
			trend[order[n - 1 - i].at] = trend[order[n - 1 - half].at];
		}
	} else {
		for (size_t k = 0; k < n; k++)
			window[k] = (struct ranked){ dispersion[k], bell(k, n), k };
		double median = n ? weighted_median(window, n, true) : 0;
		for (size_t i = 0; i < n; i++)
			trend[i] = median;
	}
	mem_free(order);
	mem_free(window);
}
