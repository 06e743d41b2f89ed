/*
 * The genes of a program: principal components of its z scores (genes x members), a permutation null for the scores of the
 * genes, and the genes that go up and down (PCApermtest and get_sig_genes of Mixscale 0.3.0).
 *
 *	rows      genes with some |z| >= z(row_p)
 *	scores    of the rows on the components of the columns, centred and of unit variance (ddof 1)
 *	null      the same of `iterations` matrices each of whose columns is permuted by itself, pooled
 *	position  share of the null at or below the score
 *
 * Of each component: columns with |correlation| >= `correlation` with it decide. Rows with position >= 1 - permutation_p, and
 * with position <= permutation_p, and with some |z| >= z(gene_p) in those columns, are its two ends, the most extreme score
 * first, ties by row. The end with the larger sum of z in those columns is up, the other down (equal sums: the low end is up).
 * Lists of several components follow one another; a gene counts where it comes first, on one side only.
 *
 * The sign of a component of a permuted matrix means nothing, so the null counts each score with both signs; of each component
 * the largest loading is positive. as_reference: signs are those that LAPACK gave, as in the reference; and a gene may be up by one component and down by another.
 *
 * Permutations: Fisher and Yates by counter-based numbers from (seed, iteration, column); or as given.
 */
#ifndef PERTURB_PROGRAM_GENES_H
#define PERTURB_PROGRAM_GENES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct program_genes_options {
	double row_p;                   /* 1: all rows */
	long components;                /* at most as many as there are columns */
	double share;                   /* > 0: all up to the last one with this share of the variance */
	double total;                   /* > 0: as many as have this share together */
	long iterations;
	double permutation_p, gene_p, correlation;
	uint64_t seed;
	bool as_reference;
};
#define PROGRAM_GENES_DEFAULTS { 0.05, 1, 0, 0, 200, 0.05, 0.05 / 30000, 0.2, 0, false }

enum program_genes_reason { PROGRAM_GENES_FOUND, PROGRAM_GENES_NO_MEMBERS, PROGRAM_GENES_FEW_ROWS, PROGRAM_GENES_CONSTANT, PROGRAM_GENES_NO_COMPONENT,
			    PROGRAM_GENES_NONE, PROGRAM_GENES_N_REASONS };
extern const char *const program_genes_reason_name[];   /* ends with NULL */

struct program_genes {
	enum program_genes_reason reason;
	size_t n, k, n_sd;              /* rows kept, components, standard deviations */
	uint32_t *row;                  /* n: which of the rows that were given */
	double *sd;                     /* of all components */
	double *score, *position;       /* k x n, component after component */
	double *null;                   /* k x (iterations n), iteration after iteration */
	size_t n_up, n_down;
	uint32_t *up, *down;            /* rows that were given, in the order of the lists */
	double *weight;                 /* n: score with the sign of the list (up positive); 0 where in none */
	double *oriented;               /* n: score on the first component, turned so that up is positive; of all rows */
};

/*
 * z: n_rows x n, column after column, no NaN. permutation[(iteration n + column) n_kept + i]: the kept row that comes to place i,
 * or NULL; n_permuted: how many rows it permutes, which must be n_kept.
 */
struct program_genes *program_genes(const struct program_genes_options *o, const double *z, size_t n_rows, size_t n, const uint32_t *permutation,
				    int threads);
/* Rows that would be kept. */
size_t program_genes_rows(const struct program_genes_options *o, const double *z, size_t n_rows, size_t n);
void program_genes_free(struct program_genes *g);

#endif
