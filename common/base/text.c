#include "base/text.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool text_i64(const char *s, int64_t *out)
{
	char *end;
	if (*s == ' ' || *s == '\t' || !*s)
		return false;
	errno = 0;
	long long v = strtoll(s, &end, 10);
	if (*end || end == s || errno)
		return false;
	*out = v;
	return true;
}

/* Exact for up to 15 digits and small powers of ten (both factors are exact doubles). */
static bool simple_decimal(const char *s, double *out)
{
	static const double power[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
	bool negative = *s == '-';
	s += negative;
	if (!*s)
		return false;
	uint64_t digits = 0;
	int n = 0, after = 0;
	bool point = false;
	for (; ; s++) {
		if (*s >= '0' && *s <= '9') {
			digits = digits * 10 + (uint64_t)(*s - '0');
			n += digits != 0;
			after += point;
			if (n > 15 || after > 22)
				return false;
		} else if (*s == '.' && !point) {
			point = true;
		} else {
			break;
		}
	}
	if (*s || (!n && digits == 0 && s[-1] != '0'))
		return false;
	double v = (double)digits / power[after];
	*out = negative ? -v : v;
	return true;
}

bool text_f64(const char *s, double *out)
{
	if (simple_decimal(s, out))
		return true;
	char *end;
	if (!*s || *s == ' ' || *s == '\t' || strpbrk(s, "xX(pP"))
		return false;
	*out = strtod(s, &end);
	return end != s && !*end;
}

bool text_missing(const char *s)
{
	return !*s || !strcmp(s, "NA") || !strcmp(s, "N/A") || !strcasecmp(s, "nan") || !strcmp(s, "null");
}

bool text_size(const char *s, uint64_t *out)
{
	char *end;
	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	unsigned long long v = strtoull(s, &end, 10);
	if (errno)
		return false;
	int shift = 0;
	switch (*end) {
	case 'K': case 'k': shift = 10; break;
	case 'M': case 'm': shift = 20; break;
	case 'G': case 'g': shift = 30; break;
	case 'T': case 't': shift = 40; break;
	case 0: break;
	default: return false;
	}
	if (shift)
		end++;
	if (shift && *end == 'i')
		end++;
	if (shift && (*end == 'B' || *end == 'b'))
		end++;
	if (*end || v > UINT64_MAX >> shift)
		return false;
	*out = (uint64_t)v << shift;
	return true;
}

size_t text_put_f64(char *out, double v)
{
	if (isnan(v)) {
		memcpy(out, "NaN", 4);
		return 3;
	}
	if (isinf(v)) {
		memcpy(out, v > 0 ? "Inf" : "-Inf", v > 0 ? 4 : 5);
		return v > 0 ? 3 : 4;
	}
	if (v == floor(v) && fabs(v) < 1e15)
		return (size_t)snprintf(out, TEXT_F64, "%lld", (long long)v);
	for (int digits = 15; digits < 17; digits++) {
		int n = snprintf(out, TEXT_F64, "%.*g", digits, v);
		double back;
		if (text_f64(out, &back) && back == v)
			return (size_t)n;
	}
	return (size_t)snprintf(out, TEXT_F64, "%.17g", v);
}

size_t text_put_number(char *out, double v, bool single)
{
	if (!single || !isfinite(v) || (v == floor(v) && fabs(v) < 1e15))
		return text_put_f64(out, v);
	for (int digits = 6; digits < 9; digits++) {
		int n = snprintf(out, TEXT_F64, "%.*g", digits, v);
		double back;
		if (text_f64(out, &back) && (float)back == (float)v)
			return (size_t)n;
	}
	return (size_t)snprintf(out, TEXT_F64, "%.9g", v);
}

bool text_utf8(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + n;
	while (p < end) {
		if (*p < 0x80) {
			if (!*p++)
				return false;
			continue;
		}
		int more = *p >= 0xf0 && *p <= 0xf4 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc2 ? 1 : -1;
		if (more < 0 || (*p >= 0xf5) || end - p <= more)
			return false;
		if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
			return false;
		for (int i = 1; i <= more; i++)
			if ((p[i] & 0xc0) != 0x80)
				return false;
		p += more + 1;
	}
	return true;
}

size_t text_from_latin1(char *out, const char *s, size_t n)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c >= 0x80)
			out[k++] = (char)(0xc0 | c >> 6);
		out[k++] = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
	}
	out[k] = 0;
	return k;
}

size_t text_split(char *line, char sep, char **field, size_t max)
{
	size_t n = 0;
	for (char *p = line; ; n++) {
		char *end = strchr(p, sep);
		if (n < max)
			field[n] = p;
		if (!end)
			return n + 1;
		*end = 0;
		p = end + 1;
	}
}
