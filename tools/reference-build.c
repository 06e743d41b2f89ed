/* reference-build - make the reference file that rank queries from signatures of drugs */
#include "cli/cli.h"
#include "cli/reference_genes.h"
#include "cli/reference_meta.h"
#include "cli/signature_source.h"
#include "base/mem.h"
#include "connect/profiles.h"
#include "formats/join.h"
#include "stream/where.h"
#include <math.h>
#include <string.h>

static struct import_options import = IMPORT_DEFAULTS;
static const char *sig_info, *compound_info, *gene_info, *quality, *layer_name;
static struct cli_list pert_types, cell_lines;
static int rows, space;

static const char *const rows_choices[] = { "genes", "signatures", NULL };

static const struct cli_option options[] = {
	CLI_CHOICE(0, "rows", &rows, rows_choices, "WHICH", "what the rows of a table of numbers are"),
	CLI_TEXT(0, "sig-info", &sig_info, "FILE", "table of the signatures",
		 "Joined by the column sig_id or signature_id, else by the first. siginfo_beta.txt and GSE92742_sig_info.txt are taken as they are"),
	CLI_TEXT(0, "compound-info", &compound_info, "FILE", "table of compounds with moa and target",
		 "Joined by pert_id, cmap_name, pert_iname or compound, where both sides have it. Several lines of a compound are put together with |"),
	CLI_TEXT(0, "gene-info", &gene_info, "FILE", "table of genes: symbol, feature space",
		 "A gene is looked up in the first column, and else as rank and target-signature look it up: by symbol, previous symbol, alias, Entrez or "
		 "Ensembl id. geneinfo of LINCS and tables of HGNC are taken as they are"),
	CLI_CHOICE(0, "gene-space", &space, gene_space_choices, "WHICH", "genes to keep: all, landmark or bing (landmark and best inferred)"),
	CLI_TEXT(0, "quality", &quality, "CONDITION", "signatures to keep, such as 'qc_pass = 1 and tas >= 0.2'",
		 "A condition on the row columns and those that --sig-info brings, as in pmx-select --where"),
	CLI_LIST(0, "pert-type", &pert_types, "TYPE", "keep this perturbagen type, such as trt_cp; repeatable"),
	CLI_LIST(0, "cell-line", &cell_lines, "NAME", "keep this cell line; repeatable"),
	CLI_TEXT(0, "layer", &layer_name, "NAME", "values to take (default X, else the first layer of floats)"),
	CLI_END
};

/* What is on its way into the file. */
struct build {
	const struct cli *c;
	const struct pmx_schema *s;
	struct pmx_where *where;
	struct reference_rows *rows;
	struct reference_genes *genes;
	struct pmx_dense *dense;
	int handle, value_size;
	struct reference_writer *out;
	double *value;                  /* width x genes */
	uint8_t *slab;
	size_t width, n;                /* signatures in `value` */
	uint32_t *n_measured;
	size_t cap, n_put;
	uint64_t n_left_out, n_empty, n_infinite;
};

static bool listed(const struct cli_list *l, const char *text)
{
	if (!l->n)
		return true;
	for (size_t i = 0; i < l->n; i++)
		if (text && !strcmp(l->at[i], text))
			return true;
	return false;
}

static void flush(struct build *b)
{
	struct err e = { 0 };
	if (!b->n)
		return;
	size_t width = profile_width(b->n);
	mem_room((void *)&b->n_measured, &b->cap, b->n_put + b->n, sizeof *b->n_measured);
	profile_pack(b->value, b->n, b->genes->n, width, b->value_size, b->c->threads, b->slab, b->n_measured + b->n_put);
	for (size_t i = 0; i < b->n; i++)
		b->n_empty += !b->n_measured[b->n_put + i];
	for (size_t i = 0; i < b->n * b->genes->n; i++)
		b->n_infinite += isinf(b->value[i]) != 0;
	if (reference_put(b->out, b->slab, b->n, width, &e))
		cli_fail(&e);
	b->n_put += b->n;
	b->n = 0;
}

static void take_block(struct build *b, struct pmx_block *block)
{
	struct err e = { 0 };
	bool *keep = mem_array(block->n_rows, sizeof *keep);
	memset(keep, true, block->n_rows * sizeof *keep);
	if (b->where && pmx_where_rows(b->where, block, keep, &e))
		cli_fail(&e);
	for (size_t r = 0; r < block->n_rows; r++) {
		reference_rows_add(b->rows, block, r);
		if (!keep[r] || !listed(&pert_types, reference_rows_last(b->rows, REFERENCE_PERT_TYPE)) ||
		    !listed(&cell_lines, reference_rows_last(b->rows, REFERENCE_CELL_LINE))) {
			reference_rows_drop(b->rows);
			b->n_left_out++;
			continue;
		}
		if (pmx_dense_rows(b->dense, b->handle, block, r, r + 1, b->value + b->n * b->genes->n, &e))
			cli_fail(&e);
		if (++b->n == b->width)
			flush(b);
	}
	mem_free(keep);
}

/* Room for a slab, which depends on the number of genes alone. An import has a quarter of the memory for itself. */
static void make_room(struct build *b, bool imported)
{
	size_t genes = b->genes->n;
	if (!genes)
		cli_die("there is no gene left");
	if (genes > PROFILE_MAX_GENES)
		cli_die("%zu genes; a reference has up to %d: choose some with --gene-space or pmx-select --genes", genes, PROFILE_MAX_GENES);
	b->width = profile_slab_width(genes);
	size_t run = profile_run_bytes(b->width, b->value_size);
	uint64_t slab = (uint64_t)genes * (b->width * sizeof *b->value + run), need = ((imported ? slab / 3 * 4 : slab) >> 20) + 1;
	if (need << 20 > b->c->memory)
		cli_die("a slab of %zu signatures and what reads it take %llu MiB; give --memory %lluM, or more", b->width, (unsigned long long)need, (unsigned long long)need);
	b->value = mem_array(b->width * genes, sizeof *b->value);
	b->slab = mem_array(genes, run);
}

static void join_info(struct join *join, struct pmx_schema *s)
{
	struct err e = { 0 };
	if (join_columns(join, s, true, &e))
		cli_fail(&e);
}

static void finish(struct build *b, struct pmx_schema *s, const struct pmx_reader *in, const char *source)
{
	struct err e = { 0 };
	size_t n = reference_rows_n(b->rows);
	flush(b);
	if (b->n_left_out)
		cli_note(b->c, "%zu signatures taken, %llu left out by the conditions", n, (unsigned long long)b->n_left_out);
	if (b->n_empty)
		cli_note(b->c, "%llu signatures have no value at all", (unsigned long long)b->n_empty);
	if (b->n_infinite)
		cli_note(b->c, "%llu values are infinite; scores that add values up are missing for their signatures (no_spread)",
			 (unsigned long long)b->n_infinite);
	if (!n)
		cli_die("no signature is left");
	cli_provenance(b->c, s, source ? NULL : in, source);
	struct reference_meta m = { .gene = b->genes->name, .gene_id = b->genes->id, .n_measured = b->n_measured,
		.notes = json_pack("{s:O}", "provenance", s->provenance) };
	reference_rows_give(b->rows, &m);
	if (reference_finish(b->out, &m, &e))
		cli_fail(&e);
	json_decref(m.notes);
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	import.rows = rows == 0 ? IMPORT_ROWS_AUTO : IMPORT_ROWS_SIGNATURES;
	import.tables_by_genes = true;
	import.kind = IMPORT_KIND_SIGNATURES;
	import.values = IMPORT_FLOAT;
	struct signature_source *source = signature_source_open(c, c->n_args ? c->args[0] : "-", &import,
								CLI_KIND(PMX_SIGNATURES) | CLI_KIND(PMX_CONTRASTS));
	struct pmx_reader *in = signature_source_reader(source);
	struct pmx_schema *s = pmx_schema_copy(pmx_reader_schema(in));
	struct build b = { .c = c, .s = s };
	struct join *join = sig_info ? join_open(sig_info, reference_key(sig_info), c->memory, &e) : NULL;
	if (sig_info && !join)
		cli_fail(&e);
	if (join)
		join_info(join, s);
	if (quality && !(b.where = pmx_where_parse(quality, s, &e)))
		cli_fail(&e);
	b.rows = reference_rows_new(c, s, compound_info);
	b.genes = reference_genes_new(c, s, gene_info, space);
	size_t layer = signature_layer(s, layer_name);
	b.value_size = s->field[layer].type == PMX_F32 ? 4 : 8;
	make_room(&b, signature_source_name(source));
	b.dense = pmx_dense_new(in, c->threads);
	b.handle = pmx_dense_layer(b.dense, pmx_find(pmx_reader_schema(in), PMX_LAYER, s->field[layer].name), b.genes->column, b.genes->n, &e);
	struct file_out *file = b.handle < 0 ? NULL : file_create(c->output, &e);
	if (file && file_is_terminal(file))
		cli_misuse("a reference is binary and is not written to a terminal; give -o FILE");
	if (!file || !(b.out = reference_create(file, b.genes->n, b.value_size, &e)))
		cli_fail(&e);

	struct cli_progress *bar = cli_progress_new(c, "signatures", 0);
	int more;
	for (struct pmx_block *block; (more = pmx_dense_next(b.dense, &block, &e)) > 0; pmx_block_free(block)) {
		size_t names = pmx_find(s, PMX_OBS, s->row_names);
		const struct pmx_column *ids = join ? pmx_block_column(block, s, names, &e) : NULL;
		if (join && !ids)
			cli_fail(&e);
		if (join)
			join_put(join, block, s, ids);
		take_block(&b, block);
		cli_progress_at(bar, reference_rows_n(b.rows), NULL);
	}
	cli_progress_end(bar);
	char note[500] = "";
	if (more < 0 || (join && join_end(join, note, sizeof note, &e)))
		cli_fail(&e);
	if (*note)
		cli_note(c, "%s", note);
	finish(&b, s, in, signature_source_name(source));
	join_free(join);
	pmx_where_free(b.where);
	pmx_dense_free(b.dense);
	reference_rows_free(b.rows);
	reference_genes_free(b.genes);
	mem_free(b.value);
	mem_free(b.slab);
	mem_free(b.n_measured);
	signature_source_close(source);
	pmx_schema_free(s);
	mem_free(pert_types.at);
	mem_free(cell_lines.at);
	return 0;
}

static const char *const description[] = {
	"Reads signatures of drugs (a PMX stream, GCTX, GCT, a LINCS long table, or a wide table of numbers) and writes the file that rank queries: per gene "
	"the ranks and the values of all signatures, what is known of each of them, and the genes. rank maps it into memory and reads the "
	"genes that it needs. pertpipe-reference(5) describes the bytes.",
	"Signatures are read once, in slabs of as many as make 32 Mi values (at most 16384), so memory does not grow with the reference. Values are kept as "
	"they are: f32 of GCTX, f64 of text. Missing values (NaN) have no rank; ranks of a signature are over the genes that it has.",
	"compound, cell_line, dose, time, moa, target, pert_type and quality are taken from row columns of these names or of those that LINCS gave them "
	"in 2017 (pert_iname, cell_id, pert_idose, ...) and 2020 (cmap_name, cell_iname, ...). NA and -666 are missing. Lines of a table that "
	"match no signature, and the reverse, are counted on stderr.",
	"Symbols from --gene-info, or from a column gene_symbol or pr_gene_symbol of the genes, become the names of the genes; the ids that "
	"the input has are kept as well, and rank finds genes by either.",
	NULL
};
static const char *const examples[] = {
	"reference-build reference.pmx -o lincs.ref",
	"printf 'gene\\tsig1\\tsig2\\nA\\t1.5\\t-2\\nB\\t-0.5\\t0.25\\nC\\t0\\t1\\n' > wide.tsv && reference-build wide.tsv -o wide.ref",
	NULL
};
static const char *const sources[] = { "Subramanian et al. (2017), Cell 171:1437 (LINCS L1000 and its metadata).", NULL };

const struct cli_tool tool = { .name = "reference-build", .summary = "make the reference file that rank queries", .stage = CLI_CONNECT,
	.flags = CLI_READS_STREAM | CLI_WRITES_TEXT | CLI_HOLDS_DATA | CLI_THREADS, .reads = CLI_KIND(PMX_SIGNATURES) | CLI_KIND(PMX_CONTRASTS),
	.args = "[FILE]", .max_args = 1, .options = options, .description = description, .examples = examples,
	.sources = sources, .run = run };
