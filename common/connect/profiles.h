/*
 * Profiles of a reference as the kernels read them. Signatures stand in slabs
 * of up to `width`; in a slab every gene has one run, so a query reads the runs
 * of its own genes and nothing else. A run holds, for each signature of the
 * slab, one after the other:
 *
 *   above      u16  genes of the profile with a larger value; 65535: no value
 *   upto       u16  genes with a larger or the same value (ties form a block)
 *   magnitude  u16  twice the mid rank of |value| (1 the smallest); 0: no value
 *   value      f32 or f64, NaN where there is none
 *
 * Ranks are over the genes that the profile has, so up to 32767 genes.
 * Signatures are scored PROFILE_LANES at a time; width is a multiple of that,
 * and places without a signature look like profiles without any value.
 */
#ifndef CONNECT_PROFILES_H
#define CONNECT_PROFILES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PROFILE_LANES = 32, PROFILE_MAX_GENES = 32767, PROFILE_NONE = UINT16_MAX };

/* Parts of a run, for those who read only some. */
enum profile_part { PROFILE_ABOVE = 1, PROFILE_UPTO = 2, PROFILE_MAGNITUDE = 4, PROFILE_VALUE = 8 };

struct profile_slab {
	size_t first, n, width;
	const uint8_t *at;
};

struct profiles {
	size_t n, n_genes;
	int value_size;                 /* 4 or 8 */
	const struct profile_slab *slab;
	size_t n_slabs;
	const uint32_t *n_measured;     /* genes with a value, of each signature */
	const bool *keep;               /* signatures that are scored; NULL: all */
	void (*done)(const void *with, size_t slab);    /* told of every slab that has been walked over; or NULL */
	const void *with;
};

/* n signatures of slab k have been walked over; walked[k] begins at 0. Whoever is the last tells that the slab is done. */
static inline void profile_walked(const struct profiles *p, size_t k, size_t n, size_t *walked)
{
	size_t all;
	if (!p->done)
		return;
#pragma omp atomic capture seq_cst
	all = walked[k] += n;
	if (all == p->slab[k].n)
		p->done(p->with, k);
}

static inline size_t profile_run_bytes(size_t width, int value_size)
{
	return width * (6 + (size_t)value_size);
}

struct profile_run {
	const uint16_t *above, *upto, *magnitude;
	const void *value;
};

/* The run of `gene`, from signature `from` of the slab on. */
static inline struct profile_run profile_run(const struct profiles *p, const struct profile_slab *s, size_t gene, size_t from)
{
	const uint8_t *run = s->at + gene * profile_run_bytes(s->width, p->value_size);
	return (struct profile_run){ (const uint16_t *)(const void *)run + from, (const uint16_t *)(const void *)(run + 2 * s->width) + from,
				     (const uint16_t *)(const void *)(run + 4 * s->width) + from,
				     run + 6 * s->width + from * (size_t)p->value_size };
}

/* Genes are pages apart: asked for so many genes ahead, the walks through the page table go on beside the work. */
enum { PROFILE_AHEAD = 8 };

static inline void profile_prefetch_values(const struct profiles *p, const struct profile_run *r)
{
	for (size_t b = 0; b < PROFILE_LANES * (size_t)p->value_size; b += 64)
		__builtin_prefetch((const char *)r->value + b);
}

/* PROFILE_LANES values in double. */
static inline void profile_values(const struct profiles *p, const struct profile_run *r, double *out)
{
	if (p->value_size == 8) {
		memcpy(out, r->value, PROFILE_LANES * sizeof *out);
		return;
	}
	float v[PROFILE_LANES];
	memcpy(v, r->value, sizeof v);
	for (size_t l = 0; l < PROFILE_LANES; l++)
		out[l] = (double)v[l];
}

/* Room for n signatures; signatures in a full slab, which depends on nothing but the number of genes. */
size_t profile_width(size_t n);
size_t profile_slab_width(size_t n_genes);
/*
 * Ranks n x n_genes values (row by row) and writes the slab, whose bytes are all set: `out` has room for
 * n_genes * profile_run_bytes(width). n_measured[i]: of row i.
 */
void profile_pack(const double *value, size_t n, size_t n_genes, size_t width, int value_size, int threads, uint8_t *out,
		  uint32_t *n_measured);

#endif
