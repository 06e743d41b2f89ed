#include "perturb/weighted_de.h"
#include "base/mem.h"
#include "perturb/markers.h"
#include "stats/distribution.h"
#include "stats/negbin.h"
#include <math.h>
#include <string.h>

const char *const weighted_de_reason_name[WDE_N_REASONS] = { NULL, "separation", "not_converged", "singular", "no_dispersion" };

struct weighted_de_result *weighted_de_result_new(size_t n_genes, size_t n_runs)
{
	struct weighted_de_result *r = mem_zero(1, sizeof *r);
	size_t n = n_genes * n_runs;
	*r = (struct weighted_de_result){ n_genes, n_runs, mem_zero(n_genes, 1), mem_zero(n_genes, 1), mem_array(n_genes, sizeof(double)),
		mem_array(n_genes, sizeof(double)), mem_array(n_genes, sizeof(double)), mem_array(n, sizeof(double)),
		mem_array(n, sizeof(double)), mem_array(n, sizeof(double)), mem_array(n, sizeof(double)), 0 };
	for (size_t g = 0; g < n_genes; g++)
		r->dispersion[g] = r->trend[g] = r->deviance[g] = NAN;
	for (size_t i = 0; i < n; i++)
		r->log2fc[i] = r->beta[i] = r->se[i] = r->log_p[i] = NAN;
	return r;
}

void weighted_de_result_free(struct weighted_de_result *r)
{
	if (!r)
		return;
	mem_free(r->method);
	mem_free(r->reason);
	mem_free(r->dispersion);
	mem_free(r->trend);
	mem_free(r->deviance);
	mem_free(r->log2fc);
	mem_free(r->beta);
	mem_free(r->se);
	mem_free(r->log_p);
	mem_free(r);
}

/* The target's cells in the order of the design: run by run. */
struct layout {
	size_t *n;      /* by run */
	size_t *place;  /* of each cell in its run, SIZE_MAX where left out */
	double *c;
};

static void lay_out(const struct weighted_de_input *in, struct layout *l)
{
	l->n = mem_zero(in->n_runs, sizeof *l->n);
	l->place = mem_array(in->own->n_rows, sizeof *l->place);
	l->c = mem_array(in->own->n_rows, sizeof *l->c);
	for (size_t i = 0; i < in->own->n_rows; i++) {
		l->place[i] = in->own_run[i] == UINT32_MAX ? SIZE_MAX : l->n[in->own_run[i]]++;
		l->c[i] = log10(in->own_total[i]);
	}
}

/* A design with the weights `w` of the target's cells (NULL: 1), or without weights. */
static struct negbin_design *design(const struct weighted_de_input *in, const struct layout *l, bool weighted, const double *w)
{
	struct negbin_design *d = negbin_design_new(l->n, in->n_runs, weighted, in->controls, in->group);
	for (size_t i = 0; i < in->own->n_rows; i++)
		if (l->place[i] != SIZE_MAX) {
			size_t at = d->start[in->own_run[i]] + l->place[i];
			d->c[at] = l->c[i];
			if (weighted)
				d->w[at] = w ? w[i] : 1;
		}
	return d;
}

struct side {
	double sum, positive;
};

/* Fold changes of a gene in every run; true when it passes in one. A run where too few cells express it has none. */
static bool filter(const struct weighted_de_options *o, const struct weighted_de_input *in, const struct layout *l, size_t gene,
		   struct side *own, double *log2fc)
{
	bool passes = false;
	const struct sparse_cols *x = in->own;
	memset(own, 0, in->n_runs * sizeof *own);
	for (size_t i = x->start[gene]; i < x->start[gene + 1]; i++)
		if (in->own_run[x->row[i]] != UINT32_MAX) {
			own[in->own_run[x->row[i]]].sum += x->value[i];
			own[in->own_run[x->row[i]]].positive += x->value[i] > 0;
		}
	for (size_t r = 0; r < in->n_runs; r++) {
		const struct negbin_counts *control = &in->controls->of[gene * in->controls->n_groups + in->group[r]];
		double n = (double)l->n[r], m = (double)in->controls->group[in->group[r]].n;
		double fc = log2((own[r].sum + 1) / n) - log2((control->sum + 1) / m);
		bool seen = (markers_round3(own[r].positive / n) >= o->min_pct || markers_round3(control->n_positive / m) >= o->min_pct) &&
			    (own[r].positive >= (double)o->min_cells || control->n_positive >= (double)o->min_cells);
		log2fc[r] = seen ? fc : NAN;
		passes = passes || (seen && fabs(fc) >= o->logfc_threshold);
	}
	return passes;
}

/* What one thread needs. */
struct worker {
	struct negbin_room *room;
	double *y, *beta, *se;
};

static struct worker *workers_new(const struct negbin_design *d, int n)
{
	struct worker *w = mem_array((size_t)n, sizeof *w);
	size_t p = 2 * d->n_runs + 1;
	for (int i = 0; i < n; i++)
		w[i] = (struct worker){ negbin_room_new(d), mem_array(d->n_places, sizeof(double)),
					mem_array(p, sizeof(double)), mem_array(p, sizeof(double)) };
	return w;
}

static void workers_free(struct worker *w, int n)
{
	for (int i = 0; i < n; i++) {
		negbin_room_free(w[i].room);
		mem_free(w[i].y);
		mem_free(w[i].beta);
		mem_free(w[i].se);
	}
	mem_free(w);
}

/* The counts of a gene. */
static void take(const struct weighted_de_input *in, const struct layout *l, const struct negbin_design *d, struct worker *w, size_t gene)
{
	memset(w->y, 0, d->n_places * sizeof *w->y);
	for (size_t i = in->own->start[gene]; i < in->own->start[gene + 1]; i++) {
		uint32_t cell = in->own->row[i];
		if (l->place[cell] != SIZE_MAX)
			w->y[d->start[in->own_run[cell]] + l->place[cell]] = in->own->value[i];
	}
	negbin_take(d, w->room, w->y, gene);
}

/* Does some run have no count at all at the cells with a weight, or at those without? */
static bool separated(const struct negbin_design *d, const double *y, size_t gene)
{
	for (size_t r = 0; r < d->n_runs; r++) {
		double with = 0, without = d->pool->of[gene * d->pool->n_groups + d->group[r]].sum;
		for (size_t i = d->start[r]; i < d->start[r + 1]; i++)
			*(d->w[i] > 0 ? &with : &without) += y[i];
		if (with == 0 || without == 0)
			return true;
	}
	return false;
}

/*
 * Coefficients at `trend`, errors at `dispersion`; writes the gene's row of the result. Large dispersions make
 * the scoring slow, and then its stop shows in the fifth digit: `twice` begins where the reference does, at the
 * coefficients for the moment estimate. `begun`: w->beta holds these already.
 */
static void fit_gene(const struct negbin_design *d, struct worker *w, size_t gene, bool twice, bool begun, struct weighted_de_result *out)
{
	struct negbin_fit fit = { .beta = w->beta };
	double dispersion = out->dispersion[gene], trend = isnan(out->trend[gene]) ? dispersion : out->trend[gene];
	if (isnan(dispersion)) {
		out->reason[gene] = WDE_NO_DISPERSION;
		return;
	}
	if ((twice && !begun && !negbin_betas(d, w->room, negbin_moments(d, w->room), false, &fit)) ||
	    !negbin_betas(d, w->room, trend, twice, &fit) ||
	    !negbin_standard_errors(d, w->room, w->beta, dispersion, w->se)) {
		out->reason[gene] = WDE_SINGULAR;
		return;
	}
	out->reason[gene] = separated(d, w->y, gene) ? WDE_SEPARATION : fit.converged ? WDE_FITTED : WDE_NOT_CONVERGED;
	out->deviance[gene] = fit.deviance;
	for (size_t r = 0; r < d->n_runs; r++) {
		size_t at = gene * d->n_runs + r, k = d->n_runs + 1 + r;
		double z = w->beta[k] / w->se[k];
		out->beta[at] = w->beta[k];
		out->se[at] = w->se[k];
		out->log_p[at] = distribution_log_chisq1_tail(z * z);
	}
}

/* Maximum-likelihood dispersion of the counts in hand under d, after coefficients at the moment estimate. */
static double estimate(const struct negbin_design *d, struct worker *w, double *mean)
{
	struct negbin_fit fit = { .beta = w->beta };
	double moment = negbin_moments(d, w->room);
	if (!negbin_betas(d, w->room, moment, false, &fit))
		return NAN;
	if (mean)
		*mean = negbin_mean(d, w->room, w->beta);
	return negbin_dispersion(d, w->room, moment, w->beta);
}

static int this_worker(void);
#ifdef _OPENMP
#include <omp.h>
static int this_worker(void)
{
	return omp_get_thread_num();
}
#else
static int this_worker(void)
{
	return 0;
}
#endif

/* The genes fitted together with the same weights. */
static void fit_together(const struct weighted_de_options *o, const struct weighted_de_input *in, const struct layout *l, const uint32_t *gene,
			 size_t n, enum weighted_de_method method, int threads, struct weighted_de_result *out)
{
	struct negbin_design *full = design(in, l, true, in->weight), *plain = design(in, l, false, NULL);
	struct worker *worker = workers_new(full, threads);
	bool smooth = !o->by_split, given = in->given.dispersion;
	size_t p = negbin_n_coefficients(full);
	double *begun = smooth && !given ? mem_array(n * p, sizeof *begun) : NULL;
	double *dispersion = mem_array(n, sizeof *dispersion), *mean = mem_array(n, sizeof *mean), *trend = mem_array(n, sizeof *trend);
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads) if (threads > 1)
	for (size_t i = 0; i < n; i++) {
		struct worker *w = &worker[this_worker()];
		dispersion[i] = mean[i] = NAN;
		if (!given) {
			take(in, l, smooth ? full : plain, w, gene[i]);
			dispersion[i] = estimate(smooth ? full : plain, w, &mean[i]);
			if (begun)
				memcpy(begun + i * p, w->beta, p * sizeof *begun);
		}
	}
	/* Genes without a dispersion would make the medians of their neighbours NaN. */
	size_t n_known = 0;
	double *known = mem_array(n, sizeof *known), *known_mean = mem_array(n, sizeof *known_mean);
	for (size_t i = 0; i < n; i++)
		if (!isnan(dispersion[i])) {
			known[n_known] = dispersion[i];
			known_mean[n_known++] = mean[i];
		}
	if (smooth && n_known)
		negbin_trend(known_mean, known, n_known, trend);
	for (size_t i = 0, k = 0; i < n; i++) {
		out->method[gene[i]] = (uint8_t)method;
		out->dispersion[gene[i]] = given ? in->given.dispersion[gene[i]] : dispersion[i];
		if (given)
			out->trend[gene[i]] = in->given.trend ? in->given.trend[gene[i]] : NAN;
		else if (smooth && !isnan(dispersion[i]))
			out->trend[gene[i]] = trend[k++];
	}
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads) if (threads > 1)
	for (size_t i = 0; i < n; i++) {
		struct worker *w = &worker[this_worker()];
		take(in, l, full, w, gene[i]);
		if (begun)
			memcpy(w->beta, begun + i * p, p * sizeof *begun);
		fit_gene(full, w, gene[i], smooth, begun, out);
	}
	workers_free(worker, threads);
	negbin_design_free(full);
	negbin_design_free(plain);
	mem_free(dispersion);
	mem_free(mean);
	mem_free(trend);
	mem_free(known);
	mem_free(known_mean);
	mem_free(begun);
}

/* The target's own gene with 1 as weights, and each marker with the weights that leave it out. */
static void fit_alone(const struct weighted_de_input *in, const struct layout *l, int threads, struct weighted_de_result *out)
{
	size_t n = in->n_markers + 1;
	struct negbin_design *shape = design(in, l, false, NULL);
	struct worker *worker = workers_new(shape, threads);
	negbin_design_free(shape);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
	for (size_t i = 0; i < n; i++) {
		struct worker *w = &worker[this_worker()];
		uint32_t gene = i ? in->marker[i - 1] : in->own_gene;
		if (gene == UINT32_MAX || (i && gene == in->own_gene))
			continue;
		struct negbin_design *d = design(in, l, true, i ? in->left_out + (i - 1) * in->own->n_rows : NULL);
		take(in, l, d, w, gene);
		out->method[gene] = i ? WDE_WEIGHTED : WDE_STANDARD;
		out->dispersion[gene] = in->given.dispersion ? in->given.dispersion[gene] : estimate(d, w, NULL);
		if (in->given.trend)
			out->trend[gene] = in->given.trend[gene];
		else if (!in->given.dispersion)
			out->trend[gene] = out->dispersion[gene];
		fit_gene(d, w, gene, true, !in->given.dispersion, out);
		negbin_design_free(d);
	}
	workers_free(worker, threads);
}

void weighted_de(const struct weighted_de_options *o, const struct weighted_de_input *in, int threads, struct weighted_de_result *r)
{
	struct layout l;
	lay_out(in, &l);
	struct side *room = mem_array(in->n_runs, sizeof *room);
	bool *alone = mem_zero(in->n_genes, sizeof *alone), scored = in->weight;
	for (size_t i = 0; scored && i < in->n_markers; i++)
		alone[in->marker[i]] = true;
	if (scored && in->own_gene != UINT32_MAX)
		alone[in->own_gene] = true;
	uint32_t *gene = mem_array(in->n_genes + 1, sizeof *gene);
	size_t n = 0;
	if (!scored && in->own_gene != UINT32_MAX)
		gene[n++] = in->own_gene;
	for (uint32_t g = 0; g < in->n_genes; g++)
		if (filter(o, in, &l, g, room, r->log2fc + g * in->n_runs) && !alone[g] && (scored || g != in->own_gene))
			gene[n++] = g;
	fit_together(o, in, &l, gene, n, scored ? WDE_WEIGHTED : WDE_STANDARD, threads, r);
	if (scored)
		fit_alone(in, &l, threads, r);
	for (size_t g = 0; g < in->n_genes; g++)
		r->n_tested += r->method[g] != WDE_UNTESTED;
	mem_free(room);
	mem_free(alone);
	mem_free(gene);
	mem_free(l.n);
	mem_free(l.place);
	mem_free(l.c);
}
