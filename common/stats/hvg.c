#include "stats/hvg.h"
#include "base/mem.h"
#include "stats/loess.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { BINS = 20 };
static const double SPAN = 0.3, LEAST_MEAN = 1e-12, MAD_TO_SD = 0.6744897501960817;

uint64_t hvg_bytes(enum hvg_flavor flavor, size_t n_genes, size_t n_batches)
{
	/* A number of each gene in each batch, with the ranks; some of each gene. */
	uint64_t each = flavor == HVG_VST ? 9 : 3, all = 20;
	return ((n_batches ? n_batches : 1) * each + all) * n_genes * sizeof(double);
}

struct hvg *hvg_new(enum hvg_flavor flavor, size_t n_genes, size_t n_batches, size_t n_top)
{
	struct hvg *h = mem_zero(1, sizeof *h);
	*h = (struct hvg){ .flavor = flavor, .n_genes = n_genes, .n_batches = n_batches ? n_batches : 1, .batched = n_batches, .n_top = n_top };
	double **each[] = { &h->sum, &h->squares, &h->mean, &h->sd, &h->normalised, &h->cut_sum, &h->cut_squares, &h->n_cut };
	double **all[] = { &h->means, &h->spread, &h->norm, &h->rank };
	for (size_t i = 0; i < (flavor == HVG_VST ? sizeof each / sizeof *each : 3); i++)
		*each[i] = mem_zero(h->n_batches * n_genes, sizeof **each[i]);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		*all[i] = mem_zero(n_genes, sizeof **all[i]);
	h->n_cells = mem_zero(h->n_batches, sizeof *h->n_cells);
	h->n_marked_in = mem_zero(n_genes, sizeof *h->n_marked_in);
	h->marked = mem_zero(n_genes, sizeof *h->marked);
	return h;
}

void hvg_free(struct hvg *h)
{
	if (!h)
		return;
	void *all[] = { h->sum, h->squares, h->mean, h->sd, h->normalised, h->cut_sum, h->cut_squares, h->n_cut, h->means, h->spread, h->norm, h->rank,
		h->n_cells, h->n_marked_in, h->marked, h };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		mem_free(all[i]);
}

size_t hvg_add(struct hvg *h, size_t batch, const uint32_t *gene, const double *value, size_t n)
{
	double *sum = h->sum + batch * h->n_genes, *squares = h->squares + batch * h->n_genes;
	h->n_cells[batch]++;
	for (size_t i = 0; i < n; i++) {
		double x = h->flavor == HVG_SEURAT ? expm1(value[i]) : value[i];
		if (!(x >= 0) || isinf(x))
			return i;
		sum[gene[i]] += x;
		squares[gene[i]] += x * x;
	}
	return n;
}

static double variance(double sum, double squares, double n)
{
	double v = (squares - sum * sum / n) / (n - 1);
	return v > 1e-14 * squares / n ? v : 0;
}

static double batch_variance(const struct hvg *h, size_t batch, size_t gene)
{
	size_t at = batch * h->n_genes + gene;
	return variance(h->sum[at], h->squares[at], (double)h->n_cells[batch]);
}

/* The deviation that the trend expects of each gene; 0 for those that do not vary. */
static bool find_trend(struct hvg *h, size_t batch)
{
	size_t n = 0;
	double *x = mem_array(3 * h->n_genes, sizeof *x), *y = x + h->n_genes, *fitted = y + h->n_genes;
	double *mean = h->mean + batch * h->n_genes, *sd = h->sd + batch * h->n_genes;
	for (size_t g = 0; g < h->n_genes; g++) {
		sd[g] = batch_variance(h, batch, g);
		if (!(sd[g] > 0))
			continue;
		x[n] = log10(mean[g]);
		y[n++] = log10(sd[g]);
	}
	bool good = n && loess_fit(x, y, n, SPAN, 2, fitted);
	n = 0;
	for (size_t g = 0; g < h->n_genes && good; g++)
		sd[g] = sd[g] > 0 ? sqrt(pow(10, fitted[n++])) : 0;
	mem_free(x);
	return good;
}

enum hvg_status hvg_settle(struct hvg *h, size_t *batch)
{
	for (size_t b = 0; b < h->n_batches; b++) {
		*batch = b;
		if (h->n_cells[b] == 1)
			return HVG_ONE_CELL;
		for (size_t g = 0; g < h->n_genes && h->n_cells[b]; g++)
			h->mean[b * h->n_genes + g] = h->sum[b * h->n_genes + g] / (double)h->n_cells[b];
		if (h->flavor == HVG_VST && h->n_cells[b] && !find_trend(h, b))
			return HVG_NO_TREND;
	}
	return HVG_GOOD;
}

void hvg_add_clipped(struct hvg *h, size_t batch, const uint32_t *gene, const double *value, size_t n)
{
	size_t first = batch * h->n_genes;
	double most = sqrt((double)h->n_cells[batch]);
	for (size_t i = 0; i < n; i++) {
		size_t at = first + gene[i];
		if (!(value[i] - h->mean[at] > most * h->sd[at]) || !(h->sd[at] > 0))
			continue;
		h->cut_sum[at] += value[i];
		h->cut_squares[at] += value[i] * value[i];
		h->n_cut[at]++;
	}
}

struct place {
	double first, second;           /* the larger comes first; NaN last */
	uint32_t gene;
};

static int compare_down(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return a > b ? -1 : a < b;
}

static int by_place(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;
	int order = compare_down(a->first, b->first);
	order = order ? order : compare_down(a->second, b->second);
	return order ? order : a->gene < b->gene ? -1 : 1;
}

static struct place *sorted(const double *first, const int64_t *second, size_t n)
{
	struct place *p = mem_array(n, sizeof *p);
	for (size_t g = 0; g < n; g++)
		p[g] = (struct place){ first[g], second ? (double)second[g] : 0, (uint32_t)g };
	qsort(p, n, sizeof *p, by_place);
	return p;
}

static int ascending(const void *pa, const void *pb)
{
	double a = *(const double *)pa, b = *(const double *)pb;
	return a < b ? -1 : a > b;
}

static double median(double *x, size_t n)
{
	qsort(x, n, sizeof *x, ascending);
	return n ? (x[(n - 1) / 2] + x[n / 2]) / 2 : NAN;
}

/* Normalised variances of a batch; NaN for genes that do not vary. A value that is cut counts n. */
static void normalise_variances(struct hvg *h, size_t batch)
{
	double n = (double)h->n_cells[batch];
	for (size_t at = batch * h->n_genes; at < (batch + 1) * h->n_genes; at++) {
		double m = h->mean[at], sum = h->sum[at] - h->cut_sum[at], squares = h->squares[at] - h->cut_squares[at];
		double left = squares - 2 * m * sum + (n - h->n_cut[at]) * m * m;
		h->normalised[at] = h->sd[at] > 0 ? (left / (h->sd[at] * h->sd[at]) + h->n_cut[at] * n) / (n - 1) : NAN;
	}
}

static void choose_by_variance(struct hvg *h)
{
	size_t n_full = 0, m = h->n_genes;
	double *rank = mem_array(h->n_batches * m, sizeof *rank), *some = mem_array(h->n_batches, sizeof *some), cells = 0;
	for (size_t b = 0; b < h->n_batches; b++) {
		if (!h->n_cells[b])
			continue;
		normalise_variances(h, b);
		cells += (double)h->n_cells[b];
		struct place *p = sorted(h->normalised + b * m, NULL, m);
		for (size_t i = 0; i < m; i++)
			rank[n_full * m + p[i].gene] = i < h->n_top && !isnan(p[i].first) ? (double)i : NAN;
		mem_free(p);
		n_full++;
	}
	for (size_t g = 0; g < m; g++) {
		size_t k = 0;
		double sum = 0, squares = 0, norm = 0;
		for (size_t b = 0; b < h->n_batches; b++) {
			sum += h->sum[b * m + g];
			squares += h->squares[b * m + g];
			norm += isnan(h->normalised[b * m + g]) ? 0 : h->normalised[b * m + g];
		}
		for (size_t b = 0; b < n_full; b++)
			if (!isnan(rank[b * m + g]))
				some[k++] = -rank[b * m + g];
		h->means[g] = sum / cells;
		h->spread[g] = variance(sum, squares, cells);
		h->norm[g] = norm / (double)n_full;
		h->n_marked_in[g] = (int64_t)k;
		h->rank[g] = median(some, k);
	}
	struct place *p = sorted(h->rank, h->n_marked_in, m);
	for (size_t i = 0; i < m && i < h->n_top; i++)
		h->marked[p[i].gene] = !isnan(p[i].first);
	for (size_t g = 0; g < m; g++)
		h->rank[g] = h->n_marked_in[g] ? fabs(h->rank[g]) : NAN;
	mem_free(p);
	mem_free(some);
	mem_free(rank);
}

/* Upper ends of the bins but the last; how many. mean: of the n genes that are binned. */
static size_t find_bins(enum hvg_flavor flavor, const double *mean, size_t n, double *end)
{
	double *x = mem_array(n, sizeof *x);
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		x[i] = mean[i];
	qsort(x, n, sizeof *x, ascending);
	if (flavor == HVG_SEURAT) {
		for (size_t i = 1; i < BINS && x[n - 1] > x[0]; i++)
			end[k++] = (double)i * ((x[n - 1] - x[0]) / BINS) + x[0];
	} else {
		for (int percent = 10; percent <= 100; percent += 5) {
			double at = (double)(n - 1) * ((double)percent / 100), t = at - floor(at);
			size_t low = (size_t)at, high = low + 1 < n ? low + 1 : n - 1;
			double e = t < 0.5 ? x[low] + (x[high] - x[low]) * t : x[high] - (x[high] - x[low]) * (1 - t);
			if (!k || e > end[k - 1])
				end[k++] = e;
		}
	}
	mem_free(x);
	return k;
}

/* Centre and scale of the dispersions of a bin; those that are NaN do not count. x is changed. */
static void describe_bin(enum hvg_flavor flavor, double *x, size_t n, double *centre, double *scale)
{
	double sum = 0, squares = 0;
	if (flavor == HVG_CELL_RANGER) {
		*centre = median(x, n);
		for (size_t i = 0; i < n; i++)
			x[i] = fabs(x[i] - *centre);
		*scale = median(x, n) / MAD_TO_SD;
		return;
	}
	for (size_t i = 0; i < n; i++)
		sum += x[i];
	*centre = n ? sum / (double)n : NAN;
	for (size_t i = 0; i < n; i++)
		squares += (x[i] - *centre) * (x[i] - *centre);
	*scale = sqrt(squares / ((double)n - 1));
	if (n == 1) {
		*scale = *centre;
		*centre = 0;
	}
}

/* Dispersions of n genes against those of their bins; NaN where a bin's do not differ. */
static void normalise_dispersions(enum hvg_flavor flavor, const double *mean, const double *dispersion, size_t n, double *out)
{
	double end[BINS], *x = mem_array(n, sizeof *x), centre, scale;
	size_t n_ends = find_bins(flavor, mean, n, end), k;
	uint8_t *bin = mem_array(n, sizeof *bin);
	for (size_t i = 0; i < n; i++)
		for (bin[i] = 0; bin[i] < n_ends && mean[i] > end[bin[i]]; )
			bin[i]++;
	for (size_t b = 0; b <= n_ends; b++) {
		k = 0;
		for (size_t i = 0; i < n; i++)
			if (bin[i] == b && !isnan(dispersion[i]))
				x[k++] = dispersion[i];
		describe_bin(flavor, x, k, &centre, &scale);
		for (size_t i = 0; i < n; i++)
			if (bin[i] == b)
				out[i] = scale != 0 ? (dispersion[i] - centre) / scale : NAN;
	}
	mem_free(bin);
	mem_free(x);
}

/* How many batches give a gene a dispersion, and a normalised one. */
struct known {
	size_t spread, norm;
};

/* Adds the means and dispersions of a batch to the sums, and marks its genes. */
static void add_batch(struct hvg *h, size_t batch, struct known *known)
{
	size_t n = 0;
	uint32_t *gene = mem_array(h->n_genes, sizeof *gene);
	double *mean = mem_array(3 * h->n_genes, sizeof *mean), *dispersion = mean + h->n_genes, *norm = dispersion + h->n_genes;
	for (size_t g = 0; g < h->n_genes; g++) {
		double m = h->mean[batch * h->n_genes + g], v = batch_variance(h, batch, g);
		if (h->batched && !(m > 0)) {
			known[g].spread++;
			known[g].norm++;
			continue;
		}
		m = m > 0 ? m : LEAST_MEAN;
		dispersion[n] = h->flavor == HVG_CELL_RANGER ? v / m : v > 0 ? log(v / m) : NAN;
		mean[n] = h->flavor == HVG_CELL_RANGER ? m : log1p(m);
		gene[n++] = (uint32_t)g;
	}
	if (n)
		normalise_dispersions(h->flavor, mean, dispersion, n, norm);
	struct place *p = sorted(norm, NULL, n);
	size_t last = h->n_top < n ? h->n_top : n;
	while (last && isnan(p[last - 1].first))
		last--;
	for (size_t i = 0; i < n; i++) {
		uint32_t g = gene[i];
		h->means[g] += mean[i];
		if (!isnan(dispersion[i])) {
			h->spread[g] += dispersion[i];
			known[g].spread++;
		}
		if (isnan(norm[i]))
			continue;
		h->norm[g] += norm[i];
		known[g].norm++;
		h->n_marked_in[g] += last && norm[i] >= p[last - 1].first && batch_variance(h, batch, g) > 0;
	}
	mem_free(p);
	mem_free(mean);
	mem_free(gene);
}

static void choose_by_dispersion(struct hvg *h)
{
	size_t n_full = 0;
	struct known *known = mem_zero(h->n_genes, sizeof *known);
	for (size_t b = 0; b < h->n_batches; b++) {
		n_full += h->n_cells[b] > 0;
		if (h->n_cells[b])
			add_batch(h, b, known);
	}
	struct place *p = mem_array(h->n_genes, sizeof *p);
	for (size_t g = 0; g < h->n_genes; g++) {
		h->means[g] /= (double)n_full;
		h->spread[g] = known[g].spread ? h->spread[g] / (double)known[g].spread : NAN;
		h->norm[g] = known[g].norm ? h->norm[g] / (double)known[g].norm : NAN;
		p[g] = (struct place){ (double)h->n_marked_in[g], h->norm[g], (uint32_t)g };
	}
	qsort(p, h->n_genes, sizeof *p, by_place);
	for (size_t i = 0; i < h->n_genes; i++) {
		/* Without batches all that tie with the last are in. */
		bool in = h->n_marked_in[p[i].gene] && (!h->batched || i < h->n_top);
		h->marked[p[i].gene] = in;
		h->rank[p[i].gene] = in ? (double)i : NAN;
	}
	mem_free(p);
	mem_free(known);
}

void hvg_choose(struct hvg *h)
{
	if (h->flavor == HVG_VST)
		choose_by_variance(h);
	else
		choose_by_dispersion(h);
	for (size_t g = 0; g < h->n_genes; g++)
		h->n_marked += h->marked[g];
}
