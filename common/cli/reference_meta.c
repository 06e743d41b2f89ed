#include "cli/reference_meta.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/table.h"
#include <string.h>

/* Names of columns, the most specific first. */
static const char *const aliases[REFERENCE_N_FIELDS][8] = {
	[REFERENCE_COMPOUND] = { "compound", "cmap_name", "pert_iname", "pert_desc", "pert_name", "pert_id" },
	[REFERENCE_CELL_LINE] = { "cell_line", "cell_iname", "cell_id", "cell" },
	[REFERENCE_DOSE] = { "dose", "pert_idose", "nearest_dose", "pert_dose", "exp_pert_dose", "dose_value" },
	[REFERENCE_TIME] = { "time", "pert_itime", "pert_time", "exp_pert_time" },
	[REFERENCE_MOA] = { "moa", "moa_lincs" },
	[REFERENCE_TARGET] = { "target", "drug_target", "target_lincs" },
	[REFERENCE_PERT_TYPE] = { "pert_type" },
	[REFERENCE_QUALITY] = { "quality", "tas", "distil_cc_q75", "cc_q75", "is_hiq", "qc_pass", "is_gold", "distil_ss" },
};
static const char *const compound_keys[] = { "pert_id", "cmap_name", "pert_iname", "compound", NULL };

struct reference_rows {
	const struct cli *c;
	const struct pmx_schema *s;
	size_t id, field[REFERENCE_N_FIELDS], unit[REFERENCE_N_FIELDS], key;
	struct names *ids;              /* of all rows, also of those taken back */
	char **kept;
	size_t kept_cap;
	struct names *value[REFERENCE_N_FIELDS];
	uint32_t *code[REFERENCE_N_FIELDS];
	size_t n, cap[REFERENCE_N_FIELDS];
	/* Of the table of compounds: names of the rows, and what each says. */
	struct names *compound;
	char **said[2];                 /* moa, target */
	bool *used;
	char *info_name;
	uint64_t n_without;
};

static const char *cell(const struct table *t, size_t row, size_t column)
{
	return t->field[row * t->n_columns + column];
}

static size_t column_of(const struct table *t, const char *name)
{
	for (size_t k = 0; k < t->n_columns; k++)
		if (!strcmp(t->head[k], name))
			return k;
	return SIZE_MAX;
}

static bool says_nothing(const char *s)
{
	return text_missing(s) || !strcmp(s, "-666") || !strcmp(s, "-666.0");
}

/* "a", then "a|b": a compound has a line for each of its targets. */
static void also(char **list, const char *word)
{
	if (says_nothing(word))
		return;
	size_t n = strlen(word);
	for (const char *p = *list; p && (p = strstr(p, word)); p += n)
		if ((p == *list || p[-1] == '|') && (!p[n] || p[n] == '|'))
			return;
	char *longer = *list ? mem_print("%s|%s", *list, word) : mem_text(word);
	mem_free(*list);
	*list = longer;
}

/* The table's key is the first of the usual names that both sides have, else its first column for the compound. */
static void read_compounds(struct reference_rows *r, const char *path)
{
	struct err e = { 0 };
	struct table *t = table_read_latin1(path, r->c->memory, &e);
	if (!t)
		cli_fail(&e);
	if (t->n_latin1)
		cli_note(r->c, "%s: %llu lines were not UTF-8 and were read as Latin-1, such as a micro sign", path, (unsigned long long)t->n_latin1);
	size_t key = SIZE_MAX, column[2] = { SIZE_MAX, SIZE_MAX };
	for (int k = 0; compound_keys[k] && key == SIZE_MAX; k++) {
		size_t f = pmx_find(r->s, PMX_OBS, compound_keys[k]);
		key = f == PMX_NO_FIELD ? SIZE_MAX : column_of(t, compound_keys[k]);
		r->key = key == SIZE_MAX ? PMX_NO_FIELD : f;
	}
	for (int k = 1; compound_keys[k] && key == SIZE_MAX; k++)
		key = column_of(t, compound_keys[k]);
	key = key == SIZE_MAX ? 0 : key;
	if (r->key == PMX_NO_FIELD)
		r->key = r->field[REFERENCE_COMPOUND];
	if (r->key == PMX_NO_FIELD)
		cli_die("%s: the signatures have no compound or pert_id by which a table of compounds could be joined", path);
	for (int w = 0; w < 2; w++)
		for (int k = 0; k < 8 && aliases[REFERENCE_MOA + w][k] && column[w] == SIZE_MAX; k++)
			column[w] = column_of(t, aliases[REFERENCE_MOA + w][k]);
	if (column[0] == SIZE_MAX && column[1] == SIZE_MAX)
		cli_die("%s has neither a column moa nor a column target", path);
	r->compound = names_new();
	size_t cap = 0, cap2 = 0;
	for (size_t i = 0; i < t->n_rows; i++) {
		bool is_new;
		uint32_t at = names_add(r->compound, cell(t, i, key), &is_new);
		if (is_new) {
			mem_room((void *)&r->said[0], &cap, at + (size_t)1, sizeof *r->said[0]);
			mem_room((void *)&r->said[1], &cap2, at + (size_t)1, sizeof *r->said[1]);
			r->said[0][at] = r->said[1][at] = NULL;
		}
		for (int w = 0; w < 2; w++)
			if (column[w] != SIZE_MAX)
				also(&r->said[w][at], cell(t, i, column[w]));
	}
	r->used = mem_zero(r->compound->n, sizeof *r->used);
	r->info_name = mem_text(path);
	table_free(t);
}

/* "10" of exp_pert_dose and "uM" of exp_pert_dose_unit. */
static size_t unit_of(const struct pmx_schema *s, size_t f)
{
	if (f == PMX_NO_FIELD || s->field[f].type == PMX_CATEGORY || s->field[f].type == PMX_TEXT)
		return PMX_NO_FIELD;
	char *name = mem_print("%s_unit", s->field[f].name);
	size_t unit = pmx_find(s, PMX_OBS, name);
	mem_free(name);
	return unit;
}

struct reference_rows *reference_rows_new(const struct cli *c, const struct pmx_schema *s, const char *compound_info)
{
	struct reference_rows *r = mem_zero(1, sizeof *r);
	r->c = c;
	r->s = s;
	r->key = PMX_NO_FIELD;
	r->ids = names_new();
	if (!s->row_names)
		cli_die("the signatures have no names");
	r->id = pmx_find(s, PMX_OBS, s->row_names);
	for (int f = 0; f < REFERENCE_N_FIELDS; f++) {
		r->field[f] = PMX_NO_FIELD;
		r->value[f] = names_new();
		for (int k = 0; k < 8 && aliases[f][k] && r->field[f] == PMX_NO_FIELD; k++) {
			size_t at = pmx_find(s, PMX_OBS, aliases[f][k]);
			r->field[f] = at != r->id ? at : PMX_NO_FIELD;
		}
		r->unit[f] = f == REFERENCE_DOSE || f == REFERENCE_TIME ? unit_of(s, r->field[f]) : PMX_NO_FIELD;
	}
	if (compound_info)
		read_compounds(r, compound_info);
	return r;
}

static const char *text_of(const struct reference_rows *r, struct pmx_block *b, size_t f, size_t row, char *room)
{
	struct err e = { 0 };
	if (f == PMX_NO_FIELD)
		return NULL;
	const struct pmx_column *column = pmx_block_column(b, r->s, f, &e);
	if (!column)
		cli_fail(&e);
	if (pmx_column_is_missing(column, row))
		return NULL;
	const char *text = pmx_column_text(&r->s->field[f], column, row, room, TEXT_F64);
	return says_nothing(text) ? NULL : text;
}

void reference_rows_add(struct reference_rows *r, struct pmx_block *b, size_t row)
{
	char room[TEXT_F64], unit_room[TEXT_F64], key_room[TEXT_F64];
	bool is_new;
	const char *id = text_of(r, b, r->id, row, room);
	if (!id)
		cli_die("row %llu has no id", (unsigned long long)(b->first_row + row + 1));
	uint32_t name = names_add(r->ids, id, &is_new);
	if (!is_new)
		cli_die("signature id '%s' comes twice (row %llu); ids have to be unique", id, (unsigned long long)(b->first_row + row + 1));
	mem_room((void *)&r->kept, &r->kept_cap, r->n + 1, sizeof *r->kept);
	r->kept[r->n] = r->ids->at[name];
	const char *key = r->compound ? text_of(r, b, r->key, row, key_room) : NULL;
	uint32_t known = key ? names_find(r->compound, key) : NAMES_NONE;
	if (known != NAMES_NONE)
		r->used[known] = true;
	r->n_without += r->compound && known == NAMES_NONE;
	for (int f = 0; f < REFERENCE_N_FIELDS; f++) {
		const char *text = text_of(r, b, r->field[f], row, room), *unit = text ? text_of(r, b, r->unit[f], row, unit_room) : NULL;
		char *joined = unit ? mem_print("%s %s", text, unit) : NULL;
		if (!text && known != NAMES_NONE && (f == REFERENCE_MOA || f == REFERENCE_TARGET))
			text = r->said[f == REFERENCE_TARGET][known];
		mem_room((void *)&r->code[f], &r->cap[f], r->n + 1, sizeof *r->code[f]);
		r->code[f][r->n] = text ? names_add(r->value[f], joined ? joined : text, NULL) : UINT32_MAX;
		mem_free(joined);
	}
	r->n++;
}

const char *reference_rows_last(const struct reference_rows *r, enum reference_field f)
{
	uint32_t code = r->code[f][r->n - 1];
	return code == UINT32_MAX ? NULL : r->value[f]->at[code];
}

void reference_rows_drop(struct reference_rows *r)
{
	r->n--;
}

size_t reference_rows_n(const struct reference_rows *r)
{
	return r->n;
}

void reference_rows_give(struct reference_rows *r, struct reference_meta *m)
{
	m->id = r->kept;
	for (int f = 0; f < REFERENCE_N_FIELDS; f++) {
		m->value[f] = r->value[f];
		m->code[f] = r->code[f];
	}
	if (!r->compound)
		return;
	size_t idle = 0;
	for (size_t i = 0; i < r->compound->n; i++)
		idle += !r->used[i];
	if (r->n_without || idle)
		cli_note(r->c, "%s: %llu signatures have no line there, %zu of its %zu compounds no signature", r->info_name,
			 (unsigned long long)r->n_without, idle, r->compound->n);
}

void reference_rows_free(struct reference_rows *r)
{
	for (int f = 0; f < REFERENCE_N_FIELDS; f++) {
		names_free(r->value[f]);
		mem_free(r->code[f]);
	}
	for (size_t i = 0; r->compound && i < r->compound->n; i++) {
		mem_free(r->said[0][i]);
		mem_free(r->said[1][i]);
	}
	mem_free(r->kept);
	mem_free(r->said[0]);
	mem_free(r->said[1]);
	mem_free(r->used);
	mem_free(r->info_name);
	names_free(r->compound);
	names_free(r->ids);
	mem_free(r);
}

const char *reference_key(const char *path)
{
	static const char *const keys[] = { "sig_id", "signature_id" };
	struct err e = { 0 };
	struct lines *l = lines_open(path, &e);
	char *line, **field = NULL;
	size_t n, cap = 0;
	if (!l || lines_next(l, &line, &n, &e) < 0)
		cli_fail(&e);
	const char *key = NULL;
	size_t k = n ? fields_split(line, fields_separator(line), &field, &cap) : 0;
	for (size_t i = 0; i < k && k != SIZE_MAX; i++)
		for (int w = 0; w < 2 && !key; w++)
			if (!strcmp(field[i], keys[w]))
				key = keys[w];
	mem_free(field);
	lines_close(l);
	return key;
}
