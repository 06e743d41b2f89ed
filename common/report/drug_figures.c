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

static const char *score_axis(const char *name)
{
	return strcmp(name, "ncs") ? name : "normalised connectivity score (ncs)";
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
	draw_bars(f, bar, count, score_axis(score_name));
	figure_note(f, "Negative (blue): reverses the state; positive (red): mimics it. To the right the mechanism of action. The order is that of the ranking.");
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

/* The signatures of the compounds that have several. */
struct agreement {
	const struct sheet *s;
	size_t *row, n;                 /* rows of the target */
	size_t compound, cell, dose, time, score;
	struct names *drugs, *lines, *doses, *times;
	uint32_t *dose_place, *time_place;      /* places of doses and times by size */
	uint32_t *place;                /* of a drug in the picture, or NAMES_NONE */
	size_t n_shown;
	double low, high;
};

static const char *cell_line(const struct agreement *a, size_t row)
{
	const char *line = text(a->s, row, a->cell);
	return line ? line : "unknown";
}

/* A number in front, as in "10 uM". */
static bool leading_number(const char *s, double *v)
{
	char *end;
	*v = strtod(s, &end);
	return end != s && isfinite(*v);
}

/* Place of each name by the number that it begins with; what has none comes last, in its order. */
static uint32_t *by_size(const struct names *names)
{
	uint32_t *place = mem_zero(names->n + 1, sizeof *place);
	for (size_t i = 0; i < names->n; i++)
		for (size_t k = 0; k < names->n; k++) {
			double a = 0, b = 0;
			bool number = leading_number(names->at[i], &a), other = leading_number(names->at[k], &b);
			place[i] += k != i && (number && other && a != b ? b < a : number != other ? other : k < i);
		}
	return place;
}

/* Doses are sizes, times are shapes: a disc, a ring, a square, then discs again. */
static void draw_signature(struct bytes *b, double x, double y, uint32_t dose, size_t n_doses, uint32_t time, const char *class, const char *title)
{
	double r = n_doses > 1 && dose != NAMES_NONE ? 3 + 4.0 * dose / (double)(n_doses - 1) : 4.5;
	char *both = mem_print("%s%s", class, time == 1 ? " ring" : "");
	if (time == 2)
		svg_rect(b, x - r, y - r, 2 * r, 2 * r, both, title);
	else
		svg_dot(b, x, y, r, both, title);
	mem_free(both);
}

/* What sizes and shapes stand for, smallest first. */
static void explain(struct bytes *b, double x, double y, const char *what, const struct names *names, const uint32_t *place, bool sizes)
{
	if (names->n < 2)
		return;
	svg_text(b, x, y, "start", "axis", what, 0);
	x += 6.6 * (double)strlen(what) + 12;
	for (uint32_t k = 0; k < names->n && k < (sizes ? 6 : 3); k++)
		for (size_t i = 0; i < names->n; i++) {
			/* Of many doses the smallest, the largest and some between. */
			size_t want = sizes && names->n > 6 ? k * (names->n - 1) / 5 : k;
			if (place[i] != want)
				continue;
			draw_signature(b, x, y - 4, sizes ? place[i] : NAMES_NONE, sizes ? names->n : 1, sizes ? 0 : place[i], "mute", NULL);
			svg_text(b, x + 11, y, "start", "tick", names->at[i], 8);
			x += 30 + 6.4 * (double)strnlen(names->at[i], 8);
		}
}

/* NAMES_NONE: the row is not in the picture. */
static uint32_t place_of(const struct agreement *a, size_t row)
{
	const char *drug = text(a->s, row, a->compound);
	return drug && isfinite(sheet_value(a->s, row, a->score)) ? a->place[names_find(a->drugs, drug)] : NAMES_NONE;
}

/* Places in the order in which the compounds come first. */
static void arrange(struct agreement *a)
{
	size_t *count = mem_zero(a->n, sizeof *count);
	a->drugs = names_new();
	a->lines = names_new();
	a->doses = names_new();
	a->times = names_new();
	for (size_t i = 0; i < a->n && a->compound != SIZE_MAX && a->score != SIZE_MAX; i++)
		if (text(a->s, a->row[i], a->compound) && isfinite(sheet_value(a->s, a->row[i], a->score)))
			count[names_add(a->drugs, text(a->s, a->row[i], a->compound), NULL)]++;
	a->place = mem_array(a->drugs->n, sizeof *a->place);
	for (size_t k = 0; k < a->drugs->n; k++)
		a->place[k] = count[k] > 1 && a->n_shown < FIGURE_CLASSES ? (uint32_t)a->n_shown++ : NAMES_NONE;
	for (size_t i = 0; i < a->n && a->n_shown; i++) {
		double v = sheet_value(a->s, a->row[i], a->score);
		if (place_of(a, a->row[i]) == NAMES_NONE)
			continue;
		names_add(a->lines, cell_line(a, a->row[i]), NULL);
		if (text(a->s, a->row[i], a->dose))
			names_add(a->doses, text(a->s, a->row[i], a->dose), NULL);
		if (text(a->s, a->row[i], a->time))
			names_add(a->times, text(a->s, a->row[i], a->time), NULL);
		a->low = fmin(a->low, v);
		a->high = fmax(a->high, v);
	}
	a->dose_place = by_size(a->doses);
	a->time_place = by_size(a->times);
	mem_free(count);
}

static void draw_agreement(struct figure *f, const struct agreement *a, const char *axis)
{
	const double step = 24, top = 56, bottom = top + step * (double)a->n_shown;
	const struct scale x = { a->low, a->high > a->low ? a->high : a->low + 1, 190, 740 };
	const char *class[SVG_SERIES];
	for (size_t k = 0; k < SVG_SERIES; k++)
		class[k] = k < SVG_SERIES - 1 || a->lines->n <= SVG_SERIES ? figure_series(k) : "mute";
	svg_begin(&f->svg, 760, bottom + 44, f->alt);
	svg_legend(&f->svg, 190, 16, (const char *const *)a->lines->at, class, a->lines->n <= SVG_SERIES ? a->lines->n : SVG_SERIES - 1);
	explain(&f->svg, 190, 38, "dose", a->doses, a->dose_place, true);
	explain(&f->svg, 520, 38, "time", a->times, a->time_place, false);
	svg_axis_x(&f->svg, &x, top - 4, bottom, score_axis(axis));
	for (size_t k = 0; k < a->drugs->n; k++) {
		double y = top + step * ((double)a->place[k] + 0.5);
		if (a->place[k] == NAMES_NONE)
			continue;
		svg_text(&f->svg, 180, y + 4, "end", "label", a->drugs->at[k], 26);
		svg_line(&f->svg, x.at_from, y, x.at_to, y, "grid");
	}
	for (size_t i = 0; i < a->n; i++) {
		size_t row = a->row[i];
		const char *drug = text(a->s, row, a->compound), *dose = text(a->s, row, a->dose), *time = text(a->s, row, a->time), *line = cell_line(a, row);
		uint32_t place = place_of(a, row), l = names_find(a->lines, line);
		double v = sheet_value(a->s, row, a->score);
		if (!drug || place == NAMES_NONE)
			continue;
		char *title = mem_print("%s, %s, dose %s, time %s: %.3g", drug, line, dose ? dose : "unknown", time ? time : "unknown", v);
		draw_signature(&f->svg, scale_at(&x, v), top + step * ((double)place + 0.5), dose ? a->dose_place[names_find(a->doses, dose)] : NAMES_NONE, a->doses->n,
			       time ? a->time_place[names_find(a->times, time)] : 0, class[l < SVG_SERIES ? l : SVG_SERIES - 1], title);
		mem_free(title);
		sheet_text(f->data, drug);
		sheet_text(f->data, line);
		sheet_text(f->data, dose);
		sheet_text(f->data, time);
		sheet_number(f->data, v);
	}
	svg_end(&f->svg);
}

struct figure *figure_agreement(const struct sheet *s, const char *target)
{
	const char *name, *score_name = NULL;
	struct agreement a = { .s = s, .compound = sheet_find(s, "compound"), .cell = sheet_find(s, "cell_line"), .dose = sheet_find(s, "dose"),
		.time = sheet_find(s, "time"), .score = score_column(s, &score_name) };
	struct figure *f = NULL;
	a.row = rows_of(s, target, &name, &a.n);
	arrange(&a);
	if (a.n_shown) {
		f = begin("agreement", "do cell lines, doses and times agree?", name, "compound cell_line dose time score");
		figure_alt(f, "The scores of the signatures of %zu compounds for %s, a dot each, in the colours of %zu cell lines.", a.n_shown, name, a.lines->n);
		draw_agreement(f, &a, score_name);
		figure_note(f, "A mark is a signature; its title tells cell line, dose and time. A compound whose marks lie on both sides of 0 does not agree with itself.");
		if (a.times->n > 3)
			figure_note(f, "Later times than the third are discs, too.");
		if (a.lines->n > SVG_SERIES)
			figure_note(f, "In grey the other %zu cell lines.", a.lines->n - SVG_SERIES + 1);
		figure_spec(f, "{'type': 'point', 'filled': true}",
			    "{'x': {'field': 'score', 'type': 'quantitative'}, 'y': {'field': 'compound', 'type': 'nominal', 'sort': null},"
			    " 'color': {'field': 'cell_line', 'type': 'nominal'}, 'size': {'field': 'dose', 'type': 'ordinal'}, 'shape': {'field': 'time', 'type': 'nominal'}}");
	}
	names_free(a.drugs);
	names_free(a.lines);
	names_free(a.doses);
	names_free(a.times);
	mem_free(a.dose_place);
	mem_free(a.time_place);
	mem_free(a.place);
	mem_free(a.row);
	return f;
}

/* A gene with the number of drugs that have it in their leading edge. */
struct gene_count {
	uint32_t gene;
	size_t n;
	const char *side;               /* of the target: up, down; s2 where the table does not tell */
};

static int most_first(const void *a, const void *b)
{
	const struct gene_count *x = a, *y = b;
	return x->n != y->n ? (x->n < y->n ? 1 : -1) : (x->gene > y->gene) - (x->gene < y->gene);
}

struct edges {
	struct names *genes;
	struct gene_count *count;
	size_t cap;
};

static void take_edge(struct edges *x, const char *list, const char *side)
{
	char *copy = mem_text(list), *rest = NULL;
	for (char *gene = strtok_r(copy, "|,; ", &rest); gene; gene = strtok_r(NULL, "|,; ", &rest)) {
		bool is_new;
		uint32_t g = names_add(x->genes, gene, &is_new);
		mem_room(&x->count, &x->cap, x->genes->n, sizeof *x->count);
		if (is_new)
			x->count[g] = (struct gene_count){ g, 0, side };
		x->count[g].n++;
	}
	mem_free(copy);
}

struct figure *figure_leading_edge(const struct sheet *s, const char *target)
{
	static const char *const known[][2] = { { "leading_up", "up" }, { "leading_down", "down" }, { "leading_edge", "s2" } };
	const char *name;
	size_t n, *row = rows_of(s, target, &name, &n), drugs = 0;
	struct edges x = { names_new(), NULL, 0 };
	for (size_t i = 0; i < n && drugs < 2 * FIGURE_DRUGS; i++) {
		bool any = false;
		for (size_t k = 0; k < 3; k++) {
			const char *list = text(s, row[i], sheet_find(s, known[k][0]));
			if (!list)
				continue;
			any = true;
			take_edge(&x, list, known[k][1]);
		}
		drugs += any;
	}
	struct figure *f = NULL;
	if (x.genes->n) {
		struct bar bar[FIGURE_DRUGS];
		size_t shown = x.genes->n < FIGURE_DRUGS ? x.genes->n : FIGURE_DRUGS;
		qsort(x.count, x.genes->n, sizeof *x.count, most_first);
		f = begin("leading-edge", "genes of the leading edges", name, "gene drugs");
		for (size_t i = 0; i < shown; i++) {
			bar[i] = (struct bar){ x.genes->at[x.count[i].gene], NULL, (double)x.count[i].n, x.count[i].side };
			sheet_text(f->data, bar[i].name);
			sheet_count(f->data, x.count[i].n);
		}
		figure_alt(f, "Genes in the leading edges of the first %zu drugs for %s; %s is in %zu.", drugs, name, bar[0].name, x.count[0].n);
		draw_bars(f, bar, shown, "drugs with the gene in their leading edge");
		figure_note(f, "Of the first %zu drugs with a leading edge. Red: up in the target, blue: down, where the table tells.", drugs);
		figure_spec(f, "'bar'", "{'x': {'field': 'drugs', 'type': 'quantitative'}, 'y': {'field': 'gene', 'type': 'nominal', 'sort': null}}");
	}
	names_free(x.genes);
	mem_free(x.count);
	mem_free(row);
	return f;
}
