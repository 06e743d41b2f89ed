/* embed - places signatures in the shared space of states and drugs */
#include "cli/cli.h"
#include "cli/embedding_file.h"
#include "cli/signature_set.h"
#include "base/mem.h"
#include "stream/dense.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const tower_names[] = { "target", "drug", NULL };

static const char *model_file, *layer;
static int tower = NET_STATE;

static const struct cli_option options[] = {
	CLI_TEXT('m', "model", &model_file, "FILE", "from embed-train (needed)"),
	CLI_CHOICE(0, "tower", &tower, tower_names, "WHICH", "what the rows are: states of cells, or drugs"),
	CLI_TEXT(0, "layer", &layer, "NAME", "layer of the input (default weights, else X)"),
	CLI_END
};

static const char reason_column[] = "embedding_reason";

/* Rows keep their columns and matrices; the genes make way for the axes. */
static struct pmx_schema *describe(const struct pmx_schema *in, size_t width)
{
	struct pmx_schema *s = pmx_schema_copy(in);
	for (size_t f = s->n_fields; f-- > 0; )
		if (s->field[f].class == PMX_VAR || s->field[f].class == PMX_LAYER || s->field[f].class == PMX_OTHER ||
		    (s->field[f].class == PMX_OBS && !strcmp(s->field[f].name, reason_column)))
			pmx_drop_field(s, f);
	struct names *axes = names_new();
	char name[40];
	for (size_t k = 0; k < width; k++) {
		snprintf(name, sizeof name, "e%zu", k + 1);
		names_add(axes, name, NULL);
	}
	s->kind = PMX_EMBEDDING;
	s->n_columns = width;
	mem_free(s->column_names);
	s->column_names = NULL;
	pmx_set_column_names(s, "axis", axes);
	pmx_add_layer(s, "X", PMX_F32, PMX_DENSE);
	struct pmx_field *reason = pmx_add_obs(s, reason_column, PMX_CATEGORY);
	for (int i = 1; i < EMBEDDING_N_REASONS; i++)
		names_add(reason->values, embedding_reason_name[i], NULL);
	names_free(axes);
	return s;
}

/* The embedding of a block's rows and why some have none; returns how many have one. */
static size_t embed_block(const struct cli *c, const struct embedding *m, const double *value, size_t n, float *out, uint32_t *reason)
{
	size_t d = m->shape.d, e = m->shape.e, done = 0;
	float *row = mem_array(n * d, sizeof *row);
	for (size_t r = 0; r < n; r++) {
		enum embedding_reason why = embedding_row(value + r * d, d, tower == NET_DRUG, row + r * d);
		reason[r] = why == EMBEDDING_DONE ? PMX_MISSING_CODE : (uint32_t)why - 1;
	}
	embedding_embed(m, (enum net_tower)tower, row, n, c->threads, out);
	for (size_t r = 0; r < n; r++) {
		done += reason[r] == PMX_MISSING_CODE;
		for (size_t k = 0; k < e && reason[r] != PMX_MISSING_CODE; k++)
			out[r * e + k] = NAN;
	}
	mem_free(row);
	return done;
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	if (!model_file)
		cli_misuse("--model FILE is needed; embed-train makes one");
	struct embedding_file *m = embedding_file_read(model_file);
	struct pmx_reader *in = cli_input(c);
	const struct pmx_schema *from = pmx_reader_schema(in);
	size_t d = m->genes->n, width = m->model->shape.e, n = 0, done = 0;
	uint32_t *column = signature_columns(m->genes, from, pmx_reader_name(in), m->name);
	struct pmx_dense *dense = pmx_dense_new(in, c->threads);
	int handle = pmx_dense_layer(dense, signature_set_layer(from, layer, pmx_reader_name(in)), column, d, &e);
	if (handle < 0)
		cli_fail(&e);
	struct pmx_schema *s = describe(from, width);
	struct pmx_writer *out = cli_output(c, s, in);
	const struct pmx_field *x = &s->field[pmx_find(s, PMX_LAYER, "X")], *why = &s->field[pmx_find(s, PMX_OBS, reason_column)];
	int got;
	for (struct pmx_block *b; (got = pmx_dense_next(dense, &b, &e)) > 0; ) {
		double *value = mem_array(b->n_rows * d, sizeof *value);
		struct pmx_column *unit = pmx_column_new(PMX_F32, b->n_rows, (uint32_t)width), *reason = pmx_column_new(PMX_CATEGORY, b->n_rows, 1);
		if (pmx_dense_rows(dense, handle, b, 0, b->n_rows, value, &e))
			cli_fail(&e);
		signature_lists(from, b, value, d);
		done += embed_block(c, m->model, value, b->n_rows, unit->f32, reason->u32);
		n += b->n_rows;
		pmx_block_put_column(b, x, unit);
		pmx_block_put_column(b, why, reason);
		cli_put(out, b);
		pmx_column_free(unit);
		pmx_column_free(reason);
		mem_free(value);
	}
	if (got < 0)
		cli_fail(&e);
	if (!done)
		cli_die("no row can be embedded (%zu rows); %s says why", n, reason_column);
	if (done < n)
		cli_note(c, "%zu rows embedded, %zu not: %s says why", done, n - done, reason_column);
	cli_finish(out, in);
	pmx_dense_free(dense);
	pmx_schema_free(s);
	pmx_close(in);
	mem_free(column);
	embedding_file_free(m);
	return 0;
}

static const char *const description[] = {
	"Sends every row through one tower of a model: states of cells through the target tower, signatures of drugs through the drug tower. A row is standardised over "
	"the genes that it measured (the others are 0 then; genes that a list does not name weigh 0 before); for the drug tower its sign is turned. The "
	"dot product of a state with a drug is the similarity that was trained: high where the drug reverses the state.",
	"The stream must have all genes of the model; else it is refused and they are named. Other genes have no part. The bytes of a row depend on no other row.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "X", "layer: axes e1, e2, ..., of unit length; NaN where a row has no embedding" },
	{ "embedding_reason", "row column: why it has none (no_values, no_spread, infinite_value); missing where it has one" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"embed --model model.safetensors targets.pmx -o states.pmx",
	"embed --model model.safetensors --tower drug reference.pmx | pmx-view --layer X --head 3",
	NULL
};

const struct cli_tool tool = { .name = "embed", .summary = "places signatures in the shared space of states and drugs", .stage = CLI_CONNECT,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS, .reads = CLI_KIND(PMX_SIGNATURES), .writes = "embedding", .args = "[FILE]",
	.max_args = 1, .options = options, .description = description, .outputs = outputs, .examples = examples, .run = run };
