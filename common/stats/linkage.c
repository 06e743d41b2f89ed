#include "stats/linkage.h"
#include "base/mem.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Clusters stand in the slot of their first member. */
struct forest {
	enum linkage_method method;
	size_t n;
	double *between;                /* n x n: distance of two clusters */
	double *far;                    /* n x n, [slot * n + x]: max over y of the cluster of d(x, y) */
	uint32_t *next;                 /* member after a member; UINT32_MAX at the end */
	uint32_t *last;                 /* last member of the cluster in a slot */
	uint32_t *size;                 /* 0: the slot is empty */
	uint32_t *nearest;              /* of the clusters in higher slots; UINT32_MAX: there is none */
	int64_t *name;                  /* as in struct linkage_step */
};

static double complete(const struct forest *f, size_t g, size_t h)
{
	double most = 0;
	for (uint32_t x = (uint32_t)g; x != UINT32_MAX; x = f->next[x])
		most = fmax(most, f->far[h * f->n + x]);
	return most;
}

/* Is (g, h) to be joined before (i, j)? g < h, i < j. */
static bool before(const struct forest *f, size_t g, size_t h, size_t i, size_t j)
{
	double a = f->between[g * f->n + h], b = f->between[i * f->n + j];
	if (a != b)
		return a < b;
	a = complete(f, g, h);
	b = complete(f, i, j);
	return a != b ? a < b : g != i ? g < i : h < j;
}

static void seek(struct forest *f, size_t g)
{
	f->nearest[g] = UINT32_MAX;
	for (size_t h = g + 1; h < f->n; h++)
		if (f->size[h] && (f->nearest[g] == UINT32_MAX || before(f, g, h, g, f->nearest[g])))
			f->nearest[g] = (uint32_t)h;
}

/* The radius of g and h together around its best point, which is among the members of `from`. */
static double radius(const struct forest *f, size_t from, size_t g, size_t h, double least, uint32_t *centre)
{
	const double *a = f->far + g * f->n, *b = f->far + h * f->n;
	for (uint32_t x = (uint32_t)from; x != UINT32_MAX; x = f->next[x]) {
		double r = fmax(a[x], b[x]);
		if (r < least || (r == least && x < *centre)) {
			least = r;
			*centre = x;
		}
	}
	return least;
}

static double minimax(const struct forest *f, size_t g, size_t h, uint32_t *centre)
{
	*centre = UINT32_MAX;
	return radius(f, h, g, h, radius(f, g, g, h, INFINITY, centre), centre);
}

static void join(struct forest *f, size_t g, size_t h)
{
	size_t n = f->n;
	for (size_t x = 0; x < n; x++)
		f->far[g * n + x] = fmax(f->far[g * n + x], f->far[h * n + x]);
	f->next[f->last[g]] = (uint32_t)h;
	f->last[g] = f->last[h];
	f->size[g] += f->size[h];
	f->size[h] = 0;
	for (size_t k = 0; k < n; k++) {
		if (!f->size[k] || k == g)
			continue;
		uint32_t centre;
		f->between[g * n + k] = f->between[k * n + g] =
			f->method == LINKAGE_MINIMAX ? minimax(f, g, k, &centre) : fmin(f->between[g * n + k], f->between[h * n + k]);
	}
	for (size_t k = 0; k < h; k++) {
		if (!f->size[k])
			continue;
		if (k == g || f->nearest[k] == g || f->nearest[k] == h)
			seek(f, k);
		else if (k < g && before(f, k, g, k, f->nearest[k]))
			f->nearest[k] = (uint32_t)g;
	}
}

void linkage(enum linkage_method method, const double *d, size_t n, struct linkage_step *step)
{
	struct forest f = { .method = method, .n = n };
	f.between = mem_array(n * n, sizeof *f.between);
	f.far = mem_array(n * n, sizeof *f.far);
	f.next = mem_array(n, sizeof *f.next);
	f.last = mem_array(n, sizeof *f.last);
	f.size = mem_array(n, sizeof *f.size);
	f.nearest = mem_array(n, sizeof *f.nearest);
	f.name = mem_array(n, sizeof *f.name);
	memcpy(f.between, d, n * n * sizeof *d);
	memcpy(f.far, d, n * n * sizeof *d);
	for (size_t i = 0; i < n; i++) {
		f.next[i] = UINT32_MAX;
		f.last[i] = (uint32_t)i;
		f.size[i] = 1;
		f.name[i] = -(int64_t)i - 1;
		f.far[i * n + i] = 0;
	}
	for (size_t i = 0; i < n; i++)
		seek(&f, i);
	for (size_t s = 0; s + 1 < n; s++) {
		size_t g = SIZE_MAX;
		for (size_t i = 0; i < n; i++)
			if (f.size[i] && f.nearest[i] != UINT32_MAX && (g == SIZE_MAX || before(&f, i, f.nearest[i], g, f.nearest[g])))
				g = i;
		size_t h = f.nearest[g];
		int64_t a = f.name[g], b = f.name[h];
		bool ordered = a < 0 && b < 0 ? a > b : a < b;
		step[s] = (struct linkage_step){ { ordered ? a : b, ordered ? b : a }, f.between[g * n + h], UINT32_MAX, f.size[g] + f.size[h] };
		if (method == LINKAGE_MINIMAX)
			minimax(&f, g, h, &step[s].prototype);
		join(&f, g, h);
		f.name[g] = (int64_t)s + 1;
	}
	mem_free(f.between);
	mem_free(f.far);
	mem_free(f.next);
	mem_free(f.last);
	mem_free(f.size);
	mem_free(f.nearest);
	mem_free(f.name);
}

size_t linkage_cut(const struct linkage_step *step, size_t n, double height, uint32_t *cluster, uint32_t *prototype)
{
	/* top[s]: the last step at or below the height that holds step s; then points take the number of theirs. */
	size_t n_low = 0, n_clusters = 0;
	while (n_low + 1 < n && step[n_low].height <= height)
		n_low++;
	size_t *top = mem_array(n_low, sizeof *top);
	uint32_t *number = mem_array(n_low, sizeof *number);
	for (size_t i = 0; i < n; i++)
		cluster[i] = UINT32_MAX;
	for (size_t s = 0; s < n_low; s++) {
		top[s] = s;
		number[s] = UINT32_MAX;
	}
	for (size_t s = n_low; s-- > 0; )
		for (int side = 0; side < 2; side++) {
			int64_t j = step[s].joined[side];
			if (j > 0)
				top[j - 1] = top[s];
			else
				cluster[-j - 1] = (uint32_t)top[s];
		}
	for (size_t i = 0; i < n; i++) {
		uint32_t s = cluster[i];
		if (prototype)
			prototype[i] = s == UINT32_MAX ? (uint32_t)i : step[s].prototype;
		if (s != UINT32_MAX && number[s] != UINT32_MAX) {
			cluster[i] = number[s];
			continue;
		}
		cluster[i] = (uint32_t)n_clusters++;
		if (s != UINT32_MAX)
			number[s] = cluster[i];
	}
	mem_free(top);
	mem_free(number);
	return n_clusters;
}
