#include "perturb/programs.h"
#include "base/mem.h"
#include <math.h>

size_t programs_tree(const struct programs_tree_options *o, const double *z, size_t n_rows, size_t n, int threads, struct linkage_step *step,
		     uint32_t *program, double *height, bool *prototype)
{
	double *d = mem_array(n * n, sizeof *d);
	correlation_matrix(o->correlation, z, n_rows, n, threads, d);
	for (size_t i = 0; i < n * n; i++)
		d[i] = 1 - fabs(d[i]);
	linkage(o->linkage, d, n, step);
	uint32_t *cluster = mem_array(n, sizeof *cluster), *centre = mem_array(n, sizeof *centre);
	size_t n_clusters = linkage_cut(step, n, o->height, cluster, centre), n_programs = 0;
	size_t *size = mem_zero(n_clusters, sizeof *size);
	uint32_t *number = mem_array(n_clusters, sizeof *number);
	for (size_t i = 0; i < n; i++)
		size[cluster[i]]++;
	for (size_t k = 0; k < n_clusters; k++)
		number[k] = size[k] > 1 ? (uint32_t)n_programs++ : PROGRAM_NONE;
	for (size_t i = 0; i < n; i++) {
		program[i] = number[cluster[i]];
		prototype[i] = program[i] != PROGRAM_NONE && centre[i] == i;
	}
	for (size_t s = 0; s + 1 < n; s++)
		for (int side = 0; side < 2; side++)
			if (step[s].joined[side] < 0)
				height[-step[s].joined[side] - 1] = step[s].height;
	mem_free(d);
	mem_free(cluster);
	mem_free(centre);
	mem_free(size);
	mem_free(number);
	return n_programs;
}
