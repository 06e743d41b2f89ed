/*
 * The figures of a report: pure functions from data to a picture (SVG), its data (a sheet) and a Vega-Lite specification
 * that draws the same from NAME.tsv. A figure that has nothing to show is NULL.
 */
#ifndef REPORT_FIGURE_H
#define REPORT_FIGURE_H
#include <jansson.h>
#include "report/effects.h"
#include "report/groups.h"
#include "report/points.h"
#include "report/programs.h"
#include "report/screen_summary.h"
#include "report/sheet.h"

struct figure {
	char *name;                     /* of its files: ridges, volcano-STAT1 */
	char *of;                       /* the contrast or population that it is of, among several; or NULL */
	char *title, *alt, *note;       /* note: how to read it, what was left out; or NULL */
	struct bytes svg;
	struct sheet *data;
	json_t *spec;
};
void figure_free(struct figure *f);

/* Most rows (targets, drugs, classes) of a figure, and points of a volcano. */
enum { FIGURE_ROWS = 40, FIGURE_DRUGS = 25, FIGURE_CLASSES = 20, FIGURE_GRID = 96 };

/* Score densities of targets, those with the largest mean |score| first, splits in colours (pooled where there are more than 6). */
struct figure *figure_ridges(const struct screen_summary *m, const char *target);
/* Share of answering cells per guide (mean score where there are no classes), a row a target. */
struct figure *figure_guides(const struct screen_summary *m, const char *target);
/* Cells per target, in the colours of the splits. */
struct figure *figure_cells(const struct screen_summary *m, const char *target);
/* `kind` begins its name. At most `most` points, from the most significant on. */
struct figure *figure_volcano(const char *kind, const struct effects_row *v, const struct effects *all, size_t most);
/* A triangle of correlations between perturbations, programme by programme. */
struct figure *figure_groups(const struct groups *g);
struct figure *figure_programs(const struct programs *p);
/* Tables of rank and enrich; of one target, or of the first when it is NULL. */
struct figure *figure_drugs(const struct sheet *drugs, const char *target);
struct figure *figure_classes(const struct sheet *classes, const char *target);
/* Scores of the single signatures of the first compounds: do doses, cell lines and times agree? */
struct figure *figure_agreement(const struct sheet *drugs, const char *target);
/* How many of the first compounds of a target have a gene in their leading edge. */
struct figure *figure_leading_edge(const struct sheet *drugs, const char *target);
struct figure *figure_embedding(const struct points *p);

/* For the makers of figures. */
struct figure *figure_new(const char *name, const char *title, const char *columns);
void figure_note(struct figure *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void figure_alt(struct figure *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The specification: mark and encoding as JSON texts with ' for ". Ours, so they parse. */
void figure_spec(struct figure *f, const char *mark, const char *encoding);
const char *figure_series(size_t i);

#endif
