#include "stream/dense.h"
#include "base/mem.h"
#include "stream/layer.h"
#include <math.h>
#include <string.h>

/* A layer that was asked for. */
struct request {
	size_t layer, source;           /* source: of a signature, else the layer itself */
	bool signature;
	enum pmx_recipe_kind kind;
	size_t neighbours, split;       /* row fields, PMX_NO_FIELD where the recipe has none */
	size_t n;                       /* columns of the result */
	uint32_t *slot;                 /* of each column of the stream: its place, or UINT32_MAX; NULL: all columns */
	struct sparse_rows control;     /* neighbours: expm1(source) of each control on the columns asked for */
	double *mean;                   /* split signature: n_splits x n */
	size_t *n_in_split, n_splits;
};

struct pmx_dense {
	struct pmx_reader *r;
	const struct pmx_schema *s;
	int threads;
	struct request *request;
	size_t n_requests, cap;
	bool controls_done;             /* or not needed */
	bool ended;
	size_t pert, n_controls;
	uint32_t control_code;
	struct pmx_block **held;
	size_t first_held, n_held, held_cap;
	struct sparse_rows work;
};

struct pmx_dense *pmx_dense_new(struct pmx_reader *r, int threads)
{
	struct pmx_dense *d = mem_zero(1, sizeof *d);
	d->r = r;
	d->s = pmx_reader_schema(r);
	d->threads = threads > 1 ? threads : 1;
	d->controls_done = true;
	sparse_rows_init(&d->work, d->s->n_columns);
	return d;
}

void pmx_dense_free(struct pmx_dense *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n_requests; i++) {
		struct request *q = &d->request[i];
		mem_free(q->slot);
		sparse_rows_free(&q->control);
		mem_free(q->mean);
		mem_free(q->n_in_split);
	}
	for (size_t i = d->first_held; i < d->n_held; i++)
		pmx_block_free(d->held[i]);
	mem_free(d->held);
	mem_free(d->request);
	sparse_rows_free(&d->work);
	mem_free(d);
}

/* What the signature needs of the controls. */
static int open_signature(struct pmx_dense *d, struct request *q, struct err *e)
{
	const struct pmx_recipe *p = &d->s->field[q->layer].recipe;
	if (!pmx_promises(d->s, p->pert_key, p->control))
		return err_set(e, "layer '%s' is computed from the controls (%s = %s), but the stream does not promise them first; "
			       "sort it and run pert-signature again", d->s->field[q->layer].name, p->pert_key, p->control);
	d->controls_done = false;
	d->pert = pmx_find(d->s, PMX_OBS, p->pert_key);
	d->control_code = names_find(d->s->field[d->pert].values, p->control);
	if (d->control_code == NAMES_NONE)
		return err_set(e, "layer '%s' is computed from the controls, but no row has %s = %s", d->s->field[q->layer].name, p->pert_key, p->control);
	pmx_want(d->r, d->pert);
	q->signature = true;
	q->kind = p->kind;
	q->source = pmx_find(d->s, PMX_LAYER, p->source);
	q->neighbours = pmx_find(d->s, PMX_OBS, p->neighbours);
	q->split = pmx_find(d->s, PMX_OBS, p->split);
	if (q->kind == PMX_NEIGHBOUR_SIGNATURE) {
		sparse_rows_init(&q->control, q->n);
		return 0;
	}
	q->n_splits = q->split == PMX_NO_FIELD ? 1 : d->s->field[q->split].values->n;
	q->mean = mem_zero(q->n_splits * q->n, sizeof *q->mean);
	q->n_in_split = mem_zero(q->n_splits, sizeof *q->n_in_split);
	return 0;
}

int pmx_dense_layer(struct pmx_dense *d, size_t layer, const uint32_t *column, size_t n, struct err *e)
{
	mem_room(&d->request, &d->cap, d->n_requests + 1, sizeof *d->request);
	struct request *q = &d->request[d->n_requests];
	*q = (struct request){ .layer = layer, .source = layer, .n = column ? n : d->s->n_columns };
	if (pmx_layer_is_signature(d->s, layer) && open_signature(d, q, e))
		return -1;
	if (column) {
		q->slot = mem_array(d->s->n_columns, sizeof *q->slot);
		memset(q->slot, 0xff, d->s->n_columns * sizeof *q->slot);
		for (size_t j = 0; j < n; j++)
			q->slot[column[j]] = (uint32_t)j;
	}
	pmx_layer_want(d->r, d->s, layer);
	return (int)d->n_requests++;
}

size_t pmx_dense_width(const struct pmx_dense *d, int handle)
{
	return d->request[handle].n;
}

static uint32_t slot_of(const struct request *q, uint32_t column)
{
	return q->slot ? q->slot[column] : column;
}

static void keep_control(struct request *q, const struct sparse_rows *row)
{
	struct sparse_rows *c = &q->control;
	sparse_rows_room(c, 1, row->start[1]);
	size_t n = c->start[c->n_rows];
	for (size_t i = 0; i < row->start[1]; i++) {
		uint32_t j = slot_of(q, row->col[i]);
		if (j == UINT32_MAX)
			continue;
		c->col[n] = j;
		c->value[n++] = expm1(row->value[i]);
	}
	c->start[++c->n_rows] = n;
}

static void add_to_mean(struct request *q, const struct sparse_rows *row, uint32_t split)
{
	if (split == PMX_MISSING_CODE)
		return;
	double *mean = q->mean + split * q->n;
	q->n_in_split[split]++;
	for (size_t i = 0; i < row->start[1]; i++) {
		uint32_t j = slot_of(q, row->col[i]);
		if (j != UINT32_MAX)
			mean[j] += row->value[i];
	}
}

/* Takes in the control rows at the front of the block; *all when a row of another group follows them. */
static int add_controls(struct pmx_dense *d, struct pmx_block *b, bool *all, struct err *e)
{
	const struct pmx_column *code = pmx_block_column(b, d->s, d->pert, e);
	if (!code)
		return -1;
	size_t n = 0;
	while (n < b->n_rows && code->u32[n] == d->control_code)
		n++;
	*all = n < b->n_rows;
	d->n_controls += n;
	for (size_t i = 0; i < d->n_requests; i++) {
		struct request *q = &d->request[i];
		if (!q->signature)
			continue;
		const struct pmx_column *split = q->split == PMX_NO_FIELD ? NULL : pmx_block_column(b, d->s, q->split, e);
		if (q->split != PMX_NO_FIELD && !split)
			return -1;
		for (size_t r = 0; r < n; r++) {
			sparse_rows_clear(&d->work);
			if (pmx_layer_rows(b, d->s, q->source, r, r + 1, &d->work, e))
				return -1;
			if (q->kind == PMX_NEIGHBOUR_SIGNATURE)
				keep_control(q, &d->work);
			else
				add_to_mean(q, &d->work, split ? split->u32[r] : 0);
		}
	}
	return 0;
}

static void finish_controls(struct pmx_dense *d)
{
	for (size_t i = 0; i < d->n_requests; i++) {
		struct request *q = &d->request[i];
		for (size_t k = 0; k < q->n_splits; k++)
			for (size_t j = 0; j < q->n && q->n_in_split[k]; j++)
				q->mean[k * q->n + j] /= (double)q->n_in_split[k];
	}
	d->controls_done = true;
}

static int hold_controls(struct pmx_dense *d, struct err *e)
{
	for (bool all = false; !all; ) {
		struct pmx_block *b;
		int more = pmx_next(d->r, &b, e);
		if (more < 0)
			return -1;
		d->ended = !more;
		if (!more)
			break;
		mem_room(&d->held, &d->held_cap, d->n_held + 1, sizeof *d->held);
		d->held[d->n_held++] = b;
		if (add_controls(d, b, &all, e))
			return err_context(e, "%s", pmx_reader_name(d->r));
	}
	finish_controls(d);
	return 0;
}

int pmx_dense_next(struct pmx_dense *d, struct pmx_block **block, struct err *e)
{
	*block = NULL;
	if (!d->controls_done && hold_controls(d, e))
		return -1;
	if (d->first_held < d->n_held) {
		*block = d->held[d->first_held++];
		return 1;
	}
	return d->ended ? 0 : pmx_next(d->r, block, e);
}

static int stored_dense(const struct pmx_dense *d, const struct request *q, struct pmx_block *b, size_t from, size_t to, double *out,
			struct err *e)
{
	const struct pmx_column *c = pmx_block_column(b, d->s, q->layer, e);
	if (!c)
		return -1;
	for (size_t r = from; r < to; r++)
		for (size_t i = 0; i < d->s->n_columns; i++) {
			uint32_t j = slot_of(q, (uint32_t)i);
			if (j == UINT32_MAX)
				continue;
			size_t k = r * c->width + i;
			out[(r - from) * q->n + j] = c->type == PMX_U32 ? c->u32[k] : c->type == PMX_F32 ? (double)c->f32[k] : c->f64[k];
		}
	return 0;
}

static int check_neighbours(const struct pmx_dense *d, const struct request *q, const struct pmx_block *b, const struct pmx_column *near,
			    size_t from, size_t to, struct err *e)
{
	for (size_t i = from * near->width; i < to * near->width; i++)
		if (near->u32[i] >= d->n_controls &&
		    (near->u32[i] != UINT32_MAX || near->u32[i / near->width * near->width] != UINT32_MAX))
			return err_set(e, "%s: layer '%s': row %llu names control %u as its neighbour, but there are %zu controls",
				       pmx_reader_name(d->r), d->s->field[q->layer].name,
				       (unsigned long long)b->first_row + i / near->width, near->u32[i], d->n_controls);
	return 0;
}

static int check_splits(const struct pmx_dense *d, const struct request *q, const struct pmx_block *b, const struct pmx_column *split,
			size_t from, size_t to, struct err *e)
{
	for (size_t r = from; r < to; r++) {
		uint32_t k = split ? split->u32[r] : 0;
		if (k != PMX_MISSING_CODE && !q->n_in_split[k])
			return err_set(e, "%s: layer '%s': row %llu is in split '%s', which has no controls", pmx_reader_name(d->r),
				       d->s->field[q->layer].name, (unsigned long long)b->first_row + r,
				       split ? d->s->field[q->split].values->at[k] : "all");
	}
	return 0;
}

static void neighbour_reference(const struct request *q, const uint32_t *near, size_t k, double *out)
{
	if (near[0] == UINT32_MAX) {
		for (size_t j = 0; j < q->n; j++)
			out[j] = NAN;
		return;
	}
	const struct sparse_rows *c = &q->control;
	memset(out, 0, q->n * sizeof *out);
	for (size_t i = 0; i < k; i++)
		for (size_t p = c->start[near[i]]; p < c->start[near[i] + 1]; p++)
			out[c->col[p]] += c->value[p];
	for (size_t j = 0; j < q->n; j++)
		out[j] = out[j] == 0 ? 0 : log1p(out[j] / (double)k);
}

static void split_reference(const struct request *q, uint32_t split, double *out)
{
	if (split != PMX_MISSING_CODE) {
		memcpy(out, q->mean + split * q->n, q->n * sizeof *out);
		return;
	}
	for (size_t j = 0; j < q->n; j++)
		out[j] = NAN;
}

/* What the rows' own values are taken from; 0 for a layer that is no signature. */
static int references(const struct pmx_dense *d, const struct request *q, struct pmx_block *b, size_t from, size_t to, double *out,
		      struct err *e)
{
	if (!q->signature) {
		memset(out, 0, (to - from) * q->n * sizeof *out);
		return 0;
	}
	bool near_wanted = q->kind == PMX_NEIGHBOUR_SIGNATURE;
	size_t field = near_wanted ? q->neighbours : q->split;
	const struct pmx_column *c = field == PMX_NO_FIELD ? NULL : pmx_block_column(b, d->s, field, e);
	if (field != PMX_NO_FIELD && !c)
		return -1;
	if (near_wanted ? check_neighbours(d, q, b, c, from, to, e) : check_splits(d, q, b, c, from, to, e))
		return -1;
#pragma omp parallel for schedule(static) num_threads(d->threads) if (d->threads > 1 && to - from > 1)
	for (size_t r = from; r < to; r++) {
		if (near_wanted)
			neighbour_reference(q, c->u32 + r * c->width, c->width, out + (r - from) * q->n);
		else
			split_reference(q, c ? c->u32[r] : 0, out + (r - from) * q->n);
	}
	return 0;
}

int pmx_dense_rows(struct pmx_dense *d, int handle, struct pmx_block *b, size_t from, size_t to, double *out, struct err *e)
{
	const struct request *q = &d->request[handle];
	const struct pmx_field *f = &d->s->field[q->layer];
	if (f->storage == PMX_DENSE)
		return stored_dense(d, q, b, from, to, out, e);
	struct sparse_rows *x = &d->work;
	sparse_rows_clear(x);
	if (references(d, q, b, from, to, out, e) || pmx_layer_rows(b, d->s, q->source, from, to, x, e))
		return -1;
	for (size_t r = 0; r < x->n_rows; r++) {
		double *row = out + r * q->n;
		for (size_t i = x->start[r]; i < x->start[r + 1]; i++) {
			uint32_t j = slot_of(q, x->col[i]);
			if (j != UINT32_MAX)
				row[j] = q->signature ? row[j] - x->value[i] : x->value[i];
		}
	}
	return 0;
}
