#include "num/neighbours.h"
#include "num/random.h"
#include "unit.h"

enum { N = 1500, Q = 40, D = 7, K = 12 };

static double coordinate(uint32_t stream, uint64_t i)
{
	struct random4 r = random_words(5, stream, i, 0);
	/* Few different values, so that distances tie. */
	return (double)(r.v[0] % 4);
}

UNIT(equals_the_plain_search_with_ties_by_index)
{
	static double point[N * D], query[Q * D];
	static uint32_t found[Q * K], again[Q * K];
	for (size_t i = 0; i < N * D; i++)
		point[i] = coordinate(1, i);
	for (size_t i = 0; i < Q * D; i++)
		query[i] = coordinate(2, i);
	struct neighbours *s = neighbours_new(point, N, D, D);
	neighbours_find(s, query, Q, D, K, 1, found);
	neighbours_find(s, query, Q, D, K, 3, again);
	for (size_t q = 0; q < Q; q++) {
		bool taken[N] = { false };
		for (size_t k = 0; k < K; k++) {
			double best = INFINITY;
			uint32_t at = 0;
			for (uint32_t i = 0; i < N; i++) {
				double sum = 0;
				for (size_t d = 0; d < D; d++)
					sum += (point[i * D + d] - query[q * D + d]) * (point[i * D + d] - query[q * D + d]);
				if (!taken[i] && sum < best) {
					best = sum;
					at = i;
				}
			}
			taken[at] = true;
			CHECK(found[q * K + k] == at);
			CHECK(again[q * K + k] == at);
		}
	}
	neighbours_free(s);
}

UNIT(a_point_finds_itself_and_stride_is_obeyed)
{
	double point[5 * 3] = { 0, 0, 9, 1, 0, 9, 2, 0, 9, 3, 0, 9, 4, 0, 9 };
	uint32_t found[5 * 2];
	struct neighbours *s = neighbours_new(point, 5, 2, 3);
	CHECK(neighbours_size(s) == 5);
	neighbours_find(s, point, 5, 3, 2, 1, found);
	for (uint32_t i = 0; i < 5; i++)
		CHECK(found[2 * i] == i);
	CHECK(found[1] == 1 && found[3] == 0 && found[5] == 1);
	neighbours_free(s);
}

UNITS(RUN(equals_the_plain_search_with_ties_by_index), RUN(a_point_finds_itself_and_stride_is_obeyed))
