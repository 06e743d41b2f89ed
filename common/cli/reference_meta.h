/*
 * What is known of the signatures of a reference, gathered from row columns of
 * any of the names in use (LINCS 2017 and 2020, long tables) and from a table
 * of compounds.
 */
#ifndef CLI_REFERENCE_META_H
#define CLI_REFERENCE_META_H
#include "cli/cli.h"
#include "formats/reference.h"

struct reference_rows;
/* `compound_info`: a file, or NULL. */
struct reference_rows *reference_rows_new(const struct cli *c, const struct pmx_schema *s, const char *compound_info);
/* Appends row `row` of a block; ends the process for an id that comes twice. */
void reference_rows_add(struct reference_rows *r, struct pmx_block *b, size_t row);
/* The value of a field of the row that was added last; NULL is missing. */
const char *reference_rows_last(const struct reference_rows *r, enum reference_field f);
/* Takes the row that was added last back. */
void reference_rows_drop(struct reference_rows *r);
size_t reference_rows_n(const struct reference_rows *r);
/* Fills in ids, values and codes, which stay with r; notes what did not match. */
void reference_rows_give(struct reference_rows *r, struct reference_meta *m);
void reference_rows_free(struct reference_rows *r);

/* Which column of a table of signatures names them: sig_id or signature_id if there is one, else the first (NULL). */
const char *reference_key(const char *path);

#endif
