#include "cli/projections.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A gene of the screen, and where it stands in one of the parts. */
struct use {
	uint32_t gene, part, place, first;      /* first: of the part's components among all */
};

static int by_gene(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	return x->gene != y->gene ? (x->gene > y->gene) - (x->gene < y->gene) : (x->part > y->part) - (x->part < y->part);
}

void projections_add(struct projections *p, const char *target, const uint32_t *gene, const struct target_components *t)
{
	mem_room(&p->at, &p->cap, p->n + 1, sizeof *p->at);
	struct projection_part *part = &p->at[p->n++];
	*part = (struct projection_part){ target, mem_array(t->n_genes, sizeof *gene), *t };
	memcpy(part->gene, gene, t->n_genes * sizeof *gene);
	p->width += t->k;
}

void projections_free(struct projections *p)
{
	for (size_t i = 0; i < p->n; i++) {
		mem_free(p->at[i].gene);
		target_components_free(&p->at[i].components);
	}
	mem_free(p->at);
}

static struct use *uses_of(const struct projections *p, size_t *n)
{
	size_t room = 0, first = 0;
	for (size_t i = 0; i < p->n; i++)
		room += p->at[i].components.n_genes;
	struct use *use = mem_array(room, sizeof *use);
	*n = 0;
	for (uint32_t i = 0; i < p->n; i++) {
		for (uint32_t k = 0; k < p->at[i].components.n_genes; k++)
			use[(*n)++] = (struct use){ p->at[i].gene[k], i, k, (uint32_t)first };
		first += p->at[i].components.k;
	}
	if (*n)
		qsort(use, *n, sizeof *use, by_gene);
	return use;
}

/* Cells are cut into ranges, each worked on by one thread. */
static void add_genes(const struct projections *p, const struct use *use, size_t n_use, const double *value, size_t n_cells, int threads,
		      double *score)
{
	enum { RANGE = 64 };
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1 && n_cells > RANGE)
	for (size_t from = 0; from < n_cells; from += RANGE) {
		size_t n = n_cells - from < RANGE ? n_cells - from : RANGE, gene = 0;
		for (size_t u = 0; u < n_use; u++) {
			gene += u && use[u].gene != use[u - 1].gene;
			target_components_add(&p->at[use[u].part].components, use[u].place, value + gene * n_cells + from, n,
					      score + from * p->width + use[u].first, p->width);
		}
	}
}

void projections_scores(const struct cli *c, const struct projections *p, struct screen *s, const struct cell_group *g, double *score)
{
	enum { LITTLE = 16 << 20 };     /* is always there */
	uint64_t held = screen_held(s), left = c->memory > held + LITTLE ? c->memory - held : LITTLE;
	size_t n_use, per_gene = (g->n + s->controls.n) * sizeof(double), most = left / (per_gene ? per_gene : 1);
	struct use *use = uses_of(p, &n_use);
	uint32_t *gene = mem_array(n_use, sizeof *gene);
	double *value = NULL;
	size_t room = 0;
	memset(score, 0, g->n * p->width * sizeof *score);
	for (size_t from = 0, to; from < n_use; from = to) {
		size_t n_genes = 0;
		for (to = from; to < n_use; to++) {
			if (to > from && use[to].gene == use[to - 1].gene)
				continue;
			if (n_genes && n_genes >= most)
				break;
			gene[n_genes++] = use[to].gene;
		}
		mem_room(&value, &room, n_genes * g->n, sizeof *value);
		screen_signature_genes(s, gene, n_genes, c->threads);
		screen_signature_values(s, g, c->threads, value);
		add_genes(p, use + from, to - from, value, g->n, c->threads, score);
	}
	for (size_t i = 0; i < g->n; i++) {
		bool whole = true;
		for (size_t j = 0; j < p->width && whole; j++)
			whole = !isnan(score[i * p->width + j]);
		for (size_t j = 0; j < p->width && !whole; j++)
			score[i * p->width + j] = NAN;
	}
	mem_free(value);
	mem_free(use);
	mem_free(gene);
}
