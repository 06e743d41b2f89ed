#include "perturb/weighted_de.h"
#include "base/mem.h"
#include "num/random.h"
#include "unit.h"
#include <string.h>

enum { OWN = 30, CONTROL = 160, GENES = 8 };
enum { PLAIN, NOTHING, CONSTANT, OWN_ONLY, CONTROL_ONLY, ONE_COUNT, HUGE, OTHER };

struct counts {
	struct sparse_cols x;
	size_t start[GENES + 1];
	uint32_t row[GENES * CONTROL];
	double value[GENES * CONTROL];
};

static double count(size_t gene, bool own, uint32_t i)
{
	struct random4 r = random_words(gene, 3, i, own);
	switch (gene) {
	case NOTHING:
		return 0;
	case CONSTANT:
		return 4;
	case OWN_ONLY:
		return own;
	case CONTROL_ONLY:
		return !own;
	case ONE_COUNT:
		return !own && i == 7;
	case HUGE:
		return i % 40 == 3 ? 4e9 : i % 3;
	default:
		return random_negative_binomial(3, 0.5, random_unit53(&r, 0));
	}
}

static void fill(struct counts *c, bool own)
{
	size_t n = 0, rows = own ? OWN : CONTROL;
	c->start[0] = 0;
	for (size_t g = 0; g < GENES; g++) {
		for (uint32_t i = 0; i < rows; i++)
			if (count(g, own, i) > 0) {
				c->row[n] = i;
				c->value[n++] = count(g, own, i);
			}
		c->start[g + 1] = n;
	}
	c->x = (struct sparse_cols){ rows, GENES, c->start, c->row, c->value, n };
}

/* All genes, none filtered, one run or two; the caller frees. */
static struct weighted_de_result *tested(const double *weight, size_t n_runs, bool by_split)
{
	static struct counts own, control;
	double total[CONTROL], c[CONTROL];
	uint32_t own_run[OWN], group[CONTROL];
	const size_t order[2] = { 0, 1 };
	fill(&own, true);
	fill(&control, false);
	for (uint32_t i = 0; i < CONTROL; i++) {
		total[i] = 1000 + 37 * (i * 61 % 97);
		c[i] = log10(total[i]);
		group[i] = (uint32_t)(i % n_runs);
		if (i < OWN)
			own_run[i] = (uint32_t)(i % n_runs);
	}
	struct negbin_pool *pool = negbin_pool_new(&control.x, c, group, n_runs, 1);
	struct weighted_de_options o = { 0, 0, 0, by_split };
	struct weighted_de_input in = { .n_genes = GENES, .n_runs = n_runs, .controls = pool, .group = order, .own = &own.x, .own_run = own_run,
		.own_total = total, .weight = weight, .own_gene = UINT32_MAX };
	struct weighted_de_result *r = weighted_de_result_new(GENES, n_runs);
	weighted_de(&o, &in, 1, r);
	negbin_pool_free(pool);
	return r;
}

static bool is_finite(const struct weighted_de_result *r, size_t gene)
{
	bool all = true;
	for (size_t k = 0; k < r->n_runs; k++) {
		size_t at = gene * r->n_runs + k;
		all = all && isfinite(r->beta[at]) && r->se[at] > 0 && isfinite(r->se[at]) && r->log_p[at] <= 0;
	}
	return all;
}

UNIT(odd_genes_have_reasons)
{
	double weight[OWN];
	for (size_t i = 0; i < OWN; i++)
		weight[i] = i % 5 ? (double)(i % 7) / 3 : 0;
	for (size_t runs = 1; runs <= 2; runs++)
		for (int scored = 0; scored < 2; scored++) {
			struct weighted_de_result *r = tested(scored ? weight : NULL, runs, runs > 1);
			CHECK(r->n_tested == GENES);
			for (size_t g = 0; g < GENES; g++) {
				if (r->reason[g] == WDE_FITTED)
					CHECK(is_finite(r, g));
				CHECK(r->method[g] == (scored ? WDE_WEIGHTED : WDE_STANDARD));
			}
			CHECK(r->reason[PLAIN] == WDE_FITTED && r->reason[OTHER] == WDE_FITTED);
			CHECK(r->reason[CONSTANT] == WDE_FITTED && fabs(r->beta[CONSTANT * runs]) < 1e-12);
			CHECK(r->reason[NOTHING] != WDE_FITTED && r->reason[CONTROL_ONLY] != WDE_FITTED && r->reason[ONE_COUNT] != WDE_FITTED);
			/* Cells of the target with a weight of 0 have counts too. */
			CHECK(scored || r->reason[OWN_ONLY] == WDE_SEPARATION);
			weighted_de_result_free(r);
		}
}

UNIT(weights_of_zero_are_singular)
{
	double weight[OWN] = { 0 };
	for (size_t runs = 1; runs <= 2; runs++) {
		struct weighted_de_result *r = tested(weight, runs, runs > 1);
		for (size_t g = 0; g < GENES; g++) {
			CHECK(r->reason[g] == WDE_SINGULAR || r->reason[g] == WDE_NO_DISPERSION);
			for (size_t k = 0; k < runs; k++)
				CHECK(isnan(r->beta[g * runs + k]) && isnan(r->log_p[g * runs + k]));
		}
		weighted_de_result_free(r);
	}
}

UNITS(RUN(odd_genes_have_reasons), RUN(weights_of_zero_are_singular))
