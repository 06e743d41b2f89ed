/*
 * Score-weighted differential expression of one target (Run_wmvRegDE and
 * Run_stdDE of Mixscale 0.3.0; Jiang et al. 2025): a negative-binomial
 * regression per gene (stats/negbin.h) of the counts of the target's cells and
 * the controls on
 *
 *   an intercept per split, log10 of the cell's total, and the weight within each split
 *
 * Weights: the cell's Mixscale score within its split, negative ones 0, controls
 * 0 (weighted); or 1 for the target's cells (standard). A marker gene of the
 * score is fitted alone, with the scores that leave it out, and so is the target's
 * own gene, with 1; these two are tested whether or not they pass the filter.
 *
 * A gene passes in a split when |log2fc| >= logfc_threshold, its share of
 * expressing cells (3 digits) is >= min_pct on one side, and its number of
 * expressing cells >= min_cells on one side; it is tested when it passes in one.
 *
 *   log2fc = log2((sum of counts of the target's cells + 1) / n) - the same of the controls
 *
 * Dispersion: one split, from the full model, and smoothed along the mean for
 * the coefficients while their errors use the gene's own; several splits, from the
 * model without weights; alone, from its own full model. `trend` is what the
 * coefficients use: the smoothed one, or alone the gene's own; several splits have
 * none (NaN) and use the dispersion.
 */
#ifndef PERTURB_WEIGHTED_DE_H
#define PERTURB_WEIGHTED_DE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/sparse.h"
#include "stats/negbin_pool.h"

struct weighted_de_options {
	double logfc_threshold, min_pct;
	long min_cells;
	bool by_split;          /* several-split model, whatever the number of runs */
};
#define WEIGHTED_DE_DEFAULTS { 0, 0.1, 3, false }

enum weighted_de_method { WDE_UNTESTED, WDE_STANDARD, WDE_WEIGHTED };
/* SEPARATION: no count at a cell with a weight, or none at a cell without, so the slope has no bound. */
enum weighted_de_reason { WDE_FITTED, WDE_SEPARATION, WDE_NOT_CONVERGED, WDE_SINGULAR, WDE_NO_DISPERSION, WDE_N_REASONS };
extern const char *const weighted_de_reason_name[WDE_N_REASONS];        /* NULL for FITTED */

/* Given instead of estimated; NaN where a gene has none. */
struct weighted_de_given {
	const double *dispersion, *trend;       /* by gene */
};

struct weighted_de_input {
	size_t n_genes, n_runs;
	struct negbin_pool *controls;                   /* with log10 of the cells' totals; of any number of targets, one at a time */
	const size_t *group;                            /* of the controls that stand in each run */
	const struct sparse_cols *own;                  /* counts by genes; rows are cells of the target */
	const uint32_t *own_run;                        /* run of each cell; UINT32_MAX: left out */
	const double *own_total;
	const double *weight;                           /* of each cell of the target; NULL: standard */
	const uint32_t *marker;                         /* genes that the weights were made from */
	size_t n_markers;
	const double *left_out;                         /* n_markers x cells of the target: weights without that gene */
	uint32_t own_gene;                              /* UINT32_MAX: not among the genes */
	struct weighted_de_given given;
};

/* By gene, and by gene and run: value[gene * n_runs + run]; NaN where there is none. */
struct weighted_de_result {
	size_t n_genes, n_runs;
	uint8_t *method, *reason;
	double *dispersion, *trend, *deviance;
	double *log2fc, *beta, *se, *log_p;             /* natural logarithms, but log2fc */
	size_t n_tested;
};
struct weighted_de_result *weighted_de_result_new(size_t n_genes, size_t n_runs);
void weighted_de_result_free(struct weighted_de_result *r);

void weighted_de(const struct weighted_de_options *o, const struct weighted_de_input *in, int threads, struct weighted_de_result *r);

#endif
