/*
 * Tensors by name in one file, as the safetensors library writes and reads
 * them: u64 length of the header (little-endian), the header (a JSON object:
 * name -> dtype, shape, data_offsets; "__metadata__" -> texts by name), the
 * values, row-major, without gaps. Everything in a file that is read is taken
 * for hostile; a failure names file and tensor.
 */
#ifndef FORMATS_SAFETENSORS_H
#define FORMATS_SAFETENSORS_H
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/file.h"

enum { SAFETENSORS_MAX_DIMS = 8 };
enum safetensors_type { SAFETENSORS_F32, SAFETENSORS_F64, SAFETENSORS_I64, SAFETENSORS_U8, SAFETENSORS_N_TYPES };

struct safetensor {
	char *name;
	enum safetensors_type type;
	size_t n_dims, shape[SAFETENSORS_MAX_DIMS];
	size_t n;                       /* values: the product of the shape, 1 for a scalar */
	void *at;
};

struct safetensors {
	char *file;
	struct safetensor *tensor;
	size_t n, cap;
	json_t *metadata;               /* object of strings */
	uint8_t *bytes;                 /* what the tensors of a file that was read point into */
};

struct safetensors *safetensors_new(void);
void safetensors_free(struct safetensors *s);
/* Adds a tensor whose values stay the caller's; n_dims sizes follow. */
void safetensors_add(struct safetensors *s, const char *name, enum safetensors_type type, const void *values, size_t n_dims, ...);
/* A text under `key`; a replaced one is gone. */
void safetensors_note(struct safetensors *s, const char *key, const char *text);
/* Tensors in the order in which they were added. The caller commits the file. */
int safetensors_write(const struct safetensors *s, struct file_out *file, struct err *e);

/* Tensors in the order of their bytes, each value at a multiple of its size. NULL on failure. */
struct safetensors *safetensors_read(const char *path, struct err *e);
/* The tensor `name` with this type and shape (n_dims sizes follow; SIZE_MAX: any); NULL and a failure that says what is there. */
const struct safetensor *safetensors_need(const struct safetensors *s, const char *name, enum safetensors_type type, struct err *e, size_t n_dims, ...);
/* The text under `key`, or NULL. */
const char *safetensors_text(const struct safetensors *s, const char *key);

#endif
