#include "connect/training.h"
#include "base/mem.h"
#include "connect/retrieval.h"
#include "num/random.h"
#include <math.h>
#include <string.h>

enum { STREAM_ORDER = 0x54524e01, STREAM_SIGNATURE, STREAM_NEGATIVE, STREAM_INPUT, MOST_QUERIES = 2000 };

/* Signatures of each compound in one part. */
struct members {
	size_t *start;
	uint32_t *signature;
};

struct training {
	struct training_options o;
	const struct training_data *data;
	int threads;
	struct net_shape shape;
	size_t size;                    /* of the parameters */
	struct net_work_f32 *work;
	struct net_pass_f32 *pass[NET_N_TOWERS];
	struct training_state now, before;
	float *gradient;
	struct retrieval_query *drawn;  /* pairs of the batch */
	uint8_t *exclude;
	struct members member[2];       /* by part: train, validation */
	struct retrieval_query *pair;   /* positive training pairs */
	size_t n_pairs;
	uint32_t *trained, n_trained;   /* compounds with training signatures */
	bool *denied;                   /* targets with a trained compound that is said not to reverse them */
	struct retrieval_query *query;  /* for validation */
	size_t n_queries;
	uint8_t *candidate;
	struct embedding model;
	float *row, *unit;              /* of the candidates, packed; and of one target each */
	uint32_t *chosen;
	size_t n_chosen;
};

static void members_init(struct members *m, const struct training_data *d, uint8_t part)
{
	m->start = mem_zero(d->n_compounds + 2, sizeof *m->start);
	m->signature = mem_array(d->n_signatures, sizeof *m->signature);
	for (size_t i = 0; i < d->n_signatures; i++)
		if (d->signature_part[i] == part)
			m->start[d->compound[i] + 2]++;
	for (size_t c = 0; c < d->n_compounds; c++)
		m->start[c + 2] += m->start[c + 1];
	for (size_t i = 0; i < d->n_signatures; i++)
		if (d->signature_part[i] == part)
			m->signature[m->start[d->compound[i] + 1]++] = (uint32_t)i;
}

/* Does the compound have a signature there that is not the target's own? */
static bool has_other(const struct members *m, uint32_t compound, uint32_t self)
{
	size_t n = m->start[compound + 1] - m->start[compound];
	return n > 1 || (n == 1 && m->signature[m->start[compound]] != self);
}

static int label_of(const struct training_data *d, uint32_t target, uint32_t compound)
{
	return d->label[target * d->n_compounds + compound];
}

/* A compound that may be a negative of the target: one said to be, where there are such; else one not said to reverse it. */
static bool is_negative(const struct training *t, uint32_t target, uint32_t compound)
{
	int label = label_of(t->data, target, compound);
	return t->denied[target] ? label == 0 : label != 1;
}

static void list_pairs(struct training *t)
{
	const struct training_data *d = t->data;
	t->trained = mem_array(d->n_compounds, sizeof *t->trained);
	t->denied = mem_zero(d->n_targets, sizeof *t->denied);
	for (uint32_t c = 0; c < d->n_compounds; c++)
		if (t->member[0].start[c + 1] > t->member[0].start[c])
			t->trained[t->n_trained++] = c;
	size_t pair_cap = 0, query_cap = 0;
	for (uint32_t k = 0; k < d->n_targets; k++) {
		if (d->target_part[k] == TRAINING_TEST)
			continue;
		size_t n_negatives = 0;
		for (uint32_t i = 0; i < t->n_trained; i++)
			t->denied[k] |= label_of(d, k, t->trained[i]) == 0;
		for (uint32_t i = 0; i < t->n_trained; i++)
			n_negatives += is_negative(t, k, t->trained[i]);
		for (uint32_t c = 0; c < d->n_compounds; c++) {
			if (label_of(d, k, c) != 1)
				continue;
			if (d->target_part[k] == TRAINING_TRAIN && has_other(&t->member[0], c, d->self[k]) && (t->o.loss == TRAINING_NTXENT || n_negatives)) {
				mem_room(&t->pair, &pair_cap, t->n_pairs + 1, sizeof *t->pair);
				t->pair[t->n_pairs++] = (struct retrieval_query){ k, c };
			}
			if (has_other(&t->member[1], c, d->self[k])) {
				mem_room(&t->query, &query_cap, t->n_queries + 1, sizeof *t->query);
				t->query[t->n_queries++] = (struct retrieval_query){ k, c };
			}
		}
	}
	if (t->n_queries > MOST_QUERIES) {
		struct retrieval_query *some = mem_array(MOST_QUERIES, sizeof *some);
		for (size_t i = 0; i < MOST_QUERIES; i++)
			some[i] = t->query[random_permuted(t->o.seed, i, t->n_queries)];
		mem_free(t->query);
		t->query = some;
		t->n_queries = MOST_QUERIES;
	}
}

static void state_init(struct training_state *s, size_t size)
{
	s->parameter = mem_aligned(size, sizeof(float));
	s->first = mem_aligned(size, sizeof(float));
	s->second = mem_aligned(size, sizeof(float));
	memset(s->parameter, 0, size * sizeof(float));
	memset(s->first, 0, size * sizeof(float));
	memset(s->second, 0, size * sizeof(float));
}

/* Rows of the validation's candidates, one after the other. */
static void choose_candidates(struct training *t)
{
	const struct training_data *d = t->data;
	t->candidate = mem_zero(d->n_signatures, 1);
	t->chosen = mem_array(d->n_signatures, sizeof *t->chosen);
	for (size_t i = 0; i < d->n_signatures; i++)
		if (d->signature_part[i] == TRAINING_VALIDATION) {
			t->candidate[i] = 1;
			t->chosen[t->n_chosen++] = (uint32_t)i;
		}
	t->row = mem_array(t->n_chosen * d->d, sizeof *t->row);
	for (size_t i = 0; i < t->n_chosen; i++)
		memcpy(t->row + i * d->d, d->signature + t->chosen[i] * d->d, d->d * sizeof *t->row);
	t->unit = mem_array((t->n_chosen + d->n_targets) * t->shape.e, sizeof *t->unit);
}

struct training *training_new(const struct training_options *o, const struct training_data *data, int threads)
{
	struct training *t = mem_zero(1, sizeof *t);
	t->o = *o;
	t->data = data;
	t->threads = threads;
	t->shape = (struct net_shape){ data->d, (size_t)o->hidden, (size_t)o->width };
	t->size = 2 * net_parts(&t->shape).end;
	members_init(&t->member[0], data, TRAINING_TRAIN);
	members_init(&t->member[1], data, TRAINING_VALIDATION);
	list_pairs(t);
	size_t batch = (size_t)o->batch;
	t->work = net_work_new_f32(&t->shape, threads);
	t->pass[NET_STATE] = net_pass_new_f32(&t->shape, NET_STATE, batch, true);
	t->pass[NET_DRUG] = net_pass_new_f32(&t->shape, NET_DRUG, o->loss == TRAINING_TRIPLET ? 2 * batch : batch, true);
	state_init(&t->now, t->size);
	state_init(&t->before, t->size);
	t->now.best = mem_zero(t->size, sizeof(float));
	t->now.best_validation = -INFINITY;
	t->gradient = mem_aligned(t->size, sizeof(float));
	t->drawn = mem_array(batch, sizeof *t->drawn);
	t->exclude = mem_array(batch * batch, 1);
	net_start_f32(&t->shape, o->seed, o->mirrored, t->now.parameter);
	choose_candidates(t);
	return t;
}

static void state_free(struct training_state *s)
{
	mem_free(s->parameter);
	mem_free(s->first);
	mem_free(s->second);
	mem_free(s->best);
}

void training_free(struct training *t)
{
	if (!t)
		return;
	net_work_free_f32(t->work);
	for (int k = 0; k < NET_N_TOWERS; k++) {
		net_pass_free_f32(t->pass[k]);
		mem_free(t->member[k].start);
		mem_free(t->member[k].signature);
	}
	state_free(&t->now);
	state_free(&t->before);
	mem_free(t->gradient);
	mem_free(t->drawn);
	mem_free(t->exclude);
	mem_free(t->pair);
	mem_free(t->trained);
	mem_free(t->denied);
	mem_free(t->query);
	mem_free(t->candidate);
	mem_free(t->chosen);
	mem_free(t->row);
	mem_free(t->unit);
	mem_free(t);
}

struct training_state *training_state(struct training *t)
{
	return &t->now;
}

size_t training_pairs(const struct training *t, enum training_part part)
{
	return part == TRAINING_TRAIN ? t->n_pairs : part == TRAINING_VALIDATION ? t->n_queries : 0;
}

bool training_alone(const struct training *t)
{
	bool targets = false, compounds = false;
	for (size_t i = 1; i < t->n_pairs; i++) {
		targets |= t->pair[i].target != t->pair[0].target;
		compounds |= t->pair[i].compound != t->pair[0].compound;
	}
	return !t->n_pairs || (t->o.loss == TRAINING_NTXENT && !(targets && compounds));
}

/* One of the compound's training signatures, but not `self`. */
static uint32_t draw_signature(const struct training *t, uint32_t compound, uint32_t self, uint32_t random)
{
	const struct members *m = &t->member[0];
	const uint32_t *list = m->signature + m->start[compound];
	uint32_t n = (uint32_t)(m->start[compound + 1] - m->start[compound]), at = random_below(random, n);
	return list[at] != self ? list[at] : list[(at + 1) % n];
}

/* A training compound that is a negative of the target; there is one. */
static uint32_t draw_negative(const struct training *t, uint32_t target, uint64_t epoch, uint32_t place)
{
	struct random4 r = random_words(t->o.seed, STREAM_NEGATIVE, epoch, place);
	uint32_t from = random_below(r.v[0], t->n_trained);
	for (uint32_t i = 0; i < t->n_trained; i++) {
		uint32_t c = t->trained[(from + i) % t->n_trained];
		if (is_negative(t, target, c))
			return c;
	}
	return t->trained[from];
}

/* Genes of a row of a batch are left out at random, the others take up their share. */
static void thin(const struct training *t, uint32_t tower, uint64_t step, size_t row, float *x)
{
	uint32_t limit = (uint32_t)(t->o.thinning * 65536);
	float keep = (float)(65536.0 / (65536.0 - limit));
	size_t d = t->data->d;
	for (size_t j = 0; j < d; j += 8) {
		struct random4 r = random_words(t->o.seed, STREAM_INPUT + tower, step << 24 | row, (uint32_t)j);
		for (size_t k = 0; k < 8 && j + k < d; k++)
			x[j + k] *= (r.v[k / 2] >> 16 * (k % 2) & 0xffff) < limit ? 0 : keep;
	}
}

/* Which pairs of the batch are no negatives of pair i. */
static void exclude_from(struct training *t, size_t i, size_t n)
{
	const struct retrieval_query *pair = &t->drawn[i];
	const int8_t *label = t->data->label + pair->target * t->data->n_compounds;
	for (size_t j = 0; j < n; j++) {
		const struct retrieval_query *other = &t->drawn[j];
		t->exclude[i * n + j] = pair->target == other->target || pair->compound == other->compound || label[other->compound] == 1;
	}
}

/* The rows of pair i of the batch, which is number `place` of the epoch. */
static void gather_pair(struct training *t, size_t i, size_t n, uint32_t place)
{
	const struct training_data *d = t->data;
	const struct retrieval_query *pair = &t->drawn[i];
	struct net_pass_f32 *state = t->pass[NET_STATE], *drug = t->pass[NET_DRUG];
	uint64_t epoch = (uint64_t)t->now.epoch;
	struct random4 r = random_words(t->o.seed, STREAM_SIGNATURE, epoch, place);
	uint32_t self = d->self[pair->target], row[2] = { draw_signature(t, pair->compound, self, r.v[0]) };
	size_t n_drugs = t->o.loss == TRAINING_TRIPLET ? 2 : 1;
	if (n_drugs == 2)
		row[1] = draw_signature(t, draw_negative(t, pair->target, epoch, place), self, r.v[1]);
	memcpy(state->x + i * d->d, d->target + pair->target * d->d, d->d * sizeof(float));
	for (size_t k = 0; k < n_drugs; k++)
		memcpy(drug->x + (k * n + i) * d->d, d->signature + row[k] * d->d, d->d * sizeof(float));
	if (t->o.thinning > 0) {
		thin(t, NET_STATE, t->now.step, i, state->x + i * d->d);
		for (size_t k = 0; k < n_drugs; k++)
			thin(t, NET_DRUG, t->now.step, k * n + i, drug->x + (k * n + i) * d->d);
	}
}

/* Pairs first .. first + n of the epoch's order become the rows of the passes. */
static void gather(struct training *t, size_t first, size_t n, uint64_t order)
{
	t->pass[NET_STATE]->n = n;
	t->pass[NET_DRUG]->n = t->o.loss == TRAINING_TRIPLET ? 2 * n : n;
	for (size_t i = 0; i < n; i++)
		t->drawn[i] = t->pair[random_permuted(order, first + i, t->n_pairs)];
#pragma omp parallel for schedule(static) num_threads(t->threads) if (t->threads > 1)
	for (size_t i = 0; i < n; i++) {
		gather_pair(t, i, n, (uint32_t)(first + i));
		if (t->o.loss == TRAINING_NTXENT)
			exclude_from(t, i, n);
	}
}

/* The loss of the batch in the passes; its gradient's length into *norm. False when either is not finite. */
static bool step(struct training *t, double *loss, double *norm)
{
	const struct training_options *o = &t->o;
	struct net_pass_f32 *state = t->pass[NET_STATE], *drug = t->pass[NET_DRUG];
	struct training_state *s = &t->now;
	size_t half = state->n * t->shape.e;
	struct net_dropout dropout = { o->dropout, o->seed, s->step };
	net_forward_f32(t->work, s->parameter, t->pass, 2, &dropout);
	if (o->loss == TRAINING_TRIPLET)
		*loss = net_triplet_f32(&t->shape, o->margin, state->n, state->unit, drug->unit, drug->unit + half, state->d_unit, drug->d_unit,
					drug->d_unit + half);
	else
		*loss = net_contrast_f32(t->work, &(struct net_contrast){ o->temperature, true, t->exclude }, state->n, state->unit, drug->unit,
					 state->d_unit, drug->d_unit);
	net_backward_f32(t->work, s->parameter, t->pass, 2, t->gradient);
	*norm = net_norm_f32(t->gradient, t->size, t->threads);
	if (!isfinite(*loss) || !isfinite(*norm))
		return false;
	struct net_adamw adamw = NET_ADAMW;
	s->step++;
	adamw.rate = o->rate * (o->warmup > 0 ? fmin(1, (double)s->step / (double)o->warmup) : 1);
	adamw.decay = o->decay;
	net_adamw_f32(&adamw, s->step, o->clip > 0 && *norm > o->clip ? o->clip / *norm : 1, t->size, s->parameter, t->gradient, s->first, s->second,
		      t->threads);
	return true;
}

static double validate(struct training *t)
{
	if (!t->n_queries)
		return NAN;
	const struct training_data *d = t->data;
	size_t e = t->shape.e;
	float *state = t->unit + t->n_chosen * e;
	struct embedding model = { t->shape, t->now.parameter, t->o.temperature };
	embedding_embed(&model, NET_DRUG, t->row, t->n_chosen, t->threads, t->unit);
	embedding_embed(&model, NET_STATE, d->target, d->n_targets, t->threads, state);
	struct retrieval r = { d->n_signatures, d->n_compounds, d->compound, t->candidate, d->self, d->label };
	double *area = mem_array(t->n_queries, sizeof *area), sum = 0;
	size_t n = 0;
#pragma omp parallel num_threads(t->threads) if (t->threads > 1)
	{
		double *score = mem_zero(d->n_signatures, sizeof *score), *packed = mem_array(t->n_chosen, sizeof *packed), out[3];
#pragma omp for schedule(static)
		for (size_t i = 0; i < t->n_queries; i++) {
			embedding_score(state + t->query[i].target * e, t->unit, t->n_chosen, e, packed);
			for (size_t k = 0; k < t->n_chosen; k++)
				score[t->chosen[k]] = packed[k];
			area[i] = retrieval_measure(&r, &t->query[i], score, NULL, 0, out) ? out[RETRIEVAL_AUC - 1] : NAN;
		}
		mem_free(score);
		mem_free(packed);
	}
	for (size_t i = 0; i < t->n_queries; i++)
		if (!isnan(area[i])) {
			sum += area[i];
			n++;
		}
	mem_free(area);
	return n ? sum / (double)n : NAN;
}

static void copy_state(struct training_state *to, const struct training_state *from, size_t size)
{
	memcpy(to->parameter, from->parameter, size * sizeof(float));
	memcpy(to->first, from->first, size * sizeof(float));
	memcpy(to->second, from->second, size * sizeof(float));
	to->step = from->step;
}

static bool finite_all(const float *x, size_t n)
{
	bool all = true;
	for (size_t i = 0; i < n; i++)
		all &= (bool)isfinite(x[i]);
	return all;
}

bool training_epoch(struct training *t, struct training_epoch *out)
{
	size_t batch = (size_t)t->o.batch, n_batches = (t->n_pairs + batch - 1) / batch;
	struct random4 r = random_words(t->o.seed, STREAM_ORDER, (uint64_t)t->now.epoch, 0);
	uint64_t order = (uint64_t)r.v[0] << 32 | r.v[1];
	double loss = 0, norm = 0;
	copy_state(&t->before, &t->now, t->size);
	for (size_t b = 0; b < n_batches; b++) {
		/* Batches of nearly one size, so that the last one is no smaller than the others. */
		size_t first = t->n_pairs * b / n_batches, n = t->n_pairs * (b + 1) / n_batches - first;
		double batch_loss, batch_norm;
		gather(t, first, n, order);
		if (!step(t, &batch_loss, &batch_norm)) {
			copy_state(&t->now, &t->before, t->size);
			return false;
		}
		loss += batch_loss * (double)n;
		norm += batch_norm;
	}
	if (!finite_all(t->now.parameter, t->size)) {
		copy_state(&t->now, &t->before, t->size);
		return false;
	}
	struct training_state *s = &t->now;
	*out = (struct training_epoch){ loss / (double)t->n_pairs, norm / (double)n_batches, validate(t) };
	s->epoch++;
	/* Without anything to validate on, the last epoch is the best. */
	if (isnan(out->validation) || out->validation > s->best_validation) {
		memcpy(s->best, s->parameter, t->size * sizeof(float));
		s->best_epoch = s->epoch;
		s->best_validation = out->validation;
	}
	return true;
}

bool training_done(const struct training *t)
{
	const struct training_state *s = &t->now;
	return s->epoch >= t->o.epochs || (t->o.patience && t->n_queries && s->epoch - s->best_epoch >= t->o.patience);
}
