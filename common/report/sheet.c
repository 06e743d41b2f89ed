#include "report/sheet.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/text.h"
#include "formats/lines.h"
#include "formats/table.h"
#include "report/markup.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct sheet *sheet_of(char *const *head, size_t n_columns)
{
	struct sheet *s = mem_zero(1, sizeof *s);
	s->n_columns = n_columns;
	s->head = mem_array(n_columns, sizeof *s->head);
	for (size_t i = 0; i < n_columns; i++)
		s->head[i] = mem_text(head[i]);
	return s;
}

struct sheet *sheet_new(const char *columns)
{
	char *copy = mem_text(columns), *head[32];
	struct sheet *s = sheet_of(head, text_split(copy, ' ', head, 32));
	mem_free(copy);
	return s;
}

void sheet_free(struct sheet *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_columns; i++)
		mem_free(s->head[i]);
	mem_free(s->head);
	mem_free(s->at);
	bytes_free(&s->text);
	mem_free(s);
}

void sheet_text(struct sheet *s, const char *value)
{
	mem_room(&s->at, &s->cap, s->n_cells + 1, sizeof *s->at);
	s->at[s->n_cells++] = s->text.n;
	bytes_add(&s->text, value ? value : "NA", strlen(value ? value : "NA") + 1);
}

void sheet_number(struct sheet *s, double value)
{
	char text[TEXT_F64];
	text_put_f64(text, value);
	sheet_text(s, isnan(value) ? NULL : text);
}

void sheet_count(struct sheet *s, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRIu64, value);
	sheet_text(s, text);
}

void sheet_short(struct sheet *s, double value)
{
	char text[TEXT_F64];
	snprintf(text, sizeof text, "%.4g", value == 0 ? 0 : value);
	sheet_text(s, isnan(value) ? NULL : text);
}

size_t sheet_rows(const struct sheet *s)
{
	return s->n_columns ? s->n_cells / s->n_columns : 0;
}

const char *sheet_cell(const struct sheet *s, size_t row, size_t column)
{
	return (const char *)s->text.at + s->at[row * s->n_columns + column];
}

size_t sheet_find(const struct sheet *s, const char *column)
{
	for (size_t i = 0; i < s->n_columns; i++)
		if (!strcmp(s->head[i], column))
			return i;
	return SIZE_MAX;
}

double sheet_value(const struct sheet *s, size_t row, size_t column)
{
	double v;
	return column < s->n_columns && text_f64(sheet_cell(s, row, column), &v) ? v : NAN;
}

bool sheet_is_numeric(const struct sheet *s, size_t column)
{
	bool any = false;
	for (size_t r = 0; r < sheet_rows(s); r++) {
		double v;
		const char *cell = sheet_cell(s, r, column);
		if (text_missing(cell))
			continue;
		if (!text_f64(cell, &v))
			return false;
		any = true;
	}
	return any;
}

struct sheet *sheet_without_empty(struct sheet *s)
{
	char **head = mem_array(s->n_columns, sizeof *head);
	size_t *column = mem_array(s->n_columns, sizeof *column), n = 0;
	for (size_t i = 0; i < s->n_columns; i++) {
		bool any = false;
		for (size_t r = 0; r < sheet_rows(s) && !any; r++)
			any = !text_missing(sheet_cell(s, r, i));
		if (any) {
			head[n] = s->head[i];
			column[n++] = i;
		}
	}
	struct sheet *fewer = sheet_of(head, n);
	fewer->n_all = s->n_all;
	for (size_t r = 0; r < sheet_rows(s) && n; r++)
		for (size_t k = 0; k < n; k++)
			sheet_text(fewer, sheet_cell(s, r, column[k]));
	mem_free(head);
	mem_free(column);
	sheet_free(s);
	return fewer;
}

static void put_cell(struct bytes *out, const char *s)
{
	if (*s != '"' && !strpbrk(s, "\t\r\n")) {
		markup_put(out, s);
		return;
	}
	markup_put(out, "\"");
	for (; *s; s++)
		bytes_add(out, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
	markup_put(out, "\"");
}

void sheet_tsv(const struct sheet *s, size_t n_rows, struct bytes *out)
{
	for (size_t i = 0; i < s->n_columns; i++) {
		markup_put(out, i ? "\t" : "");
		put_cell(out, s->head[i]);
	}
	markup_put(out, "\n");
	for (size_t r = 0; r < n_rows; r++)
		for (size_t i = 0; i < s->n_columns; i++) {
			put_cell(out, sheet_cell(s, r, i));
			markup_put(out, i + 1 < s->n_columns ? "\t" : "\n");
		}
}

struct taking {
	size_t by, most, most_bytes, each;      /* each: rows of a label that are kept now */
	struct names *labels;
	size_t *count, count_cap;
};

static const char *label_of(const struct taking *t, const struct sheet *s, size_t row)
{
	return t->by == SIZE_MAX ? "" : sheet_cell(s, row, t->by);
}

/* Halves what is kept of a label until there is room, and takes the rest out. */
static struct sheet *make_room(struct taking *t, struct sheet *s)
{
	size_t largest = 0;
	for (size_t i = 0; i < t->labels->n; i++)
		largest = t->count[i] > largest ? t->count[i] : largest;
	t->each = largest / 2;
	struct sheet *fewer = sheet_of(s->head, s->n_columns);
	fewer->n_all = s->n_all;
	memset(t->count, 0, t->labels->n * sizeof *t->count);
	for (size_t r = 0; r < sheet_rows(s); r++) {
		size_t *n = &t->count[names_find(t->labels, label_of(t, s, r))];
		if (*n >= t->each)
			continue;
		++*n;
		for (size_t i = 0; i < s->n_columns; i++)
			sheet_text(fewer, sheet_cell(s, r, i));
	}
	sheet_free(s);
	return fewer;
}

static struct sheet *take_row(struct taking *t, struct sheet *s, char **field)
{
	const char *label = t->by == SIZE_MAX ? "" : field[t->by];
	s->n_all++;
	if (t->by == SIZE_MAX && (sheet_rows(s) == t->most || s->text.n > t->most_bytes))
		return s;
	if (names_find(t->labels, label) == NAMES_NONE && t->labels->n == t->most)
		return s;
	uint32_t code = names_add(t->labels, label, NULL);
	size_t had = t->count_cap;
	mem_room(&t->count, &t->count_cap, t->labels->n, sizeof *t->count);
	if (t->count_cap > had)
		memset(t->count + had, 0, (t->count_cap - had) * sizeof *t->count);
	if (t->count[code] >= t->each)
		return s;
	t->count[code]++;
	for (size_t i = 0; i < s->n_columns; i++)
		sheet_text(s, field[i]);
	bool full = sheet_rows(s) > t->most || s->text.n > t->most_bytes;
	return t->by != SIZE_MAX && t->each > 1 && full ? make_room(t, s) : s;
}

struct sheet *sheet_read(const char *path, const char *by, size_t most, size_t most_bytes, struct err *e)
{
	struct lines *l = lines_open(path, e);
	if (!l)
		return NULL;
	lines_accept_latin1(l);
	char *line, **field = NULL, separator = 0;
	size_t n, cap = 0;
	int more;
	struct sheet *s = NULL;
	struct taking t = { .by = SIZE_MAX, .most = most, .most_bytes = most_bytes, .each = SIZE_MAX, .labels = names_new() };
	while ((more = lines_next(l, &line, &n, e)) > 0) {
		if (!n && s)
			continue;
		separator = s ? separator : fields_separator(line);
		size_t found = fields_split(line, separator, &field, &cap);
		if (found == SIZE_MAX || (s && found != s->n_columns)) {
			if (found == SIZE_MAX)
				err_set(e, "a quote is not closed");
			else
				err_set(e, "%zu fields, but the header has %zu names", found, s->n_columns);
			more = lines_context(l, e);
			break;
		}
		if (s) {
			s = take_row(&t, s, field);
			continue;
		}
		s = sheet_of(field, found);
		t.by = by ? sheet_find(s, by) : SIZE_MAX;
	}
	if (!more && !s)
		more = err_set(e, "%s is empty: a table begins with a line of column names", path);
	if (more < 0) {
		sheet_free(s);
		s = NULL;
	} else if (s->n_all == sheet_rows(s)) {
		s->n_all = 0;
	}
	names_free(t.labels);
	mem_free(t.count);
	mem_free(field);
	lines_close(l);
	return s;
}
