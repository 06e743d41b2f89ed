/*
 * Several streams one after the other as one. Kind, columns and fields have to
 * agree; dictionaries are united, in the order of first appearance. A block
 * moves with the bytes that it came in, but for label columns whose codes
 * change.
 */
#ifndef STREAM_CONCAT_H
#define STREAM_CONCAT_H
#include "stream/reader.h"

struct pmx_concat;

/*
 * The readers stay the caller's and are at their first rows. NULL on failure, which names stream and field.
 * `first_once`: the rows of the promised first label are those of the first stream; every other stream has to
 * begin with rows of the same names, which are left out. Signature recipes then stay what they are.
 */
struct pmx_concat *pmx_concat_new(struct pmx_reader *const *r, size_t n, bool first_once, struct err *e);
void pmx_concat_free(struct pmx_concat *x);
/* What the blocks are of; without provenance. The order promise stays where it still holds. */
const struct pmx_schema *pmx_concat_schema(const struct pmx_concat *x);
/* 1 and the next block, 0 at the end of the last stream, -1 on failure. */
int pmx_concat_next(struct pmx_concat *x, struct pmx_block **b, struct err *e);
/* Note i (what could not be kept), or NULL after the last one. */
const char *pmx_concat_note(const struct pmx_concat *x, size_t i);

#endif
