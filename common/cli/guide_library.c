#include "cli/guide_library.h"
#include "base/mem.h"
#include "formats/table.h"
#include "perturb/guides.h"
#include <fnmatch.h>
#include <string.h>

/* Targets of all guides from the table's first two columns; a header that is a guide is a line. */
static void read_table(const struct cli *c, const char *path, const struct names *guides, char **target)
{
	struct err e = { 0 };
	struct table *t = table_read(path, c->memory, &e);
	if (!t)
		cli_fail(&e);
	if (t->n_columns < 2)
		cli_die("%s has one column; a guide table has the guide in the first and its target in the second", path);
	for (size_t i = 0; i <= t->n_rows; i++) {
		char **line = i ? t->field + (i - 1) * t->n_columns : t->head;
		uint32_t g = names_find(guides, line[0]);
		if (g != NAMES_NONE && target[g] && strcmp(target[g], line[1]))
			cli_die("%s gives guide %s two targets, %s and %s", path, line[0], target[g], line[1]);
		if (g != NAMES_NONE && !target[g] && *line[1])
			target[g] = mem_text(line[1]);
	}
	struct names *without = names_new();
	char list[900];
	for (size_t g = 0; g < guides->n; g++)
		if (!target[g])
			names_add(without, guides->at[g], NULL);
	names_list(without, list, sizeof list);
	if (without->n)
		cli_die("%s has no target for these guides of the stream: %s", path, list);
	names_free(without);
	table_free(t);
}

static void mark_controls(const struct guide_library_options *o, const struct names *guides, char **target)
{
	for (size_t i = 0; i < o->control_guides.n; i++) {
		bool found = false;
		for (size_t g = 0; g < guides->n; g++) {
			if (fnmatch(o->control_guides.at[i], guides->at[g], 0))
				continue;
			mem_free(target[g]);
			target[g] = mem_text(o->control_label);
			found = true;
		}
		if (!found)
			cli_die("no guide is like '%s' of --control-guides; the first guide is %s", o->control_guides.at[i], guides->n ? guides->at[0] : "not there");
	}
}

static struct names *in_order(const struct names *names)
{
	struct names *sorted = names_new();
	uint32_t *rank = names_ranks(names), *at = mem_array(names->n, sizeof *at);
	for (uint32_t i = 0; i < names->n; i++)
		at[rank[i]] = i;
	for (size_t i = 0; i < names->n; i++)
		names_add(sorted, names->at[at[i]], NULL);
	mem_free(rank);
	mem_free(at);
	return sorted;
}

struct guide_library *guide_library_new(const struct cli *c, const struct names *guides, const struct guide_library_options *o)
{
	struct guide_library *l = mem_zero(1, sizeof *l);
	struct names *targets = names_new();
	char **target = mem_zero(guides->n, sizeof *target);
	if (o->table)
		read_table(c, o->table, guides, target);
	for (size_t g = 0; g < guides->n && !o->table; g++)
		target[g] = mem_textn(guides->at[g], guides_target_length(guides->at[g]));
	mark_controls(o, guides, target);
	for (size_t g = 0; g < guides->n; g++)
		names_add(targets, target[g], NULL);
	l->guides = in_order(guides);
	l->targets = in_order(targets);
	l->guide_code = mem_array(guides->n, sizeof *l->guide_code);
	l->target_code = mem_array(guides->n, sizeof *l->target_code);
	for (size_t g = 0; g < guides->n; g++) {
		l->guide_code[g] = names_find(l->guides, guides->at[g]);
		l->target_code[g] = names_find(l->targets, target[g]);
		mem_free(target[g]);
	}
	cli_detail(c, "%zu guides, %zu targets", guides->n, targets->n);
	mem_free(target);
	names_free(targets);
	return l;
}

void guide_library_free(struct guide_library *l)
{
	names_free(l->guides);
	names_free(l->targets);
	mem_free(l->guide_code);
	mem_free(l->target_code);
	mem_free(l);
}
