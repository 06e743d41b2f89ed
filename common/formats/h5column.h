/*
 * Columns of the dataframes in h5ad files: arrays of numbers, truth values and
 * texts, categoricals (also those of anndata 0.7, with __categories beside
 * them) and the nullable arrays (values and mask).
 */
#ifndef FORMATS_H5COLUMN_H
#define FORMATS_H5COLUMN_H
#include "formats/h5.h"
#include "formats/table.h"

struct h5_column;

/*
 * The column `name` of the group `frame`, n rows long; as_labels: labels whatever it holds. NULL with a
 * failure in *e; NULL without one when it is of a kind that has no place in a stream (*what says which).
 */
struct h5_column *h5_column_open(hid_t at, const char *frame, const char *name, uint64_t n, bool as_labels, uint64_t memory,
				 const char **what, struct err *e);
void h5_column_free(struct h5_column *c);
enum pmx_type h5_column_type(const struct h5_column *c);
/* The dictionary of labels, which is given away; NULL for other types. */
struct names *h5_column_take_values(struct h5_column *c, bool *ordered);
/* Values of rows first .. first + n. */
struct pmx_column *h5_column_rows(struct h5_column *c, uint64_t first, size_t n, struct err *e);

/* The dataset with the row names of a frame ("obs/_index"); caller frees. NULL on failure. */
char *h5_frame_index(hid_t at, const char *frame, struct err *e);
/* Names of the frame's columns in their order, without the index. NULL on failure. */
struct names *h5_frame_columns(hid_t at, const char *frame, struct err *e);

#endif
