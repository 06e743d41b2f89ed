/*
 * Where the marker genes of a target come from: a markers file (contrasts),
 * a list, or a test here, pooled over splits, guide by guide, or against a
 * harmonised draw of the controls.
 */
#ifndef CLI_MARKER_GENES_H
#define CLI_MARKER_GENES_H
#include "cli/screen.h"
#include "perturb/markers.h"

struct marker_gene_options {
	struct markers_options test;
	const char *markers_file, *list_file, *harmonize_file;
	bool by_guide, harmonize;
	double harmonize_min_proportion;
};
#define MARKER_GENE_DEFAULTS { MARKERS_DEFAULTS, NULL, NULL, NULL, false, false, 0.1 }

extern const char *const marker_tests[], *const marker_corrections[], *const compat_choices[];

#define MARKER_TEST_OPTIONS(o) \
	CLI_CHOICE(0, "test", &(o).test, marker_tests, "TEST", "test of the marker genes", \
		   "auto is lr, and wilcoxon with --compat pertpy"), \
	CLI_REAL(0, "logfc-threshold", &(o).logfc_threshold, 0, 1000, "X", "least |log2 fold change|"), \
	CLI_REAL(0, "min-pct", &(o).min_pct, 0, 1, "SHARE", "least share of expressing cells in either group"), \
	CLI_REAL(0, "pval-cutoff", &(o).pval_cutoff, 0, 1, "P", "adjusted p of a marker is below")

struct marker_genes;
struct marker_genes *marker_genes_new(const struct cli *c, struct marker_gene_options *o, struct screen *s);
/* Is expression needed to find them? Ask before screen_open. */
bool marker_genes_need_expression(const struct marker_gene_options *o);
/*
 * The genes of the target g, most significant first (by guide: guide after guide in order of first appearance,
 * repetitions left out); *n of them. The list stays valid until the next call.
 */
const uint32_t *marker_genes_of(struct marker_genes *m, const struct cell_group *g, size_t *n, enum markers_reason *reason);
/* The same within one split: the target's cells there against the controls there. Not with --harmonize. */
const uint32_t *marker_genes_in_split(struct marker_genes *m, const struct cell_group *g, size_t split, size_t *n,
				      enum markers_reason *reason);
void marker_genes_free(struct marker_genes *m);

#endif
