/*
 * Rows, columns and fields of a stream picked out of it, with what recipes are
 * made of kept in place. Rows move as the bytes they are encoded in; a block
 * whose rows all stay moves whole.
 */
#ifndef STREAM_SELECT_H
#define STREAM_SELECT_H
#include "stream/reader.h"
#include "stream/where.h"

struct pmx_select_options {
	const struct pmx_where *where;  /* NULL: all rows */
	uint64_t first_row, end_row;    /* rows first_row .. end_row - 1, counted before `where` */
	const uint32_t *column;         /* columns that stay, increasing; NULL: all */
	size_t n_columns;
	const struct names *row_columns;/* those that stay, beside the row names; NULL: all */
	const struct names *drop_layers, *drop_matrices;        /* or NULL */
	size_t block_rows;              /* of blocks made anew; 0: by bytes */
};
#define PMX_SELECT_ALL { NULL, 0, UINT64_MAX, NULL, 0, NULL, NULL, NULL, 0 }

struct pmx_select;

/*
 * The options and the reader have to stay. A failure where a field is unknown, or an ingredient of a layer
 * that stays is to go.
 */
struct pmx_select *pmx_select_new(struct pmx_reader *r, const struct pmx_select_options *o, struct err *e);
void pmx_select_free(struct pmx_select *x);
/* 1 and the next block, 0 at the end, -1 on failure: also when a control is left out that a layer is computed from. */
int pmx_select_next(struct pmx_select *x, struct pmx_block **b, struct err *e);
/*
 * What the blocks are of. Valid after the first block: whether the order promise still names its first label
 * depends on the first row.
 */
const struct pmx_schema *pmx_select_schema(const struct pmx_select *x);
/* Rows of the input, and rows that were looked at, when the end was reached. */
uint64_t pmx_select_rows_in(const struct pmx_select *x);
uint64_t pmx_select_rows_read(const struct pmx_select *x);
/* Digest of the whole input. */
uint64_t pmx_select_digest(const struct pmx_select *x);

#endif
