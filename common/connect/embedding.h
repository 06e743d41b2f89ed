/*
 * The shared embedding: two towers (connect/network.h) over named genes. It is
 * trained and used through one similarity,
 *
 *	similarity(state, drug) = <tower_state(state), tower_drug(-drug)>    in [-1, 1], high: the drug reverses
 *
 * so its score in the convention of connect/score.h (positive mimics, negative
 * reverses) is minus that. A row (state or drug) is standardised over the genes
 * that it measured: (x - mean) / sd, n in the variance, zeros where sd < 1e-12;
 * a gene that it did not measure (NaN) is then 0, the mean of the others.
 */
#ifndef CONNECT_EMBEDDING_H
#define CONNECT_EMBEDDING_H
#include "connect/network.h"

struct embedding {
	struct net_shape shape;
	float *parameter;               /* 2 x net_parts(shape).end, as connect/network.h lays them out */
	double temperature;             /* of the loss; not needed for scores */
};

struct embedding *embedding_new(const struct net_shape *shape);
void embedding_free(struct embedding *m);

/* Why a row cannot be embedded. */
enum embedding_reason { EMBEDDING_DONE, EMBEDDING_NO_VALUES, EMBEDDING_NO_SPREAD, EMBEDDING_INFINITE, EMBEDDING_N_REASONS };
extern const char *const embedding_reason_name[EMBEDDING_N_REASONS];    /* [0] is NULL */

/*
 * What a tower takes for a row: standardised, negated (drugs are, states are not) and normalised (all of LayerNorm
 * that holds no parameter), so that rows which are used often go through this once. Zeros where there is a reason.
 */
enum embedding_reason embedding_row(const double *x, size_t d, bool negated, float *out);
/*
 * out[i * e + k] of n rows from embedding_row. Rows are taken in blocks of 64, the last one filled up, so the bytes
 * of a row depend on no other row and not on `threads`.
 */
void embedding_embed(const struct embedding *m, enum net_tower tower, const float *row, size_t n, int threads, float *out);
/* score[j] = -<state, drug j>: n drugs of width e. */
void embedding_score(const float *state, const float *drug, size_t n, size_t e, double *score);

#endif
