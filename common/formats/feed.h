/*
 * Inside of import: what a format's opener fills in. A feed gives the values of
 * one field of the schema, run by run of rows, in the order of the rows.
 */
#ifndef FORMATS_FEED_H
#define FORMATS_FEED_H
#include <hdf5.h>
#include "formats/import.h"
#include "formats/lines.h"
#include "formats/number.h"
#include "formats/table.h"

/* Rows of a sparse layer, values in the type of the layer. */
struct sparse_run {
	size_t n_rows;
	size_t *start;                  /* n_rows + 1 */
	uint32_t *col;
	uint8_t *value;
	size_t row_cap, col_cap, value_cap;
};

struct feed {
	/* May be NULL: rows first .. until can be read now, as far as memory goes. */
	int (*prepare)(struct feed *f, uint64_t first, struct err *e);
	/* Makes rows first .. first + n current. NULL: `column` holds all rows. */
	int (*read)(struct feed *f, uint64_t first, size_t n, struct err *e);
	void (*free)(void *state);
	void *state;
	uint64_t until;
	const uint64_t *start;          /* sparse layers: entries before each row */
	uint64_t row_bytes;             /* others: what a row takes while it is read */
	struct sparse_run run;
	struct pmx_column *column;      /* columns, matrices and dense layers */
};

struct import {
	const struct import_options *o;
	enum pmx_kind kind;
	char *source;
	struct lines *lines;            /* of a text, peeked at but not read */
	hid_t h5;
	struct pmx_schema *schema;
	struct feed *feed;              /* of each field of the schema */
	size_t feed_cap;
	struct names *rows, *columns;   /* all of the file, unique */
	uint32_t *map;                  /* of each column: its place in the stream, or UINT32_MAX; NULL: the same */
	uint64_t n_rows, next;
	struct table *obs, *var;        /* text columns point into them */
	void *state;                    /* of the format */
	void (*close)(void *state);
};

/* What recognise() may look at. */
struct sniff {
	const char *path;
	bool folder;
	hid_t h5;                       /* negative: no HDF5 */
	const char *head;               /* the first bytes of the text, which end with NUL */
	size_t n;
};

/* Options that have a meaning in some formats only; and what the rows are unless --kind says otherwise. */
enum { USES_FEATURES = 1, USES_NAME_FILES = 2, USES_ROWS = 4, USES_MODALITY = 8, HOLDS_SIGNATURES = 16 };

/* Formats are tried in the order of the table in import.c. */
struct format {
	const char *name;
	unsigned uses;
	bool (*recognise)(const struct sniff *s);
	int (*open)(struct import *im, const char *path, struct err *e);
};

extern const struct format format_gctx, format_gct, format_long, format_gmt, format_h5ad, format_h5mu, format_tenx_h5, format_tenx_folder, format_market, format_wide;

/* "cell" or "signature", for messages. */
const char *import_row_word(const struct import *im);
/* Noted when n > 0: texts of Latin-1 were turned. */
void import_say_latin1(const struct import *im, const char *name, uint64_t n);
void import_say(const struct import *im, bool detail, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Name lists as they come; a name that comes twice is found when the list is closed. */
struct name_list {
	char **at;
	size_t n, cap;
};
void name_list_add(struct name_list *l, const char *name);
void name_list_free(struct name_list *l);
/*
 * The names as a set. Twice the same is a failure that says where, unless `number`: the second and
 * further ones get .1, .2, ... as R's make.unique does, and the number of those is noted.
 */
struct names *import_unique(const struct import *im, const struct name_list *l, const char *what, bool number, struct err *e);

/*
 * In this order: columns (takes names, makes the schema; those with keep[i], all for NULL, that --genes
 * names too), var columns, rows (takes names), the rest.
 */
int import_set_columns(struct import *im, struct names *columns, const bool *keep, struct err *e);
int import_set_rows(struct import *im, struct names *rows, struct err *e);
/* Adds a column of the genes, with values for all columns of the file; takes *t. */
void import_add_var(struct import *im, const char *name, struct typed *t);
/* The feed of a new field; a row column of that name is replaced. Valid until the next call. */
struct feed *import_add_obs(struct import *im, const char *name, enum pmx_type type);
/* The same with values for all rows; takes *t. Text points at what t was made from, which has to stay. */
void import_put_obs(struct import *im, const char *name, struct typed *t);
struct feed *import_add_obsm(struct import *im, const char *name, enum pmx_type type, uint32_t width);
struct feed *import_add_layer(struct import *im, const char *name, enum pmx_type type, enum pmx_storage storage);
/* Is the row column to be read as labels? */
bool import_is_label(const struct import *im, const char *column);

#endif
