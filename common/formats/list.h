/* Lists of names that an option takes on the spot or from a file, and the columns that they name. */
#ifndef FORMATS_LIST_H
#define FORMATS_LIST_H
#include <stdbool.h>
#include "base/err.h"
#include "base/names.h"
#include "stream/schema.h"

/*
 * "A,B,C"; or "@FILE" (with plain_files also "FILE", where such a file is there): a name a line, what
 * follows a tab is left out, and so are empty lines and lines that begin with #. Repetitions count once;
 * no name at all is a failure. NULL on failure.
 */
struct names *list_read(const char *argument, bool plain_files, struct err *e);
/*
 * The columns of s with these names, in the order of the list or in that of the stream; *n of them. Columns
 * that share a name are all taken. Unknown names are a failure that lists some and what there is: NULL.
 */
uint32_t *list_columns(const struct names *wanted, const struct pmx_schema *s, bool in_stream_order, size_t *n, struct err *e);

#endif
