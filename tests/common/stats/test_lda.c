#include "stats/lda.h"
#include "base/mem.h"
#include "num/random.h"
#include "unit.h"
#include <string.h>

enum { P = 4, G = 3, EACH = 14, N = G * EACH };

/* Three classes of normal values with means apart, and correlated. */
static void rows(double *x)
{
	for (size_t i = 0; i < N; i++) {
		double z[4];
		struct random4 a = random_words(7, 1, i, 0), b = random_words(7, 1, i, 1);
		random_normal(&a, z);
		random_normal(&b, z + 2);
		x[i * P] = z[0] + (i / EACH == 1 ? 1.5 : 0);
		x[i * P + 1] = z[0] * 0.7 + z[1] + (i / EACH == 2 ? 1 : 0);
		x[i * P + 2] = 3 * z[2];
		x[i * P + 3] = 0.01 * z[3] + (i / EACH == 2 ? 0.01 : 0);
	}
}

static struct lda *learned(const double *x, size_t p, size_t classes, size_t without)
{
	struct lda *l = lda_new(p, classes);
	double *own = mem_array(EACH * p, sizeof *own);
	for (size_t c = 0; c < G; c++) {
		size_t n = 0;
		for (size_t i = c * EACH; i < (c + 1) * EACH; i++)
			if (i != without)
				memcpy(own + n++ * p, x + i * p, p * sizeof *own);
		lda_learn(l, c, own, n);
	}
	mem_free(own);
	CHECK(lda_settle(l) == LDA_DONE);
	return l;
}

UNIT(left_out_is_learned_without)
{
	double x[N * P], posterior[N * G], at[P], p[G];
	uint32_t class[N];
	rows(x);
	for (uint32_t i = 0; i < N; i++)
		class[i] = i / EACH;
	struct lda *l = learned(x, P, G, SIZE_MAX);
	CHECK(l->rank == 2 && l->rank_within == P);
	lda_leave_one_out(l, x, class, N, 2, posterior);
	for (size_t i = 0; i < N; i++) {
		struct lda *m = learned(x, P, G, i);
		memcpy(m->prior, l->prior, sizeof p);
		lda_place(m, x + i * P, 1, 1, at, p);
		for (size_t k = 0; k < G; k++)
			CHECK_NEAR(posterior[i * G + k], p[k], 1e-12);
		lda_free(m);
	}
	lda_free(l);
}

UNIT(units_and_copies_of_variables_change_nothing)
{
	double x[N * P], y[N * (P + 1)], at[N * P], p[N * G], q[N * G];
	rows(x);
	for (size_t i = 0; i < N; i++) {
		for (size_t j = 0; j < P; j++)
			y[i * (P + 1) + j] = x[i * P + j] * (double)(j + 1) * 5 - 3;
		y[i * (P + 1) + P] = x[i * P] - x[i * P + 1];
	}
	struct lda *l = learned(x, P, G, SIZE_MAX), *m = learned(y, P + 1, G, SIZE_MAX);
	CHECK(m->rank_within == P);
	lda_place(l, x, N, 1, at, p);
	double sum = 0;
	for (size_t i = 0; i < N; i++)
		sum += at[i * 2];
	CHECK_NEAR(sum, 0, 1e-10);
	lda_place(m, y, N, 3, at, q);
	for (size_t i = 0; i < N * G; i++)
		CHECK_NEAR(p[i], q[i], 1e-10);
	for (size_t j = 0; j < l->rank; j++) {
		double most = 0;
		for (size_t i = 0; i < P; i++)
			most = fabs(l->scaling[i * l->rank + j]) > fabs(most) ? l->scaling[i * l->rank + j] : most;
		CHECK(most > 0);
	}
	lda_free(l);
	lda_free(m);
}

/* Two classes in one variable: the logistic curve by hand. */
UNIT(one_variable_by_hand)
{
	double a[] = { 0, 1, 2 }, b[] = { 4, 5, 6, 7, 8 }, x = 3.3, at, p[3];
	struct lda *l = lda_new(1, 3);
	lda_learn(l, 0, a, 3);
	lda_learn(l, 2, b, 5);
	CHECK(lda_settle(l) == LDA_DONE);
	double variance = (2 + 10) / 6.0;
	double odds = 3.0 / 5 * exp((-(x - 1) * (x - 1) + (x - 6) * (x - 6)) / 2 / variance);
	lda_place(l, &x, 1, 1, &at, p);
	CHECK_NEAR(p[0], odds / (1 + odds), 1e-14);
	CHECK(p[1] == 0);
	CHECK_NEAR(at, (x - 33 / 8.0) / sqrt(variance), 1e-14);
	x = NAN;
	lda_place(l, &x, 1, 1, &at, p);
	CHECK(isnan(at) && isnan(p[0]) && isnan(p[1]));
	lda_free(l);
}

UNIT(what_cannot_be_learned)
{
	double x[] = { 1, 1, 1, 1 }, y[] = { 0, 1, 2, 0, 1, 2 }, p[2];
	struct lda *l = lda_new(1, 2);
	lda_learn(l, 0, x, 4);
	CHECK(lda_settle(l) == LDA_FEW_CLASSES);
	lda_free(l);
	l = lda_new(1, 2);
	lda_learn(l, 0, x, 1);
	lda_learn(l, 1, y, 1);
	CHECK(lda_settle(l) == LDA_FEW_ROWS);
	lda_free(l);
	l = lda_new(1, 2);
	lda_learn(l, 0, x, 2);
	lda_learn(l, 1, x, 2);
	CHECK(lda_settle(l) == LDA_NO_SPREAD);
	lda_free(l);
	l = lda_new(1, 2);
	lda_learn(l, 0, y, 3);
	lda_learn(l, 1, y + 3, 3);
	CHECK(lda_settle(l) == LDA_SAME_MEANS);
	lda_free(l);
	/* A class of one cannot do without it. */
	l = lda_new(1, 2);
	lda_learn(l, 0, y, 3);
	lda_learn(l, 1, y + 2, 1);
	CHECK(lda_settle(l) == LDA_DONE);
	uint32_t one = 1, none = UINT32_MAX;
	lda_leave_one_out(l, y + 2, &one, 1, 1, p);
	CHECK(isnan(p[0]) && isnan(p[1]));
	p[0] = 0.25;
	lda_leave_one_out(l, y + 2, &none, 1, 1, p);
	CHECK(p[0] == 0.25);
	lda_free(l);
}

UNITS(RUN(left_out_is_learned_without), RUN(units_and_copies_of_variables_change_nothing), RUN(one_variable_by_hand), RUN(what_cannot_be_learned))
