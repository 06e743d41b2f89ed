#include "report/programs.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

static size_t find_layer(const struct pmx_schema *s, struct err *e)
{
	static const char *const name[] = { "weights", "X" };
	for (size_t i = 0; i < 2; i++) {
		size_t f = pmx_find(s, PMX_LAYER, name[i]);
		if (f != PMX_NO_FIELD)
			return f;
	}
	for (size_t f = 0; f < s->n_fields; f++)
		if (s->field[f].class == PMX_LAYER && s->field[f].storage == PMX_DENSE && s->field[f].type != PMX_U32)
			return f;
	err_set(e, "the stream of programmes has no layer of real numbers");
	return PMX_NO_FIELD;
}

static double value(const struct pmx_column *c, size_t i)
{
	double v = c->type == PMX_F32 ? (double)c->f32[i] : c->f64[i];
	return isfinite(v) ? v : NAN;
}

/* Row r in doubles, whether stored dense or sparse. */
static int row(struct pmx_block *b, const struct pmx_schema *s, size_t layer, size_t r, double *out, struct err *e)
{
	size_t n = s->n_columns;
	if (s->field[layer].storage == PMX_DENSE) {
		const struct pmx_column *c = pmx_block_column(b, s, layer, e);
		if (!c)
			return -1;
		for (size_t g = 0; g < n; g++)
			out[g] = value(c, r * n + g);
		return 0;
	}
	const struct pmx_sparse *m = pmx_block_sparse(b, s, layer, e);
	if (!m)
		return -1;
	memset(out, 0, n * sizeof *out);
	for (size_t i = m->start[r]; i < m->start[r + 1]; i++)
		out[m->col[i]] = m->type == PMX_F64 ? m->f64[i] : m->type == PMX_F32 ? (double)m->f32[i] : (double)m->u32[i];
	return 0;
}

/* One gene after another from each row in turn. */
static void choose(struct programs *p, const double *all, size_t n_columns)
{
	bool *taken = mem_zero(n_columns, sizeof *taken);
	uint32_t *gene = mem_array(PROGRAMS_GENES, sizeof *gene);
	for (bool any = true; any && p->n_genes < PROGRAMS_GENES; ) {
		any = false;
		for (size_t i = 0; i < p->n && p->n_genes < PROGRAMS_GENES; i++) {
			size_t best = SIZE_MAX;
			for (size_t g = 0; g < n_columns; g++) {
				double v = fabs(all[i * n_columns + g]);
				if (!taken[g] && v > 0 && (best == SIZE_MAX || v > fabs(all[i * n_columns + best])))
					best = g;
			}
			if (best == SIZE_MAX)
				continue;
			taken[best] = any = true;
			gene[p->n_genes++] = (uint32_t)best;
		}
	}
	p->gene = mem_array(p->n_genes, sizeof *p->gene);
	p->weight = mem_array(p->n * p->n_genes, sizeof *p->weight);
	for (size_t k = 0; k < p->n_genes; k++) {
		p->gene[k] = p->names->at[gene[k]];
		for (size_t i = 0; i < p->n; i++)
			p->weight[i * p->n_genes + k] = all[i * n_columns + gene[k]];
	}
	mem_free(taken);
	mem_free(gene);
}

struct programs *programs_read(struct pmx_reader *r, struct err *e)
{
	const struct pmx_schema *s = pmx_reader_schema(r);
	size_t layer = find_layer(s, e), names = pmx_find(s, PMX_OBS, s->row_names), cap = 0;
	if (layer != PMX_NO_FIELD && s->field[layer].storage == PMX_RECIPE)
		err_set(e, "layer '%s' is computed; programmes are stored numbers", s->field[layer].name);
	struct programs *p = mem_zero(1, sizeof *p);
	p->file = mem_text(pmx_reader_name(r));
	p->names = pmx_column_names(s);
	p->name = mem_array(PROGRAMS_ROWS, sizeof *p->name);
	double *all = NULL;
	struct pmx_block *b;
	int more = e->set ? -1 : 0;
	while (!more && (more = pmx_next(r, &b, e)) > 0) {
		more = 0;
		for (size_t i = 0; i < b->n_rows && !more; i++) {
			const struct pmx_column *c = names == PMX_NO_FIELD ? NULL : pmx_block_column(b, s, names, e);
			p->n_all++;
			if (p->n == PROGRAMS_ROWS || e->set)
				continue;
			mem_room(&all, &cap, (p->n + 1) * s->n_columns, sizeof *all);
			char text[64];
			p->name[p->n] = mem_text(c ? pmx_column_text(&s->field[names], c, i, text, sizeof text) : "programme");
			more = row(b, s, layer, i, all + p->n++ * s->n_columns, e);
		}
		pmx_block_free(b);
		if (e->set)
			more = -1;
	}
	if (!more)
		choose(p, all, s->n_columns);
	mem_free(all);
	if (more < 0) {
		programs_free(p);
		return NULL;
	}
	return p;
}

void programs_free(struct programs *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		mem_free(p->name[i]);
	mem_free(p->name);
	mem_free(p->gene);
	names_free(p->names);
	mem_free(p->weight);
	mem_free(p->file);
	mem_free(p);
}
