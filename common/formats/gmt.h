/*
 * Gene sets: GMT (name TAB description TAB genes ...), a line a set.
 */
#ifndef FORMATS_GMT_H
#define FORMATS_GMT_H
#include "formats/lines.h"

/* The set on a line: name, description and genes point into the line; empty fields are left out. */
struct gmt_line {
	char *name, *description;
	char **gene;
	size_t n_genes;
	char **field;
	size_t cap;
};

/*
 * 1 and the next set, 0 at the end; -1 on failure, also for a line without a name or a tab, with file and line
 * in front of the text. Empty lines, and those that begin with #, are passed over.
 */
int gmt_next(struct lines *l, struct gmt_line *out, struct err *e);
void gmt_line_free(struct gmt_line *line);

#endif
