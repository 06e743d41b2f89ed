#include "report/groups.h"
#include "report/screen_summary.h"
#include "base/mem.h"
#include "base/names.h"
#include "stats/correlation.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const number_name[] = { "height", "weight", "correlation" };

struct fields {
	size_t target, split, guide, program, reason, prototype, number[3], z;
};

static int find_fields(const struct pmx_schema *s, struct fields *f, struct err *e)
{
	if (pmx_find(s, PMX_OBS, "program") == PMX_NO_FIELD || pmx_find(s, PMX_LAYER, "z") == PMX_NO_FIELD)
		return err_set(e, "the contrasts have no column 'program' or no layer 'z'; decompose makes both");
	f->target = pmx_need_category(s, "target", e);
	f->program = pmx_need_category(s, "program", e);
	f->reason = pmx_need_category(s, "program_reason", e);
	f->split = pmx_find(s, PMX_OBS, "split");
	f->guide = pmx_find(s, PMX_OBS, "guide");
	f->prototype = pmx_find(s, PMX_OBS, "prototype");
	for (size_t i = 0; i < 3; i++)
		f->number[i] = pmx_find(s, PMX_OBS, number_name[i]);
	f->z = pmx_find(s, PMX_LAYER, "z");
	if (!e->set && (s->field[f->z].storage != PMX_DENSE || s->field[f->z].type != PMX_F64))
		err_set(e, "layer 'z' is not stored as dense real numbers, as decompose stores it");
	return e->set ? -1 : 0;
}

static const struct pmx_column *column(struct pmx_block *b, const struct pmx_schema *s, size_t field, enum pmx_type type, struct err *e)
{
	if (field == PMX_NO_FIELD || e->set || s->field[field].type != type || pmx_is_matrix(&s->field[field]))
		return NULL;
	return pmx_block_column(b, s, field, e);
}

static const char *label(const struct pmx_schema *s, struct pmx_block *b, size_t field, size_t row, struct err *e)
{
	const struct pmx_column *c = column(b, s, field, PMX_CATEGORY, e);
	return c && c->u32[row] != PMX_MISSING_CODE ? s->field[field].values->at[c->u32[row]] : NULL;
}

static char *copy_or_null(const char *s)
{
	return s ? mem_text(s) : NULL;
}

/* The genes that were compared are those that have a z in the first row with any. */
struct compared {
	uint32_t *gene;
	size_t n_outside;               /* rows kept that are in no programme */
};

static void take_z(struct groups *g, struct compared *at, struct groups_row *v, const double *z, size_t n_columns)
{
	bool inside = v->program != NAMES_NONE;
	if (!at->gene) {
		at->gene = mem_array(n_columns, sizeof *at->gene);
		for (uint32_t k = 0; k < n_columns; k++)
			if (!isnan(z[k]))
				at->gene[g->n_genes++] = k;
	}
	g->n_compared++;
	if (!inside && at->n_outside++ >= GROUPS_ROWS)
		return;
	v->z = mem_array(g->n_genes, sizeof *v->z);
	for (size_t k = 0; k < g->n_genes; k++)
		v->z[k] = isnan(z[at->gene[k]]) ? 0 : (float)z[at->gene[k]];
}

static int take_row(struct groups *g, struct compared *at, const struct pmx_schema *s, const struct fields *f, struct pmx_block *b, size_t r, struct err *e)
{
	const struct pmx_column *z = pmx_block_column(b, s, f->z, e), *prototype = column(b, s, f->prototype, PMX_BOOL, e);
	const char *target = label(s, b, f->target, r, e), *split = label(s, b, f->split, r, e), *guide = label(s, b, f->guide, r, e);
	const char *program = label(s, b, f->program, r, e), *reason = label(s, b, f->reason, r, e);
	if (e->set)
		return -1;
	mem_room(&g->row, &g->cap, g->n + 1, sizeof *g->row);
	struct groups_row *v = &g->row[g->n++];
	*v = (struct groups_row){ .target = mem_text(target ? target : "NA"), .split = copy_or_null(split), .reason = copy_or_null(reason),
		.program = program ? names_find(g->programs, program) : NAMES_NONE, .prototype = prototype && prototype->flag[r] != PMX_MISSING_BOOL ? prototype->flag[r] : -1 };
	v->name = mem_print("%s%s%s%s%s", v->target, split ? ", " : "", split ? split : "", guide ? ", " : "", guide ? guide : "");
	for (size_t i = 0; i < 3; i++) {
		const struct pmx_column *c = column(b, s, f->number[i], PMX_F64, e);
		v->number[i] = c ? c->f64[r] : NAN;
	}
	if (program)
		g->size[v->program]++;
	const double *row = z->f64 + r * s->n_columns;
	for (size_t k = 0; k < s->n_columns; k++)
		if (!isnan(row[k])) {
			take_z(g, at, v, row, s->n_columns);
			break;
		}
	return e->set ? -1 : 0;
}

/* Row numbers programme by programme, those in none last. */
struct place {
	size_t row, size;
	uint32_t program;
	bool first;                     /* a prototype */
};

static int largest_first(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	if (x->program != y->program) {
		if (x->program == NAMES_NONE || y->program == NAMES_NONE)
			return x->program == NAMES_NONE ? 1 : -1;
		return x->size != y->size ? (x->size < y->size ? 1 : -1) : (x->program > y->program) - (x->program < y->program);
	}
	return x->first != y->first ? (x->first ? -1 : 1) : (x->row > y->row) - (x->row < y->row);
}

static enum correlation_method method_of(struct groups *g, const struct pmx_schema *s)
{
	static const char *const name[] = { "pearson", "spearman", "kendall" }, *const shown[] = { "Pearson", "Spearman", "Kendall" };
	const char *given = provenance_option(s, "correlation");
	int m = CORRELATION_PEARSON;
	for (int i = CORRELATION_PEARSON; i <= CORRELATION_KENDALL && given; i++)
		if (!strcmp(given, name[i]))
			m = i;
	g->method = shown[m];
	return (enum correlation_method)m;
}

/* Swaps rows (and their correlations) so that each is most like the one before it, inside of from .. to. */
static void chain(struct groups *g, size_t from, size_t to)
{
	size_t n = g->n_shown;
	for (size_t at = from + 1; at + 1 < to; at++) {
		size_t best = at;
		for (size_t k = at + 1; k < to; k++)
			if (fabs(g->r[(at - 1) * n + k]) > fabs(g->r[(at - 1) * n + best]))
				best = k;
		/* The rows between move up by one, so that they keep their order. */
		for (; best > at; best--) {
			size_t row = g->shown[best];
			g->shown[best] = g->shown[best - 1];
			g->shown[best - 1] = row;
			for (size_t k = 0; k < n; k++) {
				double v = g->r[best * n + k];
				g->r[best * n + k] = g->r[(best - 1) * n + k];
				g->r[(best - 1) * n + k] = v;
			}
			for (size_t k = 0; k < n; k++) {
				double v = g->r[k * n + best];
				g->r[k * n + best] = g->r[k * n + best - 1];
				g->r[k * n + best - 1] = v;
			}
		}
	}
}

static void arrange(struct groups *g, enum correlation_method method, int threads)
{
	struct place *place = mem_array(g->n + 1, sizeof *place);
	size_t n = 0;
	for (size_t i = 0; i < g->n; i++)
		if (g->row[i].z)
			place[n++] = (struct place){ i, g->row[i].program == NAMES_NONE ? 0 : g->size[g->row[i].program], g->row[i].program, g->row[i].prototype == 1 };
	qsort(place, n, sizeof *place, largest_first);
	g->n_shown = n < GROUPS_ROWS ? n : GROUPS_ROWS;
	g->r = mem_array(g->n_shown * g->n_shown + 1, sizeof *g->r);
	double *x = mem_array(g->n_shown * g->n_genes + 1, sizeof *x);
	for (size_t i = 0; i < g->n_shown; i++) {
		g->shown[i] = place[i].row;
		for (size_t k = 0; k < g->n_genes; k++)
			x[i * g->n_genes + k] = (double)g->row[place[i].row].z[k];
	}
	if (g->n_shown && g->n_genes)
		correlation_matrix(method, x, g->n_genes, g->n_shown, threads, g->r);
	for (size_t from = 0, to; from < g->n_shown; from = to) {
		for (to = from; to < g->n_shown && g->row[g->shown[to]].program == g->row[g->shown[from]].program; )
			to++;
		chain(g, from, to);
	}
	for (size_t i = 0; i < g->n; i++) {
		mem_free(g->row[i].z);
		g->row[i].z = NULL;
	}
	mem_free(x);
	mem_free(place);
}

struct groups *groups_read(struct pmx_reader *r, int threads, struct err *e)
{
	const struct pmx_schema *s = pmx_reader_schema(r);
	struct fields f = { 0 };
	if (find_fields(s, &f, e))
		return NULL;
	struct groups *g = mem_zero(1, sizeof *g);
	struct compared at = { 0 };
	struct pmx_block *b;
	int more = 0;
	g->file = mem_text(pmx_reader_name(r));
	g->programs = names_copy(s->field[f.program].values);
	g->size = mem_zero(g->programs->n + 1, sizeof *g->size);
	while (!more && (more = pmx_next(r, &b, e)) > 0) {
		more = 0;
		for (size_t i = 0; i < b->n_rows && !more; i++)
			more = take_row(g, &at, s, &f, b, i, e);
		pmx_block_free(b);
	}
	if (!more)
		arrange(g, method_of(g, s), threads);
	mem_free(at.gene);
	if (more < 0) {
		groups_free(g);
		return NULL;
	}
	return g;
}

void groups_free(struct groups *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++) {
		mem_free(g->row[i].target);
		mem_free(g->row[i].split);
		mem_free(g->row[i].reason);
		mem_free(g->row[i].name);
		mem_free(g->row[i].z);
	}
	mem_free(g->row);
	mem_free(g->r);
	mem_free(g->size);
	names_free(g->programs);
	mem_free(g->file);
	mem_free(g);
}

struct sheet *groups_table(const struct groups *g)
{
	struct sheet *s = sheet_new("program split target height prototype weight correlation reason");
	for (uint32_t p = 0; p <= g->programs->n; p++) {
		uint32_t program = p < g->programs->n ? p : NAMES_NONE;
		for (size_t i = 0; i < g->n; i++) {
			const struct groups_row *v = &g->row[i];
			if (v->program != program)
				continue;
			sheet_text(s, program == NAMES_NONE ? NULL : g->programs->at[program]);
			sheet_text(s, v->split);
			sheet_text(s, v->target);
			sheet_number(s, v->number[0]);
			sheet_text(s, v->prototype < 0 ? NULL : v->prototype ? "true" : "false");
			sheet_number(s, v->number[1]);
			sheet_number(s, v->number[2]);
			sheet_text(s, v->reason);
		}
	}
	return s;
}
