#include "connect/profiles.h"
#include "base/mem.h"
#include <math.h>

static const size_t SLAB_CELLS = (size_t)1 << 25;
enum { DIGIT = 11, BUCKETS = 1 << DIGIT };

/*
 * An odd number of lanes: the runs of the genes are then an odd number of cache lines apart. With a power of two between
 * them all genes would share a few places of the cache.
 */
size_t profile_width(size_t n)
{
	size_t groups = (n + PROFILE_LANES - 1) / PROFILE_LANES;
	return (groups | 1) * PROFILE_LANES;
}

size_t profile_slab_width(size_t n_genes)
{
	size_t width = SLAB_CELLS / (n_genes ? n_genes : 1);
	width = width > 16384 ? 16384 : width;
	return width < 2 * PROFILE_LANES ? PROFILE_LANES : profile_width(width - 2 * PROFILE_LANES + 1);
}

struct sorter {
	uint64_t *key, *key2;
	uint16_t *gene, *gene2;
	uint16_t *above, *upto, *magnitude;     /* lanes x n_genes */
};

static void sorter_init(struct sorter *s, size_t n)
{
	s->key = mem_array(2 * n, sizeof *s->key);
	s->key2 = s->key + n;
	s->gene = mem_array(2 * n, sizeof *s->gene);
	s->gene2 = s->gene + n;
	s->above = mem_array(3 * PROFILE_LANES * n, sizeof *s->above);
	s->upto = s->above + PROFILE_LANES * n;
	s->magnitude = s->upto + PROFILE_LANES * n;
}

static void sorter_free(struct sorter *s)
{
	mem_free(s->key);
	mem_free(s->gene);
	mem_free(s->above);
}

/* Keys that ascend as the values fall. -0 is 0. */
static uint64_t falling_key(double v)
{
	uint64_t u;
	v += 0.0;
	memcpy(&u, &v, sizeof u);
	return u >> 63 ? u : ~u & (UINT64_MAX >> 1);
}

/* Stable radix sort of m keys with their genes; digits that are all the same cost a look. */
static void sort(struct sorter *s, size_t m)
{
	for (unsigned shift = 0; shift < 64; shift += DIGIT) {
		size_t count[BUCKETS] = { 0 }, at = 0;
		for (size_t i = 0; i < m; i++)
			count[s->key[i] >> shift & (BUCKETS - 1)]++;
		if (m && count[s->key[0] >> shift & (BUCKETS - 1)] == m)
			continue;
		for (size_t b = 0; b < BUCKETS; b++) {
			size_t here = count[b];
			count[b] = at;
			at += here;
		}
		for (size_t i = 0; i < m; i++) {
			size_t to = count[s->key[i] >> shift & (BUCKETS - 1)]++;
			s->key2[to] = s->key[i];
			s->gene2[to] = s->gene[i];
		}
		uint64_t *k = s->key;
		s->key = s->key2;
		s->key2 = k;
		uint16_t *g = s->gene;
		s->gene = s->gene2;
		s->gene2 = g;
	}
}

/* Ranks of |value|: the sorted profile is read from both ends, the larger magnitude first. */
static void rank_magnitudes(const double *value, const uint16_t *order, size_t m, uint16_t *magnitude)
{
	size_t left = 0, right = m;
	while (left < right) {
		double a = fabs(value[order[left]]), b = fabs(value[order[right - 1]]), top = a > b ? a : b;
		size_t l = left, r = right;
		while (l < right && fabs(value[order[l]]) == top)
			l++;
		while (r > l && fabs(value[order[r - 1]]) == top)
			r--;
		/* These hold the ranks from (what is left inside) + 1 up to (what was there). */
		uint16_t twice = (uint16_t)((r - l) + 1 + (right - left));
		for (size_t i = left; i < l; i++)
			magnitude[order[i]] = twice;
		for (size_t i = r; i < right; i++)
			magnitude[order[i]] = twice;
		left = l;
		right = r;
	}
}

static uint32_t rank_row(struct sorter *s, const double *value, size_t n, uint16_t *above, uint16_t *upto, uint16_t *magnitude)
{
	size_t m = 0;
	for (size_t g = 0; g < n; g++) {
		above[g] = upto[g] = PROFILE_NONE;
		magnitude[g] = 0;
		if (!isnan(value[g])) {
			s->key[m] = falling_key(value[g]);
			s->gene[m++] = (uint16_t)g;
		}
	}
	uint64_t *key = s->key, *key2 = s->key2;
	uint16_t *gene = s->gene, *gene2 = s->gene2;
	sort(s, m);
	for (size_t i = 0, end; i < m; i = end) {
		for (end = i + 1; end < m && s->key[end] == s->key[i]; end++)
			;
		for (size_t j = i; j < end; j++) {
			above[s->gene[j]] = (uint16_t)i;
			upto[s->gene[j]] = (uint16_t)end;
		}
	}
	rank_magnitudes(value, s->gene, m, magnitude);
	s->key = key;
	s->key2 = key2;
	s->gene = gene;
	s->gene2 = gene2;
	return (uint32_t)m;
}

/* PROFILE_LANES rows, turned into the runs of the genes. */
static void pack_lanes(struct sorter *s, const double *value, size_t n, size_t n_genes, size_t width, int value_size, size_t first,
		       uint8_t *out, uint32_t *n_measured)
{
	size_t here = first >= n ? 0 : n - first < PROFILE_LANES ? n - first : PROFILE_LANES;
	for (size_t l = 0; l < here; l++)
		n_measured[first + l] = rank_row(s, value + (first + l) * n_genes, n_genes, s->above + l * n_genes, s->upto + l * n_genes,
						 s->magnitude + l * n_genes);
	for (size_t g = 0; g < n_genes; g++) {
		uint8_t *run = out + g * profile_run_bytes(width, value_size);
		uint16_t *above = (uint16_t *)(void *)run + first, *upto = above + width, *magnitude = upto + width;
		uint8_t *values = run + 6 * width + first * (size_t)value_size;
		for (size_t l = 0; l < PROFILE_LANES; l++) {
			bool there = l < here;
			above[l] = there ? s->above[l * n_genes + g] : PROFILE_NONE;
			upto[l] = there ? s->upto[l * n_genes + g] : PROFILE_NONE;
			magnitude[l] = there ? s->magnitude[l * n_genes + g] : 0;
			double v = there ? value[(first + l) * n_genes + g] : (double)NAN;
			float narrow = (float)v;
			if (value_size == 8)
				memcpy(values + 8 * l, &v, 8);
			else
				memcpy(values + 4 * l, &narrow, 4);
		}
	}
}

void profile_pack(const double *value, size_t n, size_t n_genes, size_t width, int value_size, int threads, uint8_t *out,
		  uint32_t *n_measured)
{
#pragma omp parallel num_threads(threads)
	{
		struct sorter s;
		sorter_init(&s, n_genes);
#pragma omp for schedule(dynamic)
		for (size_t first = 0; first < width; first += PROFILE_LANES)
			pack_lanes(&s, value, n, n_genes, width, value_size, first, out, n_measured);
		sorter_free(&s);
	}
}
