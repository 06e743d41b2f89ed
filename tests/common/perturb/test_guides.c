#include "unit.h"
#include "base/mem.h"
#include "num/random.h"
#include "perturb/guides.h"
#include <string.h>

static struct guides_call call(const struct guides_rule *rule, size_t n, const uint32_t *count)
{
	static const uint32_t guide[] = { 3, 5, 8 };
	return guides_call(rule, guide, count, n);
}

#define COUNTS(...) (uint32_t[]){ __VA_ARGS__ }

UNIT(the_largest_count)
{
	const struct guides_rule rule = { .method = GUIDES_MAX, .min_umi = 2 };
	struct guides_call c = call(&rule, 3, COUNTS(2, 9, 4));
	CHECK(c.guide == 5 && c.reason == GUIDES_ASSIGNED && c.umi == 9 && c.total == 15);
	CHECK(call(&rule, 3, COUNTS(9, 1, 2)).guide == 3 && call(&rule, 3, COUNTS(1, 1, 2)).guide == 8);
	c = call(&rule, 3, COUNTS(7, 1, 7));
	CHECK(c.guide == UINT32_MAX && c.reason == GUIDES_TIE && c.umi == 0 && c.total == 15);
	CHECK(call(&rule, 3, COUNTS(7, 7, 8)).guide == 8);
	CHECK(call(&rule, 2, COUNTS(1, 1)).reason == GUIDES_BELOW_THRESHOLD);
	CHECK(call(&rule, 0, NULL).reason == GUIDES_NO_COUNTS && call(&rule, 2, COUNTS(0, 0)).reason == GUIDES_NO_COUNTS);
}

UNIT(a_fixed_threshold)
{
	const struct guides_rule rule = { .method = GUIDES_THRESHOLD, .min_umi = 5, .min_share = 0.25 };
	CHECK(call(&rule, 3, COUNTS(15, 4, 1)).guide == 3);
	CHECK(call(&rule, 3, COUNTS(15, 5, 0)).reason == GUIDES_MULTIPLE);
	CHECK(call(&rule, 3, COUNTS(15, 5, 1)).guide == 3);
	CHECK(call(&rule, 3, COUNTS(4, 4, 4)).reason == GUIDES_BELOW_THRESHOLD);
}

UNIT(limits_of_a_mixture)
{
	double limit[9] = { 0 };
	limit[3] = 5;
	limit[5] = 20;
	limit[8] = INFINITY;
	const struct guides_rule rule = { .method = GUIDES_MIXTURE, .min_umi = 1, .limit = limit };
	CHECK(call(&rule, 3, COUNTS(5, 19, 3)).guide == 3);
	CHECK(call(&rule, 3, COUNTS(5, 20, 3)).reason == GUIDES_MULTIPLE);
	CHECK(call(&rule, 3, COUNTS(4, 19, 3)).reason == GUIDES_BELOW_THRESHOLD);
	CHECK(call(&rule, 3, COUNTS(1, 1, 3)).reason == GUIDES_NO_FIT);
}

/* 9 of 10 cells have background alone, 1 + Poisson(0.3); the others 2^Normal(7, 1). */
static void draw(struct guides_counts *c, size_t n, bool backwards)
{
	uint32_t *count = mem_array(n, sizeof *count);
	for (size_t i = 0; i < n; i++) {
		struct random4 uniform = random_words(7, 1, i, 0), words = random_words(7, 2, i, 0);
		double u = random_unit(uniform.v[0]), p = exp(-0.3), sum = p, normal[2];
		random_normal(&words, normal);
		count[i] = 1;
		while (u > sum && count[i] < 20) {
			p *= 0.3 / count[i]++;
			sum += p;
		}
		if (i % 10 == 0)
			count[i] = (uint32_t)lround(exp2(7 + normal[0]));
	}
	memset(c, 0, sizeof *c);
	for (size_t i = 0; i < n; i++)
		guides_count(c, count[backwards ? n - 1 - i : i]);
	mem_free(count);
}

UNIT(the_mixture_finds_the_signal_and_depends_on_no_order)
{
	struct guides_counts a, b;
	draw(&a, 20000, false);
	draw(&b, 20000, true);
	struct guides_mixture m = guides_fit(&a), other = guides_fit(&b);
	CHECK_NEAR(m.share, 0.1, 0.005);
	CHECK_NEAR(m.mean, 7, 0.1);
	CHECK_NEAR(m.sd, 1, 0.1);
	CHECK(m.limit > 4 && m.limit < 20 && m.rounds < 1000);
	CHECK(!memcmp(&m, &other, sizeof m));
	mem_free(a.large);
	mem_free(b.large);
}

UNIT(what_has_no_fit)
{
	struct guides_counts c = { 0 };
	CHECK(isinf(guides_fit(&c).limit));
	for (int i = 0; i < 50; i++)
		guides_count(&c, 1);
	CHECK(isinf(guides_fit(&c).limit));
	/* Signal alone: nothing to tell it from. */
	memset(&c, 0, sizeof c);
	for (uint32_t i = 0; i < 50; i++)
		guides_count(&c, 100 + i);
	CHECK(isinf(guides_fit(&c).limit));
}

UNIT(the_target_in_the_name_of_a_guide)
{
	static const char *const name[][2] = {
		{ "STAT1g2", "STAT1" }, { "STAT1_2", "STAT1" }, { "STAT1-12", "STAT1" }, { "STAT1_g2", "STAT1" }, { "HLA-A-1", "HLA-A" },
		{ "NTg10", "NT" }, { "g1", "g1" }, { "_1", "_1" }, { "12", "12" }, { "STAT1", "STAT1" }, { "IFNG", "IFNG" }, { "", "" },
	};
	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		CHECK(guides_target_length(name[i][0]) == strlen(name[i][1]));
}

UNITS(RUN(the_largest_count), RUN(a_fixed_threshold), RUN(limits_of_a_mixture), RUN(the_mixture_finds_the_signal_and_depends_on_no_order),
      RUN(what_has_no_fit), RUN(the_target_in_the_name_of_a_guide))
