/*
 * Connectivity scores of queries against profiles. Positive: the drug mimics
 * the query's state; negative: it reverses it. r is a profile over its N genes,
 * V the position of a gene among them, the largest value first; U and D are the
 * sets that go up and down, as far as the profile has their genes.
 *
 * ES   weighted enrichment: genes of the set add |r|^p / (its sum over the set), the
 *      others take 1 / (N - set size); the running sum of largest magnitude, looked
 *      at between blocks of equal r; positive where both are equally large
 *      (to 1e-12).
 *      (Subramanian et al. 2005, PNAS 102:15545.)
 * KS   a = max_j (j/t - V_j/N), b = max_j (V_j/N - (j-1)/t), a if a > b, else -b;
 *      V of tied genes is the last of their block. (Lamb et al. 2006, Science 313:1929.)
 *
 * wtcs     p = 1: (ES_U - ES_D) / 2 where the signs differ, else 0
 *          (Subramanian et al. 2017, Cell 171:1437)
 * gsea     p = 0: (ES_U - ES_D) / 2
 * rges     KS_U - KS_D; a set of one gene counts 0 (Chen et al. 2017, Nat. Commun. 8:16022)
 * lamb     KS_U - KS_D where the signs differ, else 0, not scaled
 * xsum     sum of r over the genes of U less that of D, of the n_extreme largest and the n_extreme
 *          smallest of the profile, ties at the cut among them (Cheng et al. 2014, Genome Med. 6:95)
 * zhang    sum R s / C: R is the rank of |r| with the sign of r, s the rank of |weight| in the sets with the
 *          side's sign (lists: the sign alone), C what the sum can be at most without ties
 *          (Zhang and Gant 2008, BMC Bioinformatics 9:258)
 * cosine, pearson, spearman  of weights and profile over the genes that both have (lists: all others weigh 0)
 * ensemble mean of the standardised pearson and gsea (z over the signatures, n in the variance; no spread: 0)
 *
 * A query with one set is scored by it alone: ES_U or -ES_D, not halved (KS likewise).
 */
#ifndef CONNECT_SCORE_H
#define CONNECT_SCORE_H
#include "connect/profiles.h"
#include "connect/query.h"

enum score_method { SCORE_WTCS, SCORE_COSINE, SCORE_PEARSON, SCORE_SPEARMAN, SCORE_GSEA, SCORE_XSUM, SCORE_ZHANG, SCORE_ENSEMBLE,
	SCORE_RGES, SCORE_LAMB, SCORE_N_METHODS };

struct score_options {
	int method;
	long n_extreme;
};

/* Does the method look at the sets, at the weights? */
bool score_uses_sets(int method);
bool score_uses_weights(int method);
/*
 * score[q * p->n + s] and overlap[q * p->n + s], the genes that the score of signature s rests on (may be NULL).
 * NaN where there is no score: no gene in common, no gene outside the set (wtcs, gsea), no spread, values that are not
 * finite. Of a list the genes that it names are counted. The bytes do not depend on `threads` or on how queries are put together.
 */
void score_queries(const struct score_options *o, const struct profiles *p, const struct query *q, size_t n_queries, int threads,
		   double *score, uint32_t *overlap);
/* The genes that a query reads: used[g] is set, others are left as they are; and the parts of their runs (enum profile_part). */
unsigned score_parts(int method, bool gaps);
void score_genes(const struct score_options *o, const struct query *q, bool *used);
/* z over the finite values, n in the variance; spread under 1e-12: 0. NaN stays. */
void score_standardise(double *x, size_t n);

#endif
