#include "connect/embedding.h"
#include "base/mem.h"
#include <math.h>
#include <string.h>

const char *const embedding_reason_name[EMBEDDING_N_REASONS] = { NULL, "no_values", "no_spread", "infinite_value" };

struct embedding *embedding_new(const struct net_shape *shape)
{
	struct embedding *m = mem_zero(1, sizeof *m);
	m->shape = *shape;
	m->parameter = mem_aligned(2 * net_parts(shape).end, sizeof *m->parameter);
	return m;
}

void embedding_free(struct embedding *m)
{
	if (!m)
		return;
	mem_free(m->parameter);
	mem_free(m);
}

enum embedding_reason embedding_row(const double *x, size_t d, bool negated, float *out)
{
	double mean = 0, squares = 0, sign = negated ? -1 : 1;
	size_t n = 0;
	memset(out, 0, d * sizeof *out);
	for (size_t j = 0; j < d; j++) {
		if (isinf(x[j]))
			return EMBEDDING_INFINITE;
		if (!isnan(x[j])) {
			mean += x[j];
			n++;
		}
	}
	if (!n)
		return EMBEDDING_NO_VALUES;
	mean /= (double)n;
	for (size_t j = 0; j < d; j++)
		if (!isnan(x[j]))
			squares += (x[j] - mean) * (x[j] - mean);
	double sd = sqrt(squares / (double)n);
	if (!(sd >= 1e-12))
		return EMBEDDING_NO_SPREAD;
	if (isinf(sd))
		return EMBEDDING_INFINITE;
	for (size_t j = 0; j < d; j++)
		if (!isnan(x[j]))
			out[j] = (float)(sign * (x[j] - mean) / sd);
	net_normalise_f32(out, d, out);
	return EMBEDDING_DONE;
}

void embedding_embed(const struct embedding *m, enum net_tower tower, const float *row, size_t n, int threads, float *out)
{
	enum { BATCH = 16 * NET_BLOCK_ROWS };
	size_t d = m->shape.d, e = m->shape.e;
	size_t cap = n < BATCH ? (n + NET_BLOCK_ROWS - 1) / NET_BLOCK_ROWS * NET_BLOCK_ROWS : BATCH;
	struct net_work_f32 *w = net_work_new_f32(&m->shape, threads);
	struct net_pass_f32 *pass = net_pass_new_f32(&m->shape, tower, cap, false);
	for (size_t first = 0; first < n; first += BATCH) {
		size_t now = n - first < BATCH ? n - first : BATCH, full = (now + NET_BLOCK_ROWS - 1) / NET_BLOCK_ROWS * NET_BLOCK_ROWS;
		memcpy(pass->x, row + first * d, now * d * sizeof *row);
		memset(pass->x + now * d, 0, (full - now) * d * sizeof *row);
		pass->n = full;
		net_forward_f32(w, m->parameter, &pass, 1, NULL);
		memcpy(out + first * e, pass->unit, now * e * sizeof *out);
	}
	net_pass_free_f32(pass);
	net_work_free_f32(w);
}

void embedding_score(const float *state, const float *drug, size_t n, size_t e, double *score)
{
	for (size_t i = 0; i < n; i++) {
		double dot = 0;
		for (size_t k = 0; k < e; k++)
			dot += (double)state[k] * (double)drug[i * e + k];
		score[i] = -dot;
	}
}
