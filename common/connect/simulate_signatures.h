/*
 * States of populations and signatures of drugs with known truth: which drug reverses which state, which mimics it.
 *
 * Linear. A programme is a vector over genes in which 30 % move, with unit variance over all. Targets form families
 * (each target its own where there are compounds enough): state = programme of the family, or 0.9 of it and the rest
 * its own. PER compounds reverse a family and as many mimic it: effect = -a or +a times the family's programme
 * + sqrt(1 - a^2) of one of their own, a in 0.7 .. 0.9. The others share a programme with their class only.
 *
 * Non-linear. Targets and compounds have latent points on a sphere of LATENT dimensions. A state and an effect are
 * two different fixed maps of such a point: x_g = sum_h M_gh f_h(R_h . z + b_h), HIDDEN random features, half of them
 * tanh, half rectified. The PER compounds nearest to the antipode of a target reverse it, the PER nearest to it mimic it.
 * Gene by gene the two maps have nothing to do with each other, so no score on genes sees what belongs together.
 *
 * Both: signature = scale(dose, time) x effect + effect of the cell line + noise; cells are negative binomial around
 * mean x size x donor x e^(0.5 state) in the case condition. Every value depends on the options and on its own
 * number alone (Philox), not on threads or blocks.
 */
#ifndef CONNECT_SIMULATE_SIGNATURES_H
#define CONNECT_SIMULATE_SIGNATURES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct simulate_signatures_options {
	long targets, compounds, cell_lines, genes;
	long cells;                     /* of a population in each condition */
	long donors;
	bool nonlinear;
	double noise;                   /* sd, of a signature; effects have sd 1 */
	uint64_t seed;
};
#define SIMULATE_SIGNATURES_DEFAULTS { 10, 100, 3, 1000, 60, 3, false, 0.5, 1 }

enum simulated_effect { SIMULATED_NONE, SIMULATED_REVERSE, SIMULATED_MIMIC };

struct simulated_signatures;
struct simulated_signatures *simulate_signatures_new(const struct simulate_signatures_options *o);
void simulate_signatures_free(struct simulated_signatures *s);

enum simulated_effect simulate_signatures_effect(const struct simulated_signatures *s, uint32_t target, uint32_t compound);
size_t simulate_signatures_classes(const struct simulated_signatures *s);
/* Mechanism of action of a compound: 0 .. classes - 1. */
uint32_t simulate_signatures_class(const struct simulated_signatures *s, uint32_t compound);

/* The state itself, and as it is measured (with a fifth of noise). out: genes. */
void simulate_signatures_state(const struct simulated_signatures *s, uint32_t target, double *out);
void simulate_signatures_target(const struct simulated_signatures *s, uint32_t target, double *out);

struct simulated_treatment {
	double dose, time;              /* micromolar, hours */
};
struct simulated_treatment simulate_signatures_treatment(const struct simulated_signatures *s, uint32_t compound, uint32_t line);
void simulate_signatures_profile(const struct simulated_signatures *s, uint32_t compound, uint32_t line, double *out);

/* Mean counts of the cells of a population of one donor, case or control; and the counts of cell i around them. */
void simulate_signatures_means(const struct simulated_signatures *s, const double *state, bool is_case, uint32_t donor, double *out);
size_t simulate_signatures_cell(const struct simulated_signatures *s, const double *means, uint64_t i, uint32_t *gene, uint32_t *count);

#endif
