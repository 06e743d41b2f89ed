/*
 * A grouped stream cut into shards: runs of whole groups, in the order of the
 * stream and as even in rows as such a cut can be, each behind all rows of the
 * promised first group. So a recipe of the controls holds in every shard, and
 * the shards one after the other, the first group taken once, are the stream.
 */
#ifndef STREAM_SHARDS_H
#define STREAM_SHARDS_H
#include "stream/reader.h"
#include "stream/writer.h"

/*
 * The shard of each group but those of code `first`: the cut whose largest shard is smallest, shards filled
 * from the front; no shard is empty. A failure when there are fewer groups than shards. Caller frees.
 */
uint32_t *pmx_shards_plan(const struct pmx_index *index, uint64_t first, uint32_t n_shards, struct err *e);
/* Puts the rows of r, from its first one on, into n writers made with its schema (provenance aside). */
int pmx_shards_write(struct pmx_reader *r, const struct pmx_index *index, uint64_t first, const uint32_t *shard, uint32_t n,
		     struct pmx_writer **out, struct err *e);

#endif
