#include "base/mem.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void give_up(size_t bytes)
{
	(void)bytes;
	abort();
}

void (*mem_exhausted)(size_t) = give_up;

static size_t bytes_of(size_t n, size_t size)
{
	if (size && n > PTRDIFF_MAX / size)
		mem_exhausted(SIZE_MAX);
	size_t bytes = n * size;
	return bytes ? bytes : 1;
}

void *mem_array(size_t n, size_t size)
{
	size_t bytes = bytes_of(n, size);
	void *p = malloc(bytes);
	if (!p)
		mem_exhausted(bytes);
	return p;
}

void *mem_aligned(size_t n, size_t size)
{
	size_t bytes = (bytes_of(n, size) + 63) / 64 * 64;
	void *p = aligned_alloc(64, bytes);
	if (!p)
		mem_exhausted(bytes);
	return p;
}

void *mem_zero(size_t n, size_t size)
{
	size_t bytes = bytes_of(n, size);
	void *p = calloc(1, bytes);
	if (!p)
		mem_exhausted(bytes);
	return p;
}

void *mem_resize(void *old, size_t n, size_t size)
{
	size_t bytes = bytes_of(n, size);
	void *p = realloc(old, bytes);
	if (!p)
		mem_exhausted(bytes);
	return p;
}

void mem_room(void *p, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap && *cap)
		return;
	size_t n = *cap + *cap / 2 + 16;
	if (n < need)
		n = need;
	void *old;
	memcpy(&old, p, sizeof old);
	old = mem_resize(old, n, size);
	memcpy(p, &old, sizeof old);
	*cap = n;
}

char *mem_textn(const char *s, size_t n)
{
	char *p = mem_array(n + 1, 1);
	if (n)
		memcpy(p, s, n);
	p[n] = 0;
	return p;
}

char *mem_text(const char *s)
{
	return mem_textn(s, strlen(s));
}

char *mem_print(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = mem_array((size_t)(n < 0 ? 0 : n) + 1, 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)(n < 0 ? 0 : n) + 1, fmt, ap);
	va_end(ap);
	return p;
}

void mem_free(void *p)
{
	free(p);
}
