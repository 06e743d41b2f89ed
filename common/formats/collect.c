#include "formats/collect.h"
#include "base/mem.h"
#include "stream/codec.h"
#include <string.h>

struct held {
	struct bytes values;            /* texts: one after the other with their NULs */
	size_t *offset;                 /* of texts; SIZE_MAX is missing */
	size_t offset_cap;
	struct pmx_column *column;
};

struct collected {
	const struct pmx_schema *s;
	bool matrices;
	struct held *held;
	size_t n_rows;
};

struct collected *collect_new(const struct pmx_schema *s, bool matrices)
{
	struct collected *c = mem_zero(1, sizeof *c);
	c->s = s;
	c->matrices = matrices;
	c->held = mem_zero(s->n_fields, sizeof *c->held);
	return c;
}

void collect_free(struct collected *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->s->n_fields; i++) {
		bytes_free(&c->held[i].values);
		mem_free(c->held[i].offset);
		pmx_column_free(c->held[i].column);
	}
	mem_free(c->held);
	mem_free(c);
}

static bool wanted(const struct collected *c, size_t i)
{
	const struct pmx_field *f = &c->s->field[i];
	return f->class == PMX_OBS && (c->matrices || !f->matrix);
}

void collect_want(const struct collected *c, struct pmx_reader *r)
{
	for (size_t i = 0; i < c->s->n_fields; i++)
		if (wanted(c, i))
			pmx_want(r, i);
}

static void add_texts(struct held *h, const struct pmx_column *c, size_t n_before)
{
	mem_room(&h->offset, &h->offset_cap, n_before + c->n, sizeof *h->offset);
	for (size_t i = 0; i < c->n; i++) {
		h->offset[n_before + i] = c->text[i] ? h->values.n : SIZE_MAX;
		if (c->text[i])
			bytes_add(&h->values, c->text[i], strlen(c->text[i]) + 1);
	}
}

int collect_block(struct collected *c, struct pmx_block *b, struct err *e)
{
	for (size_t i = 0; i < c->s->n_fields; i++) {
		if (!wanted(c, i))
			continue;
		const struct pmx_column *column = pmx_block_column(b, c->s, i, e);
		if (!column)
			return -1;
		if (column->type == PMX_TEXT)
			add_texts(&c->held[i], column, c->n_rows);
		else
			bytes_add(&c->held[i].values, column->flag, column->n * column->width * pmx_type_size(column->type));
	}
	c->n_rows += b->n_rows;
	return 0;
}

size_t collect_n_rows(const struct collected *c)
{
	return c->n_rows;
}

const struct pmx_column *collect_column(struct collected *c, size_t field)
{
	struct held *h = &c->held[field];
	const struct pmx_field *f = &c->s->field[field];
	if (!wanted(c, field) || h->column)
		return h->column;
	if (f->type == PMX_TEXT) {
		h->column = pmx_column_new(PMX_TEXT, c->n_rows, 1);
		for (size_t i = 0; i < c->n_rows; i++)
			h->column->text[i] = h->offset[i] == SIZE_MAX ? NULL : (const char *)h->values.at + h->offset[i];
		return h->column;
	}
	if (!h->values.at)
		bytes_room(&h->values, 1);
	h->column = mem_zero(1, sizeof *h->column);
	*h->column = (struct pmx_column){ .type = f->type, .n = c->n_rows, .width = f->width, .flag = h->values.at, .borrowed = true };
	return h->column;
}
