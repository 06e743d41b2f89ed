/*
 * Two towers of one shape that place cell states and drugs in one space:
 *
 *	LayerNorm(d) -> Linear(d, h) -> GELU (exact) -> dropout -> Linear(h, e) -> unit norm
 *
 * forward, backward, losses and optimiser, in float for use (suffix _f32) and,
 * from the same source, in double for checks (_f64). Matrices are row-major.
 *
 * All parameters stand in one array: the state tower, then the drug tower; each
 * as gain[d], bias[d], w1[d x h], b1[h], w2[h x e], b2[e]: a row of weights for
 * each input. A gradient has the same layout, so the optimiser knows one long
 * vector.
 *
 * Same bits for any number of threads: products run on one BLAS thread each
 * over fixed blocks of rows or columns, and every sum has one order. Another
 * CPU may take other BLAS kernels and differ in the last bits.
 */
#ifndef CONNECT_NETWORK_H
#define CONNECT_NETWORK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum net_tower { NET_STATE, NET_DRUG, NET_N_TOWERS };
enum { NET_BLOCK_ROWS = 64 };   /* rows of a block of the forward pass */

struct net_shape {
	size_t d, h, e;         /* genes, hidden width, width of the embedding */
};

/* Where the parts of a tower begin in its parameters; `end` is the size of a tower. */
struct net_parts {
	size_t gain, bias, w1, b1, w2, b2, end;
};
struct net_parts net_parts(const struct net_shape *s);

struct net_dropout {
	double rate;            /* in [0, 1); 0: none */
	uint64_t seed, step;    /* a unit's fate depends on these, tower, row and unit alone */
};

/* Which pairs of a batch are no negatives of each other: exclude[i * n + j] for target i, drug j; NULL: none. */
struct net_contrast {
	double temperature;
	bool symmetric;         /* mean of both directions; else targets choose among drugs only */
	const uint8_t *exclude; /* the diagonal is never looked at */
};

/* AdamW (Loshchilov and Hutter, 2019): decay apart from the gradient. */
struct net_adamw {
	double rate, decay, beta1, beta2, eps;
};
#define NET_ADAMW { 1e-3, 0.01, 0.9, 0.999, 1e-8 }

#define real float
#define REAL(name) name##_f32
#include "connect/network_real.h"
#undef real
#undef REAL
#define real double
#define REAL(name) name##_f64
#include "connect/network_real.h"
#undef real
#undef REAL

#endif
