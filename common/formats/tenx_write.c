/* A layer as a 10x folder: matrix.mtx.gz (genes x cells, by cells), features.tsv.gz and barcodes.tsv.gz. */
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/export.h"
#include "stream/codec.h"
#include "stream/layer.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { PIECE = 1 << 20, AHEAD = 2, LEVEL = 4, HEADER = 256, GZIP_HEADER = 10, STORED_HEADER = 5, GZIP_TAIL = 8 };

/* A gzip file of many members, which are packed side by side; readers take them for one. */
struct packer {
	struct file_out *file;
	int threads;
	size_t batch, n;                /* pieces held */
	struct bytes *text, *packed;
};

static struct packer *packer_new(struct file_out *file, int threads)
{
	struct packer *p = mem_zero(1, sizeof *p);
	p->file = file;
	p->threads = threads > 1 ? threads : 1;
	p->batch = (size_t)p->threads * AHEAD;
	p->text = mem_zero(p->batch, sizeof *p->text);
	p->packed = mem_zero(p->batch, sizeof *p->packed);
	return p;
}

static void packer_free(struct packer *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->batch; i++) {
		bytes_free(&p->text[i]);
		bytes_free(&p->packed[i]);
	}
	mem_free(p->text);
	mem_free(p->packed);
	file_abandon(p->file);
	mem_free(p);
}

static void pack(const struct bytes *text, struct bytes *packed)
{
	z_stream z = { 0 };
	if (deflateInit2(&z, LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		mem_exhausted(text->n);
	size_t bound = deflateBound(&z, text->n);
	packed->n = 0;
	bytes_room(packed, bound);
	z.next_in = text->at;
	z.avail_in = (uInt)text->n;
	z.next_out = packed->at;
	z.avail_out = (uInt)bound;
	deflate(&z, Z_FINISH);
	packed->n = bound - z.avail_out;
	deflateEnd(&z);
}

static int packer_flush(struct packer *p, struct err *e)
{
	if (p->n < p->batch && p->text[p->n].n)
		p->n++;
#pragma omp parallel for schedule(dynamic, 1) num_threads(p->threads) if (p->threads > 1 && p->n > 1)
	for (size_t i = 0; i < p->n; i++)
		pack(&p->text[i], &p->packed[i]);
	for (size_t i = 0; i < p->n; i++) {
		if (file_write(p->file, p->packed[i].at, p->packed[i].n, e))
			return -1;
		p->text[i].n = 0;
	}
	p->n = 0;
	return 0;
}

static int packer_add(struct packer *p, const char *s, size_t n, struct err *e)
{
	bytes_add(&p->text[p->n], s, n);
	if (p->text[p->n].n < PIECE)
		return 0;
	return ++p->n == p->batch ? packer_flush(p, e) : 0;
}

/* Ends the file; frees p, also on failure. */
static int packer_close(struct packer *p, struct err *e)
{
	int status = packer_flush(p, e);
	if (!status) {
		struct file_out *file = p->file;
		p->file = NULL;
		status = file_commit(file, e);
	}
	packer_free(p);
	return status;
}

/*
 * The number of entries is known at the end only: the header is a member of its own, stored and padded
 * by a comment to a fixed size, and written again then.
 */
static size_t header_member(uint8_t *out, bool counts, uint64_t genes, uint64_t cells, uint64_t n)
{
	char size[80], text[HEADER + 1];
	int k = snprintf(size, sizeof size, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", genes, cells, n);
	int used = snprintf(text, sizeof text, "%%%%MatrixMarket matrix coordinate %s general\n%%", counts ? "integer" : "real");
	memset(text + used, ' ', (size_t)(HEADER - used));
	memcpy(text + HEADER - k, size, (size_t)k);
	text[HEADER - k - 1] = '\n';
	static const uint8_t start[GZIP_HEADER + STORED_HEADER] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, HEADER & 255, HEADER >> 8,
		~HEADER & 255, (~HEADER >> 8) & 255 };
	uint32_t sum = (uint32_t)crc32(0, (const Bytef *)text, HEADER), length = HEADER;
	memcpy(out, start, sizeof start);
	memcpy(out + sizeof start, text, HEADER);
	memcpy(out + sizeof start + HEADER, &sum, 4);
	memcpy(out + sizeof start + HEADER + 4, &length, 4);
	return sizeof start + HEADER + GZIP_TAIL;
}

static size_t put_whole(char *out, uint64_t v)
{
	char digits[20];
	size_t n = 0;
	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	for (size_t i = 0; i < n; i++)
		out[i] = digits[n - 1 - i];
	return n;
}

static int put_row(struct packer *p, const struct sparse_rows *m, size_t r, uint64_t cell, struct err *e)
{
	char line[100], number[24];
	size_t n_number = put_whole(number, cell);
	for (size_t i = m->start[r]; i < m->start[r + 1]; i++) {
		size_t n = put_whole(line, (uint64_t)m->col[i] + 1);
		line[n++] = ' ';
		memcpy(line + n, number, n_number);
		n += n_number;
		line[n++] = ' ';
		double v = m->value[i];
		n += v >= 0 && v < 1e9 && v == (double)(uint32_t)v ? put_whole(line + n, (uint64_t)v) : text_put_f64(line + n, v);
		line[n++] = '\n';
		if (packer_add(p, line, n, e))
			return -1;
	}
	return 0;
}

static int put_name(struct packer *p, const char *name, char end, struct err *e)
{
	if (strpbrk(name, "\t\n\r"))
		return err_set(e, "the name '%s' holds a tab or a line's end, which a 10x folder cannot hold", name);
	return packer_add(p, name, strlen(name), e) || packer_add(p, &end, 1, e) ? -1 : 0;
}

static const char *var_text(const struct pmx_schema *s, const char *name, size_t i, const char *otherwise)
{
	static char buffer[TEXT_F64];
	size_t f = pmx_find(s, PMX_VAR, name);
	if (f == PMX_NO_FIELD || s->field[f].matrix || pmx_column_is_missing(s->field[f].column, i))
		return otherwise;
	return pmx_column_text(&s->field[f], s->field[f].column, i, buffer, sizeof buffer);
}

static int put_features(struct folder_out *d, const struct pmx_schema *s, int threads, struct err *e)
{
	struct file_out *file = folder_file(d, "features.tsv.gz", e);
	if (!file)
		return -1;
	struct packer *p = packer_new(file, threads);
	bool ids = pmx_find(s, PMX_VAR, "gene_id") == PMX_NO_FIELD && pmx_find(s, PMX_VAR, "gene_symbol") != PMX_NO_FIELD;
	for (size_t i = 0; i < s->n_columns; i++) {
		const char *name = pmx_column_name(s, i);
		if (put_name(p, ids ? name : var_text(s, "gene_id", i, name), '\t', e) ||
		    put_name(p, ids ? var_text(s, "gene_symbol", i, name) : name, '\t', e) ||
		    put_name(p, var_text(s, "feature_type", i, "Gene Expression"), '\n', e)) {
			packer_free(p);
			return -1;
		}
	}
	return packer_close(p, e);
}

struct tenx {
	const struct pmx_schema *s;
	size_t layer;
	struct packer *matrix, *barcodes;
	struct sparse_rows rows;
	uint64_t n_cells, n;
};

static int put_block(struct tenx *t, struct pmx_block *b, struct err *e)
{
	const char *const *name = export_row_names(b, t->s, e);
	sparse_rows_clear(&t->rows);
	if (!name || pmx_layer_rows(b, t->s, t->layer, 0, b->n_rows, &t->rows, e))
		return -1;
	for (size_t r = 0; r < b->n_rows; r++)
		if (put_name(t->barcodes, name[r], '\n', e) || put_row(t->matrix, &t->rows, r, ++t->n_cells, e))
			return -1;
	t->n += t->rows.start[b->n_rows];
	return 0;
}

static int put_matrix(struct tenx *t, struct pmx_reader *in, struct err *e)
{
	uint8_t header[HEADER + 64];
	bool counts = pmx_layer_is_counts(t->s, t->layer);
	size_t size = header_member(header, counts, t->s->n_columns, 0, 0);
	if (file_write(t->matrix->file, header, size, e))
		return -1;
	pmx_want(in, pmx_find(t->s, PMX_OBS, t->s->row_names));
	pmx_layer_want(in, t->s, t->layer);
	struct pmx_block *b;
	int more;
	while ((more = pmx_next(in, &b, e)) > 0) {
		int status = put_block(t, b, e);
		pmx_block_free(b);
		if (status)
			return -1;
	}
	if (more < 0 || packer_flush(t->matrix, e))
		return -1;
	header_member(header, counts, t->s->n_columns, t->n_cells, t->n);
	return file_rewrite(t->matrix->file, 0, header, size, e);
}

static int put_folder(struct tenx *t, struct folder_out *d, struct pmx_reader *in, int threads, struct err *e)
{
	struct file_out *file = folder_file(d, "matrix.mtx.gz", e);
	if (!file)
		return -1;
	t->matrix = packer_new(file, threads);
	if (!(file = folder_file(d, "barcodes.tsv.gz", e)))
		return -1;
	t->barcodes = packer_new(file, 1);
	if (put_features(d, t->s, threads, e) || put_matrix(t, in, e))
		return -1;
	struct packer *matrix = t->matrix, *barcodes = t->barcodes;
	t->matrix = t->barcodes = NULL;
	int status = packer_close(matrix, e);
	return packer_close(barcodes, e) || status ? -1 : 0;
}

static int run(struct pmx_reader *in, const char *path, const struct export_options *o, struct err *e)
{
	struct tenx t = { .s = pmx_reader_schema(in) };
	t.layer = export_main_layer(t.s, o->layer, true, e);
	if (t.layer == PMX_NO_FIELD || export_check_layer(t.s, t.layer, e))
		return -1;
	struct folder_out *d = folder_create(path, e);
	if (!d)
		return -1;
	sparse_rows_init(&t.rows, t.s->n_columns);
	int status = put_folder(&t, d, in, o->threads, e);
	packer_free(t.matrix);
	packer_free(t.barcodes);
	sparse_rows_free(&t.rows);
	if (!status)
		return folder_commit(d, e);
	folder_abandon(d);
	return -1;
}

const struct export_format export_tenx = { "10x", true, run };
