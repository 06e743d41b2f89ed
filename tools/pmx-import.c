/* pmx-import - read h5ad, 10x, GCTX, GCT, gene sets or a table as a stream of cells or signatures */
#include "cli/cli.h"
#include "base/file.h"
#include "base/mem.h"
#include "formats/import.h"

static struct import_options opt = IMPORT_DEFAULTS;
static struct cli_list labels;

static const char *const values_choices[] = { "auto", "counts", "float", NULL };
static const char *const names_choices[] = { "symbol", "id", NULL };
static const char *const rows_choices[] = { "auto", "cells", "signatures", "genes", NULL };
static const char *const kind_choices[] = { "auto", "cells", "signatures", NULL };

static const struct cli_option options[] = {
	CLI_TEXT(0, "obs", &opt.obs, "FILE", "table of row metadata to join (TSV or CSV)",
		 "Its first column, or the one that --obs-key names, is matched with the names of the cells. Cells without a line get missing "
		 "values, and a note says how many; a table that matches no cell is an error"),
	CLI_TEXT(0, "obs-key", &opt.obs_key, "COLUMN", "column of --obs with the names of the cells"),
	CLI_TEXT(0, "var", &opt.var, "FILE", "table of gene metadata to join by its first column"),
	CLI_TEXT(0, "layer", &opt.layer, "NAME", "h5ad: the matrix to take; else: name of the layer made",
		 "For h5ad a path such as raw/X or layers/counts, or the name of a layer; only that matrix is taken then"),
	CLI_TEXT(0, "genes", &opt.genes, "FILE", "keep only these genes (one name a line)",
		 "Row totals are computed later, by normalize, over the genes that are left"),
	CLI_LIST(0, "label", &labels, "COLUMN", "read this row column as labels, even numbers; repeatable"),
	CLI_CHOICE(0, "values", &opt.values, values_choices, "KIND", "what the values are; auto: looked at",
		   "auto takes integers, and floats that are whole and not negative, for counts. counts refuses any other value; float takes all"),
	CLI_CHOICE(0, "gene-names", &opt.gene_names, names_choices, "WHICH", "10x: symbols or ids as gene names",
		   "Symbols that come twice are numbered NAME.1, NAME.2, as Seurat does it; the ids stay in the gene column gene_id"),
	CLI_TEXT(0, "feature-type", &opt.feature_type, "TYPE", "10x: features to take (default: Gene Expression)",
		 "Guide counts are of the type CRISPR Guide Capture"),
	CLI_CHOICE(0, "rows", &opt.rows, rows_choices, "WHICH", "what the lines of a text are",
		   "auto: genes in Matrix Market, cells (signatures) in a table of numbers; drug signatures often have a line a gene"),
	CLI_CHOICE(0, "kind", &opt.kind, kind_choices, "KIND", "what the rows are",
		   "auto: as the format has it, signatures of GCT, GCTX, long tables and GMT, else cells. Values of signatures are never taken for counts"),
	CLI_TEXT(0, "features", &opt.features, "FILE", "Matrix Market: names of the genes"),
	CLI_TEXT(0, "barcodes", &opt.barcodes, "FILE", "Matrix Market: names of the cells"),
	CLI_TEXT(0, "modality", &opt.modality, "NAME", "h5mu: the modality to read (default: rna)"),
	CLI_FLAG(0, "make-unique", &opt.make_unique, "number names that come twice (NAME.1) instead of failing"),
	CLI_END
};

static void say(void *to, bool detail, const char *text)
{
	if (detail)
		cli_detail(to, "%s", text);
	else
		cli_note(to, "%s", text);
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	opt.label = labels.at;
	opt.n_labels = labels.n;
	opt.memory = c->memory;
	opt.threads = c->threads;
	opt.say = say;
	opt.to = c;
	struct import *im = import_open(c->args[0], &opt, &e);
	if (!im)
		cli_fail(&e);
	struct pmx_schema *s = import_schema(im);
	cli_provenance(c, s, NULL, import_source(im));
	struct pmx_writer *out = cli_create(c, s);
	struct pmx_filler *fill = pmx_filler_new(out, c->block_rows);
	struct cli_progress *bar = cli_progress_new(c, "rows", import_n_rows(im));
	int64_t n;
	for (uint64_t done = 0; (n = import_next(im, fill, &e)) > 0; cli_progress_at(bar, done, NULL))
		done += (uint64_t)n;
	cli_progress_end(bar);
	if (n < 0 || pmx_filler_close(fill, &e))
		cli_fail(&e);
	cli_finish(out, NULL);
	import_close(im);
	mem_free(labels.at);
	return 0;
}

static const char *const description[] = {
	"Reads a matrix of cells (or signatures) and genes with its metadata and writes it as a stream. PATH is a file, a 10x folder, or - for text on "
	"standard input. The format is found from the content:",
	"  h5ad               anndata 0.7 and newer: dense, CSR or CSC, layers, obs, var, obsm\n"
	"  h5mu               MuData: one modality of it\n"
	"  10x folder         matrix.mtx, features.tsv or genes.tsv, barcodes.tsv; plain, .gz or .zst\n"
	"  10x h5             Cell Ranger 2 and later\n"
	"  Matrix Market      with --features and --barcodes, or files of those names beside it\n"
	"  TSV, CSV           a header of genes, then a line a cell, its name first (or --rows genes)\n"
	"  GCTX 1.0           signatures by genes in HDF5, with the metadata of both\n"
	"  GCT 1.2, 1.3       the same as text\n"
	"  long table         TSV or CSV with the columns signature_id, gene_symbol, score, and metadata\n"
	"  GMT                gene sets: a row a set, a sparse layer of ones",
	"The last four give a stream of signatures (--kind): layer X, dense, NaN where a value is missing (NaN, -666, no line in a long table). "
	"Columns of a GCT become rows, its row and column fields columns of the genes and of the rows; -666 and na are missing there. "
	"In a long table a column that differs within a signature is left out, with a note, and a gene that comes twice in a signature is an "
	"error. Text that is not UTF-8 is taken for Latin-1 in these and in --obs and --var, with a note.",
	"Whole numbers become the layer counts, other values the layer X; every further layer of an h5ad keeps its name, and an X of counts beside "
	"a layer counts stays X. Zeros that are stored are not kept. uns, obsp, varm and raw of an h5ad are left out. Cells keep their order; "
	"their names must differ, and so must those of the genes.",
	"The columns of --obs and --var get a type from all their values: truth (True, False), whole numbers, numbers, else labels. "
	"NA and nothing are missing. A column of targets or guides that looks like numbers needs --label.",
	"A matrix that is stored by genes (CSC), or a text that is not sorted by cells, is turned within --memory, in several passes if need be. "
	"The names of the cells and the columns that --obs brings are held as well.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "cell, signature_id", "row names (cell_name, signature_name where a column has that name)" },
	{ "counts", "layer: whole numbers" },
	{ "X", "layer: other values" },
	{ "gene_id, feature_type, genome", "columns of the genes, from 10x" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"pmx-import filtered_feature_bc_matrix -o imported.pmx",
	"pmx-export --to h5ad screen.pmx -o screen.h5ad && pmx-import screen.h5ad | normalize -o imported.pmx",
	"printf 'cell\\tG1\\tG2\\nc1\\t0.5\\t-1\\nc2\\t2\\t0\\n' | pmx-import --layer X_pert - -o small.pmx",
	"pmx-export --to gctx reference.pmx -o level5.gctx && pmx-view --obs reference.pmx > siginfo.txt && pmx-import level5.gctx --obs siginfo.txt -o lincs.pmx",
	NULL
};

const struct cli_tool tool = { .name = "pmx-import", .summary = "read h5ad, 10x, GCTX, GCT or a table as a stream", .stage = CLI_BRING_IN,
	.flags = CLI_WRITES_STREAM | CLI_HOLDS_DATA | CLI_THREADS, .writes = "cells or signatures", .args = "PATH", .min_args = 1, .max_args = 1,
	.options = options, .description = description, .outputs = outputs, .examples = examples, .run = run };
