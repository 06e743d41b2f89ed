#include "cli/rank_targets.h"
#include "cli/gene_names.h"
#include "cli/signature_source.h"
#include "base/mem.h"
#include "base/text.h"
#include "stream/dense.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct reading {
	struct rank_targets *t;
	size_t cap[3];
	uint32_t *place;                /* of each column */
	size_t name, form, reason;
	struct pmx_dense *dense;
	int handle;
	const struct rank_reference *r;
	long set_size;
	bool plain;
};

/* Where the columns are in the reference; the first of two that fall together has the place. */
static uint32_t *place_columns(const struct cli *c, const struct pmx_schema *s, const struct rank_reference *r)
{
	uint32_t *place = mem_array(s->n_columns, sizeof *place);
	bool *taken = mem_zero(r->file->n_genes, sizeof *taken);
	size_t known = 0, twice = 0;
	for (size_t j = 0; j < s->n_columns; j++) {
		place[j] = rank_reference_gene(r, pmx_column_name(s, j));
		if (place[j] == UINT32_MAX)
			continue;
		if (taken[place[j]]) {
			cli_detail(c, "gene %s is the same as one before it and is left out", pmx_column_name(s, j));
			place[j] = UINT32_MAX;
			twice++;
			continue;
		}
		taken[place[j]] = true;
		known++;
	}
	mem_free(taken);
	if (!known)
		cli_die("none of the %zu genes of the targets is in %s (targets: %s, ...; reference: %s, ...); are these the same kind of names?",
			s->n_columns, r->file->name, s->n_columns ? pmx_column_name(s, 0) : "none", r->file->n_genes ? r->file->gene[0] : "none");
	if (known < s->n_columns)
		cli_note(c, "%zu of %zu genes of the targets are used: %zu are not in the reference, %zu name a gene again", known, s->n_columns,
			 s->n_columns - known - twice, twice);
	return place;
}

/* The same through a ledger, which knows previous and alias symbols and ids. */
static uint32_t *align_columns(const struct cli *c, const struct pmx_schema *s, const struct rank_reference *r, const char *gene_info)
{
	struct gene_ledger *ledger = gene_names_ledger(gene_info);
	const char **name = mem_array(s->n_columns, sizeof *name);
	uint32_t *place = mem_array(s->n_columns, sizeof *place);
	for (size_t j = 0; j < s->n_columns; j++) {
		name[j] = pmx_column_name(s, j);
		place[j] = UINT32_MAX;
	}
	struct gene_alignment *a = gene_names_align(c, "genes of the targets", name, s->n_columns, (const char *const *)r->file->gene, r->file->n_genes,
						    ledger);
	bool *taken = mem_zero(r->file->n_genes, sizeof *taken);
	for (size_t i = 0; i < a->n; i++) {
		place[a->query[i]] = a->reference[i];
		taken[a->reference[i]] = true;
	}
	/* What the table does not know, or under a name that the reference does not have, may be an id of the reference. */
	size_t by_id = 0;
	for (size_t j = 0; j < s->n_columns; j++) {
		bool open = a->status[j] == GENE_UNKNOWN || a->status[j] == GENE_OUTSIDE;
		uint32_t g = open ? rank_reference_gene(r, name[j]) : UINT32_MAX;
		if (g == UINT32_MAX || taken[g])
			continue;
		place[j] = g;
		taken[g] = true;
		by_id++;
	}
	mem_free(taken);
	if (by_id)
		cli_note(c, "%zu more genes of the targets are used: names and ids that the reference itself knows", by_id);
	if (!a->n && !by_id)
		cli_die("none of the genes of the targets is in %s", r->file->name);
	gene_alignment_free(a);
	gene_ledger_free(ledger);
	mem_free(name);
	return place;
}

static bool is_list(const struct reading *g, struct pmx_block *b, size_t row)
{
	struct err e = { 0 };
	char room[TEXT_F64];
	if (g->form == PMX_NO_FIELD || g->plain)
		return false;
	const struct pmx_column *form = pmx_block_column(b, g->t->schema, g->form, &e);
	if (!form)
		cli_fail(&e);
	return !pmx_column_is_missing(form, row) && !strcmp(pmx_column_text(&g->t->schema->field[g->form], form, row, room, sizeof room), "list");
}

static char *text_at(const struct reading *g, struct pmx_block *b, size_t field, size_t row)
{
	struct err e = { 0 };
	char room[TEXT_F64];
	const struct pmx_column *c = field == PMX_NO_FIELD ? NULL : pmx_block_column(b, g->t->schema, field, &e);
	if (e.set)
		cli_fail(&e);
	return c && !pmx_column_is_missing(c, row) ? mem_text(pmx_column_text(&g->t->schema->field[field], c, row, room, sizeof room)) : NULL;
}

static void take_block(struct reading *g, struct pmx_block *b)
{
	struct err e = { 0 };
	struct rank_targets *t = g->t;
	size_t n = t->schema->n_columns;
	double *weight = mem_array(n, sizeof *weight);
	for (size_t row = 0; row < b->n_rows; row++) {
		if (pmx_dense_rows(g->dense, g->handle, b, row, row + 1, weight, &e))
			cli_fail(&e);
		mem_room((void *)&t->name, &g->cap[0], t->n + 1, sizeof *t->name);
		mem_room((void *)&t->query, &g->cap[1], t->n + 1, sizeof *t->query);
		mem_room((void *)&t->reason, &g->cap[2], t->n + 1, sizeof *t->reason);
		t->name[t->n] = text_at(g, b, g->name, row);
		t->reason[t->n] = text_at(g, b, g->reason, row);
		if (!t->name[t->n])
			t->name[t->n] = mem_print("%llu", (unsigned long long)(b->first_row + row + 1));
		query_init(&t->query[t->n], weight, g->place, n, g->r->file->n_genes, is_list(g, b, row), g->set_size);
		t->n++;
	}
	mem_free(weight);
}

struct rank_targets *rank_targets_read(const struct cli *c, struct pmx_reader *in, const struct rank_reference *r, const char *layer,
				       long set_size, bool plain, const char *gene_info)
{
	struct err e = { 0 };
	struct rank_targets *t = mem_zero(1, sizeof *t);
	struct pmx_schema *s = t->schema = pmx_schema_copy(pmx_reader_schema(in));
	struct reading g = { .t = t, .r = r, .set_size = plain ? 0 : set_size, .plain = plain };
	g.place = gene_info ? align_columns(c, s, r, gene_info) : place_columns(c, s, r);
	g.name = s->row_names ? pmx_find(s, PMX_OBS, s->row_names) : PMX_NO_FIELD;
	g.form = pmx_find(s, PMX_OBS, "form");
	g.reason = pmx_find(s, PMX_OBS, "reason");
	size_t f = layer || pmx_find(s, PMX_LAYER, "weights") == PMX_NO_FIELD ? signature_layer(s, layer) : pmx_find(s, PMX_LAYER, "weights");
	g.dense = pmx_dense_new(in, c->threads);
	g.handle = pmx_dense_layer(g.dense, f, NULL, 0, &e);
	if (g.handle < 0)
		cli_fail(&e);
	int more;
	for (struct pmx_block *b; (more = pmx_dense_next(g.dense, &b, &e)) > 0; pmx_block_free(b))
		take_block(&g, b);
	if (more < 0)
		cli_fail(&e);
	if (!t->n)
		cli_die("%s has no target", pmx_reader_name(in));
	pmx_dense_free(g.dense);
	mem_free(g.place);
	return t;
}

void rank_targets_free(struct rank_targets *t)
{
	for (size_t i = 0; i < t->n; i++) {
		query_free(&t->query[i]);
		mem_free(t->name[i]);
		mem_free(t->reason[i]);
	}
	mem_free(t->name);
	mem_free(t->query);
	mem_free(t->reason);
	pmx_schema_free(t->schema);
	mem_free(t);
}
