#include "stats/multicca.h"
#include "base/mem.h"
#include "num/svd.h"
#include <math.h>
#include <string.h>

static void forward(const struct multicca_matrix *m, size_t n_rows, double *y)
{
	memset(y, 0, n_rows * sizeof *y);
	for (size_t j = 0; j < m->n; j++)
		for (size_t i = 0; i < n_rows; i++)
			y[i] += m->x[j * n_rows + i] * m->w[j];
}

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static bool start(const struct multicca_matrix *m, size_t n_rows)
{
	size_t k = n_rows < m->n ? n_rows : m->n;
	double *a = mem_array(n_rows * m->n, sizeof *a), *s = mem_array(k, sizeof *s), *v = mem_array(k * m->n, sizeof *v);
	memcpy(a, m->x, n_rows * m->n * sizeof *a);
	bool good = svd_thin(a, n_rows, m->n, s, v);
	memcpy(m->w, v, m->n * sizeof *v);
	mem_free(a);
	mem_free(s);
	mem_free(v);
	return good;
}

static void turn(const struct multicca_matrix *m, double *y, size_t n_rows)
{
	for (size_t j = 0; j < m->n; j++)
		m->w[j] = -m->w[j];
	for (size_t i = 0; i < n_rows; i++)
		y[i] = -y[i];
}

/* y: n_matrices x n_rows, X_i w_i. */
static void align(const struct multicca_matrix *m, size_t n_matrices, size_t n_rows, double *y)
{
	double *sum = mem_array(n_rows, sizeof *sum), most = 0;
	for (size_t j = 0; j < m[0].n; j++)
		if (fabs(m[0].w[j]) > fabs(most) * (1 + 1e-10))
			most = m[0].w[j];
	if (most < 0)
		turn(&m[0], y, n_rows);
	memcpy(sum, y, n_rows * sizeof *sum);
	for (size_t k = 1; k < n_matrices; k++) {
		if (dot(sum, y + k * n_rows, n_rows) < 0)
			turn(&m[k], y + k * n_rows, n_rows);
		for (size_t i = 0; i < n_rows; i++)
			sum[i] += y[k * n_rows + i];
	}
	mem_free(sum);
}

static double soft(double a, double delta)
{
	double size = fabs(a) - delta;
	return size > 0 ? copysign(size, a) : 0;
}

/* Length of the vector after soft-thresholding, and its sum |.|; a vector of zeros counts as 0.05 long, as in PMA. */
static double length(const double *a, size_t n, double delta, double *sum)
{
	double squares = 0;
	*sum = 0;
	for (size_t i = 0; i < n; i++) {
		double v = soft(a[i], delta);
		squares += v * v;
		*sum += fabs(v);
	}
	return squares > 0 ? sqrt(squares) : 0.05;
}

static double find_delta(const struct multicca_options *o, const double *a, size_t n)
{
	double sum, bound = o->penalty > 0 ? o->penalty : sqrt((double)n), high = 0, low = 0, size = length(a, n, 0, &sum);
	if (sum == 0 || sum / size <= bound)
		return 0;
	for (size_t i = 0; i < n; i++)
		high = fmax(high, fabs(a[i]));
	double least = o->as_reference ? 1e-6 : 1e-15 * high;
	high -= o->as_reference ? 1e-5 : 0;
	for (int i = 0; i < 149 && (!i || high - low >= least); i++) {
		double middle = (low + high) / 2;
		size = length(a, n, middle, &sum);
		if (sum / size < bound)
			high = middle;
		else
			low = middle;
	}
	return (low + high) / 2;
}

/* w_i from the variates of the others. */
static void update(const struct multicca_options *o, const struct multicca_matrix *m, size_t n_matrices, size_t n_rows, size_t i, double *y)
{
	const struct multicca_matrix *x = &m[i];
	double *rest = mem_zero(n_rows, sizeof *rest), sum;
	for (size_t k = 0; k < n_matrices; k++)
		for (size_t r = 0; k != i && r < n_rows; r++)
			rest[r] += y[k * n_rows + r];
	for (size_t j = 0; j < x->n; j++)
		x->w[j] = dot(x->x + j * n_rows, rest, n_rows);
	double delta = find_delta(o, x->w, x->n), size = length(x->w, x->n, delta, &sum);
	for (size_t j = 0; j < x->n; j++)
		x->w[j] = soft(x->w[j], delta) / size;
	forward(x, n_rows, y + i * n_rows);
	mem_free(rest);
}

size_t multicca(const struct multicca_options *o, const struct multicca_matrix *m, size_t n_matrices, size_t n_rows)
{
	double *y = mem_array(n_matrices * n_rows, sizeof *y), before = -10, now = -20, least = o->as_reference ? 1e-3 : 1e-12;
	size_t rounds = 0, most = o->as_reference ? 30 : 1000;
	bool good = true;
	for (size_t k = 0; k < n_matrices; k++) {
		good = start(&m[k], n_rows) && good;
		forward(&m[k], n_rows, y + k * n_rows);
	}
	if (!o->as_reference)
		align(m, n_matrices, n_rows, y);
	while (good && rounds < most && fabs(before - now) / fabs(before) > least && now != 0) {
		before = now;
		now = 0;
		for (size_t k = 1; k < n_matrices; k++)
			for (size_t j = 0; j < k; j++)
				now += dot(y + k * n_rows, y + j * n_rows, n_rows);
		rounds++;
		for (size_t k = 0; k < n_matrices; k++)
			update(o, m, n_matrices, n_rows, k, y);
	}
	mem_free(y);
	return rounds;
}
