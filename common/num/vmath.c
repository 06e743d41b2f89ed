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
