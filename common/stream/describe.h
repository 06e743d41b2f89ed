/* What a stream says about itself, in words: recipes as formulas, provenance as commands. */
#ifndef STREAM_DESCRIBE_H
#define STREAM_DESCRIBE_H
#include "stream/schema.h"

/* "log1p(counts / n_counts * 10000)"; for a stored layer "u32 sparse". The caller frees. */
char *pmx_layer_text(const struct pmx_schema *s, size_t layer);
/*
 * The provenance as shell commands joined by pipes, oldest first, each with the version of the tool as a
 * comment; "" where there is none. A command that named its file itself is followed by one that reads it. The last one writes the file `output`, or standard output where that is NULL.
 * The caller frees.
 */
char *pmx_replay(const struct pmx_schema *s, const char *output);
/* The recipe layer that has field `f` (a layer or a row field) among its ingredients, or PMX_NO_FIELD. */
size_t pmx_used_by(const struct pmx_schema *s, size_t f);

#endif
