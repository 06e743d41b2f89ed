#include "stats/correlation.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

/* out = x - mean, of length 1; false (and zeros) where x is constant. */
static int centred(const double *x, size_t n, double *out)
{
	double sum = 0, rest = 0, squares = 0, most = 0;
	for (size_t i = 0; i < n; i++)
		sum += x[i];
	double mean = sum / (double)n;
	for (size_t i = 0; i < n; i++)
		rest += x[i] - mean;
	mean += rest / (double)n;
	for (size_t i = 0; i < n; i++) {
		out[i] = x[i] - mean;
		squares += out[i] * out[i];
		most = fmax(most, fabs(x[i]));
	}
	/* What centring leaves of equal values is rounding. */
	double length = sqrt(squares);
	int varies = length > 1e-14 * most * sqrt((double)n);
	for (size_t i = 0; i < n; i++)
		out[i] = varies ? out[i] / length : 0;
	return varies;
}

static double product(const double *x, const double *y, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += x[i] * y[i];
	return fmin(fmax(sum, -1), 1);
}

double correlation_pearson(const double *x, const double *y, size_t n)
{
	double *u = mem_array(2 * n, sizeof *u), *v = u + n;
	int varies = centred(x, n, u) && centred(y, n, v);
	double r = varies ? product(u, v, n) : NAN;
	mem_free(u);
	return r;
}

struct place {
	double x;
	size_t i;
};

static int ascending(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;
	return a->x < b->x ? -1 : a->x > b->x ? 1 : a->i < b->i ? -1 : a->i > b->i;
}

void correlation_ranks(const double *x, size_t n, double *rank)
{
	struct place *p = mem_array(n, sizeof *p);
	for (size_t i = 0; i < n; i++)
		p[i] = (struct place){ x[i], i };
	qsort(p, n, sizeof *p, ascending);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && p[end].x == p[i].x; end++)
			;
		for (size_t j = i; j < end; j++)
			rank[p[j].i] = (double)(i + 1 + end) / 2;
	}
	mem_free(p);
}

static int sign(double x)
{
	return (x > 0) - (x < 0);
}

static double kendall(const double *x, const double *y, size_t n)
{
	double both = 0, of_x = 0, of_y = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) {
			int a = sign(x[i] - x[j]), b = sign(y[i] - y[j]);
			both += a * b;
			of_x += a * a;
			of_y += b * b;
		}
	return of_x > 0 && of_y > 0 ? fmin(fmax(both / (sqrt(of_x) * sqrt(of_y)), -1), 1) : NAN;
}

void correlation_matrix(enum correlation_method method, const double *x, size_t n, size_t k, int threads, double *out)
{
	double *unit = mem_array(n * k, sizeof *unit), *rank = mem_array(method == CORRELATION_SPEARMAN ? n * k : 0, sizeof *rank);
	int *varies = mem_array(k, sizeof *varies);
#pragma omp parallel for schedule(static) num_threads(threads)
	for (size_t i = 0; i < k; i++) {
		if (method == CORRELATION_SPEARMAN)
			correlation_ranks(x + i * n, n, rank + i * n);
		varies[i] = centred(method == CORRELATION_SPEARMAN ? rank + i * n : x + i * n, n, unit + i * n);
	}
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
	for (size_t i = 0; i < k; i++)
		for (size_t j = 0; j <= i; j++) {
			double r = !varies[i] || !varies[j] ? NAN : i == j ? 1 :
				   method == CORRELATION_KENDALL ? kendall(x + i * n, x + j * n, n) : product(unit + i * n, unit + j * n, n);
			out[i * k + j] = out[j * k + i] = r;
		}
	mem_free(unit);
	mem_free(rank);
	mem_free(varies);
}
