#include "report/markup.h"
#include "base/mem.h"
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void markup_put(struct bytes *b, const char *s)
{
	bytes_add(b, s, strlen(s));
}

void markup_print(struct bytes *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	bytes_room(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf((char *)b->at + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

static const char *reference(unsigned char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	case '\r': return "&#13;";
	case '\t': case '\n': return NULL;
	default: return c < 0x20 ? "\xef\xbf\xbd" : NULL;
	}
}

void markup_escape(struct bytes *b, const char *s)
{
	for (const char *from = s; ; s++) {
		const char *as = reference((unsigned char)*s);
		size_t skip = 1;
		if (*s && !strncmp(s, "\xef\xbf", 2) && (unsigned char)s[2] >= 0xbe) {
			as = "\xef\xbf\xbd";
			skip = 3;
		}
		if (*s && !as)
			continue;
		bytes_add(b, from, (size_t)(s - from));
		if (!*s)
			return;
		markup_put(b, as);
		s += skip - 1;
		from = s + 1;
	}
}

void markup_at(struct bytes *b, double v)
{
	double tenth = round(v * 10);
	if (fmod(tenth, 10) == 0)
		markup_print(b, "%.0f", tenth == 0 ? 0 : tenth / 10);
	else
		markup_print(b, "%.1f", tenth / 10);
}

void markup_number(struct bytes *b, double v)
{
	if (isnan(v))
		markup_put(b, "-");
	else
		markup_print(b, "%.4g", v == 0 ? 0 : v);
}

void markup_count(struct bytes *b, uint64_t n)
{
	if (n >= 1000) {
		markup_count(b, n / 1000);
		markup_print(b, "\xe2\x80\xaf%03u", (unsigned)(n % 1000));
	} else {
		markup_print(b, "%u", (unsigned)n);
	}
}

char *markup_slug(const char *s)
{
	char *slug = mem_array(strlen(s) + 2, 1);
	size_t n = 0;
	for (; *s; s++) {
		if (isalnum((unsigned char)*s))
			slug[n++] = (char)tolower((unsigned char)*s);
		else if (n && slug[n - 1] != '-')
			slug[n++] = '-';
	}
	while (n && slug[n - 1] == '-')
		n--;
	if (!n)
		slug[n++] = 'x';
	slug[n] = 0;
	return slug;
}

char *markup_take(struct bytes *b)
{
	bytes_add(b, "", 1);
	char *s = (char *)b->at;
	*b = (struct bytes){ 0 };
	return s;
}
