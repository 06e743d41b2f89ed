#include "perturb/weak_guides.h"
#include "unit.h"

UNIT(a_guide_of_four_by_hand)
{
	struct guide_share g[] = {
		/* 20 cells, 10 answer, none of the five of guide 7: C(15, 10) / C(20, 10). */
		{ .target = 1, .guide = 7, .n_cells = 5, .n_ko = 0 }, { .target = 1, .guide = 8, .n_cells = 15, .n_ko = 10 },
		{ .target = 2, .guide = 1, .n_cells = 9, .n_ko = 3 },
		{ .target = 3, .guide = 2, .n_cells = 9, .n_ko = 0 }, { .target = 3, .guide = 3, .n_cells = 9, .n_ko = 0 },
		{ .target = 4, .guide = 4, .n_cells = 0, .n_ko = 0 }, { .target = 4, .guide = 5, .n_cells = 6, .n_ko = 6 },
	};
	weak_guides_test(g, 7);
	CHECK(g[0].reason == WEAK_GUIDE_TESTED && g[0].weak && g[0].share == 0);
	CHECK_NEAR(g[0].share_others, 2 / 3.0, 1e-15);
	CHECK_RELATIVE(g[0].p, 3003 / 184756.0, 1e-12);
	CHECK_RELATIVE(g[0].q, 2 * 3003 / 184756.0, 1e-12);
	CHECK_NEAR(g[1].p, 1, 1e-12);
	CHECK(!g[1].weak);
	CHECK(g[2].reason == WEAK_GUIDE_ONLY_GUIDE && isnan(g[2].p) && isnan(g[2].share_others) && !g[2].weak);
	CHECK(g[3].reason == WEAK_GUIDE_NO_ANSWER && isnan(g[3].q) && !g[3].weak);
	CHECK(g[5].reason == WEAK_GUIDE_NOT_CLASSIFIED && isnan(g[5].share));
	CHECK(g[6].reason == WEAK_GUIDE_ONLY_GUIDE);
}

/* Few against fewer: unlikely, but over half. */
UNIT(half_of_the_others_is_not_weak)
{
	struct guide_share g[] = { { .n_cells = 1000, .n_ko = 400 }, { .guide = 1, .n_cells = 1000, .n_ko = 700 } };
	weak_guides_test(g, 2);
	CHECK(g[0].q < 1e-20 && !g[0].weak);
	weak_guides_test(g, 0);
}

UNITS(RUN(a_guide_of_four_by_hand), RUN(half_of_the_others_is_not_weak))
