/* assign-guides - which guide a cell has, and which target */
#include "cli/again.h"
#include "cli/cli.h"
#include "cli/guide_library.h"
#include "cli/screen.h"
#include "base/mem.h"
#include "perturb/guides.h"
#include "stream/describe.h"
#include <math.h>
#include <string.h>

static const char *guides_file, *layer_name, *guide_key = "guide_id", *pert_key = "gene_target";
static struct guide_library_options library = { .control_label = "NT" };
static int method = GUIDES_MAX;
static long min_umi = 0;
static double min_share = 0.2;
static bool replace;
static const char *const methods[] = { "max", "threshold", "mixture", NULL };

static const struct cli_option options[] = {
	CLI_TEXT(0, "guides", &guides_file, "FILE", "stream of guide counts, cells x guides (default: the input is that stream)"),
	CLI_CHOICE(0, "method", &method, methods, "NAME", "largest count, fixed threshold, or background and signal"),
	CLI_INT(0, "min-umi", &min_umi, 0, 1000000, "N", "least count of an assigned guide; 0: 5 for threshold, else 1"),
	CLI_REAL(0, "min-share", &min_share, 0, 1, "SHARE", "threshold: least share of the cell's guide counts"),
	CLI_TEXT(0, "guide-table", &library.table, "FILE", "table: guide, target (default: from the guide's name)"),
	CLI_LIST(0, "control-guides", &library.control_guides, "PATTERN", "guides that target nothing, as 'NTC*'; repeatable"),
	CLI_TEXT(0, "control-label", &library.control_label, "LABEL", "the target that they get"),
	CLI_TEXT(0, "layer", &layer_name, "NAME", "layer with the guide counts (default counts)"),
	CLI_TEXT('g', "guide-key", &guide_key, "COLUMN", "row column for the guides"),
	CLI_TEXT('p', "pert-key", &pert_key, "COLUMN", "row column for the targets"),
	CLI_FLAG(0, "replace", &replace, "replace columns that are there"),
	CLI_END
};

enum { GUIDE, TARGET, REASON, UMI, TOTAL, N_COLUMNS };

/* What is being read: the guide stream's schema, its layer of counts, and the guides. */
struct source {
	struct cli_again *again;
	struct pmx_schema *s;
	size_t layer;
	struct guide_library *library;
};

static struct source open_source(const struct cli *c)
{
	struct err e = { 0 };
	struct source in = { .again = guides_file ? cli_again_at(c, guides_file) : cli_again_new(c) };
	in.s = pmx_schema_copy(pmx_reader_schema(cli_again_peek(in.again)));
	in.layer = screen_counts_of(in.s, layer_name, &e);
	if (in.layer == PMX_NO_FIELD)
		cli_fail(&e);
	if (!pmx_layer_is_counts(in.s, in.layer) || in.s->field[in.layer].storage != PMX_SPARSE)
		cli_die("layer '%s' does not hold counts; guide counts are needed", in.s->field[in.layer].name);
	struct names *guides = pmx_column_names(in.s);
	in.library = guide_library_new(c, guides, &library);
	names_free(guides);
	return in;
}

static const struct pmx_sparse *counts_of(struct pmx_block *b, const struct source *in)
{
	struct err e = { 0 };
	const struct pmx_sparse *m = pmx_block_sparse(b, in->s, in->layer, &e);
	if (!m)
		cli_fail(&e);
	return m;
}

/* A pass over the guide counts: the limit of each guide. */
static double *fit_limits(const struct cli *c, const struct source *in, struct pmx_reader *r)
{
	size_t n = in->s->n_columns, n_without = 0;
	struct guides_counts *counts = mem_zero(n, sizeof *counts);
	double *limit = mem_array(n, sizeof *limit);
	pmx_want(r, in->layer);
	for (struct pmx_block *b; (b = cli_next(r)); pmx_block_free(b)) {
		const struct pmx_sparse *m = counts_of(b, in);
		for (size_t i = 0; i < m->start[m->n_rows]; i++)
			guides_count(&counts[m->col[i]], m->u32[i]);
	}
	for (size_t g = 0; g < n; g++) {
		struct guides_mixture m = guides_fit(&counts[g]);
		limit[g] = m.limit;
		n_without += m.limit > UINT32_MAX;
		cli_detail(c, "%s: from %g counts on; background %.3g, signal %.3g +- %.3g doublings, share %.3g, %d rounds", pmx_column_name(in->s, g),
			   m.limit, m.lambda, m.mean, m.sd, m.share, m.rounds);
		mem_free(counts[g].large);
	}
	mem_free(counts);
	if (n_without)
		cli_note(c, "%zu of %zu guides have no background and signal that can be told apart; no cell gets them (-v names them)", n_without, n);
	return limit;
}

static void call_block(struct pmx_block *b, const struct source *in, const struct guides_rule *rule, struct guides_call *out)
{
	const struct pmx_sparse *m = counts_of(b, in);
	for (size_t r = 0; r < m->n_rows; r++)
		out[r] = guides_call(rule, m->col + m->start[r], m->u32 + m->start[r], m->start[r + 1] - m->start[r]);
}

static const struct pmx_column *names_of(struct pmx_block *b, const struct pmx_schema *s)
{
	struct err e = { 0 };
	const struct pmx_column *name = pmx_block_column(b, s, pmx_find(s, PMX_OBS, s->row_names), &e);
	if (!name)
		cli_fail(&e);
	return name;
}

/* The calls of a guide stream, by the names of its cells. */
struct calls {
	struct names *cell;
	struct guides_call *call;
	size_t cap, n_found;
};

static void read_calls(struct pmx_reader *r, const struct source *in, const struct guides_rule *rule, struct calls *calls)
{
	calls->cell = names_new();
	pmx_want(r, in->layer);
	for (struct pmx_block *b; (b = cli_next(r)); pmx_block_free(b)) {
		const struct pmx_column *name = names_of(b, in->s);
		size_t at = calls->cell->n;
		mem_room(&calls->call, &calls->cap, at + b->n_rows, sizeof *calls->call);
		call_block(b, in, rule, calls->call + at);
		for (size_t i = 0; i < b->n_rows; i++) {
			bool is_new = false;
			if (name->text[i])
				names_add(calls->cell, name->text[i], &is_new);
			if (!is_new)
				cli_die("%s: cell '%s' has no name of its own", guides_file, name->text[i] ? name->text[i] : "");
		}
	}
}

static void look_up(struct pmx_block *b, const struct pmx_schema *s, struct calls *calls, struct guides_call *out)
{
	const struct pmx_column *name = names_of(b, s);
	for (size_t i = 0; i < b->n_rows; i++) {
		uint32_t at = name->text[i] ? names_find(calls->cell, name->text[i]) : NAMES_NONE;
		calls->n_found += at != NAMES_NONE;
		out[i] = at == NAMES_NONE ? (struct guides_call){ .guide = UINT32_MAX, .reason = GUIDES_NOT_IN_STREAM } : calls->call[at];
	}
}

static struct pmx_schema *describe(const struct pmx_schema *in, const struct guide_library *l, size_t *field)
{
	struct pmx_schema *s = pmx_schema_copy(in);
	const char *name[N_COLUMNS] = { guide_key, pert_key, "guide_reason", "guide_umi", "guide_total" };
	for (size_t i = 0; i < N_COLUMNS; i++) {
		size_t f = pmx_find(s, PMX_OBS, name[i]);
		if (f == PMX_NO_FIELD)
			continue;
		size_t user = pmx_used_by(s, f);
		if (!replace || user != PMX_NO_FIELD || !strcmp(name[i], s->row_names))
			cli_die("there is a row column '%s' already%s", name[i], replace ? ", which others are made from" : "; --replace puts the new one in its place");
		if (s->order_by && !strcmp(s->order_by, name[i]))
			pmx_promise_order(s, NULL, NULL);
		pmx_drop_field(s, f);
	}
	const struct names *values[N_COLUMNS] = { l->guides, l->targets };
	for (size_t i = 0; i < N_COLUMNS; i++) {
		struct names *own = pmx_add_obs(s, name[i], i < UMI ? PMX_CATEGORY : PMX_I64)->values;
		for (size_t k = 0; values[i] && k < values[i]->n; k++)
			names_add(own, values[i]->at[k], NULL);
		for (size_t k = 1; i == REASON && k < GUIDES_N_REASONS; k++)
			names_add(own, guides_reason_name[k], NULL);
	}
	for (size_t i = 0; i < N_COLUMNS; i++)
		field[i] = pmx_find(s, PMX_OBS, name[i]);
	return s;
}

/* Adds the columns of n cells. */
static void put(struct pmx_pass *pass, const size_t *field, const struct guide_library *l, const struct guides_call *call, size_t n, uint64_t *tally)
{
	struct err e = { 0 };
	uint32_t *code[UMI];
	int64_t *number[N_COLUMNS];
	for (size_t k = 0; k < N_COLUMNS; k++)
		if (k < UMI)
			code[k] = mem_array(n, sizeof *code[k]);
		else
			number[k] = mem_array(n, sizeof *number[k]);
	for (size_t i = 0; i < n; i++) {
		bool assigned = call[i].reason == GUIDES_ASSIGNED, known = call[i].reason != GUIDES_NOT_IN_STREAM;
		code[GUIDE][i] = assigned ? l->guide_code[call[i].guide] : PMX_MISSING_CODE;
		code[TARGET][i] = assigned ? l->target_code[call[i].guide] : PMX_MISSING_CODE;
		code[REASON][i] = assigned ? PMX_MISSING_CODE : (uint32_t)call[i].reason - 1;
		number[UMI][i] = assigned ? (int64_t)call[i].umi : PMX_MISSING_I64;
		number[TOTAL][i] = known ? (int64_t)call[i].total : PMX_MISSING_I64;
		tally[call[i].reason]++;
	}
	for (size_t k = 0; k < N_COLUMNS; k++) {
		void *values = k < UMI ? (void *)code[k] : (void *)number[k];
		if (pmx_pass_values(pass, field[k], values, n, &e))
			cli_fail(&e);
		mem_free(values);
	}
}

static void report(const struct cli *c, const struct calls *calls, uint64_t n, const uint64_t *tally)
{
	if (guides_file && n && !calls->n_found)
		cli_die("no cell of the stream is in %s; cells are matched by name, the first of its cells is '%s'", guides_file,
			calls->cell->n ? calls->cell->at[0] : "not there");
	if (!tally[GUIDES_ASSIGNED])
		cli_die("no cell of %llu has a guide (%s)", (unsigned long long)n, n ? "see --min-umi, --method" : "the stream has no rows");
	for (size_t k = 1; k < GUIDES_N_REASONS; k++)
		if (tally[k])
			cli_note(c, "%llu of %llu cells have no guide: %s", (unsigned long long)tally[k], (unsigned long long)n, guides_reason_name[k]);
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	if (guides_file && !strcmp(guides_file, "-") && !(c->n_args && strcmp(c->args[0], "-")))
		cli_misuse("--guides and the input cannot both be standard input");
	struct source in = open_source(c);
	double *limit = method == GUIDES_MIXTURE ? fit_limits(c, &in, cli_again_open(in.again)) : NULL;
	struct guides_rule rule = { (enum guides_method)method, min_umi ? (double)min_umi : method == GUIDES_THRESHOLD ? 5 : 1, min_share, limit };
	struct calls calls = { 0 };
	if (guides_file)
		read_calls(cli_again_open(in.again), &in, &rule, &calls);

	struct pmx_reader *r = guides_file ? cli_input(c) : cli_again_open(in.again);
	const struct pmx_schema *s = pmx_reader_schema(r);
	size_t field[N_COLUMNS];
	struct pmx_schema *described = describe(s, in.library, field);
	struct pmx_writer *out = cli_output(c, described, r);
	struct pmx_pass *pass = pmx_pass_new(out);
	for (size_t k = 0; k < N_COLUMNS; k++)
		pmx_pass_adds(pass, field[k]);
	pmx_want(r, guides_file ? pmx_find(s, PMX_OBS, s->row_names) : in.layer);
	uint64_t tally[GUIDES_N_REASONS] = { 0 }, n = 0;
	for (struct pmx_block *b; (b = cli_next(r)); ) {
		size_t n_rows = b->n_rows;
		struct guides_call *call = mem_array(n_rows, sizeof *call);
		if (guides_file)
			look_up(b, s, &calls, call);
		else
			call_block(b, &in, &rule, call);
		pmx_pass_block(pass, b);        /* every other section goes on untouched */
		put(pass, field, in.library, call, n_rows, tally);
		n += n_rows;
		mem_free(call);
	}
	report(c, &calls, n, tally);
	if (pmx_pass_close(pass, &e))
		cli_fail(&e);
	cli_finish(out, r);
	pmx_schema_free(described);
	names_free(calls.cell);
	mem_free(calls.call);
	mem_free(limit);
	guide_library_free(in.library);
	pmx_schema_free(in.s);
	if (guides_file)
		pmx_close(r);
	cli_again_free(in.again);
	return 0;
}

static const char *const description[] = {
	"Gives every cell the guide that its guide counts speak for, and the guide's target. With --guides the columns are added to the cells of the "
	"input, matched by name; without, the input itself is the matrix of cells x guides (pmx-import --feature-type 'CRISPR Guide Capture').",
	"max takes the largest count, which no other guide may share. threshold takes the guide with at least --min-umi counts and --min-share of all "
	"guide counts of the cell. mixture finds a limit for each guide: over the cells that have it, log2 of the count is Poisson (background) or normal "
	"(signal), fitted by EM from a fixed start; the limit is the least count from which on the signal is the likelier. A guide "
	"of fewer than 10 cells or without background has no fit. With threshold and mixture, a cell in which several guides pass has none.",
	"Targets come from --guide-table (guide and target, the first two columns of a table), else from the name of the guide without g12, _12 or -12 at "
	"its end: STAT1g2, STAT1_2, STAT1-2 and STAT1_g2 target STAT1. Guides that --control-guides fits target --control-label.",
	"Cells without a guide have the reason in guide_reason: no_counts, tie, below_threshold, multiple_guides, no_fit (mixture: its largest count is of a "
	"guide without a fit), not_in_guide_stream. Drop them with pmx-select --where. The names of the cells of --guides are held, 30 bytes a cell and more.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "guide_id", "row column (--guide-key): the guide; missing for cells without one" },
	{ "gene_target", "row column (--pert-key): its target" },
	{ "guide_reason", "row column: why a cell has no guide; missing where it has one" },
	{ "guide_umi, guide_total", "row columns: counts of the guide, and of all guides" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"assign-guides --guides guides.pmx --replace screen.pmx -o assigned.pmx",
	"assign-guides --method mixture --control-guides 'NT*' guides.pmx | pmx-view --columns guide_id,gene_target,guide_umi --head 3",
	NULL
};
static const char *const sources[] = {
	"Papalexi et al. (2021), Nat. Genet. 53:322 (largest count); Replogle et al. (2022), Cell 185:2559 (Poisson-Gaussian mixture of log2 counts).",
	NULL
};

const struct cli_tool tool = { .name = "assign-guides", .summary = "which guide a cell has, and which target", .stage = CLI_PREPARE,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS | CLI_HOLDS_DATA, .reads = CLI_KIND(PMX_CELLS), .writes = "cells",
	.args = "[FILE]", .max_args = 1, .options = options, .description = description, .outputs = outputs,
	.examples = examples, .sources = sources, .run = run };
