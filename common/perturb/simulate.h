/*
 * A pooled screen with known truth. Counts are negative binomial, gene means
 * log-normal (scaled to the wanted share of non-zero values), cell sizes
 * log-normal. Targets come in groups of four that share a programme of genes;
 * every fifth target does nothing; the last guide of every third target is
 * weak. A cell's efficacy e in [0, 1] scales the log fold changes of its
 * target's genes; the target's own gene loses up to 90 %.
 *
 * Cell i depends on (options, i) alone: any block, any thread.
 */
#ifndef PERTURB_SIMULATE_H
#define PERTURB_SIMULATE_H
#include <stddef.h>
#include <stdint.h>

struct simulate_options {
	long cells, genes, targets, controls, guides_per_target, splits;
	double density;                 /* share of non-zero counts */
	double dispersion;              /* negative binomial: variance = mu + dispersion mu^2 */
	double effect;                  /* sd of the log fold changes of a programme's genes */
	uint64_t seed;
};
#define SIMULATE_DEFAULTS { 5000, 2000, 20, 0, 3, 3, 0.25, 0.15, 0.8, 1 }

struct simulated_cell {
	uint32_t target;                /* UINT32_MAX: control */
	uint32_t guide;                 /* 0 .. guides_per_target - 1 (controls: 0 .. 9) */
	uint32_t split;
	double efficacy;
	uint32_t n;                     /* non-zero genes */
	uint32_t *gene;                 /* room for `genes` */
	uint32_t *count;
};

struct simulated_screen;

/* controls 0 in the options: a tenth of the cells. */
struct simulated_screen *simulate_new(const struct simulate_options *o);
void simulate_free(struct simulated_screen *s);
size_t simulate_controls(const struct simulated_screen *s);
/* Cell i: controls are the first, then target by target. */
void simulate_cell(const struct simulated_screen *s, uint64_t i, struct simulated_cell *cell);
/* The genes that target t moves, in order, with their natural log fold changes at efficacy 1; how many. */
size_t simulate_effects(const struct simulated_screen *s, uint32_t t, const uint32_t **gene, const double **effect);
double simulate_base_mean(const struct simulated_screen *s, uint32_t g);

#endif
