#include "cli/rank_background.h"
#include "base/mem.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

struct rank_background {
	struct pmx_writer *out;
	struct pmx_filler *fill;
	size_t query, score;
};

/* How the scores came about; equal for two runs whose scores may be compared. */
static json_t *made(const struct rank_options *o, const struct rank_reference *r, long set_size)
{
	char digest[17];
	snprintf(digest, sizeof digest, "%016" PRIx64, r->file->digest);
	return json_pack("{s:i, s:I, s:I, s:I, s:s}", "method", o->score.method, "n_genes", (json_int_t)set_size, "n_extreme",
			 (json_int_t)o->score.n_extreme, "min_overlap", (json_int_t)o->min_overlap, "reference", digest);
}

struct rank_background *rank_background_new(const struct cli *c, const char *path, const struct rank_options *o, const struct rank_reference *r,
					    long set_size, const struct rank_targets *t)
{
	struct err e = { 0 };
	struct rank_background *b = mem_zero(1, sizeof *b);
	struct pmx_schema *s = pmx_schema_new(PMX_SIGNATURES, r->file->n);
	struct names *columns = names_new();
	for (size_t i = 0; i < r->file->n; i++)
		names_add(columns, r->file->id[i], NULL);
	pmx_set_column_names(s, "signature_id", columns);
	names_free(columns);
	pmx_add_obs(s, "query", PMX_TEXT);
	s->row_names = mem_text("query");
	pmx_add_layer(s, "score", PMX_F64, PMX_DENSE);
	s->notes = json_pack("{s:o}", "background", made(o, r, set_size));
	json_decref(s->provenance);
	s->provenance = json_deep_copy(t->schema->provenance);
	cli_provenance(c, s, NULL, NULL);
	b->query = pmx_find(s, PMX_OBS, "query");
	b->score = pmx_find(s, PMX_LAYER, "score");
	struct file_out *file = file_create(path, &e);
	b->out = file ? pmx_create(file, s, c->level, c->threads, &e) : NULL;
	if (!b->out)
		cli_fail(&e);
	b->fill = pmx_filler_new(b->out, 0);
	pmx_schema_free(s);
	return b;
}

void rank_background_put(struct rank_background *b, const struct rank_targets *t, size_t first, const struct rank_scores *s)
{
	struct err e = { 0 };
	for (size_t i = 0; i < s->n; i++) {
		pmx_fill_text(b->fill, b->query, t->name[first + i]);
		pmx_fill_row(b->fill, b->score, s->score + i * s->n_signatures);
		if (pmx_fill_end_row(b->fill, &e))
			cli_fail(&e);
	}
}

void rank_background_close(struct rank_background *b)
{
	struct err e = { 0 };
	if (pmx_filler_close(b->fill, &e))
		cli_fail(&e);
	cli_finish(b->out, NULL);
	mem_free(b);
}

void rank_background_compare(const struct cli *c, const char *path, const struct rank_options *o, const struct rank_reference *r, long set_size,
			     struct rank_scores *s)
{
	struct err e = { 0 };
	struct pmx_reader *in = cli_open_kind(c, path, CLI_KIND(PMX_SIGNATURES));
	const struct pmx_schema *schema = pmx_reader_schema(in);
	json_t *mine = made(o, r, set_size), *its = schema->notes ? json_object_get(schema->notes, "background") : NULL;
	size_t layer = pmx_find(schema, PMX_LAYER, "score");
	if (!its || layer == PMX_NO_FIELD || schema->n_columns != r->file->n)
		cli_die("%s is no background of this reference; make one with rank --write-background", path);
	if (!json_equal(mine, its)) {
		char *a = json_dumps(its, JSON_COMPACT), *b = json_dumps(mine, JSON_COMPACT);
		cli_die("%s was made otherwise (%s) than this run (%s); make it again with the same options and reference", path, a, b);
	}
	json_decref(mine);
	pmx_want(in, layer);
	for (struct pmx_block *b; (b = cli_next(in)); pmx_block_free(b)) {
		const struct pmx_column *score = pmx_block_column(b, schema, layer, &e);
		if (!score)
			cli_fail(&e);
		for (size_t row = 0; row < b->n_rows; row++)
			rank_scores_background(c, r, score->f64 + row * r->file->n, s);
	}
	pmx_close(in);
	if (!s->n_background)
		cli_die("%s holds no query", path);
}
