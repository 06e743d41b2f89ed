/*
 * Reading a PMX stream from a file or pipe. Everything that arrives is taken
 * for hostile: a failure names block and row, and no length is believed before
 * the bytes are there. A stream without its trailer ends in a failure.
 */
#ifndef STREAM_READER_H
#define STREAM_READER_H
#include "base/err.h"
#include "base/file.h"
#include "stream/block.h"
#include "stream/schema.h"

struct pmx_reader;

/* Takes `file`; reads the header. `threads` blocks are unpacked side by side. NULL on failure. */
struct pmx_reader *pmx_open(struct file_in *file, int threads, struct err *e);
void pmx_close(struct pmx_reader *r);
const struct pmx_schema *pmx_reader_schema(const struct pmx_reader *r);
const char *pmx_reader_name(const struct pmx_reader *r);

/* Field `f` will be asked of every block: decode it ahead. */
void pmx_want(struct pmx_reader *r, size_t f);
/* 1 and a block that the caller frees, 0 after a complete stream, -1 on failure. */
int pmx_next(struct pmx_reader *r, struct pmx_block **block, struct err *e);
/* Digest of the whole stream; known once pmx_next returned 0. */
uint64_t pmx_reader_digest(const struct pmx_reader *r);
/* XXH64 of the header; known from the start. */
uint64_t pmx_header_sum(const struct pmx_reader *r);
uint64_t pmx_rows_read(const struct pmx_reader *r);

/* Where blocks and groups are, from the trailer. */
struct pmx_block_place {
	uint64_t offset, first_row, n_rows;
};
struct pmx_group_place {
	uint64_t code;                  /* of the promised field; UINT32_MAX for missing */
	uint64_t first_row, n_rows;
};
struct pmx_index {
	uint64_t n_rows;
	struct pmx_block_place *block;
	size_t n_blocks;
	struct pmx_group_place *group;
	size_t n_groups;
	uint64_t digest;
};
/* Of a file at any time, of a pipe once it was read to its end; before, NULL without a failure in *e. */
const struct pmx_index *pmx_read_index(struct pmx_reader *r, struct err *e);
/* Goes on reading at block i (0 .. n_blocks) of the index; nothing is promised about order then. */
int pmx_seek_block(struct pmx_reader *r, size_t i, struct err *e);

/* The fixed parts of the format, shared with the writer. */
enum { PMX_MAGIC_SIZE = 16, PMX_CHUNK_HEADER = 48, PMX_SECTION_ENTRY = 40, PMX_END_SIZE = 24 };
extern const uint8_t pmx_magic[PMX_MAGIC_SIZE];
extern const char pmx_end_mark[8];

#endif
