/* pmx-export - write a stream as h5ad, 10x folder, GCTX, GCT, GMT or table, or add its columns to an h5ad */
#include "cli/cli.h"
#include "base/mem.h"
#include "formats/export.h"
#include <string.h>

enum { GZIP_LEVEL = 4 };

/* In the order of the table of formats. */
static const char *const to_choices[] = { "h5ad", "10x", "tsv", "csv", "gctx", "gct", "gmt", NULL };
static const char *const compression_choices[] = { "none", "gzip", NULL };
static int to, compression;
static const char *update, *layer, *layers;
static bool float32;

static const struct cli_option options[] = {
	CLI_CHOICE(0, "to", &to, to_choices, "FORMAT", "what to write"),
	CLI_TEXT(0, "update", &update, "FILE", "add the row columns and matrices to this h5ad instead",
		 "Rows are matched by the names of the cells. Columns that the file does not have, or that differ, are added or replaced; all else "
		 "stays as it is. Cells that are not in the stream get missing values, and a note says how many. The work is done on a copy "
		 "beside the file, which takes its place at the end"),
	CLI_TEXT(0, "layers", &layers, "A,B", "h5ad: layers to write (default: all but signatures)"),
	CLI_TEXT(0, "layer", &layer, "NAME", "all but h5ad: the layer to write",
		 "A 10x folder takes counts by default, else X; the others X, else counts"),
	CLI_FLAG(0, "float32", &float32, "h5ad, gctx: write computed and f64 layers as float32"),
	CLI_CHOICE(0, "compression", &compression, compression_choices, "HOW", "h5ad, gctx: of matrices",
		   "none is what anndata writes too, and the fastest to write and read; gzip (level 4, shuffled) makes counts several times smaller"),
	CLI_END
};

static void say(void *c, bool detail, const char *text)
{
	if (detail)
		cli_detail(c, "%s", text);
	else
		cli_note(c, "%s", text);
}

static struct names *list_of(const char *text)
{
	char *copy = mem_text(text), *rest = NULL;
	struct names *names = names_new();
	for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
		names_add(names, name, NULL);
	mem_free(copy);
	if (!names->n)
		cli_misuse("--layers takes names of layers with commas between them");
	return names;
}

static void check_use(const struct cli *c, const struct export_format *format)
{
	bool piped = !strcmp(c->output, "-");
	if (update && !piped)
		cli_misuse("--update changes the file that it names; -o has no place beside it");
	if (!update && format->needs_path && piped)
		cli_misuse("--to %s cannot be written to a pipe; give -o %s", format->name, strcmp(format->name, "10x") ? "FILE" : "FOLDER");
	bool h5ad = !strcmp(format->name, "h5ad");
	if (layers && (update || !h5ad))
		cli_misuse("--layers belongs to --to h5ad");
	if ((float32 || compression) && (update || (!h5ad && strcmp(format->name, "gctx"))))
		cli_misuse("--float32 and --compression belong to --to h5ad and gctx");
	if (layer && (update || h5ad))
		cli_misuse("--layer belongs to the other formats; h5ad takes --layers");
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	const struct export_format *format = export_format((size_t)to);
	check_use(c, format);
	struct names *chosen = layers ? list_of(layers) : NULL;
	const struct export_options o = { .layer = layer, .layers = chosen, .float32 = float32, .gzip = compression ? GZIP_LEVEL : 0,
		.threads = c->threads, .say = say, .to = c };
	struct pmx_reader *in = cli_input(c);
	if (update ? export_update(in, update, &o, &e) : format->run(in, c->output, &o, &e))
		cli_fail(&e);
	pmx_close(in);
	names_free(chosen);
	return 0;
}

static const char *const description[] = {
	"Writes the stream as a file that other programs read. A file or folder appears whole or not at all, and only when the stream came to "
	"its end.",
	"h5ad is written as anndata 0.8 and newer reads it. X is the layer X, else counts, else the one layer that --layers names; "
	"the others go to layers. Counts are int32, computed layers float64 (or float32). Row columns become obs, matrices obsm, gene columns "
	"var; missing values become nullable arrays, text with missing values a categorical. The provenance goes to "
	"uns/pertpipe_provenance.",
	"Layers that are recipes are computed here. A signature is cells x genes and not sparse, so h5ad has it only where --layers names it.",
	"10x makes the folder with matrix.mtx.gz, features.tsv.gz and barcodes.tsv.gz; tsv and csv a table with a header of genes and a line "
	"a row. Row columns go with neither: pmx-view --obs writes them.",
	"gctx (1.0) and gct (1.3) have genes as their rows and the rows of the stream as their columns, with all metadata; missing metadata are "
	"-666. A gct waits in a scratch file until the stream has ended. gmt lists the genes of each row by the sign of their value, the "
	"strongest first: NAME_UP and NAME_DN, or NAME for a row without negative values; a row column description goes with it.",
	"The row columns are held in memory for h5ad, gctx and gct.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "X, layers", "h5ad: csr_matrix, or an array where the layer is stored dense" },
	{ "obs, obsm, var, varm", "h5ad: columns and matrices" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"pmx-export screen.pmx -o screen.h5ad",
	"pmx-export --to tsv --layer X normalised.pmx | head -n 3",
	"pmx-export screen.pmx -o my.h5ad && normalize screen.pmx | pmx-export --update my.h5ad",
	"printf 'gene\\tT\\nTP53\\t2\\nMYC\\t-1.5\\n' | pmx-import --kind signatures --rows genes - | pmx-export --to gct",
	NULL
};

const struct cli_tool tool = { .name = "pmx-export", .summary = "write a stream as h5ad, 10x folder, GCTX, GCT or table", .stage = CLI_BRING_IN,
	.flags = CLI_READS_STREAM | CLI_WRITES_TEXT | CLI_THREADS, .reads = CLI_ANY_KIND, .args = "[FILE]", .max_args = 1,
	.options = options, .description = description, .outputs = outputs, .examples = examples, .run = run };
