#include "formats/sets.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/lines.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* All lines, cut at tabs; what the file is shows when all are there. */
struct cut_lines {
	char ***field;
	size_t *n_fields, n, cap, n_cap;
	uint64_t *line;
	size_t line_cap;
	size_t widest;
};

static char *trimmed(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	for (size_t n = strlen(s); n && isspace((unsigned char)s[n - 1]); n--)
		s[n - 1] = 0;
	return s;
}

static void keep_line(struct cut_lines *c, char *line, uint64_t number)
{
	size_t n = 1;
	for (const char *p = line; *p; p++)
		n += *p == '\t';
	char **field = mem_array(n, sizeof *field);
	text_split(line, '\t', field, n);
	for (size_t i = 0; i < n; i++)
		field[i] = mem_text(trimmed(field[i]));
	/* Empty fields at the end of a line are a spreadsheet's. */
	for (; n > 1 && !*field[n - 1]; n--)
		mem_free(field[n - 1]);
	mem_room(&c->field, &c->cap, c->n + 1, sizeof *c->field);
	mem_room(&c->n_fields, &c->n_cap, c->n + 1, sizeof *c->n_fields);
	mem_room(&c->line, &c->line_cap, c->n + 1, sizeof *c->line);
	c->field[c->n] = field;
	c->line[c->n] = number;
	c->n_fields[c->n++] = n;
	if (n > c->widest)
		c->widest = n;
}

static void free_lines(struct cut_lines *c)
{
	for (size_t i = 0; i < c->n; i++) {
		for (size_t k = 0; k < c->n_fields[i]; k++)
			mem_free(c->field[i][k]);
		mem_free(c->field[i]);
	}
	mem_free(c->field);
	mem_free(c->n_fields);
	mem_free(c->line);
}

static int cut_file(struct cut_lines *c, const char *path, struct err *e)
{
	struct lines *l = lines_open(path, e);
	char *line;
	size_t n;
	int more;
	if (!l)
		return -1;
	while ((more = lines_next(l, &line, &n, e)) > 0) {
		if (!text_utf8(line, n)) {
			err_set(e, "this is not UTF-8 text");
			more = lines_context(l, e);
			break;
		}
		if (*line && *line != '#' && *trimmed(line))
			keep_line(c, line, lines_number(l));
	}
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
	uint32_t m = names_add(s->members, name, NULL);
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

static int take_lines(struct sets *s, const struct cut_lines *c, const char *path, const char *list, struct names *pairs, struct err *e)
{
	bool is_new, gmt = c->widest > 2;
	for (size_t i = !gmt && !list; i < c->n; i++) {
		char **field = c->field[i];
		if (gmt) {
			uint32_t set = add_set(s, field[0], &is_new);
			if (!is_new)
				return err_set(e, "%s, line %llu: the set '%s' comes twice", path, (unsigned long long)c->line[i], field[0]);
			for (size_t k = 2; k < c->n_fields[i]; k++)
				add_member(s, set, field[k], pairs);
		} else if (list) {
			add_member(s, add_set(s, list, &is_new), field[0], pairs);
		} else if (c->n_fields[i] < 2) {
			return err_set(e, "%s, line %llu: '%s' has no set; a line holds a member, a tab and the name of its set", path,
				       (unsigned long long)c->line[i], field[0]);
		} else {
			add_member(s, add_set(s, field[1], &is_new), field[0], pairs);
		}
	}
	s->list = list && !gmt;
	return 0;
}

struct sets *sets_read(const char *path, const char *list, struct err *e)
{
	struct cut_lines c = { 0 };
	struct sets *s = mem_zero(1, sizeof *s);
	struct names *pairs = names_new();
	s->names = names_new();
	s->members = names_new();
	int failed = cut_file(&c, path, e);
	if (!failed)
		failed = take_lines(s, &c, path, list, pairs, e);
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

struct signed_sets *signed_sets_read(const char *up, const char *down, const char *list, struct err *e)
{
	const char *path[] = { up, down };
	struct sets *side[2] = { NULL, NULL };
	struct signed_sets *s = mem_zero(1, sizeof *s);
	size_t cap = 0;
	int failed = 0;
	s->targets = names_new();
	s->genes = names_new();
	for (int k = 0; k < 2 && !failed; k++) {
		side[k] = path[k] ? sets_read(path[k], list, e) : NULL;
		failed = path[k] && !side[k];
		if (!failed && k && side[0] && side[1] && side[0]->list != side[1]->list)
			failed = err_set(e, "%s is %s, but %s is %s; give two lists, or two GMT files", up, side[0]->list ? "a list" : "a GMT file", down,
					 side[1]->list ? "a list" : "a GMT file");
		if (!failed && side[k])
			failed = add_side(s, side[k], path[k], !k, &cap, e);
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
	mem_free(s);
}
