/*
 * Writing a PMX stream. Blocks are packed side by side and written in order;
 * sections that were read and not touched go out as the bytes that came in.
 */
#ifndef STREAM_WRITER_H
#define STREAM_WRITER_H
#include "base/err.h"
#include "base/file.h"
#include "stream/block.h"
#include "stream/schema.h"

#define PMX_BLOCK_BYTES ((uint64_t)1 << 20)     /* plain bytes after which a block is closed */

struct pmx_writer;

/* Takes `file`; writes the header from a copy of `schema`. `level` 0 stores, 1 .. 19 is zstd's. */
struct pmx_writer *pmx_create(struct file_out *file, const struct pmx_schema *schema, int level, int threads, struct err *e);
const struct pmx_schema *pmx_writer_schema(const struct pmx_writer *w);
/*
 * Takes a block (any first_row: rows are numbered here). Sections of fields that
 * the schema does not declare are left out; every stored field must be there.
 */
int pmx_put(struct pmx_writer *w, struct pmx_block *block, struct err *e);
uint64_t pmx_rows_written(const struct pmx_writer *w);
/* Writes the trailer and puts the file in its place; frees w, also on failure. */
int pmx_finish(struct pmx_writer *w, uint64_t input_digest, struct err *e);
/* The stream stays without its trailer; a file is removed. Frees w. */
void pmx_abandon(struct pmx_writer *w);

/*
 * New rows, appended field by field, cut into blocks: each call appends the
 * values of the same n rows; pmx_rows_put flushes a block when it is full.
 */
struct pmx_filler;
struct pmx_filler *pmx_filler_new(struct pmx_writer *w, size_t block_rows);     /* 0: by bytes */
void pmx_fill_text(struct pmx_filler *l, size_t field, const char *value);      /* NULL: missing */
void pmx_fill_code(struct pmx_filler *l, size_t field, uint32_t code);
void pmx_fill_bool(struct pmx_filler *l, size_t field, uint8_t value);
void pmx_fill_i64(struct pmx_filler *l, size_t field, int64_t value);
void pmx_fill_f64(struct pmx_filler *l, size_t field, double value);
/* A matrix row or dense layer row: width (n_columns) values of the field's type. */
void pmx_fill_row(struct pmx_filler *l, size_t field, const void *values);
/* A row of a sparse layer; columns strictly increasing, values of the field's type. */
void pmx_fill_sparse(struct pmx_filler *l, size_t field, const uint32_t *column, const void *values, size_t n);
int pmx_fill_end_row(struct pmx_filler *l, struct err *e);
int pmx_filler_close(struct pmx_filler *l, struct err *e);      /* flushes and frees l */
void pmx_filler_free(struct pmx_filler *l);

/*
 * Pass-through with new columns: blocks wait until every new field has a value
 * for each of their rows (a score may need a group that spans blocks), then go
 * on with everything else untouched.
 */
struct pmx_pass;
struct pmx_pass *pmx_pass_new(struct pmx_writer *w);
void pmx_pass_adds(struct pmx_pass *p, size_t field);           /* declare before the first block */
void pmx_pass_block(struct pmx_pass *p, struct pmx_block *block);
/* Values of the next n rows of `field`, in the field's type (codes for label columns; a row matrix or dense layer row by row; no text). */
int pmx_pass_values(struct pmx_pass *p, size_t field, const void *values, size_t n, struct err *e);
int pmx_pass_close(struct pmx_pass *p, struct err *e);          /* frees p */
void pmx_pass_free(struct pmx_pass *p);

#endif
