/* A report: what was read of a run, its figures by name, and the page of all of it. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H
#include "report/figure.h"

/* Bytes of tables. Where all of a page is more than 3 MB, tables and lists of figures get less: a half, a quarter, ... */
enum { REPORT_TABLE = 200000, REPORT_LARGE_TABLE = 800000 };

struct report_table {
	struct sheet *sheet;            /* NULL: not given */
	const char *file;
};

struct report {
	const char *title, *target;     /* target: only figures of this one; or NULL */
	struct screen_summary *screen;
	struct effects *markers, *de;
	struct report_table drugs, enrichment;
	struct groups *groups;
	struct programs *programs;
	struct points *embedding;
	struct report_made {
		const char *what;       /* "Marker genes" */
		char *replay;           /* the commands that make the file; "": not known, or part of the report's own command */
		char *file;
		char digest[17];        /* in hexadecimal digits; "": not known */
	} made[8];
	size_t n_made;                  /* in the order in which they are made */
	char *command;                  /* of the report itself */
};

extern const char *const report_figures[];      /* names, NULL at the end */
/* The figure `name`; a failure says what is missing. */
struct figure *report_figure(const struct report *r, const char *name, struct err *e);
void report_page(const struct report *r, struct bytes *out);
void report_free(struct report *r);

#endif
