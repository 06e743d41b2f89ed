#include "stats/logistic.h"
#include "num/vector.h"
#include <math.h>

/* Sums of one IRLS round over cells with the same response. */
struct sums {
	double w, wx, wxx;              /* weights */
	double we, wxe;                 /* weights times linear predictor */
	double r, rx;                   /* y - mu */
	double log1pe;                  /* log(1 + e^eta) - log(1 + e^eta0), eta0 of the model without x */
	double eta;                     /* eta - eta0 */
};

struct beta {
	double intercept, slope;
	double null_eta, null_log1pe;   /* of the model without x: deviances are summed as differences from it, which keeps small ones exact */
};

/* R cuts e^eta at the machine epsilon and its inverse beyond |eta| = 30. */
#define EPSILON 0x1p-52
#define LOG_EPSILON -36.043653389117154

/*
 * e = e^eta, mu = e / (1 + e), w = mu (1 - mu) = e / (1 + e)^2. The logarithms of a run of cells are taken
 * at once, of the product of their 1 + e: at most 2^52 each, so 16 of them stay far from overflow.
 */
VECTOR_CLONES
static struct sums add_cells(const double *x, size_t n, double y, struct beta b)
{
	double shrink = exp(-b.null_log1pe);
	enum { RUN = 16 };
	vec8 w = vec8_set(0), wx = w, wxx = w, we = w, wxe = w, r = w, rx = w, eta_sum = w;
	vec8 product = vec8_set(1);
	double logs = 0;
	int in_product = 0;
	for (size_t i = 0; i < n; i += 8) {
		size_t left = n - i;
		vec8 v, mask;
		if (left >= 8) {
			v = vec8_load(x + i);
			mask = vec8_set(1);
		} else {
			static const double one[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
			v = vec8_load_part(x + i, left, 0);
			mask = vec8_load_part(one, left, 0);
		}
		vec8 eta = b.intercept + b.slope * v, e = vec8_exp(eta), logit = eta;
		vec8i low = (vec8i)(eta < -30), high = (vec8i)(eta > 30);
		e = vec8_select(low, vec8_set(EPSILON), vec8_select(high, vec8_set(1 / EPSILON), e));
		logit = vec8_select(low, vec8_set(LOG_EPSILON), vec8_select(high, vec8_set(-LOG_EPSILON), logit));
		vec8 one_e = 1 + e, mu = e / one_e;
		vec8 weight = mask * mu / one_e, rest = mask * (y - mu);
		w += weight;
		wx += weight * v;
		wxx += weight * v * v;
		we += weight * eta;
		wxe += weight * eta * v;
		r += rest;
		rx += rest * v;
		eta_sum += mask * (logit - b.null_eta);
		product *= 1 + mask * (one_e * shrink - 1);
		if (++in_product == RUN) {
			for (int k = 0; k < 8; k++)
				logs += log(product[k]);
			product = vec8_set(1);
			in_product = 0;
		}
	}
	for (int k = 0; k < 8; k++)
		logs += log(product[k]);
	return (struct sums){ vec8_sum(w), vec8_sum(wx), vec8_sum(wxx), vec8_sum(we), vec8_sum(wxe), vec8_sum(r), vec8_sum(rx),
		logs, vec8_sum(eta_sum) };
}

static void add_zeros(struct sums *s, double n, double y, struct beta b)
{
	double eta = b.intercept, logit = eta < -30 ? LOG_EPSILON : eta > 30 ? -LOG_EPSILON : eta;
	double e = exp(logit), mu = e / (1 + e), w = mu / (1 + e);
	s->w += n * w;
	s->we += n * w * eta;
	s->r += n * (y - mu);
	s->log1pe += n * (log1p(e) - b.null_log1pe);
	s->eta += n * (logit - b.null_eta);
}

/* Newton's step in terms of the working response z = eta + (y - mu) / w. */
static void solve(const struct sums *a, const struct sums *b, struct beta *beta)
{
	double w = a->w + b->w, wx = a->wx + b->wx, wxx = a->wxx + b->wxx;
	double wz = a->we + b->we + a->r + b->r, wxz = a->wxe + b->wxe + a->rx + b->rx;
	double mean_x = wx / w, mean_z = wz / w;
	double sxx = wxx - wx * mean_x, sxz = wxz - wx * mean_z;
	beta->slope = sxx > 0 ? sxz / sxx : 0;
	beta->intercept = mean_z - beta->slope * mean_x;
}

/* First round: mu = 3/4 for the reference and 1/4 for the target, whatever x. */
static struct sums first_round(const double *x, size_t n, double zeros, double y)
{
	double sum = 0, squares = 0, mu = (y + 0.5) / 2, eta = log(mu / (1 - mu)), w = mu * (1 - mu), count = (double)n + zeros;
	for (size_t i = 0; i < n; i++) {
		sum += x[i];
		squares += x[i] * x[i];
	}
	return (struct sums){ w * count, w * sum, w * squares, w * eta * count, w * eta * sum, (y - mu) * count, (y - mu) * sum, 0, 0 };
}

struct logistic_result logistic_lr(const double *target, size_t n_target, size_t target_zeros,
				   const double *reference, size_t n_reference, size_t reference_zeros)
{
	double n1 = (double)(n_target + target_zeros), n2 = (double)(n_reference + reference_zeros), n = n1 + n2;
	double null_deviance = -2 * (n1 * log(n1 / n) + n2 * log(n2 / n));
	struct sums t = first_round(target, n_target, (double)target_zeros, 0);
	struct sums c = first_round(reference, n_reference, (double)reference_zeros, 1);
	struct beta b = { .null_eta = log(n2 / n1), .null_log1pe = log(n / n1) };
	solve(&t, &c, &b);
	double old = -2 * n * log(0.75), deviance = 0;
	struct logistic_result out = { 0 };
	for (out.rounds = 1; ; out.rounds++) {
		t = add_cells(target, n_target, 0, b);
		add_zeros(&t, (double)target_zeros, 0, b);
		c = add_cells(reference, n_reference, 1, b);
		add_zeros(&c, (double)reference_zeros, 1, b);
		out.statistic = -2 * (t.log1pe + c.log1pe - c.eta);
		deviance = null_deviance - out.statistic;
		out.converged = fabs(deviance - old) / (fabs(deviance) + 0.1) < 1e-8;
		if (out.converged || out.rounds == 25)
			break;
		old = deviance;
		solve(&t, &c, &b);
	}
	out.slope = b.slope;
	out.statistic = fabs(out.statistic);
	return out;
}
