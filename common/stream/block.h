/*
 * A block: a run of rows as sections, each the bytes of one field or of a part
 * of it. Sections stay as they came until somebody asks for their values, so a
 * filter that adds a column moves the others without decoding them.
 */
#ifndef STREAM_BLOCK_H
#define STREAM_BLOCK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "stream/codec.h"
#include "stream/schema.h"

enum pmx_part { PMX_VALUES, PMX_ROW_LENGTHS, PMX_INDICES };     /* text: lengths in ROW_LENGTHS, bytes in VALUES */

struct pmx_section {
	uint32_t field;                 /* id */
	uint8_t part, encoding, compression;
	bool verified;                  /* the sum of the stored bytes was checked */
	uint64_t stored_size, plain_size, sum;
	const uint8_t *stored;          /* NULL: not packed yet */
	const uint8_t *plain;           /* NULL: not unpacked yet */
	uint8_t *own_stored, *own_plain;
};

/* Stored values of a sparse layer, row by row; col is strictly increasing inside a row. */
struct pmx_sparse {
	size_t n_rows;
	size_t *start;                  /* n_rows + 1 */
	uint32_t *col;
	enum pmx_type type;             /* U32, F32 or F64 */
	union {
		uint32_t *u32;
		float *f32;
		double *f64;
	};
};

/* Where each row's bytes begin in the sections of a field whose rows differ in length. */
struct pmx_slices {
	size_t *start;                  /* n_rows + 1: values (bytes of text) before row r */
	size_t *large_index, *large_value;      /* exceptions before row r; NULL where the encoding has none */
};

/* What was made of a field's sections so far; kept with the block. */
struct pmx_decoded {
	uint32_t field;
	struct pmx_column *column;
	struct pmx_sparse *sparse;
	struct pmx_slices *slices;
};

struct pmx_block {
	uint64_t first_row;
	size_t n_rows;
	struct pmx_section *section;
	size_t n_sections, cap;
	uint8_t *body;                  /* what the sections of a block that was read point into */
	size_t body_cap;
	struct pmx_decoded *decoded;
	size_t n_decoded, decoded_cap;
	struct err err;                 /* set by a decoder that ran ahead */
};

struct pmx_block *pmx_block_new(uint64_t first_row, size_t n_rows);
void pmx_block_free(struct pmx_block *b);
/* Lets go of what was decoded of a block that only waits to be written: it is decoded again when somebody asks. */
void pmx_block_forget(struct pmx_block *b);
struct pmx_section *pmx_block_section(const struct pmx_block *b, uint32_t field, enum pmx_part part);

/* Checks the sum of the section's stored bytes, once. */
int pmx_section_verify(struct pmx_section *s, struct err *e);
/* Checks the section's sum and unpacks it; `most` bounds its plain size. NULL on failure. */
const uint8_t *pmx_section_plain(struct pmx_section *s, uint64_t most, struct err *e);
/* Packs the section for writing, at zstd `level` (0 stores it). Keeps stored bytes that exist. */
void pmx_section_pack(struct pmx_section *s, int level);

/*
 * Values of field `f` (an obs column, obsm or dense layer: a matrix of
 * n_columns), decoded once and kept with the block. NULL on failure.
 */
const struct pmx_column *pmx_block_column(struct pmx_block *b, const struct pmx_schema *s, size_t f, struct err *e);
const struct pmx_sparse *pmx_block_sparse(struct pmx_block *b, const struct pmx_schema *s, size_t f, struct err *e);
/* Decodes field f ahead of use, whatever it is; recipes decode nothing. */
int pmx_block_decode(struct pmx_block *b, const struct pmx_schema *s, size_t f, struct err *e);

/* The entry of `field` in b->decoded, made when it is not there. */
struct pmx_decoded *pmx_block_decoded(struct pmx_block *b, uint32_t field);
void pmx_slices_free(struct pmx_slices *slices);

/* Encoders: append the sections of one field to a block of the same number of rows. */
void pmx_block_put_column(struct pmx_block *b, const struct pmx_field *f, const struct pmx_column *c);
void pmx_block_put_sparse(struct pmx_block *b, const struct pmx_field *f, const struct pmx_sparse *m);
/* Appends a section whose plain bytes are taken over from `plain`. */
void pmx_block_put_plain(struct pmx_block *b, uint32_t field, enum pmx_part part, enum pmx_encoding encoding, struct bytes *plain);
uint64_t pmx_block_plain_size(const struct pmx_block *b);
/* With every section unpacked: beside the plain bytes there are those that were read. */
uint64_t pmx_block_held_size(const struct pmx_block *b);

/* The same for metadata of the columns, whose sections stand in the header. */
struct pmx_column *pmx_decode_column(struct pmx_section *values, struct pmx_section *lengths, const struct pmx_field *f,
				     size_t n, uint32_t width, struct err *e);

/* Rows picked from blocks, at the level of encoded bytes: no value is decoded. */
struct pmx_gather;
struct pmx_gather *pmx_gather_new(const struct pmx_schema *s);
/* `recode` (may be NULL) maps field index -> new codes of a label column. */
int pmx_gather_rows(struct pmx_gather *g, struct pmx_block *from, const uint32_t *row, size_t n,
		    uint32_t *const *recode, struct err *e);
size_t pmx_gather_size(const struct pmx_gather *g);             /* rows so far */
uint64_t pmx_gather_bytes(const struct pmx_gather *g);          /* plain bytes so far */
struct pmx_block *pmx_gather_take(struct pmx_gather *g, uint64_t first_row);
void pmx_gather_free(struct pmx_gather *g);

#endif
