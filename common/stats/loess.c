#include "stats/loess.h"
#include "base/mem.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 3 };

struct point {
	double x, y;
	size_t place;
};

struct vertex {
	double x, value, slope;
};

struct fit {
	const struct point *point;      /* ascending by x */
	size_t n, near, most;           /* points, those of a local fit, most in a cell */
	int degree;
	struct vertex *vertex;
	size_t n_vertices, cap;
	double *design, *response;      /* near x COLUMNS by columns, near */
};

static int by_x(const void *pa, const void *pb)
{
	const struct point *a = pa, *b = pb;
	return a->x != b->x ? (a->x < b->x ? -1 : 1) : a->place < b->place ? -1 : a->place > b->place;
}

static int by_place(const void *pa, const void *pb)
{
	const struct vertex *a = pa, *b = pb;
	return a->x < b->x ? -1 : a->x > b->x;
}

static void add_vertex(struct fit *f, double x)
{
	mem_room(&f->vertex, &f->cap, f->n_vertices + 1, sizeof *f->vertex);
	f->vertex[f->n_vertices++] = (struct vertex){ .x = x };
}

/* The last point of the lower part: the median, or the nearest place to it, right before left, where x changes. */
static size_t cut_of(const struct point *p, size_t low, size_t high)
{
	/* Places from 1, as the median (low + high) / 2 rounds down. */
	long m = (long)(low + 1 + high + 1) / 2 - 1, step = 0;
	while (m + step < (long)high && m + step >= (long)low && p[m + step].x == p[m + step + 1].x)
		step = step > 0 ? -step : 1 - step;
	return (size_t)(m + step < (long)high && m + step >= (long)low ? m + step : m);
}

/* Cuts the cell with the points low .. high between its ends. */
static void cut(struct fit *f, size_t low, size_t high, double left, double right)
{
	if (high - low + 1 <= f->most)
		return;
	size_t m = cut_of(f->point, low, high);
	if (f->point[m].x == left || f->point[m].x == right)
		return;
	double at = f->point[m].x;
	add_vertex(f, at);
	cut(f, low, m, left, at);
	cut(f, m + 1, high, at, right);
}

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* Turns the columns p and q of a and v so that those of a are at right angles; false when they were. */
static bool turn(double *a, size_t n, double v[][COLUMNS], int p, int q)
{
	double *x = a + (size_t)p * n, *y = a + (size_t)q * n, xx = dot(x, x, n), yy = dot(y, y, n), xy = dot(x, y, n);
	if (fabs(xy) <= DBL_EPSILON * sqrt(xx * yy))
		return false;
	double zeta = (yy - xx) / (2 * xy), t = copysign(1, zeta) / (fabs(zeta) + sqrt(1 + zeta * zeta)), c = 1 / sqrt(1 + t * t), s = c * t;
	for (size_t i = 0; i < n; i++) {
		double u = x[i], w = y[i];
		x[i] = c * u - s * w;
		y[i] = s * u + c * w;
	}
	for (int i = 0; i < COLUMNS; i++) {
		double u = v[i][p], w = v[i][q];
		v[i][p] = c * u - s * w;
		v[i][q] = s * u + c * w;
	}
	return true;
}

/* Least squares of least norm by one-sided Jacobi rotations (Hestenes 1958): a is n x k by columns and is changed. */
static void least_squares(double *a, const double *b, size_t n, int k, double *out)
{
	double scale[COLUMNS], v[COLUMNS][COLUMNS] = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } }, sigma[COLUMNS], largest = 0;
	for (int j = 0; j < k; j++) {
		scale[j] = sqrt(dot(a + (size_t)j * n, a + (size_t)j * n, n));
		for (size_t i = 0; scale[j] > 0 && i < n; i++)
			a[(size_t)j * n + i] /= scale[j];
	}
	bool turned = true;
	for (int sweep = 0; turned && sweep < 50; sweep++) {
		turned = false;
		for (int p = 0; p < k; p++)
			for (int q = p + 1; q < k; q++)
				turned = turn(a, n, v, p, q) || turned;
	}
	for (int j = 0; j < k; j++) {
		sigma[j] = sqrt(dot(a + (size_t)j * n, a + (size_t)j * n, n));
		largest = sigma[j] > largest ? sigma[j] : largest;
	}
	memset(out, 0, (size_t)k * sizeof *out);
	for (int j = 0; j < k; j++) {
		if (sigma[j] <= largest * 100 * DBL_EPSILON)
			continue;
		double along = dot(a + (size_t)j * n, b, n) / (sigma[j] * sigma[j]);
		for (int i = 0; i < k; i++)
			out[i] += v[i][j] * along;
	}
	for (int i = 0; i < k; i++)
		out[i] = scale[i] > 0 ? out[i] / scale[i] : 0;
}

/* Value and slope of the local polynomial at the vertex; *first is where the nearest points of the vertex before began. */
static bool fit_vertex(struct fit *f, struct vertex *v, size_t *first)
{
	while (*first + f->near < f->n && f->point[*first + f->near].x - v->x < v->x - f->point[*first].x)
		++*first;
	const struct point *p = f->point + *first;
	double left = fabs(v->x - p[0].x), right = fabs(p[f->near - 1].x - v->x), width = left > right ? left : right, coefficient[COLUMNS];
	if (!(width > 0))
		return false;
	for (size_t i = 0; i < f->near; i++) {
		double d = p[i].x - v->x, u = fabs(d) / width, w = u < 1 ? sqrt(pow(1 - u * u * u, 3)) : 0;
		for (int j = 0; j <= f->degree; j++, w *= d)
			f->design[(size_t)j * f->near + i] = w;
		f->response[i] = f->design[i] * p[i].y;
	}
	least_squares(f->design, f->response, f->near, f->degree + 1, coefficient);
	v->value = coefficient[0];
	v->slope = coefficient[1];
	return true;
}

/* The cubic with the values and slopes of both ends. */
static double blend(const struct vertex *a, const struct vertex *b, double x)
{
	double width = b->x - a->x, h = (x - a->x) / width, g = 1 - h;
	return g * g * (1 + 2 * h) * a->value + h * h * (3 - 2 * h) * b->value + (h * g * g * a->slope - h * h * g * b->slope) * width;
}

bool loess_fit(const double *x, const double *y, size_t n, double span, int degree, double *fitted)
{
	struct point *point = mem_array(n, sizeof *point);
	struct fit f = { .point = point, .n = n, .near = (size_t)floor((double)n * span + 1e-5), .degree = degree,
		.most = (size_t)floor((double)n * (span * LOESS_CELL)) };
	f.near = f.near < n ? f.near : n;
	bool good = f.near > (size_t)degree;
	for (size_t i = 0; i < n; i++)
		point[i] = (struct point){ x[i], y[i], i };
	qsort(point, n, sizeof *point, by_x);
	if (good) {
		double low = point[0].x, high = point[n - 1].x, largest = fmax(fabs(low), fabs(high));
		double margin = fmax(high - low, largest * 1e-10 + 1e-30) * 0.005;
		f.most = f.most ? f.most : 1;
		f.design = mem_array(f.near * COLUMNS, sizeof *f.design);
		f.response = mem_array(f.near, sizeof *f.response);
		add_vertex(&f, low - margin);
		add_vertex(&f, high + margin);
		cut(&f, 0, n - 1, low - margin, high + margin);
		qsort(f.vertex, f.n_vertices, sizeof *f.vertex, by_place);
	}
	size_t first = 0, cell = 0;
	for (size_t i = 0; i < f.n_vertices && good; i++)
		good = fit_vertex(&f, &f.vertex[i], &first);
	for (size_t i = 0; i < n && good; i++) {
		while (cell + 2 < f.n_vertices && f.vertex[cell + 1].x < point[i].x)
			cell++;
		fitted[point[i].place] = blend(&f.vertex[cell], &f.vertex[cell + 1], point[i].x);
	}
	mem_free(f.vertex);
	mem_free(f.design);
	mem_free(f.response);
	mem_free(point);
	return good;
}
