#include <string.h>
#include "base/mem.h"
#include "num/eigen.h"
#include "num/random.h"
#include "perturb/program_genes.h"
#include "stats/distribution.h"
#include "unit.h"

enum { ROWS = 40, COLUMNS = 5, ITERATIONS = 30 };

static void fill(double *z, uint64_t seed)
{
	for (size_t j = 0; j < COLUMNS; j++)
		for (size_t i = 0; i < ROWS; i++) {
			struct random4 r = random_words(seed, 9, i, (uint32_t)j);
			double x[2];
			random_normal(&r, x);
			z[j * ROWS + i] = 3 * x[0] + (i < 8 ? 9 : i < 14 ? -9 : 0);
		}
}

static double mean(const double *x)
{
	double sum = 0;
	for (size_t i = 0; i < ROWS; i++)
		sum += x[i] / ROWS;
	return sum;
}

/* Scores on component c by the eigenvectors of the correlation matrix: another way than a decomposition of the values. */
static void plain_scores(const double *z, const uint32_t *order, size_t c, double *score)
{
	double x[COLUMNS][ROWS], a[COLUMNS * COLUMNS];
	for (size_t j = 0; j < COLUMNS; j++) {
		double m = mean(z + j * ROWS), squares = 0;
		for (size_t i = 0; i < ROWS; i++)
			squares += (z[j * ROWS + i] - m) * (z[j * ROWS + i] - m);
		for (size_t i = 0; i < ROWS; i++)
			x[j][i] = (z[j * ROWS + (order ? order[j * ROWS + i] : i)] - m) / sqrt(squares / (ROWS - 1));
	}
	for (size_t j = 0; j < COLUMNS; j++)
		for (size_t k = 0; k < COLUMNS; k++) {
			a[j * COLUMNS + k] = 0;
			for (size_t i = 0; i < ROWS; i++)
				a[j * COLUMNS + k] += x[j][i] * x[k][i];
		}
	struct eigen_result e = eigen_small(a, COLUMNS, COLUMNS);
	for (size_t i = 0; i < ROWS; i++) {
		score[i] = 0;
		for (size_t j = 0; j < COLUMNS; j++)
			score[i] += x[j][i] * e.vector[j * COLUMNS + c];
	}
	eigen_free(&e);
}

/* Up to a sign of the whole. */
static double gap(const double *a, const double *b)
{
	double same = 0, turned = 0;
	for (size_t i = 0; i < ROWS; i++) {
		same = fmax(same, fabs(a[i] - b[i]));
		turned = fmax(turned, fabs(a[i] + b[i]));
	}
	return fmin(same, turned);
}

UNIT(scores_null_and_positions)
{
	double z[ROWS * COLUMNS], score[ROWS];
	static uint32_t order[ITERATIONS * COLUMNS * ROWS];
	fill(z, 3);
	for (size_t k = 0; k < ITERATIONS * COLUMNS; k++)
		for (uint32_t i = 0; i < ROWS; i++)
			order[k * ROWS + i] = (uint32_t)random_permuted(k + 1, i, ROWS);
	struct program_genes_options o = PROGRAM_GENES_DEFAULTS;
	o.row_p = 1;
	o.components = 2;
	o.iterations = ITERATIONS;
	struct program_genes *g = program_genes(&o, z, ROWS, COLUMNS, order, 3);
	CHECK(g->n == ROWS && g->k == 2 && g->n_sd == COLUMNS);
	for (size_t c = 0; c < 2; c++) {
		plain_scores(z, NULL, c, score);
		CHECK(gap(score, g->score + c * ROWS) < 1e-12);
		const double *null = g->null + c * ITERATIONS * ROWS;
		for (size_t it = 0; it < ITERATIONS; it++) {
			plain_scores(z, order + it * COLUMNS * ROWS, c, score);
			CHECK(gap(score, null + it * ROWS) < 1e-11);
		}
		for (size_t i = 0; i < ROWS; i++) {
			size_t below = 0;
			for (size_t k = 0; k < ITERATIONS * ROWS; k++)
				below += (size_t)(null[k] <= g->score[c * ROWS + i]) + (size_t)(-null[k] <= g->score[c * ROWS + i]);
			CHECK(g->position[c * ROWS + i] == (double)below / (2 * ITERATIONS * ROWS));
		}
	}
	double variance = 0;
	for (size_t i = 0; i < COLUMNS; i++)
		variance += g->sd[i] * g->sd[i];
	CHECK_NEAR(variance, COLUMNS, 1e-12);
	program_genes_free(g);
}

/* What is up was planted up, in order of size; thresholds hold; one thread or three. */
UNIT(lists)
{
	double z[ROWS * COLUMNS];
	for (uint64_t seed = 0; seed < 20; seed++) {
		fill(z, seed);
		struct program_genes_options o = PROGRAM_GENES_DEFAULTS;
		struct program_genes *g = program_genes(&o, z, ROWS, COLUMNS, NULL, 1), *h = program_genes(&o, z, ROWS, COLUMNS, NULL, 3);
		CHECK(g->reason == PROGRAM_GENES_FOUND && g->n_up > 2 && g->n_down > 2 && g->n_up <= 8 && g->n_down <= 6);
		CHECK(!memcmp(g->null, h->null, g->n * 200 * sizeof *g->null));
		double before = INFINITY;
		for (size_t k = 0; k < g->n_up; k++) {
			CHECK(g->up[k] < 8 && h->up[k] == g->up[k]);
			for (size_t i = 0; i < g->n; i++)
				if (g->row[i] == g->up[k]) {
					CHECK(g->weight[i] > 0 && g->weight[i] <= before && g->oriented[i] == g->weight[i]);
					before = g->weight[i];
				}
		}
		for (size_t k = 0; k < g->n_down; k++)
			CHECK(g->down[k] >= 8 && g->down[k] < 14);
		program_genes_free(g);
		program_genes_free(h);
	}
}

/* Every permuted column keeps its values, and the columns of all iterations differ. */
UNIT(own_permutations_are_permutations)
{
	double z[ROWS * COLUMNS];
	fill(z, 1);
	struct program_genes_options o = PROGRAM_GENES_DEFAULTS;
	o.row_p = 1;
	o.iterations = 2000;
	/* One column: its scores are its own standardised values, in another order. */
	struct program_genes *g = program_genes(&o, z, ROWS, 1, NULL, 2);
	size_t first[ROWS] = { 0 };
	for (size_t it = 0; it < 2000; it++)
		for (size_t i = 0; i < ROWS; i++) {
			size_t seen = 0, at = 0;
			for (size_t k = 0; k < ROWS; k++)
				if (fabs(fabs(g->null[it * ROWS + k]) - fabs(g->score[i])) < 1e-12) {
					seen++;
					at = k;
				}
			CHECK(seen == 1);
			first[i] += at == 0;
		}
	/* Each value comes first about 50 times in 2000. */
	for (size_t i = 0; i < ROWS; i++)
		CHECK(first[i] > 15 && first[i] < 95);
	program_genes_free(g);
}

UNIT(reasons)
{
	double z[ROWS * COLUMNS];
	struct program_genes_options o = PROGRAM_GENES_DEFAULTS;
	fill(z, 1);
	struct program_genes *g = program_genes(&o, z, ROWS, 0, NULL, 1);
	CHECK(g->reason == PROGRAM_GENES_NO_MEMBERS);
	program_genes_free(g);
	for (size_t i = 0; i < ROWS; i++)
		z[2 * ROWS + i] = 5;
	g = program_genes(&o, z, ROWS, COLUMNS, NULL, 1);
	CHECK(g->reason == PROGRAM_GENES_CONSTANT);
	program_genes_free(g);
	g = program_genes(&o, z, 2, 1, NULL, 1);
	CHECK(g->reason == PROGRAM_GENES_FEW_ROWS);
	program_genes_free(g);
	fill(z, 1);
	o.share = 0.9999;
	g = program_genes(&o, z, ROWS, COLUMNS, NULL, 1);
	CHECK(g->reason == PROGRAM_GENES_NO_COMPONENT);
	program_genes_free(g);
	o.share = 0;
	o.total = 1;
	g = program_genes(&o, z, ROWS, COLUMNS, NULL, 1);
	CHECK(g->k == COLUMNS || g->k == COLUMNS - 1);
	program_genes_free(g);
	o.total = 0;
	o.components = 100;
	g = program_genes(&o, z, ROWS, COLUMNS, NULL, 1);
	CHECK(g->k == COLUMNS);
	program_genes_free(g);
}

UNITS(RUN(scores_null_and_positions), RUN(lists), RUN(own_permutations_are_permutations), RUN(reasons))
