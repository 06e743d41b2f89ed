#include "unit.h"
#include "connect/class_enrichment.h"
#include <string.h>

static const double weight[] = { 5, 4, 3, 3, 2, 1, 1, 2, 3, 4 };

/* The running sum, place by place. */
static double plain_gsea(const struct class_ranking *r, const uint32_t *place, size_t m)
{
	double total = 0, sum = 0, best = 0, worst = 0;
	for (size_t i = 0; i < m; i++)
		total += r->weight[place[i]];
	for (uint32_t at = 0; at < r->n; at++) {
		bool hit = false;
		for (size_t i = 0; i < m; i++)
			hit |= place[i] == at;
		sum += hit ? r->weight[at] / total : -1 / (double)(r->n - m);
		best = fmax(best, sum);
		worst = fmin(worst, sum);
	}
	return best >= -worst - 1e-12 ? best : worst;
}

UNIT(running_sum_equals_the_plain_one)
{
	struct class_ranking r = { 10, weight, 0.9 };
	for (unsigned mask = 1; mask < 1023; mask++) {
		uint32_t place[10];
		size_t m = 0, edge;
		for (uint32_t i = 0; i < 10; i++)
			if (mask >> i & 1)
				place[m++] = i;
		CHECK_NEAR(class_gsea(&r, place, m, &edge), plain_gsea(&r, place, m), 1e-12);
		CHECK(edge <= m);
	}
	size_t edge;
	CHECK_NEAR(class_gsea(&r, (uint32_t[]){ 0, 1, 9 }, 3, &edge), 9.0 / 13, 1e-12);
	CHECK(edge == 2);
	CHECK_NEAR(class_gsea(&r, (uint32_t[]){ 8, 9 }, 2, &edge), -1, 1e-12);
	CHECK(edge == 2);
}

UNIT(overlap_weighs_the_top)
{
	struct class_ranking r = { 10, weight, 0.5 };
	/* Depth 1: 2 x 1 / 2, then X = 1 of d + 1 each. */
	double want = 0, power = 1;
	for (int d = 1; d <= 10; d++, power /= 2)
		want += 0.5 * power * 2 / (d + 1);
	CHECK_NEAR(class_rbo(&r, (uint32_t[]){ 0 }, 1), want, 1e-15);
	CHECK(class_rbo(&r, (uint32_t[]){ 1 }, 1) < want);
}

UNIT(random_classes_are_uniform_and_the_same_for_any_threads)
{
	enum { N = 4000 };
	static double one[N], many[N];
	double rank[10];
	for (int i = 0; i < 10; i++)
		rank[i] = i + 1;
	/* With one member the statistic says where it is. */
	struct class_ranking r = { 10, rank, 0.5 };
	class_null(&r, CLASS_RBO, 1, 7, N, 1, one);
	class_null(&r, CLASS_RBO, 1, 7, N, 3, many);
	CHECK(!memcmp(one, many, sizeof one));
	for (uint32_t at = 0; at < 10; at++) {
		double value = class_rbo(&r, &at, 1);
		int n = 0;
		for (int k = 0; k < N; k++)
			n += fabs(one[k] - value) < 1e-12;
		CHECK(n > 300 && n < 500);
	}
	CHECK_NEAR(class_p(CLASS_RBO, 1e9, one, N), 1.0 / (N + 1), 1e-15);
	CHECK_NEAR(class_p(CLASS_RBO, 0, one, N), 1, 1e-15);
}

UNIT(fisher_of_known_tables)
{
	struct class_table t = class_fisher(10, 47, 10, 200);
	CHECK(isinf(t.odds_ratio));
	CHECK_RELATIVE(exp(t.log_p), 2.3063853535145373e-07, 1e-12);
	t = class_fisher(17, 47, 50, 200);
	CHECK_RELATIVE(t.odds_ratio, 17.0 * 120 / (33 * 30), 1e-14);
	CHECK_RELATIVE(exp(t.log_p), 0.036045352900309566, 1e-12);
	CHECK_NEAR(class_fisher(0, 36, 10, 200).log_p, 0, 1e-15);
}

UNITS(RUN(running_sum_equals_the_plain_one), RUN(overlap_weighs_the_top), RUN(random_classes_are_uniform_and_the_same_for_any_threads),
      RUN(fisher_of_known_tables))
