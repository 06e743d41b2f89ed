/*
 * Two normal distributions in one dimension, the first known: its mean and
 * standard deviation stay as they are, the weights and the second one are
 * fitted to x. Three ways to stop:
 *
 *   mixture_fit         maximum likelihood, run to convergence: expectation-maximisation with
 *                       squared extrapolation (Varadhan & Roland 2008). Starts with the second over the
 *                       upper half, quarter, tenth and thirtieth of the values, and keeps the best end
 *   mixture_fit_mixtools   the iteration of mixtools 2.0's normalmixEM with mean and sd of the
 *                       first constrained: stops when the log-likelihood gains at most 1e-8
 *   mixture_fit_sklearn the iteration of scikit-learn's GaussianMixture with the first fixed:
 *                       weights from k-means, 1e-6 added to the variance, stops when the mean
 *                       log-likelihood moves by less than 1e-3, at most 100 rounds
 *
 * Sums run in the order of x (mixture_fit: in eight lanes), so the result is
 * the same for any number of threads.
 */
#ifndef STATS_MIXTURE_H
#define STATS_MIXTURE_H
#include <stdbool.h>
#include <stddef.h>

struct mixture {
	double weight[2], mean[2], sd[2];
	double log_likelihood;          /* of x under these (mixtools: as at its stop) */
	int iterations;
	bool converged;
};

/*
 * `m` holds the first distribution and takes the result. False: from every start the second vanished (it holds
 * less than one of the values) or shrank to a point (sd below a thousandth of the first's).
 */
bool mixture_fit(struct mixture *m, const double *x, size_t n);
/* The others take the start in `m`, sklearn's without weights. False when some sd falls below 1e-8, where mixtools starts again at random. */
bool mixture_fit_mixtools(struct mixture *m, const double *x, size_t n);
void mixture_fit_sklearn(struct mixture *m, const double *x, size_t n);

/* P(x from the second); `weighted`: by the weights, too, else as the plain ratio of densities 1 / (1 + N1(x) / N2(x)). */
double mixture_posterior(const struct mixture *m, double x, bool weighted);
/* The plain ratio from the densities themselves, as R has it: NaN where both underflow to 0. */
double mixture_posterior_r(const struct mixture *m, double x);

#endif
