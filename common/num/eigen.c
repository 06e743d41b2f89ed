#include "num/eigen.h"
#include "base/mem.h"
#include "num/random.h"
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Signs are arbitrary in mathematics and must not be in a result. */
void eigen_fix_signs(double *vector, size_t n, size_t k)
{
	for (size_t j = 0; j < k; j++) {
		double most = 0;
		for (size_t i = 0; i < n; i++)
			if (fabs(vector[i * k + j]) > fabs(most) * (1 + 1e-10))
				most = vector[i * k + j];
		for (size_t i = 0; most < 0 && i < n; i++)
			vector[i * k + j] = -vector[i * k + j];
	}
}

void eigen_free(struct eigen_result *r)
{
	mem_free(r->value);
	mem_free(r->vector);
	*r = (struct eigen_result){ 0 };
}

static void one_thread(void)
{
	openblas_set_num_threads(1);
}

/* The k largest pairs of the symmetric n x n matrix a (overwritten): values descending, vectors column-major n x k. */
static void symmetric(double *a, size_t n, size_t k, double *value, double *vector)
{
	lapack_int found, size = (lapack_int)n, first = (lapack_int)(n - k + 1);
	lapack_int *support = mem_array(2 * n, sizeof *support);
	double *ascending = mem_array(n, sizeof *ascending), *z = mem_array(n * k, sizeof *z);
	lapack_int status = LAPACKE_dsyevr(LAPACK_COL_MAJOR, 'V', 'I', 'U', size, a, size, 0, 0, first, size, 0, &found, ascending, z, size,
					   support);
	for (size_t j = 0; j < k; j++) {
		value[j] = status ? NAN : ascending[k - 1 - j];
		memcpy(vector + j * n, z + (k - 1 - j) * n, n * sizeof *vector);
	}
	mem_free(support);
	mem_free(ascending);
	mem_free(z);
}

static void to_rows(const double *columns, size_t n, size_t k, double *rows)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < k; j++)
			rows[i * k + j] = columns[j * n + i];
}

static void to_columns(const double *rows, size_t n, size_t k, double *columns)
{
	for (size_t j = 0; j < k; j++)
		for (size_t i = 0; i < n; i++)
			columns[j * n + i] = rows[i * k + j];
}

struct eigen_result eigen_small(double *a, size_t n, size_t k)
{
	one_thread();
	struct eigen_result r = { .k = k, .value = mem_array(k, sizeof *r.value), .vector = mem_array(n * k, sizeof *r.vector), .converged = true };
	double *columns = mem_array(n * k, sizeof *columns);
	symmetric(a, n, k, r.value, columns);
	to_rows(columns, n, k, r.vector);
	mem_free(columns);
	eigen_fix_signs(r.vector, n, k);
	return r;
}

/* The search space: an orthonormal basis, its image and the matrix in it. Column-major. */
struct space {
	size_t n, m, room;
	double *v, *av;                 /* n x room */
	double *h;                      /* room x room: v' A v */
	size_t applied;
};

/* Makes `b` columns orthonormal to the space and to each other; twice, for rounding. */
static void orthonormalise(const struct space *s, double *t, size_t b)
{
	double *c = mem_array((s->m + 1) * b, sizeof *c), *tau = mem_array(b, sizeof *tau);
	int n = (int)s->n, m = (int)s->m, columns = (int)b;
	for (int round = 0; round < 2; round++) {
		if (m) {
			cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, m, columns, n, 1, s->v, n, t, n, 0, c, m);
			cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, n, columns, m, -1, s->v, n, c, m, 1, t, n);
		}
		LAPACKE_dgeqrf(LAPACK_COL_MAJOR, n, columns, t, n, tau);
		LAPACKE_dorgqr(LAPACK_COL_MAJOR, n, columns, columns, t, n, tau);
	}
	mem_free(c);
	mem_free(tau);
}

/* Takes b orthonormalised columns into the space. */
static void extend(struct space *s, eigen_operator *apply, void *context, const double *t, size_t b)
{
	double *rows = mem_array(s->n * b, sizeof *rows), *image = mem_array(s->n * b, sizeof *image);
	int n = (int)s->n, m = (int)(s->m + b);
	memcpy(s->v + s->m * s->n, t, s->n * b * sizeof *t);
	to_rows(t, s->n, b, rows);
	apply(context, rows, image, b);
	to_columns(image, s->n, b, s->av + s->m * s->n);
	mem_free(rows);
	mem_free(image);
	double *c = mem_array((size_t)m * b, sizeof *c);
	cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, m, (int)b, n, 1, s->v, n, s->av + s->m * s->n, n, 0, c, m);
	for (size_t j = 0; j < b; j++)
		for (size_t i = 0; i < (size_t)m; i++)
			s->h[(s->m + j) * s->room + i] = s->h[i * s->room + s->m + j] = c[j * (size_t)m + i];
	mem_free(c);
	s->m += b;
	s->applied += b;
}

/* out (n x k) = x u, x n x m, u m x k. */
static void combine(const double *x, const double *u, size_t n, size_t m, size_t k, double *out)
{
	cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)k, (int)m, 1, x, (int)n, u, (int)m, 0, out, (int)n);
}

/* Shrinks the space to its first `keep` Ritz vectors. */
static void restart(struct space *s, const double *u, const double *value, size_t keep)
{
	double *x = mem_array(s->n * keep, sizeof *x);
	combine(s->v, u, s->n, s->m, keep, x);
	memcpy(s->v, x, s->n * keep * sizeof *x);
	combine(s->av, u, s->n, s->m, keep, x);
	memcpy(s->av, x, s->n * keep * sizeof *x);
	mem_free(x);
	memset(s->h, 0, s->room * s->room * sizeof *s->h);
	for (size_t j = 0; j < keep; j++)
		s->h[j * s->room + j] = value[j];
	s->m = keep;
}

/* Residuals of the leading pairs; those that are not small yet, preconditioned, go to t (at most b). Their number. */
static size_t corrections(const struct space *s, const double *u, const double *value, const double *diagonal, size_t k, double limit,
			  size_t b, double *t, double *worst)
{
	size_t n = s->n, found = 0;
	double *x = mem_array(n * k, sizeof *x), *ax = mem_array(n * k, sizeof *ax);
	combine(s->v, u, n, s->m, k, x);
	combine(s->av, u, n, s->m, k, ax);
	*worst = 0;
	for (size_t j = 0; j < k; j++) {
		double sum = 0;
		for (size_t i = 0; i < n; i++) {
			double r = ax[j * n + i] - value[j] * x[j * n + i];
			ax[j * n + i] = r;
			sum += r * r;
		}
		double size = sqrt(sum);
		*worst = size > *worst || isnan(size) ? size : *worst;
		if (size <= limit || found == b)
			continue;
		for (size_t i = 0; i < n; i++) {
			double gap = value[j] - diagonal[i], least = 1e-3 * value[j];
			t[found * n + i] = ax[j * n + i] / (fabs(gap) < least ? least : gap);
		}
		found++;
	}
	mem_free(x);
	mem_free(ax);
	return found;
}

struct by_size {
	double d;
	size_t i;
};

static int descending(const void *pa, const void *pb)
{
	const struct by_size *a = pa, *b = pb;
	return a->d > b->d ? -1 : a->d < b->d ? 1 : a->i < b->i ? -1 : 1;
}

/* Where large diagonal elements are, large eigenvectors are likely; a little of everything lets none be missed. */
static void first_guess(const double *diagonal, size_t n, size_t b, double *t)
{
	struct by_size *order = mem_array(n, sizeof *order);
	for (size_t i = 0; i < n; i++)
		order[i] = (struct by_size){ diagonal[i], i };
	qsort(order, n, sizeof *order, descending);
	for (size_t j = 0; j < b; j++) {
		for (size_t i = 0; i < n; i += 2) {
			struct random4 r = random_words(0x656967656e, 7, i, (uint32_t)j);
			double z[2];
			random_normal(&r, z);
			t[j * n + i] = 1e-3 * z[0];
			if (i + 1 < n)
				t[j * n + i + 1] = 1e-3 * z[1];
		}
		t[j * n + order[j].i] += 1;
	}
	mem_free(order);
}

enum { BLOCK = 16 };

/* Of the search space. */
static size_t room_for(size_t k)
{
	return 10 * k + 200;
}

size_t eigen_room(size_t k)
{
	return 2 * room_for(k) + 4 * (k + BLOCK);
}

struct eigen_result eigen_davidson(eigen_operator *apply, void *context, const double *diagonal, size_t n, size_t k, double tolerance,
				   size_t most)
{
	one_thread();
	size_t first = k + BLOCK < n ? k + BLOCK : n, keep = 3 * k + BLOCK, room = room_for(k);
	room = room < first + BLOCK ? first + BLOCK : room;
	struct space s = { .n = n, .room = room };
	s.v = mem_array(n * room, sizeof *s.v);
	s.av = mem_array(n * room, sizeof *s.av);
	s.h = mem_zero(room * room, sizeof *s.h);
	double *t = mem_array(n * first, sizeof *t), *h = mem_array(room * room, sizeof *h), *u = mem_array(room * room, sizeof *u);
	double *value = mem_array(room, sizeof *value);
	struct eigen_result r = { .k = k, .value = mem_array(k, sizeof *r.value), .vector = mem_array(n * k, sizeof *r.vector) };
	first_guess(diagonal, n, first, t);
	for (size_t b = first; ; ) {
		orthonormalise(&s, t, b);
		extend(&s, apply, context, t, b);
		size_t want = keep < s.m ? keep : s.m;
		for (size_t j = 0; j < s.m; j++)
			memcpy(h + j * s.m, s.h + j * room, s.m * sizeof *h);
		symmetric(h, s.m, want, value, u);
		b = corrections(&s, u, value, diagonal, k, tolerance * value[0], BLOCK, t, &r.residual);
		r.residual /= value[0];
		r.converged = b == 0 && !isnan(r.residual);
		if (b == 0 || s.applied + b > most || s.m >= n)
			break;
		if (s.m + b > n)
			b = n - s.m;
		if (s.m + b > room)
			restart(&s, u, value, want);
	}
	memcpy(r.value, value, k * sizeof *r.value);
	combine(s.v, u, n, s.m, k, t);
	to_rows(t, n, k, r.vector);
	eigen_fix_signs(r.vector, n, k);
	r.applied = s.applied;
	mem_free(s.v);
	mem_free(s.av);
	mem_free(s.h);
	mem_free(t);
	mem_free(h);
	mem_free(u);
	mem_free(value);
	return r;
}
