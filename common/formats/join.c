#include "formats/join.h"
#include "base/mem.h"
#include "formats/table.h"
#include "stream/describe.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct join {
	struct table *table;
	size_t key;
	struct names *name;             /* row i of the table has name i */
	struct typed *column;           /* of the table's columns; nothing for the key */
	char **field;                   /* their names in the schema; NULL for the key */
	double *matrix;                 /* or n_rows x width */
	size_t width;
	bool *used;
	uint64_t n_used, n_rows, n_matched;
	char *first_name;               /* of the stream */
};

static const char *text_at(const struct table *t, size_t row, size_t column)
{
	return t->field[row * t->n_columns + column];
}

static int index_rows(struct join *j, struct err *e)
{
	const struct table *t = j->table;
	j->name = names_new();
	for (size_t i = 0; i < t->n_rows; i++) {
		const char *name = text_at(t, i, j->key);
		bool is_new;
		if (!*name)
			return err_set(e, "%s, line %" PRIu64 ": column '%s', which names the rows, is empty", t->name, t->line[i], t->head[j->key]);
		uint32_t at = names_add(j->name, name, &is_new);
		if (!is_new)
			return err_set(e, "%s, line %" PRIu64 ": '%s' comes again in column '%s', first on line %" PRIu64
				       "; a row needs one line (pmx-join --key takes another column for the names)", t->name, t->line[i], name,
				       t->head[j->key], t->line[at]);
	}
	return 0;
}

struct join *join_open(const char *path, const char *key, uint64_t memory, struct err *e)
{
	struct table *t = table_read_latin1(path, memory, e);
	if (!t)
		return NULL;
	struct join *j = mem_zero(1, sizeof *j);
	j->table = t;
	j->key = key ? table_need(t, key, e) : 0;
	if (j->key != SIZE_MAX && t->n_columns < 2)
		err_set(e, "%s has no column beside '%s'", t->name, t->head[0]);
	if (j->key == SIZE_MAX || t->n_columns < 2 || index_rows(j, e)) {
		join_free(j);
		return NULL;
	}
	j->used = mem_zero(t->n_rows, sizeof *j->used);
	return j;
}

void join_free(struct join *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < j->table->n_columns; i++) {
		if (j->column)
			typed_free(&j->column[i]);
		if (j->field)
			mem_free(j->field[i]);
	}
	mem_free(j->column);
	mem_free(j->field);
	mem_free(j->matrix);
	mem_free(j->used);
	mem_free(j->first_name);
	names_free(j->name);
	table_free(j->table);
	mem_free(j);
}

/* Makes room for a row field of that name. */
static int free_name(const struct join *j, struct pmx_schema *s, const char *name, bool replace, struct err *e)
{
	size_t f = pmx_find(s, PMX_OBS, name);
	if (!*name)
		return err_set(e, "%s has a column without a name", j->table->name);
	if (f == PMX_NO_FIELD)
		return 0;
	if (!strcmp(name, s->row_names))
		return err_set(e, "%s: column '%s' is what names the rows of the stream, and cannot be replaced", j->table->name, name);
	if (!replace)
		return err_set(e, "%s: there is a row %s '%s' already; --replace puts the new one in its place", j->table->name,
			       pmx_is_matrix(&s->field[f]) ? "matrix" : "column", name);
	size_t user = pmx_used_by(s, f);
	if (user != PMX_NO_FIELD)
		return err_set(e, "%s: '%s' cannot be replaced, because layer '%s' is computed from it", j->table->name, name, s->field[user].name);
	if (s->order_by && !strcmp(s->order_by, name))
		pmx_promise_order(s, NULL, NULL);
	pmx_drop_field(s, f);
	return 0;
}

static void type_column(const struct join *j, size_t column, struct typed *out)
{
	const struct table *t = j->table;
	const char **text = mem_array(t->n_rows, sizeof *text);
	for (size_t i = 0; i < t->n_rows; i++)
		text[i] = text_at(t, i, column);
	typed_from_text(out, text, t->n_rows, TYPED_GUESS);
	mem_free(text);
}

int join_columns(struct join *j, struct pmx_schema *s, bool replace, struct err *e)
{
	const struct table *t = j->table;
	j->column = mem_zero(t->n_columns, sizeof *j->column);
	j->field = mem_zero(t->n_columns, sizeof *j->field);
	for (size_t i = 0; i < t->n_columns; i++) {
		if (i == j->key)
			continue;
		if (free_name(j, s, t->head[i], replace, e))
			return -1;
		type_column(j, i, &j->column[i]);
		j->field[i] = mem_text(t->head[i]);
		struct pmx_field *f = pmx_add_obs(s, t->head[i], j->column[i].type);
		if (f->values) {
			names_free(f->values);
			f->values = names_copy(j->column[i].values);
		}
	}
	return 0;
}

/* The line of the first value that is no number. */
static int refuse_text(const struct join *j, size_t column, const struct typed *typed, struct err *e)
{
	const struct table *t = j->table;
	for (size_t i = 0; i < t->n_rows; i++) {
		const char *text = text_at(t, i, column);
		struct typed one;
		typed_from_text(&one, &text, 1, TYPED_GUESS);
		bool number = one.type == PMX_I64 || one.type == PMX_F64;
		typed_free(&one);
		if (!number)
			return err_set(e, "%s, line %" PRIu64 ": '%s' in column '%s' is no number; a row matrix takes numbers only", t->name,
				       t->line[i], text, t->head[column]);
	}
	return err_set(e, "%s: column '%s' holds %s values; a row matrix takes numbers only", t->name, t->head[column], pmx_type_name(typed->type));
}

int join_matrix(struct join *j, struct pmx_schema *s, const char *name, bool replace, struct err *e)
{
	const struct table *t = j->table;
	if (free_name(j, s, name, replace, e))
		return -1;
	j->width = t->n_columns - 1;
	j->matrix = mem_array(t->n_rows * j->width, sizeof *j->matrix);
	for (size_t i = 0, k = 0; i < t->n_columns; i++) {
		struct typed typed;
		if (i == j->key)
			continue;
		type_column(j, i, &typed);
		bool whole = typed.type == PMX_I64;
		int status = whole || typed.type == PMX_F64 ? 0 : refuse_text(j, i, &typed, e);
		for (size_t r = 0; r < t->n_rows && !status; r++)
			j->matrix[r * j->width + k] = pmx_column_is_missing(typed.column, r) ? NAN
				: whole ? (double)typed.column->i64[r] : typed.column->f64[r];
		typed_free(&typed);
		if (status)
			return -1;
		k++;
	}
	j->field = mem_zero(t->n_columns, sizeof *j->field);
	j->field[j->key] = mem_text(name);
	pmx_add_obsm(s, name, PMX_F64, (uint32_t)j->width);
	return 0;
}

/* The line of each row of the block; UINT32_MAX: none. */
static uint32_t *match(struct join *j, const struct pmx_column *names)
{
	uint32_t *row = mem_array(names->n, sizeof *row);
	if (!j->first_name && names->n)
		j->first_name = mem_text(names->text[0] ? names->text[0] : "");
	for (size_t i = 0; i < names->n; i++) {
		row[i] = names->text[i] ? names_find(j->name, names->text[i]) : NAMES_NONE;
		j->n_rows++;
		if (row[i] == NAMES_NONE)
			continue;
		j->n_matched++;
		j->n_used += !j->used[row[i]];
		j->used[row[i]] = true;
	}
	return row;
}

void join_put(struct join *j, struct pmx_block *b, const struct pmx_schema *s, const struct pmx_column *names)
{
	uint32_t *row = match(j, names);
	if (j->matrix) {
		struct pmx_column all = { .type = PMX_F64, .n = j->table->n_rows, .width = (uint32_t)j->width, .f64 = j->matrix };
		struct pmx_column *picked = column_pick(&all, row, names->n);
		pmx_block_put_column(b, &s->field[pmx_find(s, PMX_OBS, j->field[j->key])], picked);
		pmx_column_free(picked);
	}
	for (size_t i = 0; j->column && i < j->table->n_columns; i++) {
		if (i == j->key)
			continue;
		struct pmx_column *picked = column_pick(j->column[i].column, row, names->n);
		pmx_block_put_column(b, &s->field[pmx_find(s, PMX_OBS, j->field[i])], picked);
		pmx_column_free(picked);
	}
	mem_free(row);
}

int join_end(const struct join *j, char *note, size_t size, struct err *e)
{
	const struct table *t = j->table;
	*note = 0;
	if (!j->n_matched && j->n_rows)
		return err_set(e, "%s: no row of the stream is named in column '%s' (its first: '%s'; the stream's first: '%s'); "
			       "pmx-join --key takes another column for the names", t->name, t->head[j->key], t->n_rows ? j->name->at[0] : "",
			       j->first_name);
	size_t n = 0;
	if (j->n_matched < j->n_rows || j->n_used < t->n_rows)
		n = (size_t)snprintf(note, size, "%s: %" PRIu64 " of %" PRIu64 " rows have a line in it, the others get missing values; %" PRIu64
				     " of its %zu lines name no row", t->name, j->n_matched, j->n_rows, t->n_rows - j->n_used, t->n_rows);
	if (t->n_latin1 && n < size)
		snprintf(note + n, size - n, "%s%s: %" PRIu64 " lines were not UTF-8 and were read as Latin-1, such as a micro sign", n ? "; " : "", t->name,
			 t->n_latin1);
	return 0;
}
