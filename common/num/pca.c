#include "num/pca.h"
#include "base/mem.h"
#include <cblas.h>
#include <math.h>
#include <string.h>

struct pca *pca_new(size_t n_genes, bool scale, double clip)
{
	struct pca *p = mem_zero(1, sizeof *p);
	p->n_genes = n_genes;
	p->scale = scale;
	p->clip = clip;
	p->sum = mem_zero(n_genes, sizeof *p->sum);
	p->squares = mem_zero(n_genes, sizeof *p->squares);
	p->bound = mem_zero(n_genes, sizeof *p->bound);
	p->inverse_sd = mem_zero(n_genes, sizeof *p->inverse_sd);
	p->centre = mem_zero(n_genes, sizeof *p->centre);
	p->diagonal = mem_zero(n_genes, sizeof *p->diagonal);
	return p;
}

void pca_free(struct pca *p)
{
	if (!p)
		return;
	mem_free(p->sum);
	mem_free(p->squares);
	mem_free(p->bound);
	mem_free(p->inverse_sd);
	mem_free(p->centre);
	mem_free(p->diagonal);
	eigen_free(&p->eigen);
	mem_free(p);
}

bool pca_learn(struct pca *p, const struct packed *x, size_t first, size_t *bad)
{
	for (size_t c = first; c < packed_chunks(x); c++) {
		packed_moments(x, c, NULL, p->sum, p->squares);
		p->n_cells += packed_rows(x, c);
	}
	for (*bad = 0; *bad < p->n_genes; ++*bad)
		if (!isfinite(p->squares[*bad]))
			return false;
	return true;
}

void pca_settle(struct pca *p)
{
	double n = (double)p->n_cells;
	for (size_t g = 0; g < p->n_genes; g++) {
		double mean = p->sum[g] / n, variance = (p->squares[g] - p->sum[g] * mean) / (n - 1);
		/* What remains of equal values after the subtraction is rounding. */
		bool varies = variance > 1e-14 * p->squares[g] / n;
		p->n_constant += !varies;
		p->inverse_sd[g] = !varies ? 0 : p->scale ? 1 / sqrt(variance) : 1;
		p->bound[g] = p->scale && varies ? mean + p->clip * sqrt(variance) : INFINITY;
	}
}

/* What a few chunks of rows add to `size` sums. */
typedef void pca_work(const struct pca *p, const struct packed *x, size_t first, size_t end, const double *v, double *out);

/* One pass: groups of PCA_CHUNKS chunks side by side, their sums added in order. */
static void run_pass(const struct pca *p, pca_rows *rows, void *context, pca_work *work, const double *v, double *out, size_t size, int threads)
{
	double *part = mem_aligned(size * (size_t)threads, sizeof *part);
	memset(out, 0, size * sizeof *out);
	for (const struct packed *x; (x = rows(context)); ) {
		size_t n = packed_chunks(x), n_groups = (n + PCA_CHUNKS - 1) / PCA_CHUNKS;
		for (size_t done = 0; done < n_groups; done += (size_t)threads) {
			size_t now = n_groups - done < (size_t)threads ? n_groups - done : (size_t)threads;
#pragma omp parallel num_threads(threads)
			{
#pragma omp for schedule(static, 1)
				for (size_t i = 0; i < now; i++) {
					size_t first = (done + i) * PCA_CHUNKS, end = first + PCA_CHUNKS < n ? first + PCA_CHUNKS : n;
					memset(part + i * size, 0, size * sizeof *part);
					work(p, x, first, end, v, part + i * size);
				}
#pragma omp for schedule(static)
				for (size_t k = 0; k < size; k++)
					for (size_t i = 0; i < now; i++)
						out[k] += part[i * size + k];
			}
		}
	}
	mem_free(part);
}

/* Sums of S * sd and of its square, one array after the other. */
static void add_moments(const struct pca *p, const struct packed *x, size_t first, size_t end, const double *v, double *out)
{
	(void)v;
	for (size_t c = first; c < end; c++)
		packed_moments(x, c, p->bound, out, out + p->n_genes);
}

static void add_product(const struct pca *p, const struct packed *x, size_t first, size_t end, const double *v, double *out)
{
	double *y = mem_aligned(PACKED_ROWS * PACKED_WIDTH, sizeof *y);
	for (size_t c = first; c < end; c++) {
		packed_forward(x, c, p->bound, v, y);
		packed_backward(x, c, p->bound, y, out);
	}
	mem_free(y);
}

/*
 * The Gram matrix of S * sd: some chunks as a dense matrix at a time, panels of columns side by side, each
 * summed by one thread in the order of the rows.
 */
static double *gram_of(const struct pca *p, pca_rows *rows, void *context, int threads)
{
	enum { CHUNKS = 4 };
	size_t n = p->n_genes;
	double *out = mem_zero(n * n, sizeof *out), *dense = mem_aligned(CHUNKS * PACKED_ROWS * n, sizeof *dense);
	openblas_set_num_threads(1);
	for (const struct packed *x; (x = rows(context)); )
		for (size_t done = 0; done < packed_chunks(x); done += CHUNKS) {
			size_t now = packed_chunks(x) - done < CHUNKS ? packed_chunks(x) - done : CHUNKS, n_rows = 0;
			for (size_t c = 0; c < now; c++)
				n_rows += packed_rows(x, done + c);
#pragma omp parallel num_threads(threads)
			{
#pragma omp for schedule(dynamic, 1)
				for (size_t c = 0; c < now; c++)
					packed_dense(x, done + c, p->bound, dense + c * PACKED_ROWS * n);
				comoments_cross(dense, n_rows, n, out);
			}
		}
	mem_free(dense);
#pragma omp parallel for schedule(dynamic, 16) num_threads(threads)
	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++)
			out[i * n + j] = out[i * n + j] * p->inverse_sd[i] * p->inverse_sd[j] - (double)p->n_cells * p->centre[i] * p->centre[j];
#pragma omp parallel for schedule(dynamic, 16) num_threads(threads)
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			out[i * n + j] = out[j * n + i];
	return out;
}

struct dense {
	const double *a;
	size_t n;
	int threads;
};

/* Panels of rows side by side; each is one product in one thread. */
static void apply_dense(void *context, const double *v, double *out, size_t b)
{
	enum { PANEL = 128 };
	const struct dense *d = context;
	size_t n = d->n;
#pragma omp parallel for schedule(dynamic, 1) num_threads(d->threads)
	for (size_t i = 0; i < n; i += PANEL) {
		size_t rows = n - i < PANEL ? n - i : PANEL;
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)b, (int)n, 1, d->a + i * n, (int)n, v, (int)b, 0,
			    out + i * b, (int)b);
	}
}

struct passes {
	const struct pca *p;
	pca_rows *rows;
	void *context;
	int threads;
};

/* C v = D X'X D v - n c (c' v), D = 1 / sd. */
static void apply(void *context, const double *v, double *out, size_t b)
{
	enum { W = PACKED_WIDTH };
	const struct passes *q = context;
	const struct pca *p = q->p;
	size_t n = p->n_genes;
	double *wide = mem_aligned(n * W, sizeof *wide), *image = mem_aligned(n * W, sizeof *image);
	for (size_t done = 0; done < b; done += W) {
		size_t now = b - done < W ? b - done : W;
		double dot[W] = { 0 };
		memset(wide, 0, n * W * sizeof *wide);
		for (size_t g = 0; g < n; g++)
			for (size_t k = 0; k < now; k++) {
				wide[g * W + k] = v[g * b + done + k] * p->inverse_sd[g];
				dot[k] += p->centre[g] * v[g * b + done + k];
			}
		run_pass(p, q->rows, q->context, add_product, wide, image, n * W, q->threads);
		for (size_t g = 0; g < n; g++)
			for (size_t k = 0; k < now; k++)
				out[g * b + done + k] = image[g * W + k] * p->inverse_sd[g] - (double)p->n_cells * p->centre[g] * dot[k];
	}
	mem_free(wide);
	mem_free(image);
}

static void find_centre(struct pca *p, const struct passes *q)
{
	double *moments = mem_array(2 * p->n_genes, sizeof *moments), n = (double)p->n_cells, trace = 0;
	run_pass(p, q->rows, q->context, add_moments, NULL, moments, 2 * p->n_genes, q->threads);
	for (size_t g = 0; g < p->n_genes; g++) {
		double d = p->inverse_sd[g];
		p->centre[g] = d * moments[g] / n;
		p->diagonal[g] = d * d * moments[p->n_genes + g] - n * p->centre[g] * p->centre[g];
		trace += p->diagonal[g];
	}
	p->total_variance = trace / (n - 1);
	mem_free(moments);
}

/*
 * Is the matrix cheaper to form than to apply? From measured rates: 1e11 operations a second to form it, and 4.3 ns
 * a value for a product with a block, of which about (20 k + 250) / PACKED_WIDTH are needed.
 */
static bool form_matrix(const struct pca *p, size_t n_values, size_t k, size_t memory)
{
	double n = (double)p->n_genes, cells = (double)p->n_cells;
	double form = n * n * cells / 1e11, blocks = (20 * (double)k + 250) / PACKED_WIDTH;
	/* A bound of its own, so that the way, and with it the last bits, do not follow --memory unless that is tiny. */
	if (p->n_genes > 4096)
		return false;
	return (n * n + 4 * PACKED_ROWS * n) * sizeof(double) < (double)memory && form + blocks * n * n * 2e-9 < blocks * (double)n_values * 4.3e-9;
}

static void to_variances(struct pca *p, size_t k)
{
	for (size_t j = 0; j < k; j++)
		p->eigen.value[j] = p->eigen.value[j] > 0 ? p->eigen.value[j] / (double)(p->n_cells - 1) : 0;
}

static size_t most_products(size_t k)
{
	return 200 * k + 2000;
}

void pca_solve(struct pca *p, pca_rows *rows, void *context, size_t k, const struct pca_effort *effort)
{
	struct passes q = { p, rows, context, effort->threads };
	size_t n = p->n_genes, most = most_products(k);
	find_centre(p, &q);
	if (n <= PCA_SMALL) {
		double *c = gram_of(p, rows, context, effort->threads);
		p->eigen = eigen_small(c, n, k);
		mem_free(c);
	} else if (form_matrix(p, effort->n_values, k, effort->memory)) {
		struct dense d = { gram_of(p, rows, context, effort->threads), n, effort->threads };
		p->eigen = eigen_davidson(apply_dense, &d, p->diagonal, n, k, effort->tolerance, most);
		mem_free((void *)(uintptr_t)d.a);
	} else {
		p->eigen = eigen_davidson(apply, &q, p->diagonal, n, k, effort->tolerance, most);
	}
	to_variances(p, k);
}

size_t pca_products_bytes(size_t n_genes, size_t k)
{
	size_t vectors = n_genes <= PCA_SMALL ? 4 * k : eigen_room(k);
	return (n_genes * n_genes + n_genes * vectors) * sizeof(double);
}

void pca_find_varying(struct pca *p, const struct comoments *m)
{
	double n = (double)m->rows;
	p->n_cells = m->rows;
	p->n_constant = 0;
	for (size_t g = 0; g < p->n_genes; g++) {
		double squares = m->product[g * m->n + g], mean = m->mean[g];
		bool varies = squares / (n - 1) > 1e-14 * (squares / n + mean * mean);
		if (!p->scale)
			p->inverse_sd[g] = varies;
		p->n_constant += !(varies && p->inverse_sd[g] > 0);
	}
}

void pca_solve_products(struct pca *p, struct comoments *m, size_t k, const struct pca_effort *effort)
{
	size_t n = p->n_genes;
	double *c = m->product, trace = 0;
	struct dense d = { c, n, effort->threads };
	for (size_t g = 0; g < n; g++) {
		p->centre[g] = m->mean[g] * p->inverse_sd[g];
		p->diagonal[g] = c[g * n + g] * p->inverse_sd[g] * p->inverse_sd[g];
		trace += p->diagonal[g];
	}
	p->total_variance = trace / (double)(p->n_cells - 1);
	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++)
			c[j * n + i] = c[i * n + j] *= p->inverse_sd[i] * p->inverse_sd[j];
	p->eigen = n <= PCA_SMALL ? eigen_small(c, n, k) : eigen_davidson(apply_dense, &d, p->diagonal, n, k, effort->tolerance, most_products(k));
	to_variances(p, k);
}

void pca_scores(const struct pca *p, const struct packed *x, size_t first, size_t end, double *out, int threads)
{
	enum { W = PACKED_WIDTH };
	size_t k = p->eigen.k, n = p->n_genes;
	double *v = mem_aligned(n * W, sizeof *v);
	for (size_t done = 0; done < k; done += W) {
		size_t now = k - done < W ? k - done : W;
		double offset[W] = { 0 };
		memset(v, 0, n * W * sizeof *v);
		for (size_t g = 0; g < n; g++)
			for (size_t j = 0; j < now; j++) {
				v[g * W + j] = p->eigen.vector[g * k + done + j] * p->inverse_sd[g];
				offset[j] += p->centre[g] * p->eigen.vector[g * k + done + j];
			}
#pragma omp parallel num_threads(threads)
		{
			double *y = mem_aligned(PACKED_ROWS * W, sizeof *y);
#pragma omp for schedule(static)
			for (size_t c = first; c < end; c++) {
				packed_forward(x, c, p->bound, v, y);
				for (size_t r = 0; r < packed_rows(x, c); r++)
					for (size_t j = 0; j < now; j++)
						out[((c - first) * PACKED_ROWS + r) * k + done + j] = y[r * W + j] - offset[j];
			}
			mem_free(y);
		}
	}
	mem_free(v);
}
