#include "report/points.h"
#include "base/mem.h"
#include "num/eigen.h"
#include "num/random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A row that may be shown. */
struct candidate {
	uint32_t draw;
	uint64_t row;
	double *at;
	char *name;
	uint32_t code;
};

struct taking {
	size_t axes, matrix, layer, colour, names;
	double *sum, *product;          /* axes; axes x axes, upper part */
	double n;
	struct candidate *heap;         /* the largest draw on top */
	size_t n_heap;
	uint64_t row;
};

static bool before(const struct candidate *a, const struct candidate *b)
{
	return a->draw != b->draw ? a->draw < b->draw : a->row < b->row;
}

static void sink(struct candidate *heap, size_t n, size_t i)
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && before(&heap[child], &heap[child + 1]))
			child++;
		if (!before(&heap[i], &heap[child]))
			return;
		struct candidate swap = heap[i];
		heap[i] = heap[child];
		heap[child] = swap;
	}
}

static int find_fields(const struct pmx_schema *s, const char *matrix, const char *colour, struct taking *t, struct err *e)
{
	t->matrix = matrix ? pmx_need(s, PMX_OBS, matrix, e) : PMX_NO_FIELD;
	t->layer = matrix ? PMX_NO_FIELD : pmx_need(s, PMX_LAYER, "X", e);
	t->colour = colour ? pmx_need_category(s, colour, e) : PMX_NO_FIELD;
	t->names = pmx_find(s, PMX_OBS, s->row_names);
	if (e->set)
		return -1;
	const struct pmx_field *f = &s->field[matrix ? t->matrix : t->layer];
	if (!matrix && f->storage != PMX_DENSE)
		return err_set(e, "layer '%s' is not dense; an embedding is", f->name);
	if (f->type != PMX_F32 && f->type != PMX_F64)
		return err_set(e, "'%s' does not hold real numbers", f->name);
	t->axes = matrix ? f->width : s->n_columns;
	if (t->axes < 2)
		return err_set(e, "'%s' has one axis; a picture takes two", f->name);
	/* Beyond that the covariance of all axes is not worth its memory. */
	if (t->axes > POINTS_AXES)
		return err_set(e, "'%s' has %zu axes; a picture takes up to %d", f->name, t->axes, POINTS_AXES);
	return 0;
}

static void take(struct taking *t, const double *x, const char *name, uint32_t code)
{
	t->n++;
	for (size_t i = 0; i < t->axes; i++) {
		t->sum[i] += x[i];
		for (size_t j = i; j < t->axes && t->axes > 2; j++)
			t->product[i * t->axes + j] += x[i] * x[j];
	}
	struct candidate c = { random_words(1, 0x7265706f, t->row, 0).v[0], t->row, NULL, NULL, code };
	if (t->n_heap == POINTS_MOST) {
		if (!before(&c, &t->heap[0]))
			return;
		mem_free(t->heap[0].at);
		mem_free(t->heap[0].name);
	}
	c.at = mem_array(t->axes, sizeof *c.at);
	memcpy(c.at, x, t->axes * sizeof *x);
	c.name = mem_text(name);
	if (t->n_heap == POINTS_MOST) {
		t->heap[0] = c;
		sink(t->heap, t->n_heap, 0);
		return;
	}
	t->heap[t->n_heap++] = c;
	if (t->n_heap == POINTS_MOST)
		for (size_t i = POINTS_MOST / 2; i-- > 0; )
			sink(t->heap, t->n_heap, i);
}

static int take_block(struct points *p, struct taking *t, const struct pmx_schema *s, struct pmx_block *b, double *x, struct err *e)
{
	const struct pmx_column *v = pmx_block_column(b, s, t->matrix == PMX_NO_FIELD ? t->layer : t->matrix, e),
		*colour = t->colour == PMX_NO_FIELD ? NULL : pmx_block_column(b, s, t->colour, e),
		*names = t->names == PMX_NO_FIELD ? NULL : pmx_block_column(b, s, t->names, e);
	if (e->set)
		return -1;
	for (size_t r = 0; r < b->n_rows; r++, t->row++) {
		bool placed = true;
		char text[64];
		p->n_all++;
		for (size_t k = 0; k < t->axes; k++) {
			size_t i = r * t->axes + k;
			x[k] = v->type == PMX_F32 ? (double)v->f32[i] : v->f64[i];
			placed &= isfinite(x[k]);
		}
		if (!placed)
			p->n_without++;
		else
			take(t, x, names ? pmx_column_text(&s->field[t->names], names, r, text, sizeof text) : "", colour ? colour->u32[r] : PMX_MISSING_CODE);
	}
	return 0;
}

static int by_row(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	return (x->row > y->row) - (x->row < y->row);
}

/* Two axes of unit length, axes x 2. */
static double *directions(const struct taking *t)
{
	size_t d = t->axes;
	double *to = mem_zero(d * 2, sizeof *to);
	if (d == 2) {
		to[0] = to[3] = 1;
		return to;
	}
	double *covariance = mem_array(d * d, sizeof *covariance);
	for (size_t i = 0; i < d; i++)
		for (size_t j = i; j < d; j++)
			covariance[i * d + j] = covariance[j * d + i] = t->product[i * d + j] - t->sum[i] * t->sum[j] / t->n;
	struct eigen_result r = eigen_small(covariance, d, 2);
	for (size_t i = 0; i < d; i++)
		for (size_t k = 0; k < 2; k++)
			to[i * 2 + k] = r.vector[i * r.k + k];
	eigen_free(&r);
	mem_free(covariance);
	return to;
}

/* The most frequent labels keep their name, as many as there are colours; ties in the order of the dictionary. */
static void group(struct points *p, const struct taking *t, const struct names *labels)
{
	size_t n = labels ? labels->n : 0, *count = mem_zero(n + 1, sizeof *count);
	uint32_t *code = mem_array(n + 1, sizeof *code);
	for (size_t i = 0; i < p->n; i++)
		count[t->heap[i].code == PMX_MISSING_CODE ? n : t->heap[i].code]++;
	size_t used = 0;
	for (size_t k = 0; k <= n; k++)
		used += count[k] > 0;
	size_t keep = used > POINTS_GROUPS ? POINTS_GROUPS - 1 : used;
	for (size_t k = 0; k <= n; k++)
		code[k] = NAMES_NONE;
	for (size_t i = 0; i < keep; i++) {
		size_t best = n + 1;
		for (size_t k = 0; k <= n; k++)
			if (count[k] && code[k] == NAMES_NONE && (best > n || count[k] > count[best]))
				best = k;
		code[best] = names_add(p->groups, best < n ? labels->at[best] : labels ? "none" : "all", NULL);
	}
	for (size_t i = 0; i < p->n; i++) {
		uint32_t c = code[t->heap[i].code == PMX_MISSING_CODE ? n : t->heap[i].code];
		p->group[i] = c == NAMES_NONE ? names_add(p->groups, "other", NULL) : c;
	}
	mem_free(count);
	mem_free(code);
}

static void place(struct points *p, struct taking *t, const struct names *labels)
{
	p->n = t->n_heap;
	p->xy = mem_array(p->n * 2, sizeof *p->xy);
	p->name = mem_array(p->n, sizeof *p->name);
	p->group = mem_array(p->n, sizeof *p->group);
	if (!p->n)
		return;
	qsort(t->heap, p->n, sizeof *t->heap, by_row);
	double *to = directions(t);
	for (size_t i = 0; i < p->n; i++) {
		for (size_t k = 0; k < 2; k++) {
			double v = 0;
			for (size_t j = 0; j < t->axes; j++)
				v += (t->heap[i].at[j] - (t->axes > 2 ? t->sum[j] / t->n : 0)) * to[j * 2 + k];
			p->xy[i * 2 + k] = v;
		}
		p->name[i] = t->heap[i].name;
		t->heap[i].name = NULL;
	}
	group(p, t, labels);
	mem_free(to);
}

struct points *points_read(struct pmx_reader *r, const char *matrix, const char *colour, struct err *e)
{
	const struct pmx_schema *s = pmx_reader_schema(r);
	struct taking t = { 0 };
	int more = find_fields(s, matrix, colour, &t, e);
	if (more)
		return NULL;
	struct points *p = mem_zero(1, sizeof *p);
	p->file = mem_text(pmx_reader_name(r));
	p->groups = names_new();
	p->group_name = colour ? mem_text(colour) : NULL;
	p->how = mem_print(t.axes > 2 ? "principal components of the %zu axes of %s" : "the %zu axes of %s", t.axes, matrix ? matrix : "the embedding");
	t.sum = mem_zero(t.axes, sizeof *t.sum);
	t.product = mem_zero(t.axes * t.axes, sizeof *t.product);
	t.heap = mem_array(POINTS_MOST, sizeof *t.heap);
	double *x = mem_array(t.axes, sizeof *x);
	struct pmx_block *b;
	while ((more = pmx_next(r, &b, e)) > 0) {
		int status = take_block(p, &t, s, b, x, e);
		pmx_block_free(b);
		if (status)
			break;
	}
	if (!e->set)
		place(p, &t, t.colour == PMX_NO_FIELD ? NULL : s->field[t.colour].values);
	for (size_t i = 0; i < t.n_heap; i++) {
		mem_free(t.heap[i].at);
		mem_free(t.heap[i].name);
	}
	mem_free(t.heap);
	mem_free(t.sum);
	mem_free(t.product);
	mem_free(x);
	if (e->set) {
		points_free(p);
		return NULL;
	}
	return p;
}

void points_free(struct points *p)
{
	if (!p)
		return;
	for (size_t i = 0; p->name && i < p->n; i++)
		mem_free(p->name[i]);
	mem_free(p->name);
	mem_free(p->xy);
	mem_free(p->group);
	names_free(p->groups);
	mem_free(p->group_name);
	mem_free(p->file);
	mem_free(p->how);
	mem_free(p);
}
