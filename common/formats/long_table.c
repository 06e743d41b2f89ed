/*
 * Long tables, as drug signature data bases give them out: a line for each signature and gene, with the columns
 * signature_id (or sig_id), gene_symbol and score, and metadata of the signature (compound, cell_line, moa, ...).
 * Lines come in any order. A gene that a signature has no line for is missing; a line that comes twice is a failure.
 */
#include "base/mem.h"
#include "base/text.h"
#include "formats/entries.h"
#include "formats/lincs.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum part { SIGNATURE, GENE, SCORE, N_PARTS };

/* A metadata column: dictionary and a code a signature. */
struct meta {
	const char *name;
	struct names *value;
	uint32_t *code;
	size_t cap;
	uint64_t differs;               /* line at which a signature has two values, or 0 */
	const char **text;
};

struct long_table {
	char separator;
	char **field;
	size_t n_fields, cap;
	struct name_list head;
	size_t at[N_PARTS];
	struct meta *meta;              /* of each column */
	struct names *signature, *gene;
	struct entries *entries;
	uint64_t n_nan, n_null;
};

static void close_long(void *state)
{
	struct long_table *t = state;
	for (size_t i = 0; i < t->head.n && t->meta; i++) {
		names_free(t->meta[i].value);
		mem_free(t->meta[i].code);
		mem_free(t->meta[i].text);
	}
	mem_free(t->meta);
	name_list_free(&t->head);
	mem_free(t->field);
	names_free(t->signature);
	names_free(t->gene);
	entries_free(t->entries);
	mem_free(t);
}

static enum part part_of(const char *name)
{
	return !strcmp(name, "signature_id") || !strcmp(name, "sig_id") ? SIGNATURE : !strcmp(name, "gene_symbol") ? GENE
	     : !strcmp(name, "score") ? SCORE : N_PARTS;
}

/* Two of the three columns: the third may be called otherwise, which the reader then says. */
static bool recognise(const struct sniff *s)
{
	size_t n = strcspn(s->head, "\r\n"), cap = 0, found = 0;
	if (s->folder || s->h5 >= 0 || !n || memchr(s->head, 0, s->n))
		return false;
	const char *start = s->n >= 3 && !memcmp(s->head, "\xef\xbb\xbf", 3) ? s->head + 3 : s->head;
	char *line = mem_textn(start, n - (size_t)(start - s->head)), **field = NULL, separator = fields_separator(line);
	size_t k = separator ? fields_split(line, separator, &field, &cap) : 0;
	bool seen[N_PARTS + 1] = { false };
	for (size_t i = 0; k != SIZE_MAX && i < k; i++)
		seen[part_of(field[i])] = true;
	for (int p = 0; p < N_PARTS; p++)
		found += seen[p];
	mem_free(field);
	mem_free(line);
	return found >= 2;
}

static int split(struct long_table *t, char *line, size_t n, struct err *e)
{
	if (!text_utf8(line, n))
		return err_set(e, "this is no text");
	t->n_fields = fields_split(line, t->separator, &t->field, &t->cap);
	return t->n_fields == SIZE_MAX ? err_set(e, "a quote is not closed") : 0;
}

static int read_head(struct long_table *t, struct lines *l, struct err *e)
{
	static const char *const wanted[] = { "signature_id", "gene_symbol", "score" };
	char *line, list[900];
	size_t n;
	int more = lines_next(l, &line, &n, e);
	if (more <= 0)
		return more < 0 ? -1 : err_set(e, "the header is missing");
	t->separator = fields_separator(line);
	if (split(t, line, n, e))
		return -1;
	struct names *names = names_new();
	bool is_new = true;
	for (size_t p = 0; p < N_PARTS; p++)
		t->at[p] = SIZE_MAX;
	for (size_t i = 0; i < t->n_fields && is_new; i++) {
		names_add(names, t->field[i], &is_new);
		name_list_add(&t->head, t->field[i]);
		if (part_of(t->field[i]) != N_PARTS)
			t->at[part_of(t->field[i])] = i;
	}
	names_list(names, list, sizeof list);
	names_free(names);
	if (!is_new)
		return err_set(e, "there are two columns '%s'", t->head.at[t->head.n - 1]);
	for (size_t p = 0; p < N_PARTS; p++)
		if (t->at[p] == SIZE_MAX)
			return err_set(e, "a long table of signatures needs the columns signature_id, gene_symbol and score; %s is missing; found: %s",
				       wanted[p], list);
	t->meta = mem_zero(t->head.n, sizeof *t->meta);
	for (size_t i = 0; i < t->head.n; i++)
		t->meta[i] = (struct meta){ .name = t->head.at[i], .value = part_of(t->head.at[i]) == N_PARTS ? names_new() : NULL };
	return 0;
}

static void take_meta(struct long_table *t, uint32_t row, bool is_new, uint64_t line)
{
	for (size_t i = 0; i < t->head.n; i++) {
		struct meta *m = &t->meta[i];
		if (!m->value || m->differs)
			continue;
		if (is_new) {
			mem_room(&m->code, &m->cap, (size_t)row + 1, sizeof *m->code);
			m->code[row] = names_add(m->value, t->field[i], NULL);
		} else if (strcmp(m->value->at[m->code[row]], t->field[i])) {
			m->differs = line;
		}
	}
}

static int take_line(struct long_table *t, const struct lines *l, struct err *e)
{
	bool is_new;
	double v = NAN;
	if (t->n_fields != t->head.n)
		return err_set(e, "%zu fields, but the header has %zu", t->n_fields, t->head.n);
	const char *id = t->field[t->at[SIGNATURE]], *gene = t->field[t->at[GENE]], *s = t->field[t->at[SCORE]];
	if (!*id || !*gene)
		return err_set(e, "the %s is empty", *id ? "gene_symbol" : t->head.at[t->at[SIGNATURE]]);
	if (!text_missing(s) && !text_f64(s, &v))
		return err_set(e, "column %zu ('score'): '%.60s' is no number", t->at[SCORE] + 1, s);
	uint32_t row = names_add(t->signature, id, &is_new), col = names_add(t->gene, gene, NULL);
	take_meta(t, row, is_new, lines_number(l));
	t->n_nan += isnan(v) != 0;
	t->n_null += v == LINCS_NULL;
	return entries_add(t->entries, row, col, v == LINCS_NULL ? NAN : v, e);
}

static int read_lines(struct long_table *t, struct lines *l, struct err *e)
{
	char *line;
	size_t n;
	int more;
	while ((more = lines_next(l, &line, &n, e)) > 0)
		if (n && (split(t, line, n, e) || take_line(t, l, e)))
			return -1;
	return !more && !t->signature->n ? err_set(e, "there is a header, but no line of scores") : more;
}

static void put_meta(struct import *im, struct long_table *t, const char *path)
{
	for (size_t i = 0; i < t->head.n; i++) {
		struct meta *m = &t->meta[i];
		if (m->differs)
			import_say(im, false, "%s: column '%s' differs within a signature (line %" PRIu64 ") and is left out", path, m->name, m->differs);
		if (!m->value || m->differs)
			continue;
		m->text = mem_array(im->n_rows, sizeof *m->text);
		for (size_t r = 0; r < im->n_rows; r++)
			m->text[r] = m->value->at[m->code[r]];
		lincs_put_obs(im, m->name, m->text);
	}
}

static int open_long(struct import *im, const char *path, struct err *e)
{
	struct long_table *t = mem_zero(1, sizeof *t);
	im->state = t;
	im->close = close_long;
	t->entries = entries_new(im->o->memory / 2);
	t->signature = names_new();
	t->gene = names_new();
	lines_accept_latin1(im->lines);
	if (read_head(t, im->lines, e) || read_lines(t, im->lines, e))
		return lines_context(im->lines, e);
	struct names *genes = t->gene, *rows = t->signature;
	t->gene = t->signature = NULL;
	/* The import frees what it was given, also on failure. */
	im->rows = rows;
	im->columns = genes;
	if (im->o->values == IMPORT_COUNTS)
		err_set(e, "--values counts has no meaning for a long table of scores");
	if (e->set || import_set_columns(im, genes, NULL, e) || import_set_rows(im, rows, e))
		return err_context(e, "%s", path);
	put_meta(im, t, path);
	lincs_say_missing(im, t->n_null, t->n_nan);
	import_say_latin1(im, path, lines_latin1(im->lines));
	struct layer_target target = { .im = im, .name = im->source ? im->source : path, .type = PMX_F64 };
	struct entries *m = t->entries;
	t->entries = NULL;
	const char *name = im->o->layer ? im->o->layer : "X";
	return entries_feed(m, im->n_rows, &target, ENTRIES_DENSE_MISSING, import_add_layer(im, name, PMX_F64, PMX_DENSE), e);
}

const struct format format_long = { "long table of signatures", HOLDS_SIGNATURES, recognise, open_long };
