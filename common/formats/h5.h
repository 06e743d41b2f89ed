/*
 * HDF5, as far as the formats need it: numbers by rows, texts, attributes.
 * Everything runs in the thread that calls (a library without thread safety
 * serves as well); only the unpacking of chunks is spread over threads. Texts
 * of failures carry HDF5's own reason.
 *
 * Filters: deflate, shuffle, LZF and zstd are unpacked here; others by HDF5
 * where it has them. An array whose filter nobody has is refused by name.
 */
#ifndef FORMATS_H5_H
#define FORMATS_H5_H
#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/names.h"
#include "formats/number.h"

#define H5_SIGNATURE "\x89HDF\r\n\x1a\n"

/* Registers the filters and silences HDF5's own printing; may be called again. */
void h5_init(void);
/* File access without locks, closing all that is open inside with the file; the caller closes the list. */
hid_t h5_access(void);
/* For reading only; negative on failure. h5_close also closes what is open inside. */
hid_t h5_open(const char *path, struct err *e);
void h5_close(hid_t file);
/* Sets the failure to the text and HDF5's reason. Returns -1. */
int h5_fail(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

enum h5_kind { H5_NOTHING, H5_GROUP, H5_DATASET };
/* What stands at `path` below `at`. */
enum h5_kind h5_kind(hid_t at, const char *path);
/* Names of the members of a group, by their bytes. NULL on failure. */
struct names *h5_children(hid_t at, const char *path, struct err *e);

/* Attribute as text; NULL where there is none or it is no text. Caller frees. */
char *h5_text_attribute(hid_t at, const char *object, const char *name);
bool h5_true_attribute(hid_t at, const char *object, const char *name);
/* n whole numbers; false where there is no such attribute. */
bool h5_whole_attribute(hid_t at, const char *object, const char *name, int64_t *out, size_t n);

/* An array gets one of so many parts of --memory. */
#define H5_SHARE 8

/* Numbers of rank 1 (n_cols is 1) or 2, read by rows. */
struct h5_array {
	hid_t dataset, memory_type;
	char *name;
	enum number type;
	bool truth;                     /* stored as an enumeration: truth values */
	int rank;
	uint64_t n_rows, n_cols;
	uint64_t memory;                /* for the rows that are kept */
	int threads;
	uint64_t chunk_rows, chunk_cols;        /* 0: not chunked, or left to the library */
	struct h5_pipeline *pipeline;
	uint8_t *window;                /* rows first .. first + n */
	uint64_t first, n;
	size_t window_cap;
};

/* -1 when it is no array of numbers, or packed in a way that nobody can read. */
int h5_array_open(struct h5_array *a, hid_t at, const char *path, uint64_t memory, int threads, struct err *e);
void h5_array_close(struct h5_array *a);
/* Rows first .. first + n as a->type, valid until the next call. NULL on failure. */
const void *h5_array_rows(struct h5_array *a, uint64_t first, uint64_t n, struct err *e);

/*
 * Can `bytes` come out of what is stored of the dataset, as far as its filters can pack? A file announces
 * any size for nothing, and one that was never written reads as zeros.
 */
int h5_check_storage(hid_t dataset, uint64_t bytes, const char *what, struct err *e);

/* Number of texts of a dataset of rank 1, which can be there; -1 when it is none. */
int64_t h5_n_texts(hid_t at, const char *path, struct err *e);
/* Calls take(to, i, text) for texts first .. first + n; text is UTF-8, and ends with NUL. */
int h5_texts(hid_t at, const char *path, uint64_t first, uint64_t n,
	     int (*take)(void *to, uint64_t i, const char *text, struct err *e), void *to, struct err *e);

/* As h5_texts; a text that is not UTF-8 is taken for Latin-1, and *n_latin1 counts them. */
int h5_texts_latin1(hid_t at, const char *path, uint64_t first, uint64_t n, uint64_t *n_latin1,
		    int (*take)(void *to, uint64_t i, const char *text, struct err *e), void *to, struct err *e);

/* How the chunks of a dataset are packed, for unpacking them without HDF5. */
struct h5_pipeline;
/* NULL without a failure: let HDF5 do it. NULL and a failure: HDF5 cannot. */
struct h5_pipeline *h5_pipeline_of(hid_t creation, size_t element, const char *what, struct err *e);
void h5_pipeline_free(struct h5_pipeline *p);
/*
 * Unpacks a chunk as stored (its bytes are overwritten) into out; spare has the same size. False when
 * the bytes are damaged.
 */
bool h5_unpack(const struct h5_pipeline *p, uint32_t skipped, uint8_t *stored, size_t n, uint8_t *out, uint8_t *spare, size_t size);
/* Liblzf's format (the description in its header): false unless exactly `size` bytes come out. */
bool lzf_unpack(const uint8_t *in, size_t n, uint8_t *out, size_t size);

#endif
