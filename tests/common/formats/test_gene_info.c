#include "unit.h"
#include "base/file.h"
#include "formats/gene_info.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct gene_ledger *ledger_of(const char *text, struct err *e)
{
	char path[64];
	*e = (struct err){ 0 };
	snprintf(path, sizeof path, "/tmp/pertpipe-genes-%ld", (long)getpid());
	struct file_out *f = file_create(path, e);
	if (!f || file_write(f, text, strlen(text), e) || file_commit(f, e))
		printf("# %s\n", e->text);
	struct gene_ledger *l = gene_ledger_read(path, e);
	unlink(path);
	return l;
}

UNIT(both_tables_of_lincs_and_that_of_hgnc)
{
	static const char *const table[] = {
		"pr_gene_id\tpr_gene_symbol\tpr_gene_title\tpr_is_lm\tpr_is_bing\n6772\tSTAT1\tsignal\t1\t1\n10\tNAT2\t-666\t0\t1\n11\tN3\tx\t0\t0\n",
		"gene_id\tgene_symbol\tensembl_id\tgene_title\tfeature_space\n6772\tSTAT1\tENSG00000115415\t\tlandmark\n"
		"10\tNAT2\tENSG00000156006\t\tbest inferred\n11\tN3\t\t\tinferred\n",
		"symbol\tstatus\talias_symbol\tprev_symbol\tentrez_id\tensembl_gene_id\nSTAT1\tApproved\t\"STAT91|ISGF-3\"\tOLD1|OLD2\t6772\tENSG00000115415\n"
		"NAT2\tApproved\tAAC2\t\t10\t\nN3~withdrawn\tSymbol Withdrawn\t\t\t11\t\nN3\tApproved\tSTAT1\t\t11\t\n" };
	for (int i = 0; i < 3; i++) {
		struct err e;
		struct gene_ledger *l = ledger_of(table[i], &e);
		CHECK(l);
		if (!l) {
			printf("# %s\n", e.text);
			continue;
		}
		CHECK(gene_ledger_n(l) == 3);
		CHECK(gene_ledger_find(l, "STAT1", NULL) == 0 && gene_ledger_find(l, "6772", NULL) == 0 && gene_ledger_find(l, "N3", NULL) == 2);
		CHECK(gene_ledger_find(l, "ENSG00000115415.3", NULL) == (i ? 0 : GENE_NONE));
		CHECK(gene_ledger_find(l, "OLD2", NULL) == (i == 2 ? 0 : GENE_NONE) && gene_ledger_find(l, "ISGF-3", NULL) == (i == 2 ? 0 : GENE_NONE));
		CHECK(gene_ledger_space(l, 0) == (i == 2 ? GENE_SPACE_UNKNOWN : GENE_LANDMARK));
		CHECK(gene_ledger_space(l, 1) == (i == 2 ? GENE_SPACE_UNKNOWN : GENE_BEST_INFERRED));
		CHECK(gene_ledger_space(l, 2) == (i == 2 ? GENE_SPACE_UNKNOWN : GENE_INFERRED));
		CHECK(gene_ledger_find(l, "-666", NULL) == GENE_NONE);
		gene_ledger_free(l);
	}
}

UNIT(lines_of_one_entrez_id_are_one_gene)
{
	struct err e;
	struct gene_ledger *l = ledger_of("gene_id,symbol\n5,A\n5,A2\n6,A2\n,B\n", &e);
	CHECK(l && gene_ledger_n(l) == 3 && gene_ledger_find(l, "A", NULL) == 0 && gene_ledger_find(l, "A2", NULL) == GENE_TWO);
	CHECK(l && gene_ledger_find(l, "B", NULL) == 2);
	gene_ledger_free(l);
}

UNIT(a_table_without_symbols_is_refused)
{
	struct err e;
	CHECK(!ledger_of("gene\tname\na\tb\n", &e) && strstr(e.text, "needs a column gene_symbol") && strstr(e.text, "it has: gene, name"));
	CHECK(!ledger_of("symbol\tname\n\t\n", &e) && strstr(e.text, "names no gene"));
	CHECK(!ledger_of("", &e));
}

/* As it is: 12,328 genes of which 978 are landmarks and 10,174 measured or well inferred. */
UNIT(the_table_of_gse92742)
{
	const char *shared = getenv("PERTPIPE_SHARED");
	char path[500];
	snprintf(path, sizeof path, "%s/data/l1000_genes/GSE92742_gene_info.txt", shared ? shared : "../shared");
	if (access(path, R_OK))
		SKIP("reference data l1000_genes are not at hand");
	struct err e = { 0 };
	struct gene_ledger *l = gene_ledger_read(path, &e);
	size_t landmark = 0, bing = 0;
	CHECK(l && gene_ledger_n(l) == 12328);
	for (uint32_t i = 0; l && i < gene_ledger_n(l); i++) {
		landmark += gene_ledger_space(l, i) == GENE_LANDMARK;
		bing += gene_ledger_space(l, i) >= GENE_BEST_INFERRED;
	}
	CHECK(landmark == 978 && bing == 10174);
	CHECK(l && gene_ledger_find(l, "780", NULL) == gene_ledger_find(l, "DDR1", NULL));
	gene_ledger_free(l);
}

UNITS(RUN(both_tables_of_lincs_and_that_of_hgnc),
      RUN(lines_of_one_entrez_id_are_one_gene),
      RUN(a_table_without_symbols_is_refused),
      RUN(the_table_of_gse92742))
