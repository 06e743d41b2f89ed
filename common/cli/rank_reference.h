/* A reference as rank sees it: profiles, the signatures that the user's conditions leave, groups, and genes by name. */
#ifndef CLI_RANK_REFERENCE_H
#define CLI_RANK_REFERENCE_H
#include "cli/cli.h"
#include "connect/profiles.h"
#include "connect/summary.h"
#include "formats/reference.h"

/* Values accepted; texts, or for dose and time also numbers and ranges such as 1:10. Empty: all. */
struct rank_conditions {
	struct cli_list cell_line, moa, dose, time;
};

enum rank_unit { RANK_SIGNATURE, RANK_COMPOUND, RANK_MOA };

struct rank_reference {
	struct reference *file;
	struct profiles profiles;
	struct profile_slab *slab;
	bool *keep;
	size_t n_kept;
	uint32_t *stratum;              /* cell line and perturbagen type */
	size_t n_strata;
	int unit;
	struct names *compound, *moa;   /* names of the units */
	struct summary_groups compounds;        /* signatures of each compound */
	struct summary_groups classes;          /* compounds of each class */
	struct names *gene, *gene_id, *folded;
	uint32_t *folded_gene;
};

struct rank_reference *rank_reference_open(const struct cli *c, const char *path, const struct rank_conditions *w, int unit, bool verify);
void rank_reference_free(struct rank_reference *r);
/* Units ranked: signatures, compounds or classes. */
size_t rank_reference_units(const struct rank_reference *r);
const char *rank_reference_unit(const struct rank_reference *r, size_t u);
/* Gene of the reference for a name: symbol, id, symbol in another case, Ensembl id without version; UINT32_MAX. */
uint32_t rank_reference_gene(const struct rank_reference *r, const char *name);
/* Summaries of the units from values of the signatures (a copy for signatures). */
void rank_reference_summarise(const struct rank_reference *r, const double *value, int threads, double *out);
/* Asks the system to have these parts of the runs of these genes read (enum profile_part). */
void rank_reference_fetch(const struct rank_reference *r, const bool *used, unsigned parts);
/* Does a signature lack genes? */
bool rank_reference_gaps(const struct rank_reference *r);

#endif
