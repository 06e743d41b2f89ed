#include "perturb/programs.h"
#include "base/mem.h"
#include "num/decimals.h"
#include "stats/distribution.h"
#include "stats/multicca.h"
#include <math.h>
#include <string.h>

size_t programs_tree(const struct programs_tree_options *o, const double *z, size_t n_rows, size_t n, int threads, struct linkage_step *step,
		     uint32_t *program, double *height, bool *prototype)
{
	double *d = mem_array(n * n, sizeof *d);
	correlation_matrix((enum correlation_method)o->correlation, z, n_rows, n, threads, d);
	for (size_t i = 0; i < n * n; i++)
		d[i] = 1 - fabs(d[i]);
	linkage((enum linkage_method)o->linkage, d, n, step);
	uint32_t *cluster = mem_array(n, sizeof *cluster), *centre = mem_array(n, sizeof *centre);
	size_t n_clusters = linkage_cut(step, n, o->height, cluster, centre), n_programs = 0;
	size_t *size = mem_zero(n_clusters, sizeof *size);
	uint32_t *number = mem_array(n_clusters, sizeof *number);
	for (size_t i = 0; i < n; i++)
		size[cluster[i]]++;
	for (size_t k = 0; k < n_clusters; k++)
		number[k] = size[k] > 1 ? (uint32_t)n_programs++ : PROGRAM_NONE;
	for (size_t i = 0; i < n; i++) {
		program[i] = number[cluster[i]];
		prototype[i] = program[i] != PROGRAM_NONE && centre[i] == i;
	}
	for (size_t s = 0; s + 1 < n; s++)
		for (int side = 0; side < 2; side++)
			if (step[s].joined[side] < 0)
				height[-step[s].joined[side] - 1] = step[s].height;
	mem_free(d);
	mem_free(cluster);
	mem_free(centre);
	mem_free(size);
	mem_free(number);
	return n_programs;
}

/* What is left of a matrix. */
struct part {
	uint32_t matrix;
	size_t n;
	uint32_t *column;
	double *z;                      /* n_rows x n */
	double *weight;
	double *variate;                /* n_rows */
	double *correlation;            /* n x parts of the round */
	bool *counts;                   /* the same */
	bool *member;
};

/* The matrices of a round, in the order in which the reference has them. */
struct round {
	const struct programs_shared_options *o;
	size_t n_rows, n;
	struct part **part;
	struct part **aside;
	size_t n_aside;
};

static struct part *part_new(const struct programs_matrix *m, uint32_t matrix, size_t n_rows, size_t n_matrices)
{
	struct part *p = mem_zero(1, sizeof *p);
	p->matrix = matrix;
	p->n = m->n;
	p->column = mem_array(m->n, sizeof *p->column);
	p->z = mem_array(m->n * n_rows, sizeof *p->z);
	p->weight = mem_array(m->n, sizeof *p->weight);
	p->variate = mem_array(n_rows, sizeof *p->variate);
	p->correlation = mem_array(m->n * n_matrices, sizeof *p->correlation);
	p->counts = mem_array(m->n * n_matrices, sizeof *p->counts);
	p->member = mem_zero(m->n, sizeof *p->member);
	memcpy(p->z, m->z, m->n * n_rows * sizeof *p->z);
	for (size_t j = 0; j < m->n; j++)
		p->column[j] = (uint32_t)j;
	return p;
}

static void part_free(struct part *p)
{
	mem_free(p->column);
	mem_free(p->z);
	mem_free(p->weight);
	mem_free(p->variate);
	mem_free(p->correlation);
	mem_free(p->counts);
	mem_free(p->member);
	mem_free(p);
}

/* Matrices with one column behind the others; empty ones go. Returns the number of the larger ones. */
static size_t line_up(struct round *r)
{
	struct part **single = mem_array(r->n, sizeof *single);
	size_t n_larger = 0, n_single = 0;
	for (size_t i = 0; i < r->n; i++)
		if (r->part[i]->n > 1)
			r->part[n_larger++] = r->part[i];
		else if (r->part[i]->n == 1)
			single[n_single++] = r->part[i];
	for (size_t i = 0; i < n_single; i++)
		r->part[n_larger + i] = single[i];
	r->n = n_larger + n_single;
	mem_free(single);
	return n_larger;
}

/* Weights and variates of all matrices; false when nothing can be fitted. */
static bool fit(struct round *r)
{
	size_t n_larger = line_up(r), n_fit = n_larger == 1 && !r->o->as_reference ? r->n : n_larger;
	if (!n_larger || r->n < 2 || n_fit < 2)
		return false;
	struct multicca_matrix *m = mem_array(n_fit, sizeof *m);
	for (size_t i = 0; i < r->n; i++)
		r->part[i]->weight[0] = 1;
	for (size_t i = 0; i < n_fit; i++)
		m[i] = (struct multicca_matrix){ r->part[i]->z, r->part[i]->n, r->part[i]->weight };
	bool fitted = multicca(&(struct multicca_options){ r->o->penalty, r->o->as_reference }, m, n_fit, r->n_rows) > 0;
	for (size_t i = 0; i < r->n; i++) {
		struct part *p = r->part[i];
		for (size_t g = 0; g < r->n_rows; g++) {
			p->variate[g] = 0;
			for (size_t j = 0; j < p->n; j++)
				p->variate[g] += p->z[j * r->n_rows + g] * p->weight[j];
		}
	}
	mem_free(m);
	return fitted;
}

/* Sets the matrix aside that is correlated least, when it is too little. */
static bool set_aside(struct round *r)
{
	size_t worst = 0;
	double least = INFINITY;
	for (size_t i = 0; i < r->n; i++) {
		double sum = 0;
		for (size_t k = 0; k < r->n; k++)
			if (k != i)
				sum += fabs(correlation_pearson(r->part[i]->variate, r->part[k]->variate, r->n_rows));
		if (sum / (double)(r->n - 1) < least) {
			least = sum / (double)(r->n - 1);
			worst = i;
		}
	}
	if (least >= r->o->matrices)
		return false;
	r->aside[r->n_aside++] = r->part[worst];
	memmove(r->part + worst, r->part + worst + 1, (r->n - worst - 1) * sizeof *r->part);
	r->n--;
	return true;
}

static double p_of(double correlation, size_t n)
{
	double df = (double)n - 2;
	return exp(distribution_log_t_two_sided(correlation * sqrt(df / (1 - correlation * correlation)), df));
}

/* Correlations of each column with each variate, and for which variates it counts; true if for any but its own. */
static bool judge(const struct round *r, size_t own)
{
	struct part *p = r->part[own];
	bool any = false;
	for (size_t j = 0; j < p->n; j++) {
		double *c = p->correlation + j * r->n, sum = 0;
		for (size_t k = 0; k < r->n; k++) {
			c[k] = correlation_pearson(p->z + j * r->n_rows, r->part[k]->variate, r->n_rows);
			sum += k == own ? 0 : fabs(c[k]);
		}
		bool strong = decimals_round(fabs(c[own]), 2) >= r->o->own && decimals_round(sum / (double)(r->n - 1), 2) >= r->o->others;
		for (size_t k = 0; k < r->n; k++) {
			p->counts[j * r->n + k] = strong && p_of(c[k], r->n_rows) <= r->o->p;
			any = any || (k != own && p->counts[j * r->n + k]);
		}
	}
	return any;
}

/* in_list: the matrices whose columns are looked at; in_rows: those whose variates are. */
static size_t mark(const struct round *r, const bool *in_list, const bool *in_rows, size_t least)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++)
		for (size_t j = 0; j < r->part[i]->n; j++) {
			size_t sum = 0;
			for (size_t k = 0; k < r->n; k++)
				sum += in_rows[k] && r->part[i]->counts[j * r->n + k];
			r->part[i]->member[j] = in_list[i] && sum && sum >= least;
			n += r->part[i]->member[j];
		}
	return n;
}

/* The matrices that leave the list; the reference counts places in a list that shrinks meanwhile. */
static void leave(const struct round *r, const bool *in_rows, bool *in_list)
{
	size_t n = r->n;
	uint32_t *place = mem_array(n, sizeof *place);
	for (size_t i = 0; i < r->n; i++)
		place[i] = (uint32_t)i;
	for (size_t i = 0; i < r->n; i++) {
		if (in_rows[i])
			continue;
		if (!r->o->as_reference) {
			in_list[i] = false;
		} else if (i < n) {
			in_list[place[i]] = false;
			memmove(place + i, place + i + 1, (n - i - 1) * sizeof *place);
			n--;
		}
	}
	mem_free(place);
}

/* Marks the members of the round; false where there are fewer than two. */
static bool find_members(const struct round *r)
{
	bool *in_rows = mem_array(r->n, sizeof *in_rows), *in_list = mem_array(r->n, sizeof *in_list);
	size_t n_rows = 0, n_list = 0, n_columns = 0, found = 0;
	for (size_t i = 0; i < r->n; i++) {
		in_rows[i] = judge(r, i);
		in_list[i] = true;
		n_rows += in_rows[i];
	}
	leave(r, in_rows, in_list);
	for (size_t i = 0; i < r->n; i++) {
		n_list += in_list[i];
		n_columns += in_list[i] ? r->part[i]->n : 0;
	}
	if (n_columns > 1 && n_rows > 1 && mark(r, in_list, in_rows, 1) > 1) {
		size_t least = r->n < n_list ? r->n : n_list;
		found = mark(r, in_list, in_rows, least);
		while (found < 2 && --least > 1)
			found = mark(r, in_list, in_rows, least);
	}
	mem_free(in_rows);
	mem_free(in_list);
	return found > 1;
}

/* Writes the columns of the round down, and takes the members out. */
static void take(struct round *r, uint32_t program, struct programs_loading **loading, size_t *n, size_t *cap)
{
	for (size_t i = 0; i < r->n; i++) {
		struct part *p = r->part[i];
		size_t kept = 0;
		mem_room(loading, cap, *n + p->n, sizeof **loading);
		for (size_t j = 0; j < p->n; j++) {
			double sum = 0;
			for (size_t k = 0; k < r->n; k++)
				sum += p->correlation[j * r->n + k];
			(*loading)[(*n)++] = (struct programs_loading){ program, p->matrix, p->column[j], p->weight[j], sum / (double)r->n,
				p->member[j] };
			if (p->member[j])
				continue;
			memmove(p->z + kept * r->n_rows, p->z + j * r->n_rows, r->n_rows * sizeof *p->z);
			p->column[kept++] = p->column[j];
		}
		p->n = kept;
	}
}

size_t programs_shared(const struct programs_shared_options *o, const struct programs_matrix *m, size_t n_matrices, size_t n_rows,
		       struct programs_loading **loading, size_t *n_loadings)
{
	struct round r = { .o = o, .n_rows = n_rows, .n = n_matrices, .part = mem_array(n_matrices, sizeof *r.part),
			   .aside = mem_array(n_matrices, sizeof *r.aside) };
	struct part **all = mem_array(n_matrices, sizeof *all);
	size_t cap = 0;
	uint32_t n_programs = 0;
	*loading = NULL;
	*n_loadings = 0;
	for (size_t i = 0; i < n_matrices; i++)
		all[i] = r.part[i] = part_new(&m[i], (uint32_t)i, n_rows, n_matrices);
	while (n_programs < o->most) {
		memcpy(r.part + r.n, r.aside, r.n_aside * sizeof *r.part);
		r.n += r.n_aside;
		r.n_aside = 0;
		bool fitted;
		while ((fitted = fit(&r)) && set_aside(&r))
			;
		if (!fitted || !find_members(&r))
			break;
		take(&r, n_programs++, loading, n_loadings, &cap);
	}
	for (size_t i = 0; i < n_matrices; i++)
		part_free(all[i]);
	mem_free(all);
	mem_free(r.part);
	mem_free(r.aside);
	return n_programs;
}
