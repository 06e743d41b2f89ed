#include "cli/pca_files.h"
#include "base/hash.h"
#include "base/mem.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char PRODUCTS[] = "products", LOADINGS[] = "loadings", GENES[] = "gene";

static double target_sum_of(const struct pmx_schema *s, size_t layer)
{
	const struct pmx_field *f = &s->field[layer];
	return f->storage == PMX_RECIPE ? f->recipe.target_sum : 0;
}

struct pca_basis pca_basis_of(const struct pmx_schema *s, size_t layer, const uint32_t *slot, size_t n_genes)
{
	struct pca_basis b = { .genes = names_new(), .target_sum = target_sum_of(s, layer) };
	for (size_t j = 0; j < s->n_columns; j++)
		if (slot[j] != UINT32_MAX)
			names_add(b.genes, pmx_column_name(s, j), NULL);
	if (b.genes->n != n_genes)
		cli_die("some genes have the same name; give them names of their own first");
	return b;
}

void pca_basis_free(struct pca_basis *b)
{
	names_free(b->genes);
	mem_free(b->bound);
	mem_free(b->sd);
}

static char *genes_differ(const struct names *a, const struct names *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (names_find(b, a->at[i]) == NAMES_NONE)
			return mem_print("gene %s is in the first alone (%zu and %zu genes)", a->at[i], a->n, b->n);
	for (size_t i = 0; i < b->n; i++)
		if (names_find(a, b->at[i]) == NAMES_NONE)
			return mem_print("gene %s is in the second alone (%zu and %zu genes)", b->at[i], a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->at[i], b->at[i]))
			return mem_print("gene %zu is %s in the first and %s in the second: the order differs", i + 1, a->at[i], b->at[i]);
	return NULL;
}

char *pca_basis_differs(const struct pca_basis *a, const struct pca_basis *b)
{
	char *genes = genes_differ(a->genes, b->genes);
	size_t bytes = a->genes->n * sizeof *a->sd;
	if (genes)
		return genes;
	if (a->target_sum != b->target_sum)
		return mem_print("one was normalised to %.15g, the other to %.15g (0: not by a recipe)", a->target_sum, b->target_sum);
	if (!a->sd != !b->sd)
		return mem_text("one is scaled, the other is not");
	if (a->sd && (memcmp(a->sd, b->sd, bytes) || memcmp(a->bound, b->bound, bytes)))
		return mem_text("they were scaled by other deviations; give pca-sums the same --scale-by for all");
	return NULL;
}

static void add_numbers(struct pmx_schema *s, const char *name, const double *value)
{
	struct pmx_column *column = pmx_column_new(PMX_F64, s->n_columns, 1);
	memcpy(column->f64, value, s->n_columns * sizeof *value);
	pmx_add_var(s, name, column);
}

static double *read_numbers(const struct pmx_reader *in, const char *name, bool needed)
{
	const struct pmx_schema *s = pmx_reader_schema(in);
	size_t f = pmx_find(s, PMX_VAR, name);
	if (f == PMX_NO_FIELD && !needed)
		return NULL;
	if (f == PMX_NO_FIELD || s->field[f].type != PMX_F64 || s->field[f].width != 1)
		cli_die("%s: the genes have no numbers '%s'; it is not as this version of pertpipe writes it", pmx_reader_name(in), name);
	double *value = mem_array(s->n_columns, sizeof *value);
	memcpy(value, s->field[f].column->f64, s->n_columns * sizeof *value);
	return value;
}

static void put_basis(struct pmx_schema *s, json_t *note, const struct pca_basis *b)
{
	json_object_set_new(note, "target_sum", json_real(b->target_sum));
	if (!b->sd)
		return;
	add_numbers(s, "bound", b->bound);
	add_numbers(s, "sd", b->sd);
}

static struct pca_basis read_basis(const struct pmx_reader *in, const json_t *note)
{
	struct pca_basis b = { .genes = pmx_column_names(pmx_reader_schema(in)), .target_sum = json_number_value(json_object_get(note, "target_sum")),
		.bound = read_numbers(in, "bound", false) };
	if (b.bound)
		b.sd = read_numbers(in, "sd", true);
	if (b.genes->n != pmx_reader_schema(in)->n_columns)
		cli_die("%s: two genes have one name", pmx_reader_name(in));
	return b;
}

/* All but the products. */
static struct hash_state *begin_digest(const struct pca_sums *sums)
{
	struct hash_state *h = hash_new();
	const struct pca_basis *b = &sums->basis;
	uint64_t cells = sums->cells;
	hash_add(h, &cells, sizeof cells);
	hash_add(h, &b->target_sum, sizeof b->target_sum);
	for (size_t g = 0; g < b->genes->n; g++)
		hash_add(h, b->genes->at[g], strlen(b->genes->at[g]) + 1);
	hash_add(h, sums->mean, b->genes->n * sizeof *sums->mean);
	if (b->sd) {
		hash_add(h, b->sd, b->genes->n * sizeof *b->sd);
		hash_add(h, b->bound, b->genes->n * sizeof *b->bound);
	}
	return h;
}

static void end_digest(struct hash_state *h, char out[17])
{
	snprintf(out, 17, "%016" PRIx64, hash_end(h));
	hash_free(h);
}

/* Genes h whose product with g stands in the row of g: those that follow in the order of bytes, so that the order of the genes does not matter. */
static size_t row_of(const struct comoments *m, const uint32_t *rank, size_t g, uint32_t *column, double *product)
{
	size_t n = 0;
	for (uint32_t h = 0; h < m->n; h++)
		if (rank[h] >= rank[g]) {
			column[n] = h;
			product[n++] = comoments_product(m, g, h);
		}
	return n;
}

void pca_sums_write(const struct cli *c, const struct pmx_reader *in, struct pca_sums *sums, const struct comoments *m)
{
	struct err e = { 0 };
	size_t n = m->n, k;
	sums->cells = m->rows;
	sums->mean = mem_array(n, sizeof *sums->mean);
	memcpy(sums->mean, m->mean, n * sizeof *sums->mean);
	uint32_t *rank = names_ranks(sums->basis.genes), *column = mem_array(n, sizeof *column);
	double *product = mem_array(n, sizeof *product);
	struct hash_state *h = begin_digest(sums);
	for (size_t g = 0; g < n; g++) {
		k = row_of(m, rank, g, column, product);
		hash_add(h, product, k * sizeof *product);
	}
	end_digest(h, sums->digest);

	struct pmx_schema *s = pmx_schema_new(PMX_SUMS, n);
	json_t *note = json_pack("{s:I, s:s}", "cells", (json_int_t)sums->cells, "digest", sums->digest);
	pmx_set_column_names(s, GENES, sums->basis.genes);
	add_numbers(s, "mean", sums->mean);
	put_basis(s, note, &sums->basis);
	if (sums->split)
		json_object_set_new(note, "shard", json_pack("{s:s, s:I, s:I}", "split", sums->split, "number", (json_int_t)sums->shard, "of",
							    (json_int_t)sums->shards));
	s->notes = json_pack("{s:o}", "sums", note);
	json_decref(s->provenance);
	s->provenance = json_deep_copy(pmx_reader_schema(in)->provenance);
	pmx_add_obs(s, GENES, PMX_TEXT);
	s->row_names = mem_text(GENES);
	pmx_add_layer(s, PRODUCTS, PMX_F64, PMX_SPARSE);
	size_t name = pmx_find(s, PMX_OBS, GENES), layer = pmx_find(s, PMX_LAYER, PRODUCTS);
	struct pmx_writer *out = cli_output(c, s, in);
	struct pmx_filler *fill = pmx_filler_new(out, c->block_rows);
	for (size_t g = 0; g < n; g++) {
		k = row_of(m, rank, g, column, product);
		pmx_fill_text(fill, name, sums->basis.genes->at[g]);
		pmx_fill_sparse(fill, layer, column, product, k);
		if (pmx_fill_end_row(fill, &e))
			cli_fail(&e);
	}
	if (pmx_filler_close(fill, &e))
		cli_fail(&e);
	cli_finish(out, in);
	pmx_schema_free(s);
	mem_free(rank);
	mem_free(column);
	mem_free(product);
}

struct pca_sums *pca_sums_read(const struct pmx_reader *in)
{
	const struct pmx_schema *s = pmx_reader_schema(in);
	const json_t *note = json_object_get(s->notes, "sums"), *shard = json_object_get(note, "shard");
	const char *digest = json_string_value(json_object_get(note, "digest"));
	json_int_t cells = json_integer_value(json_object_get(note, "cells"));
	if (!digest || strlen(digest) != 16 || cells < 1 || (uint64_t)cells >= (uint64_t)1 << 53)
		cli_die("%s: the sums do not say of how many cells they are; make them again with pca-sums", pmx_reader_name(in));
	struct pca_sums *sums = mem_zero(1, sizeof *sums);
	sums->basis = read_basis(in, note);
	sums->cells = (size_t)cells;
	sums->mean = read_numbers(in, "mean", true);
	memcpy(sums->digest, digest, sizeof sums->digest);
	sums->split = json_string_value(json_object_get(shard, "split"));
	sums->shard = (long)json_integer_value(json_object_get(shard, "number"));
	sums->shards = (long)json_integer_value(json_object_get(shard, "of"));
	return sums;
}

void pca_sums_free(struct pca_sums *sums)
{
	pca_basis_free(&sums->basis);
	mem_free(sums->mean);
	mem_free(sums);
}

static _Noreturn void changed(const struct pmx_reader *in)
{
	cli_die("%s: rows or columns are not those that pca-sums wrote; genes are chosen before, with pca-sums --genes", pmx_reader_name(in));
}

void pca_sums_join(struct pmx_reader *in, const struct pca_sums *sums, struct comoments *m)
{
	struct err e = { 0 };
	const struct pmx_schema *s = pmx_reader_schema(in);
	size_t n = m->n, layer = pmx_need(s, PMX_LAYER, PRODUCTS, &e), g = 0;
	if (layer == PMX_NO_FIELD)
		cli_fail(&e);
	if (s->field[layer].storage != PMX_SPARSE || s->field[layer].type != PMX_F64)
		changed(in);
	uint32_t *rank = names_ranks(sums->basis.genes);
	double *step = mem_array(n, sizeof *step);
	char digest[17];
	struct hash_state *h = begin_digest(sums);
	comoments_join(m, sums->cells, sums->mean, step);
	for (struct pmx_block *b; (b = cli_next(in)); pmx_block_free(b)) {
		const struct pmx_sparse *x = pmx_block_sparse(b, s, layer, &e);
		if (!x)
			cli_fail(&e);
		for (size_t r = 0; r < b->n_rows; r++, g++) {
			size_t begin = x->start[r], k = x->start[r + 1] - begin;
			if (g >= n || k != n - rank[g])
				changed(in);
			hash_add(h, x->f64 + begin, k * sizeof *x->f64);
			for (size_t i = begin; i < begin + k; i++) {
				if (rank[x->col[i]] < rank[g])
					changed(in);
				comoments_join_product(m, g, x->col[i], x->f64[i], step);
			}
		}
	}
	end_digest(h, digest);
	if (g != n || strcmp(digest, sums->digest))
		changed(in);
	mem_free(step);
	mem_free(rank);
}

void pca_check_components(const struct cli *c, const struct pca *p, size_t n_comps)
{
	size_t varying = p->n_genes - p->n_constant, most = varying + 1 < p->n_cells ? varying : p->n_cells - 1;
	if (p->n_constant)
		cli_detail(c, "%zu genes do not vary and have no part", p->n_constant);
	if (n_comps > most)
		cli_die("%zu cells and %zu genes that vary have at most %zu components; lower --n-comps (%zu)", p->n_cells, varying, most, n_comps);
}

void pca_check_converged(const struct cli *c, const struct pca *p)
{
	if (!p->eigen.converged)
		cli_die("the components did not converge (residual %.1e after %zu products); use fewer components or a larger --tolerance",
			p->eigen.residual, p->eigen.applied);
	if (p->eigen.applied)
		cli_detail(c, "%zu products, residual %.1e", p->eigen.applied, p->eigen.residual);
}

json_t *pca_note(const struct pca *p)
{
	json_t *variance = json_array();
	for (size_t j = 0; j < p->eigen.k; j++)
		json_array_append_new(variance, json_real(p->eigen.value[j]));
	return json_pack("{s:o, s:f, s:i, s:b}", "variance", variance, "total_variance", p->total_variance, "genes", (int)p->n_genes, "scale", p->scale);
}

void pca_components_write(const struct cli *c, struct pmx_reader *const *in, size_t n_in, const struct pca_basis *basis, const struct pca *p,
			  const double *mean, const double *variance)
{
	struct err e = { 0 };
	size_t n = p->n_genes, k = p->eigen.k;
	struct pmx_schema *s = pmx_schema_new(PMX_SIGNATURES, n);
	json_t *note = pca_note(p);
	json_object_set_new(note, "cells", json_integer((json_int_t)p->n_cells));
	pmx_set_column_names(s, GENES, basis->genes);
	add_numbers(s, "mean", mean);
	add_numbers(s, "variance", variance);
	put_basis(s, note, basis);
	s->notes = json_pack("{s:o}", "pca", note);
	pmx_add_obs(s, "component", PMX_TEXT);
	s->row_names = mem_text("component");
	pmx_add_obs(s, "variance", PMX_F64);
	pmx_add_layer(s, LOADINGS, PMX_F64, PMX_DENSE);
	size_t name = pmx_find(s, PMX_OBS, "component"), size = pmx_find(s, PMX_OBS, "variance"), layer = pmx_find(s, PMX_LAYER, LOADINGS);
	cli_provenance_of_many(c, s, in, n_in);
	struct pmx_writer *out = cli_create(c, s);
	struct pmx_filler *fill = pmx_filler_new(out, c->block_rows);
	double *row = mem_array(n, sizeof *row);
	for (size_t j = 0; j < k; j++) {
		char text[32];
		snprintf(text, sizeof text, "PC_%zu", j + 1);
		for (size_t g = 0; g < n; g++)
			row[g] = p->eigen.vector[g * k + j];
		pmx_fill_text(fill, name, text);
		pmx_fill_f64(fill, size, p->eigen.value[j]);
		pmx_fill_row(fill, layer, row);
		if (pmx_fill_end_row(fill, &e))
			cli_fail(&e);
	}
	if (pmx_filler_close(fill, &e) || pmx_finish(out, 0, &e))
		cli_fail(&e);
	mem_free(row);
	pmx_schema_free(s);
}

/* The rows of the loadings, each a component. */
static void read_loadings(struct pmx_reader *in, struct pca *p, size_t most)
{
	struct err e = { 0 };
	const struct pmx_schema *s = pmx_reader_schema(in);
	size_t layer = pmx_need(s, PMX_LAYER, LOADINGS, &e), value = pmx_need(s, PMX_OBS, "variance", &e), k = 0, cap[2] = { 0, 0 };
	if (e.set)
		cli_fail(&e);
	if (s->field[layer].storage != PMX_DENSE || s->field[layer].type != PMX_F64 || s->field[value].type != PMX_F64)
		cli_die("%s: the loadings are not as pca-merge writes them", pmx_reader_name(in));
	double *row = NULL;
	for (struct pmx_block *b; (b = cli_next(in)); pmx_block_free(b)) {
		const struct pmx_column *x = pmx_block_column(b, s, layer, &e), *v = x ? pmx_block_column(b, s, value, &e) : NULL;
		if (!v)
			cli_fail(&e);
		for (size_t r = 0; r < b->n_rows && k < most; r++, k++) {
			mem_room(&p->eigen.value, &cap[0], k + 1, sizeof *p->eigen.value);
			mem_room(&row, &cap[1], (k + 1) * p->n_genes, sizeof *row);
			p->eigen.value[k] = v->f64[r];
			memcpy(row + k * p->n_genes, x->f64 + r * p->n_genes, p->n_genes * sizeof *row);
		}
	}
	if (!k)
		cli_die("%s has no components", pmx_reader_name(in));
	p->eigen.k = k;
	p->eigen.vector = mem_array(p->n_genes * k, sizeof *p->eigen.vector);
	for (size_t g = 0; g < p->n_genes; g++)
		for (size_t j = 0; j < k; j++)
			p->eigen.vector[g * k + j] = row[j * p->n_genes + g];
	mem_free(row);
}

struct pca_components *pca_components_read(const struct cli *c, const char *path, size_t most)
{
	struct pmx_reader *in = cli_open_kind(c, path, CLI_KIND(PMX_SIGNATURES));
	const struct pmx_schema *s = pmx_reader_schema(in);
	const json_t *note = json_object_get(s->notes, "pca");
	if (!note)
		cli_die("%s are signatures, but no components; pca-merge makes them", path);
	struct pca_components *x = mem_zero(1, sizeof *x);
	x->basis = read_basis(in, note);
	x->mean = read_numbers(in, "mean", true);
	x->variance = read_numbers(in, "variance", true);
	x->pca = pca_new(s->n_columns, x->basis.sd != NULL, 0);
	x->pca->n_cells = (size_t)json_integer_value(json_object_get(note, "cells"));
	x->pca->total_variance = json_number_value(json_object_get(note, "total_variance"));
	read_loadings(in, x->pca, most);
	pmx_close(in);
	return x;
}

void pca_components_free(struct pca_components *p)
{
	pca_free(p->pca);
	pca_basis_free(&p->basis);
	mem_free(p->mean);
	mem_free(p->variance);
	mem_free(p);
}

uint32_t *pca_components_place(struct pca_components *x, const struct pmx_schema *s, size_t layer)
{
	struct pca *p = x->pca;
	size_t k = p->eigen.k, n = 0;
	struct names *here = pmx_column_names(s), *missing = names_new();
	double target_sum = target_sum_of(s, layer);
	char list[300];
	for (size_t g = 0; g < p->n_genes; g++)
		if (names_find(here, x->basis.genes->at[g]) == NAMES_NONE)
			names_add(missing, x->basis.genes->at[g], NULL);
	names_list(missing, list, sizeof list);
	if (missing->n)
		cli_die("genes of the components that are not in the stream: %s; find components of the genes that both have", list);
	if (here->n != s->n_columns)
		cli_die("some genes have the same name; give them names of their own first");
	if (target_sum != x->basis.target_sum)
		cli_die("the components are of values normalised to %.15g, these to %.15g (0: not by a recipe); run normalize --target-sum with the first",
			x->basis.target_sum, target_sum);
	uint32_t *slot = mem_array(s->n_columns, sizeof *slot);
	double *vector = mem_array(p->n_genes * k, sizeof *vector);
	for (size_t j = 0; j < s->n_columns; j++) {
		uint32_t g = names_find(x->basis.genes, pmx_column_name(s, j));
		slot[j] = g == NAMES_NONE ? UINT32_MAX : (uint32_t)n;
		if (g == NAMES_NONE)
			continue;
		p->inverse_sd[n] = !x->basis.sd ? 1 : x->basis.sd[g] > 0 ? 1 / x->basis.sd[g] : 0;
		p->bound[n] = x->basis.bound ? x->basis.bound[g] : INFINITY;
		p->centre[n] = x->mean[g] * p->inverse_sd[n];
		memcpy(vector + n++ * k, p->eigen.vector + g * k, k * sizeof *vector);
	}
	mem_free(p->eigen.vector);
	p->eigen.vector = vector;
	names_free(here);
	names_free(missing);
	return slot;
}
