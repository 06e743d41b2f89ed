/* Lists of genes against sets of genes: fisher and rbo, a line for every list and set. Failures end the process. */
#ifndef CLI_GENE_ENRICHMENT_H
#define CLI_GENE_ENRICHMENT_H
#include "cli/gene_lists.h"

enum rbo_null { RBO_EMPIRICAL, RBO_NORMAL };

struct gene_enrichment_options {
	const char *sets_file, *permutation_file;
	const struct gene_ledger *ledger;       /* by which genes of sets are called, or NULL */
	long min_size, min_genes, depth, permutations;
	double persistence;
	int null;
	bool rbo, ease, even, seurat;
};

/* Status 1 when nothing was tested. */
void gene_enrichment(const struct cli *c, const struct gene_enrichment_options *o, struct gene_lists *lists);

#endif
