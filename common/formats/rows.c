#include "formats/rows.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum trouble { FINE, BAD_INDEX, NO_COUNT, TWICE };

/* The first row that has one is reported, so that the message does not depend on threads. */
struct problem {
	enum trouble kind;
	size_t row, column;             /* of the file, row from the first of the run */
	double value;
};

enum pmx_type rows_type(enum number type, bool whole, int values)
{
	if (values == IMPORT_COUNTS || (values == IMPORT_AUTO && (whole || !number_is_float(type))))
		return PMX_U32;
	return type == NUMBER_F32 || number_size(type) < 4 ? PMX_F32 : PMX_F64;
}

bool rows_are_whole(enum number type, const void *value, size_t n, size_t *n_zeros)
{
	bool whole = true;
	for (size_t i = 0; i < n; i++) {
		double v = number_f64(type, value, i);
		*n_zeros += v == 0;
		whole = whole && v >= 0 && v <= UINT32_MAX && v == floor(v);
	}
	return whole;
}

void sparse_run_free(struct sparse_run *run)
{
	mem_free(run->start);
	mem_free(run->col);
	mem_free(run->value);
	*run = (struct sparse_run){ 0 };
}

static void run_room(struct sparse_run *out, size_t n_rows, size_t n, size_t value_size)
{
	mem_room(&out->start, &out->row_cap, n_rows + 1, sizeof *out->start);
	mem_room(&out->col, &out->col_cap, n + 1, sizeof *out->col);
	mem_room(&out->value, &out->value_cap, (n + 1) * value_size, 1);
	out->n_rows = n_rows;
	out->start[0] = 0;
}

#define EACH_TYPE(X) X(NUMBER_I8, int8_t) X(NUMBER_U8, uint8_t) X(NUMBER_I16, int16_t) X(NUMBER_U16, uint16_t) \
	X(NUMBER_I32, int32_t) X(NUMBER_U32, uint32_t) X(NUMBER_I64, int64_t) X(NUMBER_U64, uint64_t)

/* A negative index is a very large one. */
bool rows_indices(enum number type, const void *index, size_t at, size_t n, uint64_t n_cols, uint32_t *out)
{
	bool good = true;
#define TAKE(number, c_type) \
	case number: { \
		const c_type *p = (const c_type *)index + at; \
		for (size_t i = 0; i < n; i++) { \
			good &= (uint64_t)p[i] < n_cols; \
			out[i] = (uint32_t)p[i]; \
		} \
		break; \
	}
	switch (type) {
	EACH_TYPE(TAKE)
	default: return false;
	}
#undef TAKE
	return good;
}

/* Values as counts; false when one is none. */
static bool take_counts(enum number type, const void *value, size_t at, size_t n, uint32_t *out)
{
	bool good = true;
#define TAKE(number, c_type) \
	case number: { \
		const c_type *p = (const c_type *)value + at; \
		for (size_t i = 0; i < n; i++) { \
			good &= (uint64_t)p[i] <= UINT32_MAX; \
			out[i] = (uint32_t)p[i]; \
		} \
		break; \
	}
#define TAKE_FLOAT(number, c_type, most) \
	case number: { \
		const c_type *p = (const c_type *)value + at; \
		for (size_t i = 0; i < n; i++) { \
			bool inside = p[i] >= 0 && p[i] <= most; \
			out[i] = inside ? (uint32_t)p[i] : 0; \
			good &= inside && (c_type)out[i] == p[i]; \
		} \
		break; \
	}
	switch (type) {
	EACH_TYPE(TAKE)
	TAKE_FLOAT(NUMBER_F32, float, 4294967040.0f)
	TAKE_FLOAT(NUMBER_F64, double, 4294967295.0)
	}
#undef TAKE
#undef TAKE_FLOAT
	return good;
}

static void take_floats(enum number type, const void *value, size_t at, size_t n, enum pmx_type to, uint8_t *out)
{
	if ((type == NUMBER_F32 && to == PMX_F32) || (type == NUMBER_F64 && to == PMX_F64)) {
		memcpy(out, (const uint8_t *)value + at * number_size(type), n * number_size(type));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		double v = number_f64(type, value, at + i);
		if (to == PMX_F32)
			((float *)(void *)out)[i] = (float)v;
		else
			((double *)(void *)out)[i] = v;
	}
}

static bool is_zero(enum pmx_type type, const uint8_t *value, size_t i)
{
	return type == PMX_U32 ? !((const uint32_t *)(const void *)value)[i]
	     : type == PMX_F32 ? ((const float *)(const void *)value)[i] == 0 : ((const double *)(const void *)value)[i] == 0;
}

static bool any_zero(enum pmx_type type, const uint8_t *value, size_t n)
{
	bool any = false;
	if (type == PMX_U32)
		for (size_t i = 0; i < n; i++)
			any |= !((const uint32_t *)(const void *)value)[i];
	else
		for (size_t i = 0; i < n; i++)
			any |= is_zero(type, value, i);
	return any;
}

static int by_key(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* The row by increasing column; SIZE_MAX or a column that comes twice. */
static size_t sort_row(uint32_t *col, uint8_t *value, size_t n, size_t size)
{
	uint64_t *key = mem_array(n, sizeof *key);
	uint8_t *old = mem_array(n, size);
	size_t twice = SIZE_MAX;
	for (size_t i = 0; i < n; i++)
		key[i] = (uint64_t)col[i] << 32 | i;
	qsort(key, n, sizeof *key, by_key);
	memcpy(old, value, n * size);
	for (size_t i = 0; i < n; i++) {
		col[i] = (uint32_t)(key[i] >> 32);
		memcpy(value + i * size, old + (key[i] & UINT32_MAX) * size, size);
		if (i && col[i] == col[i - 1] && twice == SIZE_MAX)
			twice = col[i];
	}
	mem_free(key);
	mem_free(old);
	return twice;
}

/* Leaves out zeros and columns that are not wanted; the new length. */
static size_t squeeze(uint32_t *col, uint8_t *value, size_t n, enum pmx_type type, const uint32_t *map)
{
	size_t size = pmx_type_size(type), kept = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t c = map ? map[col[i]] : col[i];
		if (c == UINT32_MAX || is_zero(type, value, i))
			continue;
		col[kept] = c;
		memmove(value + kept * size, value + i * size, size);
		kept++;
	}
	return kept;
}

static struct problem take_row(const struct raw_rows *raw, size_t r, const struct layer_target *t, uint32_t *col, uint8_t *value,
			       size_t *length)
{
	size_t at = (size_t)(raw->start[r] - raw->start[0]), n = (size_t)(raw->start[r + 1] - raw->start[r]);
	size_t n_cols = t->im->columns->n, size = pmx_type_size(t->type);
	struct problem p = { FINE, r, 0, 0 };
	if (!rows_indices(raw->index_type, raw->index, at, n, n_cols, col)) {
		p.kind = BAD_INDEX;
		for (size_t i = 0; i < n; i++) {
			p.value = number_f64(raw->index_type, raw->index, at + i);
			if (!(p.value >= 0 && p.value < (double)n_cols))
				break;
		}
		return p;
	}
	if (t->type != PMX_U32) {
		take_floats(raw->value_type, raw->value, at, n, t->type, value);
	} else if (!take_counts(raw->value_type, raw->value, at, n, (uint32_t *)(void *)value)) {
		p.kind = NO_COUNT;
		for (size_t i = 0; i < n; i++) {
			size_t zeros = 0;
			p.value = number_f64(raw->value_type, raw->value, at + i);
			p.column = col[i];
			if (!rows_are_whole(raw->value_type, (const uint8_t *)raw->value + (at + i) * number_size(raw->value_type), 1, &zeros))
				break;
		}
		return p;
	}
	bool rising = true;
	for (size_t i = 1; i < n; i++)
		rising &= col[i] > col[i - 1];
	if (!rising) {
		p.column = sort_row(col, value, n, size);
		if (p.column != SIZE_MAX) {
			p.kind = TWICE;
			return p;
		}
	}
	*length = t->im->map || any_zero(t->type, value, n) ? squeeze(col, value, n, t->type, t->im->map) : n;
	return p;
}

static int report(const struct problem *p, uint64_t first, const struct layer_target *t, struct err *e)
{
	const char *cell = t->im->rows->at[first + p->row];
	switch (p->kind) {
	case BAD_INDEX:
		return err_set(e, "matrix %s, %s %s: column index %.17g, but there are %zu genes; the file is damaged", t->name, import_row_word(t->im), cell,
			       p->value, t->im->columns->n);
	case TWICE:
		return err_set(e, "matrix %s: %s %s, gene %s stands there twice; which value is right cannot be known", t->name, import_row_word(t->im), cell,
			       t->im->columns->at[p->column]);
	default:
		return err_set(e, "matrix %s: %s %s, gene %s: %.17g is no count%s", t->name, import_row_word(t->im), cell, t->im->columns->at[p->column],
			       p->value, t->guessed ? ", though the values looked like counts; import them with --values float"
			       : "; --values float takes any number");
	}
}

int rows_sparse(struct sparse_run *out, const struct raw_rows *raw, const struct layer_target *t, struct err *e)
{
	size_t n = (size_t)(raw->start[raw->n_rows] - raw->start[0]), size = pmx_type_size(t->type);
	run_room(out, raw->n_rows, n, size);
	struct problem first = { FINE, SIZE_MAX, 0, 0 };
	int threads = t->im->o->threads;
#pragma omp parallel for schedule(dynamic, 64) num_threads(threads) if (threads > 1 && n > 100000)
	for (size_t r = 0; r < raw->n_rows; r++) {
		size_t at = (size_t)(raw->start[r] - raw->start[0]), length = 0;
		struct problem p = take_row(raw, r, t, out->col + at, out->value + at * size, &length);
		out->start[r + 1] = length;
		if (p.kind != FINE)
#pragma omp critical(rows_problem)
			if (r < first.row)
				first = p;
	}
	if (first.kind != FINE)
		return report(&first, raw->first, t, e);
	for (size_t r = 0; r < raw->n_rows; r++) {
		size_t at = (size_t)(raw->start[r] - raw->start[0]), length = out->start[r + 1], to = out->start[r];
		if (to != at) {
			memmove(out->col + to, out->col + at, length * sizeof *out->col);
			memmove(out->value + to * size, out->value + at * size, length * size);
		}
		out->start[r + 1] = to + length;
	}
	return 0;
}

/* Non-zero values of a dense row. */
static size_t gather(const void *value, enum number type, size_t at, size_t n, uint32_t *col, uint8_t *out)
{
	size_t size = number_size(type), k = 0;
	for (size_t i = 0; i < n; i++)
		if (number_f64(type, value, at + i) != 0) {
			col[k] = (uint32_t)i;
			memcpy(out + k++ * size, (const uint8_t *)value + (at + i) * size, size);
		}
	return k;
}

int rows_sparse_of_dense(struct sparse_run *out, const void *value, enum number type, uint64_t first, size_t n,
			 const struct layer_target *t, struct err *e)
{
	size_t n_cols = t->im->columns->n, size = number_size(type);
	uint64_t *start = mem_array(n + 1, sizeof *start);
	start[0] = 0;
	for (size_t r = 0; r < n; r++) {
		size_t k = 0;
		for (size_t i = r * n_cols; i < (r + 1) * n_cols; i++)
			k += number_f64(type, value, i) != 0;
		start[r + 1] = start[r] + k;
	}
	uint32_t *col = mem_array(start[n], sizeof *col);
	uint8_t *kept = mem_array(start[n], size);
	int threads = t->im->o->threads;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1 && n * n_cols > 100000)
	for (size_t r = 0; r < n; r++)
		gather(value, type, r * n_cols, n_cols, col + start[r], kept + start[r] * size);
	struct raw_rows raw = { first, n, start, col, kept, NUMBER_U32, type };
	int status = rows_sparse(out, &raw, t, e);
	mem_free(start);
	mem_free(col);
	mem_free(kept);
	return status;
}

void rows_dense(struct pmx_column *out, const void *value, enum number type, size_t n, const struct layer_target *t)
{
	size_t n_cols = t->im->columns->n, size = pmx_type_size(t->type), width = out->width;
	for (size_t r = 0; r < n; r++) {
		if (!t->im->map) {
			take_floats(type, value, r * n_cols, n_cols, t->type, out->flag + r * width * size);
			continue;
		}
		for (size_t i = 0; i < n_cols; i++)
			if (t->im->map[i] != UINT32_MAX)
				take_floats(type, value, r * n_cols + i, 1, t->type, out->flag + (r * width + t->im->map[i]) * size);
	}
}

void rows_dense_of_sparse(struct pmx_column *out, const struct sparse_run *run)
{
	size_t size = pmx_type_size(out->type);
	memset(out->flag, 0, out->n * out->width * size);
	for (size_t r = 0; r < run->n_rows; r++)
		for (size_t i = run->start[r]; i < run->start[r + 1]; i++)
			memcpy(out->flag + (r * out->width + run->col[i]) * size, run->value + i * size, size);
}

int turn_prepare(struct turn *t, uint64_t first, struct err *e)
{
	if (t->next && first >= t->from && first < t->to)
		return 0;
	uint64_t entry = sizeof *t->col + t->value_size, to = first + 1;
	while (to < t->n_rows && (t->start[to + 1] - t->start[first]) * entry + (to + 1 - first) * sizeof *t->next <= t->memory)
		to++;
	t->from = first;
	t->to = to;
	size_t n = (size_t)(t->start[to] - t->start[first]);
	mem_room(&t->next, &t->row_cap, to - first, sizeof *t->next);
	mem_room(&t->col, &t->col_cap, n + 1, sizeof *t->col);
	mem_room(&t->value, &t->value_cap, (n + 1) * t->value_size, 1);
	memcpy(t->next, t->start + first, (to - first) * sizeof *t->next);
	return t->scan(t, t->source, e);
}

struct raw_rows turn_rows(const struct turn *t, uint64_t first, size_t n, enum number value_type)
{
	size_t at = (size_t)(t->start[first] - t->start[t->from]);
	return (struct raw_rows){ first, n, t->start + first, t->col + at, t->value + at * t->value_size, NUMBER_U32, value_type };
}

void turn_free(struct turn *t)
{
	mem_free(t->next);
	mem_free(t->col);
	mem_free(t->value);
}
