/*
 * Groups of perturbations as decompose leaves them: which contrast is in which programme, and how alike the z scores of
 * the contrasts that were compared are.
 */
#ifndef REPORT_GROUPS_H
#define REPORT_GROUPS_H
#include "report/sheet.h"
#include "stream/reader.h"

enum { GROUPS_ROWS = 48 };

struct groups_row {
	char *target, *split, *reason;  /* split, reason: NULL where there is none */
	char *name;                     /* target, or "target, split" */
	uint32_t program;               /* among the programmes, or NAMES_NONE */
	int prototype;                  /* -1: the stream does not tell */
	double number[3];               /* height, weight, correlation; NaN */
	float *z;                       /* of the genes that were compared; NULL once r is there, and for rows that were not compared */
};

struct groups {
	char *file;
	const char *method;             /* the correlation: Pearson, Spearman, Kendall */
	struct names *programs;
	size_t *size;                   /* members of a programme */
	size_t n, cap, n_genes, n_compared;
	struct groups_row *row;
	size_t n_shown, shown[GROUPS_ROWS];     /* rows, programme by programme */
	double *r;                      /* n_shown x n_shown; NaN where a row is constant */
};

/*
 * From columns program and program_reason and layer z. Shown are the members of the programmes, the programmes with most members first
 * (ties: the first), then rows that were compared and are in none. Inside of a programme the first row is its prototype (else its
 * first), and each further one that of largest |r| with the row before it (ties: the first). r is the correlation that decompose was
 * given in the provenance, else Pearson's. NULL on failure.
 */
struct groups *groups_read(struct pmx_reader *r, int threads, struct err *e);
void groups_free(struct groups *g);
/* Table: program, split, target, height, prototype, weight, correlation, reason; programme by programme, then the rows in none. */
struct sheet *groups_table(const struct groups *g);

#endif
