#include "report/page.h"
#include "report/markup.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Made from the files beside this one when pertpipe is built. */
static const unsigned char script[] = {
#include "page.js.h"
};
static const unsigned char style[] = {
#include "page.css.h"
};
static const unsigned char figure_style[] = {
#include "figure.css.h"
};

/* A table of more columns is printed across. */
enum { WIDE = 10 };

struct page *page_new(const char *title, double scale)
{
	struct page *p = mem_zero(1, sizeof *p);
	p->title = mem_text(title);
	p->scale = scale;
	p->figures = names_new();
	return p;
}

static void close_section(struct page *p)
{
	if (p->in_section)
		markup_put(&p->body, "</section>\n");
	p->in_section = false;
}

void page_section(struct page *p, const char *id, const char *title)
{
	close_section(p);
	markup_print(&p->body, "<section id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">%s</h2>\n", id, id, id, title);
	markup_print(&p->links, "<li><a href=\"#%s\">%s</a></li>\n", id, title);
	p->in_section = true;
}

void page_text(struct page *p, const char *fmt, ...)
{
	struct bytes b = { 0 };
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	bytes_room(&b, (size_t)n + 1);
	vsnprintf((char *)b.at, (size_t)n + 1, fmt, again);
	va_end(again);
	markup_put(&p->body, "<p>");
	markup_escape(&p->body, (const char *)b.at);
	markup_put(&p->body, "</p>\n");
	bytes_free(&b);
}

void page_tiles(struct page *p, const char *const *value, const char *const *what, size_t n)
{
	markup_put(&p->body, "<dl class=\"tiles\">\n");
	for (size_t i = 0; i < n; i++) {
		markup_put(&p->body, "<div><dt>");
		markup_escape(&p->body, what[i]);
		markup_put(&p->body, "</dt><dd>");
		markup_escape(&p->body, value[i]);
		markup_put(&p->body, "</dd></div>\n");
	}
	markup_put(&p->body, "</dl>\n");
}

/* Two labels may have one slug: the second name gets a number, in its specification too. */
static void settle_name(struct page *p, struct figure *f)
{
	bool is_new;
	names_add(p->figures, f->name, &is_new);
	if (is_new)
		return;
	char *name = NULL;
	for (int i = 2; !is_new; i++) {
		mem_free(name);
		name = mem_print("%s-%d", f->name, i);
		names_add(p->figures, name, &is_new);
	}
	mem_free(f->name);
	f->name = name;
	char *url = mem_print("%s.tsv", name);
	json_object_set_new(json_object_get(f->spec, "data"), "url", json_string(url));
	mem_free(url);
}

static void add_figure(struct page *p, struct figure *f)
{
	struct bytes tsv = { 0 };
	char *spec = json_dumps(f->spec, JSON_INDENT(1));
	sheet_tsv(f->data, sheet_rows(f->data), &tsv);
	bytes_add(&tsv, "", 1);
	markup_print(&p->body, "<figure id=\"figure-%s\" data-name=\"%s\">\n<figcaption><h3>", f->name, f->name);
	markup_escape(&p->body, f->title);
	markup_put(&p->body, "</h3></figcaption>\n<div class=\"picture\">");
	bytes_add(&p->body, f->svg.at, f->svg.n);
	markup_put(&p->body, "</div>\n");
	if (f->note) {
		markup_put(&p->body, "<p class=\"note\">");
		markup_escape(&p->body, f->note);
		markup_put(&p->body, "</p>\n");
	}
	/* A line break that begins a pre is not part of it. */
	markup_put(&p->body, "<details class=\"sources\"><summary>Data and specification</summary>\n<h4>Data (TSV)</h4>\n<pre class=\"tsv\" tabindex=\"0\">\n");
	markup_escape(&p->body, (const char *)tsv.at);
	markup_put(&p->body, "</pre>\n<h4>Vega-Lite</h4>\n<pre class=\"spec\" tabindex=\"0\">\n");
	markup_escape(&p->body, spec);
	markup_put(&p->body, "</pre></details>\n</figure>\n");
	mem_free(spec);
	bytes_free(&tsv);
	figure_free(f);
}

void page_figure(struct page *p, struct figure *f)
{
	if (!f)
		return;
	settle_name(p, f);
	add_figure(p, f);
}

void page_choice(struct page *p, const char *label, const char *figure, struct figure **f, size_t n, size_t most)
{
	size_t shown = 0, size = 0;
	if (!n)
		return;
	for (; shown < n && (!shown || (double)size < p->scale * (double)most); shown++)
		size += f[shown]->svg.n + f[shown]->data->text.n;
	for (size_t i = shown; i < n; i++)
		figure_free(f[i]);
	markup_put(&p->body, "<div class=\"choice\">\n<label class=\"scripted\">");
	markup_escape(&p->body, label);
	markup_put(&p->body, " <select>\n");
	for (size_t i = 0; i < shown; i++) {
		settle_name(p, f[i]);
		markup_print(&p->body, "<option value=\"figure-%s\">", f[i]->name);
		markup_escape(&p->body, f[i]->of ? f[i]->of : f[i]->title);
		markup_put(&p->body, "</option>\n");
	}
	markup_put(&p->body, "</select></label>\n");
	for (size_t i = 0; i < shown; i++)
		add_figure(p, f[i]);
	markup_put(&p->body, "</div>\n");
	if (shown < n)
		page_text(p, "Drawn are the first %zu of %zu. pmx-report --figure %s --target NAME draws any.", shown, n, figure);
}

static void put_cell(struct page *p, const struct sheet *s, size_t row, size_t column, bool numeric)
{
	const char *text = sheet_cell(s, row, column);
	double v;
	bool lengthy = !numeric && strlen(text) > 40;
	markup_put(&p->body, numeric ? "<td class=\"n\">" : lengthy ? "<td><span class=\"long\">" : "<td>");
	if (numeric && text_f64(text, &v))
		markup_number(&p->body, v);
	else
		markup_escape(&p->body, text_missing(text) ? "" : text);
	markup_put(&p->body, lengthy ? "</span></td>" : "</td>");
}

/* First rows whose text fits. */
static size_t rows_within(const struct sheet *s, size_t most)
{
	size_t rows = sheet_rows(s) < PAGE_TABLE_ROWS ? sheet_rows(s) : PAGE_TABLE_ROWS;
	while (rows > 1 && s->at[rows * s->n_columns - 1] > most)
		rows--;
	return rows;
}

static void put_rows(struct page *p, const struct sheet *s)
{
	size_t rows = sheet_rows(s) < PAGE_ROWS ? sheet_rows(s) : PAGE_ROWS;
	bool *numeric = mem_array(s->n_columns, sizeof *numeric);
	markup_put(&p->body, "<thead><tr>");
	for (size_t i = 0; i < s->n_columns; i++) {
		numeric[i] = sheet_is_numeric(s, i);
		markup_print(&p->body, "<th scope=\"col\"%s>", numeric[i] ? " class=\"n\"" : "");
		markup_escape(&p->body, s->head[i]);
		markup_put(&p->body, "</th>");
	}
	markup_put(&p->body, "</tr></thead>\n<tbody>\n");
	for (size_t r = 0; r < rows; r++) {
		markup_put(&p->body, "<tr>");
		for (size_t i = 0; i < s->n_columns; i++)
			put_cell(p, s, r, i, numeric[i]);
		markup_put(&p->body, "</tr>\n");
	}
	markup_put(&p->body, "</tbody>");
	mem_free(numeric);
}

void page_table(struct page *p, const char *name, const char *caption, struct sheet *s, const char *file, size_t most)
{
	struct bytes tsv = { 0 };
	if (!sheet_rows(s)) {
		sheet_free(s);
		return;
	}
	size_t rows = rows_within(s, (size_t)(p->scale * (double)most));
	sheet_tsv(s, rows, &tsv);
	bytes_add(&tsv, "", 1);
	markup_print(&p->body, "<div class=\"sheet%s\" id=\"table-%s\" data-name=\"%s\">\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", s->n_columns > WIDE ? " wide" : "", name, name);
	markup_escape(&p->body, caption);
	markup_put(&p->body, "\"><table>\n<caption>");
	markup_escape(&p->body, caption);
	markup_put(&p->body, "</caption>\n");
	put_rows(p, s);
	markup_put(&p->body, "</table></div>\n");
	uint64_t all = s->n_all ? s->n_all : sheet_rows(s);
	if (rows < all) {
		markup_print(&p->body, "<p class=\"note\">%zu of %" PRIu64 " rows%s; all of them are in ", rows, all,
			     s->n_all && rows == sheet_rows(s) ? ", the first ones of each target" : "");
		markup_escape(&p->body, file ? file : "the file");
		markup_put(&p->body, ".</p>\n");
	}
	markup_put(&p->body, "<template>");
	markup_escape(&p->body, (const char *)tsv.at);
	markup_put(&p->body, "</template>\n</div>\n");
	bytes_free(&tsv);
	sheet_free(s);
}

void page_code(struct page *p, const char *caption, const char *text)
{
	markup_put(&p->body, "<div class=\"code\"><h3>");
	markup_escape(&p->body, caption);
	markup_put(&p->body, "</h3>\n<pre tabindex=\"0\">\n");
	markup_escape(&p->body, text);
	markup_put(&p->body, "</pre></div>\n");
}

void page_settle(struct page *p)
{
	p->nonce = hash64(p->body.at, p->body.n);
}

void page_end(struct page *p, struct bytes *out)
{
	close_section(p);
	markup_put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
	markup_print(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'nonce-%016" PRIx64 "'; style-src 'nonce-%016" PRIx64
		     "'; img-src data:; base-uri 'none'; form-action 'none'\">\n", p->nonce, p->nonce);
	markup_put(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
		   "<link rel=\"icon\" href=\"data:,\">\n<title>");
	markup_escape(out, p->title);
	markup_print(out, "</title>\n<style nonce=\"%016" PRIx64 "\">\n", p->nonce);
	bytes_add(out, style, sizeof style);
	markup_print(out, "</style>\n<style id=\"figure-style\" nonce=\"%016" PRIx64 "\">\n", p->nonce);
	bytes_add(out, figure_style, sizeof figure_style);
	markup_put(out, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#content\">Skip to the content</a>\n<header><h1>");
	markup_escape(out, p->title);
	markup_put(out, "</h1></header>\n<nav aria-label=\"Sections\"><ul>\n");
	bytes_add(out, p->links.at, p->links.n);
	markup_put(out, "</ul></nav>\n<main id=\"content\" tabindex=\"-1\">\n");
	bytes_add(out, p->body.at, p->body.n);
	markup_print(out, "</main>\n<p id=\"said\" role=\"status\" class=\"unseen\"></p>\n<script nonce=\"%016" PRIx64 "\">\n", p->nonce);
	bytes_add(out, script, sizeof script);
	markup_put(out, "</script>\n</body>\n</html>\n");
}

void page_free(struct page *p)
{
	names_free(p->figures);
	bytes_free(&p->body);
	bytes_free(&p->links);
	mem_free(p->title);
	mem_free(p);
}

void page_svg(const struct figure *f, struct bytes *out)
{
	/* Where the opening tag ends: inside of it > is a reference. */
	const char *svg = (const char *)f->svg.at, *end = memchr(svg, '>', f->svg.n);
	size_t first = (size_t)(end - svg) + 1;
	markup_put(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	bytes_add(out, svg, first);
	markup_put(out, "\n<title>");
	markup_escape(out, f->title);
	markup_put(out, "</title>\n<desc>");
	markup_escape(out, f->alt);
	markup_put(out, "</desc>\n<style>\n");
	bytes_add(out, figure_style, sizeof figure_style);
	markup_put(out, "</style>");
	bytes_add(out, svg + first, f->svg.n - first);
}
