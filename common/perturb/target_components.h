/*
 * Principal components of one target against the controls, on its marker genes, for MixscapeLDA (Papalexi et al. 2021; PrepLDA of
 * Seurat 4.3):
 *
 *   T        signature of the target's cells and the controls, (x - mean) / sd per gene over these, then at most 10
 *   loading  the k leading right singular vectors of T, not centred again after the cut; the largest of each is positive
 *
 * Any cell is projected with the same mean, sd, cut and loadings. A gene that does not vary is 0 for all cells.
 */
#ifndef PERTURB_TARGET_COMPONENTS_H
#define PERTURB_TARGET_COMPONENTS_H
#include <stdbool.h>
#include <stddef.h>

struct target_components {
	size_t n_genes, k;
	double *mean, *inverse_sd;      /* n_genes */
	double *loading;                /* n_genes x k */
};

/* d: n_genes x n_cells, gene by gene, overwritten; k at most n_genes. False: the decomposition did not converge. */
bool target_components_find(struct target_components *t, double *d, size_t n_genes, size_t n_cells, size_t k, int threads);
void target_components_free(struct target_components *t);
/* Adds the part of one gene to the scores of n cells: score[i * stride + component]. A missing value makes them missing. */
void target_components_add(const struct target_components *t, size_t gene, const double *x, size_t n, double *score, size_t stride);

#endif
