#include "flow/plan.h"
#include "base/hash.h"
#include "base/mem.h"
#include "cli/toolbox.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct flow_mark flow_at(const struct flow_plan *p, const struct flow_step *step, size_t byte)
{
	return flow_place(p->spec, &step->rule->run, byte);
}

struct flow_step *flow_maker(const struct flow_plan *p, const char *file)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (names_find(p->step[i].outputs, file) != NAMES_NONE)
			return &p->step[i];
	return NULL;
}

static const json_t *declaration(struct flow_plan *p, struct flow_step *step, const struct flow_stage *g)
{
	struct err e = { 0 };
	uint32_t i = names_find(p->tools, g->tool);
	if (i == NAMES_NONE) {
		const char *hint = flow_hint(p->spec, g->tool, p->tools);
		flow_fault(p->spec, flow_at(p, step, g->at), "there is no tool '%s'%s", g->tool, *hint ? hint : "; pertpipe lists them");
		return NULL;
	}
	if (!p->declaration[i] && !(p->declaration[i] = toolbox_declaration(p->folder, g->tool, &e)))
		flow_fault(p->spec, flow_at(p, step, g->at), "%s", e.text);
	return p->declaration[i];
}

/* The tokens of a step's command as stages. false on a fault. */
static bool read_stages(struct flow_plan *p, struct flow_step *step, const char *index_name, long index)
{
	struct flow_spec *s = p->spec;
	struct flow_token *token;
	size_t n, cap = 0, room = 0;
	if (!flow_lex(s, &step->rule->run, &token, &n))
		return false;
	struct flow_stage *g = NULL;
	for (size_t i = 0; i <= n; i++) {
		if (i == n || token[i].is == FLOW_PIPE) {
			if (!g)
				flow_fault(s, flow_at(p, step, i < n ? token[i].at : n ? token[n - 1].at : 0), "a tool is missing here: TOOL ... | TOOL ...");
			if (!g)
				return false;
			g = NULL;
			continue;
		}
		if (token[i].is != FLOW_WORD && (i + 1 == n || token[i + 1].is != FLOW_WORD)) {
			flow_fault(s, flow_at(p, step, token[i].at), "a file has to follow %s", token[i].is == FLOW_FROM ? "<" : ">");
			return false;
		}
		size_t k, at = token[i].at;
		enum flow_sign is = token[i].is;
		struct flow_word *w = flow_expand(s, &step->rule->run, &token[is == FLOW_WORD ? i : ++i], index_name, index, &k);
		if (is != FLOW_WORD) {
			*(is == FLOW_FROM ? &step->from : &step->to) = w->text;
			*(is == FLOW_FROM ? &step->from_at : &step->to_at) = w->at;
			continue;
		}
		if (!g) {
			flow_room(s->pool, &step->stage, &cap, step->n_stages, sizeof *step->stage);
			g = &step->stage[step->n_stages++];
			*g = (struct flow_stage){ .tool = w->text, .at = at };
			if (w->by_value)
				flow_fault(s, flow_at(p, step, at), "the name of a tool cannot be a parameter; write it out");
			room = 0;
			continue;
		}
		for (size_t c = 0; c < k; c++) {
			flow_room(s->pool, &g->word, &room, g->n_words, sizeof *g->word);
			g->word[g->n_words++] = w[c];
		}
	}
	return true;
}

static bool file_name(const char *s)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+=@,/";
	return *s && *s != '/' && *s != '-' && *s != '.' && s[strspn(s, safe)] == 0 && !strstr(s, "..") && !strstr(s, "//") && s[strlen(s) - 1] != '/';
}

static void read_outputs(struct flow_plan *p, struct flow_step *step, const char *index_name, long index)
{
	struct flow_spec *s = p->spec;
	step->outputs = flow_names(s->pool);
	for (size_t i = 0; i < step->rule->n_outputs; i++) {
		const struct flow_scalar *t = &step->rule->output[i];
		size_t n;
		struct flow_token token = { FLOW_WORD, t->s, 0 };
		struct flow_word *w = flow_expand(s, t, &token, index_name, index, &n);
		for (size_t k = 0; k < n; k++) {
			bool is_new;
			struct flow_step *other = flow_maker(p, w[k].text);
			if (!file_name(w[k].text))
				flow_fault(s, t->at, "'%s' cannot be an output: give a name inside the folder of results, of letters, digits and . _ - + = @ , /",
					   w[k].text);
			else if (other && other != step)
				flow_fault(s, t->at, "'%s' is an output of step '%s', too; give it another name%s", w[k].text, other->name,
					   index_name ? ", with the counter in it" : "");
			names_add(step->outputs, w[k].text, &is_new);
			if (!is_new)
				flow_fault(s, t->at, "'%s' stands twice among the outputs; leave one out", w[k].text);
		}
	}
	step->leaves = flow_zero(s->pool, step->outputs->n + 1, sizeof *step->leaves);
	step->written = flow_zero(s->pool, step->outputs->n + 1, sizeof *step->written);
}

static void add_step(struct flow_plan *p, const struct flow_rule *r, const char *index_name, long index)
{
	struct flow_spec *s = p->spec;
	flow_room(s->pool, &p->step, &p->step_cap, p->n_steps, sizeof *p->step);
	struct flow_step *step = &p->step[p->n_steps++];
	*step = (struct flow_step){ .rule = r };
	step->name = index_name ? flow_print(s->pool, "%s_%ld", r->name, index) : r->name;
	step->made = flow_names(s->pool);
	step->outside = flow_names(s->pool);
	for (size_t i = 0; i + 1 < p->n_steps; i++)
		if (!strcmp(p->step[i].name, step->name))
			flow_fault(s, r->at, "step '%s' is there twice; rename one", step->name);
	read_outputs(p, step, index_name, index);
	if (!read_stages(p, step, index_name, index))
		step->n_stages = 0;
}

static void add_steps(struct flow_plan *p)
{
	for (size_t i = 0; i < p->spec->n_rules; i++) {
		const struct flow_rule *r = &p->spec->rule[i];
		char *name;
		long from, to;
		if (!r->each.s)
			add_step(p, r, NULL, 0);
		else if (flow_each(p->spec, &r->each, &name, &from, &to))
			for (long k = from; k <= to; k++)
				add_step(p, r, name, k);
	}
}

/* Each step as soon as all that it reads is made; the order of the spec among those that can. */
static void sort_steps(struct flow_plan *p)
{
	struct flow_spec *s = p->spec;
	p->order = flow_zero(s->pool, p->n_steps + 1, sizeof *p->order);
	bool *done = flow_zero(s->pool, p->n_steps + 1, sizeof *done);
	size_t n = 0;
	for (bool some = true; some; ) {
		some = false;
		for (size_t i = 0; i < p->n_steps; i++) {
			bool ready = !done[i];
			for (size_t k = 0; ready && k < p->step[i].made->n; k++) {
				struct flow_step *maker = flow_maker(p, p->step[i].made->at[k]);
				ready = !maker || done[maker - p->step];
			}
			if (!ready)
				continue;
			done[i] = some = true;
			p->order[n++] = i;
		}
	}
	if (n == p->n_steps)
		return;
	/* From a step that waits, back to what it waits for, until a step comes twice. */
	size_t at = 0, from = 0;
	while (done[at])
		at++;
	for (size_t hops = 0; hops <= p->n_steps; hops++) {
		from = at;
		for (size_t k = 0; k < p->step[from].made->n; k++) {
			size_t maker = (size_t)(flow_maker(p, p->step[from].made->at[k]) - p->step);
			if (!done[maker]) {
				at = maker;
				break;
			}
		}
	}
	char *list = flow_text(s->pool, p->step[at].name);
	for (size_t i = at, first = at; ; ) {
		for (size_t k = 0; k < p->step[i].made->n; k++) {
			size_t maker = (size_t)(flow_maker(p, p->step[i].made->at[k]) - p->step);
			if (!done[maker]) {
				list = flow_print(s->pool, "%s needs %s of %s", i == first ? list : flow_print(s->pool, "%s, which", list),
						  p->step[i].made->at[k], p->step[maker].name);
				i = maker;
				break;
			}
		}
		if (i == first)
			break;
	}
	flow_fault(s, p->step[at].rule->at, "steps wait for each other: %s; let one of them read another file", list);
}

struct flow_plan *flow_plan(struct flow_spec *s)
{
	struct err e = { 0 };
	struct flow_plan *p = flow_zero(s->pool, 1, sizeof *p);
	p->spec = s;
	p->folder = toolbox_folder(&e);
	p->tools = p->folder ? toolbox_names(p->folder, &e) : NULL;
	if (!p->tools) {
		flow_fault(s, (struct flow_mark){ 1, 1 }, "%s", e.text);
		return p;
	}
	p->declaration = flow_zero(s->pool, p->tools->n + 1, sizeof *p->declaration);
	add_steps(p);
	for (size_t i = 0; i < p->n_steps; i++) {
		struct flow_step *step = &p->step[i];
		for (size_t g = 0; g < step->n_stages; g++) {
			step->stage[g].declared = declaration(p, step, &step->stage[g]);
			if (step->stage[g].declared)
				flow_check_stage(p, step, g);
		}
	}
	sort_steps(p);
	for (size_t i = 0; !s->n_faults && i < p->n_steps; i++)
		flow_check_streams(p, &p->step[p->order[i]]);
	for (size_t i = 0; i < s->n_values; i++)
		if (!s->value[i].used)
			flow_fault(s, s->value[i].at, "%s '%s' is used in no step; write {%s} where it belongs, or leave it out",
				   s->value[i].type == FLOW_PATH ? "input" : "parameter", s->value[i].name, s->value[i].name);
	return p;
}

void flow_plan_free(struct flow_plan *p)
{
	for (size_t i = 0; p->tools && i < p->tools->n; i++)
		json_decref(p->declaration[i]);
	names_free(p->tools);
	mem_free(p->folder);
}

/* A word as a shell reads it back. */
static char *shell(struct flow_pool *pool, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+=@,/:%";
	if (*s && !s[strspn(s, plain)])
		return flow_text(pool, s);
	char *out = flow_zero(pool, 4 * strlen(s) + 3, 1), *o = out;
	*o++ = '\'';
	for (; *s; s++) {
		if (*s == '\'')
			o += sprintf(o, "'\\''");
		else
			*o++ = *s;
	}
	*o++ = '\'';
	return out;
}

/* `whole`: a file of > appears whole or not at all. */
char *flow_command(const struct flow_plan *p, const struct flow_step *step, bool whole)
{
	struct flow_pool *pool = p->spec->pool;
	char *out = flow_text(pool, "");
	for (size_t g = 0; g < step->n_stages; g++) {
		out = flow_print(pool, "%s%s%s", out, g ? " | " : "", step->stage[g].tool);
		for (size_t i = 0; i < step->stage[g].n_words; i++)
			out = flow_print(pool, "%s %s", out, shell(pool, step->stage[g].word[i].text));
		if (!g && step->from)
			out = flow_print(pool, "%s < %s", out, shell(pool, step->from));
	}
	if (!step->to)
		return out;
	char *to = shell(pool, step->to);
	return whole ? flow_print(pool, "%s > %s.part && mv -f %s.part %s", out, to, to, to) : flow_print(pool, "%s > %s", out, to);
}

void flow_digest(const struct flow_plan *p, const struct flow_step *step, char out[17])
{
	struct hash_state *h = hash_new();
	const char *command = flow_command(p, step, false);
	hash_add(h, command, strlen(command) + 1);
	for (size_t g = 0; g < step->n_stages; g++) {
		const char *version = json_string_value(json_object_get(step->stage[g].declared, "version"));
		if (version)
			hash_add(h, version, strlen(version) + 1);
	}
	snprintf(out, 17, "%016" PRIx64, hash_end(h));
	hash_free(h);
}
