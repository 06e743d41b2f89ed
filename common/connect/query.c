#include "connect/query.h"
#include "base/mem.h"
#include "num/random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Stands for the draws of null queries among the streams of random numbers. */
enum { STREAM_NULL_QUERY = 0x71756572 };

struct candidate {
	double weight;
	uint32_t order, gene;
};

static int stronger(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	double s = fabs(x->weight), t = fabs(y->weight);
	return s > t ? -1 : s < t ? 1 : x->order < y->order ? -1 : x->order > y->order;
}

/* The strongest with the sign of `sign`, appended to the set. */
static size_t choose(struct query *q, size_t at, struct candidate *c, size_t n, double sign, size_t most)
{
	size_t m = 0;
	for (size_t i = 0; i < n; i++)
		if (c[i].weight * sign > 0) {
			struct candidate t = c[m];
			c[m++] = c[i];
			c[i] = t;
		}
	if (m)
		qsort(c, m, sizeof *c, stronger);
	m = m < most ? m : most;
	for (size_t i = 0; i < m; i++) {
		q->set[at + i] = c[i].gene;
		q->strength[at + i] = fabs(c[i].weight);
	}
	return m;
}

void query_init(struct query *q, const double *weight, const uint32_t *place, size_t n_target, size_t n_genes, bool list, long set_size)
{
	double *by_gene = mem_array(n_genes, sizeof *by_gene);
	struct candidate *c = mem_array(n_target, sizeof *c);
	size_t n = 0;
	for (size_t g = 0; g < n_genes; g++)
		by_gene[g] = list ? 0 : (double)NAN;
	for (size_t i = 0; i < n_target; i++)
		if (place[i] != UINT32_MAX && !isnan(weight[i])) {
			by_gene[place[i]] = weight[i];
			c[n++] = (struct candidate){ weight[i], (uint32_t)i, place[i] };
		}
	*q = (struct query){ .list = list, .set = mem_array(n, sizeof *q->set), .strength = mem_array(n, sizeof *q->strength),
		.gene = mem_array(n_genes, sizeof *q->gene), .weight = mem_array(n_genes, sizeof *q->weight) };
	size_t most = list || set_size <= 0 ? n : (size_t)set_size;
	q->n_up = choose(q, 0, c, n, 1, most);
	q->n_down = choose(q, q->n_up, c, n, -1, most);
	for (size_t g = 0; g < n_genes; g++)
		if (!isnan(by_gene[g])) {
			q->gene[q->n] = (uint32_t)g;
			q->weight[q->n++] = by_gene[g];
		}
	mem_free(by_gene);
	mem_free(c);
}

void query_free(struct query *q)
{
	mem_free(q->set);
	mem_free(q->strength);
	mem_free(q->gene);
	mem_free(q->weight);
	*q = (struct query){ 0 };
}

void query_permuted(struct query *out, const struct query *q, uint64_t seed, uint32_t draw)
{
	size_t n = q->n, m = q->n_up + q->n_down;
	*out = *q;
	out->set = mem_array(m, sizeof *out->set);
	out->strength = mem_array(m, sizeof *out->strength);
	out->gene = mem_array(n, sizeof *out->gene);
	out->weight = mem_array(n, sizeof *out->weight);
	memcpy(out->strength, q->strength, m * sizeof *out->strength);
	memcpy(out->gene, q->gene, n * sizeof *out->gene);
	memcpy(out->gene, q->gene, n * sizeof *out->gene);
	uint32_t *order = mem_array(n, sizeof *order);
	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	for (size_t i = 0; i + 1 < n; i++) {
		struct random4 r = random_words(seed, STREAM_NULL_QUERY, draw, (uint32_t)i);
		size_t j = i + random_below(r.v[0], (uint32_t)(n - i));
		uint32_t t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
	for (size_t i = 0; i < m; i++)
		out->set[i] = q->gene[order[i]];
	/* The genes of the sets carry the weights that they had; the rest follows in the reference's order. */
	uint32_t *slot = mem_array(n, sizeof *slot), *index = mem_array(n ? q->gene[n - 1] + (size_t)1 : 1, sizeof *index);
	bool *in_set = mem_zero(n, sizeof *in_set);
	for (size_t i = 0; i < n; i++)
		index[q->gene[i]] = (uint32_t)i;
	for (size_t i = 0; i < m; i++) {
		slot[i] = index[q->set[i]];
		in_set[slot[i]] = true;
	}
	size_t at = m;
	for (size_t i = 0; i < n; i++)
		if (!in_set[i])
			slot[at++] = (uint32_t)i;
	for (size_t i = 0; i < n; i++)
		out->weight[order[i]] = q->weight[slot[i]];
	mem_free(order);
	mem_free(slot);
	mem_free(index);
	mem_free(in_set);
}
