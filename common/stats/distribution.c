#include "stats/distribution.h"
#include <math.h>

/* log erfc(x): libm's while it does not underflow, then the continued fraction (Abramowitz and Stegun 7.1.14). */
static double log_erfc(double x)
{
	if (x < 25)
		return log(erfc(x));
	double f = x;
	for (int k = 60; k >= 1; k--)
		f = x + k / 2.0 / f;
	return -x * x - log(f) - 0.5 * log(M_PI);
}

double distribution_log_normal_tail(double z)
{
	return log_erfc(z / M_SQRT2) - M_LN2;
}

double distribution_log_normal_two_sided(double z)
{
	return log_erfc(fabs(z) / M_SQRT2);
}

double distribution_log_chisq1_tail(double x)
{
	return x <= 0 ? 0 : log_erfc(sqrt(x / 2));
}

double distribution_stirling_rest(double x)
{
	if (x < 10)
		return lgamma(x) - ((x - 0.5) * log(x) - x + 0.5 * log(2 * M_PI));
	double r = 1 / (x * x);
	return (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r * (1.0 / 1188 - r * 691.0 / 360360))))) / x;
}

/* log B(a, b) without the loss that three large lgamma would bring. */
static double log_beta_function(double a, double b)
{
	if (a > b) {
		double t = a;
		a = b;
		b = t;
	}
	if (b < 10)
		return lgamma(a) + lgamma(b) - lgamma(a + b);
	double c = a + b, rest = distribution_stirling_rest(b) - distribution_stirling_rest(c);
	if (a < 10)
		return lgamma(a) + rest + (b - 0.5) * log1p(-a / c) - a * log(c) + a;
	return 0.5 * log(2 * M_PI) - 0.5 * log(b) + distribution_stirling_rest(a) + rest + (a - 0.5) * log(a / c) + b * log1p(-a / c);
}

/* Lentz's method; converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1);
	d = 1 / (fabs(d) < tiny ? tiny : d);
	double f = d;
	for (int m = 1; m < 10000; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		d = 1 + even * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + even / c;
		c = fabs(c) < tiny ? tiny : c;
		f *= d * c;
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		d = 1 + odd * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + odd / c;
		c = fabs(c) < tiny ? tiny : c;
		double step = d * c;
		f *= step;
		if (fabs(step - 1) < 4e-16)
			break;
	}
	return f;
}

double distribution_log_beta(double x, double a, double b)
{
	if (!(x > 0))
		return -INFINITY;
	if (x >= 1)
		return 0;
	double front = a * log(x) + b * log1p(-x) - log_beta_function(a, b);
	if (x < (a + 1) / (a + b + 2))
		return front - log(a) + log(beta_fraction(x, a, b));
	return log1p(-exp(front - log(b)) * beta_fraction(1 - x, b, a));
}

double distribution_log_t_two_sided(double t, double df)
{
	if (isnan(t) || !(df > 0))
		return NAN;
	return distribution_log_beta(df / (df + t * t), df / 2, 0.5);
}

double distribution_log_f_tail(double f, double df1, double df2)
{
	return f <= 0 ? 0 : distribution_log_beta(df2 / (df2 + df1 * f), df2 / 2, df1 / 2);
}

static double ratio(double r, const double *p, const double *q)
{
	double top = p[7], bottom = q[7];
	for (int i = 6; i >= 0; i--) {
		top = top * r + p[i];
		bottom = bottom * r + q[i];
	}
	return top / bottom;
}

double distribution_normal_quantile(double p)
{
	static const double a[] = { 3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
		4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3 };
	static const double b[] = { 1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
		2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3 };
	static const double c[] = { 1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
		1.27045825245236838258, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4 };
	static const double d[] = { 1, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1,
		1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9 };
	static const double e[] = { 6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 2.96560571828504891230e-1,
		2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7 };
	static const double f[] = { 1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
		7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15 };
	double q = p - 0.5;
	if (fabs(q) <= 0.425)
		return q * ratio(0.180625 - q * q, a, b);
	double r = sqrt(-log(q < 0 ? p : 1 - p));
	double z = r <= 5 ? ratio(r - 1.6, c, d) : ratio(r - 5, e, f);
	return q < 0 ? -z : z;
}

/* x log(x / m) + m - x, without cancellation where x is near m. */
static double deviance(double x, double m)
{
	if (fabs(x - m) >= 0.1 * (x + m))
		return x * log(x / m) + m - x;
	double v = (x - m) / (x + m), sum = (x - m) * v, term = 2 * x * v;
	for (int j = 1; j < 1000; j++) {
		term *= v * v;
		double next = sum + term / (2 * j + 1);
		if (next == sum)
			break;
		sum = next;
	}
	return sum;
}

/* log P(X = x) of a binomial; q = 1 - p. */
static double log_binomial(double x, double n, double p, double q)
{
	if (x == 0)
		return n == 0 ? 0 : p < 0.1 ? n * log1p(-p) : n * log(q);
	if (x == n)
		return q < 0.1 ? n * log1p(-q) : n * log(p);
	return distribution_stirling_rest(n) - distribution_stirling_rest(x) - distribution_stirling_rest(n - x) - deviance(x, n * p)
	       - deviance(n - x, n * q) + 0.5 * (log(n / (n - x)) - log(2 * M_PI * x));
}

static double log_hypergeometric(double x, double white, double drawn, double all)
{
	if (drawn == 0 || drawn == all)
		return 0;
	double p = drawn / all, q = (all - drawn) / all;
	return log_binomial(x, white, p, q) + log_binomial(drawn - x, all - white, p, q) - log_binomial(drawn, all, p, q);
}

double distribution_log_hypergeometric_tail(double k, double n_white, double n_drawn, double n_all)
{
	double least = fmax(0, n_white + n_drawn - n_all), most = fmin(n_white, n_drawn);
	if (k <= least)
		return 0;
	if (k > most)
		return -INFINITY;
	/* From the largest term of the tail, both ways, each term by its ratio to the one before. */
	double mode = floor((n_white + 1) * (n_drawn + 1) / (n_all + 2)), start = fmin(fmax(k, mode), most), sum = 1, term = 1;
	for (double x = start; x < most && term > 0x1p-80 * sum; x++) {
		term *= (n_white - x) * (n_drawn - x) / ((x + 1) * (n_all - n_white - n_drawn + x + 1));
		sum += term;
	}
	term = 1;
	for (double x = start; x > k && term > 0x1p-80 * sum; x--) {
		term *= x * (n_all - n_white - n_drawn + x) / ((n_white - x + 1) * (n_drawn - x + 1));
		sum += term;
	}
	return fmin(0, log_hypergeometric(start, n_white, n_drawn, n_all) + log(sum));
}

double distribution_z_of_log_p(double log_p)
{
	if (isnan(log_p) || log_p == -INFINITY)
		return isnan(log_p) ? NAN : INFINITY;
	if (log_p >= 0)
		return 0;
	/* Near a good start Newton's steps on the log scale double the digits: the tail is log-concave. */
	double z = log_p > -600 ? -distribution_normal_quantile(exp(log_p) / 2) : sqrt(-2 * log_p - log(-M_PI * log_p));
	for (int i = 0; i < 20; i++) {
		double tail = distribution_log_normal_two_sided(z), hazard = exp(0.5 * log(2 / M_PI) - z * z / 2 - tail);
		double step = (tail - log_p) / hazard;
		z = fmax(z + step, 0);
		if (fabs(step) <= 1e-15 * z)
			break;
	}
	return z;
}
