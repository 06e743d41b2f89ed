/*
 * XXH64 with seed 0 (xxhash.com): checksums of the stream and of names. Not
 * for security. 64 bits, because readers in other languages must follow.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H
#include <stddef.h>
#include <stdint.h>

struct hash_state;

uint64_t hash64(const void *bytes, size_t n);
struct hash_state *hash_new(void);
void hash_add(struct hash_state *h, const void *bytes, size_t n);
uint64_t hash_end(const struct hash_state *h);
void hash_free(struct hash_state *h);

#endif
