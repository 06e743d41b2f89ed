#include "cli/evaluation.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

enum { AT_ONCE = 64 };

static void list_queries(struct evaluation *e, const struct pairing *p)
{
	bool *held_out = mem_zero(p->n_compounds, sizeof *held_out);
	size_t cap = 0, unit_cap = 0;
	for (size_t i = 0; i < e->drugs->n; i++)
		if (p->drug_part[i] == TRAINING_TEST)
			held_out[e->drugs->compound.code[i]] = true;
	for (uint32_t k = 0; k < e->targets->n; k++)
		for (uint32_t c = 0; c < p->n_compounds; c++) {
			if (!held_out[c] || p->label[k * p->n_compounds + c] != 1 || (p->new_target && !p->new_target[k]))
				continue;
			mem_room(&e->query, &cap, e->n_queries + 1, sizeof *e->query);
			mem_room(&e->unit, &unit_cap, e->n_queries + 1, sizeof *e->unit);
			e->unit[e->n_queries] = c;
			e->query[e->n_queries++] = (struct retrieval_query){ k, c };
		}
	mem_free(held_out);
}

struct evaluation *evaluation_new(const struct cli *c, const struct evaluation_options *o, const struct pairing *p, const struct signature_set *targets,
				  const struct signature_set *drugs)
{
	struct evaluation *e = mem_zero(1, sizeof *e);
	e->c = c;
	e->o = o;
	e->targets = targets;
	e->drugs = drugs;
	e->n_values = o->n_k + RETRIEVAL_N_METRICS - 1;
	e->candidate = mem_zero(drugs->n, 1);
	for (size_t i = 0; i < drugs->n; i++) {
		e->candidate[i] = p->drug_part[i] != PAIRING_NO_PART && (o->all_candidates || p->drug_part[i] == TRAINING_TEST);
		e->n_candidates += e->candidate[i];
	}
	list_queries(e, p);
	e->retrieval = (struct retrieval){ drugs->n, p->n_compounds, drugs->compound.code, e->candidate, p->self, p->label };
	if (!e->n_queries)
		cli_die("no target has a held-out compound that reverses it: there is nothing to judge by");
	return e;
}

void evaluation_free(struct evaluation *e)
{
	mem_free(e->candidate);
	mem_free(e->query);
	mem_free(e->unit);
	mem_free(e);
}

/* The queries of targets first .. first + n, whose scores stand row by row. */
static void measure(const struct evaluation *e, const double *score, size_t first, size_t n, double *out)
{
#pragma omp parallel for schedule(dynamic, 8) num_threads(e->c->threads)
	for (size_t i = 0; i < e->n_queries; i++) {
		size_t target = e->query[i].target;
		if (target >= first && target < first + n)
			retrieval_measure(&e->retrieval, &e->query[i], score + (target - first) * e->drugs->n, e->o->k, e->o->n_k, out + i * e->n_values);
	}
}

double *evaluation_embedding(const struct evaluation *e, const struct embedding *model)
{
	size_t width = model->shape.e, n = e->drugs->n;
	float *state = mem_array(e->targets->n * width, sizeof *state), *drug = mem_array(n * width, sizeof *drug);
	double *out = mem_array(e->n_queries * e->n_values, sizeof *out), *score = mem_array(n, sizeof *score);
	embedding_embed(model, NET_STATE, e->targets->row, e->targets->n, e->c->threads, state);
	embedding_embed(model, NET_DRUG, e->drugs->row, n, e->c->threads, drug);
	for (size_t k = 0; k < e->targets->n; k++) {
		embedding_score(state + k * width, drug, n, width, score);
		measure(e, score, k, 1, out);
	}
	mem_free(state);
	mem_free(drug);
	mem_free(score);
	return out;
}

/* The drugs as the scores read them, in slabs. */
static struct profile_slab *pack(const struct evaluation *e, struct profiles *p, uint32_t *n_measured)
{
	size_t n = e->drugs->n, d = e->drugs->d, width = profile_slab_width(d), n_slabs = (n + width - 1) / width;
	struct profile_slab *slab = mem_array(n_slabs, sizeof *slab);
	for (size_t k = 0; k < n_slabs; k++) {
		size_t first = k * width, here = n - first < width ? n - first : width;
		uint8_t *at = mem_aligned(d * profile_run_bytes(width, 8), 1);
		profile_pack(e->drugs->value + first * d, here, d, width, 8, e->c->threads, at, n_measured + first);
		slab[k] = (struct profile_slab){ first, here, width, at };
	}
	*p = (struct profiles){ .n = n, .n_genes = d, .value_size = 8, .slab = slab, .n_slabs = n_slabs, .n_measured = n_measured };
	return slab;
}

double *evaluation_score(const struct evaluation *e, int method)
{
	size_t d = e->drugs->d, n = e->drugs->n;
	if (d > PROFILE_MAX_GENES)
		cli_die("the scores of signatures are for up to %d genes; the model has %zu", PROFILE_MAX_GENES, d);
	double *out = mem_array(e->n_queries * e->n_values, sizeof *out), *score = mem_array(AT_ONCE * n, sizeof *score);
	uint32_t *n_measured = mem_array(n, sizeof *n_measured), *place = mem_array(d, sizeof *place);
	struct profiles profiles;
	struct profile_slab *slab = pack(e, &profiles, n_measured);
	struct score_options o = { method, 100 };
	for (uint32_t j = 0; j < d; j++)
		place[j] = j;
	for (size_t first = 0; first < e->targets->n; first += AT_ONCE) {
		size_t here = e->targets->n - first < AT_ONCE ? e->targets->n - first : AT_ONCE;
		struct query q[AT_ONCE];
		for (size_t i = 0; i < here; i++)
			query_init(&q[i], e->targets->value + (first + i) * d, place, d, d, false, e->o->n_genes);
		score_queries(&o, &profiles, q, here, e->c->threads, score, NULL);
		measure(e, score, first, here, out);
		for (size_t i = 0; i < here; i++)
			query_free(&q[i]);
	}
	for (size_t k = 0; k < profiles.n_slabs; k++) {
		void *at;
		memcpy(&at, &slab[k].at, sizeof at);
		mem_free(at);
	}
	mem_free(slab);
	mem_free(score);
	mem_free(n_measured);
	mem_free(place);
	return out;
}
