/*
 * Outside formats -> rows of a PMX stream. The format is found from content.
 * Cells or signatures are rows and genes columns, whichever way the file has them; rows keep
 * the order of the file. Integers, and floats that are all whole and not
 * negative (looked at here and there, then checked one by one), become a layer
 * of u32 counts; explicit zeros are not kept.
 *
 * Row and column names, the metadata that --obs and --var bring and, for a
 * matrix stored by cells, one number a cell are held in memory; values are read
 * in runs of rows. A matrix that is not stored by cells is turned in as many
 * passes as `memory` makes necessary.
 */
#ifndef FORMATS_IMPORT_H
#define FORMATS_IMPORT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "stream/schema.h"
#include "stream/writer.h"

enum import_values { IMPORT_AUTO, IMPORT_COUNTS, IMPORT_FLOAT };
enum import_names { IMPORT_SYMBOL, IMPORT_ID };
enum import_rows { IMPORT_ROWS_AUTO, IMPORT_ROWS_CELLS, IMPORT_ROWS_SIGNATURES, IMPORT_ROWS_GENES };
enum import_kind { IMPORT_KIND_AUTO, IMPORT_KIND_CELLS, IMPORT_KIND_SIGNATURES };

struct import_options {
	const char *layer;              /* h5ad: the one matrix to take; else: the name of the layer made. Or NULL */
	int kind, values, gene_names, rows;     /* the enums above */
	bool tables_by_genes;           /* the rows of a table of numbers are genes where `rows` does not tell */
	const char *feature_type;       /* 10x; NULL: Gene Expression */
	const char *features, *barcodes;        /* Matrix Market: files of names, or NULL */
	const char *modality;           /* MuData; NULL: rna */
	const char *obs, *obs_key, *var, *genes;        /* files (a column), or NULL */
	const char *const *label;       /* row columns to read as labels */
	size_t n_labels;
	bool make_unique;
	uint64_t memory;
	int threads;
	/* Called with what the user should know (detail: only with -v). */
	void (*say)(void *to, bool detail, const char *text);
	void *to;
};

#define IMPORT_DEFAULTS { .memory = (uint64_t)1 << 30, .threads = 1 }

struct import;

/* Opens, describes and joins; nothing is left to guess about names and types then. `o` has to stay. NULL on failure. */
struct import *import_open(const char *path, const struct import_options *o, struct err *e);
void import_close(struct import *im);
/* Without provenance. */
struct pmx_schema *import_schema(struct import *im);
/* The file that holds the matrix, for the provenance; NULL for standard input. */
const char *import_source(const struct import *im);
uint64_t import_n_rows(const struct import *im);
/* Puts the next run of rows: their number, 0 at the end, -1 on failure. */
int64_t import_next(struct import *im, struct pmx_filler *fill, struct err *e);

/* Names of the formats that are known, for help texts. */
const char *import_format_name(size_t i);

#endif
