/* pmx-info - what a stream holds and how it was made */
#include "cli/preflight.h"
#include "base/mem.h"
#include "stream/describe.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool as_json, preflight;
static struct preflight_options fly = PREFLIGHT_DEFAULTS;

static const struct cli_option options[] = {
	CLI_FLAG(0, "json", &as_json, "the same as JSON, with whole dictionaries"),
	CLI_FLAG(0, "preflight", &preflight, "say whether a screen can answer; status 1 when it cannot"),
	SCREEN_PERT_OPTIONS(fly.screen),
	SCREEN_SPLIT_OPTION(fly.screen),
	SCREEN_GUIDE_OPTION(fly.screen),
	CLI_TEXT(0, "layer", &fly.screen.layer, "NAME", "expression (default X, else counts)"),
	CLI_INT('k', "n-neighbors", &fly.n_neighbours, 1, 1000, "N", "controls that a signature takes in each split"),
	CLI_TEXT(0, "gene-info", &fly.gene_info, "FILE", "table of genes (LINCS, HGNC) that names are looked up in"),
	CLI_END
};

/* From the trailer of a file; a pipe is read to its end, and verified on the way. */
static const struct pmx_index *find_index(struct pmx_reader *in)
{
	struct err e = { 0 };
	const struct pmx_index *x = pmx_read_index(in, &e);
	if (e.set)
		cli_fail(&e);
	if (x)
		return x;
	for (struct pmx_block *b; (b = cli_next(in)); )
		pmx_block_free(b);
	return pmx_read_index(in, &e);
}

static const char *group_label(const struct pmx_schema *s, const struct pmx_group_place *g)
{
	const struct names *values = s->field[pmx_find(s, PMX_OBS, s->order_by)].values;
	return g->code < values->n ? values->at[g->code] : NULL;
}

static void put_field(struct cli_text *t, const struct pmx_schema *s, size_t i)
{
	const struct pmx_field *f = &s->field[i];
	char list[160];
	if (f->class == PMX_LAYER) {
		char *what = pmx_layer_text(s, i);
		cli_text_print(t, "  %-24s %s\n", f->name, what);
		mem_free(what);
		return;
	}
	cli_text_print(t, "  %-24s %s", f->class == PMX_OTHER && !*f->name ? "(unnamed)" : f->name,
		       f->class == PMX_OTHER ? "unknown, carried through" : pmx_type_name(f->type));
	if (pmx_is_matrix(f))
		cli_text_print(t, " x %" PRIu32, f->width);
	if (f->values) {
		names_list(f->values, list, sizeof list);
		cli_text_print(t, ": %s", *list ? list : "no labels");
	}
	cli_text_put(t, "\n");
}

static void put_fields(struct cli_text *t, const struct pmx_schema *s, const char *title, enum pmx_class class, bool matrix)
{
	bool any = false;
	for (size_t i = 0; i < s->n_fields; i++) {
		if (s->field[i].class != class || (class == PMX_OBS && pmx_is_matrix(&s->field[i]) != matrix))
			continue;
		if (!any)
			cli_text_print(t, "%s\n", title);
		any = true;
		put_field(t, s, i);
	}
}

static void put_groups(struct cli_text *t, const struct pmx_schema *s, const struct pmx_index *x)
{
	if (!s->order_by) {
		cli_text_put(t, "order: none promised\n");
		return;
	}
	cli_text_print(t, "order: grouped by %s%s%s\n", s->order_by, s->order_first ? ", first " : "", s->order_first ? s->order_first : "");
	cli_text_print(t, "groups: %zu\n", x->n_groups);
	for (size_t i = 0; i < x->n_groups; i++) {
		const char *label = group_label(s, &x->group[i]);
		cli_text_print(t, "  %-24s %" PRIu64 " rows\n", label ? label : "NA", x->group[i].n_rows);
	}
}

static void put_text(struct cli_text *t, const struct pmx_schema *s, const struct pmx_index *x)
{
	cli_text_print(t, "%s: %" PRIu64 " rows x %zu columns\n", pmx_kind_name(s->kind), x->n_rows, s->n_columns);
	cli_text_print(t, "blocks: %zu\ndigest: %016" PRIx64 "\n", x->n_blocks, x->digest);
	cli_text_print(t, "names: rows by %s, columns by %s\n", s->row_names, s->column_names);
	put_fields(t, s, "layers", PMX_LAYER, false);
	put_fields(t, s, "row columns", PMX_OBS, false);
	put_fields(t, s, "row matrices", PMX_OBS, true);
	put_fields(t, s, "of the columns", PMX_VAR, false);
	put_fields(t, s, "other", PMX_OTHER, false);
	put_groups(t, s, x);
	char *made = pmx_replay(s, NULL);
	if (*made)
		cli_text_print(t, "made by\n%s", made);
	mem_free(made);
}

static void put_json(struct cli_text *t, const struct pmx_schema *s, const struct pmx_index *x)
{
	char hex[17], *made = pmx_replay(s, NULL);
	json_t *o = pmx_schema_to_json(s), *groups = json_array(), *fields = json_object_get(o, "fields");
	snprintf(hex, sizeof hex, "%016" PRIx64, x->digest);
	json_object_set_new(o, "rows", json_integer((json_int_t)x->n_rows));
	json_object_set_new(o, "blocks", json_integer((json_int_t)x->n_blocks));
	json_object_set_new(o, "digest", json_string(hex));
	for (size_t i = 0; i < x->n_groups && s->order_by; i++) {
		const char *label = group_label(s, &x->group[i]);
		json_array_append_new(groups, json_pack("{s:o, s:I, s:I}", "label", label ? json_string(label) : json_null(),
							"first_row", (json_int_t)x->group[i].first_row, "rows", (json_int_t)x->group[i].n_rows));
	}
	json_object_set_new(o, "groups", groups);
	for (size_t i = 0; i < s->n_fields; i++)
		if (s->field[i].class == PMX_LAYER) {
			char *what = pmx_layer_text(s, i);
			json_object_set_new(json_array_get(fields, i), "what", json_string(what));
			mem_free(what);
		}
	json_object_set_new(o, "replay", json_string(made));
	char *text = json_dumps(o, JSON_INDENT(1));
	cli_text_put(t, text);
	cli_text_put(t, "\n");
	mem_free(text);
	mem_free(made);
	json_decref(o);
}

static int put_preflight(const struct cli *c, struct pmx_reader *in)
{
	static const char *const verdict[] = { "ok", "warn", "FAIL" };
	if (pmx_reader_schema(in)->kind != PMX_CELLS)
		cli_die("%s is a stream of %s; --preflight looks at cells", pmx_reader_name(in), pmx_kind_name(pmx_reader_schema(in)->kind));
	struct preflight *p = preflight_run(c, in, &fly);
	struct cli_text *t = cli_text_new(c);
	json_t *checks = json_array();
	bool can = p->can_answer;
	for (size_t i = 0; i < p->n; i++) {
		const struct preflight_check *k = &p->check[i];
		if (!as_json)
			cli_text_print(t, "%-5s %-16s %s\n", verdict[k->verdict], k->name, k->text);
		json_array_append_new(checks, json_pack("{s:s, s:s, s:s}", "check", k->name, "verdict", verdict[k->verdict], "text", k->text));
	}
	json_t *all = json_pack("{s:b, s:I, s:I, s:o}", "can_answer", can, "targets", (json_int_t)p->n_targets, "testable", (json_int_t)p->n_answerable, "checks", checks);
	char *text = json_dumps(all, JSON_INDENT(1));
	if (as_json)
		cli_text_print(t, "%s\n", text);
	else
		cli_text_print(t, can ? "This screen can answer, for %zu of %zu targets.\n"
				      : "This screen cannot answer as it is: see FAIL (%zu of %zu targets have cells and controls enough).\n", p->n_answerable, p->n_targets);
	cli_text_close(t);
	mem_free(text);
	json_decref(all);
	if (!can)
		cli_note(c, "%s cannot answer as it is", pmx_reader_name(in));
	preflight_free(p);
	pmx_close(in);
	return can ? 0 : 1;
}

static int run(struct cli *c)
{
	struct pmx_reader *in = cli_input(c);
	if (preflight)
		return put_preflight(c, in);
	if (fly.screen.control || fly.screen.split_by || fly.screen.layer || fly.gene_info)
		cli_misuse("--control, --split-by, --layer and --gene-info belong to --preflight");
	const struct pmx_index *x = find_index(in);
	struct cli_text *t = cli_text_new(c);
	if (as_json)
		put_json(t, pmx_reader_schema(in), x);
	else
		put_text(t, pmx_reader_schema(in), x);
	cli_text_close(t);
	pmx_close(in);
	return 0;
}

static const char *const description[] = {
	"Shows kind and size of a stream, its layers (computed ones as formulas), row columns with their labels, row matrices, metadata of its columns, "
	"the order that it promises with its groups, and the commands that made it, ready to be run again.",
	"Of a file only the header and the trailer are read; a pipe is read to its end. Whether every byte between is sound says pmx-check.",
	"--preflight reads a screen once, in any order, and says, a line a check, whether it can answer:",
	"  controls         of each split, against the neighbours that pert-signature takes (-k)\n"
	"  targets          cells in splits with controls enough; below 3 a target is not tested, below 20 little is seen\n"
	"  guides           of targets and of the controls, their cells, and guides whose cells name two targets\n"
	"  values           counts; or log-normalised, when no value is negative or above 30 and the cells add up to one\n"
	"                   total (within 1 %) after expm1; negative values are scaled ones, which nothing here takes,\n"
	"                   nor does it take NaN and infinities. Seen are those of the controls in the sample\n"
	"  genes            form of their names (symbol, Ensembl, Entrez, or the dates that spreadsheets make), or\n"
	"                   with --gene-info whether they are known; and whether targets are among them\n"
	"  calibration      controls against controls, drawn in halves 10 times, rank-sum test of the genes that a\n"
	"                   tenth of them express: share of p < 0.05, above 7.5 % a warning, above 10 % a failure.\n"
	"                   The same between splits, and of each control guide (the 30 with most cells, 20 at least)\n"
	"                   against the others: two of 1000 genes that differ (Bonferroni) are a warning\n"
	"  smallest effect  (z(1 - 0.025 / genes) + z(0.8)) sd sqrt(1 / n + 1 / controls), sd of the median gene,\n"
	"                   on the log2 scale; n cells of the median and of the smallest testable target",
	"Controls looked at closely are a sample of 2000 to 4000, drawn by row number, and 3000 genes. Counts are normalised to 10,000 a cell for it.",
	"The JSON is the header as it stands in the stream (see pmx(5)) with rows, blocks, digest, groups and replay added, and with what of each layer.",
	NULL
};
static const char *const examples[] = {
	"pmx-info screen.pmx",
	"normalize screen.pmx | pmx-info --json",
	"pmx-info --preflight --control NT --split-by replicate screen.pmx",
	NULL
};

const struct cli_tool tool = { .name = "pmx-info", .summary = "what a stream holds and how it was made", .stage = CLI_STREAMS,
	.flags = CLI_READS_STREAM | CLI_WRITES_TEXT | CLI_THREADS, .reads = CLI_ANY_KIND, .args = "[FILE]", .max_args = 1,
	.options = options, .description = description, .examples = examples, .run = run };
