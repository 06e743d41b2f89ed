/*
 * Count, mean and sum of squared deviations, updated one value at a time (Welford 1962) and merged (Chan, Golub and
 * LeVeque 1983): values that are all equal have a variance of exactly 0, whatever their size.
 */
#ifndef STATS_MOMENTS_H
#define STATS_MOMENTS_H

struct moments {
	double n, sum, mean, squares;
};

static inline void moments_add(struct moments *m, double x)
{
	double d = x - m->mean;
	m->n += 1;
	m->sum += x;
	m->mean += d / m->n;
	m->squares += d * (x - m->mean);
}

static inline struct moments moments_merge(struct moments a, struct moments b)
{
	double n = a.n + b.n, d = b.mean - a.mean;
	if (!(b.n > 0))
		return a;
	if (!(a.n > 0))
		return b;
	return (struct moments){ n, a.sum + b.sum, a.mean + d * b.n / n, a.squares + b.squares + d * d * a.n * b.n / n };
}

/* As the sum over n, which finds the ties between means of counts; but exact where all values are equal. */
static inline double moments_mean(const struct moments *m)
{
	return m->squares > 0 ? m->sum / m->n : m->mean;
}

#endif
