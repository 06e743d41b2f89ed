/* Gene sets; as a stream, a row a set and a sparse layer of ones. */
#include "formats/gmt.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/entries.h"
#include "formats/feed.h"
#include "formats/lincs.h"
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* Without blanks around it, and then without quotes that R and spreadsheets put around a text. */
static char *trimmed(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	size_t n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = 0;
	if (n < 2 || s[0] != '"' || s[n - 1] != '"' || memchr(s + 1, '"', n - 2))
		return s;
	s[n - 1] = 0;
	return s + 1;
}

int gmt_next(struct lines *l, struct gmt_line *out, struct err *e)
{
	char *line;
	size_t n;
	int more;
	while ((more = lines_next(l, &line, &n, e)) > 0) {
		if (*line == '#')
			continue;
		if (!text_utf8(line, n)) {
			err_set(e, "this is not UTF-8 text");
			return lines_context(l, e);
		}
		size_t fields = 1;
		for (size_t i = 0; i < n; i++)
			fields += line[i] == '\t';
		mem_room(&out->field, &out->cap, fields, sizeof *out->field);
		text_split(line, '\t', out->field, fields);
		for (size_t i = 0; i < fields; i++)
			out->field[i] = trimmed(out->field[i]);
		out->tabbed = fields > 1;
		while (fields > 1 && !*out->field[fields - 1])
			fields--;
		out->n_fields = fields;
		if (fields > 1 || *out->field[0])
			return 1;
	}
	return more;
}

int gmt_set(struct gmt_line *out, struct err *e)
{
	out->name = out->field[0];
	if (!out->tabbed || !*out->name)
		return err_set(e, "a set needs a name, a tab, a description, a tab and its genes");
	out->description = out->field[1];
	out->gene = out->field + 2;
	out->n_genes = 0;
	for (size_t i = 2; i < out->n_fields; i++)
		if (*out->field[i])
			out->gene[out->n_genes++] = out->field[i];
	return 0;
}

void gmt_line_free(struct gmt_line *line)
{
	mem_free(line->field);
	*line = (struct gmt_line){ 0 };
}

/* What the genes of a line look like. */
enum nature { NO_SET, SYMBOLS, NUMBERS };

static bool is_id(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* Cuts the line. A set has names only or Entrez numbers only, and no number for its description. */
static enum nature nature_of(char *line)
{
	char *field[16];
	double v;
	size_t n = text_split(line, '\t', field, 16), ids = 0, genes = 0;
	if (n < 3 || !*field[0] || (text_f64(field[1], &v) && *field[1]))
		return NO_SET;
	for (size_t i = 2; i < n && i < 16; i++) {
		if (!*field[i])
			continue;
		if (!is_id(field[i]) && (text_f64(field[i], &v) || text_missing(field[i])))
			return NO_SET;
		genes++;
		ids += is_id(field[i]);
	}
	return !genes || (ids && ids < genes) ? NO_SET : ids ? NUMBERS : SYMBOLS;
}

/* Does the first field head a column of names? Then a lone line is the header of a table without rows. */
static bool is_corner(const char *s)
{
	static const char *const corner[] = { "", "id", "cell", "cell_id", "barcode", "gene", "gene_id", "gene_symbol", "symbol", "name",
		"index", "sample", "signature", "signature_id", "sig_id", "target" };
	for (size_t i = 0; i < sizeof corner / sizeof *corner; i++)
		if (!strcasecmp(s, corner[i]))
			return true;
	return false;
}

/* Two lines of one nature; of a table of numbers the first is a header of names, and the second begins with numbers. */
static bool recognise(const struct sniff *s)
{
	if (s->folder || s->h5 >= 0 || memchr(s->head, 0, s->n))
		return false;
	char *copy = mem_text(s->head), *line = copy, *end;
	enum nature seen[2] = { NO_SET, NO_SET };
	int n = 0;
	for (; n < 2 && *line; line = end) {
		end = line + strcspn(line, "\r\n");
		bool cut = !*end;
		while (*end == '\r' || *end == '\n')
			*end++ = 0;
		/* The last field of a line that goes on beyond what was read may be cut short. */
		if (cut && n)
			break;
		seen[n++] = nature_of(line);
	}
	/* The first field of the copy ends with NUL by now. */
	bool is = n && seen[0] != NO_SET && (n == 1 ? !is_corner(copy) : seen[0] == seen[1]);
	mem_free(copy);
	return is;
}

struct gmt {
	struct gmt_line line;
	struct name_list name, description;
	struct names *gene;
	struct entries *entries;
	uint64_t n_repeated, n_empty;
};

static void close_gmt(void *state)
{
	struct gmt *g = state;
	gmt_line_free(&g->line);
	name_list_free(&g->name);
	name_list_free(&g->description);
	names_free(g->gene);
	entries_free(g->entries);
	mem_free(g);
}

static int read_sets(struct gmt *g, struct lines *l, struct err *e)
{
	int more;
	uint32_t *last = NULL;          /* set, from 1, that had the gene last */
	size_t cap = 0;
	while ((more = gmt_next(l, &g->line, e)) > 0) {
		if (gmt_set(&g->line, e)) {
			more = lines_context(l, e);
			break;
		}
		uint32_t row = (uint32_t)g->name.n;
		name_list_add(&g->name, g->line.name);
		name_list_add(&g->description, g->line.description);
		g->n_empty += !g->line.n_genes;
		for (size_t i = 0; i < g->line.n_genes && more > 0; i++) {
			bool is_new;
			uint32_t gene = names_add(g->gene, g->line.gene[i], &is_new);
			mem_room(&last, &cap, g->gene->n, sizeof *last);
			if (!is_new && last[gene] == row + 1) {
				g->n_repeated++;
				continue;
			}
			last[gene] = row + 1;
			if (entries_add(g->entries, row, gene, 1, e))
				more = -1;
		}
		if (more < 0)
			break;
	}
	mem_free(last);
	return more;
}

static int open_gmt(struct import *im, const char *path, struct err *e)
{
	struct gmt *g = mem_zero(1, sizeof *g);
	im->state = g;
	im->close = close_gmt;
	g->entries = entries_new(im->o->memory / 2);
	g->gene = names_new();
	lines_accept_latin1(im->lines);
	if (read_sets(g, im->lines, e))
		return -1;
	struct names *genes = g->gene;
	g->gene = NULL;
	if (import_set_columns(im, genes, NULL, e))
		return err_context(e, "%s", path);
	struct names *rows = import_unique(im, &g->name, "set", im->o->make_unique, e);
	if (!rows || import_set_rows(im, rows, e))
		return err_context(e, "%s", path);
	const char **text = mem_array(rows->n, sizeof *text);
	for (size_t i = 0; i < rows->n; i++)
		text[i] = g->description.at[i];
	lincs_put_obs(im, "description", text);
	mem_free(text);
	if (g->n_repeated)
		import_say(im, false, "%s: %" PRIu64 " genes stand in a set more than once and count once", path, g->n_repeated);
	if (g->n_empty)
		import_say(im, false, "%s: %" PRIu64 " sets are empty", path, g->n_empty);
	import_say_latin1(im, path, lines_latin1(im->lines));
	struct layer_target t = { .im = im, .name = path, .type = PMX_F32 };
	struct entries *m = g->entries;
	g->entries = NULL;
	const char *name = im->o->layer ? im->o->layer : "X";
	return entries_feed(m, im->n_rows, &t, ENTRIES_SPARSE, import_add_layer(im, name, PMX_F32, PMX_SPARSE), e);
}

const struct format format_gmt = { "GMT", HOLDS_SIGNATURES, recognise, open_gmt };
