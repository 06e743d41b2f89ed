#include "connect/training.h"
#include "connect/retrieval.h"
#include "base/mem.h"
#include "num/random.h"
#include "unit.h"
#include <string.h>

enum { TARGETS = 4, COMPOUNDS = 6, D = 9 };

/* Compound c has one signature; target 0 is reversed by 0 and 1, target 1 by 1 and 2, target 2 by 3, target 3 by 4 and 5. */
static const uint32_t compound[COMPOUNDS] = { 0, 1, 2, 3, 4, 5 };
static const uint32_t no_self[TARGETS] = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };
static const uint8_t all_train[COMPOUNDS] = { 0 };
static const int8_t label[TARGETS * COMPOUNDS] = {
	1, 1, -1, -1, -1, -1,
	0, 1, 1, -1, -1, -1,
	-1, -1, -1, 1, -1, -1,
	-1, -1, -1, -1, 1, 1,
};
static float target[TARGETS * D], signature[COMPOUNDS * D];

static void draw_rows(void)
{
	double x[D], z[2];
	for (uint32_t i = 0; i < TARGETS + COMPOUNDS; i++) {
		for (uint32_t j = 0; j < D; j++) {
			struct random4 r = random_words(2, 3, i, j);
			random_normal(&r, z);
			x[j] = z[0];
		}
		embedding_row(x, D, i >= TARGETS, i < TARGETS ? target + i * D : signature + (i - TARGETS) * D);
	}
}

static struct training_data data(const uint8_t *target_part, const uint8_t *signature_part)
{
	draw_rows();
	return (struct training_data){ TARGETS, COMPOUNDS, COMPOUNDS, D, target, signature, compound, target_part, signature_part, no_self, label };
}

static struct training_options options(int loss)
{
	struct training_options o = TRAINING_DEFAULTS;
	o.loss = loss;
	o.hidden = 7;
	o.width = 5;
	o.dropout = o.thinning = 0;
	o.temperature = 0.5;
	return o;
}

/* Similarities of all targets with all drugs under these parameters. */
static void similarities(const struct training_options *o, float *parameter, double *out)
{
	struct embedding m = { { D, (size_t)o->hidden, (size_t)o->width }, parameter, 1 };
	float state[TARGETS * 5], drug[COMPOUNDS * 5];
	double score[COMPOUNDS];
	embedding_embed(&m, NET_STATE, target, TARGETS, 1, state);
	embedding_embed(&m, NET_DRUG, signature, COMPOUNDS, 1, drug);
	for (size_t k = 0; k < TARGETS; k++) {
		embedding_score(state + k * 5, drug, COMPOUNDS, 5, score);
		for (size_t c = 0; c < COMPOUNDS; c++)
			out[k * COMPOUNDS + c] = -score[c];
	}
}

/* The loss as the definition has it: what is known to belong together is left out of both sums. */
UNIT(the_loss_has_no_false_negatives)
{
	struct training_options o = options(TRAINING_NTXENT);
	const struct training_data d = data(all_train, all_train);
	struct training *t = training_new(&o, &d, 2);
	double similarity[TARGETS * COMPOUNDS], want = 0, unmasked = 0, n = 0;
	similarities(&o, training_state(t)->parameter, similarity);
	for (size_t k = 0; k < TARGETS; k++)
		for (size_t c = 0; c < COMPOUNDS; c++) {
			if (label[k * COMPOUNDS + c] != 1)
				continue;
			double own = similarity[k * COMPOUNDS + c] / o.temperature, row = exp(own), column = exp(own), every = exp(own);
			for (size_t l = 0; l < TARGETS; l++)
				for (size_t b = 0; b < COMPOUNDS; b++) {
					if (label[l * COMPOUNDS + b] != 1 || (l == k && b == c))
						continue;
					every += exp(similarity[k * COMPOUNDS + b] / o.temperature);
					/* Pair (l, b) of the batch: its drug for this target, its target for this drug. */
					if (l != k && b != c && label[k * COMPOUNDS + b] != 1)
						row += exp(similarity[k * COMPOUNDS + b] / o.temperature);
					if (l != k && b != c && label[l * COMPOUNDS + c] != 1)
						column += exp(similarity[l * COMPOUNDS + c] / o.temperature);
				}
			want += (log(row) - own + log(column) - own) / 2;
			unmasked += log(every) - own;
			n++;
		}
	struct training_epoch out;
	CHECK(training_epoch(t, &out));
	CHECK(training_pairs(t, TRAINING_TRAIN) == 7);
	CHECK_NEAR(out.loss, want / n, 1e-5);
	CHECK(fabs(out.loss - unmasked / n) > 0.01);
	training_free(t);
}

/* Parts that are held out are not looked at: their rows may be anything. */
UNIT(held_out_rows_do_not_reach_the_parameters)
{
	static const uint8_t part[COMPOUNDS] = { 0, 0, TRAINING_TEST, 0, 0, TRAINING_VALIDATION };
	static const uint8_t targets[TARGETS] = { 0, 0, 0, 0 };
	for (int loss = 0; loss < 2; loss++) {
		struct training_options o = options(loss);
		float *kept[2];
		size_t size = 0;
		for (int k = 0; k < 2; k++) {
			const struct training_data d = data(targets, part);
			for (size_t j = 0; k && j < D; j++) {
				signature[2 * D + j] = (float)j;
				signature[5 * D + j] = -3;
			}
			struct training *t = training_new(&o, &d, 1);
			struct training_epoch out;
			CHECK(training_pairs(t, TRAINING_TRAIN) == 5 && training_pairs(t, TRAINING_VALIDATION) == 1);
			for (int epoch = 0; epoch < 5; epoch++)
				CHECK(training_epoch(t, &out));
			struct net_shape s = { D, (size_t)o.hidden, (size_t)o.width };
			size = 2 * net_parts(&s).end * sizeof(float);
			kept[k] = mem_array(size, 1);
			memcpy(kept[k], training_state(t)->parameter, size);
			training_free(t);
		}
		CHECK(!memcmp(kept[0], kept[1], size));
		mem_free(kept[0]);
		mem_free(kept[1]);
	}
}

UNIT(both_losses_learn_the_pairs)
{
	for (int loss = 0; loss < 2; loss++) {
		struct training_options o = options(loss);
		o.rate = 0.01;
		const struct training_data d = data(all_train, all_train);
		struct training *t = training_new(&o, &d, 1);
		struct training_epoch out = { 0, 0, 0 };
		for (int epoch = 0; epoch < 200; epoch++)
			CHECK(training_epoch(t, &out));
		double similarity[TARGETS * COMPOUNDS];
		similarities(&o, training_state(t)->parameter, similarity);
		for (size_t k = 0; k < TARGETS; k++)
			for (size_t c = 0; c < COMPOUNDS; c++)
				for (size_t b = 0; b < COMPOUNDS; b++) {
					/* Of target 1 only compound 0 is said not to reverse it: the triplet looks at no other. */
					bool negative = loss == TRAINING_TRIPLET && k == 1 ? b == 0 : label[k * COMPOUNDS + b] != 1;
					CHECK(label[k * COMPOUNDS + c] != 1 || !negative || similarity[k * COMPOUNDS + c] > similarity[k * COMPOUNDS + b]);
				}
		training_free(t);
	}
}

UNIT(a_target_of_its_own_signature_does_not_train_on_it)
{
	static const uint32_t self[TARGETS] = { UINT32_MAX, UINT32_MAX, 3, 4 };
	struct training_options o = options(TRAINING_NTXENT);
	struct training_data d = data(all_train, all_train);
	d.self = self;
	struct training *t = training_new(&o, &d, 1);
	CHECK(training_pairs(t, TRAINING_TRAIN) == 5);
	training_free(t);
}

UNIT(a_loss_that_is_not_finite_leaves_the_state_before)
{
	struct training_options o = options(TRAINING_NTXENT);
	o.rate = 1e30;
	o.warmup = 0;
	o.clip = 0;
	const struct training_data d = data(all_train, all_train);
	struct training *t = training_new(&o, &d, 1);
	struct training_state *s = training_state(t);
	struct net_shape shape = { D, (size_t)o.hidden, (size_t)o.width };
	struct training_epoch out;
	int epoch = 0;
	while (epoch < 50 && training_epoch(t, &out))
		epoch++;
	CHECK(epoch < 50 && s->epoch == epoch && s->step == (uint64_t)epoch);
	for (size_t i = 0; i < 2 * net_parts(&shape).end; i++)
		CHECK(isfinite(s->parameter[i]));
	training_free(t);
}

UNITS(RUN(the_loss_has_no_false_negatives), RUN(held_out_rows_do_not_reach_the_parameters), RUN(both_losses_learn_the_pairs),
      RUN(a_target_of_its_own_signature_does_not_train_on_it), RUN(a_loss_that_is_not_finite_leaves_the_state_before))
