/* A small table of texts: what a figure shows, or what stands in a table of the page. */
#ifndef REPORT_SHEET_H
#define REPORT_SHEET_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "stream/codec.h"

struct sheet {
	size_t n_columns, n_cells;
	char **head;
	struct bytes text;              /* the cells, each ended by NUL, row by row */
	size_t *at, cap;                /* where cell i begins */
	uint64_t n_all;                 /* rows there were before a cap; 0: no cap was met */
};

/* Column names between blanks. */
struct sheet *sheet_new(const char *columns);
struct sheet *sheet_of(char *const *head, size_t n_columns);
void sheet_free(struct sheet *s);
/* The next cell; NULL is NA. A row is full when it has n_columns of them. */
void sheet_text(struct sheet *s, const char *value);
void sheet_number(struct sheet *s, double value);       /* shortest round trip; NaN is NA */
void sheet_count(struct sheet *s, uint64_t value);
/* A number with few digits: coordinates of curves, which nobody needs to the last bit. */
void sheet_short(struct sheet *s, double value);
size_t sheet_rows(const struct sheet *s);
const char *sheet_cell(const struct sheet *s, size_t row, size_t column);
/* Column by name; SIZE_MAX where there is none. */
size_t sheet_find(const struct sheet *s, const char *column);
/* The number in a cell; NaN for anything else. */
double sheet_value(const struct sheet *s, size_t row, size_t column);
/* All its cells are numbers or NA, and one is a number. */
bool sheet_is_numeric(const struct sheet *s, size_t column);
/* s without the columns that hold nothing but NA, in its place. */
struct sheet *sheet_without_empty(struct sheet *s);
/* With tabs; a text with a tab, a line break or a leading quote stands in double quotes. */
void sheet_tsv(const struct sheet *s, size_t n_rows, struct bytes *out);

/*
 * Reads a table (TSV or CSV, plain, gzip or zstd) line by line and keeps about `most` rows and `most_bytes` of text: of each label of
 * column `by` (or of all, where there is no such column) the same number of first ones. That number is halved whenever there is no
 * room; n_all counts all rows.
 */
struct sheet *sheet_read(const char *path, const char *by, size_t most, size_t most_bytes, struct err *e);

#endif
