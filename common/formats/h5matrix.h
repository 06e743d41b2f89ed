/*
 * Matrices in HDF5 as feeds: dense datasets, and groups with data, indices and
 * indptr, by cells or by genes.
 */
#ifndef FORMATS_H5MATRIX_H
#define FORMATS_H5MATRIX_H
#include "formats/feed.h"

enum h5_storing { H5_DENSE, H5_BY_CELLS, H5_BY_GENES };

struct h5_matrix;

/*
 * Opens the matrix at `path` for im, whose rows and columns are known. `share` of the memory is for turning
 * it. NULL on failure.
 */
struct h5_matrix *h5_matrix_open(struct import *im, const char *path, enum h5_storing storing, uint64_t share, struct err *e);
void h5_matrix_free(struct h5_matrix *m);
/* The type its layer gets: from the type of the values, a sample of them and --values. */
enum pmx_type h5_matrix_type(const struct h5_matrix *m);
bool h5_matrix_is_dense(const struct h5_matrix *m);     /* stored dense, no counts, and mostly not 0 */
/* Adds the layer `name` to the schema; takes m. */
int h5_matrix_add(struct import *im, struct h5_matrix *m, const char *name, struct err *e);

#endif
