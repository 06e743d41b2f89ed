#include "base/names.h"
#include "base/mem.h"
#include "base/hash.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct names *names_new(void)
{
	return mem_zero(1, sizeof(struct names));
}

struct names *names_copy(const struct names *other)
{
	struct names *names = names_new();
	for (size_t i = 0; i < other->n; i++)
		names_add(names, other->at[i], NULL);
	return names;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->n; i++)
		mem_free(names->at[i]);
	mem_free(names->at);
	mem_free(names->slot);
	mem_free(names);
}

/* The slot that holds `name`, or the free one where it belongs. */
static size_t probe(const struct names *names, const char *name)
{
	size_t mask = names->n_slots - 1;
	size_t i = hash64(name, strlen(name)) & mask;
	while (names->slot[i] != NAMES_NONE && strcmp(names->at[names->slot[i]], name))
		i = (i + 1) & mask;
	return i;
}

static void widen(struct names *names)
{
	size_t n = names->n_slots ? names->n_slots * 2 : 64;
	names->slot = mem_resize(names->slot, n, sizeof *names->slot);
	names->n_slots = n;
	memset(names->slot, 0xff, n * sizeof *names->slot);
	for (size_t i = 0; i < names->n; i++)
		names->slot[probe(names, names->at[i])] = (uint32_t)i;
}

uint32_t names_add(struct names *names, const char *name, bool *is_new)
{
	if (names->n * 2 >= names->n_slots)
		widen(names);
	size_t i = probe(names, name);
	if (is_new)
		*is_new = names->slot[i] == NAMES_NONE;
	if (names->slot[i] != NAMES_NONE)
		return names->slot[i];
	mem_room(&names->at, &names->cap, names->n + 1, sizeof *names->at);
	names->at[names->n] = mem_text(name);
	names->slot[i] = (uint32_t)names->n;
	return (uint32_t)names->n++;
}

uint32_t names_find(const struct names *names, const char *name)
{
	if (!names->n_slots)
		return NAMES_NONE;
	return names->slot[probe(names, name)];
}

bool names_equal(const struct names *a, const struct names *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->at[i], b->at[i]))
			return false;
	return true;
}

void names_list(const struct names *names, char *out, size_t size)
{
	size_t used = 0;
	out[0] = 0;
	for (size_t i = 0; i < names->n; i++) {
		size_t len = strlen(names->at[i]);
		if (used + len + 40 > size) {
			snprintf(out + used, size - used, ", ... (%zu in all)", names->n);
			return;
		}
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", names->at[i]);
	}
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(**(char **const *)a, **(char **const *)b);
}

uint32_t *names_ranks(const struct names *names)
{
	char ***order = mem_array(names->n, sizeof *order);
	for (size_t i = 0; i < names->n; i++)
		order[i] = &names->at[i];
	if (names->n)
		qsort(order, names->n, sizeof *order, by_bytes);
	uint32_t *rank = mem_array(names->n, sizeof *rank);
	for (size_t i = 0; i < names->n; i++)
		rank[order[i] - names->at] = (uint32_t)i;
	mem_free(order);
	return rank;
}
