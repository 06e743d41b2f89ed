/*
 * A PMX stream -> outside formats. Recipes are computed here (log-normalised
 * layers, signatures among them). Files and folders appear
 * whole or not at all, and only after a stream that came to its end.
 */
#ifndef FORMATS_EXPORT_H
#define FORMATS_EXPORT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/names.h"
#include "stream/reader.h"

struct export_options {
	const char *layer;              /* of all but h5ad: the one to write; NULL: see export_main_layer */
	const struct names *layers;     /* of h5ad: those to write; NULL: all but signatures */
	bool float32;                   /* h5ad, GCTX: f64 layers as float32 */
	int gzip;                       /* h5ad, GCTX: level, 0 for none */
	int threads;
	/* Called with what the user should know (detail: only with -v). */
	void (*say)(void *to, bool detail, const char *text);
	void *to;
};

struct export_format {
	const char *name;
	bool needs_path;                /* cannot be written to a pipe */
	int (*run)(struct pmx_reader *in, const char *path, const struct export_options *o, struct err *e);
};

/* NULL after the last. A further format is one more entry of the table in export.c. */
const struct export_format *export_format(size_t i);
/* Reads the stream and adds its row columns and matrices to the user's h5ad, by the names of the cells. */
int export_update(struct pmx_reader *in, const char *path, const struct export_options *o, struct err *e);

/* For the formats. */
extern const struct export_format export_h5ad, export_tenx, export_tsv, export_csv, export_gctx, export_gct, export_gmt;
void export_say(const struct export_options *o, bool detail, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The layer `name`; for NULL X, else counts, else the only one there is. PMX_NO_FIELD on failure. */
size_t export_main_layer(const struct pmx_schema *s, const char *name, bool counts_first, struct err *e);
/* Can the values of the layer be computed by rows here? */
int export_check_layer(const struct pmx_schema *s, size_t layer, struct err *e);
/* Names of the block's rows, none of which is missing. NULL on failure. */
const char *const *export_row_names(struct pmx_block *b, const struct pmx_schema *s, struct err *e);

#endif
