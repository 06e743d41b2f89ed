/* New rows cut into blocks, and blocks that wait for new columns. */
#include "stream/writer.h"
#include "base/mem.h"
#include <assert.h>
#include <string.h>

struct open_field {
	struct bytes values, lengths;
	struct byte8 index, value;
};

struct pmx_filler {
	struct pmx_writer *w;
	const struct pmx_schema *s;
	struct open_field *open;
	size_t n_rows, block_rows;
	uint64_t n_bytes;
};

struct pmx_filler *pmx_filler_new(struct pmx_writer *w, size_t block_rows)
{
	struct pmx_filler *l = mem_zero(1, sizeof *l);
	l->w = w;
	l->s = pmx_writer_schema(w);
	l->open = mem_zero(l->s->n_fields, sizeof *l->open);
	l->block_rows = block_rows;
	return l;
}

void pmx_filler_free(struct pmx_filler *l)
{
	if (!l)
		return;
	for (size_t f = 0; f < l->s->n_fields; f++) {
		bytes_free(&l->open[f].values);
		bytes_free(&l->open[f].lengths);
		byte8_free(&l->open[f].index);
		byte8_free(&l->open[f].value);
	}
	mem_free(l->open);
	mem_free(l);
}

static void add(struct pmx_filler *l, size_t field, const void *p, size_t n)
{
	bytes_add(&l->open[field].values, p, n);
	l->n_bytes += n;
}

void pmx_fill_text(struct pmx_filler *l, size_t field, const char *value)
{
	uint32_t n = value ? (uint32_t)strlen(value) : UINT32_MAX;
	bytes_add(&l->open[field].lengths, &n, sizeof n);
	if (value)
		add(l, field, value, n);
}

void pmx_fill_code(struct pmx_filler *l, size_t field, uint32_t code)
{
	add(l, field, &code, sizeof code);
}

void pmx_fill_bool(struct pmx_filler *l, size_t field, uint8_t value)
{
	add(l, field, &value, 1);
}

void pmx_fill_i64(struct pmx_filler *l, size_t field, int64_t value)
{
	add(l, field, &value, sizeof value);
}

void pmx_fill_f64(struct pmx_filler *l, size_t field, double value)
{
	add(l, field, &value, sizeof value);
}

void pmx_fill_row(struct pmx_filler *l, size_t field, const void *values)
{
	const struct pmx_field *f = &l->s->field[field];
	size_t width = f->class == PMX_LAYER ? l->s->n_columns : f->width;
	add(l, field, values, width * pmx_type_size(f->type));
}

void pmx_fill_sparse(struct pmx_filler *l, size_t field, const uint32_t *column, const void *values, size_t n)
{
	const struct pmx_field *f = &l->s->field[field];
	struct open_field *o = &l->open[field];
	uint32_t length = (uint32_t)n;
	bytes_add(&o->lengths, &length, sizeof length);
	byte8_add_gaps(&o->index, column, n);
	if (f->type == PMX_U32)
		byte8_add(&o->value, values, n);
	else
		bytes_add(&o->values, values, n * pmx_type_size(f->type));
	l->n_bytes += n * (f->type == PMX_U32 ? 2 : 1 + pmx_type_size(f->type));
}

static int flush(struct pmx_filler *l, struct err *e)
{
	struct pmx_block *b = pmx_block_new(0, l->n_rows);
	for (size_t fi = 0; fi < l->s->n_fields; fi++) {
		const struct pmx_field *f = &l->s->field[fi];
		struct open_field *o = &l->open[fi];
		if (f->class == PMX_VAR || f->class == PMX_OTHER || (f->class == PMX_LAYER && f->storage == PMX_RECIPE))
			continue;
		bool sparse = f->class == PMX_LAYER && f->storage == PMX_SPARSE, count = sparse && f->type == PMX_U32;
		if (sparse || f->type == PMX_TEXT)
			pmx_block_put_plain(b, f->id, PMX_ROW_LENGTHS, PMX_PLAIN, &o->lengths);
		if (sparse) {
			struct bytes index = { 0 };
			byte8_close(&o->index, &index);
			pmx_block_put_plain(b, f->id, PMX_INDICES, PMX_DELTA8, &index);
		}
		if (count)
			byte8_close(&o->value, &o->values);
		pmx_block_put_plain(b, f->id, PMX_VALUES, count ? PMX_BYTE8 : PMX_PLAIN, &o->values);
	}
	l->n_rows = 0;
	l->n_bytes = 0;
	return pmx_put(l->w, b, e);
}

int pmx_fill_end_row(struct pmx_filler *l, struct err *e)
{
	l->n_rows++;
	bool full = l->block_rows ? l->n_rows >= l->block_rows : l->n_bytes >= PMX_BLOCK_BYTES;
	full = full || l->n_rows >= 65536 || l->n_bytes >= PMX_MAX_SECTION / 4;
	return full ? flush(l, e) : 0;
}

int pmx_filler_close(struct pmx_filler *l, struct err *e)
{
	int status = l->n_rows ? flush(l, e) : 0;
	pmx_filler_free(l);
	return status;
}

/* A new field of a pass: values that came and are not yet in a block. */
struct added {
	size_t field;
	struct bytes values;
	size_t n_rows;
};

struct pmx_pass {
	struct pmx_writer *w;
	struct added *added;
	size_t n_added, cap;
	struct pmx_block **waiting;
	size_t first, n_waiting, waiting_cap;
};

struct pmx_pass *pmx_pass_new(struct pmx_writer *w)
{
	struct pmx_pass *p = mem_zero(1, sizeof *p);
	p->w = w;
	return p;
}

void pmx_pass_adds(struct pmx_pass *p, size_t field)
{
	mem_room(&p->added, &p->cap, p->n_added + 1, sizeof *p->added);
	p->added[p->n_added++] = (struct added){ .field = field };
}

void pmx_pass_block(struct pmx_pass *p, struct pmx_block *block)
{
	if (p->first && p->first == p->n_waiting)
		p->first = p->n_waiting = 0;
	mem_room(&p->waiting, &p->waiting_cap, p->n_waiting + 1, sizeof *p->waiting);
	p->waiting[p->n_waiting++] = block;
}

/* Bytes of a row's value: a dense layer has one for every column. */
static size_t value_size(const struct pmx_schema *s, const struct pmx_field *f)
{
	return pmx_type_size(f->type) * (f->class == PMX_LAYER ? s->n_columns : f->width);
}

static int release(struct pmx_pass *p, struct err *e)
{
	const struct pmx_schema *s = pmx_writer_schema(p->w);
	while (p->first < p->n_waiting) {
		struct pmx_block *b = p->waiting[p->first];
		for (size_t i = 0; i < p->n_added; i++)
			if (p->added[i].n_rows < b->n_rows)
				return 0;
		for (size_t i = 0; i < p->n_added; i++) {
			struct added *a = &p->added[i];
			const struct pmx_field *f = &s->field[a->field];
			size_t n = b->n_rows * value_size(s, f);
			struct bytes plain = { 0 };
			bytes_add(&plain, a->values.at, n);
			pmx_block_put_plain(b, f->id, PMX_VALUES, PMX_PLAIN, &plain);
			memmove(a->values.at, a->values.at + n, a->values.n - n);
			a->values.n -= n;
			a->n_rows -= b->n_rows;
		}
		p->first++;
		if (pmx_put(p->w, b, e))
			return -1;
	}
	return 0;
}

int pmx_pass_values(struct pmx_pass *p, size_t field, const void *values, size_t n, struct err *e)
{
	const struct pmx_schema *s = pmx_writer_schema(p->w);
	for (size_t i = 0; i < p->n_added; i++)
		if (p->added[i].field == field) {
			bytes_add(&p->added[i].values, values, n * value_size(s, &s->field[field]));
			p->added[i].n_rows += n;
		}
	return release(p, e);
}

void pmx_pass_free(struct pmx_pass *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_added; i++)
		bytes_free(&p->added[i].values);
	for (size_t i = p->first; i < p->n_waiting; i++)
		pmx_block_free(p->waiting[i]);
	mem_free(p->added);
	mem_free(p->waiting);
	mem_free(p);
}

int pmx_pass_close(struct pmx_pass *p, struct err *e)
{
	int status = release(p, e);
	assert(status || p->first == p->n_waiting);
	pmx_pass_free(p);
	return status;
}
