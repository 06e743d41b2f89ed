/* Text of a page: appended to a run of bytes, escaped for HTML and SVG. */
#ifndef REPORT_MARKUP_H
#define REPORT_MARKUP_H
#include "stream/codec.h"

void markup_put(struct bytes *b, const char *s);
void markup_print(struct bytes *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * Text of an element or of an attribute in double quotes: & < > " ' as references; what XML does not allow
 * (control characters, U+FFFE, U+FFFF) as U+FFFD; a carriage return as a reference, since parsers change it.
 */
void markup_escape(struct bytes *b, const char *s);
/* A coordinate: at most one decimal, never -0. */
void markup_at(struct bytes *b, double v);
/* A number to look at: four significant digits, - for NaN. */
void markup_number(struct bytes *b, double v);
/* "1 234 567" with narrow blanks. */
void markup_count(struct bytes *b, uint64_t n);
/* Letters and digits in lower case, the rest as single hyphens; for ids and file names. The caller frees. */
char *markup_slug(const char *s);
/* The bytes as a text, which the caller frees. */
char *markup_take(struct bytes *b);

#endif
