#include "report/figure.h"
#include "report/svg.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

enum { LABELS = 12 };

static const char *side(const struct effect_point *p)
{
	double adjusted = isnan(p->log10_p_adj) ? p->log10_p : p->log10_p_adj;
	return !(adjusted < log10(0.05)) ? "none" : p->fold > 0 ? "up" : "down";
}

/* Genes without significance: round ends of lines of no length, ten bytes a point. */
static void faint(struct bytes *b, const struct effects_row *v, const struct scale *x, const struct scale *y)
{
	markup_put(b, "<path class=\"faint\" d=\"");
	for (size_t i = 0; i < v->n; i++) {
		if (*side(&v->point[i]) != 'n')
			continue;
		markup_put(b, "M");
		markup_at(b, scale_at(x, v->point[i].fold));
		markup_put(b, " ");
		markup_at(b, scale_at(y, -v->point[i].log10_p));
		markup_put(b, "h0");
	}
	markup_put(b, "\"/>\n");
}

/* Is a coloured point other than `own` inside of the label? */
static bool covers_point(const struct effects_row *v, size_t own, double from, double to, double middle, const struct scale *x, const struct scale *y)
{
	for (size_t i = 0; i < v->n; i++) {
		double px = scale_at(x, v->point[i].fold), py = scale_at(y, -v->point[i].log10_p);
		if (i != own && *side(&v->point[i]) != 'n' && px > from - 3 && px < to + 3 && fabs(py - middle) < 8)
			return true;
	}
	return false;
}

/* Names of the most significant genes, right or left of their points, where they cover neither one another nor a point. */
static void gene_labels(struct bytes *b, const struct effects_row *v, const struct names *genes, const struct scale *x, const struct scale *y)
{
	double at[LABELS][3];
	size_t n = 0;
	for (size_t i = 0; i < v->n && n < LABELS && i < 40; i++) {
		const struct effect_point *p = &v->point[i];
		if (*side(p) == 'n')
			continue;
		const char *name = genes->at[p->gene];
		double px = scale_at(x, p->fold), py = scale_at(y, -p->log10_p), width = 7 * (double)strnlen(name, 14) + 8;
		bool left, covered = true;
		double from = 0;
		for (int way = 0; way < 2 && covered; way++) {
			left = way;
			from = left ? px - width : px;
			covered = (left ? from < x->at_from : from + width > x->at_to + 30) || covers_point(v, i, from, from + width, py, x, y);
			for (size_t k = 0; k < n; k++)
				covered |= fabs(at[k][1] - py) < 12 && from < at[k][2] && at[k][0] < from + width;
		}
		if (covered)
			continue;
		at[n][0] = from;
		at[n][1] = py;
		at[n++][2] = from + width;
		svg_text(b, left ? px - 6 : px + 6, py + 4, left ? "end" : "start", "gene", name, 14);
	}
}

struct figure *figure_volcano(const char *kind, const struct effects_row *full, const struct effects *all, size_t most)
{
	if (!full->n)
		return NULL;
	struct effects_row cut = *full, *v = &cut;
	v->n = v->n < most ? v->n : most;
	char *slug = markup_slug(v->name), *name = mem_print("%s-%s", kind, slug), *title = mem_print("%s against its controls", v->name);
	struct figure *f = figure_new(name, title, "target split gene fold log10_p log10_p_adj change");
	f->of = mem_text(v->name);
	double wide = 0.5, high = 2;
	for (size_t i = 0; i < v->n; i++) {
		wide = fmax(wide, fabs(v->point[i].fold));
		high = fmax(high, -v->point[i].log10_p);
	}
	struct scale x = { -1.06 * wide, 1.06 * wide, 70, 700 }, y = { 0, 1.06 * high, 390, 20 };
	figure_alt(f, "Volcano plot of %s: %zu genes tested, %zu up, %zu down. Most significant: %s.", v->name, v->n_tested, v->n_up, v->n_down,
		   all->genes->at[v->point[0].gene]);
	svg_begin(&f->svg, 760, 436, f->alt);
	svg_axis_y(&f->svg, &y, x.at_from, x.at_to, "-log10 p");
	svg_axis_x(&f->svg, &x, y.at_to, y.at_from, "log2 fold change");
	faint(&f->svg, v, &x, &y);
	for (size_t i = 0; i < v->n; i++) {
		const struct effect_point *p = &v->point[i];
		const char *gene = all->genes->at[p->gene], *which = side(p);
		sheet_text(f->data, v->target);
		sheet_text(f->data, v->split ? v->split : "all");
		sheet_text(f->data, gene);
		sheet_short(f->data, p->fold);
		sheet_short(f->data, p->log10_p);
		sheet_short(f->data, p->log10_p_adj);
		sheet_text(f->data, which);
		if (*which == 'n')
			continue;
		char *text = mem_print("%s: %.3g, p 1e%.1f", gene, p->fold, p->log10_p);
		svg_dot(&f->svg, scale_at(&x, p->fold), scale_at(&y, -p->log10_p), 3.2, *which == 'u' ? "up" : "down", text);
		mem_free(text);
	}
	gene_labels(&f->svg, v, all->genes, &x, &y);
	svg_end(&f->svg);
	figure_note(f, "Coloured: adjusted p below 0.05. %zu genes were tested, %zu are up and %zu down.", v->n_tested, v->n_up, v->n_down);
	if (v->n < v->n_tested)
		figure_note(f, "%zu points are drawn: the %d most significant, and one in each cell of a grid.", v->n, VOLCANO_TOP);
	figure_spec(f, "{'type': 'point', 'filled': true}",
		    "{'x': {'field': 'fold', 'type': 'quantitative', 'title': 'log2 fold change'},"
		    " 'y': {'field': 'log10_p', 'type': 'quantitative', 'scale': {'reverse': true}, 'title': 'log10 p'},"
		    " 'color': {'field': 'change', 'type': 'nominal', 'scale': {'domain': ['none', 'up', 'down'], 'range': ['#999999', '#c23b22', '#2a6fdb']}},"
		    " 'tooltip': {'field': 'gene', 'type': 'nominal'}}");
	mem_free(slug);
	mem_free(name);
	mem_free(title);
	return f;
}
