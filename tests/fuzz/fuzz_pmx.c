/* The stream reader: every field decoded, every recipe computed, the index followed. */
#include "fuzz.h"
#include "base/hash.h"
#include "base/mem.h"
#include "stream/reader.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	fuzz_stream(fuzz_fd(data, size), &e);
	return 0;
}

#ifdef FUZZ
/*
 * Random bytes would never get past the checksums. Half of the inputs are therefore changed anywhere, with all sums made
 * right again; of the others one section is changed, unpacked and of any length, and the stream is built around it.
 */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static uint64_t get(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	memcpy(&v, p, n);
	return v;
}

static void put(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, 8);
}

/* Size of the chunk at `at`, 0 when none stands there. */
static size_t chunk_size(const uint8_t *data, size_t size, size_t at)
{
	if (size < at + PMX_CHUNK_HEADER)
		return 0;
	uint64_t n = get(data + at + 4, 4), body = get(data + at + 8, 8);
	return body > size - at - PMX_CHUNK_HEADER || n * PMX_SECTION_ENTRY > body ? 0 : PMX_CHUNK_HEADER + (size_t)body;
}

static void mend(uint8_t *data, size_t size)
{
	struct hash_state *digest = hash_new();
	for (size_t at = PMX_MAGIC_SIZE, length; (length = chunk_size(data, size, at)); at += length) {
		uint8_t *head = data + at, *table = head + PMX_CHUNK_HEADER;
		size_t n = (size_t)get(head + 4, 4), left = length - PMX_CHUNK_HEADER - n * PMX_SECTION_ENTRY;
		uint8_t *p = table + n * PMX_SECTION_ENTRY;
		for (size_t i = 0; i < n; i++) {
			uint8_t *entry = table + i * PMX_SECTION_ENTRY;
			uint64_t stored = get(entry + 8, 8);
			if (stored > left)
				break;
			put(entry + 24, hash64(p, (size_t)stored));
			size_t padded = ((size_t)stored + 7) & ~(size_t)7;
			padded = padded > left ? left : padded;
			p += padded;
			left -= padded;
		}
		put(head + 32, hash64(table, n * PMX_SECTION_ENTRY));
		put(head + 40, hash64(head, 40));
		hash_add(digest, head, PMX_CHUNK_HEADER + n * PMX_SECTION_ENTRY);
		if (!memcmp(head, "TAIL", 4) && size - at - length >= PMX_END_SIZE) {
			put(head + length, at);
			put(head + length + 8, hash_end(digest));
			memcpy(head + length + 16, pmx_end_mark, sizeof pmx_end_mark);
			break;
		}
	}
	hash_free(digest);
}

static size_t count_sections(const uint8_t *data, size_t size)
{
	size_t n = 0;
	for (size_t at = PMX_MAGIC_SIZE, length; (length = chunk_size(data, size, at)); at += length)
		n += (size_t)get(data + at + 4, 4);
	return n;
}

/* Section `number` of the whole stream gets other bytes; the sums stay wrong. */
static void change_section(const uint8_t *data, size_t size, size_t number, size_t room, struct bytes *out)
{
	static const uint8_t zero[8];
	struct bytes places = { 0 };
	struct err e = { 0 };
	bytes_add(out, data, PMX_MAGIC_SIZE);
	size_t k = 0, at = PMX_MAGIC_SIZE;
	for (size_t length; (length = chunk_size(data, size, at)); at += length) {
		const uint8_t *head = data + at, *entry = head + PMX_CHUNK_HEADER;
		size_t n = (size_t)get(head + 4, 4), new_head = out->n, left = length - PMX_CHUNK_HEADER - n * PMX_SECTION_ENTRY;
		const uint8_t *p = entry + n * PMX_SECTION_ENTRY;
		bool tail = !memcmp(head, "TAIL", 4);
		uint64_t place[] = { new_head, get(head + 16, 8), get(head + 24, 4) };
		if (!memcmp(head, "ROWS", 4))
			bytes_add(&places, place, sizeof place);
		bytes_add(out, head, PMX_CHUNK_HEADER + n * PMX_SECTION_ENTRY);
		for (size_t i = 0; i < n; i++, entry += PMX_SECTION_ENTRY, k++) {
			size_t stored = (size_t)get(entry + 8, 8) <= left ? (size_t)get(entry + 8, 8) : left, plain = (size_t)get(entry + 16, 8);
			uint8_t *new_entry = out->at + new_head + PMX_CHUNK_HEADER + i * PMX_SECTION_ENTRY;
			bool index = tail && get(entry, 4) == 1 && k != number;
			if (k != number && !index) {
				bytes_add(out, p, stored);
			} else {
				size_t cap = (plain < room ? plain : room) + room;
				uint8_t *changed = mem_zero(cap, 1);
				if (entry[6] != PMX_ZSTD || plain > cap || zstd_unpack(p, stored, changed, plain, &e))
					memcpy(changed, p, plain = stored < cap ? stored : cap);
				if (index) {
					mem_free(changed);
					changed = mem_zero(plain = places.n, 1);
					if (plain)
						memcpy(changed, places.at, plain);
				} else {
					plain = LLVMFuzzerMutate(changed, plain, cap);
				}
				new_entry[6] = PMX_STORED;
				put(new_entry + 8, plain);
				put(new_entry + 16, plain);
				bytes_add(out, changed, plain);
				mem_free(changed);
			}
			bytes_add(out, zero, -out->n & 7);
			size_t padded = (stored + 7) & ~(size_t)7;
			padded = padded > left ? left : padded;
			p += padded;
			left -= padded;
		}
		put(out->at + new_head + 8, out->n - new_head - PMX_CHUNK_HEADER);
	}
	bytes_add(out, data + at, size - at);
	bytes_free(&places);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	size_t n = size > PMX_MAGIC_SIZE ? count_sections(data, size) : 0;
	if (n && seed % 2) {
		struct bytes out = { 0 };
		change_section(data, size, seed / 2 % n, max_size, &out);
		if (out.n <= max_size) {
			memcpy(data, out.at, out.n);
			size = out.n;
		}
		bytes_free(&out);
	} else {
		size = LLVMFuzzerMutate(data, size, max_size);
	}
	/* Some of the damage stays. */
	if (size > PMX_MAGIC_SIZE && seed / 16 % 16)
		mend(data, size);
	return size;
}
#endif
