/* Commands as words: the part of the shell's language that a workflow has, and values put in place. */
#include "flow/plan.h"
#include "base/mem.h"
#include "base/text.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MOST_COPIES = 10000 };

struct lexer {
	struct flow_spec *s;
	const struct flow_scalar *t;
	const char *at;
	struct flow_token *token;
	size_t n, cap;
	bool failed;
};

static bool refuse(struct lexer *x, const char *where, const char *why)
{
	flow_fault(x->s, flow_place(x->s, x->t, (size_t)(where - x->t->s)), "%s", why);
	x->failed = true;
	return false;
}

static void add(struct lexer *x, enum flow_sign is, char *text, const char *where)
{
	flow_room(x->s->pool, &x->token, &x->cap, x->n, sizeof *x->token);
	x->token[x->n].is = is;
	x->token[x->n].text = text;
	x->token[x->n++].at = (size_t)(where - x->t->s);
}

static bool quoted(struct lexer *x, char *out, size_t *n)
{
	const char *open = x->at;
	char quote = *x->at++;
	for (; *x->at && *x->at != quote; x->at++) {
		if (quote == '"' && (*x->at == '$' || *x->at == '`'))
			return refuse(x, x->at, "there are no shell variables or commands in a workflow: name a parameter {name}, or use single quotes");
		if (quote == '"' && *x->at == '\\' && x->at[1] && strchr("\"\\$`", x->at[1]))
			x->at++;
		out[(*n)++] = *x->at;
	}
	if (!*x->at)
		return refuse(x, open, quote == '"' ? "this quote is not closed; add a \"" : "this quote is not closed; add a '");
	x->at++;
	return true;
}

static bool word(struct lexer *x)
{
	const char *start = x->at;
	char *out = flow_zero(x->s->pool, strlen(start) + 1, 1);
	size_t n = 0;
	while (*x->at && !strchr(" \t\r\n|<>", *x->at)) {
		if (*x->at == '\'' || *x->at == '"') {
			if (!quoted(x, out, &n))
				return false;
			continue;
		}
		if (strchr("$`", *x->at))
			return refuse(x, x->at, "there are no shell variables or commands in a workflow: name a parameter {name}, or use single quotes");
		if (strchr(";&()", *x->at))
			return refuse(x, x->at, "a step is one pipe: make another step of what follows, or put the character in quotes");
		if (strchr("*?[", *x->at) || (x->at == start && strchr("~#", *x->at)))
			return refuse(x, x->at, "file names are not completed in a workflow: write the name, or put the character in quotes");
		if (*x->at == '\\' && x->at[1])
			x->at++;
		if (*x->at != '\n')
			out[n++] = *x->at;
		x->at++;
	}
	if (*x->at == '>' && n && n == strspn(out, "0123456789"))
		return refuse(x, start, "messages of the tools are kept by themselves: leave this redirection out");
	if (x->at > start + 1 || n)
		add(x, FLOW_WORD, out, start);
	return true;
}

bool flow_lex(struct flow_spec *s, const struct flow_scalar *run, struct flow_token **token, size_t *n)
{
	struct lexer x = { .s = s, .t = run, .at = run->s };
	while (!x.failed) {
		x.at += strspn(x.at, " \t\r\n");
		if (!*x.at)
			break;
		if (!strchr("|<>", *x.at)) {
			word(&x);
			continue;
		}
		if (strchr("|&<>", x.at[1]) && x.at[1])
			refuse(&x, x.at, "only | < > join commands and files in a workflow; >> || |& << are not there");
		add(&x, *x.at == '|' ? FLOW_PIPE : *x.at == '<' ? FLOW_FROM : FLOW_TO, NULL, x.at);
		x.at++;
	}
	*token = x.token;
	*n = x.n;
	return !x.failed;
}

/* A number, or the value of a whole number parameter. */
static bool number(struct flow_spec *s, struct flow_mark at, const char *text, long *out)
{
	int64_t v;
	struct flow_value *value = flow_find(s, text);
	if (value)
		value->used = true;
	if (text_i64(value && value->value ? value->value : text, &v) && v >= 0 && v <= MOST_COPIES) {
		*out = (long)v;
		return true;
	}
	if (!value || value->value)
		flow_fault(s, at, "'%s' is neither a number from 0 to %d nor a parameter that is one", text, MOST_COPIES);
	return false;
}

static bool range(struct flow_spec *s, struct flow_mark at, const char *text, long *from, long *to)
{
	const char *dots = strstr(text, "..");
	if (!number(s, at, flow_textn(s->pool, text, (size_t)(dots - text)), from) || !number(s, at, dots + 2, to))
		return false;
	if (*from <= *to && *to - *from < MOST_COPIES)
		return true;
	flow_fault(s, at, "%s holds nothing: it goes from %ld to %ld", text, *from, *to);
	return false;
}

bool flow_each(struct flow_spec *s, const struct flow_scalar *each, char **name, long *from, long *to)
{
	const char *in = strstr(each->s, " in ");
	if (!in || !strstr(in, "..")) {
		flow_fault(s, each->at, "'for' takes NAME in FROM..TO, like shard in 1..4, not '%s'", each->s);
		return false;
	}
	*name = flow_textn(s->pool, each->s, (size_t)(in - each->s));
	if (flow_find(s, *name)) {
		flow_fault(s, each->at, "'%s' is a parameter already; count with another name", *name);
		return false;
	}
	return range(s, each->at, in + 4, from, to);
}

struct expansion {
	struct flow_spec *s;
	struct flow_mark at;
	const char *index_name;
	long index, running;
	bool has_range, absent, failed;
	long from, to;
};

static void append(struct flow_spec *s, char **out, const char *more, size_t n)
{
	*out = flow_print(s->pool, "%s%.*s", *out, (int)n, more);
}

static void put(struct expansion *x, char **out, const char *name)
{
	struct flow_spec *s = x->s;
	if (x->index_name && !strcmp(name, x->index_name)) {
		*out = flow_print(s->pool, "%s%ld", *out, x->index);
		return;
	}
	if (strstr(name, "..")) {
		x->failed = x->failed || !range(s, x->at, name, &x->from, &x->to);
		if (!x->has_range)
			x->running = x->from;
		x->has_range = true;
		*out = flow_print(s->pool, "%s%ld", *out, x->running);
		return;
	}
	struct flow_value *v = flow_find(s, name);
	if (!v) {
		struct names *names = flow_names(s->pool);
		for (size_t i = 0; i < s->n_values; i++)
			names_add(names, s->value[i].name, NULL);
		const char *hint = flow_hint(s, name, names);
		flow_fault(s, x->at, "there is no parameter or input '%s'%s", name, *hint ? hint : "; declare it under parameters: (a plain brace is doubled, {{)");
		x->failed = true;
		return;
	}
	v->used = true;
	x->absent = x->absent || !v->value;
	if (v->value)
		append(s, out, v->value, strlen(v->value));
}

static char *once(struct expansion *x, const char *text)
{
	char *out = flow_text(x->s->pool, "");
	while (*text) {
		size_t n = strcspn(text, "{}");
		append(x->s, &out, text, n);
		text += n;
		if (!*text)
			break;
		if (text[1] == text[0]) {
			append(x->s, &out, text, 1);
			text += 2;
			continue;
		}
		const char *close = *text == '{' ? strchr(text, '}') : NULL;
		if (!close) {
			flow_fault(x->s, x->at, "a brace without its counterpart; a plain brace is doubled: %c%c", *text, *text);
			x->failed = true;
			break;
		}
		put(x, &out, flow_textn(x->s->pool, text + 1, (size_t)(close - text) - 1));
		text = close + 1;
	}
	return out;
}

struct flow_word *flow_expand(struct flow_spec *s, const struct flow_scalar *t, const struct flow_token *token, const char *index_name,
			      long index, size_t *n)
{
	struct expansion x = { .s = s, .at = flow_place(s, t, token->at), .index_name = index_name, .index = index };
	struct flow_word w = { .text = once(&x, token->text), .at = token->at, .by_value = token->text[0] == '{' && token->text[1] != '{', .absent = x.absent };
	long copies = x.has_range && !x.failed ? x.to - x.from + 1 : 1;
	struct flow_word *out = flow_zero(s->pool, (size_t)copies, sizeof *out);
	for (long i = 0; i < copies; i++) {
		x.running = x.from + i;
		out[i] = w;
		if (i)
			out[i].text = once(&x, token->text);
	}
	*n = (size_t)copies;
	return out;
}
