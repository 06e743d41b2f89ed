#include "num/eigen.h"
#include "num/packed.h"
#include "num/pca.h"
#include "num/random.h"
#include "num/vmath.h"
#include "base/mem.h"
#include "unit.h"
#include <string.h>

/* Sparse counts-like rows with a few strong directions; `fine` makes every value different. */
static double value_at(size_t row, size_t gene, bool fine)
{
	struct random4 r = random_words(3, 1, row, (uint32_t)gene);
	if (r.v[0] % 3)
		return 0;
	double v = (double)(1 + r.v[1] % 5) + (gene % 7 == row % 3 ? 4 : 0);
	return fine ? v + random_unit(r.v[2]) : log1p(v * (1 + (double)(row % 11)));
}

struct data {
	struct packed *x;
	bool given;
};

static const struct packed *rows_of(void *context)
{
	struct data *d = context;
	d->given = !d->given;
	return d->given ? d->x : NULL;
}

static struct packed *make(size_t n_rows, size_t n_genes, bool fine)
{
	struct packed *x = packed_new(n_genes);
	uint32_t *col = mem_array(n_genes, sizeof *col);
	double *value = mem_array(n_genes, sizeof *value);
	for (size_t r = 0; r < n_rows; r++) {
		size_t n = 0;
		for (size_t g = 0; g < n_genes; g++) {
			double v = value_at(r, g, fine);
			if (v == 0)
				continue;
			col[n] = (uint32_t)g;
			value[n++] = v;
		}
		packed_add(x, col, value, n);
	}
	packed_end(x);
	mem_free(col);
	mem_free(value);
	return x;
}

/* The plain way: dense, two passes, LAPACK. */
static void plain(size_t n, size_t p, bool fine, bool scale, double *c, double *t)
{
	for (size_t g = 0; g < p; g++) {
		double sum = 0, squares = 0, mean = 0;
		for (size_t r = 0; r < n; r++)
			sum += t[r * p + g] = value_at(r, g, fine);
		for (size_t r = 0; r < n; r++)
			squares += (t[r * p + g] - sum / (double)n) * (t[r * p + g] - sum / (double)n);
		for (size_t r = 0; r < n; r++) {
			if (scale)
				t[r * p + g] = fmin(2, (t[r * p + g] - sum / (double)n) / sqrt(squares / (double)(n - 1)));
			mean += t[r * p + g] / (double)n;
		}
		for (size_t r = 0; r < n; r++)
			t[r * p + g] -= mean;
	}
	for (size_t i = 0; i < p; i++)
		for (size_t j = 0; j < p; j++) {
			c[i * p + j] = 0;
			for (size_t r = 0; r < n; r++)
				c[i * p + j] += t[r * p + i] * t[r * p + j];
		}
}

static void compare(size_t n, size_t p, size_t k, bool fine, bool scale)
{
	double *c = mem_array(p * p, sizeof *c), *t = mem_array(n * p, sizeof *t), *score = mem_array(n * k, sizeof *score);
	struct data d = { make(n, p, fine), false };
	struct pca *pca = pca_new(p, scale, 2);
	size_t bad, worst_at = 0;
	CHECK(pca_learn(pca, d.x, 0, &bad));
	pca_settle(pca);
	struct pca_effort effort = { 1e-12, packed_values(d.x), (size_t)1 << 30, 2 };
	pca_solve(pca, rows_of, &d, k, &effort);
	pca_scores(pca, d.x, 0, packed_chunks(d.x), score, 2);
	plain(n, p, fine, scale, c, t);
	double trace = 0;
	for (size_t i = 0; i < p; i++)
		trace += c[i * p + i];
	CHECK_RELATIVE(pca->total_variance, trace / (double)(n - 1), 1e-12);
	struct eigen_result e = eigen_small(c, p, k);
	double worst = 0;
	for (size_t j = 0; j < k; j++) {
		CHECK_RELATIVE(pca->eigen.value[j], e.value[j] / (double)(n - 1), 1e-10);
		for (size_t r = 0; r < n; r++) {
			double s = 0;
			for (size_t g = 0; g < p; g++)
				s += t[r * p + g] * e.vector[g * k + j];
			if (fabs(s - score[r * k + j]) > worst) {
				worst = fabs(s - score[r * k + j]);
				worst_at = r;
			}
		}
	}
	CHECK_NEAR(worst, 0, 1e-7);
	(void)worst_at;
	eigen_free(&e);
	pca_free(pca);
	packed_free(d.x);
	mem_free(c);
	mem_free(t);
	mem_free(score);
}

UNIT(equals_the_plain_way)
{
	compare(700, 40, 5, false, false);
	compare(700, 40, 5, false, true);
	compare(300, 40, 5, true, true);
}

UNIT(equals_the_plain_way_with_many_genes)
{
	compare(1200, 1100, 4, false, true);
}

UNIT(davidson_finds_what_lapack_finds)
{
	enum { N = 1300, K = 6 };
	double *a = mem_zero(N * N, sizeof *a), *diagonal = mem_array(N, sizeof *diagonal);
	/* Diagonal plus a few vectors: eigenvalues with clear gaps. */
	for (size_t i = 0; i < N; i++) {
		for (size_t j = 0; j < N; j++)
			for (uint32_t v = 0; v < K; v++)
				a[i * N + j] += (3.0 + v) * sin((double)(i * (v + 1))) * sin((double)(j * (v + 1))) / N;
		a[i * N + i] += (double)(i % 10) / 20;
		diagonal[i] = a[i * N + i];
	}
	struct dense_operator { const double *a; size_t n; } d = { a, N };
	void multiply(void *context, const double *v, double *out, size_t b);
	struct eigen_result r = eigen_davidson(multiply, &d, diagonal, N, K, 1e-12, 5000);
	CHECK(r.converged);
	struct eigen_result e = eigen_small(a, N, K);
	for (size_t j = 0; j < K; j++) {
		double dot = 0;
		CHECK_RELATIVE(r.value[j], e.value[j], 1e-11);
		for (size_t i = 0; i < N; i++)
			dot += r.vector[i * K + j] * e.vector[i * K + j];
		CHECK_NEAR(dot, 1, 1e-9);
	}
	eigen_free(&r);
	eigen_free(&e);
	mem_free(a);
	mem_free(diagonal);
}

void multiply(void *context, const double *v, double *out, size_t b);
void multiply(void *context, const double *v, double *out, size_t b)
{
	const struct dense_operator { const double *a; size_t n; } *d = context;
	memset(out, 0, d->n * b * sizeof *out);
	for (size_t i = 0; i < d->n; i++)
		for (size_t j = 0; j < d->n; j++)
			for (size_t k = 0; k < b; k++)
				out[i * b + k] += d->a[i * d->n + j] * v[j * b + k];
}

UNIT(packed_rows_keep_values_and_bounds)
{
	for (int fine = 0; fine < 2; fine++) {
		enum { P = 30 };
		struct packed *x = make(600, P, fine);
		double *dense = mem_array(PACKED_ROWS * P, sizeof *dense), bound[P];
		for (size_t g = 0; g < P; g++)
			bound[g] = g % 2 ? 3.0 : INFINITY;
		CHECK(packed_chunks(x) == 3 && packed_rows(x, 2) == 600 - 2 * PACKED_ROWS);
		for (size_t c = 0, row = 0; c < 3; row += packed_rows(x, c++)) {
			packed_dense(x, c, bound, dense);
			for (size_t r = 0; r < packed_rows(x, c); r++)
				for (size_t g = 0; g < P; g++)
					CHECK(dense[r * P + g] == fmin(value_at(row + r, g, fine), bound[g]));
		}
		mem_free(dense);
		packed_free(x);
	}
}

UNIT(vectors_agree_with_libm)
{
	enum { N = 20003 };
	double *x = mem_array(N, sizeof *x), *y = mem_array(N, sizeof *y);
	for (size_t i = 0; i < N; i++)
		x[i] = ((double)i - N / 2.0) / 500 * (i % 3 ? 1 : 1e-6);
	vmath_expm1(x, y, N);
	for (size_t i = 0; i < N; i++)
		CHECK(fabs(y[i] - expm1(x[i])) <= 1e-15 * fabs(expm1(x[i])));
	vmath_exp(x, y, N);
	for (size_t i = 0; i < N; i++)
		CHECK(fabs(y[i] - exp(x[i])) <= 5e-16 * exp(x[i]));
	double sum = 0;
	for (size_t i = 0; i < N; i++)
		sum += y[i];
	CHECK_RELATIVE(vmath_sum(y, N), sum, 1e-13);
	mem_free(x);
	mem_free(y);
}

UNITS(RUN(equals_the_plain_way), RUN(equals_the_plain_way_with_many_genes), RUN(davidson_finds_what_lapack_finds),
      RUN(packed_rows_keep_values_and_bounds), RUN(vectors_agree_with_libm))
