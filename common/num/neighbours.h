/*
 * Exact nearest neighbours: squared Euclidean distances in double, summed
 * dimension by dimension; ties go to the lower index. A point that is its own
 * query finds itself.
 */
#ifndef NUM_NEIGHBOURS_H
#define NUM_NEIGHBOURS_H
#include <stddef.h>
#include <stdint.h>

struct neighbours;                      /* the points that are searched */

/* point: n x stride doubles, of which the first `dims` of each row count. */
struct neighbours *neighbours_new(const double *point, size_t n, size_t dims, size_t stride);
size_t neighbours_size(const struct neighbours *s);
/* out: the k nearest of each of n_queries, nearest first; k <= neighbours_size. */
void neighbours_find(const struct neighbours *s, const double *query, size_t n_queries, size_t stride, size_t k, int threads,
		     uint32_t *out);
void neighbours_free(struct neighbours *s);

#endif
