#include "stream/compare.h"
#include "base/mem.h"
#include "base/text.h"
#include "stream/dense.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { A, B, PLACE = 300 };

/* Differences of one field so far. */
struct tally {
	uint64_t n, n_differ;
	double worst;
	char first_at[PLACE], worst_at[PLACE];
};

/* A field that both streams have. */
struct pair {
	size_t field[2];
	enum pmx_class class;
	bool values;                    /* they can be compared */
	int handle[2];                  /* of a layer */
	struct tally tally;
	struct tally *straight, *turned;        /* per column of a matrix whose signs are free */
};

struct side {
	struct pmx_reader *r;
	const struct pmx_schema *s;
	struct pmx_dense *dense;
	size_t names;
	struct pmx_block *block;        /* in order */
	size_t row;
	uint64_t n_rows;
	double *values;
};

struct comparison {
	const struct pmx_compare_options *o;
	struct side side[2];
	struct pair *pair;
	size_t n_pairs;
	uint32_t *column;               /* of the second stream for each of the first; NULL: the same places */
	bool columns_match;
	const char *unit;               /* of what the names in messages are: "row" or "column" */
	struct tally row_names;
	struct pmx_findings *out;
	/* by name: all of the second stream */
	struct pmx_block **block;
	size_t n_blocks, block_cap;
	struct names *name;
	uint32_t *name_block, *name_row;
	size_t place_cap;
	bool *found;
};

static void find(struct comparison *c, bool differs, char *text)
{
	mem_room(&c->out->at, &c->out->cap, c->out->n + 1, sizeof *c->out->at);
	c->out->at[c->out->n++] = (struct pmx_finding){ differs, text };
}

void pmx_findings_free(struct pmx_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		mem_free(f->at[i].text);
	mem_free(f->at);
	*f = (struct pmx_findings){ 0 };
}

static bool listed(const struct names *names, const char *name)
{
	return names && names_find(names, name) != NAMES_NONE;
}

static double distance(const struct pmx_compare_options *o, double a, double b)
{
	if (a == b || (isnan(a) && isnan(b)))
		return 0;
	if (isnan(a) || isnan(b) || isinf(a) || isinf(b))
		return INFINITY;
	double d = fabs(a - b);
	return o->relative ? d / fmax(fabs(a), fabs(b)) : d;
}

static void quote(char *out, size_t size, const char *s)
{
	if (s)
		snprintf(out, size, "'%.60s'", s);
	else
		snprintf(out, size, "missing");
}

static void number(char *out, size_t size, double v)
{
	char text[TEXT_F64];
	text_put_f64(text, v);
	snprintf(out, size, "%s", text);
}

/* Counts a comparison; true when its place is to be kept, for which alone texts are made. */
static bool count(struct tally *t, double tolerance, double d)
{
	t->n++;
	t->n_differ += d > tolerance;
	return d > t->worst || (d > tolerance && t->n_differ == 1);
}

static void keep(struct tally *t, double tolerance, double d, const char *place, const char *a, const char *b)
{
	if (d > tolerance && t->n_differ == 1)
		snprintf(t->first_at, sizeof t->first_at, "%s: %s against %s", place, a, b);
	if (d > t->worst) {
		t->worst = d;
		snprintf(t->worst_at, sizeof t->worst_at, "%s: %s against %s", place, a, b);
	}
}

static void compare_numbers(const struct comparison *c, struct tally *t, double a, double b, const char *row, const char *column)
{
	double d = distance(c->o, a, b);
	if (!count(t, c->o->tolerance, d))
		return;
	char place[160], x[TEXT_F64], y[TEXT_F64];
	snprintf(place, sizeof place, "%s %.60s%s%.60s", c->unit, row ? row : "(no name)", column ? ", column " : "", column ? column : "");
	number(x, sizeof x, a);
	number(y, sizeof y, b);
	keep(t, c->o->tolerance, d, place, x, y);
}

static void compare_texts(const struct comparison *c, struct tally *t, const char *a, const char *b, const char *row)
{
	double d = a == b || (a && b && !strcmp(a, b)) ? 0 : INFINITY;
	if (!count(t, 0, d))
		return;
	char place[100], x[80], y[80];
	snprintf(place, sizeof place, "%s %.60s", c->unit, row ? row : "(no name)");
	quote(x, sizeof x, a);
	quote(y, sizeof y, b);
	keep(t, 0, d, place, x, y);
}

static const char *string_at(const struct pmx_field *f, const struct pmx_column *c, size_t i)
{
	if (pmx_column_is_missing(c, i))
		return NULL;
	return c->type == PMX_TEXT ? c->text[i] : c->type == PMX_BOOL ? (c->flag[i] ? "True" : "False") : f->values->at[c->u32[i]];
}

static double number_at(const struct pmx_column *c, size_t i)
{
	switch (c->type) {
	case PMX_I64: return c->i64[i] == PMX_MISSING_I64 ? NAN : (double)c->i64[i];
	case PMX_F32: return (double)c->f32[i];
	case PMX_U32: return c->u32[i];
	default: return c->f64[i];
	}
}

static bool is_number(enum pmx_type type)
{
	return type == PMX_I64 || type == PMX_F64 || type == PMX_F32 || type == PMX_U32;
}

static bool comparable(enum pmx_type a, enum pmx_type b)
{
	if (is_number(a) || is_number(b))
		return is_number(a) && is_number(b);
	return (a == PMX_BOOL) == (b == PMX_BOOL);
}

/* Value i of one column and j of the other. */
static void compare_value(const struct comparison *c, struct tally *t, const struct pmx_field *const f[2],
			  const struct pmx_column *const v[2], size_t i, size_t j, const char *row, const char *column)
{
	if (!is_number(v[A]->type)) {
		compare_texts(c, t, string_at(f[A], v[A], i), string_at(f[B], v[B], j), row);
		return;
	}
	double a = number_at(v[A], i), b = number_at(v[B], j);
	/* Whole numbers that no double tells apart still differ, by more than any tolerance below 1. */
	if (a == b && v[A]->type == PMX_I64 && v[B]->type == PMX_I64 && v[A]->i64[i] != v[B]->i64[j])
		b = nextafter(a, INFINITY);
	compare_numbers(c, t, a, b, row, column);
}

static const char *what(enum pmx_class class, bool matrix)
{
	return class == PMX_LAYER ? "layer" : class == PMX_VAR ? "column metadata" : matrix ? "row matrix" : "row column";
}

static void conclude(struct comparison *c, const struct tally *t, const char *kind, const char *name)
{
	char worst[TEXT_F64];
	number(worst, sizeof worst, t->worst);
	if (!t->n_differ) {
		find(c, false, mem_print("%s%s%s%s: %" PRIu64 " values, worst difference %s", kind, name ? " '" : "", name ? name : "",
					 name ? "'" : "", t->n, worst));
		return;
	}
	bool more = t->n_differ > 1 && isfinite(t->worst);
	find(c, true, mem_print("%s%s%s%s: %" PRIu64 " of %" PRIu64 " differ; first %s%s%s%s%s", kind, name ? " '" : "", name ? name : "",
				name ? "'" : "", t->n_differ, t->n, t->first_at, more ? "; worst " : "", more ? worst : "",
				more ? " at " : "", more ? t->worst_at : ""));
}

/* The place of each column of the first stream in the second. */
static void match_columns(struct comparison *c)
{
	const struct pmx_schema *a = c->side[A].s, *b = c->side[B].s;
	struct names *x = pmx_column_names(a), *y = pmx_column_names(b);
	size_t missing = 0, first = 0, moved = 0, n = a->n_columns;
	bool mapped = c->o->by_name && x->n == n && y->n == b->n_columns;
	if (mapped)
		c->column = mem_array(n, sizeof *c->column);
	for (size_t i = n; i-- > 0; ) {
		uint32_t j = names_find(y, pmx_column_name(a, i));
		bool here = i < b->n_columns && !strcmp(pmx_column_name(a, i), pmx_column_name(b, i));
		if (mapped)
			c->column[i] = j;
		if (j == NAMES_NONE || (!missing && !here))
			first = i;
		missing += j == NAMES_NONE;
		moved += !here;
	}
	c->columns_match = n == b->n_columns && (mapped ? !missing : !moved);
	if (n != b->n_columns)
		find(c, true, mem_print("columns: %zu against %zu", n, b->n_columns));
	if (!c->columns_match && missing)
		find(c, true, mem_print("columns: %zu of %zu are not in the second stream, first %s", missing, n, pmx_column_name(a, first)));
	else if (!c->columns_match && moved)
		find(c, true, mem_print("columns: they are in another order (see --by-name), first column %zu: %s against %s", first + 1,
					pmx_column_name(a, first), first < b->n_columns ? pmx_column_name(b, first) : "none"));
	if (c->columns_match)
		find(c, false, mem_print("columns: %zu", n));
	names_free(x);
	names_free(y);
}

static void compare_metadata(struct comparison *c, size_t fa, size_t fb)
{
	const struct pmx_field *f[2] = { &c->side[A].s->field[fa], &c->side[B].s->field[fb] };
	const struct pmx_column *v[2] = { f[A]->column, f[B]->column };
	struct tally t = { 0 };
	c->unit = "column";
	for (size_t i = 0; i < v[A]->n; i++)
		for (size_t k = 0; k < v[A]->width; k++)
			compare_value(c, &t, f, v, i * v[A]->width + k, (c->column ? c->column[i] : i) * v[B]->width + k,
				      pmx_column_name(c->side[A].s, i), NULL);
	c->unit = "row";
	conclude(c, &t, what(PMX_VAR, false), f[A]->name);
}

static bool wanted(const struct comparison *c, const struct side *x, size_t i)
{
	const struct pmx_field *f = &x->s->field[i];
	if (f->class == PMX_LAYER)
		return !c->o->layers || listed(c->o->layers, f->name);
	if (f->class == PMX_VAR)
		return strcmp(f->name, x->s->column_names) && !listed(c->o->ignored, f->name);
	return f->class == PMX_OBS && i != x->names && !listed(c->o->ignored, f->name);
}

static int open_pair(struct comparison *c, size_t fa, size_t fb, struct err *e)
{
	const struct pmx_field *a = &c->side[A].s->field[fa], *b = &c->side[B].s->field[fb];
	struct pair *p = &c->pair[c->n_pairs++];
	*p = (struct pair){ .field = { fa, fb }, .class = a->class };
	if (a->class == PMX_LAYER) {
		p->values = c->columns_match;
		if (!p->values)
			return 0;
		p->handle[A] = pmx_dense_layer(c->side[A].dense, fa, NULL, 0, e);
		p->handle[B] = p->handle[A] < 0 ? -1 : pmx_dense_layer(c->side[B].dense, fb, c->column, c->side[A].s->n_columns, e);
		return p->handle[B] < 0 ? -1 : 0;
	}
	p->values = comparable(a->type, b->type) && a->width == b->width && a->matrix == b->matrix;
	if (a->type != b->type)
		find(c, true, mem_print("%s '%s': %s against %s", what(a->class, a->matrix), a->name, pmx_type_name(a->type), pmx_type_name(b->type)));
	else if (!p->values)
		find(c, true, mem_print("%s '%s': %" PRIu32 " wide against %" PRIu32, what(a->class, a->matrix), a->name, a->width, b->width));
	if (a->class == PMX_VAR) {
		c->n_pairs--;
		if (p->values && c->columns_match)
			compare_metadata(c, fa, fb);
		return 0;
	}
	if (p->values && a->matrix && listed(c->o->sign_free, a->name)) {
		p->straight = mem_zero(a->width, sizeof *p->straight);
		p->turned = mem_zero(a->width, sizeof *p->turned);
	}
	pmx_want(c->side[A].r, fa);
	pmx_want(c->side[B].r, fb);
	return 0;
}

static int match_fields(struct comparison *c, struct err *e)
{
	const struct pmx_schema *a = c->side[A].s, *b = c->side[B].s;
	c->pair = mem_zero(a->n_fields, sizeof *c->pair);
	for (size_t i = 0; i < a->n_fields; i++) {
		const struct pmx_field *f = &a->field[i];
		if (!wanted(c, &c->side[A], i))
			continue;
		size_t j = pmx_find(b, f->class, f->name);
		if (j == PMX_NO_FIELD)
			find(c, true, mem_print("%s '%s': only in the first stream", what(f->class, f->matrix), f->name));
		else if (open_pair(c, i, j, e))
			return -1;
	}
	for (size_t j = 0; j < b->n_fields; j++) {
		const struct pmx_field *f = &b->field[j];
		if (wanted(c, &c->side[B], j) && pmx_find(a, f->class, f->name) == PMX_NO_FIELD)
			find(c, true, mem_print("%s '%s': only in the second stream", what(f->class, f->matrix), f->name));
	}
	return 0;
}

static int check_names(const struct comparison *c, struct err *e)
{
	for (size_t i = 0; c->o->layers && i < c->o->layers->n; i++)
		if (pmx_find(c->side[A].s, PMX_LAYER, c->o->layers->at[i]) == PMX_NO_FIELD &&
		    pmx_need(c->side[B].s, PMX_LAYER, c->o->layers->at[i], e) == PMX_NO_FIELD)
			return -1;
	for (size_t i = 0; c->o->sign_free && i < c->o->sign_free->n; i++)
		if (pmx_find(c->side[A].s, PMX_OBS, c->o->sign_free->at[i]) == PMX_NO_FIELD &&
		    pmx_need(c->side[B].s, PMX_OBS, c->o->sign_free->at[i], e) == PMX_NO_FIELD)
			return -1;
	return 0;
}

static int compare_layer(struct comparison *c, struct pair *p, struct pmx_block *const b[2], const size_t from[2], size_t n,
			 const char *const *name, struct err *e)
{
	size_t width = c->side[A].s->n_columns, step = width ? ((size_t)1 << 19) / width + 1 : n;
	for (size_t at = 0; at < n; at += step) {
		size_t k = n - at < step ? n - at : step;
		for (int x = A; x <= B; x++) {
			c->side[x].values = mem_resize(c->side[x].values, k * width, sizeof *c->side[x].values);
			if (pmx_dense_rows(c->side[x].dense, p->handle[x], b[x], from[x] + at, from[x] + at + k, c->side[x].values, e))
				return -1;
		}
		const double *u = c->side[A].values, *v = c->side[B].values;
		for (size_t r = 0; r < k; r++)
			for (size_t j = 0; j < width; j++, u++, v++) {
				if (*u == *v)
					p->tally.n++;
				else
					compare_numbers(c, &p->tally, *u, *v, name[at + r], pmx_column_name(c->side[A].s, j));
			}
	}
	return 0;
}

static void compare_matrix_row(struct comparison *c, struct pair *p, const struct pmx_column *const v[2], size_t i, size_t j,
			       const char *name)
{
	for (size_t k = 0; k < v[A]->width; k++) {
		char column[20];
		snprintf(column, sizeof column, "%zu", k + 1);
		double a = number_at(v[A], i * v[A]->width + k), b = number_at(v[B], j * v[B]->width + k);
		if (!p->straight) {
			compare_numbers(c, &p->tally, a, b, name, column);
			continue;
		}
		compare_numbers(c, &p->straight[k], a, b, name, column);
		compare_numbers(c, &p->turned[k], a, -b, name, column);
	}
}

/* n rows of a block of each stream, which belong together. */
static int compare_rows(struct comparison *c, struct pmx_block *const b[2], const size_t from[2], size_t n, struct err *e)
{
	const struct pmx_column *name[2];
	for (int x = A; x <= B; x++)
		if (!(name[x] = pmx_block_column(b[x], c->side[x].s, c->side[x].names, e)))
			return -1;
	for (size_t r = 0; r < n; r++)
		compare_texts(c, &c->row_names, name[A]->text[from[A] + r], name[B]->text[from[B] + r], name[A]->text[from[A] + r]);
	for (size_t i = 0; i < c->n_pairs; i++) {
		struct pair *p = &c->pair[i];
		if (!p->values)
			continue;
		if (p->class == PMX_LAYER) {
			if (compare_layer(c, p, b, from, n, name[A]->text + from[A], e))
				return -1;
			continue;
		}
		const struct pmx_field *f[2];
		const struct pmx_column *v[2];
		for (int x = A; x <= B; x++) {
			f[x] = &c->side[x].s->field[p->field[x]];
			if (!(v[x] = pmx_block_column(b[x], c->side[x].s, p->field[x], e)))
				return -1;
		}
		for (size_t r = 0; r < n; r++) {
			if (f[A]->matrix)
				compare_matrix_row(c, p, v, from[A] + r, from[B] + r, name[A]->text[from[A] + r]);
			else
				compare_value(c, &p->tally, f, v, from[A] + r, from[B] + r, name[A]->text[from[A] + r], NULL);
		}
	}
	return 0;
}

/* The next block when the one at hand is used up; 0 at the end. */
static int advance(struct side *x, struct err *e)
{
	if (x->block && x->row < x->block->n_rows)
		return 1;
	pmx_block_free(x->block);
	x->block = NULL;
	x->row = 0;
	int more = pmx_dense_next(x->dense, &x->block, e);
	if (more > 0)
		x->n_rows += x->block->n_rows;
	return more;
}

static int run_in_order(struct comparison *c, struct err *e)
{
	struct side *a = &c->side[A], *b = &c->side[B];
	for (;;) {
		int more[2] = { advance(a, e), advance(b, e) };
		if (more[A] < 0 || more[B] < 0)
			return -1;
		if (!more[A] && !more[B])
			return 0;
		if (!more[A] || !more[B]) {
			struct side *longer = more[A] ? a : b;
			longer->row = longer->block->n_rows;
			continue;
		}
		size_t n = a->block->n_rows - a->row, left = b->block->n_rows - b->row;
		if (left < n)
			n = left;
		if (compare_rows(c, (struct pmx_block *[2]){ a->block, b->block }, (size_t[2]){ a->row, b->row }, n, e))
			return -1;
		a->row += n;
		b->row += n;
	}
}

/* All of the second stream, to be found by name. */
static int hold_second(struct comparison *c, struct err *e)
{
	struct side *b = &c->side[B];
	struct pmx_block *block;
	uint64_t bytes = 0;
	int more;
	c->name = names_new();
	while ((more = pmx_dense_next(b->dense, &block, e)) > 0) {
		mem_room(&c->block, &c->block_cap, c->n_blocks + 1, sizeof *c->block);
		c->block[c->n_blocks++] = block;
		/* Values are decoded beside the bytes that they came in. */
		bytes += 5 * pmx_block_plain_size(block);
		if (bytes > c->o->memory)
			return err_set(e, "%s does not fit --memory; give more, or sort both streams alike and compare them in order",
				       pmx_reader_name(b->r));
		const struct pmx_column *name = pmx_block_column(block, b->s, b->names, e);
		if (!name)
			return -1;
		size_t cap = c->place_cap;
		mem_room(&c->name_block, &cap, b->n_rows + block->n_rows, sizeof *c->name_block);
		mem_room(&c->name_row, &c->place_cap, b->n_rows + block->n_rows, sizeof *c->name_row);
		for (size_t r = 0; r < block->n_rows; r++, b->n_rows++) {
			bool is_new = false;
			if (!name->text[r] || (names_add(c->name, name->text[r], &is_new), !is_new))
				return err_set(e, "%s: row %" PRIu64 " (%s) has no name of its own, so rows cannot be matched by name",
					       pmx_reader_name(b->r), b->n_rows, name->text[r] ? name->text[r] : "no name");
			c->name_block[b->n_rows] = (uint32_t)(c->n_blocks - 1);
			c->name_row[b->n_rows] = (uint32_t)r;
		}
	}
	c->found = mem_zero(c->name->n, sizeof *c->found);
	return more;
}

static int run_by_name(struct comparison *c, struct err *e)
{
	struct side *a = &c->side[A];
	uint64_t only_first = 0, n_found = 0;
	char first[80] = "";
	int more = hold_second(c, e);
	while (!more && (more = advance(a, e)) > 0) {
		const struct pmx_column *name = pmx_block_column(a->block, a->s, a->names, e);
		if (!name)
			return -1;
		for (; a->row < a->block->n_rows; a->row++) {
			uint32_t k = name->text[a->row] ? names_find(c->name, name->text[a->row]) : NAMES_NONE;
			if (k == NAMES_NONE || c->found[k]) {
				if (!only_first++)
					quote(first, sizeof first, name->text[a->row]);
				continue;
			}
			c->found[k] = true;
			n_found++;
			if (compare_rows(c, (struct pmx_block *[2]){ a->block, c->block[c->name_block[k]] },
					 (size_t[2]){ a->row, c->name_row[k] }, 1, e))
				return -1;
		}
		more = 0;
	}
	if (more < 0)
		return -1;
	if (only_first)
		find(c, true, mem_print("rows: %" PRIu64 " are only in the first stream, first %s", only_first, first));
	if (n_found < c->name->n) {
		size_t k = 0;
		while (c->found[k])
			k++;
		find(c, true, mem_print("rows: %" PRIu64 " are only in the second stream, first '%s'", (uint64_t)c->name->n - n_found, c->name->at[k]));
	}
	return 0;
}

/* Each column of a matrix with the sign that fits better. */
static void settle_signs(struct comparison *c, struct pair *p)
{
	for (uint32_t k = 0; p->straight && k < c->side[A].s->field[p->field[A]].width; k++) {
		const struct tally *s = &p->straight[k], *t = p->turned[k].worst < s->worst ? &p->turned[k] : s;
		if (!p->tally.n_differ)
			memcpy(p->tally.first_at, t->first_at, sizeof t->first_at);
		if (t->worst > p->tally.worst) {
			p->tally.worst = t->worst;
			memcpy(p->tally.worst_at, t->worst_at, sizeof t->worst_at);
		}
		p->tally.n += t->n;
		p->tally.n_differ += t->n_differ;
	}
}

static void report(struct comparison *c)
{
	if (c->side[A].n_rows != c->side[B].n_rows)
		find(c, true, mem_print("rows: %" PRIu64 " against %" PRIu64, c->side[A].n_rows, c->side[B].n_rows));
	if (!c->o->by_name)
		conclude(c, &c->row_names, "row names", NULL);
	for (size_t i = 0; i < c->n_pairs; i++) {
		struct pair *p = &c->pair[i];
		const struct pmx_field *f = &c->side[A].s->field[p->field[A]];
		settle_signs(c, p);
		if (p->values)
			conclude(c, &p->tally, what(f->class, f->matrix), f->name);
	}
}

int pmx_compare(struct pmx_reader *a, struct pmx_reader *b, const struct pmx_compare_options *o, struct pmx_findings *out, struct err *e)
{
	struct comparison c = { .o = o, .unit = "row", .out = out };
	struct pmx_reader *r[2] = { a, b };
	for (int x = A; x <= B; x++) {
		c.side[x] = (struct side){ .r = r[x], .s = pmx_reader_schema(r[x]), .dense = pmx_dense_new(r[x], o->threads) };
		c.side[x].names = pmx_find(c.side[x].s, PMX_OBS, c.side[x].s->row_names);
		pmx_want(r[x], c.side[x].names);
	}
	if (c.side[A].s->kind != c.side[B].s->kind)
		find(&c, true, mem_print("kind: %s against %s", pmx_kind_name(c.side[A].s->kind), pmx_kind_name(c.side[B].s->kind)));
	int status = check_names(&c, e);
	if (!status) {
		match_columns(&c);
		status = match_fields(&c, e);
	}
	if (!status)
		status = o->by_name ? run_by_name(&c, e) : run_in_order(&c, e);
	if (!status)
		report(&c);
	for (size_t i = 0; i < c.n_pairs; i++) {
		mem_free(c.pair[i].straight);
		mem_free(c.pair[i].turned);
	}
	for (int x = A; x <= B; x++) {
		pmx_block_free(c.side[x].block);
		pmx_dense_free(c.side[x].dense);
		mem_free(c.side[x].values);
	}
	for (size_t i = 0; i < c.n_blocks; i++)
		pmx_block_free(c.block[i]);
	mem_free(c.block);
	names_free(c.name);
	mem_free(c.name_block);
	mem_free(c.name_row);
	mem_free(c.found);
	mem_free(c.pair);
	mem_free(c.column);
	return status;
}
