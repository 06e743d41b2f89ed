/*
 * Tables of metadata as text: a header of column names, then rows of as many
 * fields, between tabs or (when the header holds no tab) commas; a field in
 * double quotes may hold the separator, "" stands for a quote. A header with
 * one name less than the rows (as R writes it) leaves out the first.
 *
 * Types are found from all values: bool (True, False, TRUE, FALSE), int64
 * (written as printf would, so 007 is a label), float64, else labels with the
 * dictionary in the order of the bytes; a column of more than 1000 labels that
 * are all different is text. NA, N/A, NaN, null and nothing are missing.
 */
#ifndef FORMATS_TABLE_H
#define FORMATS_TABLE_H
#include "base/err.h"
#include "base/names.h"
#include "formats/lines.h"
#include "stream/schema.h"

struct table {
	char *name;                     /* of the file */
	size_t n_rows, n_columns;
	char **head;
	char **field;                   /* row by row: n_rows x n_columns */
	uint64_t *line;                 /* of each row */
	uint64_t n_latin1;              /* lines that were Latin-1 */
	size_t row_cap;
	char **chunk;                   /* what the fields point into */
	size_t n_chunks, chunk_cap, chunk_at, chunk_size;
};

/* "-" is standard input. The text may take up to `memory` bytes. NULL on failure. */
struct table *table_read(const char *path, uint64_t memory, struct err *e);
/* The same of a file that is open; takes it. */
struct table *table_read_file(struct file_in *file, uint64_t memory, struct err *e);
/* The same of a table whose lines may be Latin-1, as tables with a micro sign often are; its user says so. */
struct table *table_read_latin1(const char *path, uint64_t memory, struct err *e);
void table_free(struct table *t);
/* Index of the column; SIZE_MAX and a failure that lists what there is. */
size_t table_need(const struct table *t, const char *column, struct err *e);

/* Values of a column with their type; `values` is NULL but for labels. */
struct typed {
	enum pmx_type type;             /* TEXT, CATEGORY, BOOL, I64 or F64 */
	struct pmx_column *column;
	struct names *values;
	bool ordered;
};

enum typed_how {
	TYPED_GUESS,
	TYPED_LABELS = 1,               /* labels, however many and whatever they look like */
	TYPED_VERBATIM = 2              /* texts of a file with types: labels or text; only NULL is missing */
};
/* Values of n texts (NULL and text_missing() ones are missing). Text columns point at `text`, which has to stay. */
void typed_from_text(struct typed *out, const char *const *text, size_t n, unsigned how);
void typed_free(struct typed *t);
/* out[i] = value row[i] of c; UINT32_MAX is missing. Text is shared with c. */
struct pmx_column *column_pick(const struct pmx_column *c, const uint32_t *row, size_t n);

/* A line cut in place at `separator`, with quotes; SIZE_MAX for a quote that does not end. */
size_t fields_split(char *line, char separator, char ***field, size_t *cap);
/* Tab, comma or 0 when the line holds neither. */
char fields_separator(const char *line);

#endif
