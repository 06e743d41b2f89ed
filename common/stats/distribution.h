/*
 * Tails of distributions, on the natural log scale so that no p value is lost
 * to underflow: log P(X > x). Relative accuracy of P about 1e-12.
 */
#ifndef STATS_DISTRIBUTION_H
#define STATS_DISTRIBUTION_H

double distribution_log_normal_tail(double z);              /* log P(Z > z) */
double distribution_log_normal_two_sided(double z);         /* log P(|Z| > |z|) */
double distribution_log_chisq1_tail(double x);              /* 1 degree of freedom */
double distribution_log_t_two_sided(double t, double df);   /* log P(|T| > |t|) */
/* log of the regularised incomplete beta function I_x(a, b), by its continued fraction. */
double distribution_log_beta(double x, double a, double b);
double distribution_log_f_tail(double f, double df1, double df2);
double distribution_normal_quantile(double p);              /* Wichura's AS 241 */
/* z >= 0 with log P(|Z| > z) = log_p, the root of the chi-square quantile with 1 degree of freedom; no p is too small. */
double distribution_z_of_log_p(double log_p);

/* log Gamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2), x > 0: what Stirling's formula leaves out. */
double distribution_stirling_rest(double x);
/*
 * log P(X >= k), X hypergeometric: white balls among n_drawn of n_all, n_white of them white. -inf where k cannot be reached.
 * Terms by Loader's saddle point expansion (2000), so that large numbers lose nothing; P to about 1e-13.
 */
double distribution_log_hypergeometric_tail(double k, double n_white, double n_drawn, double n_all);

#endif
