/*
 * Grouping rows: by the label of one column, `first` in front, the other labels
 * in the order of their bytes, rows without a label last; inside a group by the
 * bytes of the row name. The result does not depend on the order of the input,
 * on memory or on threads. Equal names keep their order of arrival.
 */
#ifndef STREAM_SORT_H
#define STREAM_SORT_H
#include "stream/reader.h"
#include "stream/writer.h"

struct pmx_sort_options {
	const char *by, *first;         /* first may be NULL */
	uint64_t memory;                /* plain bytes held before a run is spilled to $TMPDIR */
	int level, threads;
	size_t block_rows;              /* of the result; 0: by bytes */
};

/* The schema of the result: that of the input with the order promise. NULL on failure. */
struct pmx_schema *pmx_sort_schema(const struct pmx_schema *s, const struct pmx_sort_options *o, struct err *e);
/* Reads all of r and puts its rows in order into w, which was made with that schema. */
int pmx_sort(struct pmx_reader *r, struct pmx_writer *w, const struct pmx_sort_options *o, struct err *e);
/* Why rows of this stream cannot be moved (a recipe names rows by their place), or 0. */
int pmx_check_movable(const struct pmx_schema *s, struct err *e);

#endif
