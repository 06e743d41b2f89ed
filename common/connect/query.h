/*
 * A target as the kernels take it: its genes in the order of the reference.
 * A dense target weighs the genes that it measured; the others have no part. A
 * list names genes that go up (weight > 0) or down (< 0), and says of all others that
 * they do not change: their weight is 0.
 *
 * Sets: of a dense target the n_genes with the largest positive and the
 * n_genes with the smallest negative weight (equal weights: the gene that comes
 * first in the target); of a list all.
 */
#ifndef CONNECT_QUERY_H
#define CONNECT_QUERY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct query {
	size_t n_up, n_down;
	uint32_t *set;                  /* genes: up, then down, each strongest first */
	double *strength;               /* |weight| of each */
	bool list;
	size_t n;                       /* genes with a weight, in the reference's order */
	uint32_t *gene;
	double *weight;
};

/*
 * weight[i] (NaN: none) of target gene i, which is gene place[i] of the reference (UINT32_MAX: not there; no
 * place twice).
 */
void query_init(struct query *q, const double *weight, const uint32_t *place, size_t n_target, size_t n_genes, bool list, long set_size);
void query_free(struct query *q);
/*
 * The same query with its gene labels permuted among the genes that it weighs: number `draw` of `seed`.
 * Queries over the same genes with sets of the same sizes get the same sets. (Counter-based: num/random.h.)
 */
void query_permuted(struct query *out, const struct query *q, uint64_t seed, uint32_t draw);

#endif
