#include "stats/negbin_pool.h"
#include "base/mem.h"
#include "num/vector.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { M = NEGBIN_NODES, SMALL = 256 };
static const double TOLERANCE = 1e-14, PHI = 0.9 * M_PI;
/* The strip alone is enough for s up to here. */
static const double STRIP_REACH = 4.6;

static double ellipse_error(double s, double b, double constant)
{
	double a = sqrt(1 + b * b), rho = a + b;
	return 4 * constant * exp(s * (a - 1)) * pow(rho, 1 - M) / (rho - 1);
}

double negbin_pool_error(double s, double e_max)
{
	if (s == 0)
		return 0;
	double error = ellipse_error(s, PHI / s, 2 / sin(PHI)), room = -M_LN2 - e_max;
	if (room > 0) {
		double a = 1 + room / s, b = fmin(sqrt(a * a - 1), (M - 1) / s);
		error = fmin(error, ellipse_error(s, b, 3));
	}
	return error;
}

bool negbin_pool_smooth(double s, double e_max)
{
	return s <= STRIP_REACH || negbin_pool_error(s, e_max) < TOLERANCE;
}

static double node_angle(size_t k)
{
	return (2 * (double)k + 1) * M_PI / (2 * M);
}

/* l_k(x) for all k: the second barycentric formula (Berrut and Trefethen 2004), whose weights are (-1)^k sin at the nodes. */
static void lagrange_at(double x, const double *node, double *l)
{
	double sum = 0;
	for (size_t k = 0; k < M; k++) {
		double d = x - node[k];
		if (d == 0) {
			memset(l, 0, M * sizeof *l);
			l[k] = 1;
			return;
		}
		l[k] = (k % 2 ? -1 : 1) * sin(node_angle(k)) / d;
		sum += l[k];
	}
	for (size_t k = 0; k < M; k++)
		l[k] /= sum;
}

static void make_nodes(struct negbin_group *g, double *lagrange)
{
	for (size_t k = 0; k < M; k++) {
		g->node[k] = (g->low + g->high) / 2 + (g->high - g->low) / 2 * cos(node_angle(k));
		g->times[k] = 0;
	}
	for (size_t i = 0; i < g->n; i++) {
		double *l = lagrange + (size_t)g->cell[i] * M;
		lagrange_at(g->c[i], g->node, l);
		for (size_t k = 0; k < M; k++)
			g->times[k] += l[k];
	}
}

static void make_group(struct negbin_pool *p, size_t at)
{
	struct negbin_group *g = &p->group[at];
	g->low = INFINITY;
	g->high = -INFINITY;
	for (size_t i = 0; i < g->n; i++) {
		double c = g->c[i];
		g->sum_c += c;
		g->sum_cc += c * c;
		g->low = fmin(g->low, c);
		g->high = fmax(g->high, c);
	}
	/* Of totals next to each other no node would be apart from the next. */
	g->nodes = g->n >= NEGBIN_LEAST_FOR_NODES && g->high - g->low > 1e-6 * fabs(g->high);
}

struct negbin_pool *negbin_pool_new(const struct sparse_cols *counts, const double *c, const uint32_t *group_of, size_t n_groups, int threads)
{
	struct negbin_pool *p = mem_zero(1, sizeof *p);
	*p = (struct negbin_pool){ .n_genes = counts->n_cols, .n_groups = n_groups, .counts = counts,
				   .group = mem_zero(n_groups, sizeof *p->group), .of = mem_zero(counts->n_cols * n_groups, sizeof *p->of),
				   .prepared = mem_zero(counts->n_cols, sizeof *p->prepared) };
	p->c = mem_array(counts->n_rows, sizeof *p->c);
	memcpy(p->c, c, counts->n_rows * sizeof *p->c);
	p->group_of = mem_array(counts->n_rows, sizeof *p->group_of);
	memcpy(p->group_of, group_of, counts->n_rows * sizeof *p->group_of);
	for (size_t i = 0; i < counts->n_rows; i++)
		if (group_of[i] != UINT32_MAX)
			p->group[group_of[i]].n++;
	for (size_t g = 0; g < n_groups; g++) {
		p->group[g].cell = mem_array(p->group[g].n, sizeof *p->group[g].cell);
		p->group[g].c = mem_array(p->group[g].n, sizeof *p->group[g].c);
		p->group[g].n = 0;
	}
	for (uint32_t i = 0; i < counts->n_rows; i++)
		if (group_of[i] != UINT32_MAX) {
			struct negbin_group *g = &p->group[group_of[i]];
			g->cell[g->n] = i;
			g->c[g->n++] = c[i];
		}
	bool nodes = false;
	for (size_t g = 0; g < n_groups; g++) {
		make_group(p, g);
		nodes = nodes || p->group[g].nodes;
	}
	p->lagrange = nodes ? mem_aligned(counts->n_rows * M, sizeof *p->lagrange) : NULL;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
	for (size_t g = 0; g < n_groups; g++)
		if (p->group[g].nodes)
			make_nodes(&p->group[g], p->lagrange);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
	for (size_t gene = 0; gene < p->n_genes; gene++)
		for (size_t i = counts->start[gene]; i < counts->start[gene + 1]; i++)
			if (group_of[counts->row[i]] != UINT32_MAX) {
				struct negbin_counts *of = &p->of[gene * n_groups + group_of[counts->row[i]]];
				of->sum += counts->value[i];
				of->n_positive += counts->value[i] > 0;
			}
	return p;
}

uint64_t negbin_pool_bytes(const size_t *n, size_t n_groups, size_t n_genes)
{
	uint64_t bytes = (uint64_t)n_genes * n_groups * sizeof(struct negbin_counts);
	for (size_t g = 0; g < n_groups; g++)
		if (n[g] >= NEGBIN_LEAST_FOR_NODES)
			bytes += M * sizeof(double) * ((uint64_t)n[g] + n_genes);
	return bytes;
}

void negbin_pool_free(struct negbin_pool *p)
{
	if (!p)
		return;
	for (size_t g = 0; g < p->n_groups; g++) {
		mem_free(p->group[g].cell);
		mem_free(p->group[g].c);
	}
	for (size_t i = 0; i < p->n_genes * p->n_groups; i++) {
		mem_free(p->of[i].node);
		mem_free(p->of[i].value);
	}
	mem_free(p->group);
	mem_free(p->c);
	mem_free(p->group_of);
	mem_free(p->of);
	mem_free(p->lagrange);
	mem_free(p->prepared);
	mem_free(p);
}

VECTOR_INLINE void add_times(double *sum, double y, const double *l)
{
	for (size_t k = 0; k < M; k += 8)
		vec8_store(sum + k, vec8_load(sum + k) + y * vec8_load(l + k));
}

/* Y_k of every group with nodes. */
VECTOR_CLONES
static void sum_nodes(const struct negbin_pool *p, size_t gene)
{
	const struct sparse_cols *x = p->counts;
	for (size_t i = x->start[gene]; i < x->start[gene + 1]; i++) {
		uint32_t g = p->group_of[x->row[i]];
		if (g != UINT32_MAX && p->group[g].nodes)
			add_times(p->of[gene * p->n_groups + g].node, x->value[i], p->lagrange + (size_t)x->row[i] * M);
	}
}

static int by_size(const void *pa, const void *pb)
{
	const double *a = pa, *b = pb;
	return (*a > *b) - (*a < *b);
}

/* Distinct values, increasing: small whole ones are counted, the others sorted. */
static void make_distinct(struct negbin_counts *of, const double *seen, double *other, size_t n_other)
{
	size_t n = 0;
	for (size_t v = 1; v < SMALL; v++)
		n += seen[v] > 0;
	qsort(other, n_other, sizeof *other, by_size);
	of->value = mem_array(2 * (n + n_other), sizeof *of->value);
	of->times = of->value + n + n_other;
	for (size_t v = 1; v < SMALL; v++)
		if (seen[v] > 0) {
			of->value[of->n_values] = (double)v;
			of->times[of->n_values++] = seen[v];
		}
	for (size_t i = 0; i < n_other; i++) {
		if (i == 0 || other[i] != other[i - 1]) {
			of->value[of->n_values] = other[i];
			of->times[of->n_values++] = 0;
		}
		of->times[of->n_values - 1]++;
	}
}

void negbin_pool_prepare(struct negbin_pool *p, size_t gene)
{
	if (p->prepared[gene])
		return;
	const struct sparse_cols *x = p->counts;
	size_t begin = x->start[gene], end = x->start[gene + 1];
	double *other = mem_array(end - begin, sizeof *other);
	for (size_t g = 0; g < p->n_groups; g++) {
		struct negbin_counts *of = &p->of[gene * p->n_groups + g];
		double seen[SMALL] = { 0 }, logs[SMALL] = { 0 };
		size_t n_other = 0;
		for (size_t i = begin; i < end; i++) {
			double y = x->value[i];
			if (p->group_of[x->row[i]] != g || !(y > 0))
				continue;
			size_t k = y < SMALL ? (size_t)y : 0;
			bool small = k && (double)k == y;
			double z = small && logs[k] > 0 ? logs[k] : log1p(y);
			if (small) {
				logs[k] = z;
				seen[k]++;
			} else {
				other[n_other++] = y;
			}
			of->sum_log += z;
			of->sum_log_c += z * p->c[x->row[i]];
		}
		make_distinct(of, seen, other, n_other);
		of->node = p->group[g].nodes ? mem_zero(M, sizeof *of->node) : NULL;
	}
	mem_free(other);
	sum_nodes(p, gene);
	p->prepared[gene] = true;
}
