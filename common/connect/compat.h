/*
 * Scores of scperturb-cmap 0.2.0 as they were: low is concordant. The sets are all genes of the target with a
 * weight above and below 0.
 *
 * cosine    minus the correlation of standardised weights and values over the genes that both have; 0 without spread
 * gsea      (ES_up - ES_down) / 2 among the 150 genes of largest |value| (ties: the gene that comes first), unweighted; here high
 *           is concordant
 * ensemble  mean of z(cosine) and z(-gsea) over the signatures (n in the variance)
 *
 * A signature that lacks a gene of the target is scored by what is left, and takes no other with it. Tied values
 * stand as blocks.
 */
#ifndef CONNECT_COMPAT_H
#define CONNECT_COMPAT_H
#include "connect/score.h"

/* q: made without a bound on the sets and not as a list. method: SCORE_COSINE, SCORE_GSEA or SCORE_ENSEMBLE. */
void compat_scores(int method, const struct profiles *p, const struct query *q, int threads, double *score, uint32_t *overlap);

#endif
