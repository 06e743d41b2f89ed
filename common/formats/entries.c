#include "formats/entries.h"
#include "base/file.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, SORTED_WINDOW = 1 << 25 };

struct chunk {
	size_t n;
	uint32_t least, most;           /* row */
	bool counts;                    /* values are u32, else double */
	uint8_t *bytes;                 /* rows, columns, values; NULL: in the scratch file */
	uint64_t offset;
};

struct entries {
	uint64_t memory, held, n;
	struct chunk *chunk;
	size_t n_chunks, cap;
	uint32_t *row, *col;            /* the chunk that is being filled */
	double *value;
	size_t n_open;
	bool counts, sorted;
	uint32_t last_row;
	int scratch;
	uint64_t scratch_size;
	uint8_t *read;                  /* a chunk from the scratch file */
	size_t read_chunk;
	/* as a feed */
	uint64_t *start;
	struct turn turn;
	struct layer_target target;
	enum entries_storage storage;
	uint64_t *seen;                 /* ordinal of the last row with an entry for each column, from 1 */
};

struct entries *entries_new(uint64_t memory)
{
	struct entries *m = mem_zero(1, sizeof *m);
	m->memory = memory;
	m->counts = m->sorted = true;
	m->scratch = -1;
	m->read_chunk = SIZE_MAX;
	m->row = mem_array(CHUNK, sizeof *m->row);
	m->col = mem_array(CHUNK, sizeof *m->col);
	m->value = mem_array(CHUNK, sizeof *m->value);
	return m;
}

void entries_free(struct entries *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_chunks; i++)
		mem_free(m->chunk[i].bytes);
	mem_free(m->chunk);
	mem_free(m->row);
	mem_free(m->col);
	mem_free(m->value);
	mem_free(m->read);
	mem_free(m->start);
	mem_free(m->seen);
	turn_free(&m->turn);
	if (m->scratch >= 0)
		close(m->scratch);
	mem_free(m);
}

static size_t chunk_size(const struct chunk *c)
{
	return c->n * (c->counts ? 12 : 16);
}

static int close_chunk(struct entries *m, struct err *e)
{
	if (!m->n_open)
		return 0;
	mem_room(&m->chunk, &m->cap, m->n_chunks + 1, sizeof *m->chunk);
	struct chunk c = { .n = m->n_open, .least = UINT32_MAX, .counts = true };
	for (size_t i = 0; i < c.n; i++) {
		double v = m->value[i];
		c.counts = c.counts && v >= 0 && v <= UINT32_MAX && v == floor(v);
		c.least = m->row[i] < c.least ? m->row[i] : c.least;
		c.most = m->row[i] > c.most ? m->row[i] : c.most;
	}
	c.bytes = mem_array(chunk_size(&c), 1);
	memcpy(c.bytes, m->row, c.n * 4);
	memcpy(c.bytes + c.n * 4, m->col, c.n * 4);
	if (c.counts)
		for (size_t i = 0; i < c.n; i++)
			((uint32_t *)(void *)c.bytes)[2 * c.n + i] = (uint32_t)m->value[i];
	else
		memcpy(c.bytes + c.n * 8, m->value, c.n * 8);
	m->counts = m->counts && c.counts;
	m->n_open = 0;
	if (m->held + chunk_size(&c) > m->memory) {
		int status = 0;
		if (m->scratch < 0 && (m->scratch = file_scratch(e)) < 0)
			status = -1;
		if (status || file_pwrite(m->scratch, c.bytes, chunk_size(&c), m->scratch_size, e)) {
			mem_free(c.bytes);
			return -1;
		}
		mem_free(c.bytes);
		c.bytes = NULL;
		c.offset = m->scratch_size;
		m->scratch_size += chunk_size(&c);
	} else {
		m->held += chunk_size(&c);
	}
	m->chunk[m->n_chunks++] = c;
	return 0;
}

int entries_add(struct entries *m, uint32_t row, uint32_t column, double value, struct err *e)
{
	if (m->n_open == CHUNK && close_chunk(m, e))
		return -1;
	m->sorted = m->sorted && row >= m->last_row;
	m->last_row = row;
	m->row[m->n_open] = row;
	m->col[m->n_open] = column;
	m->value[m->n_open++] = value;
	m->n++;
	return 0;
}

bool entries_are_counts(const struct entries *m)
{
	size_t zeros = 0;
	return m->counts && rows_are_whole(NUMBER_F64, m->value, m->n_open, &zeros);
}

uint64_t entries_n(const struct entries *m)
{
	return m->n;
}

static const uint8_t *chunk_bytes(struct entries *m, size_t i, struct err *e)
{
	const struct chunk *c = &m->chunk[i];
	if (c->bytes)
		return c->bytes;
	if (m->read_chunk == i)
		return m->read;
	if (!m->read)
		m->read = mem_array(CHUNK, 16);
	m->read_chunk = SIZE_MAX;
	if (file_pread(m->scratch, m->read, chunk_size(c), c->offset, e))
		return NULL;
	m->read_chunk = i;
	return m->read;
}

static int scan(struct turn *t, void *source, struct err *e)
{
	struct entries *m = source;
	for (size_t k = 0; k < m->n_chunks; k++) {
		const struct chunk *c = &m->chunk[k];
		if (c->most < t->from || c->least >= t->to)
			continue;
		const uint8_t *bytes = chunk_bytes(m, k, e);
		if (!bytes)
			return -1;
		const uint32_t *row = (const uint32_t *)(const void *)bytes, *col = row + c->n;
		for (size_t i = 0; i < c->n; i++) {
			if (row[i] < t->from || row[i] >= t->to)
				continue;
			size_t at = turn_place(t, row[i]);
			if (at == SIZE_MAX)
				return err_set(e, "a scratch file changed while it was read");
			t->col[at] = col[i];
			if (m->turn.value_size == 4)
				memcpy(t->value + 4 * at, bytes + c->n * 8 + 4 * i, 4);
			else if (c->counts)
				((double *)(void *)t->value)[at] = ((const uint32_t *)(const void *)(bytes + c->n * 8))[i];
			else
				memcpy(t->value + 8 * at, bytes + c->n * 8 + 8 * i, 8);
		}
	}
	return 0;
}

static int prepare(struct feed *f, uint64_t first, struct err *e)
{
	struct entries *m = f->state;
	int status = turn_prepare(&m->turn, first, e);
	f->until = m->turn.to;
	return status;
}

static void put_value(struct pmx_column *c, size_t i, double v)
{
	if (c->type == PMX_F32)
		c->f32[i] = (float)v;
	else
		c->f64[i] = v;
}

/* Entries put over NaN, zeros among them. */
static int read_missing(struct feed *f, const struct raw_rows *raw, struct err *e)
{
	struct entries *m = f->state;
	const struct import *im = m->target.im;
	const uint32_t *col = raw->index;
	size_t width = im->schema->n_columns;
	pmx_column_free(f->column);
	f->column = pmx_column_new(m->target.type, raw->n_rows, (uint32_t)width);
	for (size_t i = 0; i < raw->n_rows * width; i++)
		put_value(f->column, i, NAN);
	if (!m->seen)
		m->seen = mem_zero(im->columns->n, sizeof *m->seen);
	for (size_t r = 0; r < raw->n_rows; r++)
		for (size_t i = (size_t)(raw->start[r] - raw->start[0]); i < raw->start[r + 1] - raw->start[0]; i++) {
			if (m->seen[col[i]] == raw->first + r + 1)
				return err_set(e, "%s: %s %s, gene %s stands there twice; which value is right cannot be known", m->target.name,
					       import_row_word(im), im->rows->at[raw->first + r], im->columns->at[col[i]]);
			m->seen[col[i]] = raw->first + r + 1;
			uint32_t to = im->map ? im->map[col[i]] : col[i];
			if (to != UINT32_MAX)
				put_value(f->column, r * width + to, number_f64(raw->value_type, raw->value, i));
		}
	return 0;
}

static int read_rows(struct feed *f, uint64_t first, size_t n, struct err *e)
{
	struct entries *m = f->state;
	struct raw_rows raw = turn_rows(&m->turn, first, n, m->counts ? NUMBER_U32 : NUMBER_F64);
	if (m->storage == ENTRIES_DENSE_MISSING)
		return read_missing(f, &raw, e);
	if (rows_sparse(&f->run, &raw, &m->target, e))
		return -1;
	if (m->storage == ENTRIES_DENSE) {
		pmx_column_free(f->column);
		f->column = pmx_column_new(m->target.type, n, (uint32_t)m->target.im->schema->n_columns);
		rows_dense_of_sparse(f->column, &f->run);
	}
	return 0;
}

static void free_state(void *state)
{
	entries_free(state);
}

static int count_rows(struct entries *m, uint64_t n_rows, struct err *e)
{
	m->start = mem_zero(n_rows + 1, sizeof *m->start);
	for (size_t k = 0; k < m->n_chunks; k++) {
		const uint8_t *bytes = chunk_bytes(m, k, e);
		if (!bytes)
			return -1;
		const uint32_t *row = (const uint32_t *)(const void *)bytes;
		for (size_t i = 0; i < m->chunk[k].n; i++)
			m->start[row[i] + 1]++;
	}
	for (uint64_t r = 0; r < n_rows; r++)
		m->start[r + 1] += m->start[r];
	return 0;
}

int entries_feed(struct entries *m, uint64_t n_rows, const struct layer_target *t, enum entries_storage storage, struct feed *f, struct err *e)
{
	f->state = m;
	f->free = free_state;
	f->prepare = prepare;
	f->read = read_rows;
	m->target = *t;
	m->storage = storage;
	if (close_chunk(m, e) || count_rows(m, n_rows, e))
		return -1;
	m->turn = (struct turn){ .start = m->start, .n_rows = n_rows, .value_size = m->counts ? 4 : 8, .scan = scan, .source = m,
		.memory = m->sorted && m->memory / 2 > SORTED_WINDOW ? SORTED_WINDOW : m->memory / 2 };
	f->start = m->start;
	f->row_bytes = storage != ENTRIES_SPARSE ? t->im->schema->n_columns * pmx_type_size(t->type) : 0;
	return 0;
}
