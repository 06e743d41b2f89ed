/* Inside of connect: scores of PROFILE_LANES signatures at a time. */
#ifndef CONNECT_LANES_H
#define CONNECT_LANES_H
#include "connect/score.h"

/* Pairs to compare and exchange that sort n elements (Batcher's merge exchange; Knuth 5.2.2 M): first lanes of the elements. */
struct network {
	size_t n, n_pairs;
	uint32_t (*pair)[2];
};

/* Where a run of lanes is. */
struct lanes {
	const struct profiles *p;
	const struct profile_slab *slab;
	size_t from;                    /* in the slab */
	double n_measured[PROFILE_LANES];
	bool whole[PROFILE_LANES];      /* every gene of the reference has a value */
};

struct set_scratch;
struct set_scratch *set_scratch_new(const struct query *q, size_t n_queries, size_t n_genes);
void set_scratch_free(struct set_scratch *s);
/* Once for the lanes, before the queries. */
void set_lanes_begin(int method, const struct lanes *at, struct set_scratch *s);
/* out, overlap: PROFILE_LANES each. */
void set_lanes(int method, long n_extreme, const struct lanes *at, const struct query *q, struct set_scratch *s, double *out,
	       uint32_t *overlap);

/* Queries that weigh the same genes, their weights made ready. */
struct vector_group {
	size_t n, n_queries;
	const uint32_t *gene;
	const struct query **query;
	size_t *index;                  /* of each query among those scored */
	double *weight;                 /* queries x n: centred (ranks of) weights, or as they are for the cosine */
	double *norm;
};
struct vector_scratch;
struct vector_group *vector_groups(int method, const struct query *q, size_t n_queries, size_t *n_groups);
void vector_groups_free(struct vector_group *g, size_t n_groups);
struct vector_scratch *vector_scratch_new(size_t n_genes, size_t n_queries);
void vector_scratch_free(struct vector_scratch *s);
/* out[query * PROFILE_LANES + lane], overlap likewise, for the queries of the group. */
void vector_lanes(int method, const struct lanes *at, const struct vector_group *g, struct vector_scratch *s, double *out, uint32_t *overlap);

#endif
