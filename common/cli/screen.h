/*
 * A screen, read group by group: the controls first, then target by target.
 * Sorts the input when it does not promise that order. Failures end the process.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H
#include "base/sparse.h"
#include "cli/again.h"
#include "cli/cli.h"
#include "stream/layer.h"

struct screen_options {
	const char *pert_key, *control, *split_by, *guide_key, *layer;
};
#define SCREEN_DEFAULTS { "gene_target", NULL, NULL, "guide_id", NULL }

#define SCREEN_PERT_OPTIONS(o) \
	CLI_TEXT('p', "pert-key", &(o).pert_key, "COLUMN", "row column that names the target of a cell"), \
	CLI_TEXT('c', "control", &(o).control, "LABEL", "its label of the control cells (needed; never guessed)")
#define SCREEN_SPLIT_OPTION(o) \
	CLI_TEXT('s', "split-by", &(o).split_by, "COLUMN", "row column with replicates or batches, each treated on its own")
#define SCREEN_GUIDE_OPTION(o) \
	CLI_TEXT('g', "guide-key", &(o).guide_key, "COLUMN", "row column that names the guide of a cell")

/* What is wanted of every cell. */
enum screen_wants {
	SCREEN_EXPRESSION = 1,          /* rows of the layer */
	SCREEN_SIGNATURE = 2,           /* what its signature is computed from, or its stored rows */
	SCREEN_NAMES = 4,
	SCREEN_GUIDES = 8,
	SCREEN_MATRIX = 16,             /* a row matrix (X_pca) */
	SCREEN_COUNTS = 32              /* rows of the counts behind the expression layer, and the totals of the cells */
};

/* Cells with the same label, or several such groups appended. */
struct cell_group {
	uint32_t code;                  /* of the last group appended; PMX_MISSING_CODE: cells without a label */
	const char *label;              /* NULL for those */
	size_t n;
	struct sparse_rows x;           /* expression */
	struct sparse_rows signature;   /* stored signature rows, where the layer is stored */
	struct sparse_rows counts;
	double *total;                  /* of all counts of the cell, as normalize kept it */
	uint32_t *split, *guide;        /* codes; split is all 0 without --split-by */
	uint32_t *pool;                 /* codes of the split that the signature was made with, which need not be --split-by */
	uint32_t *neighbour;            /* n x width */
	double *matrix;                 /* n x width */
	char **name;
	size_t cap[7];
};

struct screen {
	struct pmx_reader *in;          /* in the promised order */
	struct pmx_reader *original;    /* what the tool was given */
	const struct pmx_schema *s;
	const struct screen_options *o;
	size_t pert, split, guide, names, layer, signature, neighbours, pool, matrix, counts, total; /* fields; PMX_NO_FIELD where not wanted */
	unsigned wants;
	bool shared;                    /* both readers belong to an input that is read again */
	struct pmx_pass *pass;          /* takes each block that is read; NULL: blocks are freed */
	struct pmx_block *block;
	size_t row;
	struct cell_group controls;
	struct sparse_cols *control_columns;    /* their expression by genes */
	struct pmx_signature *recipe;           /* of a signature that is computed */
	uint32_t *gene_slot;                    /* of each gene: its place among those asked for (stored signatures) */
	uint32_t *genes;
	size_t n_genes, genes_cap;
	uint32_t control_code;
	uint64_t memory, value_bytes;           /* --memory; what a value of a cell comes to in all forms that the tool makes of it */
	uint64_t beside;                        /* bytes that the tool keeps beside, see screen_keep */
	uint64_t own_cell_bytes;                /* that the tool holds of a cell beside its values */
	uint64_t let_go_values, let_go_cells;   /* of controls that do not fit: they are counted, not kept */
	bool waits;                             /* blocks of the controls wait for their values: */
	uint64_t waiting_bytes;                 /* as they came */
};
/* What is asked for a value of the controls and of a target: 12 by rows and 12 by genes, and what was measured beside. */
enum { SCREEN_VALUE_BYTES = 26 };

/*
 * Opens the tool's input. Expression comes from o->layer, else X; a signature from `signature` (a layer's
 * name), a matrix from `matrix` (an obsm's name).
 */
struct screen *screen_open(const struct cli *c, const struct screen_options *o, unsigned wants, const char *signature,
			   const char *matrix);
/* The same on an input that is read several times; the reader stays the input's. */
struct screen *screen_open_again(const struct cli *c, struct cli_again *again, const struct screen_options *o, unsigned wants,
				 const char *signature);
/* The field of the expression layer that the options name (X by default), also when rows of it are not wanted. */
size_t screen_expression(const struct screen *s);
size_t screen_expression_of(const struct pmx_schema *s, const char *name, struct err *e);
/* A stored layer of counts: named, or counts, else X where it holds counts. Values of a named one need not be integers. */
size_t screen_counts_of(const struct pmx_schema *s, const char *name, struct err *e);
/*
 * Reads the controls, once, before the first screen_next. Controls and a target that do not fit --memory
 * together end the process with the size that is needed: at once for a file, whose trailer tells the largest
 * target, else when it comes.
 */
struct cell_group *screen_controls(struct screen *s);
/* Puts the next group in g in place of what was there; false at the end. */
bool screen_next(struct screen *s, struct cell_group *g);
/* The same, appended to what is in g. */
bool screen_append(struct screen *s, struct cell_group *g);
/* Bytes that the controls take, with what is kept beside. */
uint64_t screen_held(const struct screen *s);
/* The tool keeps so many bytes beside the controls from now on; ends the process as screen_controls does. */
void screen_keep(struct screen *s, uint64_t bytes);
/* The controls' expression by genes, made once. */
const struct sparse_cols *screen_control_columns(struct screen *s, int threads);
/* Signature values on `genes` from now on, and for a group: out[gene * g->n + cell]. */
void screen_signature_genes(struct screen *s, const uint32_t *genes, size_t n, int threads);
void screen_signature_values(struct screen *s, const struct cell_group *g, int threads, double *out);
size_t screen_splits(const struct screen *s);           /* 1 without --split-by */
const char *screen_split_name(const struct screen *s, size_t split);     /* "all" without --split-by */
/* Cells of g named by `cell`, in that order, in place of what is in out (initialised). Not names and matrices. */
void cell_group_pick(const struct screen *s, const struct cell_group *g, const uint32_t *cell, size_t n, struct cell_group *out);
/* Rows of m named by `row`, in that order, appended to out (initialised, as wide as m). */
void cell_rows_pick(const struct sparse_rows *m, const uint32_t *row, size_t n, struct sparse_rows *out);
void cell_group_init(struct cell_group *g, const struct screen *s);
void cell_group_free(struct cell_group *g);
void screen_close(struct screen *s);

/* Sorted so into a scratch file, at its start; `r` is read to its end. */
int cli_sort_to_scratch(const struct cli *c, struct pmx_reader *r, const char *by, const char *first);
/* A stream grouped by `by` with `first` in front: r itself when it promises that, else a sorted copy in $TMPDIR. */
struct pmx_reader *cli_sorted(const struct cli *c, struct pmx_reader *r, const char *by, const char *first);

#endif
