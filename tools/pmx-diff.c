/* pmx-diff - what two streams differ in */
#include "cli/cli.h"
#include "formats/list.h"
#include "stream/compare.h"
#include <string.h>

static double tolerance;
static bool relative, by_name;
static const char *layers, *ignored, *sign_free;

static const struct cli_option options[] = {
	CLI_REAL(0, "tolerance", &tolerance, 0, 1e300, "T", "numbers differ when |a - b| is above T"),
	CLI_FLAG(0, "relative", &relative, "of |a - b| / max(|a|, |b|) instead"),
	CLI_FLAG(0, "by-name", &by_name, "match rows and columns by name, not by place",
		 "The second stream is then held in memory, up to --memory"),
	CLI_TEXT(0, "layers", &layers, "A,B", "compare only these layers; '': none"),
	CLI_TEXT(0, "ignore-columns", &ignored, "A,B", "leave out these row columns, row matrices, metadata columns"),
	CLI_TEXT(0, "sign-free", &sign_free, "A,B", "row matrices whose columns may flip their sign (X_pca)"),
	CLI_END
};

static struct names *read_list(const char *argument)
{
	struct err e = { 0 };
	if (!argument)
		return NULL;
	struct names *names = *argument ? list_read(argument, false, &e) : names_new();
	if (!names)
		cli_fail(&e);
	return names;
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	if (!strcmp(c->args[0], "-") && !strcmp(c->args[1], "-"))
		cli_misuse("only one of the two streams can be standard input");
	struct names *wanted = read_list(layers), *left_out = read_list(ignored), *free_signs = read_list(sign_free);
	struct pmx_compare_options o = { .tolerance = tolerance, .relative = relative, .by_name = by_name, .layers = wanted,
		.ignored = left_out, .sign_free = free_signs, .memory = c->memory, .threads = c->threads };
	struct pmx_reader *a = cli_open(c, c->args[0]), *b = cli_open(c, c->args[1]);
	struct pmx_findings found = { 0 };
	if (pmx_compare(a, b, &o, &found, &e))
		cli_fail(&e);
	struct cli_text *t = cli_text_new(c);
	bool differ = false;
	for (size_t i = 0; i < found.n; i++) {
		differ = differ || found.at[i].differs;
		if (!found.at[i].differs)
			cli_detail(c, "%s", found.at[i].text);
		else if (!c->quiet)
			cli_text_print(t, "%s\n", found.at[i].text);
	}
	cli_text_close(t);
	pmx_findings_free(&found);
	names_free(wanted);
	names_free(left_out);
	names_free(free_signs);
	pmx_close(a);
	pmx_close(b);
	return differ;
}

static const char *const description[] = {
	"Compares kind, columns and their metadata, row names, row columns, row matrices and layers, and prints a line for each that differs: how many "
	"values, the first of them, and the worst. Prints nothing where all is equal; -v lists what was compared. Rows are matched by their place, "
	"or by their names with --by-name.",
	"Layers are compared by their values, computed where they are recipes, whatever their type and storage. Labels are compared as text. "
	"Missing equals missing and NaN equals NaN; missing against a value differs whatever the tolerance. Columns of unlike types differ, and are "
	"compared as numbers where both hold numbers.",
	"Not compared: provenance, the order promise, blocks, compression, labels of a dictionary that no row has. The status is 0 for equal, 1 for "
	"different or for failure (which has a message on stderr).",
	NULL
};
static const char *const examples[] = {
	"pmx-diff screen.pmx screen.pmx",
	"normalize screen.pmx | pmx-diff --tolerance 1e-12 - normalised.pmx",
	NULL
};

const struct cli_tool tool = { .name = "pmx-diff", .summary = "what two streams differ in", .stage = CLI_STREAMS,
	.flags = CLI_READS_STREAM | CLI_WRITES_TEXT | CLI_THREADS | CLI_HOLDS_DATA, .reads = CLI_ANY_KIND, .args = "A B",
	.min_args = 2, .max_args = 2, .options = options, .description = description, .examples = examples, .run = run };
