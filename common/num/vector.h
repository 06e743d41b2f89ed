/*
 * Eight doubles at a time, as GCC and clang vectors: one order of operations on
 * every CPU, wide registers where there are some (functions that use these are
 * cloned with VECTOR_CLONES and picked when the program starts).
 */
#ifndef NUM_VECTOR_H
#define NUM_VECTOR_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef double vec8 __attribute__((vector_size(64)));
typedef int64_t vec8i __attribute__((vector_size(64)));

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define VECTOR_CLONES
#endif

#define VECTOR_INLINE static inline __attribute__((always_inline))

VECTOR_INLINE vec8 vec8_load(const double *p)
{
	vec8 v;
	memcpy(&v, p, sizeof v);
	return v;
}

VECTOR_INLINE void vec8_store(double *p, vec8 v)
{
	memcpy(p, &v, sizeof v);
}

/* The first n of 8 (n < 8), the rest `fill`. */
VECTOR_INLINE vec8 vec8_load_part(const double *p, size_t n, double fill)
{
	double tmp[8] = { fill, fill, fill, fill, fill, fill, fill, fill };
	memcpy(tmp, p, n * sizeof *p);
	return vec8_load(tmp);
}

VECTOR_INLINE vec8 vec8_set(double x)
{
	return (vec8){ x, x, x, x, x, x, x, x };
}

/* Pairwise, always in this order. */
VECTOR_INLINE double vec8_sum(vec8 v)
{
	return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

VECTOR_INLINE double vec8_product(vec8 v)
{
	return ((v[0] * v[4]) * (v[2] * v[6])) * ((v[1] * v[5]) * (v[3] * v[7]));
}

VECTOR_INLINE vec8 vec8_select(vec8i mask, vec8 yes, vec8 no)
{
	vec8i y, n;
	memcpy(&y, &yes, sizeof y);
	memcpy(&n, &no, sizeof n);
	vec8i r = (y & mask) | (n & ~mask);
	vec8 out;
	memcpy(&out, &r, sizeof out);
	return out;
}

/*
 * e^r - 1 for the reduced argument and the power of two, |x| <= 708: x = k ln 2 + r, |r| <= ln 2 / 2,
 * a polynomial of degree 13 (Taylor; the rest is below 2^-58).
 */
VECTOR_INLINE void vec8_reduce(vec8 x, vec8 *power, vec8 *rest)
{
	const double shift = 0x1.8p52;
	vec8 k = x * 0x1.71547652b82fep0 + shift;
	vec8i bits;
	memcpy(&bits, &k, sizeof bits);
	k -= shift;
	vec8 r = (x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33;
	/* The low bits of the shifted number are k itself. */
	vec8i exponent = (bits + 1023) << 52;
	memcpy(power, &exponent, sizeof *power);
	vec8 p = vec8_set(1.0 / 6227020800.0);
	p = p * r + 1.0 / 479001600.0;
	p = p * r + 1.0 / 39916800.0;
	p = p * r + 1.0 / 3628800.0;
	p = p * r + 1.0 / 362880.0;
	p = p * r + 1.0 / 40320.0;
	p = p * r + 1.0 / 5040.0;
	p = p * r + 1.0 / 720.0;
	p = p * r + 1.0 / 120.0;
	p = p * r + 1.0 / 24.0;
	p = p * r + 1.0 / 6.0;
	p = p * r + 0.5;
	*rest = p * r * r + r;
}

VECTOR_INLINE vec8 vec8_clamp(vec8 x, double low, double high)
{
	x = vec8_select((vec8i)(x < low), vec8_set(low), x);
	return vec8_select((vec8i)(x > high), vec8_set(high), x);
}

/* Within 1 ulp for |x| <= 708; clamped outside. */
VECTOR_INLINE vec8 vec8_exp(vec8 x)
{
	vec8 power, rest;
	vec8_reduce(vec8_clamp(x, -708, 708), &power, &rest);
	return power + power * rest;
}

VECTOR_INLINE vec8 vec8_expm1(vec8 x)
{
	vec8 power, rest;
	vec8_reduce(vec8_clamp(x, -708, 708), &power, &rest);
	return power * rest + (power - 1);
}

/*
 * For positive normal x = 2^k m, sqrt(1/2) <= m < sqrt 2: log x = (k ln 2, its first digits) + f - square + rest, where
 * f = m - 1, square = f^2 / 2. `rest` by the minimax polynomial of fdlibm's __ieee754_log in s = f / (2 + f).
 */
struct vec8_log_parts {
	vec8 k_ln2, f, square, rest;
};

/* f is taken from `small` where k = 0 (x - 1 to all digits). */
VECTOR_INLINE struct vec8_log_parts vec8_log_part(vec8 x, vec8 small)
{
	vec8i bits, k;
	memcpy(&bits, &x, sizeof bits);
	const int64_t half_root = 0x3fe6a09e667f3bcd;
	k = (bits - half_root) >> 52;
	bits -= k << 52;
	vec8 m, e = { (double)k[0], (double)k[1], (double)k[2], (double)k[3], (double)k[4], (double)k[5], (double)k[6], (double)k[7] };
	memcpy(&m, &bits, sizeof m);
	vec8 f = vec8_select((vec8i)(e == 0), small, m - 1), s = f / (2 + f), z = s * s, w = z * z;
	vec8 even = w * (0x1.999999997fa04p-2 + w * (0x1.c71c51d8e78afp-3 + w * 0x1.39a09d078c69fp-3));
	vec8 odd = z * (0x1.5555555555593p-1 + w * (0x1.2492494229359p-2 + w * (0x1.7466496cb03dep-3 + w * 0x1.2f112df3e5244p-3)));
	vec8 square = 0.5 * f * f;
	return (struct vec8_log_parts){ e * 0x1.62e42fee00000p-1, f, square, s * (square + even + odd) + e * 0x1.a39ef35793c76p-33 };
}

/* log x, within 1 ulp, for positive normal x. */
VECTOR_INLINE vec8 vec8_log(vec8 x)
{
	struct vec8_log_parts l = vec8_log_part(x, x - 1);
	return l.k_ln2 - ((l.square - l.rest) - l.f);
}

/* log(1 + x) for x >= 0. */
VECTOR_INLINE vec8 vec8_log1p(vec8 x)
{
	vec8 u = 1 + x;
	return vec8_log(u) + (x - (u - 1)) / u;
}

#endif
