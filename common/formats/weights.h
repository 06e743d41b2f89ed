/*
 * A table of weights: a header, then a line a gene, its name first and one number a target. Tabs or commas.
 * What is missing (NA, NaN, nothing, -666 of LINCS) is NaN; an infinite weight, a text and a gene that comes twice are failures.
 */
#ifndef FORMATS_WEIGHTS_H
#define FORMATS_WEIGHTS_H
#include "base/err.h"
#include "base/names.h"

struct weights {
	struct names *targets, *genes;
	double *value;                  /* genes->n x targets->n */
	size_t cap;
	uint64_t n_missing;
};

struct weights *weights_read(const char *path, struct err *e);
void weights_free(struct weights *w);

#endif
