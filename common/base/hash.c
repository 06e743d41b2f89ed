#include "base/hash.h"
#include "base/mem.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

struct hash_state {
	XXH64_state_t xxh;
};

uint64_t hash64(const void *bytes, size_t n)
{
	return XXH64(bytes, n, 0);
}

struct hash_state *hash_new(void)
{
	struct hash_state *h = mem_array(1, sizeof *h);
	XXH64_reset(&h->xxh, 0);
	return h;
}

void hash_add(struct hash_state *h, const void *bytes, size_t n)
{
	XXH64_update(&h->xxh, bytes, n);
}

uint64_t hash_end(const struct hash_state *h)
{
	return XXH64_digest(&h->xxh);
}

void hash_free(struct hash_state *h)
{
	mem_free(h);
}
