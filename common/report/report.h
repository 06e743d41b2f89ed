/* A report: what was read of a run, its figures by name, and the page of all of it. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H
#include "report/figure.h"

struct report_table {
	struct sheet *sheet;            /* NULL: not given */
	const char *file;
};

struct report {
	const char *title, *target;     /* target: only figures of this one; or NULL */
	struct screen_summary *screen;
	struct effects *markers, *de;
	struct report_table drugs, enrichment;
	struct programs *programs;
	struct points *embedding;
	char *replay[8];                /* commands that made the inputs, with what they made */
	char *replay_of[8];
	size_t n_replays;
	uint64_t digest;                /* of the inputs */
};

extern const char *const report_figures[];      /* names, NULL at the end */
/* The figure `name`; a failure says what is missing. */
struct figure *report_figure(const struct report *r, const char *name, struct err *e);
void report_page(const struct report *r, struct bytes *out);
void report_free(struct report *r);

#endif
