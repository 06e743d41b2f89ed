#include "cli/screen.h"
#include "base/file.h"
#include "base/mem.h"
#include "stream/sort.h"
#include <string.h>
#include <unistd.h>

enum { SPLIT, GUIDE, NEIGHBOUR, MATRIX, NAME, POOL, TOTAL };

int cli_sort_to_scratch(const struct cli *c, struct pmx_reader *r, const char *by, const char *first)
{
	struct err e = { 0 };
	cli_detail(c, "sorting by %s (%s first); pmx-sort before this tool saves doing it again", by, first);
	struct pmx_sort_options o = { .by = by, .first = first, .memory = c->memory, .level = 1, .threads = c->threads };
	struct pmx_schema *s = pmx_sort_schema(pmx_reader_schema(r), &o, &e);
	int fd = s ? file_scratch(&e) : -1;
	if (fd < 0)
		cli_fail(&e);
	struct pmx_writer *w = pmx_create(file_onto_fd(fd, "a scratch file"), s, 0, c->threads, &e);
	if (!w || pmx_sort(r, w, &o, &e) || pmx_finish(w, 0, &e))
		cli_fail(&e);
	pmx_schema_free(s);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

struct pmx_reader *cli_sorted(const struct cli *c, struct pmx_reader *r, const char *by, const char *first)
{
	struct err e = { 0 };
	if (pmx_promises(pmx_reader_schema(r), by, first))
		return r;
	struct pmx_reader *sorted = pmx_open(file_from_fd(cli_sort_to_scratch(c, r, by, first), "the sorted stream"), c->threads, &e);
	if (!sorted)
		cli_fail(&e);
	return sorted;
}

static size_t need_label(const struct pmx_schema *s, const char *column, const char *label, struct err *e)
{
	size_t f = pmx_need_category(s, column, e);
	char list[1000];
	if (f == PMX_NO_FIELD)
		return f;
	const struct names *values = s->field[f].values;
	names_list(values, list, sizeof list);
	if (label && names_find(values, label) != NAMES_NONE)
		return f;
	if (label)
		err_set(e, "column '%s' has no label '%s'; its labels are: %s", column, label, list);
	else
		err_set(e, "--control is needed: which label of '%s' marks the control cells? Its labels are: %s", column, list);
	return PMX_NO_FIELD;
}

/* The layer with expression: named, or X; counts are refused. */
size_t screen_expression_of(const struct pmx_schema *s, const char *name, struct err *e)
{
	size_t layer = pmx_find(s, PMX_LAYER, name ? name : "X");
	if (layer == PMX_NO_FIELD && !name)
		return err_set(e, "there is no log-normalised layer X; run normalize first, or name a layer with --layer"), PMX_NO_FIELD;
	if (layer == PMX_NO_FIELD)
		return pmx_need(s, PMX_LAYER, name, e);
	if (pmx_layer_is_counts(s, layer))
		return err_set(e, "layer '%s' holds counts where log-normalised values are needed; run normalize first", s->field[layer].name),
		       PMX_NO_FIELD;
	if (pmx_layer_is_signature(s, layer))
		return err_set(e, "layer '%s' is a signature; expression is needed here", s->field[layer].name), PMX_NO_FIELD;
	return layer;
}

size_t screen_counts_of(const struct pmx_schema *s, const char *name, struct err *e)
{
	size_t layer = pmx_find(s, PMX_LAYER, name ? name : "counts");
	if (!name && layer == PMX_NO_FIELD)
		layer = pmx_find(s, PMX_LAYER, "X");
	if (layer == PMX_NO_FIELD)
		return pmx_need(s, PMX_LAYER, name ? name : "counts", e);
	if (s->field[layer].storage == PMX_RECIPE || (!name && !pmx_layer_is_counts(s, layer)))
		return err_set(e, "layer '%s' does not hold counts, which are needed here; name a stored layer with --layer", s->field[layer].name),
		       PMX_NO_FIELD;
	return layer;
}

size_t screen_expression(const struct screen *s)
{
	struct err e = { 0 };
	size_t layer = screen_expression_of(s->s, s->o->layer, &e);
	if (layer == PMX_NO_FIELD)
		cli_fail(&e);
	return layer;
}

static size_t find_signature(const struct pmx_schema *s, const char *name, struct err *e)
{
	size_t layer = pmx_find(s, PMX_LAYER, name);
	if (layer == PMX_NO_FIELD)
		return err_set(e, "there is no signature layer '%s'; run pert-signature first, or name one with --layer", name), PMX_NO_FIELD;
	if (pmx_layer_is_counts(s, layer))
		return err_set(e, "layer '%s' holds counts where a perturbation signature is needed; run normalize, pca and pert-signature first",
			       name), PMX_NO_FIELD;
	return layer;
}

/* A recipe is of use only against the controls that it was made with. */
static void check_signature(const struct pmx_schema *s, const struct screen_options *o, const char *name)
{
	struct err e = { 0 };
	size_t layer = find_signature(s, name, &e);
	if (layer == PMX_NO_FIELD)
		cli_fail(&e);
	const struct pmx_recipe *r = &s->field[layer].recipe;
	if (pmx_layer_is_signature(s, layer) && (strcmp(r->pert_key, o->pert_key) || strcmp(r->control, o->control)))
		cli_die("layer '%s' was made against the controls %s of column %s, not %s of %s; run pert-signature again", name, r->control,
			r->pert_key, o->control, o->pert_key);
}

/* Counts and row totals are the ingredients of the log-normalised layer. */
static void find_counts(struct screen *s)
{
	struct err e = { 0 };
	size_t layer = screen_expression_of(s->s, s->o->layer, &e);
	if (layer == PMX_NO_FIELD)
		cli_fail(&e);
	const struct pmx_field *f = &s->s->field[layer];
	if (f->storage != PMX_RECIPE)
		cli_die("layer '%s' is stored, so there are no counts behind it; counts and normalize's recipe are needed here", f->name);
	s->counts = pmx_need(s->s, PMX_LAYER, f->recipe.source, &e);
	s->total = pmx_need(s->s, PMX_OBS, f->recipe.totals, &e);
	if (e.set)
		cli_fail(&e);
	pmx_layer_want(s->in, s->s, s->counts);
	pmx_want(s->in, s->total);
}

static struct screen *open_on(const struct cli *c, struct cli_again *again, const struct screen_options *o, unsigned wants,
			      const char *signature, const char *matrix)
{
	struct err e = { 0 };
	struct screen *s = mem_zero(1, sizeof *s);
	s->o = o;
	s->wants = wants;
	s->shared = again != NULL;
	s->original = again ? cli_again_peek(again) : cli_input(c);
	const struct pmx_schema *in = pmx_reader_schema(s->original);
	s->split = s->guide = s->names = s->layer = s->signature = s->neighbours = s->pool = s->matrix = s->counts = s->total = PMX_NO_FIELD;
	if (need_label(in, o->pert_key, o->control, &e) == PMX_NO_FIELD)
		cli_fail(&e);
	if (o->split_by && pmx_need_category(in, o->split_by, &e) == PMX_NO_FIELD)
		cli_fail(&e);
	if ((wants & SCREEN_GUIDES) && pmx_need_category(in, o->guide_key, &e) == PMX_NO_FIELD)
		cli_fail(&e);
	if ((wants & SCREEN_EXPRESSION) && screen_expression_of(in, o->layer, &e) == PMX_NO_FIELD)
		cli_fail(&e);
	if (wants & SCREEN_SIGNATURE)
		check_signature(in, o, signature);
	if (wants & SCREEN_MATRIX) {
		size_t m = pmx_find(in, PMX_OBS, matrix);
		if (m == PMX_NO_FIELD || !in->field[m].matrix || in->field[m].type == PMX_U32)
			cli_die("there is no row matrix '%s'; run pca first, or name one with --use-rep", matrix);
	}
	s->memory = c->memory;
	s->value_bytes = SCREEN_VALUE_BYTES;
	s->in = again ? cli_again_sorted(again, o->pert_key, o->control) : cli_sorted(c, s->original, o->pert_key, o->control);
	s->s = pmx_reader_schema(s->in);
	s->pert = pmx_find(s->s, PMX_OBS, o->pert_key);
	s->control_code = names_find(s->s->field[s->pert].values, o->control);
	s->split = pmx_find(s->s, PMX_OBS, o->split_by);
	pmx_want(s->in, s->pert);
	if (s->split != PMX_NO_FIELD)
		pmx_want(s->in, s->split);
	if (wants & SCREEN_GUIDES)
		pmx_want(s->in, s->guide = pmx_find(s->s, PMX_OBS, o->guide_key));
	if (wants & SCREEN_NAMES)
		pmx_want(s->in, s->names = pmx_find(s->s, PMX_OBS, s->s->row_names));
	if (wants & SCREEN_MATRIX)
		pmx_want(s->in, s->matrix = pmx_find(s->s, PMX_OBS, matrix));
	if (wants & SCREEN_SIGNATURE) {
		s->signature = pmx_find(s->s, PMX_LAYER, signature);
		pmx_layer_want(s->in, s->s, s->signature);
		const struct pmx_recipe *r = &s->s->field[s->signature].recipe;
		if (pmx_layer_is_signature(s->s, s->signature)) {
			s->neighbours = pmx_find(s->s, PMX_OBS, r->neighbours);
			s->pool = pmx_find(s->s, PMX_OBS, r->split);
			s->layer = pmx_find(s->s, PMX_LAYER, r->source);
		}
	}
	if (wants & SCREEN_EXPRESSION)
		s->layer = screen_expression(s);
	if (s->layer != PMX_NO_FIELD)
		pmx_layer_want(s->in, s->s, s->layer);
	if (wants & SCREEN_COUNTS)
		find_counts(s);
	return s;
}

struct screen *screen_open(const struct cli *c, const struct screen_options *o, unsigned wants, const char *signature,
			   const char *matrix)
{
	return open_on(c, NULL, o, wants, signature, matrix);
}

struct screen *screen_open_again(const struct cli *c, struct cli_again *again, const struct screen_options *o, unsigned wants,
				 const char *signature)
{
	return open_on(c, again, o, wants, signature, NULL);
}

void cell_group_init(struct cell_group *g, const struct screen *s)
{
	*g = (struct cell_group){ .code = PMX_MISSING_CODE };
	sparse_rows_init(&g->x, s->s->n_columns);
	sparse_rows_init(&g->signature, s->s->n_columns);
	sparse_rows_init(&g->counts, s->s->n_columns);
}

static void free_names(struct cell_group *g)
{
	for (size_t i = 0; g->name && i < g->n; i++)
		mem_free(g->name[i]);
}

void cell_group_free(struct cell_group *g)
{
	free_names(g);
	sparse_rows_free(&g->x);
	sparse_rows_free(&g->signature);
	sparse_rows_free(&g->counts);
	mem_free(g->total);
	mem_free(g->split);
	mem_free(g->guide);
	mem_free(g->pool);
	mem_free(g->neighbour);
	mem_free(g->matrix);
	mem_free(g->name);
	*g = (struct cell_group){ 0 };
}

static const struct pmx_column *column_of(struct screen *s, size_t field)
{
	struct err e = { 0 };
	const struct pmx_column *c = pmx_block_column(s->block, s->s, field, &e);
	if (!c)
		cli_fail(&e);
	return c;
}

/* Copies rows from .. to of a fixed-width column to the end of an array of the group. */
static void *append(struct cell_group *g, int which, void *array, const void *values, size_t size, size_t from, size_t to)
{
	mem_room(&array, &g->cap[which], g->n + to - from, size);
	memcpy((char *)array + g->n * size, (const char *)values + from * size, (to - from) * size);
	return array;
}

static void append_matrix(struct screen *s, struct cell_group *g, size_t from, size_t to)
{
	const struct pmx_column *m = column_of(s, s->matrix);
	size_t n = (to - from) * m->width;
	mem_room(&g->matrix, &g->cap[MATRIX], (g->n + to - from) * m->width, sizeof *g->matrix);
	double *out = g->matrix + g->n * m->width;
	for (size_t i = 0; i < n; i++)
		out[i] = m->type == PMX_F32 ? (double)m->f32[from * m->width + i] : m->f64[from * m->width + i];
}

static void append_rows(struct screen *s, struct cell_group *g, size_t from, size_t to)
{
	struct err e = { 0 };
	if (s->layer != PMX_NO_FIELD && pmx_layer_rows(s->block, s->s, s->layer, from, to, &g->x, &e))
		cli_fail(&e);
	if (s->signature != PMX_NO_FIELD && !pmx_layer_is_signature(s->s, s->signature) &&
	    pmx_layer_rows(s->block, s->s, s->signature, from, to, &g->signature, &e))
		cli_fail(&e);
	if (s->counts != PMX_NO_FIELD) {
		if (pmx_layer_rows(s->block, s->s, s->counts, from, to, &g->counts, &e))
			cli_fail(&e);
		g->total = append(g, TOTAL, g->total, column_of(s, s->total)->f64, sizeof *g->total, from, to);
	}
	if (s->split != PMX_NO_FIELD) {
		g->split = append(g, SPLIT, g->split, column_of(s, s->split)->u32, sizeof *g->split, from, to);
	} else {
		mem_room(&g->split, &g->cap[SPLIT], g->n + to - from, sizeof *g->split);
		memset(g->split + g->n, 0, (to - from) * sizeof *g->split);
	}
	if (s->guide != PMX_NO_FIELD)
		g->guide = append(g, GUIDE, g->guide, column_of(s, s->guide)->u32, sizeof *g->guide, from, to);
	if (s->pool != PMX_NO_FIELD)
		g->pool = append(g, POOL, g->pool, column_of(s, s->pool)->u32, sizeof *g->pool, from, to);
	if (s->neighbours != PMX_NO_FIELD) {
		const struct pmx_column *m = column_of(s, s->neighbours);
		g->neighbour = append(g, NEIGHBOUR, g->neighbour, m->u32, m->width * sizeof *m->u32, from, to);
	}
	if (s->matrix != PMX_NO_FIELD)
		append_matrix(s, g, from, to);
	if (s->names != PMX_NO_FIELD) {
		const struct pmx_column *name = column_of(s, s->names);
		mem_room(&g->name, &g->cap[NAME], g->n + to - from, sizeof *g->name);
		for (size_t i = from; i < to; i++)
			g->name[g->n + i - from] = mem_text(name->text[i] ? name->text[i] : "");
	}
	g->n += to - from;
}

/* Makes s->block hold the next row; false at the end. */
static bool have_row(struct screen *s)
{
	if (s->block && s->row < s->block->n_rows)
		return true;
	/* Its last rows belong to the group that is being read, so it still waits. */
	if (s->block && s->pass)
		pmx_block_forget(s->block);
	else
		pmx_block_free(s->block);
	s->block = cli_next(s->in);
	s->row = 0;
	for (size_t i = 0; s->block && s->waits && i < s->block->n_sections; i++)
		s->waiting_bytes += s->block->section[i].stored_size;
	if (s->block && s->pass)
		pmx_pass_block(s->pass, s->block);
	return s->block;
}

static uint64_t values_of(const struct cell_group *g)
{
	const struct sparse_rows *part[] = { &g->x, &g->signature, &g->counts };
	uint64_t n = 0;
	for (size_t i = 0; i < sizeof part / sizeof *part; i++)
		n += part[i]->start && part[i]->n_rows ? part[i]->start[part[i]->n_rows] : 0;
	return n;
}

/* Bytes beside the values. */
static uint64_t cell_bytes(const struct screen *s)
{
	uint64_t matrix = s->matrix == PMX_NO_FIELD ? 0 : 2 * sizeof(double) * (uint64_t)s->s->field[s->matrix].width;
	uint64_t near = s->neighbours == PMX_NO_FIELD ? 0 : 2 * sizeof(uint32_t) * (uint64_t)s->s->field[s->neighbours].width;
	return 64 + matrix + near + s->own_cell_bytes;
}

uint64_t screen_held(const struct screen *s)
{
	return (values_of(&s->controls) + s->let_go_values) * s->value_bytes + (s->controls.n + s->let_go_cells) * cell_bytes(s) + s->beside +
	       s->waiting_bytes;
}

static void need_room(const struct screen *s, const char *label, uint64_t n_cells, uint64_t bytes)
{
	const uint64_t mib = 1 << 20;
	uint64_t need = screen_held(s) + bytes, n_controls = s->controls.n + s->let_go_cells;
	if (need > s->memory && !n_cells)
		cli_die("%llu control cells need %llu MiB, and their targets some more; give a larger --memory", (unsigned long long)n_controls,
			(unsigned long long)((need + mib - 1) / mib));
	if (need > s->memory)
		cli_die("%llu control cells and the %llu of %s%s%s need %llu MiB together; give --memory %lluM, or more", (unsigned long long)n_controls,
			(unsigned long long)n_cells, label ? "'" : "", label ? label : "the largest target", label ? "'" : "",
			(unsigned long long)((need + mib - 1) / mib), (unsigned long long)((need + mib - 1) / mib));
}

/* The largest target as the trailer of a file gives it, its cells taken for a little richer than the controls. */
static void look_ahead(struct screen *s)
{
	struct err e = { 0 };
	const struct pmx_index *index = pmx_read_index(s->in, &e);
	uint64_t largest = 0;
	for (size_t i = 0; index && i < index->n_groups; i++)
		if (index->group[i].code != s->control_code && index->group[i].code != PMX_MISSING_CODE && index->group[i].n_rows > largest)
			largest = index->group[i].n_rows;
	double values = (double)(values_of(&s->controls) + s->let_go_values) / (double)(s->controls.n + s->let_go_cells) * (double)largest * 1.25;
	need_room(s, NULL, largest, (uint64_t)values * s->value_bytes + largest * cell_bytes(s));
}

void screen_keep(struct screen *s, uint64_t bytes)
{
	s->beside += bytes;
	look_ahead(s);
}

/* Controls beyond --memory: what is asked for is known when all are counted, and nothing of them is kept until then. */
static void let_go(struct screen *s)
{
	s->let_go_values += values_of(&s->controls);
	s->let_go_cells += s->controls.n;
	cell_group_free(&s->controls);
	cell_group_init(&s->controls, s);
	s->controls.code = s->control_code;
	s->pass = NULL;                 /* the process ends before anything is written */
}

static bool read_group(struct screen *s, struct cell_group *g)
{
	if (!have_row(s))
		return false;
	g->code = column_of(s, s->pert)->u32[s->row];
	g->label = g->code == PMX_MISSING_CODE ? NULL : s->s->field[s->pert].values->at[g->code];
	while (have_row(s)) {
		const uint32_t *code = column_of(s, s->pert)->u32;
		size_t end = s->row;
		while (end < s->block->n_rows && code[end] == g->code)
			end++;
		if (end == s->row)
			break;
		append_rows(s, g, s->row, end);
		s->row = end;
		if (g == &s->controls && g->code == s->control_code && screen_held(s) > s->memory)
			let_go(s);
	}
	return true;
}

bool screen_append(struct screen *s, struct cell_group *g)
{
	uint64_t n = g->n, values = values_of(g);
	if (!read_group(s, g))
		return false;
	if (g->code != PMX_MISSING_CODE)
		need_room(s, g->label, g->n - n, (values_of(g) - values) * s->value_bytes + (g->n - n) * cell_bytes(s));
	return true;
}

bool screen_next(struct screen *s, struct cell_group *g)
{
	free_names(g);
	sparse_rows_clear(&g->x);
	sparse_rows_clear(&g->signature);
	sparse_rows_clear(&g->counts);
	g->n = 0;
	return screen_append(s, g);
}

struct cell_group *screen_controls(struct screen *s)
{
	cell_group_init(&s->controls, s);
	s->waits = s->pass != NULL;
	if (!read_group(s, &s->controls))
		cli_die("the stream has no rows");
	s->waits = false;
	if (s->controls.code != s->control_code)
		cli_die("no cell has the control label '%s' of column '%s', although the label is known; the first cell has '%s'", s->o->control,
			s->o->pert_key, s->controls.label ? s->controls.label : "no label");
	look_ahead(s);
	return &s->controls;
}

const struct sparse_cols *screen_control_columns(struct screen *s, int threads)
{
	if (!s->control_columns)
		s->control_columns = sparse_transpose(&s->controls.x, threads);
	return s->control_columns;
}

void screen_signature_genes(struct screen *s, const uint32_t *genes, size_t n, int threads)
{
	if (pmx_layer_is_signature(s->s, s->signature)) {
		if (!s->recipe)
			s->recipe = pmx_signature_new(s->s, s->signature, screen_control_columns(s, threads), s->controls.pool);
		pmx_signature_columns(s->recipe, genes, n, threads);
		return;
	}
	if (!s->gene_slot) {
		s->gene_slot = mem_array(s->s->n_columns, sizeof *s->gene_slot);
		memset(s->gene_slot, 0xff, s->s->n_columns * sizeof *s->gene_slot);
	}
	for (size_t i = 0; i < s->n_genes; i++)
		s->gene_slot[s->genes[i]] = UINT32_MAX;
	for (size_t i = 0; i < n; i++)
		s->gene_slot[genes[i]] = (uint32_t)i;
	mem_room(&s->genes, &s->genes_cap, n, sizeof *s->genes);
	memcpy(s->genes, genes, n * sizeof *genes);
	s->n_genes = n;
}

void screen_signature_values(struct screen *s, const struct cell_group *g, int threads, double *out)
{
	struct err e = { 0 };
	if (s->recipe) {
		struct pmx_signature_rows rows = { g == &s->controls ? NULL : &g->x, g->neighbour, g->pool };
		if (pmx_signature_compute(s->recipe, &rows, threads, out, &e))
			cli_fail(&e);
		return;
	}
	const struct sparse_rows *m = &g->signature;
	memset(out, 0, s->n_genes * g->n * sizeof *out);
	for (size_t i = 0; i < g->n; i++)
		for (size_t p = m->start[i]; p < m->start[i + 1]; p++)
			if (s->gene_slot[m->col[p]] != UINT32_MAX)
				out[s->gene_slot[m->col[p]] * g->n + i] = m->value[p];
}

void cell_rows_pick(const struct sparse_rows *m, const uint32_t *row, size_t n, struct sparse_rows *out)
{
	size_t n_values = 0;
	for (size_t i = 0; i < n; i++)
		n_values += m->start[row[i] + 1] - m->start[row[i]];
	sparse_rows_room(out, n, n_values);
	for (size_t i = 0; i < n; i++) {
		size_t from = m->start[row[i]], k = m->start[row[i] + 1] - from, at = out->start[out->n_rows];
		memcpy(out->col + at, m->col + from, k * sizeof *out->col);
		memcpy(out->value + at, m->value + from, k * sizeof *out->value);
		out->start[++out->n_rows] = at + k;
	}
}

void cell_group_pick(const struct screen *s, const struct cell_group *g, const uint32_t *cell, size_t n, struct cell_group *out)
{
	size_t width = s->neighbours == PMX_NO_FIELD ? 0 : s->s->field[s->neighbours].width;
	sparse_rows_clear(&out->x);
	sparse_rows_clear(&out->signature);
	if (s->layer != PMX_NO_FIELD)
		cell_rows_pick(&g->x, cell, n, &out->x);
	if (s->signature != PMX_NO_FIELD && !pmx_layer_is_signature(s->s, s->signature))
		cell_rows_pick(&g->signature, cell, n, &out->signature);
	mem_room(&out->split, &out->cap[SPLIT], n, sizeof *out->split);
	if (g->guide)
		mem_room(&out->guide, &out->cap[GUIDE], n, sizeof *out->guide);
	if (g->pool)
		mem_room(&out->pool, &out->cap[POOL], n, sizeof *out->pool);
	if (width)
		mem_room(&out->neighbour, &out->cap[NEIGHBOUR], n * width, sizeof *out->neighbour);
	for (size_t i = 0; i < n; i++) {
		out->split[i] = g->split[cell[i]];
		if (g->guide)
			out->guide[i] = g->guide[cell[i]];
		if (g->pool)
			out->pool[i] = g->pool[cell[i]];
		if (width)
			memcpy(out->neighbour + i * width, g->neighbour + cell[i] * width, width * sizeof *out->neighbour);
	}
	out->code = g->code;
	out->label = g->label;
	out->n = n;
}

size_t screen_splits(const struct screen *s)
{
	return s->split == PMX_NO_FIELD ? 1 : s->s->field[s->split].values->n;
}

const char *screen_split_name(const struct screen *s, size_t split)
{
	return s->split == PMX_NO_FIELD ? "all" : s->s->field[s->split].values->at[split];
}

void screen_close(struct screen *s)
{
	if (s->block && !s->pass)
		pmx_block_free(s->block);
	cell_group_free(&s->controls);
	sparse_cols_free(s->control_columns);
	pmx_signature_free(s->recipe);
	mem_free(s->gene_slot);
	mem_free(s->genes);
	if (s->original != s->in && !s->shared)
		pmx_close(s->original);
	if (!s->shared)
		pmx_close(s->in);
	mem_free(s);
}
