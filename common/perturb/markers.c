#include "perturb/markers.h"
#include "base/mem.h"
#include "num/decimals.h"
#include "num/vmath.h"
#include "stats/distribution.h"
#include "stats/logistic.h"
#include "stats/ranksum.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* FindMarkers' min.cells.group. */
enum { MIN_CELLS = 3, MIN_CELLS_PERTPY = 2 };

const char *const markers_reason_name[MARKERS_N_REASONS] = { NULL, "too_few_cells", "too_few_controls", "no_label" };

/* What a fold change and a t test need of one gene in one group. */
struct moments {
	double linear;                  /* sum of expm1(x) */
	double sum, squares;            /* of x */
	size_t n_positive;
};

struct markers_reference {
	const struct sparse_cols *x;
	struct moments *moments;        /* per gene */
	double *sorted;                 /* the values of each gene ascending, at x->start (Wilcoxon) */
	struct ranksum_reference *rank;
	struct sparse_cols *targets;    /* of the last call: its room is used again */
};

void markers_resolve(struct markers_options *o)
{
	bool pertpy = o->compat == COMPAT_PERTPY;
	if (o->test == MARKERS_AUTO)
		o->test = pertpy ? MARKERS_WILCOXON : MARKERS_LR;
	if (o->correction == MARKERS_CORRECTION_AUTO)
		o->correction = pertpy ? MARKERS_BH : MARKERS_BONFERRONI;
	if (pertpy)
		o->min_pct = 0;
}

static struct moments moments_of(const double *x, size_t n, double *scratch)
{
	struct moments m = { 0 };
	vmath_expm1(x, scratch, n);
	for (size_t i = 0; i < n; i++) {
		m.linear += scratch[i];
		m.sum += x[i];
		m.squares += x[i] * x[i];
		m.n_positive += x[i] > 0;
	}
	return m;
}

static size_t longest(const size_t *start, size_t n)
{
	size_t most = 0;
	for (size_t i = 0; i < n; i++)
		if (start[i + 1] - start[i] > most)
			most = start[i + 1] - start[i];
	return most;
}

struct markers_reference *markers_reference_new(const struct markers_options *o, const struct sparse_cols *x, int threads)
{
	struct markers_reference *r = mem_zero(1, sizeof *r);
	size_t n = x->n_cols, most = longest(x->start, n);
	r->x = x;
	r->moments = mem_array(n, sizeof *r->moments);
	bool rank = o->test == MARKERS_WILCOXON;
	if (rank) {
		r->sorted = mem_array(x->start[n], sizeof *r->sorted);
		memcpy(r->sorted, x->value, x->start[n] * sizeof *r->sorted);
		r->rank = mem_array(n, sizeof *r->rank);
	}
#pragma omp parallel num_threads(threads)
	{
		double *scratch = mem_array(most, sizeof *scratch);
#pragma omp for schedule(dynamic, 64)
		for (size_t g = 0; g < n; g++) {
			size_t k = x->start[g + 1] - x->start[g];
			r->moments[g] = moments_of(x->value + x->start[g], k, scratch);
			if (rank)
				r->rank[g] = ranksum_reference(r->sorted + x->start[g], k, x->n_rows);
		}
		mem_free(scratch);
	}
	return r;
}

void markers_reference_free(struct markers_reference *r)
{
	if (!r)
		return;
	mem_free(r->moments);
	mem_free(r->sorted);
	mem_free(r->rank);
	sparse_cols_free(r->targets);
	mem_free(r);
}

struct markers_contrast *markers_contrast_new(size_t n)
{
	struct markers_contrast *c = mem_zero(1, sizeof *c);
	c->n_genes = n;
	c->logfc = mem_array(n * 6, sizeof *c->logfc);
	c->pct_target = c->logfc + n;
	c->pct_reference = c->logfc + 2 * n;
	c->statistic = c->logfc + 3 * n;
	c->log_p = c->logfc + 4 * n;
	c->log_p_adj = c->logfc + 5 * n;
	for (size_t i = 0; i < 6 * n; i++)
		c->logfc[i] = NAN;
	c->order = mem_array(n, sizeof *c->order);
	c->marker = mem_array(n, sizeof *c->marker);
	return c;
}

void markers_contrast_free(struct markers_contrast *c)
{
	if (!c)
		return;
	mem_free(c->logfc);
	mem_free(c->order);
	mem_free(c->marker);
	mem_free(c);
}

double markers_round3(double x)
{
	return decimals_round(x, 3);
}

/* Fills fold change and shares of gene g; true when the gene passes the filters that come before the test. */
static bool describe(const struct markers_options *o, struct markers_contrast *c, size_t g, const struct moments *target,
		     const struct moments *reference)
{
	double n1 = (double)c->n_target, n2 = (double)c->n_reference;
	c->pct_target[g] = markers_round3((double)target->n_positive / n1);
	c->pct_reference[g] = markers_round3((double)reference->n_positive / n2);
	if (o->compat == COMPAT_PERTPY) {
		c->logfc[g] = (double)(float)log2((expm1(target->sum / n1) + 1e-9) / (expm1(reference->sum / n2) + 1e-9));
		return true;
	}
	c->logfc[g] = log2(target->linear / n1 + 1) - log2(reference->linear / n2 + 1);
	double high = fmax(c->pct_target[g], c->pct_reference[g]), low = fmin(c->pct_target[g], c->pct_reference[g]);
	if (high < o->min_pct || high - low < o->min_diff_pct)
		return false;
	return (o->only_positive ? c->logfc[g] : fabs(c->logfc[g])) >= o->logfc_threshold;
}

/* Welch's t test from sums. */
static void welch(const struct markers_options *o, struct markers_contrast *c, size_t g, const struct moments *a, const struct moments *b)
{
	double n1 = (double)c->n_target, n2 = (double)c->n_reference, m1 = a->sum / n1, m2 = b->sum / n2;
	double v1 = (a->squares - a->sum * m1) / (n1 - 1) / n1, v2 = (b->squares - b->sum * m2) / (n2 - 1) / n2;
	double t = (m1 - m2) / sqrt(v1 + v2), df = (v1 + v2) * (v1 + v2) / (v1 * v1 / (n1 - 1) + v2 * v2 / (n2 - 1));
	c->statistic[g] = t;
	c->log_p[g] = isfinite(t) ? distribution_log_t_two_sided(t, df) : NAN;
	if (o->compat == COMPAT_PERTPY && !isfinite(t))
		c->statistic[g] = c->log_p[g] = 0;
}

static void rank_p(const struct markers_options *o, struct markers_contrast *c, size_t g, double u, double ties)
{
	size_t n1 = c->n_target, n2 = c->n_reference;
	c->statistic[g] = u;
	if (o->compat == COMPAT_PERTPY) {
		double z = ranksum_z_plain(u, n1, n2);
		c->statistic[g] = isfinite(z) ? z : 0;
		c->log_p[g] = distribution_log_normal_two_sided(c->statistic[g]);
	} else if (n1 < 50 && n2 < 50 && ties == 0) {
		c->log_p[g] = ranksum_log_p_exact(u, n1, n2);
	} else {
		c->log_p[g] = ranksum_log_p(u, n1, n2, ties);
	}
}

/* The values of one target, as they stand in a column. */
struct slice {
	const double *value;
	size_t n;
	uint32_t target;
};

/* Buffers of one thread. */
struct scratch {
	double *linear, *u, *ties;
	uint32_t *group;
	struct slice *slice;
	struct moments *moments;
	struct ranksum_size *size;
	struct ranksum_scratch *rank;
	double *rest;
};

static struct scratch *scratch_new(const struct markers_options *o, size_t most, size_t n_groups, bool rest)
{
	struct scratch *s = mem_zero(1, sizeof *s);
	s->linear = mem_array(most, sizeof *s->linear);
	s->group = mem_array(most, sizeof *s->group);
	s->u = mem_array(n_groups, sizeof *s->u);
	s->ties = mem_array(n_groups, sizeof *s->ties);
	s->slice = mem_array(n_groups, sizeof *s->slice);
	s->moments = mem_array(n_groups, sizeof *s->moments);
	s->size = mem_array(n_groups, sizeof *s->size);
	s->rank = o->test == MARKERS_WILCOXON ? ranksum_scratch_new(most, n_groups) : NULL;
	s->rest = rest ? mem_array(most, sizeof *s->rest) : NULL;
	return s;
}

static void scratch_free(struct scratch *s)
{
	mem_free(s->linear);
	mem_free(s->group);
	mem_free(s->u);
	mem_free(s->ties);
	mem_free(s->slice);
	mem_free(s->moments);
	mem_free(s->size);
	ranksum_scratch_free(s->rank);
	mem_free(s->rest);
	mem_free(s);
}

/* Values of one gene with their rows, ascending by row. */
struct column {
	const double *value;
	const uint32_t *row;
	size_t n;
};

/* Slices of the targets in which gene g is to be tested; their number. */
static size_t describe_targets(const struct markers_options *o, const struct markers_reference *ref, const struct column *x, size_t g,
			       const size_t *start, size_t n_targets, struct markers_contrast *const *contrast, struct scratch *s)
{
	size_t n_tested = 0, end = 0;
	for (uint32_t t = 0; t < n_targets; t++) {
		struct slice slice = { x->value + end, 0, t };
		for (; end < x->n && x->row[end] < start[t + 1]; end++)
			slice.n++;
		if (contrast[t]->reason != MARKERS_DONE)
			continue;
		s->moments[n_tested] = moments_of(slice.value, slice.n, s->linear);
		if (describe(o, contrast[t], g, &s->moments[n_tested], &ref->moments[g]))
			s->slice[n_tested++] = slice;
	}
	return n_tested;
}

/* One sort for all slices: their values, each with the number of its slice. */
static void rank_slices(const struct markers_options *o, const struct ranksum_reference *ref, size_t g, size_t n_slices,
			struct markers_contrast *const *contrast, struct scratch *s)
{
	size_t n = 0;
	for (uint32_t k = 0; k < n_slices; k++) {
		memcpy(s->linear + n, s->slice[k].value, s->slice[k].n * sizeof *s->linear);
		for (size_t i = 0; i < s->slice[k].n; i++)
			s->group[n++] = k;
		s->size[k] = (struct ranksum_size){ contrast[s->slice[k].target]->n_target, s->slice[k].n };
	}
	ranksum_groups(s->linear, s->group, n, s->size, n_slices, ref, s->rank, s->u, s->ties);
	for (size_t k = 0; k < n_slices; k++)
		rank_p(o, contrast[s->slice[k].target], g, s->u[k], s->ties[k]);
}

static void likelihood_ratio(struct markers_contrast *c, size_t g, const double *target, size_t n_target, const double *reference,
			     size_t n_reference)
{
	struct logistic_result r = logistic_lr(target, n_target, c->n_target - n_target, reference, n_reference, c->n_reference - n_reference);
	c->statistic[g] = r.statistic;
	c->log_p[g] = distribution_log_chisq1_tail(r.statistic);
}

static void test_gene(const struct markers_options *o, const struct markers_reference *ref, const struct column *x, size_t g,
		      const size_t *start, size_t n_targets, struct markers_contrast *const *contrast, struct scratch *s)
{
	size_t n_slices = describe_targets(o, ref, x, g, start, n_targets, contrast, s);
	const double *reference = ref->x->value + ref->x->start[g];
	size_t n_reference = ref->x->start[g + 1] - ref->x->start[g];
	if (n_slices && o->test == MARKERS_WILCOXON)
		rank_slices(o, &ref->rank[g], g, n_slices, contrast, s);
	for (size_t k = 0; k < n_slices && o->test != MARKERS_WILCOXON; k++) {
		const struct slice *slice = &s->slice[k];
		if (o->test == MARKERS_T)
			welch(o, contrast[slice->target], g, &s->moments[k], &ref->moments[g]);
		else
			likelihood_ratio(contrast[slice->target], g, slice->value, slice->n, reference, n_reference);
	}
}

static void set_sizes(const struct markers_options *o, struct markers_contrast *c, size_t n_target, size_t n_reference)
{
	size_t least = o->compat == COMPAT_PERTPY ? MIN_CELLS_PERTPY : MIN_CELLS;
	c->n_target = n_target;
	c->n_reference = n_reference;
	c->n_tested = c->n_markers = 0;
	c->reason = n_target < least ? MARKERS_FEW_CELLS : n_reference < least ? MARKERS_FEW_CONTROLS : MARKERS_DONE;
}

void markers_find(const struct markers_options *o, struct markers_reference *reference, const struct sparse_rows *x,
		  const size_t *start, size_t n_targets, struct markers_contrast *const *contrast, int threads)
{
	struct sparse_cols *cols = reference->targets = sparse_transpose_into(reference->targets, x, threads);
	size_t most = longest(cols->start, cols->n_cols);
	for (size_t t = 0; t < n_targets; t++) {
		set_sizes(o, contrast[t], start[t + 1] - start[t], reference->x->n_rows);
		for (size_t i = 0; i < 6 * contrast[t]->n_genes; i++)
			contrast[t]->logfc[i] = NAN;
	}
#pragma omp parallel num_threads(threads)
	{
		struct scratch *s = scratch_new(o, most, n_targets, false);
#pragma omp for schedule(dynamic, 16)
		for (size_t g = 0; g < cols->n_cols; g++) {
			struct column column = { cols->value + cols->start[g], cols->row + cols->start[g], cols->start[g + 1] - cols->start[g] };
			test_gene(o, reference, &column, g, start, n_targets, contrast, s);
		}
		scratch_free(s);
#pragma omp for schedule(dynamic, 1)
		for (size_t t = 0; t < n_targets; t++)
			markers_rank(o, contrast[t]);
	}
}

static struct moments minus(struct moments a, const struct moments *b)
{
	return (struct moments){ a.linear - b->linear, a.sum - b->sum, a.squares - b->squares, a.n_positive - b->n_positive };
}

/* One gene of all targets against their rests: the reference changes with the target. */
static void test_gene_rest(const struct markers_options *o, const struct column *x, const uint32_t *group, size_t n_targets,
			   const size_t *size, size_t n_cells, bool whole, size_t g, struct markers_contrast *const *contrast,
			   struct scratch *s)
{
	struct moments all = moments_of(x->value, x->n, s->linear);
	memset(s->moments, 0, (n_targets + 1) * sizeof *s->moments);
	for (size_t t = 0; t <= n_targets; t++)
		s->size[t] = (struct ranksum_size){ size[t], 0 };
	for (size_t i = 0; i < x->n; i++) {
		uint32_t t = s->group[i] = group[x->row[i]];
		struct moments *m = &s->moments[t];
		s->size[t].n_values++;
		m->linear += s->linear[i];
		m->sum += x->value[i];
		m->squares += x->value[i] * x->value[i];
		m->n_positive += x->value[i] > 0;
	}
	double ties = 0;
	if (o->test == MARKERS_WILCOXON)
		ranksum_rest(x->value, s->group, x->n, s->size, n_targets + 1, n_cells, s->rank, s->u, &ties);
	for (size_t t = 0; t < n_targets; t++) {
		struct markers_contrast *c = contrast[t];
		struct moments rest = whole ? all : minus(all, &s->moments[t]);
		if (c->reason != MARKERS_DONE || !describe(o, c, g, &s->moments[t], &rest))
			continue;
		double n1 = (double)size[t];
		if (o->test == MARKERS_WILCOXON) {
			rank_p(o, c, g, s->u[t] + (whole ? n1 * n1 / 2 : 0), ties);
		} else if (o->test == MARKERS_T) {
			welch(o, c, g, &s->moments[t], &rest);
		} else {
			size_t n = 0, k = 0;
			for (size_t i = 0; i < x->n; i++) {
				if (s->group[i] == t)
					s->linear[n++] = x->value[i];
				if (s->group[i] != t || whole)
					s->rest[k++] = x->value[i];
			}
			likelihood_ratio(c, g, s->linear, n, s->rest, k);
		}
	}
}

void markers_find_rest(const struct markers_options *o, const struct sparse_cols *x, const uint32_t *group, size_t n_targets,
		       const size_t *size, bool whole, size_t first_gene, struct markers_contrast *const *contrast, int threads)
{
	size_t most = longest(x->start, x->n_cols), n = x->n_rows;
	for (size_t t = 0; t < n_targets; t++)
		set_sizes(o, contrast[t], size[t], whole ? n : n - size[t]);
#pragma omp parallel num_threads(threads)
	{
		struct scratch *s = scratch_new(o, most, n_targets + 1, true);
#pragma omp for schedule(dynamic, 4)
		for (size_t g = 0; g < x->n_cols; g++) {
			struct column column = { x->value + x->start[g], x->row + x->start[g], x->start[g + 1] - x->start[g] };
			test_gene_rest(o, &column, group, n_targets, size, n, whole, first_gene + g, contrast, s);
		}
		scratch_free(s);
	}
}

/* A tested gene on its way into order; p as a double where it is one, so that ties are those of the reference. */
struct entry {
	double p, log_p, statistic;
	uint32_t gene;
};

static int by_p(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	if (isnan(a->log_p) || isnan(b->log_p)) {
		if (isnan(a->log_p) != isnan(b->log_p))
			return isnan(a->log_p) ? 1 : -1;
		return a->gene < b->gene ? -1 : 1;
	}
	if (a->p != b->p)
		return a->p < b->p ? -1 : 1;
	if (a->p == 0 && a->log_p != b->log_p)
		return a->log_p < b->log_p ? -1 : 1;
	if (a->statistic != b->statistic)
		return a->statistic > b->statistic ? -1 : 1;
	return a->gene < b->gene ? -1 : 1;
}

/* Both corrections count all genes, tested or not: a filter that looked at the data spends no correction. */
static void adjust(const struct markers_options *o, struct markers_contrast *c)
{
	double n = (double)c->n_genes, running = 0;
	for (size_t i = c->n_tested; i-- > 0; ) {
		uint32_t g = c->order[i];
		double own = c->log_p[g] + log(o->correction == MARKERS_BH ? n / (double)(i + 1) : n);
		if (o->correction == MARKERS_BH && !isnan(own)) {
			running = fmin(running, own);
			own = running;
		}
		c->log_p_adj[g] = isnan(own) ? NAN : fmin(0, own);
	}
}

void markers_rank(const struct markers_options *o, struct markers_contrast *c)
{
	struct entry *entry = mem_array(c->n_genes, sizeof *entry);
	size_t n = 0;
	for (uint32_t g = 0; g < c->n_genes; g++)
		/* A tested gene whose p does not exist (all values tied) has a statistic. */
		if (!isnan(c->log_p[g]) || !isnan(c->statistic[g]))
			entry[n++] = (struct entry){ exp(c->log_p[g]), c->log_p[g], o->compat == COMPAT_PERTPY ? c->statistic[g] : 0, g };
	if (n)
		qsort(entry, n, sizeof *entry, by_p);
	c->n_tested = n;
	c->n_markers = 0;
	for (size_t i = 0; i < n; i++)
		c->order[i] = entry[i].gene;
	mem_free(entry);
	adjust(o, c);
	for (size_t i = 0; i < n; i++) {
		uint32_t g = c->order[i];
		bool far = o->compat != COMPAT_PERTPY || (o->only_positive ? c->logfc[g] : fabs(c->logfc[g])) >= o->logfc_threshold;
		if (far && exp(c->log_p_adj[g]) < o->pval_cutoff && (!o->max_genes || c->n_markers < (size_t)o->max_genes))
			c->marker[c->n_markers++] = g;
	}
}
