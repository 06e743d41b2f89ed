/* A layer read from the first row to the last, all of it or the values of a range of genes: what does not fit at once is read in turns. */
#ifndef CLI_LAYER_SCAN_H
#define CLI_LAYER_SCAN_H
#include "base/sparse.h"
#include "cli/cli.h"
#include "stream/layer.h"

/* The rows of one block. */
typedef void layer_block(void *state, struct pmx_block *b, const struct sparse_rows *x);
void layer_scan(struct pmx_reader *in, const struct pmx_schema *s, size_t layer, layer_block *take, void *state);
/* Appends the values of columns first .. end, which become 0 .. end - first; rows that `mark` (or NULL) marks UINT32_MAX stay empty. */
void layer_keep_range(struct sparse_rows *out, const struct sparse_rows *x, uint32_t first, uint32_t end, const uint32_t *mark);
/* How far a range that begins at `first` can go when a value takes 12 bytes by rows and 12 by columns. */
uint32_t layer_range_end(const uint64_t *per_gene, uint32_t first, uint32_t n_genes, uint64_t memory);

#endif
