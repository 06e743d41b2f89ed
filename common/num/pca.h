/*
 * Principal components of cells by genes, exactly:
 *
 *   T = (x - mean) / sd, cut at `clip` above (ScaleData), or x as it is;
 *   C = T'T - n m m', m the column means of T (the cut moves them off 0);
 *   scores = (T - m) V, V the eigenvectors of C; variances = eigenvalues / (n - 1).
 *
 * A zero of x is one value for all cells, so only S = T - T(0) is worked on, and centring takes the rest
 * away; S = (min(x, bound) - min(0, bound)) / sd with bound = mean + clip * sd. Up to PCA_SMALL genes C is
 * diagonalised; beyond, its leading vectors are found by eigen_davidson, with C formed or applied, whichever
 * costs less. Sums run over packed chunks in order: the same bits for any number of threads.
 */
#ifndef NUM_PCA_H
#define NUM_PCA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "num/comoments.h"
#include "num/eigen.h"
#include "num/packed.h"

enum { PCA_SMALL = 1024, PCA_CHUNKS = 8 };

struct pca {
	size_t n_genes, n_cells;
	bool scale;
	double clip;
	double *sum, *squares;          /* of x */
	double *bound, *inverse_sd;     /* inverse_sd 0: the gene does not vary; 1 without scaling */
	double *centre, *diagonal;      /* mean of S; diagonal of C */
	double total_variance;
	size_t n_constant;              /* genes that do not vary */
	struct eigen_result eigen;
};

/* The next rows, every time from the first on, in multiples of PCA_CHUNKS chunks but for the last; NULL at the end. */
typedef const struct packed *pca_rows(void *context);

struct pca *pca_new(size_t n_genes, bool scale, double clip);
void pca_free(struct pca *p);
/* First pass: sums over chunks from `first`. False when a value is not finite, in gene *bad. */
bool pca_learn(struct pca *p, const struct packed *x, size_t first, size_t *bad);
/* Means and deviations. */
void pca_settle(struct pca *p);
/* The k leading components. */
struct pca_effort {
	double tolerance;               /* of eigen_davidson */
	size_t n_values, memory;        /* non-zero values in all, bytes that a matrix may take: how, not what */
	int threads;
};
void pca_solve(struct pca *p, pca_rows *rows, void *context, size_t k, const struct pca_effort *effort);
/*
 * The same from the products of all rows. First which genes vary, for n_constant; of a `p` with scale the caller gives the bound and
 * inverse_sd that the rows were bounded by and are to be scaled with. Then the components; the products are overwritten.
 */
size_t pca_products_bytes(size_t n_genes, size_t k);     /* that all of this takes, at most */
void pca_find_varying(struct pca *p, const struct comoments *m);
void pca_solve_products(struct pca *p, struct comoments *m, size_t k, const struct pca_effort *effort);
/* Scores of the rows of all chunks from `first` to `end`: rows x k. */
void pca_scores(const struct pca *p, const struct packed *x, size_t first, size_t end, double *out, int threads);

#endif
