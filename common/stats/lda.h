/*
 * Linear discriminant analysis with moment estimates, as lda and predict.lda of MASS (Venables and Ripley 2002, section 12.1):
 *
 *   W    covariance within the classes, (n - g) in the denominator, of variables in units of their standard deviation
 *        within the classes; directions in which W has a standard deviation of at most 1e-4 are left out
 *   S    S' W S = 1
 *   B    class means times S, weighted by sqrt(n prior / (g - 1)) about their mean; its right singular vectors are the
 *        discriminants, those with a singular value over 1e-4 of the largest
 *   P    prior_k exp(-|z - z_k|^2 / 2), of sum 1 over the classes; priors are the shares of the classes
 *
 * Classes are learned one at a time. A class without rows has prior 0 and is none of the g. Each discriminant's largest
 * coefficient (the first of equals in size) is positive.
 */
#ifndef STATS_LDA_H
#define STATS_LDA_H
#include <stddef.h>
#include <stdint.h>

enum lda_reason { LDA_DONE, LDA_FEW_CLASSES, LDA_FEW_ROWS, LDA_NO_SPREAD, LDA_SAME_MEANS, LDA_NOT_CONVERGED, LDA_N_REASONS };
extern const char *const lda_reason_text[LDA_N_REASONS];

struct lda {
	size_t n_variables, n_classes, n, g;    /* g: classes with rows */
	size_t *count;                  /* rows of each class */
	double *mean;                   /* n_classes x n_variables */
	double *scatter;                /* within: n_variables x n_variables, one triangle */
	/* After lda_settle: */
	size_t rank_within, rank;
	double *prior, *centre;
	double *sphere;                 /* S: n_variables x rank_within */
	double *scaling;                /* of the discriminants: n_variables x rank */
	double *singular;               /* rank: standard deviation between over within the classes */
	double *class_sphere, *class_at;        /* class means times S and times scaling (these about the centre) */
};

struct lda *lda_new(size_t n_variables, size_t n_classes);
void lda_free(struct lda *l);
/* All rows of one class: n x n_variables. */
void lda_learn(struct lda *l, size_t class, const double *x, size_t n);
enum lda_reason lda_settle(struct lda *l);
/* Of n rows: coordinates n x rank and posteriors n x n_classes. NaN where the row has one. */
void lda_place(const struct lda *l, const double *x, size_t n, int threads, double *coordinates, double *posterior);
/*
 * Posteriors of rows that were learned, each without itself in mean and W (priors stay): the rank-one update of
 * Lachenbruch and Mickey (1968). NaN for the only row of a class. class[i] UINT32_MAX: the row is left as it is.
 */
void lda_leave_one_out(const struct lda *l, const double *x, const uint32_t *class, size_t n, int threads, double *posterior);

#endif
