#include "report/effects.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fields {
	size_t target, split, guide, reason, n_target, n_control, fold, p, adjusted;
};

static int find_fields(const struct pmx_schema *s, struct effects *x, struct fields *f, struct err *e)
{
	f->target = pmx_need_category(s, "target", e);
	f->split = pmx_find(s, PMX_OBS, "split");
	f->guide = pmx_find(s, PMX_OBS, "guide");
	f->reason = pmx_find(s, PMX_OBS, "reason");
	f->n_target = pmx_find(s, PMX_OBS, "n_target");
	f->n_control = pmx_find(s, PMX_OBS, "n_control");
	f->adjusted = pmx_find(s, PMX_LAYER, "log10_p_adj");
	f->fold = pmx_find(s, PMX_LAYER, "logfc");
	x->fold_name = mem_text(f->fold == PMX_NO_FIELD ? "log2fc" : "logfc");
	if (f->fold == PMX_NO_FIELD)
		f->fold = pmx_need(s, PMX_LAYER, "log2fc", e);
	f->p = pmx_need(s, PMX_LAYER, "log10_p", e);
	if (e->set)
		return -1;
	const size_t layer[] = { f->fold, f->p, f->adjusted };
	for (size_t i = 0; i < 3; i++)
		if (layer[i] != PMX_NO_FIELD && (s->field[layer[i]].storage != PMX_DENSE || s->field[layer[i]].type != PMX_F64))
			return err_set(e, "layer '%s' is not stored as dense real numbers, as de-markers and weighted-de store it", s->field[layer[i]].name);
	return 0;
}

static const char *label(const struct pmx_schema *s, struct pmx_block *b, size_t field, size_t row, struct err *e)
{
	if (field == PMX_NO_FIELD || e->set || s->field[field].type != PMX_CATEGORY)
		return NULL;
	const struct pmx_column *c = pmx_block_column(b, s, field, e);
	return c && c->u32[row] != PMX_MISSING_CODE ? s->field[field].values->at[c->u32[row]] : NULL;
}

static int64_t whole(const struct pmx_schema *s, struct pmx_block *b, size_t field, size_t row, struct err *e)
{
	if (field == PMX_NO_FIELD || e->set || s->field[field].type != PMX_I64 || pmx_is_matrix(&s->field[field]))
		return -1;
	const struct pmx_column *c = pmx_block_column(b, s, field, e);
	return c && c->i64[row] >= 0 ? c->i64[row] : -1;
}

static int by_p(const void *a, const void *b)
{
	const struct effect_point *x = a, *y = b;
	return x->log10_p != y->log10_p ? (x->log10_p > y->log10_p) - (x->log10_p < y->log10_p) : (x->gene > y->gene) - (x->gene < y->gene);
}

static double decides(const struct effect_point *p)
{
	return isnan(p->log10_p_adj) ? p->log10_p : p->log10_p_adj;
}

/* Moves the points that stay to the front; see the header. */
static size_t thin(struct effect_point *p, size_t n, size_t most)
{
	bool taken[VOLCANO_ACROSS * VOLCANO_UP] = { false };
	double low = p[0].fold, high = p[0].fold, top = -p[0].log10_p;
	for (size_t i = 0; i < n; i++) {
		low = fmin(low, p[i].fold);
		high = fmax(high, p[i].fold);
	}
	size_t kept = 0;
	for (size_t i = 0; i < n && kept < most; i++) {
		double across = high > low ? (p[i].fold - low) / (high - low) : 0, up = top > 0 ? -p[i].log10_p / top : 0;
		size_t cell = (size_t)fmin(across * VOLCANO_ACROSS, VOLCANO_ACROSS - 1) * VOLCANO_UP + (size_t)fmin(up * VOLCANO_UP, VOLCANO_UP - 1);
		if (i >= VOLCANO_TOP && taken[cell])
			continue;
		taken[cell] = true;
		p[kept++] = p[i];
	}
	return kept;
}

static int most_hits_first(const void *a, const void *b)
{
	const struct effects_row *x = *(struct effects_row *const *)a, *y = *(struct effects_row *const *)b;
	size_t n = x->n_up + x->n_down, m = y->n_up + y->n_down;
	return n != m ? (n < m ? 1 : -1) : (x > y) - (x < y);
}

static void keep_best(struct effects *x)
{
	struct effects_row **row = mem_array(x->n_full, sizeof *row);
	size_t n = 0;
	for (size_t i = 0; i < x->n; i++)
		if (x->row[i].full)
			row[n++] = &x->row[i];
	if (n)
		qsort(row, n, sizeof *row, most_hits_first);
	for (size_t i = VOLCANO_ROWS; i < n; i++) {
		row[i]->full = false;
		row[i]->n = row[i]->n < VOLCANO_FEW ? row[i]->n : VOLCANO_FEW;
		row[i]->point = mem_resize(row[i]->point, VOLCANO_FEW, sizeof *row[i]->point);
	}
	x->n_full = n < VOLCANO_ROWS ? n : VOLCANO_ROWS;
	mem_free(row);
}

static struct effects_row *new_row(struct effects *x)
{
	mem_room(&x->row, &x->cap, x->n + 1, sizeof *x->row);
	struct effects_row *v = &x->row[x->n++];
	*v = (struct effects_row){ 0 };
	return v;
}

static char *copy_or_null(const char *s)
{
	return s ? mem_text(s) : NULL;
}

static int take_row(struct effects *x, const struct pmx_schema *s, const struct fields *f, struct pmx_block *b, size_t r, const char *only, struct err *e)
{
	const struct pmx_column *fold = pmx_block_column(b, s, f->fold, e), *p = pmx_block_column(b, s, f->p, e);
	const struct pmx_column *adjusted = f->adjusted == PMX_NO_FIELD ? NULL : pmx_block_column(b, s, f->adjusted, e);
	const char *target = label(s, b, f->target, r, e), *split = label(s, b, f->split, r, e), *guide = label(s, b, f->guide, r, e);
	struct effects_row *v = new_row(x);
	v->reason = copy_or_null(label(s, b, f->reason, r, e));
	v->n_target = whole(s, b, f->n_target, r, e);
	v->n_control = whole(s, b, f->n_control, r, e);
	if (e->set)
		return -1;
	v->target = mem_text(target ? target : "NA");
	v->split = copy_or_null(split);
	v->name = mem_print("%s%s%s%s%s", v->target, split ? ", " : "", split ? split : "", guide ? ", " : "", guide ? guide : "");
	x->has_splits |= split != NULL;
	size_t n = s->n_columns, first = r * n;
	v->point = mem_array(n, sizeof *v->point);
	for (uint32_t g = 0; g < n; g++) {
		struct effect_point at = { g, fold->f64[first + g], p->f64[first + g], adjusted ? adjusted->f64[first + g] : NAN };
		/* A p of 0 or a fold change without end has no place in a picture, but is counted. */
		if (isnan(at.fold) || isnan(at.log10_p))
			continue;
		v->n_tested++;
		bool significant = decides(&at) < log10(0.05);
		v->n_up += significant && at.fold > 0;
		v->n_down += significant && at.fold < 0;
		if (isfinite(at.fold) && isfinite(at.log10_p))
			v->point[v->n++] = at;
	}
	if (v->n) {
		qsort(v->point, v->n, sizeof *v->point, by_p);
		v->full = !only || !strcmp(only, v->target);
		v->n = thin(v->point, v->n, v->full ? VOLCANO_POINTS : VOLCANO_FEW);
	}
	v->point = mem_resize(v->point, v->n ? v->n : 1, sizeof *v->point);
	x->n_full += v->full;
	if (x->n_full > 2 * VOLCANO_ROWS)
		keep_best(x);
	return 0;
}

struct effects *effects_read(struct pmx_reader *r, const char *only, struct err *e)
{
	const struct pmx_schema *s = pmx_reader_schema(r);
	struct effects *x = mem_zero(1, sizeof *x);
	struct fields f;
	int more = find_fields(s, x, &f, e);
	x->file = mem_text(pmx_reader_name(r));
	x->genes = pmx_column_names(s);
	struct pmx_block *b;
	while (!more && (more = pmx_next(r, &b, e)) > 0) {
		more = 0;
		for (size_t i = 0; i < b->n_rows && !more; i++)
			more = take_row(x, s, &f, b, i, only, e);
		pmx_block_free(b);
	}
	if (more < 0) {
		effects_free(x);
		return NULL;
	}
	keep_best(x);
	return x;
}

void effects_free(struct effects *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->n; i++) {
		mem_free(x->row[i].name);
		mem_free(x->row[i].target);
		mem_free(x->row[i].split);
		mem_free(x->row[i].reason);
		mem_free(x->row[i].point);
	}
	mem_free(x->row);
	names_free(x->genes);
	mem_free(x->fold_name);
	mem_free(x->file);
	mem_free(x);
}

struct sheet *effects_table(const struct effects *x)
{
	struct sheet *s = sheet_new("target split cells controls tested up down strongest reason");
	for (size_t i = 0; i < x->n; i++) {
		const struct effects_row *v = &x->row[i];
		sheet_text(s, v->target);
		sheet_text(s, v->split);
		sheet_number(s, v->n_target < 0 ? NAN : (double)v->n_target);
		sheet_number(s, v->n_control < 0 ? NAN : (double)v->n_control);
		sheet_count(s, v->n_tested);
		sheet_count(s, v->n_up);
		sheet_count(s, v->n_down);
		struct bytes genes = { 0 };
		for (size_t k = 0; k < v->n && k < 5; k++) {
			bytes_add(&genes, ", ", k ? 2 : 0);
			bytes_add(&genes, x->genes->at[v->point[k].gene], strlen(x->genes->at[v->point[k].gene]));
		}
		bytes_add(&genes, "", 1);
		sheet_text(s, v->n ? (const char *)genes.at : NULL);
		bytes_free(&genes);
		sheet_text(s, v->reason);
	}
	return s;
}
