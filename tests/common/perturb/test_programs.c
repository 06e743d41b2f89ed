#include <string.h>
#include "base/mem.h"
#include "num/random.h"
#include "perturb/effects.h"
#include "perturb/programs.h"
#include "unit.h"

enum { ROWS = 400, MOST = 8, MATRICES = 4 };

static double normal(uint64_t seed, uint32_t stream, size_t i)
{
	struct random4 r = random_words(seed, stream, i, 0);
	double z[2];
	random_normal(&r, z);
	return z[0];
}

/* Columns of `factors`: 0 is noise, k has factor k (the same in all matrices), -k its opposite. */
static struct programs_matrix matrix(double *z, uint64_t seed, const int *factors, size_t n)
{
	for (size_t j = 0; j < n; j++)
		for (size_t i = 0; i < ROWS; i++)
			z[j * ROWS + i] = normal(seed, (uint32_t)j, i) +
				(factors[j] ? (factors[j] > 0 ? 3 : -3) * normal(1000, (uint32_t)abs(factors[j]), i) : 0);
	return (struct programs_matrix){ z, n };
}

/* The program (from 1, 0: none) of each column of each matrix. */
static size_t sought(const struct programs_shared_options *o, const struct programs_matrix *m, size_t n, int found[MATRICES][MOST])
{
	struct programs_loading *l;
	size_t n_loadings, n_programs = programs_shared(o, m, n, ROWS, &l, &n_loadings);
	memset(found, 0, MATRICES * sizeof *found);
	for (size_t i = 0; i < n_loadings; i++) {
		CHECK(l[i].matrix < n && l[i].column < m[l[i].matrix].n && l[i].program < n_programs);
		if (l[i].member) {
			CHECK(!found[l[i].matrix][l[i].column]);
			found[l[i].matrix][l[i].column] = (int)l[i].program + 1;
		}
	}
	mem_free(l);
	return n_programs;
}

static double values[MATRICES][MOST * ROWS];

UNIT(factors_are_programs)
{
	const int a[] = { 1, 1, 0, 2, 2, 0 }, b[] = { 0, 2, 1, 1, 2 }, c[] = { -1, 1, 1, 2 };
	struct programs_matrix m[] = { matrix(values[0], 1, a, 6), matrix(values[1], 2, b, 5), matrix(values[2], 3, c, 4) };
	struct programs_shared_options o = PROGRAMS_SHARED_DEFAULTS;
	int found[MATRICES][MOST];
	CHECK(sought(&o, m, 3, found) == 2);
	int one = found[0][0], two = found[0][3];
	CHECK(one && two && one != two);
	for (size_t j = 0; j < 6; j++)
		CHECK(found[0][j] == (a[j] == 0 ? 0 : a[j] == 2 ? two : one));
	for (size_t j = 0; j < 5; j++)
		CHECK(found[1][j] == (b[j] == 0 ? 0 : b[j] == 2 ? two : one));
	/* The opposite effect belongs to it too: correlations count by size. */
	CHECK(found[2][0] == one && found[2][1] == one && found[2][2] == one && found[2][3] == two);
	o.most = 1;
	CHECK(sought(&o, m, 3, found) == 1);
}

UNIT(a_matrix_without_the_factor_stands_aside)
{
	const int a[] = { 1, 1, 0 }, b[] = { 1, 0, 1 }, none[] = { 0, 0, 0 };
	struct programs_matrix m[] = { matrix(values[0], 1, a, 3), matrix(values[1], 2, none, 3), matrix(values[2], 3, b, 3) };
	struct programs_shared_options o = PROGRAMS_SHARED_DEFAULTS;
	int found[MATRICES][MOST];
	CHECK(sought(&o, m, 3, found) == 1);
	CHECK(found[0][0] == 1 && found[0][1] == 1 && !found[0][2] && found[2][0] == 1 && !found[2][1] && found[2][2] == 1);
	CHECK(!found[1][0] && !found[1][1] && !found[1][2]);
}

UNIT(a_single_column_takes_part)
{
	const int a[] = { 1, 1, 0 }, b[] = { 0, 1, 1 }, one[] = { 1 };
	struct programs_matrix m[] = { matrix(values[0], 1, a, 3), matrix(values[1], 2, one, 1), matrix(values[2], 3, b, 3) };
	struct programs_shared_options o = PROGRAMS_SHARED_DEFAULTS;
	int found[MATRICES][MOST];
	for (int reference = 0; reference < 2; reference++) {
		o.as_reference = reference;
		CHECK(sought(&o, m, 3, found) == 1);
		CHECK(found[0][0] == 1 && found[0][1] == 1 && found[1][0] == 1 && found[2][1] == 1 && found[2][2] == 1);
	}
	/* Beside one larger matrix only: where the reference fails. */
	o.as_reference = false;
	CHECK(sought(&o, m, 2, found) == 1 && found[0][0] == 1 && found[1][0] == 1);
	o.as_reference = true;
	CHECK(sought(&o, m, 2, found) == 0);
	/* Single columns alone are no programs. */
	CHECK(sought(&o, m + 1, 1, found) == 0);
}

UNIT(tree_of_programs)
{
	const int a[] = { 1, 0, 2, 1, 0, 2, -1 };
	struct programs_matrix m = matrix(values[0], 1, a, 7);
	struct programs_tree_options o = PROGRAMS_TREE_DEFAULTS;
	struct linkage_step step[6];
	uint32_t program[7];
	double height[7];
	bool prototype[7];
	for (int how = CORRELATION_PEARSON; how <= CORRELATION_KENDALL; how++) {
		o.correlation = how;
		o.height = how == CORRELATION_KENDALL ? 0.75 : 0.6;
		CHECK(programs_tree(&o, m.z, ROWS, 7, 2, step, program, height, prototype) == 2);
		for (size_t j = 0; j < 7; j++)
			CHECK(program[j] == (a[j] == 0 ? PROGRAM_NONE : a[j] == 2 ? 1 : 0));
		CHECK(prototype[0] + prototype[3] + prototype[6] == 1 && prototype[2] + prototype[5] == 1 && !prototype[1] && !prototype[4]);
		for (size_t j = 0; j < 7; j++)
			CHECK((height[j] > o.height) == (a[j] == 0));
	}
}

UNIT(genes_that_pass)
{
	const double log_p[] = { log(1e-9), log(1e-3), NAN, log(1e-8), log(1e-12), log(1e-7) }, fc[] = { 1, 1, 1, -0.3, 0.1, 0.25 };
	struct effects_options o = EFFECTS_DEFAULTS;
	uint32_t gene[6];
	CHECK(effects_select(&o, log_p, fc, NULL, 6, gene) == 3 && gene[0] == 0 && gene[1] == 3 && gene[2] == 5);
	o.top = 2;
	CHECK(effects_select(&o, log_p, fc, NULL, 6, gene) == 2 && gene[0] == 0 && gene[1] == 3);
	double z[] = { 50, NAN, -50, 3, 6, -5 };
	o.mask = true;
	CHECK(effects_prune(&o, z, 6, 4) == EFFECTS_KEPT);
	CHECK(z[0] == 37 && z[1] == 0 && z[2] == -37 && z[3] == 3 && z[4] == 0 && z[5] == -5);
	o.min_genes = 4;
	CHECK(effects_prune(&o, z, 6, UINT32_MAX) == EFFECTS_FEW_GENES);
	o.min_genes = 3;
	o.centre = o.scale = true;
	CHECK(effects_prune(&o, z, 6, UINT32_MAX) == EFFECTS_KEPT);
	double sum = 0, squares = 0;
	for (int i = 0; i < 6; i++) {
		sum += z[i];
		squares += z[i] * z[i];
	}
	CHECK_NEAR(sum, 0, 1e-14);
	CHECK_NEAR(squares, 5, 1e-14);
	double same[] = { 9, 9, 9, 9 };
	CHECK(effects_prune(&o, same, 4, UINT32_MAX) == EFFECTS_CONSTANT);
	CHECK(effects_z(log(0.05), -2) < -1.95 && effects_z(log(0.05), 0) == 0 && isnan(effects_z(NAN, 1)));
}

UNITS(RUN(factors_are_programs), RUN(a_matrix_without_the_factor_stands_aside), RUN(a_single_column_takes_part), RUN(tree_of_programs),
      RUN(genes_that_pass))
