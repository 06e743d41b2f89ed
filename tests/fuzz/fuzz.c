#include "fuzz.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "stream/audit.h"
#include "stream/describe.h"
#include "stream/dense.h"
#include "stream/layer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_FILES = 8, MAX_VALUES = 1 << 20 };

static int open_files[MAX_FILES];
static size_t n_files;

static void need(bool good, const char *what, const char *why)
{
	if (good)
		return;
	fprintf(stderr, "fuzz: %s: %s\n", what, why);
	abort();
}

int fuzz_fd(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", 0);
	struct err e = { 0 };
	need(fd >= 0 && !file_pwrite(fd, data, size, 0, &e), "no file", e.text);
	return fd;
}

const char *fuzz_path(const uint8_t *data, size_t size)
{
	static char path[MAX_FILES][32];
	need(n_files < MAX_FILES, "no file", "too many");
	int fd = open_files[n_files] = fuzz_fd(data, size);
	snprintf(path[n_files], sizeof *path, "/proc/self/fd/%d", fd);
	return path[n_files++];
}

void fuzz_end(void)
{
	while (n_files)
		close(open_files[--n_files]);
}

/* Values as text, and the layers by rows; rows are picked by their bytes, too. */
static int read_block(struct pmx_block *b, const struct pmx_schema *s, struct pmx_gather *g, struct err *e)
{
	struct sparse_rows rows;
	char text[TEXT_F64 * 4];
	double *total = mem_array(b->n_rows, sizeof *total);
	uint32_t *pick = mem_array(b->n_rows, sizeof *pick);
	size_t bad;
	sparse_rows_init(&rows, s->n_columns);
	int status = 0;
	for (size_t f = 0; f < s->n_fields && !status; f++) {
		const struct pmx_field *field = &s->field[f];
		if (field->class == PMX_OBS) {
			const struct pmx_column *c = pmx_block_column(b, s, f, e);
			status = c ? 0 : -1;
			for (size_t i = 0; c && i < c->n * c->width; i++)
				pmx_column_text(field, c, i, text, sizeof text);
		} else if (field->class == PMX_LAYER && !pmx_layer_is_signature(s, f)) {
			sparse_rows_clear(&rows);
			status = pmx_layer_rows(b, s, f, 0, b->n_rows, &rows, e);
			if (!status && field->storage != PMX_RECIPE)
				status = pmx_layer_totals(b, s, f, total, &bad, e);
		}
	}
	for (size_t r = 0; r < b->n_rows; r++)
		pick[r] = (uint32_t)(b->n_rows - 1 - r);
	if (!status)
		status = pmx_gather_rows(g, b, pick, b->n_rows, NULL, e);
	if (!status)
		pmx_block_free(pmx_gather_take(g, 0));
	sparse_rows_free(&rows);
	mem_free(total);
	mem_free(pick);
	return status;
}

static struct pmx_reader *open_again(int fd, struct err *e)
{
	int copy = dup(fd);
	need(copy >= 0 && lseek(copy, 0, SEEK_SET) == 0, "no file", "dup");
	return pmx_open(file_from_fd(copy, "input"), 1, e);
}

static int read_audited(int fd, struct err *e)
{
	struct pmx_reader *r = open_again(fd, e);
	struct pmx_audit *a = r ? pmx_audit_new(r, e) : NULL;
	struct pmx_gather *g = a ? pmx_gather_new(pmx_reader_schema(r)) : NULL;
	struct pmx_block *b;
	int more = a ? 1 : -1;
	while (more > 0 && (more = pmx_next(r, &b, e)) > 0) {
		if (pmx_audit_block(a, b, e) || read_block(b, pmx_reader_schema(r), g, e))
			more = -1;
		pmx_block_free(b);
	}
	if (!more && pmx_audit_end(a, e))
		more = -1;
	pmx_gather_free(g);
	pmx_audit_free(a);
	pmx_close(r);
	return more;
}

/* A layer in double; a wide one on its first and last column. */
static int read_layer(int fd, size_t layer, struct err *e)
{
	struct pmx_reader *r = open_again(fd, e);
	if (!r)
		return -1;
	size_t n = pmx_reader_schema(r)->n_columns;
	const uint32_t ends[] = { 0, (uint32_t)(n - 1) };
	struct pmx_dense *d = pmx_dense_new(r, 1);
	int x = n > 4096 ? pmx_dense_layer(d, layer, ends, 2, e) : pmx_dense_layer(d, layer, NULL, 0, e), more = x < 0 ? -1 : 1;
	struct pmx_block *b;
	while (more > 0 && (more = pmx_dense_next(d, &b, e)) > 0) {
		double *out = mem_array(pmx_dense_width(d, x), sizeof *out);
		for (size_t i = 0; i < b->n_rows && i * pmx_dense_width(d, x) < MAX_VALUES && more > 0; i++)
			more = pmx_dense_rows(d, x, b, i, i + 1, out, e) ? -1 : 1;
		mem_free(out);
		pmx_block_free(b);
	}
	pmx_dense_free(d);
	pmx_close(r);
	return more;
}

/* Blocks by the index, the last one first. Returns the number of layers, -1 on failure. */
static int read_by_index(int fd, struct err *e)
{
	struct pmx_reader *r = open_again(fd, e);
	if (!r)
		return -1;
	const struct pmx_index *x = pmx_read_index(r, e);
	struct names *layers = pmx_field_names(pmx_reader_schema(r), PMX_LAYER);
	int n = (int)layers->n;
	for (size_t i = x && x->n_blocks < 1000 ? x->n_blocks : 0; i-- > 0; ) {
		struct pmx_block *b;
		if (pmx_seek_block(r, i, e) || pmx_next(r, &b, e) < 1)
			break;
		pmx_block_free(b);
	}
	names_free(layers);
	pmx_close(r);
	return x ? n : -1;
}

int fuzz_stream(int fd, struct err *e)
{
	/* A reader that sees the index only, and one that sees the rows only, must stand it as well. */
	struct err other = { 0 };
	int status = read_audited(fd, e), n = read_by_index(fd, &other);
	need(status || n >= 0, "a sound stream without an index", other.text);
	struct pmx_reader *r = open_again(fd, &other);
	if (r)
		mem_free(pmx_replay(pmx_reader_schema(r), NULL));
	for (size_t f = 0; r && f < pmx_reader_schema(r)->n_fields; f++) {
		if (pmx_reader_schema(r)->field[f].class == PMX_LAYER)
			mem_free(pmx_layer_text(pmx_reader_schema(r), f));
		struct err dense = { 0 };
		if (pmx_reader_schema(r)->field[f].class == PMX_LAYER && read_layer(fd, f, &dense) && !status)
			need(false, "a sound stream with a layer that cannot be computed", dense.text);
	}
	pmx_close(r);
	close(fd);
	return status;
}

void fuzz_import(const char *path, const struct import_options *o)
{
	struct err e = { 0 };
	struct import *im = import_open(path, o, &e);
	if (!im)
		return;
	int fd = memfd_create("stream", 0);
	struct pmx_writer *w = pmx_create(file_onto_fd(fd, "stream"), import_schema(im), 0, 1, &e);
	struct pmx_filler *fill = pmx_filler_new(w, 0);
	int64_t n;
	do
		n = import_next(im, fill, &e);
	while (n > 0);
	if (n < 0) {
		pmx_filler_free(fill);
		pmx_abandon(w);
		close(fd);
	} else {
		need(!pmx_filler_close(fill, &e) && !pmx_finish(w, 0, &e), "the import cannot be written", e.text);
		need(!fuzz_stream(fd, &e), "the import is no sound stream", e.text);
	}
	import_close(im);
}
