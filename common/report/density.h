/*
 * Distributions of values that come one at a time, in little memory: counts in bins of width 2^-k, which are joined two
 * by two when the values need more than DENSITY_BINS of them. The bins do not depend on the order of the values.
 */
#ifndef REPORT_DENSITY_H
#define REPORT_DENSITY_H
#include <stddef.h>
#include <stdint.h>
#include "stats/moments.h"

enum { DENSITY_BINS = 512, DENSITY_FINEST = -8 };       /* bins begin with a width of 2^-8 */

struct density {
	struct moments moments;
	double low, high;               /* smallest and largest value */
	int power;                      /* bins are 2^power wide; bin i holds [i, i + 1) 2^power */
	int64_t first, last;            /* bins used; the ring of bins has bin i in place i mod DENSITY_BINS */
	uint32_t *bin;                  /* NULL without values */
};

/* A finite value. */
void density_add(struct density *d, double v);
void density_free(struct density *d);
/* Value below which a share q of the values is, to a bin (inside of which values are taken for evenly spread); NaN without values. */
double density_quantile(const struct density *d, double q);
/*
 * Gaussian kernel density at n points, of area 1, into out. Bandwidth of Silverman (1986, 3.31): 0.9 min(sd, IQR / 1.34) n^(-1/5),
 * at least a bin. One value, or values all equal, have no density: 0.
 */
void density_curve(const struct density *d, const double *at, size_t n, double *out);

#endif
