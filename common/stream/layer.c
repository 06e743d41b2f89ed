#include "stream/layer.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

bool pmx_layer_is_signature(const struct pmx_schema *s, size_t layer)
{
	const struct pmx_field *f = &s->field[layer];
	return f->storage == PMX_RECIPE && f->recipe.kind != PMX_LOG_NORMALISED;
}

bool pmx_layer_is_counts(const struct pmx_schema *s, size_t layer)
{
	return s->field[layer].storage != PMX_RECIPE && s->field[layer].type == PMX_U32;
}

void pmx_layer_want(struct pmx_reader *r, const struct pmx_schema *s, size_t layer)
{
	const struct pmx_field *f = &s->field[layer];
	if (f->storage != PMX_RECIPE) {
		pmx_want(r, layer);
		return;
	}
	const struct pmx_recipe *p = &f->recipe;
	const char *row[] = { p->totals, p->neighbours, p->split };
	for (size_t i = 0; i < 3; i++)
		if (row[i])
			pmx_want(r, pmx_find(s, PMX_OBS, row[i]));
	pmx_layer_want(r, s, pmx_find(s, PMX_LAYER, p->source));
}

static double sparse_value(const struct pmx_sparse *m, size_t i)
{
	return m->type == PMX_U32 ? m->u32[i] : m->type == PMX_F32 ? (double)m->f32[i] : m->f64[i];
}

/* log1p is dear and small counts recur within a row: a table a row, the same values. A zero is 0 whatever the total. */
enum { TABLE = 64 };

static void log_normalise(const struct pmx_sparse *m, size_t from, size_t to, double total, double target_sum, double *out)
{
	double table[TABLE];
	bool have[TABLE] = { false };
	for (size_t i = from; i < to; i++) {
		if (m->type == PMX_U32 && m->u32[i] < TABLE) {
			uint32_t count = m->u32[i];
			if (!have[count]) {
				table[count] = count ? log1p((double)count / total * target_sum) : 0;
				have[count] = true;
			}
			out[i - from] = table[count];
		} else {
			double v = sparse_value(m, i);
			out[i - from] = v == 0 ? 0 : log1p(v / total * target_sum);
		}
	}
}

static void append_dense(const struct pmx_column *c, size_t from, size_t to, struct sparse_rows *out)
{
	sparse_rows_room(out, to - from, (to - from) * c->width);
	for (size_t r = from; r < to; r++) {
		size_t n = out->start[out->n_rows];
		for (size_t j = 0; j < c->width; j++) {
			size_t i = r * c->width + j;
			double v = c->type == PMX_U32 ? c->u32[i] : c->type == PMX_F32 ? (double)c->f32[i] : c->f64[i];
			if (v == 0)
				continue;
			out->col[n] = (uint32_t)j;
			out->value[n++] = v;
		}
		out->start[++out->n_rows] = n;
	}
}

int pmx_layer_rows(struct pmx_block *b, const struct pmx_schema *s, size_t layer, size_t from, size_t to,
		   struct sparse_rows *out, struct err *e)
{
	const struct pmx_field *f = &s->field[layer];
	const struct pmx_column *totals = NULL;
	size_t stored = layer;
	if (f->storage == PMX_RECIPE) {
		stored = pmx_find(s, PMX_LAYER, f->recipe.source);
		totals = pmx_block_column(b, s, pmx_find(s, PMX_OBS, f->recipe.totals), e);
		if (!totals)
			return -1;
	}
	if (s->field[stored].storage == PMX_DENSE) {
		const struct pmx_column *c = pmx_block_column(b, s, stored, e);
		if (!c)
			return -1;
		size_t first = out->n_rows;
		append_dense(c, from, to, out);
		for (size_t r = first; totals && r < out->n_rows; r++)
			for (size_t i = out->start[r]; i < out->start[r + 1]; i++)
				out->value[i] = log1p(out->value[i] / totals->f64[from + r - first] * f->recipe.target_sum);
		return 0;
	}
	const struct pmx_sparse *m = pmx_block_sparse(b, s, stored, e);
	if (!m)
		return -1;
	size_t n = m->start[to] - m->start[from];
	sparse_rows_room(out, to - from, n);
	size_t at = out->start[out->n_rows];
	for (size_t r = from; r < to; r++) {
		size_t begin = m->start[r], end = m->start[r + 1];
		memcpy(out->col + at, m->col + begin, (end - begin) * sizeof *out->col);
		if (totals)
			log_normalise(m, begin, end, totals->f64[r], f->recipe.target_sum, out->value + at);
		else
			for (size_t i = begin; i < end; i++)
				out->value[at + i - begin] = sparse_value(m, i);
		at += end - begin;
		out->start[++out->n_rows] = at;
	}
	return 0;
}

static bool finite_sum(double *total, const void *values, enum pmx_type type, size_t from, size_t to)
{
	double sum = 0, least = 0;
	for (size_t i = from; i < to; i++) {
		double v = type == PMX_F32 ? (double)((const float *)values)[i] : type == PMX_F64 ? ((const double *)values)[i]
			: ((const uint32_t *)values)[i];
		sum += v;
		least = v < least ? v : least;
	}
	*total = sum;
	return least >= 0 && isfinite(sum);
}

int pmx_layer_totals(struct pmx_block *b, const struct pmx_schema *s, size_t layer, double *total, size_t *bad, struct err *e)
{
	const struct pmx_field *f = &s->field[layer];
	*bad = SIZE_MAX;
	if (f->storage == PMX_DENSE) {
		const struct pmx_column *c = pmx_block_column(b, s, layer, e);
		for (size_t r = 0; c && r < b->n_rows; r++)
			if (!finite_sum(&total[r], c->f64, c->type, r * c->width, (r + 1) * c->width) && *bad == SIZE_MAX)
				*bad = r;
		return c ? 0 : -1;
	}
	if (f->type != PMX_U32) {
		const struct pmx_sparse *m = pmx_block_sparse(b, s, layer, e);
		for (size_t r = 0; m && r < b->n_rows; r++)
			if (!finite_sum(&total[r], m->f64, m->type, m->start[r], m->start[r + 1]) && *bad == SIZE_MAX)
				*bad = r;
		return m ? 0 : -1;
	}
	struct pmx_section *lengths = pmx_block_section(b, f->id, PMX_ROW_LENGTHS), *values = pmx_block_section(b, f->id, PMX_VALUES);
	if (!lengths || !values || lengths->encoding != PMX_PLAIN || values->encoding != PMX_BYTE8)
		return err_set(e, "'%s': a section is missing", f->name);
	const uint8_t *length = pmx_section_plain(lengths, (uint64_t)b->n_rows * 4, e);
	const uint8_t *plain = length ? pmx_section_plain(values, PMX_MAX_SECTION, e) : NULL;
	if (!plain || lengths->plain_size != b->n_rows * 4)
		return err_set(e, "'%s': the row lengths are damaged", f->name);
	size_t n = 0, n_large;
	for (size_t r = 0; r < b->n_rows; r++) {
		uint32_t k;
		memcpy(&k, length + 4 * r, 4);
		n += k;
	}
	const uint8_t *small;
	const uint32_t *large;
	if (byte8_view(plain, values->plain_size, n, &small, &large, &n_large, e))
		return err_context(e, "'%s'", f->name);
	for (size_t r = 0; r < b->n_rows; r++) {
		uint32_t k;
		uint64_t sum = 0;
		memcpy(&k, length + 4 * r, 4);
		size_t n_escaped = n_large ? byte8_count_exceptions(small, k) : 0;
		for (uint32_t i = 0; i < k; i++)
			sum += small[i];
		sum -= 255 * n_escaped;
		while (n_escaped--)
			sum += *large++;
		total[r] = (double)sum;
		small += k;
	}
	return 0;
}

struct pmx_signature {
	enum pmx_recipe_kind kind;
	const struct sparse_cols *controls;
	const uint32_t *control_split;
	size_t k, n_splits;
	uint32_t *column;
	size_t n_columns;
	uint32_t *slot;                 /* of each column of the stream: its place in column, or UINT32_MAX */
	double *reference;              /* column x control: expm1(source); or column x split: the mean */
	size_t *n_in_split;
};

struct pmx_signature *pmx_signature_new(const struct pmx_schema *s, size_t layer, const struct sparse_cols *controls,
					const uint32_t *control_split)
{
	struct pmx_signature *g = mem_zero(1, sizeof *g);
	const struct pmx_recipe *r = &s->field[layer].recipe;
	g->kind = r->kind;
	g->controls = controls;
	g->control_split = control_split;
	if (r->kind == PMX_NEIGHBOUR_SIGNATURE)
		g->k = s->field[pmx_find(s, PMX_OBS, r->neighbours)].width;
	g->n_splits = r->split ? s->field[pmx_find(s, PMX_OBS, r->split)].values->n : 1;
	g->slot = mem_array(controls->n_cols, sizeof *g->slot);
	memset(g->slot, 0xff, controls->n_cols * sizeof *g->slot);
	g->n_in_split = mem_zero(g->n_splits, sizeof *g->n_in_split);
	for (size_t i = 0; i < controls->n_rows; i++)
		if (!control_split || control_split[i] != PMX_MISSING_CODE)
			g->n_in_split[control_split ? control_split[i] : 0]++;
	return g;
}

void pmx_signature_free(struct pmx_signature *g)
{
	if (!g)
		return;
	mem_free(g->column);
	mem_free(g->slot);
	mem_free(g->reference);
	mem_free(g->n_in_split);
	mem_free(g);
}

void pmx_signature_columns(struct pmx_signature *g, const uint32_t *column, size_t n, int threads)
{
	for (size_t i = 0; i < g->n_columns; i++)
		g->slot[g->column[i]] = UINT32_MAX;
	g->column = mem_resize(g->column, n, sizeof *g->column);
	memcpy(g->column, column, n * sizeof *column);
	g->n_columns = n;
	const struct sparse_cols *x = g->controls;
	size_t per = g->kind == PMX_NEIGHBOUR_SIGNATURE ? x->n_rows : g->n_splits;
	mem_free(g->reference);
	g->reference = mem_zero(n * per, sizeof *g->reference);
	for (size_t j = 0; j < n; j++)
		g->slot[column[j]] = (uint32_t)j;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
	for (size_t j = 0; j < n; j++) {
		double *out = g->reference + j * per;
		for (size_t i = x->start[column[j]]; i < x->start[column[j] + 1]; i++) {
			uint32_t split = g->control_split ? g->control_split[x->row[i]] : 0;
			if (g->kind == PMX_NEIGHBOUR_SIGNATURE)
				out[x->row[i]] = expm1(x->value[i]);
			else if (split != PMX_MISSING_CODE)
				out[split] += x->value[i];
		}
		if (g->kind == PMX_SPLIT_SIGNATURE)
			for (size_t k = 0; k < g->n_splits; k++)
				out[k] /= (double)g->n_in_split[k];
	}
}

static int check_rows(const struct pmx_signature *g, const struct pmx_signature_rows *rows, struct err *e)
{
	size_t n = rows->source ? rows->source->n_rows : g->controls->n_rows;
	if (g->kind == PMX_NEIGHBOUR_SIGNATURE) {
		for (size_t i = 0; i < n * g->k; i++)
			if (rows->neighbour[i] >= g->controls->n_rows &&
			    (rows->neighbour[i] != UINT32_MAX || rows->neighbour[i / g->k * g->k] != UINT32_MAX))
				return err_set(e, "a row names control %u as its neighbour, but there are %zu controls", rows->neighbour[i],
					       g->controls->n_rows);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		if (rows->split && rows->split[i] != PMX_MISSING_CODE && (rows->split[i] >= g->n_splits || !g->n_in_split[rows->split[i]]))
			return err_set(e, "a split has no controls");
	return 0;
}

int pmx_signature_compute(const struct pmx_signature *g, const struct pmx_signature_rows *rows, int threads, double *out,
			  struct err *e)
{
	if (check_rows(g, rows, e))
		return -1;
	size_t n = rows->source ? rows->source->n_rows : g->controls->n_rows, m = g->n_columns, k = g->k;
	/* A row without neighbours (its first is UINT32_MAX) or without a split has no signature: NaN. */
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1 && m > 1)
	for (size_t j = 0; j < m; j++) {
		if (g->kind == PMX_SPLIT_SIGNATURE) {
			const double *mean = g->reference + j * g->n_splits;
			for (size_t i = 0; i < n; i++) {
				uint32_t split = rows->split ? rows->split[i] : 0;
				out[j * n + i] = split == PMX_MISSING_CODE ? NAN : mean[split];
			}
			continue;
		}
		const double *linear = g->reference + j * g->controls->n_rows;
		for (size_t i = 0; i < n; i++) {
			const uint32_t *near = rows->neighbour + i * k;
			if (near[0] == UINT32_MAX) {
				out[j * n + i] = NAN;
				continue;
			}
			double sum = 0;
			for (size_t q = 0; q < k; q++)
				sum += linear[near[q]];
			out[j * n + i] = sum == 0 ? 0 : log1p(sum / (double)k);
		}
	}
	const struct sparse_rows *x = rows->source;
	for (size_t j = 0; !x && j < m; j++)
		for (size_t p = g->controls->start[g->column[j]]; p < g->controls->start[g->column[j] + 1]; p++)
			out[j * n + g->controls->row[p]] -= g->controls->value[p];
	for (size_t i = 0; x && i < n; i++)
		for (size_t p = x->start[i]; p < x->start[i + 1]; p++)
			if (g->slot[x->col[p]] != UINT32_MAX)
				out[g->slot[x->col[p]] * n + i] -= x->value[p];
	return 0;
}
