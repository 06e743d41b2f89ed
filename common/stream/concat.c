#include "stream/concat.h"
#include "base/hash.h"
#include "base/mem.h"
#include "stream/layer.h"
#include <string.h>

/* How the fields of one stream become those of the result. */
struct input {
	struct pmx_reader *r;
	const struct pmx_schema *s;
	size_t *field;                  /* of the result, for each field; PMX_NO_FIELD: left out */
	uint32_t **recode;              /* codes of a label column; NULL: they stay */
	size_t by, names;               /* columns with the group and the row's name, where the first group comes once */
	uint32_t front;                 /* code of the first group */
	uint64_t n_front;               /* its rows so far, and a digest of their names */
	struct hash_state *front_names;
	bool past;                      /* the first group is read and compared */
};

struct pmx_concat {
	struct input *input;
	size_t n, at;
	bool first_once;
	struct pmx_schema *out;
	char **note;
	size_t n_notes, note_cap;
};

static void add_note(struct pmx_concat *x, char *text)
{
	mem_room(&x->note, &x->note_cap, x->n_notes + 1, sizeof *x->note);
	x->note[x->n_notes++] = text;
}

const char *pmx_concat_note(const struct pmx_concat *x, size_t i)
{
	return i < x->n_notes ? x->note[i] : NULL;
}

const struct pmx_schema *pmx_concat_schema(const struct pmx_concat *x)
{
	return x->out;
}

void pmx_concat_free(struct pmx_concat *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->n; i++) {
		for (size_t f = 0; x->input[i].recode && f < x->input[i].s->n_fields; f++)
			mem_free(x->input[i].recode[f]);
		mem_free(x->input[i].recode);
		mem_free(x->input[i].field);
		if (x->input[i].front_names)
			hash_free(x->input[i].front_names);
	}
	for (size_t i = 0; i < x->n_notes; i++)
		mem_free(x->note[i]);
	mem_free(x->note);
	mem_free(x->input);
	pmx_schema_free(x->out);
	mem_free(x);
}

static const char *what(const struct pmx_field *f)
{
	return f->class == PMX_LAYER ? "layer" : f->matrix ? "row matrix" : "row column";
}

static bool is_data(const struct pmx_field *f)
{
	return f->class == PMX_OBS || f->class == PMX_LAYER;
}

/* The same field of another stream; row names by their role. */
static size_t counterpart(const struct pmx_schema *s, const struct pmx_field *f, const struct pmx_schema *other)
{
	if (f->class == PMX_OBS && !strcmp(f->name, s->row_names))
		return pmx_find(other, PMX_OBS, other->row_names);
	size_t i = pmx_find(other, f->class, f->name);
	return i != PMX_NO_FIELD && f->class == PMX_OBS && !strcmp(other->field[i].name, other->row_names) ? PMX_NO_FIELD : i;
}

static int check_columns(const struct input *a, const struct input *b, struct err *e)
{
	const char *x = pmx_reader_name(a->r), *y = pmx_reader_name(b->r);
	if (a->s->kind != b->s->kind)
		return err_set(e, "%s is a stream of %s, %s of %s; only streams of one kind can be joined", x, pmx_kind_name(a->s->kind), y,
			       pmx_kind_name(b->s->kind));
	if (a->s->n_columns != b->s->n_columns)
		return err_set(e, "%s has %zu columns, %s has %zu; pmx-select --genes brings them to the same", x, a->s->n_columns, y,
			       b->s->n_columns);
	for (size_t i = 0; i < a->s->n_columns; i++)
		if (strcmp(pmx_column_name(a->s, i), pmx_column_name(b->s, i)))
			return err_set(e, "column %zu is '%s' in %s and '%s' in %s; streams are joined when their columns are the same, in the same order",
				       i + 1, pmx_column_name(a->s, i), x, pmx_column_name(b->s, i), y);
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static int check_field(const struct input *a, const struct pmx_field *f, const struct input *b, const struct pmx_field *g, struct err *e)
{
	const char *x = pmx_reader_name(a->r), *y = pmx_reader_name(b->r);
	if (f->class == PMX_LAYER && f->storage == PMX_RECIPE && g->storage == PMX_RECIPE) {
		const struct pmx_recipe *p = &f->recipe, *q = &g->recipe;
		if (p->kind == q->kind && same_text(p->source, q->source) && same_text(p->totals, q->totals) && p->target_sum >= q->target_sum &&
		    p->target_sum <= q->target_sum && same_text(p->neighbours, q->neighbours) && same_text(p->split, q->split) &&
		    same_text(p->pert_key, q->pert_key) && same_text(p->control, q->control))
			return 0;
		return err_set(e, "layer '%s' is computed by unlike formulas in %s and %s; drop it and normalise the joined stream", f->name, x, y);
	}
	if (f->type != g->type || f->width != g->width || f->matrix != g->matrix || (f->class == PMX_LAYER && f->storage != g->storage)) {
		static const char *const storage[] = { " dense", " sparse", " computed" };
		return err_set(e, "%s '%s' is %s%s x %u in %s and %s%s x %u in %s", what(f), f->name, pmx_type_name(f->type),
			       f->class == PMX_LAYER ? storage[f->storage] : "", (unsigned)f->width, x, pmx_type_name(g->type),
			       g->class == PMX_LAYER ? storage[g->storage] : "", (unsigned)g->width, y);
	}
	return 0;
}

static int check_missing(const struct input *a, const struct input *b, struct err *e)
{
	for (size_t i = 0; i < a->s->n_fields; i++) {
		const struct pmx_field *f = &a->s->field[i];
		if (is_data(f) && counterpart(a->s, f, b->s) == PMX_NO_FIELD)
			return err_set(e, "%s '%s' of %s is not in %s; leave it out with pmx-select%s, or add it", what(f), f->name,
				       pmx_reader_name(a->r), pmx_reader_name(b->r),
				       f->class == PMX_LAYER ? " --drop-layer" : f->matrix ? " --drop-obsm" : " --columns");
	}
	return 0;
}

static int check_signatures(const struct input *a, struct err *e)
{
	for (size_t i = 0; i < a->s->n_fields; i++)
		if (a->s->field[i].class == PMX_LAYER && pmx_layer_is_signature(a->s, i))
			return err_set(e, "%s: layer '%s' is computed from the controls of its own stream; store it first with pert-signature --dense, "
				       "or leave it out with pmx-select --drop-layer %s", pmx_reader_name(a->r), a->s->field[i].name,
				       a->s->field[i].name);
	return 0;
}

/* Codes of g in the united dictionary of f; NULL when they are the same. */
static uint32_t *unite(struct pmx_field *f, const struct pmx_field *g)
{
	uint32_t *code = mem_array(g->values->n, sizeof *code);
	bool same = true;
	for (size_t i = 0; i < g->values->n; i++) {
		code[i] = names_add(f->values, g->values->at[i], NULL);
		same = same && code[i] == i;
	}
	f->ordered = f->ordered && g->ordered && same && f->values->n == g->values->n;
	if (!same)
		return code;
	mem_free(code);
	return NULL;
}

static int map_fields(struct pmx_concat *x, struct input *b, struct err *e)
{
	const struct input *a = &x->input[0];
	b->field = mem_array(b->s->n_fields, sizeof *b->field);
	b->recode = mem_zero(b->s->n_fields, sizeof *b->recode);
	for (size_t i = 0; i < b->s->n_fields; i++)
		b->field[i] = PMX_NO_FIELD;
	if ((!x->first_once && check_signatures(b, e)) || check_missing(a, b, e) || check_missing(b, a, e))
		return -1;
	for (size_t i = 0; i < x->out->n_fields; i++) {
		struct pmx_field *f = &x->out->field[i];
		if (f->class == PMX_OTHER)
			b->field[pmx_find_id(b->s, f->id)] = i;
		if (!is_data(f))
			continue;
		size_t k = counterpart(x->out, f, b->s);
		if (check_field(a, f, b, &b->s->field[k], e))
			return -1;
		b->field[k] = i;
		if (f->type == PMX_CATEGORY)
			b->recode[k] = unite(f, &b->s->field[k]);
	}
	return 0;
}

static bool same_column(const struct pmx_field *f, const struct pmx_field *g)
{
	const struct pmx_column *a = f->column, *b = g->column;
	if (f->type != g->type || f->width != g->width || f->matrix != g->matrix)
		return false;
	if (f->type == PMX_CATEGORY && !names_equal(f->values, g->values))
		return false;
	if (f->type != PMX_TEXT)
		return !memcmp(a->f64, b->f64, a->n * a->width * pmx_type_size(f->type));
	for (size_t i = 0; i < a->n; i++)
		if (!same_text(a->text[i], b->text[i]))
			return false;
	return true;
}

/* Metadata of the columns stay where all streams agree. */
static void unite_metadata(struct pmx_concat *x)
{
	struct pmx_schema *s = x->out;
	for (size_t i = s->n_fields; i-- > 0; ) {
		const struct pmx_field *f = &s->field[i];
		if (f->class == PMX_OTHER && x->n > 1) {
			add_note(x, mem_print("the unknown field '%s' is left out", f->name));
			pmx_drop_field(s, i);
			continue;
		}
		if (f->class != PMX_VAR || !strcmp(f->name, s->column_names))
			continue;
		bool same = true;
		for (size_t k = 1; k < x->n && same; k++) {
			size_t g = pmx_find(x->input[k].s, PMX_VAR, f->name);
			same = g != PMX_NO_FIELD && same_column(f, &x->input[k].s->field[g]);
		}
		if (same)
			continue;
		add_note(x, mem_print("column metadata '%s' is not the same in all streams and is left out", f->name));
		pmx_drop_field(s, i);
	}
}

/* Do the groups of all inputs, one after the other, still stand together? *first: and the first label in front? */
static bool groups_hold(const struct pmx_concat *x, bool *first, struct err *e)
{
	size_t by = pmx_find(x->out, PMX_OBS, x->out->order_by), n_codes = x->out->field[by].values->n;
	uint32_t front = x->out->order_first ? names_find(x->out->field[by].values, x->out->order_first) : NAMES_NONE;
	bool *seen = mem_zero(n_codes + 1, sizeof *seen), holds = true;
	size_t last = SIZE_MAX;
	*first = true;
	for (size_t i = 0; i < x->n && holds; i++) {
		const struct input *in = &x->input[i];
		const struct pmx_index *index = pmx_read_index(in->r, e);
		size_t f = pmx_find(in->s, PMX_OBS, in->s->order_by);
		holds = index != NULL;
		for (size_t k = 0; holds && k < index->n_groups; k++) {
			uint64_t code = index->group[k].code;
			if (i && x->first_once && code == in->front)
				continue;
			size_t to = code >= in->s->field[f].values->n ? n_codes : in->recode[f] ? in->recode[f][code] : code;
			*first = *first && (to != front || last == SIZE_MAX || last == front);
			holds = to == last || !seen[to];
			seen[to] = true;
			last = to;
		}
	}
	mem_free(seen);
	return holds;
}

static int unite_order(struct pmx_concat *x, struct err *e)
{
	if (!x->out->order_by || x->n < 2)
		return 0;
	char *by = mem_text(x->out->order_by), *label = x->out->order_first ? mem_text(x->out->order_first) : NULL;
	bool same = true, first = false;
	for (size_t i = 1; i < x->n; i++) {
		same = same && same_text(by, x->input[i].s->order_by);
		if (!same_text(label, x->input[i].s->order_first)) {
			mem_free(label);
			label = NULL;
		}
	}
	pmx_promise_order(x->out, by, label);
	bool holds = same && groups_hold(x, &first, e);
	pmx_promise_order(x->out, holds ? by : NULL, holds && first ? label : NULL);
	if (!holds && !e->set)
		add_note(x, mem_print("the result does not promise to be grouped by %s: %s; pmx-sort groups it", by,
				      same ? "groups come in several streams, or a stream is a pipe" : "not all streams promise that"));
	mem_free(by);
	mem_free(label);
	return e->set ? -1 : 0;
}

/* All streams have to promise the same first group. */
static int find_front(struct pmx_concat *x, struct err *e)
{
	const struct pmx_schema *a = x->input[0].s;
	for (size_t i = 0; i < x->n; i++) {
		struct input *in = &x->input[i];
		if (!in->s->order_by || !in->s->order_first || !pmx_promises(in->s, a->order_by, a->order_first))
			return err_set(e, "%s does not promise controls in front, the same as in %s; pmx-sort --first brings them there", pmx_reader_name(in->r),
				       pmx_reader_name(x->input[0].r));
		in->by = pmx_find(in->s, PMX_OBS, in->s->order_by);
		in->names = pmx_find(in->s, PMX_OBS, in->s->row_names);
		in->front = names_find(in->s->field[in->by].values, in->s->order_first);
		in->front_names = hash_new();
	}
	return 0;
}

struct pmx_concat *pmx_concat_new(struct pmx_reader *const *r, size_t n, bool first_once, struct err *e)
{
	struct pmx_concat *x = mem_zero(1, sizeof *x);
	x->n = n;
	x->first_once = first_once;
	x->input = mem_zero(n, sizeof *x->input);
	for (size_t i = 0; i < n; i++)
		x->input[i] = (struct input){ .r = r[i], .s = pmx_reader_schema(r[i]) };
	x->out = pmx_schema_copy(x->input[0].s);
	if (first_once && find_front(x, e))
		goto fail;
	for (size_t i = 1; i < n; i++)
		if (check_columns(&x->input[0], &x->input[i], e))
			goto fail;
	unite_metadata(x);
	json_decref(x->out->provenance);
	x->out->provenance = json_array();
	for (size_t i = 0; i < n; i++)
		if (map_fields(x, &x->input[i], e))
			goto fail;
	if (unite_order(x, e))
		goto fail;
	return x;
fail:
	pmx_concat_free(x);
	return NULL;
}

/* Label codes in the united dictionary, as a section in place of the one that came. */
static int recode(const struct input *in, size_t f, struct pmx_block *b, struct err *e)
{
	const struct pmx_column *c = pmx_block_column(b, in->s, f, e);
	if (!c)
		return -1;
	struct pmx_column *out = pmx_column_new(PMX_CATEGORY, c->n, 1);
	for (size_t i = 0; i < c->n; i++)
		out->u32[i] = c->u32[i] == PMX_MISSING_CODE ? PMX_MISSING_CODE : in->recode[f][c->u32[i]];
	/* The new section is made under an id of the input, which renumber() turns into that of the result. */
	pmx_block_section(b, in->s->field[f].id, PMX_VALUES)->field = 0;
	pmx_block_decoded(b, in->s->field[f].id)->field = 0;
	pmx_block_put_column(b, &in->s->field[f], out);
	pmx_column_free(out);
	return 0;
}

/* Ids of the result; 0, which no field has, for what is left out. */
static uint32_t renumber(const struct pmx_concat *x, const struct input *in, uint32_t id)
{
	size_t f = id ? pmx_find_id(in->s, id) : PMX_NO_FIELD;
	if (f == PMX_NO_FIELD || in->field[f] == PMX_NO_FIELD)
		return 0;
	return x->out->field[in->field[f]].id;
}

static int compare_front(const struct pmx_concat *x, struct input *in, struct err *e)
{
	const struct input *a = &x->input[0];
	in->past = true;
	if (in->n_front == a->n_front && hash_end(in->front_names) == hash_end(a->front_names))
		return 0;
	return err_set(e, "%s begins with %llu rows of '%s', %s with %llu, or with others: these are not shards of one stream", pmx_reader_name(in->r),
		       (unsigned long long)in->n_front, in->s->order_first, pmx_reader_name(a->r), (unsigned long long)a->n_front);
}

/* Rows of the first group at the beginning of a block are counted, and left out behind the first stream. */
static int pass_front(const struct pmx_concat *x, struct input *in, struct pmx_block **b, struct err *e)
{
	if (in->past)
		return 0;
	const struct pmx_column *group = pmx_block_column(*b, in->s, in->by, e), *name = pmx_block_column(*b, in->s, in->names, e);
	size_t n = 0, rows = (*b)->n_rows;
	if (!group || !name)
		return -1;
	for (; n < rows && group->u32[n] == in->front; n++) {
		const char *text = name->text[n] ? name->text[n] : "";
		hash_add(in->front_names, text, strlen(text) + 1);
	}
	in->n_front += n;
	if (n < rows && compare_front(x, in, e))
		return -1;
	if (in == &x->input[0] || !n)
		return 0;
	uint32_t *row = mem_array(rows - n + 1, sizeof *row);
	for (size_t i = n; i < rows; i++)
		row[i - n] = (uint32_t)i;
	struct pmx_gather *g = n < rows ? pmx_gather_new(in->s) : NULL;
	int status = g ? pmx_gather_rows(g, *b, row, rows - n, NULL, e) : 0;
	pmx_block_free(*b);
	*b = g && !status ? pmx_gather_take(g, 0) : NULL;
	pmx_gather_free(g);
	mem_free(row);
	return status;
}

/* The next block with rows that stay, whose stream is x->at. */
static int next_block(struct pmx_concat *x, struct pmx_block **b, struct err *e)
{
	for (; x->at < x->n; ) {
		struct input *in = &x->input[x->at];
		int more = pmx_next(in->r, b, e);
		if (more < 0)
			return -1;
		if (!more) {
			if (x->first_once && !in->past && compare_front(x, in, e))
				return -1;
			x->at++;
			continue;
		}
		if (x->first_once && pass_front(x, in, b, e)) {
			pmx_block_free(*b);
			*b = NULL;
			return -1;
		}
		if (*b)
			return 1;
	}
	return 0;
}

int pmx_concat_next(struct pmx_concat *x, struct pmx_block **b, struct err *e)
{
	int more = next_block(x, b, e);
	if (more <= 0)
		return more;
	const struct input *in = &x->input[x->at];
	for (size_t f = 0; f < in->s->n_fields; f++)
		if (in->recode[f] && recode(in, f, *b, e)) {
			pmx_block_free(*b);
			*b = NULL;
			return -1;
		}
	for (size_t i = 0; i < (*b)->n_sections; i++)
		(*b)->section[i].field = renumber(x, in, (*b)->section[i].field);
	for (size_t i = 0; i < (*b)->n_decoded; i++)
		(*b)->decoded[i].field = renumber(x, in, (*b)->decoded[i].field);
	return 1;
}
