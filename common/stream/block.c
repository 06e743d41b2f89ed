#include "stream/block.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include <assert.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "sections are little-endian; a big-endian machine needs a byte swap in stream/block.c and stream/codec.c"
#endif

struct pmx_block *pmx_block_new(uint64_t first_row, size_t n_rows)
{
	struct pmx_block *b = mem_zero(1, sizeof *b);
	b->first_row = first_row;
	b->n_rows = n_rows;
	return b;
}

static void sparse_free(struct pmx_sparse *m)
{
	if (!m)
		return;
	mem_free(m->start);
	mem_free(m->col);
	mem_free(m->u32);
	mem_free(m);
}

static void free_decoded(struct pmx_block *b)
{
	for (size_t i = 0; i < b->n_decoded; i++) {
		pmx_column_free(b->decoded[i].column);
		sparse_free(b->decoded[i].sparse);
		pmx_slices_free(b->decoded[i].slices);
	}
	b->n_decoded = 0;
}

void pmx_block_forget(struct pmx_block *b)
{
	free_decoded(b);
	for (size_t i = 0; i < b->n_sections; i++) {
		struct pmx_section *s = &b->section[i];
		if (!s->own_plain || !s->stored || s->stored == s->plain)
			continue;
		mem_free(s->own_plain);
		s->plain = s->own_plain = NULL;
	}
}

void pmx_block_free(struct pmx_block *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n_sections; i++) {
		mem_free(b->section[i].own_stored);
		mem_free(b->section[i].own_plain);
	}
	free_decoded(b);
	mem_free(b->decoded);
	mem_free(b->section);
	mem_free(b->body);
	mem_free(b);
}

struct pmx_section *pmx_block_section(const struct pmx_block *b, uint32_t field, enum pmx_part part)
{
	for (size_t i = 0; i < b->n_sections; i++)
		if (b->section[i].field == field && b->section[i].part == part)
			return &b->section[i];
	return NULL;
}

int pmx_section_verify(struct pmx_section *s, struct err *e)
{
	if (!s->verified && s->stored && hash64(s->stored, s->stored_size) != s->sum)
		return err_set(e, "a checksum differs: the stream was damaged on its way; make it again");
	s->verified = true;
	return 0;
}

const uint8_t *pmx_section_plain(struct pmx_section *s, uint64_t most, struct err *e)
{
	if (s->plain)
		return s->plain;
	if (pmx_section_verify(s, e))
		return NULL;
	if (s->plain_size > most || s->plain_size > PMX_MAX_SECTION) {
		err_set(e, "a section announces %llu bytes where at most %llu can be", (unsigned long long)s->plain_size,
			(unsigned long long)most);
		return NULL;
	}
	if (s->compression == PMX_STORED) {
		if (s->plain_size != s->stored_size) {
			err_set(e, "a stored section of %llu bytes announces %llu", (unsigned long long)s->stored_size,
				(unsigned long long)s->plain_size);
			return NULL;
		}
		return s->plain = s->stored;
	}
	if (zstd_plain_size(s->stored, s->stored_size) != s->plain_size) {
		err_set(e, "a compressed section does not hold what it announces");
		return NULL;
	}
	uint8_t *out = mem_array(s->plain_size, 1);
	if (zstd_unpack(s->stored, s->stored_size, out, s->plain_size, e)) {
		mem_free(out);
		return NULL;
	}
	return s->plain = s->own_plain = out;
}

void pmx_section_pack(struct pmx_section *s, int level)
{
	if (s->stored)
		return;
	struct bytes out = { 0 };
	if (level)
		zstd_pack(s->plain, s->plain_size, level, &out);
	/* What does not shrink is stored as it is. */
	if (level && out.n < s->plain_size) {
		s->compression = PMX_ZSTD;
		s->stored = s->own_stored = out.at;
		s->stored_size = out.n;
	} else {
		bytes_free(&out);
		s->compression = PMX_STORED;
		s->stored = s->plain;
		s->stored_size = s->plain_size;
	}
	s->sum = hash64(s->stored, s->stored_size);
	s->verified = true;
}

struct pmx_decoded *pmx_block_decoded(struct pmx_block *b, uint32_t field)
{
	for (size_t i = 0; i < b->n_decoded; i++)
		if (b->decoded[i].field == field)
			return &b->decoded[i];
	mem_room(&b->decoded, &b->decoded_cap, b->n_decoded + 1, sizeof *b->decoded);
	b->decoded[b->n_decoded] = (struct pmx_decoded){ .field = field };
	return &b->decoded[b->n_decoded++];
}

static const uint8_t *need(struct pmx_section *s, enum pmx_encoding encoding, uint64_t most, struct err *e)
{
	if (!s) {
		err_set(e, "a section is missing");
		return NULL;
	}
	if (s->encoding != encoding) {
		err_set(e, "a section has encoding %u where %u belongs", s->encoding, (unsigned)encoding);
		return NULL;
	}
	return pmx_section_plain(s, most, e);
}

static int decode_text(struct pmx_column *c, struct pmx_section *values, struct pmx_section *lengths, struct err *e)
{
	const uint8_t *length = need(lengths, PMX_PLAIN, (uint64_t)c->n * 4, e);
	const uint8_t *bytes = length ? need(values, PMX_PLAIN, PMX_MAX_SECTION, e) : NULL;
	if (!bytes)
		return -1;
	if (lengths->plain_size != c->n * 4)
		return err_set(e, "%llu bytes of text lengths for %zu texts", (unsigned long long)lengths->plain_size, c->n);
	c->bytes = mem_array(values->plain_size + c->n, 1);
	size_t used = 0, out = 0;
	for (size_t i = 0; i < c->n; i++) {
		uint32_t len;
		memcpy(&len, length + 4 * i, 4);
		if (len == UINT32_MAX)
			continue;
		if (len > values->plain_size - used || !text_utf8((const char *)bytes + used, len))
			return err_set(e, "text %zu is too long or no UTF-8", i);
		c->text[i] = memcpy(c->bytes + out, bytes + used, len);
		c->bytes[out + len] = 0;
		used += len;
		out += len + 1;
	}
	return used == values->plain_size ? 0 : err_set(e, "there is more text than the lengths say");
}

static int check_codes(const struct pmx_field *f, const struct pmx_column *c, struct err *e)
{
	for (size_t i = 0; i < c->n; i++) {
		if (f->type == PMX_CATEGORY && c->u32[i] != PMX_MISSING_CODE && c->u32[i] >= f->values->n)
			return err_set(e, "a label code is outside of its dictionary");
		if (f->type == PMX_BOOL && c->flag[i] > PMX_MISSING_BOOL)
			return err_set(e, "a truth value is neither 0, 1 nor 2");
	}
	return 0;
}

struct pmx_column *pmx_decode_column(struct pmx_section *values, struct pmx_section *lengths, const struct pmx_field *f,
				     size_t n, uint32_t width, struct err *e)
{
	size_t size = pmx_type_size(f->type);
	uint64_t expected = (uint64_t)n * width * size;
	if (f->type != PMX_TEXT) {
		/* Unpacked first: what is allocated is never more than what really came. */
		const uint8_t *plain = need(values, PMX_PLAIN, expected, e);
		if (!plain || values->plain_size != expected) {
			err_set(e, "a section of %llu bytes where %llu belong", (unsigned long long)(values ? values->plain_size : 0),
				(unsigned long long)expected);
			return NULL;
		}
		struct pmx_column *c = mem_zero(1, sizeof *c);
		*c = (struct pmx_column){ .type = f->type, .n = n, .width = width, .flag = (uint8_t *)(uintptr_t)plain, .borrowed = true };
		if ((f->type == PMX_CATEGORY || f->type == PMX_BOOL) && check_codes(f, c, e)) {
			pmx_column_free(c);
			return NULL;
		}
		return c;
	}
	if (!need(lengths, PMX_PLAIN, (uint64_t)n * 4, e) || lengths->plain_size != (uint64_t)n * 4) {
		err_set(e, "the lengths of %zu texts are missing", n);
		return NULL;
	}
	struct pmx_column *c = pmx_column_new(PMX_TEXT, n, 1);
	if (decode_text(c, values, lengths, e)) {
		pmx_column_free(c);
		return NULL;
	}
	return c;
}

static int in_field(const struct pmx_block *b, const struct pmx_field *f, struct err *e)
{
	if (b->n_rows)
		return err_context(e, "rows %llu to %llu, '%s'", (unsigned long long)b->first_row,
				   (unsigned long long)(b->first_row + b->n_rows - 1), f->name);
	return err_context(e, "'%s'", f->name);
}

const struct pmx_column *pmx_block_column(struct pmx_block *b, const struct pmx_schema *s, size_t f, struct err *e)
{
	const struct pmx_field *field = &s->field[f];
	struct pmx_decoded *d = pmx_block_decoded(b, field->id);
	if (d->column)
		return d->column;
	uint32_t width = field->class == PMX_LAYER ? (uint32_t)s->n_columns : field->width;
	d->column = pmx_decode_column(pmx_block_section(b, field->id, PMX_VALUES),
				      pmx_block_section(b, field->id, PMX_ROW_LENGTHS), field, b->n_rows, width, e);
	if (!d->column)
		in_field(b, field, e);
	return d->column;
}

static int decode_sparse(struct pmx_block *b, const struct pmx_schema *s, const struct pmx_field *field, struct pmx_sparse *m,
			 struct err *e)
{
	struct pmx_section *lengths = pmx_block_section(b, field->id, PMX_ROW_LENGTHS);
	struct pmx_section *indices = pmx_block_section(b, field->id, PMX_INDICES);
	struct pmx_section *values = pmx_block_section(b, field->id, PMX_VALUES);
	const uint8_t *length = need(lengths, PMX_PLAIN, (uint64_t)b->n_rows * 4, e);
	if (!length)
		return -1;
	if (lengths->plain_size != b->n_rows * 4)
		return err_set(e, "%llu bytes of row lengths for %zu rows", (unsigned long long)lengths->plain_size, b->n_rows);
	m->start = mem_array(b->n_rows + 1, sizeof *m->start);
	m->start[0] = 0;
	for (size_t r = 0; r < b->n_rows; r++) {
		uint32_t n;
		memcpy(&n, length + 4 * r, 4);
		if (n > s->n_columns)
			return err_set(e, "row %zu of the block has more values than there are columns", r);
		m->start[r + 1] = m->start[r] + n;
	}
	size_t n = m->start[b->n_rows];
	const uint8_t *index = need(indices, PMX_DELTA8, PMX_MAX_SECTION, e);
	if (!index || indices->plain_size < n)
		return err_set(e, "the indices of %zu values are missing", n);
	m->col = mem_array(n, sizeof *m->col);
	if (delta8_decode(index, indices->plain_size, m->start, b->n_rows, s->n_columns, m->col, e))
		return -1;
	size_t size = pmx_type_size(field->type);
	const uint8_t *value = need(values, field->type == PMX_U32 ? PMX_BYTE8 : PMX_PLAIN, PMX_MAX_SECTION, e);
	if (!value)
		return -1;
	if (values->plain_size < (field->type == PMX_U32 ? n : n * size))
		return err_set(e, "%llu bytes of values for %zu values", (unsigned long long)values->plain_size, n);
	m->u32 = mem_array(n, size);
	if (field->type == PMX_U32)
		return byte8_decode(value, values->plain_size, m->u32, n, e);
	if (values->plain_size != n * size)
		return err_set(e, "%llu bytes of values for %zu values", (unsigned long long)values->plain_size, n);
	memcpy(m->u32, value, n * size);
	return 0;
}

const struct pmx_sparse *pmx_block_sparse(struct pmx_block *b, const struct pmx_schema *s, size_t f, struct err *e)
{
	const struct pmx_field *field = &s->field[f];
	struct pmx_decoded *d = pmx_block_decoded(b, field->id);
	if (d->sparse)
		return d->sparse;
	struct pmx_sparse *m = mem_zero(1, sizeof *m);
	m->n_rows = b->n_rows;
	m->type = field->type;
	if (decode_sparse(b, s, field, m, e)) {
		sparse_free(m);
		in_field(b, field, e);
		return NULL;
	}
	return d->sparse = m;
}

int pmx_block_decode(struct pmx_block *b, const struct pmx_schema *s, size_t f, struct err *e)
{
	const struct pmx_field *field = &s->field[f];
	if (field->class == PMX_LAYER && field->storage == PMX_RECIPE)
		return 0;
	if (field->class == PMX_LAYER && field->storage == PMX_SPARSE)
		return pmx_block_sparse(b, s, f, e) ? 0 : -1;
	return pmx_block_column(b, s, f, e) ? 0 : -1;
}

void pmx_block_put_plain(struct pmx_block *b, uint32_t field, enum pmx_part part, enum pmx_encoding encoding, struct bytes *plain)
{
	mem_room(&b->section, &b->cap, b->n_sections + 1, sizeof *b->section);
	if (!plain->at)
		bytes_room(plain, 1);
	b->section[b->n_sections++] = (struct pmx_section){ .field = field, .part = (uint8_t)part, .encoding = (uint8_t)encoding,
		.plain_size = plain->n, .plain = plain->at, .own_plain = plain->at };
	*plain = (struct bytes){ 0 };
}

void pmx_block_put_column(struct pmx_block *b, const struct pmx_field *f, const struct pmx_column *c)
{
	struct bytes values = { 0 }, lengths = { 0 };
	if (c->type != PMX_TEXT) {
		bytes_add(&values, c->f64, c->n * c->width * pmx_type_size(c->type));
		pmx_block_put_plain(b, f->id, PMX_VALUES, PMX_PLAIN, &values);
		return;
	}
	bytes_room(&lengths, c->n * 4);
	for (size_t i = 0; i < c->n; i++) {
		uint32_t len = c->text[i] ? (uint32_t)strlen(c->text[i]) : UINT32_MAX;
		bytes_add(&lengths, &len, 4);
		if (c->text[i])
			bytes_add(&values, c->text[i], len);
	}
	pmx_block_put_plain(b, f->id, PMX_ROW_LENGTHS, PMX_PLAIN, &lengths);
	pmx_block_put_plain(b, f->id, PMX_VALUES, PMX_PLAIN, &values);
}

void pmx_block_put_sparse(struct pmx_block *b, const struct pmx_field *f, const struct pmx_sparse *m)
{
	struct bytes lengths = { 0 }, indices = { 0 }, values = { 0 };
	struct byte8 packed = { 0 };
	bytes_room(&lengths, m->n_rows * 4);
	for (size_t r = 0; r < m->n_rows; r++) {
		uint32_t n = (uint32_t)(m->start[r + 1] - m->start[r]);
		bytes_add(&lengths, &n, 4);
		byte8_add_gaps(&packed, m->col + m->start[r], n);
	}
	byte8_close(&packed, &indices);
	size_t n = m->start[m->n_rows];
	if (m->type == PMX_U32) {
		byte8_add(&packed, m->u32, n);
		byte8_close(&packed, &values);
	} else {
		bytes_add(&values, m->f64, n * pmx_type_size(m->type));
	}
	byte8_free(&packed);
	pmx_block_put_plain(b, f->id, PMX_ROW_LENGTHS, PMX_PLAIN, &lengths);
	pmx_block_put_plain(b, f->id, PMX_INDICES, PMX_DELTA8, &indices);
	pmx_block_put_plain(b, f->id, PMX_VALUES, m->type == PMX_U32 ? PMX_BYTE8 : PMX_PLAIN, &values);
}

uint64_t pmx_block_plain_size(const struct pmx_block *b)
{
	uint64_t n = 0;
	for (size_t i = 0; i < b->n_sections; i++)
		n += b->section[i].plain_size;
	return n;
}

uint64_t pmx_block_held_size(const struct pmx_block *b)
{
	uint64_t n = pmx_block_plain_size(b);
	for (size_t i = 0; i < b->n_sections; i++)
		n += b->section[i].compression == PMX_STORED ? 0 : b->section[i].stored_size;
	return n;
}
