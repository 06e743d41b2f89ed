/*
 * The reference file: signatures of drugs with what is known of them, their
 * genes, and slabs of profiles that are mapped into memory and read by gene.
 * pertpipe-reference(5) defines the bytes. The slabs' inside is the business of
 * connect/profiles.h; here they are bytes with a sum.
 *
 * Opening checks the sum of everything but the slabs, and that all of the file
 * is there; reference_verify reads the slabs as well.
 */
#ifndef FORMATS_REFERENCE_H
#define FORMATS_REFERENCE_H
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/file.h"
#include "base/names.h"

enum reference_field { REFERENCE_COMPOUND, REFERENCE_CELL_LINE, REFERENCE_DOSE, REFERENCE_TIME, REFERENCE_MOA, REFERENCE_TARGET,
	REFERENCE_PERT_TYPE, REFERENCE_QUALITY, REFERENCE_N_FIELDS };
extern const char *const reference_field_name[REFERENCE_N_FIELDS];

struct reference_slab {
	uint64_t offset, size, first, n, width, sum;
};

struct reference {
	size_t n, n_genes;
	int value_size;
	char **id, **gene, **gene_id;   /* gene_id: "" where none is known */
	struct {
		char **value;
		size_t n_values;
		const uint32_t *code;   /* UINT32_MAX: missing */
	} field[REFERENCE_N_FIELDS];
	const uint32_t *n_measured;     /* genes with a value */
	const struct reference_slab *slab;
	size_t n_slabs;
	const uint8_t *map;
	uint64_t size;
	uint64_t digest;                /* of all but the slabs, and of their sums */
	json_t *notes;
	char *name;
};

/* NULL on failure. The file stays mapped until reference_free. */
struct reference *reference_open(const char *path, struct err *e);
void reference_free(struct reference *r);
/*
 * The pages of a slab no longer count as this process's; the system keeps them as long as it likes, and whoever touches them
 * has them again.
 */
void reference_release(const struct reference *r, size_t slab);
/* Reads everything, and releases it. */
int reference_verify(const struct reference *r, int threads, struct err *e);
/* The value of a field of signature i; NULL is missing. */
const char *reference_text(const struct reference *r, enum reference_field f, size_t i);

struct reference_writer;
/* Takes `file`. */
struct reference_writer *reference_create(struct file_out *file, size_t n_genes, int value_size, struct err *e);
/* A slab of n signatures with room for `width`: n_genes * width * (6 + value_size) bytes. */
int reference_put(struct reference_writer *w, const void *slab, size_t n, size_t width, struct err *e);
/* What is known of the signatures put, in their order. */
struct reference_meta {
	char *const *id, *const *gene, *const *gene_id;
	const struct names *value[REFERENCE_N_FIELDS];
	const uint32_t *code[REFERENCE_N_FIELDS];
	const uint32_t *n_measured;
	json_t *notes;
};
/* Puts the file in its place; frees w, also on failure. */
int reference_finish(struct reference_writer *w, const struct reference_meta *m, struct err *e);

#endif
