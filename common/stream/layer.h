/*
 * The values of a layer in double, whether they are stored or a recipe. A plain
 * layer (stored or log-normalised) gives rows; a signature needs the controls
 * first and is computed for the columns that are asked for.
 *
 *   log_normalised       log1p(source / totals * target_sum)
 *   neighbour_signature  log1p((1/k) sum_j expm1(source[neighbour j])) - source
 *   split_signature      (mean of source over the controls of the row's split) - source
 *
 * Both signatures are reference minus cell. Sums run in the order of the
 * neighbours, of the controls, as stored. (Papalexi et al. 2021, CalcPerturbSig.)
 */
#ifndef STREAM_LAYER_H
#define STREAM_LAYER_H
#include "base/sparse.h"
#include "stream/reader.h"

/* Marks what the layer is made of for decoding ahead. */
void pmx_layer_want(struct pmx_reader *r, const struct pmx_schema *s, size_t layer);
/* True for a signature recipe. */
bool pmx_layer_is_signature(const struct pmx_schema *s, size_t layer);
/* Values are counts (an integer layer)? */
bool pmx_layer_is_counts(const struct pmx_schema *s, size_t layer);
/* Appends rows from .. to of the block to `out` (stored zeros left out). Not for signatures. */
int pmx_layer_rows(struct pmx_block *b, const struct pmx_schema *s, size_t layer, size_t from, size_t to,
		   struct sparse_rows *out, struct err *e);

/*
 * total[r] = sum of row r of a stored layer, without decoding where its values stand. False when some
 * value is negative or not finite, in row *bad.
 */
int pmx_layer_totals(struct pmx_block *b, const struct pmx_schema *s, size_t layer, double *total, size_t *bad, struct err *e);

/* What a signature needs of the rows at hand. */
struct pmx_signature_rows {
	const struct sparse_rows *source;       /* rows of the source layer; NULL: these rows are the controls, all of them */
	const uint32_t *neighbour;              /* rows x k: ordinals among the controls; NULL for a split signature */
	const uint32_t *split;                  /* codes; NULL for one pool */
};

struct pmx_signature;
/* For the signature layer `layer`, from the source rows of all controls (in stream order), by columns. */
struct pmx_signature *pmx_signature_new(const struct pmx_schema *s, size_t layer, const struct sparse_cols *controls,
					const uint32_t *control_split);
/* The columns that rows are asked for from now on. */
void pmx_signature_columns(struct pmx_signature *g, const uint32_t *column, size_t n, int threads);
/* out[column * n_rows + row]. -1 when a neighbour is no control or a split has none. */
int pmx_signature_compute(const struct pmx_signature *g, const struct pmx_signature_rows *rows, int threads, double *out,
			  struct err *e);
void pmx_signature_free(struct pmx_signature *g);

#endif
