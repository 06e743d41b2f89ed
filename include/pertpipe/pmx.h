/*
 * Reading and writing PMX streams (pmx(5)) from C: matrices of rows by columns
 * with their metadata and layers of values, from a file or a pipe.
 *
 *	cc program.c $(pkg-config --cflags --libs libpertpipe)
 *
 * What can fail takes a struct pertpipe_error, which then holds a text that
 * says what happened and where; NULL drops it. Handles are used by one thread
 * at a time. Running out of memory ends the process with abort().
 */
#ifndef PERTPIPE_PMX_H
#define PERTPIPE_PMX_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PERTPIPE_NO_FIELD SIZE_MAX
/* Missing values; of PERTPIPE_F64 and PERTPIPE_F32 it is NaN, of text NULL. */
#define PERTPIPE_MISSING_CODE UINT32_MAX
#define PERTPIPE_MISSING_BOOL 2
#define PERTPIPE_MISSING_I64 INT64_MIN

/* What the rows are. */
enum pertpipe_kind { PERTPIPE_CELLS, PERTPIPE_CONTRASTS, PERTPIPE_SIGNATURES, PERTPIPE_EMBEDDING, PERTPIPE_SUMS };
/* A value for each column, for each row, for each row and column; OTHER: unknown to this version. */
enum pertpipe_class { PERTPIPE_VAR, PERTPIPE_OBS, PERTPIPE_LAYER, PERTPIPE_OTHER };
enum pertpipe_type { PERTPIPE_TEXT, PERTPIPE_CATEGORY, PERTPIPE_BOOL, PERTPIPE_I64, PERTPIPE_F64, PERTPIPE_F32, PERTPIPE_U32 };
/* Of a layer. A recipe is computed where it is read. */
enum pertpipe_storage { PERTPIPE_DENSE, PERTPIPE_SPARSE, PERTPIPE_RECIPE };

struct pertpipe_error {
	char text[1500];                /* empty: no failure yet; only the first is kept */
};

/* A field; name and labels live as long as the schema is unchanged. */
struct pertpipe_field {
	enum pertpipe_class field_class;
	enum pertpipe_type type;
	enum pertpipe_storage storage;
	const char *name;
	uint32_t width;                 /* values a row (a column, for PERTPIPE_VAR) of a matrix; 0: no matrix */
	const char *const *labels;      /* of PERTPIPE_CATEGORY: label of code 0, 1, ... */
	size_t n_labels;
};

/* n values of one type, or n rows of width values. */
struct pertpipe_values {
	enum pertpipe_type type;
	size_t n;
	uint32_t width;                 /* 0: no matrix */
	union {
		const char *const *text;
		const uint32_t *u32;    /* PERTPIPE_CATEGORY: codes; PERTPIPE_U32 */
		const uint8_t *flag;
		const int64_t *i64;
		const double *f64;
		const float *f32;
	} at;
};

/* Rows of a layer; what is not stored is 0. Values of row r: start[r] .. start[r + 1], columns increasing. */
struct pertpipe_rows {
	size_t n_rows;
	const size_t *start;
	const uint32_t *column;
	const double *value;
};

struct pertpipe_schema;
struct pertpipe_reader;
struct pertpipe_writer;

enum pertpipe_kind pertpipe_kind(const struct pertpipe_schema *s);
size_t pertpipe_n_columns(const struct pertpipe_schema *s);
/* Name of column i < pertpipe_n_columns. */
const char *pertpipe_column_name(const struct pertpipe_schema *s, size_t i);
size_t pertpipe_n_fields(const struct pertpipe_schema *s);
struct pertpipe_field pertpipe_field(const struct pertpipe_schema *s, size_t field);
/* PERTPIPE_NO_FIELD where there is none of that class and name. */
size_t pertpipe_find(const struct pertpipe_schema *s, enum pertpipe_class field_class, const char *name);

/* A schema with n named columns: a var field `columns` holds their names, an obs field `rows` those of the rows. */
struct pertpipe_schema *pertpipe_schema_new(enum pertpipe_kind kind, const char *rows, const char *columns, const char *const *name, size_t n);
void pertpipe_schema_free(struct pertpipe_schema *s);
/*
 * Each adds a field and returns its number. What is wrong with one (a name that its class has already, a label
 * twice, text that is not UTF-8, a type that does not go there) is told by pertpipe_create.
 * width > 0 makes a matrix of type F64, F32 or U32; a layer is F64, F32 or U32, dense or sparse.
 */
size_t pertpipe_add_obs(struct pertpipe_schema *s, const char *name, enum pertpipe_type type, uint32_t width);
size_t pertpipe_add_category(struct pertpipe_schema *s, const char *name, const char *const *label, size_t n);
size_t pertpipe_add_layer(struct pertpipe_schema *s, const char *name, enum pertpipe_type type, enum pertpipe_storage storage);
/* Adds a line to the provenance: the program that makes the stream. */
void pertpipe_made_by(struct pertpipe_schema *s, const char *program, const char *version);
/* Promises that rows with one label of `by` stand together, those of `first` (or NULL) in front; checked while writing. */
void pertpipe_promise_order(struct pertpipe_schema *s, const char *by, const char *first);

/* The stream in a file, or on standard input for "-". NULL on failure. */
struct pertpipe_reader *pertpipe_open(const char *path, struct pertpipe_error *e);
void pertpipe_close(struct pertpipe_reader *r);
/* Lives until pertpipe_close; its var fields have their values from the start. */
const struct pertpipe_schema *pertpipe_schema(const struct pertpipe_reader *r);
/* Before the first block: the layer will be read with pertpipe_dense. -1: it is no layer, or cannot be computed. */
int pertpipe_want_dense(struct pertpipe_reader *r, size_t layer, struct pertpipe_error *e);
/*
 * Goes to the next block of rows: 1 where there is one, 0 after a complete stream, -1 on failure, which
 * a stream that was cut short is, too. What the block before gave is gone.
 */
int pertpipe_next(struct pertpipe_reader *r, struct pertpipe_error *e);
/* Rows of the block, and the number of its first. */
size_t pertpipe_n_rows(const struct pertpipe_reader *r);
uint64_t pertpipe_first_row(const struct pertpipe_reader *r);
/* Values of an obs field in the block, or of a var field. -1 on failure. */
int pertpipe_values(struct pertpipe_reader *r, size_t field, struct pertpipe_values *out, struct pertpipe_error *e);
/* Rows of a stored or log-normalised layer in the block, until the next call. -1 on failure. */
int pertpipe_sparse(struct pertpipe_reader *r, size_t layer, struct pertpipe_rows *out, struct pertpipe_error *e);
/* Any layer: out[row * n_columns + column], pertpipe_n_rows rows. Ask first with pertpipe_want_dense. -1 on failure. */
int pertpipe_dense(struct pertpipe_reader *r, size_t layer, double *out, struct pertpipe_error *e);

/* A file, which appears whole or not at all, or standard output for "-". Copies the schema. level: of zstd, 0 .. 19. NULL on failure. */
struct pertpipe_writer *pertpipe_create(const char *path, const struct pertpipe_schema *s, int level, struct pertpipe_error *e);
/*
 * The next row: one call for every obs field and layer, in any order, then pertpipe_end_row, which tells what was
 * wrong with the calls before it.
 */
void pertpipe_fill_text(struct pertpipe_writer *w, size_t field, const char *value);
void pertpipe_fill_code(struct pertpipe_writer *w, size_t field, uint32_t code);
void pertpipe_fill_bool(struct pertpipe_writer *w, size_t field, uint8_t value);
void pertpipe_fill_i64(struct pertpipe_writer *w, size_t field, int64_t value);
void pertpipe_fill_f64(struct pertpipe_writer *w, size_t field, double value);
/* A row of a matrix or of a dense layer: values of the field's type. */
void pertpipe_fill_row(struct pertpipe_writer *w, size_t field, const void *values);
/* A row of a sparse layer: columns strictly increasing, values of the layer's type. */
void pertpipe_fill_sparse(struct pertpipe_writer *w, size_t layer, const uint32_t *column, const void *values, size_t n);
int pertpipe_end_row(struct pertpipe_writer *w, struct pertpipe_error *e);
/* Writes the end of the stream and puts the file in its place; frees w, also on failure. */
int pertpipe_finish(struct pertpipe_writer *w, struct pertpipe_error *e);
/* Removes what was written; frees w. */
void pertpipe_abandon(struct pertpipe_writer *w);

#ifdef __cplusplus
}
#endif
#endif
