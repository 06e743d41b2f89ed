/*
 * The genes of a reference: which columns of the input are taken, and their
 * names. A table of genes (LINCS 2017 or 2020 names; HGNC), by its first
 * column or else as formats/gene_info.h looks names up, or columns of the genes in
 * the input itself tell symbol and feature space; a gene without a symbol keeps
 * its name.
 */
#ifndef CLI_REFERENCE_GENES_H
#define CLI_REFERENCE_GENES_H
#include "cli/cli.h"

enum reference_space { SPACE_ALL, SPACE_LANDMARK, SPACE_BING };
extern const char *const gene_space_choices[];

struct reference_genes {
	size_t n;
	uint32_t *column;
	char **name, **id;              /* id: as the input calls the gene, where that is not its name; else "" */
};
/* `gene_info`: a file, or NULL. Two genes of the same symbol keep their ids as names. */
struct reference_genes *reference_genes_new(const struct cli *c, const struct pmx_schema *s, const char *gene_info, int space);
void reference_genes_free(struct reference_genes *g);

#endif
