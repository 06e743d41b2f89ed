#include "formats/sets.h"
#include "base/mem.h"
#include "formats/gmt.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* All lines of the file, cut; what it is shows when all are there. */
struct cut_lines {
	struct gmt_line *at;
	uint64_t *number;
	size_t n, cap, number_cap;
	size_t widest;
};

/* A copy of the line, which lasts. */
static void keep_line(struct cut_lines *c, const struct gmt_line *line, uint64_t number)
{
	mem_room(&c->at, &c->cap, c->n + 1, sizeof *c->at);
	mem_room(&c->number, &c->number_cap, c->n + 1, sizeof *c->number);
	struct gmt_line *to = &c->at[c->n];
	/* gmt_set looks at a second field where there is a tab. */
	size_t n = line->tabbed && line->n_fields < 2 ? 2 : line->n_fields;
	*to = (struct gmt_line){ .field = mem_array(n, sizeof *to->field), .n_fields = line->n_fields, .cap = n, .tabbed = line->tabbed };
	for (size_t i = 0; i < n; i++)
		to->field[i] = mem_text(line->field[i]);
	c->number[c->n++] = number;
	if (line->n_fields > c->widest)
		c->widest = line->n_fields;
}

static void free_lines(struct cut_lines *c)
{
	for (size_t i = 0; i < c->n; i++) {
		for (size_t k = 0; k < c->at[i].cap; k++)
			mem_free(c->at[i].field[k]);
		gmt_line_free(&c->at[i]);
	}
	mem_free(c->at);
	mem_free(c->number);
}

static int cut_file(struct cut_lines *c, const char *path, struct err *e)
{
	struct lines *l = lines_open(path, e);
	struct gmt_line line = { 0 };
	int more;
	if (!l)
		return -1;
	while ((more = gmt_next(l, &line, e)) > 0)
		keep_line(c, &line, lines_number(l));
	gmt_line_free(&line);
	lines_close(l);
	return more;
}

/* `pairs` holds what is in a set already: the sets of a table may come in any order. */
static void add_member(struct sets *s, uint32_t set, const char *name, struct names *pairs)
{
	char pair[40];
	bool is_new;
	if (!*name)
		return;
	names_add(s->spelt, name, NULL);
	uint32_t m = names_add(s->members, gene_ledger_spelling(s->ledger, name), NULL);
	snprintf(pair, sizeof pair, "%u %u", set, m);
	names_add(pairs, pair, &is_new);
	if (!is_new) {
		s->n_repeated++;
		return;
	}
	struct set *t = &s->at[set];
	mem_room(&t->member, &t->cap, t->n + 1, sizeof *t->member);
	t->member[t->n++] = m;
}

static uint32_t add_set(struct sets *s, const char *name, bool *is_new)
{
	uint32_t set = names_add(s->names, name, is_new);
	mem_room(&s->at, &s->cap, s->names->n, sizeof *s->at);
	if (*is_new)
		s->at[set] = (struct set){ 0 };
	return set;
}

static int take_set(struct sets *s, struct gmt_line *line, struct names *pairs, struct err *e)
{
	bool is_new;
	if (gmt_set(line, e))
		return -1;
	uint32_t set = add_set(s, line->name, &is_new);
	if (!is_new)
		return err_set(e, "the set '%s' comes twice", line->name);
	for (size_t k = 0; k < line->n_genes; k++)
		add_member(s, set, line->gene[k], pairs);
	return 0;
}

/* What heads a column of genes is the name of none. */
static bool is_heading(const char *s)
{
	static const char *const heading[] = { "gene", "genes", "gene_id", "gene_name", "gene_symbol", "symbol", "hgnc_symbol", "ensembl_gene_id" };
	for (size_t i = 0; i < sizeof heading / sizeof *heading; i++)
		if (!strcasecmp(s, heading[i]))
			return true;
	return false;
}

static int take_lines(struct sets *s, struct cut_lines *c, const char *path, bool pairs_wanted, const char *list, struct names *pairs, struct err *e)
{
	bool is_new, gmt = c->widest > 2, table = !gmt && pairs_wanted && (c->widest > 1 || !list);
	int failed = 0;
	bool headed = table || (!gmt && c->n && is_heading(c->at[0].field[0]));
	for (size_t i = headed; i < c->n && !failed; i++) {
		char **field = c->at[i].field;
		if (gmt)
			failed = take_set(s, &c->at[i], pairs, e);
		else if (!table && strpbrk(field[0], ",;"))
			failed = err_set(e, "'%.60s' is more than one name; a list has one a line", field[0]);
		else if (table && c->at[i].n_fields < 2)
			failed = err_set(e, "'%s' has no set; a line holds a member, a tab and the name of its set", field[0]);
		else
			add_member(s, add_set(s, table ? field[1] : list, &is_new), field[0], pairs);
		if (failed)
			err_context(e, "%s, line %llu", path, (unsigned long long)c->number[i]);
	}
	s->list = !gmt && !table;
	return failed;
}

struct sets *sets_read(const char *path, bool pairs_wanted, const char *list, const struct gene_ledger *ledger, struct err *e)
{
	struct cut_lines c = { 0 };
	struct sets *s = mem_zero(1, sizeof *s);
	struct names *pairs = names_new();
	s->names = names_new();
	s->members = names_new();
	s->spelt = names_new();
	s->ledger = ledger;
	int failed = cut_file(&c, path, e);
	if (!failed)
		failed = take_lines(s, &c, path, pairs_wanted, list, pairs, e);
	if (!failed && !s->members->n)
		failed = err_set(e, "%s holds no names", path);
	names_free(pairs);
	free_lines(&c);
	if (!failed)
		return s;
	sets_free(s);
	return NULL;
}

void sets_free(struct sets *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->names->n; i++)
		mem_free(s->at[i].member);
	mem_free(s->at);
	names_free(s->names);
	names_free(s->members);
	names_free(s->spelt);
	mem_free(s);
}

static size_t ending(const char *name, const char *tail)
{
	size_t n = strlen(name), k = strlen(tail);
	return n > k && !strcasecmp(name + n - k, tail) ? k : 0;
}

/* The target's name, for the caller to free; NULL for a set of the other side. */
static char *target_of(const char *name, bool up)
{
	size_t own_up = ending(name, "_UP"), own_down = ending(name, "_DN") + ending(name, "_DOWN");
	if (up ? own_down : own_up)
		return NULL;
	return mem_textn(name, strlen(name) - (up ? own_up : own_down));
}

static int add_side(struct signed_sets *s, const struct sets *from, const char *path, bool up, size_t *cap, struct err *e)
{
	for (uint32_t i = 0; i < from->names->n; i++) {
		char *name = target_of(from->names->at[i], up);
		if (from->list) {
			mem_free(name);
			name = mem_text(from->names->at[i]);
		}
		if (!name) {
			s->n_skipped++;
			continue;
		}
		bool is_new;
		uint32_t t = names_add(s->targets, name, &is_new);
		mem_room(&s->at, cap, s->targets->n, sizeof *s->at);
		if (is_new)
			s->at[t] = (struct signed_set){ 0 };
		struct signed_set *set = &s->at[t];
		bool twice = up ? !is_new : set->n > set->n_up;
		mem_free(name);
		if (twice)
			return err_set(e, "%s: two sets are named for the target '%s'", path, s->targets->at[t]);
		set->gene = mem_resize(set->gene, set->n + from->at[i].n, sizeof *set->gene);
		for (size_t k = 0; k < from->at[i].n; k++)
			set->gene[set->n++] = names_add(s->genes, from->members->at[from->at[i].member[k]], NULL);
		if (up)
			set->n_up = set->n;
	}
	return 0;
}

static void drop_both(struct signed_sets *s)
{
	uint32_t *seen = mem_zero(s->genes->n, sizeof *seen);
	for (uint32_t t = 0; t < s->targets->n; t++) {
		struct signed_set *set = &s->at[t];
		size_t n = 0, n_up = 0;
		for (size_t i = 0; i < set->n; i++) {
			/* Twice the number of the target while on one side, one more where on both. */
			uint32_t *mark = &seen[set->gene[i]];
			*mark = i < set->n_up || *mark != 2 * t + 2 ? 2 * t + 2 : 2 * t + 3;
		}
		for (size_t i = 0; i < set->n; i++) {
			bool both = seen[set->gene[i]] == 2 * t + 3;
			if (both && i < set->n_up && !s->n_both++)
				snprintf(s->example, sizeof s->example, "%.40s of %.40s", s->genes->at[set->gene[i]], s->targets->at[t]);
			if (both)
				continue;
			n_up += i < set->n_up;
			set->gene[n++] = set->gene[i];
		}
		set->n = n;
		set->n_up = n_up;
	}
	mem_free(seen);
}

struct signed_sets *signed_sets_read(const char *up, const char *down, const char *list, const struct gene_ledger *ledger, struct err *e)
{
	const char *path[] = { up, down };
	struct sets *side[2] = { NULL, NULL };
	struct signed_sets *s = mem_zero(1, sizeof *s);
	size_t cap = 0;
	int failed = 0;
	s->targets = names_new();
	s->genes = names_new();
	s->spelt = names_new();
	for (int k = 0; k < 2 && !failed; k++) {
		side[k] = path[k] ? sets_read(path[k], !list, list, ledger, e) : NULL;
		failed = path[k] && !side[k];
		if (!failed && k && side[0] && side[1] && side[0]->list != side[1]->list)
			failed = err_set(e, "%s is %s, but %s is %s; give two lists, or two GMT files", up, side[0]->list ? "a list" : "a GMT file", down,
					 side[1]->list ? "a list" : "a GMT file");
		if (!failed && side[k])
			failed = add_side(s, side[k], path[k], !k, &cap, e);
		for (size_t i = 0; side[k] && i < side[k]->spelt->n; i++)
			names_add(s->spelt, side[k]->spelt->at[i], NULL);
		s->n_repeated += side[k] ? side[k]->n_repeated : 0;
	}
	if (!failed && !s->targets->n)
		failed = err_set(e, "%s: the names of all sets end as those of the other side do", up ? up : down);
	sets_free(side[0]);
	sets_free(side[1]);
	if (!failed) {
		drop_both(s);
		return s;
	}
	signed_sets_free(s);
	return NULL;
}

void signed_sets_free(struct signed_sets *s)
{
	if (!s)
		return;
	for (size_t t = 0; t < s->targets->n; t++)
		mem_free(s->at[t].gene);
	mem_free(s->at);
	names_free(s->targets);
	names_free(s->genes);
	names_free(s->spelt);
	mem_free(s);
}
