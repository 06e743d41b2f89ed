#include "unit.h"
#include "base/file.h"
#include "base/mem.h"
#include "formats/h5put.h"
#include <string.h>
#include <unistd.h>
#include <zlib.h>

UNIT(lzf_unpacks)
{
	uint8_t out[40];
	/* Three literals, then 9 bytes from 3 back (a long match: 7 + 0 more + 2). */
	const uint8_t in[] = { 2, 'a', 'b', 'c', 7 << 5, 0, 2 };
	CHECK(lzf_unpack(in, sizeof in, out, 12) && !memcmp(out, "abcabcabcabc", 12));
	CHECK(!lzf_unpack(in, sizeof in, out, 11));
	CHECK(!lzf_unpack(in, sizeof in, out, 13));
}

UNIT(lzf_refuses_what_is_damaged)
{
	uint8_t out[40];
	CHECK(!lzf_unpack((const uint8_t[]){ 5, 'a' }, 2, out, 6));                     /* literals that are not there */
	CHECK(!lzf_unpack((const uint8_t[]){ 0, 'a', 1 << 5, 1 }, 4, out, 4));          /* from before the start */
	CHECK(!lzf_unpack((const uint8_t[]){ 0, 'a', 7 << 5 }, 3, out, 10));            /* no length */
	CHECK(!lzf_unpack((const uint8_t[]){ 0, 'a', 1 << 5 }, 3, out, 4));             /* no offset */
	/* Any bytes at all: no write beyond the end (the sanitizer looks). */
	uint32_t x = 1;
	for (int k = 0; k < 20000; k++) {
		uint8_t in[24];
		for (size_t i = 0; i < sizeof in; i++)
			in[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
		uint8_t *exact = mem_array(17, 1);
		lzf_unpack(in, sizeof in, exact, 17);
		mem_free(exact);
	}
}

struct file {
	char path[64];
	hid_t id;
};

static struct file new_file(void)
{
	struct file f;
	h5_init();
	snprintf(f.path, sizeof f.path, "/tmp/pertpipe-test-%ld.h5", (long)getpid());
	f.id = H5Fcreate(f.path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
	return f;
}

static void end_file(struct file *f)
{
	H5Fclose(f->id);
	unlink(f->path);
}

/* Rows written in odd pieces come back as they were, whatever is asked for and however it is packed. */
static void check_growing(int level, uint64_t width, uint64_t memory)
{
	enum { N = 400000 };
	struct err e = { 0 };
	struct file f = new_file();
	size_t per = width ? width : 1, n = N / per;
	float *x = mem_array(n * per, sizeof *x);
	for (size_t i = 0; i < n * per; i++)
		x[i] = (float)(i * 7 % 1001);
	struct h5_growing *g = h5_grow(f.id, "x", H5T_NATIVE_FLOAT, width, level, 2, &e);
	for (size_t at = 0, k = 1; at < n; at += k, k = k * 3 % 70001 + 1) {
		k = k < n - at ? k : n - at;
		CHECK(!h5_grow_by(g, x + at * per, k, &e));
	}
	CHECK(h5_grown(g) == n && !h5_grow_end(g, &e));
	struct h5_array a;
	CHECK(!h5_array_open(&a, f.id, "x", memory, 2, &e) && a.n_rows == n && a.n_cols == per && a.type == NUMBER_F32);
	bool equal = true;
	uint64_t at = 0;
	for (uint64_t k = 1; at < n; at += k, k = k * 5 % 50021 + 1) {
		k = k < n - at ? k : n - at;
		const float *p = h5_array_rows(&a, at, k, &e);
		equal = equal && p && !memcmp(p, x + at * per, k * per * sizeof *x);
	}
	const float *p = h5_array_rows(&a, n / 3, 5, &e);
	equal = equal && p && !memcmp(p, x + n / 3 * per, 5 * per * sizeof *x);
	CHECK(equal && !e.set);
	CHECK(!h5_array_rows(&a, n - 1, 2, &e) && e.set);
	h5_array_close(&a);
	mem_free(x);
	end_file(&f);
}

UNIT(arrays_come_back)
{
	check_growing(0, 0, 1 << 27);
	check_growing(4, 0, 1 << 27);
	check_growing(4, 0, 1 << 20);
	check_growing(1, 37, 1 << 27);
	check_growing(0, 1000, 1 << 20);
}

/* Chunks that cut the columns too, two filters, and a chunk that was never written. */
UNIT(two_dimensional_chunks)
{
	struct err e = { 0 };
	struct file f = new_file();
	hsize_t dims[2] = { 101, 53 }, chunk[2] = { 10, 7 }, start[2] = { 0, 0 }, count[2] = { 60, 53 };
	hid_t space = H5Screate_simple(2, dims, NULL), plist = H5Pcreate(H5P_DATASET_CREATE), part = H5Screate_simple(2, count, NULL);
	H5Pset_chunk(plist, 2, chunk);
	H5Pset_shuffle(plist);
	H5Pset_deflate(plist, 3);
	hid_t d = H5Dcreate2(f.id, "x", H5T_NATIVE_INT32, space, H5P_DEFAULT, plist, H5P_DEFAULT);
	int32_t x[101 * 53] = { 0 };
	for (int i = 0; i < 60 * 53; i++)
		x[i] = i * i;
	H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
	H5Dwrite(d, H5T_NATIVE_INT32, part, space, H5P_DEFAULT, x);
	H5Dclose(d);
	struct h5_array a;
	CHECK(!h5_array_open(&a, f.id, "x", 1 << 20, 2, &e) && a.chunk_rows == 10);
	bool equal = true;
	for (uint64_t at = 0; at < 101; at++) {
		uint64_t k = at % 13 + 1 < 101 - at ? at % 13 + 1 : 101 - at;
		const int32_t *p = h5_array_rows(&a, at, k, &e);
		equal = equal && p && !memcmp(p, x + at * 53, k * 53 * sizeof *x);
	}
	CHECK(equal);
	h5_array_close(&a);
	H5Sclose(part);
	H5Sclose(space);
	H5Pclose(plist);
	end_file(&f);
}

UNIT(other_types_are_converted)
{
	struct err e = { 0 };
	struct file f = new_file();
	hsize_t n = 3;
	hid_t space = H5Screate_simple(1, &n, NULL), d = H5Dcreate2(f.id, "x", H5T_STD_I16BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	H5Dwrite(d, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, (int[]){ -1, 2, 300 });
	H5Dclose(d);
	H5Sclose(space);
	struct h5_array a;
	CHECK(!h5_array_open(&a, f.id, "x", 1 << 20, 1, &e) && a.type == NUMBER_I16);
	const void *p = h5_array_rows(&a, 0, 3, &e);
	CHECK(p && number_i64(a.type, p, 0) == -1 && number_f64(a.type, p, 2) == 300);
	h5_array_close(&a);
	CHECK(!h5_put_texts(f.id, "t", (const char *const[]){ "a", "b" }, 2, &e));
	CHECK(h5_array_open(&a, f.id, "t", 1 << 20, 1, &e) && strstr(e.text, "no array of numbers"));
	h5_array_close(&a);
	e = (struct err){ 0 };
	CHECK(h5_array_open(&a, f.id, "nothing", 1 << 20, 1, &e));
	h5_array_close(&a);
	end_file(&f);
}

static int join(void *to, uint64_t i, const char *text, struct err *e)
{
	char *out = to;
	(void)e;
	snprintf(out + strlen(out), 50, "%d%s ", (int)i, text);
	return 0;
}

UNIT(texts_come_back)
{
	struct err e = { 0 };
	struct file f = new_file();
	char out[100] = "";
	CHECK(!h5_put_texts(f.id, "t", (const char *const[]){ "a", "", "gr\xc3\xbc\xc3\x9f" }, 3, &e));
	CHECK(h5_n_texts(f.id, "t", &e) == 3);
	CHECK(!h5_texts(f.id, "t", 0, 3, join, out, &e) && !strcmp(out, "0a 1 2gr\xc3\xbc\xc3\x9f "));
	/* Fixed length, filled up with NULs, as 10x has it. */
	hsize_t n = 2;
	hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &n, NULL);
	H5Tset_size(type, 3);
	H5Tset_strpad(type, H5T_STR_NULLPAD);
	hid_t d = H5Dcreate2(f.id, "fixed", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	H5Dwrite(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, "xyzu\0\0");
	H5Dclose(d);
	out[0] = 0;
	CHECK(!h5_texts(f.id, "fixed", 0, 2, join, out, &e) && !strcmp(out, "0xyz 1u "));
	CHECK(h5_texts(f.id, "fixed", 1, 2, join, out, &e));
	H5Tclose(type);
	H5Sclose(space);
	char *kind = h5_text_attribute(f.id, "t", "encoding-type");
	CHECK(kind && !strcmp(kind, "string-array"));
	mem_free(kind);
	CHECK(!h5_text_attribute(f.id, "t", "nothing"));
	end_file(&f);
}

UNITS(RUN(lzf_unpacks), RUN(lzf_refuses_what_is_damaged), RUN(arrays_come_back), RUN(two_dimensional_chunks),
      RUN(other_types_are_converted), RUN(texts_come_back))
