#include "unit.h"
#include "base/mem.h"
#include "formats/entries.h"
#include "formats/rows.h"
#include <string.h>

/* An import that knows only its names: n cells c0.., m genes g0.. */
static struct import *names_only(const struct import_options *o, size_t n, size_t m)
{
	struct import *im = mem_zero(1, sizeof *im);
	char name[20];
	im->o = o;
	im->n_rows = n;
	im->rows = names_new();
	im->columns = names_new();
	im->schema = pmx_schema_new(PMX_CELLS, m);
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof name, "c%zu", i);
		names_add(im->rows, name, NULL);
	}
	for (size_t i = 0; i < m; i++) {
		snprintf(name, sizeof name, "g%zu", i);
		names_add(im->columns, name, NULL);
	}
	return im;
}

static void free_names_only(struct import *im)
{
	names_free(im->rows);
	names_free(im->columns);
	pmx_schema_free(im->schema);
	mem_free(im->map);
	mem_free(im);
}

static const struct import_options options = IMPORT_DEFAULTS;

/* One row of three values. */
static int take(const int64_t *index, const double *value, size_t n, enum pmx_type type, const uint32_t *map, struct sparse_run *run,
		struct err *e)
{
	struct import *im = names_only(&options, 1, 5);
	uint64_t start[] = { 0, n };
	struct raw_rows raw = { 0, 1, start, index, value, NUMBER_I64, NUMBER_F64 };
	struct layer_target t = { .im = im, .name = "X", .type = type };
	if (map) {
		im->map = mem_array(5, sizeof *map);
		memcpy(im->map, map, 5 * sizeof *map);
	}
	*e = (struct err){ 0 };
	int status = rows_sparse(run, &raw, &t, e);
	free_names_only(im);
	return status;
}

UNIT(a_row_is_sorted_and_squeezed)
{
	struct sparse_run run = { 0 };
	struct err e;
	CHECK(!take((int64_t[]){ 4, 0, 2 }, (double[]){ 7, 0, 3 }, 3, PMX_U32, NULL, &run, &e));
	const uint32_t *v = (const uint32_t *)(const void *)run.value;
	CHECK(run.start[1] == 2 && run.col[0] == 2 && v[0] == 3 && run.col[1] == 4 && v[1] == 7);
	CHECK(!take((int64_t[]){ 1, 2, 4 }, (double[]){ 7, -0.5, NAN }, 3, PMX_F32, (uint32_t[]){ 0, 1, UINT32_MAX, 2, 3 }, &run, &e));
	const float *f = (const float *)(const void *)run.value;
	CHECK(run.start[1] == 2 && run.col[0] == 1 && f[0] == 7 && run.col[1] == 3 && isnan(f[1]));
	sparse_run_free(&run);
}

UNIT(bad_rows_are_named)
{
	struct sparse_run run = { 0 };
	struct err e;
	CHECK(take((int64_t[]){ 0, 5 }, (double[]){ 1, 1 }, 2, PMX_U32, NULL, &run, &e) && strstr(e.text, "c0: column index 5"));
	CHECK(take((int64_t[]){ 0, -1 }, (double[]){ 1, 1 }, 2, PMX_U32, NULL, &run, &e) && strstr(e.text, "column index -1"));
	CHECK(take((int64_t[]){ 3, 3 }, (double[]){ 1, 1 }, 2, PMX_U32, NULL, &run, &e) && strstr(e.text, "c0, gene g3 stands there twice"));
	CHECK(take((int64_t[]){ 3, 4 }, (double[]){ 1, -2 }, 2, PMX_U32, NULL, &run, &e) && strstr(e.text, "c0, gene g4: -2 is no count"));
	CHECK(take((int64_t[]){ 3, 4 }, (double[]){ 1.5, 2 }, 2, PMX_U32, NULL, &run, &e) && strstr(e.text, "g3: 1.5"));
	CHECK(take((int64_t[]){ 3 }, (double[]){ NAN }, 1, PMX_U32, NULL, &run, &e));
	CHECK(take((int64_t[]){ 3 }, (double[]){ 4294967296.0 }, 1, PMX_U32, NULL, &run, &e));
	CHECK(!take((int64_t[]){ 3 }, (double[]){ 4294967295.0 }, 1, PMX_U32, NULL, &run, &e));
	sparse_run_free(&run);
}

UNIT(types_of_layers)
{
	CHECK(rows_type(NUMBER_I64, false, IMPORT_AUTO) == PMX_U32);
	CHECK(rows_type(NUMBER_F32, true, IMPORT_AUTO) == PMX_U32);
	CHECK(rows_type(NUMBER_F32, false, IMPORT_AUTO) == PMX_F32);
	CHECK(rows_type(NUMBER_F64, false, IMPORT_COUNTS) == PMX_U32);
	CHECK(rows_type(NUMBER_I32, true, IMPORT_FLOAT) == PMX_F64);
	CHECK(rows_type(NUMBER_U16, true, IMPORT_FLOAT) == PMX_F32);
}

/* What comes out of entries added in this order is the matrix, whatever fits in memory. */
static void check_entries(uint64_t memory, bool by_genes, bool floats, bool dense)
{
	enum { N = 500, M = 400 };
	struct import *im = names_only(&options, N, M);
	struct entries *m = entries_new(memory);
	struct err e = { 0 };
	static double x[N][M];
	for (size_t k = 0; k < N * M; k++) {
		size_t r = by_genes ? k % N : k / M, c = by_genes ? k / N : k % M;
		x[r][c] = (k * 2654435761u >> 7) % 3 ? (double)(k % 1000) + (floats ? 0.5 : 0) : 0;
		if (x[r][c] != 0)
			CHECK(!entries_add(m, (uint32_t)r, (uint32_t)c, x[r][c], &e));
	}
	CHECK(entries_are_counts(m) == !floats);
	struct layer_target t = { .im = im, .name = "X", .type = floats ? PMX_F64 : PMX_U32 };
	struct feed f = { 0 };
	CHECK(!entries_feed(m, N, &t, dense, &f, &e));
	bool equal = true;
	for (uint64_t r = 0; r < N; ) {
		CHECK(!f.prepare(&f, r, &e) && f.until > r);
		uint64_t n = f.until - r < 7 ? f.until - r : 7;
		CHECK(!f.read(&f, r, n, &e));
		for (size_t i = 0; i < n; i++) {
			double row[M] = { 0 };
			for (size_t k = f.run.start[i]; k < f.run.start[i + 1]; k++)
				row[f.run.col[k]] = floats ? ((double *)(void *)f.run.value)[k] : ((uint32_t *)(void *)f.run.value)[k];
			equal = equal && !memcmp(row, x[r + i], sizeof row);
			equal = equal && (!dense || !memcmp(f.column->f64 + i * M, x[r + i], sizeof row));
		}
		r += n;
	}
	CHECK(equal && !e.set);
	f.free(f.state);
	sparse_run_free(&f.run);
	pmx_column_free(f.column);
	free_names_only(im);
}

UNIT(entries_in_memory)
{
	check_entries(1 << 30, false, false, false);
	check_entries(1 << 30, true, false, false);
	check_entries(1 << 30, false, true, true);
}

UNIT(entries_in_a_scratch_file)
{
	check_entries(100000, false, false, false);
	check_entries(100000, true, false, false);
	check_entries(100000, true, true, false);
	check_entries(1000000, true, true, true);
}

static void ignore(void *to, bool detail, const char *text)
{
	(void)detail;
	snprintf(to, 200, "%s", text);
}

UNIT(names_are_numbered)
{
	char said[200] = "";
	struct import_options o = IMPORT_DEFAULTS;
	o.say = ignore;
	o.to = said;
	struct import im = { .o = &o };
	struct name_list l = { 0 };
	struct err e = { 0 };
	const char *name[] = { "a", "b", "a", "a.1", "a", "b" };
	for (size_t i = 0; i < 6; i++)
		name_list_add(&l, name[i]);
	CHECK(!import_unique(&im, &l, "gene", false, &e) && strstr(e.text, "'a' stands at places 1 and 3"));
	struct names *names = import_unique(&im, &l, "gene", true, &e);
	CHECK(names->n == 6 && !strcmp(names->at[2], "a.2") && !strcmp(names->at[3], "a.1") && !strcmp(names->at[4], "a.3") &&
	      !strcmp(names->at[5], "b.1"));
	CHECK(strstr(said, "3 genes"));
	names_free(names);
	name_list_free(&l);
}

UNITS(RUN(a_row_is_sorted_and_squeezed), RUN(bad_rows_are_named), RUN(types_of_layers), RUN(entries_in_memory),
      RUN(entries_in_a_scratch_file), RUN(names_are_numbered))
