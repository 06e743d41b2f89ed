#include "formats/features.h"
#include "base/mem.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

void features_free(struct features *f)
{
	name_list_free(&f->id);
	name_list_free(&f->symbol);
	name_list_free(&f->type);
	name_list_free(&f->genome);
}

static int read_rows(const char *path, struct name_list *const *column, size_t n_columns, struct err *e)
{
	struct lines *l = lines_open(path, e);
	char *line, *field[3];
	size_t n, expected = 0;
	int more = -1;
	while (l && (more = lines_next(l, &line, &n, e)) > 0) {
		size_t k = text_utf8(line, n) ? text_split(line, '\t', field, n_columns) : 0;
		k = k < n_columns ? k : n_columns;
		if (!expected)
			expected = k;
		if (!k || k != expected) {
			err_set(e, k ? "this line has another number of columns than those before it" : "this is not UTF-8 text");
			more = lines_context(l, e);
			break;
		}
		for (size_t i = 0; i < k; i++)
			name_list_add(column[i], field[i]);
	}
	lines_close(l);
	return more;
}

int features_read(struct features *f, const char *path, struct err *e)
{
	struct name_list *const column[] = { &f->id, &f->symbol, &f->type };
	return read_rows(path, column, 3, e);
}

int names_read(struct name_list *l, const char *path, struct err *e)
{
	return read_rows(path, &l, 1, e);
}

/* Those of the type asked for; the number of the others is noted. */
static int choose(const struct import *im, const struct features *f, bool *keep, struct err *e)
{
	const char *wanted = im->o->feature_type ? im->o->feature_type : "Gene Expression";
	struct names *types = names_new();
	size_t n_kept = 0;
	for (size_t i = 0; i < f->type.n; i++) {
		keep[i] = !strcmp(f->type.at[i], wanted);
		n_kept += keep[i];
		names_add(types, f->type.at[i], NULL);
	}
	char list[700];
	names_list(types, list, sizeof list);
	int status = 0;
	if (!n_kept && f->type.n)
		status = err_set(e, "no feature is of the type '%s'; name one of these with --feature-type: %s", wanted, list);
	else if (n_kept < f->type.n)
		import_say(im, false, "%zu of %zu features are not of the type '%s' and are left out (types: %s)", f->type.n - n_kept,
			   f->type.n, wanted, list);
	names_free(types);
	return status;
}

static void add_var(struct import *im, const char *name, const struct name_list *l)
{
	struct typed t;
	typed_from_text(&t, (const char *const *)l->at, l->n, TYPED_VERBATIM);
	import_add_var(im, name, &t);
}

int features_set(struct import *im, struct features *f, struct err *e)
{
	bool symbols = im->o->gene_names == IMPORT_SYMBOL && f->symbol.n;
	const struct name_list *names = symbols ? &f->symbol : &f->id;
	bool *keep = mem_array(f->id.n, sizeof *keep);
	for (size_t i = 0; i < f->id.n; i++)
		keep[i] = true;
	struct names *columns = import_unique(im, names, symbols ? "symbol" : "gene", symbols || im->o->make_unique, e);
	if (columns && choose(im, f, keep, e)) {
		names_free(columns);
		columns = NULL;
	}
	int status = columns ? import_set_columns(im, columns, keep, e) : -1;
	mem_free(keep);
	if (status)
		return -1;
	if (f->symbol.n)
		add_var(im, symbols ? "gene_id" : "gene_symbol", symbols ? &f->id : &f->symbol);
	if (f->type.n)
		add_var(im, "feature_type", &f->type);
	if (f->genome.n)
		add_var(im, "genome", &f->genome);
	return 0;
}
