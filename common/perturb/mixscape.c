#include "perturb/mixscape.h"
#include "base/mem.h"
#include "stats/mixture.h"
#include <math.h>
#include <string.h>

const char *const mixscape_reason_name[MIXSCAPE_N_REASONS] = { NULL, "too_few_cells", "too_few_controls", "too_few_markers", "no_label",
	"no_split", "no_signature", "no_direction", "no_spread_of_controls", "no_controls_in_split", "too_few_perturbed", "no_second_population" };

struct round {
	const struct mixscape_options *o;
	const struct mixscale_input *in;
	const enum mixscape_call *call;
	const uint32_t *order;
	int threads;
	size_t n_called;                /* cells called KO */
	double *v, *p;
};

/* Mean and standard deviation (n - 1) of p over the controls, or over the cells called. */
static void spread(const struct round *r, bool controls, double *mean, double *sd)
{
	const double *p = controls ? r->p + r->in->n_target : r->p;
	size_t n = controls ? r->in->n_control : r->in->n_target, used = controls ? n : r->n_called;
	double sum = 0, square = 0;
	for (size_t i = 0; i < n; i++)
		sum += controls || r->call[i] == MIXSCAPE_KO ? p[i] : 0;
	*mean = sum / (double)used;
	for (size_t i = 0; i < n; i++)
		if (controls || r->call[i] == MIXSCAPE_KO)
			square += (p[i] - *mean) * (p[i] - *mean);
	*sd = sqrt(square / (double)(used - 1));
}

/* The direction from the controls to the cells called KO, and the place of every cell along it. */
static bool project(struct round *r)
{
	const struct mixscale_input *in = r->in;
	size_t n = in->n_target + in->n_control;
#pragma omp parallel for schedule(static) num_threads(r->threads) if (r->threads > 1 && in->n_genes > 8)
	for (size_t g = 0; g < in->n_genes; g++) {
		const double *d = in->d + g * n;
		double own = 0, control = 0;
		for (size_t i = 0; i < in->n_target; i++)
			own += r->call[i] == MIXSCAPE_KO ? d[i] : 0;
		for (size_t i = in->n_target; i < n; i++)
			control += d[i];
		r->v[g] = own / (double)r->n_called - control / (double)in->n_control;
	}
	double vv = 0;
	memset(r->p, 0, n * sizeof *r->p);
	for (size_t g = 0; g < in->n_genes; g++) {
		vv += r->v[g] * r->v[g];
		for (size_t i = 0; i < n; i++)
			r->p[i] += in->d[g * n + i] * r->v[g];
	}
	for (size_t i = 0; i < n && vv > 0; i++)
		r->p[i] /= vv;
	return vv > 0;
}

static bool fit(const struct round *r, struct mixture *m)
{
	size_t n = r->in->n_target + r->in->n_control;
	if (r->o->compat == MIXSCAPE_PERTPY) {
		double *p = mem_array(n, sizeof *p);
		for (size_t i = 0; i < n; i++)
			p[i] = r->p[r->order ? r->order[i] : i];
		mixture_fit_sklearn(m, p, n);
		mem_free(p);
		return true;
	}
	if (r->o->compat == MIXSCAPE_SEURAT) {
		/* WhichCells() sets R's seed to 1 just before mixtools draws these. */
		m->weight[0] = 0.41639759109066954;
		m->weight[1] = 0.58360240890933046;
		return mixture_fit_mixtools(m, r->p, n);
	}
	return mixture_fit(m, r->p, n);
}

/* The calls of the next round from the posteriors; the number of cells called KO. */
static size_t call_cells(const struct mixscape_options *o, const double *p_ko, size_t n, enum mixscape_call *call)
{
	size_t called = 0;
	for (size_t i = 0; i < n; i++) {
		if (p_ko[i] > 0.5)
			call[i] = MIXSCAPE_KO;
		else if (p_ko[i] < 0.5 || o->compat != MIXSCAPE_SEURAT)
			call[i] = MIXSCAPE_NP;
		called += call[i] == MIXSCAPE_KO;
	}
	return called;
}

/* Too few cells answer: the references give those called before a class without a name. */
static void give_up(const struct mixscape_options *o, const enum mixscape_call *before, size_t n, enum mixscape_call *call)
{
	for (size_t i = 0; i < n; i++)
		if (o->compat == MIXSCAPE_OWN)
			call[i] = MIXSCAPE_NP;
		else if (before[i] == MIXSCAPE_KO)
			call[i] = MIXSCAPE_BARE_NP;
}

static enum mixscape_reason iterate(struct round *r, double *projection, enum mixscape_call *before, enum mixscape_call *call, double *p_ko)
{
	const struct mixscape_options *o = r->o;
	size_t n = r->in->n_target;
	long least = o->compat == MIXSCAPE_OWN ? o->min_cells : o->min_de_genes;
	for (long round = 0; round < o->iter_num; round++) {
		struct mixture m = { 0 };
		if (!project(r))
			return MIXSCAPE_NO_DIRECTION;
		if (round == 0 && projection)
			memcpy(projection, r->p, (n + r->in->n_control) * sizeof *projection);
		spread(r, true, &m.mean[0], &m.sd[0]);
		spread(r, false, &m.mean[1], &m.sd[1]);
		if (!(m.sd[0] > 0))
			return MIXSCAPE_NO_SPREAD;
		bool fitted = m.sd[1] > 0 && fit(r, &m);
		if (!fitted) {
			give_up(o, before, n, call);
			return MIXSCAPE_NO_SECOND;
		}
		for (size_t i = 0; i < n; i++)
			p_ko[i] = o->compat == MIXSCAPE_SEURAT ? mixture_posterior_r(&m, r->p[i])
							      : mixture_posterior(&m, r->p[i], o->compat == MIXSCAPE_PERTPY);
		r->n_called = call_cells(o, p_ko, n, call);
		if (r->n_called < (size_t)least) {
			give_up(o, before, n, call);
			return MIXSCAPE_FEW_PERTURBED;
		}
		if (!memcmp(before, call, n * sizeof *call))
			break;
		memcpy(before, call, n * sizeof *call);
	}
	return MIXSCAPE_CLASSIFIED;
}

enum mixscape_reason mixscape_classify(const struct mixscape_options *o, const struct mixscale_input *in, const uint32_t *order,
				       int threads, double *projection, enum mixscape_call *call, double *p_ko)
{
	size_t n = in->n_target + in->n_control;
	if (in->n_target < 2 || (o->compat == MIXSCAPE_OWN && in->n_target < (size_t)o->min_cells))
		return MIXSCAPE_FEW_CELLS;
	if (in->n_control < 2)
		return MIXSCAPE_FEW_CONTROLS;
	for (size_t g = 0; o->scale && g < in->n_genes; g++)
		mixscale_standardise(in->d + g * n, n, o->compat == MIXSCAPE_PERTPY ? INFINITY : MIXSCALE_CLIP);
	enum mixscape_call *before = mem_array(in->n_target, sizeof *before);
	struct round r = { o, in, before, order, threads, in->n_target, mem_array(in->n_genes, sizeof *r.v), mem_array(n, sizeof *r.p) };
	for (size_t i = 0; i < in->n_target; i++)
		before[i] = call[i] = MIXSCAPE_KO;
	enum mixscape_reason reason = iterate(&r, projection, before, call, p_ko);
	if (reason == MIXSCAPE_NO_DIRECTION || reason == MIXSCAPE_NO_SPREAD)
		for (size_t i = 0; i < in->n_target; i++)
			call[i] = MIXSCAPE_NP;
	mem_free(r.v);
	mem_free(r.p);
	mem_free(before);
	return reason;
}
