#include "stream/audit.h"
#include "base/hash.h"
#include "base/mem.h"
#include "stream/layer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A recipe, and what the rows said about it so far. */
struct checked {
	size_t layer, source, totals, neighbours, split, pert;
	uint32_t control;
	uint64_t n_controls;
	uint64_t most, most_row;        /* largest neighbour, and where */
	bool any_neighbour;
	bool *used, *has_control;       /* splits; one pool is split 0 */
	uint64_t *used_row;
};

struct row_name {
	uint64_t hash, row;
};

struct pmx_audit {
	struct pmx_reader *r;
	const struct pmx_schema *s;
	struct checked *recipe;
	size_t n_recipes;
	size_t names, order;
	struct row_name *name;
	size_t n_names, name_cap;
	uint64_t n_nameless, first_nameless;
	struct pmx_group_place *group;
	size_t n_groups, group_cap;
	char **note;
	size_t n_notes, note_cap;
};

static size_t n_splits(const struct pmx_audit *a, const struct checked *k)
{
	return k->split == PMX_NO_FIELD ? 1 : a->s->field[k->split].values->n;
}

static int open_recipe(struct pmx_audit *a, size_t layer, struct err *e)
{
	const struct pmx_recipe *p = &a->s->field[layer].recipe;
	struct checked *k = &a->recipe[a->n_recipes++];
	*k = (struct checked){ .layer = layer, .source = pmx_find(a->s, PMX_LAYER, p->source), .totals = pmx_find(a->s, PMX_OBS, p->totals),
		.neighbours = PMX_NO_FIELD, .split = PMX_NO_FIELD, .pert = pmx_find(a->s, PMX_OBS, p->pert_key) };
	if (p->kind == PMX_LOG_NORMALISED)
		return 0;
	k->control = names_find(a->s->field[k->pert].values, p->control);
	if (k->control == NAMES_NONE || !pmx_promises(a->s, p->pert_key, p->control))
		return err_set(e, "layer '%s' is computed from the controls (%s = %s), which the stream does not promise first",
			       a->s->field[layer].name, p->pert_key, p->control);
	if (p->kind == PMX_NEIGHBOUR_SIGNATURE) {
		k->neighbours = pmx_find(a->s, PMX_OBS, p->neighbours);
		return 0;
	}
	k->split = pmx_find(a->s, PMX_OBS, p->split);
	k->used = mem_zero(n_splits(a, k), sizeof *k->used);
	k->has_control = mem_zero(n_splits(a, k), sizeof *k->has_control);
	k->used_row = mem_zero(n_splits(a, k), sizeof *k->used_row);
	return 0;
}

struct pmx_audit *pmx_audit_new(struct pmx_reader *r, struct err *e)
{
	struct pmx_audit *a = mem_zero(1, sizeof *a);
	const struct pmx_schema *s = a->s = pmx_reader_schema(r);
	a->r = r;
	a->names = pmx_find(s, PMX_OBS, s->row_names);
	a->order = s->order_by ? pmx_find(s, PMX_OBS, s->order_by) : PMX_NO_FIELD;
	a->recipe = mem_zero(s->n_fields, sizeof *a->recipe);
	for (size_t f = 0; f < s->n_fields; f++) {
		if (s->field[f].class == PMX_OBS || s->field[f].class == PMX_LAYER)
			pmx_want(r, f);
		if (s->field[f].class == PMX_LAYER && s->field[f].storage == PMX_RECIPE && open_recipe(a, f, e)) {
			err_context(e, "%s", pmx_reader_name(r));
			pmx_audit_free(a);
			return NULL;
		}
	}
	return a;
}

void pmx_audit_free(struct pmx_audit *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n_recipes; i++) {
		mem_free(a->recipe[i].used);
		mem_free(a->recipe[i].has_control);
		mem_free(a->recipe[i].used_row);
	}
	for (size_t i = 0; i < a->n_notes; i++)
		mem_free(a->note[i]);
	mem_free(a->note);
	mem_free(a->recipe);
	mem_free(a->name);
	mem_free(a->group);
	mem_free(a);
}

static int check_totals(const struct pmx_audit *a, const struct checked *k, struct pmx_block *b, struct err *e)
{
	const struct pmx_column *totals = pmx_block_column(b, a->s, k->totals, e);
	const char *layer = a->s->field[k->layer].name, *column = a->s->field[k->totals].name;
	double *sum = mem_array(b->n_rows, sizeof *sum);
	size_t bad;
	int status = !totals || pmx_layer_totals(b, a->s, k->source, sum, &bad, e) ? -1 : 0;
	if (!status && bad != SIZE_MAX)
		status = err_set(e, "row %llu: layer '%s' is log-normalised from '%s', which holds a value that is negative or not finite",
				 (unsigned long long)(b->first_row + bad), layer, a->s->field[k->source].name);
	for (size_t r = 0; r < b->n_rows && !status; r++)
		if (!(totals->f64[r] >= 0) || isinf(totals->f64[r]) || (sum[r] > 0 && totals->f64[r] == 0))
			status = err_set(e, "row %llu: layer '%s' is computed with the total %.17g in '%s', but the row's values add up to %.17g",
					 (unsigned long long)(b->first_row + r), layer, totals->f64[r], column, sum[r]);
	mem_free(sum);
	return status;
}

static int check_neighbours(const struct pmx_audit *a, struct checked *k, struct pmx_block *b, struct err *e)
{
	const struct pmx_column *near = pmx_block_column(b, a->s, k->neighbours, e);
	if (!near)
		return -1;
	for (size_t r = 0; r < b->n_rows; r++) {
		const uint32_t *row = near->u32 + r * near->width;
		for (size_t i = 0; i < near->width; i++) {
			if ((row[i] == UINT32_MAX) != (row[0] == UINT32_MAX))
				return err_set(e, "row %llu: only some of its neighbours ('%s') are missing",
					       (unsigned long long)(b->first_row + r), a->s->field[k->neighbours].name);
			if (row[i] == UINT32_MAX || (k->any_neighbour && row[i] <= k->most))
				continue;
			k->any_neighbour = true;
			k->most = row[i];
			k->most_row = b->first_row + r;
		}
	}
	return 0;
}

static int note_splits(const struct pmx_audit *a, struct checked *k, struct pmx_block *b, const uint32_t *pert, struct err *e)
{
	const struct pmx_column *split = k->split == PMX_NO_FIELD ? NULL : pmx_block_column(b, a->s, k->split, e);
	if (k->split != PMX_NO_FIELD && !split)
		return -1;
	for (size_t r = 0; r < b->n_rows; r++) {
		uint32_t i = split ? split->u32[r] : 0;
		if (i == PMX_MISSING_CODE)
			continue;
		if (!k->used[i])
			k->used_row[i] = b->first_row + r;
		k->used[i] = true;
		k->has_control[i] = k->has_control[i] || pert[r] == k->control;
	}
	return 0;
}

static int check_signature(const struct pmx_audit *a, struct checked *k, struct pmx_block *b, struct err *e)
{
	const struct pmx_column *pert = pmx_block_column(b, a->s, k->pert, e);
	if (!pert)
		return -1;
	for (size_t r = 0; r < b->n_rows; r++)
		k->n_controls += pert->u32[r] == k->control;
	return k->neighbours != PMX_NO_FIELD ? check_neighbours(a, k, b, e) : note_splits(a, k, b, pert->u32, e);
}

static int note_groups(struct pmx_audit *a, struct pmx_block *b, struct err *e)
{
	const struct pmx_column *c = pmx_block_column(b, a->s, a->order, e);
	if (!c)
		return -1;
	for (size_t r = 0; r < b->n_rows; r++) {
		if (!a->n_groups || a->group[a->n_groups - 1].code != c->u32[r]) {
			mem_room(&a->group, &a->group_cap, a->n_groups + 1, sizeof *a->group);
			a->group[a->n_groups++] = (struct pmx_group_place){ c->u32[r], b->first_row + r, 0 };
		}
		a->group[a->n_groups - 1].n_rows++;
	}
	return 0;
}

static int note_names(struct pmx_audit *a, struct pmx_block *b, struct err *e)
{
	const struct pmx_column *c = pmx_block_column(b, a->s, a->names, e);
	if (!c)
		return -1;
	mem_room(&a->name, &a->name_cap, a->n_names + b->n_rows, sizeof *a->name);
	for (size_t r = 0; r < b->n_rows; r++) {
		if (c->text[r]) {
			a->name[a->n_names++] = (struct row_name){ hash64(c->text[r], strlen(c->text[r])), b->first_row + r };
			continue;
		}
		if (!a->n_nameless++)
			a->first_nameless = b->first_row + r;
	}
	return 0;
}

int pmx_audit_block(struct pmx_audit *a, struct pmx_block *b, struct err *e)
{
	int status = note_names(a, b, e);
	if (!status && a->order != PMX_NO_FIELD)
		status = note_groups(a, b, e);
	for (size_t i = 0; i < a->n_recipes && !status; i++)
		status = a->recipe[i].totals != PMX_NO_FIELD ? check_totals(a, &a->recipe[i], b, e) : check_signature(a, &a->recipe[i], b, e);
	return status ? err_context(e, "%s", pmx_reader_name(a->r)) : 0;
}

static void add_note(struct pmx_audit *a, char *text)
{
	mem_room(&a->note, &a->note_cap, a->n_notes + 1, sizeof *a->note);
	a->note[a->n_notes++] = text;
}

static int by_hash(const void *pa, const void *pb)
{
	const struct row_name *a = pa, *b = pb;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

static void audit_names(struct pmx_audit *a)
{
	uint64_t twice = 0, first = UINT64_MAX;
	if (a->n_names)
		qsort(a->name, a->n_names, sizeof *a->name, by_hash);
	for (size_t i = 1; i < a->n_names; i++) {
		if (a->name[i].hash != a->name[i - 1].hash)
			continue;
		twice++;
		first = a->name[i].row < first ? a->name[i].row : first;
	}
	if (twice)
		add_note(a, mem_print("%llu rows have the name of an earlier row, the first of them row %llu", (unsigned long long)twice,
				      (unsigned long long)first));
	if (a->n_nameless)
		add_note(a, mem_print("%llu rows have no name, the first of them row %llu", (unsigned long long)a->n_nameless,
				      (unsigned long long)a->first_nameless));
	struct names *columns = pmx_column_names(a->s);
	if (columns->n < a->s->n_columns)
		add_note(a, mem_print("%zu columns have the name of an earlier column", a->s->n_columns - columns->n));
	names_free(columns);
}

static int audit_recipe(const struct pmx_audit *a, const struct checked *k, struct err *e)
{
	const char *layer = a->s->field[k->layer].name;
	if (k->neighbours != PMX_NO_FIELD && k->any_neighbour && k->most >= k->n_controls)
		return err_set(e, "layer '%s': row %llu names control %llu as its neighbour, but there are %llu controls", layer,
			       (unsigned long long)k->most_row, (unsigned long long)k->most, (unsigned long long)k->n_controls);
	for (size_t i = 0; k->used && i < n_splits(a, k); i++)
		if (k->used[i] && !k->has_control[i])
			return err_set(e, "layer '%s': row %llu is in split '%s', which has no controls", layer,
				       (unsigned long long)k->used_row[i], k->split == PMX_NO_FIELD ? "all" : a->s->field[k->split].values->at[i]);
	return 0;
}

int pmx_audit_end(struct pmx_audit *a, struct err *e)
{
	const struct pmx_index *x = pmx_read_index(a->r, e);
	if (!x)
		return err_set(e, "%s: the stream was not read to its end", pmx_reader_name(a->r));
	int status = 0;
	if (x->n_groups != a->n_groups || (x->n_groups && memcmp(x->group, a->group, x->n_groups * sizeof *x->group)))
		status = err_set(e, "the trailer lists %zu groups of rows that are not the %zu groups of the rows", x->n_groups, a->n_groups);
	for (size_t i = 0; i < a->n_recipes && !status; i++)
		status = audit_recipe(a, &a->recipe[i], e);
	if (status)
		return err_context(e, "%s", pmx_reader_name(a->r));
	audit_names(a);
	return 0;
}

const char *pmx_audit_note(const struct pmx_audit *a, size_t i)
{
	return i < a->n_notes ? a->note[i] : NULL;
}
