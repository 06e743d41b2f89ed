/*
 * What a principal component analysis in shards leaves on the way: sums of some cells (a stream of sums), and the components
 * (a stream of signatures). Failures end the process.
 */
#ifndef CLI_PCA_FILES_H
#define CLI_PCA_FILES_H
#include "cli/cli.h"
#include "num/pca.h"

/* What both files say of the values that they come from. */
struct pca_basis {
	struct names *genes;
	double target_sum;              /* of log-normalised values; 0: they were stored as they are */
	double *bound, *sd;             /* of each gene, values being cut and scaled by them (sd 0: the gene does not vary); NULL: centred only */
};

struct pca_sums {
	struct pca_basis basis;
	size_t cells;
	double *mean;
	char digest[17];                /* of all that is here and the products */
	const char *split;              /* of a shard of pmx-split: which splitting, the shard and how many there are; or NULL */
	long shard, shards;
};

/* The values of a layer for the genes in their slots. */
struct pca_basis pca_basis_of(const struct pmx_schema *s, size_t layer, const uint32_t *slot, size_t n_genes);
void pca_basis_free(struct pca_basis *b);
/* NULL when the same, else what differs: for a message. The caller frees. */
char *pca_basis_differs(const struct pca_basis *a, const struct pca_basis *b);

/* Writes the sums as the tool's output; fills mean, cells and digest. */
void pca_sums_write(const struct cli *c, const struct pmx_reader *in, struct pca_sums *sums, const struct comoments *m);
struct pca_sums *pca_sums_read(const struct pmx_reader *in);
void pca_sums_free(struct pca_sums *sums);
/* Joins the products of the stream, which must be at its first row, to `m`. */
void pca_sums_join(struct pmx_reader *in, const struct pca_sums *sums, struct comoments *m);

struct pca_components {
	struct pca_basis basis;
	struct pca *pca;                /* mean in `centre`, once scaled */
	double *mean, *variance;        /* of the values, cut where they are */
	const json_t *notes;
};
/* Writes them as the tool's output; `m` gave means and variances before it was solved. */
void pca_components_write(const struct cli *c, struct pmx_reader *const *in, size_t n_in, const struct pca_basis *basis, const struct pca *p,
			  const double *mean, const double *variance);
struct pca_components *pca_components_read(const struct cli *c, const char *path, size_t most);
void pca_components_free(struct pca_components *p);
/*
 * Of each column of `s` its place among the genes of the components, whose rows are put in the order of the columns. A gene
 * that is not there, or values that were normalised to another total, end the process.
 */
uint32_t *pca_components_place(struct pca_components *p, const struct pmx_schema *s, size_t layer);
/* Before solving, one cell or more: are there so many components? And after it. */
void pca_check_components(const struct cli *c, const struct pca *p, size_t n_comps);
void pca_check_converged(const struct cli *c, const struct pca *p);
/* The note "pca" of a stream with components. */
json_t *pca_note(const struct pca *p);

#endif
