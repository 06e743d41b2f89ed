#include "connect/score.h"
#include "base/mem.h"
#include "connect/lanes.h"
#include <math.h>

enum { L = PROFILE_LANES };

bool score_uses_sets(int method)
{
	return method != SCORE_COSINE && method != SCORE_PEARSON && method != SCORE_SPEARMAN;
}

bool score_uses_weights(int method)
{
	return !score_uses_sets(method) || method == SCORE_ENSEMBLE;
}

unsigned score_parts(int method, bool gaps)
{
	switch (method) {
	case SCORE_WTCS: case SCORE_XSUM: case SCORE_ENSEMBLE: return PROFILE_ABOVE | PROFILE_UPTO | PROFILE_VALUE;
	case SCORE_ZHANG: return PROFILE_ABOVE | PROFILE_MAGNITUDE | PROFILE_VALUE;
	case SCORE_COSINE: case SCORE_PEARSON: return PROFILE_VALUE | (gaps ? PROFILE_ABOVE : 0);
	case SCORE_SPEARMAN: return PROFILE_ABOVE | PROFILE_UPTO | (gaps ? PROFILE_VALUE : 0);
	default: return PROFILE_ABOVE | PROFILE_UPTO;
	}
}

void score_genes(const struct score_options *o, const struct query *q, bool *used)
{
	for (size_t i = 0; i < q->n && score_uses_weights(o->method); i++)
		used[q->gene[i]] = true;
	for (size_t i = 0; i < q->n_up + q->n_down && score_uses_sets(o->method); i++)
		used[q->set[i]] = true;
}

void score_standardise(double *x, size_t n)
{
	double sum = 0, squares = 0, m = 0;
	for (size_t i = 0; i < n; i++)
		if (isfinite(x[i])) {
			sum += x[i];
			m++;
		}
	double mean = sum / m;
	for (size_t i = 0; i < n; i++)
		if (isfinite(x[i]))
			squares += (x[i] - mean) * (x[i] - mean);
	double sd = sqrt(squares / m);
	for (size_t i = 0; i < n; i++)
		if (isfinite(x[i]))
			x[i] = sd < 1e-12 ? 0 : (x[i] - mean) / sd;
}

struct room {
	struct set_scratch *sets;
	struct vector_scratch *vectors;
	double *score;                  /* queries x lanes */
	uint32_t *overlap;
};

static void place(const struct profiles *p, size_t first, size_t here, size_t query, const double *from, const uint32_t *overlap_from,
		  double *score, uint32_t *overlap)
{
	for (size_t l = 0; l < here; l++) {
		score[query * p->n + first + l] = p->keep && !p->keep[first + l] ? (double)NAN : from[l];
		if (overlap)
			overlap[query * p->n + first + l] = overlap_from[l];
	}
}

static void describe(struct lanes *at, size_t first, size_t here)
{
	for (size_t l = 0; l < L; l++) {
		uint32_t n = l < here ? at->p->n_measured[first + l] : 0;
		at->n_measured[l] = n;
		at->whole[l] = n == at->p->n_genes;
	}
}

/* Is any of these signatures to be scored? If not, they are done. */
static bool wanted(const struct profiles *p, size_t first, size_t here, size_t n_queries, double *score, uint32_t *overlap)
{
	for (size_t l = 0; l < here; l++)
		if (!p->keep || p->keep[first + l])
			return true;
	for (size_t i = 0; i < n_queries; i++)
		for (size_t l = 0; l < here; l++) {
			score[i * p->n + first + l] = (double)NAN;
			if (overlap)
				overlap[i * p->n + first + l] = 0;
		}
	return false;
}

/* Either all queries, or those in the groups. */
static void score_lanes(int method, long n_extreme, const struct lanes *at, size_t here, const struct query *q, size_t n_queries,
			const struct vector_group *group, size_t n_groups, struct room *room, double *score, uint32_t *overlap)
{
	size_t first = at->slab->first + at->from;
	if (n_queries)
		set_lanes_begin(method, at, room->sets);
	for (size_t i = 0; i < n_queries; i++) {
		set_lanes(method, n_extreme, at, &q[i], room->sets, room->score, room->overlap);
		place(at->p, first, here, i, room->score, room->overlap, score, overlap);
	}
	for (size_t g = 0; g < n_groups; g++) {
		vector_lanes(method, at, &group[g], room->vectors, room->score, room->overlap);
		for (size_t i = 0; i < group[g].n_queries; i++)
			place(at->p, first, here, group[g].index[i], room->score + i * L, room->overlap + i * L, score, overlap);
	}
}

static void score_method(int method, long n_extreme, const struct profiles *p, const struct query *q, size_t n_queries, int threads,
			 double *score, uint32_t *overlap)
{
	size_t n_groups = 0;
	struct vector_group *group = score_uses_sets(method) ? NULL : vector_groups(method, q, n_queries, &n_groups);
	size_t *walked = mem_zero(p->n_slabs, sizeof *walked);
#pragma omp parallel num_threads(threads)
	{
		struct room room = { .score = mem_array(n_queries * L, sizeof *room.score),
			.overlap = mem_array(n_queries * L, sizeof *room.overlap) };
		if (group)
			room.vectors = vector_scratch_new(p->n_genes, n_queries);
		else
			room.sets = set_scratch_new(q, n_queries, p->n_genes);
		for (size_t k = 0; k < p->n_slabs; k++) {
			const struct profile_slab *slab = &p->slab[k];
#pragma omp for schedule(dynamic, 8) nowait
			for (size_t from = 0; from < slab->n; from += L) {
				struct lanes at = { .p = p, .slab = slab, .from = from };
				size_t here = slab->n - from < L ? slab->n - from : L, first = slab->first + from;
				describe(&at, first, here);
				if (wanted(p, first, here, n_queries, score, overlap))
					score_lanes(method, n_extreme, &at, here, q, group ? 0 : n_queries, group, n_groups, &room, score, overlap);
				profile_walked(p, k, here, walked);
			}
		}
		if (room.sets)
			set_scratch_free(room.sets);
		if (room.vectors)
			vector_scratch_free(room.vectors);
		mem_free(room.score);
		mem_free(room.overlap);
	}
	vector_groups_free(group, n_groups);
	mem_free(walked);
}

void score_queries(const struct score_options *o, const struct profiles *p, const struct query *q, size_t n_queries, int threads,
		   double *score, uint32_t *overlap)
{
	if (o->method != SCORE_ENSEMBLE) {
		score_method(o->method, o->n_extreme, p, q, n_queries, threads, score, overlap);
		return;
	}
	double *other = mem_array(n_queries * p->n, sizeof *other);
	score_method(SCORE_GSEA, o->n_extreme, p, q, n_queries, threads, other, overlap);
	score_method(SCORE_PEARSON, o->n_extreme, p, q, n_queries, threads, score, NULL);
	for (size_t i = 0; i < n_queries; i++) {
		double *a = score + i * p->n, *b = other + i * p->n;
		score_standardise(a, p->n);
		score_standardise(b, p->n);
		for (size_t s = 0; s < p->n; s++)
			a[s] = (a[s] + b[s]) / 2;
	}
	mem_free(other);
}
