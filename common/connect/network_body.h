/* Definitions of network.h for one precision, in `real`; included by network_f32.c and network_f64.c. */
#include <cblas.h>
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "num/random.h"
#include "num/vector.h"
#include "num/vmath.h"

enum { CHUNK_GENES = 128, CHUNK_STEP = 16384, LANES = 64 };
/* What is smaller becomes 0, far below what counts: numbers too small for full precision cost a hundred times the time. */
static const double faint = 1e-30;
enum { STREAM_START = 0x4e455453, STREAM_DROPOUT = 0x4e455444 };

struct REAL(net_work) {
	struct net_shape s;
	struct net_parts part;
	int threads;
	real *folded[NET_N_TOWERS];     /* w1 times gain: d x h */
	real *offset[NET_N_TOWERS];     /* b1 + w1 bias: h */
	real *turned[NET_N_TOWERS];     /* w2 transposed, e x h: BLAS is slow on small products with a transposed right side */
	double *share[NET_N_TOWERS];    /* of each chunk of genes in that: chunks x h */
	real *product[NET_N_TOWERS];    /* normalised rows times gradient of the hidden layer: d x h */
	size_t n;                       /* room for a loss over so many pairs */
	double *weight;                 /* n x n: exp(logit - 1 / temperature) */
	real *d_logit;                  /* n x n */
	real *drugs;                    /* e x n: transposed */
	double *row_sum, *column_sum, *own, *partial;
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t count_chunks(const struct net_shape *s)
{
	return (s->d + CHUNK_GENES - 1) / CHUNK_GENES;
}

struct REAL(net_pass) *REAL(net_pass_new)(const struct net_shape *s, enum net_tower tower, size_t cap, bool backward)
{
	struct REAL(net_pass) *p = mem_zero(1, sizeof *p);
	p->tower = tower;
	p->cap = cap;
	p->x = mem_aligned(cap * s->d, sizeof(real));
	p->active = mem_aligned(cap * s->h, sizeof(real));
	p->unit = mem_aligned(cap * s->e, sizeof(real));
	p->size = mem_array(cap, sizeof(real));
	if (backward) {
		p->slope = mem_aligned(cap * s->h, sizeof(real));
		p->d_unit = mem_aligned(cap * s->e, sizeof(real));
		p->d_hidden = mem_aligned(cap * s->h, sizeof(real));
	}
	return p;
}

void REAL(net_pass_free)(struct REAL(net_pass) *p)
{
	if (!p)
		return;
	mem_free(p->x);
	mem_free(p->active);
	mem_free(p->unit);
	mem_free(p->size);
	mem_free(p->slope);
	mem_free(p->d_unit);
	mem_free(p->d_hidden);
	mem_free(p);
}

struct REAL(net_work) *REAL(net_work_new)(const struct net_shape *s, int threads)
{
	struct REAL(net_work) *w = mem_zero(1, sizeof *w);
	w->s = *s;
	w->part = net_parts(s);
	w->threads = threads;
	for (int t = 0; t < NET_N_TOWERS; t++) {
		w->folded[t] = mem_aligned(s->h * s->d, sizeof(real));
		w->offset[t] = mem_aligned(s->h, sizeof(real));
		w->turned[t] = mem_aligned(s->e * s->h, sizeof(real));
		w->share[t] = mem_aligned(count_chunks(s) * s->h, sizeof(double));
		w->product[t] = mem_aligned(s->h * s->d, sizeof(real));
	}
	openblas_set_num_threads(1);
	return w;
}

static void free_loss(struct REAL(net_work) *w)
{
	mem_free(w->weight);
	mem_free(w->d_logit);
	mem_free(w->drugs);
	mem_free(w->row_sum);
	mem_free(w->column_sum);
	mem_free(w->own);
	mem_free(w->partial);
}

void REAL(net_work_free)(struct REAL(net_work) *w)
{
	if (!w)
		return;
	for (int t = 0; t < NET_N_TOWERS; t++) {
		mem_free(w->folded[t]);
		mem_free(w->offset[t]);
		mem_free(w->share[t]);
		mem_free(w->turned[t]);
		mem_free(w->product[t]);
	}
	free_loss(w);
	mem_free(w);
}

void REAL(net_normalise)(const real *x, size_t d, real *out)
{
	double mean = 0, squares = 0;
	for (size_t j = 0; j < d; j++)
		mean += x[j];
	mean /= (double)d;
	for (size_t j = 0; j < d; j++)
		squares += (x[j] - mean) * (x[j] - mean);
	double scale = 1 / sqrt(squares / (double)d + 1e-5);
	for (size_t j = 0; j < d; j++)
		out[j] = (real)((x[j] - mean) * scale);
}

static void start_uniform(uint64_t seed, uint32_t part, size_t n, size_t inputs, real *out)
{
	double width = 1 / sqrt((double)inputs);
	for (size_t i = 0; i < n; i += 2) {
		struct random4 r = random_words(seed, STREAM_START, i, part);
		for (size_t k = 0; k < 2 && i + k < n; k++)
			out[i + k] = (real)((2 * random_unit53(&r, (int)k) - 1) * width);
	}
}

void REAL(net_start)(const struct net_shape *s, uint64_t seed, bool mirrored, real *p)
{
	struct net_parts part = net_parts(s);
	for (uint32_t t = 0; t < NET_N_TOWERS; t++, p += part.end) {
		uint32_t first = mirrored ? 0 : 4 * t;
		for (size_t j = 0; j < s->d; j++) {
			p[part.gain + j] = 1;
			p[part.bias + j] = 0;
		}
		start_uniform(seed, first, s->h * s->d, s->d, p + part.w1);
		start_uniform(seed, first + 1, s->h, s->d, p + part.b1);
		start_uniform(seed, first + 2, s->e * s->h, s->h, p + part.w2);
		start_uniform(seed, first + 3, s->e, s->h, p + part.b2);
	}
}

/* A gene's weights times its gain, and their share in what the hidden layer begins from. */
VECTOR_CLONES static void fold_gene(const real *restrict w1, real gain, real bias, real *restrict folded, double *restrict share, size_t h)
{
	for (size_t k = 0; k < h; k++) {
		folded[k] = w1[k] * gain;
		share[k] += (double)w1[k] * bias;
	}
}

VECTOR_CLONES static void scale_by(real *restrict a, const real *restrict b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		a[i] *= b[i];
}

VECTOR_CLONES static void add_to(real *restrict a, const real *restrict b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		a[i] += b[i];
}

/* w1 takes up gain and bias of the normalisation, so that one product does both; here for a chunk of genes. */
static void fold(struct REAL(net_work) *w, const real *p, int tower, size_t chunk)
{
	const struct net_parts *part = &w->part;
	const real *q = p + (size_t)tower * part->end;
	size_t h = w->s.h, first = chunk * CHUNK_GENES, end = least(w->s.d, first + CHUNK_GENES);
	double *share = w->share[tower] + chunk * h;
	memset(share, 0, h * sizeof *share);
	for (size_t j = first; j < end; j++)
		fold_gene(q + part->w1 + j * h, q[part->gain + j], q[part->bias + j], w->folded[tower] + j * h, share, h);
}

typedef real REAL(vector) __attribute__((vector_size(64)));

/* As multiply_turned, for `rows` (up to 2) rows of c and columns from j on: GROUP vectors of them. */
enum { GROUP = 4, GROUP_COLUMNS = GROUP * (int)(64 / sizeof(real)) };
VECTOR_INLINE void turned_rows(int rows, size_t n, size_t k, const real *a, size_t a_width, const real *b, size_t b_width, bool add, real *c)
{
	REAL(vector) sum[2][GROUP], v;
	memset(sum, 0, sizeof sum);
	for (int i = 0; i < rows && add; i++)
		memcpy(sum[i], c + (size_t)i * n, sizeof sum[i]);
	for (size_t r = 0; r < k; r++)
		for (int g = 0; g < GROUP; g++) {
			memcpy(&v, b + r * b_width + (size_t)g * (64 / sizeof(real)), sizeof v);
			for (int i = 0; i < rows; i++)
				sum[i][g] += a[r * a_width + (size_t)i] * v;
		}
	for (int i = 0; i < rows; i++)
		memcpy(c + (size_t)i * n, sum[i], sizeof sum[i]);
}

VECTOR_CLONES static void turned_small(size_t m, size_t n, size_t k, const real *a, size_t a_width, const real *b, size_t b_width, bool add, real *c)
{
	size_t j = 0;
	for (; j + GROUP_COLUMNS <= n; j += GROUP_COLUMNS) {
		size_t i = 0;
		for (; i + 2 <= m; i += 2)
			turned_rows(2, n, k, a + i, a_width, b + j, b_width, add, c + i * n + j);
		if (i < m)
			turned_rows(1, n, k, a + i, a_width, b + j, b_width, add, c + i * n + j);
	}
	for (size_t i = 0; i < m; i++)
		for (size_t l = j; l < n; l++) {
			real sum = add ? c[i * n + l] : 0;
			for (size_t r = 0; r < k; r++)
				sum += a[r * a_width + i] * b[r * b_width + l];
			c[i * n + l] = sum;
		}
}

/*
 * c = (or, with `add`, +=) a' b: a is k x m, b k x n, c m x n with rows of n. BLAS is slow on small products of this
 * form; which way is taken depends on the sizes alone.
 */
static void multiply_turned(size_t m, size_t n, size_t k, const real *a, size_t a_width, const real *b, size_t b_width, bool add, real *c)
{
	const size_t large = 2000000;
	if (m * n * k < large)
		turned_small(m, n, k, a, a_width, b, b_width, add, c);
	else
		GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)a_width, b, (int)b_width, add ? 1 : 0, c, (int)n);
}

/* out[j * n + i] = x[i * width + j]. */
static void transpose(const real *restrict x, size_t n, size_t width, real *restrict out)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < width; j++)
			out[j * n + i] = x[i * width + j];
}

static void fold_end(struct REAL(net_work) *w, const real *p, int tower)
{
	const real *b1 = p + (size_t)tower * w->part.end + w->part.b1;
	transpose(p + (size_t)tower * w->part.end + w->part.w2, w->s.h, w->s.e, w->turned[tower]);
	for (size_t k = 0; k < w->s.h; k++) {
		double sum = 0;
		for (size_t c = 0; c < count_chunks(&w->s); c++)
			sum += w->share[tower][c * w->s.h + k];
		w->offset[tower][k] = (real)(b1[k] + sum);
	}
}

/* GELU of `active` in place, its derivative into `slope` unless that is NULL. */
static void activate(real *active, real *slope, size_t n)
{
	double x[LANES], value[LANES], derivative[LANES];
	for (size_t i = 0; i < n; i += LANES) {
		size_t m = least(LANES, n - i);
		for (size_t k = 0; k < m; k++)
			x[k] = active[i + k];
		vmath_gelu(x, value, derivative, m);
		for (size_t k = 0; k < m; k++)
			active[i + k] = fabs(value[k]) < faint ? 0 : (real)value[k];
		if (slope)
			for (size_t k = 0; k < m; k++)
				slope[i + k] = fabs(derivative[k]) < 1e-20 ? 0 : (real)derivative[k];
	}
}

/* Sixteen bits decide a unit. */
static void drop(const struct net_dropout *o, uint32_t tower, size_t row, real *active, real *slope, size_t h)
{
	uint32_t limit = (uint32_t)(o->rate * 65536);
	real keep = (real)(65536.0 / (65536.0 - limit));
	for (size_t j = 0; j < h; j += 8) {
		struct random4 r = random_words(o->seed, STREAM_DROPOUT + tower, o->step << 24 | row, (uint32_t)j);
		for (size_t k = 0; k < 8 && j + k < h; k++) {
			uint32_t bits = r.v[k / 2] >> 16 * (k % 2) & 0xffff;
			real factor = bits < limit ? 0 : keep;
			active[j + k] *= factor;
			if (slope)
				slope[j + k] *= factor;
		}
	}
}

static void forward_block(const struct REAL(net_work) *w, const real *p, struct REAL(net_pass) *b, size_t first, const struct net_dropout *dropout)
{
	const struct net_parts *part = &w->part;
	const real *q = p + (size_t)b->tower * part->end;
	size_t d = w->s.d, h = w->s.h, e = w->s.e, rows = least(NET_BLOCK_ROWS, b->n - first);
	real *active = b->active + first * h, *slope = b->slope ? b->slope + first * h : NULL, *unit = b->unit + first * e;
	for (size_t r = 0; r < rows; r++)
		memcpy(active + r * h, w->offset[b->tower], h * sizeof(real));
	GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)h, (int)d, 1, b->x + first * d, (int)d, w->folded[b->tower], (int)h, 1,
	     active, (int)h);
	activate(active, slope, rows * h);
	if (dropout && dropout->rate > 0)
		for (size_t r = 0; r < rows; r++)
			drop(dropout, b->tower, first + r, active + r * h, slope ? slope + r * h : NULL, h);
	for (size_t r = 0; r < rows; r++)
		memcpy(unit + r * e, q + part->b2, e * sizeof(real));
	GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)e, (int)h, 1, active, (int)h, q + part->w2, (int)e, 1, unit, (int)e);
	for (size_t r = 0; r < rows; r++) {
		real *z = unit + r * e;
		double squares = 0;
		for (size_t j = 0; j < e; j++)
			squares += (double)z[j] * z[j];
		real size = (real)sqrt(squares), scale = 1 / (size + TINY);
		for (size_t j = 0; j < e; j++)
			z[j] *= scale;
		b->size[first + r] = size;
	}
}

/* Job `job` of all blocks of rows of all passes. */
static struct REAL(net_pass) *find_block(struct REAL(net_pass) *const *pass, size_t job, size_t *first)
{
	for (;; pass++) {
		size_t n = ((*pass)->n + NET_BLOCK_ROWS - 1) / NET_BLOCK_ROWS;
		if (job < n) {
			*first = job * NET_BLOCK_ROWS;
			return *pass;
		}
		job -= n;
	}
}

static size_t count_blocks(struct REAL(net_pass) *const *pass, int n_passes, bool *used)
{
	size_t n = 0;
	for (int i = 0; i < n_passes; i++) {
		n += (pass[i]->n + NET_BLOCK_ROWS - 1) / NET_BLOCK_ROWS;
		used[pass[i]->tower] = true;
	}
	return n;
}

void REAL(net_forward)(struct REAL(net_work) *w, const real *p, struct REAL(net_pass) *const *pass, int n_passes, const struct net_dropout *dropout)
{
	bool used[NET_N_TOWERS] = { false };
	size_t n_blocks = count_blocks(pass, n_passes, used), n_chunks = count_chunks(&w->s);
#pragma omp parallel num_threads(w->threads) if (w->threads > 1)
	{
#pragma omp for schedule(dynamic, 1)
		for (size_t job = 0; job < NET_N_TOWERS * n_chunks; job++)
			if (used[job / n_chunks])
				fold(w, p, (int)(job / n_chunks), job % n_chunks);
#pragma omp for schedule(static, 1)
		for (int t = 0; t < NET_N_TOWERS; t++)
			if (used[t])
				fold_end(w, p, t);
#pragma omp for schedule(dynamic, 1)
		for (size_t job = 0; job < n_blocks; job++) {
			size_t first;
			struct REAL(net_pass) *b = find_block(pass, job, &first);
			forward_block(w, p, b, first, dropout);
		}
	}
}

static void backward_block(const struct REAL(net_work) *w, struct REAL(net_pass) *b, size_t first)
{
	size_t h = w->s.h, e = w->s.e, rows = least(NET_BLOCK_ROWS, b->n - first);
	for (size_t r = first; r < first + rows; r++) {
		const real *u = b->unit + r * e;
		real *du = b->d_unit + r * e;
		double along = 0;
		for (size_t j = 0; j < e; j++)
			along += (double)u[j] * du[j];
		real size = b->size[r], scale = 1 / (size + TINY), back = size > 0 ? (real)along / size : 0;
		for (size_t j = 0; j < e; j++)
			du[j] = du[j] * scale - u[j] * back;
	}
	real *hidden = b->d_hidden + first * h;
	GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)h, (int)e, 1, b->d_unit + first * e, (int)e, w->turned[b->tower], (int)h, 0,
	     hidden, (int)h);
	scale_by(hidden, b->slope + first * h, rows * h);
}

/* Some genes' rows of the product of normalised rows and hidden gradient, over all passes of the tower. */
static void product_rows(struct REAL(net_work) *w, struct REAL(net_pass) *const *pass, int n_passes, int tower, size_t first)
{
	size_t d = w->s.d, h = w->s.h, genes = least(CHUNK_GENES, d - first);
	bool add = false;
	for (int i = 0; i < n_passes; i++) {
		const struct REAL(net_pass) *b = pass[i];
		if ((int)b->tower != tower || !b->n)
			continue;
		multiply_turned(genes, h, b->n, b->x + first, d, b->d_hidden, h, add, w->product[tower] + first * h);
		add = true;
	}
}

static void second_layer(const struct REAL(net_work) *w, struct REAL(net_pass) *const *pass, int n_passes, int tower, real *gradient)
{
	const struct net_parts *part = &w->part;
	size_t h = w->s.h, e = w->s.e;
	real *g = gradient + (size_t)tower * part->end;
	memset(g + part->b1, 0, (part->end - part->b1) * sizeof(real));
	for (int i = 0; i < n_passes; i++) {
		const struct REAL(net_pass) *b = pass[i];
		if ((int)b->tower != tower || !b->n)
			continue;
		multiply_turned(h, e, b->n, b->active, h, b->d_unit, e, true, g + part->w2);
		for (size_t r = 0; r < b->n; r++) {
			add_to(g + part->b1, b->d_hidden + r * h, h);
			add_to(g + part->b2, b->d_unit + r * e, e);
		}
	}
}

/* A gene's row: d_w1, and the sums that its gain and bias take from w1. */
VECTOR_CLONES static void first_layer_gene(const real *restrict product, const real *restrict w1, const real *restrict d_b1, real gain, real bias,
					   real *restrict d_w1, real *restrict d_gain, real *restrict d_bias, size_t h)
{
	double by_gain[8] = { 0 }, by_bias[8] = { 0 };
	size_t k = 0;
	for (size_t i = 0; i < h; i++)
		d_w1[i] = gain * product[i] + d_b1[i] * bias;
	for (; k + 8 <= h; k += 8)
		for (size_t l = 0; l < 8; l++) {
			by_gain[l] += (double)w1[k + l] * product[k + l];
			by_bias[l] += (double)w1[k + l] * d_b1[k + l];
		}
	for (; k < h; k++) {
		by_gain[k % 8] += (double)w1[k] * product[k];
		by_bias[k % 8] += (double)w1[k] * d_b1[k];
	}
	*d_gain = (real)(((by_gain[0] + by_gain[4]) + (by_gain[2] + by_gain[6])) + ((by_gain[1] + by_gain[5]) + (by_gain[3] + by_gain[7])));
	*d_bias = (real)(((by_bias[0] + by_bias[4]) + (by_bias[2] + by_bias[6])) + ((by_bias[1] + by_bias[5]) + (by_bias[3] + by_bias[7])));
}

static void first_layer(const struct REAL(net_work) *w, const real *p, int tower, size_t first, real *gradient)
{
	const struct net_parts *part = &w->part;
	const real *q = p + (size_t)tower * part->end;
	real *g = gradient + (size_t)tower * part->end;
	size_t h = w->s.h, end = least(w->s.d, first + CHUNK_GENES);
	for (size_t j = first; j < end; j++)
		first_layer_gene(w->product[tower] + j * h, q + part->w1 + j * h, g + part->b1, q[part->gain + j], q[part->bias + j],
				 g + part->w1 + j * h, g + part->gain + j, g + part->bias + j, h);
}

void REAL(net_backward)(struct REAL(net_work) *w, const real *p, struct REAL(net_pass) *const *pass, int n_passes, real *gradient)
{
	bool used[NET_N_TOWERS] = { false };
	size_t n_blocks = count_blocks(pass, n_passes, used), n_chunks = count_chunks(&w->s);
	for (int t = 0; t < NET_N_TOWERS; t++)
		if (!used[t])
			memset(gradient + (size_t)t * w->part.end, 0, w->part.end * sizeof(real));
#pragma omp parallel num_threads(w->threads) if (w->threads > 1)
	{
#pragma omp for schedule(dynamic, 1)
		for (size_t job = 0; job < n_blocks; job++) {
			size_t first;
			struct REAL(net_pass) *b = find_block(pass, job, &first);
			backward_block(w, b, first);
		}
#pragma omp for schedule(dynamic, 1)
		for (size_t job = 0; job < NET_N_TOWERS * (n_chunks + 1); job++) {
			int tower = (int)(job % NET_N_TOWERS);
			size_t chunk = job / NET_N_TOWERS;
			if (!used[tower])
				continue;
			if (chunk < n_chunks)
				product_rows(w, pass, n_passes, tower, chunk * CHUNK_GENES);
			else
				second_layer(w, pass, n_passes, tower, gradient);
		}
#pragma omp for schedule(dynamic, 1)
		for (size_t job = 0; job < NET_N_TOWERS * n_chunks; job++)
			if (used[job % NET_N_TOWERS])
				first_layer(w, p, (int)(job % NET_N_TOWERS), job / NET_N_TOWERS * CHUNK_GENES, gradient);
	}
}

static void loss_room(struct REAL(net_work) *w, size_t n)
{
	if (n <= w->n)
		return;
	free_loss(w);
	w->n = n;
	w->weight = mem_aligned(n * n, sizeof(double));
	w->d_logit = mem_aligned(n * n, sizeof(real));
	w->drugs = mem_aligned(n * w->s.e, sizeof(real));
	w->row_sum = mem_array(n, sizeof(double));
	w->column_sum = mem_array(n, sizeof(double));
	w->own = mem_array(n, sizeof(double));
	w->partial = mem_array((n + NET_BLOCK_ROWS - 1) / NET_BLOCK_ROWS * n, sizeof(double));
}

/* exp(logit - 1 / temperature) of a block of targets with all drugs, and its sums by row and, for the block, by column. */
static void weigh_block(struct REAL(net_work) *w, const struct net_contrast *o, size_t n, const real *target, size_t first)
{
	size_t e = w->s.e, rows = least(NET_BLOCK_ROWS, n - first);
	real *logit = w->d_logit + first * n;
	double scale = 1 / o->temperature, *partial = w->partial + first / NET_BLOCK_ROWS * n;
	GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)n, (int)e, 1, target + first * e, (int)e, w->drugs, (int)n, 0, logit, (int)n);
	memset(partial, 0, n * sizeof *partial);
	for (size_t r = 0; r < rows; r++) {
		size_t i = first + r;
		double *weight = w->weight + i * n;
		for (size_t j = 0; j < n; j++)
			weight[j] = ((double)logit[r * n + j] - 1) * scale;
		w->own[i] = weight[i];
		vmath_exp(weight, weight, n);
		if (o->exclude) {
			double own = weight[i];
			const uint8_t *exclude = o->exclude + i * n;
			for (size_t j = 0; j < n; j++)
				weight[j] = exclude[j] ? 0 : weight[j];
			weight[i] = own;
		}
		w->row_sum[i] = vmath_sum(weight, n);
		for (size_t j = 0; j < n; j++)
			partial[j] += weight[j];
	}
}

VECTOR_CLONES static void logit_gradient(const double *restrict weight, double by_row, const double *restrict by_column, double factor,
					 real *restrict out, size_t n)
{
	for (size_t j = 0; j < n; j++)
		out[j] = (real)(factor * weight[j] * (by_row + by_column[j]));
}

double REAL(net_contrast)(struct REAL(net_work) *w, const struct net_contrast *o, size_t n, const real *target, const real *drug,
			  real *d_target, real *d_drug)
{
	loss_room(w, n);
	size_t e = w->s.e, n_blocks = (n + NET_BLOCK_ROWS - 1) / NET_BLOCK_ROWS;
	double directions = o->symmetric ? 2 : 1, factor = 1 / (directions * (double)n * o->temperature);
	double *by_column = w->partial;
	double loss = 0;
	transpose(drug, n, e, w->drugs);
#pragma omp parallel num_threads(w->threads) if (w->threads > 1 && n_blocks > 1)
	{
#pragma omp for schedule(dynamic, 1)
		for (size_t b = 0; b < n_blocks; b++)
			weigh_block(w, o, n, target, b * NET_BLOCK_ROWS);
#pragma omp single
		{
			memset(w->column_sum, 0, n * sizeof(double));
			for (size_t b = 0; b < n_blocks; b++)
				for (size_t j = 0; j < n; j++)
					w->column_sum[j] += w->partial[b * n + j];
			for (size_t i = 0; i < n; i++) {
				loss += log(w->row_sum[i]) - w->own[i];
				if (o->symmetric)
					loss += log(w->column_sum[i]) - w->own[i];
				by_column[i] = o->symmetric ? 1 / w->column_sum[i] : 0;
			}
		}
#pragma omp for schedule(dynamic, 1)
		for (size_t b = 0; b < n_blocks; b++) {
			size_t first = b * NET_BLOCK_ROWS, rows = least(NET_BLOCK_ROWS, n - first);
			for (size_t i = first; i < first + rows; i++) {
				logit_gradient(w->weight + i * n, 1 / w->row_sum[i], by_column, factor, w->d_logit + i * n, n);
				w->d_logit[i * n + i] -= (real)(directions * factor);
			}
			GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)e, (int)n, 1, w->d_logit + first * n, (int)n, drug, (int)e, 0,
			     d_target + first * e, (int)e);
		}
#pragma omp for schedule(dynamic, 1)
		for (size_t b = 0; b < n_blocks; b++) {
			size_t first = b * NET_BLOCK_ROWS, rows = least(NET_BLOCK_ROWS, n - first);
			multiply_turned(rows, e, n, w->d_logit + first, n, target, e, false, d_drug + first * e);
		}
	}
	return loss / (directions * (double)n);
}

double REAL(net_triplet)(const struct net_shape *s, double margin, size_t n, const real *target, const real *positive, const real *negative,
			 real *d_target, real *d_positive, real *d_negative)
{
	const double shift = 1e-6;
	size_t e = s->e;
	double loss = 0;
	for (size_t i = 0; i < n; i++) {
		const real *t = target + i * e, *p = positive + i * e, *q = negative + i * e;
		double near = 0, far = 0;
		for (size_t j = 0; j < e; j++) {
			near += (t[j] - p[j] + shift) * (t[j] - p[j] + shift);
			far += (t[j] - q[j] + shift) * (t[j] - q[j] + shift);
		}
		near = sqrt(near);
		far = sqrt(far);
		/* Written so that a NaN is not taken for a met margin. */
		bool met = near - far + margin <= 0;
		double a = met || near == 0 ? 0 : 1 / (near * (double)n), b = met || far == 0 ? 0 : 1 / (far * (double)n);
		loss += met ? 0 : near - far + margin;
		for (size_t j = 0; j < e; j++) {
			double to_p = (t[j] - p[j] + shift) * a, to_q = (t[j] - q[j] + shift) * b;
			d_target[i * e + j] = (real)(to_p - to_q);
			d_positive[i * e + j] = (real)-to_p;
			d_negative[i * e + j] = (real)to_q;
		}
	}
	return loss / (double)n;
}

VECTOR_CLONES static double sum_of_squares(const real *g, size_t n)
{
	double lane[8] = { 0 };
	size_t i = 0;
	for (; i + 8 <= n; i += 8)
		for (size_t k = 0; k < 8; k++)
			lane[k] += (double)g[i + k] * g[i + k];
	for (; i < n; i++)
		lane[i % 8] += (double)g[i] * g[i];
	return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

double REAL(net_norm)(const real *g, size_t n, int threads)
{
	size_t n_chunks = (n + CHUNK_STEP - 1) / CHUNK_STEP;
	double *part = mem_array(n_chunks, sizeof *part), sum = 0;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
	for (size_t c = 0; c < n_chunks; c++)
		part[c] = sum_of_squares(g + c * CHUNK_STEP, least(CHUNK_STEP, n - c * CHUNK_STEP));
	for (size_t c = 0; c < n_chunks; c++)
		sum += part[c];
	mem_free(part);
	return sqrt(sum);
}

struct REAL(step) {
	real keep, scale, b1, c1, b2, c2, rate, root, eps;
};

VECTOR_CLONES static void step_chunk(const struct REAL(step) *o, size_t n, real *restrict p, const real *restrict g, real *restrict m,
				     real *restrict v)
{
	struct REAL(step) s = *o;
	for (size_t i = 0; i < n; i++) {
		real x = g[i] * s.scale;
		real first = s.b1 * m[i] + s.c1 * x, second = s.b2 * v[i] + s.c2 * x * x;
		m[i] = first < (real)faint && first > -(real)faint ? 0 : first;
		v[i] = second < (real)faint ? 0 : second;
	}
	for (size_t i = 0; i < n; i++) {
		real root = sizeof(real) == sizeof(float) ? (real)__builtin_sqrtf((float)v[i]) : (real)__builtin_sqrt((double)v[i]);
		p[i] = p[i] * s.keep - s.rate * m[i] / (root * s.root + s.eps);
	}
}

void REAL(net_adamw)(const struct net_adamw *o, uint64_t t, double scale, size_t n, real *p, const real *g, real *m, real *v, int threads)
{
	struct REAL(step) s = { (real)(1 - o->rate * o->decay), (real)scale, (real)o->beta1, (real)(1 - o->beta1), (real)o->beta2,
		(real)(1 - o->beta2), (real)(o->rate / (1 - pow(o->beta1, (double)t))), (real)(1 / sqrt(1 - pow(o->beta2, (double)t))), (real)o->eps };
	size_t n_chunks = (n + CHUNK_STEP - 1) / CHUNK_STEP;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
	for (size_t c = 0; c < n_chunks; c++) {
		size_t first = c * CHUNK_STEP;
		step_chunk(&s, least(CHUNK_STEP, n - first), p + first, g + first, m + first, v + first);
	}
}
