/* Signatures held in memory as the embedding takes them: targets, or the drugs of a reference. */
#ifndef CLI_SIGNATURE_SET_H
#define CLI_SIGNATURE_SET_H
#include "base/names.h"
#include "cli/cli.h"
#include "connect/embedding.h"

/* A row column of labels; code UINT32_MAX is missing. NULL values: the stream has no such column. */
struct row_labels {
	struct names *values;
	uint32_t *code;
};

struct signature_set {
	char *stream;                   /* its name, for messages */
	uint64_t origin;                /* what it was read from: sum of a stream's header, digest of a reference file */
	size_t n, d;
	struct names *name;             /* of the rows, all different */
	struct row_labels compound, cell_line, moa, target;
	float *row;                     /* n x d: from embedding_row */
	double *value;                  /* n x d as they came, or NULL */
	uint8_t *reason;                /* enum embedding_reason */
	size_t n_embedded;              /* rows without a reason */
};

/*
 * All rows of the reader on the columns of d genes. The layer is `layer`, or for NULL weights, else X. Genes that a
 * list of genes (column form) does not name weigh 0. Rows that cannot be embedded are counted on stderr; none that
 * can ends the process.
 */
struct signature_set *signature_set_read(const struct cli *c, struct pmx_reader *in, const char *layer, const uint32_t *column, size_t d,
					 bool negated, bool with_values);
void signature_set_free(struct signature_set *s);
/* The layer that is read: `layer`, or for NULL weights, else X. */
size_t signature_set_layer(const struct pmx_schema *s, const char *layer, const char *stream);
/* NaN becomes 0 in the values of rows that are lists of genes (column form): what is not named weighs 0. */
void signature_lists(const struct pmx_schema *s, struct pmx_block *b, double *value, size_t d);
/*
 * Which column of the stream holds each gene; a stream that lacks some of them is refused by their names. Columns of
 * other genes have no part. `model` names what the genes are of. Caller frees.
 */
uint32_t *signature_columns(const struct names *genes, const struct pmx_schema *s, const char *stream, const char *model);

/* The same for the genes of a reference file; and the values of one of its slabs, signature by signature. Caller frees. */
struct reference;
uint32_t *signature_reference_genes(const struct names *genes, const struct reference *r, const char *model);
double *signature_reference_values(const struct reference *r, size_t slab, const uint32_t *gene, size_t d);

struct signature_request {
	const char *reference;          /* the drugs: a file of reference-build, or a stream of signatures */
	const char *layer;              /* of the targets; NULL: weights, else X */
	bool mirrored;                  /* targets are mirror images of signatures; without an argument, those of the reference */
	const struct names *genes;      /* of a model; NULL: those that targets and reference share */
	const char *model;              /* its name */
	bool with_values;
};
/* Targets (the tool's input) and drugs on the same genes, whose names are returned. */
struct names *signature_sets_read(const struct cli *c, const struct signature_request *o, struct signature_set **targets, struct signature_set **drugs);

#endif
