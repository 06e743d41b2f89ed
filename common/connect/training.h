/*
 * Training of the shared embedding on pairs of states and the compounds that
 * reverse them. An epoch goes through all positive training pairs once, in an
 * order drawn for it; each pair takes one of the compound's training signatures.
 * Pairs of a batch that share the target or the compound, or whose target is
 * known to be reversed by the other's compound, are no negatives of each other.
 * Everything that is drawn comes from (seed, epoch, step, place), so a run that
 * goes on from saved state gives the same bytes.
 */
#ifndef CONNECT_TRAINING_H
#define CONNECT_TRAINING_H
#include "connect/embedding.h"

enum training_loss { TRAINING_NTXENT, TRAINING_TRIPLET };
#define TRAINING_NO_SIGNATURE UINT32_MAX

struct training_options {
	int loss;
	long hidden, width;
	double temperature, margin;
	long batch, epochs, patience;   /* patience: epochs without a better validation; 0: no early stopping */
	double rate, decay, dropout, clip;
	double thinning;                /* share of the genes that is left out of a row when it is trained on; in [0, 1) */
	long warmup;                    /* steps in which the rate grows to its full value */
	bool mirrored;                  /* both towers begin alike */
	uint64_t seed;
};
#define TRAINING_DEFAULTS { TRAINING_NTXENT, 64, 64, 0.1, 0.2, 128, 400, 80, 3e-3, 0.01, 0.1, 1, 0.2, 20, true, 1 }

enum training_part { TRAINING_TRAIN, TRAINING_VALIDATION, TRAINING_TEST };

struct training_data {
	size_t n_targets, n_signatures, n_compounds, d;
	const float *target, *signature;        /* rows from embedding_row */
	const uint32_t *compound;               /* of each signature */
	const uint8_t *target_part, *signature_part;    /* enum training_part; a target of no part of its own is TRAIN */
	const uint32_t *self;                   /* the signature that a target was made of, or TRAINING_NO_SIGNATURE */
	const int8_t *label;                    /* n_targets x n_compounds: 1 reverses, 0 does not, -1 not said */
};

/* What one epoch came to. */
struct training_epoch {
	double loss, norm, validation;          /* mean loss, mean length of the gradient; area under the ROC curve, NaN without pairs */
};

/* All that goes on from epoch to epoch: four arrays of 2 x net_parts().end. */
struct training_state {
	float *parameter, *first, *second;      /* first and second moments */
	float *best;
	uint64_t step;
	long epoch, best_epoch;                 /* epochs done; the best one's number from 1, 0: none yet */
	double best_validation;
};

struct training;
struct training *training_new(const struct training_options *o, const struct training_data *data, int threads);
void training_free(struct training *t);
struct training_state *training_state(struct training *t);
size_t training_pairs(const struct training *t, enum training_part part);
/* No training pair, or nothing to tell one from: all pairs share a target, or a compound. */
bool training_alone(const struct training *t);
/* One epoch. False when the loss or a parameter is no longer finite: the state is then that of the epoch before. */
bool training_epoch(struct training *t, struct training_epoch *out);
/* All epochs done, or patience at its end. */
bool training_done(const struct training *t);

#endif
