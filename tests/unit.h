/*
 * Unit tests in C: each test_*.c is a program that speaks TAP.
 *
 *	UNIT(sums_in_order) { CHECK(sum == 3); CHECK_NEAR(a, b, 1e-12); }
 *	UNITS(sums_in_order, ...)
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static bool unit_failed;
static const char *unit_skipped;

#define UNIT(name) static void name(void)
#define CHECK(condition) do { \
	if (!(condition)) { \
		unit_failed = true; \
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
	} } while (0)
#define CHECK_NEAR(a, b, limit) do { \
	double unit_a = (a), unit_b = (b); \
	if (!(fabs(unit_a - unit_b) <= (limit)) && !(isnan(unit_a) && isnan(unit_b)) && !(isinf(unit_a) && unit_a == unit_b)) { \
		unit_failed = true; \
		printf("# %s:%d: %s = %.17g, %s = %.17g\n", __FILE__, __LINE__, #a, unit_a, #b, unit_b); \
	} } while (0)
#define CHECK_RELATIVE(a, b, limit) CHECK_NEAR((a) / (b), 1.0, limit)
#define SKIP(reason) do { unit_skipped = (reason); return; } while (0)

struct unit {
	const char *name;
	void (*run)(void);
};

static int unit_main(const struct unit *units, int n)
{
	int failed = 0;
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		unit_failed = false;
		unit_skipped = NULL;
		units[i].run();
		printf("%s %d %s%s%s\n", unit_failed ? "not ok" : "ok", i + 1, units[i].name, unit_skipped ? " # skip " : "",
		       unit_skipped ? unit_skipped : "");
		failed += unit_failed;
	}
	return failed != 0;
}

#define RUN(name) { #name, name }
#define UNITS(...) int main(void) { \
	static const struct unit units[] = { __VA_ARGS__ }; \
	return unit_main(units, (int)(sizeof units / sizeof *units)); }
#endif
