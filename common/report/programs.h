/* Programmes as program-signature writes them: rows of weights over genes; kept on the genes that weigh most in some row. */
#ifndef REPORT_PROGRAMS_H
#define REPORT_PROGRAMS_H
#include "stream/reader.h"

enum { PROGRAMS_ROWS = 40, PROGRAMS_GENES = 60 };

struct programs {
	char *file;
	size_t n, n_all, n_genes;       /* rows kept, rows there were, genes kept */
	char **name;
	const char **gene;              /* points into `names` */
	struct names *names;
	double *weight;                 /* n x n_genes; NaN where a gene was not measured */
};

/*
 * From layer weights, else X, else the first dense layer of reals. Each row in turn gives its gene of largest |weight| not
 * taken yet (ties: the first), until PROGRAMS_GENES are taken. NULL on failure.
 */
struct programs *programs_read(struct pmx_reader *r, struct err *e);
void programs_free(struct programs *p);

#endif
