/*
 * The leading edge: the genes of a set that make its statistic (Subramanian et al. 2005). Of a positive one those down to the
 * block of the profile where the running sum is largest, of a negative one those from its lowest point on; for rges and
 * lamb those down to, or from, the gene where Lamb's a or b is taken. Of equal ends the first that is reached.
 */
#ifndef CONNECT_LEADING_EDGE_H
#define CONNECT_LEADING_EDGE_H
#include "connect/score.h"

bool leading_edge_of(int method);       /* does the method have one? The ensemble has gsea's. */
/*
 * Genes of set[0 .. n] in the leading edge of `signature`, the largest value of the profile first, into `out` (room for n);
 * returns their number: 0 where the profile has none of the set, or the statistic is 0 or cannot be had.
 */
size_t leading_edge(int method, const struct profiles *p, size_t signature, const uint32_t *set, size_t n, uint32_t *out);

#endif
