/* Dense rows of every kind of layer, against the values that went in and against pmx_signature_compute. */
#include "unit.h"
#include "base/mem.h"
#include "stream/dense.h"
#include "stream/layer.h"
#include "stream/writer.h"
#include <string.h>
#include <unistd.h>

enum { CELL, TARGET, SPLIT, TOTAL, NEAR, COUNTS, DENSE, X, PERT, MEAN, POOLED };
enum { ROWS = 90, CONTROLS = 37, GENES = 23, K = 4 };

static uint32_t counts[ROWS][GENES], near[ROWS][K], split[ROWS];
static double total[ROWS];

static void make_cells(void)
{
	uint32_t state = 7;
	for (size_t r = 0; r < ROWS; r++) {
		total[r] = 0;
		for (size_t g = 0; g < GENES; g++) {
			state = state * 1664525 + 1013904223;
			counts[r][g] = state >> 29 < 3 ? state >> 20 & 0x1ff : 0;
			total[r] += counts[r][g];
		}
		for (size_t k = 0; k < K; k++) {
			state = state * 1664525 + 1013904223;
			near[r][k] = (state >> 8) % CONTROLS;
		}
		split[r] = r % 11 == 10 ? PMX_MISSING_CODE : (uint32_t)(r % 3);
	}
	memset(near[60], 0xff, sizeof near[60]);
	memset(counts[61], 0, sizeof counts[61]);
	total[61] = 0;
}

static struct pmx_schema *describe(bool promise)
{
	struct pmx_schema *s = pmx_schema_new(PMX_CELLS, GENES);
	struct names *genes = names_new(), *v;
	char name[20];
	for (int g = 0; g < GENES; g++) {
		snprintf(name, sizeof name, "g%d", g);
		names_add(genes, name, NULL);
	}
	pmx_add_obs(s, "cell", PMX_TEXT);
	v = pmx_add_obs(s, "target", PMX_CATEGORY)->values;
	names_add(v, "A", NULL);
	names_add(v, "NT", NULL);
	v = pmx_add_obs(s, "split", PMX_CATEGORY)->values;
	names_add(v, "r0", NULL);
	names_add(v, "r1", NULL);
	names_add(v, "r2", NULL);
	names_add(v, "nobody", NULL);
	pmx_add_obs(s, "total", PMX_F64);
	pmx_add_obsm(s, "near", PMX_U32, K);
	pmx_add_layer(s, "counts", PMX_U32, PMX_SPARSE);
	pmx_add_layer(s, "dense", PMX_F32, PMX_DENSE);
	pmx_add_layer(s, "X", PMX_F64, PMX_RECIPE)->recipe = (struct pmx_recipe){ .kind = PMX_LOG_NORMALISED,
		.source = mem_text("counts"), .totals = mem_text("total"), .target_sum = 1000 };
	pmx_add_layer(s, "pert", PMX_F64, PMX_RECIPE)->recipe = (struct pmx_recipe){ .kind = PMX_NEIGHBOUR_SIGNATURE,
		.source = mem_text("X"), .neighbours = mem_text("near"), .pert_key = mem_text("target"), .control = mem_text("NT") };
	pmx_add_layer(s, "mean", PMX_F64, PMX_RECIPE)->recipe = (struct pmx_recipe){ .kind = PMX_SPLIT_SIGNATURE,
		.source = mem_text("X"), .split = mem_text("split"), .pert_key = mem_text("target"), .control = mem_text("NT") };
	pmx_add_layer(s, "pooled", PMX_F64, PMX_RECIPE)->recipe = (struct pmx_recipe){ .kind = PMX_SPLIT_SIGNATURE,
		.source = mem_text("counts"), .pert_key = mem_text("target"), .control = mem_text("NT") };
	s->row_names = mem_text("cell");
	pmx_set_column_names(s, "gene", genes);
	if (promise)
		pmx_promise_order(s, "target", "NT");
	names_free(genes);
	return s;
}

static size_t row_of(size_t r, uint32_t *column, uint32_t *value, float *dense)
{
	size_t n = 0;
	for (uint32_t g = 0; g < GENES; g++) {
		dense[g] = (float)counts[r][g] / 8 - 1;
		if (!counts[r][g])
			continue;
		column[n] = g;
		value[n++] = counts[r][g];
	}
	return n;
}

/* The cells as a stream, open for reading. */
static struct pmx_reader *stream(size_t n_rows, size_t block_rows, bool promise, int threads)
{
	struct err e = { 0 };
	int fd = file_scratch(&e);
	struct pmx_schema *s = describe(promise);
	struct pmx_writer *w = pmx_create(file_onto_fd(fd, "scratch"), s, 1, 1, &e);
	struct pmx_filler *l = pmx_filler_new(w, block_rows);
	for (size_t r = 0; r < n_rows; r++) {
		uint32_t column[GENES], value[GENES];
		float dense[GENES];
		char name[20];
		snprintf(name, sizeof name, "c%zu", r);
		size_t n = row_of(r, column, value, dense);
		pmx_fill_text(l, CELL, name);
		pmx_fill_code(l, TARGET, r < CONTROLS);
		pmx_fill_code(l, SPLIT, split[r]);
		pmx_fill_f64(l, TOTAL, total[r]);
		pmx_fill_row(l, NEAR, near[r]);
		pmx_fill_sparse(l, COUNTS, column, value, n);
		pmx_fill_row(l, DENSE, dense);
		if (pmx_fill_end_row(l, &e))
			abort();
	}
	if (pmx_filler_close(l, &e) || pmx_finish(w, 0, &e) || lseek(fd, 0, SEEK_SET))
		abort();
	pmx_schema_free(s);
	return pmx_open(file_from_fd(fd, "scratch"), threads, &e);
}

static void rows_of(struct sparse_rows *x, const struct pmx_schema *s, size_t layer, size_t n)
{
	struct err e = { 0 };
	struct pmx_reader *r = stream(n, 8, true, 1);
	struct pmx_block *b;
	sparse_rows_init(x, GENES);
	while (pmx_next(r, &b, &e) > 0) {
		if (pmx_layer_rows(b, s, layer, 0, b->n_rows, x, &e))
			abort();
		pmx_block_free(b);
	}
	pmx_close(r);
}

/* out[row * n + j], by pmx_signature_compute. */
static void plain_signature(size_t layer, const uint32_t *column, size_t n, double *out)
{
	struct err e = { 0 };
	struct pmx_schema *s = describe(true);
	struct sparse_rows controls, all;
	size_t source = layer == POOLED ? COUNTS : X;
	rows_of(&controls, s, source, CONTROLS);
	rows_of(&all, s, source, ROWS);
	struct sparse_cols *by_columns = sparse_transpose(&controls, 1);
	struct pmx_signature *g = pmx_signature_new(s, layer, by_columns, layer == MEAN ? split : NULL);
	pmx_signature_columns(g, column, n, 1);
	double *across = mem_array(ROWS * n, sizeof *across);
	struct pmx_signature_rows rows = { &all, layer == PERT ? near[0] : NULL, layer == MEAN ? split : NULL };
	if (pmx_signature_compute(g, &rows, 1, across, &e))
		abort();
	for (size_t r = 0; r < ROWS; r++)
		for (size_t j = 0; j < n; j++)
			out[r * n + j] = across[j * ROWS + r];
	mem_free(across);
	pmx_signature_free(g);
	sparse_cols_free(by_columns);
	sparse_rows_free(&controls);
	sparse_rows_free(&all);
	pmx_schema_free(s);
}

/* The same from the stream, rows in pieces of `step`. */
static void from_stream(size_t layer, const uint32_t *column, size_t n, size_t block_rows, size_t step, int threads, double *out)
{
	struct err e = { 0 };
	struct pmx_reader *r = stream(ROWS, block_rows, true, threads);
	struct pmx_dense *d = pmx_dense_new(r, threads);
	int other = pmx_dense_layer(d, DENSE, NULL, 0, &e), handle = pmx_dense_layer(d, layer, column, n, &e);
	CHECK(handle == 1 && pmx_dense_width(d, other) == GENES);
	size_t width = pmx_dense_width(d, handle), done = 0;
	struct pmx_block *b;
	int more;
	while ((more = pmx_dense_next(d, &b, &e)) > 0) {
		CHECK(b->first_row == done);
		for (size_t at = 0; at < b->n_rows; at += step) {
			size_t to = at + step < b->n_rows ? at + step : b->n_rows;
			CHECK(!pmx_dense_rows(d, handle, b, at, to, out + (done + at) * width, &e));
		}
		done += b->n_rows;
		pmx_block_free(b);
	}
	CHECK(more == 0 && done == ROWS);
	pmx_dense_free(d);
	pmx_close(r);
}

static bool same_bits(const double *a, const double *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(isnan(a[i]) && isnan(b[i])) && memcmp(&a[i], &b[i], sizeof *a))
			return false;
	return true;
}

UNIT(signatures_bit_for_bit)
{
	static const size_t block[] = { 1, 7, 1000 }, layer[] = { PERT, MEAN, POOLED };
	static const uint32_t all[GENES] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22 };
	static const uint32_t some[] = { 19, 3, 22, 0 };
	double expected[ROWS * GENES], got[ROWS * GENES];
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 3; k++) {
			plain_signature(layer[i], all, GENES, expected);
			from_stream(layer[i], NULL, 0, block[k], 5, 2, got);
			CHECK(same_bits(expected, got, ROWS * GENES));
			plain_signature(layer[i], some, 4, expected);
			from_stream(layer[i], some, 4, block[k], 1000, 1, got);
			CHECK(same_bits(expected, got, ROWS * 4));
		}
	plain_signature(PERT, all, GENES, expected);
	CHECK(isnan(expected[60 * GENES]) && !isnan(expected[61 * GENES]) && expected[61 * GENES] >= 0);
	plain_signature(MEAN, all, GENES, expected);
	CHECK(isnan(expected[10 * GENES + 3]));
}

UNIT(plain_layers)
{
	static const uint32_t some[] = { 5, 2 };
	double got[ROWS * GENES];
	from_stream(COUNTS, NULL, 0, 7, 3, 1, got);
	for (size_t r = 0; r < ROWS; r++)
		for (size_t g = 0; g < GENES; g++)
			CHECK(got[r * GENES + g] == counts[r][g]);
	from_stream(DENSE, some, 2, 7, 3, 1, got);
	for (size_t r = 0; r < ROWS; r++)
		CHECK(got[2 * r] == counts[r][5] / 8.0 - 1 && got[2 * r + 1] == counts[r][2] / 8.0 - 1);
	from_stream(X, some, 2, 1000, 1000, 1, got);
	for (size_t r = 0; r < ROWS; r++)
		CHECK(got[2 * r] == (counts[r][5] ? log1p(counts[r][5] / total[r] * 1000) : 0));
}

static void fails(size_t layer, bool promise, const char *why)
{
	struct err e = { 0 };
	struct pmx_reader *r = stream(ROWS, 7, promise, 1);
	struct pmx_dense *d = pmx_dense_new(r, 1);
	double out[ROWS * GENES];
	struct pmx_block *b;
	int status = pmx_dense_layer(d, layer, NULL, 0, &e);
	while (status >= 0 && pmx_dense_next(d, &b, &e) > 0) {
		status = pmx_dense_rows(d, 0, b, 0, b->n_rows, out, &e);
		pmx_block_free(b);
	}
	CHECK(status < 0 && strstr(e.text, why));
	pmx_dense_free(d);
	pmx_close(r);
}

UNIT(what_cannot_be_computed)
{
	fails(PERT, false, "does not promise");
	uint32_t kept = near[5][1];
	near[5][1] = CONTROLS;
	fails(PERT, true, "row 5 names control 37");
	near[5][1] = UINT32_MAX;
	fails(PERT, true, "row 5 names control");
	near[5][1] = kept;
	kept = split[70];
	split[70] = 3;
	fails(MEAN, true, "row 70 is in split 'nobody'");
	split[70] = kept;
}

int main(void)
{
	static const struct unit units[] = { RUN(signatures_bit_for_bit), RUN(plain_layers), RUN(what_cannot_be_computed) };
	make_cells();
	return unit_main(units, 3);
}
