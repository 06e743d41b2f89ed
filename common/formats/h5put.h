/*
 * Writing HDF5 the way anndata 0.8 and newer reads it: every element carries
 * encoding-type and encoding-version. Texts are string-array (nullable ones only
 * new versions read), truth values HDF5's enumeration as h5py has it.
 */
#ifndef FORMATS_H5PUT_H
#define FORMATS_H5PUT_H
#include "formats/h5.h"
#include "stream/schema.h"

/* A file that is written at `path`, negative on failure; h5_finish writes all of it out and closes it, also on failure. */
hid_t h5_create(const char *path, struct err *e);
int h5_finish(hid_t file, const char *path, struct err *e);
int h5_put_text_attribute(hid_t at, const char *object, const char *name, const char *text, struct err *e);
int h5_put_encoding(hid_t at, const char *object, const char *type, const char *version, struct err *e);
/* A new group with its encoding; closed again. */
int h5_put_group(hid_t at, const char *path, const char *type, const char *version, struct err *e);
/* Attribute `shape` of two whole numbers. */
int h5_put_shape(hid_t at, const char *object, uint64_t n_rows, uint64_t n_cols, struct err *e);
/* A string-array; no text may be NULL. */
int h5_put_texts(hid_t at, const char *path, const char *const *text, size_t n, struct err *e);
/* Texts of fixed length, as GCTX has them, without an encoding. */
int h5_put_fixed(hid_t at, const char *path, const char *const *text, size_t n, struct err *e);
/* One text with the encoding `string`. */
int h5_put_text(hid_t at, const char *path, const char *text, struct err *e);
/* An array of n x width numbers (width 0: of rank 1), `type` in memory and in the file. */
int h5_put_numbers(hid_t at, const char *path, hid_t type, const void *values, uint64_t n, uint64_t width, struct err *e);
/* A part of an element (indptr): n numbers without an encoding of their own. */
int h5_put_plain(hid_t at, const char *path, hid_t type, const void *values, uint64_t n, struct err *e);

/*
 * A column of a dataframe as anndata has it: array, categorical, string-array; with missing values
 * nullable-integer, nullable-boolean, and categorical for text (NaN stays an array). Matrices (obsm, varm)
 * are arrays; u32 ones int64 with -1 for missing.
 */
int h5_put_column(hid_t at, const char *path, const struct pmx_field *f, const struct pmx_column *c, struct err *e);
/* The attribute of a frame that lists its columns, without the index. */
int h5_put_column_order(hid_t at, const char *path, const struct names *columns, struct err *e);
/* A frame's group, with `n` row names as its index. */
int h5_put_frame(hid_t at, const char *path, const char *const *name, size_t n, struct err *e);
/* The name of a column as a link: "/" is replaced by "|". Caller frees. */
char *h5_link_name(const char *name);

/*
 * A dataset that grows: numbers of rank 1 (width 0) or rows of `width` of them. Chunks are packed side by
 * side, with shuffle and deflate at `level`, or not at all for level 0.
 */
struct h5_growing;
struct h5_growing *h5_grow(hid_t at, const char *path, hid_t type, uint64_t width, int level, int threads, struct err *e);
int h5_grow_by(struct h5_growing *g, const void *rows, uint64_t n, struct err *e);
uint64_t h5_grown(const struct h5_growing *g);
int h5_grow_end(struct h5_growing *g, struct err *e);   /* writes the rest; frees g, also on failure */
void h5_grow_free(struct h5_growing *g);

#endif
