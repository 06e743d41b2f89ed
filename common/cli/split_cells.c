#include "cli/split_cells.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cells of a group in one split; those with a missing value on some gene go to `without`. */
static size_t pick(const struct cell_group *g, const double *values, size_t n_genes, size_t split, uint32_t *cell, uint32_t *without,
		   size_t *n_without)
{
	size_t n = 0;
	*n_without = 0;
	for (uint32_t i = 0; i < g->n; i++) {
		if (g->split[i] != split)
			continue;
		bool whole = true;
		for (size_t k = 0; k < n_genes && whole; k++)
			whole = !isnan(values[k * g->n + i]);
		if (whole)
			cell[n++] = i;
		else
			without[(*n_without)++] = i;
	}
	return n;
}

void split_cells_take(struct split_cells *p, const struct screen *s, const struct cell_group *g, size_t split, const double *own_values,
		      const double *control_values, size_t n_genes)
{
	const struct cell_group *controls = &s->controls;
	size_t most = g->n > controls->n ? g->n : controls->n, unused;
	*p = (struct split_cells){ .own = mem_array(g->n, sizeof *p->own), .control = mem_array(controls->n, sizeof *p->control),
				   .without = mem_array(most, sizeof *p->without), .in.n_genes = n_genes };
	p->in.n_control = pick(controls, control_values, n_genes, split, p->control, p->without, &unused);
	p->in.n_target = pick(g, own_values, n_genes, split, p->own, p->without, &p->n_without);
	if (!p->in.n_target || p->in.n_control < 2)
		return;
	size_t n = p->in.n_target + p->in.n_control;
	p->in.d = mem_array(n_genes * n, sizeof *p->in.d);
	for (size_t k = 0; k < n_genes; k++) {
		for (size_t i = 0; i < p->in.n_target; i++)
			p->in.d[k * n + i] = own_values[k * g->n + p->own[i]];
		for (size_t i = 0; i < p->in.n_control; i++)
			p->in.d[k * n + p->in.n_target + i] = control_values[k * controls->n + p->control[i]];
	}
}

void split_cells_free(struct split_cells *p)
{
	mem_free(p->own);
	mem_free(p->control);
	mem_free(p->without);
	mem_free(p->in.d);
}

const char *split_cells_name(const struct split_cells *p, const struct screen *s, const struct cell_group *g, size_t i)
{
	return i < p->in.n_target ? g->name[p->own[i]] : s->controls.name[p->control[i - p->in.n_target]];
}

const char *split_cells_role(const struct split_cells *p, const struct screen *s, const struct cell_group *g, size_t i)
{
	return i < p->in.n_target ? g->label : s->o->control;
}

struct named {
	const char *name;
	uint32_t cell;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

uint32_t *split_cells_by_name(const struct split_cells *p, const struct screen *s, const struct cell_group *g)
{
	size_t n = p->in.n_target + p->in.n_control;
	struct named *named = mem_array(n, sizeof *named);
	uint32_t *order = mem_array(n, sizeof *order);
	for (uint32_t i = 0; i < n; i++)
		named[i] = (struct named){ split_cells_name(p, s, g, i), i };
	qsort(named, n, sizeof *named, by_name);
	for (size_t i = 0; i < n; i++)
		order[i] = named[i].cell;
	mem_free(named);
	return order;
}

void split_cells_report(const struct cli *c, const struct pmx_reader *in, const char *what, const char *note, const uint64_t *count, const char *const *reason, int n_reasons)
{
	uint64_t rest = 0;
	char text[600] = "";
	for (int i = 1; i < n_reasons; i++) {
		rest += count[i];
		size_t n = strlen(text);
		if (count[i])
			snprintf(text + n, sizeof text - n, "%s%s %llu", n ? ", " : "", reason[i], (unsigned long long)count[i]);
	}
	if (rest)
		cli_note(c, "%llu cells %s, %llu not (%s): %s", (unsigned long long)count[0], what, (unsigned long long)rest, note, text);
	if (!count[0] && !cli_shard(in))
		cli_die("no cell was %s%s%s", what, rest ? ": " : "", text);
}
