#include "stats/adjust.h"
#include "base/mem.h"
#include <math.h>
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

void adjust_bh(const double *log_p, double *out, size_t n, size_t stride)
{
	struct test *t = mem_array(n, sizeof *t);
	size_t m = 0;
	for (size_t i = 0; i < n; i++)
		if (isnan(log_p[i * stride]))
			out[i * stride] = NAN;
		else
			t[m++] = (struct test){ log_p[i * stride], i * stride };
	qsort(t, m, sizeof *t, by_p);
	double least = 0;
	for (size_t k = m; k-- > 0; ) {
		least = fmin(least, t[k].p + log((double)m / (double)(k + 1)));
		out[t[k].at] = least;
	}
	mem_free(t);
}
