#include "cli/rank_scores.h"
#include "base/mem.h"
#include "connect/compat.h"
#include "connect/summary.h"
#include <math.h>
#include <string.h>

enum { MOST_AT_ONCE = 64 };

static size_t at_once(uint64_t memory, const struct rank_reference *r, size_t per_signature)
{
	uint64_t fit = memory / (per_signature * (r->file->n + 1));
	return fit < 1 ? 1 : fit > MOST_AT_ONCE ? MOST_AT_ONCE : (size_t)fit;
}

size_t rank_scores_batch(const struct cli *c, const struct rank_options *o, const struct rank_reference *r)
{
	size_t bytes = sizeof(double) + sizeof(uint32_t);
	bool two = o->score.method == SCORE_ENSEMBLE || o->embedding;
	bytes += o->permutations ? sizeof(double) + sizeof(uint32_t) : 0;
	bytes += o->background ? sizeof(double) + sizeof(uint32_t) : 0;
	bytes += (r->unit == RANK_SIGNATURE ? 0 : 3 * sizeof(double)) + (two ? sizeof(double) : 0);
	return at_once(o->permutations ? c->memory / 2 : c->memory / 4 * 3, r, bytes);
}

/*
 * What is tested. Genes move together, so a query whose genes do has larger scores everywhere than random genes
 * have: a score is compared in units of the mean magnitude of all scores of its query. Summaries of NCS are so already.
 */
static void make_comparable(const struct rank_options *o, const struct rank_reference *r, const double *stat, double *tested)
{
	size_t n = rank_reference_units(r);
	double scale = o->normalise && r->unit == RANK_SIGNATURE ? summary_mean_magnitude(stat, n) : 1;
	for (size_t u = 0; u < n; u++)
		tested[u] = scale > 0 ? stat[u] / scale : stat[u];
}

/* What is ranked, from the scores of the signatures; ncs may be the place of the scores. */
static void summarise(const struct cli *c, const struct rank_options *o, const struct rank_reference *r, const double *score, double *ncs,
		      double *stat)
{
	if (r->unit == RANK_SIGNATURE) {
		memcpy(stat, score, r->file->n * sizeof *stat);
		return;
	}
	rank_reference_summarise(r, o->normalise ? ncs : score, c->threads, stat);
}

/* What is standardised over the signatures says nothing of one alone. */
static void drop_alone(double *score, size_t n)
{
	size_t scored = 0;
	for (size_t i = 0; i < n; i++)
		scored += isfinite(score[i]) != 0;
	for (size_t i = 0; i < n && scored < 2; i++)
		score[i] = (double)NAN;
}

/* overlap may be NULL. */
static void score_all(const struct cli *c, const struct rank_options *o, const struct rank_reference *r, const struct query *q, size_t n, double *score,
		      uint32_t *overlap)
{
	size_t m = r->file->n;
	if (!o->embedding || o->blend < 1)
		score_queries(&o->score, &r->profiles, q, n, c->threads, score, overlap);
	for (size_t i = 0; i < n && o->score.method == SCORE_ENSEMBLE && (!o->embedding || o->blend < 1); i++)
		drop_alone(score + i * m, m);
	if (!o->embedding)
		return;
	double *learned = o->blend < 1 ? mem_array(n * m, sizeof *learned) : score;
	rank_embedding_scores(c, o->embedding, q, n, learned, o->blend < 1 ? NULL : overlap);
	for (size_t i = 0; i < n && learned != score; i++) {
		double *a = score + i * m, *b = learned + i * m;
		score_standardise(a, m);
		score_standardise(b, m);
		for (size_t s = 0; s < m; s++)
			a[s] = (1 - o->blend) * a[s] + o->blend * b[s];
	}
	if (learned != score)
		mem_free(learned);
}

struct rank_scores *rank_scores_new(const struct cli *c, const struct rank_options *o, const struct rank_reference *r, const struct query *q,
				    size_t n)
{
	struct rank_scores *s = mem_zero(1, sizeof *s);
	size_t m = s->n_signatures = r->file->n, units = s->n_units = rank_reference_units(r);
	s->n = n;
	s->score = mem_array(n * m, sizeof *s->score);
	s->overlap = mem_array(n * m, sizeof *s->overlap);
	/* Signatures are ranked by what they are scored with: no need for copies. */
	s->shared = r->unit == RANK_SIGNATURE;
	s->ncs = s->shared && !o->background ? NULL : mem_array(n * m, sizeof *s->ncs);
	s->stat = s->shared ? s->score : mem_array(n * units, sizeof *s->stat);
	s->unit_ncs = s->shared ? s->ncs : mem_array(n * units, sizeof *s->unit_ncs);
	s->tested = o->permutations ? mem_array(n * units, sizeof *s->tested) : NULL;
	s->exceeding = o->permutations ? mem_zero(n * units, sizeof *s->exceeding) : NULL;
	s->below = o->background ? mem_zero(n * units, sizeof *s->below) : NULL;
	for (size_t t = 0; t < n && o->compat; t++)
		compat_scores(o->score.method, &r->profiles, &q[t], c->threads, s->score + t * m, s->overlap + t * m);
	if (!o->compat)
		score_all(c, o, r, q, n, s->score, s->overlap);
#pragma omp parallel for num_threads(c->threads) schedule(dynamic) if (s->shared)
	for (size_t t = 0; t < n; t++) {
		for (size_t i = t * m; i < (t + 1) * m; i++)
			if (s->overlap[i] < (uint32_t)o->min_overlap || !isfinite(s->score[i]))
				s->score[i] = (double)NAN;
		if (s->ncs)
			summary_normalise(s->score + t * m, r->stratum, m, r->n_strata, s->ncs + t * m);
		if (!s->shared) {
			summarise(c, o, r, s->score + t * m, s->ncs + t * m, s->stat + t * units);
			rank_reference_summarise(r, s->ncs + t * m, c->threads, s->unit_ncs + t * units);
		}
		if (s->tested)
			make_comparable(o, r, s->stat + t * units, s->tested + t * units);
	}
	return s;
}

void rank_scores_free(struct rank_scores *s)
{
	mem_free(s->score);
	mem_free(s->ncs);
	mem_free(s->overlap);
	mem_free(s->shared ? NULL : s->stat);
	mem_free(s->tested);
	mem_free(s->shared ? NULL : s->unit_ncs);
	mem_free(s->exceeding);
	mem_free(s->below);
	mem_free(s);
}

/* Do the same random queries serve both? */
static bool same_null(const struct score_options *o, const struct query *a, const struct query *b)
{
	size_t m = a->n_up + a->n_down;
	if (a->n != b->n || a->n_up != b->n_up || a->n_down != b->n_down || a->list != b->list || memcmp(a->gene, b->gene, a->n * sizeof *a->gene))
		return false;
	if (o->method == SCORE_ZHANG && memcmp(a->strength, b->strength, m * sizeof *a->strength))
		return false;
	return !score_uses_weights(o->method) || !memcmp(a->weight, b->weight, a->n * sizeof *a->weight);
}

/* The null queries of one kind of target, compared with all targets of that kind. */
static void null_of(const struct cli *c, const struct rank_options *o, const struct rank_reference *r, const struct query *model,
		    const size_t *target, size_t n_targets, struct rank_scores *s)
{
	size_t m = s->n_signatures, units = s->n_units, batch = at_once(c->memory / 2, r, 2 * sizeof(double));
	double *score = mem_array(batch * m, sizeof *score), *ncs = mem_array(m, sizeof *ncs), *stat = mem_array(units, sizeof *stat);
	struct query *q = mem_array(batch, sizeof *q);
	for (size_t first = 0; first < (size_t)o->permutations; first += batch) {
		size_t here = (size_t)o->permutations - first < batch ? (size_t)o->permutations - first : batch;
#pragma omp parallel for num_threads(c->threads) schedule(dynamic)
		for (size_t i = 0; i < here; i++)
			query_permuted(&q[i], model, c->seed, (uint32_t)(first + i));
		score_all(c, o, r, q, here, score, NULL);
		for (size_t i = 0; i < here; i++) {
			if (r->unit != RANK_SIGNATURE)
				summary_normalise(score + i * m, r->stratum, m, r->n_strata, ncs);
			summarise(c, o, r, score + i * m, ncs, stat);
			make_comparable(o, r, stat, stat);
#pragma omp parallel for num_threads(c->threads) schedule(static)
			for (size_t t = 0; t < n_targets; t++)
				summary_count_at_least(stat, s->tested + target[t] * units, units, s->exceeding + target[t] * units);
			query_free(&q[i]);
		}
	}
	mem_free(score);
	mem_free(ncs);
	mem_free(stat);
	mem_free(q);
}

void rank_scores_null(const struct cli *c, const struct rank_options *o, const struct rank_reference *r, const struct query *q,
		      struct rank_scores *s)
{
	bool *done = mem_zero(s->n, sizeof *done);
	size_t *target = mem_array(s->n, sizeof *target);
	for (size_t t = 0; t < s->n; t++) {
		size_t n = 0;
		for (size_t u = t; u < s->n && !done[t]; u++)
			if (!done[u] && same_null(&o->score, &q[t], &q[u]))
				target[n++] = u;
		for (size_t i = 0; i < n; i++)
			done[target[i]] = true;
		if (n && q[t].n)
			null_of(c, o, r, &q[t], target, n, s);
	}
	s->n_null = (size_t)o->permutations;
	mem_free(done);
	mem_free(target);
}

void rank_scores_background(const struct cli *c, const struct rank_reference *r, const double *score, struct rank_scores *s)
{
	size_t m = s->n_signatures, units = s->n_units;
	double *own = mem_array(m, sizeof *own), *ncs = mem_array(m, sizeof *ncs), *stat = mem_array(units, sizeof *stat);
	for (size_t i = 0; i < m; i++)
		own[i] = r->keep[i] ? score[i] : (double)NAN;
	summary_normalise(own, r->stratum, m, r->n_strata, ncs);
	rank_reference_summarise(r, ncs, c->threads, stat);
	for (size_t t = 0; t < s->n; t++)
		summary_count_below(stat, s->unit_ncs + t * units, units, s->below + t * units);
	s->n_background++;
	mem_free(own);
	mem_free(ncs);
	mem_free(stat);
}
