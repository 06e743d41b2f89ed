#include "num/vmath.h"
#include "num/vector.h"

VECTOR_CLONES
void vmath_expm1(const double *x, double *out, size_t n)
{
	size_t i = 0;
	for (; i + 8 <= n; i += 8)
		vec8_store(out + i, vec8_expm1(vec8_load(x + i)));
	if (i < n) {
		double tmp[8];
		vec8_store(tmp, vec8_expm1(vec8_load_part(x + i, n - i, 0)));
		memcpy(out + i, tmp, (n - i) * sizeof *out);
	}
}

VECTOR_CLONES
void vmath_exp(const double *x, double *out, size_t n)
{
	size_t i = 0;
	for (; i + 8 <= n; i += 8)
		vec8_store(out + i, vec8_exp(vec8_load(x + i)));
	if (i < n) {
		double tmp[8];
		vec8_store(tmp, vec8_exp(vec8_load_part(x + i, n - i, 0)));
		memcpy(out + i, tmp, (n - i) * sizeof *out);
	}
}

VECTOR_CLONES
double vmath_sum(const double *x, size_t n)
{
	vec8 sum = vec8_set(0);
	size_t i = 0;
	for (; i + 8 <= n; i += 8)
		sum += vec8_load(x + i);
	if (i < n)
		sum += vec8_load_part(x + i, n - i, 0);
	return vec8_sum(sum);
}

VECTOR_INLINE void gelu8(vec8 x, vec8 *value, vec8 *slope)
{
	static const double p[] = { 0.076919304975006902, -0.14345755526401188, 0.11606881188589148, -0.080883877264143506,
		0.047855352288557931, -0.023413900485652471, 0.0089913704832666839, -0.0023788444044783742, 0.00021955125988173469,
		0.00013427731967264586, -6.0429754713849596e-05, 9.5879669140384498e-07, 6.6501220520410244e-06, -1.2624976627397596e-06,
		-6.8294188484498837e-07, 2.3006536035053476e-07, 8.1747615795026969e-08, -2.6360445177191678e-08, -1.016034332489295e-08 };
	vec8i negative = (vec8i)(x < 0);
	vec8 y = vec8_select(negative, -x, x), u = (y - 5) / (y + 5), q = vec8_set(p[18]), e = vec8_exp(-0.5 * x * x);
	for (int i = 17; i >= 0; i--)
		q = q * u + p[i];
	q *= e;
	vec8 cumulative = vec8_select(negative, q, 1 - q);
	*value = x * cumulative;
	*slope = cumulative + x * (e * 0.39894228040143267794);
}

VECTOR_CLONES
void vmath_gelu(const double *x, double *value, double *slope, size_t n)
{
	vec8 v, s;
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
		gelu8(vec8_load(x + i), &v, &s);
		vec8_store(value + i, v);
		vec8_store(slope + i, s);
	}
	if (i < n) {
		gelu8(vec8_load_part(x + i, n - i, 0), &v, &s);
		memcpy(value + i, &v, (n - i) * sizeof *value);
		memcpy(slope + i, &s, (n - i) * sizeof *slope);
	}
}
