#include "../../unit.h"
#include "base/mem.h"
#include "num/comoments.h"
#include "num/random.h"
#include <string.h>

enum { N = 300, ROWS = 2500 };

/* Values far from 0 that vary little: what products of the values themselves would lose. */
static double at(size_t row, size_t g)
{
	return 1e6 + (double)g + (double)(random_words(1, 2, row, (uint32_t)(g % 7)).v[0] % 1000) * 1e-3 * (double)(1 + g % 5);
}

static struct comoments *of_rows(size_t from, size_t to, const double *bound, int threads)
{
	struct packed *p = packed_new(N);
	struct comoments *m = comoments_new(N);
	uint32_t col[N];
	double value[N];
	for (size_t r = from; r < to; r++) {
		for (uint32_t g = 0; g < N; g++) {
			col[g] = g;
			value[g] = at(r, g);
		}
		packed_add(p, col, value, N);
	}
	packed_end(p);
	comoments_add(m, p, bound, threads);
	packed_free(p);
	return m;
}

static void unbounded(double *bound)
{
	for (size_t g = 0; g < N; g++)
		bound[g] = INFINITY;
}

UNIT(means_and_products_far_from_0)
{
	double bound[N], mean[N] = { 0 };
	unbounded(bound);
	struct comoments *m = of_rows(0, ROWS, bound, 2);
	for (size_t g = 0; g < N; g++) {
		for (size_t r = 0; r < ROWS; r++)
			mean[g] += at(r, g) - 1e6;
		mean[g] = 1e6 + mean[g] / ROWS;
		CHECK_RELATIVE(m->mean[g], mean[g], 1e-14);
	}
	CHECK(m->rows == ROWS);
	for (size_t g = 0; g < N; g += 13)
		for (size_t h = g; h < N; h += 29) {
			double sum = 0, a = comoments_product(m, g, g), b = comoments_product(m, h, h);
			for (size_t r = 0; r < ROWS; r++)
				sum += (at(r, g) - mean[g]) * (at(r, h) - mean[h]);
			CHECK_NEAR(comoments_product(m, g, h), sum, 1e-9 * sqrt(a * b));
			CHECK(comoments_product(m, h, g) == comoments_product(m, g, h));
		}
	comoments_free(m);
}

UNIT(parts_join_to_the_whole)
{
	static const size_t cut[] = { 0, 1, 700, 701, 2100, ROWS };
	double bound[N], step[N];
	unbounded(bound);
	struct comoments *whole = of_rows(0, ROWS, bound, 1), *sum = comoments_new(N);
	for (size_t i = 0; i + 1 < sizeof cut / sizeof *cut; i++) {
		struct comoments *part = of_rows(cut[i], cut[i + 1], bound, 1);
		comoments_join(sum, part->rows, part->mean, step);
		for (size_t g = N; g-- > 0; )
			for (size_t h = g; h < N; h++)
				comoments_join_product(sum, h, g, comoments_product(part, g, h), step);
		if (!i)
			CHECK(!memcmp(sum->mean, part->mean, sizeof bound));
		comoments_free(part);
	}
	CHECK(sum->rows == whole->rows);
	for (size_t g = 0; g < N; g++) {
		CHECK_RELATIVE(sum->mean[g], whole->mean[g], 1e-14);
		for (size_t h = g; h < N; h++)
			CHECK_NEAR(comoments_product(sum, g, h), comoments_product(whole, g, h),
				   1e-9 * sqrt(comoments_product(whole, g, g) * comoments_product(whole, h, h)));
	}
	comoments_free(whole);
	comoments_free(sum);
}

UNIT(threads_change_no_bit)
{
	double bound[N];
	for (size_t g = 0; g < N; g++)
		bound[g] = 1e6 + (double)g + 0.3;
	struct comoments *a = of_rows(0, ROWS, bound, 1), *b = of_rows(0, ROWS, bound, 3);
	for (size_t g = 0; g < N; g++) {
		/* min(x, bound), as the values are above 0. */
		CHECK(a->mean[g] <= bound[g]);
		CHECK(!memcmp(a->product + g * N + g, b->product + g * N + g, (N - g) * sizeof(double)));
	}
	CHECK(!memcmp(a->mean, b->mean, N * sizeof(double)));
	comoments_free(a);
	comoments_free(b);
}

UNITS(RUN(means_and_products_far_from_0), RUN(parts_join_to_the_whole), RUN(threads_change_no_bit))
