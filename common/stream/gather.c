/* Rows picked from blocks as runs of encoded bytes: what pmx-sort, pmx-select and pmx-cat move. */
#include "stream/block.h"
#include "base/mem.h"
#include <string.h>

/* A field under construction: its sections, still open. */
struct part {
	struct bytes values, lengths;
	struct byte8 index, value;
};

struct pmx_gather {
	const struct pmx_schema *s;
	struct part *part;              /* per field of the schema */
	size_t n_rows;
};

/* The sections of one field of the block that rows are taken from. */
struct source {
	const uint8_t *lengths, *values;
	const uint8_t *index_small, *value_small;
	const uint32_t *index_large, *value_large;
	struct pmx_slices *slices;
};

struct pmx_gather *pmx_gather_new(const struct pmx_schema *s)
{
	struct pmx_gather *g = mem_zero(1, sizeof *g);
	g->s = s;
	g->part = mem_zero(s->n_fields, sizeof *g->part);
	return g;
}

void pmx_gather_free(struct pmx_gather *g)
{
	if (!g)
		return;
	for (size_t f = 0; f < g->s->n_fields; f++) {
		bytes_free(&g->part[f].values);
		bytes_free(&g->part[f].lengths);
		byte8_free(&g->part[f].index);
		byte8_free(&g->part[f].value);
	}
	mem_free(g->part);
	mem_free(g);
}

void pmx_slices_free(struct pmx_slices *slices)
{
	if (!slices)
		return;
	mem_free(slices->start);
	mem_free(slices->large_index);
	mem_free(slices->large_value);
	mem_free(slices);
}

static size_t *count_large(const uint8_t *small, const size_t *start, size_t n_rows)
{
	size_t *before = mem_array(n_rows + 1, sizeof *before);
	before[0] = 0;
	for (size_t r = 0; r < n_rows; r++)
		before[r + 1] = before[r] + byte8_count_exceptions(small + start[r], start[r + 1] - start[r]);
	return before;
}

/* Where the exceptions of a checked section of n values stand. */
static const uint32_t *exceptions_of(const uint8_t *plain, size_t n)
{
	return plain ? (const uint32_t *)(const void *)(plain + ((n + 3) & ~(size_t)3)) : NULL;
}

static bool sparse(const struct pmx_field *f)
{
	return f->class == PMX_LAYER && f->storage == PMX_SPARSE;
}

/* Text and sparse layers: the bytes of row r are found by summing the lengths before it. */
static int open_ragged(struct source *src, struct pmx_block *b, const struct pmx_field *f, struct err *e)
{
	struct pmx_section *lengths = pmx_block_section(b, f->id, PMX_ROW_LENGTHS);
	struct pmx_section *values = pmx_block_section(b, f->id, PMX_VALUES);
	struct pmx_section *indices = pmx_block_section(b, f->id, PMX_INDICES);
	if (!lengths || !values || (sparse(f) && !indices))
		return err_set(e, "'%s': a section is missing", f->name);
	src->lengths = pmx_section_plain(lengths, (uint64_t)b->n_rows * 4, e);
	src->values = pmx_section_plain(values, PMX_MAX_SECTION, e);
	const uint8_t *index = indices ? pmx_section_plain(indices, PMX_MAX_SECTION, e) : NULL;
	if (!src->lengths || !src->values || (indices && !index))
		return err_context(e, "'%s'", f->name);
	if (lengths->plain_size != b->n_rows * 4)
		return err_set(e, "'%s': %llu bytes of lengths for %zu rows", f->name, (unsigned long long)lengths->plain_size, b->n_rows);

	struct pmx_decoded *d = pmx_block_decoded(b, f->id);
	bool counted = d->slices;
	if (!counted) {
		d->slices = mem_zero(1, sizeof *d->slices);
		size_t *start = d->slices->start = mem_array(b->n_rows + 1, sizeof *start);
		start[0] = 0;
		for (size_t r = 0; r < b->n_rows; r++) {
			uint32_t n;
			memcpy(&n, src->lengths + 4 * r, 4);
			start[r + 1] = start[r] + (n == UINT32_MAX ? 0 : n);
		}
	}
	src->slices = d->slices;
	size_t n = d->slices->start[b->n_rows], ignored;
	if (counted) {
		src->index_small = index;
		src->value_small = src->values;
		src->index_large = exceptions_of(index, n);
		src->value_large = exceptions_of(src->values, n);
		return 0;
	}
	if (f->type == PMX_TEXT)
		return n == values->plain_size ? 0 : err_set(e, "'%s': the text lengths do not match the text", f->name);
	if (byte8_view(index, indices->plain_size, n, &src->index_small, &src->index_large, &ignored, e))
		return err_context(e, "'%s'", f->name);
	if (f->type == PMX_U32 && byte8_view(src->values, values->plain_size, n, &src->value_small, &src->value_large, &ignored, e))
		return err_context(e, "'%s'", f->name);
	if (f->type != PMX_U32 && values->plain_size != n * pmx_type_size(f->type))
		return err_set(e, "'%s': %llu bytes of values for %zu values", f->name, (unsigned long long)values->plain_size, n);
	d->slices->large_index = count_large(src->index_small, d->slices->start, b->n_rows);
	if (f->type == PMX_U32)
		d->slices->large_value = count_large(src->value_small, d->slices->start, b->n_rows);
	return 0;
}

static void take_ragged(struct part *p, const struct source *src, const struct pmx_field *f, size_t r)
{
	const struct pmx_slices *sl = src->slices;
	size_t at = sl->start[r], n = sl->start[r + 1] - at;
	bytes_add(&p->lengths, src->lengths + 4 * r, 4);
	if (f->type == PMX_TEXT) {
		bytes_add(&p->values, src->values + at, n);
		return;
	}
	byte8_add_slice(&p->index, src->index_small + at, n, src->index_large + sl->large_index[r],
			sl->large_index[r + 1] - sl->large_index[r]);
	if (f->type == PMX_U32)
		byte8_add_slice(&p->value, src->value_small + at, n, src->value_large + sl->large_value[r],
				sl->large_value[r + 1] - sl->large_value[r]);
	else
		bytes_add(&p->values, src->values + at * pmx_type_size(f->type), n * pmx_type_size(f->type));
}

static int gather_fixed(struct part *p, struct pmx_block *b, const struct pmx_schema *s, size_t fi, const uint32_t *row, size_t n,
			const uint32_t *recode, struct err *e)
{
	const struct pmx_column *c = pmx_block_column(b, s, fi, e);
	if (!c)
		return -1;
	size_t size = pmx_type_size(c->type) * c->width;
	bytes_room(&p->values, n * size);
	for (size_t i = 0; i < n; i++) {
		uint8_t *out = p->values.at + p->values.n;
		if (recode && c->u32[row[i]] != PMX_MISSING_CODE)
			memcpy(out, &recode[c->u32[row[i]]], size);
		else
			memcpy(out, c->flag + row[i] * size, size);
		p->values.n += size;
	}
	return 0;
}

int pmx_gather_rows(struct pmx_gather *g, struct pmx_block *from, const uint32_t *row, size_t n, uint32_t *const *recode,
		    struct err *e)
{
	for (size_t fi = 0; fi < g->s->n_fields; fi++) {
		const struct pmx_field *f = &g->s->field[fi];
		if (f->class == PMX_VAR || f->class == PMX_OTHER || (f->class == PMX_LAYER && f->storage == PMX_RECIPE))
			continue;
		if (f->type != PMX_TEXT && !sparse(f)) {
			if (gather_fixed(&g->part[fi], from, g->s, fi, row, n, recode ? recode[fi] : NULL, e))
				return -1;
			continue;
		}
		struct source src = { 0 };
		if (open_ragged(&src, from, f, e))
			return -1;
		for (size_t i = 0; i < n; i++)
			take_ragged(&g->part[fi], &src, f, row[i]);
	}
	g->n_rows += n;
	return 0;
}

size_t pmx_gather_size(const struct pmx_gather *g)
{
	return g->n_rows;
}

uint64_t pmx_gather_bytes(const struct pmx_gather *g)
{
	uint64_t n = 0;
	for (size_t f = 0; f < g->s->n_fields; f++) {
		const struct part *p = &g->part[f];
		n += p->values.n + p->lengths.n + p->index.small.n + p->value.small.n;
	}
	return n;
}

struct pmx_block *pmx_gather_take(struct pmx_gather *g, uint64_t first_row)
{
	struct pmx_block *b = pmx_block_new(first_row, g->n_rows);
	for (size_t fi = 0; fi < g->s->n_fields; fi++) {
		const struct pmx_field *f = &g->s->field[fi];
		struct part *p = &g->part[fi];
		if (f->class == PMX_VAR || f->class == PMX_OTHER || (f->class == PMX_LAYER && f->storage == PMX_RECIPE))
			continue;
		if (f->type == PMX_TEXT || sparse(f))
			pmx_block_put_plain(b, f->id, PMX_ROW_LENGTHS, PMX_PLAIN, &p->lengths);
		if (sparse(f)) {
			struct bytes index = { 0 };
			byte8_close(&p->index, &index);
			pmx_block_put_plain(b, f->id, PMX_INDICES, PMX_DELTA8, &index);
			if (f->type == PMX_U32)
				byte8_close(&p->value, &p->values);
		}
		pmx_block_put_plain(b, f->id, PMX_VALUES, sparse(f) && f->type == PMX_U32 ? PMX_BYTE8 : PMX_PLAIN, &p->values);
	}
	g->n_rows = 0;
	return b;
}
