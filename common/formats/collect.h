/*
 * The row columns of a stream, collected block by block: for formats that want
 * a column in one piece. Held in memory.
 */
#ifndef FORMATS_COLLECT_H
#define FORMATS_COLLECT_H
#include "stream/block.h"
#include "stream/reader.h"

struct collected;

/* Collects row columns, and the row matrices too if `matrices`; the schema has to stay. */
struct collected *collect_new(const struct pmx_schema *s, bool matrices);
void collect_free(struct collected *c);
/* Marks the fields for decoding ahead. */
void collect_want(const struct collected *c, struct pmx_reader *r);
int collect_block(struct collected *c, struct pmx_block *b, struct err *e);
size_t collect_n_rows(const struct collected *c);
/* All values of a field, after the last block; NULL where it was not collected. */
const struct pmx_column *collect_column(struct collected *c, size_t field);

#endif
