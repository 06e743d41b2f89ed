#include "report/figure.h"
#include "report/svg.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

struct figure *figure_programs(const struct programs *p)
{
	if (!p->n || !p->n_genes)
		return NULL;
	double longest = 0;
	for (size_t i = 0; i < p->n; i++)
		longest = fmax(longest, (double)strnlen(p->name[i], 22));
	struct figure *f = figure_new("programs", "Programmes and the genes that weigh most in them", "program gene weight");
	double step = 15, left = 110, top = 40 + 4.6 * longest, wide = fmin(46, 630 / (double)p->n), bottom = top + step * (double)p->n_genes, most = 0;
	for (size_t i = 0; i < p->n * p->n_genes; i++)
		most = fmax(most, isnan(p->weight[i]) ? 0 : fabs(p->weight[i]));
	figure_alt(f, "Heat map of %zu programmes by %zu genes; red is up, blue is down.", p->n, p->n_genes);
	svg_begin(&f->svg, 760, bottom + 62, f->alt);
	for (size_t i = 0; i < p->n; i++) {
		markup_print(&f->svg, "<g transform=\"translate(%.1f %.1f) rotate(-45)\">", left + wide * ((double)i + 0.5), top - 6);
		svg_text(&f->svg, 0, 0, "start", "tick", p->name[i], 22);
		markup_put(&f->svg, "</g>\n");
	}
	for (size_t k = 0; k < p->n_genes; k++) {
		double y = top + step * (double)k;
		svg_text(&f->svg, left - 8, y + 11, "end", "tick", p->gene[k], 14);
		for (size_t i = 0; i < p->n; i++) {
			double v = p->weight[i * p->n_genes + k];
			sheet_text(f->data, p->name[i]);
			sheet_text(f->data, p->gene[k]);
			sheet_short(f->data, v);
			if (isnan(v) || v == 0)
				continue;
			char *title = mem_print("%s, %s: %.3g", p->name[i], p->gene[k], v);
			markup_print(&f->svg, "<g opacity=\"%.2f\">", svg_shade(v / most));
			svg_rect(&f->svg, left + wide * (double)i, y, wide - 1, step - 1, v > 0 ? "up" : "down", title);
			markup_put(&f->svg, "</g>\n");
			mem_free(title);
		}
	}
	svg_ramp(&f->svg, left, bottom + 24, most, "weight");
	svg_end(&f->svg);
	if (p->n < p->n_all)
		figure_note(f, "Shown are the first %zu of %zu programmes.", p->n, p->n_all);
	figure_note(f, "Genes: the strongest of each programme in turn. Empty: no weight, or not measured.");
	figure_spec(f, "'rect'", "{'x': {'field': 'program', 'type': 'nominal', 'sort': null}, 'y': {'field': 'gene', 'type': 'nominal', 'sort': null},"
		    " 'color': {'field': 'weight', 'type': 'quantitative', 'scale': {'scheme': 'redblue', 'domainMid': 0, 'reverse': true}}}");
	return f;
}

/* Where the programme of row `from` ends. */
static size_t end_of(const struct groups *g, size_t from)
{
	size_t to = from;
	while (to < g->n_shown && g->row[g->shown[to]].program == g->row[g->shown[from]].program)
		to++;
	return to;
}

static void draw_correlation(struct figure *f, const struct groups *g, size_t i, size_t k, double x, double y, double wide, double high)
{
	double v = g->r[i * g->n_shown + k];
	const struct groups_row *a = &g->row[g->shown[i]], *b = &g->row[g->shown[k]];
	sheet_text(f->data, a->name);
	sheet_text(f->data, b->name);
	sheet_text(f->data, a->program == NAMES_NONE ? NULL : g->programs->at[a->program]);
	sheet_text(f->data, b->program == NAMES_NONE ? NULL : g->programs->at[b->program]);
	sheet_short(f->data, v);
	if (isnan(v))
		return;
	char *title = mem_print("%s and %s: %.2f", a->name, b->name, v);
	markup_print(&f->svg, "<g opacity=\"%.2f\">", svg_shade(v));
	svg_rect(&f->svg, x, y, wide - 1, high - 1, v > 0 ? "up" : "down", title);
	markup_put(&f->svg, "</g>\n");
	mem_free(title);
}

struct figure *figure_groups(const struct groups *g)
{
	size_t n = g->n_shown, n_groups = 0;
	if (!n)
		return NULL;
	struct figure *f = figure_new("groups", "Groups of perturbations with like effects", "contrast other program other_program correlation");
	double left = 110, top = 16, wide = fmin(24, 490 / (double)n), high = fmax(12, wide), bottom = top + high * (double)n;
	for (size_t p = 0; p < g->programs->n; p++)
		n_groups += g->size[p] > 0;
	figure_alt(f, "Correlations between the effects of %zu perturbations, which stand programme by programme; there are %zu programmes. Red is alike, blue is opposite.",
		   n, n_groups);
	/* The scale stands in the empty corner; a small triangle gets room for it to its right. */
	svg_begin(&f->svg, 760, fmax(bottom, 60) + 8, f->alt);
	char *scale = mem_print("correlation (%s)", g->method);
	svg_ramp(&f->svg, 745 - SVG_RAMP, top + 8, 1, scale);
	mem_free(scale);
	for (size_t from = 0, group = 0, to; from < n; from = to, group++) {
		uint32_t program = g->row[g->shown[from]].program;
		to = end_of(g, from);
		double y = top + high * (double)from, height = high * (double)(to - from);
		svg_rect(&f->svg, left - 10, y, 5, height - 1, program == NAMES_NONE ? "mute" : figure_series(group), NULL);
		svg_text(&f->svg, left - 16, y + height / 2 + 4, "end", "label", program == NAMES_NONE ? "in none" : g->programs->at[program], 14);
		if (to < n)
			svg_line(&f->svg, left - 10, y + height - 0.5, left + wide * (double)to, y + height - 0.5, "zero");
	}
	for (size_t i = 0; i < n; i++) {
		double y = top + high * (double)i;
		for (size_t k = 0; k <= i; k++)
			draw_correlation(f, g, i, k, left + wide * (double)k, y, wide, high);
		svg_text(&f->svg, left + wide * (double)(i + 1) + 5, y + high / 2 + 4, "start", "tick", g->row[g->shown[i]].name, 22);
	}
	svg_end(&f->svg);
	figure_note(f, "A row is a perturbation; so is the column that ends at its name. Correlation of the z scores over the %zu genes that decompose compared. "
		    "A programme begins with its prototype, where it has one.", g->n_genes);
	if (n < g->n_compared)
		figure_note(f, "Shown are %zu of %zu: the programmes with most members first.", n, g->n_compared);
	figure_spec(f, "'rect'", "{'x': {'field': 'other', 'type': 'nominal', 'sort': null}, 'y': {'field': 'contrast', 'type': 'nominal', 'sort': null},"
		    " 'color': {'field': 'correlation', 'type': 'quantitative', 'scale': {'scheme': 'redblue', 'domain': [-1, 1], 'reverse': true}},"
		    " 'tooltip': [{'field': 'contrast', 'type': 'nominal'}, {'field': 'program', 'type': 'nominal'}, {'field': 'other', 'type': 'nominal'},"
		    " {'field': 'other_program', 'type': 'nominal'}, {'field': 'correlation', 'type': 'quantitative'}]}");
	return f;
}

struct figure *figure_embedding(const struct points *p)
{
	if (!p->n)
		return NULL;
	struct figure *f = figure_new("embedding", "The embedding in two dimensions", "name group x y");
	double low[2] = { INFINITY, INFINITY }, high[2] = { -INFINITY, -INFINITY };
	for (size_t i = 0; i < p->n * 2; i++) {
		low[i % 2] = fmin(low[i % 2], p->xy[i]);
		high[i % 2] = fmax(high[i % 2], p->xy[i]);
	}
	for (size_t k = 0; k < 2; k++) {
		double edge = high[k] > low[k] ? 0.04 * (high[k] - low[k]) : 1;
		low[k] -= edge;
		high[k] += edge;
	}
	struct scale x = { low[0], high[0], 70, 730 }, y = { low[1], high[1], 530, 36 };
	figure_alt(f, "%zu points in two dimensions (%s)%s%s.", p->n, p->how, p->group_name ? ", coloured by " : "", p->group_name ? p->group_name : "");
	svg_begin(&f->svg, 760, 576, f->alt);
	svg_axis_y(&f->svg, &y, x.at_from, x.at_to, "axis 2");
	svg_axis_x(&f->svg, &x, y.at_to, y.at_from, "axis 1");
	const char *class[POINTS_GROUPS + 1];
	for (size_t i = 0; i < p->groups->n; i++)
		class[i] = i < POINTS_GROUPS - 1 || p->groups->n <= POINTS_GROUPS - 1 ? figure_series(i) : "mute";
	if (p->group_name)
		svg_legend(&f->svg, 70, 20, (const char *const *)p->groups->at, class, p->groups->n);
	for (size_t i = 0; i < p->n; i++) {
		sheet_text(f->data, p->name[i]);
		sheet_text(f->data, p->groups->at[p->group[i]]);
		sheet_short(f->data, p->xy[i * 2]);
		sheet_short(f->data, p->xy[i * 2 + 1]);
		svg_dot(&f->svg, scale_at(&x, p->xy[i * 2]), scale_at(&y, p->xy[i * 2 + 1]), p->n > 800 ? 2 : 3.5, class[p->group[i]], p->n > 800 ? NULL : p->name[i]);
	}
	svg_end(&f->svg);
	figure_note(f, "Axes: %s.", p->how);
	if (p->n_all - p->n_without > p->n)
		figure_note(f, "Drawn is a random sample of %zu of %llu rows.", p->n, (unsigned long long)p->n_all);
	if (p->n_without)
		figure_note(f, "%llu rows have no place.", (unsigned long long)p->n_without);
	figure_spec(f, "{'type': 'point', 'filled': true, 'opacity': 0.7}",
		    "{'x': {'field': 'x', 'type': 'quantitative'}, 'y': {'field': 'y', 'type': 'quantitative'}, 'color': {'field': 'group', 'type': 'nominal'},"
		    " 'tooltip': {'field': 'name', 'type': 'nominal'}}");
	return f;
}
