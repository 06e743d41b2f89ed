#include "cli/values.h"
#include "base/mem.h"
#include "base/text.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cli_text_name(struct cli_text *t, const char *s)
{
	if (*s != '"' && !strpbrk(s, "\t\r\n")) {
		cli_text_put(t, s);
		return;
	}
	cli_text_put(t, "\"");
	for (; *s; s++)
		cli_text_put(t, *s == '"' ? "\"\"" : (char[]){ *s, 0 });
	cli_text_put(t, "\"");
}

static void put_f32(struct cli_text *t, float v)
{
	char text[TEXT_F64];
	int digits = 6;
	if (!isfinite(v) || v == floorf(v)) {
		cli_text_f64(t, (double)v);
		return;
	}
	do
		snprintf(text, sizeof text, "%.*g", digits, (double)v);
	while (strtof(text, NULL) != v && ++digits <= 9);
	cli_text_put(t, text);
}

void cli_text_number(struct cli_text *t, double v, bool as_float)
{
	if (v == 0)
		cli_text_put(t, "0");
	else if (as_float)
		put_f32(t, (float)v);
	else
		cli_text_f64(t, v);
}

static void put_value(struct cli_text *t, const struct pmx_field *f, const struct pmx_column *c, size_t i)
{
	char text[TEXT_F64];
	if (pmx_is_matrix(f) && c->type != PMX_U32)
		cli_text_number(t, c->type == PMX_F32 ? (double)c->f32[i] : c->f64[i], c->type == PMX_F32);
	else if (pmx_is_matrix(f) && c->u32[i] == UINT32_MAX)
		cli_text_put(t, "NA");
	else
		cli_text_name(t, pmx_column_text(f, c, i, text, sizeof text));
}

void cli_text_values(struct cli_text *t, const struct pmx_field *f, const struct pmx_column *c, size_t row)
{
	for (size_t k = 0; k < c->width; k++) {
		cli_text_put(t, k ? "\t" : "");
		put_value(t, f, c, row * c->width + k);
	}
}

void cli_text_heads(struct cli_text *t, const struct pmx_field *f)
{
	if (!pmx_is_matrix(f))
		cli_text_name(t, f->name);
	for (uint32_t k = 0; pmx_is_matrix(f) && k < f->width; k++) {
		char *name = mem_print("%s_%" PRIu32, f->name, k + 1);
		cli_text_put(t, k ? "\t" : "");
		cli_text_name(t, name);
		mem_free(name);
	}
}
