/* pca - principal components of the cells */
#include "cli/again.h"
#include "cli/cli.h"
#include "cli/pca_files.h"
#include "cli/pca_genes.h"
#include "cli/row_source.h"
#include "cli/screen.h"
#include "base/mem.h"
#include "num/pca.h"
#include "stream/layer.h"
#include <math.h>
#include <string.h>

static const double CLIP = 10;

static const char *layer_name, *genes_file, *components, *out_name = "X_pca", *loadings_name = "PCs";
static long n_comps = 50;
static bool use_hvg, scale;
static double tolerance = 1e-8;

static const struct cli_option options[] = {
	CLI_INT('n', "n-comps", &n_comps, 1, 10000, "N", "components"),
	PCA_GENES_OPTIONS(genes_file, use_hvg),
	CLI_SWITCH(0, "scale", &scale, "unit variance per gene, cut at 10 above; else centred only"),
	CLI_TEXT(0, "layer", &layer_name, "NAME", "log-normalised layer (default X)"),
	CLI_TEXT(0, "output-matrix", &out_name, "NAME", "name of the row matrix with the scores"),
	CLI_REAL(0, "tolerance", &tolerance, 1e-14, 1e-2, "R", "largest residual, with more than 1024 genes",
		 "||Ax - lambda x|| relative to the largest eigenvalue. With fewer genes the matrix is diagonalised"),
	CLI_TEXT(0, "components", &components, "FILE", "find none, but project the cells on these, of pca-merge",
		 "They bring their genes, which the stream must have, and how they are scaled; --n-comps takes the first of them. One pass, nothing is kept"),
	CLI_END
};

static void solve(const struct cli *c, struct row_source *source, struct pca *p, const struct pmx_schema *s, const uint32_t *slot)
{
	size_t first, bad, n_values = 0;
	for (const struct packed *x; (x = row_source_first(source, &first)); ) {
		if (!pca_learn(p, x, first, &bad))
			cli_die("gene %s has a value that is not finite, before row %zu", pca_gene_at(s, slot, bad), p->n_cells);
		n_values = packed_values(x);
	}
	if (!p->n_cells)
		cli_die("the stream has no rows");
	pca_settle(p);
	pca_check_components(c, p, (size_t)n_comps);
	if (!row_source_kept(source))
		cli_detail(c, "the values do not fit --memory: they are read again for each pass");
	struct pca_effort effort = { tolerance, n_values, c->memory, c->threads };
	pca_solve(p, row_source_rows, source, (size_t)n_comps, &effort);
	pca_check_converged(c, p);
}

static struct pmx_schema *describe(const struct pmx_schema *in, const struct pca *p, const uint32_t *slot)
{
	struct pmx_schema *s = pmx_schema_copy(in);
	size_t k = p->eigen.k, f;
	while ((f = pmx_find(s, PMX_OBS, out_name)) != PMX_NO_FIELD || (f = pmx_find(s, PMX_VAR, loadings_name)) != PMX_NO_FIELD)
		pmx_drop_field(s, f);
	pmx_add_obsm(s, out_name, PMX_F64, (uint32_t)k);
	struct pmx_column *loadings = pmx_column_new(PMX_F64, s->n_columns, (uint32_t)k);
	for (size_t j = 0; j < s->n_columns; j++)
		if (slot[j] != UINT32_MAX)
			memcpy(loadings->f64 + j * k, p->eigen.vector + slot[j] * k, k * sizeof(double));
	pmx_add_var(s, loadings_name, loadings)->matrix = true;
	json_decref(s->notes);
	s->notes = in->notes ? json_deep_copy(in->notes) : json_object();
	json_object_set_new(s->notes, "pca", pca_note(p));
	return s;
}

/* One pass: each block has its scores when it has been read. */
static int project(const struct cli *c)
{
	struct err e = { 0 };
	if (genes_file || use_hvg || scale)
		cli_misuse("genes and scaling are those of --components; leave out --%s", genes_file ? "genes" : use_hvg ? "use-hvg" : "scale");
	struct pca_components *x = pca_components_read(c, components, (size_t)n_comps);
	struct pmx_reader *in = cli_input(c);
	const struct pmx_schema *s = pmx_reader_schema(in);
	size_t layer = screen_expression_of(s, layer_name, &e), k = x->pca->eigen.k, cap = 0;
	if (layer == PMX_NO_FIELD)
		cli_fail(&e);
	uint32_t *slot = pca_components_place(x, s, layer);
	struct pmx_schema *described = describe(s, x->pca, slot);
	struct packed *packed = packed_new(x->pca->n_genes);
	struct sparse_rows rows;
	double *score = NULL;
	sparse_rows_init(&rows, s->n_columns);
	pmx_layer_want(in, s, layer);
	struct pmx_writer *out = cli_output(c, described, in);
	struct pmx_pass *pass = pmx_pass_new(out);
	size_t field = pmx_find(described, PMX_OBS, out_name);
	pmx_pass_adds(pass, field);
	for (struct pmx_block *b; (b = cli_next(in)); ) {
		size_t n = b->n_rows;
		uint64_t row = b->first_row;
		packed_clear(packed);
		row_source_pack(b, s, layer, 0, n, slot, &rows, packed);
		packed_end(packed);
		mem_room(&score, &cap, n * k, sizeof *score);
		pca_scores(x->pca, packed, 0, packed_chunks(packed), score, c->threads);
		for (size_t i = 0; i < n * k; i++)
			if (!isfinite(score[i]))
				cli_die("row %llu has a value that is not finite", (unsigned long long)(row + i / k));
		pmx_pass_block(pass, b);
		if (pmx_pass_values(pass, field, score, n, &e))
			cli_fail(&e);
	}
	if (pmx_pass_close(pass, &e))
		cli_fail(&e);
	cli_finish(out, in);
	mem_free(score);
	mem_free(slot);
	sparse_rows_free(&rows);
	packed_free(packed);
	pmx_schema_free(described);
	pca_components_free(x);
	pmx_close(in);
	return 0;
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	if (components)
		return project(c);
	struct cli_again *again = cli_again_new(c);
	struct pmx_reader *in = cli_again_peek(again);
	struct pmx_schema *s = pmx_schema_copy(pmx_reader_schema(in));
	size_t layer = screen_expression_of(s, layer_name, &e);
	if (layer == PMX_NO_FIELD)
		cli_fail(&e);
	size_t n_genes;
	uint32_t *slot = pca_genes(c, s, genes_file, use_hvg, &n_genes);
	struct pca *p = pca_new(n_genes, scale, CLIP);
	struct row_source *source = row_source_new(c, again, s, layer, slot, n_genes);
	solve(c, source, p, s, slot);

	struct pmx_schema *described = describe(s, p, slot);
	size_t n = 0, k = (size_t)n_comps;
	double *score = mem_array(p->n_cells * k, sizeof *score);
	for (const struct packed *x; (x = row_source_rows(source)); ) {
		pca_scores(p, x, 0, packed_chunks(x), score + n * k, c->threads);
		for (size_t i = 0; i < packed_chunks(x); i++)
			n += packed_rows(x, i);
	}
	in = cli_again_open(again);
	struct pmx_writer *out = cli_output(c, described, in);
	struct pmx_pass *pass = pmx_pass_new(out);
	size_t field = pmx_find(described, PMX_OBS, out_name);
	pmx_pass_adds(pass, field);
	for (struct pmx_block *b; (b = cli_next(in)); ) {
		uint64_t row = b->first_row;
		n = b->n_rows;
		pmx_pass_block(pass, b);
		if (pmx_pass_values(pass, field, score + row * k, n, &e))
			cli_fail(&e);
	}
	if (pmx_pass_close(pass, &e))
		cli_fail(&e);
	cli_finish(out, in);
	mem_free(score);
	row_source_free(source);
	pca_free(p);
	mem_free(slot);
	pmx_schema_free(described);
	pmx_schema_free(s);
	cli_again_free(again);
	return 0;
}

static const char *const description[] = {
	"Principal components of the cells on the log-normalised layer, over all genes, those that hvg marked, or those of a list. Genes are centred; with --scale "
	"they are first brought to unit variance (n - 1) and cut at 10 above, as Seurat's ScaleData does, and centred again after the cut.",
	"The result is exact and needs no seed. With up to 1024 genes the covariance matrix is diagonalised; with more its leading eigenvectors are found by "
	"block Davidson iterations over the values until every residual is --tolerance. The largest loading of each component is positive. Bytes do not depend on "
	"threads or blocks.",
	"Many cells in shards: pca-sums of each, pca-merge of the sums, and pca --components gives each shard its scores. The same projects a screen on the "
	"components of another one.",
	"Values are kept packed (about 2 bytes a count) while they fit --memory, else read again for each product. A pipe is copied to $TMPDIR on the way.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "X_pca", "row matrix: the scores of each cell" },
	{ "PCs", "matrix over the genes: loadings; 0 for genes not used" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"pca --n-comps 15 normalised.pmx -o pca.pmx",
	"pca --components components.pmx normalised.pmx -o projected.pmx",
	"pca --scale --n-comps 15 normalised.pmx | pmx-view --obsm X_pca --head 3",
	NULL
};
static const char *const sources[] = {
	"RunPCA(approx = FALSE) and ScaleData of Seurat 4.3; scanpy.pp.pca (centred). Eigenvectors: Davidson (1975), J. Comput. Phys. 17:87; Crouzeix, Philippe and Sadkane (1994), SIAM J. Sci. Comput. 15:62.",
	NULL
};

const struct cli_tool tool = { .name = "pca", .summary = "principal components of the cells", .stage = CLI_PREPARE,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS | CLI_HOLDS_DATA, .reads = CLI_KIND(PMX_CELLS), .writes = "cells",
	.args = "[FILE]", .max_args = 1, .options = options, .description = description, .outputs = outputs,
	.examples = examples, .sources = sources, .run = run };
