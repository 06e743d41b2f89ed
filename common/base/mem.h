/*
 * Memory. Running out is not reported to callers: the hook is called with the
 * number of bytes asked for and must not return (cli/ prints and exits, the
 * default aborts). Lengths that come from outside are checked by the reader
 * before they get here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H
#include <stddef.h>

extern void (*mem_exhausted)(size_t bytes);

void *mem_array(size_t n, size_t size);             /* uninitialised; n * size may be 0 */
void *mem_aligned(size_t n, size_t size);           /* on a multiple of 64 bytes, for vectors; mem_free as the others */
void *mem_zero(size_t n, size_t size);
void *mem_resize(void *p, size_t n, size_t size);
/* Makes room for `need` elements in *p, which has room for *cap; grows by half. *p is no null pointer then, even for 0. */
void mem_room(void *p, size_t *cap, size_t need, size_t size);
char *mem_text(const char *s);
char *mem_textn(const char *s, size_t n);
char *mem_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *p);

#endif
