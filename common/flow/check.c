/* What the tools declare, held against the commands of a workflow. */
#include "flow/plan.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "formats/table.h"
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LITTLE = 64 << 20 };             /* what a tool takes besides its data */

struct stage_check {
	struct flow_plan *p;
	struct flow_step *step;
	struct flow_stage *g;
	size_t n_args;
	const struct flow_word *first;  /* argument */
	bool from_stdin;                /* one of them is - */
};

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

static struct flow_mark at(const struct stage_check *x, const struct flow_word *w)
{
	return flow_at(x->p, x->step, w->at);
}

static const json_t *find_option(const struct flow_stage *g, const char *name, char letter)
{
	size_t i;
	json_t *o;
	json_array_foreach(json_object_get(g->declared, "options"), i, o) {
		const char *n = text_of(o, "name");
		if (letter ? text_of(o, "letter")[0] == letter : !strcmp(n, name) || (!strncmp(name, "no-", 3) && !strcmp(n, name + 3) &&
		    !strcmp(text_of(o, "type"), "switch")))
			return o;
	}
	return NULL;
}

static bool takes_value(const json_t *o)
{
	return strcmp(text_of(o, "type"), "flag") && strcmp(text_of(o, "type"), "switch");
}

/* How many words it would be, were the option that is meant written: what follows of it is no fault of its own. */
static size_t unknown_option(struct stage_check *x, const struct flow_word *w, const char *name)
{
	struct names *names = flow_names(x->p->spec->pool);
	size_t i;
	json_t *o;
	json_array_foreach(json_object_get(x->g->declared, "options"), i, o)
		names_add(names, text_of(o, "name"), NULL);
	const char *hint = flow_hint(x->p->spec, name, names), *near = NULL;
	for (size_t k = 0; k < names->n; k++)
		near = cli_nearer(name, names->at[k], near);
	flow_fault(x->p->spec, at(x, w), "%s has no option %s%s%s", x->g->tool, w->text[1] == '-' ? "--" : "-", name,
		   *hint ? hint : flow_print(x->p->spec->pool, "; %s --help lists them", x->g->tool));
	const json_t *meant = near && !strchr(w->text, '=') ? find_option(x->g, near, 0) : NULL;
	return meant && takes_value(meant) && w + 1 < x->g->word + x->g->n_words ? 2 : 1;
}

static void check_number(struct stage_check *x, const struct flow_word *w, const json_t *o, const char *value)
{
	bool whole = !strcmp(text_of(o, "type"), "int");
	double v = 0, low = json_real_value(json_object_get(o, "min")), high = json_real_value(json_object_get(o, "max"));
	int64_t i = 0;
	bool is = whole ? text_i64(value, &i) : text_f64(value, &v);
	if (whole)
		v = (double)i;
	if (!is || isnan(v))
		flow_fault(x->p->spec, at(x, w), "%s --%s takes %s, not '%s'", x->g->tool, text_of(o, "name"), whole ? "a whole number" : "a number", value);
	else if (v < low || v > high)
		flow_fault(x->p->spec, at(x, w), "%s --%s takes %.15g to %.15g, not %s", x->g->tool, text_of(o, "name"), low, high, value);
}

static void check_choice(struct stage_check *x, const struct flow_word *w, const json_t *o, const char *value)
{
	struct names *names = flow_names(x->p->spec->pool);
	char list[300];
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(o, "choices"), i, c)
		names_add(names, json_string_value(c), NULL);
	names_list(names, list, sizeof list);
	if (names_find(names, value) == NAMES_NONE)
		flow_fault(x->p->spec, at(x, w), "%s --%s takes one of %s, not '%s'%s", x->g->tool, text_of(o, "name"), list, value,
			   flow_hint(x->p->spec, value, names));
}

/* Files of the other steps and of this one are known by name; everything else has to come in as an input. */
static void check_file(struct flow_plan *p, struct flow_step *step, size_t place, const char *file, bool may_be_list)
{
	struct flow_mark m = flow_at(p, step, place);
	uint32_t own = names_find(step->outputs, file);
	if (own != NAMES_NONE) {
		step->written[own] = true;
		return;
	}
	if (*file == '/') {
		if (access(file, R_OK))
			flow_fault(p->spec, m, "there is no readable %s", file);
		else
			names_add(step->outside, file, NULL);
		return;
	}
	if (flow_maker(p, file)) {
		names_add(step->made, file, NULL);
		return;
	}
	if (may_be_list)
		return;
	struct names *names = flow_names(p->spec->pool);
	for (size_t i = 0; i < p->n_steps; i++)
		for (size_t k = 0; k < p->step[i].outputs->n; k++)
			names_add(names, p->step[i].outputs->at[k], NULL);
	const char *hint = flow_hint(p->spec, file, names);
	flow_fault(p->spec, m, "no step leaves '%s'%s%s", file, hint, *hint ? "" :
		   access(file, F_OK) ? "; if this step writes it, name it among its outputs:" :
		   "; a file from outside is named under inputs: and written {name}, one that this step writes stands among its outputs:");
}

static bool begins_with(const char *s, const char *prefix, char next)
{
	size_t n = strlen(prefix);
	return !strncmp(s, prefix, n) && s[n] == next;
}

/* A folder that the tool fills, or the beginning of the names that it writes: these outputs are written. */
static void check_several(struct stage_check *x, const struct flow_word *w, const char *prefix, char next)
{
	size_t found = 0;
	for (size_t i = 0; i < x->step->outputs->n; i++)
		if (begins_with(x->step->outputs->at[i], prefix, next)) {
			x->step->written[i] = true;
			found++;
		}
	if (!found)
		flow_fault(x->p->spec, at(x, w), "none of the outputs: of step '%s' begins with '%s%c', as all do that %s writes", x->step->name, prefix, next,
			   x->g->tool);
}

static void check_value(struct stage_check *x, const struct flow_word *w, const json_t *o, const char *value)
{
	const char *type = text_of(o, "type"), *name = text_of(o, "name"), *metavar = text_of(o, "metavar");
	uint64_t size;
	if (!strcmp(type, "int") || !strcmp(type, "real"))
		check_number(x, w, o, value);
	else if (!strcmp(type, "choice"))
		check_choice(x, w, o, value);
	else if (!strcmp(type, "size") && !text_size(value, &size))
		flow_fault(x->p->spec, at(x, w), "%s --%s takes a size like 512M or 2G, not '%s'", x->g->tool, name, value);
	else if (!strcmp(name, "memory"))
		x->step->memory += size;
	else if (!strcmp(name, "output")) {
		x->g->output = flow_text(x->p->spec->pool, value);
		uint32_t i = names_find(x->step->outputs, value);
		if (i == NAMES_NONE)
			flow_fault(x->p->spec, at(x, w), "'%s' is written but not among the outputs: of step '%s'%s", value, x->step->name,
				   *flow_hint(x->p->spec, value, x->step->outputs) ? flow_hint(x->p->spec, value, x->step->outputs) : "; add it");
		else
			x->step->written[i] = true;
	} else if (strstr(metavar, "DIR")) {
		check_several(x, w, value, '/');
	} else if (strstr(metavar, "PREFIX")) {
		check_several(x, w, value, '.');
		x->g->prefix = value;
	} else if (strstr(metavar, "FILE")) {
		const char *equal = !strncmp(metavar, "NAME=", 5) ? strchr(value, '=') : NULL;
		check_file(x->p, x->step, w->at, equal ? equal + 1 : value, strstr(text_of(o, "help"), "or A,B") != NULL);
	}
}

/* An option at word i and the value that belongs to it: how many words that is. Those of an absent value are marked so. */
static size_t check_option(struct stage_check *x, size_t i)
{
	struct flow_word *w = &x->g->word[i], *next = i + 1 < x->g->n_words ? w + 1 : NULL;
	const json_t *o;
	const char *value = NULL, *name;
	if (w->text[1] == '-') {
		const char *equal = strchr(w->text, '=');
		name = flow_textn(x->p->spec->pool, w->text + 2, equal ? (size_t)(equal - w->text) - 2 : strlen(w->text + 2));
		o = find_option(x->g, name, 0);
		value = equal ? equal + 1 : NULL;
	} else {
		name = flow_textn(x->p->spec->pool, w->text + 1, 1);
		o = find_option(x->g, NULL, *name);
		value = w->text[2] ? w->text + 2 : NULL;
	}
	if (!o) {
		if (strcmp(name, "help") && strcmp(name, "version") && strcmp(name, "emit"))
			return unknown_option(x, w, name);
		flow_fault(x->p->spec, at(x, w), "--%s is not for a workflow; leave it out", name);
		return 1;
	}
	if (!strcmp(text_of(o, "name"), "tsv"))
		x->g->as_text = true;
	if (!takes_value(o)) {
		if (value)
			flow_fault(x->p->spec, at(x, w), "%s --%s takes no value, not '%s'; write each option by itself", x->g->tool, text_of(o, "name"), value);
		return 1;
	}
	if (value) {
		if (!w->absent)
			check_value(x, w, o, value);
		return 1;
	}
	if (!next) {
		flow_fault(x->p->spec, at(x, w), "%s --%s needs a value: --%s %s", x->g->tool, text_of(o, "name"), text_of(o, "name"), text_of(o, "metavar"));
		return 1;
	}
	if (next->absent)
		w->absent = true;
	else
		check_value(x, next, o, next->text);
	return 2;
}

static void check_argument(struct stage_check *x, struct flow_word *w)
{
	const char *metavar = text_of(x->g->declared, "args");
	if (!x->n_args++)
		x->first = w;
	if (!strcmp(w->text, "-"))
		x->from_stdin = true;
	else if (*metavar)
		check_file(x->p, x->step, w->at, w->text, false);
}

static bool writes_stream(const struct flow_stage *g)
{
	return *text_of(g->declared, "writes") && !g->as_text;
}

static bool writes_text(const struct flow_stage *g)
{
	return json_is_true(json_object_get(g->declared, "writes_text"));
}

/* What goes in and out of the stage in its place. */
static void check_ends(struct stage_check *x, size_t k)
{
	struct flow_spec *s = x->p->spec;
	struct flow_stage *g = x->g, *before = k ? g - 1 : NULL;
	struct flow_mark m = flow_at(x->p, x->step, g->at);
	bool reads = json_array_size(json_object_get(g->declared, "reads")) > 0;
	json_int_t least = json_integer_value(json_object_get(g->declared, "min_args")), most = json_integer_value(json_object_get(g->declared, "max_args"));
	bool has_stdin = k || x->step->from;
	if ((json_int_t)x->n_args < least)
		flow_fault(s, m, "%s needs %s", g->tool, text_of(g->declared, "args"));
	else if (most >= 0 && (json_int_t)x->n_args > most)
		flow_fault(s, m, "%s takes %s%s, not %zu arguments", g->tool, most ? "at most " : "no arguments", most ? text_of(g->declared, "args") : "", x->n_args);
	else if (has_stdin && !reads && !x->from_stdin)
		flow_fault(s, m, "%s does not read what comes down the pipe; let it begin the step", g->tool);
	else if (has_stdin && x->n_args && !x->from_stdin)
		flow_fault(s, at(x, x->first), "%s reads '%s', so what comes down the pipe is lost; leave out one of them", g->tool, x->first->text);
	else if (!has_stdin && ((reads && !x->n_args) || x->from_stdin))
		flow_fault(s, m, "%s has nothing to read: name a file, or put the tool behind a pipe", g->tool);
	if (x->n_args && !x->from_stdin && reads) {
		g->input = x->first->text;
		g->input_at = x->first->at;
	} else if (!k && x->step->from) {
		g->input = x->step->from;
		g->input_at = x->step->from_at;
	}
	if (before && before->declared && before->output)
		flow_fault(s, m, "%s writes to '%s', so nothing comes down the pipe; begin a step that reads that file", before->tool, before->output);
	else if (before && before->declared && !writes_stream(before) && !writes_text(before))
		flow_fault(s, m, "%s sends nothing down the pipe", before->tool);
	else if (before && before->declared && !writes_stream(before) && reads)
		flow_fault(s, m, "%s writes text, and %s reads a stream; end the step with -o FILE before it", before->tool, g->tool);
	if (k + 1 < x->step->n_stages)
		return;
	if (x->step->to) {
		uint32_t i = names_find(x->step->outputs, x->step->to);
		if (g->output || (!writes_stream(g) && !writes_text(g)))
			flow_fault(s, flow_at(x->p, x->step, x->step->to_at), "%s sends nothing to '%s'; leave out > %s", g->tool, x->step->to, x->step->to);
		else if (i == NAMES_NONE)
			flow_fault(s, flow_at(x->p, x->step, x->step->to_at), "'%s' is written but not among the outputs: of step '%s'; add it", x->step->to,
				   x->step->name);
		else
			x->step->written[i] = true;
	} else if (!g->output && (writes_stream(g) || (writes_text(g) && strcmp(g->tool, "pmx-check")))) {
		flow_fault(s, m, "the result of %s goes nowhere; end the step with -o FILE", g->tool);
	}
	for (size_t i = 0; i < x->step->outputs->n; i++)
		if (!x->step->written[i])
			flow_fault(s, x->step->rule->output[x->step->rule->n_outputs == x->step->outputs->n ? i : 0].at,
				   "nothing in step '%s' writes '%s'; name it in the command (-o %s) or leave it out", x->step->name, x->step->outputs->at[i],
				   x->step->outputs->at[i]);
}

/* Words of values that are not there go, with their options. */
static void drop_absent(struct flow_stage *g)
{
	size_t n = 0;
	for (size_t i = 0; i < g->n_words; i++)
		if (!g->word[i].absent)
			g->word[n++] = g->word[i];
	g->n_words = n;
}

void flow_check_stage(struct flow_plan *p, struct flow_step *step, size_t k)
{
	struct stage_check x = { .p = p, .step = step, .g = &step->stage[k] };
	uint64_t before = step->memory;
	bool options = true;
	for (size_t i = 0; i < x.g->n_words; ) {
		struct flow_word *w = &x.g->word[i];
		bool like_option = w->text[0] == '-' && w->text[1];
		if (options && !strcmp(w->text, "--") && !w->by_value) {
			options = false;
			i++;
		} else if (options && like_option && !w->by_value) {
			i += check_option(&x, i);
		} else {
			if (options && like_option)
				flow_fault(p->spec, at(&x, w), "the value '%s' would be taken for an option; put -- before it", w->text);
			else if (!w->absent)
				check_argument(&x, w);
			i++;
		}
	}
	drop_absent(x.g);
	if (!k && step->from)
		check_file(p, step, step->from_at, step->from, false);
	check_ends(&x, k);
	if (json_is_true(json_object_get(x.g->declared, "holds_data")) && step->memory == before)
		step->memory += (uint64_t)1 << 30;
	step->memory += LITTLE;
}

/* What a file from outside holds, as far as its head tells. */
static struct flow_stream look_at(struct flow_plan *p, const char *path)
{
	struct flow_stream out = { NULL, NULL, NULL };
	struct err e = { 0 };
	struct stat st;
	struct file_in *f = stat(path, &st) || !S_ISREG(st.st_mode) ? NULL : file_open(path, &e);
	char magic[PMX_MAGIC_SIZE];
	if (!f)
		return out;
	if (file_peek(f, magic, sizeof magic, &e) != sizeof magic || memcmp(magic, pmx_magic, sizeof magic)) {
		file_close(f);
		return out;
	}
	struct pmx_reader *r = pmx_open(f, 1, &e);
	if (!r)
		return out;
	const struct pmx_schema *s = pmx_reader_schema(r);
	out.kind = pmx_kind_name(s->kind);
	out.columns = flow_names(p->spec->pool);
	out.labels = flow_zero(p->spec->pool, s->n_fields + 1, sizeof *out.labels);
	for (size_t i = 0; i < s->n_fields; i++) {
		if (s->field[i].class != PMX_OBS || pmx_is_matrix(&s->field[i]))
			continue;
		uint32_t c = names_add(out.columns, s->field[i].name, NULL);
		if (s->field[i].type != PMX_CATEGORY)
			continue;
		out.labels[c] = flow_names(p->spec->pool);
		for (size_t v = 0; v < s->field[i].values->n; v++)
			names_add(out.labels[c], s->field[i].values->at[v], NULL);
	}
	pmx_close(r);
	return out;
}

/* The value of an option of the stage, or its default; *w: where it stands, or NULL. */
static const char *option_value(const struct flow_stage *g, const char *name, const struct flow_word **w)
{
	const json_t *o = find_option(g, name, 0);
	const char *value = o ? text_of(o, "default") : "", *letter = o ? text_of(o, "letter") : "";
	size_t n = strlen(name);
	*w = NULL;
	for (size_t i = 0; o && i < g->n_words; i++) {
		const char *t = g->word[i].text;
		bool same = (!strncmp(t, "--", 2) && !strcmp(t + 2, name)) || (*letter && t[0] == '-' && t[1] == *letter && !t[2]);
		if (same && i + 1 < g->n_words)
			value = (*w = &g->word[i + 1])->text;
		else if (!strncmp(t, "--", 2) && !strncmp(t + 2, name, n) && t[2 + n] == '=')
			value = (*w = &g->word[i])->text + n + 3;
	}
	return value;
}

/* A folder has no row columns of its own: they are those of the table that is joined. */
static struct flow_stream imported(struct flow_plan *p, const struct flow_stage *g)
{
	struct flow_stream out = { NULL, NULL, NULL };
	const struct flow_word *w;
	const char *obs = option_value(g, "obs", &w);
	struct stat st;
	struct err e = { 0 };
	bool folder = false;
	for (size_t i = 0; i < g->n_words; i++)
		folder = folder || (g->word[i].text[0] == '/' && !stat(g->word[i].text, &st) && S_ISDIR(st.st_mode));
	struct table *t = folder && *obs ? table_read(obs, (uint64_t)1 << 30, &e) : NULL;
	if (!t)
		return out;
	out.columns = flow_names(p->spec->pool);
	out.labels = flow_zero(p->spec->pool, t->n_columns + 1, sizeof *out.labels);
	for (size_t c = 0; c < t->n_columns; c++) {
		uint32_t k = names_add(out.columns, t->head[c], NULL);
		struct names *labels = flow_names(p->spec->pool);
		for (size_t r = 0; r < t->n_rows && labels->n <= 100000; r++)
			names_add(labels, t->field[r * t->n_columns + c], NULL);
		out.labels[k] = labels->n <= 100000 ? labels : NULL;
	}
	table_free(t);
	return out;
}

static void check_columns(struct flow_plan *p, struct flow_step *step, const struct flow_stage *g, const struct flow_stream *in)
{
	static const struct { const char *column, *label; } options[] = { { "pert-key", "control" }, { "split-by", NULL }, { "guide-key", NULL },
		{ "by", "first" }, { "group-key", "group" }, { "case-key", "case" }, { "sample-key", NULL }, { "batch-key", NULL } };
	char list[600];
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		const struct flow_word *w, *v;
		const char *column = option_value(g, options[i].column, &w), *label = options[i].label ? option_value(g, options[i].label, &v) : "";
		if (!*column || (!w && (!options[i].label || !*label)))
			continue;
		uint32_t c = names_find(in->columns, column);
		if (c == NAMES_NONE && strcmp(g->tool, "de-markers") && strcmp(g->tool, "weighted-de")) {
			names_list(in->columns, list, sizeof list);
			flow_fault(p->spec, flow_at(p, step, w ? w->at : g->at), "%s --%s: there is no column '%s'; there are %s%s", g->tool, options[i].column,
				   column, list, flow_hint(p->spec, column, in->columns));
		} else if (c != NAMES_NONE && *label && in->labels[c] && strcmp(label, "all") && names_find(in->labels[c], label) == NAMES_NONE) {
			names_list(in->labels[c], list, sizeof list);
			flow_fault(p->spec, flow_at(p, step, v ? v->at : g->at), "%s --%s: column '%s' has no label '%s'; it has %s%s", g->tool, options[i].label,
				   column, label, list, flow_hint(p->spec, label, in->labels[c]));
		}
	}
}

static bool accepts(const struct flow_stage *g, const char *kind)
{
	size_t i;
	json_t *k;
	json_array_foreach(json_object_get(g->declared, "reads"), i, k)
		if (!strcmp(json_string_value(k), kind))
			return true;
	return false;
}

/* A tool of this name may bring in row columns that its input has not. */
static bool adds_columns(const char *name)
{
	static const char *const tools[] = { "pmx-join", "assign-guides", "mixscape", "mixscale", "pmx-select", "pmx-export", NULL };
	for (size_t i = 0; tools[i]; i++)
		if (!strcmp(tools[i], name))
			return true;
	return false;
}

static struct flow_stream of_file(struct flow_plan *p, const char *file)
{
	struct flow_step *maker = *file == '/' ? NULL : flow_maker(p, file);
	if (maker)
		return maker->leaves[names_find(maker->outputs, file)];
	return look_at(p, file);
}

void flow_check_streams(struct flow_plan *p, struct flow_step *step)
{
	struct flow_stream now = { NULL, NULL, NULL };
	for (size_t k = 0; k < step->n_stages; k++) {
		struct flow_stage *g = &step->stage[k];
		const char *writes = text_of(g->declared, "writes"), *kinds;
		bool reads = json_array_size(json_object_get(g->declared, "reads")) > 0;
		if (g->input)
			now = of_file(p, g->input);
		if (reads && now.kind && !accepts(g, now.kind)) {
			kinds = json_string_value(json_array_get(json_object_get(g->declared, "reads"), 0));
			flow_fault(p->spec, flow_at(p, step, g->input ? g->input_at : g->at), "%s reads a stream of %s, and what comes here is %s%s%s", g->tool, kinds,
				   strcmp(now.kind, "text") ? "a stream of " : "", now.kind, k && !g->input ? flow_print(p->spec->pool, " from %s", g[-1].tool) : "");
			return;
		}
		if (reads && now.columns)
			check_columns(p, step, g, &now);
		if (!strcmp(g->tool, "pmx-import"))
			now = imported(p, g);
		if (!writes_stream(g) && !g->prefix)
			now = (struct flow_stream){ writes_text(g) ? "text" : NULL, NULL, NULL };
		else if (strcmp(writes, "same") && !g->prefix)
			now.kind = strstr(writes, " or ") ? NULL : flow_text(p->spec->pool, writes);
		if (adds_columns(g->tool) || !reads ? strcmp(g->tool, "pmx-import") : strcmp(writes, "same") && strcmp(writes, "cells"))
			now.columns = NULL;
		const char *out = g->output ? g->output : k + 1 == step->n_stages ? step->to : NULL;
		uint32_t i = out ? names_find(step->outputs, out) : NAMES_NONE;
		if (i != NAMES_NONE)
			step->leaves[i] = now;
		for (size_t o = 0; g->prefix && o < step->outputs->n; o++)
			if (begins_with(step->outputs->at[o], g->prefix, '.'))
				step->leaves[o] = now;
	}
}
