/*
 * Gene sets: GMT (name TAB description TAB genes ...), a line a set.
 */
#ifndef FORMATS_GMT_H
#define FORMATS_GMT_H
#include <stdbool.h>
#include "formats/lines.h"

/* The fields of a line, and the set that they are: name, description and genes point into the line. */
struct gmt_line {
	char **field;
	size_t n_fields, cap;           /* at least 1 */
	bool tabbed;                    /* the line has a tab, be there nothing behind it */
	char *name, *description;       /* from here on gmt_set fills in */
	char **gene;
	size_t n_genes;
};

/*
 * 1 and the next line cut at its tabs, without blanks and quotes around a field and without empty fields at its end (a
 * spreadsheet's); 0 at the end; -1 on failure. Empty lines, and those that begin with #, are passed over.
 */
int gmt_next(struct lines *l, struct gmt_line *out, struct err *e);
/* The set on the line, empty genes left out. A line without a name or a tab is a failure: -1, without file and line. */
int gmt_set(struct gmt_line *line, struct err *e);
void gmt_line_free(struct gmt_line *line);

#endif
