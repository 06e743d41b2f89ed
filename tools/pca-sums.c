/* pca-sums - what some of the cells add to a principal component analysis of all */
#include "cli/cli.h"
#include "cli/pca_files.h"
#include "cli/pca_genes.h"
#include "cli/row_source.h"
#include "cli/screen.h"
#include "base/mem.h"
#include "stream/layer.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { PIECE = 16 * PACKED_ROWS };
static const double CLIP = 10;

static const char *layer_name, *genes_file, *scale_by;
static bool use_hvg;

static const struct cli_option options[] = {
	PCA_GENES_OPTIONS(genes_file, use_hvg),
	CLI_TEXT(0, "scale-by", &scale_by, "FILE", "components of a first round: scale by its deviations, cut at 10 above",
		 "The cut can only be made once the deviations over all cells are known: the first round, without this option, finds them, the second one gives "
		 "what pca --scale gives. The genes are those of the first round"),
	CLI_TEXT(0, "layer", &layer_name, "NAME", "log-normalised layer (default X)"),
	CLI_END
};

/* Rows that another shard of pmx-split counts: the controls, in all but the first. */
struct elsewhere {
	size_t field;                   /* PMX_NO_FIELD: none */
	uint32_t code;
	uint64_t n;
};

static struct elsewhere find_shard(const struct cli *c, const struct pmx_reader *in, struct pca_sums *sums)
{
	struct elsewhere x = { PMX_NO_FIELD, 0, 0 };
	struct err e = { 0 };
	const struct pmx_schema *s = pmx_reader_schema(in);
	const json_t *shard = cli_shard(in);
	if (!shard)
		return x;
	const char *by = json_string_value(json_object_get(shard, "by")), *control = json_string_value(json_object_get(shard, "control"));
	sums->split = json_string_value(json_object_get(shard, "input_header"));
	sums->shard = (long)json_integer_value(json_object_get(shard, "shard"));
	sums->shards = (long)json_integer_value(json_object_get(shard, "shards"));
	if (!by || !control || !sums->split || !sums->shards)
		cli_die("this is a shard with the controls of all others in it, which does not say which they are; split again, or sum before pmx-split");
	if (sums->shard == 1)
		return x;
	x.field = pmx_need_category(s, by, &e);
	if (x.field == PMX_NO_FIELD) {
		err_context(&e, "the controls of shard %ld of pmx-split count in shard 1 and must be left out here", sums->shard);
		cli_fail(&e);
	}
	x.code = names_find(s->field[x.field].values, control);
	cli_note(c, "shard %ld of %ld: the cells labelled %s count in shard 1", sums->shard, sums->shards, control);
	return x;
}

/* The genes, and how they are cut and scaled. */
static uint32_t *choose_genes(const struct cli *c, const struct pmx_schema *s, size_t layer, struct pca_basis *basis)
{
	size_t n;
	if (!scale_by) {
		uint32_t *slot = pca_genes(c, s, genes_file, use_hvg, &n);
		if (!n)
			cli_die("no gene is left to be used");
		*basis = pca_basis_of(s, layer, slot, n);
		return slot;
	}
	if (genes_file || use_hvg)
		cli_misuse("the genes are those of --scale-by; leave out --%s", use_hvg ? "use-hvg" : "genes");
	struct pca_components *first = pca_components_read(c, scale_by, 1);
	if (first->basis.sd)
		cli_die("%s: these components are scaled already; give those of the first round, made without --scale-by", scale_by);
	uint32_t *slot = pca_components_place(first, s, layer);
	n = first->basis.genes->n;
	*basis = pca_basis_of(s, layer, slot, n);
	basis->bound = mem_array(n, sizeof *basis->bound);
	basis->sd = mem_array(n, sizeof *basis->sd);
	for (size_t g = 0; g < n; g++) {
		uint32_t k = names_find(first->basis.genes, basis->genes->at[g]);
		double variance = first->variance[k];
		/* As pca tells a gene that does not vary. */
		bool varies = variance > 1e-14 * (variance + first->mean[k] * first->mean[k]);
		basis->sd[g] = varies ? sqrt(variance) : 0;
		basis->bound[g] = varies ? first->mean[k] + CLIP * basis->sd[g] : INFINITY;
	}
	pca_components_free(first);
	return slot;
}

static void check(const struct comoments *m, const struct names *genes)
{
	for (size_t g = 0; g < m->n; g++)
		if (!isfinite(m->mean[g]) || !isfinite(m->product[g * m->n + g]))
			cli_die("gene %s has a value that is not finite, before row %zu", genes->at[g], m->rows);
}

static void sum_rows(const struct cli *c, struct pmx_reader *in, size_t layer, const uint32_t *slot, const struct pca_basis *basis, struct elsewhere *left_out,
		     struct comoments *m)
{
	struct err e = { 0 };
	const struct pmx_schema *s = pmx_reader_schema(in);
	struct packed *packed = packed_new(m->n);
	struct sparse_rows x;
	size_t n = 0;
	double *bound = mem_array(m->n, sizeof *bound);
	for (size_t g = 0; g < m->n; g++)
		bound[g] = basis->bound ? basis->bound[g] : INFINITY;
	sparse_rows_init(&x, s->n_columns);
	pmx_layer_want(in, s, layer);
	struct pmx_block *b;
	do {
		b = cli_next(in);
		const struct pmx_column *label = b && left_out->field != PMX_NO_FIELD ? pmx_block_column(b, s, left_out->field, &e) : NULL;
		if (e.set)
			cli_fail(&e);
		for (size_t r = 0, to; b && r < b->n_rows; r = to) {
			bool out = label && label->u32[r] == left_out->code;
			for (to = r + 1; to < b->n_rows && (out || n + to - r < PIECE) && out == (label && label->u32[to] == left_out->code); )
				to++;
			left_out->n += out ? to - r : 0;
			if (out)
				continue;
			row_source_pack(b, s, layer, r, to, slot, &x, packed);
			n += to - r;
			if (n < PIECE)
				continue;
			packed_end(packed);
			comoments_add(m, packed, bound, c->threads);
			check(m, basis->genes);
			packed_clear(packed);
			n = 0;
		}
		pmx_block_free(b);
	} while (b);
	packed_end(packed);
	comoments_add(m, packed, bound, c->threads);
	check(m, basis->genes);
	packed_free(packed);
	sparse_rows_free(&x);
	mem_free(bound);
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	struct pmx_reader *in = cli_input(c);
	const struct pmx_schema *s = pmx_reader_schema(in);
	struct pca_sums *sums = mem_zero(1, sizeof *sums);
	size_t layer = screen_expression_of(s, layer_name, &e);
	if (layer == PMX_NO_FIELD)
		cli_fail(&e);
	struct elsewhere left_out = find_shard(c, in, sums);
	uint32_t *slot = choose_genes(c, s, layer, &sums->basis);
	size_t n = sums->basis.genes->n, need = comoments_bytes(n);
	if (need > c->memory)
		cli_die("the products of %zu genes need %zu MiB; give --memory %zuM, or fewer genes (hvg, --genes)", n, (need >> 20) + 1, (need >> 20) + 1);
	struct comoments *m = comoments_new(n);
	sum_rows(c, in, layer, slot, &sums->basis, &left_out, m);
	if (!m->rows)
		cli_die(left_out.n ? "there are no cells but the controls, which shard 1 counts" : "the stream has no rows");
	cli_detail(c, "%zu cells, %zu genes; %" PRIu64 " cells count in shard 1", m->rows, n, left_out.n);
	pca_sums_write(c, in, sums, m);
	comoments_free(m);
	pca_sums_free(sums);
	mem_free(slot);
	pmx_close(in);
	return 0;
}

static const char *const description[] = {
	"The first step of a principal component analysis in shards: the number of cells, the mean of each gene, and the sum of the products of the deviations of each "
	"two genes, on the log-normalised layer. pca-merge puts the sums of any number of shards together and finds the components; pca --components gives each "
	"cell its scores. The result is that of pca of all cells, to rounding (1e-10), however the cells are spread over the shards.",
	"A shard is a file of its own: a lane, a batch, a run of rows. All must have the same genes in the same order: where hvg marks them, the marks of one list "
	"(--genes), not of each shard. The shards of pmx-split have all controls in each: there the controls are left out in all but shard 1, as its provenance "
	"says which they are, and pca-merge wants all shards.",
	"With G genes 8 G^2 bytes are held, and 8 G for each of 1024 cells: 48 MB for 2,000 genes, 577 MB for 8,000. The file has half of the products. Sums run "
	"over runs of cells and are joined (Chan), so nothing cancels; bytes do not depend on threads or blocks.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "products", "layer, genes by genes: sums of products of deviations; a pair stands once, in the row of the gene that is first in the order of bytes" },
	{ "mean", "number of each gene; with --scale-by also bound and sd" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"pca-sums normalised.pmx -o sums.pmx",
	"pmx-select --rows 1-150 normalised.pmx | pca-sums -o one.sums.pmx",
	NULL
};
static const char *const sources[] = {
	"Chan, Golub and LeVeque (1983), The American Statistician 37:242.",
	NULL
};

const struct cli_tool tool = { .name = "pca-sums", .summary = "what some of the cells add to a principal component analysis of all", .stage = CLI_PREPARE,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS | CLI_HOLDS_DATA, .reads = CLI_KIND(PMX_CELLS), .writes = "sums",
	.args = "[FILE]", .max_args = 1, .options = options, .description = description, .outputs = outputs,
	.examples = examples, .sources = sources, .run = run };
