#include "stream/select.h"
#include "base/mem.h"
#include "stream/describe.h"
#include "stream/layer.h"
#include "stream/writer.h"
#include <string.h>

enum { STEP = 16, MOST_ROWS = 65536 };

/* Rows that may not go: the controls of a signature that stays. */
struct controls {
	size_t pert;                    /* field of the input */
	uint32_t code;
	const char *layer;
};

struct pmx_select {
	struct pmx_reader *r;
	const struct pmx_select_options *o;
	const struct pmx_schema *s;     /* of the input */
	struct pmx_schema *rows;        /* fields that stay, all columns: what rows are gathered with */
	struct pmx_schema *out;
	uint32_t *slot;                 /* of each column: its new place, or UINT32_MAX */
	struct controls *controls;
	size_t n_controls;
	const struct pmx_index *index;  /* NULL: every block is read in turn */
	bool *needed;                   /* blocks of the index */
	size_t next_block;
	bool seek;
	struct pmx_gather *gather;
	struct pmx_block *block;        /* at hand, rows from `row` on are to be looked at */
	uint32_t *keep;
	size_t n_keep, at;
	bool whole, any, ended;
	uint64_t n_in, n_read;
};

static bool listed(const struct names *names, const char *name)
{
	return names && names_find(names, name) != NAMES_NONE;
}

/* Drops a field that no layer needs any more. */
static int drop(struct pmx_schema *s, size_t f, const char *kind, struct err *e)
{
	size_t user = pmx_used_by(s, f);
	if (user == PMX_NO_FIELD) {
		pmx_drop_field(s, f);
		return 0;
	}
	char *formula = pmx_layer_text(s, user);
	err_set(e, "%s '%s' is needed by layer '%s' (%s); keep it, or drop that layer, too: --drop-layer %s", kind, s->field[f].name,
		s->field[user].name, formula, s->field[user].name);
	mem_free(formula);
	return -1;
}

/* A signature's neighbours go with it: they name rows by their place among the controls. */
static int drop_layer(struct pmx_schema *s, size_t f, struct err *e)
{
	char *neighbours = s->field[f].recipe.neighbours ? mem_text(s->field[f].recipe.neighbours) : NULL;
	int status = drop(s, f, "layer", e);
	size_t near = pmx_find(s, PMX_OBS, neighbours);
	if (!status && near != PMX_NO_FIELD && pmx_used_by(s, near) == PMX_NO_FIELD)
		pmx_drop_field(s, near);
	mem_free(neighbours);
	return status;
}

static int drop_layers(struct pmx_schema *s, const struct names *list, struct err *e)
{
	for (size_t i = 0; i < list->n; i++)
		if (pmx_need(s, PMX_LAYER, list->at[i], e) == PMX_NO_FIELD)
			return -1;
	/* What was made of a layer goes before it; what is left then is needed by a layer that stays. */
	for (size_t round = 0; round < list->n; round++)
		for (size_t i = 0; i < list->n; i++) {
			size_t f = pmx_find(s, PMX_LAYER, list->at[i]);
			if (f != PMX_NO_FIELD && pmx_used_by(s, f) == PMX_NO_FIELD && drop_layer(s, f, e))
				return -1;
		}
	for (size_t i = 0; i < list->n; i++) {
		size_t f = pmx_find(s, PMX_LAYER, list->at[i]);
		if (f != PMX_NO_FIELD)
			return drop_layer(s, f, e);
	}
	return 0;
}

static int drop_matrices(struct pmx_schema *s, const struct names *list, struct err *e)
{
	for (size_t i = 0; i < list->n; i++) {
		size_t f = pmx_need(s, PMX_OBS, list->at[i], e);
		if (f == PMX_NO_FIELD)
			return -1;
		if (!pmx_is_matrix(&s->field[f]))
			return err_set(e, "'%s' is a row column, not a row matrix; name the row columns to keep with --columns", list->at[i]);
		if (drop(s, f, "row matrix", e))
			return -1;
	}
	return 0;
}

static int keep_columns(struct pmx_schema *s, const struct names *list, struct err *e)
{
	for (size_t i = 0; i < list->n; i++) {
		size_t f = pmx_need(s, PMX_OBS, list->at[i], e);
		if (f == PMX_NO_FIELD)
			return -1;
		if (pmx_is_matrix(&s->field[f]))
			return err_set(e, "'%s' is a row matrix; these stay unless --drop-obsm names them", list->at[i]);
	}
	for (size_t f = s->n_fields; f-- > 0; ) {
		const struct pmx_field *field = &s->field[f];
		if (field->class != PMX_OBS || pmx_is_matrix(field) || listed(list, field->name) || !strcmp(field->name, s->row_names))
			continue;
		bool promised = s->order_by && !strcmp(s->order_by, field->name);
		if (drop(s, f, "row column", e))
			return -1;
		if (promised)
			pmx_promise_order(s, NULL, NULL);
	}
	return 0;
}

static bool moves_rows(const struct pmx_select_options *o)
{
	return o->where || o->first_row || o->end_row != UINT64_MAX || o->block_rows;
}

static struct pmx_column *pick(const struct pmx_column *c, const uint32_t *column, size_t n)
{
	size_t size = (c->type == PMX_TEXT ? sizeof *c->text : pmx_type_size(c->type)) * c->width;
	struct pmx_column *out = pmx_column_new(c->type, n, c->width);
	for (size_t i = 0; i < n; i++)
		memcpy(out->flag + i * size, c->flag + column[i] * size, size);
	return out;
}

/* The result's schema: layers get new ids, so that the sections of the old ones are left out when a block is written. */
static void narrow(struct pmx_select *x)
{
	const struct pmx_select_options *o = x->o;
	x->slot = mem_array(x->s->n_columns, sizeof *x->slot);
	memset(x->slot, 0xff, x->s->n_columns * sizeof *x->slot);
	for (size_t i = 0; i < o->n_columns; i++)
		x->slot[o->column[i]] = (uint32_t)i;
	x->out->n_columns = o->n_columns;
	for (size_t i = 0; i < x->out->n_fields; i++) {
		struct pmx_field *f = &x->out->field[i];
		if (f->class == PMX_LAYER && f->storage != PMX_RECIPE)
			f->id = pmx_new_id(x->out);
		if (f->class != PMX_VAR)
			continue;
		/* Texts stay those of the input's schema, which outlives this one. */
		pmx_column_free(f->column);
		f->column = pick(x->s->field[pmx_find_id(x->s, f->id)].column, o->column, o->n_columns);
	}
}

static void find_controls(struct pmx_select *x)
{
	x->controls = mem_zero(x->rows->n_fields, sizeof *x->controls);
	for (size_t i = 0; i < x->rows->n_fields; i++) {
		const struct pmx_field *f = &x->rows->field[i];
		if (f->class != PMX_LAYER || !pmx_layer_is_signature(x->rows, i))
			continue;
		struct controls *k = &x->controls[x->n_controls++];
		k->pert = pmx_find(x->s, PMX_OBS, f->recipe.pert_key);
		k->code = names_find(x->s->field[k->pert].values, f->recipe.control);
		k->layer = f->name;
		pmx_want(x->r, k->pert);
	}
}

static bool is_control_group(const struct pmx_select *x, uint32_t label)
{
	for (size_t i = 0; i < x->n_controls; i++)
		if (x->controls[i].code == label)
			return true;
	return false;
}

/* Marks the blocks that have one of the rows from .. to - 1. */
static void need_rows(struct pmx_select *x, uint64_t from, uint64_t to)
{
	size_t low = 0, high = x->index->n_blocks;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (x->index->block[mid].first_row + x->index->block[mid].n_rows <= from)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < x->index->n_blocks && x->index->block[low].first_row < to; low++)
		x->needed[low] = true;
}

static bool groups_cover(const struct pmx_index *index)
{
	uint64_t row = 0;
	for (size_t i = 0; i < index->n_groups; i++) {
		if (index->group[i].first_row != row || index->group[i].n_rows > index->n_rows - row)
			return false;
		row += index->group[i].n_rows;
	}
	return row == index->n_rows;
}

/* The order promise helps when the controls that may not go are groups of it. */
static bool grouped(const struct pmx_select *x)
{
	size_t by = x->s->order_by ? pmx_find(x->s, PMX_OBS, x->s->order_by) : PMX_NO_FIELD;
	for (size_t i = 0; i < x->n_controls; i++)
		if (x->controls[i].pert != by)
			return false;
	return by != PMX_NO_FIELD && groups_cover(x->index);
}

/* Which blocks of a file can hold a row that is wanted. */
static int plan(struct pmx_select *x, struct err *e)
{
	if (!x->o->where && !x->o->first_row && x->o->end_row == UINT64_MAX)
		return 0;
	x->index = pmx_read_index(x->r, e);
	if (!x->index)
		return e->set ? -1 : 0;
	x->needed = mem_zero(x->index->n_blocks, sizeof *x->needed);
	uint64_t from = x->o->first_row, to = x->o->end_row;
	if (!grouped(x)) {
		need_rows(x, x->n_controls ? 0 : from, x->n_controls ? UINT64_MAX : to);
	} else {
		size_t by = pmx_find(x->s, PMX_OBS, x->s->order_by);
		for (size_t i = 0; i < x->index->n_groups; i++) {
			const struct pmx_group_place *g = &x->index->group[i];
			uint32_t label = g->code < x->s->field[by].values->n ? (uint32_t)g->code : PMX_MISSING_CODE;
			uint64_t begin = g->first_row, end = begin + g->n_rows;
			if (is_control_group(x, label))
				need_rows(x, begin, end);
			else if ((!x->o->where || pmx_where_possible(x->o->where, by, label)) && begin < to && end > from)
				need_rows(x, begin < from ? from : begin, end < to ? end : to);
		}
	}
	for (size_t i = 0; i < x->index->n_blocks; i++)
		x->seek = x->seek || !x->needed[i];
	return 0;
}

struct pmx_select *pmx_select_new(struct pmx_reader *r, const struct pmx_select_options *o, struct err *e)
{
	struct pmx_select *x = mem_zero(1, sizeof *x);
	x->r = r;
	x->o = o;
	x->s = pmx_reader_schema(r);
	x->rows = pmx_schema_copy(x->s);
	if ((o->drop_layers && drop_layers(x->rows, o->drop_layers, e)) || (o->drop_matrices && drop_matrices(x->rows, o->drop_matrices, e)) ||
	    (o->row_columns && keep_columns(x->rows, o->row_columns, e)))
		goto fail;
	if (moves_rows(o))
		pmx_drop_unknown(x->rows);
	find_controls(x);
	x->out = pmx_schema_copy(x->rows);
	if (o->column)
		narrow(x);
	if (o->where)
		pmx_where_want(o->where, r);
	if (plan(x, e))
		goto fail;
	x->gather = pmx_gather_new(x->rows);
	return x;
fail:
	pmx_select_free(x);
	return NULL;
}

void pmx_select_free(struct pmx_select *x)
{
	if (!x)
		return;
	if (x->gather)
		pmx_gather_free(x->gather);
	pmx_block_free(x->block);
	mem_free(x->keep);
	mem_free(x->needed);
	mem_free(x->controls);
	mem_free(x->slot);
	pmx_schema_free(x->out);
	pmx_schema_free(x->rows);
	mem_free(x);
}

const struct pmx_schema *pmx_select_schema(const struct pmx_select *x)
{
	return x->out;
}

uint64_t pmx_select_rows_in(const struct pmx_select *x)
{
	return x->index ? x->index->n_rows : x->n_in;
}

uint64_t pmx_select_rows_read(const struct pmx_select *x)
{
	return x->n_read;
}

uint64_t pmx_select_digest(const struct pmx_select *x)
{
	return x->seek ? x->index->digest : pmx_reader_digest(x->r);
}

/* The next block that may hold wanted rows. */
static int read_block(struct pmx_select *x, struct pmx_block **b, struct err *e)
{
	if (!x->seek)
		return pmx_next(x->r, b, e);
	size_t i = x->next_block;
	while (i < x->index->n_blocks && !x->needed[i])
		i++;
	if (i == x->index->n_blocks)
		return 0;
	if ((i != x->next_block || !i) && pmx_seek_block(x->r, i, e))
		return -1;
	x->next_block = i + 1;
	int more = pmx_next(x->r, b, e);
	if (more > 0 && (*b)->first_row == x->index->block[i].first_row && (*b)->n_rows == x->index->block[i].n_rows)
		return 1;
	if (more > 0)
		pmx_block_free(*b);
	*b = NULL;
	return more < 0 ? -1 : err_set(e, "%s: the trailer's index does not lead to the block of row %llu; run pmx-check", pmx_reader_name(x->r),
				       (unsigned long long)x->index->block[i].first_row);
}

static int check_controls(const struct pmx_select *x, struct pmx_block *b, const bool *keep, struct err *e)
{
	for (size_t i = 0; i < x->n_controls; i++) {
		const struct controls *k = &x->controls[i];
		const struct pmx_column *c = pmx_block_column(b, x->s, k->pert, e);
		if (!c)
			return -1;
		for (size_t r = 0; r < b->n_rows; r++)
			if (!keep[r] && c->u32[r] == k->code)
				return err_set(e, "row %llu is a control, and layer '%s' is computed from all of them: keep them (... or %s = '%s'), store the "
					       "layer first with pert-signature --dense, or drop it with --drop-layer %s",
					       (unsigned long long)(b->first_row + r), k->layer, x->s->field[k->pert].name,
					       x->s->field[k->pert].values->at[k->code], k->layer);
	}
	return 0;
}

/* Which rows of the block at hand stay. */
static int choose(struct pmx_select *x, struct err *e)
{
	struct pmx_block *b = x->block;
	bool *keep = mem_array(b->n_rows, sizeof *keep);
	memset(keep, true, b->n_rows * sizeof *keep);
	int status = x->o->where ? pmx_where_rows(x->o->where, b, keep, e) : 0;
	for (size_t r = 0; r < b->n_rows; r++)
		keep[r] = keep[r] && b->first_row + r >= x->o->first_row && b->first_row + r < x->o->end_row;
	if (!status)
		status = check_controls(x, b, keep, e);
	x->keep = mem_resize(x->keep, b->n_rows, sizeof *x->keep);
	x->n_keep = x->at = 0;
	for (size_t r = 0; r < b->n_rows && !status; r++)
		if (keep[r])
			x->keep[x->n_keep++] = (uint32_t)r;
	mem_free(keep);
	/* A block goes whole when no smaller one waits to be filled up. */
	x->whole = x->n_keep == b->n_rows && !x->o->block_rows &&
		   (!pmx_gather_size(x->gather) || pmx_gather_bytes(x->gather) >= PMX_BLOCK_BYTES / 2);
	x->n_read += b->n_rows;
	x->n_in = x->index ? x->index->n_rows : pmx_rows_read(x->r);
	return status;
}

/* Gathers until a block is full (1) or the block at hand is used up (0). */
static int gather(struct pmx_select *x, struct err *e)
{
	while (x->at < x->n_keep) {
		size_t n = x->n_keep - x->at, have = pmx_gather_size(x->gather), step = STEP - have % STEP;
		if (x->o->block_rows && x->o->block_rows - have < step)
			step = x->o->block_rows - have;
		n = n < step ? n : step;
		if (pmx_gather_rows(x->gather, x->block, x->keep + x->at, n, NULL, e))
			return err_context(e, "%s", pmx_reader_name(x->r));
		x->at += n;
		have += n;
		if (x->o->block_rows ? have >= x->o->block_rows
		    : have % STEP == 0 && (have >= MOST_ROWS || pmx_gather_bytes(x->gather) >= PMX_BLOCK_BYTES))
			return 1;
	}
	return 0;
}

/* The next block of whole rows. */
static int next_rows(struct pmx_select *x, struct pmx_block **b, struct err *e)
{
	for (;;) {
		if (x->block && x->whole && !pmx_gather_size(x->gather)) {
			*b = x->block;
			x->block = NULL;
			return 1;
		}
		int full = x->block && x->whole ? 1 : x->block ? gather(x, e) : 0;
		if (full < 0)
			return -1;
		if (full || (x->ended && pmx_gather_size(x->gather))) {
			*b = pmx_gather_take(x->gather, 0);
			return 1;
		}
		pmx_block_free(x->block);
		x->block = NULL;
		if (x->ended)
			return 0;
		int more = read_block(x, &x->block, e);
		if (more < 0 || (more && choose(x, e)))
			return -1;
		x->ended = !more;
	}
}

static void narrow_sparse(const struct pmx_select *x, struct pmx_block *b, const struct pmx_field *f, const struct pmx_sparse *m)
{
	struct pmx_sparse out = { .n_rows = m->n_rows, .type = m->type };
	size_t n = m->start[m->n_rows], size = pmx_type_size(m->type), at = 0;
	out.start = mem_array(m->n_rows + 1, sizeof *out.start);
	out.col = mem_array(n, sizeof *out.col);
	out.u32 = mem_array(n, size);
	out.start[0] = 0;
	for (size_t r = 0; r < m->n_rows; r++) {
		for (size_t i = m->start[r]; i < m->start[r + 1]; i++) {
			uint32_t j = x->slot[m->col[i]];
			if (j == UINT32_MAX)
				continue;
			out.col[at] = j;
			if (size == 4)
				out.u32[at] = m->u32[i];
			else
				out.f64[at] = m->f64[i];
			at++;
		}
		out.start[r + 1] = at;
	}
	pmx_block_put_sparse(b, f, &out);
	mem_free(out.start);
	mem_free(out.col);
	mem_free(out.u32);
}

static void narrow_dense(const struct pmx_select *x, struct pmx_block *b, const struct pmx_field *f, const struct pmx_column *c)
{
	size_t n = x->o->n_columns, size = pmx_type_size(c->type);
	struct pmx_column *out = pmx_column_new(c->type, c->n, (uint32_t)n);
	for (size_t r = 0; r < c->n; r++)
		for (size_t j = 0; j < n; j++)
			memcpy(out->flag + (r * n + j) * size, c->flag + (r * c->width + x->o->column[j]) * size, size);
	pmx_block_put_column(b, f, out);
	pmx_column_free(out);
}

/* The stored layers of the block on the columns that stay. */
static int narrow_block(const struct pmx_select *x, struct pmx_block *b, struct err *e)
{
	for (size_t i = 0; i < x->out->n_fields; i++) {
		const struct pmx_field *f = &x->out->field[i];
		if (f->class != PMX_LAYER || f->storage == PMX_RECIPE)
			continue;
		size_t old = pmx_find(x->rows, PMX_LAYER, f->name);
		const struct pmx_sparse *m = f->storage == PMX_SPARSE ? pmx_block_sparse(b, x->rows, old, e) : NULL;
		const struct pmx_column *c = f->storage == PMX_DENSE ? pmx_block_column(b, x->rows, old, e) : NULL;
		if (!m && !c)
			return -1;
		if (m)
			narrow_sparse(x, b, f, m);
		else
			narrow_dense(x, b, f, c);
	}
	return 0;
}

/* Does the first row still bear the label that the promise names? */
static int check_promise(struct pmx_select *x, struct pmx_block *b, struct err *e)
{
	if (!x->out->order_by || !x->out->order_first)
		return 0;
	size_t by = pmx_find(x->rows, PMX_OBS, x->out->order_by);
	const struct pmx_column *c = pmx_block_column(b, x->rows, by, e);
	if (!c)
		return -1;
	uint32_t first = names_find(x->rows->field[by].values, x->out->order_first);
	if (first != NAMES_NONE && c->u32[0] != first) {
		char *kept = mem_text(x->out->order_by);
		pmx_promise_order(x->out, kept, NULL);
		mem_free(kept);
	}
	return 0;
}

int pmx_select_next(struct pmx_select *x, struct pmx_block **b, struct err *e)
{
	*b = NULL;
	int more = next_rows(x, b, e);
	if (more <= 0)
		return more;
	int status = x->any ? 0 : check_promise(x, *b, e);
	x->any = true;
	if (!status && x->o->column)
		status = narrow_block(x, *b, e);
	if (!status)
		return 1;
	pmx_block_free(*b);
	*b = NULL;
	return -1;
}
