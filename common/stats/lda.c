#include "stats/lda.h"
#include "base/mem.h"
#include "num/eigen.h"
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double tolerance = 1e-4;
enum { CHUNK = 256 };

const char *const lda_reason_text[LDA_N_REASONS] = { NULL, "there are fewer than two classes with cells", "there are no more cells than classes",
	"nothing varies within the classes", "the means of the classes are the same", "the decomposition did not converge" };

struct lda *lda_new(size_t n_variables, size_t n_classes)
{
	struct lda *l = mem_zero(1, sizeof *l);
	l->n_variables = n_variables;
	l->n_classes = n_classes;
	l->count = mem_zero(n_classes, sizeof *l->count);
	l->mean = mem_zero(n_classes * n_variables, sizeof *l->mean);
	l->scatter = mem_zero(n_variables * n_variables, sizeof *l->scatter);
	return l;
}

void lda_free(struct lda *l)
{
	if (!l)
		return;
	mem_free(l->count);
	mem_free(l->mean);
	mem_free(l->scatter);
	mem_free(l->prior);
	mem_free(l->centre);
	mem_free(l->sphere);
	mem_free(l->scaling);
	mem_free(l->singular);
	mem_free(l->class_sphere);
	mem_free(l->class_at);
	mem_free(l);
}

void lda_learn(struct lda *l, size_t class, const double *x, size_t n)
{
	size_t p = l->n_variables;
	double *mean = l->mean + class * p;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < p; j++)
			mean[j] += x[i * p + j];
	for (size_t j = 0; n && j < p; j++)
		mean[j] /= (double)n;
	double *rest = mem_array(CHUNK * p, sizeof *rest);
	openblas_set_num_threads(1);
	for (size_t from = 0; from < n; from += CHUNK) {
		size_t rows = n - from < CHUNK ? n - from : CHUNK;
		for (size_t i = 0; i < rows; i++)
			for (size_t j = 0; j < p; j++)
				rest[i * p + j] = x[(from + i) * p + j] - mean[j];
		cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (blasint)p, (blasint)rows, 1, rest, (blasint)p, 1, l->scatter, (blasint)p);
	}
	mem_free(rest);
	l->count[class] = n;
	l->n += n;
	l->g += n > 0;
}

/* S, from the eigenvectors of W in units of the deviations within the classes. */
static enum lda_reason settle_within(struct lda *l)
{
	size_t p = l->n_variables;
	double *unit = mem_array(p, sizeof *unit), *w = mem_array(p * p, sizeof *w);
	for (size_t j = 0; j < p; j++) {
		double sd = sqrt(l->scatter[j * p + j] / (double)(l->n - 1));
		unit[j] = sd > tolerance ? 1 / sd : 0;
	}
	for (size_t i = 0; i < p; i++)
		for (size_t j = i; j < p; j++)
			w[i * p + j] = w[j * p + i] = l->scatter[i * p + j] * unit[i] * unit[j] / (double)(l->n - l->g);
	struct eigen_result e = eigen_small(w, p, p);
	size_t r = 0;
	while (r < p && sqrt(e.value[r]) > tolerance)
		r++;
	l->rank_within = r;
	l->sphere = mem_array(p * r, sizeof *l->sphere);
	for (size_t i = 0; i < p; i++)
		for (size_t j = 0; j < r; j++)
			l->sphere[i * r + j] = unit[i] * e.vector[i * p + j] / sqrt(e.value[j]);
	bool failed = p && isnan(e.value[0]);
	eigen_free(&e);
	mem_free(unit);
	mem_free(w);
	return failed ? LDA_NOT_CONVERGED : r ? LDA_DONE : LDA_NO_SPREAD;
}

/* out (n x k) = (x - centre) m, m p x k; centre may be NULL. Each row on its own. */
static void times(const double *x, size_t n, size_t p, const double *centre, const double *m, size_t k, int threads, double *out)
{
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1 && n > 64)
	for (size_t i = 0; i < n; i++) {
		double *row = out + i * k;
		memset(row, 0, k * sizeof *row);
		for (size_t j = 0; j < p; j++) {
			double v = x[i * p + j] - (centre ? centre[j] : 0);
			for (size_t c = 0; c < k; c++)
				row[c] += v * m[j * k + c];
		}
	}
}

static enum lda_reason settle_between(struct lda *l)
{
	size_t p = l->n_variables, g = l->n_classes, r = l->rank_within, least = g < r ? g : r;
	double *at_centre = mem_zero(r, sizeof *at_centre), *between = mem_array(g * r, sizeof *between);
	double *u = mem_array(g * least, sizeof *u), *v = mem_array(least * r, sizeof *v), *rotate = mem_array(r * least, sizeof *rotate);
	l->class_sphere = mem_array(g * r, sizeof *l->class_sphere);
	l->singular = mem_array(least, sizeof *l->singular);
	times(l->mean, g, p, NULL, l->sphere, r, 1, l->class_sphere);
	for (size_t c = 0; c < g; c++)
		for (size_t j = 0; j < r; j++)
			at_centre[j] += l->prior[c] * l->class_sphere[c * r + j];
	for (size_t c = 0; c < g; c++)
		for (size_t j = 0; j < r; j++)
			between[c * r + j] = sqrt((double)l->n * l->prior[c] / (double)(l->g - 1)) * (l->class_sphere[c * r + j] - at_centre[j]);
	openblas_set_num_threads(1);
	lapack_int status = LAPACKE_dgesdd(LAPACK_ROW_MAJOR, 'S', (lapack_int)g, (lapack_int)r, between, (lapack_int)r, l->singular, u,
					   (lapack_int)least, v, (lapack_int)r);
	size_t rank = 0;
	while (!status && rank < least && l->singular[rank] > tolerance * l->singular[0])
		rank++;
	l->rank = rank;
	for (size_t j = 0; j < r; j++)
		for (size_t k = 0; k < rank; k++)
			rotate[j * rank + k] = v[k * r + j];
	l->scaling = mem_array(p * rank, sizeof *l->scaling);
	l->class_at = mem_array(g * rank, sizeof *l->class_at);
	times(l->sphere, p, r, NULL, rotate, rank, 1, l->scaling);
	eigen_fix_signs(l->scaling, p, rank);
	times(l->mean, g, p, l->centre, l->scaling, rank, 1, l->class_at);
	mem_free(at_centre);
	mem_free(between);
	mem_free(u);
	mem_free(v);
	mem_free(rotate);
	return status ? LDA_NOT_CONVERGED : rank ? LDA_DONE : LDA_SAME_MEANS;
}

enum lda_reason lda_settle(struct lda *l)
{
	size_t p = l->n_variables;
	if (l->g < 2)
		return LDA_FEW_CLASSES;
	if (l->n <= l->g)
		return LDA_FEW_ROWS;
	l->prior = mem_array(l->n_classes, sizeof *l->prior);
	l->centre = mem_zero(p, sizeof *l->centre);
	for (size_t c = 0; c < l->n_classes; c++) {
		l->prior[c] = (double)l->count[c] / (double)l->n;
		for (size_t j = 0; j < p; j++)
			l->centre[j] += l->prior[c] * l->mean[c * p + j];
	}
	enum lda_reason reason = settle_within(l);
	return reason ? reason : settle_between(l);
}

/* exp(-d) over its sum, d[k] a distance; in place. */
static void to_posterior(double *d, size_t g)
{
	double least = INFINITY, sum = 0;
	for (size_t k = 0; k < g; k++)
		least = d[k] < least ? d[k] : least;
	for (size_t k = 0; k < g; k++)
		sum += d[k] = exp(least - d[k]);
	for (size_t k = 0; k < g; k++)
		d[k] /= sum;
}

void lda_place(const struct lda *l, const double *x, size_t n, int threads, double *coordinates, double *posterior)
{
	size_t r = l->rank, g = l->n_classes;
	times(x, n, l->n_variables, l->centre, l->scaling, r, threads, coordinates);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1 && n > 64)
	for (size_t i = 0; i < n; i++) {
		double *d = posterior + i * g;
		for (size_t k = 0; k < g; k++) {
			double half = 0, inner = 0;
			for (size_t j = 0; j < r; j++) {
				half += l->class_at[k * r + j] * l->class_at[k * r + j];
				inner += l->class_at[k * r + j] * coordinates[i * r + j];
			}
			d[k] = l->prior[k] > 0 ? 0.5 * half - log(l->prior[k]) - inner : INFINITY;
		}
		to_posterior(d, g);
		/* All of a row without coordinates is NaN, empty classes too. */
		for (size_t k = 0; r && isnan(coordinates[i * r]) && k < g; k++)
			d[k] = NAN;
	}
}

void lda_leave_one_out(const struct lda *l, const double *x, const uint32_t *class, size_t n, int threads, double *posterior)
{
	size_t r = l->rank_within, g = l->n_classes;
	double *z = mem_array(n * r, sizeof *z), freedom = (double)l->n - (double)l->g, shrink = (freedom - 1) / freedom;
	times(x, n, l->n_variables, NULL, l->sphere, r, threads, z);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1 && n > 64)
	for (size_t i = 0; i < n; i++) {
		if (class[i] == UINT32_MAX)
			continue;
		const double *own = l->class_sphere + class[i] * r;
		double *d = posterior + i * g, count = (double)l->count[class[i]], c = count / ((count - 1) * freedom), self = 0;
		for (size_t j = 0; j < r; j++)
			self += (z[i * r + j] - own[j]) * (z[i * r + j] - own[j]);
		for (size_t k = 0; k < g; k++) {
			double square = 0, cross = 0;
			for (size_t j = 0; j < r; j++) {
				double deviation = z[i * r + j] - l->class_sphere[k * r + j];
				square += deviation * deviation;
				cross += deviation * (z[i * r + j] - own[j]);
			}
			double distance = k == class[i] ? shrink * square * (count / (count - 1)) * (count / (count - 1)) / (1 - c * self)
							: shrink * (square + cross * cross * c / (1 - c * self));
			d[k] = count < 2 ? NAN : l->prior[k] > 0 ? 0.5 * distance - log(l->prior[k]) : INFINITY;
		}
		if (count > 1)
			to_posterior(d, g);
	}
	mem_free(z);
}
