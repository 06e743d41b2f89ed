/*
 * Lists of genes to be held against sets: as a file has them, or the genes that go up and those that go down in every row of a
 * stream of contrasts or signatures, or in a table of contrasts. Failures end the process.
 */
#ifndef CLI_GENE_LISTS_H
#define CLI_GENE_LISTS_H
#include "cli/gene_names.h"
#include "formats/table.h"

enum gene_direction { GENES_BOTH, GENES_UP, GENES_DOWN };

struct gene_lists_options {
	const char *background_file;    /* or NULL */
	const struct gene_ledger *ledger;       /* by which genes are called, or NULL */
	int direction;
	long top;                       /* signatures: so many a side, and those as strong as the last of them */
	double p_cutoff, logfc_threshold;       /* contrasts: adjusted p at most, |log2 fold change| over */
};

struct gene_list {
	char *target;
	const char *direction;          /* "up", "down", "list" */
	uint32_t *gene;                 /* the strongest, or the first in the file, first */
	size_t n;
	uint32_t *all;                  /* its own background (genes tested); NULL: that of all lists */
	size_t n_all;
};

struct gene_lists {
	struct names *genes;
	struct gene_list *at;
	size_t n, cap;
	uint32_t *background;           /* NULL: none is known */
	size_t n_background;
};

/* GMT, a table gene TAB list, or one name a line. */
struct gene_lists *gene_lists_read(const struct cli *c, const struct gene_lists_options *o, const char *path);
/*
 * Of the tool's input: a stream of contrasts or signatures, or a table of contrasts as de-markers --tsv and weighted-de --tsv write it
 * (target, split, gene, log fold change, adjusted p). NULL: it is another table, which is *table.
 */
struct gene_lists *gene_lists_of_input(const struct cli *c, const struct gene_lists_options *o, struct table **table);
void gene_lists_free(struct gene_lists *l);

#endif
