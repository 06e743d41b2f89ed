/* pmx-report - one page of figures and tables from the results of a run */
#include "cli/cli.h"
#include "base/file.h"
#include "base/mem.h"
#include "report/markup.h"
#include "report/page.h"
#include "report/report.h"
#include "stream/describe.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct screen_keys keys;
static struct report report;
static const char *markers, *de, *groups, *drugs, *enrichment, *programs, *embedding, *colour_by, *figure;
static int form;

enum { SVG, TSV, VEGA_LITE };
static const char *const forms[] = { "svg", "tsv", "vega-lite", NULL };

static const struct cli_option options[] = {
	CLI_TEXT(0, "markers", &markers, "FILE", "contrasts of de-markers: volcanos"),
	CLI_TEXT(0, "de", &de, "FILE", "contrasts of weighted-de: more volcanos"),
	CLI_TEXT(0, "groups", &groups, "FILE", "contrasts of decompose: which perturbations are alike"),
	CLI_TEXT(0, "programs", &programs, "FILE", "signatures of program-signature: a heat map"),
	CLI_TEXT(0, "drugs", &drugs, "FILE", "table of rank"),
	CLI_TEXT(0, "enrichment", &enrichment, "FILE", "table of enrich: classes of compounds"),
	CLI_TEXT(0, "embedding", &embedding, "FILE", "stream of embed, or cells with X_umap or X_pca: a map"),
	CLI_TEXT(0, "colour-by", &colour_by, "COLUMN", "label column that colours the map",
		 "default: of cells the global class, else the target; of an embedding moa or cell_line where it has one"),
	CLI_TEXT('p', "pert-key", &keys.pert_key, "COLUMN", "row column that names the target (default: as the run had it)"),
	CLI_TEXT('c', "control", &keys.control, "LABEL", "its label of the control cells"),
	CLI_TEXT('s', "split-by", &keys.split_by, "COLUMN", "row column with replicates or batches"),
	CLI_TEXT('g', "guide-key", &keys.guide_key, "COLUMN", "row column that names the guide"),
	CLI_TEXT(0, "score-key", &keys.score, "COLUMN", "row column with the score (default mixscale_score)"),
	CLI_TEXT(0, "class-key", &keys.class, "COLUMN", "row column with the global class (default mixscape_class_global)"),
	CLI_TEXT(0, "target", &report.target, "NAME", "figures of this target or population only"),
	CLI_TEXT(0, "figure", &figure, "NAME", "one picture instead of a page: cells, ridges, guides, volcano, ...",
		 "cells, ridges, guides, volcano (of --markers), de, groups, programs, drugs, classes, agreement, leading-edge, embedding"),
	CLI_CHOICE(0, "form", &form, forms, "FORM", "the picture, its data, or its specification"),
	CLI_TEXT(0, "title", &report.title, "TEXT", "title of the page"),
	CLI_END
};

static struct pmx_schema *piped;        /* of what the page's command reads from standard input, or NULL */

/* What was read to its end: its digest, and the commands that made it. */
static void done(struct pmx_reader *in, const char *what, const char *path)
{
	bool is_piped = !strcmp(path, "-");
	if (is_piped && !piped)
		piped = pmx_schema_copy(pmx_reader_schema(in));
	struct report_made *m = &report.made[report.n_made++];
	*m = (struct report_made){ .what = what, .replay = is_piped ? mem_text("") : pmx_replay(pmx_reader_schema(in), path),
		.file = mem_text(is_piped ? "standard input" : path) };
	snprintf(m->digest, sizeof m->digest, "%016" PRIx64, pmx_reader_digest(in));
	pmx_close(in);
}

/* Cells come from standard input in the page's command, from a file or not, unless something else does. */
static const char *path_of_cells(const struct cli *c)
{
	const char *const other[] = { markers, de, groups, programs, embedding };
	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		if (other[i] && !strcmp(other[i], "-") && c->n_args)
			return c->args[0];
	return "-";
}

/* The last step of what made its standard input, where it reads that. */
static void keep_command(const struct cli *c)
{
	struct pmx_schema *s = piped ? piped : pmx_schema_new(PMX_CELLS, 0);
	const char *const word[] = { "-o", "report.html", path_of_cells(c) };
	for (size_t i = 0; i < (report.screen ? 3 : 2); i++)
		json_array_append_new(c->options, json_string(word[i]));
	cli_provenance(c, s, NULL, NULL);
	report.command = pmx_replay(s, NULL);
	pmx_schema_free(s);
}

static void read_cells(const struct cli *c)
{
	struct err e = { 0 };
	struct pmx_reader *in = cli_input(c);
	if (!(report.screen = screen_summary_read(in, &keys, &e)))
		cli_fail(&e);
	done(in, "Cells", path_of_cells(c));
}

static struct effects *read_effects(const struct cli *c, const char *path, const char *what)
{
	struct err e = { 0 };
	struct pmx_reader *in = cli_open_kind(c, path, CLI_KIND(PMX_CONTRASTS));
	struct effects *x = effects_read(in, report.target, &e);
	if (!x)
		cli_fail(&e);
	done(in, what, path);
	return x;
}

static void read_groups(const struct cli *c)
{
	struct err e = { 0 };
	struct pmx_reader *in = cli_open_kind(c, groups, CLI_KIND(PMX_CONTRASTS));
	if (!(report.groups = groups_read(in, c->threads, &e)))
		cli_fail(&e);
	done(in, "Groups of perturbations", groups);
}

static void read_programs(const struct cli *c)
{
	struct err e = { 0 };
	struct pmx_reader *in = cli_open_kind(c, programs, CLI_KIND(PMX_SIGNATURES));
	if (!(report.programs = programs_read(in, &e)))
		cli_fail(&e);
	done(in, "Programmes", programs);
}

static const char *first_of(const struct pmx_schema *s, const char *const *name)
{
	for (; *name; name++) {
		size_t f = pmx_find(s, PMX_OBS, *name);
		if (f != PMX_NO_FIELD && (s->field[f].type == PMX_CATEGORY || pmx_is_matrix(&s->field[f])))
			return *name;
	}
	return NULL;
}

static void read_embedding(const struct cli *c)
{
	static const char *const matrix[] = { "X_umap", "X_tsne", "X_pca", NULL }, *const of_cells[] = { "mixscape_class_global", "gene_target", NULL },
		*const of_points[] = { "moa", "cell_line", "cell_type", NULL };
	struct err e = { 0 };
	struct pmx_reader *in = cli_open_kind(c, embedding, CLI_KIND(PMX_EMBEDDING) | CLI_KIND(PMX_CELLS));
	const struct pmx_schema *s = pmx_reader_schema(in);
	bool cells = s->kind == PMX_CELLS;
	const char *from = cells ? first_of(s, matrix) : NULL;
	if (cells && !from)
		cli_die("%s has none of X_umap, X_tsne and X_pca; pca makes the last", embedding);
	if (!(report.embedding = points_read(in, from, colour_by ? colour_by : first_of(s, cells ? of_cells : of_points), &e)))
		cli_fail(&e);
	done(in, "Embedding", embedding);
}

static void read_table(struct report_table *t, const char *path, size_t most)
{
	struct err e = { 0 };
	if (!(t->sheet = sheet_read(path, "target", PAGE_TABLE_ROWS, most, &e)))
		cli_fail(&e);
	t->file = path;
	struct report_made *m = &report.made[report.n_made++];
	*m = (struct report_made){ .what = "", .replay = mem_text(""), .file = mem_text(path) };
	if (file_fingerprint(path, m->digest, &e))
		*m->digest = 0;
}

static void write_figure(struct bytes *out)
{
	struct err e = { 0 };
	bool known = false;
	for (const char *const *name = report_figures; *name; name++)
		known |= !strcmp(*name, figure);
	if (!known)
		cli_misuse("there is no figure '%s'; see --figure in the manual", figure);
	struct figure *f = report_figure(&report, figure, &e);
	if (!f)
		cli_fail(&e);
	if (form == SVG) {
		page_svg(f, out);
	} else if (form == TSV) {
		sheet_tsv(f->data, sheet_rows(f->data), out);
	} else {
		char *spec = json_dumps(f->spec, JSON_INDENT(1));
		markup_print(out, "%s\n", spec);
		mem_free(spec);
	}
	figure_free(f);
}

static int run(struct cli *c)
{
	struct bytes out = { 0 };
	bool others = markers || de || groups || drugs || enrichment || programs || embedding;
	if (form != SVG && !figure)
		cli_misuse("--form is that of a picture; name it with --figure");
	/* In the order in which the files are made: scores may need the markers. */
	if (markers)
		report.markers = read_effects(c, markers, "Marker genes");
	if (c->n_args || !others)
		read_cells(c);
	if (de)
		report.de = read_effects(c, de, "Differential expression");
	if (groups)
		read_groups(c);
	if (programs)
		read_programs(c);
	if (drugs)
		read_table(&report.drugs, drugs, REPORT_LARGE_TABLE);
	if (enrichment)
		read_table(&report.enrichment, enrichment, REPORT_TABLE);
	if (embedding)
		read_embedding(c);
	keep_command(c);
	if (!report.title)
		report.title = report.screen ? "Perturbation screen" : "Results of pertpipe";
	if (figure)
		write_figure(&out);
	else
		report_page(&report, &out);
	struct cli_text *text = cli_text_new(c);
	bytes_add(&out, "", 1);
	cli_text_put(text, (const char *)out.at);
	cli_text_close(text);
	bytes_free(&out);
	report_free(&report);
	return 0;
}

static const char *const description[] = {
	"Makes one HTML page of what a run left behind: the scored cells (FILE, or - for standard input), contrasts, groups of perturbations, programmes, ranked drugs, class enrichment, an "
	"embedding. Each is optional, but one has to be there; without any other file the cells are read from standard input. The page needs no network and no other "
	"file; it has its style and script inside, and its content security policy forbids everything else. It is below 3 MB.",
	"Tables sort by a click on a column, filter by words and labels, and download what is shown as CSV. Beside each figure are its data (TSV) and a Vega-Lite "
	"specification that draws it again from NAME.tsv. --figure NAME writes one picture as SVG, which follows the light or dark scheme of its reader; --form tsv "
	"and --form vega-lite give its data and specification.",
	"Under Provenance stand the commands that make the streams and the page again, as far as the streams tell: run in another folder that has the files from "
	"outside and the tables, they leave the same page. Standard input is made by the pipe that ends in pmx-report.",
	"What is shown of large runs:",
	"  ridges, guides, cells  the 40 targets with the largest mean score (whatever its sign), share\n"
	"                         of answering cells, number of cells\n"
	"  densities              from counts in at most 512 bins a target and split (widths are powers of 2),\n"
	"                         Gaussian kernel, Silverman's bandwidth, at 96 points\n"
	"  volcanos               the 40 contrasts with most significant genes (adjusted p below 0.05); the 80 most\n"
	"                         significant genes, then the best of each cell of a 40 x 24 grid, 400 in all and 5000 a page\n"
	"  groups                 48 perturbations, programmes with most members first\n"
	"  tables                 5000 rows, and 800 kB (drugs) or 200 kB; of rank and enrich the same number of\n"
	"                         first rows for each target. A note says how many there are, and in which file\n"
	"  lists of figures       400 kB each; where a page would be above 3 MB, lists and tables get a half, a quarter, ...\n"
	"  maps                   3000 points drawn by row number, the same ones each time",
	"Keys that are not given are those of the last tool in the stream's provenance that was given them. A cell answers when its global class is neither NP nor the "
	"control's; cells with a mixscale_reason have no part in densities and means. The median of a target over several splits is the mean of theirs, weighted by cells.",
	NULL
};
static const char *const examples[] = {
	"pmx-report scores.pmx -o report.html",
	"pmx-report --markers markers.pmx --figure volcano --target T0001 -o volcano.svg",
	"pmx-report --figure guides --form tsv scores.pmx",
	"cat scores.pmx | pmx-report --markers markers.pmx --embedding pca.pmx - -o report.html",
	NULL
};
static const char *const sources[] = { "Silverman (1986), Density Estimation for Statistics and Data Analysis, 3.31.", NULL };

const struct cli_tool tool = { .name = "pmx-report", .summary = "one page of figures and tables from the results of a run", .stage = CLI_RUNS,
	.flags = CLI_READS_STREAM | CLI_WRITES_TEXT | CLI_THREADS, .reads = CLI_KIND(PMX_CELLS), .args = "[FILE]", .max_args = 1,
	.options = options, .description = description, .examples = examples, .sources = sources, .run = run };
