/*
 * What a PMX stream holds: kind, columns (genes), the fields of its rows, the
 * order promise and the provenance. pmx(5) defines the bytes; this is the same
 * in memory, with the column metadata (names, var columns) decoded.
 */
#ifndef STREAM_SCHEMA_H
#define STREAM_SCHEMA_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/names.h"

enum pmx_kind { PMX_CELLS, PMX_CONTRASTS, PMX_SIGNATURES, PMX_EMBEDDING, PMX_SUMS, PMX_N_KINDS };
enum pmx_class { PMX_VAR, PMX_OBS, PMX_LAYER, PMX_OTHER };      /* OTHER: ancillary, carried through */
enum pmx_type { PMX_TEXT, PMX_CATEGORY, PMX_BOOL, PMX_I64, PMX_F64, PMX_F32, PMX_U32, PMX_N_TYPES };
enum pmx_storage { PMX_DENSE, PMX_SPARSE, PMX_RECIPE };
enum pmx_recipe_kind {
	PMX_LOG_NORMALISED,     /* log1p(source / totals * target_sum) */
	PMX_NEIGHBOUR_SIGNATURE,/* log1p(mean over neighbours of expm1(source)) - source */
	PMX_SPLIT_SIGNATURE,    /* mean of source over the controls of the row's split - source */
	PMX_N_RECIPES
};

#define PMX_MISSING_I64 INT64_MIN
#define PMX_MISSING_CODE UINT32_MAX
#define PMX_MISSING_BOOL 2
#define PMX_NO_FIELD SIZE_MAX
#define PMX_MAX_ID ((uint32_t)INT32_MAX)

/* n values of one type; width > 1 makes it a matrix, row by row. */
struct pmx_column {
	enum pmx_type type;
	size_t n;
	uint32_t width;
	union {
		const char **text;      /* NULL is missing; points into `bytes` or at the owner's strings */
		uint32_t *u32;          /* PMX_CATEGORY codes and PMX_U32 */
		uint8_t *flag;
		int64_t *i64;
		double *f64;
		float *f32;
	};
	char *bytes;
	bool borrowed;                  /* the values belong to somebody else */
};

/* The ingredients travel in the stream: fields by name. */
struct pmx_recipe {
	enum pmx_recipe_kind kind;
	char *source;                   /* layer */
	char *totals;                   /* row column of row totals (LOG_NORMALISED) */
	double target_sum;
	char *neighbours;               /* row matrix of ordinals among the control rows, which come first */
	char *split;                    /* row column, or NULL for one pool (SPLIT_SIGNATURE) */
	char *pert_key, *control;       /* which rows are the controls (signatures) */
};

struct pmx_field {
	uint32_t id;
	enum pmx_class class;
	enum pmx_type type;
	enum pmx_storage storage;       /* of a layer */
	char *name;
	uint32_t width;                 /* > 1: obsm, varm */
	bool matrix;                    /* declared as a matrix, also when its width is 1 */
	struct names *values;           /* dictionary of a PMX_CATEGORY */
	bool ordered;
	struct pmx_recipe recipe;
	struct pmx_column *column;      /* data of a PMX_VAR field */
	json_t *declaration;            /* of a PMX_OTHER field, as it came */
};

struct pmx_schema {
	enum pmx_kind kind;
	size_t n_columns;
	struct pmx_field *field;
	size_t n_fields, cap;
	uint32_t next_id;
	char *row_names, *column_names; /* names of the obs and var fields that hold them */
	char *order_by, *order_first;   /* NULL: no promise */
	json_t *provenance;             /* array of objects, oldest first */
	json_t *notes;                  /* object, carried through; NULL when absent */
};

struct pmx_schema *pmx_schema_new(enum pmx_kind kind, size_t n_columns);
struct pmx_schema *pmx_schema_copy(const struct pmx_schema *s);
void pmx_schema_free(struct pmx_schema *s);

/* Appends a field and returns it (valid until the next call); the name must be new in its class. */
struct pmx_field *pmx_add_obs(struct pmx_schema *s, const char *name, enum pmx_type type);
struct pmx_field *pmx_add_obsm(struct pmx_schema *s, const char *name, enum pmx_type type, uint32_t width);
struct pmx_field *pmx_add_layer(struct pmx_schema *s, const char *name, enum pmx_type type, enum pmx_storage storage);
/* Takes `column`, whose n must be n_columns. */
struct pmx_field *pmx_add_var(struct pmx_schema *s, const char *name, struct pmx_column *column);
/* Puts the gene (axis) names in place: a PMX_VAR text field called `name`. */
void pmx_set_column_names(struct pmx_schema *s, const char *name, const struct names *names);
void pmx_drop_field(struct pmx_schema *s, size_t index);
/* The ancillary fields, before rows move: what is not known cannot be cut into rows. */
void pmx_drop_unknown(struct pmx_schema *s);

size_t pmx_find(const struct pmx_schema *s, enum pmx_class class, const char *name);    /* PMX_NO_FIELD: not there */
/* An id that no field has; ids are 1 .. PMX_MAX_ID. */
uint32_t pmx_new_id(struct pmx_schema *s);
size_t pmx_find_id(const struct pmx_schema *s, uint32_t id);
/* As pmx_find; a failure that lists what there is. */
size_t pmx_need(const struct pmx_schema *s, enum pmx_class class, const char *name, struct err *e);
/* As pmx_need, of a row column with type PMX_CATEGORY. */
size_t pmx_need_category(const struct pmx_schema *s, const char *name, struct err *e);
/* The names of the fields of a class, for messages and tables. Caller frees. */
struct names *pmx_field_names(const struct pmx_schema *s, enum pmx_class class);
/* Column (gene) name i, and all of them as a set; the set belongs to the caller. */
const char *pmx_column_name(const struct pmx_schema *s, size_t i);
struct names *pmx_column_names(const struct pmx_schema *s);
void pmx_promise_order(struct pmx_schema *s, const char *by, const char *first);
bool pmx_promises(const struct pmx_schema *s, const char *by, const char *first);
void pmx_recipe_free(struct pmx_recipe *r);

const char *pmx_kind_name(enum pmx_kind kind);
const char *pmx_type_name(enum pmx_type type);
/* Bytes of one value; 0 for text. */
size_t pmx_type_size(enum pmx_type type);
bool pmx_is_matrix(const struct pmx_field *f);

struct pmx_column *pmx_column_new(enum pmx_type type, size_t n, uint32_t width);
struct pmx_column *pmx_column_copy(const struct pmx_column *c);
void pmx_column_free(struct pmx_column *c);
bool pmx_column_is_missing(const struct pmx_column *c, size_t i);
/* Value i as text into `out` (size >= TEXT_F64), or a pointer to the text itself. */
const char *pmx_column_text(const struct pmx_field *f, const struct pmx_column *c, size_t i, char *out, size_t size);

/* JSON form of everything but the var data. */
json_t *pmx_schema_to_json(const struct pmx_schema *s);
struct pmx_schema *pmx_schema_from_json(const json_t *json, struct err *e);

#endif
