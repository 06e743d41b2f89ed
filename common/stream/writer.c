#include "stream/writer.h"
#include "base/hash.h"
#include "base/mem.h"
#include "stream/reader.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_BATCH = 16 };

struct pmx_writer {
	struct file_out *file;
	struct pmx_schema *schema;
	int level, threads;
	struct pmx_block *queue[MAX_BATCH];
	size_t n_queued;
	uint64_t next_row;
	struct hash_state *digest;
	struct pmx_block_place *block;
	size_t n_blocks, block_cap;
	struct pmx_group_place *group;
	size_t n_groups, group_cap;
	size_t order_field;
};

static void put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, 8);
}

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
}

/* What no reader would take is not written. */
static int check_sizes(const struct pmx_block *b, struct err *e)
{
	uint64_t plain = 0, most = 0;
	for (size_t i = 0; i < b->n_sections; i++) {
		plain += b->section[i].plain_size;
		most = b->section[i].plain_size > most ? b->section[i].plain_size : most;
	}
	bool json = b->n_sections && !b->section[0].field && b->section[0].plain_size > PMX_MAX_JSON;
	if (json)
		return err_set(e, "the labels and the description take %llu bytes, more than a header may have; read columns of many labels as text",
			       (unsigned long long)b->section[0].plain_size);
	if (most > PMX_MAX_SECTION || plain > PMX_MAX_PLAIN || b->n_rows > PMX_MAX_BLOCK_ROWS)
		return err_set(e, "a block of %zu rows with %llu bytes is larger than a block may be; make smaller ones (--block-rows)", b->n_rows,
			       (unsigned long long)plain);
	return 0;
}

static int write_chunk(struct pmx_writer *w, const char *type, struct pmx_block *b, struct err *e)
{
	static const uint8_t zero[8];
	if (check_sizes(b, e))
		return -1;
	size_t table_size = b->n_sections * PMX_SECTION_ENTRY;
	uint8_t *table = mem_zero(table_size, 1), head[PMX_CHUNK_HEADER] = { 0 };
	uint64_t body = table_size;
	for (size_t i = 0; i < b->n_sections; i++) {
		const struct pmx_section *s = &b->section[i];
		uint8_t *p = table + i * PMX_SECTION_ENTRY;
		put32(p, s->field);
		p[4] = s->part;
		p[5] = s->encoding;
		p[6] = s->compression;
		put64(p + 8, s->stored_size);
		put64(p + 16, s->plain_size);
		put64(p + 24, s->sum);
		body += (s->stored_size + 7) & ~(uint64_t)7;
	}
	memcpy(head, type, 4);
	put32(head + 4, (uint32_t)b->n_sections);
	put64(head + 8, body);
	put64(head + 16, b->first_row);
	put32(head + 24, (uint32_t)b->n_rows);
	put64(head + 32, hash64(table, table_size));
	put64(head + 40, hash64(head, 40));
	hash_add(w->digest, head, sizeof head);
	hash_add(w->digest, table, table_size);

	/* Small sections are collected, so that a block costs few system calls. */
	struct bytes out = { 0 };
	bytes_add(&out, head, sizeof head);
	bytes_add(&out, table, table_size);
	mem_free(table);
	int status = 0;
	for (size_t i = 0; i < b->n_sections && !status; i++) {
		const struct pmx_section *s = &b->section[i];
		if (s->stored_size >= 1 << 16) {
			status = file_write(w->file, out.at, out.n, e);
			out.n = 0;
			if (!status)
				status = file_write(w->file, s->stored, s->stored_size, e);
		} else {
			bytes_add(&out, s->stored, s->stored_size);
		}
		bytes_add(&out, zero, -s->stored_size & 7);
	}
	if (!status)
		status = file_write(w->file, out.at, out.n, e);
	bytes_free(&out);
	return status;
}

static void put_json(struct pmx_block *b, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));
	json_decref(json);
	struct bytes plain = { (uint8_t *)text, strlen(text), 0 };
	pmx_block_put_plain(b, 0, PMX_VALUES, PMX_PLAIN, &plain);
}

static int write_header(struct pmx_writer *w, struct err *e)
{
	struct pmx_block *b = pmx_block_new(0, 0);
	put_json(b, pmx_schema_to_json(w->schema));
	for (size_t i = 0; i < w->schema->n_fields; i++)
		if (w->schema->field[i].class == PMX_VAR)
			pmx_block_put_column(b, &w->schema->field[i], w->schema->field[i].column);
	for (size_t i = 0; i < b->n_sections; i++)
		pmx_section_pack(&b->section[i], w->level);
	int status = file_write(w->file, pmx_magic, PMX_MAGIC_SIZE, e) || write_chunk(w, "HEAD", b, e);
	pmx_block_free(b);
	return status ? -1 : 0;
}

struct pmx_writer *pmx_create(struct file_out *file, const struct pmx_schema *schema, int level, int threads, struct err *e)
{
	struct pmx_writer *w = mem_zero(1, sizeof *w);
	w->file = file;
	w->schema = pmx_schema_copy(schema);
	w->level = level;
	w->threads = threads > 1 ? threads : 1;
	w->digest = hash_new();
	w->order_field = schema->order_by ? pmx_find(schema, PMX_OBS, schema->order_by) : PMX_NO_FIELD;
	if (write_header(w, e)) {
		pmx_abandon(w);
		return NULL;
	}
	return w;
}

static void free_writer(struct pmx_writer *w)
{
	for (size_t i = 0; i < w->n_queued; i++)
		pmx_block_free(w->queue[i]);
	pmx_schema_free(w->schema);
	mem_free(w->block);
	mem_free(w->group);
	hash_free(w->digest);
	mem_free(w);
}

void pmx_abandon(struct pmx_writer *w)
{
	if (!w)
		return;
	file_abandon(w->file);
	free_writer(w);
}

const struct pmx_schema *pmx_writer_schema(const struct pmx_writer *w)
{
	return w->schema;
}

uint64_t pmx_rows_written(const struct pmx_writer *w)
{
	return w->next_row;
}

/* Keeps the sections of declared fields, in the order of the schema and of their parts. */
static void arrange(struct pmx_writer *w, struct pmx_block *b)
{
	size_t cap = b->n_sections ? b->n_sections : 1, n = 0;
	struct pmx_section *kept = mem_array(cap, sizeof *kept);
	for (size_t f = 0; f < w->schema->n_fields; f++) {
		const struct pmx_field *field = &w->schema->field[f];
		if (field->class == PMX_VAR || (field->class == PMX_LAYER && field->storage == PMX_RECIPE))
			continue;
		bool found = field->class == PMX_OTHER;
		for (unsigned part = 0; part <= UINT8_MAX; part++) {
			struct pmx_section *s = pmx_block_section(b, field->id, (enum pmx_part)part);
			if (s) {
				assert(n < cap);
				kept[n++] = *s;
				found = true;
				s->own_stored = s->own_plain = NULL;
			} else if (part > PMX_INDICES && field->class != PMX_OTHER) {
				break;
			}
		}
		assert(found);
	}
	for (size_t i = 0; i < b->n_sections; i++) {
		mem_free(b->section[i].own_stored);
		mem_free(b->section[i].own_plain);
	}
	mem_free(b->section);
	b->section = kept;
	b->n_sections = n;
	b->cap = cap;
}

static int note_groups(struct pmx_writer *w, struct pmx_block *b, struct err *e)
{
	if (w->order_field == PMX_NO_FIELD)
		return 0;
	const struct pmx_column *c = pmx_block_column(b, w->schema, w->order_field, e);
	if (!c)
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		if (!w->n_groups || w->group[w->n_groups - 1].code != c->u32[i]) {
			mem_room(&w->group, &w->group_cap, w->n_groups + 1, sizeof *w->group);
			w->group[w->n_groups++] = (struct pmx_group_place){ c->u32[i], b->first_row + i, 0 };
		}
		w->group[w->n_groups - 1].n_rows++;
	}
	return 0;
}

static int flush(struct pmx_writer *w, struct err *e)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(w->threads) if (w->threads > 1 && w->n_queued > 1)
	for (size_t i = 0; i < w->n_queued; i++)
		for (size_t k = 0; k < w->queue[i]->n_sections; k++)
			pmx_section_pack(&w->queue[i]->section[k], w->level);
	int status = 0;
	for (size_t i = 0; i < w->n_queued && !status; i++) {
		struct pmx_block *b = w->queue[i];
		mem_room(&w->block, &w->block_cap, w->n_blocks + 1, sizeof *w->block);
		w->block[w->n_blocks++] = (struct pmx_block_place){ file_written(w->file), b->first_row, b->n_rows };
		status = write_chunk(w, "ROWS", b, e);
	}
	for (size_t i = 0; i < w->n_queued; i++)
		pmx_block_free(w->queue[i]);
	w->n_queued = 0;
	return status;
}

int pmx_put(struct pmx_writer *w, struct pmx_block *b, struct err *e)
{
	if (!b->n_rows) {
		pmx_block_free(b);
		return 0;
	}
	b->first_row = w->next_row;
	w->next_row += b->n_rows;
	arrange(w, b);
	bool packed = true;
	for (size_t k = 0; k < b->n_sections; k++)
		packed = packed && (b->section[k].stored || b->section[k].plain_size < 4096);
	w->queue[w->n_queued++] = b;
	if (note_groups(w, b, e))
		return -1;
	/* A block that is only passed on is not held back. */
	size_t most = w->threads < MAX_BATCH ? (size_t)w->threads : MAX_BATCH;
	return w->n_queued >= most || packed ? flush(w, e) : 0;
}

static void put_table(struct pmx_block *b, uint32_t field, const void *table, size_t n_bytes)
{
	struct bytes plain = { 0 };
	bytes_add(&plain, table, n_bytes);
	pmx_block_put_plain(b, field, PMX_VALUES, PMX_PLAIN, &plain);
}

int pmx_finish(struct pmx_writer *w, uint64_t input_digest, struct err *e)
{
	if (flush(w, e))
		goto fail;
	struct pmx_block *b = pmx_block_new(w->next_row, 0);
	json_t *json = json_object();
	json_object_set_new(json, "rows", json_integer((json_int_t)w->next_row));
	if (input_digest) {
		char hex[17];
		snprintf(hex, sizeof hex, "%016" PRIx64, input_digest);
		json_object_set_new(json, "input", json_string(hex));
	}
	put_json(b, json);
	put_table(b, 1, w->block, w->n_blocks * sizeof *w->block);
	put_table(b, 2, w->group, w->n_groups * sizeof *w->group);
	for (size_t i = 0; i < b->n_sections; i++)
		pmx_section_pack(&b->section[i], w->level);
	uint64_t offset = file_written(w->file);
	int status = write_chunk(w, "TAIL", b, e);
	pmx_block_free(b);
	uint8_t end[PMX_END_SIZE];
	put64(end, offset);
	put64(end + 8, hash_end(w->digest));
	memcpy(end + 16, pmx_end_mark, 8);
	if (status || file_write(w->file, end, sizeof end, e))
		goto fail;
	status = file_commit(w->file, e);
	w->file = NULL;
	free_writer(w);
	return status;
fail:
	pmx_abandon(w);
	return -1;
}
