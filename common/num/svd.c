#include "num/svd.h"
#include "base/mem.h"
#include <cblas.h>
#include <lapacke.h>
#include <math.h>

bool svd_thin(double *a, size_t m, size_t n, double *s, double *v)
{
	size_t k = m < n ? m : n;
	for (size_t i = 0; i < m * n; i++)
		if (!isfinite(a[i]))
			return false;
	openblas_set_num_threads(1);
	double *u = mem_array(m * k, sizeof *u), *vt = mem_array(k * n, sizeof *vt);
	lapack_int status = LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'S', (lapack_int)m, (lapack_int)n, a, (lapack_int)m, s, u, (lapack_int)m, vt,
					   (lapack_int)k);
	for (size_t j = 0; j < k; j++)
		for (size_t i = 0; i < n; i++)
			v[j * n + i] = vt[i * k + j];
	mem_free(u);
	mem_free(vt);
	return !status;
}
