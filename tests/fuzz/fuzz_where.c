/* Conditions of pmx-select, on rows with a value and a missing one of every type. */
#include "fuzz.h"
#include "base/mem.h"
#include "stream/where.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_ROWS = 3 };

static struct pmx_schema *schema_of_all_types(void)
{
	struct pmx_schema *s = pmx_schema_new(PMX_CELLS, 0);
	pmx_add_obs(s, "cell", PMX_TEXT);
	struct pmx_field *f = pmx_add_obs(s, "gene", PMX_CATEGORY);
	names_add(f->values, "NT", NULL);
	names_add(f->values, "it's", NULL);
	pmx_add_obs(s, "ok", PMX_BOOL);
	pmx_add_obs(s, "n", PMX_I64);
	pmx_add_obs(s, "score", PMX_F64);
	return s;
}

static struct pmx_block *block_of_all_types(const struct pmx_schema *s)
{
	static const char *text[N_ROWS] = { "a", NULL, "" };
	static uint32_t code[N_ROWS] = { 1, PMX_MISSING_CODE, 0 };
	static uint8_t flag[N_ROWS] = { 1, PMX_MISSING_BOOL, 0 };
	static int64_t whole[N_ROWS] = { -5, PMX_MISSING_I64, INT64_MAX };
	double number[N_ROWS] = { 0.5, NAN, -INFINITY };
	void *const values[] = { text, code, flag, whole, number };
	struct pmx_block *b = pmx_block_new(0, N_ROWS);
	for (size_t f = 0; f < s->n_fields; f++) {
		struct pmx_column c = { .type = s->field[f].type, .n = N_ROWS, .width = 1, .f64 = values[f] };
		pmx_block_put_column(b, &s->field[f], &c);
	}
	return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 }, form = { 0 };
	bool keep[N_ROWS];
	char *text = mem_textn((const char *)data, size);
	struct pmx_schema *s = schema_of_all_types();
	struct pmx_where *w = pmx_where_parse(text, s, &e), *formal = pmx_where_parse(text, NULL, &form);
	/* What can be used is well formed. */
	if (w && !formal)
		abort();
	if (w) {
		struct pmx_block *b = block_of_all_types(s);
		if (!pmx_where_rows(w, b, keep, &e))
			for (size_t i = 0; i < N_ROWS; i++) {
				const uint32_t code[] = { 1, PMX_MISSING_CODE, 0 };
				/* A group that cannot be selected holds no row that is. */
				if (keep[i] && !pmx_where_possible(w, 1, code[i]))
					abort();
			}
		for (size_t i = 0; pmx_where_note(w, i); i++)
			;
		pmx_block_free(b);
	}
	pmx_where_free(w);
	pmx_where_free(formal);
	pmx_schema_free(s);
	mem_free(text);
	return 0;
}
