/*
 * Matrix Market, alone or as 10x lays it out in a folder: matrix.mtx, features.tsv (or genes.tsv) and
 * barcodes.tsv, each perhaps with .gz or .zst. Rows of the matrix are genes unless --rows says cells.
 */
#include "base/mem.h"
#include "base/text.h"
#include "formats/entries.h"
#include "formats/feed.h"
#include "formats/features.h"
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* The file `stem``name` with an ending that is there; NULL when there is none. Caller frees. */
static char *find_file(const char *stem, const char *name)
{
	static const char *const ending[] = { "", ".gz", ".zst" };
	for (size_t i = 0; i < 3; i++) {
		char *path = mem_print("%s%s%s", stem, name, ending[i]);
		if (!access(path, F_OK))
			return path;
		mem_free(path);
	}
	return NULL;
}

static char *find_features(const char *stem)
{
	char *path = find_file(stem, "features.tsv");
	return path ? path : find_file(stem, "genes.tsv");
}

enum field { INTEGER, REAL, PATTERN };

struct header {
	enum field field;
	uint64_t rows, cols, n;
};

static int read_banner(struct lines *l, struct header *h, struct err *e)
{
	char *line, *word[6];
	size_t n;
	int more = lines_next(l, &line, &n, e);
	if (more <= 0)
		return more < 0 ? -1 : err_set(e, "%s is empty", lines_name(l));
	size_t k = text_split(line, ' ', word, 6);
	if (k < 5 || strcmp(word[0], "%%MatrixMarket") || strcasecmp(word[1], "matrix"))
		return err_set(e, "the first line is not '%%%%MatrixMarket matrix coordinate ...'");
	if (strcasecmp(word[2], "coordinate"))
		return err_set(e, "a Matrix Market '%s' is not read here, only 'coordinate'", word[2]);
	if (strcasecmp(word[4], "general"))
		return err_set(e, "a '%s' matrix is no matrix of cells and genes", word[4]);
	h->field = !strcasecmp(word[3], "integer") ? INTEGER : !strcasecmp(word[3], "pattern") ? PATTERN : REAL;
	if (h->field == REAL && strcasecmp(word[3], "real") && strcasecmp(word[3], "double"))
		return err_set(e, "values of the kind '%s' are not read here", word[3]);
	return 0;
}

/* A whole number in 0 .. UINT32_MAX at *s, which moves behind it and the blanks that follow. */
static bool take_whole(const char **s, uint64_t *out)
{
	const char *p = *s;
	uint64_t v = 0;
	while (*p >= '0' && *p <= '9' && v <= UINT32_MAX)
		v = v * 10 + (uint64_t)(*p++ - '0');
	if (p == *s || v > UINT32_MAX)
		return false;
	while (*p == ' ' || *p == '\t')
		p++;
	*s = p;
	*out = v;
	return true;
}

static int read_header(struct lines *l, struct header *h, struct err *e)
{
	char *line;
	size_t n;
	int more;
	if (read_banner(l, h, e))
		return -1;
	while ((more = lines_next(l, &line, &n, e)) > 0 && (*line == '%' || !n))
		;
	if (more <= 0)
		return more < 0 ? -1 : err_set(e, "the line with the size is missing");
	const char *s = line;
	if (!take_whole(&s, &h->rows) || !take_whole(&s, &h->cols))
		return err_set(e, "this is not the size of a matrix: '%.40s'", line);
	int64_t entries;
	char *end = strpbrk(s, " \t");
	if (end)
		*end = 0;
	if (!text_i64(s, &entries) || entries < 0)
		return err_set(e, "the number of entries is missing");
	h->n = (uint64_t)entries;
	return 0;
}

static int read_value(const char *s, enum field field, double *out, struct err *e)
{
	uint64_t count;
	const char *p = s;
	if (field == PATTERN) {
		*out = 1;
		return *s ? err_set(e, "a pattern has no values, but there is '%.40s'", s) : 0;
	}
	if (take_whole(&p, &count) && !*p) {
		*out = (double)count;
		return 0;
	}
	if (!text_f64(s, out))
		return err_set(e, "'%.40s' is no number", s);
	if (field == INTEGER && *out != floor(*out))
		return err_set(e, "'%.40s' is not whole, though the header says integer", s);
	return 0;
}

static int read_entries(struct lines *l, const struct header *h, bool cells_first, struct entries *m, struct err *e)
{
	char *line;
	size_t n;
	uint64_t seen = 0;
	int more;
	while ((more = lines_next(l, &line, &n, e)) > 0) {
		const char *s = line;
		uint64_t row, col;
		double value;
		while (*s == ' ')
			s++;
		if (!*s)
			continue;
		if (!take_whole(&s, &row) || !take_whole(&s, &col))
			return err_set(e, "this is no entry: '%.40s'", line);
		if (!row || row > h->rows || !col || col > h->cols)
			return err_set(e, "entry (%" PRIu64 ", %" PRIu64 ") is outside of a matrix of %" PRIu64 " x %" PRIu64, row, col, h->rows, h->cols);
		if (++seen > h->n)
			return err_set(e, "there are more entries than the %" PRIu64 " that the header announces", h->n);
		if (read_value(s, h->field, &value, e))
			return -1;
		uint32_t r = (uint32_t)row - 1, c = (uint32_t)col - 1;
		if (entries_add(m, cells_first ? r : c, cells_first ? c : r, value, e))
			return -1;
	}
	if (more < 0)
		return -1;
	if (seen < h->n)
		return err_set(e, "there are %" PRIu64 " entries where the header announces %" PRIu64 ": the file is truncated", seen, h->n);
	return 0;
}

struct market {
	struct lines *lines;
	char *features, *barcodes;
};

static int check_names(const char *path, size_t found, uint64_t needed, const char *what, uint64_t other, struct err *e)
{
	if (found == needed)
		return 0;
	if (found == other)
		return err_set(e, "%s has %zu names, as many as the matrix has %s: is the matrix the other way round? (--rows)", path, found,
			       what);
	return err_set(e, "%s has %zu names, but the matrix %" PRIu64 "; a header line has no place there", path, found, needed);
}

static int describe(struct import *im, const struct market *k, const struct header *h, bool cells_first, struct err *e)
{
	struct features f = { 0 };
	struct name_list barcodes = { 0 };
	uint64_t genes = cells_first ? h->cols : h->rows, cells = cells_first ? h->rows : h->cols;
	int status = features_read(&f, k->features, e) || names_read(&barcodes, k->barcodes, e) ||
		check_names(k->features, f.id.n, genes, "cells", cells, e) ||
		check_names(k->barcodes, barcodes.n, cells, "genes", genes, e) || features_set(im, &f, e) ? -1 : 0;
	struct names *names = status ? NULL : import_unique(im, &barcodes, "cell", im->o->make_unique, e);
	features_free(&f);
	name_list_free(&barcodes);
	return names ? import_set_rows(im, names, e) : -1;
}

static int read_matrix(struct import *im, const struct market *k, struct err *e)
{
	struct header h = { 0 };
	bool cells_first = im->o->rows == IMPORT_ROWS_CELLS;
	if (read_header(k->lines, &h, e))
		return lines_context(k->lines, e);
	if (describe(im, k, &h, cells_first, e))
		return -1;
	struct entries *m = entries_new(im->o->memory / 2);
	if (read_entries(k->lines, &h, cells_first, m, e)) {
		entries_free(m);
		return lines_context(k->lines, e);
	}
	struct layer_target t = { .im = im, .name = lines_name(k->lines),
		.type = rows_type(h.field == REAL ? NUMBER_F64 : NUMBER_I64, entries_are_counts(m), im->o->values) };
	const char *name = im->o->layer ? im->o->layer : t.type == PMX_U32 ? "counts" : "X";
	return entries_feed(m, im->n_rows, &t, ENTRIES_SPARSE, import_add_layer(im, name, t.type, PMX_SPARSE), e);
}

static void close_market(void *state)
{
	struct market *k = state;
	lines_close(k->lines);
	mem_free(k->features);
	mem_free(k->barcodes);
	mem_free(k);
}

static struct market *market_new(struct import *im)
{
	struct market *k = mem_zero(1, sizeof *k);
	im->state = k;
	im->close = close_market;
	k->features = im->o->features ? mem_text(im->o->features) : NULL;
	k->barcodes = im->o->barcodes ? mem_text(im->o->barcodes) : NULL;
	return k;
}

static bool is_folder(const struct sniff *s)
{
	return s->folder;
}

static int open_folder(struct import *im, const char *path, struct err *e)
{
	struct market *k = market_new(im);
	char *stem = mem_print("%s/", path), *matrix = find_file(stem, "matrix.mtx");
	if (!k->features)
		k->features = find_features(stem);
	if (!k->barcodes)
		k->barcodes = find_file(stem, "barcodes.tsv");
	mem_free(stem);
	if (!matrix || !k->features || !k->barcodes) {
		err_set(e, "the folder %s has no %s; a 10x folder holds matrix.mtx, features.tsv (or genes.tsv) and barcodes.tsv, plain or .gz", path,
			!matrix ? "matrix.mtx" : !k->features ? "features.tsv" : "barcodes.tsv");
		mem_free(matrix);
		return -1;
	}
	mem_free(im->source);
	im->source = matrix;
	k->lines = lines_open(matrix, e);
	return k->lines ? read_matrix(im, k, e) : -1;
}

static bool is_market(const struct sniff *s)
{
	return !strncasecmp(s->head, "%%MatrixMarket", 14);
}

/* Names stand beside the matrix, with the same beginning: GSM1_matrix.mtx.gz, GSM1_features.tsv.gz. */
static int open_market(struct import *im, const char *path, struct err *e)
{
	struct market *k = market_new(im);
	const char *slash = im->source ? strrchr(im->source, '/') : NULL, *base = im->source ? slash ? slash + 1 : im->source : "";
	const char *found = strstr(base, "matrix.mtx");
	char *stem = mem_textn(im->source ? im->source : "", im->source ? (size_t)((found ? found : base) - im->source) : 0);
	k->lines = im->lines;
	im->lines = NULL;
	if (!k->features && found)
		k->features = find_features(stem);
	if (!k->barcodes && found)
		k->barcodes = find_file(stem, "barcodes.tsv");
	mem_free(stem);
	if (!k->features || !k->barcodes)
		return err_set(e, "%s has no names: give the files that list those of its genes and cells with --features and --barcodes", path);
	return read_matrix(im, k, e);
}

const struct format format_tenx_folder = { "10x folder", USES_FEATURES | USES_NAME_FILES | USES_ROWS, is_folder, open_folder };
const struct format format_market = { "Matrix Market", USES_FEATURES | USES_NAME_FILES | USES_ROWS, is_market, open_market };
