#include "cli/rankings.h"
#include "base/mem.h"
#include "base/text.h"
#include "connect/summary.h"
#include "formats/list.h"
#include "formats/sets.h"
#include "formats/table.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const struct cli *c;
	const struct rankings_options *o;
	struct table *t;
	size_t target, compound, signature, score, class;       /* columns; SIZE_MAX where there is none */
	struct rankings *r;
	size_t target_cap, class_cap;
};

static size_t need(const struct table *t, const char *name)
{
	struct err e = { 0 };
	size_t column = table_need(t, name, &e);
	if (e.set)
		cli_fail(&e);
	return column;
}

static size_t seek(const struct table *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (!strcmp(t->head[i], name))
			return i;
	return SIZE_MAX;
}

static const char *field(const struct reader *k, size_t row, size_t column)
{
	return k->t->field[row * k->t->n_columns + column];
}

static struct item_class *class_of(struct reader *k, const char *name)
{
	struct rankings *r = k->r;
	bool is_new;
	uint32_t c = names_add(r->classes, name, &is_new);
	mem_room(&r->of_class, &k->class_cap, r->classes->n, sizeof *r->of_class);
	if (is_new)
		r->of_class[c] = (struct item_class){ 0 };
	return &r->of_class[c];
}

static void join_class(struct item_class *c, uint32_t item)
{
	mem_room(&c->item, &c->cap, c->n + 1, sizeof *c->item);
	c->item[c->n++] = item;
}

/* "A|B" and NA. */
static void join_classes(struct reader *k, uint32_t item, const char *text)
{
	char *copy = mem_text(text), *rest = NULL;
	for (char *name = strtok_r(copy, "|", &rest); name; name = strtok_r(NULL, "|", &rest)) {
		while (*name == ' ')
			name++;
		for (size_t n = strlen(name); n && name[n - 1] == ' '; n--)
			name[n - 1] = 0;
		if (!text_missing(name))
			join_class(class_of(k, name), item);
	}
	mem_free(copy);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void once(struct item_class *c)
{
	size_t n = 0;
	if (c->n)
		qsort(c->item, c->n, sizeof *c->item, by_number);
	for (size_t i = 0; i < c->n; i++)
		if (!n || c->item[n - 1] != c->item[i])
			c->item[n++] = c->item[i];
	c->n = n;
}

static void take_row(struct reader *k, size_t row)
{
	struct rankings *r = k->r;
	const char *name = field(k, row, k->o->unit == RANKING_SIGNATURE ? k->signature : k->compound), *text = field(k, row, k->score);
	bool is_new;
	double score;
	uint32_t t = names_add(r->targets, k->target == SIZE_MAX ? "all" : field(k, row, k->target), &is_new);
	mem_room(&r->at, &k->target_cap, r->targets->n, sizeof *r->at);
	if (is_new)
		r->at[t] = (struct ranking){ 0 };
	struct ranking *at = &r->at[t];
	if (!text_missing(text) && !text_f64(text, &score))
		cli_die("%s, line %llu: %s '%.60s' is no number", k->t->name, (unsigned long long)k->t->line[row], k->o->score_key, text);
	if (text_missing(text) || isnan(score) || text_missing(name)) {
		at->n_without++;
		return;
	}
	uint32_t item = names_add(r->items, name, NULL);
	if (k->class != SIZE_MAX)
		join_classes(k, item, field(k, row, k->class));
	mem_room(&at->item, &at->cap, at->n + 1, sizeof *at->item);
	mem_room(&at->score, &at->score_cap, at->n + 1, sizeof *at->score);
	at->item[at->n] = item;
	at->score[at->n++] = score;
}

struct placed {
	uint32_t item, name;            /* name: its place among the names */
	double score;
};

static int by_item(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	return (x->name > y->name) - (x->name < y->name);
}

/* Scores are made so that the best is the lowest. */
static int by_score(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	return x->score != y->score ? (x->score > y->score) - (x->score < y->score) : by_item(a, b);
}

static void order(struct reader *k, uint32_t target, const uint32_t *name_rank)
{
	struct ranking *at = &k->r->at[target];
	struct placed *p = mem_array(at->n, sizeof *p);
	double *same = mem_array(at->n, sizeof *same), sign = k->o->mimic ? -1 : 1;
	size_t n = 0;
	for (size_t i = 0; i < at->n; i++)
		p[i] = (struct placed){ at->item[i], name_rank[at->item[i]], at->score[i] };
	if (at->n)
		qsort(p, at->n, sizeof *p, by_item);
	for (size_t i = 0, end; i < at->n; i = end) {
		for (end = i; end < at->n && p[end].item == p[i].item; end++)
			same[end - i] = p[end].score;
		if (end - i > 1 && k->o->unit == RANKING_SIGNATURE)
			cli_die("%s: signature '%s' comes twice for the target '%s'", k->t->name, k->r->items->at[p[i].item],
				k->r->targets->at[target]);
		p[n] = p[i];
		p[n++].score = sign * (end - i > 1 ? summary_max_quantile(same, end - i) : same[0]);
	}
	if (n)
		qsort(p, n, sizeof *p, by_score);
	for (size_t i = 0; i < n; i++) {
		at->item[i] = p[i].item;
		at->score[i] = sign * p[i].score;
	}
	at->n = n;
	mem_free(p);
	mem_free(same);
}

/* The sets that a compound is in; their number in the file is that of the class. */
static void join_member(struct reader *k, const struct sets *s, const struct item_class *of_member, bool *known, const char *compound,
			uint32_t item)
{
	uint32_t m = names_find(s->members, compound);
	if (m == NAMES_NONE || item == NAMES_NONE)
		return;
	known[m] = true;
	for (size_t i = 0; i < of_member[m].n; i++)
		join_class(&k->r->of_class[of_member[m].item[i]], item);
}

static void join_sets(struct reader *k)
{
	struct err e = { 0 };
	struct sets *s = sets_read(k->o->sets_file, true, NULL, NULL, &e);
	if (!s)
		cli_fail(&e);
	bool *known = mem_zero(s->members->n, sizeof *known);
	struct item_class *of_member = mem_zero(s->members->n, sizeof *of_member);
	for (uint32_t i = 0; i < s->names->n; i++) {
		class_of(k, s->names->at[i]);
		for (size_t m = 0; m < s->at[i].n; m++)
			join_class(&of_member[s->at[i].member[m]], i);
	}
	for (size_t row = 0; row < k->t->n_rows && k->o->unit == RANKING_SIGNATURE; row++)
		join_member(k, s, of_member, known, field(k, row, k->compound), names_find(k->r->items, field(k, row, k->signature)));
	for (uint32_t i = 0; i < k->r->items->n && k->o->unit == RANKING_COMPOUND; i++)
		join_member(k, s, of_member, known, k->r->items->at[i], i);
	size_t unknown = 0;
	for (size_t m = 0; m < s->members->n; m++) {
		unknown += !known[m];
		mem_free(of_member[m].item);
	}
	if (unknown)
		cli_note(k->c, "%zu of the %zu members of sets in %s are not ranked", unknown, s->members->n, k->o->sets_file);
	mem_free(of_member);
	mem_free(known);
	sets_free(s);
}

static void take_background(struct reader *k)
{
	struct err e = { 0 };
	char *argument = mem_print("@%s", k->o->background_file);
	struct names *list = list_read(argument, false, &e);
	mem_free(argument);
	if (!list)
		cli_fail(&e);
	for (uint32_t i = 0; i < k->r->items->n; i++)
		if (names_find(list, k->r->items->at[i]) == NAMES_NONE)
			cli_die("'%s' is ranked but not in the background %s, which has to hold all that could be", k->r->items->at[i],
				k->o->background_file);
	k->r->background = mem_array(list->n, sizeof *k->r->background);
	for (uint32_t i = 0; i < list->n; i++) {
		bool is_new;
		uint32_t item = names_add(k->r->items, list->at[i], &is_new);
		if (is_new)
			k->r->background[k->r->n_background++] = item;
	}
	names_free(list);
}

struct rankings *rankings_of_table(const struct cli *c, const struct rankings_options *o, struct table *table)
{
	struct reader k = { .t = table, .c = c, .o = o, .r = mem_zero(1, sizeof *k.r) };
	struct names *none[] = { names_new(), names_new(), names_new() };
	k.r->targets = none[0];
	k.r->items = none[1];
	k.r->classes = none[2];
	k.target = seek(k.t, o->target_key);
	k.compound = need(k.t, o->compound_key);
	k.signature = o->unit == RANKING_SIGNATURE ? need(k.t, o->signature_key) : SIZE_MAX;
	k.score = need(k.t, o->score_key);
	k.class = o->sets_file ? SIZE_MAX : need(k.t, o->class_key);
	for (size_t row = 0; row < k.t->n_rows; row++)
		take_row(&k, row);
	if (o->background_file)
		take_background(&k);
	if (o->sets_file)
		join_sets(&k);
	uint32_t *name_rank = names_ranks(k.r->items);
	for (uint32_t t = 0; t < k.r->targets->n; t++)
		order(&k, t, name_rank);
	for (size_t i = 0; i < k.r->classes->n; i++)
		once(&k.r->of_class[i]);
	mem_free(name_rank);
	return k.r;
}

void rankings_free(struct rankings *r)
{
	for (size_t t = 0; t < r->targets->n; t++) {
		mem_free(r->at[t].item);
		mem_free(r->at[t].score);
	}
	for (size_t i = 0; i < r->classes->n; i++)
		mem_free(r->of_class[i].item);
	mem_free(r->at);
	mem_free(r->of_class);
	mem_free(r->background);
	names_free(r->targets);
	names_free(r->items);
	names_free(r->classes);
	mem_free(r);
}
