/*
 * The background of tau: a stream with the scores of reference queries. Rows
 * are queries, columns signatures, layer `score`; the notes say of what reference and how.
 */
#ifndef CLI_RANK_BACKGROUND_H
#define CLI_RANK_BACKGROUND_H
#include "cli/rank_scores.h"
#include "cli/rank_targets.h"

/* Writes scores as they come, batch by batch. */
struct rank_background;
struct rank_background *rank_background_new(const struct cli *c, const char *path, const struct rank_options *o, const struct rank_reference *r,
					    long set_size, const struct rank_targets *t);
void rank_background_put(struct rank_background *b, const struct rank_targets *t, size_t first, const struct rank_scores *s);
void rank_background_close(struct rank_background *b);
/* Compares all targets of `s` with the background in `path`; one made otherwise ends the process. */
void rank_background_compare(const struct cli *c, const char *path, const struct rank_options *o, const struct rank_reference *r, long set_size,
			     struct rank_scores *s);

#endif
