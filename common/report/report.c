#include "report/report.h"
#include "report/markup.h"
#include "report/page.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

/* Bytes of figures to choose from, and of a page. */
enum { CHOICE = 400000, PAGE = 3000000 };

const char *const report_figures[] = { "cells", "ridges", "guides", "volcano", "de", "groups", "programs", "drugs", "classes", "agreement", "leading-edge",
	"embedding", NULL };

static const struct effects_row *row_of(const struct effects *x, const char *target, struct err *e)
{
	const struct effects_row *best = NULL;
	for (size_t i = 0; i < x->n; i++) {
		const struct effects_row *v = &x->row[i];
		if (v->full && (!target || !strcmp(v->target, target)) && (!best || v->n_up + v->n_down > best->n_up + best->n_down))
			best = v;
	}
	if (!best)
		err_set(e, target ? "%s: nothing was tested for target '%s'" : "%s: nothing was tested", x->file, target);
	return best;
}

static bool needs(const void *given, const char *name, const char *what, struct err *e)
{
	if (!given)
		err_set(e, "figure '%s' needs %s", name, what);
	return given;
}

static bool has_target(const struct report_table *t, const char *target, struct err *e)
{
	size_t column = sheet_find(t->sheet, "target");
	if (!target || column == SIZE_MAX)
		return true;
	struct names *all = names_new();
	for (size_t r = 0; r < sheet_rows(t->sheet); r++)
		names_add(all, sheet_cell(t->sheet, r, column), NULL);
	bool found = names_find(all, target) != NAMES_NONE;
	if (!found) {
		char list[600];
		names_list(all, list, sizeof list);
		err_set(e, "%s has no target '%s'; it has: %s", t->file, target, list);
	}
	names_free(all);
	return found;
}

static struct figure *of_table(const struct report_table *t, const char *name, const char *option, const char *target,
			       struct figure *(*make)(const struct sheet *, const char *), struct err *e)
{
	if (!needs(t->sheet, name, option, e) || !has_target(t, target, e))
		return NULL;
	return make(t->sheet, target);
}

static struct figure *of_screen(const struct screen_summary *m, const char *name, const char *target,
				struct figure *(*make)(const struct screen_summary *, const char *), struct err *e)
{
	if (!needs(m, name, "a stream of cells", e))
		return NULL;
	if (target && names_find(m->targets, target) == NAMES_NONE) {
		char list[600];
		names_list(m->targets, list, sizeof list);
		err_set(e, "there is no target '%s' in '%s'; there are: %s", target, m->keys.pert_key, list);
		return NULL;
	}
	return make(m, target);
}

static struct figure *of_effects(const struct effects *x, const char *name, const char *option, const char *target, struct err *e)
{
	const struct effects_row *v = needs(x, name, option, e) ? row_of(x, target, e) : NULL;
	return v ? figure_volcano(name, v, x, VOLCANO_POINTS) : NULL;
}

struct figure *report_figure(const struct report *r, const char *name, struct err *e)
{
	struct figure *f = NULL;
	const char *t = r->target;
	if (!strcmp(name, "cells"))
		f = of_screen(r->screen, name, t, figure_cells, e);
	else if (!strcmp(name, "ridges"))
		f = of_screen(r->screen, name, t, figure_ridges, e);
	else if (!strcmp(name, "guides"))
		f = of_screen(r->screen, name, t, figure_guides, e);
	else if (!strcmp(name, "volcano"))
		f = of_effects(r->markers, name, "--markers FILE", t, e);
	else if (!strcmp(name, "de"))
		f = of_effects(r->de, name, "--de FILE", t, e);
	else if (!strcmp(name, "groups"))
		f = needs(r->groups, name, "--groups FILE", e) ? figure_groups(r->groups) : NULL;
	else if (!strcmp(name, "programs"))
		f = needs(r->programs, name, "--programs FILE", e) ? figure_programs(r->programs) : NULL;
	else if (!strcmp(name, "drugs"))
		f = of_table(&r->drugs, name, "--drugs FILE", t, figure_drugs, e);
	else if (!strcmp(name, "classes"))
		f = of_table(&r->enrichment, name, "--enrichment FILE", t, figure_classes, e);
	else if (!strcmp(name, "agreement"))
		f = of_table(&r->drugs, name, "--drugs FILE", t, figure_agreement, e);
	else if (!strcmp(name, "leading-edge"))
		f = of_table(&r->drugs, name, "--drugs FILE", t, figure_leading_edge, e);
	else if (!strcmp(name, "embedding"))
		f = needs(r->embedding, name, "--embedding FILE", e) ? figure_embedding(r->embedding) : NULL;
	if (!f)
		err_set(e, "there is nothing to draw in figure '%s': its columns are missing or empty", name);
	return f;
}

static struct sheet *target_table(const struct screen_summary *m)
{
	struct sheet *s = sheet_new("target guides cells scored mean_score median_score ko_share reason");
	for (size_t t = 0; t < m->targets->n; t++) {
		const struct screen_target *target = &m->target[t];
		/* The median needs the splits together: exact where there is one, else the mean of theirs, weighted by cells. */
		double median = 0, n = 0;
		for (size_t k = 0; k < m->splits->n; k++) {
			const struct density *d = &m->density[t * m->splits->n + k];
			if (d->bin) {
				median += density_quantile(d, 0.5) * d->moments.n;
				n += d->moments.n;
			}
		}
		if (!target->n)
			continue;
		sheet_text(s, m->targets->at[t]);
		sheet_count(s, target->n_guides);
		sheet_count(s, target->n);
		sheet_number(s, m->score_name ? (double)target->n_scored : NAN);
		sheet_number(s, target->n_scored ? target->score / (double)target->n_scored : NAN);
		sheet_number(s, n > 0 ? median / n : NAN);
		sheet_number(s, target->n_classified ? (double)target->n_ko / (double)target->n_classified : NAN);
		sheet_text(s, target->reason);
	}
	return s;
}

static struct sheet *guide_table(const struct screen_summary *m)
{
	struct sheet *s = sheet_new("target guide cells scored mean_score ko_share");
	for (size_t g = 0; g < m->guides->n; g++) {
		const struct screen_guide *guide = &m->guide[g];
		if (!guide->n)
			continue;
		sheet_text(s, m->targets->at[guide->target]);
		sheet_text(s, m->guides->at[g]);
		sheet_count(s, guide->n);
		sheet_number(s, m->score_name ? (double)guide->n_scored : NAN);
		sheet_number(s, guide->n_scored ? guide->score / (double)guide->n_scored : NAN);
		sheet_number(s, guide->n_classified ? (double)guide->n_ko / (double)guide->n_classified : NAN);
	}
	return s;
}

static struct sheet *reason_table(const struct screen_summary *m)
{
	struct sheet *s = sheet_new("reason cells");
	for (size_t i = 0; i < m->reasons->n; i++) {
		sheet_text(s, m->reasons->at[i]);
		sheet_count(s, m->reason[i]);
	}
	return s;
}

static void tiles(struct page *p, const struct screen_summary *m)
{
	enum { N = 7 };
	static const char *const what[N] = { "cells", "control cells", "genes", "targets", "guides", "splits", "scored cells" };
	uint64_t count[N] = { m->n_cells, m->control == NAMES_NONE ? 0 : m->target[m->control].n, m->n_genes, 0, 0, m->splits->n, 0 };
	for (size_t t = 0; t < m->targets->n; t++) {
		count[3] += m->target[t].n && t != m->control;
		/* Controls score 0 by definition. */
		count[6] += t == m->control ? 0 : m->target[t].n_scored;
	}
	for (size_t g = 0; g < m->guides->n; g++)
		count[4] += m->guide[g].n > 0;
	const char *shown[N], *label[N];
	char *text[N];
	size_t n = 0;
	for (size_t i = 0; i < N; i++) {
		if ((i == 1 && m->control == NAMES_NONE) || (i == 4 && !m->guides->n) || (i == 6 && !m->score_name))
			continue;
		struct bytes b = { 0 };
		markup_count(&b, count[i]);
		label[n] = what[i];
		shown[n] = text[n] = markup_take(&b);
		n++;
	}
	page_tiles(p, shown, label, n);
	for (size_t i = 0; i < n; i++)
		mem_free(text[i]);
}

static void screen_sections(struct page *p, const struct screen_summary *m, const char *target)
{
	page_section(p, "overview", "Overview");
	tiles(p, m);
	page_text(p, "Targets are the labels of %s%s%s%s%s.", m->keys.pert_key, m->keys.control ? ", controls are " : "", m->keys.control ? m->keys.control : "",
		  m->keys.split_by ? ", splits are those of " : "", m->keys.split_by ? m->keys.split_by : "");
	if (m->n_unlabelled)
		page_text(p, "%llu cells have no target.", (unsigned long long)m->n_unlabelled);
	page_figure(p, figure_cells(m, target));
	page_table(p, "targets", "Targets", sheet_without_empty(target_table(m)), "the cells", REPORT_TABLE);
	if (m->reasons->n)
		page_table(p, "reasons", "Why cells have no result", reason_table(m), "the cells", REPORT_TABLE);
	else if (m->score_name || m->class_name)
		page_text(p, "No cell was left without a result.");
	struct figure *f = figure_ridges(m, target);
	if (f) {
		page_section(p, "scores", "Scores");
		page_figure(p, f);
	}
	if (m->guides->n) {
		page_section(p, "guides", "Guides");
		page_figure(p, figure_guides(m, target));
		page_table(p, "guides", "Guides", sheet_without_empty(guide_table(m)), "the cells", REPORT_TABLE);
	}
}

/* A volcano of each row that kept its points, those with most significant genes first. */
static void effect_sections(struct page *p, const struct effects *x, const char *kind, const char *title)
{
	struct figure *f[VOLCANO_ROWS];
	bool *done = mem_zero(x->n, sizeof *done);
	size_t n = 0, shown = x->n_full ? x->n_full : 1;
	page_section(p, kind, title);
	for (;;) {
		size_t best = x->n;
		for (size_t i = 0; i < x->n; i++)
			if (x->row[i].full && !done[i] && (best == x->n || x->row[i].n_up + x->row[i].n_down > x->row[best].n_up + x->row[best].n_down))
				best = i;
		if (best == x->n || n == VOLCANO_ROWS)
			break;
		done[best] = true;
		f[n++] = figure_volcano(kind, &x->row[best], x, VOLCANO_ALL / shown);
	}
	page_choice(p, "Contrast", kind, f, n, CHOICE);
	if (n < x->n)
		page_text(p, "The %zu contrasts with most significant genes, of %zu, are there to choose from. pmx-report --figure %s --target NAME draws any.", n, x->n, kind);
	char *name = mem_print("%s-contrasts", kind);
	page_table(p, name, "Contrasts", sheet_without_empty(effects_table(x)), x->file, REPORT_TABLE);
	mem_free(name);
	mem_free(done);
}

static bool table_choice(struct page *p, const struct report_table *t, const char *target, struct figure *(*make)(const struct sheet *, const char *),
			 const char *figure, const char *id, const char *title)
{
	size_t column = sheet_find(t->sheet, "target"), n = 0;
	struct names *targets = names_new();
	struct figure *f[FIGURE_ROWS];
	for (size_t r = 0; r < sheet_rows(t->sheet) && targets->n < FIGURE_ROWS; r++)
		if (!target || column == SIZE_MAX || !strcmp(sheet_cell(t->sheet, r, column), target))
			names_add(targets, column == SIZE_MAX ? "all" : sheet_cell(t->sheet, r, column), NULL);
	for (size_t i = 0; i < targets->n; i++)
		if ((f[n] = make(t->sheet, column == SIZE_MAX ? NULL : targets->at[i])))
			n++;
	if (n && id)
		page_section(p, id, title);
	page_choice(p, "Population", figure, f, n, CHOICE);
	names_free(targets);
	return n;
}

/* A copy to go into a page, which takes its sheets. */
static struct sheet *copy(const struct sheet *s)
{
	struct sheet *c = sheet_of(s->head, s->n_columns);
	for (size_t r = 0; r < sheet_rows(s); r++)
		for (size_t i = 0; i < s->n_columns; i++)
			sheet_text(c, sheet_cell(s, r, i));
	c->n_all = s->n_all;
	return c;
}

static void drug_sections(struct page *p, const struct report *r)
{
	page_section(p, "drugs", "Drugs");
	table_choice(p, &r->drugs, r->target, figure_drugs, "drugs", NULL, NULL);
	page_table(p, "drugs", "Ranked drugs", copy(r->drugs.sheet), r->drugs.file, REPORT_LARGE_TABLE);
	table_choice(p, &r->drugs, r->target, figure_agreement, "agreement", "agreement", "Agreement of doses, cell lines and times");
	table_choice(p, &r->drugs, r->target, figure_leading_edge, "leading-edge", "leading-edge", "Leading-edge genes");
}

/* A file name in a comment ends with its line. */
static void put_comment(struct bytes *b, const char *what, const char *file)
{
	markup_print(b, "# %s: ", what);
	for (const char *at = file; *at; at++)
		bytes_add(b, *at == '\n' || *at == '\r' ? "?" : at, 1);
	markup_put(b, "\n");
}

static bool made_before(const struct report *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(r->made[k].file, r->made[i].file))
			return true;
	return false;
}

static void provenance(struct page *p, const struct report *r)
{
	struct bytes script = { 0 }, list = { 0 }, given = { 0 };
	size_t n_given = 0;
	for (size_t i = 0; i < r->n_made; i++) {
		const struct report_made *m = &r->made[i];
		if (made_before(r, i))
			continue;
		if (*m->replay) {
			put_comment(&script, m->what, m->file);
			markup_put(&script, m->replay);
		} else if (!*m->what) {
			markup_print(&given, "%s%s", n_given++ ? " and " : "", m->file);
		}
		markup_print(&list, "%s%s%s%s%s", i ? ", " : "", m->file, *m->digest ? " (digest " : "", m->digest, *m->digest ? ")" : "");
	}
	markup_print(&script, "# This report\n%s", r->command);
	char *text = markup_take(&script), *files = markup_take(&list), *tables = markup_take(&given);
	page_section(p, "provenance", "Provenance");
	page_text(p, "These commands make the report and the streams that it shows again, with the same content; they write the files that they name.");
	if (n_given)
		page_text(p, "A table does not tell how it was made: %s %s to be there before.", tables, n_given > 1 ? "have" : "has");
	page_code(p, "Commands", text);
	page_text(p, "Read were %s.", files);
	mem_free(text);
	mem_free(files);
	mem_free(tables);
}

static void write_page(const struct report *r, double scale, struct bytes *out)
{
	struct page *p = page_new(r->title, scale);
	if (r->screen)
		screen_sections(p, r->screen, r->target);
	if (r->markers)
		effect_sections(p, r->markers, "volcano", "Marker genes");
	if (r->de)
		effect_sections(p, r->de, "de", "Differential expression");
	if (r->groups) {
		page_section(p, "groups", "Groups of perturbations");
		page_figure(p, figure_groups(r->groups));
		page_table(p, "groups", "Programmes and their members", sheet_without_empty(groups_table(r->groups)), r->groups->file, REPORT_TABLE);
	}
	struct figure *programs = r->programs ? figure_programs(r->programs) : NULL;
	if (programs) {
		page_section(p, "programs", "Programmes");
		page_figure(p, programs);
	}
	if (r->drugs.sheet)
		drug_sections(p, r);
	if (r->enrichment.sheet) {
		page_section(p, "classes", "Classes of compounds");
		table_choice(p, &r->enrichment, r->target, figure_classes, "classes", NULL, NULL);
		page_table(p, "classes", "Enrichment of classes", copy(r->enrichment.sheet), r->enrichment.file, REPORT_TABLE);
	}
	struct figure *points = r->embedding ? figure_embedding(r->embedding) : NULL;
	if (points) {
		page_section(p, "embedding", "Embedding");
		page_figure(p, points);
	}
	page_settle(p);
	provenance(p, r);
	page_end(p, out);
	page_free(p);
}

void report_page(const struct report *r, struct bytes *out)
{
	for (double scale = 1; ; scale /= 2) {
		out->n = 0;
		write_page(r, scale, out);
		if (out->n <= PAGE || scale < 0.05)
			return;
	}
}

void report_free(struct report *r)
{
	screen_summary_free(r->screen);
	effects_free(r->markers);
	effects_free(r->de);
	groups_free(r->groups);
	programs_free(r->programs);
	points_free(r->embedding);
	sheet_free(r->drugs.sheet);
	sheet_free(r->enrichment.sheet);
	for (size_t i = 0; i < r->n_made; i++) {
		mem_free(r->made[i].replay);
		mem_free(r->made[i].file);
	}
	mem_free(r->command);
}
