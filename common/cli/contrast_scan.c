#include "cli/contrast_scan.h"
#include "cli/again.h"
#include "cli/layer_scan.h"
#include "base/mem.h"
#include <string.h>

/* The cells of one contrast: rows of the batch. */
struct part {
	uint32_t target, guide;
	uint32_t *cell;
	size_t n, cap;
};

/* Targets read and not yet tested; `x` of cells holds their expression. */
struct batch {
	struct cell_group cells;
	struct part *part;
	size_t n, cap;
};

static void part_add(struct batch *b, uint32_t target, uint32_t guide, size_t from, uint32_t cell)
{
	size_t i = from;
	while (i < b->n && b->part[i].guide != guide)
		i++;
	if (i == b->n) {
		mem_room(&b->part, &b->cap, b->n + 1, sizeof *b->part);
		b->part[b->n++] = (struct part){ .target = target, .guide = guide };
	}
	mem_room(&b->part[i].cell, &b->part[i].cap, b->part[i].n + 1, sizeof *b->part[i].cell);
	b->part[i].cell[b->part[i].n++] = cell;
}

/* Cuts the group that was appended last (cells from ..) into its parts, guides in order of first appearance. */
static void cut(struct batch *b, size_t from)
{
	size_t first = b->n;
	for (size_t i = from; i < b->cells.n; i++)
		part_add(b, b->cells.code, b->cells.guide ? b->cells.guide[i] : 0, first, (uint32_t)i);
}

static void clear(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		mem_free(b->part[i].cell);
	b->n = 0;
	b->cells.n = 0;
	sparse_rows_clear(&b->cells.x);
}

/* Rows of the parts that belong to one split, part after part. */
static void gather(const struct batch *b, size_t split, struct sparse_rows *rows, size_t *start)
{
	uint32_t *cell = mem_array(b->cells.n, sizeof *cell);
	for (size_t p = 0; p < b->n; p++) {
		size_t n = 0;
		for (size_t i = 0; i < b->part[p].n; i++)
			if (b->cells.split[b->part[p].cell[i]] == split)
				cell[n++] = b->part[p].cell[i];
		cell_rows_pick(&b->cells.x, cell, n, rows);
		start[p + 1] = rows->n_rows;
	}
	mem_free(cell);
}

static void need_contrasts(struct markers_contrast ***contrast, size_t *have, size_t n, size_t n_genes)
{
	if (n <= *have)
		return;
	*contrast = mem_resize(*contrast, n, sizeof **contrast);
	for (; *have < n; ++*have)
		(*contrast)[*have] = markers_contrast_new(n_genes);
}

/* What stays the same from batch to batch. */
struct engine {
	const struct cli *c;
	const struct markers_options *test;
	struct screen *s;
	struct markers_reference **reference;   /* of each split */
	struct sparse_cols **columns;           /* what those are made of, where there are several */
	struct markers_contrast **contrast;
	size_t n_contrasts;
	struct contrast_writer *out;
};

/* Tests a batch, split by split; results go out target by target. */
static void flush(struct engine *g, struct batch *b)
{
	struct screen *s = g->s;
	size_t n_splits = screen_splits(s);
	need_contrasts(&g->contrast, &g->n_contrasts, b->n * n_splits, s->s->n_columns);
	struct markers_contrast **contrast = g->contrast, **of_split = mem_array(b->n, sizeof *of_split);
	bool as_read = n_splits == 1 && !b->cells.guide;
	for (size_t split = 0; split < n_splits; split++) {
		struct sparse_rows rows;
		size_t *start = mem_zero(b->n + 1, sizeof *start);
		sparse_rows_init(&rows, s->s->n_columns);
		if (as_read)
			for (size_t p = 0; p < b->n; p++)
				start[p + 1] = start[p] + b->part[p].n;
		else
			gather(b, split, &rows, start);
		for (size_t p = 0; p < b->n; p++)
			of_split[p] = contrast[p * n_splits + split];
		markers_find(g->test, g->reference[split], as_read ? &b->cells.x : &rows, start, b->n, of_split, g->c->threads);
		mem_free(start);
		sparse_rows_free(&rows);
	}
	for (size_t p = 0; p < b->n; p++)
		for (uint32_t split = 0; split < n_splits; split++)
			contrasts_put(g->out, b->part[p].target, split, b->part[p].guide, contrast[p * n_splits + split]);
	mem_free(of_split);
	clear(b);
}

static void make_references(struct engine *g)
{
	struct screen *s = g->s;
	int threads = g->c->threads;
	size_t n_splits = screen_splits(s);
	g->reference = mem_zero(n_splits, sizeof(struct markers_reference *));
	g->columns = mem_zero(n_splits, sizeof(struct sparse_cols *));
	if (n_splits == 1) {
		g->reference[0] = markers_reference_new(g->test, screen_control_columns(s, threads), threads);
		return;
	}
	uint32_t *cell = mem_array(s->controls.n, sizeof *cell);
	for (size_t split = 0; split < n_splits; split++) {
		struct sparse_rows rows;
		size_t n = 0;
		sparse_rows_init(&rows, s->s->n_columns);
		for (uint32_t i = 0; i < s->controls.n; i++)
			if (s->controls.split[i] == split)
				cell[n++] = i;
		cell_rows_pick(&s->controls.x, cell, n, &rows);
		g->columns[split] = sparse_transpose(&rows, threads);
		g->reference[split] = markers_reference_new(g->test, g->columns[split], threads);
		sparse_rows_free(&rows);
	}
	mem_free(cell);
}

static struct contrast_writer *open_output(const struct cli *c, const struct contrast_scan *scan, const struct pmx_schema *s,
					   const struct pmx_reader *in, json_t *notes)
{
	const struct screen_options *o = scan->screen;
	struct contrast_rows rows = { &s->field[pmx_find(s, PMX_OBS, o->pert_key)],
		o->split_by ? &s->field[pmx_find(s, PMX_OBS, o->split_by)] : NULL,
		scan->by_guide ? &s->field[pmx_find(s, PMX_OBS, o->guide_key)] : NULL };
	return contrasts_open(c, scan->out, s, &rows, in, notes);
}

void contrast_scan_controls(const struct cli *c, const struct contrast_scan *scan, json_t *notes)
{
	struct screen *s = screen_open(c, scan->screen, SCREEN_EXPRESSION | (scan->by_guide ? SCREEN_GUIDES : 0), NULL, NULL);
	if (scan->screen->split_by)
		s->value_bytes += 12;           /* the rows of a split, until they are by genes */
	screen_controls(s);
	struct engine g = { .c = c, .test = scan->test, .s = s };
	make_references(&g);
	g.out = open_output(c, scan, s->s, s->original, notes);
	struct batch b = { 0 };
	cell_group_init(&b.cells, s);
	/*
	 * A value takes 24 bytes by rows and by columns, and results of a target weigh as much as its values. Beyond some millions the
	 * first touch of the memory costs more than the sorts gain.
	 */
	enum { BATCH = 8 << 20 };
	uint64_t room = (c->memory - screen_held(s)) / 64;
	size_t most_values = room < BATCH ? room : BATCH, per_target = s->s->n_columns * 6 * screen_splits(s);
	struct cli_progress *bar = cli_progress_new(c, "targets", s->s->field[s->pert].values->n);
	uint64_t done = 0;
	for (size_t from = 0; screen_append(s, &b.cells); from = b.cells.n) {
		if (b.cells.code == PMX_MISSING_CODE) {
			cli_note(c, "%zu cells have no label in %s and are left out", b.cells.n - from, scan->screen->pert_key);
			b.cells.n = b.cells.x.n_rows = from;
			continue;
		}
		cut(&b, from);
		cli_progress_at(bar, ++done, b.cells.label);
		if (b.cells.x.start[b.cells.n] + b.n * per_target >= most_values)
			flush(&g, &b);
	}
	if (b.n)
		flush(&g, &b);
	cli_progress_end(bar);
	if (!done)
		cli_die("there are control cells only, no target to compare with them");
	contrasts_close(g.out, s->original);
	clear(&b);
	mem_free(b.part);
	cell_group_free(&b.cells);
	for (size_t i = 0; i < g.n_contrasts; i++)
		markers_contrast_free(g.contrast[i]);
	mem_free(g.contrast);
	for (size_t split = 0; split < screen_splits(s); split++) {
		markers_reference_free(g.reference[split]);
		sparse_cols_free(g.columns[split]);
	}
	mem_free(g.reference);
	mem_free(g.columns);
	screen_close(s);
}

/* What the rest scan knows of every cell: which contrast it belongs to, which split. */
struct rest {
	const struct pmx_schema *s;
	size_t pert, split, guide, layer;
	uint32_t *part, *split_of;
	size_t n_cells, cap[2];
	uint32_t *target, *guide_of;    /* of each part */
	size_t n_parts, part_cap[2];
	uint32_t *slot;                 /* part of each (target, guide) */
	uint32_t control;
};

static void learn_cells(struct rest *r, struct pmx_block *b, struct err *e)
{
	const struct pmx_column *pert = pmx_block_column(b, r->s, r->pert, e), *guide = NULL, *split = NULL;
	if (pert && r->guide != PMX_NO_FIELD)
		guide = pmx_block_column(b, r->s, r->guide, e);
	if (pert && r->split != PMX_NO_FIELD)
		split = pmx_block_column(b, r->s, r->split, e);
	if (e->set)
		cli_fail(e);
	size_t n_guides = guide ? r->s->field[r->guide].values->n + 1 : 1;
	mem_room(&r->part, &r->cap[0], r->n_cells + b->n_rows, sizeof *r->part);
	mem_room(&r->split_of, &r->cap[1], r->n_cells + b->n_rows, sizeof *r->split_of);
	for (size_t i = 0; i < b->n_rows; i++) {
		uint32_t t = pert->u32[i], part = UINT32_MAX;
		if (t != PMX_MISSING_CODE && t != r->control) {
			uint32_t g = guide && guide->u32[i] != PMX_MISSING_CODE ? guide->u32[i] : (uint32_t)n_guides - 1;
			uint32_t *slot = &r->slot[t * n_guides + g];
			if (*slot == UINT32_MAX) {
				mem_room(&r->target, &r->part_cap[0], r->n_parts + 1, sizeof *r->target);
				mem_room(&r->guide_of, &r->part_cap[1], r->n_parts + 1, sizeof *r->guide_of);
				r->target[r->n_parts] = t;
				r->guide_of[r->n_parts] = guide ? guide->u32[i] : 0;
				*slot = (uint32_t)r->n_parts++;
			}
			part = *slot;
		}
		r->part[r->n_cells] = part;
		r->split_of[r->n_cells++] = split ? split->u32[i] : 0;
	}
}

/* The first pass: which cells there are, and how many values each gene has. */
struct first_pass {
	struct rest *r;
	uint64_t *per_gene;
};

static void learn_block(void *state, struct pmx_block *b, const struct sparse_rows *x)
{
	struct err e = { 0 };
	struct first_pass *p = state;
	learn_cells(p->r, b, &e);
	for (size_t i = 0; i < x->start[x->n_rows]; i++)
		p->per_gene[x->col[i]]++;
}

/* Later ones: values of genes first .. end of all cells. */
struct range_pass {
	uint32_t first, end;
	struct sparse_rows *rows;
};

static void keep_block(void *state, struct pmx_block *b, const struct sparse_rows *x)
{
	struct range_pass *p = state;
	(void)b;
	layer_keep_range(p->rows, x, p->first, p->end, NULL);
}

/* Tests genes first .. end in one split; `part` of a cell outside of it is not asked for. */
static void test_range(const struct cli *c, const struct contrast_scan *scan, const struct rest *r, const struct sparse_rows *all,
		       uint32_t split, uint32_t first, struct markers_contrast *const *contrast)
{
	uint32_t *cell = mem_array(r->n_cells, sizeof *cell), *group = mem_array(r->n_cells, sizeof *group);
	size_t n = 0, *size = mem_zero(r->n_parts + 1, sizeof *size);
	for (uint32_t i = 0; i < r->n_cells; i++)
		if (r->split_of[i] == split) {
			group[n] = r->part[i] == UINT32_MAX ? (uint32_t)r->n_parts : r->part[i];
			size[group[n]]++;
			cell[n++] = i;
		}
	struct sparse_rows rows;
	sparse_rows_init(&rows, all->n_cols);
	if (n < r->n_cells)
		cell_rows_pick(all, cell, n, &rows);
	struct sparse_cols *cols = sparse_transpose(n < r->n_cells ? &rows : all, c->threads);
	markers_find_rest(scan->test, cols, group, r->n_parts, size, scan->whole, first, contrast, c->threads);
	sparse_cols_free(cols);
	sparse_rows_free(&rows);
	mem_free(cell);
	mem_free(group);
	mem_free(size);
}

static void find_fields(struct rest *r, const struct contrast_scan *scan)
{
	struct err e = { 0 };
	const struct screen_options *o = scan->screen;
	r->pert = pmx_need_category(r->s, o->pert_key, &e);
	r->split = o->split_by && !e.set ? pmx_need_category(r->s, o->split_by, &e) : PMX_NO_FIELD;
	r->guide = scan->by_guide && !e.set ? pmx_need_category(r->s, o->guide_key, &e) : PMX_NO_FIELD;
	r->layer = e.set ? PMX_NO_FIELD : screen_expression_of(r->s, o->layer, &e);
	if (e.set)
		cli_fail(&e);
	r->control = o->control ? names_find(r->s->field[r->pert].values, o->control) : NAMES_NONE;
	if (o->control && r->control == NAMES_NONE)
		cli_die("column '%s' has no label '%s'", o->pert_key, o->control);
	size_t n = r->s->field[r->pert].values->n * (r->guide == PMX_NO_FIELD ? 1 : r->s->field[r->guide].values->n + 1);
	r->slot = mem_array(n, sizeof *r->slot);
	memset(r->slot, 0xff, n * sizeof *r->slot);
}

void contrast_scan_rest(const struct cli *c, const struct contrast_scan *scan, json_t *notes)
{
	struct cli_again *again = cli_again_new(c);
	struct pmx_reader *in = cli_again_open(again);
	struct pmx_schema *schema = pmx_schema_copy(pmx_reader_schema(in));
	struct rest r = { .s = schema };
	find_fields(&r, scan);
	uint32_t n_genes = (uint32_t)schema->n_columns;
	uint64_t *per_gene = mem_zero(n_genes, sizeof *per_gene);
	layer_scan(in, schema, r.layer, learn_block, &(struct first_pass){ &r, per_gene });
	size_t n_splits = r.split == PMX_NO_FIELD ? 1 : schema->field[r.split].values->n, n = r.n_parts * n_splits;
	if (!r.n_parts)
		cli_die("no cell has a label other than the control's in %s", scan->screen->pert_key);
	struct markers_contrast **contrast = mem_array(n, sizeof(struct markers_contrast *));
	for (size_t i = 0; i < n; i++)
		contrast[i] = markers_contrast_new(n_genes);
	struct cli_progress *bar = cli_progress_new(c, "genes", n_genes);
	for (uint32_t first = 0, end; first < n_genes; first = end) {
		struct sparse_rows rows;
		end = layer_range_end(per_gene, first, n_genes, c->memory);
		sparse_rows_init(&rows, end - first);
		layer_scan(cli_again_open(again), schema, r.layer, keep_block, &(struct range_pass){ first, end, &rows });
		for (uint32_t split = 0; split < n_splits; split++)
			test_range(c, scan, &r, &rows, split, first, contrast + split * r.n_parts);
		sparse_rows_free(&rows);
		cli_progress_at(bar, end, NULL);
	}
	cli_progress_end(bar);
	struct contrast_writer *out = open_output(c, scan, schema, NULL, notes);
	for (size_t p = 0; p < r.n_parts; p++)
		for (uint32_t split = 0; split < n_splits; split++) {
			markers_rank(scan->test, contrast[split * r.n_parts + p]);
			contrasts_put(out, r.target[p], split, r.guide_of[p], contrast[split * r.n_parts + p]);
		}
	contrasts_close(out, NULL);
	for (size_t i = 0; i < n; i++)
		markers_contrast_free(contrast[i]);
	mem_free(contrast);
	mem_free(per_gene);
	mem_free(r.part);
	mem_free(r.split_of);
	mem_free(r.target);
	mem_free(r.guide_of);
	mem_free(r.slot);
	pmx_schema_free(schema);
	cli_again_free(again);
}
