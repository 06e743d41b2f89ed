#include "num/random.h"
#include <math.h>
/* Random123 is C++ friendly C; its own warnings are not ours. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <Random123/philox.h>
#pragma GCC diagnostic pop

struct random4 random_words(uint64_t seed, uint32_t stream, uint64_t a, uint32_t b)
{
	philox4x32_ctr_t c = { { (uint32_t)a, (uint32_t)(a >> 32), b, stream } };
	philox4x32_key_t k = { { (uint32_t)seed, (uint32_t)(seed >> 32) } };
	philox4x32_ctr_t r = philox4x32(c, k);
	return (struct random4){ { r.v[0], r.v[1], r.v[2], r.v[3] } };
}

double random_unit(uint32_t word)
{
	return ((double)word + 0.5) * 0x1p-32;
}

double random_unit53(const struct random4 *r, int pair)
{
	uint64_t bits = ((uint64_t)r->v[2 * pair] << 32 | r->v[2 * pair + 1]) >> 11;
	return ((double)bits + 0.5) * 0x1p-53;
}

void random_normal(const struct random4 *r, double out[2])
{
	double radius = sqrt(-2 * log(random_unit53(r, 0))), angle = 2 * M_PI * random_unit53(r, 1);
	out[0] = radius * cos(angle);
	out[1] = radius * sin(angle);
}

uint32_t random_below(uint32_t word, uint32_t n)
{
	return (uint32_t)((uint64_t)word * n >> 32);
}

uint64_t random_permuted(uint64_t seed, uint64_t i, uint64_t n)
{
	int half = 1;
	while ((uint64_t)1 << (2 * half) < n)
		half++;
	uint64_t mask = ((uint64_t)1 << half) - 1;
	do {
		uint64_t left = i >> half, right = i & mask;
		for (uint32_t round = 0; round < 4; round++) {
			struct random4 r = random_words(seed, 0x50455253u + round, right, 0);
			uint64_t next = left ^ (r.v[0] & mask);
			left = right;
			right = next;
		}
		i = left << half | right;
	} while (i >= n);
	return i;
}

uint32_t random_negative_binomial(double mu, double phi, double u)
{
	double r = 1 / phi, q = phi * mu / (1 + phi * mu), p = exp(-log1p(phi * mu) / phi), sum = p;
	uint32_t k = 0;
	while (sum <= u && k < 1000000) {
		p *= q * (r + k) / (k + 1);
		sum += p;
		k++;
		if (p < 1e-15 && k > mu)
			break;
	}
	return k;
}
