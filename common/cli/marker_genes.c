#include "cli/marker_genes.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/lines.h"
#include "num/random.h"
#include "perturb/mixscale.h"
#include <stdlib.h>
#include <string.h>

const char *const marker_tests[] = { "auto", "lr", "wilcoxon", "t", NULL };
const char *const marker_corrections[] = { "auto", "bonferroni", "bh", NULL };
const char *const compat_choices[] = { "seurat", "pertpy", NULL };

/* Genes of one target. */
struct list {
	uint32_t *gene;
	size_t n, cap;
};

/* The controls of one split. */
struct split_reference {
	struct sparse_cols *x;
	struct markers_reference *reference;
};

struct marker_genes {
	const struct cli *c;
	struct marker_gene_options *o;
	struct screen *s;
	struct list *given;             /* per target code, from a file; NULL: tested here */
	struct list result;
	struct markers_reference *reference;
	struct split_reference *in_split;       /* of each split, made when it is first asked for */
	struct markers_contrast **contrast;
	size_t n_contrasts, cap;
	struct names *drawn;            /* "target\tguide\tcell" of --harmonize-cells */
};

bool marker_genes_need_expression(const struct marker_gene_options *o)
{
	return !o->markers_file && !o->list_file;
}

static void list_add(struct list *l, uint32_t gene)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->gene[i] == gene)
			return;
	mem_room(&l->gene, &l->cap, l->n + 1, sizeof *l->gene);
	l->gene[l->n++] = gene;
}

/* target TAB gene, a line each; a first line that names neither is a header. */
static void read_list(struct marker_genes *m, const struct names *genes, const struct names *targets)
{
	struct err e = { 0 };
	struct lines *in = lines_open(m->o->list_file, &e);
	size_t used = 0, unknown_genes = 0, unknown_targets = 0, length;
	char *field[3], *line;
	while (in && lines_next(in, &line, &length, &e) > 0) {
		if (!length)
			continue;
		size_t n = text_split(line, '\t', field, 3);
		if (n < 2)
			cli_die("%s, line %llu: a target, a tab and a gene are wanted", m->o->list_file, (unsigned long long)lines_number(in));
		uint32_t target = names_find(targets, field[0]), gene = names_find(genes, field[n > 2 ? 2 : 1]);
		if (gene == NAMES_NONE)
			gene = names_find(genes, field[1]);
		if (target != NAMES_NONE && gene != NAMES_NONE) {
			list_add(&m->given[target], gene);
			used++;
		} else if (lines_number(in) > 1 || target != NAMES_NONE || gene != NAMES_NONE) {
			unknown_targets += target == NAMES_NONE;
			unknown_genes += target != NAMES_NONE && gene == NAMES_NONE;
		}
	}
	if (e.set)
		cli_fail(&e);
	lines_close(in);
	if (!used)
		cli_die("%s names no target and gene of this stream", m->o->list_file);
	if (unknown_genes || unknown_targets)
		cli_note(m->c, "%s: %zu lines name a target and %zu a gene that the stream does not have; they are left out", m->o->list_file,
			 unknown_targets, unknown_genes);
}

struct ranked {
	double rank;
	uint32_t gene;
};

static int by_rank(const void *pa, const void *pb)
{
	const struct ranked *a = pa, *b = pb;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

/* A stream of contrasts: the genes with a marker_rank, in that order; several rows of a target one after the other. */
static void read_markers(struct marker_genes *m, const struct names *genes, const struct names *targets)
{
	struct err e = { 0 };
	struct pmx_reader *in = cli_open_kind(m->c, m->o->markers_file, CLI_KIND(PMX_CONTRASTS));
	const struct pmx_schema *s = pmx_reader_schema(in);
	size_t rank = pmx_need(s, PMX_LAYER, "marker_rank", &e), target = pmx_need_category(s, "target", &e);
	if (e.set)
		cli_fail(&e);
	uint32_t *here = mem_array(s->n_columns, sizeof *here);
	size_t unknown = 0;
	for (size_t i = 0; i < s->n_columns; i++)
		unknown += (here[i] = names_find(genes, pmx_column_name(s, i))) == NAMES_NONE;
	if (unknown == s->n_columns)
		cli_die("%s has none of the genes of this stream", m->o->markers_file);
	struct sparse_rows rows;
	sparse_rows_init(&rows, s->n_columns);
	struct ranked *ranked = mem_array(s->n_columns, sizeof *ranked);
	for (struct pmx_block *b; (b = cli_next(in)); pmx_block_free(b)) {
		const struct pmx_column *code = pmx_block_column(b, s, target, &e);
		sparse_rows_clear(&rows);
		if (!code || pmx_layer_rows(b, s, rank, 0, b->n_rows, &rows, &e))
			cli_fail(&e);
		for (size_t r = 0; r < b->n_rows; r++) {
			uint32_t t = code->u32[r] == PMX_MISSING_CODE ? NAMES_NONE : names_find(targets, s->field[target].values->at[code->u32[r]]);
			size_t n = 0;
			for (size_t i = rows.start[r]; t != NAMES_NONE && i < rows.start[r + 1]; i++)
				if (rows.value[i] > 0 && here[rows.col[i]] != NAMES_NONE)
					ranked[n++] = (struct ranked){ rows.value[i], here[rows.col[i]] };
			if (n)
				qsort(ranked, n, sizeof *ranked, by_rank);
			for (size_t i = 0; i < n; i++)
				list_add(&m->given[t], ranked[i].gene);
		}
	}
	mem_free(here);
	mem_free(ranked);
	sparse_rows_free(&rows);
	pmx_close(in);
}

static void read_draw(struct marker_genes *m)
{
	struct err e = { 0 };
	struct lines *in = lines_open(m->o->harmonize_file, &e);
	char *line, *field[3];
	size_t length;
	m->drawn = names_new();
	while (in && lines_next(in, &line, &length, &e) > 0) {
		if (text_split(line, '\t', field, 3) != 3)
			cli_die("%s, line %llu: target, guide (or all) and cell are wanted, with tabs between", m->o->harmonize_file,
				(unsigned long long)lines_number(in));
		char *key = mem_print("%s\t%s\t%s", field[0], field[1], field[2]);
		names_add(m->drawn, key, NULL);
		mem_free(key);
	}
	if (e.set)
		cli_fail(&e);
	lines_close(in);
}

struct marker_genes *marker_genes_new(const struct cli *c, struct marker_gene_options *o, struct screen *s)
{
	struct marker_genes *m = mem_zero(1, sizeof *m);
	m->c = c;
	m->o = o;
	m->s = s;
	markers_resolve(&o->test);
	const struct names *targets = s->s->field[s->pert].values;
	if (!marker_genes_need_expression(o)) {
		struct names *genes = pmx_column_names(s->s);
		m->given = mem_zero(targets->n, sizeof *m->given);
		if (o->list_file)
			read_list(m, genes, targets);
		else
			read_markers(m, genes, targets);
		names_free(genes);
	}
	if (o->harmonize && !s->o->split_by)
		cli_misuse("--harmonize needs --split-by: it draws controls in the proportions of a target's splits");
	if (o->harmonize)
		s->value_bytes += 24;           /* the controls drawn, by rows and by genes */
	if (o->harmonize_file)
		read_draw(m);
	return m;
}

void marker_genes_free(struct marker_genes *m)
{
	for (size_t i = 0; m->given && i < m->s->s->field[m->s->pert].values->n; i++)
		mem_free(m->given[i].gene);
	mem_free(m->given);
	mem_free(m->result.gene);
	for (size_t i = 0; i < m->n_contrasts; i++)
		markers_contrast_free(m->contrast[i]);
	mem_free(m->contrast);
	markers_reference_free(m->reference);
	for (size_t i = 0; m->in_split && i < screen_splits(m->s); i++) {
		markers_reference_free(m->in_split[i].reference);
		sparse_cols_free(m->in_split[i].x);
	}
	mem_free(m->in_split);
	names_free(m->drawn);
	mem_free(m);
}

static void need_contrasts(struct marker_genes *m, size_t n)
{
	mem_room(&m->contrast, &m->cap, n, sizeof *m->contrast);
	for (; m->n_contrasts < n; m->n_contrasts++)
		m->contrast[m->n_contrasts] = markers_contrast_new(m->s->s->n_columns);
}

/* The cells of a part (a guide, or the whole target) as rows of the group. */
struct part {
	const char *name;
	uint32_t *cell;
	size_t n;
};

#define EVERY_SPLIT SIZE_MAX

static size_t split_by_guide(struct marker_genes *m, const struct cell_group *g, size_t split, struct part **out)
{
	const struct names *guides = m->s->s->field[m->s->guide].values;
	uint32_t *slot = mem_array(guides->n + 1, sizeof *slot);
	memset(slot, 0xff, (guides->n + 1) * sizeof *slot);
	struct part *part = mem_zero(guides->n + 1, sizeof *part);
	size_t n = 0;
	for (uint32_t i = 0; i < g->n; i++) {
		if (split != EVERY_SPLIT && g->split[i] != split)
			continue;
		size_t guide = g->guide[i] == PMX_MISSING_CODE ? guides->n : g->guide[i];
		if (slot[guide] == UINT32_MAX) {
			slot[guide] = (uint32_t)n;
			part[n].name = guide < guides->n ? guides->at[guide] : "NA";
			part[n++].cell = mem_array(g->n, sizeof *part->cell);
		}
		struct part *p = &part[slot[guide]];
		p->cell[p->n++] = i;
	}
	mem_free(slot);
	*out = part;
	return n;
}

struct keyed {
	uint64_t key;
	uint32_t control;
};

static int by_key(const void *pa, const void *pb)
{
	const struct keyed *a = pa, *b = pb;
	return a->key != b->key ? (a->key < b->key ? -1 : 1) : a->control < b->control ? -1 : a->control > b->control;
}

/*
 * Controls of the draw, ascending; *n of them (all when nothing can be drawn). Each control of a split gets
 * a random key from seed, target, part and its own place; the smallest keys are drawn.
 */
static uint32_t *draw_controls(struct marker_genes *m, const struct cell_group *g, const struct part *p, size_t *n)
{
	const struct cell_group *controls = &m->s->controls;
	size_t n_splits = screen_splits(m->s);
	uint32_t *out = mem_array(controls->n, sizeof *out);
	*n = 0;
	if (m->drawn) {
		for (uint32_t i = 0; i < controls->n; i++) {
			char *key = mem_print("%s\t%s\t%s", g->label, p->name, controls->name[i]);
			if (names_find(m->drawn, key) != NAMES_NONE)
				out[(*n)++] = i;
			mem_free(key);
		}
		if (!*n)
			cli_die("%s has no control cells for target %s, guide %s", m->o->harmonize_file, g->label, p->name);
		return out;
	}
	size_t *n_target = mem_zero(n_splits, sizeof *n_target), *n_control = mem_zero(n_splits, sizeof *n_control);
	size_t *draw = mem_zero(n_splits, sizeof *draw);
	for (size_t i = 0; i < p->n; i++)
		if (g->split[p->cell[i]] != PMX_MISSING_CODE)
			n_target[g->split[p->cell[i]]]++;
	for (size_t i = 0; i < controls->n; i++)
		if (controls->split[i] != PMX_MISSING_CODE)
			n_control[controls->split[i]]++;
	if (!mixscale_harmonise(n_target, n_control, n_splits, m->o->harmonize_min_proportion, draw))
		memcpy(draw, n_control, n_splits * sizeof *draw);
	struct keyed *keyed = mem_array(controls->n, sizeof *keyed);
	char *what = mem_print("%s\t%s", g->label, p->name);
	uint64_t stream = hash64(what, strlen(what));
	mem_free(what);
	bool *chosen = mem_zero(controls->n, sizeof *chosen);
	for (size_t s = 0; s < n_splits; s++) {
		size_t k = 0;
		for (uint32_t i = 0; i < controls->n; i++)
			if (controls->split[i] == s) {
				struct random4 r = random_words(m->c->seed, 0x6861726d, stream, i);
				keyed[k++] = (struct keyed){ (uint64_t)r.v[0] << 32 | r.v[1], i };
			}
		if (k)
			qsort(keyed, k, sizeof *keyed, by_key);
		for (size_t i = 0; i < draw[s]; i++)
			chosen[keyed[i].control] = true;
	}
	for (uint32_t i = 0; i < controls->n; i++)
		if (chosen[i])
			out[(*n)++] = i;
	mem_free(keyed);
	mem_free(chosen);
	mem_free(n_target);
	mem_free(n_control);
	mem_free(draw);
	return out;
}

/* Each part against controls drawn for it. */
static void test_drawn(struct marker_genes *m, const struct cell_group *g, const struct part *part, size_t n)
{
	const struct markers_options *o = &m->o->test;
	int threads = m->c->threads;
	for (size_t p = 0; p < n; p++) {
		size_t n_drawn, own[2] = { 0, part[p].n };
		uint32_t *drawn = draw_controls(m, g, &part[p], &n_drawn);
		struct sparse_rows x, one;
		sparse_rows_init(&x, g->x.n_cols);
		sparse_rows_init(&one, g->x.n_cols);
		cell_rows_pick(&m->s->controls.x, drawn, n_drawn, &x);
		cell_rows_pick(&g->x, part[p].cell, part[p].n, &one);
		struct sparse_cols *cols = sparse_transpose(&x, threads);
		struct markers_reference *reference = markers_reference_new(o, cols, threads);
		markers_find(o, reference, &one, own, 1, &m->contrast[p], threads);
		markers_reference_free(reference);
		sparse_cols_free(cols);
		sparse_rows_free(&x);
		sparse_rows_free(&one);
		mem_free(drawn);
	}
}

static struct markers_reference *reference_of(struct marker_genes *m, size_t split)
{
	const struct markers_options *o = &m->o->test;
	int threads = m->c->threads;
	const struct cell_group *controls = &m->s->controls;
	if (split == EVERY_SPLIT) {
		if (!m->reference)
			m->reference = markers_reference_new(o, screen_control_columns(m->s, threads), threads);
		return m->reference;
	}
	if (!m->in_split)
		m->in_split = mem_zero(screen_splits(m->s), sizeof *m->in_split);
	struct split_reference *r = &m->in_split[split];
	if (!r->reference) {
		uint32_t *cell = mem_array(controls->n, sizeof *cell);
		size_t n = 0;
		for (uint32_t i = 0; i < controls->n; i++)
			if (controls->split[i] == split)
				cell[n++] = i;
		struct sparse_rows x;
		sparse_rows_init(&x, controls->x.n_cols);
		cell_rows_pick(&controls->x, cell, n, &x);
		r->x = sparse_transpose(&x, threads);
		r->reference = markers_reference_new(o, r->x, threads);
		sparse_rows_free(&x);
		mem_free(cell);
	}
	return r->reference;
}

/* All parts against the same controls. */
static void test_parts(struct marker_genes *m, const struct cell_group *g, size_t split, const struct part *part, size_t n)
{
	size_t *start = mem_zero(n + 1, sizeof *start);
	struct sparse_rows rows;
	sparse_rows_init(&rows, g->x.n_cols);
	for (size_t p = 0; p < n; p++) {
		cell_rows_pick(&g->x, part[p].cell, part[p].n, &rows);
		start[p + 1] = rows.n_rows;
	}
	markers_find(&m->o->test, reference_of(m, split), &rows, start, n, m->contrast, m->c->threads);
	sparse_rows_free(&rows);
	mem_free(start);
}

static size_t whole_target(const struct cell_group *g, size_t split, struct part **out)
{
	*out = mem_zero(1, sizeof **out);
	**out = (struct part){ "all", mem_array(g->n, sizeof *(*out)->cell), 0 };
	for (uint32_t i = 0; i < g->n; i++)
		if (split == EVERY_SPLIT || g->split[i] == split)
			(*out)->cell[(*out)->n++] = i;
	return 1;
}

static const uint32_t *find_genes(struct marker_genes *m, const struct cell_group *g, size_t split, size_t *n, enum markers_reason *reason)
{
	*reason = MARKERS_DONE;
	m->result.n = 0;
	if (m->given) {
		*n = m->given[g->code].n;
		return m->given[g->code].gene;
	}
	struct part *part;
	size_t n_parts = m->o->by_guide ? split_by_guide(m, g, split, &part) : whole_target(g, split, &part);
	need_contrasts(m, n_parts);
	if (m->o->harmonize || m->drawn)
		test_drawn(m, g, part, n_parts);
	else
		test_parts(m, g, split, part, n_parts);
	size_t refused = 0;
	for (size_t p = 0; p < n_parts; p++) {
		const struct markers_contrast *c = m->contrast[p];
		if (c->reason != MARKERS_DONE) {
			*reason = c->reason;
			refused++;
		}
		for (size_t i = 0; c->reason == MARKERS_DONE && i < c->n_markers; i++)
			list_add(&m->result, c->marker[i]);
		mem_free(part[p].cell);
	}
	if (refused < n_parts)
		*reason = MARKERS_DONE;
	mem_free(part);
	*n = m->result.n;
	return m->result.gene;
}

const uint32_t *marker_genes_of(struct marker_genes *m, const struct cell_group *g, size_t *n, enum markers_reason *reason)
{
	return find_genes(m, g, EVERY_SPLIT, n, reason);
}

const uint32_t *marker_genes_in_split(struct marker_genes *m, const struct cell_group *g, size_t split, size_t *n,
				      enum markers_reason *reason)
{
	return find_genes(m, g, split, n, reason);
}
