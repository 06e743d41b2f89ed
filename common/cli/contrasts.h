/* Contrasts going out: a PMX stream (rows target x split or guide), or a long table. */
#ifndef CLI_CONTRASTS_H
#define CLI_CONTRASTS_H
#include "cli/cli.h"
#include "perturb/markers.h"

struct contrast_options {
	bool tsv, all_genes;
};
#define CONTRAST_OPTIONS(o) \
	CLI_FLAG(0, "tsv", &(o).tsv, "a table of the tested genes instead of a stream, most significant first"), \
	CLI_FLAG(0, "all-genes", &(o).all_genes, "the untested genes in that table too")

/* Which rows there are; the dictionaries come from the cells' columns. */
struct contrast_rows {
	const struct pmx_field *target, *split, *guide;         /* split, guide: NULL where there is none */
};

struct contrast_writer;
/* `cells` is the schema of the cells (its genes go on), `in` the reader for the provenance. */
struct contrast_writer *contrasts_open(const struct cli *c, const struct contrast_options *o, const struct pmx_schema *cells,
				       const struct contrast_rows *rows, const struct pmx_reader *in, json_t *notes);
void contrasts_put(struct contrast_writer *w, uint32_t target, uint32_t split, uint32_t guide, const struct markers_contrast *m);
void contrasts_close(struct contrast_writer *w, const struct pmx_reader *in);

#endif
