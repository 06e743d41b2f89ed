/* A stream's points in two dimensions: of an embedding, or of a row matrix of cells. */
#ifndef REPORT_POINTS_H
#define REPORT_POINTS_H
#include "stream/reader.h"

enum { POINTS_MOST = 3000, POINTS_AXES = 512, POINTS_GROUPS = 6 };

struct points {
	char *file, *how;               /* how the two axes were made */
	size_t n;
	uint64_t n_all, n_without;      /* rows there were; rows without a place */
	double *xy;                     /* n x 2 */
	char **name;
	uint32_t *group;                /* into groups */
	struct names *groups;           /* the last may be "other" */
	char *group_name;               /* the column; NULL: one group */
};

/*
 * The first two principal components of the rows of layer X (of an obs matrix, when `matrix` names it), by the covariance of all rows;
 * with two axes these themselves. Of more than POINTS_MOST rows a sample is shown: those whose draw (counter-based, by row number)
 * is smallest. Colours by `colour` (a label column; or NULL). NULL on failure.
 */
struct points *points_read(struct pmx_reader *r, const char *matrix, const char *colour, struct err *e);
void points_free(struct points *p);

#endif
