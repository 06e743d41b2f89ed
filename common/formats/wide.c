/*
 * Tables of numbers as text: a header with the genes, then a line a cell, its name first; or, with --rows genes,
 * the other way round. Tabs or commas. In a table of signatures, columns of texts are metadata of the signatures.
 */
#include "base/mem.h"
#include "base/text.h"
#include "formats/entries.h"
#include "formats/feed.h"
#include "formats/lincs.h"
#include <math.h>
#include <string.h>

struct wide {
	char separator;
	struct name_list head, line;    /* names in the header, of the lines */
	char **field;
	size_t cap;
	struct entries *entries;
	uint64_t n_missing;
	bool takes_texts;               /* columns of texts are metadata of the rows */
	bool *is_text;                  /* of the columns, by the first line */
	struct name_list text_head, text;       /* their names; their values, line by line */
};

static void close_wide(void *state)
{
	struct wide *w = state;
	name_list_free(&w->head);
	name_list_free(&w->line);
	name_list_free(&w->text_head);
	name_list_free(&w->text);
	mem_free(w->is_text);
	mem_free(w->field);
	entries_free(w->entries);
	mem_free(w);
}

static bool recognise(const struct sniff *s)
{
	const char *end = memchr(s->head, '\n', s->n);
	size_t n = end ? (size_t)(end - s->head) : s->n;
	if (s->folder || s->h5 >= 0 || !n || memchr(s->head, 0, s->n) || *s->head == '#')
		return false;
	return memchr(s->head, '\t', n) || memchr(s->head, ',', n);
}

/* The header may lack the name of the first column: known when the first line is there. */
static int read_head(struct wide *w, struct lines *l, struct err *e)
{
	char *line;
	size_t n;
	int more = lines_next(l, &line, &n, e);
	if (more <= 0)
		return more < 0 ? -1 : err_set(e, "the header is missing");
	if (!text_utf8(line, n))
		return err_set(e, "this is not UTF-8 text");
	w->separator = fields_separator(line);
	size_t k = fields_split(line, w->separator, &w->field, &w->cap);
	if (k == SIZE_MAX)
		return err_set(e, "a quote is not closed");
	for (size_t i = 0; i < k; i++)
		name_list_add(&w->head, w->field[i]);
	return 0;
}

static void drop_corner(struct name_list *head)
{
	mem_free(head->at[0]);
	memmove(head->at, head->at + 1, --head->n * sizeof *head->at);
}

/* Which columns hold texts, as the first line shows; the others are genes. */
static void find_texts(struct wide *w)
{
	size_t genes = 0;
	double v;
	w->is_text = mem_zero(w->head.n, sizeof *w->is_text);
	for (size_t i = 0; i < w->head.n; i++) {
		const char *s = w->field[i + 1];
		w->is_text[i] = w->takes_texts && !text_missing(s) && !text_f64(s, &v);
		if (w->is_text[i])
			name_list_add(&w->text_head, w->head.at[i]);
	}
	for (size_t i = 0; i < w->head.n; i++)
		if (w->is_text[i])
			mem_free(w->head.at[i]);
		else
			w->head.at[genes++] = w->head.at[i];
	w->head.n = genes;
}

/* Nothing but numbers, not all of them whole: that is a line of the table. */
static bool is_headless(const struct name_list *head)
{
	double v;
	bool fraction = false;
	for (size_t i = 0; i < head->n; i++) {
		if (!text_f64(head->at[i], &v))
			return false;
		fraction = fraction || floor(v) != v;
	}
	return fraction;
}

static int take_line(struct wide *w, char *line, size_t n, bool genes_first, struct err *e)
{
	if (!text_utf8(line, n))
		return err_set(e, "this is not UTF-8 text");
	size_t k = fields_split(line, w->separator, &w->field, &w->cap);
	if (k == SIZE_MAX)
		return err_set(e, "a quote is not closed");
	if (!w->line.n && k == w->head.n)
		drop_corner(&w->head);
	if (!w->line.n && is_headless(&w->head))
		return err_set(e, "the first line of the table has numbers, such as %.40s, where names are needed; is the header missing?",
			       w->head.at[0]);
	size_t width = w->head.n + w->text_head.n;
	if (k != width + 1)
		return err_set(e, "%zu fields, but the header has %zu names", k, width);
	if (!w->line.n)
		find_texts(w);
	uint32_t row = (uint32_t)w->line.n;
	name_list_add(&w->line, w->field[0]);
	for (uint32_t j = 1, i = 0; j < k; j++) {
		double v;
		const char *s = w->field[j];
		if (w->is_text[j - 1]) {
			name_list_add(&w->text, s);
			continue;
		}
		i++;
		if (s[0] == '0' && !s[1])
			continue;
		if (text_missing(s))
			v = NAN;
		else if (!text_f64(s, &v))
			return err_set(e, "column '%s': '%.60s' is no number; metadata belong into a table of their own (--obs, --var)",
				       w->head.at[i - 1], s);
		w->n_missing += isnan(v) != 0;
		if (v != 0 && entries_add(w->entries, genes_first ? i - 1 : row, genes_first ? row : i - 1, v, e))
			return -1;
	}
	return 0;
}

static int read_table(struct wide *w, struct lines *l, bool genes_first, struct err *e)
{
	char *line;
	size_t n;
	int more;
	if (read_head(w, l, e))
		return -1;
	while ((more = lines_next(l, &line, &n, e)) > 0) {
		if (n && take_line(w, line, n, genes_first, e))
			return -1;
		if (w->line.n == UINT32_MAX)
			return err_set(e, "there are too many lines");
	}
	if (!w->line.n && !more)
		return err_set(e, "there is a header, but no line of numbers");
	return more;
}

static void put_texts(struct import *im, const struct wide *w)
{
	size_t n = w->text_head.n;
	for (size_t k = 0; k < n; k++) {
		const char **text = mem_array(w->line.n, sizeof *text);
		for (size_t row = 0; row < w->line.n; row++)
			text[row] = w->text.at[row * n + k];
		lincs_put_obs(im, w->text_head.at[k], text);
		mem_free(text);
	}
}

static int open_wide(struct import *im, const char *path, struct err *e)
{
	struct wide *w = mem_zero(1, sizeof *w);
	im->state = w;
	im->close = close_wide;
	w->entries = entries_new(im->o->memory / 2);
	bool genes_first = im->o->rows == IMPORT_ROWS_GENES || (im->o->rows == IMPORT_ROWS_AUTO && im->o->tables_by_genes);
	w->takes_texts = im->kind == PMX_SIGNATURES && !genes_first;
	if (read_table(w, im->lines, genes_first, e))
		return lines_context(im->lines, e);
	struct names *genes = import_unique(im, genes_first ? &w->line : &w->head, "gene", im->o->make_unique, e);
	if (!genes || import_set_columns(im, genes, NULL, e))
		return err_context(e, "%s", path);
	struct names *cells = import_unique(im, genes_first ? &w->head : &w->line, import_row_word(im),
					   im->o->make_unique, e);
	if (!cells || import_set_rows(im, cells, e))
		return err_context(e, "%s", path);
	put_texts(im, w);
	if (w->n_missing)
		import_say(im, false, "%s: %llu values are missing (NaN)", path, (unsigned long long)w->n_missing);
	/* Scores that happen to be whole are no counts. */
	int values = im->kind == PMX_SIGNATURES && im->o->values == IMPORT_AUTO ? IMPORT_FLOAT : im->o->values;
	struct layer_target t = { .im = im, .name = im->source ? im->source : path,
		.type = rows_type(NUMBER_F64, entries_are_counts(w->entries), values) };
	bool dense = t.type != PMX_U32 && (im->kind == PMX_SIGNATURES || entries_n(w->entries) * 2 > w->head.n * w->line.n);
	const char *name = im->o->layer ? im->o->layer : t.type == PMX_U32 ? "counts" : "X";
	struct entries *m = w->entries;
	w->entries = NULL;
	return entries_feed(m, im->n_rows, &t, dense ? ENTRIES_DENSE : ENTRIES_SPARSE, import_add_layer(im, name, t.type, dense ? PMX_DENSE : PMX_SPARSE), e);
}

const struct format format_wide = { "table of numbers (TSV, CSV)", USES_ROWS, recognise, open_wide };
