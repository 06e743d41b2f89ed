/* What weighted-de writes, and the dispersions that it can be given. */
#ifndef CLI_WEIGHTED_OUT_H
#define CLI_WEIGHTED_OUT_H
#include "cli/screen.h"
#include "perturb/weighted_de.h"

/* One target: its splits, and which of them were fitted. */
struct weighted_row {
	uint32_t target;
	const size_t *n_target, *n_control;     /* by split */
	const size_t *split_of_run;
	size_t n_runs;
	bool scored;
};

struct weighted_out;
struct weighted_out *weighted_out_open(const struct cli *c, const struct screen *s, bool tsv);
/* The column of a gene of that name; UINT32_MAX: none. */
uint32_t weighted_out_gene(const struct weighted_out *w, const char *name);
/* r is NULL when no split could be fitted. */
void weighted_out_put(struct weighted_out *w, const struct weighted_row *row, struct weighted_de_result *r);
/* Status 1 when nothing was tested at all. */
void weighted_out_close(struct weighted_out *w, const struct pmx_reader *in);

/* target TAB gene TAB dispersion [TAB trend], the first line a header; path may be NULL. */
struct weighted_given;
struct weighted_given *weighted_given_read(const char *path, const struct pmx_schema *s);
/* By gene, NaN where there is none; valid until the next call. */
struct weighted_de_given weighted_given_of(struct weighted_given *g, const char *target);
void weighted_given_free(struct weighted_given *g);

#endif
