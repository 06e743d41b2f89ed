/*
 * Hierarchical clustering from distances. The two nearest clusters are joined
 * until one is left, where the distance of G and H is
 *
 *	minimax   min over x of G and H together of max over y of both of d(x, y);
 *	          the x (the first of equals) is the prototype of the new cluster
 *	          (Bien and Tibshirani 2011, JASA 106, 1075)
 *	single    min over x of G, y of H of d(x, y); no prototype
 *
 * Ties: the pair with the smaller max over x of G, y of H of d(x, y), then the
 * one whose clusters have the lower first members. Neither distance ever falls
 * by joining, so heights do not decrease.
 */
#ifndef STATS_LINKAGE_H
#define STATS_LINKAGE_H
#include <stddef.h>
#include <stdint.h>

enum linkage_method { LINKAGE_MINIMAX, LINKAGE_SINGLE };

/* What was joined, as R's hclust writes it: -i is point i (from 1), +s the cluster of step s; points first, lower first. */
struct linkage_step {
	int64_t joined[2];
	double height;
	uint32_t prototype;             /* from 0; UINT32_MAX without one */
	uint32_t n;                     /* members */
};

/* d: n x n, symmetric, without NaN. Writes n - 1 steps. Memory: 3 n x n doubles. */
void linkage(enum linkage_method method, const double *d, size_t n, struct linkage_step *step);
/*
 * Clusters that are joined at `height` or below: cluster[i] of point i, numbered from 0 in the order of their first
 * members, and (where prototype is not NULL) the prototype of i's cluster. Returns their number.
 */
size_t linkage_cut(const struct linkage_step *step, size_t n, double height, uint32_t *cluster, uint32_t *prototype);

#endif
