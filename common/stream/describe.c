#include "stream/describe.h"
#include "base/mem.h"
#include "base/text.h"
#include "stream/codec.h"
#include <string.h>

static const char *const storage_name[] = { "dense", "sparse", "computed" };

char *pmx_layer_text(const struct pmx_schema *s, size_t layer)
{
	const struct pmx_field *f = &s->field[layer];
	const struct pmx_recipe *r = &f->recipe;
	char number[TEXT_F64];
	if (f->storage != PMX_RECIPE)
		return mem_print("%s %s", pmx_type_name(f->type), storage_name[f->storage]);
	switch (r->kind) {
	case PMX_LOG_NORMALISED:
		text_put_f64(number, r->target_sum);
		return mem_print("log1p(%s / %s * %s)", r->source, r->totals, number);
	case PMX_NEIGHBOUR_SIGNATURE:
		return mem_print("log1p(mean of expm1(%s) over %s) - %s; controls: %s = %s", r->source, r->neighbours, r->source,
				 r->pert_key, r->control);
	default:
		return mem_print("mean of %s over the controls%s%s - %s; controls: %s = %s", r->source,
				 r->split ? " of the same " : "", r->split ? r->split : "", r->source, r->pert_key, r->control);
	}
}

static void add(struct bytes *b, const char *s)
{
	bytes_add(b, s, strlen(s));
}

/* A word as the shell reads it back. */
static void add_word(struct bytes *b, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:=+@%";
	if (*s && strspn(s, plain) == strlen(s)) {
		add(b, s);
		return;
	}
	add(b, "'");
	for (; *s; s++) {
		if (*s == '\'')
			add(b, "'\\''");
		else
			bytes_add(b, s, 1);
	}
	add(b, "'");
}

static void add_words(struct bytes *b, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		const char *word = json_string_value(json_is_object(o) ? json_object_get(o, "name") : o);
		if (!word)
			continue;
		add(b, " ");
		add_word(b, word);
	}
}

static void add_replay(struct bytes *b, const json_t *provenance, const char *indent, const char *output);

/* How the streams that a command joined were made, as comments above it. */
static void add_inputs(struct bytes *b, const json_t *inputs, const char *indent)
{
	for (size_t i = 0; i < json_array_size(inputs); i++) {
		const json_t *o = json_array_get(inputs, i), *provenance = json_object_get(o, "provenance");
		const char *name = json_string_value(json_object_get(o, "name"));
		if (!json_array_size(provenance))
			continue;
		char *deeper = mem_print("%s#   ", indent);
		add(b, indent);
		add(b, "# ");
		add_word(b, name && !strpbrk(name, "\r\n") ? name : "?");
		add(b, ":\n");
		if (strlen(indent) < 40)
			add_replay(b, provenance, deeper, NULL);
		mem_free(deeper);
	}
}

/* Is it the value of an option? */
static bool is_given(const json_t *options, const char *source)
{
	size_t i;
	const json_t *word;
	json_array_foreach(options, i, word)
		if (json_string_value(word) && !strcmp(json_string_value(word), source))
			return true;
	return false;
}

static const char *file_of(const json_t *command)
{
	return json_string_value(json_object_get(command, "file"));
}

/* `before`: the command whose stream it reads, or NULL; `last`: its own is the one asked for. */
static void add_command(struct bytes *b, const json_t *o, const char *indent, const json_t *before, bool last, const char *output)
{
	const char *tool = json_string_value(json_object_get(o, "tool"));
	const char *version = json_string_value(json_object_get(o, "version"));
	const char *source = json_string_value(json_object_get(o, "source"));
	const char *digest = json_string_value(json_object_get(o, "source_digest"));
	add_inputs(b, json_object_get(o, "inputs"), indent);
	add(b, indent);
	add(b, before ? "  " : "");
	add_word(b, tool ? tool : "?");
	add_words(b, json_object_get(o, "options"));
	if (last && output && !file_of(o)) {
		add(b, " -o ");
		add_word(b, output);
	}
	if (source && !is_given(json_object_get(o, "options"), source)) {
		add(b, " ");
		add_word(b, source);
	}
	add_words(b, json_object_get(o, "inputs"));
	if (before && file_of(before)) {
		add(b, " <");
		add_word(b, file_of(before));
	}
	add(b, last || file_of(o) ? "" : " |");
	/* No line break can come in here: it would end the comment. */
	if (version && !strpbrk(version, "\r\n")) {
		add(b, "  # ");
		add(b, version);
	}
	if (digest && !strpbrk(digest, "\r\n")) {
		add(b, version ? ", content " : "  # content ");
		add(b, digest);
	}
	add(b, "\n");
}

static void add_replay(struct bytes *b, const json_t *provenance, const char *indent, const char *output)
{
	size_t n = json_array_size(provenance);
	for (size_t i = 0; i < n; i++)
		add_command(b, json_array_get(provenance, i), indent, i ? json_array_get(provenance, i - 1) : NULL, i + 1 == n, output);
}

char *pmx_replay(const struct pmx_schema *s, const char *output)
{
	struct bytes b = { 0 };
	add_replay(&b, s->provenance, "", output);
	bytes_add(&b, "", 1);
	return (char *)b.at;
}

size_t pmx_used_by(const struct pmx_schema *s, size_t f)
{
	const struct pmx_field *field = &s->field[f];
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct pmx_recipe *r = &s->field[i].recipe;
		if (s->field[i].class != PMX_LAYER || s->field[i].storage != PMX_RECIPE)
			continue;
		const char *row[] = { r->totals, r->neighbours, r->split, r->pert_key };
		if (field->class == PMX_LAYER && !strcmp(r->source, field->name))
			return i;
		for (size_t k = 0; k < sizeof row / sizeof *row; k++)
			if (field->class == PMX_OBS && row[k] && !strcmp(row[k], field->name))
				return i;
	}
	return PMX_NO_FIELD;
}
