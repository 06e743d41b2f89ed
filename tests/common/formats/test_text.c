#include "unit.h"
#include "base/file.h"
#include "base/mem.h"
#include "formats/lines.h"
#include "formats/table.h"
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

/* A scratch file with these bytes; its path stays valid until the next call. */
static const char *file_of(const void *bytes, size_t n)
{
	static char path[64];
	struct err e = { 0 };
	snprintf(path, sizeof path, "/tmp/pertpipe-test-%ld", (long)getpid());
	struct file_out *f = file_create(path, &e);
	if (!f || file_write(f, bytes, n, &e) || file_commit(f, &e))
		printf("# %s\n", e.text);
	return path;
}

static size_t gzip(const char *text, uint8_t *out, size_t room)
{
	z_stream z = { 0 };
	deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	z.next_in = (Bytef *)(uintptr_t)text;
	z.avail_in = (uInt)strlen(text);
	z.next_out = out;
	z.avail_out = (uInt)room;
	deflate(&z, Z_FINISH);
	size_t n = room - z.avail_out;
	deflateEnd(&z);
	return n;
}

/* All lines with | between them; "!" and the message for a failure. */
static const char *all_lines(const char *path)
{
	static char out[4000];
	struct err e = { 0 };
	struct lines *l = lines_open(path, &e);
	char *line;
	size_t n, used = 0;
	int more = -1;
	out[0] = 0;
	while (l && (more = lines_next(l, &line, &n, &e)) > 0)
		used += (size_t)snprintf(out + used, sizeof out - used, "%s|", line);
	if (more < 0)
		snprintf(out + used, sizeof out - used, "!%s", e.text);
	lines_close(l);
	unlink(path);
	return out;
}

UNIT(lines_of_every_packing)
{
	uint8_t packed[400];
	CHECK(!strcmp(all_lines(file_of("a\r\n\nb", 5)), "a||b|"));
	CHECK(!strcmp(all_lines(file_of("\xef\xbb\xbf" "a\n", 5)), "a|"));
	CHECK(!strcmp(all_lines(file_of("", 0)), ""));
	size_t n = gzip("one\ntw", packed, sizeof packed);
	n += gzip("o\nthree\n", packed + n, sizeof packed - n);
	CHECK(!strcmp(all_lines(file_of(packed, n)), "one|two|three|"));
	CHECK(strstr(all_lines(file_of(packed, n - 9)), "truncated"));
	packed[n / 2 + 15] ^= 0x55;
	CHECK(strchr(all_lines(file_of(packed, n)), '!'));
	n = ZSTD_compress(packed, sizeof packed, "x\ny\n", 4, 3);
	CHECK(!strcmp(all_lines(file_of(packed, n)), "x|y|"));
	CHECK(strstr(all_lines(file_of(packed, n - 2)), "truncated"));
	CHECK(strstr(all_lines(file_of("a\0b\n", 4)), "NUL"));
}

/* More text than a step of the decompressor, in lines that cross its steps. */
UNIT(long_compressed_text)
{
	size_t n = 3000000;
	char *text = mem_array(n + 1, 1);
	for (size_t i = 0; i < n; i++)
		text[i] = i % 1000 == 999 ? '\n' : 'a';
	text[n] = 0;
	uint8_t *packed = mem_array(n, 1);
	struct err e = { 0 };
	struct lines *l = lines_open(file_of(packed, gzip(text, packed, n)), &e);
	char *line;
	size_t len, lines = 0;
	while (lines_next(l, &line, &len, &e) > 0) {
		CHECK(len == 999);
		lines++;
	}
	CHECK(lines == 3000 && !e.set && lines_number(l) == 3000);
	lines_close(l);
	unlink(file_of("", 0));
	mem_free(text);
	mem_free(packed);
}

static enum pmx_type type_of(const char *a, const char *b, const char *c)
{
	const char *text[3] = { a, b, c };
	struct typed t;
	typed_from_text(&t, text, 3, TYPED_GUESS);
	enum pmx_type type = t.type;
	typed_free(&t);
	return type;
}

UNIT(types_of_columns)
{
	CHECK(type_of("True", "FALSE", "NA") == PMX_BOOL);
	CHECK(type_of("true", "False", "True") == PMX_CATEGORY);
	CHECK(type_of("0", "-12", "") == PMX_I64);
	CHECK(type_of("1", "2.5", "1e300") == PMX_F64);
	CHECK(type_of("1", "inf", "-Inf") == PMX_F64);
	CHECK(type_of("007", "1", "2") == PMX_CATEGORY);
	CHECK(type_of("0.5", "007", "2") == PMX_CATEGORY);
	CHECK(type_of("12345678901234567890", "1", "2") == PMX_CATEGORY);
	CHECK(type_of("-0", "1.5", "2") == PMX_F64);
	CHECK(type_of("1", "2x", "3") == PMX_CATEGORY);
	CHECK(type_of("1", " 2", "3") == PMX_CATEGORY);
	CHECK(type_of("0x10", "1", "1") == PMX_CATEGORY);
	CHECK(type_of("NA", "", "nan") == PMX_F64);
}

UNIT(values_of_columns)
{
	const char *text[] = { "b", "NA", "a", "b", NULL };
	struct typed t;
	typed_from_text(&t, text, 5, TYPED_GUESS);
	CHECK(t.values->n == 2 && !strcmp(t.values->at[0], "a") && !strcmp(t.values->at[1], "b"));
	CHECK(t.column->u32[0] == 1 && t.column->u32[1] == PMX_MISSING_CODE && t.column->u32[2] == 0 && t.column->u32[4] == PMX_MISSING_CODE);
	typed_free(&t);
	typed_from_text(&t, text, 5, TYPED_VERBATIM);
	CHECK(t.values->n == 3 && t.column->u32[1] == 0 && t.column->u32[4] == PMX_MISSING_CODE);
	typed_free(&t);
	const char *numbers[] = { "10", "9", "NA" };
	typed_from_text(&t, numbers, 3, TYPED_LABELS);
	CHECK(t.type == PMX_CATEGORY && t.values->n == 2 && !strcmp(t.values->at[0], "10"));
	typed_free(&t);
	typed_from_text(&t, numbers, 3, TYPED_GUESS);
	CHECK(t.column->i64[1] == 9 && t.column->i64[2] == PMX_MISSING_I64);
	typed_free(&t);
}

UNIT(many_different_texts_are_no_labels)
{
	enum { N = 1500 };
	static char word[N][8];
	const char *text[N];
	struct typed t;
	for (int i = 0; i < N; i++) {
		snprintf(word[i], sizeof word[i], "w%d", i);
		text[i] = word[i];
	}
	typed_from_text(&t, text, N, TYPED_GUESS);
	CHECK(t.type == PMX_TEXT && t.column->text[7] == word[7]);
	typed_free(&t);
	typed_from_text(&t, text, N, TYPED_LABELS);
	CHECK(t.type == PMX_CATEGORY);
	typed_free(&t);
	text[1] = text[0];
	typed_from_text(&t, text, N, TYPED_GUESS);
	CHECK(t.type == PMX_CATEGORY);
	typed_free(&t);
}

static struct table *table_of(const char *text, struct err *e)
{
	*e = (struct err){ 0 };
	const char *path = file_of(text, strlen(text));
	struct table *t = table_read(path, 1 << 20, e);
	unlink(path);
	return t;
}

UNIT(tables)
{
	struct err e;
	struct table *t = table_of("cell\tx\n\"a\tb\"\t\"say \"\"hi\"\"\"\n\nc\t\n", &e);
	CHECK(t && t->n_rows == 2 && t->n_columns == 2 && t->line[1] == 4);
	CHECK(t && !strcmp(t->field[0], "a\tb") && !strcmp(t->field[1], "say \"hi\"") && !strcmp(t->field[3], ""));
	CHECK(t && table_need(t, "x", &e) == 1 && table_need(t, "y", &e) == SIZE_MAX && strstr(e.text, "cell, x"));
	table_free(t);
	t = table_of("x,y\nr1,1,2\nr2,3,4\n", &e);
	CHECK(t && t->n_columns == 3 && !strcmp(t->head[0], "") && !strcmp(t->field[5], "4"));
	table_free(t);
	CHECK(!table_of("a\tb\n1\t2\n1\n", &e) && strstr(e.text, "line 3"));
	CHECK(!table_of("a\ta\n1\t2\n", &e) && strstr(e.text, "two columns"));
	CHECK(!table_of("a\tb\n1\t\"2\n", &e) && strstr(e.text, "quote"));
	CHECK(!table_of("a\tb\n1\t\xff\n", &e) && strstr(e.text, "UTF-8"));
	CHECK(!table_of("", &e) && strstr(e.text, "empty"));
}

UNIT(picking_makes_missing_values)
{
	uint32_t row[] = { 1, UINT32_MAX };
	struct pmx_column *c = pmx_column_new(PMX_I64, 2, 1);
	c->i64[1] = 5;
	struct pmx_column *p = column_pick(c, row, 2);
	CHECK(p->i64[0] == 5 && p->i64[1] == PMX_MISSING_I64);
	pmx_column_free(c);
	pmx_column_free(p);
	c = pmx_column_new(PMX_F32, 2, 3);
	c->f32[5] = 2;
	p = column_pick(c, row, 2);
	CHECK(p->f32[2] == 2 && isnan(p->f32[3]) && isnan(p->f32[5]));
	pmx_column_free(c);
	pmx_column_free(p);
}

UNITS(RUN(lines_of_every_packing), RUN(long_compressed_text), RUN(types_of_columns), RUN(values_of_columns),
      RUN(many_different_texts_are_no_labels), RUN(tables), RUN(picking_makes_missing_values))
