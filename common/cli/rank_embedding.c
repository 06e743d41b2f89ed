#include "cli/rank_embedding.h"
#include "base/mem.h"
#include "cli/embedding_file.h"
#include "cli/signature_set.h"
#include <math.h>
#include <string.h>

struct rank_embedding {
	struct embedding_file *file;
	size_t n, n_genes, n_words;
	uint32_t *slot;                 /* of each gene of the reference: which gene of the model, or UINT32_MAX */
	float *drug;                    /* n x width */
	uint64_t *measured;             /* n x n_words: bits of the model's genes */
	const bool *keep;
	bool *embedded;
};

static void mark_measured(const double *value, size_t d, uint64_t *bits)
{
	for (size_t j = 0; j < d; j++)
		if (!isnan(value[j]))
			bits[j / 64] |= (uint64_t)1 << j % 64;
}

struct rank_embedding *rank_embedding_new(const struct cli *c, const char *model, const struct rank_reference *r, const struct rank_targets *t)
{
	struct rank_embedding *m = mem_zero(1, sizeof *m);
	m->file = embedding_file_read(model);
	const struct names *genes = m->file->genes;
	size_t d = genes->n, width = m->file->model->shape.e;
	mem_free(signature_columns(genes, t->schema, "the targets' stream", m->file->name));
	uint32_t *place = signature_reference_genes(genes, r->file, m->file->name);
	m->n = r->file->n;
	m->n_genes = r->file->n_genes;
	m->n_words = (d + 63) / 64;
	m->keep = r->keep;
	m->slot = mem_array(m->n_genes, sizeof *m->slot);
	memset(m->slot, 0xff, m->n_genes * sizeof *m->slot);
	for (uint32_t j = 0; j < d; j++)
		m->slot[place[j]] = j;
	m->drug = mem_array(m->n * width, sizeof *m->drug);
	m->measured = mem_zero(m->n * m->n_words, sizeof *m->measured);
	m->embedded = mem_array(m->n, sizeof *m->embedded);
	for (size_t k = 0, first = 0; k < r->file->n_slabs; first += (size_t)r->file->slab[k++].n) {
		size_t n = (size_t)r->file->slab[k].n;
		double *value = signature_reference_values(r->file, k, place, d);
		float *row = mem_array(n * d, sizeof *row);
		for (size_t i = 0; i < n; i++) {
			m->embedded[first + i] = embedding_row(value + i * d, d, true, row + i * d) == EMBEDDING_DONE;
			mark_measured(value + i * d, d, m->measured + (first + i) * m->n_words);
		}
		embedding_embed(m->file->model, NET_DRUG, row, n, c->threads, m->drug + first * width);
		mem_free(row);
		mem_free(value);
		if (r->profiles.done)
			r->profiles.done(r->profiles.with, k);
	}
	mem_free(place);
	return m;
}

void rank_embedding_free(struct rank_embedding *m)
{
	if (!m)
		return;
	embedding_file_free(m->file);
	mem_free(m->slot);
	mem_free(m->drug);
	mem_free(m->measured);
	mem_free(m->embedded);
	mem_free(m);
}

static uint32_t count_shared(const uint64_t *a, const uint64_t *b, size_t n)
{
	uint32_t shared = 0;
	for (size_t i = 0; i < n; i++)
		shared += (uint32_t)__builtin_popcountll(a[i] & b[i]);
	return shared;
}

void rank_embedding_scores(const struct cli *c, const struct rank_embedding *m, const struct query *q, size_t n_queries, double *score, uint32_t *overlap)
{
	const struct embedding *model = m->file->model;
	size_t d = model->shape.d, width = model->shape.e, n = m->n, words = m->n_words;
	float *row = mem_array(n_queries * d, sizeof *row), *state = mem_array(n_queries * width, sizeof *state);
	double *value = mem_array(d, sizeof *value);
	uint64_t *measured = mem_zero(n_queries * words, sizeof *measured);
	bool *embedded = mem_array(n_queries, sizeof *embedded);
	for (size_t i = 0; i < n_queries; i++) {
		for (size_t j = 0; j < d; j++)
			value[j] = q[i].list ? 0 : (double)NAN;
		for (size_t k = 0; k < q[i].n; k++)
			if (m->slot[q[i].gene[k]] != UINT32_MAX)
				value[m->slot[q[i].gene[k]]] = q[i].weight[k];
		embedded[i] = embedding_row(value, d, false, row + i * d) == EMBEDDING_DONE;
		mark_measured(value, d, measured + i * words);
	}
	embedding_embed(model, NET_STATE, row, n_queries, c->threads, state);
#pragma omp parallel for schedule(static) num_threads(c->threads)
	for (size_t i = 0; i < n_queries; i++) {
		embedding_score(state + i * width, m->drug, n, width, score + i * n);
		for (size_t s = 0; s < n; s++) {
			if (!embedded[i] || !m->embedded[s] || (m->keep && !m->keep[s]))
				score[i * n + s] = (double)NAN;
			if (overlap)
				overlap[i * n + s] = count_shared(measured + i * words, m->measured + s * words, words);
		}
	}
	mem_free(row);
	mem_free(state);
	mem_free(value);
	mem_free(measured);
	mem_free(embedded);
}
