/* What the overview, the ridges and the guides of a report show: one pass over the cells, about 2 KB a target and split. */
#ifndef REPORT_SCREEN_SUMMARY_H
#define REPORT_SCREEN_SUMMARY_H
#include "report/density.h"
#include "report/sheet.h"
#include "stream/reader.h"

struct screen_keys {
	const char *pert_key, *control, *split_by, *guide_key, *score, *class;  /* NULL: as the stream was made, see below */
};

struct screen_guide {
	uint32_t target;                /* of its first cell */
	uint64_t n, n_scored, n_classified, n_ko;
	double score;                   /* sum over the scored */
};

struct screen_target {
	uint64_t n, n_scored, n_classified, n_ko, n_guides;
	double score;                   /* sum over the scored */
	const char *reason;             /* of its first cell without a score (a class, where there are no scores); or NULL */
};

struct screen_summary {
	uint64_t n_cells, n_genes, n_unlabelled;
	struct names *targets, *splits, *guides, *reasons;      /* splits: "all" alone without one; reasons: "column: reason" */
	const char *score_name;         /* NULL: the cells have no score */
	char *class_name;               /* NULL: no classes */
	uint32_t control;               /* among the targets, or NAMES_NONE */
	struct screen_target *target;
	struct screen_guide *guide;
	uint64_t *reason;
	uint64_t *cells;                /* targets x splits */
	struct density *density;        /* of the scores, targets x splits; cells with a reason are left out */
	struct names *target_reasons;
	struct screen_keys keys;        /* as they were used */
	char *owned[4];
};

/*
 * Reads r to its end. Keys that are not given are those of the last tool in the provenance that was given them, else gene_target,
 * guide_id, mixscale_score and mixscape_class_global where the stream has them. A cell counts as an answer (n_ko) when its global
 * class is neither NP nor the control's. NULL on failure.
 */
struct screen_summary *screen_summary_read(struct pmx_reader *r, const struct screen_keys *keys, struct err *e);
void screen_summary_free(struct screen_summary *s);
/* The value that an option was last given in the provenance, or NULL. */
const char *provenance_option(const struct pmx_schema *s, const char *option);

#endif
