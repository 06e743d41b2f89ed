#include "formats/safetensors.h"
#include "base/mem.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/pertpipe-safetensors-XXXXXX";

static void put(const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");
	fwrite(bytes, 1, n, f);
	fclose(f);
}

/* A file with this header and n bytes of values. */
static void put_header(const char *header, size_t n)
{
	char all[4096] = { 0 };
	size_t length = strlen(header);
	all[0] = (char)(length & 0xff);
	all[1] = (char)(length >> 8);
	memcpy(all + 8, header, length);
	put(all, 8 + length + n);
}

static bool refused(const char *word)
{
	struct err e = { 0 };
	struct safetensors *s = safetensors_read(path, &e);
	safetensors_free(s);
	if (s || !strstr(e.text, word))
		printf("# %s\n", e.text);
	return !s && strstr(e.text, word) && strstr(e.text, path);
}

UNIT(what_is_written_is_read)
{
	struct err e = { 0 };
	const float a[6] = { 1, -2, 3.5f, 0, 1e-30f, 7 };
	const double b[2] = { 1e300, -0.1 };
	const int64_t c = -5;
	struct safetensors *s = safetensors_new();
	safetensors_add(s, "odd \"name\"", SAFETENSORS_U8, "xyz", 1, (size_t)3);
	safetensors_add(s, "a", SAFETENSORS_F32, a, 2, (size_t)2, (size_t)3);
	safetensors_add(s, "b", SAFETENSORS_F64, b, 1, (size_t)2);
	safetensors_add(s, "c", SAFETENSORS_I64, &c, 0);
	safetensors_add(s, "none", SAFETENSORS_F32, a, 2, (size_t)0, (size_t)3);
	safetensors_note(s, "genes", "[\"A\",\"B\"]");
	struct file_out *f = file_create(path, &e);
	CHECK(!safetensors_write(s, f, &e) && !file_commit(f, &e));
	safetensors_free(s);
	s = safetensors_read(path, &e);
	CHECK(s != NULL);
	if (!s)
		return;
	CHECK(s->n == 5);
	const struct safetensor *t = safetensors_need(s, "a", SAFETENSORS_F32, &e, 2, (size_t)2, SIZE_MAX);
	CHECK(t && !memcmp(t->at, a, sizeof a));
	t = safetensors_need(s, "b", SAFETENSORS_F64, &e, 1, (size_t)2);
	CHECK(t && !memcmp(t->at, b, sizeof b));
	t = safetensors_need(s, "c", SAFETENSORS_I64, &e, 0);
	CHECK(t && !memcmp(t->at, &c, sizeof c));
	CHECK(!strcmp(safetensors_text(s, "genes"), "[\"A\",\"B\"]"));
	CHECK(!safetensors_text(s, "other"));
	CHECK(!safetensors_need(s, "a", SAFETENSORS_F32, &e, 2, (size_t)3, (size_t)3));
	CHECK(e.set && strstr(e.text, "F32 2 x 3"));
	e.set = false;
	CHECK(!safetensors_need(s, "z", SAFETENSORS_F32, &e, 0) && strstr(e.text, "no tensor 'z'"));
	safetensors_free(s);
}

UNIT(every_cut_is_noticed)
{
	struct err e = { 0 };
	const float a[3] = { 1, 2, 3 };
	struct safetensors *s = safetensors_new();
	safetensors_add(s, "a", SAFETENSORS_F32, a, 1, (size_t)3);
	struct file_out *f = file_create(path, &e);
	CHECK(!safetensors_write(s, f, &e) && !file_commit(f, &e));
	safetensors_free(s);
	char bytes[1000];
	FILE *in = fopen(path, "rb");
	size_t n = fread(bytes, 1, sizeof bytes, in);
	fclose(in);
	for (size_t cut = 0; cut < n; cut++) {
		put(bytes, cut);
		e.set = false;
		s = safetensors_read(path, &e);
		CHECK(!s && e.set);
		safetensors_free(s);
	}
	bytes[n] = 0;
	put(bytes, n + 1);
	CHECK(refused("behind the last tensor"));
}

UNIT(hostile_headers_are_refused)
{
	put("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10);
	CHECK(refused("no safetensors file"));
	put_header("[]", 0);
	CHECK(refused("no JSON object"));
	put_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4);
	CHECK(refused("do not fit its shape"));
	put_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0);
	CHECK(refused("shape that cannot be"));
	put_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4);
	CHECK(refused("shape that cannot be"));
	put_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}", 12);
	CHECK(refused("does not follow"));
	put_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
	CHECK(refused("does not follow"));
	put_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4);
	CHECK(refused("dimensions"));
	put_header("{\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4);
	CHECK(refused("BF16"));
	put_header("{\"a\":{\"dtype\":\"F32\"}}", 0);
	CHECK(refused("lacks"));
	put_header("{\"__metadata__\":{\"genes\":5}}", 0);
	CHECK(refused("no text"));
	put_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8);
	CHECK(refused("no JSON object"));
}

int main(void)
{
	static const struct unit units[] = { RUN(what_is_written_is_read), RUN(every_cut_is_noticed), RUN(hostile_headers_are_refused) };
	close(mkstemp(path));
	int status = unit_main(units, 3);
	unlink(path);
	return status;
}
