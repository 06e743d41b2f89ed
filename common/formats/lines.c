#include "formats/lines.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { STEP = 1 << 18 };

static const size_t longest_line = (size_t)1 << 30;

enum packing { PLAIN, GZIP, ZSTD };

struct lines {
	struct file_in *file;
	enum packing packing;
	z_stream gzip;
	ZSTD_DStream *zstd;
	bool inside;                    /* of a member or frame that has not ended */
	bool pending;                   /* the last call filled its room: there may be more without further input */
	uint8_t *in;
	size_t in_at, in_n;
	char *text;
	size_t at, n, cap;
	bool ended;
	uint64_t number;
	char end;                       /* of a line; 0 before the first */
	bool accept_latin1;
	uint64_t n_latin1;
	char *decoded;
	size_t decoded_cap;
};

struct lines *lines_open(const char *path, struct err *e)
{
	struct file_in *file = file_open(path, e);
	return file ? lines_on(file, e) : NULL;
}

struct lines *lines_on(struct file_in *file, struct err *e)
{
	uint8_t magic[4] = { 0 };
	int64_t got = file_peek(file, magic, sizeof magic, e);
	if (got < 0) {
		file_close(file);
		return NULL;
	}
	struct lines *l = mem_zero(1, sizeof *l);
	l->file = file;
	mem_room(&l->text, &l->cap, 1, 1);
	if (got >= 2 && magic[0] == 0x1f && magic[1] == 0x8b)
		l->packing = GZIP;
	else if (got == 4 && !memcmp(magic, "\x28\xb5\x2f\xfd", 4))
		l->packing = ZSTD;
	if (l->packing == GZIP && inflateInit2(&l->gzip, 15 + 16) != Z_OK)
		mem_exhausted(STEP);
	if (l->packing == ZSTD && !(l->zstd = ZSTD_createDStream()))
		mem_exhausted(STEP);
	if (l->packing != PLAIN)
		l->in = mem_array(STEP, 1);
	return l;
}

void lines_close(struct lines *l)
{
	if (!l)
		return;
	if (l->packing == GZIP)
		inflateEnd(&l->gzip);
	ZSTD_freeDStream(l->zstd);
	file_close(l->file);
	mem_free(l->in);
	mem_free(l->text);
	mem_free(l->decoded);
	mem_free(l);
}

const char *lines_name(const struct lines *l)
{
	return file_name(l->file);
}

uint64_t lines_number(const struct lines *l)
{
	return l->number;
}

void lines_accept_latin1(struct lines *l)
{
	l->accept_latin1 = true;
}

uint64_t lines_latin1(const struct lines *l)
{
	return l->n_latin1;
}

int lines_context(const struct lines *l, struct err *e)
{
	/* A failure of the reading itself has its place already. */
	if (!strncmp(e->text, lines_name(l), strlen(lines_name(l))))
		return -1;
	return err_context(e, "%s, line %llu", lines_name(l), (unsigned long long)l->number);
}

/* One call of the decompressor; the number of bytes written to out, or -1. */
static int64_t unpack(struct lines *l, char *out, size_t room, struct err *e)
{
	if (l->packing == GZIP) {
		if (!l->inside)
			inflateReset(&l->gzip);
		l->inside = true;
		l->gzip.next_in = l->in + l->in_at;
		l->gzip.avail_in = (uInt)(l->in_n - l->in_at);
		l->gzip.next_out = (Bytef *)out;
		l->gzip.avail_out = (uInt)room;
		int status = inflate(&l->gzip, Z_NO_FLUSH);
		l->in_at = l->in_n - l->gzip.avail_in;
		if (status == Z_STREAM_END)
			l->inside = false;
		else if (status != Z_OK && status != Z_BUF_ERROR)
			return err_set(e, "%s: the gzip data are damaged (%s)", lines_name(l), l->gzip.msg ? l->gzip.msg : "no reason");
		return (int64_t)(room - l->gzip.avail_out);
	}
	ZSTD_inBuffer in = { l->in, l->in_n, l->in_at };
	ZSTD_outBuffer to = { out, room, 0 };
	size_t status = ZSTD_decompressStream(l->zstd, &to, &in);
	if (ZSTD_isError(status))
		return err_set(e, "%s: the zstd data are damaged (%s)", lines_name(l), ZSTD_getErrorName(status));
	l->in_at = in.pos;
	l->inside = status != 0;
	return (int64_t)to.pos;
}

/* Appends what comes next to the text; sets ended. */
static int refill(struct lines *l, struct err *e)
{
	if (l->at) {
		memmove(l->text, l->text + l->at, l->n - l->at);
		l->n -= l->at;
		l->at = 0;
	}
	mem_room(&l->text, &l->cap, l->n + STEP + 1, 1);
	if (l->packing == PLAIN) {
		int64_t got = file_read(l->file, l->text + l->n, STEP, e);
		if (got < 0)
			return -1;
		l->ended = got < STEP;
		l->n += (size_t)got;
		return 0;
	}
	for (;;) {
		if (l->in_at == l->in_n && !l->pending) {
			int64_t got = file_read(l->file, l->in, STEP, e);
			if (got < 0)
				return -1;
			l->in_at = 0;
			l->in_n = (size_t)got;
			if (!got && l->inside)
				return err_set(e, "%s is truncated: its compressed data end too early", lines_name(l));
			if (!got) {
				l->ended = true;
				return 0;
			}
		}
		int64_t got = unpack(l, l->text + l->n, STEP, e);
		if (got < 0)
			return -1;
		l->n += (size_t)got;
		l->pending = l->inside && got == STEP;
		if (got)
			return 0;
	}
}

int64_t lines_peek(struct lines *l, void *out, size_t n, struct err *e)
{
	while (l->n - l->at < n && !l->ended)
		if (refill(l, e))
			return -1;
	size_t have = l->n - l->at < n ? l->n - l->at : n;
	if (have)
		memcpy(out, l->text + l->at, have);
	return (int64_t)have;
}

/* CR where the first line ends with one that no LF follows. */
static int find_end(struct lines *l, struct err *e)
{
	size_t seen = 0, n;
	const char *s;
	for (;;) {
		n = l->n - l->at;
		s = l->text + l->at;
		while (seen < n && s[seen] != '\r' && s[seen] != '\n')
			seen++;
		if (seen + 1 < n || l->ended || n > longest_line)
			break;
		if (refill(l, e))
			return -1;
	}
	l->end = seen + 1 < n && s[seen] == '\r' && s[seen + 1] != '\n' && s[seen + 1] != '\r' ? '\r' : '\n';
	return 0;
}

/* The line in UTF-8, in a place of its own. */
static void decode(struct lines *l, char **line, size_t *n)
{
	mem_room(&l->decoded, &l->decoded_cap, 2 * *n + 1, 1);
	*n = text_from_latin1(l->decoded, *line, *n);
	*line = l->decoded;
	l->n_latin1++;
}

int lines_next(struct lines *l, char **line, size_t *n, struct err *e)
{
	size_t seen = 0;
	if (!l->end && find_end(l, e))
		return -1;
	char *end = NULL;
	while (!(end = l->n - l->at > seen ? memchr(l->text + l->at + seen, l->end, l->n - l->at - seen) : NULL) && !l->ended) {
		seen = l->n - l->at;
		if (seen > longest_line)
			return err_set(e, "%s, line %llu is longer than 1 GiB; is this a text table?", lines_name(l),
				       (unsigned long long)l->number + 1);
		if (refill(l, e))
			return -1;
	}
	if (!end && l->at == l->n)
		return 0;
	l->number++;
	char *s = l->text + l->at;
	size_t len = end ? (size_t)(end - s) : l->n - l->at;
	l->at += len + (end != NULL);
	if (memchr(s, 0, len))
		return err_set(e, "%s, line %llu holds a NUL byte: this is no text", lines_name(l), (unsigned long long)l->number);
	if (len && s[len - 1] == '\r')
		len--;
	s[len] = 0;             /* at the end of the text there is room for one more byte */
	if (l->number == 1 && len >= 3 && !memcmp(s, "\xef\xbb\xbf", 3)) {
		s += 3;
		len -= 3;
	}
	*line = s;
	*n = len;
	if (l->accept_latin1 && !text_utf8(s, len))
		decode(l, line, n);
	return 1;
}
