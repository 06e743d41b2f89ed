/*
 * An ordered set of strings: index -> name and name -> index. Holds gene and
 * cell names, dictionaries of categorical columns, lists read from files.
 */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAMES_NONE UINT32_MAX

struct names {
	char **at;              /* n names, in the order in which they were added */
	size_t n;
	size_t cap;
	uint32_t *slot;         /* open addressing; NAMES_NONE is free */
	size_t n_slots;
};

struct names *names_new(void);
struct names *names_copy(const struct names *other);
void names_free(struct names *names);
/* Index of `name`, which is added when it is not there; *is_new (may be NULL) tells. */
uint32_t names_add(struct names *names, const char *name, bool *is_new);
uint32_t names_find(const struct names *names, const char *name);
bool names_equal(const struct names *a, const struct names *b);
/* Writes "a, b, c, ... (N in all)" into `out`; for messages that list what there is. */
void names_list(const struct names *names, char *out, size_t size);
/* Order of the names by their bytes: rank[i] is the place of name i. Caller frees. */
uint32_t *names_ranks(const struct names *names);

#endif
