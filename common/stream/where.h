/*
 * Conditions on row columns, as a user writes them:
 *
 *	gene_target in (NT, STAT1) and not (n_counts <= 500 or replicate is missing)
 *
 * Comparisons: COLUMN = VALUE, !=, <, <=, >, >=; COLUMN in (VALUE, ...), not in;
 * COLUMN is missing, is not missing. They are joined by and, or, not (which
 * binds strongest) and parentheses. Texts with blanks or signs stand in single
 * or double quotes (doubled inside: ''), column names may, too. Labels, texts
 * and truth values (true, false) know = and != only.
 *
 * A missing value compares neither true nor false with anything, nor does its
 * negation: as in SQL, such a row is selected only by "is missing" or by
 * another part of the condition.
 */
#ifndef STREAM_WHERE_H
#define STREAM_WHERE_H
#include "stream/reader.h"

struct pmx_where;

/*
 * The schema has to stay; without one (NULL) only the form of the text is checked. A failure shows the place
 * in the text. NULL on failure.
 */
struct pmx_where *pmx_where_parse(const char *text, const struct pmx_schema *s, struct err *e);
void pmx_where_free(struct pmx_where *w);
/* Marks the columns for decoding ahead. */
void pmx_where_want(const struct pmx_where *w, struct pmx_reader *r);
/* keep[r] for each row of the block. */
int pmx_where_rows(const struct pmx_where *w, struct pmx_block *b, bool *keep, struct err *e);
/* Can a row be selected whose label of the label column `field` is `code` (PMX_MISSING_CODE: none)? */
bool pmx_where_possible(const struct pmx_where *w, size_t field, uint32_t code);
/* Note i (a label that the column does not have), or NULL after the last one. */
const char *pmx_where_note(const struct pmx_where *w, size_t i);

#endif
