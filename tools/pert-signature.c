/* pert-signature - what a cell would look like unperturbed, minus what it looks like */
#include "cli/screen.h"
#include "base/file.h"
#include "base/mem.h"
#include "num/neighbours.h"
#include "stream/dense.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { MODE_NN, MODE_SPLIT };
enum { REASON_NO_SPLIT, REASON_NO_POSITION };

static struct screen_options opt = SCREEN_DEFAULTS;
static int mode = MODE_NN;
static long n_neighbours = 20, n_dims = 15;
static const char *use_rep = "X_pca", *out_layer = "X_pert";
static bool dense;
static const char *const modes[] = { "nn", "split_by", NULL };
static const char neighbours_name[] = "nt_neighbors", reason_name[] = "signature_reason";

static const struct cli_option options[] = {
	SCREEN_PERT_OPTIONS(opt),
	SCREEN_SPLIT_OPTION(opt),
	CLI_CHOICE(0, "ref-selection-mode", &mode, modes, "MODE", "reference: nearest controls, or the mean of the split's controls"),
	CLI_INT('k', "n-neighbors", &n_neighbours, 1, 100000, "K", "nearest controls that make the reference"),
	CLI_TEXT(0, "use-rep", &use_rep, "NAME", "row matrix in which cells are near each other"),
	CLI_INT(0, "n-dims", &n_dims, 1, 100000, "N", "its leading columns that count"),
	CLI_TEXT(0, "layer", &opt.layer, "NAME", "log-normalised layer (default X)"),
	CLI_TEXT(0, "output-layer", &out_layer, "NAME", "name of the signature layer"),
	CLI_FLAG(0, "dense", &dense, "store the values, cells x genes, instead of the neighbours",
		 "Rows may then be sorted or selected at will. It takes 8 bytes a value before compression"),
	CLI_END
};

static void drop(struct pmx_schema *s, enum pmx_class class, const char *name)
{
	size_t f = pmx_find(s, class, name);
	if (f != PMX_NO_FIELD)
		pmx_drop_field(s, f);
}

static struct pmx_schema *describe(const struct screen *screen)
{
	struct pmx_schema *s = pmx_schema_copy(screen->s);
	drop(s, PMX_LAYER, out_layer);
	drop(s, PMX_OBS, neighbours_name);
	drop(s, PMX_OBS, reason_name);
	struct pmx_recipe r = { .kind = mode == MODE_NN ? PMX_NEIGHBOUR_SIGNATURE : PMX_SPLIT_SIGNATURE,
		.source = mem_text(screen->s->field[screen_expression(screen)].name), .pert_key = mem_text(opt.pert_key), .control = mem_text(opt.control) };
	if (mode == MODE_NN) {
		pmx_add_obsm(s, neighbours_name, PMX_U32, (uint32_t)n_neighbours);
		r.neighbours = mem_text(neighbours_name);
	} else if (opt.split_by) {
		r.split = mem_text(opt.split_by);
	}
	struct names *reasons = pmx_add_obs(s, reason_name, PMX_CATEGORY)->values;
	names_add(reasons, "no_split", NULL);
	names_add(reasons, "no_position", NULL);
	pmx_add_layer(s, out_layer, PMX_F64, PMX_RECIPE)->recipe = r;
	return s;
}

/* The controls of each split, ready to be searched. */
struct pool {
	struct neighbours *points;
	uint32_t *ordinal;              /* of each point, among all controls */
	size_t n;
};

static struct pool *make_pools(const struct cli *c, const struct screen *s, const struct cell_group *controls, size_t width, size_t dims)
{
	size_t n_splits = screen_splits(s), k = mode == MODE_NN ? (size_t)n_neighbours : 1;
	struct pool *pool = mem_zero(n_splits, sizeof *pool);
	double *point = mem_array(controls->n * dims, sizeof *point);
	for (size_t p = 0; p < n_splits; p++) {
		pool[p].ordinal = mem_array(controls->n, sizeof *pool[p].ordinal);
		for (size_t i = 0; i < controls->n; i++) {
			if (controls->split[i] != p)
				continue;
			for (size_t d = 0; mode == MODE_NN && d < dims; d++) {
				point[pool[p].n * dims + d] = controls->matrix[i * width + d];
				if (!isfinite(controls->matrix[i * width + d]))
					cli_die("control cell number %zu has a value in %s that is not finite", i + 1, use_rep);
			}
			pool[p].ordinal[pool[p].n++] = (uint32_t)i;
		}
		if (pool[p].n < k && mode == MODE_NN)
			cli_die("split '%s' has %zu control cells, fewer than the %zu neighbours asked for; lower --n-neighbors, merge splits, "
				"or leave the split out with pmx-select", screen_split_name(s, p), pool[p].n, k);
		if (!pool[p].n)
			cli_die("split '%s' has no control cells; merge splits, or leave it out with pmx-select", screen_split_name(s, p));
		if (mode == MODE_NN)
			pool[p].points = neighbours_new(point, pool[p].n, dims, dims);
	}
	mem_free(point);
	cli_detail(c, "%zu control cells in %zu splits", controls->n, n_splits);
	return pool;
}

static bool has_position(const double *row, size_t dims)
{
	for (size_t d = 0; d < dims; d++)
		if (!isfinite(row[d]))
			return false;
	return true;
}

/* Neighbours and reasons of the cells of a group, split by split. */
static void find(const struct cli *c, const struct screen *s, const struct pool *pool, const struct cell_group *g, size_t width,
		 size_t dims, uint32_t *near, uint32_t *reason)
{
	size_t k = (size_t)n_neighbours, n_splits = screen_splits(s);
	memset(near, 0xff, g->n * k * sizeof *near);
	double *query = mem_array(g->n * dims, sizeof *query);
	uint32_t *found = mem_array(g->n * k, sizeof *found), *cell = mem_array(g->n, sizeof *cell);
	for (size_t i = 0; i < g->n; i++)
		reason[i] = g->split[i] == PMX_MISSING_CODE ? REASON_NO_SPLIT : PMX_MISSING_CODE;
	for (size_t p = 0; p < n_splits && mode == MODE_NN; p++) {
		size_t n = 0;
		for (size_t i = 0; i < g->n; i++) {
			if (g->split[i] != p)
				continue;
			if (!has_position(g->matrix + i * width, dims)) {
				reason[i] = REASON_NO_POSITION;
				continue;
			}
			memcpy(query + n * dims, g->matrix + i * width, dims * sizeof *query);
			cell[n++] = (uint32_t)i;
		}
		neighbours_find(pool[p].points, query, n, dims, k, c->threads, found);
		for (size_t q = 0; q < n; q++)
			for (size_t j = 0; j < k; j++)
				near[cell[q] * k + j] = pool[p].ordinal[found[q * k + j]];
	}
	mem_free(query);
	mem_free(found);
	mem_free(cell);
}

/* Reads the stream with the recipe back from the scratch file and writes it with the layer stored. */
static void store(const struct cli *c, struct pmx_schema *s, int scratch, struct screen *screen)
{
	struct err e = { 0 };
	struct pmx_reader *in = lseek(scratch, 0, SEEK_SET) ? NULL : pmx_open(file_from_fd(scratch, "a scratch file"), c->threads, &e);
	struct pmx_dense *values = in ? pmx_dense_new(in, c->threads) : NULL;
	int layer = values ? pmx_dense_layer(values, pmx_find(s, PMX_LAYER, out_layer), NULL, 0, &e) : -1;
	if (layer < 0)
		cli_fail(&e);
	drop(s, PMX_LAYER, out_layer);
	drop(s, PMX_OBS, neighbours_name);
	struct pmx_schema *rest = pmx_schema_copy(s);
	struct pmx_gather *rows = pmx_gather_new(rest);
	const struct pmx_field field = *pmx_add_layer(s, out_layer, PMX_F64, PMX_DENSE);
	struct pmx_writer *out = cli_create(c, s);
	/* A block grows by the stored layer: it is cut into pieces of some megabytes. */
	size_t piece = 1 + PMX_BLOCK_BYTES / s->n_columns;
	int more;
	for (struct pmx_block *b; (more = pmx_dense_next(values, &b, &e)) > 0; pmx_block_free(b))
		for (uint32_t from = 0; from < b->n_rows; from += (uint32_t)piece) {
			size_t n = b->n_rows - from < piece ? b->n_rows - from : piece;
			struct pmx_column *column = pmx_column_new(PMX_F64, n, (uint32_t)s->n_columns);
			uint32_t *row = mem_array(n, sizeof *row);
			for (uint32_t i = 0; i < n; i++)
				row[i] = from + i;
			if (pmx_dense_rows(values, layer, b, from, from + n, column->f64, &e) || pmx_gather_rows(rows, b, row, n, NULL, &e))
				cli_fail(&e);
			struct pmx_block *stored = pmx_gather_take(rows, 0);
			pmx_block_put_column(stored, &field, column);
			cli_put(out, stored);
			pmx_column_free(column);
			mem_free(row);
		}
	if (more < 0)
		cli_fail(&e);
	pmx_gather_free(rows);
	pmx_schema_free(rest);
	cli_finish(out, screen->original);
	pmx_dense_free(values);
	pmx_close(in);
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	if (mode == MODE_SPLIT && !opt.split_by)
		cli_misuse("--ref-selection-mode split_by needs --split-by");
	struct screen *s = screen_open(c, &opt, mode == MODE_NN ? SCREEN_MATRIX : 0, NULL, use_rep);
	struct pmx_schema *described = describe(s);
	int scratch = dense ? file_scratch(&e) : -1;
	if (dense && scratch < 0)
		cli_fail(&e);
	cli_provenance(c, described, s->original, NULL);
	struct pmx_writer *out = dense ? pmx_create(file_onto_fd(scratch, "a scratch file"), described, 1, c->threads, &e) : cli_create(c, described);
	if (!out)
		cli_fail(&e);
	size_t near_field = pmx_find(described, PMX_OBS, neighbours_name), reason_field = pmx_find(described, PMX_OBS, reason_name);
	struct pmx_pass *pass = s->pass = pmx_pass_new(out);
	if (mode == MODE_NN)
		pmx_pass_adds(pass, near_field);
	pmx_pass_adds(pass, reason_field);

	size_t width = mode == MODE_NN ? s->s->field[s->matrix].width : 0, dims = width < (size_t)n_dims ? width : (size_t)n_dims;
	struct cell_group target, *g = screen_controls(s);
	struct pool *pool = make_pools(c, s, g, width, dims);
	struct cli_progress *bar = cli_progress_new(c, "cells", 0);
	uint64_t done = 0, without = 0;
	cell_group_init(&target, s);
	do {
		uint32_t *near = mem_array(g->n * (size_t)n_neighbours, sizeof *near), *reason = mem_array(g->n, sizeof *reason);
		find(c, s, pool, g, width, dims, near, reason);
		for (size_t i = 0; i < g->n; i++)
			without += reason[i] != PMX_MISSING_CODE;
		if ((mode == MODE_NN && pmx_pass_values(pass, near_field, near, g->n, &e)) ||
		    pmx_pass_values(pass, reason_field, reason, g->n, &e))
			cli_fail(&e);
		mem_free(near);
		mem_free(reason);
		cli_progress_at(bar, done += g->n, NULL);
		g = &target;
	} while (screen_next(s, g));
	cli_progress_end(bar);
	if (pmx_pass_close(pass, &e))
		cli_fail(&e);
	if (without)
		cli_note(c, "%llu of %llu cells got no signature; column %s says why", (unsigned long long)without, (unsigned long long)done,
			 reason_name);
	cli_finish(out, s->original);
	if (dense)
		store(c, described, scratch, s);
	for (size_t p = 0; p < screen_splits(s); p++) {
		neighbours_free(pool[p].points);
		mem_free(pool[p].ordinal);
	}
	mem_free(pool);
	cell_group_free(&target);
	pmx_schema_free(described);
	screen_close(s);
	return 0;
}

static const char *const description[] = {
	"Finds for each cell the K nearest control cells of its split (exactly, by Euclidean distance in the first N columns of X_pca; ties go to "
	"the control that comes first) and declares the layer X_pert as a recipe:",
	"  X_pert = log1p( (1/K) sum over the neighbours of expm1(X) ) - X",
	"The sign is reference minus cell. A control cell is its own first neighbour, as in the reference. Nothing of size cells x genes is made: the "
	"neighbours are stored, and the values are computed where they are needed.",
	"With --ref-selection-mode split_by the reference is the mean of X over the control cells of the split, taken in log space as pertpy takes it.",
	"A cell without a split label or without finite coordinates gets no neighbours and a reason. A split with fewer than K controls stops the tool: "
	"pertpy would count the last neighbour several times.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "nt_neighbors", "row matrix of K: the neighbours, nearest first, as their places among the control rows of the stream" },
	{ "X_pert", "layer: the signature, a recipe of X and nt_neighbors; with --dense the values, and no nt_neighbors" },
	{ "signature_reason", "row column: why a cell has no signature (no_split, no_position); missing where it has one" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"pert-signature --control NT pca.pmx -o signature.pmx",
	"pert-signature --control NT --split-by replicate pca.pmx | pmx-info",
	NULL
};
static const char *const sources[] = {
	"Papalexi et al. (2021), Nature Genetics 53:322; CalcPerturbSig of Seurat 4.3. RANN's approximate ties and pertpy's approximate, unseeded "
	"neighbours are not reproduced: neighbours are exact.",
	NULL
};

const struct cli_tool tool = { .name = "pert-signature", .summary = "what a cell would look like unperturbed, minus what it looks like",
	.stage = CLI_SCREENS, .flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS | CLI_HOLDS_DATA | CLI_NEEDS_ORDER,
	.reads = CLI_KIND(PMX_CELLS), .writes = "cells", .args = "[FILE]", .max_args = 1, .options = options,
	.description = description, .outputs = outputs, .examples = examples, .sources = sources, .run = run };
