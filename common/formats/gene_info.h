/*
 * Tables of genes as a ledger (base/genes.h): geneinfo of LINCS, the GEO one (pr_gene_id, pr_gene_symbol, pr_is_lm,
 * pr_is_bing) and that of 2020 (gene_id, gene_symbol, ensembl_id, feature_space), and tables of HGNC (symbol,
 * prev_symbol, alias_symbol with | between names, entrez_id, ensembl_gene_id). A table needs a column of symbols;
 * every other column is used where it is there. An id is taken for Entrez when it is a number, else for Ensembl.
 * Lines of one Entrez id are one gene. Withdrawn entries of HGNC are left out.
 */
#ifndef FORMATS_GENE_INFO_H
#define FORMATS_GENE_INFO_H
#include "base/err.h"
#include "base/genes.h"
#include "formats/table.h"

/* NULL on failure: no table, no column of symbols (what there is is listed), no gene in it. */
struct gene_ledger *gene_ledger_read(const char *path, struct err *e);
/* The same of a table that was read. */
struct gene_ledger *gene_ledger_of(const struct table *t, struct err *e);

#endif
