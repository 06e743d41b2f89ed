/*
 * The rows of a layer on chosen genes, several times from the first to the
 * last: kept packed in memory while they fit --memory, else read again each time.
 */
#ifndef CLI_ROW_SOURCE_H
#define CLI_ROW_SOURCE_H
#include "cli/again.h"
#include "base/sparse.h"
#include "num/packed.h"

struct row_source;
/* slot[column]: the gene's place, or UINT32_MAX; n_genes of them. */
struct row_source *row_source_new(const struct cli *c, struct cli_again *again, const struct pmx_schema *s, size_t layer,
				  const uint32_t *slot, size_t n_genes);
/* The first pass, in pieces: what is returned has new chunks from *first on; NULL at the end. */
const struct packed *row_source_first(struct row_source *r, size_t *first);
/* Later passes, as pca_rows wants them: all at once when the rows are kept. */
const struct packed *row_source_rows(void *source);
bool row_source_kept(const struct row_source *r);
void row_source_free(struct row_source *r);
/* Rows from .. to of a block appended to `out`; `x` (initialised, as wide as the stream) is worked on. */
void row_source_pack(struct pmx_block *b, const struct pmx_schema *s, size_t layer, size_t from, size_t to, const uint32_t *slot,
		     struct sparse_rows *x, struct packed *out);

#endif
