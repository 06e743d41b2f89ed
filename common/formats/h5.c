/* Files, groups, attributes and texts of HDF5. */
#include "formats/h5.h"
#include "base/mem.h"
#include "base/text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MANY_TEXTS = 4096, TEXT_BYTES = 1 << 24, LONGEST_FIXED = 1 << 16, REASON = 500 };

static const uint64_t largest_chunk = (uint64_t)1 << 29;

/* A walk downward ends at the innermost entry, the nearest to the cause. */
static herr_t innermost(unsigned n, const H5E_error2_t *entry, void *to)
{
	(void)n;
	snprintf(to, REASON, "%s", entry->desc ? entry->desc : "");
	return 0;
}

/* Of a failed system call HDF5 tells times and addresses; the system's own words are enough. */
static void shorten(char *reason)
{
	static const char mark[] = "error message = '";
	char *words = strstr(reason, mark);
	if (words) {
		memmove(reason, words + sizeof mark - 1, strlen(words + sizeof mark - 1) + 1);
		reason[strcspn(reason, "'")] = 0;
	}
	reason[strcspn(reason, "\n")] = 0;
}

int h5_fail(struct err *e, const char *fmt, ...)
{
	if (e->set)
		return -1;
	char reason[REASON] = "";
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	e->set = true;
	H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, innermost, reason);
	H5Eclear2(H5E_DEFAULT);
	shorten(reason);
	size_t n = strlen(e->text);
	if (*reason)
		snprintf(e->text + n, sizeof e->text - n, " (HDF5: %s)", reason);
	return -1;
}

hid_t h5_access(void)
{
	hid_t access = H5Pcreate(H5P_FILE_ACCESS);
	H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 12, 1) || (H5_VERS_MINOR == 10 && H5_VERS_RELEASE >= 7)
	/* Readers and private copies need no lock, and network file systems often have none to give. */
	H5Pset_file_locking(access, false, true);
#endif
	return access;
}

/*
 * The end of the file as its superblock has it, 0 where that cannot be told: version 0 and 1 keep it in the
 * third address after 24 (28) bytes, 2 and 3 in the third after 12 (HDF5 File Format Specification, II.A).
 */
static uint64_t expected_size(const char *path)
{
	uint8_t head[64] = { 0 };
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(head, 1, sizeof head, f) : 0;
	if (f)
		fclose(f);
	if (n < sizeof head || memcmp(head, H5_SIGNATURE, 8) || head[8] > 3 || head[head[8] < 2 ? 13 : 9] != 8)
		return 0;
	const uint8_t *at = head + (head[8] == 0 ? 24 : head[8] == 1 ? 28 : 12) + 16;
	uint64_t size = 0;
	for (int i = 7; i >= 0; i--)
		size = size << 8 | at[i];
	return size;
}

hid_t h5_open(const char *path, struct err *e)
{
	struct stat st;
	h5_init();
	if (stat(path, &st))
		return err_system(e, "cannot open %s", path);
	hid_t access = h5_access();
	hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
	uint64_t expected = file < 0 ? expected_size(path) : 0;
	if (expected > (uint64_t)st.st_size)
		h5_fail(e, "cannot read %s: the file is truncated, it has %llu bytes where its own header expects %llu; did a download "
			"stop early? Fetch it again and check its sum", path, (unsigned long long)st.st_size, (unsigned long long)expected);
	else if (file < 0)
		h5_fail(e, "cannot read %s: the HDF5 file is truncated, damaged or still being written", path);
	H5Pclose(access);
	return file;
}

void h5_close(hid_t file)
{
	if (file >= 0)
		H5Fclose(file);
}

enum h5_kind h5_kind(hid_t at, const char *path)
{
	enum h5_kind kind = H5_NOTHING;
	hid_t id = H5Oopen(at, path, H5P_DEFAULT);
	if (id >= 0) {
		H5I_type_t type = H5Iget_type(id);
		kind = type == H5I_GROUP ? H5_GROUP : type == H5I_DATASET ? H5_DATASET : H5_NOTHING;
		H5Oclose(id);
	}
	H5Eclear2(H5E_DEFAULT);
	return kind;
}

struct names *h5_children(hid_t at, const char *path, struct err *e)
{
	hid_t group = H5Gopen2(at, path, H5P_DEFAULT);
	H5G_info_t info;
	if (group < 0 || H5Gget_info(group, &info) < 0) {
		h5_fail(e, "cannot read the group %s", path);
		return NULL;
	}
	struct names *names = names_new();
	for (hsize_t i = 0; i < info.nlinks; i++) {
		ssize_t n = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, NULL, 0, H5P_DEFAULT);
		char *name = n < 0 ? NULL : mem_array((size_t)n + 1, 1);
		if (!name || H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, (size_t)n + 1, H5P_DEFAULT) < 0) {
			h5_fail(e, "cannot list the group %s", path);
			mem_free(name);
			names_free(names);
			H5Gclose(group);
			return NULL;
		}
		names_add(names, name, NULL);
		mem_free(name);
	}
	H5Gclose(group);
	return names;
}

static hid_t open_attribute(hid_t at, const char *object, const char *name)
{
	hid_t id = -1;
	if (H5Aexists_by_name(at, object, name, H5P_DEFAULT) > 0)
		id = H5Aopen_by_name(at, object, name, H5P_DEFAULT, H5P_DEFAULT);
	H5Eclear2(H5E_DEFAULT);
	return id;
}

char *h5_text_attribute(hid_t at, const char *object, const char *name)
{
	hid_t id = open_attribute(at, object, name);
	if (id < 0)
		return NULL;
	char *out = NULL;
	hid_t type = H5Aget_type(id), space = H5Aget_space(id);
	if (H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1) {
		hid_t memory = H5Tcopy(H5T_C_S1);
		H5Tset_cset(memory, H5Tget_cset(type));
		if (H5Tis_variable_str(type) > 0) {
			char *text = NULL;
			H5Tset_size(memory, H5T_VARIABLE);
			if (H5Aread(id, memory, &text) >= 0 && text)
				out = mem_text(text);
			H5free_memory(text);
		} else {
			size_t size = H5Tget_size(type);
			H5Tset_size(memory, size + 1);
			if (size <= LONGEST_FIXED)
				out = mem_zero(size + 1, 1);
			if (out && H5Aread(id, memory, out) < 0)
				out[0] = 0;
		}
		H5Tclose(memory);
	}
	H5Sclose(space);
	H5Tclose(type);
	H5Aclose(id);
	H5Eclear2(H5E_DEFAULT);
	return out;
}

bool h5_whole_attribute(hid_t at, const char *object, const char *name, int64_t *out, size_t n)
{
	hid_t id = open_attribute(at, object, name);
	if (id < 0)
		return false;
	hid_t type = H5Aget_type(id), space = H5Aget_space(id);
	bool good = H5Tget_class(type) == H5T_INTEGER && H5Sget_simple_extent_npoints(space) == (hssize_t)n &&
		H5Aread(id, H5T_NATIVE_INT64, out) >= 0;
	H5Sclose(space);
	H5Tclose(type);
	H5Aclose(id);
	H5Eclear2(H5E_DEFAULT);
	return good;
}

bool h5_true_attribute(hid_t at, const char *object, const char *name)
{
	hid_t id = open_attribute(at, object, name);
	if (id < 0)
		return false;
	int8_t value = 0;
	hid_t type = H5Aget_type(id), space = H5Aget_space(id);
	bool scalar = H5Sget_simple_extent_npoints(space) == 1;
	if (scalar && H5Tget_class(type) == H5T_ENUM && H5Tget_size(type) == 1)
		H5Aread(id, type, &value);
	else if (scalar && H5Tget_class(type) == H5T_INTEGER)
		H5Aread(id, H5T_NATIVE_INT8, &value);
	H5Sclose(space);
	H5Tclose(type);
	H5Aclose(id);
	H5Eclear2(H5E_DEFAULT);
	return value != 0;
}

/* HDF5 asks for a whole chunk, however little of it is there. */
static int check_chunk(hid_t dataset, size_t size, const char *path, struct err *e)
{
	hid_t creation = H5Dget_create_plist(dataset);
	hsize_t rows = 0;
	bool large = H5Pget_layout(creation) == H5D_CHUNKED && H5Pget_chunk(creation, 1, &rows) == 1 && rows > largest_chunk / size;
	H5Pclose(creation);
	return large ? err_set(e, "%s comes in chunks of more than %llu MiB", path, (unsigned long long)largest_chunk >> 20) : 0;
}

int64_t h5_n_texts(hid_t at, const char *path, struct err *e)
{
	hid_t dataset = H5Dopen2(at, path, H5P_DEFAULT);
	if (dataset < 0)
		return h5_fail(e, "cannot read %s", path);
	hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
	int64_t n = -1;
	if (H5Tget_class(type) != H5T_STRING || H5Sget_simple_extent_ndims(space) != 1)
		err_set(e, "%s is no list of texts", path);
	else
		n = H5Sget_simple_extent_npoints(space);
	size_t size = H5Tget_size(type);
	if (n > 0 && (n > INT64_MAX / (int64_t)LONGEST_FIXED || size > LONGEST_FIXED || check_chunk(dataset, size, path, e) ||
		      h5_check_storage(dataset, (uint64_t)n * size, path, e)))
		n = err_set(e, "%s holds more or longer texts than can be read", path);
	H5Sclose(space);
	H5Tclose(type);
	H5Dclose(dataset);
	return n;
}

struct texts {
	hid_t dataset, type, memory, space, rows;
	bool variable;
	size_t size;
	char **pointer;
	char *fixed;
	uint64_t *n_latin1;             /* NULL: UTF-8 only */
	char *decoded;
	size_t decoded_cap;
};

static const char *decode(struct texts *t, const char *s)
{
	size_t n = strlen(s);
	mem_room(&t->decoded, &t->decoded_cap, 2 * n + 1, 1);
	text_from_latin1(t->decoded, s, n);
	++*t->n_latin1;
	return t->decoded;
}

static int take_run(struct texts *t, const char *path, uint64_t first, hsize_t n,
		    int (*take)(void *to, uint64_t i, const char *text, struct err *e), void *to, struct err *e)
{
	hsize_t start = first;
	H5Sselect_hyperslab(t->space, H5S_SELECT_SET, &start, NULL, &n, NULL);
	H5Sset_extent_simple(t->rows, 1, &n, NULL);
	if (H5Dread(t->dataset, t->memory, t->rows, t->space, H5P_DEFAULT, t->variable ? (void *)t->pointer : t->fixed) < 0)
		return h5_fail(e, "cannot read the texts of %s", path);
	int status = 0;
	for (hsize_t i = 0; i < n && !status; i++) {
		const char *s = t->variable ? t->pointer[i] : t->fixed + i * t->size;
		if (!s)
			s = "";
		if (t->n_latin1 && !text_utf8(s, strlen(s)))
			s = decode(t, s);
		if (!text_utf8(s, strlen(s)))
			status = err_set(e, "%s: text %llu is not UTF-8", path, (unsigned long long)(first + i));
		else
			status = take(to, first + i, s, e);
	}
	if (t->variable)
		H5Dvlen_reclaim(t->memory, t->rows, H5P_DEFAULT, t->pointer);
	return status;
}

int h5_texts_latin1(hid_t at, const char *path, uint64_t first, uint64_t n, uint64_t *n_latin1,
	     	     int (*take)(void *to, uint64_t i, const char *text, struct err *e), void *to, struct err *e)
{
	int64_t all = h5_n_texts(at, path, e);
	if (all < 0)
		return -1;
	if (first > (uint64_t)all || n > (uint64_t)all - first)
		return err_set(e, "%s holds %lld texts where %llu are needed", path, (long long)all, (unsigned long long)(first + n));
	struct texts t = { .dataset = H5Dopen2(at, path, H5P_DEFAULT), .n_latin1 = n_latin1 };
	t.type = H5Dget_type(t.dataset);
	t.space = H5Dget_space(t.dataset);
	t.memory = H5Tcopy(H5T_C_S1);
	H5Tset_cset(t.memory, H5Tget_cset(t.type));
	t.variable = H5Tis_variable_str(t.type) > 0;
	/* One byte more than stored, for the NUL. */
	t.size = t.variable ? sizeof(char *) : H5Tget_size(t.type) + 1;
	H5Tset_size(t.memory, t.variable ? H5T_VARIABLE : t.size);
	uint64_t most = TEXT_BYTES / t.size < MANY_TEXTS ? TEXT_BYTES / t.size : MANY_TEXTS, step = n < most ? n : most;
	hsize_t one = step ? step : 1;
	t.rows = H5Screate_simple(1, &one, NULL);
	if (t.variable)
		t.pointer = mem_zero(step, sizeof *t.pointer);
	else if (!e->set)
		t.fixed = mem_zero(step, t.size);
	hid_t creation = H5Dget_create_plist(t.dataset);
	h5_pipeline_free(h5_pipeline_of(creation, 1, path, e));
	H5Pclose(creation);
	int status = e->set ? -1 : 0;
	for (uint64_t i = 0; i < n && !status; i += step)
		status = take_run(&t, path, first + i, step < n - i ? step : n - i, take, to, e);
	H5Sclose(t.rows);
	H5Sclose(t.space);
	H5Tclose(t.memory);
	H5Tclose(t.type);
	H5Dclose(t.dataset);
	mem_free(t.pointer);
	mem_free(t.fixed);
	mem_free(t.decoded);
	return status;
}

int h5_texts(hid_t at, const char *path, uint64_t first, uint64_t n,
	     int (*take)(void *to, uint64_t i, const char *text, struct err *e), void *to, struct err *e)
{
	return h5_texts_latin1(at, path, first, n, NULL, take, to, e);
}
