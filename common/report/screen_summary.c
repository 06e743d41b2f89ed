#include "report/screen_summary.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

const char *provenance_option(const struct pmx_schema *s, const char *option)
{
	for (size_t i = json_array_size(s->provenance); i-- > 0; ) {
		const json_t *given = json_object_get(json_array_get(s->provenance, i), "options");
		for (size_t k = 0; k + 1 < json_array_size(given); k++) {
			const char *word = json_string_value(json_array_get(given, k));
			if (word && !strncmp(word, "--", 2) && !strcmp(word + 2, option))
				return json_string_value(json_array_get(given, k + 1));
		}
	}
	return NULL;
}

struct fields {
	size_t pert, split, guide, score, score_reason, class, class_reason;
	size_t *reason, n_reasons, cap;
};

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n >= m && !strcmp(s + n - m, end);
}

static bool is_real(const struct pmx_schema *s, size_t f)
{
	return f != PMX_NO_FIELD && !pmx_is_matrix(&s->field[f]) && s->field[f].type == PMX_F64;
}

/* A label column, or PMX_NO_FIELD. */
static size_t find_label(const struct pmx_schema *s, const char *name)
{
	size_t f = pmx_find(s, PMX_OBS, name);
	return f != PMX_NO_FIELD && s->field[f].type == PMX_CATEGORY ? f : PMX_NO_FIELD;
}

/* A score column that was named: it must be there. One that was not: it may be missing. */
static int find_score(const struct pmx_schema *s, const struct screen_keys *keys, struct screen_summary *m, struct fields *f, struct err *e)
{
	const char *name = keys->score ? keys->score : "mixscale_score";
	f->score = keys->score ? pmx_need(s, PMX_OBS, name, e) : pmx_find(s, PMX_OBS, name);
	if (keys->score && f->score == PMX_NO_FIELD)
		return -1;
	if (f->score != PMX_NO_FIELD && !is_real(s, f->score))
		return err_set(e, "row column '%s' does not hold real numbers", name);
	if (f->score != PMX_NO_FIELD)
		m->score_name = m->owned[0] = mem_text(name);
	f->score_reason = find_label(s, "mixscale_reason");
	f->class_reason = find_label(s, "mixscape_reason");
	name = keys->class ? keys->class : "mixscape_class_global";
	f->class = keys->class || pmx_find(s, PMX_OBS, name) != PMX_NO_FIELD ? pmx_need_category(s, name, e) : PMX_NO_FIELD;
	if (f->class != PMX_NO_FIELD)
		m->class_name = mem_text(name);
	return e->set ? -1 : 0;
}

static const char *option_or(const char *given, const struct pmx_schema *s, const char *option, const char *otherwise)
{
	const char *made = given ? given : provenance_option(s, option);
	return made ? made : otherwise;
}

static int find_fields(const struct pmx_schema *s, const struct screen_keys *keys, struct screen_summary *m, struct fields *f, struct err *e)
{
	struct screen_keys *k = &m->keys;
	k->pert_key = option_or(keys->pert_key, s, "pert-key", "gene_target");
	k->control = option_or(keys->control, s, "control", NULL);
	k->split_by = option_or(keys->split_by, s, "split-by", NULL);
	k->guide_key = option_or(keys->guide_key, s, "guide-key", "guide_id");
	f->pert = pmx_need_category(s, k->pert_key, e);
	f->split = k->split_by ? pmx_need_category(s, k->split_by, e) : PMX_NO_FIELD;
	f->guide = keys->guide_key ? pmx_need_category(s, k->guide_key, e) : find_label(s, k->guide_key);
	if (e->set || find_score(s, keys, m, f, e))
		return -1;
	m->targets = names_copy(s->field[f->pert].values);
	m->control = k->control ? names_find(m->targets, k->control) : NAMES_NONE;
	if (keys->control && m->control == NAMES_NONE) {
		char list[600];
		names_list(m->targets, list, sizeof list);
		return err_set(e, "no cell is labelled '%s' in '%s'; the labels are: %s", k->control, k->pert_key, list);
	}
	if (f->split != PMX_NO_FIELD)
		m->splits = names_copy(s->field[f->split].values);
	else
		names_add(m->splits = names_new(), "all", NULL);
	m->guides = f->guide == PMX_NO_FIELD ? names_new() : names_copy(s->field[f->guide].values);
	m->reasons = names_new();
	for (size_t i = 0; i < s->n_fields; i++)
		if (s->field[i].class == PMX_OBS && s->field[i].type == PMX_CATEGORY && ends_with(s->field[i].name, "_reason")) {
			mem_room(&f->reason, &f->cap, f->n_reasons + 1, sizeof *f->reason);
			f->reason[f->n_reasons++] = i;
		}
	return 0;
}

static void want(struct pmx_reader *r, const struct fields *f)
{
	const size_t field[] = { f->pert, f->split, f->guide, f->score, f->score_reason, f->class, f->class_reason };
	for (size_t i = 0; i < sizeof field / sizeof *field; i++)
		if (field[i] != PMX_NO_FIELD)
			pmx_want(r, field[i]);
	for (size_t i = 0; i < f->n_reasons; i++)
		pmx_want(r, f->reason[i]);
}

static const struct pmx_column *column(struct pmx_block *b, const struct pmx_schema *s, size_t field, struct err *e)
{
	return field == PMX_NO_FIELD || e->set ? NULL : pmx_block_column(b, s, field, e);
}

static int take_reasons(struct screen_summary *m, const struct pmx_schema *s, const struct fields *f, struct pmx_block *b, size_t *cap, struct err *e)
{
	for (size_t i = 0; i < f->n_reasons; i++) {
		const struct pmx_field *field = &s->field[f->reason[i]];
		const struct pmx_column *c = column(b, s, f->reason[i], e);
		if (!c)
			return -1;
		uint64_t *count = mem_zero(field->values->n, sizeof *count);
		for (size_t r = 0; r < b->n_rows; r++)
			if (c->u32[r] != PMX_MISSING_CODE)
				count[c->u32[r]]++;
		for (size_t k = 0; k < field->values->n; k++) {
			if (!count[k])
				continue;
			char *name = mem_print("%s: %s", field->name, field->values->at[k]);
			bool is_new;
			uint32_t at = names_add(m->reasons, name, &is_new);
			mem_room(&m->reason, cap, m->reasons->n, sizeof *m->reason);
			m->reason[at] = is_new ? count[k] : m->reason[at] + count[k];
			mem_free(name);
		}
		mem_free(count);
	}
	return 0;
}

/* Codes of the global class that are no answer. */
static bool is_answer(const struct screen_summary *m, const struct pmx_field *class, uint32_t code)
{
	const char *label = class->values->at[code];
	return strcmp(label, "NP") && strcmp(label, "NT") && !(m->keys.control && !strcmp(label, m->keys.control));
}

static int take_block(struct screen_summary *m, const struct pmx_schema *s, const struct fields *f, struct pmx_block *b, struct err *e)
{
	const struct pmx_column *pert = column(b, s, f->pert, e), *split = column(b, s, f->split, e), *guide = column(b, s, f->guide, e),
		*score = column(b, s, f->score, e), *why = column(b, s, f->score_reason, e), *class = column(b, s, f->class, e),
		*unclassified = column(b, s, f->class_reason, e), *none = f->score == PMX_NO_FIELD ? unclassified : why;
	if (e->set)
		return -1;
	for (size_t r = 0; r < b->n_rows; r++) {
		uint32_t t = pert->u32[r], d = split ? split->u32[r] : 0, g = guide ? guide->u32[r] : PMX_MISSING_CODE;
		m->n_cells++;
		if (t == PMX_MISSING_CODE) {
			m->n_unlabelled++;
			continue;
		}
		struct screen_target *target = &m->target[t];
		struct screen_guide unused = { 0 }, *own = g == PMX_MISSING_CODE ? &unused : &m->guide[g];
		if (!own->n)
			own->target = t;
		own->n++;
		target->n++;
		if (none && none->u32[r] != PMX_MISSING_CODE && !target->reason)
			target->reason = m->target_reasons->at[none->u32[r]];
		if (d != PMX_MISSING_CODE)
			m->cells[t * m->splits->n + d]++;
		/* A cell with a reason has a score that says nothing. */
		if (score && isfinite(score->f64[r]) && !(why && why->u32[r] != PMX_MISSING_CODE)) {
			target->n_scored++;
			own->n_scored++;
			target->score += score->f64[r];
			own->score += score->f64[r];
			if (d != PMX_MISSING_CODE)
				density_add(&m->density[t * m->splits->n + d], score->f64[r]);
		}
		if (class && class->u32[r] != PMX_MISSING_CODE && !(unclassified && unclassified->u32[r] != PMX_MISSING_CODE)) {
			bool ko = is_answer(m, &s->field[f->class], class->u32[r]);
			target->n_classified++;
			own->n_classified++;
			target->n_ko += ko;
			own->n_ko += ko;
		}
	}
	return 0;
}

struct screen_summary *screen_summary_read(struct pmx_reader *r, const struct screen_keys *keys, struct err *e)
{
	const struct pmx_schema *s = pmx_reader_schema(r);
	struct screen_summary *m = mem_zero(1, sizeof *m);
	struct fields f = { 0 };
	size_t reason_cap = 0;
	int more = find_fields(s, keys, m, &f, e);
	if (!more) {
		m->n_genes = s->n_columns;
		m->target = mem_zero(m->targets->n, sizeof *m->target);
		m->guide = mem_zero(m->guides->n, sizeof *m->guide);
		m->cells = mem_zero(m->targets->n * m->splits->n, sizeof *m->cells);
		m->density = mem_zero(m->targets->n * m->splits->n, sizeof *m->density);
		size_t reason = f.score == PMX_NO_FIELD ? f.class_reason : f.score_reason;
		m->target_reasons = reason == PMX_NO_FIELD ? names_new() : names_copy(s->field[reason].values);
		want(r, &f);
		struct pmx_block *b;
		while ((more = pmx_next(r, &b, e)) > 0) {
			more = take_block(m, s, &f, b, e) || take_reasons(m, s, &f, b, &reason_cap, e) ? -1 : 0;
			pmx_block_free(b);
			if (more)
				break;
		}
	}
	mem_free(f.reason);
	if (more < 0) {
		screen_summary_free(m);
		return NULL;
	}
	for (size_t g = 0; g < m->guides->n; g++)
		if (m->guide[g].n)
			m->target[m->guide[g].target].n_guides++;
	/* The keys may point into the schema. */
	const char **key[] = { &m->keys.pert_key, &m->keys.control, &m->keys.split_by };
	for (size_t i = 0; i < 3; i++)
		if (*key[i])
			*key[i] = m->owned[i + 1] = mem_text(*key[i]);
	m->keys.guide_key = m->keys.score = m->keys.class = NULL;
	return m;
}

void screen_summary_free(struct screen_summary *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->density && i < m->targets->n * m->splits->n; i++)
		density_free(&m->density[i]);
	for (size_t i = 0; i < 4; i++)
		mem_free(m->owned[i]);
	names_free(m->targets);
	names_free(m->splits);
	names_free(m->guides);
	names_free(m->reasons);
	names_free(m->target_reasons);
	mem_free(m->class_name);
	mem_free(m->target);
	mem_free(m->guide);
	mem_free(m->reason);
	mem_free(m->cells);
	mem_free(m->density);
	mem_free(m);
}
