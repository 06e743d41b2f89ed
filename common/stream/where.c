#include "stream/where.h"
#include "base/mem.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DEEPEST = 200 };

/* Outcomes; a comparison with a missing value is UNKNOWN. */
enum { FALSE, TRUE, UNKNOWN };

enum node_kind { AND, OR, NOT, NUMBER, LABEL, TEXT, FLAG, MISSING };
enum operator { EQ, NE, LT, LE, GT, GE };

struct node {
	enum node_kind kind;
	struct node *left, *right;
	size_t field;
	bool negated;                   /* not in, !=, is not missing: of the set below */
	enum operator op;               /* NUMBER with one value */
	double *number;                 /* NUMBER: the value, or the set */
	int64_t *whole;
	bool *is_whole;
	size_t n_numbers;
	bool *label;                    /* LABEL: by code */
	struct names *texts;            /* TEXT */
	bool flag[2];                   /* FLAG: is false, is true in the set */
};

enum token { WORD, QUOTED, SIGN, END };

struct pmx_where {
	const struct pmx_schema *s;
	struct node *root;
	char **note;
	size_t n_notes, note_cap;
};

struct parser {
	struct pmx_where *w;
	const char *text, *at;          /* at: behind the current token */
	const char *begin;              /* of the current token */
	enum token token;
	char *word;                     /* of it; quotes are gone */
	int depth;
	struct err *e;
};

static void node_free(struct node *n)
{
	if (!n)
		return;
	node_free(n->left);
	node_free(n->right);
	mem_free(n->number);
	mem_free(n->whole);
	mem_free(n->is_whole);
	mem_free(n->label);
	names_free(n->texts);
	mem_free(n);
}

void pmx_where_free(struct pmx_where *w)
{
	if (!w)
		return;
	node_free(w->root);
	for (size_t i = 0; i < w->n_notes; i++)
		mem_free(w->note[i]);
	mem_free(w->note);
	mem_free(w);
}

const char *pmx_where_note(const struct pmx_where *w, size_t i)
{
	return i < w->n_notes ? w->note[i] : NULL;
}

/* The failure with the text below it and a mark under the place. */
static int fail_at(struct parser *p, const char *place, const char *why)
{
	const char *from = place - p->text > 60 ? place - 60 : p->text;
	while ((*from & 0xc0) == 0x80)
		from++;
	int n = (int)strcspn(from, "\r\n"), blanks = 0;
	for (const char *s = from; s < place; s++)
		blanks += (*s & 0xc0) != 0x80;
	return err_set(p->e, "%s\n  %.*s\n  %*s^", why, n > 150 ? 150 : n, from, blanks, "");
}

static int fail_expected(struct parser *p, const char *what)
{
	char why[300];
	if (p->token == END)
		snprintf(why, sizeof why, "the condition ends where %s belongs", what);
	else
		snprintf(why, sizeof why, "'%.100s' stands where %s belongs", p->word, what);
	return fail_at(p, p->begin, why);
}

static int read_quoted(struct parser *p)
{
	char quote = *p->at++;
	char *out = p->word = mem_array(strlen(p->at) + 1, 1);
	for (;; p->at++) {
		if (!*p->at)
			return fail_at(p, p->begin, "a quote does not end");
		if (*p->at == quote && *++p->at != quote)
			break;
		*out++ = *p->at;
	}
	*out = 0;
	p->token = QUOTED;
	return 0;
}

static int next(struct parser *p)
{
	mem_free(p->word);
	p->word = NULL;
	p->at += strspn(p->at, " \t\r\n");
	p->begin = p->at;
	if (!*p->at) {
		p->token = END;
		p->word = mem_text("");
		return 0;
	}
	if (*p->at == '\'' || *p->at == '"')
		return read_quoted(p);
	size_t n = strcspn(p->at, " \t\r\n()=!<>,'\"");
	p->token = n ? WORD : SIGN;
	if (!n)
		n = p->at[1] == '=' && strchr("=!<>", *p->at) ? 2 : 1;
	p->word = mem_textn(p->at, n);
	p->at += n;
	return 0;
}

static bool is_keyword(const struct parser *p, const char *keyword)
{
	return p->token == WORD && !strcasecmp(p->word, keyword);
}

static bool is_sign(const struct parser *p, const char *sign)
{
	return p->token == SIGN && !strcmp(p->word, sign);
}

static struct node *node_new(enum node_kind kind, struct node *left, struct node *right)
{
	struct node *n = mem_zero(1, sizeof *n);
	n->kind = kind;
	n->left = left;
	n->right = right;
	return n;
}

static int column(struct parser *p, struct node *n)
{
	struct err unknown = { 0 };
	if (p->token != QUOTED && (p->token != WORD || is_keyword(p, "and") || is_keyword(p, "or") || is_keyword(p, "in") || is_keyword(p, "is")))
		return fail_expected(p, "the name of a row column");
	if (!p->w->s)
		return next(p);
	n->field = pmx_need(p->w->s, PMX_OBS, p->word, &unknown);
	if (n->field == PMX_NO_FIELD)
		return fail_at(p, p->begin, unknown.text);
	const struct pmx_field *f = &p->w->s->field[n->field];
	if (pmx_is_matrix(f))
		return fail_at(p, p->begin, "this is a row matrix; a condition takes row columns");
	n->kind = f->type == PMX_CATEGORY ? LABEL : f->type == PMX_TEXT ? TEXT : f->type == PMX_BOOL ? FLAG : NUMBER;
	if (n->kind == LABEL)
		n->label = mem_zero(f->values->n, sizeof *n->label);
	if (n->kind == TEXT)
		n->texts = names_new();
	return next(p);
}

static void note_label(struct pmx_where *w, const struct pmx_field *f, const char *label)
{
	char list[400];
	names_list(f->values, list, sizeof list);
	mem_room(&w->note, &w->note_cap, w->n_notes + 1, sizeof *w->note);
	w->note[w->n_notes++] = mem_print("column '%s' has no label '%s'; its labels are: %s", f->name, label, list);
}

static int number(struct parser *p, struct node *n)
{
	char why[300];
	int64_t whole = 0;
	double v;
	if (!text_f64(p->word, &v) || isnan(v)) {
		snprintf(why, sizeof why, "column '%.100s' holds numbers, and '%.100s' is none", p->w->s->field[n->field].name, p->word);
		return fail_at(p, p->begin, why);
	}
	size_t k = n->n_numbers++;
	n->number = mem_resize(n->number, n->n_numbers, sizeof *n->number);
	n->whole = mem_resize(n->whole, n->n_numbers, sizeof *n->whole);
	n->is_whole = mem_resize(n->is_whole, n->n_numbers, sizeof *n->is_whole);
	n->number[k] = v;
	n->is_whole[k] = text_i64(p->word, &whole);
	n->whole[k] = whole;
	return 0;
}

/* Adds the value at hand to the set of n. */
static int value(struct parser *p, struct node *n)
{
	if (p->token != WORD && p->token != QUOTED)
		return fail_expected(p, "a value");
	if (!p->w->s)
		return next(p);
	const struct pmx_field *f = &p->w->s->field[n->field];
	if (n->kind == NUMBER && number(p, n))
		return -1;
	if (n->kind == TEXT)
		names_add(n->texts, p->word, NULL);
	if (n->kind == LABEL) {
		uint32_t code = names_find(f->values, p->word);
		if (code == NAMES_NONE)
			note_label(p->w, f, p->word);
		else
			n->label[code] = true;
	}
	if (n->kind == FLAG) {
		bool yes = !strcasecmp(p->word, "true"), no = !strcasecmp(p->word, "false");
		if (!yes && !no)
			return fail_at(p, p->begin, "this column holds truth values: true or false");
		n->flag[yes] = true;
	}
	return next(p);
}

static int set(struct parser *p, struct node *n)
{
	if (!is_sign(p, "("))
		return fail_expected(p, "( and a list of values");
	do {
		if (next(p) || value(p, n))
			return -1;
	} while (is_sign(p, ","));
	if (!is_sign(p, ")"))
		return fail_expected(p, "a comma or )");
	return next(p);
}

static int compare(struct parser *p, struct node *n)
{
	static const char *const sign[] = { "=", "!=", "<", "<=", ">", ">=", "==" };
	size_t op = 0;
	while (op < sizeof sign / sizeof *sign && !is_sign(p, sign[op]))
		op++;
	if (op == sizeof sign / sizeof *sign)
		return fail_expected(p, "=, !=, <, <=, >, >=, in, not in, is missing or is not missing");
	n->op = op == 6 ? EQ : (enum operator)op;
	if (n->op > NE && n->kind != NUMBER && p->w->s)
		return fail_at(p, p->begin, "labels, texts and truth values have no order; compare them with =, != or in");
	n->negated = n->op == NE;
	return next(p) || value(p, n) ? -1 : 0;
}

static int condition(struct parser *p, struct node *n)
{
	if (column(p, n))
		return -1;
	if (is_keyword(p, "is")) {
		if (next(p))
			return -1;
		n->negated = is_keyword(p, "not");
		if (n->negated && next(p))
			return -1;
		if (!is_keyword(p, "missing"))
			return fail_expected(p, "missing");
		n->kind = MISSING;
		return next(p);
	}
	if (is_keyword(p, "not")) {
		n->negated = true;
		if (next(p))
			return -1;
		if (!is_keyword(p, "in"))
			return fail_expected(p, "in");
	}
	if (is_keyword(p, "in"))
		return next(p) || set(p, n) ? -1 : 0;
	return compare(p, n);
}

static struct node *alternatives(struct parser *p);

static struct node *factor(struct parser *p)
{
	if (++p->depth > DEEPEST) {
		fail_at(p, p->begin, "the condition is nested too deeply");
		return NULL;
	}
	struct node *n = NULL;
	int status = 0;
	if (is_keyword(p, "not")) {
		n = node_new(NOT, NULL, NULL);
		status = next(p) || !(n->left = factor(p)) ? -1 : 0;
	} else if (is_sign(p, "(")) {
		status = next(p) || !(n = alternatives(p)) ? -1 : 0;
		if (!status && !is_sign(p, ")"))
			status = fail_expected(p, "and, or or )");
		if (!status)
			status = next(p);
	} else {
		n = node_new(NUMBER, NULL, NULL);
		status = condition(p, n);
	}
	p->depth--;
	if (!status)
		return n;
	node_free(n);
	return NULL;
}

/* Operands of `part` joined by a keyword. */
static struct node *joined(struct parser *p, const char *keyword, enum node_kind kind, struct node *(*part)(struct parser *))
{
	struct node *n = part(p);
	while (n && is_keyword(p, keyword)) {
		struct node *right = next(p) ? NULL : part(p);
		if (!right) {
			node_free(n);
			return NULL;
		}
		n = node_new(kind, n, right);
	}
	return n;
}

static struct node *conjunction(struct parser *p)
{
	return joined(p, "and", AND, factor);
}

static struct node *alternatives(struct parser *p)
{
	return joined(p, "or", OR, conjunction);
}

struct pmx_where *pmx_where_parse(const char *text, const struct pmx_schema *s, struct err *e)
{
	struct pmx_where *w = mem_zero(1, sizeof *w);
	struct parser p = { .w = w, .text = text, .at = text, .e = e };
	w->s = s;
	if (!next(&p))
		w->root = alternatives(&p);
	if (w->root && p.token != END)
		fail_expected(&p, "and, or or the end");
	mem_free(p.word);
	if (!e->set)
		return w;
	pmx_where_free(w);
	return NULL;
}

static void want(const struct node *n, struct pmx_reader *r)
{
	if (n->kind > NOT) {
		pmx_want(r, n->field);
		return;
	}
	want(n->left, r);
	if (n->right)
		want(n->right, r);
}

void pmx_where_want(const struct pmx_where *w, struct pmx_reader *r)
{
	want(w->root, r);
}

static bool holds(enum operator op, int order)
{
	switch (op) {
	case EQ: return order == 0;
	case NE: return order != 0;
	case LT: return order < 0;
	case LE: return order <= 0;
	case GT: return order > 0;
	default: return order >= 0;
	}
}

/* Whole numbers are compared as such: a double would not tell large ones apart. */
static int order_of(const struct node *n, const struct pmx_column *c, size_t i, size_t k)
{
	if (c->type == PMX_I64 && n->is_whole[k])
		return c->i64[i] < n->whole[k] ? -1 : c->i64[i] > n->whole[k];
	double v = c->type == PMX_I64 ? (double)c->i64[i] : c->f64[i];
	return v < n->number[k] ? -1 : v > n->number[k];
}

static bool in_set(const struct node *n, const struct pmx_column *c, size_t i)
{
	switch (n->kind) {
	case LABEL: return n->label[c->u32[i]];
	case TEXT: return names_find(n->texts, c->text[i]) != NAMES_NONE;
	case FLAG: return n->flag[c->flag[i]];
	default:
		for (size_t k = 0; k < n->n_numbers; k++)
			if (order_of(n, c, i, k) == 0)
				return true;
		return false;
	}
}

static uint8_t outcome(const struct node *n, const struct pmx_column *c, size_t i)
{
	bool missing = pmx_column_is_missing(c, i);
	if (n->kind == MISSING)
		return missing != n->negated;
	if (missing)
		return UNKNOWN;
	if (n->kind == NUMBER && n->op > NE)
		return holds(n->op, order_of(n, c, i, 0));
	return in_set(n, c, i) != n->negated;
}

static uint8_t both(uint8_t a, uint8_t b)
{
	return a == FALSE || b == FALSE ? FALSE : a == TRUE && b == TRUE ? TRUE : UNKNOWN;
}

static uint8_t inverse(uint8_t a)
{
	return a == UNKNOWN ? UNKNOWN : a == FALSE;
}

static uint8_t either(uint8_t a, uint8_t b)
{
	return inverse(both(inverse(a), inverse(b)));
}

static int evaluate(const struct pmx_where *w, const struct node *n, struct pmx_block *b, uint8_t *out, struct err *e)
{
	if (n->kind > NOT) {
		const struct pmx_column *c = pmx_block_column(b, w->s, n->field, e);
		for (size_t i = 0; c && i < b->n_rows; i++)
			out[i] = outcome(n, c, i);
		return c ? 0 : -1;
	}
	if (evaluate(w, n->left, b, out, e))
		return -1;
	if (n->kind == NOT) {
		for (size_t i = 0; i < b->n_rows; i++)
			out[i] = inverse(out[i]);
		return 0;
	}
	uint8_t *right = mem_array(b->n_rows, 1);
	int status = evaluate(w, n->right, b, right, e);
	for (size_t i = 0; i < b->n_rows && !status; i++)
		out[i] = n->kind == AND ? both(out[i], right[i]) : either(out[i], right[i]);
	mem_free(right);
	return status;
}

int pmx_where_rows(const struct pmx_where *w, struct pmx_block *b, bool *keep, struct err *e)
{
	uint8_t *out = mem_array(b->n_rows, 1);
	int status = evaluate(w, w->root, b, out, e);
	for (size_t i = 0; i < b->n_rows && !status; i++)
		keep[i] = out[i] == TRUE;
	mem_free(out);
	return status;
}

/* The outcomes that can be, as a set of bits, when nothing but the label of one column is known. */
static unsigned outcomes(const struct node *n, size_t field, uint32_t code)
{
	unsigned result = 0;
	if (n->kind > NOT) {
		if (n->field != field)
			return n->kind == MISSING ? 1u << FALSE | 1u << TRUE : 1u << FALSE | 1u << TRUE | 1u << UNKNOWN;
		struct pmx_column c = { .type = PMX_CATEGORY, .n = 1, .width = 1, .u32 = &code };
		return 1u << outcome(n, &c, 0);
	}
	unsigned left = outcomes(n->left, field, code), right = n->right ? outcomes(n->right, field, code) : 1u << TRUE;
	for (uint8_t a = FALSE; a <= UNKNOWN; a++)
		for (uint8_t b = FALSE; b <= UNKNOWN; b++)
			if (left >> a & right >> b & 1)
				result |= 1u << (n->kind == NOT ? inverse(a) : n->kind == AND ? both(a, b) : either(a, b));
	return result;
}

bool pmx_where_possible(const struct pmx_where *w, size_t field, uint32_t code)
{
	return outcomes(w->root, field, code) >> TRUE & 1;
}
