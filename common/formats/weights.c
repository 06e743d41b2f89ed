#include "formats/weights.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/lincs.h"
#include "formats/lines.h"
#include "formats/table.h"
#include <math.h>

struct parse {
	struct weights *w;
	char **field;
	size_t cap;
	char separator;
};

/* R leaves out the name of the first column: known when the first line is there. */
static int take_head(struct parse *p, char *line, size_t n_fields, struct err *e)
{
	size_t n = fields_split(line, p->separator, &p->field, &p->cap);
	bool is_new;
	double number;
	if (n == SIZE_MAX)
		return err_set(e, "a quote is not closed");
	size_t from = n == n_fields ? 1 : 0;
	if (n - from + 1 != n_fields || n_fields < 2)
		return err_set(e, "the header has %zu names and the first line %zu fields; a gene and at least one weight are needed, with tabs or "
			       "commas between them", n, n_fields);
	for (size_t i = from; i < n; i++) {
		if (text_f64(p->field[i], &number))
			return err_set(e, "the header has '%s' where the name of a target is needed; is the header missing?", p->field[i]);
		names_add(p->w->targets, p->field[i], &is_new);
		if (!is_new)
			return err_set(e, "the target '%s' comes twice", p->field[i]);
	}
	return 0;
}

static int take_line(struct parse *p, size_t n, struct err *e)
{
	struct weights *w = p->w;
	size_t k = w->targets->n;
	bool is_new;
	if (n == SIZE_MAX)
		return err_set(e, "a quote is not closed");
	if (n != k + 1)
		return err_set(e, "%zu fields, but there are %zu targets", n, k);
	if (!*p->field[0])
		return err_set(e, "the gene has no name");
	names_add(w->genes, p->field[0], &is_new);
	if (!is_new)
		return err_set(e, "gene '%s' comes a second time; leave one line of it", p->field[0]);
	mem_room(&w->value, &w->cap, w->genes->n * k, sizeof *w->value);
	double *out = w->value + (w->genes->n - 1) * k;
	for (size_t i = 0; i < k; i++) {
		const char *s = p->field[i + 1];
		if (lincs_missing(s))
			out[i] = NAN;
		else if (!text_f64(s, &out[i]))
			return err_set(e, "gene '%s', target '%s': '%.60s' is no number", p->field[0], w->targets->at[i], s);
		else if (isinf(out[i]))
			return err_set(e, "gene '%s', target '%s': the weight is infinite; give a finite number or NA", p->field[0], w->targets->at[i]);
		w->n_missing += isnan(out[i]) != 0;
	}
	return 0;
}

static int read_all(struct parse *p, struct lines *l, struct err *e)
{
	char *line, *head = NULL;
	size_t n;
	int more;
	while ((more = lines_next(l, &line, &n, e)) > 0) {
		if (!n)
			continue;
		if (!text_utf8(line, n)) {
			more = err_set(e, "this is not UTF-8 text");
		} else if (!head) {
			head = mem_text(line);
			p->separator = fields_separator(line);
		} else {
			char *copy = p->w->targets->n ? NULL : mem_text(line);
			size_t k = fields_split(line, p->separator, &p->field, &p->cap);
			if (copy && !(more = take_head(p, head, k, e)))
				k = fields_split(copy, p->separator, &p->field, &p->cap);
			if (more >= 0)
				more = take_line(p, k, e);
			mem_free(copy);
		}
		if (more < 0) {
			lines_context(l, e);
			break;
		}
	}
	mem_free(head);
	if (!more && !p->w->genes->n) {
		err_set(e, "there is no line with weights");
		more = lines_context(l, e);
	}
	return more;
}

struct weights *weights_read(const char *path, struct err *e)
{
	struct lines *l = lines_open(path, e);
	if (!l)
		return NULL;
	struct parse p = { .w = mem_zero(1, sizeof *p.w) };
	p.w->targets = names_new();
	p.w->genes = names_new();
	int failed = read_all(&p, l, e);
	lines_close(l);
	mem_free(p.field);
	if (!failed)
		return p.w;
	weights_free(p.w);
	return NULL;
}

void weights_free(struct weights *w)
{
	if (!w)
		return;
	names_free(w->targets);
	names_free(w->genes);
	mem_free(w->value);
	mem_free(w);
}
