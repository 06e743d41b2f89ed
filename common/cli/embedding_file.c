#include "cli/embedding_file.h"
#include "base/mem.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const tower_name[NET_N_TOWERS] = { "state", "drug" };
static const char form[] = "pertpipe embedding 1";

/* Calls for each tensor of the layout: its name, place and shape (0: a vector). */
struct piece {
	const char *name;
	size_t at, rows, columns;
};

enum { N_PIECES = 6 };

static void list_pieces(const struct net_shape *s, struct piece *out)
{
	struct net_parts p = net_parts(s);
	struct piece list[N_PIECES] = { { "norm.weight", p.gain, 0, s->d }, { "norm.bias", p.bias, 0, s->d }, { "hidden.weight", p.w1, s->d, s->h },
		{ "hidden.bias", p.b1, 0, s->h }, { "output.weight", p.w2, s->h, s->e }, { "output.bias", p.b2, 0, s->e } };
	memcpy(out, list, sizeof list);
}

void embedding_tensors(struct safetensors *s, const struct net_shape *shape, const float *parameter, const char *prefix)
{
	struct piece piece[N_PIECES];
	list_pieces(shape, piece);
	for (int t = 0; t < NET_N_TOWERS; t++)
		for (int i = 0; i < N_PIECES; i++) {
			char *name = mem_print("%s%s.%s", prefix, tower_name[t], piece[i].name);
			const float *at = parameter + (size_t)t * net_parts(shape).end + piece[i].at;
			if (piece[i].rows)
				safetensors_add(s, name, SAFETENSORS_F32, at, 2, piece[i].rows, piece[i].columns);
			else
				safetensors_add(s, name, SAFETENSORS_F32, at, 1, piece[i].columns);
			mem_free(name);
		}
}

int embedding_from_tensors(const struct safetensors *s, const struct net_shape *shape, float *parameter, const char *prefix, struct err *e)
{
	struct piece piece[N_PIECES];
	list_pieces(shape, piece);
	for (int t = 0; t < NET_N_TOWERS; t++)
		for (int i = 0; i < N_PIECES; i++) {
			char *name = mem_print("%s%s.%s", prefix, tower_name[t], piece[i].name);
			const struct safetensor *tensor = piece[i].rows
				? safetensors_need(s, name, SAFETENSORS_F32, e, 2, piece[i].rows, piece[i].columns)
				: safetensors_need(s, name, SAFETENSORS_F32, e, 1, piece[i].columns);
			mem_free(name);
			if (!tensor)
				return -1;
			memcpy(parameter + (size_t)t * net_parts(shape).end + piece[i].at, tensor->at, tensor->n * sizeof(float));
		}
	return 0;
}

static void note_json(struct safetensors *s, const char *key, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	safetensors_note(s, key, text);
	free(text);
	json_decref(value);
}

void embedding_notes(const struct cli *c, struct safetensors *s, const struct names *genes, double temperature, const struct embedding_origin *o)
{
	struct err ignored = { 0 };
	char targets[17], reference[17], pairs[17];
	json_t *names = json_array();
	for (size_t i = 0; i < genes->n; i++)
		json_array_append_new(names, json_string(genes->at[i]));
	snprintf(targets, sizeof targets, "%016" PRIx64, o->targets);
	snprintf(reference, sizeof reference, "%016" PRIx64, o->reference);
	json_t *made = json_pack("{s:s, s:s, s:s, s:s}", "tool", tool.name, "version", PERTPIPE_VERSION, "targets", targets, "reference", reference);
	if (o->pairs && !file_fingerprint(o->pairs, pairs, &ignored))
		json_object_set_new(made, "pairs", json_string(pairs));
	safetensors_note(s, "format", form);
	note_json(s, "genes", names);
	safetensors_note(s, "standardisation", "row: (x - mean) / sd over the genes measured, sd with n; others 0; drugs negated");
	safetensors_note(s, "similarity", "<state tower(state), drug tower(-drug)>; high: the drug reverses the state");
	char *text = mem_print("%.17g", temperature);
	safetensors_note(s, "temperature", text);
	mem_free(text);
	note_json(s, "options", json_deep_copy(c->options));
	note_json(s, "provenance", made);
}

struct names *embedding_genes(const struct safetensors *s, struct err *e)
{
	const char *text = safetensors_text(s, "genes"), *kind = safetensors_text(s, "format");
	if (!kind || strcmp(kind, form) || !text) {
		err_set(e, "%s is no embedding of pertpipe: its metadata lack %s", s->file, kind && !strcmp(kind, form) ? "the genes" : "that format");
		return NULL;
	}
	json_error_t wrong;
	json_t *list = json_loads(text, 0, &wrong), *gene;
	struct names *genes = names_new();
	size_t i;
	json_array_foreach(list, i, gene)
		if (json_is_string(gene))
			names_add(genes, json_string_value(gene), NULL);
	if (!genes->n || genes->n != json_array_size(list)) {
		err_set(e, "%s: the genes among its metadata are no list of different names", s->file);
		names_free(genes);
		genes = NULL;
	}
	json_decref(list);
	return genes;
}

struct embedding_file *embedding_file_read(const char *path)
{
	struct err e = { 0 };
	struct embedding_file *f = mem_zero(1, sizeof *f);
	struct safetensors *s = safetensors_read(path, &e);
	if (!s || !(f->genes = embedding_genes(s, &e)))
		cli_fail(&e);
	const struct safetensor *hidden = safetensors_need(s, "state.hidden.weight", SAFETENSORS_F32, &e, 2, f->genes->n, SIZE_MAX);
	const struct safetensor *output = hidden ? safetensors_need(s, "state.output.weight", SAFETENSORS_F32, &e, 2, hidden->shape[1], SIZE_MAX) : NULL;
	if (!output)
		cli_fail(&e);
	struct net_shape shape = { f->genes->n, hidden->shape[1], output->shape[1] };
	if (!shape.h || !shape.e)
		cli_die("%s: an embedding without width", s->file);
	f->name = mem_text(s->file);
	f->model = embedding_new(&shape);
	const char *temperature = safetensors_text(s, "temperature");
	f->model->temperature = temperature ? strtod(temperature, NULL) : 1;
	if (embedding_from_tensors(s, &shape, f->model->parameter, "", &e))
		cli_fail(&e);
	for (size_t i = 0; i < 2 * net_parts(&shape).end; i++)
		if (!(f->model->parameter[i] - f->model->parameter[i] == 0))
			cli_die("%s: a parameter is not finite", s->file);
	json_error_t wrong;
	const char *split = safetensors_text(s, "split");
	f->split = split ? json_loads(split, 0, &wrong) : NULL;
	safetensors_free(s);
	return f;
}

void embedding_file_free(struct embedding_file *f)
{
	if (!f)
		return;
	mem_free(f->name);
	embedding_free(f->model);
	names_free(f->genes);
	json_decref(f->split);
	mem_free(f);
}
