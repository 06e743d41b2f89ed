#include "report/figure.h"
#include "base/mem.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct figure *figure_new(const char *name, const char *title, const char *columns)
{
	struct figure *f = mem_zero(1, sizeof *f);
	f->name = mem_text(name);
	f->title = mem_text(title);
	f->data = sheet_new(columns);
	return f;
}

void figure_free(struct figure *f)
{
	if (!f)
		return;
	mem_free(f->name);
	mem_free(f->of);
	mem_free(f->title);
	mem_free(f->alt);
	mem_free(f->note);
	bytes_free(&f->svg);
	sheet_free(f->data);
	json_decref(f->spec);
	mem_free(f);
}

static char *print(const char *fmt, va_list ap)
{
	char *s = NULL;
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	s = mem_array((size_t)n + 1, 1);
	vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	return s;
}

void figure_note(struct figure *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *s = print(fmt, ap);
	va_end(ap);
	if (f->note) {
		char *both = mem_print("%s %s", f->note, s);
		mem_free(f->note);
		mem_free(s);
		s = both;
	}
	f->note = s;
}

void figure_alt(struct figure *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	mem_free(f->alt);
	f->alt = print(fmt, ap);
	va_end(ap);
}

static json_t *parse(const char *text)
{
	char *copy = mem_text(text);
	for (char *s = copy; *s; s++)
		if (*s == '\'')
			*s = '"';
	json_t *o = json_loads(copy, JSON_DECODE_ANY, NULL);
	assert(o);
	mem_free(copy);
	return o;
}

void figure_spec(struct figure *f, const char *mark, const char *encoding)
{
	char *url = mem_print("%s.tsv", f->name);
	f->spec = json_pack("{s:s, s:s, s:{s:s, s:{s:s, s:{}}}, s:o, s:o}", "$schema", "https://vega.github.io/schema/vega-lite/v5.json",
			    "title", f->title, "data", "url", url, "format", "type", "tsv", "parse", "mark", parse(mark), "encoding", parse(encoding));
	mem_free(url);
	/* Columns of numbers, as numbers; what is NA becomes null. */
	json_t *types = json_object_get(json_object_get(json_object_get(f->spec, "data"), "format"), "parse");
	for (size_t i = 0; i < f->data->n_columns; i++)
		json_object_set_new(types, f->data->head[i], json_string(sheet_is_numeric(f->data, i) ? "number" : "string"));
}

const char *figure_series(size_t i)
{
	static const char *const class[] = { "s0", "s1", "s2", "s3", "s4", "s5" };
	return class[i % 6];
}
