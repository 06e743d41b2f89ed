#include "num/comoments.h"
#include "base/mem.h"
#include <cblas.h>
#include <math.h>

enum { CHUNKS = 4, PANEL = 256 };

struct comoments *comoments_new(size_t n)
{
	struct comoments *m = mem_zero(1, sizeof *m);
	m->n = n;
	m->mean = mem_zero(n, sizeof *m->mean);
	m->product = mem_zero(n * n, sizeof *m->product);
	return m;
}

void comoments_free(struct comoments *m)
{
	if (!m)
		return;
	mem_free(m->mean);
	mem_free(m->product);
	mem_free(m->dense);
	mem_free(m->part);
	mem_free(m);
}

size_t comoments_bytes(size_t n)
{
	return (n * n + (CHUNKS * PACKED_ROWS + 1) * n) * sizeof(double);
}

void comoments_join(struct comoments *m, size_t rows, const double *mean, double *step)
{
	double a = (double)m->rows, b = (double)rows, all = a + b, root = sqrt(a * b / all);
	for (size_t g = 0; g < m->n; g++) {
		double d = mean[g] - m->mean[g];
		step[g] = root * d;
		m->mean[g] += d * (b / all);
	}
	m->rows += rows;
}

void comoments_join_product(struct comoments *m, size_t g, size_t h, double product, const double *step)
{
	size_t i = g < h ? g : h, j = g < h ? h : g;
	m->product[i * m->n + j] += product + step[i] * step[j];
}

double comoments_product(const struct comoments *m, size_t g, size_t h)
{
	return g < h ? m->product[g * m->n + h] : m->product[h * m->n + g];
}

/* The mean of each column of a panel, and the rows without it. */
static void centre(double *x, size_t n, size_t rows, size_t first, size_t end, double *mean)
{
	for (size_t g = first; g < end; g++)
		mean[g] = 0;
	for (size_t r = 0; r < rows; r++)
		for (size_t g = first; g < end; g++)
			mean[g] += x[r * n + g];
	for (size_t g = first; g < end; g++)
		mean[g] /= (double)rows;
	for (size_t r = 0; r < rows; r++)
		for (size_t g = first; g < end; g++)
			x[r * n + g] -= mean[g];
}

void comoments_cross(const double *x, size_t rows, size_t n, double *out)
{
#pragma omp for schedule(dynamic, 1)
	for (size_t first = 0; first < n; first += PANEL) {
		size_t width = n - first < PANEL ? n - first : PANEL;
		cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)width, (int)(n - first), (int)rows, 1, x + first, (int)n, x + first, (int)n, 1,
			    out + first * n + first, (int)n);
	}
}

void comoments_add(struct comoments *m, const struct packed *x, const double *bound, int threads)
{
	size_t n = m->n;
	if (!m->dense) {
		m->dense = mem_aligned((CHUNKS * PACKED_ROWS + 1) * n, sizeof *m->dense);
		m->part = mem_array(n, sizeof *m->part);
	}
	double *dense = m->dense, *mean = m->part;
	openblas_set_num_threads(1);
	for (size_t done = 0; done < packed_chunks(x); done += CHUNKS) {
		size_t now = packed_chunks(x) - done < CHUNKS ? packed_chunks(x) - done : CHUNKS, rows = 0;
		for (size_t c = 0; c < now; c++)
			rows += packed_rows(x, done + c);
#pragma omp parallel num_threads(threads)
		{
#pragma omp for schedule(dynamic, 1)
			for (size_t c = 0; c < now; c++)
				packed_dense(x, done + c, bound, dense + c * PACKED_ROWS * n);
#pragma omp for schedule(dynamic, 1)
			for (size_t first = 0; first < n; first += PANEL)
				centre(dense, n, rows, first, n - first < PANEL ? n : first + PANEL, mean);
			/* The step from the rows before is one more row. */
#pragma omp single
			comoments_join(m, rows, mean, dense + rows * n);
			comoments_cross(dense, rows + 1, n, m->product);
		}
	}
}
