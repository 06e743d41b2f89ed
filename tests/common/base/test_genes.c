#include "unit.h"
#include "base/genes.h"
#include <string.h>

/* Three genes: STAT1; B, once called OLD, alias X; C, alias X and B. */
static struct gene_ledger *small(void)
{
	struct gene_ledger *l = gene_ledger_new();
	uint32_t a = gene_ledger_add(l, "STAT1", GENE_LANDMARK), b = gene_ledger_add(l, "B", GENE_INFERRED), c = gene_ledger_add(l, "C", GENE_INFERRED);
	gene_ledger_name(l, a, GENE_BY_SYMBOL, "STAT1");
	gene_ledger_name(l, a, GENE_BY_ENTREZ, "6772");
	gene_ledger_name(l, a, GENE_BY_ENSEMBL, "ENSG00000115415.21");
	gene_ledger_name(l, b, GENE_BY_SYMBOL, "B");
	gene_ledger_name(l, b, GENE_BY_PREVIOUS, "OLD");
	gene_ledger_name(l, b, GENE_BY_ALIAS, "X");
	gene_ledger_name(l, c, GENE_BY_SYMBOL, "C");
	gene_ledger_name(l, c, GENE_BY_ALIAS, "X");
	gene_ledger_name(l, c, GENE_BY_ALIAS, "B");
	gene_ledger_name(l, c, GENE_BY_ALIAS, "OLD");
	return l;
}

UNIT(every_level_finds_its_names)
{
	struct gene_ledger *l = small();
	enum gene_how how;
	CHECK(gene_ledger_find(l, "STAT1", &how) == 0 && how == GENE_BY_SYMBOL);
	CHECK(gene_ledger_find(l, "6772", &how) == 0 && how == GENE_BY_ENTREZ);
	CHECK(gene_ledger_find(l, "ENSG00000115415", &how) == 0 && how == GENE_BY_ENSEMBL);
	CHECK(gene_ledger_find(l, "ENSG00000115415.7", NULL) == 0);
	CHECK(gene_ledger_find(l, "Stat1", &how) == 0 && how == GENE_BY_CASE);
	CHECK(gene_ledger_find(l, "67", NULL) == GENE_NONE && gene_ledger_find(l, "", NULL) == GENE_NONE);
	CHECK(gene_ledger_space(l, 0) == GENE_LANDMARK && !strcmp(gene_ledger_key(l, 2), "C"));
	gene_ledger_free(l);
}

UNIT(a_higher_level_wins_and_equals_are_ambiguous)
{
	struct gene_ledger *l = small();
	enum gene_how how;
	CHECK(gene_ledger_find(l, "B", &how) == 1 && how == GENE_BY_SYMBOL);
	CHECK(gene_ledger_find(l, "OLD", &how) == 1 && how == GENE_BY_PREVIOUS);
	CHECK(gene_ledger_find(l, "X", &how) == GENE_TWO && how == GENE_BY_ALIAS);
	CHECK(gene_ledger_find(l, "x", &how) == GENE_TWO && how == GENE_BY_CASE);
	gene_ledger_free(l);
}

UNIT(lists_align_by_gene)
{
	struct gene_ledger *l = small();
	const char *const query[] = { "nothing", "OLD", "Stat1", "X", "same", "C", "STAT1" }, *const reference[] = { "6772", "B", "same", "other" };
	struct gene_alignment *a = gene_align(query, 7, reference, 4, l);
	CHECK(a->n == 3);
	CHECK(a->query[0] == 1 && a->reference[0] == 1);        /* OLD is B */
	CHECK(a->query[1] == 4 && a->reference[1] == 2);        /* not in the ledger, but spelt the same */
	CHECK(a->query[2] == 6 && a->reference[2] == 0);        /* STAT1 stands for its gene, Stat1 does not */
	CHECK(a->status[2] == GENE_REPEATED && a->status[3] == GENE_AMBIGUOUS && a->status[5] == GENE_OUTSIDE && a->status[0] == GENE_UNKNOWN);
	CHECK(a->n_renamed == 2 && !a->n_by_case);
	size_t sum = 0;
	for (int i = 0; i < GENE_N_STATUS; i++)
		sum += a->count[i];
	CHECK(sum == a->n_names && a->n_names == 7);
	CHECK(!strcmp(a->example[GENE_AMBIGUOUS], "X") && !a->example[GENE_N_STATUS - 1] == !a->count[GENE_N_STATUS - 1]);
	char text[300];
	gene_alignment_text(a, text, sizeof text);
	CHECK(!strcmp(text, "7 genes: 3 used (2 under another name, 0 of them by the case of letters), 1 valid but outside, "
		      "1 unknown, such as nothing, 1 ambiguous, such as X, 1 repeated, such as Stat1"));
	char cut[20];
	gene_alignment_text(a, cut, sizeof cut);
	CHECK(strlen(cut) == 19 && !strncmp(cut, text, 19));
	gene_alignment_free(a);
	gene_ledger_free(l);
}

/* The pairs do not depend on the order of the reference but for the places, nor on which side is which. */
UNIT(alignment_is_symmetric)
{
	struct gene_ledger *l = small();
	const char *const one[] = { "C", "ENSG00000115415.2", "OLD", "zzz" }, *const two[] = { "b", "zzz", "stat1", "c" };
	struct gene_alignment *a = gene_align(one, 4, two, 4, l), *b = gene_align(two, 4, one, 4, l);
	CHECK(a->n == 4 && b->n == 4);
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			CHECK((a->query[i] == b->reference[k]) == (a->reference[i] == b->query[k]));
	gene_alignment_free(a);
	gene_alignment_free(b);
	gene_ledger_free(l);
}

UNIT(without_a_ledger_spelling_decides)
{
	const char *const query[] = { "A", "b", "A", "C" }, *const reference[] = { "C", "B", "A", "A" };
	struct gene_alignment *a = gene_align(query, 4, reference, 4, NULL);
	CHECK(a->n == 2 && a->query[0] == 0 && a->reference[0] == 2 && a->query[1] == 3 && a->reference[1] == 0);
	CHECK(a->status[1] == GENE_UNKNOWN && a->status[2] == GENE_REPEATED && !a->count[GENE_OUTSIDE]);
	gene_alignment_free(a);
	a = gene_align(NULL, 0, reference, 4, NULL);
	CHECK(!a->n);
	gene_alignment_free(a);
}

/* Every name that the ledger knows becomes the key; a key that means two genes, and what is not known, stays as it is. */
UNIT(the_ledger_itself_as_the_other_side)
{
	struct gene_ledger *l = small();
	const char *const query[] = { "Stat1", "ENSG00000115415.3", "OLD", "X", "zzz", "zzz", "c" };
	struct gene_alignment *a = gene_align_ledger(query, 7, l);
	CHECK(a->n == 3 && a->query[0] == 1 && a->reference[0] == 0 && a->query[1] == 2 && a->reference[1] == 1 && a->query[2] == 6);
	CHECK(a->status[0] == GENE_REPEATED && a->status[3] == GENE_AMBIGUOUS && a->status[4] == GENE_UNKNOWN && a->status[5] == GENE_REPEATED);
	CHECK(a->n_renamed == 3 && a->n_by_case == 1 && !a->count[GENE_OUTSIDE]);
	gene_alignment_free(a);
	CHECK(!strcmp(gene_ledger_spelling(l, "OLD"), "B") && !strcmp(gene_ledger_spelling(l, "X"), "X") && !strcmp(gene_ledger_spelling(NULL, "OLD"), "OLD"));
	/* Another gene of the same symbol: neither can be called by it. */
	uint32_t d = gene_ledger_add(l, "STAT1", GENE_INFERRED);
	gene_ledger_name(l, d, GENE_BY_SYMBOL, "STAT1");
	gene_ledger_name(l, d, GENE_BY_ENTREZ, "77");
	CHECK(!strcmp(gene_ledger_spelling(l, "6772"), "6772") && !strcmp(gene_ledger_spelling(l, "77"), "77"));
	gene_ledger_free(l);
}

UNIT(names_have_a_form)
{
	static const char *const symbol[] = { "STAT1", "HLA-DRB1", "C1orf112", "AC004988.1", "Stat1", "MARCH1", "SEPT2", "T0001", "MAR-KS1", "NKX2-1", NULL };
	static const char *const ensembl[] = { "ENSG00000115415", "ENSMUSG00000026104.7", NULL }, *const entrez[] = { "6772", "1", NULL };
	static const char *const date[] = { "1-Mar", "01-MAR", "Sep-07", "dec-1", NULL }, *const other[] = { "", "a gene", "-1", "STAT1|STAT2", "1-Foo", "200814_at", NULL };
	const char *const *const all[] = { symbol, ensembl, entrez, date, other };
	for (size_t form = 0; form < GENE_N_FORMS; form++)
		for (size_t i = 0; all[form][i]; i++) {
			bool right = gene_form(all[form][i]) == (enum gene_form)form;
			if (!right)
				printf("# %s is taken for %d\n", all[form][i], (int)gene_form(all[form][i]));
			CHECK(right);
		}
}

UNITS(RUN(the_ledger_itself_as_the_other_side), RUN(names_have_a_form), RUN(every_level_finds_its_names),
      RUN(a_higher_level_wins_and_equals_are_ambiguous),
      RUN(lists_align_by_gene),
      RUN(alignment_is_symmetric),
      RUN(without_a_ledger_spelling_decides))
