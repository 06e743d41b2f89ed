#include "formats/h5column.h"
#include "base/mem.h"
#include "base/text.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct h5_column {
	enum pmx_type type;
	char *path;                     /* of the texts */
	struct h5_array number;         /* values, or codes */
	struct h5_array mask;           /* true: missing */
	bool has_number, has_mask;
	struct names *values;
	uint32_t *recode;               /* code in the file -> code; NULL: the same */
	size_t n_codes;
	bool ordered;
	struct typed held;              /* all rows, where the type is found from the texts */
	char **text;                    /* what held points at */
	uint64_t n;
};

void h5_column_free(struct h5_column *c)
{
	if (!c)
		return;
	h5_array_close(&c->number);
	h5_array_close(&c->mask);
	typed_free(&c->held);
	for (uint64_t i = 0; c->text && i < c->n; i++)
		mem_free(c->text[i]);
	mem_free(c->text);
	names_free(c->values);
	mem_free(c->recode);
	mem_free(c->path);
	mem_free(c);
}

enum pmx_type h5_column_type(const struct h5_column *c)
{
	return c->type;
}

struct names *h5_column_take_values(struct h5_column *c, bool *ordered)
{
	struct names *values = c->held.values ? c->held.values : c->values;
	*ordered = c->ordered;
	c->held.values = c->values = NULL;
	return values;
}

static char *path_of(const char *frame, const char *name)
{
	return mem_print("%s/%s", frame, name);
}

static int check_length(const struct h5_array *a, uint64_t n, struct err *e)
{
	if (a->rank != 1)
		return err_set(e, "%s has two dimensions, where a column has one", a->name);
	if (a->n_rows != n)
		return err_set(e, "%s has %" PRIu64 " values for %" PRIu64 " rows", a->name, a->n_rows, n);
	return 0;
}

/* Opens an array of n numbers. */
static int open_numbers(struct h5_array *a, hid_t at, const char *path, uint64_t n, uint64_t memory, struct err *e)
{
	return h5_array_open(a, at, path, memory, 1, e) || check_length(a, n, e) ? -1 : 0;
}

static bool is_text(hid_t at, const char *path)
{
	hid_t dataset = H5Dopen2(at, path, H5P_DEFAULT);
	if (dataset < 0)
		return false;
	hid_t type = H5Dget_type(dataset);
	bool text = H5Tget_class(type) == H5T_STRING;
	H5Tclose(type);
	H5Dclose(dataset);
	return text;
}

static int check_number(const char *path, uint64_t found, uint64_t needed, struct err *e)
{
	if (needed == UINT64_MAX ? found < UINT32_MAX : found == needed)
		return 0;
	return err_set(e, "%s has %" PRIu64 " values for %" PRIu64 " rows", path, found, needed == UINT64_MAX ? UINT32_MAX : needed);
}

struct collector {
	char **text;
	uint64_t n;
};

static int collect(void *to, uint64_t i, const char *text, struct err *e)
{
	struct collector *c = to;
	(void)e;
	c->text[i] = mem_text(text);
	return 0;
}

static void number_text(enum number type, bool truth, const void *p, size_t i, char *out)
{
	if (truth)
		snprintf(out, TEXT_F64, "%s", number_i64(type, p, i) ? "True" : "False");
	else if (number_is_float(type))
		text_put_f64(out, number_f64(type, p, i));
	else if (type == NUMBER_U64)
		snprintf(out, TEXT_F64, "%" PRIu64, ((const uint64_t *)p)[i]);
	else
		snprintf(out, TEXT_F64, "%" PRId64, number_i64(type, p, i));
}

/* All values of a dataset of numbers or texts as texts; NULL on failure, also when they are not `needed` many (UINT64_MAX:
 * any number). The caller frees each of them. */
static char **read_as_text(hid_t at, const char *path, uint64_t needed, uint64_t *n, uint64_t memory, struct err *e)
{
	struct collector c = { 0 };
	if (is_text(at, path)) {
		int64_t found = h5_n_texts(at, path, e);
		if (found < 0 || check_number(path, (uint64_t)found, needed, e))
			return NULL;
		*n = (uint64_t)found;
		c.text = mem_zero(*n, sizeof *c.text);
		if (!h5_texts(at, path, 0, *n, collect, &c, e))
			return c.text;
	} else {
		struct h5_array a;
		if (!h5_array_open(&a, at, path, memory, 1, e) && !check_length(&a, a.n_rows, e) && !check_number(path, a.n_rows, needed, e) &&
		    !h5_check_storage(a.dataset, a.n_rows, path, e)) {
			*n = a.n_rows;
			const void *p = h5_array_rows(&a, 0, *n, e);
			c.text = p ? mem_zero(*n, sizeof *c.text) : NULL;
			for (uint64_t i = 0; p && i < *n; i++) {
				char text[TEXT_F64];
				number_text(a.type, a.truth, p, i, text);
				c.text[i] = mem_text(text);
			}
		}
		h5_array_close(&a);
		return c.text;
	}
	for (uint64_t i = 0; i < *n; i++)
		mem_free(c.text[i]);
	mem_free(c.text);
	return NULL;
}

/* The dictionary in the file's own order; two categories of one text become one label. */
static int read_categories(struct h5_column *c, hid_t at, const char *path, uint64_t memory, struct err *e)
{
	uint64_t n;
	char **text = read_as_text(at, path, UINT64_MAX, &n, memory, e);
	if (!text)
		return err_set(e, "cannot read the categories %s", path);
	c->values = names_new();
	c->recode = mem_array(n, sizeof *c->recode);
	c->n_codes = (size_t)n;
	for (uint64_t i = 0; i < n; i++) {
		c->recode[i] = names_add(c->values, text[i], NULL);
		mem_free(text[i]);
	}
	mem_free(text);
	return 0;
}

static int open_categorical(struct h5_column *c, hid_t at, const char *codes, const char *categories, uint64_t n, uint64_t memory,
			    struct err *e)
{
	c->type = PMX_CATEGORY;
	c->has_number = true;
	if (open_numbers(&c->number, at, codes, n, memory, e) || read_categories(c, at, categories, memory, e))
		return -1;
	return number_is_float(c->number.type) ? err_set(e, "%s: the codes are no whole numbers", codes) : 0;
}

/* Texts whose type is not known before all are read; the mask says which are missing. */
static int hold_texts(struct h5_column *c, hid_t at, const char *path, uint64_t n, bool as_labels, uint64_t memory, struct err *e)
{
	uint64_t found;
	c->n = n;
	c->text = read_as_text(at, path, n, &found, memory, e);
	if (!c->text)
		return err_set(e, "cannot read %s", path);
	const void *missing = c->has_mask ? h5_array_rows(&c->mask, 0, n, e) : NULL;
	if (c->has_mask && !missing)
		return -1;
	for (uint64_t i = 0; missing && i < n; i++)
		if (number_f64(c->mask.type, missing, i) != 0) {
			mem_free(c->text[i]);
			c->text[i] = NULL;
		}
	/* Texts stay texts, even if they look like numbers: whoever wrote them had a reason. */
	bool text = is_text(at, path);
	typed_from_text(&c->held, (const char *const *)c->text, n,
			(text ? TYPED_VERBATIM : 0u) | (as_labels ? TYPED_LABELS : 0u));
	c->type = c->held.type;
	return 0;
}

static int open_plain(struct h5_column *c, hid_t at, const char *path, uint64_t n, bool as_labels, uint64_t memory, struct err *e)
{
	if (as_labels || is_text(at, path))
		return hold_texts(c, at, path, n, as_labels, memory, e);
	c->has_number = true;
	if (open_numbers(&c->number, at, path, n, memory, e))
		return -1;
	c->type = c->number.truth ? PMX_BOOL : number_is_float(c->number.type) ? PMX_F64 : PMX_I64;
	return 0;
}

static int open_masked(struct h5_column *c, hid_t at, const char *values, const char *mask, uint64_t n, bool as_labels,
		       uint64_t memory, struct err *e)
{
	c->has_mask = true;
	return open_numbers(&c->mask, at, mask, n, memory, e) || open_plain(c, at, values, n, as_labels, memory, e) ? -1 : 0;
}

/* A categorical as labels is labels already; of another kind it is read as text. */
static int open_group(struct h5_column *c, hid_t at, const char *path, uint64_t n, bool as_labels, uint64_t memory,
		      const char **what, struct err *e)
{
	char *codes = path_of(path, "codes"), *categories = path_of(path, "categories");
	char *values = path_of(path, "values"), *mask = path_of(path, "mask");
	int status = 0;
	if (h5_kind(at, codes) == H5_DATASET && h5_kind(at, categories) == H5_DATASET) {
		c->ordered = h5_true_attribute(at, path, "ordered");
		status = open_categorical(c, at, codes, categories, n, memory, e);
	} else if (h5_kind(at, codes) == H5_DATASET && h5_kind(at, categories) == H5_GROUP) {
		/* anndata 0.13 writes the categories as a nullable array, without missing values. */
		char *inner = path_of(categories, "values");
		c->ordered = h5_true_attribute(at, path, "ordered");
		status = open_categorical(c, at, codes, inner, n, memory, e);
		mem_free(inner);
	} else if (h5_kind(at, values) == H5_DATASET && h5_kind(at, mask) == H5_DATASET) {
		status = open_masked(c, at, values, mask, n, as_labels, memory, e);
	} else {
		*what = "a group of another kind";
	}
	mem_free(codes);
	mem_free(categories);
	mem_free(values);
	mem_free(mask);
	return status;
}

static bool has_other_type(hid_t at, const char *path)
{
	hid_t dataset = H5Dopen2(at, path, H5P_DEFAULT);
	if (dataset < 0)
		return false;
	hid_t type = H5Dget_type(dataset);
	H5T_class_t class = H5Tget_class(type);
	bool other = class != H5T_INTEGER && class != H5T_FLOAT && class != H5T_STRING && class != H5T_ENUM;
	H5Tclose(type);
	H5Dclose(dataset);
	return other;
}

struct h5_column *h5_column_open(hid_t at, const char *frame, const char *name, uint64_t n, bool as_labels, uint64_t memory,
				 const char **what, struct err *e)
{
	struct h5_column *c = mem_zero(1, sizeof *c);
	char *path = path_of(frame, name), *old = mem_print("%s/__categories/%s", frame, name);
	enum h5_kind kind = h5_kind(at, path);
	*what = NULL;
	c->number.dataset = c->mask.dataset = -1;
	int status = 0;
	if (kind == H5_NOTHING) {
		status = err_set(e, "%s is listed as a column, but is not there", path);
	} else if (kind == H5_GROUP) {
		status = open_group(c, at, path, n, as_labels, memory, what, e);
	} else if (h5_kind(at, old) == H5_DATASET) {
		c->ordered = h5_true_attribute(at, old, "ordered");
		status = open_categorical(c, at, path, old, n, memory, e);
	} else if (has_other_type(at, path)) {
		*what = "an array of another type";
	} else {
		status = open_plain(c, at, path, n, as_labels, memory, e);
	}
	mem_free(path);
	mem_free(old);
	if (!status && !*what)
		return c;
	h5_column_free(c);
	return NULL;
}

static int take_value(const struct h5_column *c, struct pmx_column *out, const void *p, size_t i, struct err *e)
{
	int64_t k = number_is_float(c->number.type) ? 0 : number_i64(c->number.type, p, i);
	switch (c->type) {
	case PMX_CATEGORY:
		if (k < 0) {
			out->u32[i] = PMX_MISSING_CODE;
			return k == -1 ? 0 : err_set(e, "%s: code %" PRId64 " is no category", c->number.name, k);
		}
		if ((uint64_t)k >= c->n_codes)
			return err_set(e, "%s: code %" PRId64 ", but there are %zu categories", c->number.name, k, c->n_codes);
		out->u32[i] = c->recode[k];
		return 0;
	case PMX_BOOL: out->flag[i] = k != 0; return 0;
	case PMX_I64:
		out->i64[i] = k;
		return c->number.type == NUMBER_U64 && k < 0 ? err_set(e, "%s holds whole numbers beyond 2^63", c->number.name) : 0;
	default: out->f64[i] = number_f64(c->number.type, p, i); return 0;
	}
}

static void set_missing(struct pmx_column *out, size_t i)
{
	if (out->type == PMX_BOOL)
		out->flag[i] = PMX_MISSING_BOOL;
	else if (out->type == PMX_I64)
		out->i64[i] = PMX_MISSING_I64;
	else
		out->f64[i] = NAN;
}

struct pmx_column *h5_column_rows(struct h5_column *c, uint64_t first, size_t n, struct err *e)
{
	struct pmx_column *out = pmx_column_new(c->type, n, 1);
	if (c->held.column) {
		size_t size = c->type == PMX_TEXT ? sizeof *out->text : sizeof *out->u32;
		memcpy(out->flag, c->held.column->flag + first * size, n * size);
		return out;
	}
	const void *p = h5_array_rows(&c->number, first, n, e);
	const void *missing = p && c->has_mask ? h5_array_rows(&c->mask, first, n, e) : NULL;
	bool failed = !p || (c->has_mask && !missing);
	for (size_t i = 0; i < n && !failed; i++) {
		failed = take_value(c, out, p, i, e);
		if (missing && number_f64(c->mask.type, missing, i) != 0)
			set_missing(out, i);
	}
	if (!failed)
		return out;
	pmx_column_free(out);
	return NULL;
}

char *h5_frame_index(hid_t at, const char *frame, struct err *e)
{
	if (h5_kind(at, frame) == H5_DATASET) {
		err_set(e, "%s is a compound table, as anndata before 0.7 wrote it; open and save the file with a newer anndata "
			"(anndata.read_h5ad(FILE).write_h5ad(NEW))", frame);
		return NULL;
	}
	if (h5_kind(at, frame) != H5_GROUP) {
		err_set(e, "there is no group %s", frame);
		return NULL;
	}
	char *name = h5_text_attribute(at, frame, "_index");
	char *path = path_of(frame, name ? name : "_index");
	if (!name && h5_kind(at, path) == H5_NOTHING) {
		mem_free(path);
		path = path_of(frame, "index");
	}
	mem_free(name);
	/* A nullable string array is a group. */
	if (h5_kind(at, path) == H5_GROUP) {
		char *values = path_of(path, "values");
		mem_free(path);
		path = values;
	}
	if (h5_kind(at, path) != H5_DATASET) {
		err_set(e, "%s, which holds the names of the rows of %s, is not there", path, frame);
		mem_free(path);
		return NULL;
	}
	return path;
}

static struct names *column_order(hid_t at, const char *frame)
{
	if (H5Aexists_by_name(at, frame, "column-order", H5P_DEFAULT) <= 0)
		return NULL;
	hid_t id = H5Aopen_by_name(at, frame, "column-order", H5P_DEFAULT, H5P_DEFAULT);
	if (id < 0)
		return NULL;
	struct names *names = NULL;
	hid_t type = H5Aget_type(id), space = H5Aget_space(id);
	hssize_t n = H5Sget_simple_extent_npoints(space);
	if (n == 0) {
		names = names_new();
	} else if (n > 0 && n < 1000000 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0) {
		char **text = mem_zero((size_t)n, sizeof *text);
		hid_t memory = H5Tcopy(H5T_C_S1);
		H5Tset_size(memory, H5T_VARIABLE);
		H5Tset_cset(memory, H5Tget_cset(type));
		if (H5Aread(id, memory, text) >= 0) {
			names = names_new();
			for (hssize_t i = 0; i < n; i++)
				if (text[i] && text_utf8(text[i], strlen(text[i])))
					names_add(names, text[i], NULL);
			H5Dvlen_reclaim(memory, space, H5P_DEFAULT, text);
		}
		H5Tclose(memory);
		mem_free(text);
	}
	H5Sclose(space);
	H5Tclose(type);
	H5Aclose(id);
	H5Eclear2(H5E_DEFAULT);
	return names;
}

struct names *h5_frame_columns(hid_t at, const char *frame, struct err *e)
{
	struct names *order = column_order(at, frame);
	if (order)
		return order;
	/* Without the attribute: every member but the index and the old categories. */
	struct names *all = h5_children(at, frame, e);
	if (!all)
		return NULL;
	struct names *out = names_new();
	char *index = h5_text_attribute(at, frame, "_index");
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->at[i], index ? index : "_index") && strcmp(all->at[i], "__categories"))
			names_add(out, all->at[i], NULL);
	mem_free(index);
	names_free(all);
	return out;
}
