/* Conditions: what they select, what a label alone decides, and where a wrong one is wrong. */
#include "unit.h"
#include "base/mem.h"
#include "stream/where.h"
#include <string.h>

static const char *const cell[] = { "c1", "c2", "c 3", "it's", NULL };
static const uint32_t target[] = { 0, 1, 2, PMX_MISSING_CODE, 1 };
static const uint8_t flag[] = { 0, 1, 2, 1, 0 };
static const int64_t count[] = { 1, 9007199254740993, -5, PMX_MISSING_I64, 500 };
static const double score[] = { 0.5, NAN, -1, 2, INFINITY };

static struct pmx_schema *schema(void)
{
	struct pmx_schema *s = pmx_schema_new(PMX_CELLS, 0);
	pmx_add_obs(s, "cell", PMX_TEXT);
	struct names *v = pmx_add_obs(s, "target", PMX_CATEGORY)->values;
	names_add(v, "NT", NULL);
	names_add(v, "A B", NULL);
	names_add(v, "C", NULL);
	pmx_add_obs(s, "flag", PMX_BOOL);
	pmx_add_obs(s, "count", PMX_I64);
	pmx_add_obs(s, "a score", PMX_F64);
	pmx_add_obsm(s, "X_pca", PMX_F64, 2);
	s->row_names = mem_text("cell");
	return s;
}

static struct pmx_block *block(const struct pmx_schema *s)
{
	struct pmx_block *b = pmx_block_new(0, 5);
	struct pmx_column c = { .n = 5, .width = 1 };
	c.type = PMX_TEXT;
	c.text = (const char **)(uintptr_t)cell;
	pmx_block_put_column(b, &s->field[0], &c);
	c.type = PMX_CATEGORY;
	c.u32 = (uint32_t *)(uintptr_t)target;
	pmx_block_put_column(b, &s->field[1], &c);
	c.type = PMX_BOOL;
	c.flag = (uint8_t *)(uintptr_t)flag;
	pmx_block_put_column(b, &s->field[2], &c);
	c.type = PMX_I64;
	c.i64 = (int64_t *)(uintptr_t)count;
	pmx_block_put_column(b, &s->field[3], &c);
	c.type = PMX_F64;
	c.f64 = (double *)(uintptr_t)score;
	pmx_block_put_column(b, &s->field[4], &c);
	return b;
}

/* `expected`: a digit for each row that is selected. */
static void selects(const char *text, const char *expected)
{
	struct err e = { 0 };
	struct pmx_schema *s = schema();
	struct pmx_block *b = block(s);
	struct pmx_where *w = pmx_where_parse(text, s, &e);
	char got[6] = "";
	bool keep[5] = { false };
	if (w && !pmx_where_rows(w, b, keep, &e))
		for (int r = 0; r < 5; r++)
			if (keep[r])
				snprintf(got + strlen(got), 2, "%d", r);
	if (!w || strcmp(got, expected))
		printf("# %s: '%s', not '%s'; %s\n", text, got, expected, e.text);
	CHECK(w && !strcmp(got, expected));
	struct pmx_where *form = pmx_where_parse(text, NULL, &e);
	CHECK(form);
	pmx_where_free(form);
	pmx_where_free(w);
	pmx_block_free(b);
	pmx_schema_free(s);
}

/* The failure says `why` and marks the place `column` (from 0). */
static void fails(const char *text, const char *why, int column, bool in_form)
{
	struct err e = { 0 };
	struct pmx_schema *s = schema();
	struct pmx_where *w = pmx_where_parse(text, s, &e);
	const char *last = strrchr(e.text, '\n');
	int at = last ? (int)strlen(last) - 4 : -1;
	if (w || !strstr(e.text, why) || at != column)
		printf("# %s: mark at %d: %s\n", text, at, e.text);
	CHECK(!w && strstr(e.text, why) && at == column);
	struct err form = { 0 };
	w = pmx_where_parse(text, NULL, &form);
	CHECK(!w == in_form);
	pmx_where_free(w);
	pmx_schema_free(s);
}

UNIT(comparisons)
{
	selects("target = NT", "0");
	selects("target != NT", "124");
	selects("target in (NT, C)", "02");
	selects("target not in (NT,C)", "14");
	selects("target == 'A B'", "14");
	selects("cell = \"c 3\"", "2");
	selects("cell in ('it''s', c1)", "03");
	selects("flag = true", "13");
	selects("flag != TRUE", "04");
	selects("count > 1", "14");
	selects("count >= -5 and count<2", "02");
	selects("count = 9007199254740993", "1");
	selects("count = 9007199254740992", "");
	selects("count = 1e0", "0");
	selects("count in (1, 500, 7)", "04");
	selects("'a score' <= 0.5", "02");
	selects("'a score' > 1e300", "4");
	selects("'a score' = inf", "4");
	selects("count < 1.5", "02");
}

UNIT(missing_values)
{
	selects("target is missing", "3");
	selects("target is not missing", "0124");
	selects("cell is missing or flag is missing or count is missing or 'a score' is missing", "1234");
	selects("not target = NT", "124");
	selects("not (target = NT or count = 1)", "124");
	selects("target != NT or flag = true", "1234");
	selects("not flag = true and count is not missing", "04");
}

UNIT(binding)
{
	selects("target = NT or target = C and count = 7", "0");
	selects("(target = NT or target = C) and count = 1", "0");
	selects("not target = NT and count > 0", "14");
	selects("not (target = NT and count > 0)", "124");
	selects("NOT not target = NT", "0");
	selects("((((count = 500))))", "4");
}

UNIT(labels_that_are_not_there)
{
	struct err e = { 0 };
	struct pmx_schema *s = schema();
	struct pmx_where *w = pmx_where_parse("target in (NT, XY)", s, &e);
	CHECK(w && strstr(pmx_where_note(w, 0), "no label 'XY'") && strstr(pmx_where_note(w, 0), "NT, A B, C") && !pmx_where_note(w, 1));
	pmx_where_free(w);
	pmx_schema_free(s);
	selects("target in (NT, XY)", "0");
}

UNIT(what_is_wrong_is_pointed_at)
{
	fails("targe = NT", "no row column 'targe'", 0, false);
	fails("target = ", "ends where a value", 9, true);
	fails("target NT", "'NT' stands where =", 7, true);
	fails("target < NT", "no order", 7, false);
	fails("count = abc", "'abc' is none", 8, false);
	fails("count = nan", "'nan' is none", 8, false);
	fails("flag = 1", "true or false", 7, false);
	fails("(target = NT", "ends where and, or or )", 12, true);
	fails("target = NT)", "')' stands where and, or or the end", 11, true);
	fails("target in NT", "( and a list", 10, true);
	fails("target in (NT C)", "a comma or )", 14, true);
	fails("target is gone", "missing", 10, true);
	fails("target = 'NT", "quote does not end", 9, true);
	fails("and target = NT", "name of a row column", 0, true);
	fails("X_pca = 1", "row matrix", 0, false);
	fails("", "ends where the name", 0, true);
	fails("cell = '\xc3\xa4\xc3\xb6' x", "'x' stands", 12, true);
	char deep[1000];
	memset(deep, '(', 999);
	deep[999] = 0;
	struct err e = { 0 };
	CHECK(!pmx_where_parse(deep, NULL, &e) && strstr(e.text, "too deeply"));
}

static unsigned possible(const char *text)
{
	struct err e = { 0 };
	struct pmx_schema *s = schema();
	struct pmx_where *w = pmx_where_parse(text, s, &e);
	unsigned found = 0;
	for (uint32_t code = 0; w && code < 3; code++)
		found |= (unsigned)pmx_where_possible(w, 1, code) << code;
	found |= (unsigned)pmx_where_possible(w, 1, PMX_MISSING_CODE) << 3;
	pmx_where_free(w);
	pmx_schema_free(s);
	return found;
}

/* Bits: NT, A B, C, missing. */
UNIT(what_a_label_alone_rules_out)
{
	CHECK(possible("target = NT") == 1);
	CHECK(possible("target != NT") == 6);
	CHECK(possible("not target = NT") == 6);
	CHECK(possible("target is missing") == 8);
	CHECK(possible("target = C and count > 3") == 4);
	CHECK(possible("target = C or count > 3") == 15);
	CHECK(possible("not (target = C or count > 3)") == 3);
	CHECK(possible("target in (NT, C) and not target = C") == 1);
	CHECK(possible("count is missing") == 15);
	CHECK(possible("target = NT and target = C") == 0);
}

UNITS(RUN(comparisons), RUN(missing_values), RUN(binding), RUN(labels_that_are_not_there), RUN(what_is_wrong_is_pointed_at),
      RUN(what_a_label_alone_rules_out))
