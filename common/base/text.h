/*
 * Numbers from text and text from numbers, strictly and without locale: the
 * whole string must be the number. Text tables write the shortest decimal that
 * reads back to the same double.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool text_i64(const char *s, int64_t *out);
/* Decimal, exponent, inf, nan (any case, optional sign). */
bool text_f64(const char *s, double *out);
/* "NA", "N/A", "NaN", "nan", "null" and the empty string. */
bool text_missing(const char *s);
/* A size with an optional suffix K, M, G, T (powers of 1024). */
bool text_size(const char *s, uint64_t *out);

#define TEXT_F64 32
/* Writes into `out` (TEXT_F64 bytes): shortest round trip; "NaN", "Inf", "-Inf". Returns the length. */
size_t text_put_f64(char *out, double value);
/* The same with as few digits as give a float back, when `single`. */
size_t text_put_number(char *out, double value, bool single);
/* Valid UTF-8 without NUL in n bytes? */
bool text_utf8(const char *s, size_t n);
/* n bytes of Latin-1 as UTF-8 into `out`, which has room for 2 n + 1; the length. */
size_t text_from_latin1(char *out, const char *s, size_t n);
/* Cuts `line` at each `sep` in place; returns the number of fields, the first `max` of which are in `field`. */
size_t text_split(char *line, char sep, char **field, size_t max);

#endif
