#include "base/err.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, const char *fmt, ...)
{
	if (e->set)
		return -1;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	e->set = true;
	return -1;
}

int err_system(struct err *e, const char *fmt, ...)
{
	int reason = errno;
	if (e->set)
		return -1;
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof e->text)
		snprintf(e->text + n, sizeof e->text - (size_t)n, ": %s", strerror(reason));
	e->set = true;
	return -1;
}

int err_context(struct err *e, const char *fmt, ...)
{
	char head[400];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(head, sizeof head, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -1;
	size_t len = strlen(head), keep = sizeof e->text - len - 3;
	size_t have = strlen(e->text);
	if (have > keep)
		have = keep;
	memmove(e->text + len + 2, e->text, have);
	e->text[len + 2 + have] = 0;
	memcpy(e->text, head, len);
	memcpy(e->text + len, ": ", 2);
	return -1;
}
