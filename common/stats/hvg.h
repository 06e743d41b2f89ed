/*
 * Highly variable genes from sums over the cells of each batch.
 *
 * HVG_VST, on counts (Stuart et al. 2019; Seurat's FindVariableFeatures, scanpy's seurat_v3): log10 variance
 * on log10 mean by loess (span 0.3, quadratic) gives the expected deviation s; the normalised variance is
 * sum(min(sqrt(n), (x - mean) / s)^2) / (n - 1). A gene's rank is its place by it, from 0, among the n_top
 * first; over batches the median of the ranks it has; fewer batches come later, then the order of the genes.
 *
 * HVG_SEURAT (Satija et al. 2015) and HVG_CELL_RANGER (Zheng et al. 2017), on log-normalised values, as scanpy
 * has them: dispersion = variance / mean of expm1(x) on log scale, against log1p(mean) in 20 bins of equal width,
 * less the bin's mean over its deviation (n - 1; a bin of one gene: 1); or variance / mean of x, in bins between the
 * percentiles 10, 15 .. 100 of the means (equal ones are one), less the bin's median over its MAD / 0.6745.
 * The n_top first are marked, and those that tie with the last. Over batches: dispersions are averaged, genes that
 * a batch does not have with 0; genes marked in most batches come first, then by dispersion, then in their order.
 *
 * Sums of counts are exact, so the order of the cells has no part in the result of HVG_VST.
 * Variances have n - 1; a gene varies when its variance is above 1e-14 of its mean square. Genes that do not
 * are never marked.
 */
#ifndef STATS_HVG_H
#define STATS_HVG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hvg_flavor { HVG_VST, HVG_SEURAT, HVG_CELL_RANGER };
enum hvg_status { HVG_GOOD, HVG_ONE_CELL, HVG_NO_TREND };

struct hvg {
	enum hvg_flavor flavor;
	size_t n_genes, n_batches, n_top;
	bool batched;
	size_t *n_cells;                /* of each batch */
	double *sum, *squares;          /* batch x gene, of x, or of expm1(x) */
	double *mean, *sd, *normalised; /* batch x gene; sd: expected by the trend (VST) */
	double *cut_sum, *cut_squares, *n_cut;  /* batch x gene: of the values above the cut, which the second pass finds */
	/* The result, a value a gene. */
	double *means, *spread;         /* overall mean and variance (VST); averaged mean and dispersion, as binned */
	double *norm, *rank;            /* normalised variance or dispersion; place, NaN beyond n_top */
	int64_t *n_marked_in;           /* batches */
	bool *marked;
	size_t n_marked;
};

/* Bytes that all of it takes. */
uint64_t hvg_bytes(enum hvg_flavor flavor, size_t n_genes, size_t n_batches);
/* n_batches 0: the cells are not divided; they are batch 0. */
struct hvg *hvg_new(enum hvg_flavor flavor, size_t n_genes, size_t n_batches, size_t n_top);
void hvg_free(struct hvg *h);
/* First pass, a row at a time. Returns the place of the first value that is negative or not finite, or n. */
size_t hvg_add(struct hvg *h, size_t batch, const uint32_t *gene, const double *value, size_t n);
/* After the first pass; *batch names the one that fails: it has a single cell, or its genes give no trend. */
enum hvg_status hvg_settle(struct hvg *h, size_t *batch);
/* Second pass, HVG_VST alone. */
void hvg_add_clipped(struct hvg *h, size_t batch, const uint32_t *gene, const double *value, size_t n);
void hvg_choose(struct hvg *h);

#endif
