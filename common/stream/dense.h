/*
 * Layers as dense rows in double, whatever they are: stored sparse or dense,
 * log-normalised, or a signature (formulas in stream/layer.h; the same numbers
 * as pmx_signature_compute, bit for bit). The stream is read through here:
 *
 *	struct pmx_dense *d = pmx_dense_new(reader, threads);
 *	int x = pmx_dense_layer(d, layer, NULL, 0, &e);
 *	while (pmx_dense_next(d, &block, &e) > 0) {
 *		pmx_dense_rows(d, x, block, 0, block->n_rows, out, &e);
 *		pmx_block_free(block);
 *	}
 *
 * A control may name any control as its neighbour, so the blocks of the
 * controls, which come first in the stream, are held until all of them are
 * there. Memory: those blocks and, per signature, the controls on the columns
 * asked for.
 */
#ifndef STREAM_DENSE_H
#define STREAM_DENSE_H
#include "stream/reader.h"

struct pmx_dense;

/* The reader stays the caller's and must be at its first row. */
struct pmx_dense *pmx_dense_new(struct pmx_reader *r, int threads);
void pmx_dense_free(struct pmx_dense *d);
/*
 * Asks for a layer before the first block: for n distinct columns in the order given, or for all of them
 * (column NULL). Returns its handle, or -1 for a signature in a stream that does not promise its controls first.
 */
int pmx_dense_layer(struct pmx_dense *d, size_t layer, const uint32_t *column, size_t n, struct err *e);
/* Values of a row of the layer: n, or all columns. */
size_t pmx_dense_width(const struct pmx_dense *d, int handle);
/* 1 and a block that the caller frees, 0 after a complete stream, -1 on failure. */
int pmx_dense_next(struct pmx_dense *d, struct pmx_block **block, struct err *e);
/*
 * Rows from .. to of a block that pmx_dense_next gave: out[(row - from) * width + j]. A row without neighbours
 * or split has no signature: NaN. -1 for damaged values, a neighbour that is no control, a split without controls.
 */
int pmx_dense_rows(struct pmx_dense *d, int handle, struct pmx_block *b, size_t from, size_t to, double *out, struct err *e);

#endif
