#include "formats/safetensors.h"
#include "base/mem.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	size_t size;
} types[SAFETENSORS_N_TYPES] = { { "F32", 4 }, { "F64", 8 }, { "I64", 8 }, { "U8", 1 } };

/* The library's own limit. */
static const uint64_t most_header = 100000000;

struct safetensors *safetensors_new(void)
{
	struct safetensors *s = mem_zero(1, sizeof *s);
	s->metadata = json_object();
	return s;
}

void safetensors_free(struct safetensors *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		mem_free(s->tensor[i].name);
	mem_free(s->tensor);
	mem_free(s->file);
	mem_free(s->bytes);
	json_decref(s->metadata);
	mem_free(s);
}

static struct safetensor *append(struct safetensors *s, const char *name, enum safetensors_type type)
{
	mem_room(&s->tensor, &s->cap, s->n + 1, sizeof *s->tensor);
	struct safetensor *t = &s->tensor[s->n++];
	*t = (struct safetensor){ .name = mem_text(name), .type = type, .n = 1 };
	return t;
}

void safetensors_add(struct safetensors *s, const char *name, enum safetensors_type type, const void *values, size_t n_dims, ...)
{
	struct safetensor *t = append(s, name, type);
	va_list sizes;
	va_start(sizes, n_dims);
	t->n_dims = n_dims;
	for (size_t i = 0; i < n_dims; i++)
		t->n *= t->shape[i] = va_arg(sizes, size_t);
	va_end(sizes);
	/* Not written to: const is dropped for the reader's sake, who owns the values. */
	memcpy(&t->at, &values, sizeof values);
}

void safetensors_note(struct safetensors *s, const char *key, const char *text)
{
	json_object_set_new(s->metadata, key, json_string(text));
}

int safetensors_write(const struct safetensors *s, struct file_out *file, struct err *e)
{
	json_t *header = json_object();
	size_t at = 0;
	json_object_set(header, "__metadata__", s->metadata);
	for (size_t i = 0; i < s->n; i++) {
		const struct safetensor *t = &s->tensor[i];
		json_t *shape = json_array();
		for (size_t k = 0; k < t->n_dims; k++)
			json_array_append_new(shape, json_integer((json_int_t)t->shape[k]));
		size_t end = at + t->n * types[t->type].size;
		json_object_set_new(header, t->name, json_pack("{s:s, s:o, s:[I, I]}", "dtype", types[t->type].name, "shape", shape, "data_offsets",
							       (json_int_t)at, (json_int_t)end));
		at = end;
	}
	char *text = json_dumps(header, JSON_COMPACT);
	json_decref(header);
	size_t n = strlen(text), padded = (n + 7) / 8 * 8;
	uint8_t length[8];
	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)((uint64_t)padded >> 8 * i);
	int failed = file_write(file, length, 8, e) || file_write(file, text, n, e) || file_write(file, "        ", padded - n, e);
	free(text);
	for (size_t i = 0; i < s->n && !failed; i++)
		failed = file_write(file, s->tensor[i].at, s->tensor[i].n * types[s->tensor[i].type].size, e);
	return failed ? -1 : 0;
}

/* A whole number from 0 on; SIZE_MAX for anything else. */
static size_t size_of(const json_t *j)
{
	return json_is_integer(j) && json_integer_value(j) >= 0 ? (size_t)json_integer_value(j) : SIZE_MAX;
}

/* One entry of the header; where its bytes begin and end goes into span. */
static int read_entry(struct safetensors *s, const char *name, const json_t *entry, size_t span[2], struct err *e)
{
	const json_t *shape = json_object_get(entry, "shape"), *offsets = json_object_get(entry, "data_offsets");
	const char *dtype = json_string_value(json_object_get(entry, "dtype"));
	int type = 0;
	if (!dtype || !json_is_array(shape) || json_array_size(offsets) != 2)
		return err_set(e, "tensor '%s' lacks dtype, shape or data_offsets", name);
	while (type < SAFETENSORS_N_TYPES && strcmp(dtype, types[type].name))
		type++;
	if (type == SAFETENSORS_N_TYPES)
		return err_set(e, "tensor '%s' is of type %s; F32, F64, I64 and U8 are read", name, dtype);
	if (json_array_size(shape) > SAFETENSORS_MAX_DIMS)
		return err_set(e, "tensor '%s' has %zu dimensions; at most %d are read", name, json_array_size(shape), SAFETENSORS_MAX_DIMS);
	struct safetensor *t = append(s, name, (enum safetensors_type)type);
	t->n_dims = json_array_size(shape);
	for (size_t k = 0; k < t->n_dims; k++) {
		size_t size = size_of(json_array_get(shape, k));
		if (size == SIZE_MAX || (size && t->n > SIZE_MAX / 16 / size))
			return err_set(e, "tensor '%s' has a shape that cannot be", name);
		t->n *= t->shape[k] = size;
	}
	span[0] = size_of(json_array_get(offsets, 0));
	span[1] = size_of(json_array_get(offsets, 1));
	if (span[0] == SIZE_MAX || span[1] == SIZE_MAX || span[1] < span[0] || span[1] - span[0] != t->n * types[type].size)
		return err_set(e, "tensor '%s': its offsets do not fit its shape", name);
	return 0;
}

struct placed {
	size_t span[2];
	struct safetensor tensor;
};

static int by_offset(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	if (x->span[0] != y->span[0])
		return x->span[0] < y->span[0] ? -1 : 1;
	return x->span[1] < y->span[1] ? -1 : x->span[1] > y->span[1];
}

static int read_header(struct safetensors *s, const json_t *header, size_t **offset, size_t *data_size, struct err *e)
{
	const char *name;
	json_t *entry;
	struct placed *placed = mem_array(json_object_size(header), sizeof *placed);
	int failed = 0;
	json_object_foreach((json_t *)header, name, entry) {
		if (!strcmp(name, "__metadata__")) {
			const char *key;
			json_t *text;
			json_object_foreach(entry, key, text)
				if (!json_is_string(text) && !failed)
					failed = err_set(e, "the metadata '%s' is no text", key);
			if (!json_is_object(entry) && !failed)
				failed = err_set(e, "the metadata are no object");
			json_object_update(s->metadata, entry);
		} else if (!failed) {
			failed = read_entry(s, name, entry, placed[s->n].span, e);
		}
	}
	for (size_t i = 0; i < s->n; i++)
		placed[i].tensor = s->tensor[i];
	if (!failed)
		qsort(placed, s->n, sizeof *placed, by_offset);
	*offset = mem_array(s->n, sizeof **offset);
	*data_size = 0;
	for (size_t i = 0; i < s->n && !failed; i++) {
		if (placed[i].span[0] != *data_size)
			failed = err_set(e, "tensor '%s' does not follow the one before it", placed[i].tensor.name);
		s->tensor[i] = placed[i].tensor;
		(*offset)[i] = placed[i].span[0];
		*data_size = placed[i].span[1];
	}
	mem_free(placed);
	return failed;
}

/* Values move to addresses that are multiples of their size. */
static int read_values(struct safetensors *s, struct file_in *file, const size_t *offset, size_t data_size, struct err *e)
{
	size_t room = 0, cap = 0;
	uint8_t *raw = NULL, more;
	int64_t got = file_read_growing(file, &raw, &cap, data_size, e);
	int failed = got < 0 ? -1 : 0;
	if (!failed && (uint64_t)got < data_size)
		failed = err_set(e, "the file ends after %lld of %zu bytes of values: it was cut off", (long long)got, data_size);
	if (!failed && (got = file_read(file, &more, 1, e)) != 0)
		failed = got < 0 ? -1 : err_set(e, "there are bytes behind the last tensor");
	for (size_t i = 0; i < s->n && !failed; i++)
		room += (s->tensor[i].n * types[s->tensor[i].type].size + 63) / 64 * 64;
	if (!failed) {
		s->bytes = mem_aligned(room, 1);
		uint8_t *to = s->bytes;
		for (size_t i = 0; i < s->n; i++) {
			size_t n = s->tensor[i].n * types[s->tensor[i].type].size;
			if (n)
				memcpy(to, raw + offset[i], n);
			s->tensor[i].at = to;
			to += (n + 63) / 64 * 64;
		}
	}
	mem_free(raw);
	return failed;
}

static int read_all(struct safetensors *s, struct file_in *file, struct err *e)
{
	uint8_t length[8], *text = NULL;
	size_t cap = 0, *offset = NULL, data_size;
	int64_t got = file_read(file, length, 8, e);
	uint64_t n = 0;
	if (got < 0)
		return -1;
	for (int i = 0; i < 8; i++)
		n |= (uint64_t)length[i] << 8 * i;
	if (got < 8 || n < 2 || n > most_header)
		return err_set(e, "this is no safetensors file");
	got = file_read_growing(file, &text, &cap, n, e);
	int failed = got < 0 ? -1 : (uint64_t)got < n ? err_set(e, "the file ends inside its header: it was cut off") : 0;
	json_error_t wrong;
	json_t *header = failed ? NULL : json_loadb((const char *)text, (size_t)n, JSON_REJECT_DUPLICATES, &wrong);
	if (!failed && !json_is_object(header))
		failed = err_set(e, "this is no safetensors file: its header is no JSON object");
	if (!failed)
		failed = read_header(s, header, &offset, &data_size, e);
	if (!failed)
		failed = read_values(s, file, offset, data_size, e);
	json_decref(header);
	mem_free(offset);
	mem_free(text);
	return failed;
}

struct safetensors *safetensors_read(const char *path, struct err *e)
{
	struct file_in *file = file_open(path, e);
	if (!file)
		return NULL;
	struct safetensors *s = safetensors_new();
	s->file = mem_text(file_name(file));
	int failed = read_all(s, file, e);
	file_close(file);
	if (failed) {
		err_context(e, "%s", s->file);
		safetensors_free(s);
		return NULL;
	}
	return s;
}

static void describe_shape(const struct safetensor *t, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "%s", types[t->type].name);
	for (size_t k = 0; k < t->n_dims && n < size; k++)
		n += (size_t)snprintf(out + n, size - n, "%s%zu", k ? " x " : " ", t->shape[k]);
}

const struct safetensor *safetensors_need(const struct safetensors *s, const char *name, enum safetensors_type type, struct err *e, size_t n_dims, ...)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct safetensor *t = &s->tensor[i];
		if (strcmp(t->name, name))
			continue;
		va_list sizes;
		bool same = t->type == type && t->n_dims == n_dims;
		va_start(sizes, n_dims);
		for (size_t k = 0; k < n_dims && same; k++) {
			size_t size = va_arg(sizes, size_t);
			same = size == SIZE_MAX || size == t->shape[k];
		}
		va_end(sizes);
		if (same)
			return t;
		char is[200];
		describe_shape(t, is, sizeof is);
		err_set(e, "%s: tensor '%s' is %s, which does not fit", s->file ? s->file : "file", name, is);
		return NULL;
	}
	err_set(e, "%s: there is no tensor '%s'", s->file ? s->file : "file", name);
	return NULL;
}

const char *safetensors_text(const struct safetensors *s, const char *key)
{
	return json_string_value(json_object_get(s->metadata, key));
}
