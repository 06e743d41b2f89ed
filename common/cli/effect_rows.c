#include "cli/effect_rows.h"
#include "cli/gene_names.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is read of a block. */
struct source {
	const struct pmx_schema *s;
	struct pmx_reader *in;
	size_t target, split, log_p, sign, logfc, names;
	uint32_t *place;                /* of a column of the stream among the names sorted */
	uint32_t *column;               /* and back */
	double *log_p_row, *logfc_row;  /* in the order of the names */
};

static size_t need_layer(const struct pmx_schema *s, const char *name)
{
	size_t f = pmx_find(s, PMX_LAYER, name);
	if (f == PMX_NO_FIELD || s->field[f].type != PMX_F64 || s->field[f].storage != PMX_DENSE)
		cli_die("the contrasts have no dense layer '%s' of f64: weighted-de writes log2fc, beta and log10_p, de-markers logfc and log10_p", name);
	return f;
}

static void open_source(struct source *o, struct cli_again *again)
{
	struct err e = { 0 };
	o->in = cli_again_open(again);
	o->s = pmx_reader_schema(o->in);
	bool weighted = pmx_find(o->s, PMX_LAYER, "beta") != PMX_NO_FIELD;
	o->target = pmx_need_category(o->s, "target", &e);
	o->split = pmx_find(o->s, PMX_OBS, "split");
	if (o->split != PMX_NO_FIELD)
		o->split = pmx_need_category(o->s, "split", &e);
	if (e.set)
		cli_fail(&e);
	if (pmx_find(o->s, PMX_OBS, "guide") != PMX_NO_FIELD)
		cli_die("these contrasts stand for guides; programs are groups of targets: make the contrasts without --by guide");
	o->log_p = need_layer(o->s, "log10_p");
	o->logfc = need_layer(o->s, weighted ? "log2fc" : "logfc");
	o->sign = need_layer(o->s, weighted ? "beta" : "logfc");
	pmx_want(o->in, o->target);
	if (o->split != PMX_NO_FIELD)
		pmx_want(o->in, o->split);
	pmx_want(o->in, o->log_p);
	pmx_want(o->in, o->logfc);
	pmx_want(o->in, o->sign);
}

static const double *layer_row(const struct source *o, struct pmx_block *b, size_t f, size_t row)
{
	struct err e = { 0 };
	const struct pmx_column *c = pmx_block_column(b, o->s, f, &e);
	if (!c)
		cli_fail(&e);
	return c->f64 + row * o->s->n_columns;
}

static uint32_t code_at(const struct source *o, struct pmx_block *b, size_t f, size_t row)
{
	struct err e = { 0 };
	const struct pmx_column *c = pmx_block_column(b, o->s, f, &e);
	if (!c)
		cli_fail(&e);
	return c->u32[row];
}

static struct names *sorted(const struct names *from, uint32_t **place)
{
	struct names *out = names_new();
	uint32_t *rank = names_ranks(from), *at = mem_array(from->n, sizeof *at);
	for (uint32_t i = 0; i < from->n; i++)
		at[rank[i]] = i;
	for (size_t k = 0; k < from->n; k++)
		names_add(out, from->at[at[k]], NULL);
	mem_free(at);
	*place = rank;
	return out;
}

/* Genes by name; a name that comes twice keeps its order in the stream. */
static void order_genes(struct source *o)
{
	size_t n = o->s->n_columns;
	struct names *genes = gene_names_unique(o->s);
	o->place = names_ranks(genes);
	o->column = mem_array(n, sizeof *o->column);
	for (uint32_t g = 0; g < n; g++)
		o->column[o->place[g]] = g;
	o->log_p_row = mem_array(n, sizeof *o->log_p_row);
	o->logfc_row = mem_array(n, sizeof *o->logfc_row);
	names_free(genes);
}

static bool take_values(struct source *o, struct pmx_block *b, size_t row)
{
	const double *log_p = layer_row(o, b, o->log_p, row), *logfc = layer_row(o, b, o->logfc, row);
	bool any = false;
	for (size_t k = 0; k < o->s->n_columns; k++) {
		uint32_t g = o->column[k];
		o->log_p_row[k] = log_p[g] * M_LN10;
		o->logfc_row[k] = logfc[g];
		any = any || !isnan(log_p[g]);
	}
	return any;
}

/* Which rows there are, and whether they were tested; `last` becomes the last tested row of each target, by split. */
static void list_rows(struct effect_rows *r, struct source *o, uint32_t *last)
{
	uint32_t *target_place, *split_place = NULL;
	r->targets = sorted(o->s->field[o->target].values, &target_place);
	r->has_splits = o->split != PMX_NO_FIELD;
	if (r->has_splits) {
		r->splits = sorted(o->s->field[o->split].values, &split_place);
	} else {
		r->splits = names_new();
		names_add(r->splits, "all", NULL);
	}
	uint32_t *seen = mem_array(r->targets->n * r->splits->n, sizeof *seen);
	memset(seen, 0xff, r->targets->n * r->splits->n * sizeof *seen);
	for (struct pmx_block *b; (b = cli_next(o->in)); pmx_block_free(b))
		for (size_t i = 0; i < b->n_rows; i++) {
			uint32_t t = code_at(o, b, o->target, i), s = r->has_splits ? code_at(o, b, o->split, i) : 0;
			struct effect_row row = { UINT32_MAX, UINT32_MAX, EFFECT_NOT_TESTED };
			if (t != PMX_MISSING_CODE && s != PMX_MISSING_CODE) {
				row = (struct effect_row){ target_place[t], r->has_splits ? split_place[s] : 0, EFFECT_NOT_TESTED };
				uint32_t *first = &seen[row.target * r->splits->n + row.split];
				if (*first != UINT32_MAX)
					cli_die("target %s has two rows in split %s: rows %u and %zu", r->targets->at[row.target], r->splits->at[row.split],
						*first, r->n_rows);
				*first = (uint32_t)r->n_rows;
				row.state = take_values(o, b, i) ? EFFECT_NO_GENES : EFFECT_NOT_TESTED;
			}
			mem_room(&r->row, &r->cap, r->n_rows + 1, sizeof *r->row);
			r->row[r->n_rows++] = row;
		}
	for (size_t t = 0; t < r->targets->n; t++)
		for (size_t s = 0; s < r->splits->n; s++) {
			uint32_t k = seen[t * r->splits->n + s];
			if (k != UINT32_MAX && r->row[k].state != EFFECT_NOT_TESTED)
				last[t] = k;
		}
	mem_free(seen);
	mem_free(target_place);
	mem_free(split_place);
}

/* The p values of each target's last split, by which the reference orders a target's table. */
static double *read_keys(const struct effect_rows *r, struct source *o, const uint32_t *last)
{
	size_t n = o->s->n_columns, at = 0;
	double *key = mem_array(r->targets->n * n, sizeof *key);
	for (struct pmx_block *b; (b = cli_next(o->in)); pmx_block_free(b))
		for (size_t i = 0; i < b->n_rows; i++, at++)
			if (r->row[at].target != UINT32_MAX && last[r->row[at].target] == at) {
				take_values(o, b, i);
				memcpy(key + r->row[at].target * n, o->log_p_row, n * sizeof *key);
			}
	return key;
}

/* The genes that some contrast gives, and the targets that give any. */
static void select_genes(struct effect_rows *r, struct source *o, const struct effects_options *e, const double *key)
{
	size_t n = o->s->n_columns, at = 0;
	uint32_t *taken = mem_array(n, sizeof *taken);
	bool *in_use = mem_zero(n, sizeof *in_use), *responds = mem_zero(r->targets->n, sizeof *responds);
	for (struct pmx_block *b; (b = cli_next(o->in)); pmx_block_free(b))
		for (size_t i = 0; i < b->n_rows; i++, at++) {
			if (r->row[at].state == EFFECT_NOT_TESTED)
				continue;
			take_values(o, b, i);
			size_t n_taken = effects_select(e, o->log_p_row, o->logfc_row, key ? key + r->row[at].target * n : NULL, n, taken);
			for (size_t k = 0; k < n_taken; k++)
				in_use[taken[k]] = true;
			responds[r->row[at].target] = responds[r->row[at].target] || n_taken;
		}
	r->gene = mem_array(n, sizeof *r->gene);
	for (size_t k = 0; k < n; k++)
		if (in_use[k])
			r->gene[r->n_genes++] = o->column[k];
	for (size_t k = 0; k < r->n_rows; k++)
		if (r->row[k].state == EFFECT_NO_GENES && responds[r->row[k].target])
			r->row[k].state = EFFECT_IN;
	mem_free(taken);
	mem_free(in_use);
	mem_free(responds);
}

static void make_room(struct effect_rows *r)
{
	uint32_t *row_of = mem_array(r->targets->n, sizeof *row_of);
	r->matrix = mem_zero(r->splits->n, sizeof *r->matrix);
	for (uint32_t s = 0; s < r->splits->n; s++) {
		struct effect_matrix *m = &r->matrix[s];
		memset(row_of, 0xff, r->targets->n * sizeof *row_of);
		for (uint32_t k = 0; k < r->n_rows; k++)
			if (r->row[k].split == s && r->row[k].state == EFFECT_IN)
				row_of[r->row[k].target] = k;
		m->row = mem_array(r->targets->n, sizeof *m->row);
		for (size_t t = 0; t < r->targets->n; t++)
			if (row_of[t] != UINT32_MAX)
				m->row[m->n++] = row_of[t];
		m->z = mem_array(m->n * r->n_genes, sizeof *m->z);
	}
	mem_free(row_of);
}

static void read_z(struct effect_rows *r, struct source *o)
{
	size_t at = 0;
	double **column = mem_zero(r->n_rows, sizeof *column);
	for (size_t s = 0; s < r->splits->n; s++)
		for (size_t k = 0; k < r->matrix[s].n; k++)
			column[r->matrix[s].row[k]] = r->matrix[s].z + k * r->n_genes;
	for (struct pmx_block *b; (b = cli_next(o->in)); pmx_block_free(b))
		for (size_t i = 0; i < b->n_rows; i++, at++) {
			if (!column[at])
				continue;
			const double *log_p = layer_row(o, b, o->log_p, i), *sign = layer_row(o, b, o->sign, i);
			for (size_t g = 0; g < r->n_genes; g++)
				column[at][g] = effects_z(log_p[r->gene[g]] * M_LN10, sign[r->gene[g]]);
		}
	mem_free(column);
}

static void prune(struct effect_rows *r, const struct pmx_schema *s, const struct effects_options *e)
{
	static const enum effect_state state[] = { EFFECT_IN, EFFECT_FEW_GENES, EFFECT_CONSTANT };
	uint32_t *own = mem_array(r->targets->n, sizeof *own);
	memset(own, 0xff, r->targets->n * sizeof *own);
	for (uint32_t g = 0; g < r->n_genes; g++) {
		uint32_t t = names_find(r->targets, pmx_column_name(s, r->gene[g]));
		if (t != NAMES_NONE)
			own[t] = g;
	}
	for (size_t i = 0; i < r->splits->n; i++) {
		struct effect_matrix *m = &r->matrix[i];
		size_t kept = 0;
		for (size_t k = 0; k < m->n; k++) {
			struct effect_row *row = &r->row[m->row[k]];
			double *z = m->z + k * r->n_genes;
			row->state = r->n_genes < EFFECT_LEAST_GENES ? EFFECT_FEW_ROWS : state[effects_prune(e, z, r->n_genes, own[row->target])];
			if (row->state != EFFECT_IN)
				continue;
			memmove(m->z + kept * r->n_genes, z, r->n_genes * sizeof *z);
			m->row[kept++] = m->row[k];
		}
		m->n = kept;
	}
	mem_free(own);
}

struct effect_rows *effect_rows_read(const struct cli *c, struct cli_again *in, const struct effects_options *e)
{
	struct effect_rows *r = mem_zero(1, sizeof *r);
	struct source o = { 0 };
	open_source(&o, in);
	order_genes(&o);
	size_t n_targets = o.s->field[o.target].values->n;
	uint32_t *last = mem_array(n_targets, sizeof *last);
	memset(last, 0xff, n_targets * sizeof *last);
	list_rows(r, &o, last);
	double *key = NULL;
	if (e->by_order) {
		open_source(&o, in);
		key = read_keys(r, &o, last);
	}
	open_source(&o, in);
	select_genes(r, &o, e, key);
	cli_detail(c, "%zu genes pass in some contrast", r->n_genes);
	make_room(r);
	open_source(&o, in);
	read_z(r, &o);
	prune(r, o.s, e);
	mem_free(key);
	mem_free(last);
	mem_free(o.place);
	mem_free(o.column);
	mem_free(o.log_p_row);
	mem_free(o.logfc_row);
	return r;
}

void effect_rows_free(struct effect_rows *r)
{
	for (size_t s = 0; s < r->splits->n; s++) {
		mem_free(r->matrix[s].row);
		mem_free(r->matrix[s].z);
	}
	mem_free(r->matrix);
	mem_free(r->row);
	mem_free(r->gene);
	names_free(r->targets);
	names_free(r->splits);
	mem_free(r);
}
