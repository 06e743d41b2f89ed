/*
 * What GCT, GCTX and tables of LINCS have in common: metadata as texts, in which -666 (also -666.0) and the
 * filler "na" stand for what is missing, and matrices in which -666 and NaN do.
 */
#ifndef FORMATS_LINCS_H
#define FORMATS_LINCS_H
#include "formats/feed.h"

#define LINCS_NULL (-666.0)
#define LINCS_NULL_TEXT "-666"

bool lincs_missing(const char *s);
/*
 * A column of the rows (of all im->n_rows), or of the genes (of all of the file): missing texts of text[] are
 * set to NULL, the type is found as in other tables. Texts of row columns have to stay.
 */
void lincs_put_obs(struct import *im, const char *name, const char **text);
void lincs_put_var(struct import *im, const char *name, const char **text);
/* Notes how many values of the matrix are missing. */
void lincs_say_missing(const struct import *im, uint64_t n_null, uint64_t n_nan);

#endif
