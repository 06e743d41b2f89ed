#include "formats/import.h"
#include "base/file.h"
#include "base/mem.h"
#include "formats/feed.h"
#include "formats/h5.h"
#include "formats/rows.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { HEAD = 1 << 16, RUN_BYTES = 24 << 20 };

/* A further format is one more entry: recognised from content, tried in this order. */
static const struct format *const formats[] = { &format_tenx_folder, &format_gctx, &format_h5mu, &format_h5ad, &format_tenx_h5,
	&format_market, &format_gct, &format_long, &format_gmt, &format_wide };

const char *import_format_name(size_t i)
{
	return i < sizeof formats / sizeof *formats ? formats[i]->name : NULL;
}

void import_say(const struct import *im, bool detail, const char *fmt, ...)
{
	char text[1500];
	va_list ap;
	if (!im->o->say)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	im->o->say(im->o->to, detail, text);
}

const char *import_row_word(const struct import *im)
{
	return im->kind == PMX_SIGNATURES ? "signature" : "cell";
}

void import_say_latin1(const struct import *im, const char *name, uint64_t n)
{
	if (n)
		import_say(im, false, "%s: %" PRIu64 " texts were not UTF-8 and were read as Latin-1, such as a micro sign", name, n);
}

void name_list_add(struct name_list *l, const char *name)
{
	mem_room(&l->at, &l->cap, l->n + 1, sizeof *l->at);
	l->at[l->n++] = mem_text(name);
}

void name_list_free(struct name_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		mem_free(l->at[i]);
	mem_free(l->at);
	*l = (struct name_list){ 0 };
}

static int refuse_twice(const struct name_list *l, size_t second, const char *what, struct err *e)
{
	size_t first = 0;
	while (strcmp(l->at[first], l->at[second]))
		first++;
	return err_set(e, "%s '%s' stands at places %zu and %zu; names must differ: pmx-import --make-unique numbers them (NAME.1)", what,
		       l->at[second], first + 1, second + 1);
}

struct names *import_unique(const struct import *im, const struct name_list *l, const char *what, bool number, struct err *e)
{
	struct names *all = names_new(), *out = number ? names_new() : all;
	size_t n_numbered = 0;
	const char *example = NULL;
	for (size_t i = 0; i < l->n; i++) {
		bool is_new;
		names_add(all, l->at[i], &is_new);
		if (!is_new && !number) {
			refuse_twice(l, i, what, e);
			names_free(all);
			return NULL;
		}
	}
	for (size_t i = 0; number && i < l->n; i++) {
		bool is_new;
		names_add(out, l->at[i], &is_new);
		/* A numbered name must differ from every name that the file has. */
		for (uint32_t k = 1; !is_new; k++) {
			char *name = mem_print("%s.%" PRIu32, l->at[i], k);
			if (names_find(all, name) == NAMES_NONE) {
				names_add(out, name, &is_new);
				n_numbered += is_new;
				example = is_new && !example ? l->at[i] : example;
			}
			mem_free(name);
		}
	}
	if (n_numbered)
		import_say(im, false, "%zu %ss had the name of another and were numbered, such as %s.1", n_numbered, what, example);
	if (out != all)
		names_free(all);
	return out;
}

static struct feed *feed_of(struct import *im, size_t field)
{
	mem_room(&im->feed, &im->feed_cap, field + 1, sizeof *im->feed);
	im->feed[field] = (struct feed){ 0 };
	return &im->feed[field];
}

static void feed_free(struct feed *f)
{
	if (f->free)
		f->free(f->state);
	sparse_run_free(&f->run);
	pmx_column_free(f->column);
}

static void drop_field(struct import *im, size_t field)
{
	feed_free(&im->feed[field]);
	pmx_drop_field(im->schema, field);
	memmove(&im->feed[field], &im->feed[field + 1], (im->schema->n_fields - field) * sizeof *im->feed);
}

struct feed *import_add_obs(struct import *im, const char *name, enum pmx_type type)
{
	size_t old = pmx_find(im->schema, PMX_OBS, name);
	if (old != PMX_NO_FIELD)
		drop_field(im, old);
	pmx_add_obs(im->schema, name, type);
	return feed_of(im, im->schema->n_fields - 1);
}

void import_put_obs(struct import *im, const char *name, struct typed *t)
{
	import_add_obs(im, name, t->type)->column = t->column;
	struct pmx_field *f = &im->schema->field[im->schema->n_fields - 1];
	if (t->values) {
		names_free(f->values);
		f->values = t->values;
		f->ordered = t->ordered;
	}
	*t = (struct typed){ 0 };
}

struct feed *import_add_obsm(struct import *im, const char *name, enum pmx_type type, uint32_t width)
{
	pmx_add_obsm(im->schema, name, type, width);
	return feed_of(im, im->schema->n_fields - 1);
}

struct feed *import_add_layer(struct import *im, const char *name, enum pmx_type type, enum pmx_storage storage)
{
	pmx_add_layer(im->schema, name, type, storage);
	return feed_of(im, im->schema->n_fields - 1);
}

bool import_is_label(const struct import *im, const char *column)
{
	for (size_t i = 0; i < im->o->n_labels; i++)
		if (!strcmp(im->o->label[i], column))
			return true;
	return false;
}

/* Clears keep[i] of the genes that --genes does not name. */
static int keep_genes(struct import *im, bool *keep, struct err *e)
{
	struct table *t = table_read(im->o->genes, im->o->memory, e);
	if (!t)
		return -1;
	size_t n = im->columns->n, kept = 0, missing = 0;
	const char *example = NULL;
	bool *wanted = mem_zero(n, sizeof *wanted);
	/* A list has no header: its first line is a gene as well. */
	for (size_t i = 0; i <= t->n_rows; i++) {
		const char *gene = i ? t->field[(i - 1) * t->n_columns] : t->head[0];
		uint32_t k = names_find(im->columns, gene);
		if (k != NAMES_NONE) {
			kept += !wanted[k];
			wanted[k] = true;
		} else if (i) {
			missing++;
			example = example ? example : gene;
		}
	}
	int status = 0;
	if (!kept)
		status = err_set(e, "no gene of %s is in the matrix; it has such as %s", t->name, n ? im->columns->at[0] : "none");
	else if (missing)
		import_say(im, false, "%zu names of %s are not in the matrix, such as %s", missing, t->name, example);
	for (size_t i = 0; i < n; i++)
		keep[i] = keep[i] && wanted[i];
	mem_free(wanted);
	table_free(t);
	return status;
}

/* im->map; genes of which none is left are a failure. */
static int make_map(struct import *im, const bool *keep, struct err *e)
{
	size_t n = im->columns->n, k = 0;
	im->map = mem_array(n, sizeof *im->map);
	for (size_t i = 0; i < n; i++)
		im->map[i] = keep[i] ? (uint32_t)k++ : UINT32_MAX;
	if (!k && n)
		return err_set(e, "no gene is left after --genes and --feature-type");
	if (k == n) {
		mem_free(im->map);
		im->map = NULL;
	}
	return 0;
}

int import_set_columns(struct import *im, struct names *columns, const bool *keep, struct err *e)
{
	im->columns = columns;
	if (columns->n > PMX_MAX_COLUMNS)
		return err_set(e, "%zu columns are more than a stream holds (%u)", columns->n, PMX_MAX_COLUMNS);
	for (size_t i = 0; i < columns->n; i++)
		if (!*columns->at[i])
			return err_set(e, "gene %zu has an empty name", i + 1);
	bool *kept_ones = mem_array(columns->n, sizeof *kept_ones);
	for (size_t i = 0; i < columns->n; i++)
		kept_ones[i] = !keep || keep[i];
	int status = (im->o->genes && keep_genes(im, kept_ones, e)) || make_map(im, kept_ones, e) ? -1 : 0;
	mem_free(kept_ones);
	if (status)
		return -1;
	struct names *kept = names_new();
	for (size_t i = 0; i < columns->n; i++)
		if (!im->map || im->map[i] != UINT32_MAX)
			names_add(kept, columns->at[i], NULL);
	im->schema = pmx_schema_new(im->kind, kept->n);
	pmx_set_column_names(im->schema, "gene", kept);
	feed_of(im, 0);
	names_free(kept);
	return 0;
}

void import_add_var(struct import *im, const char *name, struct typed *t)
{
	struct pmx_schema *s = im->schema;
	size_t old = pmx_find(s, PMX_VAR, name);
	if (old != PMX_NO_FIELD && strcmp(name, s->column_names))
		drop_field(im, old);
	uint32_t *row = mem_array(im->columns->n, sizeof *row);
	size_t n = 0;
	for (size_t i = 0; i < im->columns->n; i++)
		if (!im->map || im->map[i] != UINT32_MAX)
			row[n++] = (uint32_t)i;
	struct pmx_column *picked = column_pick(t->column, row, n);
	/* The names of the genes are called gene: a column of that name makes room. */
	struct pmx_field *f = pmx_add_var(s, strcmp(name, s->column_names) ? name : "gene_column", picked);
	if (t->values) {
		names_free(f->values);
		f->values = t->values;
		f->ordered = t->ordered;
	}
	/* Text stays where it is: a copy of the schema owns its own. */
	if (t->type == PMX_TEXT) {
		size_t size = 0;
		for (size_t i = 0; i < n; i++)
			size += picked->text[i] ? strlen(picked->text[i]) + 1 : 0;
		char *p = picked->bytes = mem_array(size, 1);
		for (size_t i = 0; i < n; i++)
			if (picked->text[i]) {
				size_t len = strlen(picked->text[i]) + 1;
				picked->text[i] = memcpy(p, picked->text[i], len);
				p += len;
			}
	}
	t->values = NULL;
	typed_free(t);
	mem_free(row);
	feed_of(im, s->n_fields - 1);
}

int import_set_rows(struct import *im, struct names *rows, struct err *e)
{
	im->rows = rows;
	im->n_rows = rows->n;
	for (size_t i = 0; i < rows->n; i++)
		if (!*rows->at[i])
			return err_set(e, "%s %zu has an empty name", import_row_word(im), i + 1);
	/* Called cell or signature_id at the end, when it is known what other columns are called. */
	import_add_obs(im, "", PMX_TEXT);
	return 0;
}

/* For each of `names` the row of the table with it as its key. */
static uint32_t *match(const struct import *im, const struct table *t, size_t key, const struct names *names, const char *what,
		       struct err *e)
{
	struct names *found = names_new();
	for (size_t i = 0; i < t->n_rows; i++) {
		bool is_new;
		uint32_t first = names_add(found, t->field[i * t->n_columns + key], &is_new);
		if (!is_new) {
			err_set(e, "%s has '%s' twice, in lines %" PRIu64 " and %" PRIu64, t->name, found->at[first], t->line[first], t->line[i]);
			names_free(found);
			return NULL;
		}
	}
	uint32_t *row = mem_array(names->n, sizeof *row);
	size_t matched = 0, lost = SIZE_MAX;
	for (size_t i = 0; i < names->n; i++) {
		row[i] = names_find(found, names->at[i]);
		matched += row[i] != NAMES_NONE;
		lost = row[i] == NAMES_NONE && lost == SIZE_MAX ? i : lost;
	}
	if (!matched && names->n) {
		err_set(e, "column '%s' of %s names no %s of the matrix: it has such as '%s', the matrix '%s'", t->head[key], t->name, what,
			found->n ? found->at[0] : "none", names->at[0]);
		mem_free(row);
		row = NULL;
	} else if (matched < names->n) {
		import_say(im, false, "%s: %zu of %zu %ss have no line and get missing values, such as %s", t->name, names->n - matched,
			   names->n, what, names->at[lost]);
	}
	if (row && matched < t->n_rows)
		import_say(im, false, "%s: %zu of %zu lines are of no %s of the matrix", t->name, t->n_rows - matched, t->n_rows, what);
	names_free(found);
	return row;
}

/* Column k of the table in the order of the names. */
static void typed_column(struct typed *out, const struct table *t, size_t k, const uint32_t *row, size_t n, bool label)
{
	const char **text = mem_array(n, sizeof *text);
	for (size_t i = 0; i < n; i++)
		text[i] = row[i] == NAMES_NONE ? NULL : t->field[row[i] * t->n_columns + k];
	typed_from_text(out, text, n, label ? TYPED_LABELS : TYPED_GUESS);
	mem_free(text);
}

static int join_obs(struct import *im, struct err *e)
{
	size_t key = 0;
	if (!(im->obs = table_read_latin1(im->o->obs, im->o->memory, e)))
		return -1;
	if (im->o->obs_key && (key = table_need(im->obs, im->o->obs_key, e)) == SIZE_MAX)
		return -1;
	import_say_latin1(im, im->obs->name, im->obs->n_latin1);
	uint32_t *row = match(im, im->obs, key, im->rows, import_row_word(im), e);
	if (!row)
		return -1;
	for (size_t k = 0; k < im->obs->n_columns; k++) {
		struct typed t;
		const char *name = *im->obs->head[k] ? im->obs->head[k] : "row";
		if (k == key)
			continue;
		typed_column(&t, im->obs, k, row, im->rows->n, import_is_label(im, name));
		if (pmx_find(im->schema, PMX_OBS, name) != PMX_NO_FIELD)
			import_say(im, false, "row column '%s' is replaced by that of %s", name, im->obs->name);
		import_put_obs(im, name, &t);
	}
	mem_free(row);
	return 0;
}

static int join_var(struct import *im, struct err *e)
{
	if (!(im->var = table_read_latin1(im->o->var, im->o->memory, e)))
		return -1;
	import_say_latin1(im, im->var->name, im->var->n_latin1);
	uint32_t *row = match(im, im->var, 0, im->columns, "gene", e);
	if (!row)
		return -1;
	for (size_t k = 1; k < im->var->n_columns; k++) {
		struct typed t;
		typed_column(&t, im->var, k, row, im->columns->n, false);
		import_add_var(im, im->var->head[k], &t);
	}
	mem_free(row);
	return 0;
}

/* Every --label must be a row column. */
static int check_labels(const struct import *im, struct err *e)
{
	for (size_t i = 0; i < im->o->n_labels; i++)
		if (pmx_need_category(im->schema, im->o->label[i], e) == PMX_NO_FIELD)
			return err_context(e, "--label");
	return 0;
}

static void name_rows(struct import *im)
{
	static const char *const choices[2][4] = { { "cell", "cell_name", "row_name", "pmx_row_name" },
		{ "signature_id", "signature_name", "row_name", "pmx_row_name" } };
	const char *const *choice = choices[im->kind == PMX_SIGNATURES];
	size_t k = 0;
	while (k < 3 && pmx_find(im->schema, PMX_OBS, choice[k]) != PMX_NO_FIELD)
		k++;
	struct pmx_field *f = &im->schema->field[pmx_find(im->schema, PMX_OBS, "")];
	mem_free(f->name);
	f->name = mem_text(choice[k]);
	im->schema->row_names = mem_text(choice[k]);
}

/* An option that would be passed over in silence is a failure. */
static int check_options(const struct import_options *o, const struct format *f, const char *path, struct err *e)
{
	const struct {
		bool given;
		unsigned needs;
		const char *option;
	} check[] = {
		{ o->feature_type, USES_FEATURES, "--feature-type" }, { o->gene_names != IMPORT_SYMBOL, USES_FEATURES, "--gene-names" },
		{ o->features, USES_NAME_FILES, "--features" }, { o->barcodes, USES_NAME_FILES, "--barcodes" },
		{ o->rows != IMPORT_ROWS_AUTO, USES_ROWS, "--rows" }, { o->modality, USES_MODALITY, "--modality" },
	};
	for (size_t i = 0; i < sizeof check / sizeof *check; i++)
		if (check[i].given && !(f->uses & check[i].needs))
			return err_set(e, "%s has no meaning for %s, which is: %s", check[i].option, path, f->name);
	return 0;
}

static int open_sniffed(struct import *im, const char *path, const struct sniff *s, struct err *e)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (formats[i]->recognise(s)) {
			import_say(im, true, "%s: %s", path, formats[i]->name);
			bool signatures = im->o->kind == IMPORT_KIND_AUTO ? formats[i]->uses & HOLDS_SIGNATURES
				: im->o->kind == IMPORT_KIND_SIGNATURES;
			im->kind = signatures ? PMX_SIGNATURES : PMX_CELLS;
			return check_options(im->o, formats[i], path, e) ? -1 : formats[i]->open(im, path, e);
		}
	char list[600] = "";
	for (size_t i = 0, n = 0; i < sizeof formats / sizeof *formats; i++, n = strlen(list))
		snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", formats[i]->name);
	if (s->n >= 4 && !memcmp(s->head, "\x89PMX", 4))
		return err_set(e, "%s is a PMX stream already", path);
	if (s->n >= 8 && !memcmp(s->head, H5_SIGNATURE, 8))
		return err_set(e, "%s is HDF5 inside of a pipe or of gzip: HDF5 has to be a file of its own; unpack it first", path);
	if (s->n >= 262 && !memcmp(s->head + 257, "ustar", 5))
		return err_set(e, "%s is a tar archive: unpack it and give the folder with matrix.mtx in it", path);
	return err_set(e, "%s is none of the formats that are known: %s", path, list);
}

static bool is_hdf5(const char *path)
{
	h5_init();
	bool is = H5Fis_hdf5(path) > 0;
	H5Eclear2(H5E_DEFAULT);
	return is;
}

static int sniff(struct import *im, const char *path, char *head, struct err *e)
{
	struct stat st;
	struct sniff s = { .path = path, .h5 = -1, .head = head };
	bool piped = !strcmp(path, "-");
	if (!piped && stat(path, &st))
		return err_system(e, "cannot open %s", path);
	s.folder = !piped && S_ISDIR(st.st_mode);
	im->source = piped ? NULL : mem_text(path);
	if (!piped && !s.folder && is_hdf5(path)) {
		s.h5 = im->h5 = h5_open(path, e);
		if (s.h5 < 0)
			return -1;
	} else if (!s.folder) {
		if (!(im->lines = lines_open(path, e)))
			return -1;
		int64_t n = lines_peek(im->lines, head, HEAD, e);
		if (n < 0)
			return -1;
		s.n = (size_t)n;
		head[n] = 0;
		if (!n)
			return err_set(e, "%s is empty", lines_name(im->lines));
		path = lines_name(im->lines);
	}
	return open_sniffed(im, path, &s, e);
}

static int sniff_and_open(struct import *im, const char *path, struct err *e)
{
	char *head = mem_zero(HEAD + 1, 1);
	int status = sniff(im, path, head, e);
	mem_free(head);
	return status;
}

struct import *import_open(const char *path, const struct import_options *o, struct err *e)
{
	struct import *im = mem_zero(1, sizeof *im);
	im->o = o;
	im->h5 = -1;
	if (sniff_and_open(im, path, e) || (o->obs && join_obs(im, e)) || (o->var && join_var(im, e)))
		goto fail;
	name_rows(im);
	if (check_labels(im, e))
		goto fail;
	return im;
fail:
	import_close(im);
	return NULL;
}

void import_close(struct import *im)
{
	if (!im)
		return;
	for (size_t i = 0; im->schema && i < im->schema->n_fields; i++)
		feed_free(&im->feed[i]);
	mem_free(im->feed);
	if (im->close)
		im->close(im->state);
	lines_close(im->lines);
	h5_close(im->h5);
	pmx_schema_free(im->schema);
	names_free(im->rows);
	names_free(im->columns);
	table_free(im->obs);
	table_free(im->var);
	mem_free(im->map);
	mem_free(im->source);
	mem_free(im);
}

struct pmx_schema *import_schema(struct import *im)
{
	return im->schema;
}

const char *import_source(const struct import *im)
{
	return im->source;
}

uint64_t import_n_rows(const struct import *im)
{
	return im->n_rows;
}

/* Rows that are read together; the result does not depend on it. */
static int run_length(struct import *im, size_t *n, struct err *e)
{
	uint64_t most = im->n_rows - im->next, budget = im->o->memory / 16 < RUN_BYTES ? im->o->memory / 16 : RUN_BYTES, bytes = 0;
	for (size_t i = 0; i < im->schema->n_fields; i++) {
		struct feed *f = &im->feed[i];
		if (!f->prepare)
			continue;
		if (f->prepare(f, im->next, e))
			return -1;
		if (f->until - im->next < most)
			most = f->until - im->next;
	}
	for (*n = 0; *n < most && (!*n || bytes < budget); ++*n)
		for (size_t i = 0; i < im->schema->n_fields; i++) {
			const struct feed *f = &im->feed[i];
			uint64_t r = im->next + *n;
			bytes += f->row_bytes + (f->start ? (f->start[r + 1] - f->start[r]) * 12 : 0);
		}
	return 0;
}

/* Value r of the run; held columns have all rows. */
static void put(const struct import *im, struct pmx_filler *fill, size_t field, size_t r)
{
	const struct pmx_field *f = &im->schema->field[field];
	const struct feed *from = &im->feed[field];
	const struct pmx_column *c = from->column;
	size_t i = from->read ? r : im->next + r;
	if (f->class == PMX_VAR)
		return;
	if (f->class == PMX_LAYER && f->storage == PMX_SPARSE) {
		const struct sparse_run *run = &from->run;
		pmx_fill_sparse(fill, field, run->col + run->start[r], run->value + run->start[r] * pmx_type_size(f->type),
				run->start[r + 1] - run->start[r]);
		return;
	}
	if (f->class == PMX_LAYER || f->matrix) {
		pmx_fill_row(fill, field, c->flag + i * c->width * pmx_type_size(f->type));
		return;
	}
	switch (f->type) {
	case PMX_TEXT: pmx_fill_text(fill, field, c ? c->text[i] : im->rows->at[im->next + r]); break;
	case PMX_CATEGORY: pmx_fill_code(fill, field, c->u32[i]); break;
	case PMX_BOOL: pmx_fill_bool(fill, field, c->flag[i]); break;
	case PMX_I64: pmx_fill_i64(fill, field, c->i64[i]); break;
	default: pmx_fill_f64(fill, field, c->f64[i]); break;
	}
}

int64_t import_next(struct import *im, struct pmx_filler *fill, struct err *e)
{
	size_t n;
	if (im->next == im->n_rows)
		return 0;
	if (run_length(im, &n, e))
		return -1;
	for (size_t i = 0; i < im->schema->n_fields; i++)
		if (im->feed[i].read && im->feed[i].read(&im->feed[i], im->next, n, e))
			return -1;
	for (size_t r = 0; r < n; r++) {
		for (size_t i = 0; i < im->schema->n_fields; i++)
			put(im, fill, i, r);
		if (pmx_fill_end_row(fill, e))
			return -1;
	}
	im->next += n;
	return (int64_t)n;
}
