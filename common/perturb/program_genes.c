#include "perturb/program_genes.h"
#include "base/mem.h"
#include "num/random.h"
#include "num/svd.h"
#include "stats/correlation.h"
#include "stats/distribution.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_ROWS = 3, STREAM = 0x70726f67 };

const char *const program_genes_reason_name[] = { "found", "no_members", "few_genes", "constant", "no_component", "no_significant_gene", NULL };

static bool keeps(const double *z, size_t n_rows, size_t n, size_t row, double limit)
{
	for (size_t j = 0; j < n; j++)
		if (fabs(z[j * n_rows + row]) >= limit)
			return true;
	return false;
}

static double z_limit(double p)
{
	return p >= 1 ? 0 : distribution_z_of_log_p(log(p));
}

size_t program_genes_rows(const struct program_genes_options *o, const double *z, size_t n_rows, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n_rows; i++)
		kept += keeps(z, n_rows, n, i, z_limit(o->row_p));
	return kept;
}

/* Columns centred and of unit variance; false where one is constant. */
static bool standardise(double *x, size_t n_rows, size_t n)
{
	for (size_t j = 0; j < n; j++) {
		double *c = x + j * n_rows, sum = 0, squares = 0;
		if (isnan(correlation_pearson(c, c, n_rows)))
			return false;
		for (size_t i = 0; i < n_rows; i++)
			sum += c[i];
		for (size_t i = 0; i < n_rows; i++) {
			c[i] -= sum / (double)n_rows;
			squares += c[i] * c[i];
		}
		double sd = sqrt(squares / ((double)n_rows - 1));
		for (size_t i = 0; i < n_rows; i++)
			c[i] /= sd;
	}
	return true;
}

/* The largest loading of a component (the first of equals) is positive: 1, or -1 for the other way round. */
static double sign_of(const double *loading, size_t n)
{
	double most = 0;
	for (size_t j = 0; j < n; j++)
		if (fabs(loading[j]) > fabs(most) * (1 + 1e-10))
			most = loading[j];
	return most < 0 ? -1 : 1;
}

/* Scores of the rows on the first k components; x is left as it is. */
static bool components(const struct program_genes_options *o, const double *x, size_t n_rows, size_t n, size_t k, double *singular, double *score)
{
	size_t most = n_rows < n ? n_rows : n;
	double *a = mem_array(n_rows * n, sizeof *a), *s = mem_array(most, sizeof *s), *v = mem_array(most * n, sizeof *v);
	memcpy(a, x, n_rows * n * sizeof *a);
	bool good = svd_thin(a, n_rows, n, s, v);
	if (singular)
		memcpy(singular, s, most * sizeof *s);
	memset(score, 0, n_rows * k * sizeof *score);
	for (size_t c = 0; good && c < k; c++) {
		double sign = o->as_reference ? 1 : sign_of(v + c * n, n);
		for (size_t j = 0; j < n; j++)
			for (size_t i = 0; i < n_rows; i++)
				score[c * n_rows + i] += sign * x[j * n_rows + i] * v[c * n + j];
	}
	mem_free(a);
	mem_free(s);
	mem_free(v);
	return good;
}

/* 0: none has the share that is wanted. */
static size_t choose_components(const struct program_genes_options *o, const double *sd, size_t n)
{
	double all = 0, sum = 0;
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		all += sd[i] * sd[i];
	if (o->share > 0) {
		for (size_t i = 0; i < n; i++)
			k = sd[i] * sd[i] / all >= o->share ? i + 1 : k;
		return k;
	}
	if (o->total > 0) {
		while (k < n && (!k || sum / all < o->total)) {
			sum += sd[k] * sd[k];
			k++;
		}
		return k;
	}
	return n < (size_t)o->components ? n : (size_t)o->components;
}

static void shuffle(uint64_t seed, size_t iteration, size_t column, uint32_t *order, size_t n)
{
	struct random4 r = { { 0 } };
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n - 1, used = 0; i > 0; i--, used++) {
		if (used % 4 == 0)
			r = random_words(seed, STREAM, (uint64_t)iteration << 32 | column, (uint32_t)(used / 4));
		uint32_t j = random_below(r.v[used % 4], (uint32_t)i + 1), t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
}

static void make_null(const struct program_genes_options *o, const double *x, size_t n, const uint32_t *permutation, int threads,
		      struct program_genes *g)
{
	size_t rows = g->n, iterations = (size_t)o->iterations;
	g->null = mem_array(g->k * iterations * rows, sizeof *g->null);
#pragma omp parallel num_threads(threads)
	{
		double *mixed = mem_array(rows * n, sizeof *mixed), *score = mem_array(rows * g->k, sizeof *score);
		uint32_t *own = mem_array(rows, sizeof *own);
#pragma omp for schedule(dynamic, 1)
		for (size_t it = 0; it < iterations; it++) {
			for (size_t j = 0; j < n; j++) {
				const uint32_t *order = permutation ? permutation + (it * n + j) * rows : own;
				if (!permutation)
					shuffle(o->seed, it, j, own, rows);
				for (size_t i = 0; i < rows; i++)
					mixed[j * rows + i] = x[j * rows + order[i]];
			}
			components(o, mixed, rows, n, g->k, NULL, score);
			for (size_t c = 0; c < g->k; c++)
				memcpy(g->null + (c * iterations + it) * rows, score + c * rows, rows * sizeof *score);
		}
		mem_free(mixed);
		mem_free(score);
		mem_free(own);
	}
}

static int ascending(const void *pa, const void *pb)
{
	double a = *(const double *)pa, b = *(const double *)pb;
	return a < b ? -1 : a > b;
}

/* How many of the sorted values are at or below x. */
static size_t count_to(const double *sorted, size_t n, double x)
{
	size_t low = 0;
	while (n) {
		size_t half = n / 2;
		if (sorted[low + half] <= x) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return low;
}

static void find_positions(const struct program_genes_options *o, struct program_genes *g)
{
	size_t n = (size_t)o->iterations * g->n, both = o->as_reference ? n : 2 * n;
	double *sorted = mem_array(both, sizeof *sorted);
	for (size_t c = 0; c < g->k; c++) {
		const double *null = g->null + c * n;
		for (size_t i = 0; i < both; i++)
			sorted[i] = i < n ? null[i] : -null[i - n];
		qsort(sorted, both, sizeof *sorted, ascending);
		for (size_t i = 0; i < g->n; i++)
			g->position[c * g->n + i] = (double)count_to(sorted, both, g->score[c * g->n + i]) / (double)both;
	}
	mem_free(sorted);
}

struct extreme {
	double score;
	uint32_t row;                   /* among those kept */
};

static int largest_first(const void *pa, const void *pb)
{
	const struct extreme *a = pa, *b = pb;
	return a->score > b->score ? -1 : a->score < b->score ? 1 : a->row < b->row ? -1 : a->row > b->row;
}

/* One end of component c, largest score first (of the low end: lowest first, ties in the other order, as a reversed list has them). */
static size_t find_end(const struct program_genes_options *o, const struct program_genes *g, const double *z, size_t n, const bool *decides, size_t c,
		       bool high, struct extreme *out, double *sum)
{
	double limit = z_limit(o->gene_p);
	size_t found = 0;
	*sum = 0;
	for (uint32_t i = 0; i < g->n; i++) {
		double position = g->position[c * g->n + i];
		bool strong = false;
		for (size_t j = 0; j < n; j++)
			strong = strong || (decides[j] && fabs(z[j * g->n + i]) >= limit);
		if (strong && (high ? position >= 1 - o->permutation_p : position <= o->permutation_p))
			out[found++] = (struct extreme){ g->score[c * g->n + i], i };
	}
	qsort(out, found, sizeof *out, largest_first);
	for (size_t j = 0; j < n; j++)
		for (size_t i = 0; decides[j] && i < found; i++)
			*sum += z[j * g->n + out[i].row];
	for (size_t i = 0; !high && i < found / 2; i++) {
		struct extreme t = out[i];
		out[i] = out[found - 1 - i];
		out[found - 1 - i] = t;
	}
	return found;
}

enum { LISTED_UP = 1, LISTED_DOWN = 2 };

static void list_end(const struct program_genes_options *o, struct program_genes *g, const struct extreme *end, size_t n, bool up, uint8_t *listed)
{
	uint8_t side = up ? LISTED_UP : LISTED_DOWN;
	for (size_t i = 0; i < n; i++) {
		uint32_t r = end[i].row;
		if (o->as_reference ? listed[r] & side : listed[r])
			continue;
		if (!listed[r])
			g->weight[r] = up ? fabs(end[i].score) : -fabs(end[i].score);
		listed[r] |= side;
		if (up)
			g->up[g->n_up++] = g->row[r];
		else
			g->down[g->n_down++] = g->row[r];
	}
}

static void find_genes(const struct program_genes_options *o, struct program_genes *g, const double *z, size_t n)
{
	struct extreme *high = mem_array(2 * g->n, sizeof *high), *low = high + g->n;
	bool *decides = mem_array(n, sizeof *decides);
	uint8_t *listed = mem_zero(g->n, sizeof *listed);
	g->up = mem_array(g->n, sizeof *g->up);
	g->down = mem_array(g->n, sizeof *g->down);
	g->weight = mem_zero(g->n, sizeof *g->weight);
	g->oriented = mem_array(g->n, sizeof *g->oriented);
	for (size_t c = 0; c < g->k; c++) {
		double of_high, of_low;
		for (size_t j = 0; j < n; j++)
			decides[j] = fabs(correlation_pearson(g->score + c * g->n, z + j * g->n, g->n)) >= o->correlation;
		size_t n_high = find_end(o, g, z, n, decides, c, true, high, &of_high), n_low = find_end(o, g, z, n, decides, c, false, low, &of_low);
		bool turned = of_high > of_low;
		for (size_t i = 0; c == 0 && i < g->n; i++)
			g->oriented[i] = turned ? g->score[i] : -g->score[i];
		list_end(o, g, high, n_high, turned, listed);
		list_end(o, g, low, n_low, !turned, listed);
	}
	mem_free(high);
	mem_free(decides);
	mem_free(listed);
	if (!g->n_up && !g->n_down)
		g->reason = PROGRAM_GENES_NONE;
}

struct program_genes *program_genes(const struct program_genes_options *o, const double *z, size_t n_rows, size_t n, const uint32_t *permutation,
				    int threads)
{
	struct program_genes *g = mem_zero(1, sizeof *g);
	if (!n) {
		g->reason = PROGRAM_GENES_NO_MEMBERS;
		return g;
	}
	g->row = mem_array(n_rows, sizeof *g->row);
	for (uint32_t i = 0; i < n_rows; i++)
		if (keeps(z, n_rows, n, i, z_limit(o->row_p)))
			g->row[g->n++] = i;
	double *kept = mem_array(2 * g->n * n, sizeof *kept), *x = kept + g->n * n;
	for (size_t j = 0; j < n; j++)
		for (size_t i = 0; i < g->n; i++)
			kept[j * g->n + i] = z[j * n_rows + g->row[i]];
	memcpy(x, kept, g->n * n * sizeof *x);
	g->n_sd = g->n < n ? g->n : n;
	g->sd = mem_array(g->n_sd, sizeof *g->sd);
	if (g->n < LEAST_ROWS) {
		g->reason = PROGRAM_GENES_FEW_ROWS;
	} else if (!standardise(x, g->n, n)) {
		g->reason = PROGRAM_GENES_CONSTANT;
	} else {
		g->score = mem_array(g->n_sd * g->n, sizeof *g->score);
		components(o, x, g->n, n, g->n_sd, g->sd, g->score);
		for (size_t i = 0; i < g->n_sd; i++)
			g->sd[i] /= sqrt((double)g->n - 1);
		g->k = choose_components(o, g->sd, g->n_sd);
		g->position = mem_array(g->k * g->n, sizeof *g->position);
		if (g->k) {
			make_null(o, x, n, permutation, threads, g);
			find_positions(o, g);
			find_genes(o, g, kept, n);
		} else {
			g->reason = PROGRAM_GENES_NO_COMPONENT;
		}
	}
	mem_free(kept);
	return g;
}

void program_genes_free(struct program_genes *g)
{
	mem_free(g->row);
	mem_free(g->sd);
	mem_free(g->score);
	mem_free(g->position);
	mem_free(g->null);
	mem_free(g->up);
	mem_free(g->down);
	mem_free(g->weight);
	mem_free(g->oriented);
	mem_free(g);
}
