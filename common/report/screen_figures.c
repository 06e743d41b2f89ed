#include "report/figure.h"
#include "report/svg.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct order {
	uint32_t target;
	double by;
};

static int largest_first(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	return x->by != y->by ? (x->by < y->by ? 1 : -1) : (x->target > y->target) - (x->target < y->target);
}

static double share(const struct screen_target *t)
{
	return t->n_classified ? (double)t->n_ko / (double)t->n_classified : NAN;
}

static double mean(const struct screen_target *t)
{
	return t->n_scored ? t->score / (double)t->n_scored : NAN;
}

/* Targets with cells, largest first by what `of` gives (NaN: not at all); `only` alone when it is named. *n_all: before the cut. */
static struct order *pick(const struct screen_summary *m, const char *only, bool control, double (*of)(const struct screen_target *), size_t *n, size_t *n_all)
{
	struct order *order = mem_array(m->targets->n, sizeof *order);
	*n = 0;
	for (uint32_t t = 0; t < m->targets->n; t++) {
		double by = of(&m->target[t]);
		if (!m->target[t].n || isnan(by) || (!control && t == m->control) || (only && strcmp(m->targets->at[t], only)))
			continue;
		order[(*n)++] = (struct order){ t, fabs(by) };
	}
	if (*n)
		qsort(order, *n, sizeof *order, largest_first);
	*n_all = *n;
	if (*n > FIGURE_ROWS)
		*n = FIGURE_ROWS;
	return order;
}

static void note_cut(struct figure *f, size_t n, size_t n_all, const char *by)
{
	if (n_all > n)
		figure_note(f, "Shown are %zu of %zu targets: those with %s.", n, n_all, by);
}

static const char *split_label(const struct screen_summary *m, bool pooled, size_t k)
{
	return pooled ? "all splits" : m->splits->at[k];
}

static void split_legend(struct figure *f, const struct screen_summary *m, double x, double y)
{
	const char *class[SVG_SERIES];
	for (size_t k = 0; k < SVG_SERIES; k++)
		class[k] = figure_series(k);
	if (m->splits->n > 1 && m->splits->n <= SVG_SERIES)
		svg_legend(&f->svg, x, y, (const char *const *)m->splits->at, class, m->splits->n);
}

/* The densities of a target on the grid, one a split, or pooled: weighted by their cells. */
static void curves(const struct screen_summary *m, uint32_t target, bool pooled, const double *grid, double *out)
{
	const struct density *d = &m->density[target * m->splits->n];
	double one[FIGURE_GRID], all = 0;
	if (!pooled) {
		for (size_t k = 0; k < m->splits->n; k++)
			density_curve(&d[k], grid, FIGURE_GRID, out + k * FIGURE_GRID);
		return;
	}
	memset(out, 0, FIGURE_GRID * sizeof *out);
	for (size_t k = 0; k < m->splits->n; k++)
		all += d[k].moments.n;
	for (size_t k = 0; k < m->splits->n; k++) {
		density_curve(&d[k], grid, FIGURE_GRID, one);
		for (size_t i = 0; i < FIGURE_GRID && all > 0; i++)
			out[i] += one[i] * d[k].moments.n / all;
	}
}

static void ridge(struct bytes *b, const struct scale *x, const double *grid, const double *y, double base, double height, const char *class)
{
	markup_put(b, "<path d=\"");
	for (size_t i = 0; i < FIGURE_GRID; i++) {
		markup_put(b, i ? "L" : "M");
		markup_at(b, scale_at(x, grid[i]));
		markup_put(b, " ");
		markup_at(b, base - y[i] * height);
	}
	markup_print(b, "\" class=\"ridge %s\"/>\n", class);
}

struct figure *figure_ridges(const struct screen_summary *m, const char *target)
{
	size_t n, n_all;
	struct order *order = m->score_name ? pick(m, target, false, mean, &n, &n_all) : NULL;
	if (!order || !n) {
		mem_free(order);
		return NULL;
	}
	bool pooled = m->splits->n > SVG_SERIES;
	size_t series = pooled ? 1 : m->splits->n;
	double low = -1, high = 1, most = 0, grid[FIGURE_GRID], *y = mem_array(n * series * FIGURE_GRID, sizeof *y);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m->splits->n; k++) {
			const struct density *d = &m->density[order[i].target * m->splits->n + k];
			if (d->bin) {
				low = fmin(low, density_quantile(d, 0.005));
				high = fmax(high, density_quantile(d, 0.995));
			}
		}
	low -= 0.05 * (high - low);
	high += 0.05 * (high - low);
	for (size_t i = 0; i < FIGURE_GRID; i++)
		grid[i] = low + (high - low) * (double)i / (FIGURE_GRID - 1);
	for (size_t i = 0; i < n; i++)
		curves(m, order[i].target, pooled, grid, y + i * series * FIGURE_GRID);
	for (size_t i = 0; i < n * series * FIGURE_GRID; i++)
		most = fmax(most, y[i]);

	struct figure *f = figure_new("ridges", "Score of the cells of each target", "target split score density");
	double step = 30, top = 64, bottom = top + step * (double)n;
	struct scale x = { low, high, 130, 690 };
	figure_alt(f, "Densities of %s for %zu targets, %s first. Zero is the mean of the control cells.", m->score_name, n, m->targets->at[order[0].target]);
	svg_begin(&f->svg, 760, bottom + 44, f->alt);
	svg_rect(&f->svg, scale_within(&x, -1), top - 34, scale_within(&x, 1) - scale_within(&x, -1), bottom - top + 34, "band",
		 "controls: mean 0, one standard deviation to either side");
	char *axis = mem_print("%s%s", m->score_name, strcmp(m->score_name, "mixscale_score") ? "" : ", in standard deviations of the controls");
	svg_axis_x(&f->svg, &x, top - 34, bottom, axis);
	mem_free(axis);
	split_legend(f, m, 130, 16);
	svg_text(&f->svg, 750, top - 22, "end", "tick", "mean", 0);
	for (size_t i = 0; i < n; i++) {
		const struct screen_target *t = &m->target[order[i].target];
		double base = top + step * (double)(i + 1) - 2;
		svg_line(&f->svg, x.at_from, base, x.at_to, base, "grid");
		svg_text(&f->svg, 120, base - 3, "end", "label", m->targets->at[order[i].target], 16);
		for (size_t k = 0; k < series; k++) {
			const double *curve = y + (i * series + k) * FIGURE_GRID;
			ridge(&f->svg, &x, grid, curve, base, most > 0 ? 44 / most : 0, figure_series(k));
			for (size_t j = 0; j < FIGURE_GRID; j++) {
				sheet_text(f->data, m->targets->at[order[i].target]);
				sheet_text(f->data, split_label(m, pooled, k));
				sheet_short(f->data, grid[j]);
				sheet_short(f->data, curve[j] < 1e-6 ? 0 : curve[j]);
			}
		}
		char *text = mem_print("%.2f", mean(t));
		svg_text(&f->svg, 750, base - 3, "end", "tick", text, 0);
		mem_free(text);
	}
	svg_end(&f->svg);
	figure_note(f, "0 is the mean of the control cells, the band one of their standard deviations to either side. Cells without a score are left out.");
	if (pooled)
		figure_note(f, "The %zu splits are shown together.", m->splits->n);
	note_cut(f, n, n_all, "the largest mean score, whatever its sign");
	figure_spec(f, "{'type': 'area', 'opacity': 0.5, 'line': true}",
		    "{'x': {'field': 'score', 'type': 'quantitative'}, 'y': {'field': 'density', 'type': 'quantitative', 'stack': null, 'axis': null},"
		    " 'color': {'field': 'split', 'type': 'nominal'}, 'row': {'field': 'target', 'type': 'nominal', 'sort': null,"
		    " 'header': {'labelAngle': 0, 'labelAlign': 'left'}}}");
	mem_free(y);
	mem_free(order);
	return f;
}

static double guide_value(const struct screen_summary *m, const struct screen_guide *g)
{
	if (m->class_name)
		return g->n_classified ? (double)g->n_ko / (double)g->n_classified : NAN;
	return g->n_scored ? g->score / (double)g->n_scored : NAN;
}

struct figure *figure_guides(const struct screen_summary *m, const char *target)
{
	size_t n = 0, n_all;
	struct order *order = m->guides->n && (m->class_name || m->score_name) ? pick(m, target, false, m->class_name ? share : mean, &n, &n_all) : NULL;
	if (!n) {
		mem_free(order);
		return NULL;
	}
	struct figure *f = figure_new("guides", m->class_name ? "Share of answering cells of each guide" : "Mean score of each guide", "target guide value cells");
	double step = 22, top = 30, bottom = top + step * (double)n, low = 0, high = m->class_name ? 1 : 0;
	for (size_t g = 0; g < m->guides->n; g++) {
		double v = guide_value(m, &m->guide[g]);
		if (!m->class_name && m->guide[g].n && m->guide[g].target != m->control && isfinite(v)) {
			low = fmin(low, v);
			high = fmax(high, v);
		}
	}
	if (!m->class_name)
		high += 0.05 * (high - low) + 0.01;
	struct scale x = { low, high, 130, 690 };
	const char *what = m->class_name ? "share of answering (KO) cells" : "mean score";
	figure_alt(f, "A row for each of %zu targets, %s first; a dot for each guide at its %s, a bar at the target's.", n, m->targets->at[order[0].target], what);
	svg_begin(&f->svg, 760, bottom + 44, f->alt);
	svg_axis_x(&f->svg, &x, top - 4, bottom, what);
	svg_text(&f->svg, 750, 18, "end", "tick", "guides", 0);
	for (size_t i = 0; i < n; i++) {
		uint32_t t = order[i].target;
		double y = top + step * ((double)i + 0.5);
		svg_text(&f->svg, 120, y + 4, "end", "label", m->targets->at[t], 16);
		svg_line(&f->svg, x.at_from, y, x.at_to, y, "grid");
		double all = m->class_name ? share(&m->target[t]) : mean(&m->target[t]);
		svg_line(&f->svg, scale_within(&x, all), y - 7, scale_within(&x, all), y + 7, "mean");
		for (size_t g = 0; g < m->guides->n; g++) {
			const struct screen_guide *guide = &m->guide[g];
			double v = guide_value(m, guide);
			if (!guide->n || guide->target != t)
				continue;
			sheet_text(f->data, m->targets->at[t]);
			sheet_text(f->data, m->guides->at[g]);
			sheet_number(f->data, v);
			sheet_count(f->data, guide->n);
			if (isnan(v))
				continue;
			char *title = mem_print("%s, %s: %.3g, %llu cells", m->targets->at[t], m->guides->at[g], v, (unsigned long long)guide->n);
			svg_dot(&f->svg, scale_within(&x, v), y, 2.5 + fmin(5, sqrt((double)guide->n) / 5), "s0 dot", title);
			mem_free(title);
		}
		char *text = mem_print("%llu", (unsigned long long)m->target[t].n_guides);
		svg_text(&f->svg, 750, y + 4, "end", "tick", text, 0);
		mem_free(text);
	}
	svg_end(&f->svg);
	figure_note(f, "A dot is a guide, larger with more cells; the bar is all cells of the target. A guide far from the others may not cut, or hit something else.");
	note_cut(f, n, n_all, m->class_name ? "the largest share" : "the largest mean score, whatever its sign");
	figure_spec(f, "{'type': 'point', 'filled': true}",
		    "{'x': {'field': 'value', 'type': 'quantitative'}, 'y': {'field': 'target', 'type': 'nominal', 'sort': null},"
		    " 'size': {'field': 'cells', 'type': 'quantitative'}, 'tooltip': [{'field': 'guide', 'type': 'nominal'}, {'field': 'value', 'type': 'quantitative'}]}");
	mem_free(order);
	return f;
}

static double cells(const struct screen_target *t)
{
	return (double)t->n;
}

struct figure *figure_cells(const struct screen_summary *m, const char *target)
{
	size_t n, n_all;
	struct order *order = pick(m, target, true, cells, &n, &n_all);
	if (!n) {
		mem_free(order);
		return NULL;
	}
	bool pooled = m->splits->n > SVG_SERIES;
	size_t series = pooled ? 1 : m->splits->n;
	struct figure *f = figure_new("cells", "Cells of each target", "target split cells");
	double step = 20, top = 34, bottom = top + step * (double)n;
	struct scale x = { 0, (double)m->target[order[0].target].n, 130, 690 };
	figure_alt(f, "Cells per target for %zu targets; %s has most, %llu.", n, m->targets->at[order[0].target], (unsigned long long)m->target[order[0].target].n);
	svg_begin(&f->svg, 760, bottom + 44, f->alt);
	split_legend(f, m, 130, 16);
	svg_axis_x(&f->svg, &x, top - 4, bottom, "cells");
	for (size_t i = 0; i < n; i++) {
		uint32_t t = order[i].target;
		double y = top + step * (double)i, at = 0;
		svg_text(&f->svg, 120, y + 13, "end", t == m->control ? "label strong" : "label", m->targets->at[t], 16);
		for (size_t k = 0; k < series; k++) {
			uint64_t count = pooled ? m->target[t].n : m->cells[t * m->splits->n + k];
			sheet_text(f->data, m->targets->at[t]);
			sheet_text(f->data, split_label(m, pooled, k));
			sheet_count(f->data, count);
			if (!count)
				continue;
			char *title = mem_print("%s, %s: %llu cells", m->targets->at[t], split_label(m, pooled, k), (unsigned long long)count);
			svg_rect(&f->svg, scale_at(&x, at), y + 3, scale_at(&x, at + (double)count) - scale_at(&x, at), step - 6, figure_series(k), title);
			at += (double)count;
			mem_free(title);
		}
		char *text = mem_print("%llu", (unsigned long long)m->target[t].n);
		svg_text(&f->svg, 750, y + 13, "end", "tick", text, 0);
		mem_free(text);
	}
	svg_end(&f->svg);
	if (pooled)
		figure_note(f, "The %zu splits are shown together.", m->splits->n);
	note_cut(f, n, n_all, "most cells");
	figure_spec(f, "'bar'", "{'x': {'field': 'cells', 'type': 'quantitative'}, 'y': {'field': 'target', 'type': 'nominal', 'sort': null},"
		    " 'color': {'field': 'split', 'type': 'nominal'}}");
	mem_free(order);
	return f;
}
