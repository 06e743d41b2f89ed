/*
 * Two streams held against each other: kind, columns with their metadata, row
 * names, row columns, row matrices and the values of layers (computed where
 * they are recipes, so that a recipe equals the layer stored from it). Not
 * compared: provenance, order promise, blocks, dictionaries beyond the labels
 * that are used, storage and type of a layer.
 */
#ifndef STREAM_COMPARE_H
#define STREAM_COMPARE_H
#include "stream/reader.h"

struct pmx_compare_options {
	double tolerance;               /* |a - b| above it differs */
	bool relative;                  /* |a - b| / max(|a|, |b|) instead */
	bool by_name;                   /* rows and columns are matched by their names; else by their places */
	const struct names *layers;     /* only these; NULL: all */
	const struct names *ignored;    /* row columns, row matrices and metadata columns to leave out; or NULL */
	const struct names *sign_free;  /* row matrices whose columns may differ by sign; or NULL */
	uint64_t memory;                /* by_name: for the second stream */
	int threads;
};

/* What was found, one text for each thing compared. */
struct pmx_finding {
	bool differs;
	char *text;
};
struct pmx_findings {
	struct pmx_finding *at;
	size_t n, cap;
};

/* Reads both to their ends. Missing equals missing, NaN equals NaN; missing against a value is an infinite difference. */
int pmx_compare(struct pmx_reader *a, struct pmx_reader *b, const struct pmx_compare_options *o, struct pmx_findings *out, struct err *e);
void pmx_findings_free(struct pmx_findings *f);

#endif
