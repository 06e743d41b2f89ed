/* hvg - mark the highly variable genes */
#include "cli/again.h"
#include "cli/cli.h"
#include "cli/screen.h"
#include "base/mem.h"
#include "stats/hvg.h"
#include "stream/layer.h"
#include <string.h>

static int flavor = HVG_VST;
static long n_top = 2000;
static const char *batch_key, *layer_name;
static const char *const flavors[] = { "vst", "seurat", "cell_ranger", NULL };

static const struct cli_option options[] = {
	CLI_CHOICE(0, "flavor", &flavor, flavors, "NAME", "how genes are ranked: vst takes counts, the others log values"),
	CLI_INT('n', "n-top-genes", &n_top, 1, 1000000, "N", "genes to mark"),
	CLI_TEXT(0, "batch-key", &batch_key, "COLUMN", "row column with batches: genes are ranked in each"),
	CLI_TEXT(0, "layer", &layer_name, "NAME", "layer to use (default: counts for vst, log-normalised X for the others)"),
	CLI_END
};

struct source {
	struct cli_again *again;
	const struct pmx_schema *s;
	size_t layer, batch;            /* fields; PMX_NO_FIELD: no batches */
	uint64_t n_without;             /* cells without a batch */
};

static struct source open_source(const struct cli *c)
{
	struct err e = { 0 };
	struct source in = { .again = cli_again_new(c), .batch = PMX_NO_FIELD };
	in.s = pmx_schema_copy(pmx_reader_schema(cli_again_peek(in.again)));
	in.layer = flavor == HVG_VST ? screen_counts_of(in.s, layer_name, &e) : screen_expression_of(in.s, layer_name, &e);
	if (in.layer == PMX_NO_FIELD)
		cli_fail(&e);
	if (batch_key && (in.batch = pmx_need_category(in.s, batch_key, &e)) == PMX_NO_FIELD)
		cli_fail(&e);
	return in;
}

static _Noreturn void refuse(struct pmx_block *b, const struct source *in, size_t row, uint32_t gene, double value)
{
	struct err e = { 0 };
	const struct pmx_column *name = pmx_block_column(b, in->s, pmx_find(in->s, PMX_OBS, in->s->row_names), &e);
	if (!name)
		cli_fail(&e);
	cli_die("cell %s, gene %s: %.17g is no %s; name another layer than '%s' with --layer", name->text[row] ? name->text[row] : "?",
		pmx_column_name(in->s, gene), value, flavor == HVG_VST ? "count" : "log-normalised value", in->s->field[in->layer].name);
}

/* One pass over the values: sums, or (again) sums of what the trend leaves. */
static void learn(struct source *in, struct hvg *h, bool second)
{
	struct err e = { 0 };
	struct sparse_rows x;
	struct pmx_reader *r = cli_again_open(in->again);
	sparse_rows_init(&x, in->s->n_columns);
	pmx_layer_want(r, in->s, in->layer);
	if (in->batch != PMX_NO_FIELD)
		pmx_want(r, in->batch);
	in->n_without = 0;
	for (struct pmx_block *b; (b = cli_next(r)); pmx_block_free(b)) {
		const struct pmx_column *batch = in->batch == PMX_NO_FIELD ? NULL : pmx_block_column(b, in->s, in->batch, &e);
		sparse_rows_clear(&x);
		if (e.set || pmx_layer_rows(b, in->s, in->layer, 0, b->n_rows, &x, &e))
			cli_fail(&e);
		for (size_t i = 0; i < b->n_rows; i++) {
			const uint32_t code = batch ? batch->u32[i] : 0, *gene = x.col + x.start[i];
			const double *value = x.value + x.start[i];
			size_t n = x.start[i + 1] - x.start[i], good;
			if (code == PMX_MISSING_CODE)
				in->n_without++;
			else if (second)
				hvg_add_clipped(h, code, gene, value, n);
			else if ((good = hvg_add(h, code, gene, value, n)) < n)
				refuse(b, in, i, gene[good], value[good]);
		}
	}
	sparse_rows_free(&x);
}

static void settle(const struct source *in, struct hvg *h)
{
	size_t batch, n_cells = 0;
	for (size_t b = 0; b < h->n_batches; b++)
		n_cells += h->n_cells[b];
	if (!n_cells)
		cli_die(in->n_without ? "no cell has a batch in column '%s'" : "the stream has no rows", batch_key);
	enum hvg_status status = hvg_settle(h, &batch);
	const char *where = batch_key ? in->s->field[in->batch].values->at[batch] : "all cells";
	if (status == HVG_ONE_CELL)
		cli_die("%s%s: a single cell has no variance; %s", batch_key ? "batch " : "", where,
			batch_key ? "leave it out with pmx-select, or choose another --batch-key" : "more cells are needed");
	if (status == HVG_NO_TREND)
		cli_die("%s%s: no trend of the variance can be fitted: too few genes vary, or too many have the same mean; leave genes out that few "
			"cells have, or use --flavor seurat", batch_key ? "batch " : "", where);
}

static void add(struct pmx_schema *s, const char *name, enum pmx_type type, const void *values)
{
	size_t f = pmx_find(s, PMX_VAR, name);
	if (f != PMX_NO_FIELD)
		pmx_drop_field(s, f);
	if (!values)
		return;
	struct pmx_column *c = pmx_column_new(type, s->n_columns, 1);
	memcpy(c->flag, values, s->n_columns * pmx_type_size(type));
	pmx_add_var(s, name, c);
}

/* Columns of another flavor that ran before are taken away. */
static struct pmx_schema *describe(const struct pmx_schema *in, const struct hvg *h)
{
	struct pmx_schema *s = pmx_schema_copy(in);
	bool vst = flavor == HVG_VST;
	add(s, "highly_variable", PMX_BOOL, h->marked);
	add(s, "highly_variable_rank", PMX_F64, h->rank);
	add(s, "highly_variable_nbatches", PMX_I64, batch_key ? h->n_marked_in : NULL);
	add(s, "means", PMX_F64, h->means);
	add(s, "variances", PMX_F64, vst ? h->spread : NULL);
	add(s, "variances_norm", PMX_F64, vst ? h->norm : NULL);
	add(s, "dispersions", PMX_F64, vst ? NULL : h->spread);
	add(s, "dispersions_norm", PMX_F64, vst ? NULL : h->norm);
	return s;
}

static void report(const struct cli *c, const struct source *in, const struct hvg *h)
{
	if (in->n_without)
		cli_note(c, "%llu cells have no batch and do not count", (unsigned long long)in->n_without);
	if (!h->n_marked)
		cli_die("no gene varies, so none is marked");
	if (h->n_marked < (size_t)n_top)
		cli_note(c, "%zu of %zu genes are marked: no more of them vary", h->n_marked, h->n_genes);
	else
		cli_detail(c, "%zu of %zu genes are marked", h->n_marked, h->n_genes);
}

static int run(struct cli *c)
{
	struct source in = open_source(c);
	size_t n_batches = batch_key ? in.s->field[in.batch].values->n : 0;
	uint64_t need = hvg_bytes((enum hvg_flavor)flavor, in.s->n_columns, n_batches);
	if (need > c->memory)
		cli_die("sums of %zu genes%s need %llu MiB; give --memory %lluM, or more", in.s->n_columns, batch_key ? " in each batch" : "",
			(unsigned long long)(need >> 20) + 1, (unsigned long long)(need >> 20) + 1);
	struct hvg *h = hvg_new((enum hvg_flavor)flavor, in.s->n_columns, n_batches, (size_t)n_top);
	learn(&in, h, false);
	settle(&in, h);
	if (flavor == HVG_VST)
		learn(&in, h, true);
	hvg_choose(h);
	report(c, &in, h);

	struct pmx_schema *described = describe(in.s, h);
	struct pmx_reader *r = cli_again_open(in.again);
	struct pmx_writer *out = cli_output(c, described, r);
	for (struct pmx_block *b; (b = cli_next(r)); )
		cli_put(out, b);        /* every section goes on untouched */
	cli_finish(out, r);
	pmx_schema_free(described);
	hvg_free(h);
	pmx_schema_free((struct pmx_schema *)(uintptr_t)in.s);
	cli_again_free(in.again);
	return 0;
}

static const char *const description[] = {
	"Marks the genes that vary more than their mean lets expect, for pca and others that look for the gene column highly_variable. Genes that do "
	"not vary are never marked.",
	"vst, on counts: the log10 variances are smoothed against the log10 means by loess (span 0.3, quadratic, interpolated between vertices, as R "
	"does it by default); genes are ranked by the variance of (count - mean) / expected deviation, cut above at the root of the number of cells. "
	"With --batch-key they are ranked in each batch; a gene's rank is the median of those among the N first, ties go to more batches, then to the "
	"order of the genes, as in scanpy's seurat_v3.",
	"seurat and cell_ranger, on log-normalised values: dispersions (variance over mean) are compared with those of genes of similar mean, in 20 "
	"bins of equal width of log1p(mean) by mean and deviation, or between percentiles of the mean by median and MAD. Genes that tie with the last "
	"are marked too. With --batch-key genes come first that are marked in most batches, then those of larger mean dispersion.",
	"Differences from scanpy: cell_ranger joins bins whose ends are equal, where scanpy stops; a bin whose dispersions do not differ has no "
	"normalised ones, where scanpy may have infinities; ties are resolved by the order of the genes, where scanpy's is that of an unstable sort (vst) "
	"or of the names. A trend that cannot be fitted because 0.3 of the genes share a mean is an error; R gives NaN there.",
	"The stream is read two times (vst: three) and only sums per batch and gene are held (72 bytes each for vst, else 24); a pipe is copied to $TMPDIR on the way.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "highly_variable", "gene column: bool" },
	{ "highly_variable_rank", "gene column: place from 0, with batches the median (vst); missing for genes beyond the N first" },
	{ "highly_variable_nbatches", "gene column, with --batch-key: batches in which the gene is among the N first" },
	{ "means", "gene column: mean; seurat: log1p of the mean of expm1; averaged over batches (but for vst: over all cells)" },
	{ "variances, variances_norm", "gene columns, vst: over all cells, and against the trend (averaged over batches)" },
	{ "dispersions, dispersions_norm", "gene columns, seurat and cell_ranger: averaged over batches; NaN is missing" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"hvg --n-top-genes 100 screen.pmx | normalize | pca --use-hvg --n-comps 10 -o pca.pmx",
	"hvg --flavor seurat --n-top-genes 100 --batch-key replicate normalised.pmx -o marked.pmx && pmx-view --var marked.pmx",
	NULL
};
static const char *const sources[] = {
	"FindVariableFeatures of Seurat 4.3; scanpy.pp.highly_variable_genes. Stuart et al. (2019), Cell 177:1888; Satija et al. (2015), Nat. "
	"Biotechnol. 33:495; Zheng et al. (2017), Nat. Commun. 8:14049. Loess: Cleveland and Grosse (1991), Stat. Comput. 1:47.",
	NULL
};

const struct cli_tool tool = { .name = "hvg", .summary = "mark the highly variable genes", .stage = CLI_PREPARE,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS | CLI_HOLDS_DATA, .reads = CLI_KIND(PMX_CELLS), .writes = "cells",
	.args = "[FILE]", .max_args = 1, .options = options, .description = description, .outputs = outputs,
	.examples = examples, .sources = sources, .run = run };
