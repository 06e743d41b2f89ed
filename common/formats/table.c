#include "formats/table.h"
#include "base/mem.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 1 << 20, MANY_LABELS = 1000 };

char fields_separator(const char *line)
{
	return strchr(line, '\t') ? '\t' : strchr(line, ',') ? ',' : 0;
}

/* A quoted field without its quotes; *end is set behind it. NULL when the quote does not end. */
static char *unquote(char *s, char separator, char **end)
{
	char *out = s, *p = s + 1;
	for (;; p++) {
		if (!*p)
			return NULL;
		if (*p == '"') {
			if (p[1] != '"')
				break;
			p++;
		}
		*out++ = *p;
	}
	p++;
	if (*p && *p != separator)
		return NULL;
	*end = p;
	/* The closing quote is behind out, so the field can end there without touching the rest. */
	*out = 0;
	return s;
}

size_t fields_split(char *line, char separator, char ***field, size_t *cap)
{
	size_t n = 0;
	for (char *p = line; ; ) {
		mem_room(field, cap, n + 1, sizeof **field);
		if (*p == '"') {
			char *end;
			if (!((*field)[n++] = unquote(p, separator, &end)))
				return SIZE_MAX;
			if (!*end)
				return n;
			p = end + 1;
			continue;
		}
		(*field)[n++] = p;
		char *end = separator ? strchr(p, separator) : NULL;
		if (!end)
			return n;
		*end = 0;
		p = end + 1;
	}
}

/* A copy of the line that stays. */
static char *keep(struct table *t, const char *line, size_t n)
{
	if (t->chunk_size - t->chunk_at < n + 1) {
		t->chunk_size = n + 1 > CHUNK ? n + 1 : CHUNK;
		t->chunk_at = 0;
		mem_room(&t->chunk, &t->chunk_cap, t->n_chunks + 1, sizeof *t->chunk);
		t->chunk[t->n_chunks++] = mem_array(t->chunk_size, 1);
	}
	char *to = t->chunk[t->n_chunks - 1] + t->chunk_at;
	memcpy(to, line, n + 1);
	t->chunk_at += n + 1;
	return to;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_chunks; i++)
		mem_free(t->chunk[i]);
	mem_free(t->chunk);
	mem_free(t->head);
	mem_free(t->field);
	mem_free(t->line);
	mem_free(t->name);
	mem_free(t);
}

static int read_head(struct table *t, struct lines *l, char *separator, struct err *e)
{
	char *line;
	size_t n, cap = 0;
	int more = lines_next(l, &line, &n, e);
	if (more < 0)
		return -1;
	if (!more || !n)
		return err_set(e, "%s is empty: a table begins with a line of column names", t->name);
	if (!text_utf8(line, n))
		return err_set(e, "%s, line 1 is not UTF-8 text", t->name);
	*separator = fields_separator(line);
	t->n_columns = fields_split(keep(t, line, n), *separator, &t->head, &cap);
	return t->n_columns == SIZE_MAX ? err_set(e, "%s, line 1: a quote is not closed", t->name) : 0;
}

/* R leaves the name of the first column out. */
static void complete_head(struct table *t)
{
	t->head = mem_resize(t->head, t->n_columns + 1, sizeof *t->head);
	memmove(t->head + 1, t->head, t->n_columns * sizeof *t->head);
	t->head[0] = keep(t, "", 0);
	t->n_columns++;
}

static int check_head(const struct table *t, struct err *e)
{
	struct names *names = names_new();
	int status = 0;
	for (size_t i = 0; i < t->n_columns && !status; i++) {
		bool is_new;
		names_add(names, t->head[i], &is_new);
		if (!is_new)
			status = err_set(e, "%s has two columns '%s'", t->name, t->head[i]);
	}
	names_free(names);
	return status;
}

static int read_rows(struct table *t, struct lines *l, char separator, uint64_t memory, struct err *e)
{
	char *line, **field = NULL;
	size_t n, cap = 0, line_cap = 0;
	uint64_t bytes = 0;
	int more;
	while ((more = lines_next(l, &line, &n, e)) > 0) {
		if (!n && t->n_columns > 1)
			continue;
		if (!text_utf8(line, n)) {
			err_set(e, "this is not UTF-8 text");
			break;
		}
		size_t k = fields_split(keep(t, line, n), separator, &field, &cap);
		if (k == SIZE_MAX) {
			err_set(e, "a quote is not closed");
			break;
		}
		if (!t->n_rows && k == t->n_columns + 1)
			complete_head(t);
		if (k != t->n_columns) {
			err_set(e, "%zu fields, but the header has %zu", k, t->n_columns);
			break;
		}
		bytes += n + k * sizeof *field;
		if (bytes > memory) {
			err_set(e, "the table does not fit --memory");
			break;
		}
		size_t have = t->row_cap * t->n_columns;
		mem_room(&t->field, &have, (t->n_rows + 1) * t->n_columns, sizeof *t->field);
		t->row_cap = have / t->n_columns;
		mem_room(&t->line, &line_cap, t->n_rows + 1, sizeof *t->line);
		memcpy(t->field + t->n_rows * t->n_columns, field, k * sizeof *field);
		t->line[t->n_rows++] = lines_number(l);
	}
	mem_free(field);
	return more > 0 ? lines_context(l, e) : more;
}

static struct table *read_any(struct lines *l, uint64_t memory, bool latin1, struct err *e)
{
	if (!l)
		return NULL;
	struct table *t = mem_zero(1, sizeof *t);
	t->name = mem_text(lines_name(l));
	char separator = 0;
	if (latin1)
		lines_accept_latin1(l);
	if (read_head(t, l, &separator, e) || read_rows(t, l, separator, memory, e) || check_head(t, e)) {
		table_free(t);
		t = NULL;
	}
	if (t)
		t->n_latin1 = lines_latin1(l);
	lines_close(l);
	return t;
}

struct table *table_read(const char *path, uint64_t memory, struct err *e)
{
	return read_any(lines_open(path, e), memory, false, e);
}

struct table *table_read_file(struct file_in *file, uint64_t memory, struct err *e)
{
	return read_any(lines_on(file, e), memory, false, e);
}

struct table *table_read_latin1(const char *path, uint64_t memory, struct err *e)
{
	return read_any(lines_open(path, e), memory, true, e);
}

size_t table_need(const struct table *t, const char *column, struct err *e)
{
	struct names *names = names_new();
	for (size_t i = 0; i < t->n_columns; i++) {
		if (!strcmp(t->head[i], column)) {
			names_free(names);
			return i;
		}
		names_add(names, t->head[i], NULL);
	}
	char list[900];
	names_list(names, list, sizeof list);
	names_free(names);
	err_set(e, "%s has no column '%s'; it has: %s", t->name, column, list);
	return SIZE_MAX;
}

static int truth(const char *s)
{
	if (!strcmp(s, "True") || !strcmp(s, "TRUE"))
		return 1;
	return !strcmp(s, "False") || !strcmp(s, "FALSE") ? 0 : -1;
}

/* Written as printf would write it: a code with leading zeros is a label. */
static bool whole(const char *s, int64_t *out)
{
	const char *digits = s + (*s == '-');
	if (*digits < '0' || *digits > '9' || (*digits == '0' && (digits[1] || digits != s)))
		return false;
	return text_i64(s, out) && *out != PMX_MISSING_I64;
}

/* Digits only, but no whole number (007, or more digits than 64 bits hold): a float would lose some of them. */
static bool is_code(const char *s)
{
	int64_t k;
	return strspn(s, "0123456789") == strlen(s) && !whole(s, &k);
}

static enum pmx_type type_of(const char *const *text, size_t n)
{
	bool any = false, flags = true, ints = true, floats = true;
	for (size_t i = 0; i < n && (flags || floats); i++) {
		int64_t k;
		double v;
		if (!text[i] || text_missing(text[i]))
			continue;
		any = true;
		flags = flags && truth(text[i]) >= 0;
		ints = ints && whole(text[i], &k);
		floats = floats && (ints || (!is_code(text[i]) && text_f64(text[i], &v)));
	}
	if (!any)
		return PMX_F64;
	return flags ? PMX_BOOL : ints ? PMX_I64 : floats ? PMX_F64 : PMX_CATEGORY;
}

static bool is_missing(const char *text, unsigned how)
{
	return !text || (!(how & TYPED_VERBATIM) && text_missing(text));
}

/* Codes in the order of the bytes; text where the labels are many and all different. */
static void labels(struct typed *out, const char *const *text, size_t n, unsigned how)
{
	struct names *found = names_new();
	struct pmx_column *c = out->column = pmx_column_new(PMX_CATEGORY, n, 1);
	size_t present = 0;
	for (size_t i = 0; i < n; i++) {
		bool missing = is_missing(text[i], how);
		c->u32[i] = missing ? PMX_MISSING_CODE : names_add(found, text[i], NULL);
		present += !missing;
	}
	if (!(how & TYPED_LABELS) && found->n > MANY_LABELS && found->n == present) {
		pmx_column_free(c);
		names_free(found);
		out->type = PMX_TEXT;
		c = out->column = pmx_column_new(PMX_TEXT, n, 1);
		for (size_t i = 0; i < n; i++)
			c->text[i] = is_missing(text[i], how) ? NULL : text[i];
		return;
	}
	uint32_t *rank = names_ranks(found), *place = mem_array(found->n, sizeof *place);
	for (uint32_t i = 0; i < found->n; i++)
		place[rank[i]] = i;
	out->values = names_new();
	for (size_t i = 0; i < found->n; i++)
		names_add(out->values, found->at[place[i]], NULL);
	for (size_t i = 0; i < n; i++)
		if (c->u32[i] != PMX_MISSING_CODE)
			c->u32[i] = rank[c->u32[i]];
	mem_free(rank);
	mem_free(place);
	names_free(found);
}

void typed_from_text(struct typed *out, const char *const *text, size_t n, unsigned how)
{
	*out = (struct typed){ .type = how == TYPED_GUESS ? type_of(text, n) : PMX_CATEGORY };
	if (out->type == PMX_CATEGORY) {
		labels(out, text, n, how);
		return;
	}
	struct pmx_column *c = out->column = pmx_column_new(out->type, n, 1);
	for (size_t i = 0; i < n; i++) {
		bool missing = is_missing(text[i], how);
		if (out->type == PMX_BOOL)
			c->flag[i] = missing ? PMX_MISSING_BOOL : (uint8_t)truth(text[i]);
		else if (out->type == PMX_I64 && (missing || !text_i64(text[i], &c->i64[i])))
			c->i64[i] = PMX_MISSING_I64;
		else if (out->type == PMX_F64 && (missing || !text_f64(text[i], &c->f64[i])))
			c->f64[i] = NAN;
	}
}

void typed_free(struct typed *t)
{
	pmx_column_free(t->column);
	names_free(t->values);
	*t = (struct typed){ 0 };
}

struct pmx_column *column_pick(const struct pmx_column *c, const uint32_t *row, size_t n)
{
	struct pmx_column *out = pmx_column_new(c->type, n, c->width);
	size_t size = pmx_type_size(c->type) * c->width;
	for (size_t i = 0; i < n; i++) {
		if (row[i] != UINT32_MAX) {
			if (c->type == PMX_TEXT)
				out->text[i] = c->text[row[i]];
			else
				memcpy(out->flag + i * size, c->flag + row[i] * size, size);
			continue;
		}
		for (size_t k = i * c->width; k < (i + 1) * c->width; k++)
			switch (c->type) {
			case PMX_CATEGORY:
			case PMX_U32: out->u32[k] = PMX_MISSING_CODE; break;
			case PMX_BOOL: out->flag[k] = PMX_MISSING_BOOL; break;
			case PMX_I64: out->i64[k] = PMX_MISSING_I64; break;
			case PMX_F64: out->f64[k] = NAN; break;
			case PMX_F32: out->f32[k] = NAN; break;
			default: break;
			}
	}
	return out;
}
