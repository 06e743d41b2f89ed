/*
 * Can a screen answer? One pass over the cells in any order: what there is of controls, targets and guides; what the values are; what the
 * genes are called; controls against controls; the smallest effect that can be seen. Failures of reading end the process.
 */
#ifndef CLI_PREFLIGHT_H
#define CLI_PREFLIGHT_H
#include "cli/screen.h"

/* Controls looked at closely are a sample of at most PREFLIGHT_CONTROLS, drawn by row number; so are the genes, by their ordinal. */
enum { PREFLIGHT_CONTROLS = 2000, PREFLIGHT_GENES = 3000, PREFLIGHT_DRAWS = 10, PREFLIGHT_MIN_CELLS = 3, PREFLIGHT_FEW_CELLS = 20, PREFLIGHT_GUIDES = 30, PREFLIGHT_DIFFERENT = 2 };
enum preflight_verdict { PREFLIGHT_OK, PREFLIGHT_WARN, PREFLIGHT_FAIL };

struct preflight_options {
	struct screen_options screen;
	long n_neighbours;
	const char *gene_info;          /* a table of genes, or NULL */
};
#define PREFLIGHT_DEFAULTS { SCREEN_DEFAULTS, 20, NULL }

struct preflight_check {
	const char *name;
	enum preflight_verdict verdict;
	char *text;
};

struct preflight {
	struct preflight_check *check;
	size_t n, cap;
	size_t n_targets, n_answerable; /* targets; those with cells and controls enough */
	bool can_answer;
};

struct preflight *preflight_run(const struct cli *c, struct pmx_reader *in, const struct preflight_options *o);
void preflight_free(struct preflight *p);

#endif
