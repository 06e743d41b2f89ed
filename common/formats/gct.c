/*
 * GCT 1.2 and 1.3, a table of genes x signatures as text: "#1.3"; numbers of genes, signatures, gene fields and
 * signature fields; a header (id, gene fields, signatures); a line for each signature field; a line for each gene.
 * 1.2 has no metadata but a Description.
 */
#include "base/mem.h"
#include "base/text.h"
#include "formats/entries.h"
#include "formats/lincs.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

struct gct {
	bool old;                       /* 1.2 */
	uint64_t n_genes, n_signatures, n_gene_fields, n_fields;
	struct name_list head;          /* id, gene fields, signatures */
	struct name_list field;         /* names of the signature fields */
	struct name_list field_value;   /* by fields, n_signatures each */
	struct name_list gene;
	struct name_list gene_value;    /* by genes, n_gene_fields each */
	char **cell;
	size_t n_cells, cap;
	struct entries *entries;
	uint64_t n_null, n_nan;
};

static void close_gct(void *state)
{
	struct gct *g = state;
	name_list_free(&g->head);
	name_list_free(&g->field);
	name_list_free(&g->field_value);
	name_list_free(&g->gene);
	name_list_free(&g->gene_value);
	mem_free(g->cell);
	entries_free(g->entries);
	mem_free(g);
}

static bool recognise(const struct sniff *s)
{
	const char *head = s->head + (s->n > 3 && !memcmp(s->head, "\xef\xbb\xbf", 3) ? 3 : 0);
	return !s->folder && s->h5 < 0 && s->n >= 4 && (!strncmp(head, "#1.2", 4) || !strncmp(head, "#1.3", 4));
}

/* Quotes mean nothing in a GCT: 5'-nucleotidase and 5" stand as they are. */
static int next_line(struct gct *g, struct lines *l, struct err *e)
{
	char *line;
	size_t n;
	int more;
	do
		more = lines_next(l, &line, &n, e);
	while (more > 0 && !n);
	if (more <= 0)
		return more;
	if (!text_utf8(line, n))
		return err_set(e, "this is no text");
	size_t tabs = 1;
	for (size_t i = 0; i < n; i++)
		tabs += line[i] == '\t';
	mem_room(&g->cell, &g->cap, tabs, sizeof *g->cell);
	g->n_cells = text_split(line, '\t', g->cell, tabs);
	return 1;
}

/* Spreadsheets fill short lines up with tabs. */
static void drop_empty_end(struct gct *g, size_t least)
{
	while (g->n_cells > least && !*g->cell[g->n_cells - 1])
		g->n_cells--;
}

static int read_sizes(struct gct *g, struct lines *l, struct err *e)
{
	uint64_t *const size[] = { &g->n_genes, &g->n_signatures, &g->n_gene_fields, &g->n_fields };
	int more = next_line(g, l, e);
	if (more <= 0)
		return more < 0 ? -1 : err_set(e, "the file ends after its first line");
	g->old = g->cell[0][3] == '2';
	if ((more = next_line(g, l, e)) <= 0)
		return more < 0 ? -1 : err_set(e, "the file ends before the numbers of genes and signatures");
	size_t wanted = g->old ? 2 : 4;
	drop_empty_end(g, wanted);
	bool good = g->n_cells == wanted;
	for (size_t i = 0; good && i < wanted; i++) {
		int64_t n;
		good = text_i64(g->cell[i], &n) && n >= 0 && n < UINT32_MAX;
		*size[i] = good ? (uint64_t)n : 0;
	}
	if (g->old)
		g->n_gene_fields = 1;
	return good ? 0 : err_set(e, "GCT %s has here %zu whole numbers between tabs: genes, signatures%s", g->old ? "1.2" : "1.3", wanted,
				  g->old ? "" : ", gene fields, signature fields");
}

static int read_header(struct gct *g, struct lines *l, struct err *e)
{
	uint64_t wanted = 1 + g->n_gene_fields + g->n_signatures;
	int more = next_line(g, l, e);
	if (more <= 0)
		return more < 0 ? -1 : err_set(e, "the file ends before the line with the names of the signatures");
	drop_empty_end(g, (size_t)wanted);
	if (g->n_cells != wanted)
		return err_set(e, "%zu names, but line 2 announces %" PRIu64 ": id, %" PRIu64 " gene fields and %" PRIu64 " signatures", g->n_cells,
			       wanted, g->n_gene_fields, g->n_signatures);
	for (size_t i = 0; i < g->n_cells; i++)
		name_list_add(&g->head, g->cell[i]);
	return 0;
}

static int wrong_width(const struct gct *g, struct err *e)
{
	return err_set(e, "%zu fields, but the header has %zu names", g->n_cells, g->head.n);
}

static int read_fields(struct gct *g, struct lines *l, struct err *e)
{
	for (uint64_t i = 0; i < g->n_fields; i++) {
		int more = next_line(g, l, e);
		if (more <= 0)
			return more < 0 ? -1 : err_set(e, "the file ends after %" PRIu64 " of %" PRIu64 " signature fields", i, g->n_fields);
		drop_empty_end(g, g->head.n);
		if (g->n_cells != g->head.n)
			return wrong_width(g, e);
		name_list_add(&g->field, g->cell[0]);
		for (size_t k = 1 + (size_t)g->n_gene_fields; k < g->n_cells; k++)
			name_list_add(&g->field_value, g->cell[k]);
	}
	return 0;
}

static int read_gene(struct gct *g, struct err *e)
{
	drop_empty_end(g, g->head.n);
	if (g->n_cells != g->head.n)
		return wrong_width(g, e);
	uint32_t gene = (uint32_t)g->gene.n, first = 1 + (uint32_t)g->n_gene_fields;
	name_list_add(&g->gene, g->cell[0]);
	for (uint32_t k = 1; k < first; k++)
		name_list_add(&g->gene_value, g->cell[k]);
	for (uint32_t k = first; k < g->n_cells; k++) {
		double v = NAN;
		const char *s = g->cell[k];
		if (!text_missing(s) && strcmp(s, "na") && !text_f64(s, &v))
			return err_set(e, "column %" PRIu32 " ('%s'): '%.60s' is no number", k + 1, g->head.at[k], s);
		if (isnan(v))
			g->n_nan++;
		else if (v == LINCS_NULL)
			g->n_null++;
		if (v != 0 && entries_add(g->entries, k - first, gene, v == LINCS_NULL ? NAN : v, e))
			return -1;
	}
	return 0;
}

static int read_genes(struct gct *g, struct lines *l, struct err *e)
{
	int more;
	while ((more = next_line(g, l, e)) > 0) {
		drop_empty_end(g, 1);
		if (g->n_cells == 1 && !*g->cell[0])
			continue;
		if (g->gene.n == g->n_genes)
			return err_set(e, "line 2 announces %" PRIu64 " genes, but more lines follow; are the gene and signature fields counted right?",
				       g->n_genes);
		if (read_gene(g, e))
			return -1;
	}
	if (!more && g->gene.n < g->n_genes)
		return err_set(e, "the file ends after %zu genes where line 2 announces %" PRIu64 "; did a download or copy stop early?",
			       g->gene.n, g->n_genes);
	return more;
}

/* Names from place `from` of a list. */
static struct name_list part(const struct name_list *l, uint64_t from)
{
	return (struct name_list){ .at = l->at + from, .n = l->n - (size_t)from };
}

static int name_all(struct import *im, struct gct *g, struct err *e)
{
	struct name_list signature = part(&g->head, 1 + g->n_gene_fields);
	struct names *genes = import_unique(im, &g->gene, "gene", im->o->make_unique, e);
	if (!genes || import_set_columns(im, genes, NULL, e))
		return -1;
	const char **text = mem_array(g->gene.n, sizeof *text);
	for (size_t k = 0; k < g->n_gene_fields; k++) {
		bool any = false;
		for (size_t i = 0; i < g->gene.n; i++) {
			text[i] = g->gene_value.at[i * g->n_gene_fields + k];
			any = any || !lincs_missing(text[i]);
		}
		/* The Description of 1.2 is seldom one. */
		if (any || !g->old)
			lincs_put_var(im, g->old ? "description" : g->head.at[1 + k], text);
	}
	mem_free(text);
	struct names *rows = import_unique(im, &signature, import_row_word(im), im->o->make_unique, e);
	if (!rows || import_set_rows(im, rows, e))
		return -1;
	text = mem_array(rows->n, sizeof *text);
	for (size_t k = 0; k < g->field.n; k++) {
		for (size_t i = 0; i < rows->n; i++)
			text[i] = g->field_value.at[k * rows->n + i];
		lincs_put_obs(im, g->field.at[k], text);
	}
	mem_free(text);
	return 0;
}

static int open_gct(struct import *im, const char *path, struct err *e)
{
	struct gct *g = mem_zero(1, sizeof *g);
	im->state = g;
	im->close = close_gct;
	g->entries = entries_new(im->o->memory / 2);
	lines_accept_latin1(im->lines);
	if (read_sizes(g, im->lines, e) || read_header(g, im->lines, e) || read_fields(g, im->lines, e) || read_genes(g, im->lines, e))
		return lines_context(im->lines, e);
	if (name_all(im, g, e))
		return err_context(e, "%s", path);
	lincs_say_missing(im, g->n_null, g->n_nan);
	import_say_latin1(im, path, lines_latin1(im->lines));
	bool counts = im->o->values == IMPORT_COUNTS;
	struct layer_target t = { .im = im, .name = path, .type = counts ? PMX_U32 : PMX_F64 };
	struct entries *m = g->entries;
	g->entries = NULL;
	const char *name = im->o->layer ? im->o->layer : counts ? "counts" : "X";
	return entries_feed(m, im->n_rows, &t, counts ? ENTRIES_SPARSE : ENTRIES_DENSE,
			    import_add_layer(im, name, t.type, counts ? PMX_SPARSE : PMX_DENSE), e);
}

const struct format format_gct = { "GCT", HOLDS_SIGNATURES, recognise, open_gct };
