/*
 * Entries (row, column, value) that arrive in any order and leave by rows: kept
 * in memory up to a limit, and in a scratch file in $TMPDIR beyond it. Counts
 * take 12 bytes each, other values 16.
 */
#ifndef FORMATS_ENTRIES_H
#define FORMATS_ENTRIES_H
#include "formats/rows.h"

struct entries;

struct entries *entries_new(uint64_t memory);
void entries_free(struct entries *m);
int entries_add(struct entries *m, uint32_t row, uint32_t column, double value, struct err *e);
/* After the last: all values are whole and not negative? */
bool entries_are_counts(const struct entries *m);
uint64_t entries_n(const struct entries *m);
enum entries_storage {
	ENTRIES_SPARSE,
	ENTRIES_DENSE,                  /* places without an entry are 0 */
	ENTRIES_DENSE_MISSING           /* places without an entry are NaN; F32 and F64 layers only */
};
/*
 * Makes the feed of a layer from the entries, which the feed owns from now on; n_rows is above every row.
 */
int entries_feed(struct entries *m, uint64_t n_rows, const struct layer_target *t, enum entries_storage storage, struct feed *f, struct err *e);

#endif
