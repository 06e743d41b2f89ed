/*
 * Arrays <-> the bytes of one section of a PMX stream (pmx(5), "Encodings").
 * Every decoder takes untrusted bytes and checks each length before it writes.
 */
#ifndef STREAM_CODEC_H
#define STREAM_CODEC_H
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum pmx_encoding {
	PMX_PLAIN,              /* little-endian values, one after the other */
	PMX_BYTE8,              /* n bytes, padded to 4; then a u32 for each byte that is 255 */
	PMX_DELTA8,             /* as BYTE8, of the gaps between the column indices of a row */
	PMX_N_ENCODINGS
};

enum pmx_compression { PMX_STORED, PMX_ZSTD, PMX_N_COMPRESSIONS };

/* Rules of the format, so that a reader can refuse before it asks for memory. */
#define PMX_MAX_SECTION ((uint64_t)1 << 28)     /* plain bytes of a section */
#define PMX_MAX_PLAIN ((uint64_t)1 << 32)       /* plain bytes of all sections of a chunk */
#define PMX_MAX_JSON ((uint64_t)1 << 26)
#define PMX_MAX_BLOCK_ROWS ((uint32_t)1 << 20)
#define PMX_MAX_COLUMNS ((uint32_t)1 << 24)

/* A growing run of bytes. */
struct bytes {
	uint8_t *at;
	size_t n, cap;
};

void bytes_room(struct bytes *b, size_t more);
void bytes_add(struct bytes *b, const void *p, size_t n);
void bytes_free(struct bytes *b);

/* Values that may exceed a byte: exceptions are kept apart until the section is closed. */
struct byte8 {
	struct bytes small;
	uint32_t *exception;
	size_t n_exceptions, cap;
};

void byte8_add(struct byte8 *b, const uint32_t *value, size_t n);
/* One row's strictly increasing column indices as gaps: c0, c1 - c0 - 1, c2 - c1 - 1, ... */
void byte8_add_gaps(struct byte8 *b, const uint32_t *column, size_t n);
/* Appends n of `other`'s bytes from `at`, with its exceptions first .. first + n_exceptions. */
void byte8_add_slice(struct byte8 *b, const uint8_t *small, size_t n, const uint32_t *exception, size_t n_exceptions);
/* Appends the section's bytes to `out` and empties b. */
void byte8_close(struct byte8 *b, struct bytes *out);
void byte8_free(struct byte8 *b);

/* The two arrays inside an encoded section of n values; no copy. -1 when the size is wrong. */
int byte8_view(const uint8_t *plain, size_t size, size_t n, const uint8_t **small, const uint32_t **exception,
	       size_t *n_exceptions, struct err *e);
size_t byte8_count_exceptions(const uint8_t *small, size_t n);
int byte8_decode(const uint8_t *plain, size_t size, uint32_t *out, size_t n, struct err *e);
/* Row r has row_start[r + 1] - row_start[r] values; every index must be below n_columns. */
int delta8_decode(const uint8_t *plain, size_t size, const size_t *row_start, size_t n_rows, size_t n_columns,
		  uint32_t *out, struct err *e);

/* zstd at `level` (a frame with content size and checksum). */
void zstd_pack(const void *plain, size_t n, int level, struct bytes *out);
/* `out` has room for exactly n bytes; the frame must say and hold n. */
int zstd_unpack(const void *stored, size_t stored_size, void *out, size_t n, struct err *e);
/* A zstd frame makes at most so many bytes of one of its own. */
#define ZSTD_MOST 32768
/* The content size that the frame declares, or UINT64_MAX when it is no such frame or too short for it. */
uint64_t zstd_plain_size(const void *stored, size_t stored_size);

#endif
