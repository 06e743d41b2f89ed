/* Target rows of a stream as queries of a reference. Failures end the process. */
#ifndef CLI_RANK_TARGETS_H
#define CLI_RANK_TARGETS_H
#include "cli/rank_reference.h"
#include "connect/query.h"

struct rank_targets {
	size_t n;
	char **name;
	struct query *query;
	char **reason;                  /* why the target itself has no weights; NULL where it has */
	struct pmx_schema *schema;      /* of the stream, with its provenance */
};

/*
 * layer: NULL is weights, else X, else the first of floats. set_size: genes per side of a dense target. `plain`:
 * every target as a dense one without a bound on its sets. gene_info: a table of genes by which the names of both sides are
 * aligned, or NULL.
 */
struct rank_targets *rank_targets_read(const struct cli *c, struct pmx_reader *in, const struct rank_reference *r, const char *layer,
				       long set_size, bool plain, const char *gene_info);
void rank_targets_free(struct rank_targets *t);

#endif
