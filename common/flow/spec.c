#include "flow/spec.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

enum { LARGEST_SPEC = 1 << 20, LONGEST_RUN = 525600 };

struct flow_pool {
	void **item;
	size_t n, cap;
	struct names **names;
	size_t n_names, names_cap;
};

struct flow_pool *flow_pool_new(void)
{
	return mem_zero(1, sizeof(struct flow_pool));
}

void flow_pool_free(struct flow_pool *p)
{
	for (size_t i = 0; i < p->n; i++)
		mem_free(p->item[i]);
	for (size_t i = 0; i < p->n_names; i++)
		names_free(p->names[i]);
	mem_free(p->item);
	mem_free(p->names);
	mem_free(p);
}

void *flow_keep(struct flow_pool *p, void *memory)
{
	mem_room(&p->item, &p->cap, p->n + 1, sizeof *p->item);
	return p->item[p->n++] = memory;
}

char *flow_text(struct flow_pool *p, const char *s)
{
	return flow_keep(p, mem_text(s));
}

char *flow_textn(struct flow_pool *p, const char *s, size_t n)
{
	return flow_keep(p, mem_textn(s, n));
}

char *flow_print(struct flow_pool *p, const char *fmt, ...)
{
	va_list list, again;
	va_start(list, fmt);
	va_copy(again, list);
	int n = vsnprintf(NULL, 0, fmt, list);
	char *s = mem_array((size_t)n + 1, 1);
	vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(list);
	return flow_keep(p, s);
}

void *flow_zero(struct flow_pool *p, size_t n, size_t size)
{
	return flow_keep(p, mem_zero(n, size));
}

struct names *flow_names(struct flow_pool *p)
{
	mem_room(&p->names, &p->names_cap, p->n_names + 1, sizeof *p->names);
	return p->names[p->n_names++] = names_new();
}

void flow_room(struct flow_pool *p, void *array, size_t *cap, size_t n, size_t size)
{
	void **at = array;
	if (n < *cap)
		return;
	size_t room = *cap ? 2 * *cap : 8;
	void *larger = flow_zero(p, room, size);
	if (n)
		memcpy(larger, *at, n * size);
	*at = larger;
	*cap = room;
}

void flow_fault(struct flow_spec *s, struct flow_mark at, const char *fmt, ...)
{
	char text[2000];
	va_list list;
	va_start(list, fmt);
	vsnprintf(text, sizeof text, fmt, list);
	va_end(list);
	for (size_t i = 0; i < s->n_faults; i++)
		if (s->fault[i].at.line == at.line && s->fault[i].at.column == at.column && !strcmp(s->fault[i].text, text))
			return;
	flow_room(s->pool, &s->fault, &s->fault_cap, s->n_faults, sizeof *s->fault);
	s->fault[s->n_faults++] = (struct flow_fault){ at, flow_text(s->pool, text) };
}

static int by_place(const void *x, const void *y)
{
	const struct flow_fault *a = x, *b = y;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	if (a->at.column != b->at.column)
		return a->at.column < b->at.column ? -1 : 1;
	return strcmp(a->text, b->text);
}

void flow_sort_faults(struct flow_spec *s)
{
	if (s->n_faults)
		qsort(s->fault, s->n_faults, sizeof *s->fault, by_place);
}

struct flow_value *flow_find(const struct flow_spec *s, const char *name)
{
	for (size_t i = 0; i < s->n_values; i++)
		if (!strcmp(s->value[i].name, name))
			return &s->value[i];
	return NULL;
}

const char *flow_hint(struct flow_spec *s, const char *wrong, const struct names *names)
{
	const char *near = NULL;
	for (size_t i = 0; i < names->n; i++)
		near = cli_nearer(wrong, names->at[i], near);
	return near ? flow_print(s->pool, "; did you mean '%s'?", near) : "";
}

/* The next character of UTF-8. */
static size_t step(const char *s, size_t i)
{
	i++;
	while (((unsigned char)s[i] & 0xc0) == 0x80)
		i++;
	return i;
}

static size_t byte_of(const struct flow_spec *s, yaml_mark_t mark)
{
	size_t i = 0;
	for (size_t line = 0; line < mark.line && i < s->n_bytes; line++) {
		const char *end = memchr(s->bytes + i, '\n', s->n_bytes - i);
		i = end ? (size_t)(end - s->bytes) + 1 : s->n_bytes;
	}
	for (size_t column = 0; column < mark.column && i < s->n_bytes; column++)
		i = step(s->bytes, i);
	return i;
}

static struct flow_mark mark_of_byte(const struct flow_spec *s, size_t byte)
{
	struct flow_mark m = { 1, 1 };
	for (size_t i = 0; i < byte && i < s->n_bytes; i = step(s->bytes, i)) {
		m.column++;
		if (s->bytes[i] == '\n')
			m = (struct flow_mark){ m.line + 1, 1 };
	}
	return m;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The bytes of value and file are walked side by side: they differ in blanks only, unless YAML escapes stand between. */
struct flow_mark flow_place(const struct flow_spec *s, const struct flow_scalar *t, size_t i)
{
	size_t j = t->from;
	if (t->literal)
		while (j < t->to && s->bytes[j] != '\n')
			j++;
	else if (j < t->to && (s->bytes[j] == '"' || s->bytes[j] == '\''))
		j++;
	for (size_t k = 0; ; ) {
		while (j < t->to && blank(s->bytes[j]))
			j++;
		while (k < i && blank(t->s[k]))
			k++;
		if (k >= i)
			return mark_of_byte(s, j);
		if (j >= t->to || s->bytes[j] != t->s[k])
			return t->at;
		j++;
		k++;
	}
}

static struct flow_mark mark(yaml_mark_t m)
{
	return (struct flow_mark){ m.line + 1, m.column + 1 };
}

/* Reading the document. */
struct doc {
	struct flow_spec *s;
	yaml_document_t yaml;
};

static yaml_node_t *node(struct doc *d, int id)
{
	return yaml_document_get_node(&d->yaml, id);
}

static bool scalar(struct doc *d, yaml_node_t *n, const char *what, struct flow_scalar *out)
{
	if (n->type != YAML_SCALAR_NODE) {
		flow_fault(d->s, mark(n->start_mark), "%s has to be a text or a number", what);
		return false;
	}
	if (memchr(n->data.scalar.value, 0, n->data.scalar.length)) {
		flow_fault(d->s, mark(n->start_mark), "%s holds a NUL byte", what);
		return false;
	}
	out->s = flow_textn(d->s->pool, (const char *)n->data.scalar.value, n->data.scalar.length);
	out->at = mark(n->start_mark);
	out->from = byte_of(d->s, n->start_mark);
	out->to = byte_of(d->s, n->end_mark);
	out->literal = n->data.scalar.style == YAML_LITERAL_SCALAR_STYLE || n->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
	return true;
}

/* Walks the pairs of a mapping: false at the end. Keys that come twice or are not in `known` (NULL: all are) are faults. */
static bool pair(struct doc *d, yaml_node_t *map, size_t *i, const char *const *known, const char *what, struct flow_scalar *key,
		 yaml_node_t **value)
{
	for (; ; ++*i) {
		yaml_node_pair_t *p = map->data.mapping.pairs.start + *i;
		if (p >= map->data.mapping.pairs.top)
			return false;
		if (!scalar(d, node(d, p->key), "a key", key))
			continue;
		bool twice = false, is_known = !known;
		for (size_t k = 0; k < *i; k++) {
			yaml_node_t *other = node(d, map->data.mapping.pairs.start[k].key);
			twice = twice || (other->type == YAML_SCALAR_NODE && !strcmp((const char *)other->data.scalar.value, key->s));
		}
		struct names *names = flow_names(d->s->pool);
		for (size_t k = 0; known && known[k]; k++) {
			names_add(names, known[k], NULL);
			is_known = is_known || !strcmp(known[k], key->s);
		}
		if (twice) {
			flow_fault(d->s, key->at, "'%s' stands twice %s; leave one out or give it another name", key->s, what);
			continue;
		}
		if (!is_known) {
			char list[300];
			names_list(names, list, sizeof list);
			const char *hint = flow_hint(d->s, key->s, names);
			yaml_node_t *of = node(d, p->value);
			/* What follows a comma between braces is the next key, with nothing after it. */
			bool text = map->data.mapping.style == YAML_FLOW_MAPPING_STYLE && of->type == YAML_SCALAR_NODE && !of->data.scalar.length;
			flow_fault(d->s, key->at, "unknown key '%s' %s%s%s%s", key->s, what, *hint ? hint : "; there are ", *hint ? "" : list,
				   text ? " (a text with a comma is put in quotes)" : "");
			continue;
		}
		*value = node(d, p->value);
		++*i;
		return true;
	}
}

static bool mapping(struct doc *d, yaml_node_t *n, const char *what)
{
	if (n->type == YAML_MAPPING_NODE)
		return true;
	flow_fault(d->s, mark(n->start_mark), "%s has to be a mapping (name: ...)", what);
	return false;
}

static bool is_name(const char *s)
{
	if (!isalpha((unsigned char)*s))
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '_')
			return false;
	return true;
}

static const char *const type_names[] = { "text", "int", "real", "size", "choice", "path", NULL };

static bool yes_or_no(struct doc *d, const struct flow_scalar *t, bool *out)
{
	*out = !strcmp(t->s, "true") || !strcmp(t->s, "yes");
	if (*out || !strcmp(t->s, "false") || !strcmp(t->s, "no"))
		return true;
	flow_fault(d->s, t->at, "'required' takes true or false, not '%s'", t->s);
	return false;
}

static void bound(struct doc *d, const struct flow_scalar *t, double *out, bool *is)
{
	*is = text_f64(t->s, out) && isfinite(*out);
	if (!*is)
		flow_fault(d->s, t->at, "a bound is a number, not '%s'", t->s);
}

static void read_choices(struct doc *d, yaml_node_t *n, struct flow_value *v)
{
	struct flow_scalar t;
	if (n->type != YAML_SEQUENCE_NODE) {
		flow_fault(d->s, mark(n->start_mark), "choices have to be a list: [a, b]");
		return;
	}
	v->choices = flow_names(d->s->pool);
	for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++)
		if (scalar(d, node(d, *i), "a choice", &t))
			names_add(v->choices, t.s, NULL);
}

static void read_type(struct doc *d, const struct flow_scalar *t, struct flow_value *v)
{
	struct names *names = flow_names(d->s->pool);
	for (size_t i = 0; i < FLOW_PATH; i++) {
		names_add(names, type_names[i], NULL);
		if (!strcmp(type_names[i], t->s)) {
			v->type = (enum flow_type)i;
			return;
		}
	}
	flow_fault(d->s, t->at, "unknown type '%s'%s; there are text, int, real, size, choice (files are named under inputs)", t->s,
		   flow_hint(d->s, t->s, names));
}

static void read_value(struct doc *d, const struct flow_scalar *name, yaml_node_t *n, bool is_input)
{
	static const char *const of_input[] = { "help", "default", "required", NULL };
	static const char *const of_parameter[] = { "help", "default", "required", "type", "min", "max", "choices", NULL };
	struct flow_spec *s = d->s;
	struct flow_scalar key, t;
	yaml_node_t *value;
	if (!is_name(name->s))
		flow_fault(s, name->at, "'%s' is no name: letters, digits and _ , a letter first", name->s);
	if (flow_find(s, name->s)) {
		flow_fault(s, name->at, "'%s' is an input and a parameter; rename one", name->s);
		return;
	}
	struct flow_value v = { .name = name->s, .at = name->at, .value_at = name->at, .type = is_input ? FLOW_PATH : FLOW_TEXT, .required = is_input };
	bool said = false;
	/* `name: value` is a parameter with that default. */
	if (n->type == YAML_SCALAR_NODE) {
		if (scalar(d, n, "a value", &t) && *t.s)
			v.value = t.s;
	} else if (mapping(d, n, name->s)) {
		for (size_t i = 0; pair(d, n, &i, is_input ? of_input : of_parameter, is_input ? "of an input" : "of a parameter", &key, &value); ) {
			if (!strcmp(key.s, "choices")) {
				read_choices(d, value, &v);
				continue;
			}
			if (!scalar(d, value, key.s, &t))
				continue;
			if (!strcmp(key.s, "help"))
				v.help = t.s;
			else if (!strcmp(key.s, "type"))
				read_type(d, &t, &v);
			else if (!strcmp(key.s, "min"))
				bound(d, &t, &v.min, &v.bounded_below);
			else if (!strcmp(key.s, "max"))
				bound(d, &t, &v.max, &v.bounded_above);
			else if (!strcmp(key.s, "required"))
				said = yes_or_no(d, &t, &v.required);
			else {
				v.value = t.s;
				v.value_at = t.at;
			}
		}
	}
	if (v.value && !said)
		v.required = false;
	if (v.type == FLOW_CHOICE && !v.choices) {
		flow_fault(s, name->at, "parameter '%s' is a choice without choices: [a, b]", name->s);
		v.type = FLOW_TEXT;
	}
	flow_room(s->pool, &s->value, &s->value_cap, s->n_values, sizeof *s->value);
	s->value[s->n_values++] = v;
}

static void whole_number(struct doc *d, const struct flow_scalar *t, const char *what, long most, long *out)
{
	int64_t v;
	if (text_i64(t->s, &v) && v >= 1 && v <= most)
		*out = (long)v;
	else
		flow_fault(d->s, t->at, "'%s' takes 1 to %ld, not '%s'", what, most, t->s);
}

static void read_outputs(struct doc *d, yaml_node_t *n, struct flow_rule *r)
{
	bool list = n->type == YAML_SEQUENCE_NODE;
	size_t k = list ? (size_t)(n->data.sequence.items.top - n->data.sequence.items.start) : 1;
	r->output = flow_zero(d->s->pool, k + 1, sizeof *r->output);
	for (size_t i = 0; i < k; i++)
		if (scalar(d, list ? node(d, n->data.sequence.items.start[i]) : n, "an output", &r->output[r->n_outputs]))
			r->n_outputs++;
}

static void read_rule(struct doc *d, const struct flow_scalar *name, yaml_node_t *n)
{
	static const char *const known[] = { "run", "outputs", "for", "threads", "runtime", NULL };
	struct flow_spec *s = d->s;
	struct flow_scalar key, t;
	yaml_node_t *value;
	struct flow_rule r = { .name = name->s, .at = name->at, .threads = 2, .runtime = 60 };
	if (!is_name(name->s))
		flow_fault(s, name->at, "'%s' is no name for a step: letters, digits and _ , a letter first", name->s);
	if (!mapping(d, n, "a step"))
		return;
	for (size_t i = 0; pair(d, n, &i, known, "of a step", &key, &value); ) {
		if (!strcmp(key.s, "outputs"))
			read_outputs(d, value, &r);
		else if (!scalar(d, value, key.s, &t))
			continue;
		else if (!strcmp(key.s, "run"))
			r.run = t;
		else if (!strcmp(key.s, "for"))
			r.each = t;
		else if (!strcmp(key.s, "threads"))
			whole_number(d, &t, "threads", 1024, &r.threads);
		else
			whole_number(d, &t, "runtime", LONGEST_RUN, &r.runtime);
	}
	if (!r.run.s || !*r.run.s) {
		flow_fault(s, name->at, "step '%s' has no command; give it run: TOOL ... | TOOL ...", name->s);
		return;
	}
	if (!r.n_outputs)
		flow_fault(s, name->at, "step '%s' has no outputs; name the files that it leaves: outputs: [FILE]", name->s);
	flow_room(s->pool, &s->rule, &s->rule_cap, s->n_rules, sizeof *s->rule);
	s->rule[s->n_rules++] = r;
}

static void read_document(struct doc *d)
{
	static const char *const known[] = { "name", "about", "inputs", "parameters", "steps", NULL };
	struct flow_spec *s = d->s;
	struct flow_scalar key, name, t;
	yaml_node_t *root = yaml_document_get_root_node(&d->yaml), *value, *inner;
	if (!root) {
		flow_fault(s, (struct flow_mark){ 1, 1 }, "the file is empty; a workflow has steps:");
		return;
	}
	if (!mapping(d, root, "a workflow"))
		return;
	bool steps = false;
	for (size_t i = 0; pair(d, root, &i, known, "of a workflow", &key, &value); ) {
		if (!strcmp(key.s, "name") || !strcmp(key.s, "about")) {
			if (scalar(d, value, key.s, &t))
				*(key.s[0] == 'n' ? &s->name : &s->about) = t.s;
			continue;
		}
		steps = steps || !strcmp(key.s, "steps");
		if (!mapping(d, value, key.s))
			continue;
		for (size_t k = 0; pair(d, value, &k, NULL, "here", &name, &inner); )
			if (!strcmp(key.s, "steps"))
				read_rule(d, &name, inner);
			else
				read_value(d, &name, inner, !strcmp(key.s, "inputs"));
	}
	if (!steps)
		flow_fault(s, mark(root->start_mark), "the workflow has no steps:");
}

const char *flow_refuses(struct flow_spec *s, const struct flow_value *v, const char *text)
{
	int64_t i;
	uint64_t size;
	double x = 0;
	char list[300];
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			return flow_print(s->pool, "'%s' takes a text without control characters", v->name);
	switch (v->type) {
	case FLOW_INT:
		if (!text_i64(text, &i))
			return flow_print(s->pool, "'%s' takes a whole number, not '%s'", v->name, text);
		x = (double)i;
		break;
	case FLOW_REAL:
		if (!text_f64(text, &x) || isnan(x))
			return flow_print(s->pool, "'%s' takes a number, not '%s'", v->name, text);
		break;
	case FLOW_SIZE:
		return text_size(text, &size) ? NULL : flow_print(s->pool, "'%s' takes a size like 512M or 2G, not '%s'", v->name, text);
	case FLOW_CHOICE:
		names_list(v->choices, list, sizeof list);
		return names_find(v->choices, text) != NAMES_NONE ? NULL
			: flow_print(s->pool, "'%s' takes one of %s, not '%s'", v->name, list, text);
	default:
		return NULL;
	}
	if (v->bounded_below && x < v->min)
		return flow_print(s->pool, "'%s' takes %.15g or more, not %s", v->name, v->min, text);
	if (v->bounded_above && x > v->max)
		return flow_print(s->pool, "'%s' takes %.15g or less, not %s", v->name, v->max, text);
	return NULL;
}

static char *absolute(struct flow_spec *s, const char *path, const char *folder)
{
	char here[4096];
	if (*path == '/' || (!folder && !getcwd(here, sizeof here)))
		return flow_text(s->pool, path);
	return flow_print(s->pool, "%s/%s", folder ? folder : here, path);
}

static void set_values(struct flow_spec *s, const char *const *set, size_t n)
{
	const struct flow_mark top = { 1, 1 };
	char here[4096], *folder = flow_text(s->pool, s->path), *slash = strrchr(folder, '/');
	if (slash)
		*slash = 0;
	else
		folder = NULL;
	for (size_t i = 0; i < s->n_values; i++)
		if (s->value[i].type == FLOW_PATH && s->value[i].value)
			s->value[i].value = absolute(s, s->value[i].value, folder && *folder != '/' && getcwd(here, sizeof here) ?
						     flow_print(s->pool, "%s/%s", here, folder) : folder);
	struct names *names = flow_names(s->pool);
	for (size_t i = 0; i < s->n_values; i++)
		names_add(names, s->value[i].name, NULL);
	for (size_t i = 0; i < n; i++) {
		const char *equal = strchr(set[i], '=');
		char *name = flow_textn(s->pool, set[i], equal ? (size_t)(equal - set[i]) : strlen(set[i]));
		struct flow_value *v = flow_find(s, name);
		if (!equal)
			flow_fault(s, top, "--set takes name=value, not '%s'", set[i]);
		else if (!v)
			flow_fault(s, top, "--set %s: the workflow has no input or parameter of that name%s", name, flow_hint(s, name, names));
		else
			v->value = !equal[1] ? NULL : v->type == FLOW_PATH ? absolute(s, equal + 1, NULL) : flow_text(s->pool, equal + 1);
	}
	for (size_t i = 0; i < s->n_values; i++) {
		const struct flow_value *v = &s->value[i];
		const char *why = v->value ? flow_refuses(s, v, v->value) : NULL;
		if (why)
			flow_fault(s, v->value_at, "%s", why);
		if (v->type == FLOW_PATH && v->value && access(v->value, R_OK))
			flow_fault(s, v->value_at, "input '%s': there is no readable %s", v->name, v->value);
		if (!v->value && v->required)
			flow_fault(s, v->at, "%s '%s' has no value; give it one: --set %s=%s", v->type == FLOW_PATH ? "input" : "parameter", v->name,
				   v->name, v->type == FLOW_PATH ? "PATH" : "VALUE");
	}
}

static int load(struct flow_spec *s)
{
	struct err e = { 0 };
	struct file_in *f = file_open(s->path, &e);
	s->bytes = flow_keep(s->pool, mem_zero(LARGEST_SPEC + 1, 1));
	int64_t n = f ? file_read(f, s->bytes, LARGEST_SPEC, &e) : -1;
	file_close(f);
	if (n < 0 || n == LARGEST_SPEC) {
		flow_fault(s, (struct flow_mark){ 1, 1 }, "%s", n < 0 ? e.text : "the file is too large for a workflow");
		return -1;
	}
	s->n_bytes = (size_t)n;
	if (text_utf8(s->bytes, s->n_bytes))
		return 0;
	flow_fault(s, (struct flow_mark){ 1, 1 }, "the file is not UTF-8 text");
	return -1;
}

struct flow_spec *flow_read(const char *path, const char *const *set, size_t n)
{
	struct flow_pool *pool = flow_pool_new();
	struct flow_spec *s = flow_zero(pool, 1, sizeof *s);
	s->pool = pool;
	s->path = path;
	if (load(s))
		return s;
	struct doc d = { .s = s };
	yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser))
		mem_exhausted(sizeof parser);
	yaml_parser_set_input_string(&parser, (const unsigned char *)s->bytes, s->n_bytes);
	if (!yaml_parser_load(&parser, &d.yaml)) {
		flow_fault(s, mark(parser.problem_mark), "this is not YAML: %s%s%s", parser.problem ? parser.problem : "it cannot be read",
			   parser.context ? ", " : "", parser.context ? parser.context : "");
	} else {
		read_document(&d);
		yaml_document_delete(&d.yaml);
		set_values(s, set, n);
	}
	yaml_parser_delete(&parser);
	return s;
}

void flow_free(struct flow_spec *s)
{
	flow_pool_free(s->pool);
}
