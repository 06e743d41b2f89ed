/* libpertpipe: the stream layer behind the handles of include/pertpipe/pmx.h. */
#include <pertpipe/pmx.h>
#include "base/mem.h"
#include "base/text.h"
#include "stream/dense.h"
#include "stream/layer.h"
#include "stream/reader.h"
#include "stream/writer.h"
#include <stdio.h>
#include <string.h>

#define PUBLIC __attribute__((visibility("default")))
#define SAME(a, b) _Static_assert((int)(a) == (int)(b), #a " is " #b)
SAME(PERTPIPE_SUMS, PMX_SUMS);
SAME(PERTPIPE_VAR, PMX_VAR);
SAME(PERTPIPE_OTHER, PMX_OTHER);
SAME(PERTPIPE_TEXT, PMX_TEXT);
SAME(PERTPIPE_CATEGORY, PMX_CATEGORY);
SAME(PERTPIPE_BOOL, PMX_BOOL);
SAME(PERTPIPE_I64, PMX_I64);
SAME(PERTPIPE_F64, PMX_F64);
SAME(PERTPIPE_F32, PMX_F32);
SAME(PERTPIPE_U32, PMX_U32);
SAME(PERTPIPE_RECIPE, PMX_RECIPE);
_Static_assert(PERTPIPE_NO_FIELD == PMX_NO_FIELD && PERTPIPE_MISSING_CODE == PMX_MISSING_CODE &&
	       PERTPIPE_MISSING_I64 == PMX_MISSING_I64 && PERTPIPE_MISSING_BOOL == PMX_MISSING_BOOL, "missing values");
_Static_assert(sizeof ((struct pertpipe_error *)0)->text == sizeof ((struct err *)0)->text, "texts have room");

struct pertpipe_schema {
	struct pmx_schema *s;
	struct err err;                 /* what was wrong with an addition */
};

struct pertpipe_reader {
	struct pertpipe_schema schema;
	struct pmx_reader *in;
	struct pmx_dense *dense;
	int *handle;                    /* of each field: in `dense`, -1 where it was not asked for */
	struct pmx_block *block;
	struct sparse_rows rows;
	bool started;
};

struct pertpipe_writer {
	struct pmx_writer *out;
	struct pmx_filler *filler;
	const struct pmx_schema *s;
	bool *filled;                   /* fields of the row that is being filled */
	uint64_t row;
	struct err err;
};

/* The internal failure as the caller's text; the status that goes with it. */
static int report(struct err *from, struct pertpipe_error *e)
{
	if (from->set && e && !*e->text)
		memcpy(e->text, from->text, sizeof e->text);
	return from->set ? -1 : 0;
}

static bool valid(const struct pertpipe_schema *s, size_t field)
{
	return field < s->s->n_fields;
}

PUBLIC enum pertpipe_kind pertpipe_kind(const struct pertpipe_schema *s)
{
	return (enum pertpipe_kind)s->s->kind;
}

PUBLIC size_t pertpipe_n_columns(const struct pertpipe_schema *s)
{
	return s->s->n_columns;
}

PUBLIC const char *pertpipe_column_name(const struct pertpipe_schema *s, size_t i)
{
	return i < s->s->n_columns ? pmx_column_name(s->s, i) : NULL;
}

PUBLIC size_t pertpipe_n_fields(const struct pertpipe_schema *s)
{
	return s->s->n_fields;
}

PUBLIC struct pertpipe_field pertpipe_field(const struct pertpipe_schema *s, size_t field)
{
	if (!valid(s, field))
		return (struct pertpipe_field){ .field_class = PERTPIPE_OTHER };
	const struct pmx_field *f = &s->s->field[field];
	return (struct pertpipe_field){ .field_class = (enum pertpipe_class)f->class, .type = (enum pertpipe_type)f->type,
		.storage = (enum pertpipe_storage)f->storage, .name = f->name, .width = f->matrix ? f->width : 0,
		.labels = f->values ? (const char *const *)f->values->at : NULL, .n_labels = f->values ? f->values->n : 0 };
}

PUBLIC size_t pertpipe_find(const struct pertpipe_schema *s, enum pertpipe_class field_class, const char *name)
{
	return pmx_find(s->s, (enum pmx_class)field_class, name);
}

static const char *checked(struct pertpipe_schema *s, const char *text)
{
	if (text && text_utf8(text, strlen(text)))
		return text;
	err_set(&s->err, "field %zu of the schema: a name or label is missing or is not UTF-8", s->s->n_fields);
	return "";
}

PUBLIC struct pertpipe_schema *pertpipe_schema_new(enum pertpipe_kind kind, const char *rows, const char *columns, const char *const *name,
						    size_t n)
{
	struct pertpipe_schema *s = mem_zero(1, sizeof *s);
	if (n > PMX_MAX_COLUMNS)
		err_set(&s->err, "%zu columns are more than the %u that a stream may have", n, PMX_MAX_COLUMNS);
	n = n > PMX_MAX_COLUMNS ? 0 : n;
	s->s = pmx_schema_new((enum pmx_kind)kind, n);
	struct pmx_column names = { .type = PMX_TEXT, .n = n, .width = 1, .text = mem_array(n, sizeof *names.text), .borrowed = true };
	for (size_t i = 0; i < n; i++)
		names.text[i] = checked(s, name[i]);
	pmx_add_var(s->s, checked(s, columns), pmx_column_copy(&names));
	mem_free(names.text);
	pmx_add_obs(s->s, checked(s, rows), PMX_TEXT);
	s->s->column_names = mem_text(checked(s, columns));
	s->s->row_names = mem_text(checked(s, rows));
	return s;
}

PUBLIC void pertpipe_schema_free(struct pertpipe_schema *s)
{
	if (!s)
		return;
	pmx_schema_free(s->s);
	mem_free(s);
}

PUBLIC size_t pertpipe_add_obs(struct pertpipe_schema *s, const char *name, enum pertpipe_type type, uint32_t width)
{
	bool matrix = type == PERTPIPE_F64 || type == PERTPIPE_F32 || type == PERTPIPE_U32;
	if (type == PERTPIPE_CATEGORY || (unsigned)type >= PMX_N_TYPES || (width ? !matrix : type == PERTPIPE_F32 || type == PERTPIPE_U32))
		err_set(&s->err, "row column '%s': %s", name, type == PERTPIPE_CATEGORY ? "labels are added with pertpipe_add_category" :
			width ? "a matrix is F64, F32 or U32" : "F32 and U32 need a width");
	if (width)
		pmx_add_obsm(s->s, checked(s, name), (enum pmx_type)type, width);
	else
		pmx_add_obs(s->s, checked(s, name), (enum pmx_type)type);
	return s->s->n_fields - 1;
}

PUBLIC size_t pertpipe_add_category(struct pertpipe_schema *s, const char *name, const char *const *label, size_t n)
{
	struct pmx_field *f = pmx_add_obs(s->s, checked(s, name), PMX_CATEGORY);
	for (size_t i = 0; i < n; i++) {
		bool is_new;
		names_add(f->values, checked(s, label[i]), &is_new);
		if (!is_new)
			err_set(&s->err, "row column '%s' has the label '%s' twice", name, label[i]);
	}
	return s->s->n_fields - 1;
}

PUBLIC size_t pertpipe_add_layer(struct pertpipe_schema *s, const char *name, enum pertpipe_type type, enum pertpipe_storage storage)
{
	if ((type != PERTPIPE_F64 && type != PERTPIPE_F32 && type != PERTPIPE_U32) || (storage != PERTPIPE_DENSE && storage != PERTPIPE_SPARSE))
		err_set(&s->err, "layer '%s': a layer that is written is F64, F32 or U32, dense or sparse", name);
	pmx_add_layer(s->s, checked(s, name), (enum pmx_type)type, (enum pmx_storage)storage);
	return s->s->n_fields - 1;
}

PUBLIC void pertpipe_made_by(struct pertpipe_schema *s, const char *program, const char *version)
{
	json_array_append_new(s->s->provenance, json_pack("{s:s,s:s}", "tool", checked(s, program), "version", checked(s, version)));
}

PUBLIC void pertpipe_promise_order(struct pertpipe_schema *s, const char *by, const char *first)
{
	pmx_promise_order(s->s, checked(s, by), first ? checked(s, first) : NULL);
}

PUBLIC struct pertpipe_reader *pertpipe_open(const char *path, struct pertpipe_error *e)
{
	struct err err = { 0 };
	struct file_in *file = file_open(path, &err);
	struct pmx_reader *in = file ? pmx_open(file, 1, &err) : NULL;
	if (!in) {
		report(&err, e);
		return NULL;
	}
	struct pertpipe_reader *r = mem_zero(1, sizeof *r);
	r->in = in;
	r->schema.s = pmx_schema_copy(pmx_reader_schema(in));
	r->dense = pmx_dense_new(in, 1);
	r->handle = mem_array(r->schema.s->n_fields, sizeof *r->handle);
	for (size_t f = 0; f < r->schema.s->n_fields; f++)
		r->handle[f] = -1;
	sparse_rows_init(&r->rows, r->schema.s->n_columns);
	return r;
}

PUBLIC void pertpipe_close(struct pertpipe_reader *r)
{
	if (!r)
		return;
	pmx_block_free(r->block);
	pmx_dense_free(r->dense);
	pmx_close(r->in);
	pmx_schema_free(r->schema.s);
	sparse_rows_free(&r->rows);
	mem_free(r->handle);
	mem_free(r);
}

PUBLIC const struct pertpipe_schema *pertpipe_schema(const struct pertpipe_reader *r)
{
	return &r->schema;
}

static bool is_layer(const struct pertpipe_reader *r, size_t layer, struct err *err)
{
	if (valid(&r->schema, layer) && r->schema.s->field[layer].class == PMX_LAYER)
		return true;
	err_set(err, "%s: field %zu is no layer", pmx_reader_name(r->in), layer);
	return false;
}

static bool in_block(const struct pertpipe_reader *r, struct err *err)
{
	if (!r->block)
		err_set(err, "%s: there is no block of rows to read from", pmx_reader_name(r->in));
	return r->block;
}

PUBLIC int pertpipe_want_dense(struct pertpipe_reader *r, size_t layer, struct pertpipe_error *e)
{
	struct err err = { 0 };
	if (!is_layer(r, layer, &err))
		return report(&err, e);
	if (r->started) {
		err_set(&err, "%s: layer '%s' is asked for after the first block", pmx_reader_name(r->in), r->schema.s->field[layer].name);
		return report(&err, e);
	}
	if (r->handle[layer] < 0)
		r->handle[layer] = pmx_dense_layer(r->dense, layer, NULL, 0, &err);
	return report(&err, e);
}

PUBLIC int pertpipe_next(struct pertpipe_reader *r, struct pertpipe_error *e)
{
	struct err err = { 0 };
	pmx_block_free(r->block);
	r->block = NULL;
	r->started = true;
	int more = pmx_dense_next(r->dense, &r->block, &err);
	return more < 0 ? report(&err, e) : more;
}

PUBLIC size_t pertpipe_n_rows(const struct pertpipe_reader *r)
{
	return r->block ? r->block->n_rows : 0;
}

PUBLIC uint64_t pertpipe_first_row(const struct pertpipe_reader *r)
{
	return r->block ? r->block->first_row : pmx_rows_read(r->in);
}

PUBLIC int pertpipe_values(struct pertpipe_reader *r, size_t field, struct pertpipe_values *out, struct pertpipe_error *e)
{
	struct err err = { 0 };
	const struct pmx_field *f = valid(&r->schema, field) ? &r->schema.s->field[field] : NULL;
	const struct pmx_column *c = NULL;
	if (!f || (f->class != PMX_OBS && f->class != PMX_VAR))
		err_set(&err, "%s: field %zu is no column", pmx_reader_name(r->in), field);
	else if (f->class == PMX_VAR)
		c = f->column;
	else if (in_block(r, &err))
		c = pmx_block_column(r->block, r->schema.s, field, &err);
	if (!c)
		return report(&err, e);
	*out = (struct pertpipe_values){ .type = (enum pertpipe_type)c->type, .n = c->n, .width = f->matrix ? f->width : 0 };
	switch (c->type) {
	case PMX_TEXT: out->at.text = c->text; break;
	case PMX_BOOL: out->at.flag = c->flag; break;
	case PMX_I64: out->at.i64 = c->i64; break;
	case PMX_F64: out->at.f64 = c->f64; break;
	case PMX_F32: out->at.f32 = c->f32; break;
	default: out->at.u32 = c->u32; break;
	}
	return 0;
}

PUBLIC int pertpipe_sparse(struct pertpipe_reader *r, size_t layer, struct pertpipe_rows *out, struct pertpipe_error *e)
{
	struct err err = { 0 };
	if (!is_layer(r, layer, &err) || !in_block(r, &err))
		return report(&err, e);
	if (pmx_layer_is_signature(r->schema.s, layer)) {
		err_set(&err, "%s: layer '%s' is a signature; read it with pertpipe_dense", pmx_reader_name(r->in), r->schema.s->field[layer].name);
		return report(&err, e);
	}
	sparse_rows_clear(&r->rows);
	if (pmx_layer_rows(r->block, r->schema.s, layer, 0, r->block->n_rows, &r->rows, &err))
		return report(&err, e);
	*out = (struct pertpipe_rows){ .n_rows = r->rows.n_rows, .start = r->rows.start, .column = r->rows.col, .value = r->rows.value };
	return 0;
}

PUBLIC int pertpipe_dense(struct pertpipe_reader *r, size_t layer, double *out, struct pertpipe_error *e)
{
	struct err err = { 0 };
	if (!is_layer(r, layer, &err) || !in_block(r, &err))
		return report(&err, e);
	if (r->handle[layer] < 0)
		err_set(&err, "%s: layer '%s' was not asked for with pertpipe_want_dense", pmx_reader_name(r->in), r->schema.s->field[layer].name);
	else
		pmx_dense_rows(r->dense, r->handle[layer], r->block, 0, r->block->n_rows, out, &err);
	return report(&err, e);
}

/* A header that no reader would take is not written: it is read once. */
static void check_schema(const struct pertpipe_schema *s, struct err *err)
{
	if (s->err.set) {
		*err = s->err;
		return;
	}
	json_t *json = pmx_schema_to_json(s->s);
	struct pmx_schema *again = pmx_schema_from_json(json, err);
	json_decref(json);
	pmx_schema_free(again);
}

PUBLIC struct pertpipe_writer *pertpipe_create(const char *path, const struct pertpipe_schema *s, int level, struct pertpipe_error *e)
{
	struct err err = { 0 };
	check_schema(s, &err);
	if (level < 0 || level > 19)
		err_set(&err, "compression level %d is not in 0 .. 19", level);
	struct file_out *file = err.set ? NULL : file_create(path, &err);
	struct pmx_writer *out = file ? pmx_create(file, s->s, level, 1, &err) : NULL;
	if (!out) {
		report(&err, e);
		return NULL;
	}
	struct pertpipe_writer *w = mem_zero(1, sizeof *w);
	w->out = out;
	w->s = pmx_writer_schema(out);
	w->filler = pmx_filler_new(out, 0);
	w->filled = mem_zero(w->s->n_fields, sizeof *w->filled);
	return w;
}

/* May the field be filled so, now? What may not is kept for pertpipe_end_row. */
static const struct pmx_field *fill(struct pertpipe_writer *w, size_t field, bool (*fits)(const struct pmx_field *))
{
	unsigned long long row = w->row;
	if (w->err.set)
		return NULL;
	if (field >= w->s->n_fields) {
		err_set(&w->err, "row %llu: there is no field %zu", row, field);
		return NULL;
	}
	const struct pmx_field *f = &w->s->field[field];
	if (f->class == PMX_VAR || f->class == PMX_OTHER || !fits(f))
		err_set(&w->err, "row %llu: field '%s' does not hold values of this type", row, f->name);
	else if (w->filled[field])
		err_set(&w->err, "row %llu: field '%s' is filled twice", row, f->name);
	w->filled[field] = true;
	return w->err.set ? NULL : f;
}

static bool is_plain(const struct pmx_field *f, enum pmx_type type)
{
	return f->class == PMX_OBS && !f->matrix && f->type == type;
}

static bool is_text(const struct pmx_field *f)
{
	return is_plain(f, PMX_TEXT);
}

static bool is_code(const struct pmx_field *f)
{
	return is_plain(f, PMX_CATEGORY);
}

static bool is_bool(const struct pmx_field *f)
{
	return is_plain(f, PMX_BOOL);
}

static bool is_i64(const struct pmx_field *f)
{
	return is_plain(f, PMX_I64);
}

static bool is_f64(const struct pmx_field *f)
{
	return is_plain(f, PMX_F64);
}

static bool is_row(const struct pmx_field *f)
{
	return f->class == PMX_LAYER ? f->storage == PMX_DENSE : f->matrix;
}

static bool is_sparse(const struct pmx_field *f)
{
	return f->class == PMX_LAYER && f->storage == PMX_SPARSE;
}

PUBLIC void pertpipe_fill_text(struct pertpipe_writer *w, size_t field, const char *value)
{
	const struct pmx_field *f = fill(w, field, is_text);
	if (f && value && (strlen(value) > PMX_MAX_SECTION / 4 || !text_utf8(value, strlen(value))))
		err_set(&w->err, "row %llu: the text of '%s' is too long or is not UTF-8", (unsigned long long)w->row, f->name);
	else if (f)
		pmx_fill_text(w->filler, field, value);
}

PUBLIC void pertpipe_fill_code(struct pertpipe_writer *w, size_t field, uint32_t code)
{
	const struct pmx_field *f = fill(w, field, is_code);
	if (f && code != PMX_MISSING_CODE && code >= f->values->n)
		err_set(&w->err, "row %llu: '%s' has no label %u", (unsigned long long)w->row, f->name, code);
	else if (f)
		pmx_fill_code(w->filler, field, code);
}

PUBLIC void pertpipe_fill_bool(struct pertpipe_writer *w, size_t field, uint8_t value)
{
	if (fill(w, field, is_bool))
		pmx_fill_bool(w->filler, field, value > PMX_MISSING_BOOL ? 1 : value);
}

PUBLIC void pertpipe_fill_i64(struct pertpipe_writer *w, size_t field, int64_t value)
{
	if (fill(w, field, is_i64))
		pmx_fill_i64(w->filler, field, value);
}

PUBLIC void pertpipe_fill_f64(struct pertpipe_writer *w, size_t field, double value)
{
	if (fill(w, field, is_f64))
		pmx_fill_f64(w->filler, field, value);
}

PUBLIC void pertpipe_fill_row(struct pertpipe_writer *w, size_t field, const void *values)
{
	if (fill(w, field, is_row))
		pmx_fill_row(w->filler, field, values);
}

PUBLIC void pertpipe_fill_sparse(struct pertpipe_writer *w, size_t layer, const uint32_t *column, const void *values, size_t n)
{
	const struct pmx_field *f = fill(w, layer, is_sparse);
	for (size_t i = 0; f && i < n; i++)
		if (column[i] >= w->s->n_columns || (i && column[i] <= column[i - 1])) {
			err_set(&w->err, "row %llu: columns of '%s' do not increase, or go beyond the last", (unsigned long long)w->row, f->name);
			return;
		}
	if (f)
		pmx_fill_sparse(w->filler, layer, column, values, n);
}

PUBLIC int pertpipe_end_row(struct pertpipe_writer *w, struct pertpipe_error *e)
{
	for (size_t i = 0; i < w->s->n_fields; i++) {
		const struct pmx_field *f = &w->s->field[i];
		if (!w->filled[i] && (f->class == PMX_OBS || f->class == PMX_LAYER))
			err_set(&w->err, "row %llu: field '%s' is not filled", (unsigned long long)w->row, f->name);
		w->filled[i] = false;
	}
	w->row++;
	if (!w->err.set)
		pmx_fill_end_row(w->filler, &w->err);
	return report(&w->err, e);
}

static bool any_filled(const struct pertpipe_writer *w)
{
	for (size_t i = 0; i < w->s->n_fields; i++)
		if (w->filled[i])
			return true;
	return false;
}

static void free_writer(struct pertpipe_writer *w)
{
	mem_free(w->filled);
	mem_free(w);
}

PUBLIC int pertpipe_finish(struct pertpipe_writer *w, struct pertpipe_error *e)
{
	struct err err = w->err;
	if (any_filled(w))
		err_set(&err, "row %llu was not ended", (unsigned long long)w->row);
	if (err.set) {
		pertpipe_abandon(w);
		return report(&err, e);
	}
	if (pmx_filler_close(w->filler, &err))
		pmx_abandon(w->out);
	else
		pmx_finish(w->out, 0, &err);
	free_writer(w);
	return report(&err, e);
}

PUBLIC void pertpipe_abandon(struct pertpipe_writer *w)
{
	if (!w)
		return;
	pmx_filler_free(w->filler);
	pmx_abandon(w->out);
	free_writer(w);
}
