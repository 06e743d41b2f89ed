#include "cli/populations.h"
#include "cli/again.h"
#include "cli/layer_scan.h"
#include "cli/screen.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

#define NOWHERE UINT32_MAX

struct scan {
	const struct cli *c;
	const struct population_options *o;
	const struct pmx_schema *s;
	size_t group, condition, sample, layer; /* fields; PMX_NO_FIELD where there is none */
	struct target_design d;
	bool *wanted;                   /* of groups: a row is written */
	uint32_t case_code, control_code;       /* control_code NOWHERE: every other label */
	uint32_t *slot;                 /* of each cell, NOWHERE where it counts for nothing */
	size_t n_cells, slot_cap;
	size_t *in_slot;                /* cells of each slot */
	uint64_t *per_gene, n_unlabelled;
	struct moments **sums;          /* of each slot that has cells: genes, non-zero values only; NULL: not kept */
	uint64_t sums_bytes;
	struct sparse_rows rows;        /* of the range of genes at hand */
	uint32_t first, end;
};

static uint32_t need_label(const struct pmx_field *f, const char *option, const char *label)
{
	char list[1000];
	uint32_t code = label ? names_find(f->values, label) : NAMES_NONE;
	if (code != NAMES_NONE)
		return code;
	names_list(f->values, list, sizeof list);
	if (!label)
		cli_misuse("%s is needed: which label of '%s' is it? Its labels are: %s", option, f->name, list);
	cli_die("column '%s' has no label '%s' (%s); its labels are: %s", f->name, label, option, list);
}

/* A label called rest is a label; else the word means everything else. */
static bool is_rest(const struct pmx_field *f, const char *label)
{
	return !strcmp(label, "rest") && names_find(f->values, label) == NAMES_NONE;
}

static size_t need_column(const struct scan *k, const char *name)
{
	struct err e = { 0 };
	size_t f = name ? pmx_need_category(k->s, name, &e) : PMX_NO_FIELD;
	if (e.set)
		cli_fail(&e);
	return f;
}

static void find_groups(struct scan *k)
{
	const struct cli_list *list = &k->o->groups;
	const struct pmx_field *f = k->group == PMX_NO_FIELD ? NULL : &k->s->field[k->group];
	bool all = !f || !list->n || (list->n == 1 && !strcmp(list->at[0], "all"));
	if (f && !f->values->n)
		cli_die("column '%s' has no labels", f->name);
	k->d.n_groups = f ? f->values->n : 1;
	k->wanted = mem_zero(k->d.n_groups, sizeof *k->wanted);
	for (size_t g = 0; g < k->d.n_groups; g++)
		k->wanted[g] = all;
	for (size_t i = 0; i < list->n && !all; i++)
		k->wanted[need_label(f, "--group", list->at[i])] = true;
}

static void find_fields(struct scan *k)
{
	struct err e = { 0 };
	const struct population_options *o = k->o;
	k->group = need_column(k, o->group_key);
	k->condition = need_column(k, o->case_key);
	k->sample = need_column(k, o->sample_key);
	k->layer = screen_expression_of(k->s, o->layer, &e);
	if (e.set)
		cli_fail(&e);
	k->d = (struct target_design){ .method = o->method, .pairing = o->pairing, .sampled = o->sample_key, .min_cells = (size_t)o->min_cells };
	find_groups(k);
	k->d.n_samples = k->sample == PMX_NO_FIELD ? 1 : k->s->field[k->sample].values->n;
	k->control_code = NOWHERE;
	if (k->condition != PMX_NO_FIELD) {
		const struct pmx_field *f = &k->s->field[k->condition];
		k->d.against = TARGET_CONDITION;
		k->case_code = need_label(f, "--case", o->case_label);
		if (!is_rest(f, o->reference))
			k->control_code = need_label(f, "--reference", o->reference);
		if (k->control_code == k->case_code)
			cli_misuse("--case and --reference are the same label '%s'", o->case_label);
	} else if (!is_rest(&k->s->field[k->group], o->reference)) {
		k->d.against = TARGET_LABEL;
		k->d.reference = need_label(&k->s->field[k->group], "--reference", o->reference);
		bool named = o->groups.n && strcmp(o->groups.at[0], "all");
		if (named && k->wanted[k->d.reference])
			cli_misuse("--group and --reference are the same label '%s'", o->reference);
		k->wanted[k->d.reference] = false;
	}
	if (!k->d.n_samples || (double)k->d.n_samples * (double)k->d.n_groups > 1e8)
		cli_die("%zu groups times %zu samples: is '%s' a column of samples?", k->d.n_groups, k->d.n_samples, o->sample_key);
}

static const uint32_t *codes(const struct scan *k, struct pmx_block *b, size_t field)
{
	struct err e = { 0 };
	const struct pmx_column *column = field == PMX_NO_FIELD ? NULL : pmx_block_column(b, k->s, field, &e);
	if (e.set)
		cli_fail(&e);
	return column ? column->u32 : NULL;
}

static uint32_t slot_of(struct scan *k, uint32_t g, uint32_t condition, uint32_t sample)
{
	if (g == PMX_MISSING_CODE || condition == PMX_MISSING_CODE || sample == PMX_MISSING_CODE) {
		k->n_unlabelled++;
		return NOWHERE;
	}
	bool control = false;
	if (k->condition != PMX_NO_FIELD) {
		control = k->control_code == NOWHERE ? condition != k->case_code : condition == k->control_code;
		if (!control && condition != k->case_code)
			return NOWHERE;
	}
	if (k->d.against != TARGET_REST && !k->wanted[g] && !(k->d.against == TARGET_LABEL && g == k->d.reference))
		return NOWHERE;
	return (uint32_t)target_slot(&k->d, sample, control, g);
}

/* Sums that outgrow the memory are given up; the genes are then taken range by range. */
static void drop_sums(struct scan *k)
{
	for (size_t i = 0; k->sums && i < target_slots(&k->d); i++)
		mem_free(k->sums[i]);
	mem_free(k->sums);
	k->sums = NULL;
}

static struct moments *sums_of(struct scan *k, uint32_t slot)
{
	uint64_t size = k->s->n_columns * sizeof(struct moments);
	if (k->sums && !k->sums[slot]) {
		k->sums_bytes += size;
		if (k->sums_bytes > k->c->memory)
			drop_sums(k);
		else
			k->sums[slot] = mem_zero(k->s->n_columns, sizeof(struct moments));
	}
	return k->sums ? k->sums[slot] : NULL;
}

static void learn_block(void *state, struct pmx_block *b, const struct sparse_rows *x)
{
	struct scan *k = state;
	const uint32_t *group = codes(k, b, k->group), *condition = codes(k, b, k->condition), *sample = codes(k, b, k->sample);
	mem_room(&k->slot, &k->slot_cap, k->n_cells + b->n_rows, sizeof *k->slot);
	for (size_t r = 0; r < b->n_rows; r++) {
		uint32_t slot = slot_of(k, group ? group[r] : 0, condition ? condition[r] : 0, sample ? sample[r] : 0);
		k->slot[k->n_cells++] = slot;
		if (slot == NOWHERE)
			continue;
		k->in_slot[slot]++;
		struct moments *sums = sums_of(k, slot);
		for (size_t i = x->start[r]; i < x->start[r + 1]; i++) {
			if (isnan(x->value[i]))
				cli_die("layer '%s', row %llu, gene %s: the value is missing (NaN); an effect needs all of them",
					k->s->field[k->layer].name, (unsigned long long)k->n_cells, pmx_column_name(k->s, x->col[i]));
			k->per_gene[x->col[i]]++;
			if (sums)
				moments_add(&sums[x->col[i]], x->value[i]);
		}
	}
}

static void keep_block(void *state, struct pmx_block *b, const struct sparse_rows *x)
{
	struct scan *k = state;
	(void)b;
	layer_keep_range(&k->rows, x, k->first, k->end, k->slot + k->rows.n_rows);
}

/* Buffers of one thread. */
struct worker {
	struct target_scratch *scratch;
	struct moments *slot;
	uint32_t *code;
	double *effect;
};

static void add_zeros(const struct scan *k, struct moments *slot)
{
	for (size_t i = 0; i < target_slots(&k->d); i++)
		slot[i] = moments_merge(slot[i], (struct moments){ .n = (double)k->in_slot[i] - slot[i].n });
}

static void store(const struct scan *k, const struct worker *w, size_t gene, struct populations *out)
{
	for (size_t g = 0, row = 0; g < k->d.n_groups; g++)
		if (k->wanted[g])
			out->at[row++].effect[gene] = w->effect[g];
}

static void one_gene(const struct scan *k, const struct target_plan *plan, const struct sparse_cols *x, size_t gene, struct worker *w,
		     struct populations *out)
{
	size_t n_slots = target_slots(&k->d), from = x ? x->start[gene - k->first] : 0, n = x ? x->start[gene - k->first + 1] - from : 0;
	for (size_t g = 0; g < k->d.n_groups; g++)
		w->effect[g] = NAN;
	for (size_t i = 0; i < n; i++)
		w->code[i] = k->slot[x->row[from + i]];
	if (target_plan_any(plan, true))
		target_effect_ranks(plan, x->value + from, w->code, n, w->scratch, w->effect);
	if (target_plan_any(plan, false)) {
		memset(w->slot, 0, n_slots * sizeof *w->slot);
		for (size_t i = 0; i < n_slots && !x; i++)
			if (k->sums[i])
				w->slot[i] = k->sums[i][gene];
		for (size_t i = 0; i < n; i++)
			moments_add(&w->slot[w->code[i]], x->value[from + i]);
		add_zeros(k, w->slot);
		target_effect_moments(plan, w->slot, w->scratch, w->effect);
	}
	store(k, w, gene, out);
}

/* Genes first .. end, from their values by genes, or from the sums. */
static void all_genes(const struct scan *k, const struct target_plan *plan, const struct sparse_cols *x, struct populations *out)
{
	size_t most = 1;
	for (size_t i = 0; x && i < x->n_cols; i++)
		most = x->start[i + 1] - x->start[i] > most ? x->start[i + 1] - x->start[i] : most;
#pragma omp parallel num_threads(k->c->threads)
	{
		struct worker w = { target_scratch_new(plan, most), mem_array(target_slots(&k->d), sizeof *w.slot), mem_array(most, sizeof *w.code),
			mem_array(k->d.n_groups, sizeof *w.effect) };
#pragma omp for schedule(dynamic, 16)
		for (size_t gene = k->first; gene < k->end; gene++)
			one_gene(k, plan, x, gene, &w, out);
		target_scratch_free(w.scratch);
		mem_free(w.slot);
		mem_free(w.code);
		mem_free(w.effect);
	}
}

static void range_by_range(struct scan *k, struct cli_again *again, const struct target_plan *plan, struct populations *out)
{
	uint32_t n_genes = (uint32_t)k->s->n_columns;
	struct cli_progress *bar = cli_progress_new(k->c, "genes", n_genes);
	for (k->first = 0; k->first < n_genes; k->first = k->end) {
		k->end = layer_range_end(k->per_gene, k->first, n_genes, k->c->memory);
		sparse_rows_init(&k->rows, k->end - k->first);
		layer_scan(cli_again_open(again), k->s, k->layer, keep_block, k);
		struct sparse_cols *x = sparse_transpose(&k->rows, k->c->threads);
		all_genes(k, plan, x, out);
		sparse_cols_free(x);
		sparse_rows_free(&k->rows);
		cli_progress_at(bar, k->end, NULL);
	}
	cli_progress_end(bar);
}

static struct populations *make_rows(const struct scan *k, const struct target_plan *plan)
{
	struct populations *p = mem_zero(1, sizeof *p);
	p->at = mem_array(k->d.n_groups, sizeof *p->at);
	for (size_t g = 0; g < k->d.n_groups; g++) {
		if (!k->wanted[g])
			continue;
		struct population *row = &p->at[p->n++];
		row->name = mem_text(k->group == PMX_NO_FIELD ? k->o->case_label : k->s->field[k->group].values->at[g]);
		row->how = *target_plan_group(plan, g);
		row->effect = mem_array(k->s->n_columns, sizeof *row->effect);
		for (size_t i = 0; i < k->s->n_columns; i++)
			row->effect[i] = NAN;
	}
	return p;
}

struct populations *populations_read(const struct cli *c, const struct population_options *o)
{
	struct cli_again *again = cli_again_new(c);
	struct pmx_reader *in = cli_again_open(again);
	struct pmx_schema *schema = pmx_schema_copy(pmx_reader_schema(in));
	struct scan k = { .c = c, .o = o, .s = schema, .end = (uint32_t)schema->n_columns };
	find_fields(&k);
	k.per_gene = mem_zero(schema->n_columns, sizeof *k.per_gene);
	k.in_slot = mem_zero(target_slots(&k.d), sizeof *k.in_slot);
	if ((o->method != TARGET_RANK_BISERIAL && o->method != TARGET_WILCOXON) || (k.d.sampled && o->pairing == TARGET_UNPAIRED))
		k.sums = mem_zero(target_slots(&k.d), sizeof *k.sums);
	layer_scan(in, schema, k.layer, learn_block, &k);
	if (k.n_unlabelled)
		cli_note(c, "%llu cells lack a label of the group, condition or sample and are left out", (unsigned long long)k.n_unlabelled);
	struct target_plan *plan = target_plan_new(&k.d, k.in_slot);
	struct populations *out = make_rows(&k, plan);
	out->cells = schema;
	if (k.sums)
		all_genes(&k, plan, NULL, out);
	else
		range_by_range(&k, again, plan, out);
	drop_sums(&k);
	target_plan_free(plan);
	mem_free(k.wanted);
	mem_free(k.slot);
	mem_free(k.in_slot);
	mem_free(k.per_gene);
	cli_again_free(again);
	return out;
}

void populations_free(struct populations *p)
{
	for (size_t i = 0; i < p->n; i++) {
		mem_free(p->at[i].name);
		mem_free(p->at[i].effect);
	}
	mem_free(p->at);
	pmx_schema_free(p->cells);
	mem_free(p);
}
