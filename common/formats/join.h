/*
 * A table whose rows are matched to the rows of a stream by name: its columns
 * become row columns, or together a row matrix. Rows of the stream without a
 * line in the table get missing values. Lines that are not UTF-8 are taken for Latin-1.
 */
#ifndef FORMATS_JOIN_H
#define FORMATS_JOIN_H
#include <stdbool.h>
#include "base/err.h"
#include "stream/block.h"

struct join;

/* `key`: the column with the row names, NULL: the first. Up to `memory` bytes. A name that comes twice is a failure. */
struct join *join_open(const char *path, const char *key, uint64_t memory, struct err *e);
void join_free(struct join *j);
/*
 * Declares the columns in s (types as formats/table.h finds them), or all of them as the f64 matrix `name`.
 * A name that is taken is a failure, or with `replace` goes, unless a computed layer needs it. A promise to be
 * ordered by a column that goes is taken back.
 */
int join_columns(struct join *j, struct pmx_schema *s, bool replace, struct err *e);
int join_matrix(struct join *j, struct pmx_schema *s, const char *name, bool replace, struct err *e);
/* Adds the values to a block, whose row names are given. s: the schema after all declarations. */
void join_put(struct join *j, struct pmx_block *b, const struct pmx_schema *s, const struct pmx_column *names);
/* After the last block: a failure when nothing matched, else 0 and in `note` what did not match, and what was Latin-1 ("" for neither). */
int join_end(const struct join *j, char *note, size_t size, struct err *e);

#endif
