/*
 * Scores of a run of targets against all signatures, their summaries, and how
 * they compare to chance and to a background.
 */
#ifndef CLI_RANK_SCORES_H
#define CLI_RANK_SCORES_H
#include "cli/rank_embedding.h"
#include "cli/rank_reference.h"
#include "connect/query.h"
#include "connect/score.h"

struct rank_options {
	struct score_options score;
	long min_overlap, permutations;
	bool normalise;                 /* summaries of NCS, else of scores; scores are tested in units of their mean magnitude */
	bool compat, background;        /* compared with the queries of a background */
	const struct rank_embedding *embedding; /* or NULL */
	double blend;                   /* its weight beside score.method, both standardised over the signatures; 1: it alone, as it is */
};
#define RANK_DEFAULTS { .score = { SCORE_WTCS, 100 }, .min_overlap = 10, .normalise = true }

/* Of n targets: signatures or units of target t begin at t * n_signatures or t * n_units. */
struct rank_scores {
	size_t n, n_signatures, n_units;
	double *score, *ncs;            /* of signatures; NaN: not scored. ncs: NULL where they are the units and nothing is compared with it */
	uint32_t *overlap;
	double *stat;                   /* of units: what is ranked */
	double *tested;                 /* of units: what is compared with the null queries; NULL without any */
	double *unit_ncs;               /* of units */
	bool shared;                    /* units are signatures: stat is score, unit_ncs is ncs */
	uint32_t *exceeding, *below;    /* of units: null queries at least as extreme; background queries less extreme */
	size_t n_null, n_background;
};

/* How many targets can be scored at a time within the memory; random queries need half of it. */
size_t rank_scores_batch(const struct cli *c, const struct rank_options *o, const struct rank_reference *r);
struct rank_scores *rank_scores_new(const struct cli *c, const struct rank_options *o, const struct rank_reference *r, const struct query *q,
				    size_t n);
/* Random queries of the same sizes over the same genes; every signature is scored, whatever is shown. */
void rank_scores_null(const struct cli *c, const struct rank_options *o, const struct rank_reference *r, const struct query *q,
		      struct rank_scores *s);
/* One query of the background, scored like the targets: its score for every signature. */
void rank_scores_background(const struct cli *c, const struct rank_reference *r, const double *score, struct rank_scores *s);
void rank_scores_free(struct rank_scores *s);

#endif
