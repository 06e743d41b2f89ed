#include "report/figure.h"
#include "report/svg.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *text(const struct sheet *s, size_t row, size_t column)
{
	const char *t = column == SIZE_MAX ? NULL : sheet_cell(s, row, column);
	return t && !text_missing(t) ? t : NULL;
}

/* The rows of a target, in the order of the file; all rows where there is no column of targets. *name: which target it is. */
static size_t *rows_of(const struct sheet *s, const char *target, const char **name, size_t *n)
{
	size_t column = sheet_find(s, "target"), *row = mem_array(sheet_rows(s), sizeof *row);
	*n = 0;
	*name = target ? target : column != SIZE_MAX && sheet_rows(s) ? sheet_cell(s, 0, column) : "all";
	for (size_t r = 0; r < sheet_rows(s); r++)
		if (column == SIZE_MAX || !strcmp(sheet_cell(s, r, column), *name))
			row[(*n)++] = r;
	return row;
}

static struct figure *begin(const char *kind, const char *title, const char *target, const char *columns)
{
	char *slug = markup_slug(target), *name = mem_print("%s-%s", kind, slug), *whole = mem_print("%s: %s", target, title);
	struct figure *f = figure_new(name, whole, columns);
	f->of = mem_text(target);
	mem_free(slug);
	mem_free(name);
	mem_free(whole);
	return f;
}

struct bar {
	const char *name, *more;        /* more: right of it, or NULL */
	double value;
	const char *class;
};

/* Horizontal bars from 0. */
static void draw_bars(struct figure *f, const struct bar *bar, size_t n, const char *axis)
{
	double step = 20, top = 10, bottom = top + step * (double)n, low = 0, high = 0;
	for (size_t i = 0; i < n; i++) {
		low = fmin(low, bar[i].value);
		high = fmax(high, bar[i].value);
	}
	struct scale x = { low, high > low ? high : low + 1, 190, 530 };
	svg_begin(&f->svg, 760, bottom + 44, f->alt);
	svg_axis_x(&f->svg, &x, top - 4, bottom, axis);
	for (size_t i = 0; i < n; i++) {
		double y = top + step * (double)i;
		char *title = mem_print("%s: %.3g%s%s", bar[i].name, bar[i].value, bar[i].more ? ", " : "", bar[i].more ? bar[i].more : "");
		svg_text(&f->svg, 180, y + 14, "end", "label", bar[i].name, 26);
		svg_rect(&f->svg, scale_at(&x, 0), y + 3, scale_at(&x, bar[i].value) - scale_at(&x, 0), step - 6, bar[i].class, title);
		if (bar[i].more)
			svg_text(&f->svg, 540, y + 14, "start", "tick", bar[i].more, 34);
		mem_free(title);
	}
	svg_end(&f->svg);
}

/* The column that drugs are ordered by: ncs where it is there, else score. */
static size_t score_column(const struct sheet *s, const char **name)
{
	static const char *const known[] = { "ncs", "score" };
	for (size_t i = 0; i < 2; i++) {
		size_t c = sheet_find(s, known[i]);
		if (c != SIZE_MAX && sheet_is_numeric(s, c)) {
			*name = known[i];
			return c;
		}
	}
	return SIZE_MAX;
}

/* What a row is called: compound, else moa (classes ranked), else the signature. */
static const char *drug_name(const struct sheet *s, size_t row)
{
	static const char *const known[] = { "compound", "moa", "signature_id" };
	for (size_t i = 0; i < 3; i++) {
		const char *t = text(s, row, sheet_find(s, known[i]));
		if (t)
			return t;
	}
	return "(no name)";
}

struct figure *figure_drugs(const struct sheet *s, const char *target)
{
	const char *name, *score_name = NULL;
	size_t n, *row = rows_of(s, target, &name, &n), score = score_column(s, &score_name), moa = sheet_find(s, "moa"), count = 0;
	struct bar bar[FIGURE_DRUGS];
	bool again = false;
	struct figure *f = begin("drugs", "the first drugs of the ranking", name, "drug moa score");
	struct names *seen = names_new();
	for (size_t i = 0; i < n && count < FIGURE_DRUGS && score != SIZE_MAX; i++) {
		double v = sheet_value(s, row[i], score);
		bool is_new = false;
		if (isfinite(v))
			names_add(seen, drug_name(s, row[i]), &is_new);
		again |= isfinite(v) && !is_new;
		if (!is_new)
			continue;
		bar[count++] = (struct bar){ drug_name(s, row[i]), text(s, row[i], moa), v, v < 0 ? "down" : "up" };
		sheet_text(f->data, drug_name(s, row[i]));
		sheet_text(f->data, text(s, row[i], moa));
		sheet_number(f->data, v);
	}
	names_free(seen);
	mem_free(row);
	if (!count) {
		figure_free(f);
		return NULL;
	}
	figure_alt(f, "The first %zu drugs for %s; %s is first with %s %.3g.", count, name, bar[0].name, score_name, bar[0].value);
	draw_bars(f, bar, count, score_name);
	figure_note(f, "Negative: reverses the state; positive: mimics it. To the right the mechanism of action.");
	if (again)
		figure_note(f, "Of each compound the signature that comes first.");
	figure_spec(f, "'bar'", "{'x': {'field': 'score', 'type': 'quantitative'}, 'y': {'field': 'drug', 'type': 'nominal', 'sort': null},"
		    " 'color': {'field': 'moa', 'type': 'nominal'}}");
	return f;
}

struct by_p {
	size_t row;
	double p;
};

static int smallest_first(const void *a, const void *b)
{
	const struct by_p *x = a, *y = b;
	return x->p != y->p ? (x->p > y->p) - (x->p < y->p) : (x->row > y->row) - (x->row < y->row);
}

struct figure *figure_classes(const struct sheet *s, const char *target)
{
	const char *name;
	size_t n, *row = rows_of(s, target, &name, &n), p = sheet_find(s, "p_value"), q = sheet_find(s, "q_value"), class = sheet_find(s, "class"), count = 0;
	struct by_p *order = mem_array(n, sizeof *order);
	for (size_t i = 0; i < n && p != SIZE_MAX && class != SIZE_MAX; i++)
		if (!isnan(sheet_value(s, row[i], p)))
			order[count++] = (struct by_p){ row[i], sheet_value(s, row[i], p) };
	mem_free(row);
	if (!count) {
		mem_free(order);
		return NULL;
	}
	qsort(order, count, sizeof *order, smallest_first);
	size_t shown = count < FIGURE_CLASSES ? count : FIGURE_CLASSES;
	struct bar bar[FIGURE_CLASSES];
	char *more[FIGURE_CLASSES];
	struct figure *f = begin("classes", "classes that gather at the top", name, "class p_value q_value log10_p");
	for (size_t i = 0; i < shown; i++) {
		double adjusted = sheet_value(s, order[i].row, q), up = order[i].p > 0 ? -log10(order[i].p) : 300;
		more[i] = isnan(adjusted) ? mem_text("not corrected") : mem_print("q %.2g", adjusted);
		bar[i] = (struct bar){ sheet_cell(s, order[i].row, class), more[i], up, adjusted < 0.05 ? "s0" : "mute" };
		sheet_text(f->data, bar[i].name);
		sheet_number(f->data, order[i].p);
		sheet_number(f->data, adjusted);
		sheet_short(f->data, -up);
	}
	figure_alt(f, "Bars of -log10 p for the first %zu classes of %s; %s is first.", shown, name, bar[0].name);
	draw_bars(f, bar, shown, "-log10 p");
	figure_note(f, "Coloured: q below 0.05.");
	if (shown < count)
		figure_note(f, "The %zu most significant of %zu classes.", shown, count);
	figure_spec(f, "'bar'", "{'x': {'field': 'log10_p', 'type': 'quantitative', 'scale': {'reverse': true}, 'title': 'log10 p'},"
		    " 'y': {'field': 'class', 'type': 'nominal', 'sort': null}}");
	for (size_t i = 0; i < shown; i++)
		mem_free(more[i]);
	mem_free(order);
	return f;
}

struct figure *figure_agreement(const struct sheet *s, const char *target)
{
	const char *name, *score_name = NULL;
	size_t n, *row = rows_of(s, target, &name, &n), score = score_column(s, &score_name), compound = sheet_find(s, "compound");
	size_t cell = sheet_find(s, "cell_line"), dose = sheet_find(s, "dose"), time = sheet_find(s, "time");
	struct names *all = names_new(), *lines = names_new();
	size_t *count = mem_zero(n, sizeof *count), several = 0;
	double low = 0, high = 0;
	for (size_t i = 0; i < n && compound != SIZE_MAX && score != SIZE_MAX; i++)
		if (text(s, row[i], compound) && isfinite(sheet_value(s, row[i], score)))
			count[names_add(all, text(s, row[i], compound), NULL)]++;
	/* Compounds with more than one signature, in the order of their first. */
	uint32_t *place = mem_array(all->n, sizeof *place);
	for (uint32_t k = 0; k < all->n; k++)
		place[k] = count[k] > 1 && several < FIGURE_CLASSES ? (uint32_t)several++ : NAMES_NONE;
	struct figure *f = NULL;
	if (several) {
		f = begin("agreement", "do cell lines, doses and times agree?", name, "compound cell_line dose time score");
		for (size_t i = 0; i < n; i++) {
			const char *drug = text(s, row[i], compound), *line = text(s, row[i], cell);
			double v = sheet_value(s, row[i], score);
			if (!drug || !isfinite(v) || place[names_find(all, drug)] == NAMES_NONE)
				continue;
			names_add(lines, line ? line : "unknown", NULL);
			low = fmin(low, v);
			high = fmax(high, v);
		}
		double step = 24, top = 34, bottom = top + step * (double)several;
		struct scale x = { low, high > low ? high : low + 1, 190, 740 };
		const char *class[SVG_SERIES];
		for (size_t k = 0; k < SVG_SERIES; k++)
			class[k] = k < SVG_SERIES - 1 || lines->n <= SVG_SERIES ? figure_series(k) : "mute";
		figure_alt(f, "The scores of the signatures of %zu compounds for %s, a dot each, in the colours of %zu cell lines.", several, name, lines->n);
		svg_begin(&f->svg, 760, bottom + 44, f->alt);
		svg_legend(&f->svg, 190, 16, (const char *const *)lines->at, class, lines->n < SVG_SERIES ? lines->n : SVG_SERIES);
		svg_axis_x(&f->svg, &x, top - 4, bottom, score_name);
		for (uint32_t k = 0; k < all->n; k++)
			if (place[k] != NAMES_NONE) {
				double y = top + step * ((double)place[k] + 0.5);
				svg_text(&f->svg, 180, y + 4, "end", "label", all->at[k], 26);
				svg_line(&f->svg, x.at_from, y, x.at_to, y, "grid");
			}
		for (size_t i = 0; i < n; i++) {
			const char *drug = text(s, row[i], compound), *line = text(s, row[i], cell), *d = text(s, row[i], dose), *h = text(s, row[i], time);
			double v = sheet_value(s, row[i], score);
			uint32_t at = drug && isfinite(v) ? place[names_find(all, drug)] : NAMES_NONE;
			if (at == NAMES_NONE)
				continue;
			uint32_t l = names_find(lines, line ? line : "unknown");
			char *title = mem_print("%s, %s, dose %s, time %s: %.3g", drug, line ? line : "unknown", d ? d : "unknown", h ? h : "unknown", v);
			svg_dot(&f->svg, scale_at(&x, v), top + step * ((double)at + 0.5), 4.5, class[l < SVG_SERIES ? l : SVG_SERIES - 1], title);
			mem_free(title);
			sheet_text(f->data, drug);
			sheet_text(f->data, line);
			sheet_text(f->data, d);
			sheet_text(f->data, h);
			sheet_number(f->data, v);
		}
		svg_end(&f->svg);
		figure_note(f, "A dot is a signature; its title tells cell line, dose and time. A compound whose dots lie on both sides of 0 does not agree with itself.");
		figure_spec(f, "{'type': 'point', 'filled': true}",
			    "{'x': {'field': 'score', 'type': 'quantitative'}, 'y': {'field': 'compound', 'type': 'nominal', 'sort': null},"
			    " 'color': {'field': 'cell_line', 'type': 'nominal'}, 'size': {'field': 'dose', 'type': 'ordinal'}, 'shape': {'field': 'time', 'type': 'nominal'}}");
	}
	names_free(all);
	names_free(lines);
	mem_free(place);
	mem_free(count);
	mem_free(row);
	return f;
}

struct gene_count {
	uint32_t gene;
	size_t n;
};

static int most_first(const void *a, const void *b)
{
	const struct gene_count *x = a, *y = b;
	return x->n != y->n ? (x->n < y->n ? 1 : -1) : (x->gene > y->gene) - (x->gene < y->gene);
}

struct figure *figure_leading_edge(const struct sheet *s, const char *target)
{
	const char *name;
	size_t edge = sheet_find(s, "leading_edge"), n, *row = rows_of(s, target, &name, &n), drugs = 0, cap = 0;
	struct names *genes = names_new();
	struct gene_count *count = NULL;
	for (size_t i = 0; i < n && edge != SIZE_MAX && drugs < 2 * FIGURE_DRUGS; i++) {
		if (!text(s, row[i], edge))
			continue;
		char *copy = mem_text(text(s, row[i], edge)), *rest = NULL;
		drugs++;
		for (char *gene = strtok_r(copy, "|,; ", &rest); gene; gene = strtok_r(NULL, "|,; ", &rest)) {
			bool is_new;
			uint32_t g = names_add(genes, gene, &is_new);
			mem_room(&count, &cap, genes->n, sizeof *count);
			count[g] = is_new ? (struct gene_count){ g, 1 } : (struct gene_count){ g, count[g].n + 1 };
		}
		mem_free(copy);
	}
	struct figure *f = NULL;
	if (genes->n) {
		struct bar bar[FIGURE_DRUGS];
		size_t shown = genes->n < FIGURE_DRUGS ? genes->n : FIGURE_DRUGS;
		qsort(count, genes->n, sizeof *count, most_first);
		f = begin("leading-edge", "genes of the leading edges", name, "gene drugs");
		for (size_t i = 0; i < shown; i++) {
			bar[i] = (struct bar){ genes->at[count[i].gene], NULL, (double)count[i].n, "s2" };
			sheet_text(f->data, bar[i].name);
			sheet_count(f->data, count[i].n);
		}
		figure_alt(f, "Genes in the leading edges of the first %zu drugs for %s; %s is in %zu.", drugs, name, bar[0].name, count[0].n);
		draw_bars(f, bar, shown, "drugs with the gene in their leading edge");
		figure_note(f, "Of the first %zu drugs with a leading edge.", drugs);
		figure_spec(f, "'bar'", "{'x': {'field': 'drugs', 'type': 'quantitative'}, 'y': {'field': 'gene', 'type': 'nominal', 'sort': null}}");
	}
	names_free(genes);
	mem_free(count);
	mem_free(row);
	return f;
}
