/*
 * Counter-based random numbers (Philox 4x32-10; Salmon et al., SC 2011, by
 * Random123): a value depends on seed, stream and counter alone, so it is the
 * same for any number of threads and any order of evaluation.
 */
#ifndef NUM_RANDOM_H
#define NUM_RANDOM_H
#include <stddef.h>
#include <stdint.h>

struct random4 {
	uint32_t v[4];
};

/* Four words for counter (a, b) of `stream`. */
struct random4 random_words(uint64_t seed, uint32_t stream, uint64_t a, uint32_t b);
/* In (0, 1), 32 bits of precision. */
double random_unit(uint32_t word);
/* In (0, 1), 53 bits; word i (0 or 1) of the pair. */
double random_unit53(const struct random4 *r, int pair);
/* Two independent standard normal values (Box and Muller). */
void random_normal(const struct random4 *r, double out[2]);
/* Value i of a bijection of 0 .. n - 1 chosen by seed (a Feistel network with cycle walking). */
uint64_t random_permuted(uint64_t seed, uint64_t i, uint64_t n);
/* A whole number below n, without bias worth naming (n < 2^32). */
uint32_t random_below(uint32_t word, uint32_t n);

/*
 * Negative binomial of mean mu > 0 and variance mu + phi mu^2, by inversion: the first k with P(X <= k) > u. Takes k steps;
 * at most a million.
 */
uint32_t random_negative_binomial(double mu, double phi, double u);

#endif
