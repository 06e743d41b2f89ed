#include "stream/sort.h"
#include "base/mem.h"
#include "stream/layer.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A row in the run that is being collected. */
struct place {
	uint32_t block, row, group;
	const char *name;
	uint64_t ordinal;
};

struct run {
	struct pmx_block **block;
	size_t n_blocks, block_cap;
	struct place *place;
	size_t n_rows, row_cap;
	uint64_t bytes;
};

/* A spilled run during the merge: a stream of its own. */
struct source {
	struct pmx_reader *r;
	struct pmx_block *block;
	const uint32_t *code;
	const char *const *name;
	size_t row;
};

struct sorter {
	const struct pmx_sort_options *o;
	const struct pmx_schema *s;
	struct pmx_schema *run;         /* that of the input without its promise, which a part of the rows need not keep */
	size_t by, names;
	uint32_t *rank;                 /* of each code; the last entry is for missing */
	struct pmx_writer *w;
	struct pmx_gather *out;
	bool has_first;                 /* some row has the label that comes first */
};

int pmx_check_movable(const struct pmx_schema *s, struct err *e)
{
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct pmx_field *f = &s->field[i];
		if (f->class == PMX_LAYER && f->storage == PMX_RECIPE && f->recipe.kind == PMX_NEIGHBOUR_SIGNATURE)
			return err_set(e, "layer '%s' names its neighbours by their place among the controls, so rows cannot be moved now; "
				       "sort before pert-signature, or store the layer with pert-signature --dense", f->name);
	}
	return 0;
}

/* A signature's reference is made of the controls, which have to come first. */
static int check_controls_first(const struct pmx_schema *s, struct err *e)
{
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct pmx_field *f = &s->field[i];
		if (f->class == PMX_LAYER && pmx_layer_is_signature(s, i) && !pmx_promises(s, f->recipe.pert_key, f->recipe.control))
			return err_set(e, "layer '%s' is computed from the controls, which must come first: sort by %s with %s first, or store the "
				       "layer with pert-signature --dense", f->name, f->recipe.pert_key, f->recipe.control);
	}
	return 0;
}

struct pmx_schema *pmx_sort_schema(const struct pmx_schema *s, const struct pmx_sort_options *o, struct err *e)
{
	size_t by = pmx_need_category(s, o->by, e);
	if (by == PMX_NO_FIELD || pmx_check_movable(s, e))
		return NULL;
	if (o->first && names_find(s->field[by].values, o->first) == NAMES_NONE) {
		char list[1000];
		names_list(s->field[by].values, list, sizeof list);
		err_set(e, "column '%s' has no label '%s'; its labels are: %s", o->by, o->first, list);
		return NULL;
	}
	struct pmx_schema *out = pmx_schema_copy(s);
	pmx_promise_order(out, o->by, o->first);
	pmx_drop_unknown(out);
	if (check_controls_first(out, e)) {
		pmx_schema_free(out);
		return NULL;
	}
	return out;
}

static int by_place(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	int c = strcmp(a->name, b->name);
	if (c)
		return c;
	return a->ordinal < b->ordinal ? -1 : a->ordinal > b->ordinal;
}

static void rank_groups(struct sorter *t)
{
	const struct names *values = t->s->field[t->by].values;
	uint32_t *bytes = names_ranks(values), first = t->o->first ? names_find(values, t->o->first) : NAMES_NONE;
	t->rank = mem_array(values->n + 1, sizeof *t->rank);
	for (size_t i = 0; i < values->n; i++)
		t->rank[i] = i == first ? 0 : bytes[i] + 1;
	t->rank[values->n] = UINT32_MAX;
	mem_free(bytes);
}

static uint32_t group_of(const struct sorter *t, uint32_t code)
{
	return t->rank[code == PMX_MISSING_CODE ? t->s->field[t->by].values->n : code];
}

static int run_add(struct sorter *t, struct run *run, struct pmx_block *b, uint64_t ordinal, struct err *e)
{
	const struct pmx_column *code = pmx_block_column(b, t->s, t->by, e), *name = pmx_block_column(b, t->s, t->names, e);
	if (!code || !name)
		return -1;
	mem_room(&run->block, &run->block_cap, run->n_blocks + 1, sizeof *run->block);
	mem_room(&run->place, &run->row_cap, run->n_rows + b->n_rows, sizeof *run->place);
	for (size_t r = 0; r < b->n_rows; r++)
		run->place[run->n_rows++] = (struct place){ (uint32_t)run->n_blocks, (uint32_t)r, group_of(t, code->u32[r]),
			name->text[r] ? name->text[r] : "", ordinal + r };
	for (size_t r = 0; r < b->n_rows; r++)
		t->has_first = t->has_first || run->place[run->n_rows - 1 - r].group == 0;
	run->block[run->n_blocks++] = b;
	/* Places: the room that grows by doubling, and as much again while they are sorted. */
	run->bytes += pmx_block_held_size(b) + b->n_rows * (3 * sizeof(struct place) + 40);
	return 0;
}

static void run_clear(struct run *run)
{
	for (size_t i = 0; i < run->n_blocks; i++)
		pmx_block_free(run->block[i]);
	run->n_blocks = run->n_rows = 0;
	run->bytes = 0;
}

static int emit_row(struct sorter *t, struct pmx_writer *w, struct pmx_block *from, uint32_t row, struct err *e)
{
	if (pmx_gather_rows(t->out, from, &row, 1, NULL, e))
		return -1;
	size_t rows = pmx_gather_size(t->out);
	/* The exact size is a sum over all fields: asked for every 16 rows only. */
	bool full = t->o->block_rows ? rows >= t->o->block_rows : rows % 16 == 0 && pmx_gather_bytes(t->out) >= PMX_BLOCK_BYTES;
	return full ? pmx_put(w, pmx_gather_take(t->out, 0), e) : 0;
}

static int emit_rest(struct sorter *t, struct pmx_writer *w, struct err *e)
{
	return pmx_gather_size(t->out) ? pmx_put(w, pmx_gather_take(t->out, 0), e) : 0;
}

static int run_emit(struct sorter *t, struct run *run, struct pmx_writer *w, struct err *e)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->o->threads) if (t->o->threads > 1)
	for (size_t i = 0; i < run->n_blocks; i++)
		for (size_t k = 0; k < run->block[i]->n_sections; k++)
			pmx_section_plain(&run->block[i]->section[k], PMX_MAX_SECTION, &run->block[i]->err);
	if (run->n_rows)
		qsort(run->place, run->n_rows, sizeof *run->place, by_place);
	for (size_t i = 0; i < run->n_rows; i++)
		if (emit_row(t, w, run->block[run->place[i].block], run->place[i].row, e))
			return -1;
	return emit_rest(t, w, e);
}

/* Writes the run as a stream of its own into a scratch file; returns a reader on it. */
static struct pmx_reader *run_spill(struct sorter *t, struct run *run, struct err *e)
{
	int fd = file_scratch(e);
	if (fd < 0)
		return NULL;
	struct pmx_writer *w = pmx_create(file_onto_fd(fd, "a scratch file"), t->run, 1, t->o->threads, e);
	if (!w || run_emit(t, run, w, e)) {
		pmx_abandon(w);
		close(fd);
		return NULL;
	}
	if (pmx_finish(w, 0, e)) {
		close(fd);
		return NULL;
	}
	run_clear(run);
	if (lseek(fd, 0, SEEK_SET)) {
		err_system(e, "a scratch file");
		close(fd);
		return NULL;
	}
	return pmx_open(file_from_fd(fd, "a scratch file"), 1, e);
}

static int source_next(struct sorter *t, struct source *src, struct err *e)
{
	if (src->block && ++src->row < src->block->n_rows)
		return 1;
	pmx_block_free(src->block);
	src->block = NULL;
	int more = pmx_next(src->r, &src->block, e);
	if (more <= 0)
		return more;
	const struct pmx_column *code = pmx_block_column(src->block, t->s, t->by, e);
	const struct pmx_column *name = pmx_block_column(src->block, t->s, t->names, e);
	if (!code || !name)
		return -1;
	src->code = code->u32;
	src->name = name->text;
	src->row = 0;
	return 1;
}

/* Runs are in order of arrival, so equal names keep theirs by the number of the run. */
static bool before(const struct sorter *t, const struct source *all, uint32_t a, uint32_t b)
{
	const struct source *x = &all[a], *y = &all[b];
	uint32_t gx = group_of(t, x->code[x->row]), gy = group_of(t, y->code[y->row]);
	if (gx != gy)
		return gx < gy;
	const char *nx = x->name[x->row], *ny = y->name[y->row];
	int c = strcmp(nx ? nx : "", ny ? ny : "");
	return c ? c < 0 : a < b;
}

static void sift(const struct sorter *t, const struct source *all, uint32_t *heap, size_t n, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= n)
			return;
		if (child + 1 < n && before(t, all, heap[child + 1], heap[child]))
			child++;
		if (!before(t, all, heap[child], heap[i]))
			return;
		uint32_t tmp = heap[i];
		heap[i] = heap[child];
		heap[child] = tmp;
		i = child;
	}
}

static int merge(struct sorter *t, struct source *all, size_t n_sources, struct err *e)
{
	uint32_t *heap = mem_array(n_sources, sizeof *heap);
	size_t n = 0;
	int status = 0;
	for (uint32_t i = 0; i < n_sources && !status; i++) {
		int more = source_next(t, &all[i], e);
		if (more < 0)
			status = -1;
		if (more > 0)
			heap[n++] = i;
	}
	for (size_t i = n / 2; i-- > 0 && !status; )
		sift(t, all, heap, n, i);
	while (n && !status) {
		struct source *src = &all[heap[0]];
		status = emit_row(t, t->w, src->block, (uint32_t)src->row, e);
		int more = status ? -1 : source_next(t, src, e);
		if (more < 0)
			status = -1;
		if (more == 0)
			heap[0] = heap[--n];
		sift(t, all, heap, n, 0);
	}
	mem_free(heap);
	return status ? -1 : emit_rest(t, t->w, e);
}

int pmx_sort(struct pmx_reader *r, struct pmx_writer *w, const struct pmx_sort_options *o, struct err *e)
{
	struct sorter t = { .o = o, .s = pmx_reader_schema(r), .w = w };
	t.by = pmx_find(t.s, PMX_OBS, o->by);
	t.names = pmx_find(t.s, PMX_OBS, t.s->row_names);
	t.run = pmx_schema_copy(t.s);
	pmx_promise_order(t.run, NULL, NULL);
	rank_groups(&t);
	t.out = pmx_gather_new(t.s);
	struct run run = { 0 };
	struct source *all = NULL;
	size_t n_sources = 0, cap = 0;
	struct pmx_block *b;
	uint64_t ordinal = 0;
	int more, status = -1;
	pmx_want(r, t.by);
	pmx_want(r, t.names);
	while ((more = pmx_next(r, &b, e)) > 0) {
		size_t n = b->n_rows;
		if (run_add(&t, &run, b, ordinal, e)) {
			pmx_block_free(b);
			goto out;
		}
		ordinal += n;
		/* A sixteenth is what the allocator takes for itself. */
		if (run.bytes + run.bytes / 16 < o->memory)
			continue;
		mem_room(&all, &cap, n_sources + 1, sizeof *all);
		all[n_sources] = (struct source){ .r = run_spill(&t, &run, e) };
		if (!all[n_sources].r)
			goto out;
		n_sources++;
	}
	if (more < 0)
		goto out;
	if (o->first && ordinal && !t.has_first) {
		err_set(e, "no row has the label '%s' in '%s', although the column knows it: nothing can come first", o->first, o->by);
		goto out;
	}
	if (n_sources && run.n_rows) {
		mem_room(&all, &cap, n_sources + 1, sizeof *all);
		all[n_sources] = (struct source){ .r = run_spill(&t, &run, e) };
		if (!all[n_sources].r)
			goto out;
		n_sources++;
	}
	status = n_sources ? merge(&t, all, n_sources, e) : run_emit(&t, &run, w, e);
out:
	for (size_t i = 0; i < n_sources; i++) {
		pmx_block_free(all[i].block);
		pmx_close(all[i].r);
	}
	mem_free(all);
	run_clear(&run);
	mem_free(run.block);
	mem_free(run.place);
	mem_free(t.rank);
	pmx_schema_free(t.run);
	pmx_gather_free(t.out);
	return status;
}
