/* library write FILE | dense FILE LAYER | refusals: libpertpipe as another program meets it. */
#include <math.h>
#include <pertpipe/pmx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pertpipe_error e;

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s: %s\n", what, e.text);
	exit(1);
}

enum { ROW = 1, LABEL, FLAG, WHOLE, REAL, WIDE, DENSE, SPARSE };

static struct pertpipe_schema *describe(void)
{
	static const char *const gene[] = { "A", "B", "A" }, *const label[] = { "red", "blue" };
	struct pertpipe_schema *s = pertpipe_schema_new(PERTPIPE_SIGNATURES, "row", "gene", gene, 3);
	must(pertpipe_find(s, PERTPIPE_OBS, "row") == ROW && pertpipe_add_category(s, "label", label, 2) == LABEL &&
	     pertpipe_add_obs(s, "flag", PERTPIPE_BOOL, 0) == FLAG && pertpipe_add_obs(s, "whole", PERTPIPE_I64, 0) == WHOLE &&
	     pertpipe_add_obs(s, "real", PERTPIPE_F64, 0) == REAL && pertpipe_add_obs(s, "wide", PERTPIPE_U32, 2) == WIDE &&
	     pertpipe_add_layer(s, "dense", PERTPIPE_F32, PERTPIPE_DENSE) == DENSE &&
	     pertpipe_add_layer(s, "sparse", PERTPIPE_U32, PERTPIPE_SPARSE) == SPARSE, "numbers of the fields");
	pertpipe_made_by(s, "library", "1");
	pertpipe_promise_order(s, "label", "red");
	return s;
}

static void fill(struct pertpipe_writer *w, int missing)
{
	static const float dense[][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
	static const uint32_t wide[] = { 8, 9 }, column[] = { 1, 2 }, count[] = { 300, 7 };
	pertpipe_fill_sparse(w, SPARSE, column, count, missing ? 0 : 2);
	pertpipe_fill_row(w, DENSE, dense[missing]);
	pertpipe_fill_row(w, WIDE, wide);
	pertpipe_fill_text(w, ROW, missing ? NULL : "a");
	pertpipe_fill_code(w, LABEL, missing ? PERTPIPE_MISSING_CODE : 0);
	pertpipe_fill_bool(w, FLAG, missing ? PERTPIPE_MISSING_BOOL : 1);
	pertpipe_fill_i64(w, WHOLE, missing ? PERTPIPE_MISSING_I64 : -5);
	pertpipe_fill_f64(w, REAL, missing ? NAN : 0.5);
}

static int write_types(const char *path)
{
	struct pertpipe_schema *s = describe();
	struct pertpipe_writer *w = pertpipe_create(path, s, 0, &e);
	must(w != NULL, path);
	for (int r = 0; r < 2; r++) {
		fill(w, r);
		must(!pertpipe_end_row(w, &e), path);
	}
	must(!pertpipe_finish(w, &e), path);
	pertpipe_schema_free(s);

	/* What was written is what is read. */
	struct pertpipe_reader *r = pertpipe_open(path, &e);
	must(r != NULL, path);
	const struct pertpipe_schema *t = pertpipe_schema(r);
	struct pertpipe_field f = pertpipe_field(t, LABEL);
	must(pertpipe_kind(t) == PERTPIPE_SIGNATURES && pertpipe_n_fields(t) == SPARSE + 1 && f.n_labels == 2 && !strcmp(f.labels[1], "blue") &&
	     f.type == PERTPIPE_CATEGORY && !f.width && !strcmp(pertpipe_column_name(t, 2), "A") && !pertpipe_column_name(t, 3), "schema");
	struct pertpipe_values names, wide, real;
	must(!pertpipe_values(r, 0, &names, &e) && names.n == 3 && !strcmp(names.at.text[1], "B"), "var field");
	must(pertpipe_next(r, &e) == 1 && pertpipe_n_rows(r) == 2 && pertpipe_first_row(r) == 0, "block");
	must(!pertpipe_values(r, WIDE, &wide, &e) && wide.width == 2 && wide.n == 2 && wide.at.u32[3] == 9, "matrix");
	must(!pertpipe_values(r, REAL, &real, &e) && real.at.f64[0] == 0.5 && isnan(real.at.f64[1]), "missing value");
	must(pertpipe_next(r, &e) == 0 && pertpipe_n_rows(r) == 0, "end");
	pertpipe_close(r);
	return 0;
}

static int print_dense(const char *path, const char *name)
{
	struct pertpipe_reader *r = pertpipe_open(path, &e);
	must(r != NULL, path);
	const struct pertpipe_schema *s = pertpipe_schema(r);
	size_t layer = pertpipe_find(s, PERTPIPE_LAYER, name), n = pertpipe_n_columns(s);
	must(!pertpipe_want_dense(r, layer, &e), name);
	int more;
	while ((more = pertpipe_next(r, &e)) == 1) {
		double *x = malloc(pertpipe_n_rows(r) * n * sizeof *x);
		must(x && !pertpipe_dense(r, layer, x, &e), name);
		for (size_t i = 0; i < pertpipe_n_rows(r) * n; i++)
			printf("%.17g%c", x[i], (i + 1) % n ? '\t' : '\n');
		free(x);
	}
	must(!more, path);
	pertpipe_close(r);
	return 0;
}

static void refused(int status, const char *word)
{
	if (status == -1 && strstr(e.text, word)) {
		*e.text = 0;
		return;
	}
	fprintf(stderr, "status %d, '%s' where a text with '%s' belongs\n", status, e.text, word);
	exit(1);
}

static void refuse_schema(struct pertpipe_schema *s, const char *word)
{
	refused(pertpipe_create("never.pmx", s, 0, &e) ? 0 : -1, word);
	pertpipe_schema_free(s);
}

static void refuse_row(void (*wrong)(struct pertpipe_writer *w), const char *word)
{
	struct pertpipe_schema *s = describe();
	struct pertpipe_writer *w = pertpipe_create("never.pmx", s, 0, &e);
	must(w != NULL, "never.pmx");
	wrong(w);
	refused(pertpipe_end_row(w, &e), word);
	refused(pertpipe_finish(w, &e), word);
	pertpipe_schema_free(s);
}

static void nothing(struct pertpipe_writer *w)
{
	pertpipe_fill_text(w, ROW, "a");
}

static void twice(struct pertpipe_writer *w)
{
	pertpipe_fill_text(w, ROW, "a");
	pertpipe_fill_text(w, ROW, "a");
}

static void other_type(struct pertpipe_writer *w)
{
	pertpipe_fill_f64(w, WHOLE, 1);
}

static void no_field(struct pertpipe_writer *w)
{
	pertpipe_fill_f64(w, 99, 1);
}

static void no_label(struct pertpipe_writer *w)
{
	pertpipe_fill_code(w, LABEL, 2);
}

static void latin1(struct pertpipe_writer *w)
{
	pertpipe_fill_text(w, ROW, "\xe9");
}

static void descending(struct pertpipe_writer *w)
{
	static const uint32_t column[] = { 2, 1 }, count[] = { 1, 1 };
	pertpipe_fill_sparse(w, SPARSE, column, count, 2);
}

static void beyond(struct pertpipe_writer *w)
{
	static const uint32_t column = 3, count = 1;
	pertpipe_fill_sparse(w, SPARSE, &column, &count, 1);
}

static int refusals(void)
{
	static const char *const same[] = { "x", "x" };
	struct pertpipe_schema *s = describe();
	pertpipe_add_obs(s, "real", PERTPIPE_I64, 0);
	refuse_schema(s, "real");
	s = describe();
	pertpipe_add_category(s, "same", same, 2);
	refuse_schema(s, "twice");
	s = describe();
	pertpipe_add_obs(s, "\xff", PERTPIPE_I64, 0);
	refuse_schema(s, "UTF-8");
	s = describe();
	pertpipe_add_obs(s, "narrow", PERTPIPE_F32, 0);
	refuse_schema(s, "narrow");
	s = describe();
	pertpipe_add_layer(s, "computed", PERTPIPE_F64, PERTPIPE_RECIPE);
	refuse_schema(s, "computed");
	s = describe();
	pertpipe_promise_order(s, "nowhere", NULL);
	refuse_schema(s, "order");
	refuse_row(nothing, "not filled");
	refuse_row(twice, "twice");
	refuse_row(other_type, "whole");
	refuse_row(no_field, "99");
	refuse_row(no_label, "no label 2");
	refuse_row(latin1, "UTF-8");
	refuse_row(descending, "increase");
	refuse_row(beyond, "increase");
	refused(pertpipe_open("nowhere.pmx", &e) ? 0 : -1, "nowhere.pmx");
	FILE *never = fopen("never.pmx", "r");
	must(!never, "a stream that was refused left a file");

	write_types("types.pmx");
	struct pertpipe_reader *r = pertpipe_open("types.pmx", &e);
	struct pertpipe_values v;
	struct pertpipe_rows rows;
	double x[6];
	must(r != NULL, "types.pmx");
	refused(pertpipe_values(r, REAL, &v, &e), "no block");
	refused(pertpipe_want_dense(r, REAL, &e), "no layer");
	must(pertpipe_next(r, &e) == 1, "types.pmx");
	refused(pertpipe_values(r, 99, &v, &e), "no column");
	refused(pertpipe_values(r, DENSE, &v, &e), "no column");
	refused(pertpipe_sparse(r, REAL, &rows, &e), "no layer");
	refused(pertpipe_dense(r, DENSE, x, &e), "not asked for");
	refused(pertpipe_want_dense(r, DENSE, &e), "after the first block");
	must(!pertpipe_sparse(r, DENSE, &rows, NULL) && rows.start[2] == 6, "a dense layer by rows");
	pertpipe_close(r);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "write"))
		return write_types(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "dense"))
		return print_dense(argv[2], argv[3]);
	return argc == 2 && !strcmp(argv[1], "refusals") ? refusals() : 2;
}
