#include "connect/network.h"
#include <float.h>
#define real double
#define REAL(name) name##_f64
#define GEMM cblas_dgemm
#define TINY DBL_EPSILON
#include "connect/network_body.h"

struct net_parts net_parts(const struct net_shape *s)
{
	struct net_parts p = { .gain = 0, .bias = s->d, .w1 = 2 * s->d };
	p.b1 = p.w1 + s->h * s->d;
	p.w2 = p.b1 + s->h;
	p.b2 = p.w2 + s->e * s->h;
	p.end = p.b2 + s->e;
	return p;
}
