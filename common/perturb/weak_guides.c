#include "perturb/weak_guides.h"
#include "base/mem.h"
#include "stats/adjust.h"
#include "stats/distribution.h"
#include <math.h>

const char *const weak_guide_reason_name[WEAK_GUIDE_N_REASONS] = { "NA", "not_classified", "no_cell_answers", "only_guide" };

static void test_target(struct guide_share *g, size_t n, double *log_p)
{
	size_t cells = 0, ko = 0;
	for (size_t i = 0; i < n; i++) {
		cells += g[i].n_cells;
		ko += g[i].n_ko;
	}
	for (size_t i = 0; i < n; i++) {
		size_t others = cells - g[i].n_cells;
		g[i].share = g[i].n_cells ? (double)g[i].n_ko / (double)g[i].n_cells : NAN;
		g[i].share_others = others ? (double)(ko - g[i].n_ko) / (double)others : NAN;
		g[i].reason = !g[i].n_cells ? WEAK_GUIDE_NOT_CLASSIFIED : !others ? WEAK_GUIDE_ONLY_GUIDE : !ko ? WEAK_GUIDE_NO_ANSWER : WEAK_GUIDE_TESTED;
		/* As few that answer as as many that do not. */
		log_p[i] = g[i].reason ? NAN : distribution_log_hypergeometric_tail((double)(g[i].n_cells - g[i].n_ko), (double)(cells - ko),
										    (double)g[i].n_cells, (double)cells);
	}
}

void weak_guides_test(struct guide_share *g, size_t n)
{
	double *log_p = mem_array(n, sizeof *log_p), *log_q = mem_array(n, sizeof *log_q);
	for (size_t from = 0, to; from < n; from = to) {
		for (to = from; to < n && g[to].target == g[from].target; to++)
			;
		test_target(g + from, to - from, log_p + from);
	}
	if (n)
		adjust_bh_log(log_p, log_q, n, 1);
	for (size_t i = 0; i < n; i++) {
		g[i].p = exp(log_p[i]);
		g[i].q = exp(log_q[i]);
		g[i].weak = !g[i].reason && g[i].q < WEAK_GUIDE_Q && g[i].share < WEAK_GUIDE_SHARE * g[i].share_others;
	}
	mem_free(log_p);
	mem_free(log_q);
}
