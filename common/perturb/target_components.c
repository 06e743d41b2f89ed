#include "perturb/target_components.h"
#include "base/mem.h"
#include "num/eigen.h"
#include "num/pca.h"
#include "perturb/mixscale.h"
#include <cblas.h>
#include <math.h>

struct gram {
	const double *at;
	size_t n;
};

static void apply(void *context, const double *v, double *out, size_t b)
{
	const struct gram *g = context;
	cblas_dsymm(CblasRowMajor, CblasLeft, CblasUpper, (blasint)g->n, (blasint)b, 1, g->at, (blasint)g->n, v, (blasint)b, 0, out, (blasint)b);
}

static struct eigen_result leading(double *gram, size_t n, size_t k)
{
	struct gram g = { gram, n };
	double *diagonal = mem_array(n, sizeof *diagonal);
	for (size_t i = 0; i < n; i++) {
		diagonal[i] = gram[i * n + i];
		for (size_t j = 0; j < i; j++)
			gram[i * n + j] = gram[j * n + i];
	}
	struct eigen_result e = n <= PCA_SMALL ? eigen_small(gram, n, k) : eigen_davidson(apply, &g, diagonal, n, k, 1e-13, 100 * k + 10000);
	mem_free(diagonal);
	return e;
}

bool target_components_find(struct target_components *t, double *d, size_t n_genes, size_t n_cells, size_t k, int threads)
{
	*t = (struct target_components){ n_genes, k, mem_array(n_genes, sizeof *t->mean), mem_array(n_genes, sizeof *t->inverse_sd), NULL };
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1 && n_genes > 1)
	for (size_t g = 0; g < n_genes; g++) {
		struct mixscale_moments m = mixscale_standardise(d + g * n_cells, n_cells, MIXSCALE_CLIP);
		t->mean[g] = m.mean;
		t->inverse_sd[g] = m.sd > 0 ? 1 / m.sd : 0;
	}
	double *gram = mem_array(n_genes * n_genes, sizeof *gram);
	openblas_set_num_threads(1);
	cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (blasint)n_genes, (blasint)n_cells, 1, d, (blasint)n_cells, 0, gram, (blasint)n_genes);
	struct eigen_result e = leading(gram, n_genes, k);
	mem_free(gram);
	t->loading = e.vector;
	e.vector = NULL;
	bool found = e.converged && !isnan(e.value[0]);
	eigen_free(&e);
	return found;
}

void target_components_free(struct target_components *t)
{
	mem_free(t->mean);
	mem_free(t->inverse_sd);
	mem_free(t->loading);
	*t = (struct target_components){ 0 };
}

void target_components_add(const struct target_components *t, size_t gene, const double *x, size_t n, double *score, size_t stride)
{
	const double *loading = t->loading + gene * t->k;
	for (size_t i = 0; i < n; i++) {
		double z = (x[i] - t->mean[gene]) * t->inverse_sd[gene];
		z = z > MIXSCALE_CLIP ? MIXSCALE_CLIP : z;
		for (size_t j = 0; j < t->k; j++)
			score[i * stride + j] += z * loading[j];
	}
}
