/*
 * Rows as a file has them -> rows of a layer: indices checked, put in order and
 * mapped, values checked and turned into the layer's type, zeros left out.
 * Failures name cell and gene.
 */
#ifndef FORMATS_ROWS_H
#define FORMATS_ROWS_H
#include "formats/feed.h"

struct layer_target {
	const struct import *im;
	const char *name;               /* as the user knows the matrix */
	enum pmx_type type;             /* U32, F32 or F64 */
	bool guessed;                   /* counts because the values looked like it */
};

/* The type of a layer from that of its values; `whole`: those that were looked at are whole and not negative. */
enum pmx_type rows_type(enum number type, bool whole, int values);
/* Are the n values whole and not negative? Counts the zeros. */
bool rows_are_whole(enum number type, const void *value, size_t n, size_t *n_zeros);

/* n indices from place `at` as u32; false when one is not in 0 .. n_cols - 1. */
bool rows_indices(enum number type, const void *index, size_t at, size_t n, uint64_t n_cols, uint32_t *out);

struct raw_rows {
	uint64_t first;                 /* row of the file */
	size_t n_rows;
	const uint64_t *start;          /* n_rows + 1; the arrays begin at start[0] */
	const void *index, *value;
	enum number index_type, value_type;
};
int rows_sparse(struct sparse_run *out, const struct raw_rows *raw, const struct layer_target *t, struct err *e);
/* Dense rows of im->columns->n values into a sparse run, or into a matrix of the columns kept (F32 or F64). */
int rows_sparse_of_dense(struct sparse_run *out, const void *value, enum number type, uint64_t first, size_t n,
			 const struct layer_target *t, struct err *e);
void rows_dense(struct pmx_column *out, const void *value, enum number type, size_t n, const struct layer_target *t);
/* The run of a sparse layer as a dense matrix of the same type. */
void rows_dense_of_sparse(struct pmx_column *out, const struct sparse_run *run);
void sparse_run_free(struct sparse_run *run);

/*
 * A matrix that is not stored by rows, turned: windows of rows, as many as fit
 * `memory`, each filled by a scan of all entries.
 */
struct turn {
	const uint64_t *start;          /* entries before each row: n_rows + 1 */
	uint64_t n_rows, memory;
	size_t value_size;
	/* Calls turn_place for each entry whose row is in from .. to, columns increasing within a row if they can. */
	int (*scan)(struct turn *t, void *source, struct err *e);
	void *source;
	uint64_t from, to;
	uint64_t *next;
	uint32_t *col;
	uint8_t *value;
	size_t row_cap, col_cap, value_cap;
};

/* Where the entry goes in col and value; SIZE_MAX when the row has more entries than were counted. */
static inline size_t turn_place(struct turn *t, uint64_t row)
{
	uint64_t *next = &t->next[row - t->from];
	return *next < t->start[row + 1] ? (size_t)((*next)++ - t->start[t->from]) : SIZE_MAX;
}

/* Makes a window that begins with row `first`, unless it is in the present one. */
int turn_prepare(struct turn *t, uint64_t first, struct err *e);
/* The rows as they stand in the window. */
struct raw_rows turn_rows(const struct turn *t, uint64_t first, size_t n, enum number value_type);
void turn_free(struct turn *t);

#endif
