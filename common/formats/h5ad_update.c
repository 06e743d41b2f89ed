/*
 * Adds the row columns and matrices of a stream to an h5ad that is there: on a copy beside it, which then
 * takes its place. Everything that is not added or replaced stays as it is.
 */
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/collect.h"
#include "formats/export.h"
#include "formats/h5column.h"
#include "formats/h5put.h"
#include "formats/table.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { COPY = 1 << 22 };

static const uint64_t column_memory = (uint64_t)1 << 27;

struct update {
	const struct pmx_schema *s;
	const struct export_options *o;
	hid_t file;
	struct collected *columns;
	struct names *cells;            /* of the file */
	uint32_t *row;                  /* of the stream, for each cell of the file; UINT32_MAX: not there */
	size_t n_missing, n_added, n_same;
};

static int take_name(void *to, uint64_t i, const char *text, struct err *e)
{
	struct names *names = to;
	bool is_new;
	names_add(names, text, &is_new);
	return is_new ? 0 : err_set(e, "cell '%s' stands there twice (second: place %" PRIu64 "), so rows cannot be matched by name", text, i + 1);
}

/* Matches the cells of the file with the rows of the stream. */
static int match(struct update *u, const char *path, struct err *e)
{
	char *index = h5_frame_index(u->file, "obs", e);
	int64_t n = index ? h5_n_texts(u->file, index, e) : -1;
	u->cells = names_new();
	int status = n < 0 || h5_texts(u->file, index, 0, (uint64_t)n, take_name, u->cells, e);
	mem_free(index);
	if (status)
		return -1;
	const struct pmx_column *name = collect_column(u->columns, pmx_find(u->s, PMX_OBS, u->s->row_names));
	u->row = mem_array(u->cells->n, sizeof *u->row);
	memset(u->row, 0xff, u->cells->n * sizeof *u->row);
	size_t matched = 0, foreign = 0;
	for (uint32_t r = 0; r < name->n; r++) {
		uint32_t k = names_find(u->cells, name->text[r]);
		if (k != NAMES_NONE && u->row[k] != UINT32_MAX)
			return err_set(e, "the stream has the cell '%s' twice, so rows cannot be matched by name", name->text[r]);
		foreign += k == NAMES_NONE;
		matched += k != NAMES_NONE;
		if (k != NAMES_NONE)
			u->row[k] = r;
	}
	if (!matched)
		return err_set(e, "no row of the stream is a cell of %s: the stream has such as '%s', the file '%s'", path,
			       name->n ? name->text[0] : "none", u->cells->n ? u->cells->at[0] : "none");
	u->n_missing = u->cells->n - matched;
	if (u->n_missing)
		export_say(u->o, false, "%zu of %zu cells of %s are not in the stream and get missing values", u->n_missing, u->cells->n, path);
	if (foreign)
		export_say(u->o, false, "%zu of %zu rows of the stream are no cells of %s", foreign, name->n, path);
	return 0;
}

static bool is_number(enum pmx_type type)
{
	return type == PMX_BOOL || type == PMX_I64 || type == PMX_F64;
}

static double number_of(const struct pmx_column *c, size_t i)
{
	return c->type == PMX_BOOL ? c->flag[i] : c->type == PMX_I64 ? (double)c->i64[i] : c->f64[i];
}

static bool same_value(const struct pmx_field *f, const struct pmx_column *a, size_t i, const struct pmx_field *g,
		       const struct pmx_column *b, size_t k)
{
	if (pmx_column_is_missing(a, i) || pmx_column_is_missing(b, k))
		return pmx_column_is_missing(a, i) && pmx_column_is_missing(b, k);
	if (is_number(a->type) && is_number(b->type))
		return number_of(a, i) == number_of(b, k) && (a->type != PMX_I64 || b->type != PMX_I64 || a->i64[i] == b->i64[k]);
	char x[TEXT_F64], y[TEXT_F64];
	return !strcmp(pmx_column_text(f, a, i, x, sizeof x), pmx_column_text(g, b, k, y, sizeof y));
}

/* Does the file hold the column, with equal values in the cells that the stream has? */
static bool is_same(const struct update *u, const char *name, const struct pmx_field *f, const struct pmx_column *c)
{
	const char *what;
	struct err ignored = { 0 };
	struct h5_column *there = h5_column_open(u->file, "obs", name, u->cells->n, false, column_memory, &what, &ignored);
	if (!there)
		return false;
	struct pmx_field g = { .type = h5_column_type(there) };
	g.values = h5_column_take_values(there, &g.ordered);
	struct pmx_column *old = h5_column_rows(there, 0, u->cells->n, &ignored);
	bool same = old != NULL;
	for (size_t i = 0; same && i < u->cells->n; i++)
		same = u->row[i] == UINT32_MAX || same_value(&g, old, i, f, c, u->row[i]);
	pmx_column_free(old);
	names_free(g.values);
	h5_column_free(there);
	return same;
}

/* The same for a matrix in obsm. */
static bool is_same_matrix(const struct update *u, const char *path, const struct pmx_column *c)
{
	struct err ignored = { 0 };
	struct h5_array a = { .dataset = -1 };
	bool same = !h5_array_open(&a, u->file, path, column_memory, 1, &ignored) && a.rank == 2 && a.n_rows == u->cells->n &&
		a.n_cols == c->width;
	for (size_t i = 0; same && i < u->cells->n; i++) {
		const void *p = h5_array_rows(&a, i, 1, &ignored);
		same = p != NULL;
		for (size_t k = 0; same && u->row[i] != UINT32_MAX && k < c->width; k++) {
			double x = number_f64(a.type, p, k), y = c->type == PMX_F32 ? (double)c->f32[u->row[i] * c->width + k]
				: c->f64[u->row[i] * c->width + k];
			same = x == y || (x != x && y != y);
		}
	}
	h5_array_close(&a);
	return same;
}

static int drop(hid_t file, const char *path, struct err *e)
{
	if (h5_kind(file, path) != H5_NOTHING && H5Ldelete(file, path, H5P_DEFAULT) < 0)
		return h5_fail(e, "cannot replace %s", path);
	return 0;
}

static int put(struct update *u, size_t field, struct names *order, struct err *e)
{
	const struct pmx_field *f = &u->s->field[field];
	const struct pmx_column *c = collect_column(u->columns, field);
	char *link = h5_link_name(f->name), *path = mem_print("%s/%s", f->matrix ? "obsm" : "obs", link);
	/* The categories of anndata 0.7 stand beside the columns. */
	char *old = f->matrix ? NULL : mem_print("obs/__categories/%s", link);
	bool there = h5_kind(u->file, path) != H5_NOTHING;
	int status = 0;
	if (there && (f->matrix ? is_same_matrix(u, path, c) : is_same(u, link, f, c))) {
		u->n_same++;
	} else {
		struct pmx_column *picked = column_pick(c, u->row, u->cells->n);
		status = drop(u->file, path, e) || (old && drop(u->file, old, e)) || h5_put_column(u->file, path, f, picked, e) ? -1 : 0;
		pmx_column_free(picked);
		u->n_added++;
		if (!status)
			export_say(u->o, true, "%s %s", path, there ? "replaced" : "added");
		if (!f->matrix)
			names_add(order, link, NULL);
	}
	mem_free(link);
	mem_free(path);
	mem_free(old);
	return status;
}

static int put_all(struct update *u, struct err *e)
{
	struct names *order = h5_frame_columns(u->file, "obs", e);
	if (!order)
		return -1;
	size_t before = order->n;
	int status = 0;
	if (h5_kind(u->file, "obsm") == H5_NOTHING)
		status = h5_put_group(u->file, "obsm", "dict", "0.1.0", e);
	for (size_t i = 0; i < u->s->n_fields && !status; i++) {
		const struct pmx_field *f = &u->s->field[i];
		if (f->class != PMX_OBS || !strcmp(f->name, u->s->row_names))
			continue;
		if (f->matrix && f->type == PMX_U32)
			export_say(u->o, true, "%s is left out: its numbers are places in the stream", f->name);
		else
			status = put(u, i, order, e);
	}
	if (!status && order->n != before)
		status = h5_put_column_order(u->file, "obs", order, e);
	names_free(order);
	return status;
}

static int collect_all(struct update *u, struct pmx_reader *in, struct err *e)
{
	struct pmx_block *b;
	int more;
	u->columns = collect_new(u->s, true);
	collect_want(u->columns, in);
	while ((more = pmx_next(in, &b, e)) > 0) {
		int status = !export_row_names(b, u->s, e) || collect_block(u->columns, b, e);
		pmx_block_free(b);
		if (status)
			return -1;
	}
	return more;
}

static int copy(const char *from, struct file_out *to, struct err *e)
{
	struct file_in *in = file_open(from, e);
	if (!in)
		return -1;
	uint8_t *buffer = mem_array(COPY, 1);
	int64_t n;
	while ((n = file_read(in, buffer, COPY, e)) > 0)
		if (file_write(to, buffer, (size_t)n, e)) {
			n = -1;
			break;
		}
	mem_free(buffer);
	file_close(in);
	return n < 0 ? -1 : 0;
}

static int update_copy(struct update *u, const char *copy_path, const char *path, struct err *e)
{
	hid_t access = h5_access();
	u->file = H5Fopen(copy_path, H5F_ACC_RDWR, access);
	if (u->file < 0)
		h5_fail(e, "cannot read %s: the HDF5 file is truncated, damaged or still being written", path);
	H5Pclose(access);
	if (u->file < 0 || match(u, path, e) || put_all(u, e))
		return -1;
	if (H5Fflush(u->file, H5F_SCOPE_GLOBAL) < 0)
		return h5_fail(e, "cannot finish %s", path);
	hid_t file = u->file;
	u->file = -1;
	return H5Fclose(file) < 0 ? h5_fail(e, "cannot finish %s", path) : 0;
}

int export_update(struct pmx_reader *in, const char *path, const struct export_options *o, struct err *e)
{
	struct update u = { .s = pmx_reader_schema(in), .o = o, .file = -1 };
	struct stat st;
	h5_init();
	/* Through a link: what is replaced is the file, not the link. */
	char *target = realpath(path, NULL);
	if (!target || stat(target, &st)) {
		free(target);
		return err_system(e, "cannot open %s", path);
	}
	int status = 0;
	if (H5Fis_hdf5(target) <= 0)
		status = err_set(e, "%s is no HDF5 file", path);
	H5Eclear2(H5E_DEFAULT);
	struct file_out *file = status || collect_all(&u, in, e) ? NULL : file_create_for_library(target, e);
	if (!file || copy(target, file, e) || update_copy(&u, file_temporary(file), path, e))
		status = -1;
	if (!status && chmod(file_temporary(file), st.st_mode & 07777))
		status = err_system(e, "cannot set the mode of %s", path);
	h5_close(u.file);
	H5Eclear2(H5E_DEFAULT);
	if (!status && u.n_added)
		status = file_commit(file, e);
	else
		file_abandon(file);
	if (!status)
		export_say(o, false, u.n_added ? "%s: columns added or replaced: %zu; there already: %zu" :
			   "%s: nothing to add: all columns are there already", path, u.n_added, u.n_same);
	collect_free(u.columns);
	names_free(u.cells);
	mem_free(u.row);
	free(target);
	return status;
}
