#include "stats/adjust.h"
#include "base/mem.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct test {
	double p;
	size_t at;
};

static int by_p(const void *pa, const void *pb)
{
	const struct test *a = pa, *b = pb;
	return a->p < b->p ? -1 : a->p > b->p;
}

static void adjust(const double *p, double *out, size_t n, size_t stride, bool logs)
{
	struct test *t = mem_array(n, sizeof *t);
	size_t m = 0;
	for (size_t i = 0; i < n; i++)
		if (isnan(p[i * stride]))
			out[i * stride] = (double)NAN;
		else
			t[m++] = (struct test){ p[i * stride], i * stride };
	if (m)
		qsort(t, m, sizeof *t, by_p);
	double least = logs ? 0 : 1;
	for (size_t k = m; k-- > 0; ) {
		double here = logs ? t[k].p + log((double)m / (double)(k + 1)) : t[k].p * (double)m / (double)(k + 1);
		least = here < least ? here : least;
		out[t[k].at] = least;
	}
	mem_free(t);
}

void adjust_bh(const double *p, double *out, size_t n)
{
	adjust(p, out, n, 1, false);
}

void adjust_bh_log(const double *log_p, double *out, size_t n, size_t stride)
{
	adjust(log_p, out, n, stride, true);
}
