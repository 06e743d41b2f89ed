/*
 * every_kind ROWS COLUMNS LEVEL BLOCK_ROWS: a stream with every kind of field, storage and recipe on standard output,
 * with missing values of every type, names that are no ASCII, empty texts, large counts and wide gaps.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "stream/writer.h"

enum { K = 3, VARIETY = 9 };

static uint32_t state = 12345;

static uint32_t draw(uint32_t n)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % n;
}

/* A missing value, the extremes, then anything. */
static const char *text_value(size_t i)
{
	static const char *const text[VARIETY] = { NULL, "", "a", "\xce\xb2-\xe7\xbb\x86\xe8\x83\x9e", "\xf0\x9f\xa7\xac", "two words", "\"q\"", "-", "NaN-1" };
	return text[i % VARIETY];
}

static int64_t whole_value(size_t i)
{
	static const int64_t whole[VARIETY] = { 0, -1, PMX_MISSING_I64, INT64_MAX, INT64_MIN + 1, 1, 255, 256, (int64_t)1 << 40 };
	return whole[i % VARIETY];
}

static double real_value(size_t i)
{
	const double real[VARIETY] = { 0, -0.5, NAN, INFINITY, -INFINITY, 0.1, 1e-310, 1e300, 1.0 / 3 };
	return real[i % VARIETY];
}

static uint32_t count_value(void)
{
	static const uint32_t large[] = { 254, 255, 256, 70000, UINT32_MAX };
	return draw(5) ? 1 + draw(9) : large[draw(5)];
}

static void label(struct pmx_field *f, const char *const *value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		names_add(f->values, value[i], NULL);
}

static void describe_columns(struct pmx_schema *s, size_t n)
{
	struct names *names = names_new();
	for (size_t i = 0; i < n; i++) {
		char name[40];
		snprintf(name, sizeof name, i % 3 ? "G%zu" : "\xce\xb3%zu", i);
		names_add(names, name, NULL);
	}
	pmx_set_column_names(s, "gene", names);
	names_free(names);
	static const char *const colour[] = { "red", "", "gr\xc3\xbcn" };
	static const char *const name[] = { "v_text", "v_label", "v_bool", "v_i64", "v_f64" };
	for (enum pmx_type t = PMX_TEXT; t <= PMX_F64; t++) {
		struct pmx_column *c = pmx_column_new(t, n, 1);
		for (size_t i = 0; i < n; i++)
			switch (t) {
			case PMX_TEXT: c->text[i] = text_value(i + 1); break;
			case PMX_CATEGORY: c->u32[i] = i % 4 == 3 ? PMX_MISSING_CODE : (uint32_t)(i % 4); break;
			case PMX_BOOL: c->flag[i] = (uint8_t)(i % 3); break;
			case PMX_I64: c->i64[i] = whole_value(i); break;
			default: c->f64[i] = real_value(i);
			}
		struct pmx_field *f = pmx_add_var(s, name[t], c);
		if (t == PMX_CATEGORY)
			label(f, colour, 3);
	}
	struct pmx_column *wide = pmx_column_new(PMX_F32, n, 2);
	for (size_t i = 0; i < 2 * n; i++)
		wide->f32[i] = (float)real_value(i);
	pmx_add_var(s, "v_wide", wide);
}

static void recipe(struct pmx_schema *s, const char *name, enum pmx_recipe_kind kind, const char *source, const char *split)
{
	struct pmx_recipe *r = &pmx_add_layer(s, name, PMX_F64, PMX_RECIPE)->recipe;
	r->kind = kind;
	r->source = mem_text(source);
	if (kind == PMX_LOG_NORMALISED) {
		r->totals = mem_text("total");
		r->target_sum = 1e4;
		return;
	}
	r->pert_key = mem_text("target");
	r->control = mem_text("NT");
	r->neighbours = kind == PMX_NEIGHBOUR_SIGNATURE ? mem_text("near") : NULL;
	r->split = split ? mem_text(split) : NULL;
}

enum { CELL, TEXT, TARGET, SPLIT, DOSE, FLAG, WHOLE, REAL, TOTAL, WIDE, NARROW, NEAR, COUNTS, SINGLE, DOUBLE, D_COUNTS, D_SINGLE, D_DOUBLE };

static struct pmx_schema *describe(size_t n_columns)
{
	static const char *const target[] = { "NT", "STAT1", "\xce\xb1/\xce\xb2" }, *const split[] = { "r1", "r2" }, *const dose[] = { "10", "2", "" };
	struct pmx_schema *s = pmx_schema_new(PMX_CELLS, n_columns);
	pmx_add_obs(s, "cell", PMX_TEXT);
	pmx_add_obs(s, "text", PMX_TEXT);
	label(pmx_add_obs(s, "target", PMX_CATEGORY), target, 3);
	label(pmx_add_obs(s, "split", PMX_CATEGORY), split, 2);
	struct pmx_field *f = pmx_add_obs(s, "dose", PMX_CATEGORY);
	label(f, dose, 3);
	f->ordered = true;
	pmx_add_obs(s, "flag", PMX_BOOL);
	pmx_add_obs(s, "whole", PMX_I64);
	pmx_add_obs(s, "real \xe2\x82\xac", PMX_F64);
	pmx_add_obs(s, "total", PMX_F64);
	pmx_add_obsm(s, "wide", PMX_F64, 2);
	pmx_add_obsm(s, "narrow", PMX_F32, 1);
	pmx_add_obsm(s, "near", PMX_U32, K);
	pmx_add_layer(s, "counts", PMX_U32, PMX_SPARSE);
	pmx_add_layer(s, "single", PMX_F32, PMX_SPARSE);
	pmx_add_layer(s, "double", PMX_F64, PMX_SPARSE);
	pmx_add_layer(s, "dense_counts", PMX_U32, PMX_DENSE);
	pmx_add_layer(s, "dense_single", PMX_F32, PMX_DENSE);
	pmx_add_layer(s, "dense_double", PMX_F64, PMX_DENSE);
	recipe(s, "X", PMX_LOG_NORMALISED, "counts", NULL);
	recipe(s, "X_dense", PMX_LOG_NORMALISED, "dense_counts", NULL);
	recipe(s, "near_X", PMX_NEIGHBOUR_SIGNATURE, "X", NULL);
	recipe(s, "near_single", PMX_NEIGHBOUR_SIGNATURE, "single", NULL);
	recipe(s, "split_X", PMX_SPLIT_SIGNATURE, "X", "split");
	recipe(s, "pool_double", PMX_SPLIT_SIGNATURE, "double", NULL);
	s->row_names = mem_text("cell");
	pmx_promise_order(s, "target", "NT");
	describe_columns(s, n_columns);
	json_array_append_new(s->provenance, json_pack("{s:s,s:s}", "tool", "every_kind", "version", "1"));
	s->notes = json_pack("{s:[i,f]}", "made", 1, 0.5);
	return s;
}

/* The first rows are controls, then come the other targets and rows without one. */
static void fill_row(struct pmx_filler *l, size_t r, size_t n_rows, size_t n_columns)
{
	size_t controls = (n_rows + 2) / 3, group = r < controls ? 0 : r < 2 * controls ? 1 : 2;
	bool last = r + 1 == n_rows && n_rows > 4;
	uint32_t *column = mem_array(n_columns, sizeof *column), *count = mem_array(n_columns, sizeof *count), near[K];
	double *real = mem_array(n_columns, sizeof *real), total = 0;
	float *single = mem_array(n_columns, sizeof *single);
	size_t n = 0;
	for (size_t j = 0; j < n_columns && r % 7 != 5; j++)
		if (!draw(j < 300 ? 3 : 400)) {
			column[n] = (uint32_t)j;
			count[n] = count_value();
			total += count[n];
			single[n] = (float)draw(1000) / 250;
			real[n++] = draw(6) ? draw(1000) / 997.0 - 0.3 : 0;
		}
	char name[40];
	snprintf(name, sizeof name, r % 2 ? "c%zu" : "\xe7\xbb\x86\xe8\x83\x9e%zu", r);
	pmx_fill_text(l, CELL, name);
	pmx_fill_text(l, TEXT, text_value(r));
	pmx_fill_code(l, TARGET, last ? PMX_MISSING_CODE : (uint32_t)group);
	pmx_fill_code(l, SPLIT, group && r % 5 == 4 ? PMX_MISSING_CODE : (uint32_t)(controls > 3 && r % 2));
	pmx_fill_code(l, DOSE, r % 4 == 3 ? PMX_MISSING_CODE : (uint32_t)(r % 4));
	pmx_fill_bool(l, FLAG, (uint8_t)(r % 3));
	pmx_fill_i64(l, WHOLE, whole_value(r));
	pmx_fill_f64(l, REAL, real_value(r));
	double dense_total = 3.0 * (double)n_columns;
	pmx_fill_f64(l, TOTAL, total > 0 ? total : dense_total);
	const double wide[] = { real_value(r), (double)r / 7 };
	const float narrow = (float)real_value(r + 1);
	pmx_fill_row(l, WIDE, wide);
	pmx_fill_row(l, NARROW, &narrow);
	for (size_t k = 0; k < K; k++)
		near[k] = last ? UINT32_MAX : draw((uint32_t)controls);
	pmx_fill_row(l, NEAR, near);
	pmx_fill_sparse(l, COUNTS, column, count, n);
	pmx_fill_sparse(l, SINGLE, column, single, n);
	pmx_fill_sparse(l, DOUBLE, column, real, n);
	for (size_t j = 0; j < n_columns; j++) {
		count[j] = draw(4) ? 0 : count_value();
		real[j] = real_value(r + j);
		single[j] = (float)real_value(r + j + 1);
	}
	pmx_fill_row(l, D_COUNTS, count);
	pmx_fill_row(l, D_SINGLE, single);
	pmx_fill_row(l, D_DOUBLE, real);
	mem_free(column);
	mem_free(count);
	mem_free(real);
	mem_free(single);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	size_t n_rows = (size_t)atoi(argv[1]), n_columns = (size_t)atoi(argv[2]);
	struct err e = { 0 };
	struct file_out *out = file_create("-", &e);
	struct pmx_schema *s = describe(n_columns);
	struct pmx_writer *w = out ? pmx_create(out, s, atoi(argv[3]), 1, &e) : NULL;
	struct pmx_filler *l = w ? pmx_filler_new(w, (size_t)atoi(argv[4])) : NULL;
	for (size_t r = 0; r < n_rows && !e.set; r++) {
		fill_row(l, r, n_rows, n_columns);
		pmx_fill_end_row(l, &e);
	}
	if (e.set || pmx_filler_close(l, &e) || pmx_finish(w, 0xfeedfacecafebeef, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	pmx_schema_free(s);
	return 0;
}
