/*
 * long_contrasts FILE: a contrasts stream on standard output from a table with the columns target, split and gene, row columns
 * (of labels, named @...) and layers (all others). Rows, genes and labels come in the order of the table; where a layer has
 * no line for a row and gene it is NaN. A split column of "-" alone makes a stream without splits.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"
#include "formats/table.h"
#include "stream/writer.h"

static size_t label(struct pmx_schema *s, const char *name)
{
	pmx_add_obs(s, name, PMX_CATEGORY);
	return s->n_fields - 1;
}

static uint32_t code(struct pmx_schema *s, size_t field, const char *text)
{
	return strcmp(text, "NA") ? names_add(s->field[field].values, text, NULL) : PMX_MISSING_CODE;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct table *t = argc == 2 ? table_read(argv[1], (uint64_t)1 << 32, &e) : NULL;
	if (!t) {
		fprintf(stderr, "long_contrasts: %s\n", e.text);
		return 1;
	}
	struct names *genes = names_new(), *rows = names_new();
	uint32_t *row = mem_array(t->n_rows, sizeof *row), *gene = mem_array(t->n_rows, sizeof *gene);
	size_t *first = mem_array(t->n_rows, sizeof *first), n_columns = t->n_columns;
	bool splits = strcmp(t->field[1], "-");
	for (size_t i = 0; i < t->n_rows; i++) {
		char **f = t->field + i * n_columns;
		bool is_new;
		char *name = splits ? mem_print("%s|%s", f[0], f[1]) : mem_text(f[0]);
		row[i] = names_add(rows, name, &is_new);
		if (is_new)
			first[row[i]] = i;
		gene[i] = names_add(genes, f[2], NULL);
		mem_free(name);
	}
	struct pmx_schema *s = pmx_schema_new(PMX_CONTRASTS, genes->n);
	pmx_add_obs(s, "contrast", PMX_TEXT);
	size_t *field = mem_array(n_columns, sizeof *field);
	for (size_t k = 0; k < n_columns; k++) {
		if (k == 0 || (k == 1 && splits) || t->head[k][0] == '@') {
			field[k] = label(s, t->head[k] + (k > 1));
			for (size_t r = 0; r < rows->n; r++)
				code(s, field[k], t->field[first[r] * n_columns + k]);
		} else if (k > 2) {
			pmx_add_layer(s, t->head[k], PMX_F64, PMX_DENSE);
			field[k] = s->n_fields - 1;
		}
	}
	pmx_set_column_names(s, "gene", genes);
	s->row_names = mem_text("contrast");
	struct pmx_writer *w = pmx_create(file_create("-", &e), s, 3, 1, &e);
	struct pmx_filler *fill = pmx_filler_new(w, 0);
	double *value = mem_array(genes->n, sizeof *value);
	for (uint32_t r = 0; r < rows->n; r++) {
		pmx_fill_text(fill, 0, rows->at[r]);
		for (size_t k = 0; k < n_columns; k++) {
			if (k == 0 || (k == 1 && splits) || t->head[k][0] == '@') {
				pmx_fill_code(fill, field[k], code(s, field[k], t->field[first[r] * n_columns + k]));
			} else if (k > 2) {
				for (size_t g = 0; g < genes->n; g++)
					value[g] = NAN;
				for (size_t i = 0; i < t->n_rows; i++)
					if (row[i] == r && !text_f64(t->field[i * n_columns + k], &value[gene[i]]))
						value[gene[i]] = NAN;
				pmx_fill_row(fill, field[k], value);
			}
		}
		if (pmx_fill_end_row(fill, &e))
			return 1;
	}
	if (pmx_filler_close(fill, &e) || pmx_finish(w, 0, &e))
		return 1;
	names_free(genes);
	names_free(rows);
	mem_free(row);
	mem_free(gene);
	mem_free(first);
	mem_free(field);
	mem_free(value);
	pmx_schema_free(s);
	table_free(t);
	return 0;
}
