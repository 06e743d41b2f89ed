#include "num/packed.h"
#include "base/mem.h"
#include "num/vector.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Entries of column g are start[g] .. start[g + 1], ascending by row. */
struct chunk {
	size_t n_rows, n;
	uint32_t *start;
	uint16_t *code;                 /* row << shift | place in the row's table; the row alone when there is no table */
	int shift;
	double *value;                  /* table: n_rows << shift; or a value an entry */
	bool table;
};

struct packed {
	size_t n_cols;
	struct chunk *chunk;
	size_t n_chunks, cap, bytes, n_values;
	size_t row_start[PACKED_ROWS + 1];      /* rows that wait to become a chunk */
	size_t n_waiting;
	uint32_t *col;
	double *value;
	size_t col_cap, value_cap;
};

struct packed *packed_new(size_t n_cols)
{
	struct packed *p = mem_zero(1, sizeof *p);
	p->n_cols = n_cols;
	return p;
}

void packed_clear(struct packed *p)
{
	for (size_t i = 0; i < p->n_chunks; i++) {
		mem_free(p->chunk[i].start);
		mem_free(p->chunk[i].code);
		mem_free(p->chunk[i].value);
	}
	p->n_chunks = p->n_waiting = p->bytes = 0;
}

void packed_free(struct packed *p)
{
	if (!p)
		return;
	packed_clear(p);
	mem_free(p->chunk);
	mem_free(p->col);
	mem_free(p->value);
	mem_free(p);
}

size_t packed_chunks(const struct packed *p)
{
	return p->n_chunks;
}

size_t packed_rows(const struct packed *p, size_t chunk)
{
	return p->chunk[chunk].n_rows;
}

size_t packed_bytes(const struct packed *p)
{
	return p->bytes;
}

size_t packed_values(const struct packed *p)
{
	return p->n_values;
}

void packed_add(struct packed *p, const uint32_t *col, const double *value, size_t n)
{
	size_t at = p->row_start[p->n_waiting];
	mem_room(&p->col, &p->col_cap, at + n, sizeof *p->col);
	mem_room(&p->value, &p->value_cap, at + n, sizeof *p->value);
	memcpy(p->col + at, col, n * sizeof *col);
	memcpy(p->value + at, value, n * sizeof *value);
	p->row_start[++p->n_waiting] = at + n;
	if (p->n_waiting == PACKED_ROWS)
		packed_end(p);
}

/* NaN comes last, or a search would take any value for it. */
static int ascending(const void *pa, const void *pb)
{
	double a = *(const double *)pa, b = *(const double *)pb;
	return a < b ? -1 : a > b ? 1 : isnan(a) - isnan(b);
}

enum { MOST_DIFFERENT = 256, SLOTS = 1024 };

/*
 * Different values of a row into `list` (room for MOST_DIFFERENT), ascending, and each entry's place among them;
 * 0 when there are too many. The hash table is keyed by the value's bits.
 */
static size_t different(const double *value, size_t n, double *list, uint16_t *place)
{
	uint64_t key[SLOTS];
	uint16_t slot[SLOTS], of_slot[MOST_DIFFERENT], rank[MOST_DIFFERENT];
	size_t found = 0;
	memset(slot, 0xff, sizeof slot);
	for (size_t i = 0; i < n; i++) {
		uint64_t bits;
		memcpy(&bits, &value[i], sizeof bits);
		size_t h = (size_t)(bits * 0x9e3779b97f4a7c15u >> 54);
		while (slot[h] != UINT16_MAX && key[h] != bits)
			h = (h + 1) % SLOTS;
		if (slot[h] == UINT16_MAX) {
			if (found == MOST_DIFFERENT)
				return 0;
			key[h] = bits;
			of_slot[found] = (uint16_t)h;
			slot[h] = (uint16_t)found++;
		}
		place[i] = slot[h];
	}
	for (size_t i = 0; i < found; i++)
		memcpy(&list[i], &key[of_slot[i]], sizeof *list);
	double unsorted[MOST_DIFFERENT];
	memcpy(unsorted, list, found * sizeof *list);
	qsort(list, found, sizeof *list, ascending);
	for (size_t i = 0; i < found; i++) {
		const double *at = bsearch(&unsorted[i], list, found, sizeof *list, ascending);
		rank[i] = (uint16_t)(at - list);
	}
	for (size_t i = 0; i < n; i++)
		place[i] = rank[place[i]];
	return found;
}

void packed_end(struct packed *p)
{
	if (!p->n_waiting)
		return;
	size_t n_rows = p->n_waiting, n = p->row_start[n_rows], most = 1;
	struct chunk c = { .n_rows = n_rows, .n = n, .table = true };
	uint16_t *place = mem_array(n, sizeof *place);
	double *list = mem_array(n_rows * MOST_DIFFERENT, sizeof *list);
	for (size_t r = 0; r < n_rows && c.table; r++) {
		size_t from = p->row_start[r], k = p->row_start[r + 1] - from;
		size_t found = different(p->value + from, k, list + r * MOST_DIFFERENT, place + from);
		c.table = found || !k;
		most = found > most ? found : most;
	}
	while (c.table && (size_t)1 << c.shift < most)
		c.shift++;
	c.start = mem_zero(p->n_cols + 1, sizeof *c.start);
	c.code = mem_array(n, sizeof *c.code);
	c.value = mem_zero(c.table ? n_rows << c.shift : n, sizeof *c.value);
	for (size_t i = 0; i < n; i++)
		c.start[p->col[i] + 1]++;
	for (size_t g = 0; g < p->n_cols; g++)
		c.start[g + 1] += c.start[g];
	uint32_t *next = mem_array(p->n_cols, sizeof *next);
	memcpy(next, c.start, p->n_cols * sizeof *next);
	for (size_t r = 0; r < n_rows; r++) {
		if (c.table)
			memcpy(c.value + (r << c.shift), list + r * MOST_DIFFERENT, (most < (size_t)1 << c.shift ? most : (size_t)1 << c.shift) * sizeof *list);
		for (size_t i = p->row_start[r]; i < p->row_start[r + 1]; i++) {
			uint32_t at = next[p->col[i]]++;
			c.code[at] = (uint16_t)(c.table ? r << c.shift | place[i] : r);
			if (!c.table)
				c.value[at] = p->value[i];
		}
	}
	mem_free(next);
	mem_free(place);
	mem_free(list);
	mem_room(&p->chunk, &p->cap, p->n_chunks + 1, sizeof *p->chunk);
	p->chunk[p->n_chunks++] = c;
	p->bytes += n * (sizeof *c.code + (c.table ? 0 : sizeof *c.value)) + (p->n_cols + 1) * sizeof *c.start +
		    (c.table ? (n_rows << c.shift) * sizeof *c.value : 0);
	p->n_values += n;
	p->n_waiting = 0;
}

/* x' of an entry; the arrays are passed apart, since stores of vectors would make the compiler load them from the chunk again and again. */
VECTOR_INLINE double entry(const uint16_t *code, const double *value, size_t i, bool table, double bound, double low)
{
	double x = value[table ? code[i] : i];
	return (x < bound ? x : bound) - low;
}

void packed_moments(const struct packed *p, size_t chunk, const double *bound, double *sum, double *squares)
{
	const struct chunk *c = &p->chunk[chunk];
	for (size_t g = 0; g < p->n_cols; g++) {
		double high = bound ? bound[g] : INFINITY, low = high < 0 ? high : 0;
		for (size_t i = c->start[g]; i < c->start[g + 1]; i++) {
			double x = entry(c->code, c->value, i, c->table, high, low);
			sum[g] += x;
			squares[g] += x * x;
		}
	}
}

VECTOR_INLINE void forward(const struct packed *p, const struct chunk *c, const double *bound, const double *v, double *y, bool table)
{
	const uint16_t *code = c->code;
	const double *value = c->value;
	int shift = c->shift;
	memset(y, 0, c->n_rows * PACKED_WIDTH * sizeof *y);
	for (size_t g = 0, n = p->n_cols; g < n; g++) {
		vec8 a = vec8_load(v + g * PACKED_WIDTH), b = vec8_load(v + g * PACKED_WIDTH + 8);
		double high = bound[g], low = high < 0 ? high : 0;
		for (size_t i = c->start[g], end = c->start[g + 1]; i < end; i++) {
			double x = entry(code, value, i, table, high, low), *to = y + (size_t)(code[i] >> shift) * PACKED_WIDTH;
			vec8_store(to, vec8_load(to) + x * a);
			vec8_store(to + 8, vec8_load(to + 8) + x * b);
		}
	}
}

VECTOR_INLINE void backward(const struct packed *p, const struct chunk *c, const double *bound, const double *y, double *w, bool table)
{
	const uint16_t *code = c->code;
	const double *value = c->value;
	int shift = c->shift;
	for (size_t g = 0, n = p->n_cols; g < n; g++) {
		vec8 a = vec8_load(w + g * PACKED_WIDTH), b = vec8_load(w + g * PACKED_WIDTH + 8);
		double high = bound[g], low = high < 0 ? high : 0;
		/* Without a bound, which is the common case, the values are taken as they are: a seventh less time. */
		bool bounded = high < INFINITY;
		for (size_t i = c->start[g], end = c->start[g + 1]; !bounded && i < end; i++) {
			double x = value[table ? code[i] : i];
			const double *from = y + (size_t)(code[i] >> shift) * PACKED_WIDTH;
			a += x * vec8_load(from);
			b += x * vec8_load(from + 8);
		}
		for (size_t i = c->start[g], end = c->start[g + 1]; bounded && i < end; i++) {
			double x = entry(code, value, i, table, high, low);
			const double *from = y + (size_t)(code[i] >> shift) * PACKED_WIDTH;
			a += x * vec8_load(from);
			b += x * vec8_load(from + 8);
		}
		vec8_store(w + g * PACKED_WIDTH, a);
		vec8_store(w + g * PACKED_WIDTH + 8, b);
	}
}

VECTOR_CLONES
void packed_forward(const struct packed *p, size_t chunk, const double *bound, const double *v, double *y)
{
	const struct chunk *c = &p->chunk[chunk];
	if (c->table)
		forward(p, c, bound, v, y, true);
	else
		forward(p, c, bound, v, y, false);
}

VECTOR_CLONES
void packed_backward(const struct packed *p, size_t chunk, const double *bound, const double *y, double *w)
{
	const struct chunk *c = &p->chunk[chunk];
	if (c->table)
		backward(p, c, bound, y, w, true);
	else
		backward(p, c, bound, y, w, false);
}

void packed_dense(const struct packed *p, size_t chunk, const double *bound, double *out)
{
	const struct chunk *c = &p->chunk[chunk];
	memset(out, 0, c->n_rows * p->n_cols * sizeof *out);
	for (size_t g = 0; g < p->n_cols; g++) {
		double high = bound[g], low = high < 0 ? high : 0;
		for (size_t i = c->start[g]; i < c->start[g + 1]; i++)
			out[(size_t)(c->code[i] >> c->shift) * p->n_cols + g] = entry(c->code, c->value, i, c->table, high, low);
	}
}
