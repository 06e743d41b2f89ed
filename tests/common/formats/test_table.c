/* Tables from text: types, quotes, missing values, packed files, and what is refused. */
#include "unit.h"
#include "base/mem.h"
#include "formats/table.h"
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

static char path[200];

static const char *put(const void *bytes, size_t n)
{
	const char *dir = getenv("TMPDIR");
	snprintf(path, sizeof path, "%s/pertpipe-table-%ld", dir && *dir ? dir : "/tmp", (long)getpid());
	FILE *f = fopen(path, "wb");
	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f))
		abort();
	return path;
}

static struct table *read_text(const char *text, struct err *e)
{
	struct table *t = table_read(put(text, strlen(text)), 1 << 20, e);
	unlink(path);
	return t;
}

static const char *at(const struct table *t, size_t row, size_t column)
{
	return t->field[row * t->n_columns + column];
}

static void fails(const char *text, const char *why)
{
	struct err e = { 0 };
	struct table *t = read_text(text, &e);
	CHECK(!t);
	CHECK(strstr(e.text, why));
	if (!strstr(e.text, why))
		printf("# got: %s\n", e.text);
	table_free(t);
}

UNIT(rows_and_quotes)
{
	struct err e = { 0 };
	struct table *t = read_text("\xef\xbb\xbf" "cell,\"a b\",c\r\nx,\"1,5\",\"say \"\"hi\"\"\"\r\n\"y\",,2\n", &e);
	CHECK(t);
	if (!t)
		return;
	CHECK(t->n_rows == 2 && t->n_columns == 3);
	CHECK(!strcmp(t->head[0], "cell") && !strcmp(t->head[1], "a b"));
	CHECK(!strcmp(at(t, 0, 1), "1,5") && !strcmp(at(t, 0, 2), "say \"hi\""));
	CHECK(!strcmp(at(t, 1, 0), "y") && !*at(t, 1, 1) && !strcmp(at(t, 1, 2), "2"));
	CHECK(t->line[1] == 3);
	CHECK(table_need(t, "c", &e) == 2);
	CHECK(table_need(t, "d", &e) == SIZE_MAX && strstr(e.text, "cell, a b, c"));
	table_free(t);
}

UNIT(a_header_as_r_writes_it)
{
	struct err e = { 0 };
	struct table *t = read_text("a\tb\nx\t1\t2\n", &e);
	CHECK(t && t->n_columns == 3 && !*t->head[0] && !strcmp(t->head[2], "b"));
	table_free(t);
}

UNIT(what_is_refused)
{
	fails("", "is empty");
	fails("a\ta\n1\t2\n", "two columns 'a'");
	fails("a\tb\n1\t2\t3\n1\n", "line 3");
	fails("a,b\n\"1,2\n", "quote");
	fails("a\tb\n\xff\t2\n", "UTF-8");
}

UNIT(packed_text_reads_alike)
{
	const char text[] = "cell\tn\nx\t1\ny\t2\n";
	struct err e = { 0 };
	char packed[300];
	size_t n = ZSTD_compress(packed, sizeof packed, text, sizeof text - 1, 1);
	struct table *t = table_read(put(packed, n), 1 << 20, &e);
	CHECK(t && t->n_rows == 2 && !strcmp(at(t, 1, 1), "2"));
	table_free(t);
	t = table_read(put(packed, n - 3), 1 << 20, &e);
	CHECK(!t && e.set);
	table_free(t);
	unlink(path);

	gzFile gz = gzopen(path, "wb");
	gzwrite(gz, text, sizeof text - 1);
	gzclose(gz);
	e = (struct err){ 0 };
	t = table_read(path, 1 << 20, &e);
	CHECK(t && t->n_rows == 2 && !strcmp(at(t, 0, 0), "x"));
	table_free(t);
	unlink(path);
}

UNIT(memory_is_bounded)
{
	struct err e = { 0 };
	struct table *t = table_read(put("a\tb\n1\t2\n3\t4\n", 12), 20, &e);
	CHECK(!t && strstr(e.text, "--memory"));
	table_free(t);
	unlink(path);
}

static enum pmx_type type_of(const char *a, const char *b, const char *c)
{
	const char *text[] = { a, b, c };
	struct typed t;
	typed_from_text(&t, text, 3, false);
	enum pmx_type type = t.type;
	typed_free(&t);
	return type;
}

UNIT(types_from_text)
{
	CHECK(type_of("1", "NA", "-3") == PMX_I64);
	CHECK(type_of("1", "2.5", "") == PMX_F64);
	CHECK(type_of("1e3", "inf", "nan") == PMX_F64);
	CHECK(type_of("True", "FALSE", "NA") == PMX_BOOL);
	CHECK(type_of("True", "1", "0") == PMX_CATEGORY);
	CHECK(type_of("007", "008", "009") == PMX_CATEGORY);
	CHECK(type_of("-9223372036854775808", "1", "2") != PMX_I64);
	CHECK(type_of("NA", "", "null") == PMX_F64);
}

UNIT(labels_in_the_order_of_their_bytes)
{
	const char *text[] = { "b", "a", NULL, "B", "b" };
	struct typed t;
	typed_from_text(&t, text, 5, false);
	CHECK(t.type == PMX_CATEGORY && t.values->n == 3);
	CHECK(!strcmp(t.values->at[0], "B") && !strcmp(t.values->at[1], "a") && !strcmp(t.values->at[2], "b"));
	CHECK(t.column->u32[0] == 2 && t.column->u32[1] == 1 && t.column->u32[2] == PMX_MISSING_CODE && t.column->u32[3] == 0);
	uint32_t pick[] = { 3, UINT32_MAX, 0 };
	struct pmx_column *c = column_pick(t.column, pick, 3);
	CHECK(c->u32[0] == 0 && c->u32[1] == PMX_MISSING_CODE && c->u32[2] == 2);
	pmx_column_free(c);
	typed_free(&t);
	const char *numbers[] = { "2", "1" };
	typed_from_text(&t, numbers, 2, true);
	CHECK(t.type == PMX_CATEGORY && t.column->u32[0] == 1);
	typed_free(&t);
}

UNITS(RUN(rows_and_quotes), RUN(a_header_as_r_writes_it), RUN(what_is_refused), RUN(packed_text_reads_alike), RUN(memory_is_bounded),
      RUN(types_from_text), RUN(labels_in_the_order_of_their_bytes))
