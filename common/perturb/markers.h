/*
 * Marker genes of targets against control cells (or against all other cells):
 * fold changes, a test, multiplicity correction, ranks.
 *
 * Seurat's semantics (FindMarkers 4.3): share of expressing cells rounded to 3
 * digits, log2((mean expm1 x) + 1) differences, pre-filters before the test,
 * p adjusted for all genes, order by p, ties in gene order. Differences: p is
 * kept on the log scale, so genes whose p underflows to 0 in R stay ordered.
 *
 * pertpy's (scanpy's rank_genes_groups): log2((expm1(mean x) + 1e-9) ratio) in
 * float32, rank sum without tie or continuity correction, no filter before the
 * test, Benjamini-Hochberg over all genes, |fold change| filter afterwards;
 * equal p by the larger statistic.
 */
#ifndef PERTURB_MARKERS_H
#define PERTURB_MARKERS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/sparse.h"

enum markers_test { MARKERS_AUTO, MARKERS_LR, MARKERS_WILCOXON, MARKERS_T };    /* AUTO: LR, or pertpy's Wilcoxon */
enum markers_correction { MARKERS_CORRECTION_AUTO, MARKERS_BONFERRONI, MARKERS_BH };
enum compat { COMPAT_SEURAT, COMPAT_PERTPY };
enum markers_reason { MARKERS_DONE, MARKERS_FEW_CELLS, MARKERS_FEW_CONTROLS, MARKERS_NO_LABEL, MARKERS_N_REASONS };
extern const char *const markers_reason_name[MARKERS_N_REASONS];        /* NULL for DONE */

struct markers_options {
	int test, correction, compat;
	double logfc_threshold;         /* |log2 fold change| at least */
	double min_pct;                 /* share of expressing cells at least, in one of the groups */
	double min_diff_pct;            /* and the shares this far apart */
	double pval_cutoff;             /* adjusted p below */
	long max_genes;                 /* markers kept; 0: all */
	bool only_positive;
};
#define MARKERS_DEFAULTS { MARKERS_AUTO, MARKERS_CORRECTION_AUTO, COMPAT_SEURAT, 0.25, 0.1, 0, 0.05, 0, false }
/* Fills in what AUTO means and what pertpy does not filter. */
void markers_resolve(struct markers_options *o);

/* The control cells, by genes, with what every target is compared to. */
struct markers_reference;
/* Keeps a reference to x. */
struct markers_reference *markers_reference_new(const struct markers_options *o, const struct sparse_cols *x, int threads);
void markers_reference_free(struct markers_reference *r);

/* One target against its reference; arrays over genes, NaN where a gene was not tested. */
struct markers_contrast {
	size_t n_genes, n_target, n_reference;
	double *logfc, *pct_target, *pct_reference, *statistic;
	double *log_p, *log_p_adj;      /* natural logarithms */
	uint32_t *order;                /* tested genes, most significant first */
	size_t n_tested;
	uint32_t *marker;               /* marker genes in that order, at most max_genes */
	size_t n_markers;
	enum markers_reason reason;
};
struct markers_contrast *markers_contrast_new(size_t n_genes);
void markers_contrast_free(struct markers_contrast *c);

/*
 * Targets whose cells are rows start[t] .. start[t + 1] of x (log-normalised values) against the reference;
 * fills contrast[t]. Uses (and keeps) room in the reference: not for two calls at a time.
 */
void markers_find(const struct markers_options *o, struct markers_reference *reference, const struct sparse_rows *x,
		  const size_t *start, size_t n_targets, struct markers_contrast *const *contrast, int threads);
/*
 * Each target against all other cells (`whole`: against all cells, its own among them), for genes
 * first_gene .. first_gene + x->n_cols of the contrasts. group[row] is the target of a row, n_targets for
 * cells of none. Call markers_rank when all genes are done.
 */
void markers_find_rest(const struct markers_options *o, const struct sparse_cols *x, const uint32_t *group, size_t n_targets,
		       const size_t *size, bool whole, size_t first_gene, struct markers_contrast *const *contrast, int threads);
/* Adjusts p, orders the tested genes and picks the markers. */
void markers_rank(const struct markers_options *o, struct markers_contrast *c);

/* R's round(x, 3) for x in [0, 1]. */
double markers_round3(double x);

#endif
