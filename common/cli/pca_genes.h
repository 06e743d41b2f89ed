/* The genes that principal components are of: all, those that hvg marked, or those of a list. Failures end the process. */
#ifndef CLI_PCA_GENES_H
#define CLI_PCA_GENES_H
#include "cli/cli.h"

#define PCA_GENES_OPTIONS(file, hvg) \
	CLI_TEXT(0, "genes", &(file), "FILE", "genes to use, one a line (default: those that hvg marked, or all)"), \
	CLI_FLAG(0, "use-hvg", &(hvg), "use the genes that hvg marked; an error when there are none")

/* Of each column its place among the *n genes used, or UINT32_MAX. The caller frees. */
uint32_t *pca_genes(const struct cli *c, const struct pmx_schema *s, const char *file, bool use_hvg, size_t *n);
/* The name of the gene in that place. */
const char *pca_gene_at(const struct pmx_schema *s, const uint32_t *slot, size_t gene);

#endif
