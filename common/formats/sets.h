/*
 * Named sets of genes (or of compounds) from a text file: GMT (name, description, members between tabs), a
 * table of two columns (member TAB set, the first line being its header), or a plain list, one member a line,
 * which makes one set (a first line such as gene or symbol is its header). A file in which no line has a third field is a list or a table, as the caller says.
 * Blanks and quotes around a name go, a repetition inside of a set counts once. With a ledger of genes the members are called
 * as it spells them, so two names of one gene are one member.
 */
#ifndef FORMATS_SETS_H
#define FORMATS_SETS_H
#include <stdbool.h>
#include "base/err.h"
#include "base/genes.h"
#include "base/names.h"

struct set {
	uint32_t *member;               /* indices into members, in the order of the file */
	size_t n, cap;
};

struct sets {
	struct names *names;            /* of the sets, in the order of the file; one that comes twice is a failure in a GMT */
	struct names *members;
	struct names *spelt;            /* members as the file spells them; without a ledger the same */
	const struct gene_ledger *ledger;
	struct set *at;                 /* names->n */
	size_t cap;
	bool list;                      /* one set that has the name given */
	uint64_t n_repeated;
};

/*
 * Of a file in which no line has a third field: with `pairs_wanted` one of two columns is a table, else its first column is a
 * list. `list`: the name of the set that a list makes; NULL (with pairs_wanted): a list is refused. `ledger` may be NULL. NULL on
 * failure.
 */
struct sets *sets_read(const char *path, bool pairs_wanted, const char *list, const struct gene_ledger *ledger, struct err *e);
void sets_free(struct sets *s);

/* A target of a query: genes that go up and genes that go down. */
struct signed_set {
	uint32_t *gene;
	size_t n, n_up;                 /* those that go up stand first */
};

/*
 * NAME_UP of one file and NAME_DN or NAME_DOWN of the other make the target NAME (in any case of the letters); a
 * name without such an ending stands for itself, one with the other side's ending is skipped, so that one file
 * may be given for both. Sides without a partner make one-sided targets. A gene in both lists of a target says
 * nothing and is taken out of both.
 */
struct signed_sets {
	struct names *targets, *genes;
	struct names *spelt;            /* genes as the files spell them */
	struct signed_set *at;
	uint64_t n_repeated, n_both, n_skipped;
	char example[100];              /* "gene of target", of n_both */
};
/* up or down may be NULL. `list` names the target that two plain lists make; NULL: they are tables. `ledger` may be NULL. NULL on failure. */
struct signed_sets *signed_sets_read(const char *up, const char *down, const char *list, const struct gene_ledger *ledger, struct err *e);
void signed_sets_free(struct signed_sets *s);

#endif
