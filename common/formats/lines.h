/*
 * Lines of a text file or pipe: plain, gzip (of one or several members) or
 * zstd, as its first bytes say. A compressed file that ends too early is a
 * failure, and so is a line with a NUL byte (no text) or of more than 1 GiB.
 * Lines end with LF or CRLF, or with CR where the first line does (old Macs).
 */
#ifndef FORMATS_LINES_H
#define FORMATS_LINES_H
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/file.h"

struct lines;

/* "-" is standard input. NULL on failure. */
struct lines *lines_open(const char *path, struct err *e);
/* The same of a file that is open; takes it. */
struct lines *lines_on(struct file_in *file, struct err *e);
void lines_close(struct lines *l);
const char *lines_name(const struct lines *l);
/* 1 for the line that lines_next gave first. */
uint64_t lines_number(const struct lines *l);
/*
 * 1 and the next line without its end and, on line 1, without a byte order mark; it ends
 * with NUL, may be changed, and is valid until the next call. 0 at the end, -1 on failure.
 */
int lines_next(struct lines *l, char **line, size_t *n, struct err *e);
/* Up to n first bytes of the text without consuming them; before the first lines_next. -1 on failure. */
int64_t lines_peek(struct lines *l, void *out, size_t n, struct err *e);
/* From now on a line that is not UTF-8 is taken for Latin-1 and comes as UTF-8; lines_latin1 counts them. */
void lines_accept_latin1(struct lines *l);
uint64_t lines_latin1(const struct lines *l);
/* "FILE, line N" in front of the failure in e, unless FILE is there already. Returns -1. */
int lines_context(const struct lines *l, struct err *e);

#endif
