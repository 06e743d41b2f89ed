#include "num/neighbours.h"
#include "base/mem.h"
#include "num/vector.h"
#include <math.h>

enum { LANES = 8, CHUNK = 512 };        /* points whose distances are held at a time */

struct neighbours {
	size_t n, dims, padded;
	double *coordinate;             /* dims x padded: all first coordinates, all second ones, ... */
};

struct neighbours *neighbours_new(const double *point, size_t n, size_t dims, size_t stride)
{
	struct neighbours *s = mem_zero(1, sizeof *s);
	s->n = n;
	s->dims = dims;
	s->padded = (n + LANES - 1) / LANES * LANES;
	s->coordinate = mem_array(dims * s->padded, sizeof *s->coordinate);
	for (size_t d = 0; d < dims; d++)
		for (size_t i = 0; i < s->padded; i++)
			s->coordinate[d * s->padded + i] = i < n ? point[i * stride + d] : INFINITY;
	return s;
}

size_t neighbours_size(const struct neighbours *s)
{
	return s->n;
}

void neighbours_free(struct neighbours *s)
{
	if (!s)
		return;
	mem_free(s->coordinate);
	mem_free(s);
}

/* Squared distances of points first .. first + n (a multiple of LANES) from one query. */
VECTOR_CLONES
static void distances(const struct neighbours *s, const double *query, size_t first, size_t n, double *out)
{
	for (size_t i = 0; i < n; i += LANES) {
		vec8 sum = vec8_set(0);
		for (size_t d = 0; d < s->dims; d++) {
			vec8 gap = vec8_load(s->coordinate + d * s->padded + first + i) - query[d];
			sum += gap * gap;
		}
		vec8_store(out + i, sum);
	}
}

/* best: distances so far, ascending; points come in order, so an equal distance goes behind. */
static void keep(double *best, uint32_t *index, size_t k, double d, uint32_t point)
{
	size_t i = k - 1;
	for (; i > 0 && best[i - 1] > d; i--) {
		best[i] = best[i - 1];
		index[i] = index[i - 1];
	}
	best[i] = d;
	index[i] = point;
}

static void find_one(const struct neighbours *s, const double *query, size_t k, double *best, uint32_t *out)
{
	double d[CHUNK];
	for (size_t i = 0; i < k; i++) {
		best[i] = INFINITY;
		out[i] = UINT32_MAX;
	}
	for (size_t first = 0; first < s->padded; first += CHUNK) {
		size_t n = s->padded - first < CHUNK ? s->padded - first : CHUNK;
		distances(s, query, first, n, d);
		for (size_t i = 0; i < n; i++)
			if (d[i] < best[k - 1])
				keep(best, out, k, d[i], (uint32_t)(first + i));
	}
}

void neighbours_find(const struct neighbours *s, const double *query, size_t n_queries, size_t stride, size_t k, int threads,
		     uint32_t *out)
{
#pragma omp parallel num_threads(threads) if (threads > 1)
	{
		double *best = mem_array(k, sizeof *best);
#pragma omp for schedule(dynamic, 32)
		for (size_t q = 0; q < n_queries; q++)
			find_one(s, query + q * stride, k, best, out + q * k);
		mem_free(best);
	}
}
