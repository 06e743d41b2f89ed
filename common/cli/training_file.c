#include "cli/training_file.h"
#include "base/hash.h"
#include "base/mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_ARRAYS = 4 };
static const char *const prefix[N_ARRAYS] = { "now.", "first_moment.", "second_moment.", "best." };
static const char form[] = "pertpipe training 1";

static void list_arrays(struct training_state *s, float **out)
{
	float *array[N_ARRAYS] = { s->parameter, s->first, s->second, s->best };
	memcpy(out, array, sizeof array);
}

/* A digest of all that the course of the training depends on. */
static void fingerprint(const struct training_run *r, char out[17])
{
	const struct training_data *d = r->data;
	const struct training_options *o = r->o;
	const double number[] = { o->temperature, o->margin, o->rate, o->decay, o->dropout, o->clip, o->thinning };
	const uint64_t whole[] = { (uint64_t)o->loss, (uint64_t)o->hidden, (uint64_t)o->width, (uint64_t)o->batch, (uint64_t)o->warmup, o->mirrored,
		o->seed, d->n_targets, d->n_signatures, d->n_compounds, d->d };
	struct hash_state *h = hash_new();
	hash_add(h, number, sizeof number);
	hash_add(h, whole, sizeof whole);
	hash_add(h, d->target, d->n_targets * d->d * sizeof *d->target);
	hash_add(h, d->signature, d->n_signatures * d->d * sizeof *d->signature);
	hash_add(h, d->compound, d->n_signatures * sizeof *d->compound);
	hash_add(h, d->label, d->n_targets * d->n_compounds);
	hash_add(h, d->target_part, d->n_targets);
	hash_add(h, d->signature_part, d->n_signatures);
	snprintf(out, 17, "%016" PRIx64, hash_end(h));
	hash_free(h);
}

static void write_file(const struct safetensors *s, const char *path)
{
	struct err e = { 0 };
	struct file_out *file = file_create(path, &e);
	if (!file)
		cli_fail(&e);
	if (file_is_terminal(file))
		cli_misuse("a model is binary and is not written to a terminal; give -o FILE");
	if (safetensors_write(s, file, &e) || file_commit(file, &e))
		cli_fail(&e);
}

void training_file_save(const struct training_run *r, const char *path)
{
	struct training_state *s = training_state(r->training);
	struct safetensors *file = safetensors_new();
	float *array[N_ARRAYS];
	int64_t count[] = { (int64_t)s->step, s->epoch, s->best_epoch };
	char hex[17];
	fingerprint(r, hex);
	list_arrays(s, array);
	for (int k = 0; k < N_ARRAYS; k++)
		embedding_tensors(file, &r->shape, array[k], prefix[k]);
	safetensors_add(file, "step_epoch_best", SAFETENSORS_I64, count, 1, (size_t)3);
	safetensors_add(file, "best_validation", SAFETENSORS_F64, &s->best_validation, 1, (size_t)1);
	safetensors_add(file, "history", SAFETENSORS_F64, r->history, 2, r->n_history, (size_t)3);
	safetensors_note(file, "format", form);
	safetensors_note(file, "run", hex);
	write_file(file, path);
	safetensors_free(file);
}

bool training_file_resume(struct training_run *r, const char *path)
{
	struct err e = { 0 };
	if (access(path, F_OK))
		return false;
	struct safetensors *file = safetensors_read(path, &e);
	if (!file)
		cli_fail(&e);
	const char *kind = safetensors_text(file, "format"), *run = safetensors_text(file, "run");
	char hex[17];
	fingerprint(r, hex);
	if (!kind || strcmp(kind, form))
		cli_die("%s is no checkpoint of a training", path);
	if (!run || strcmp(run, hex))
		cli_die("%s was left by a training on other data or with other options; only --epochs and --patience may change", path);
	struct training_state *s = training_state(r->training);
	float *array[N_ARRAYS];
	list_arrays(s, array);
	for (int k = 0; k < N_ARRAYS; k++)
		if (embedding_from_tensors(file, &r->shape, array[k], prefix[k], &e))
			cli_fail(&e);
	const struct safetensor *count = safetensors_need(file, "step_epoch_best", SAFETENSORS_I64, &e, 1, (size_t)3);
	const struct safetensor *best = count ? safetensors_need(file, "best_validation", SAFETENSORS_F64, &e, 1, (size_t)1) : NULL;
	const struct safetensor *history = best ? safetensors_need(file, "history", SAFETENSORS_F64, &e, 2, SIZE_MAX, (size_t)3) : NULL;
	if (!history)
		cli_fail(&e);
	const int64_t *n = count->at;
	if (n[0] < 0 || n[1] < 0 || n[2] < 0 || n[2] > n[1] || (uint64_t)n[1] != history->shape[0])
		cli_die("%s: its counts do not fit each other", path);
	s->step = (uint64_t)n[0];
	s->epoch = (long)n[1];
	s->best_epoch = (long)n[2];
	memcpy(&s->best_validation, best->at, sizeof s->best_validation);
	mem_room(&r->history, &r->cap, history->shape[0], sizeof *r->history);
	memcpy(r->history, history->at, history->n * sizeof(double));
	r->n_history = history->shape[0];
	safetensors_free(file);
	return true;
}

void training_file_model(const struct training_run *r, const struct embedding_origin *origin, const struct pairing *p, const struct signature_set *targets)
{
	struct safetensors *file = safetensors_new();
	json_t *split = json_pack("{s:s, s:[], s:[]}", "kind", split_by_name[p->by], "train", "validation");
	for (size_t i = 0; i < p->items->n; i++)
		if (p->part[i] == TRAINING_TRAIN || p->part[i] == TRAINING_VALIDATION)
			json_array_append_new(json_object_get(split, p->part[i] == TRAINING_TRAIN ? "train" : "validation"), json_string(p->items->at[i]));
	json_t *seen = json_array();
	for (size_t k = 0; p->new_target && k < targets->n; k++)
		if (!p->new_target[k])
			json_array_append_new(seen, json_string(targets->name->at[k]));
	if (p->new_target)
		json_object_set(split, "targets", seen);
	json_decref(seen);
	embedding_tensors(file, &r->shape, training_state(r->training)->best, "");
	embedding_notes(r->c, file, r->genes, r->o->temperature, origin);
	char *text = json_dumps(split, JSON_COMPACT);
	safetensors_note(file, "split", text);
	free(text);
	json_decref(split);
	write_file(file, r->c->output);
	safetensors_free(file);
}

void training_file_metrics(const struct training_run *r, const char *path)
{
	struct cli_text *t = cli_text_at(path);
	cli_text_put(t, "epoch\tloss\tgradient_norm\tvalidation_auc\n");
	for (size_t i = 0; i < r->n_history; i++) {
		const double value[] = { r->history[i].loss, r->history[i].norm, r->history[i].validation };
		cli_text_print(t, "%zu", i + 1);
		for (int k = 0; k < 3; k++) {
			cli_text_put(t, "\t");
			cli_text_f64(t, value[k]);
		}
		cli_text_put(t, "\n");
	}
	cli_text_close(t);
}
