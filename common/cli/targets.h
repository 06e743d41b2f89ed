/* Target signatures going out: rows are populations or queries, columns genes, layer `weights` (NaN: not measured, not listed). */
#ifndef CLI_TARGETS_H
#define CLI_TARGETS_H
#include "base/file.h"
#include "cli/cli.h"

enum target_form { TARGET_DENSE, TARGET_LIST };

struct target_row {
	const char *name;
	enum target_form form;
	int64_t n_case, n_control, n_samples;   /* PMX_MISSING_I64 where there are none */
	const char *reason;             /* why there are no weights; NULL where there are */
};

struct target_stream {
	const struct names *genes;
	const uint32_t *from;           /* where the weight of each gene stands among those of targets_put; NULL: in their order */
	json_t *gene_counts;            /* of names looked up in a table (cli/gene_names.h), for the provenance; or NULL */
	const char *const *reasons;     /* what may stand in the column reason, up to a NULL; or NULL */
	bool samples;                   /* with n_samples */
	bool members;                   /* with n_members and members, by targets_members */
	const struct pmx_schema *cells; /* what the targets are made of, for the provenance, and its reader; or NULL */
	const struct pmx_reader *in;
	const char *source;             /* a file read instead, or NULL */
	struct file_out *file;          /* NULL: the tool's output */
	const char *folder, *name;      /* of that file, for the provenance */
};

struct target_writer;
struct target_writer *targets_open(const struct cli *c, const struct target_stream *o);
/* Of the next row: what it is made of, and how many. */
void targets_members(struct target_writer *w, int64_t n, const char *members);
/* weights: one a gene, or what `from` points into. A row without a finite weight and without a reason gets "no_genes". */
void targets_put(struct target_writer *w, const struct target_row *row, const double *weights);
/* Says how many rows lack weights and why; none at all with weights ends the process. */
void targets_close(struct target_writer *w);

#endif
