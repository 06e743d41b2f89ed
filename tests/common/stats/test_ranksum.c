#include "stats/ranksum.h"
#include "stats/logistic.h"
#include "stats/distribution.h"
#include "num/random.h"
#include "unit.h"
#include <string.h>

static double draw(uint32_t stream, uint64_t i, int kind)
{
	struct random4 r = random_words(11, stream, i, 0);
	if (r.v[0] % 3 == 0)
		return 0;
	if (kind == 0)          /* many ties */
		return (double)(1 + r.v[1] % 4);
	if (kind == 1)          /* doubles that are equal as floats */
		return 1 + (double)(r.v[1] % 8) * 1e-12;
	double x = random_unit(r.v[1]) * 9;
	return kind == 3 ? x - 4 : x;   /* 3: negative ones too */
}

/* Every pair counted; ties by counting equal values in the pooled sample. */
static void plain(const double *a, size_t n1, const double *b, size_t n2, double *u, double *ties)
{
	*u = *ties = 0;
	for (size_t i = 0; i < n1; i++)
		for (size_t j = 0; j < n2; j++)
			*u += a[i] > b[j] ? 1 : a[i] == b[j] ? 0.5 : 0;
	for (size_t i = 0; i < n1 + n2; i++) {
		double x = i < n1 ? a[i] : b[i - n1], t = 0;
		for (size_t j = 0; j < n1 + n2; j++)
			t += (j < n1 ? a[j] : b[j - n1]) == x;
		*ties += t * t - 1;
	}
}

enum { GROUPS = 5, PER = 60, REF = 700 };

UNIT(equals_all_pairs)
{
	static double cell[GROUPS][PER], reference[REF], value[GROUPS * PER], sorted[REF];
	static uint32_t group[GROUPS * PER];
	for (int kind = 0; kind < 4; kind++) {
		struct ranksum_size size[GROUPS];
		size_t n = 0, k = 0;
		for (uint32_t g = 0; g < GROUPS; g++) {
			size[g] = (struct ranksum_size){ PER, 0 };
			for (size_t i = 0; i < PER; i++) {
				cell[g][i] = draw(g, i, kind);
				if (cell[g][i] == 0)
					continue;
				value[n] = cell[g][i];
				group[n++] = g;
				size[g].n_values++;
			}
		}
		for (size_t i = 0; i < REF; i++)
			if ((reference[i] = draw(99, i, kind)) != 0)
				sorted[k++] = reference[i];
		struct ranksum_reference r = ranksum_reference(sorted, k, REF);
		struct ranksum_scratch *s = ranksum_scratch_new(n, GROUPS);
		double u[GROUPS], ties[GROUPS], rest_ties;
		ranksum_groups(value, group, n, size, GROUPS, &r, s, u, ties);
		for (size_t g = 0; g < GROUPS; g++) {
			double expected_u, expected_ties;
			plain(cell[g], PER, reference, REF, &expected_u, &expected_ties);
			CHECK_NEAR(u[g], expected_u, 0);
			CHECK_RELATIVE(ties[g], expected_ties, 1e-14);
		}
		ranksum_rest(value, group, n, size, GROUPS, GROUPS * PER, s, u, &rest_ties);
		for (size_t g = 0; g < GROUPS; g++) {
			double rest[GROUPS * PER], expected_u, expected_ties;
			size_t m = 0;
			for (size_t h = 0; h < GROUPS; h++)
				for (size_t i = 0; h != g && i < PER; i++)
					rest[m++] = cell[h][i];
			plain(cell[g], PER, rest, m, &expected_u, &expected_ties);
			CHECK_NEAR(u[g], expected_u, 1e-9);
			CHECK_RELATIVE(rest_ties, expected_ties, 1e-14);
		}
		ranksum_scratch_free(s);
	}
}

/* The vectors of R's wilcox.test, where they are at hand. */
UNIT(equals_r_on_its_vectors)
{
	const char *shared = getenv("PERTPIPE_SHARED");
	char command[1000], line[100000];
	snprintf(command, sizeof command, "zcat '%s/golden/seurat/synth/wilcox_vectors.tsv.gz' 2>/dev/null", shared ? shared : "../shared");
	FILE *f = popen(command, "r");
	int n = 0;
	if (!f || !fgets(line, sizeof line, f)) {
		if (f)
			pclose(f);
		SKIP("reference data golden/seurat/synth are not at hand");
	}
	while (fgets(line, sizeof line, f)) {
		double x[500], y[500];
		size_t n1 = 0, n2 = 0;
		char *at = strchr(line, '\t') + 1, *end = strchr(at, '\t');
		for (char *p = at; p < end; p = strchr(p, ',') && strchr(p, ',') < end ? strchr(p, ',') + 1 : end)
			x[n1++] = strtod(p, NULL);
		at = end + 1;
		end = strchr(at, '\t');
		for (char *p = at; p < end; p = strchr(p, ',') && strchr(p, ',') < end ? strchr(p, ',') + 1 : end)
			y[n2++] = strtod(p, NULL);
		double w, p_default, p_normal, u, ties;
		CHECK(sscanf(end + 1, "%lf\t%lf\t%lf", &w, &p_default, &p_normal) == 3 || strstr(end, "NaN"));
		plain(x, n1, y, n2, &u, &ties);
		CHECK_NEAR(u, w, 1e-12);
		if (strstr(end, "NaN")) {
			CHECK(isnan(ranksum_log_p(u, n1, n2, ties)));
		} else {
			CHECK_RELATIVE(exp(ranksum_log_p(u, n1, n2, ties)), p_normal, 1e-12);
			if (n1 < 50 && n2 < 50 && ties == 0)
				CHECK_RELATIVE(exp(ranksum_log_p_exact(u, n1, n2)), p_default, 1e-12);
		}
		n++;
	}
	pclose(f);
	CHECK(n >= 7);
}

UNIT(exact_distribution_of_small_samples)
{
	/* 3 against 3: 20 arrangements, U = 0 and 9 once each; P(U <= 1) = 2/20. */
	CHECK_RELATIVE(exp(ranksum_log_p_exact(0, 3, 3)), 0.1, 1e-14);
	CHECK_RELATIVE(exp(ranksum_log_p_exact(8, 3, 3)), 0.2, 1e-14);
	CHECK_RELATIVE(exp(ranksum_log_p_exact(4, 3, 3)), 1, 0);
	CHECK(isnan(ranksum_log_p(10, 4, 5, 9 * 9 * 9 - 9)));
	CHECK_RELATIVE(exp(ranksum_log_p(10, 4, 5, 0)), 1, 1e-15);
}

/* IRLS with every cell spelt out, as R's glm does it. */
static double plain_lr(const double *x, const int *y, size_t n)
{
	double b0 = 0, b1 = 0, old = 0, dev = 0, ones = 0;
	for (size_t i = 0; i < n; i++) {
		old += -2 * log(0.75);
		ones += y[i];
	}
	for (int round = 0; round < 25; round++) {
		double w = 0, wx = 0, wxx = 0, wz = 0, wxz = 0;
		for (size_t i = 0; i < n; i++) {
			double mu = (y[i] + 0.5) / 2, eta = log(mu / (1 - mu));
			if (round) {
				eta = b0 + b1 * x[i];
				mu = 1 / (1 + exp(-eta));
			}
			double v = mu * (1 - mu), z = eta + (y[i] - mu) / v;
			w += v;
			wx += v * x[i];
			wxx += v * x[i] * x[i];
			wz += v * z;
			wxz += v * x[i] * z;
		}
		b1 = (wxz - wx * wz / w) / (wxx - wx * wx / w);
		b0 = (wz - b1 * wx) / w;
		dev = 0;
		for (size_t i = 0; i < n; i++) {
			double mu = 1 / (1 + exp(-(b0 + b1 * x[i])));
			dev += -2 * log(y[i] ? mu : 1 - mu);
		}
		if (fabs(dev - old) / (fabs(dev) + 0.1) < 1e-8)
			break;
		old = dev;
	}
	double share = ones / (double)n;
	return fabs(-2 * (ones * log(share) + ((double)n - ones) * log(1 - share)) - dev);
}

UNIT(logistic_equals_irls_cell_by_cell)
{
	for (uint32_t trial = 0; trial < 40; trial++) {
		enum { T = 57, C = 403 };
		static double x[T + C], target[T], reference[C];
		static int y[T + C];
		size_t n1 = 0, n2 = 0;
		for (size_t i = 0; i < T + C; i++) {
			y[i] = i >= T;
			x[i] = draw(trial, i, 2) * (y[i] ? 1 : 1 + 0.05 * trial);
			if (x[i] != 0 && !y[i])
				target[n1++] = x[i];
			if (x[i] != 0 && y[i])
				reference[n2++] = x[i];
		}
		struct logistic_result r = logistic_lr(target, n1, T - n1, reference, n2, C - n2);
		CHECK(r.converged);
		CHECK_NEAR(r.statistic, plain_lr(x, y, T + C), 1e-9);
	}
}

UNIT(separation_ends_finite)
{
	double low[6] = { 1, 1.1, 1.2, 1.3, 1.4, 1.5 }, high[8] = { 5, 5.1, 5.2, 5.3, 5.4, 5.5, 5.6, 5.7 };
	struct logistic_result r = logistic_lr(low, 6, 0, high, 8, 0);
	CHECK(isfinite(r.statistic) && r.statistic > 19 && r.rounds <= 25);
	r = logistic_lr(low, 0, 5, high, 0, 9);
	CHECK_NEAR(r.statistic, 0, 1e-12);
}

UNITS(RUN(equals_all_pairs), RUN(equals_r_on_its_vectors), RUN(exact_distribution_of_small_samples), RUN(logistic_equals_irls_cell_by_cell),
      RUN(separation_ends_finite))
