#include "connect/retrieval.h"
#include "num/random.h"
#include "base/mem.h"
#include "unit.h"

/* Five signatures of four compounds; target 0 is reversed by compounds 0 and 1. */
static const uint32_t compound[] = { 0, 0, 1, 2, 3 }, no_self[] = { UINT32_MAX }, k[] = { 1, 2, 3 };
static const uint8_t all[] = { 1, 1, 1, 1, 1 };
static const int8_t label[] = { 1, 1, 0, -1 };
static const struct retrieval_query first = { 0, 0 };

UNIT(ranks_by_hand)
{
	const struct retrieval r = { 5, 4, compound, all, no_self, label };
	const double score[] = { -3, 1, -9, -2, 0 };
	double out[6];
	/* The other reverser stands aside: ranks 1 and 4 of 4. */
	CHECK(retrieval_measure(&r, &first, score, k, 3, out) == 4);
	CHECK_NEAR(out[0], 0.5, 1e-15);
	CHECK_NEAR(out[2], 0.5, 1e-15);
	CHECK_NEAR(out[3], 1, 1e-15);
	CHECK_NEAR(out[4], 0.5, 1e-15);
	CHECK_NEAR(out[5], 0, 1e-15);
}

UNIT(ties_count_half_and_absent_scores_come_last)
{
	const struct retrieval r = { 5, 4, compound, all, no_self, label };
	const double same[] = { 1, 1, 1, 1, 1 }, absent[] = { NAN, NAN, 0, 5, 6 };
	double out[6];
	retrieval_measure(&r, &first, same, k, 3, out);
	CHECK_NEAR(out[1], 0, 1e-15);
	CHECK_NEAR(out[2], 1, 1e-15);
	CHECK_NEAR(out[3], 1 / 2.5, 1e-15);
	CHECK_NEAR(out[4], 0.5, 1e-15);
	CHECK(isnan(out[5]));
	retrieval_measure(&r, &first, absent, k, 3, out);
	CHECK_NEAR(out[4], 0, 1e-15);
	CHECK_NEAR(out[3], 1 / 3.5, 1e-15);
}

UNIT(what_stands_aside_is_not_seen)
{
	static const uint32_t self[] = { 0 };
	static const uint8_t some[] = { 1, 1, 0, 0, 1 }, own[] = { 1, 1, 0, 0, 0 };
	const double score[] = { 9, -1, 0, -5, 0 };
	double out[6];
	struct retrieval r = { 5, 4, compound, all, self, label };
	CHECK(retrieval_measure(&r, &first, score, k, 3, out) == 3);
	CHECK_NEAR(out[3], 0.5, 1e-15);
	r = (struct retrieval){ 5, 4, compound, some, self, label };
	CHECK(retrieval_measure(&r, &first, score, k, 3, out) == 2);
	CHECK_NEAR(out[3], 1, 1e-15);
	r = (struct retrieval){ 5, 4, compound, own, no_self, label };
	CHECK(retrieval_measure(&r, &first, score, k, 3, out) == 0);
	CHECK(isnan(out[0]) && isnan(out[4]));
}

/* The plain way: every pair compared, and Pearson's formula on ranks. */
UNIT(as_the_plain_way)
{
	enum { N = 60, C = 20 };
	uint32_t of[N];
	uint8_t here[N];
	int8_t labels[C];
	double score[N], out[3];
	for (uint32_t t = 0; t < 30; t++) {
		for (uint32_t i = 0; i < N; i++) {
			struct random4 r = random_words(1, 1, t, i);
			of[i] = r.v[0] % C;
			here[i] = r.v[1] % 4 != 0;
			score[i] = (double)(r.v[2] % 12);
			labels[i % C] = (int8_t)(r.v[3] % 3) - 1;
		}
		labels[3] = 1;
		const struct retrieval r = { N, C, of, here, no_self, labels };
		const struct retrieval_query q = { 0, 3 };
		double area = 0, sums[5] = { 0 }, n = 0, m = 0, others = 0;
		for (int i = 0; i < N; i++) {
			if (!here[i] || (of[i] != 3 && labels[of[i]] == 1))
				continue;
			double rank = 0.5, member = of[i] == 3;
			for (int j = 0; j < N; j++) {
				if (!here[j] || (of[j] != 3 && labels[of[j]] == 1))
					continue;
				double before = score[j] < score[i] ? 1 : score[j] == score[i] ? 0.5 : 0;
				rank += before;
				if (member == 1 && of[j] != 3) {
					area += 1 - before;
					others++;
				}
			}
			sums[0] += rank;
			sums[1] += rank * rank;
			sums[2] += rank * member;
			m += member;
			n++;
		}
		size_t got = retrieval_measure(&r, &q, score, NULL, 0, out);
		if (m == 0 || n == m) {
			CHECK(!got);
			continue;
		}
		CHECK(got == (size_t)n);
		CHECK_NEAR(out[1], area / others, 1e-12);
		CHECK_NEAR(out[2], -(sums[2] - sums[0] * m / n) / sqrt((sums[1] - sums[0] * sums[0] / n) * (m - m * m / n)), 1e-12);
	}
}

UNIT(intervals_of_the_bootstrap)
{
	enum { N = 400 };
	double value[2 * N];
	uint32_t unit[N];
	for (uint32_t i = 0; i < N; i++) {
		struct random4 r = random_words(4, 2, i, 0);
		double z[2];
		random_normal(&r, z);
		unit[i] = i / 2;
		value[2 * i] = z[0];
		value[2 * i + 1] = NAN;
	}
	struct retrieval_interval r = retrieval_bootstrap(value, 2, unit, N, N / 2, 4000, 0.95, 7);
	CHECK(r.n == N / 2);
	/* 200 means of two normal values: standard error 1 / sqrt(400). */
	CHECK_NEAR(r.upper - r.lower, 2 * 1.96 / 20, 0.02);
	CHECK(r.lower < r.value && r.value < r.upper);
	struct retrieval_interval again = retrieval_bootstrap(value, 2, unit, N, N / 2, 4000, 0.95, 7);
	CHECK(again.lower == r.lower && again.upper == r.upper);
	r = retrieval_bootstrap(value + 1, 2, unit, N, N / 2, 100, 0.95, 7);
	CHECK(r.n == 0 && isnan(r.value));
	/* A compound with many queries counts once. */
	const double few[] = { 1, 1, 1, 0 };
	const uint32_t of[] = { 0, 0, 0, 1 };
	CHECK_NEAR(retrieval_bootstrap(few, 1, of, 4, 2, 10, 0.9, 1).value, 0.5, 1e-15);
}

UNITS(RUN(ranks_by_hand), RUN(ties_count_half_and_absent_scores_come_last), RUN(what_stands_aside_is_not_seen), RUN(as_the_plain_way),
      RUN(intervals_of_the_bootstrap))
