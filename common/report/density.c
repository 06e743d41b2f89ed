#include "report/density.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

static size_t place(int64_t bin)
{
	return (size_t)((uint64_t)bin % DENSITY_BINS);
}

/* Half of a whole number, rounded down. */
static int64_t half(int64_t i)
{
	return (i - (i < 0 && i % 2 != 0)) / 2;
}

static void join(struct density *d)
{
	uint32_t joined[DENSITY_BINS] = { 0 };
	for (int64_t i = d->first; i <= d->last; i++)
		joined[place(half(i))] += d->bin[place(i)];
	memcpy(d->bin, joined, sizeof joined);
	d->first = half(d->first);
	d->last = half(d->last);
	d->power++;
}

void density_add(struct density *d, double v)
{
	if (!d->bin) {
		d->bin = mem_zero(DENSITY_BINS, sizeof *d->bin);
		d->power = DENSITY_FINEST;
		d->low = d->high = v;
		/* Bins are counted in 64 bits. */
		while (fabs(ldexp(v, -d->power)) > 0x1p60)
			d->power++;
		d->first = d->last = (int64_t)floor(ldexp(v, -d->power));
	}
	moments_add(&d->moments, v);
	d->low = fmin(d->low, v);
	d->high = fmax(d->high, v);
	for (;;) {
		double at = floor(ldexp(v, -d->power));
		if (fabs(at) <= 0x1p60) {
			int64_t bin = (int64_t)at, first = bin < d->first ? bin : d->first, last = bin > d->last ? bin : d->last;
			if (last - first < DENSITY_BINS) {
				d->first = first;
				d->last = last;
				d->bin[place(bin)]++;
				return;
			}
		}
		join(d);
	}
}

void density_free(struct density *d)
{
	mem_free(d->bin);
	*d = (struct density){ 0 };
}

double density_quantile(const struct density *d, double q)
{
	if (!d->bin)
		return NAN;
	double want = q * d->moments.n, below = 0;
	for (int64_t i = d->first; i <= d->last; i++) {
		double n = d->bin[place(i)];
		if (n > 0 && below + n >= want) {
			double v = ldexp((double)i + (want - below) / n, d->power);
			return fmin(fmax(v, d->low), d->high);
		}
		below += n;
	}
	return d->high;
}

void density_curve(const struct density *d, const double *at, size_t n, double *out)
{
	memset(out, 0, n * sizeof *out);
	if (!d->bin || !(d->moments.squares > 0))
		return;
	double sd = sqrt(d->moments.squares / (d->moments.n - 1)), iqr = density_quantile(d, 0.75) - density_quantile(d, 0.25), width = ldexp(1, d->power);
	double spread = iqr > 0 ? fmin(sd, iqr / 1.34) : sd, h = fmax(0.9 * spread * pow(d->moments.n, -0.2), width);
	for (int64_t i = d->first; i <= d->last; i++) {
		double count = d->bin[place(i)], middle = ldexp((double)i + 0.5, d->power);
		for (size_t k = 0; count > 0 && k < n; k++) {
			double z = (at[k] - middle) / h;
			out[k] += count * exp(-0.5 * z * z);
		}
	}
	for (size_t k = 0; k < n; k++)
		out[k] /= d->moments.n * h * sqrt(2 * M_PI);
}
