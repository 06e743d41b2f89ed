/*
 * Names of genes: each once; and the option --gene-info, by which they are looked up in a table, with what came of it on
 * stderr and in the provenance.
 * base/genes.h says how a name is looked up. Failures end the process.
 */
#ifndef CLI_GENE_NAMES_H
#define CLI_GENE_NAMES_H
#include "cli/cli.h"
#include "base/genes.h"

#define GENE_NAMES_OPTION(to) CLI_TEXT(0, "gene-info", to, "FILE", "table of genes that knows previous and alias symbols and ids", \
	"geneinfo of LINCS or a table of HGNC: names are looked up as they are spelt, Ensembl ids without their version, and then whatever the case of " \
	"their letters (symbols of mice). How many genes are used, valid but outside of the other side, or unknown is told on stderr")

/* The columns' names, for the caller to free. Two that are the same end the process: what is told by name would be told of either. */
struct names *gene_names_unique(const struct pmx_schema *s);
/* NULL for NULL. */
struct gene_ledger *gene_names_ledger(const char *path);
/* gene_align, or for a `reference` of NULL gene_align_ledger; and the note "WHAT: 978 genes: 960 used, ...". */
struct gene_alignment *gene_names_align(const struct cli *c, const char *what, const char *const *name, size_t n, const char *const *reference,
					size_t n_reference, const struct gene_ledger *ledger);
/* The counts, for the provenance. */
json_t *gene_names_counts(const struct gene_alignment *a);

/* Genes under the names that the ledger has for them, each once. */
struct gene_columns {
	struct names *names;
	uint32_t *from;                 /* the place of each in the list that was given */
	json_t *counts;                 /* for the provenance; NULL without a ledger */
};
/* `ledger` may be NULL. Of names that are spelt the same the first has the place. */
struct gene_columns gene_columns_new(const struct cli *c, const char *what, const char *const *name, size_t n, const struct gene_ledger *ledger);
void gene_columns_free(struct gene_columns *g);

#endif
