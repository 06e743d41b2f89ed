#include "formats/reference.h"
#include "base/hash.h"
#include "base/mem.h"
#include "stream/codec.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const reference_field_name[REFERENCE_N_FIELDS] = { "compound", "cell_line", "dose", "time", "moa", "target", "pert_type",
	"quality" };

/* The bytes that text mode would damage stand in the mark, as in PNG's. */
static const char mark[16] = "\x89PPREF\r\n\x1a\n\0\0\0\1";
enum { PAGE = 4096, VERSION = 1 };

/* The last bytes of the file. */
struct trailer {
	uint64_t n, n_genes, value_size, n_slabs, meta_offset, meta_size, meta_sum, version;
	char mark[16];
	uint64_t sum;                   /* of what stands before */
};

struct reference_writer {
	struct file_out *file;
	size_t n, n_genes;
	int value_size;
	struct reference_slab *slab;
	size_t n_slabs, cap;
};

static int put(struct file_out *f, const void *bytes, size_t n, struct err *e)
{
	return file_write(f, bytes, n, e);
}

static int pad_to(struct file_out *f, size_t align, struct err *e)
{
	static const uint8_t zeros[PAGE];
	size_t over = (size_t)(file_written(f) % align);
	return over ? put(f, zeros, align - over, e) : 0;
}

struct reference_writer *reference_create(struct file_out *file, size_t n_genes, int value_size, struct err *e)
{
	struct reference_writer *w = mem_zero(1, sizeof *w);
	*w = (struct reference_writer){ .file = file, .n_genes = n_genes, .value_size = value_size };
	if (put(file, mark, sizeof mark, e)) {
		file_abandon(file);
		mem_free(w);
		return NULL;
	}
	return w;
}

int reference_put(struct reference_writer *w, const void *slab, size_t n, size_t width, struct err *e)
{
	if (pad_to(w->file, PAGE, e))
		return -1;
	size_t size = w->n_genes * width * (6 + (size_t)w->value_size);
	mem_room((void *)&w->slab, &w->cap, w->n_slabs + 1, sizeof *w->slab);
	w->slab[w->n_slabs++] = (struct reference_slab){ file_written(w->file), size, w->n, n, width, hash64(slab, size) };
	w->n += n;
	return put(w->file, slab, size, e);
}

static void add_u64(struct bytes *b, uint64_t v)
{
	bytes_add(b, &v, sizeof v);
}

static void add_padding(struct bytes *b)
{
	static const uint8_t zeros[8];
	bytes_add(b, zeros, (8 - b->n % 8) % 8);
}

static void add_texts(struct bytes *b, char *const *text, size_t n)
{
	size_t size = 0;
	for (size_t i = 0; i < n; i++)
		size += strlen(text[i]) + 1;
	add_u64(b, n);
	add_u64(b, size);
	for (size_t i = 0; i < n; i++)
		bytes_add(b, text[i], strlen(text[i]) + 1);
	add_padding(b);
}

static void add_u32s(struct bytes *b, const uint32_t *v, size_t n)
{
	bytes_add(b, v, n * sizeof *v);
	add_padding(b);
}

int reference_finish(struct reference_writer *w, const struct reference_meta *m, struct err *e)
{
	struct bytes b = { 0 };
	bytes_add(&b, w->slab, w->n_slabs * sizeof *w->slab);
	add_texts(&b, m->gene, w->n_genes);
	add_texts(&b, m->gene_id, w->n_genes);
	add_texts(&b, m->id, w->n);
	for (int f = 0; f < REFERENCE_N_FIELDS; f++) {
		add_texts(&b, m->value[f]->at, m->value[f]->n);
		add_u32s(&b, m->code[f], w->n);
	}
	add_u32s(&b, m->n_measured, w->n);
	char *notes = json_dumps(m->notes, JSON_COMPACT | JSON_SORT_KEYS);
	add_texts(&b, &notes, 1);
	free(notes);
	int status = pad_to(w->file, PAGE, e);
	struct trailer t = { w->n, w->n_genes, (uint64_t)w->value_size, w->n_slabs, file_written(w->file), b.n, hash64(b.at, b.n), VERSION, { 0 }, 0 };
	memcpy(t.mark, mark, sizeof mark);
	t.sum = hash64(&t, offsetof(struct trailer, sum));
	if (!status)
		status = put(w->file, b.at, b.n, e);
	if (!status)
		status = put(w->file, &t, sizeof t, e);
	bytes_free(&b);
	if (status)
		file_abandon(w->file);
	else
		status = file_commit(w->file, e);
	mem_free(w->slab);
	mem_free(w);
	return status;
}

/* What is left of the part behind the slabs. */
struct rest {
	const uint8_t *at;
	uint64_t n;
};

static const void *take(struct rest *r, uint64_t n)
{
	uint64_t padded = n + (8 - n % 8) % 8;
	if (n > r->n || padded > r->n)
		return NULL;
	const void *p = r->at;
	r->at += padded;
	r->n -= padded;
	return p;
}

/* NULL when these are no `want` texts (SIZE_MAX: any number, told in *n). */
static char **take_texts(struct rest *r, size_t want, size_t *n)
{
	const uint64_t *head = take(r, 16);
	if (!head || (want != SIZE_MAX && head[0] != want) || head[0] > head[1])
		return NULL;
	const char *text = take(r, head[1]), *end = text ? text + head[1] : NULL;
	if (!text || (head[1] && end[-1]))
		return NULL;
	char **out = mem_array((size_t)head[0] + 1, sizeof *out);
	size_t i = 0;
	for (; text < end && i < head[0]; text += strlen(text) + 1)
		out[i++] = (char *)(uintptr_t)text;
	if (i != head[0] || text != end) {
		mem_free(out);
		return NULL;
	}
	*n = i;
	return out;
}

static bool take_field(struct rest *r, struct reference *ref, int f)
{
	ref->field[f].value = take_texts(r, SIZE_MAX, &ref->field[f].n_values);
	ref->field[f].code = take(r, (uint64_t)ref->n * 4);
	if (!ref->field[f].value || !ref->field[f].code)
		return false;
	for (size_t i = 0; i < ref->n; i++)
		if (ref->field[f].code[i] != UINT32_MAX && ref->field[f].code[i] >= ref->field[f].n_values)
			return false;
	return true;
}

static bool slabs_are_right(const struct reference *r, uint64_t limit)
{
	uint64_t n = 0, per = 6 + (uint64_t)r->value_size;
	for (size_t k = 0; k < r->n_slabs; k++) {
		const struct reference_slab *s = &r->slab[k];
		if (s->first != n || s->n > s->width || s->width % 32 || s->width > UINT32_MAX || s->offset % PAGE || s->offset > limit ||
		    s->size > limit - s->offset || s->size != s->width * per * r->n_genes)
			return false;
		n += s->n;
	}
	return n == r->n;
}

static int parse(struct reference *r, struct err *e)
{
	struct trailer t;
	if (r->size < PAGE + sizeof t || memcmp(r->map, mark, sizeof mark))
		return err_set(e, "this is no reference file; make one with reference-build");
	memcpy(&t, r->map + r->size - sizeof t, sizeof t);
	if (memcmp(t.mark, mark, sizeof mark) || t.sum != hash64(&t, offsetof(struct trailer, sum)))
		return err_set(e, "the reference file is cut short: its end is missing");
	if (t.version != VERSION)
		return err_set(e, "a reference file of version %llu; this program reads %d", (unsigned long long)t.version, VERSION);
	if (t.meta_offset % 8 || t.meta_offset > r->size || t.meta_size > r->size || t.meta_offset + t.meta_size + sizeof t != r->size ||
	    hash64(r->map + t.meta_offset, t.meta_size) != t.meta_sum)
		return err_set(e, "the reference file is damaged: the sum of its metadata is wrong");
	struct rest rest = { r->map + t.meta_offset, t.meta_size };
	bool fine = t.n <= UINT32_MAX - 1 && t.n_genes <= INT16_MAX && (t.value_size == 4 || t.value_size == 8) && t.n_slabs <= t.meta_size;
	r->n = fine ? (size_t)t.n : 0;
	r->n_genes = (size_t)t.n_genes;
	r->value_size = (int)t.value_size;
	r->n_slabs = (size_t)t.n_slabs;
	r->digest = t.meta_sum;
	r->slab = fine ? take(&rest, t.n_slabs * sizeof *r->slab) : NULL;
	fine = r->slab && slabs_are_right(r, t.meta_offset);
	size_t count;
	fine = fine && (r->gene = take_texts(&rest, r->n_genes, &count)) && (r->gene_id = take_texts(&rest, r->n_genes, &count)) &&
	       (r->id = take_texts(&rest, r->n, &count));
	for (int f = 0; f < REFERENCE_N_FIELDS && fine; f++)
		fine = take_field(&rest, r, f);
	fine = fine && (r->n_measured = take(&rest, (uint64_t)r->n * 4));
	char **notes = fine ? take_texts(&rest, 1, &count) : NULL;
	r->notes = notes ? json_loads(notes[0], 0, NULL) : NULL;
	mem_free(notes);
	return r->notes ? 0 : err_set(e, "the reference file is damaged: its metadata do not fit together");
}

struct reference *reference_open(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st)) {
		err_system(e, "%s", path);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct reference *r = mem_zero(1, sizeof *r);
	r->name = mem_text(path);
	r->size = (uint64_t)st.st_size;
	void *map = S_ISREG(st.st_mode) && st.st_size > 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	close(fd);
	int status;
	if (map == MAP_FAILED)
		status = S_ISREG(st.st_mode) && st.st_size > 0 ? err_system(e, "it cannot be mapped into memory")
			 : err_set(e, "a reference is a file, made by reference-build, not a pipe or folder");
	else {
		r->map = map;
		status = parse(r, e);
	}
	if (status) {
		err_context(e, "%s", path);
		reference_free(r);
		return NULL;
	}
	return r;
}

void reference_free(struct reference *r)
{
	if (!r)
		return;
	if (r->map)
		munmap((void *)(uintptr_t)r->map, (size_t)r->size);
	for (int f = 0; f < REFERENCE_N_FIELDS; f++)
		mem_free(r->field[f].value);
	mem_free(r->id);
	mem_free(r->gene);
	mem_free(r->gene_id);
	json_decref(r->notes);
	mem_free(r->name);
	mem_free(r);
}

void reference_release(const struct reference *r, size_t slab)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)(r->map + r->slab[slab].offset);
	uintptr_t to = (from + (uintptr_t)r->slab[slab].size) / page * page;
	from = (from + page - 1) / page * page;
	if (from < to)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

int reference_verify(const struct reference *r, int threads, struct err *e)
{
	size_t bad = SIZE_MAX;
#pragma omp parallel for num_threads(threads) schedule(dynamic) reduction(min: bad)
	for (size_t k = 0; k < r->n_slabs; k++) {
		if (hash64(r->map + r->slab[k].offset, r->slab[k].size) != r->slab[k].sum)
			bad = k < bad ? k : bad;
		reference_release(r, k);
	}
	return bad == SIZE_MAX ? 0 : err_set(e, "%s: damaged: the sum of signatures %llu to %llu is wrong", r->name,
					     (unsigned long long)r->slab[bad].first + 1,
					     (unsigned long long)(r->slab[bad].first + r->slab[bad].n));
}

const char *reference_text(const struct reference *r, enum reference_field f, size_t i)
{
	uint32_t code = r->field[f].code[i];
	return code == UINT32_MAX ? NULL : r->field[f].value[code];
}
