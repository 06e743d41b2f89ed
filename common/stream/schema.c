#include "stream/schema.h"
#include "base/mem.h"
#include "base/text.h"
#include "stream/codec.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FIELDS = 10000 };

static const char *const kind_name[] = { "cells", "contrasts", "signatures", "embedding", "sums" };
static const char *const class_name[] = { "var", "obs", "layer" };
static const char *const type_name[] = { "string", "categorical", "bool", "i64", "f64", "f32", "u32" };
static const char *const storage_name[] = { "dense", "sparse", "recipe" };
static const char *const recipe_name[] = { "log_normalised", "neighbour_signature", "split_signature" };

const char *pmx_kind_name(enum pmx_kind kind)
{
	return kind_name[kind];
}

const char *pmx_type_name(enum pmx_type type)
{
	return type_name[type];
}

size_t pmx_type_size(enum pmx_type type)
{
	static const size_t size[] = { 0, 4, 1, 8, 8, 4, 4 };
	return size[type];
}

bool pmx_is_matrix(const struct pmx_field *f)
{
	return f->matrix;
}

struct pmx_column *pmx_column_new(enum pmx_type type, size_t n, uint32_t width)
{
	struct pmx_column *c = mem_zero(1, sizeof *c);
	c->type = type;
	c->n = n;
	c->width = width;
	c->f64 = mem_zero(n * width, type == PMX_TEXT ? sizeof(char *) : pmx_type_size(type));
	return c;
}

void pmx_column_free(struct pmx_column *c)
{
	if (!c)
		return;
	if (!c->borrowed)
		mem_free(c->f64);
	mem_free(c->bytes);
	mem_free(c);
}

bool pmx_column_is_missing(const struct pmx_column *c, size_t i)
{
	switch (c->type) {
	case PMX_TEXT: return !c->text[i];
	case PMX_CATEGORY: return c->u32[i] == PMX_MISSING_CODE;
	case PMX_BOOL: return c->flag[i] == PMX_MISSING_BOOL;
	case PMX_I64: return c->i64[i] == PMX_MISSING_I64;
	case PMX_F64: return isnan(c->f64[i]);
	case PMX_F32: return isnan(c->f32[i]);
	default: return false;
	}
}

const char *pmx_column_text(const struct pmx_field *f, const struct pmx_column *c, size_t i, char *out, size_t size)
{
	if (pmx_column_is_missing(c, i))
		return "NA";
	switch (c->type) {
	case PMX_TEXT: return c->text[i];
	case PMX_CATEGORY: return f->values->at[c->u32[i]];
	case PMX_BOOL: return c->flag[i] ? "True" : "False";
	case PMX_I64: snprintf(out, size, "%" PRId64, c->i64[i]); break;
	case PMX_F64: text_put_f64(out, c->f64[i]); break;
	case PMX_F32: snprintf(out, size, "%.9g", (double)c->f32[i]); break;
	default: snprintf(out, size, "%" PRIu32, c->u32[i]); break;
	}
	return out;
}

struct pmx_schema *pmx_schema_new(enum pmx_kind kind, size_t n_columns)
{
	struct pmx_schema *s = mem_zero(1, sizeof *s);
	s->kind = kind;
	s->n_columns = n_columns;
	s->next_id = 1;
	s->provenance = json_array();
	return s;
}

void pmx_recipe_free(struct pmx_recipe *r)
{
	mem_free(r->source);
	mem_free(r->totals);
	mem_free(r->neighbours);
	mem_free(r->split);
	mem_free(r->pert_key);
	mem_free(r->control);
	*r = (struct pmx_recipe){ 0 };
}

static void field_free(struct pmx_field *f)
{
	mem_free(f->name);
	names_free(f->values);
	pmx_recipe_free(&f->recipe);
	pmx_column_free(f->column);
	json_decref(f->declaration);
}

void pmx_schema_free(struct pmx_schema *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_fields; i++)
		field_free(&s->field[i]);
	mem_free(s->field);
	mem_free(s->row_names);
	mem_free(s->column_names);
	mem_free(s->order_by);
	mem_free(s->order_first);
	json_decref(s->provenance);
	json_decref(s->notes);
	mem_free(s);
}

static char *text_or_null(const char *s)
{
	return s ? mem_text(s) : NULL;
}

struct pmx_column *pmx_column_copy(const struct pmx_column *c)
{
	struct pmx_column *copy = pmx_column_new(c->type, c->n, c->width);
	if (c->type != PMX_TEXT) {
		memcpy(copy->f64, c->f64, c->n * c->width * pmx_type_size(c->type));
		return copy;
	}
	size_t size = 0;
	for (size_t i = 0; i < c->n; i++)
		size += c->text[i] ? strlen(c->text[i]) + 1 : 0;
	char *p = copy->bytes = mem_array(size, 1);
	for (size_t i = 0; i < c->n; i++)
		if (c->text[i]) {
			size_t len = strlen(c->text[i]) + 1;
			copy->text[i] = memcpy(p, c->text[i], len);
			p += len;
		}
	return copy;
}

struct pmx_schema *pmx_schema_copy(const struct pmx_schema *s)
{
	struct pmx_schema *copy = pmx_schema_new(s->kind, s->n_columns);
	copy->next_id = s->next_id;
	copy->field = mem_zero(s->n_fields, sizeof *copy->field);
	copy->n_fields = copy->cap = s->n_fields;
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct pmx_field *from = &s->field[i];
		struct pmx_field *to = &copy->field[i];
		*to = *from;
		to->name = mem_text(from->name);
		to->values = from->values ? names_copy(from->values) : NULL;
		to->recipe.source = text_or_null(from->recipe.source);
		to->recipe.totals = text_or_null(from->recipe.totals);
		to->recipe.neighbours = text_or_null(from->recipe.neighbours);
		to->recipe.split = text_or_null(from->recipe.split);
		to->recipe.pert_key = text_or_null(from->recipe.pert_key);
		to->recipe.control = text_or_null(from->recipe.control);
		to->column = from->column ? pmx_column_copy(from->column) : NULL;
		to->declaration = from->declaration ? json_incref(from->declaration) : NULL;
	}
	copy->row_names = text_or_null(s->row_names);
	copy->column_names = text_or_null(s->column_names);
	copy->order_by = text_or_null(s->order_by);
	copy->order_first = text_or_null(s->order_first);
	json_decref(copy->provenance);
	copy->provenance = json_deep_copy(s->provenance);
	copy->notes = s->notes ? json_deep_copy(s->notes) : NULL;
	return copy;
}

uint32_t pmx_new_id(struct pmx_schema *s)
{
	if (s->next_id <= PMX_MAX_ID)
		return s->next_id++;
	uint32_t id = 1;
	while (pmx_find_id(s, id) != PMX_NO_FIELD)
		id++;
	return id;
}

static struct pmx_field *add_field(struct pmx_schema *s, enum pmx_class class, const char *name, enum pmx_type type)
{
	uint32_t id = pmx_new_id(s);
	mem_room(&s->field, &s->cap, s->n_fields + 1, sizeof *s->field);
	struct pmx_field *f = &s->field[s->n_fields++];
	*f = (struct pmx_field){ .id = id, .class = class, .type = type, .name = mem_text(name), .width = 1 };
	if (type == PMX_CATEGORY)
		f->values = names_new();
	return f;
}

struct pmx_field *pmx_add_obs(struct pmx_schema *s, const char *name, enum pmx_type type)
{
	return add_field(s, PMX_OBS, name, type);
}

struct pmx_field *pmx_add_obsm(struct pmx_schema *s, const char *name, enum pmx_type type, uint32_t width)
{
	struct pmx_field *f = add_field(s, PMX_OBS, name, type);
	f->matrix = true;
	f->width = width;
	return f;
}

struct pmx_field *pmx_add_layer(struct pmx_schema *s, const char *name, enum pmx_type type, enum pmx_storage storage)
{
	struct pmx_field *f = add_field(s, PMX_LAYER, name, type);
	f->storage = storage;
	return f;
}

struct pmx_field *pmx_add_var(struct pmx_schema *s, const char *name, struct pmx_column *column)
{
	struct pmx_field *f = add_field(s, PMX_VAR, name, column->type);
	f->width = column->width;
	f->matrix = column->width > 1;
	f->column = column;
	return f;
}

void pmx_set_column_names(struct pmx_schema *s, const char *name, const struct names *names)
{
	struct pmx_column *c = mem_zero(1, sizeof *c);
	c->type = PMX_TEXT;
	c->n = names->n;
	c->width = 1;
	c->text = (const char **)names->at;
	struct pmx_column *owned = pmx_column_copy(c);
	mem_free(c);
	pmx_add_var(s, name, owned);
	mem_free(s->column_names);
	s->column_names = mem_text(name);
}

void pmx_drop_field(struct pmx_schema *s, size_t index)
{
	field_free(&s->field[index]);
	s->n_fields--;
	memmove(&s->field[index], &s->field[index + 1], (s->n_fields - index) * sizeof *s->field);
}

void pmx_drop_unknown(struct pmx_schema *s)
{
	for (size_t f = s->n_fields; f-- > 0; )
		if (s->field[f].class == PMX_OTHER)
			pmx_drop_field(s, f);
}

size_t pmx_find(const struct pmx_schema *s, enum pmx_class class, const char *name)
{
	for (size_t i = 0; name && i < s->n_fields; i++)
		if (s->field[i].class == class && !strcmp(s->field[i].name, name))
			return i;
	return PMX_NO_FIELD;
}

size_t pmx_find_id(const struct pmx_schema *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_fields; i++)
		if (s->field[i].id == id)
			return i;
	return PMX_NO_FIELD;
}

struct names *pmx_field_names(const struct pmx_schema *s, enum pmx_class class)
{
	struct names *names = names_new();
	for (size_t i = 0; i < s->n_fields; i++)
		if (s->field[i].class == class)
			names_add(names, s->field[i].name, NULL);
	return names;
}

size_t pmx_need(const struct pmx_schema *s, enum pmx_class class, const char *name, struct err *e)
{
	static const char *const what[] = { "column of the genes", "row column", "layer", "" };
	size_t i = pmx_find(s, class, name);
	if (i != PMX_NO_FIELD)
		return i;
	char list[900];
	struct names *names = pmx_field_names(s, class);
	names_list(names, list, sizeof list);
	names_free(names);
	err_set(e, "there is no %s '%s'; there is: %s", what[class], name, *list ? list : "none");
	return PMX_NO_FIELD;
}

size_t pmx_need_category(const struct pmx_schema *s, const char *name, struct err *e)
{
	size_t i = pmx_need(s, PMX_OBS, name, e);
	if (i != PMX_NO_FIELD && s->field[i].type != PMX_CATEGORY) {
		err_set(e, "row column '%s' holds %s values, not labels; import it as a label column (pmx-import --label %s)", name,
			type_name[s->field[i].type], name);
		return PMX_NO_FIELD;
	}
	return i;
}

const char *pmx_column_name(const struct pmx_schema *s, size_t i)
{
	size_t f = pmx_find(s, PMX_VAR, s->column_names);
	return f == PMX_NO_FIELD || !s->field[f].column->text[i] ? "?" : s->field[f].column->text[i];
}

struct names *pmx_column_names(const struct pmx_schema *s)
{
	struct names *names = names_new();
	for (size_t i = 0; i < s->n_columns; i++)
		names_add(names, pmx_column_name(s, i), NULL);
	return names;
}

void pmx_promise_order(struct pmx_schema *s, const char *by, const char *first)
{
	char *new_by = text_or_null(by), *new_first = text_or_null(first);
	mem_free(s->order_by);
	mem_free(s->order_first);
	s->order_by = new_by;
	s->order_first = new_first;
}

bool pmx_promises(const struct pmx_schema *s, const char *by, const char *first)
{
	return s->order_by && !strcmp(s->order_by, by) &&
	       (!first || (s->order_first && !strcmp(s->order_first, first)));
}

static void put_text(json_t *o, const char *key, const char *value)
{
	if (value)
		json_object_set_new(o, key, json_string(value));
}

static json_t *field_to_json(const struct pmx_field *f)
{
	if (f->class == PMX_OTHER)
		return json_incref(f->declaration);
	json_t *o = json_object();
	json_object_set_new(o, "id", json_integer(f->id));
	put_text(o, "class", class_name[f->class]);
	put_text(o, "name", f->name);
	put_text(o, "type", type_name[f->type]);
	if (f->matrix)
		json_object_set_new(o, "width", json_integer(f->width));
	if (f->values) {
		json_t *values = json_array();
		for (size_t i = 0; i < f->values->n; i++)
			json_array_append_new(values, json_string(f->values->at[i]));
		json_object_set_new(o, "values", values);
		if (f->ordered)
			json_object_set_new(o, "ordered", json_true());
	}
	if (f->class == PMX_LAYER)
		put_text(o, "storage", storage_name[f->storage]);
	if (f->class == PMX_LAYER && f->storage == PMX_RECIPE) {
		const struct pmx_recipe *r = &f->recipe;
		put_text(o, "recipe", recipe_name[r->kind]);
		put_text(o, "source", r->source);
		put_text(o, "totals", r->totals);
		if (r->kind == PMX_LOG_NORMALISED)
			json_object_set_new(o, "target_sum", json_real(r->target_sum));
		put_text(o, "neighbours", r->neighbours);
		put_text(o, "split", r->split);
		put_text(o, "pert_key", r->pert_key);
		put_text(o, "control", r->control);
	}
	return o;
}

json_t *pmx_schema_to_json(const struct pmx_schema *s)
{
	json_t *o = json_object(), *fields = json_array();
	put_text(o, "kind", kind_name[s->kind]);
	json_object_set_new(o, "columns", json_integer((json_int_t)s->n_columns));
	put_text(o, "row_names", s->row_names);
	put_text(o, "column_names", s->column_names);
	for (size_t i = 0; i < s->n_fields; i++)
		json_array_append_new(fields, field_to_json(&s->field[i]));
	json_object_set_new(o, "fields", fields);
	if (s->order_by) {
		json_t *order = json_object();
		put_text(order, "by", s->order_by);
		put_text(order, "first", s->order_first);
		json_object_set_new(o, "order", order);
	}
	json_object_set(o, "provenance", s->provenance);
	if (s->notes)
		json_object_set(o, "notes", s->notes);
	return o;
}

static int lookup(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; name && i < n; i++)
		if (!strcmp(list[i], name))
			return (int)i;
	return -1;
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

#define COUNT(list) (sizeof(list) / sizeof *(list))

static int recipe_from_json(struct pmx_field *f, const json_t *o, struct err *e)
{
	struct pmx_recipe *r = &f->recipe;
	int kind = lookup(recipe_name, COUNT(recipe_name), text_of(o, "recipe"));
	if (kind < 0)
		return err_set(e, "layer '%s' is a recipe of a kind that this version does not know (%s)", f->name,
			       text_of(o, "recipe") ? text_of(o, "recipe") : "none named");
	r->kind = (enum pmx_recipe_kind)kind;
	r->source = text_or_null(text_of(o, "source"));
	r->totals = text_or_null(text_of(o, "totals"));
	r->neighbours = text_or_null(text_of(o, "neighbours"));
	r->split = text_or_null(text_of(o, "split"));
	r->pert_key = text_or_null(text_of(o, "pert_key"));
	r->control = text_or_null(text_of(o, "control"));
	r->target_sum = json_number_value(json_object_get(o, "target_sum"));
	bool complete = r->source;
	if (r->kind == PMX_LOG_NORMALISED)
		complete = complete && r->totals && r->target_sum > 0;
	else
		complete = complete && r->pert_key && r->control;
	if (r->kind == PMX_NEIGHBOUR_SIGNATURE)
		complete = complete && r->neighbours;
	return complete ? 0 : err_set(e, "the recipe of layer '%s' lacks an ingredient", f->name);
}

static int field_from_json(struct pmx_schema *s, const json_t *o, struct err *e)
{
	json_int_t id = json_integer_value(json_object_get(o, "id"));
	const char *name = text_of(o, "name");
	if (!json_is_object(o) || id < 1 || id > PMX_MAX_ID || pmx_find_id(s, (uint32_t)id) != PMX_NO_FIELD)
		return err_set(e, "the header declares a field without an id of its own");
	int class = lookup(class_name, COUNT(class_name), text_of(o, "class"));
	int type = lookup(type_name, COUNT(type_name), text_of(o, "type"));
	if (class < 0 || type < 0) {
		if (!json_is_true(json_object_get(o, "ancillary")))
			return err_set(e, "the header declares a field of a class or type that this version does not know (%s)",
				       name ? name : "no name");
		class = PMX_OTHER;
		type = 0;
	}
	if (class != PMX_OTHER && (!name || !*name))
		return err_set(e, "the header declares a field without a name");
	if (class != PMX_OTHER && pmx_find(s, (enum pmx_class)class, name) != PMX_NO_FIELD)
		return err_set(e, "the header declares %s '%s' twice", class_name[class], name);
	struct pmx_field *f = add_field(s, (enum pmx_class)class, name ? name : "", PMX_BOOL);
	f->id = (uint32_t)id;
	f->type = (enum pmx_type)type;
	if (s->next_id <= f->id)
		s->next_id = f->id + 1;
	if (class == PMX_OTHER) {
		f->declaration = json_deep_copy(o);
		return 0;
	}
	const json_t *width = json_object_get(o, "width");
	if (width) {
		json_int_t w = json_integer_value(width);
		if (class == PMX_LAYER || w < 1 || w > 1000000 || f->type < PMX_F64)
			return err_set(e, "the header declares an impossible width for '%s'", f->name);
		f->width = (uint32_t)w;
		f->matrix = true;
	} else if (class != PMX_LAYER && (f->type == PMX_F32 || f->type == PMX_U32)) {
		return err_set(e, "the header declares '%s' as a column of type %s", f->name, type_name[type]);
	}
	if (f->type == PMX_CATEGORY) {
		const json_t *values = json_object_get(o, "values"), *v;
		size_t i;
		f->values = names_new();
		if (!json_is_array(values))
			return err_set(e, "the label column '%s' has no dictionary", f->name);
		json_array_foreach(values, i, v) {
			bool is_new = false;
			if (!json_is_string(v) || (names_add(f->values, json_string_value(v), &is_new), !is_new))
				return err_set(e, "the dictionary of '%s' holds something twice or something that is no text", f->name);
		}
		f->ordered = json_is_true(json_object_get(o, "ordered"));
	}
	if (class == PMX_LAYER) {
		int storage = lookup(storage_name, COUNT(storage_name), text_of(o, "storage"));
		if (storage < 0 || (f->type != PMX_F64 && f->type != PMX_F32 && f->type != PMX_U32))
			return err_set(e, "layer '%s' has an unknown storage or type", f->name);
		f->storage = (enum pmx_storage)storage;
		if (f->storage == PMX_RECIPE)
			return recipe_from_json(f, o, e);
	}
	return 0;
}

/* A recipe may only name fields that are there, and no recipe may lead back to itself. */
static int check_recipes(const struct pmx_schema *s, struct err *e)
{
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct pmx_field *f = &s->field[i];
		if (f->class != PMX_LAYER || f->storage != PMX_RECIPE)
			continue;
		const struct pmx_recipe *r = &f->recipe;
		size_t source = pmx_find(s, PMX_LAYER, r->source);
		const char *row[] = { r->totals, r->neighbours, r->split, r->pert_key };
		bool there = source != PMX_NO_FIELD;
		for (size_t k = 0; k < COUNT(row); k++)
			there = there && (!row[k] || pmx_find(s, PMX_OBS, row[k]) != PMX_NO_FIELD);
		if (!there)
			return err_set(e, "layer '%s' is computed from fields that are not in the stream", f->name);
		if (r->kind == PMX_LOG_NORMALISED) {
			if (s->field[source].storage == PMX_RECIPE)
				return err_set(e, "layer '%s' is normalised from a computed layer", f->name);
			const struct pmx_field *totals = &s->field[pmx_find(s, PMX_OBS, r->totals)];
			if (totals->type != PMX_F64 || totals->matrix)
				return err_set(e, "the row totals of layer '%s' are no f64 column", f->name);
		} else {
			const struct pmx_field *from = &s->field[source];
			if (from->storage == PMX_RECIPE && from->recipe.kind != PMX_LOG_NORMALISED)
				return err_set(e, "layer '%s' is a signature of a signature", f->name);
			if (s->field[pmx_find(s, PMX_OBS, r->pert_key)].type != PMX_CATEGORY)
				return err_set(e, "column '%s', which names the controls of layer '%s', holds no labels", r->pert_key, f->name);
		}
		if (r->kind == PMX_NEIGHBOUR_SIGNATURE) {
			const struct pmx_field *n = &s->field[pmx_find(s, PMX_OBS, r->neighbours)];
			if (!n->matrix || n->type != PMX_U32)
				return err_set(e, "the neighbours of layer '%s' are no u32 row matrix", f->name);
		}
		if (r->kind == PMX_SPLIT_SIGNATURE && r->split &&
		    s->field[pmx_find(s, PMX_OBS, r->split)].type != PMX_CATEGORY)
			return err_set(e, "the split of layer '%s' is no label column", f->name);
	}
	return 0;
}

struct pmx_schema *pmx_schema_from_json(const json_t *json, struct err *e)
{
	int kind = lookup(kind_name, COUNT(kind_name), text_of(json, "kind"));
	const json_t *columns = json_object_get(json, "columns"), *fields = json_object_get(json, "fields"), *o;
	if (kind < 0 || !json_is_integer(columns) || json_integer_value(columns) < 0 ||
	    json_integer_value(columns) > PMX_MAX_COLUMNS || !json_is_array(fields)) {
		err_set(e, "the header lacks kind, columns or fields");
		return NULL;
	}
	struct pmx_schema *s = pmx_schema_new((enum pmx_kind)kind, (size_t)json_integer_value(columns));
	size_t i;
	if (json_array_size(fields) > MAX_FIELDS) {
		err_set(e, "the header declares more than %d fields", MAX_FIELDS);
		goto fail;
	}
	json_array_foreach(fields, i, o)
		if (field_from_json(s, o, e))
			goto fail;
	if (check_recipes(s, e))
		goto fail;
	s->row_names = text_or_null(text_of(json, "row_names"));
	s->column_names = text_or_null(text_of(json, "column_names"));
	size_t row = pmx_find(s, PMX_OBS, s->row_names), column = pmx_find(s, PMX_VAR, s->column_names);
	if (row == PMX_NO_FIELD || s->field[row].type != PMX_TEXT || column == PMX_NO_FIELD || s->field[column].type != PMX_TEXT) {
		err_set(e, "the header does not say which text fields name the rows and the columns");
		goto fail;
	}
	const json_t *order = json_object_get(json, "order");
	if (order) {
		size_t by = pmx_find(s, PMX_OBS, text_of(order, "by"));
		if (by == PMX_NO_FIELD || s->field[by].type != PMX_CATEGORY) {
			err_set(e, "the header promises an order by a label column that is not there");
			goto fail;
		}
		pmx_promise_order(s, text_of(order, "by"), text_of(order, "first"));
	}
	if (json_is_array(json_object_get(json, "provenance"))) {
		json_decref(s->provenance);
		s->provenance = json_deep_copy(json_object_get(json, "provenance"));
	}
	if (json_is_object(json_object_get(json, "notes")))
		s->notes = json_deep_copy(json_object_get(json, "notes"));
	return s;
fail:
	pmx_schema_free(s);
	return NULL;
}
