#include "unit.h"
#include "base/mem.h"
#include "report/markup.h"
#include "report/sheet.h"
#include <string.h>
#include <unistd.h>

static const char *file_of(const char *text)
{
	static char path[] = "/tmp/pertpipe-sheet-XXXXXX";
	strcpy(path + sizeof path - 7, "XXXXXX");
	int fd = mkstemp(path);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	return path;
}

UNIT(a_table_is_written_as_it_is_read)
{
	const char *text = "a\tb\n1\t\"tab\there\"\n\"\"\"quoted\"\tx\nNA\t\n", *path = file_of(text);
	struct err e = { 0 };
	struct sheet *s = sheet_read(path, "target", 10, 1000, &e);
	struct bytes b = { 0 };
	CHECK(s && !e.set && s->n_all == 0);
	sheet_tsv(s, sheet_rows(s), &b);
	char *out = markup_take(&b);
	CHECK(!strcmp(out, text));
	CHECK(!strcmp(sheet_cell(s, 0, 1), "tab\there") && !strcmp(sheet_cell(s, 1, 0), "\"quoted"));
	CHECK(!sheet_is_numeric(s, 0) && sheet_value(s, 0, 0) == 1 && isnan(sheet_value(s, 1, 0)));
	mem_free(out);
	sheet_free(s);
	unlink(path);
}

/* 7 labels of 100 rows each, in turn: the same number of first rows of each. */
UNIT(what_does_not_fit_is_cut_evenly)
{
	struct bytes b = { 0 };
	markup_put(&b, "target\trank\n");
	for (int i = 0; i < 700; i++)
		markup_print(&b, "t%d\t%d\n", i % 7, i / 7);
	char *text = markup_take(&b);
	const char *path = file_of(text);
	struct err e = { 0 };
	struct sheet *s = sheet_read(path, "target", 200, 1 << 20, &e);
	CHECK(s && s->n_all == 700);
	size_t rows = s ? sheet_rows(s) : 0;
	CHECK(rows <= 200 && rows >= 70 && rows % 7 == 0);
	for (size_t r = 0; r < rows; r++)
		CHECK(sheet_value(s, r, 1) == (double)(r / 7));
	sheet_free(s);
	/* By bytes of text. */
	s = sheet_read(path, "target", 100000, 600, &e);
	CHECK(s && s->text.n <= 620 && sheet_rows(s) >= 7 && sheet_rows(s) % 7 == 0);
	sheet_free(s);
	/* Without the column: the first ones. */
	s = sheet_read(path, "nothing", 50, 1 << 20, &e);
	CHECK(s && sheet_rows(s) == 50 && s->n_all == 700);
	sheet_free(s);
	mem_free(text);
	unlink(path);
}

UNIT(more_labels_than_rows)
{
	struct bytes b = { 0 };
	markup_put(&b, "target\trank\n");
	for (int i = 0; i < 900; i++)
		markup_print(&b, "t%d\t%d\n", i / 3, i % 3);
	char *text = markup_take(&b);
	const char *path = file_of(text);
	struct err e = { 0 };
	struct sheet *s = sheet_read(path, "target", 100, 1 << 20, &e);
	CHECK(s && sheet_rows(s) == 100 && s->n_all == 900);
	for (size_t r = 0; s && r < sheet_rows(s); r++)
		CHECK(sheet_value(s, r, 1) == 0);
	sheet_free(s);
	mem_free(text);
	unlink(path);
}

UNIT(a_broken_table_is_named)
{
	static const char *const broken[][2] = { { "", "empty" }, { "a\tb\n1\n", "line 2" }, { "a\tb\n\"1\t2\n", "quote" } };
	for (size_t i = 0; i < 3; i++) {
		const char *path = file_of(broken[i][0]);
		struct err e = { 0 };
		CHECK(!sheet_read(path, NULL, 10, 1000, &e) && e.set && strstr(e.text, broken[i][1]) && strstr(e.text, path));
		unlink(path);
	}
}

UNIT(empty_columns_go)
{
	struct sheet *s = sheet_new("a b c");
	sheet_text(s, "x");
	sheet_text(s, NULL);
	sheet_number(s, NAN);
	sheet_text(s, NULL);
	sheet_text(s, NULL);
	sheet_count(s, 3);
	s = sheet_without_empty(s);
	CHECK(s->n_columns == 2 && !strcmp(s->head[1], "c") && sheet_rows(s) == 2 && !strcmp(sheet_cell(s, 1, 1), "3"));
	CHECK(sheet_is_numeric(s, 1) && sheet_find(s, "b") == SIZE_MAX);
	sheet_free(s);
}

UNITS(RUN(a_table_is_written_as_it_is_read), RUN(what_does_not_fit_is_cut_evenly), RUN(more_labels_than_rows), RUN(a_broken_table_is_named), RUN(empty_columns_go))
