/* A table of numbers through pmx-import, and a table of metadata with all its columns. */
#include "fuzz.h"
#include "base/mem.h"
#include "formats/table.h"

static void read_table(const char *path)
{
	struct err e = { 0 };
	struct table *t = table_read(path, 16 << 20, &e);
	for (size_t k = 0; t && k < t->n_columns; k++) {
		const char **text = mem_array(t->n_rows, sizeof *text);
		struct typed typed;
		for (size_t i = 0; i < t->n_rows; i++)
			text[i] = t->field[i * t->n_columns + k];
		for (unsigned how = TYPED_GUESS; how <= TYPED_VERBATIM; how++) {
			typed_from_text(&typed, text, t->n_rows, how);
			typed_free(&typed);
		}
		mem_free(text);
	}
	table_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct import_options o = IMPORT_DEFAULTS;
	o.memory = 16 << 20;
	const char *path = fuzz_path(data, size);
	read_table(path);
	fuzz_import(path, &o);
	o.rows = IMPORT_ROWS_GENES;
	o.make_unique = true;
	fuzz_import(path, &o);
	fuzz_end();
	return 0;
}
