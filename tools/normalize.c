/* normalize - declare the log-normalised layer X */
#include "cli/cli.h"
#include "base/mem.h"
#include "stream/layer.h"
#include <math.h>
#include <string.h>

static const char *layer, *out_layer = "X", *totals = "n_counts";
static double target_sum = 10000;

static const struct cli_option options[] = {
	CLI_REAL(0, "target-sum", &target_sum, 1e-6, 1e12, "N", "what each row is scaled to before log1p"),
	CLI_TEXT(0, "layer", &layer, "NAME", "layer of counts (default: counts, else X where it holds counts)"),
	CLI_TEXT(0, "output-layer", &out_layer, "NAME", "name of the new layer"),
	CLI_END
};

/* The layer to normalise, and whether it has to give up its name to the result. */
static size_t find_source(const struct pmx_schema *s)
{
	struct err e = { 0 };
	size_t source = pmx_find(s, PMX_LAYER, layer ? layer : "counts");
	if (!layer && source == PMX_NO_FIELD)
		source = pmx_find(s, PMX_LAYER, "X");
	if (source == PMX_NO_FIELD) {
		pmx_need(s, PMX_LAYER, layer ? layer : "counts", &e);
		cli_fail(&e);
	}
	const struct pmx_field *f = &s->field[source];
	if (f->storage == PMX_RECIPE)
		cli_die("layer '%s' is computed (%s of '%s'); name a stored layer with --layer", f->name,
			f->recipe.kind == PMX_LOG_NORMALISED ? "log-normalised" : "a signature", f->recipe.source);
	if (!layer && !pmx_layer_is_counts(s, source))
		cli_die("layer '%s' holds %s values, not counts: it may be log-normalised already; name the layer to normalise with --layer",
			f->name, pmx_type_name(f->type));
	size_t taken = pmx_find(s, PMX_LAYER, out_layer);
	if (taken != PMX_NO_FIELD && taken != source && !pmx_layer_is_counts(s, taken))
		cli_die("there is a layer '%s' already; name another with --output-layer, or drop it with pmx-select --drop-layer %s",
			out_layer, out_layer);
	return source;
}

static struct pmx_schema *describe(const struct pmx_schema *in, size_t source)
{
	struct pmx_schema *s = pmx_schema_copy(in);
	char *source_name = mem_text(in->field[source].name);
	if (!strcmp(source_name, out_layer)) {
		mem_free(s->field[source].name);
		s->field[source].name = mem_text("counts");
		mem_free(source_name);
		source_name = mem_text("counts");
	} else if (pmx_find(s, PMX_LAYER, out_layer) != PMX_NO_FIELD) {
		pmx_drop_field(s, pmx_find(s, PMX_LAYER, out_layer));
	}
	if (pmx_find(s, PMX_OBS, totals) != PMX_NO_FIELD)
		pmx_drop_field(s, pmx_find(s, PMX_OBS, totals));
	pmx_add_obs(s, totals, PMX_F64);
	struct pmx_field *f = pmx_add_layer(s, out_layer, PMX_F64, PMX_RECIPE);
	f->recipe = (struct pmx_recipe){ .kind = PMX_LOG_NORMALISED, .source = source_name, .totals = mem_text(totals),
		.target_sum = target_sum };
	return s;
}

/* Counts that are no counts are named by cell and gene. */
static _Noreturn void refuse(struct pmx_block *b, const struct pmx_schema *s, size_t source, size_t r)
{
	struct err e = { 0 };
	struct sparse_rows row;
	sparse_rows_init(&row, s->n_columns);
	const struct pmx_column *name = pmx_block_column(b, s, pmx_find(s, PMX_OBS, s->row_names), &e);
	if (!name || pmx_layer_rows(b, s, source, r, r + 1, &row, &e))
		cli_fail(&e);
	for (size_t i = 0; i < row.start[1]; i++)
		if (!(row.value[i] >= 0) || isinf(row.value[i]))
			cli_die("cell %s, gene %s: %.17g is no count; layer '%s' cannot be normalised", name->text[r],
				pmx_column_name(s, row.col[i]), row.value[i], s->field[source].name);
	cli_die("cell %s: its counts do not add up to a finite number", name->text[r]);
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	struct pmx_reader *in = cli_input(c);
	const struct pmx_schema *s = pmx_reader_schema(in);
	size_t source = find_source(s);
	struct pmx_schema *described = describe(s, source);
	struct pmx_writer *out = cli_output(c, described, in);
	size_t field = pmx_find(described, PMX_OBS, totals);

	struct pmx_pass *pass = pmx_pass_new(out);
	pmx_pass_adds(pass, field);
	uint64_t n_empty = 0;
	for (struct pmx_block *b; (b = cli_next(in)); ) {
		size_t n = b->n_rows, bad;
		double *total = mem_array(n, sizeof *total);
		if (pmx_layer_totals(b, s, source, total, &bad, &e))
			cli_fail(&e);
		if (bad != SIZE_MAX)
			refuse(b, s, source, bad);
		for (size_t r = 0; r < n; r++)
			n_empty += total[r] == 0;
		pmx_pass_block(pass, b);
		if (pmx_pass_values(pass, field, total, n, &e))
			cli_fail(&e);
		mem_free(total);
	}
	if (pmx_pass_close(pass, &e))
		cli_fail(&e);
	if (n_empty)
		cli_note(c, "%llu cells have no counts at all; their normalised values are 0", (unsigned long long)n_empty);
	pmx_schema_free(described);
	cli_finish(out, in);
	pmx_close(in);
	return 0;
}

static const char *const description[] = {
	"Declares the layer X as a recipe, log1p(count x target_sum / total of the row), and adds the row column n_counts with the totals.",
	"Nothing but that column is added: the values are computed in double when they are read. Counts stay in the layer counts. "
	"The total is over all genes of the stream at this point, so selecting genes afterwards changes no value.",
	"A layer of integers called X is taken for counts and renamed to counts. Float values are refused unless --layer names them, "
	"since nothing tells normalised values from corrected counts.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "n_counts", "row column: the sum of the row's counts" },
	{ "X", "layer: log1p(count / n_counts * target_sum); 0 where a cell has no counts" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"normalize screen.pmx -o normalised.pmx",
	"pmx-import filtered_feature_bc_matrix | normalize | pmx-info",
	NULL
};
static const char *const sources[] = { "NormalizeData of Seurat 4.3 (LogNormalize); scanpy.pp.normalize_total and log1p, in double.", NULL };

const struct cli_tool tool = { .name = "normalize", .summary = "declare the log-normalised layer X", .stage = CLI_PREPARE,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS, .reads = CLI_KIND(PMX_CELLS), .writes = "cells",
	.args = "[FILE]", .max_args = 1, .options = options, .description = description, .outputs = outputs,
	.examples = examples, .sources = sources, .run = run };
