/*
 * The target signatures of populations of cells, as connect/target_signature.h defines them, from a stream in any order.
 * Sums are taken in one pass; ranks need the values of a gene at once: as many genes as fit --memory in one pass.
 * Failures end the process.
 */
#ifndef CLI_POPULATIONS_H
#define CLI_POPULATIONS_H
#include "cli/cli.h"
#include "connect/target_signature.h"

struct population_options {
	const char *group_key;          /* NULL: all cells are one group (with case_key) */
	struct cli_list groups;         /* none, or "all": every label */
	const char *reference;          /* "rest", or a label: of group_key, or of case_key where there is one */
	const char *case_key, *case_label, *sample_key, *layer;
	int method, pairing;
	long min_cells;
};
#define POPULATION_DEFAULTS { .reference = "rest", .min_cells = 3 }

struct population {
	char *name;
	struct target_group how;
	double *effect;                 /* genes; NaN where there is none */
};

struct populations {
	struct pmx_schema *cells;
	struct population *at;
	size_t n;
};
struct populations *populations_read(const struct cli *c, const struct population_options *o);
void populations_free(struct populations *p);

#endif
