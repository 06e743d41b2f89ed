/*
 * A ledger of genes: which of the names that data use (current, previous and alias symbols, Entrez and Ensembl ids)
 * mean the same gene; and the alignment of two lists of genes, with or without one. formats/gene_info.h reads it.
 *
 * A name is looked up in this order, and the first level that knows it decides:
 *	digits only: Entrez; ENS...: Ensembl, its version (.7) left out;
 *	current symbol, previous symbol, alias, as they are spelt;
 *	current symbol, previous symbol, alias, whatever the case (Stat1 of a mouse -> STAT1).
 * So a current symbol wins over a previous one, and that over an alias. Two genes at the deciding level make the
 * name ambiguous: nothing is guessed, and no lower level is asked.
 */
#ifndef BASE_GENES_H
#define BASE_GENES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GENE_NONE UINT32_MAX            /* the ledger does not know the name */
#define GENE_TWO (UINT32_MAX - 1)       /* ambiguous */

enum gene_how { GENE_BY_SYMBOL, GENE_BY_ENTREZ, GENE_BY_ENSEMBL, GENE_BY_PREVIOUS, GENE_BY_ALIAS, GENE_BY_CASE, GENE_N_HOW };
enum gene_space { GENE_SPACE_UNKNOWN, GENE_INFERRED, GENE_BEST_INFERRED, GENE_LANDMARK };

struct gene_ledger;

struct gene_ledger *gene_ledger_new(void);
void gene_ledger_free(struct gene_ledger *l);
/* A new gene: its ordinal. `key` is what it is called in results: the current symbol, say. */
uint32_t gene_ledger_add(struct gene_ledger *l, const char *key, enum gene_space space);
/* One more name of a gene, at a level other than GENE_BY_CASE. */
void gene_ledger_name(struct gene_ledger *l, uint32_t gene, enum gene_how how, const char *name);

size_t gene_ledger_n(const struct gene_ledger *l);
const char *gene_ledger_key(const struct gene_ledger *l, uint32_t gene);
/* GENE_SPACE_UNKNOWN where the table does not tell. */
enum gene_space gene_ledger_space(const struct gene_ledger *l, uint32_t gene);
/* The gene of a name, GENE_NONE or GENE_TWO; *how (may be NULL) is the level that decided. */
uint32_t gene_ledger_find(const struct gene_ledger *l, const char *name, enum gene_how *how);
/*
 * What a gene is to be called: its key, when the ledger knows the name and the key means no other gene; else the name.
 * So two names come out the same only when they mean the same gene or are spelt the same. Without a ledger (NULL) the name.
 */
const char *gene_ledger_spelling(const struct gene_ledger *l, const char *name);

enum gene_status {
	GENE_USED,                      /* on both sides */
	GENE_OUTSIDE,                   /* a gene of the ledger, but not of the other list */
	GENE_UNKNOWN,                   /* not in the ledger and not in the other list; without a ledger all that do not match */
	GENE_AMBIGUOUS,
	GENE_REPEATED,                  /* another name of the list means the same gene and is used */
	GENE_N_STATUS
};

/* Pairs of places: gene i of the alignment is name query[i] of the one list and reference[i] of the other. */
struct gene_alignment {
	size_t n;
	uint32_t *query, *reference;    /* query[] increases; no place comes twice in either */
	size_t n_names;                 /* of the query */
	uint8_t *status;                /* enum gene_status of each name of the query */
	size_t count[GENE_N_STATUS];    /* names of the query; their sum is n_names */
	size_t n_renamed;               /* pairs whose two names differ */
	size_t n_by_case;               /* of those: by the case of their letters alone */
	const char *example[GENE_N_STATUS];     /* the first name with the status, or NULL; points into the query */
};

/*
 * Aligns the genes of a query (a target, say) with those of a reference through a ledger, or by spelling when
 * `ledger` is NULL. Names that the ledger does not know, or finds ambiguous, match a name that is spelt the same.
 * Where several names of a list mean one gene, the one whose level stands first in enum gene_how is taken, among
 * equals the first in the list; the others are GENE_REPEATED.
 */
struct gene_alignment *gene_align(const char *const *query, size_t n_query, const char *const *reference, size_t n_reference,
				  const struct gene_ledger *ledger);
/* The same with the ledger as the other side: reference[] are genes of it, called as gene_ledger_spelling says. */
struct gene_alignment *gene_align_ledger(const char *const *query, size_t n_query, const struct gene_ledger *ledger);
void gene_alignment_free(struct gene_alignment *a);
/* "978 genes: 960 used (12 under another name, 2 of them by the case of letters), 10 valid but outside, 8 unknown,
 * such as X" into `out`; statuses that no name has are left out. */
void gene_alignment_text(const struct gene_alignment *a, char *out, size_t size);

/*
 * What a name looks like, without a ledger: digits only are an Entrez id; ENS, capitals and at least 6 digits an Ensembl id (with or
 * without a version); a number and a month joined by a hyphen (1-Mar, Sep-07) a date, as spreadsheets make them of symbols; a letter
 * followed by letters, digits and . - _ @, 30 characters at most, a symbol.
 */
enum gene_form { GENE_FORM_SYMBOL, GENE_FORM_ENSEMBL, GENE_FORM_ENTREZ, GENE_FORM_DATE, GENE_FORM_OTHER, GENE_N_FORMS };
enum gene_form gene_form(const char *name);

#endif
