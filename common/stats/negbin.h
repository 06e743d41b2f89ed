/*
 * Negative-binomial regression of counts, as glmGamPoi 1.10 fits it (Ahlmann-Eltze
 * & Huber 2021; edgeR's and DESeq2's model): var y = mu + theta mu^2,
 *
 *   log mu = intercept of the run + b_c c + b_w(run) w
 *
 * Cells stand in runs (replicates): each has its own intercept and its own slope
 * for w; the slope for c is common. Coefficients are in the order intercepts, b_c,
 * slopes (natural logarithms). A design without w has no slopes.
 *
 * Beside the cells of a design stand those of a pool (stats/negbin_pool.h): one of
 * its groups in each run, with w = 0. Where the pool's bound allows, sums over a
 * group are taken at its nodes, else cell by cell; the two agree to rounding.
 *
 * Sums run in eight lanes within a run, over cells with a count and nodes, then
 * those with a w but no count, then the rest, and then run after run, so results
 * depend on nothing but the data.
 */
#ifndef STATS_NEGBIN_H
#define STATS_NEGBIN_H
#include <stdbool.h>
#include <stddef.h>
#include "stats/negbin_pool.h"

/* Arrays over places: each run takes a multiple of 8 places, what it does not need is padding with `one` 0. */
struct negbin_design {
	size_t n_runs, n_places;
	size_t n_cells;                 /* with the pool's */
	size_t *start;                  /* n_runs + 1 places */
	double *one;                    /* 1 for a cell, 0 for padding */
	double *c, *w;                  /* 0 in padding; w may be NULL */
	struct negbin_pool *pool;       /* may be NULL */
	size_t *group;                  /* of each run */
};
/*
 * n[r] cells in run r beside those of the pool's group[r] (no group twice); fills start, one and n_cells. c, w are zeroed for
 * the caller to fill (w only `weighted`).
 */
struct negbin_design *negbin_design_new(const size_t *n, size_t n_runs, bool weighted, struct negbin_pool *pool, const size_t *group);
void negbin_design_free(struct negbin_design *d);
size_t negbin_n_coefficients(const struct negbin_design *d);

/* Room for one fit at a time under designs of the same runs; one a thread. */
struct negbin_room;
struct negbin_room *negbin_room_new(const struct negbin_design *d);
void negbin_room_free(struct negbin_room *r);

struct negbin_fit {
	double *beta;                   /* coefficients; the caller's, negbin_n_coefficients of them */
	double deviance;
	int iterations;
	bool converged;                 /* false: 1000 rounds, or no step lowered the deviance */
};

/* The counts that the room works on from now on: y (by place, 0 in padding; a reference is kept) and the pool's of `gene`. */
void negbin_take(const struct negbin_design *d, struct negbin_room *r, const double *y, size_t gene);
/*
 * Fisher scoring with step halving, from the least-squares fit of log(y + 1)
 * (`start` false) or from fit->beta; ends when |dev - dev'| / (|dev| + 0.1) < 1e-8. False: the design is singular.
 */
bool negbin_betas(const struct negbin_design *d, struct negbin_room *r, double dispersion, bool start,
		  struct negbin_fit *fit);
/* max(0, (var - mean) / mean^2) with n - 1; 0 when all counts are 0. */
double negbin_moments(const struct negbin_design *d, const struct negbin_room *r);
/*
 * Maximum-likelihood dispersion at the means of `beta`, with the Cox-Reid term x 0.99: the root, near `moment`
 * (the moment estimate), of the derivative by log theta. 0 when the derivative is negative at 1e-8 or all counts are 0; NaN when
 * there is no root below 1e8.
 */
double negbin_dispersion(const struct negbin_design *d, struct negbin_room *r, double moment, const double *beta);
/* se of every coefficient: root of the diagonal of (X' W X)^-1, W = mu / (1 + mu theta). False: singular. */
bool negbin_standard_errors(const struct negbin_design *d, struct negbin_room *r, const double *beta, double dispersion,
			    double *se);
/* Mean of mu over the cells. */
double negbin_mean(const struct negbin_design *d, struct negbin_room *r, const double *beta);

/*
 * Dispersions smoothed along the mean: a weighted median of the neighbours by rank of the mean, over
 * max(n / 10, 100) genes, weights falling as a normal density from the middle; the ends take the first and last
 * full window, and with less than a window all genes take one interpolated weighted median. Means that agree to 40 binary digits
 * are equal and stand in the order given.
 */
void negbin_trend(const double *mean, const double *dispersion, size_t n, double *trend);

#endif
