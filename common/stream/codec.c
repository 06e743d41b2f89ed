#include "stream/codec.h"
#include "base/mem.h"
#include <string.h>
#include <zstd.h>

void bytes_room(struct bytes *b, size_t more)
{
	mem_room(&b->at, &b->cap, b->n + more, 1);
}

void bytes_add(struct bytes *b, const void *p, size_t n)
{
	if (!n)
		return;
	bytes_room(b, n);
	memcpy(b->at + b->n, p, n);
	b->n += n;
}

void bytes_free(struct bytes *b)
{
	mem_free(b->at);
	*b = (struct bytes){ 0 };
}

static void except(struct byte8 *b, uint32_t value)
{
	mem_room(&b->exception, &b->cap, b->n_exceptions + 1, sizeof *b->exception);
	b->exception[b->n_exceptions++] = value;
}

void byte8_add(struct byte8 *b, const uint32_t *value, size_t n)
{
	bytes_room(&b->small, n);
	uint8_t *out = b->small.at + b->small.n;
	for (size_t i = 0; i < n; i++) {
		out[i] = value[i] < 255 ? (uint8_t)value[i] : 255;
		if (value[i] >= 255)
			except(b, value[i]);
	}
	b->small.n += n;
}

void byte8_add_gaps(struct byte8 *b, const uint32_t *column, size_t n)
{
	bytes_room(&b->small, n);
	uint8_t *out = b->small.at + b->small.n;
	uint32_t next = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t gap = column[i] - next;
		out[i] = gap < 255 ? (uint8_t)gap : 255;
		if (gap >= 255)
			except(b, gap);
		next = column[i] + 1;
	}
	b->small.n += n;
}

void byte8_add_slice(struct byte8 *b, const uint8_t *small, size_t n, const uint32_t *exception, size_t n_exceptions)
{
	bytes_add(&b->small, small, n);
	if (!n_exceptions)
		return;
	mem_room(&b->exception, &b->cap, b->n_exceptions + n_exceptions, sizeof *b->exception);
	memcpy(b->exception + b->n_exceptions, exception, n_exceptions * sizeof *exception);
	b->n_exceptions += n_exceptions;
}

void byte8_close(struct byte8 *b, struct bytes *out)
{
	static const uint8_t zero[4];
	bytes_add(out, b->small.at, b->small.n);
	bytes_add(out, zero, -b->small.n & 3);
	bytes_add(out, b->exception, b->n_exceptions * sizeof *b->exception);
	b->small.n = 0;
	b->n_exceptions = 0;
}

void byte8_free(struct byte8 *b)
{
	bytes_free(&b->small);
	mem_free(b->exception);
	*b = (struct byte8){ 0 };
}

size_t byte8_count_exceptions(const uint8_t *small, size_t n)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		count += small[i] == 255;
	return count;
}

int byte8_view(const uint8_t *plain, size_t size, size_t n, const uint8_t **small, const uint32_t **exception,
	       size_t *n_exceptions, struct err *e)
{
	size_t padded = (n + 3) & ~(size_t)3;
	if (size < padded)
		return err_set(e, "a section of %zu values has only %zu bytes", n, size);
	*n_exceptions = byte8_count_exceptions(plain, n);
	if ((size - padded) % 4 || (size - padded) / 4 != *n_exceptions)
		return err_set(e, "a section of %zu values announces %zu large ones but holds %zu bytes of them", n,
			       *n_exceptions, size - padded);
	*small = plain;
	/* Sections start on multiples of 8 and plain buffers come from malloc, so this is aligned. */
	*exception = (const uint32_t *)(const void *)(plain + padded);
	return 0;
}

int byte8_decode(const uint8_t *plain, size_t size, uint32_t *out, size_t n, struct err *e)
{
	const uint8_t *small;
	const uint32_t *exception;
	size_t n_exceptions;
	if (byte8_view(plain, size, n, &small, &exception, &n_exceptions, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		out[i] = small[i];
	if (n_exceptions)
		for (size_t i = 0; i < n; i++)
			if (small[i] == 255)
				out[i] = *exception++;
	return 0;
}

int delta8_decode(const uint8_t *plain, size_t size, const size_t *row_start, size_t n_rows, size_t n_columns,
		  uint32_t *out, struct err *e)
{
	const uint8_t *small;
	const uint32_t *exception;
	size_t n_exceptions;
	if (byte8_view(plain, size, row_start[n_rows], &small, &exception, &n_exceptions, e))
		return -1;
	for (size_t r = 0; r < n_rows; r++) {
		uint64_t next = 0;
		for (size_t i = row_start[r]; i < row_start[r + 1]; i++) {
			uint32_t gap = small[i];
			if (gap == 255)
				gap = *exception++;
			next += gap;
			out[i] = (uint32_t)next;
			next++;
			/* Only a gap from an exception can wrap 32 bits unseen, so it is checked on the spot. */
			if (gap > 254 && next > n_columns)
				return err_set(e, "row %zu has a column index beyond the last column", r);
		}
		if (next > n_columns)
			return err_set(e, "row %zu has a column index beyond the last column", r);
	}
	return 0;
}

void zstd_pack(const void *plain, size_t n, int level, struct bytes *out)
{
	size_t bound = ZSTD_compressBound(n);
	bytes_room(out, bound);
	/* One context a thread, kept: making one costs more than packing a short section. */
	static _Thread_local ZSTD_CCtx *c;
	if (!c && !(c = ZSTD_createCCtx()))
		mem_exhausted(bound);
	ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	size_t done = ZSTD_compress2(c, out->at + out->n, bound, plain, n);
	if (ZSTD_isError(done))         /* the bound makes every other reason impossible */
		mem_exhausted(bound);
	out->n += done;
}

uint64_t zstd_plain_size(const void *stored, size_t stored_size)
{
	unsigned long long n = ZSTD_getFrameContentSize(stored, stored_size);
	if (n == ZSTD_CONTENTSIZE_UNKNOWN || n == ZSTD_CONTENTSIZE_ERROR)
		return UINT64_MAX;
	/* A block of 4 bytes makes at most 128 KiB: what is more than that cannot come. */
	if (n > (uint64_t)stored_size * ZSTD_MOST)
		return UINT64_MAX;
	return n;
}

int zstd_unpack(const void *stored, size_t stored_size, void *out, size_t n, struct err *e)
{
	if (zstd_plain_size(stored, stored_size) != n)
		return err_set(e, "a compressed section does not hold the %zu bytes that it announces", n);
	static _Thread_local ZSTD_DCtx *d;
	if (!d && !(d = ZSTD_createDCtx()))
		mem_exhausted(n);
	size_t done = ZSTD_decompressDCtx(d, out, n, stored, stored_size);
	if (ZSTD_isError(done))
		return err_set(e, "a compressed section is damaged (%s)", ZSTD_getErrorName(done));
	if (done != n)
		return err_set(e, "a compressed section holds %zu bytes, not %zu", done, n);
	return 0;
}
