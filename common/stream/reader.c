#include "stream/reader.h"
#include "base/hash.h"
#include "base/mem.h"
#include <string.h>

enum { MAX_SECTIONS = 40000, MAX_BATCH = 16 };
static const uint64_t MAX_BODY = (uint64_t)1 << 34;

const uint8_t pmx_magic[PMX_MAGIC_SIZE] = { 0x89, 'P', 'M', 'X', '\r', '\n', 0x1a, '\n', 1, 0, 0, 0, 0, 0, 0, 0 };
const char pmx_end_mark[8] = "PMXEND\r\n";

struct pmx_reader {
	struct file_in *file;
	uint64_t start;                 /* offset of the magic in the file */
	struct pmx_schema *schema;
	int threads;
	bool *wanted;
	struct pmx_block *queue[MAX_BATCH];
	size_t n_queued, next_queued;
	uint64_t next_row, n_chunks;
	bool at_end, sought;
	struct hash_state *digest;
	uint64_t digest_value, header_sum;
	struct pmx_block_place *seen;   /* blocks read so far, to hold against the trailer's index */
	size_t n_seen, seen_cap;
	size_t order_field;             /* PMX_NO_FIELD: nothing promised */
	bool *group_done;               /* per code, the last entry for missing */
	uint64_t group;                 /* current code, UINT64_MAX before the first row */
	struct pmx_index *index;
};

/* One chunk: type, rows, its sections (pointing into body). */
struct chunk {
	char type[5];
	uint64_t first_row, offset;
	uint32_t n_rows;
	struct pmx_block *block;
};

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
	return v;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return v;
}

static int truncated(struct pmx_reader *r, struct err *e)
{
	return err_set(e, "the stream ends after %llu rows, without its trailer: it is cut short; the tool or the copy that wrote it failed",
		       (unsigned long long)r->next_row);
}

static int check_magic(struct pmx_reader *r, struct err *e)
{
	uint8_t m[PMX_MAGIC_SIZE];
	int64_t n = file_read(r->file, m, sizeof m, e);
	if (n < 0)
		return -1;
	if (n == 0)
		return err_set(e, "the input is empty: the tool before it wrote nothing");
	size_t got = (size_t)n;
	if (got >= 4 && !memcmp(m, "\x89HDF", 4))
		return err_set(e, "this is an HDF5 file, not a PMX stream; use pmx-import");
	if (got >= 2 && m[0] == 0x1f && m[1] == 0x8b)
		return err_set(e, "this is a gzip file, not a PMX stream; use pmx-import");
	if (got >= 4 && !memcmp(m + 1, "PMX", 3) && (got < 8 || memcmp(m, pmx_magic, 8)))
		return err_set(e, "the stream was damaged by a transfer in text mode; copy it in binary mode");
	if (got < sizeof m ? memcmp(m, pmx_magic, got) : memcmp(m, pmx_magic, 8))
		return err_set(e, "this is no PMX stream; use pmx-import to make one from h5ad, 10x, GCTX or text files");
	if (got < sizeof m)
		return truncated(r, e);
	if (get32(m + 8) != 1)
		return err_set(e, "this is version %u of the PMX format; this tool reads version 1", get32(m + 8));
	if (get32(m + 12))
		return err_set(e, "the first bytes of the stream are damaged");
	return 0;
}

static int parse_sections(struct pmx_block *b, uint32_t n_sections, uint64_t body_size, struct err *e)
{
	uint64_t at = (uint64_t)n_sections * PMX_SECTION_ENTRY, plain = 0;
	b->section = mem_zero(n_sections, sizeof *b->section);
	b->n_sections = b->cap = n_sections;
	for (uint32_t i = 0; i < n_sections; i++) {
		const uint8_t *p = b->body + (size_t)i * PMX_SECTION_ENTRY;
		struct pmx_section *s = &b->section[i];
		*s = (struct pmx_section){ .field = get32(p), .part = p[4], .encoding = p[5], .compression = p[6],
			.stored_size = get64(p + 8), .plain_size = get64(p + 16), .sum = get64(p + 24) };
		if (p[7] || get64(p + 32) || s->encoding >= PMX_N_ENCODINGS || s->compression >= PMX_N_COMPRESSIONS)
			return err_set(e, "section %u is of a form that this version does not know", i);
		if (s->plain_size > PMX_MAX_SECTION || (plain += s->plain_size) > PMX_MAX_PLAIN)
			return err_set(e, "section %u announces more bytes than a section or its chunk may have", i);
		if (s->compression == PMX_STORED && s->plain_size != s->stored_size)
			return err_set(e, "section %u is stored as it is in %llu bytes and announces %llu", i, (unsigned long long)s->stored_size,
				       (unsigned long long)s->plain_size);
		if (s->stored_size > body_size - at)
			return err_set(e, "section %u is longer than its block", i);
		s->stored = b->body + at;
		uint64_t end = at + s->stored_size;
		at = (end + 7) & ~(uint64_t)7;
		if (at > body_size)
			return err_set(e, "section %u is longer than its block", i);
		for (; end < at; end++)
			if (b->body[end])
				return err_set(e, "the padding of section %u is not zero: the stream was damaged on its way", i);
	}
	return at == body_size ? 0 : err_set(e, "%llu bytes of the block belong to no section", (unsigned long long)(body_size - at));
}

/* Reads a chunk's header, table and body; the sections' sums are checked later. */
static int read_chunk(struct pmx_reader *r, struct chunk *c, struct err *e)
{
	uint8_t head[PMX_CHUNK_HEADER];
	c->offset = file_tell(r->file) - r->start;
	int64_t got = file_read(r->file, head, sizeof head, e);
	if (got < 0)
		return -1;
	if ((size_t)got < sizeof head)
		return truncated(r, e);
	if (hash64(head, 40) != get64(head + 40))
		return err_set(e, "the header of chunk %llu, at byte %llu, is damaged; make the stream again",
			       (unsigned long long)r->n_chunks, (unsigned long long)c->offset);
	memcpy(c->type, head, 4);
	c->type[4] = 0;
	uint32_t n_sections = get32(head + 4);
	uint64_t body_size = get64(head + 8);
	c->first_row = get64(head + 16);
	c->n_rows = get32(head + 24);
	if (get32(head + 28))
		return err_set(e, "chunk %llu carries flags that this version does not know", (unsigned long long)r->n_chunks);
	uint64_t rest = file_size(r->file) == UINT64_MAX ? UINT64_MAX : file_size(r->file) - file_tell(r->file);
	if (n_sections > MAX_SECTIONS || body_size > MAX_BODY || body_size < (uint64_t)n_sections * PMX_SECTION_ENTRY)
		return err_set(e, "chunk %llu has impossible sizes", (unsigned long long)r->n_chunks);
	if (body_size > rest)
		return truncated(r, e);
	struct pmx_block *b = pmx_block_new(c->first_row, c->n_rows);
	got = file_read_growing(r->file, &b->body, &b->body_cap, body_size, e);
	if (got < 0 || (uint64_t)got < body_size) {
		pmx_block_free(b);
		return got < 0 ? -1 : truncated(r, e);
	}
	size_t table = (size_t)n_sections * PMX_SECTION_ENTRY;
	if (hash64(b->body, table) != get64(head + 32)) {
		pmx_block_free(b);
		return err_set(e, "the table of chunk %llu, at byte %llu, is damaged; make the stream again",
			       (unsigned long long)r->n_chunks, (unsigned long long)c->offset);
	}
	hash_add(r->digest, head, sizeof head);
	hash_add(r->digest, b->body, table);
	if (!r->n_chunks)
		r->header_sum = hash64(head, sizeof head);
	if (parse_sections(b, n_sections, body_size, e)) {
		pmx_block_free(b);
		return err_context(e, "chunk %llu", (unsigned long long)r->n_chunks);
	}
	/* Rows are verified side by side later; of other chunks nothing may go unseen. */
	for (uint32_t i = 0; strcmp(c->type, "ROWS") && i < n_sections; i++)
		if (pmx_section_verify(&b->section[i], e)) {
			pmx_block_free(b);
			return err_context(e, "chunk %llu", (unsigned long long)r->n_chunks);
		}
	r->n_chunks++;
	c->block = b;
	return 0;
}

static json_t *section_json(struct pmx_section *s, struct err *e)
{
	const uint8_t *text = s ? pmx_section_plain(s, PMX_MAX_JSON, e) : NULL;
	if (!text) {
		err_set(e, "the description is missing");
		return NULL;
	}
	json_error_t why;
	json_t *json = json_loadb((const char *)text, s->plain_size, JSON_REJECT_DUPLICATES, &why);
	if (!json)
		err_set(e, "the description is no valid JSON (%s)", why.text);
	return json;
}

static int read_header(struct pmx_reader *r, struct err *e)
{
	struct chunk c;
	if (read_chunk(r, &c, e))
		return -1;
	int status = -1;
	json_t *json = NULL;
	if (strcmp(c.type, "HEAD")) {
		err_set(e, "the stream does not begin with its header");
		goto out;
	}
	json = section_json(pmx_block_section(c.block, 0, PMX_VALUES), e);
	if (!json)
		goto out;
	r->schema = pmx_schema_from_json(json, e);
	if (!r->schema)
		goto out;
	struct pmx_schema *s = r->schema;
	for (size_t i = 0; i < s->n_fields; i++) {
		struct pmx_field *f = &s->field[i];
		if (f->class != PMX_VAR)
			continue;
		struct pmx_section *values = pmx_block_section(c.block, f->id, PMX_VALUES);
		struct pmx_section *lengths = pmx_block_section(c.block, f->id, PMX_ROW_LENGTHS);
		struct pmx_column *column = values ? pmx_decode_column(values, lengths, f, s->n_columns, f->width, e) : NULL;
		if (!column) {
			err_set(e, "it is missing");
			err_context(e, "column field '%s'", f->name);
			goto out;
		}
		/* The chunk goes, the column stays. */
		if (column->borrowed) {
			size_t size = column->n * column->width * pmx_type_size(column->type);
			void *copy = mem_array(size, 1);
			memcpy(copy, column->f64, size);
			column->f64 = copy;
			column->borrowed = false;
		}
		f->column = column;
	}
	size_t names = pmx_find(s, PMX_VAR, s->column_names);
	for (size_t i = 0; i < s->n_columns; i++)
		if (!s->field[names].column->text[i]) {
			err_set(e, "column %zu has no name", i);
			goto out;
		}
	status = 0;
out:
	json_decref(json);
	pmx_block_free(c.block);
	return status ? err_context(e, "header") : 0;
}

struct pmx_reader *pmx_open(struct file_in *file, int threads, struct err *e)
{
	struct pmx_reader *r = mem_zero(1, sizeof *r);
	r->file = file;
	r->start = file_tell(file);
	r->threads = threads > 1 ? threads : 1;
	r->digest = hash_new();
	r->order_field = PMX_NO_FIELD;
	r->group = UINT64_MAX;
	if (check_magic(r, e) || read_header(r, e)) {
		err_context(e, "%s", file_name(file));
		pmx_close(r);
		return NULL;
	}
	r->wanted = mem_zero(r->schema->n_fields, sizeof *r->wanted);
	if (r->schema->order_by) {
		r->order_field = pmx_find(r->schema, PMX_OBS, r->schema->order_by);
		r->group_done = mem_zero(r->schema->field[r->order_field].values->n + 1, 1);
		pmx_want(r, r->order_field);
	}
	return r;
}

static void index_free(struct pmx_index *x)
{
	if (!x)
		return;
	mem_free(x->block);
	mem_free(x->group);
	mem_free(x);
}

void pmx_close(struct pmx_reader *r)
{
	if (!r)
		return;
	for (size_t i = r->next_queued; i < r->n_queued; i++)
		pmx_block_free(r->queue[i]);
	file_close(r->file);
	pmx_schema_free(r->schema);
	mem_free(r->wanted);
	mem_free(r->seen);
	mem_free(r->group_done);
	hash_free(r->digest);
	index_free(r->index);
	mem_free(r);
}

const struct pmx_schema *pmx_reader_schema(const struct pmx_reader *r)
{
	return r->schema;
}

const char *pmx_reader_name(const struct pmx_reader *r)
{
	return file_name(r->file);
}

void pmx_want(struct pmx_reader *r, size_t f)
{
	r->wanted[f] = true;
}

uint64_t pmx_reader_digest(const struct pmx_reader *r)
{
	return r->digest_value;
}

uint64_t pmx_header_sum(const struct pmx_reader *r)
{
	return r->header_sum;
}

uint64_t pmx_rows_read(const struct pmx_reader *r)
{
	return r->next_row;
}

/* The trailer's tables of u64; n of `per` numbers each. */
static int table_of(struct pmx_block *b, uint32_t field, size_t per, const uint8_t **at, size_t *n, struct err *e)
{
	struct pmx_section *s = pmx_block_section(b, field, PMX_VALUES);
	*at = s ? pmx_section_plain(s, PMX_MAX_SECTION, e) : NULL;
	if (!*at || s->plain_size % (per * 8))
		return err_set(e, "an index is missing or damaged");
	*n = s->plain_size / (per * 8);
	return 0;
}

static struct pmx_index *parse_trailer(struct pmx_block *b, struct err *e)
{
	struct pmx_index *x = mem_zero(1, sizeof *x);
	const uint8_t *blocks, *groups;
	json_t *json = section_json(pmx_block_section(b, 0, PMX_VALUES), e);
	json_t *rows = json_object_get(json, "rows");
	if (!json || !json_is_integer(rows) || json_integer_value(rows) < 0) {
		err_set(e, "it does not say how many rows there are");
		goto fail;
	}
	x->n_rows = (uint64_t)json_integer_value(rows);
	if (table_of(b, 1, 3, &blocks, &x->n_blocks, e) || table_of(b, 2, 3, &groups, &x->n_groups, e))
		goto fail;
	x->block = mem_array(x->n_blocks, sizeof *x->block);
	x->group = mem_array(x->n_groups, sizeof *x->group);
	memcpy(x->block, blocks, x->n_blocks * sizeof *x->block);
	memcpy(x->group, groups, x->n_groups * sizeof *x->group);
	uint64_t row = 0;
	for (size_t i = 0; i < x->n_blocks; i++) {
		if (x->block[i].first_row != row || x->block[i].n_rows > x->n_rows - row) {
			err_set(e, "its index does not cover the rows");
			goto fail;
		}
		row += x->block[i].n_rows;
	}
	if (row != x->n_rows) {
		err_set(e, "its index does not cover the rows");
		goto fail;
	}
	json_decref(json);
	return x;
fail:
	json_decref(json);
	index_free(x);
	return NULL;
}

static int read_trailer(struct pmx_reader *r, struct chunk *c, struct err *e)
{
	struct pmx_index *x = parse_trailer(c->block, e);
	bool same = x && (r->sought || (x->n_rows == r->next_row && x->n_blocks == r->n_seen &&
					(!x->n_blocks || !memcmp(x->block, r->seen, x->n_blocks * sizeof *x->block))));
	if (!same) {
		index_free(x);
		return err_set(e, "the trailer does not describe this stream"), err_context(e, "trailer");
	}
	r->digest_value = hash_end(r->digest);
	if (r->index)
		index_free(x);
	else
		r->index = x;
	uint8_t end[PMX_END_SIZE + 1];
	int64_t got = file_read(r->file, end, sizeof end, e);
	if (got < 0)
		return -1;
	if (got < PMX_END_SIZE)
		return truncated(r, e);
	if (memcmp(end + 16, pmx_end_mark, 8) || get64(end) != c->offset || (!r->sought && get64(end + 8) != r->digest_value))
		return err_set(e, "the end mark does not fit the stream: it was damaged on its way");
	r->index->digest = get64(end + 8);
	if (got > PMX_END_SIZE)
		return err_set(e, "there are bytes after the end of the stream; streams are joined by pmx-cat, not by cat");
	r->at_end = true;
	return 0;
}

/* The order that the header promises, held against the rows. */
static int check_order(struct pmx_reader *r, struct pmx_block *b, struct err *e)
{
	if (r->order_field == PMX_NO_FIELD || r->sought)
		return 0;
	const struct pmx_field *f = &r->schema->field[r->order_field];
	const struct pmx_column *c = pmx_block_column(b, r->schema, r->order_field, e);
	if (!c)
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		uint64_t code = c->u32[i] == PMX_MISSING_CODE ? f->values->n : c->u32[i];
		if (code == r->group)
			continue;
		const char *name = code < f->values->n ? f->values->at[code] : "missing";
		uint32_t first = r->schema->order_first ? names_find(f->values, r->schema->order_first) : NAMES_NONE;
		if (r->group == UINT64_MAX && first != NAMES_NONE && code != first)
			return err_set(e, "the header promises '%s' first in %s, but row 0 has '%s'; run pmx-sort --by %s --first '%s'",
				       r->schema->order_first, f->name, name, f->name, r->schema->order_first);
		if (r->group_done[code])
			return err_set(e, "the header promises that rows with the same %s stand together, but '%s' comes again at row %llu; run pmx-sort --by %s",
				       f->name, name, (unsigned long long)(b->first_row + i), f->name);
		r->group_done[code] = true;
		r->group = code;
	}
	return 0;
}

static int accept_block(struct pmx_reader *r, const struct chunk *c, struct err *e)
{
	if (c->n_rows > PMX_MAX_BLOCK_ROWS)
		return err_set(e, "the block at row %llu has more rows than a block may have", (unsigned long long)r->next_row);
	if (!c->n_rows || c->first_row != r->next_row)
		return err_set(e, "a block begins at row %llu where row %llu belongs", (unsigned long long)c->first_row,
			       (unsigned long long)r->next_row);
	if (!r->sought) {
		mem_room(&r->seen, &r->seen_cap, r->n_seen + 1, sizeof *r->seen);
		r->seen[r->n_seen++] = (struct pmx_block_place){ c->offset, c->first_row, c->n_rows };
	}
	r->next_row = c->first_row + c->n_rows;
	r->queue[r->n_queued++] = c->block;
	return 0;
}

static bool has_one(const struct pmx_block *b, uint32_t field, enum pmx_part part, enum pmx_encoding encoding)
{
	const struct pmx_section *first = pmx_block_section(b, field, part);
	if (!first || first->encoding != encoding)
		return false;
	for (const struct pmx_section *s = first + 1; s < b->section + b->n_sections; s++)
		if (s->field == field && s->part == part)
			return false;
	return true;
}

/* Every stored field has its sections: who passes them on unseen, or picks rows from them, relies on that. */
static void check_sections(const struct pmx_schema *s, struct pmx_block *b)
{
	for (size_t i = 0; i < s->n_fields && !b->err.set; i++) {
		const struct pmx_field *f = &s->field[i];
		bool layer = f->class == PMX_LAYER, sparse = layer && f->storage == PMX_SPARSE;
		enum pmx_encoding values = sparse && f->type == PMX_U32 ? PMX_BYTE8 : PMX_PLAIN;
		if ((!layer && f->class != PMX_OBS) || (layer && f->storage == PMX_RECIPE))
			continue;
		if (!has_one(b, f->id, PMX_VALUES, values) || (sparse && !has_one(b, f->id, PMX_INDICES, PMX_DELTA8)) ||
		    ((sparse || f->type == PMX_TEXT) && !has_one(b, f->id, PMX_ROW_LENGTHS, PMX_PLAIN)))
			err_set(&b->err, "rows %llu to %llu, '%s': a section is missing, comes twice or has an encoding that does not belong there", (unsigned long long)b->first_row,
				(unsigned long long)(b->first_row + b->n_rows - 1), f->name);
	}
}

/* Verifies every section and decodes what is wanted, block by block side by side. */
static void prepare(struct pmx_reader *r)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(r->threads) if (r->threads > 1)
	for (size_t i = 0; i < r->n_queued; i++) {
		struct pmx_block *b = r->queue[i];
		check_sections(r->schema, b);
		for (size_t k = 0; k < b->n_sections && !b->err.set; k++) {
			struct pmx_section *s = &b->section[k];
			if (hash64(s->stored, s->stored_size) != s->sum) {
				size_t f = pmx_find_id(r->schema, s->field);
				err_set(&b->err, "rows %llu to %llu, '%s': a checksum differs: the stream was damaged on its way; make it again",
					(unsigned long long)b->first_row, (unsigned long long)(b->first_row + b->n_rows - 1),
					f == PMX_NO_FIELD ? "an unknown section" : r->schema->field[f].name);
			}
			s->verified = true;
		}
		for (size_t f = 0; f < r->schema->n_fields && !b->err.set; f++)
			if (r->wanted[f])
				pmx_block_decode(b, r->schema, f, &b->err);
	}
}

static int fill(struct pmx_reader *r, struct err *e)
{
	size_t most = r->threads < MAX_BATCH ? (size_t)r->threads : MAX_BATCH;
	r->n_queued = r->next_queued = 0;
	while (r->n_queued < most && !r->at_end) {
		struct chunk c;
		if (read_chunk(r, &c, e))
			return -1;
		if (!strcmp(c.type, "ROWS")) {
			if (accept_block(r, &c, e)) {
				pmx_block_free(c.block);
				return -1;
			}
		} else {
			int status = 0;
			if (!strcmp(c.type, "TAIL"))
				status = read_trailer(r, &c, e);
			else if (c.type[0] < 'a' || c.type[0] > 'z')
				status = err_set(e, "chunk %llu is of a critical type that this version does not know",
						 (unsigned long long)r->n_chunks - 1);
			pmx_block_free(c.block);
			if (status)
				return -1;
		}
	}
	prepare(r);
	return 0;
}

int pmx_next(struct pmx_reader *r, struct pmx_block **block, struct err *e)
{
	*block = NULL;
	if (r->next_queued == r->n_queued) {
		if (r->at_end)
			return 0;
		if (fill(r, e))
			return err_context(e, "%s", file_name(r->file));
		if (!r->n_queued)
			return 0;
	}
	struct pmx_block *b = r->queue[r->next_queued++];
	if (b->err.set) {
		err_set(e, "%s", b->err.text);
		pmx_block_free(b);
		return err_context(e, "%s", file_name(r->file));
	}
	if (check_order(r, b, e)) {
		pmx_block_free(b);
		return err_context(e, "%s", file_name(r->file));
	}
	*block = b;
	return 1;
}

const struct pmx_index *pmx_read_index(struct pmx_reader *r, struct err *e)
{
	if (r->index || !file_seekable(r->file))
		return r->index;
	uint64_t here = file_tell(r->file), size = file_size(r->file), n_chunks = r->n_chunks;
	uint8_t end[PMX_END_SIZE];
	struct chunk c = { 0 };
	if (size < r->start + PMX_END_SIZE || file_seek(r->file, size - PMX_END_SIZE, e) ||
	    file_read(r->file, end, sizeof end, e) != sizeof end)
		goto cut;
	uint64_t offset = get64(end);
	if (memcmp(end + 16, pmx_end_mark, 8) || offset > size - r->start - PMX_END_SIZE)
		goto cut;
	struct hash_state *digest = r->digest;
	r->digest = hash_new();
	int status = file_seek(r->file, r->start + offset, e) || read_chunk(r, &c, e);
	hash_free(r->digest);
	r->digest = digest;
	r->n_chunks = n_chunks;
	if (status)
		goto fail;
	if (strcmp(c.type, "TAIL") || !(r->index = parse_trailer(c.block, e))) {
		err_set(e, "the end mark does not lead to the trailer");
		goto fail;
	}
	r->index->digest = get64(end + 8);
	pmx_block_free(c.block);
	if (file_seek(r->file, here, e))
		return NULL;
	return r->index;
cut:
	err_set(e, "the end mark is missing: the stream is cut short");
fail:
	pmx_block_free(c.block);
	err_context(e, "%s", file_name(r->file));
	return NULL;
}

int pmx_seek_block(struct pmx_reader *r, size_t i, struct err *e)
{
	const struct pmx_index *x = pmx_read_index(r, e);
	if (!x)
		return err_set(e, "%s: a pipe has no index", file_name(r->file));
	for (size_t k = r->next_queued; k < r->n_queued; k++)
		pmx_block_free(r->queue[k]);
	r->n_queued = r->next_queued = 0;
	r->sought = true;
	r->at_end = i >= x->n_blocks;
	if (r->at_end)
		return 0;
	r->next_row = x->block[i].first_row;
	return file_seek(r->file, r->start + x->block[i].offset, e);
}
