/*
 * Which compounds of a reference reverse which targets, and which of them are
 * trained on, validated on and tested on.
 */
#ifndef CLI_PAIRING_H
#define CLI_PAIRING_H
#include "cli/signature_set.h"
#include "connect/training.h"

enum pairs_from { PAIRS_SAME_COMPOUND, PAIRS_MOA, PAIRS_DRUG_TARGET };
extern const char *const pairs_from_name[];     /* ends with NULL */
/* The one way that a --pairs-from names, -1 for none. */
int pairs_from_option(const struct cli_list *l);
enum split_by { SPLIT_COMPOUND, SPLIT_CELL_LINE };
extern const char *const split_by_name[];       /* ends with NULL */
enum { PAIRING_NO_PART = UINT8_MAX };           /* a signature that has no part: no compound, or it cannot be embedded */

struct pairing {
	size_t n_compounds;
	int8_t *label;                  /* targets x compounds: 1 reverses, 0 does not, -1 not said */
	uint32_t *self;                 /* by target: the signature of the same name, or TRAINING_NO_SIGNATURE */
	size_t n_positive;
	enum split_by by;
	struct names *items;            /* what is split: compounds or cell lines of the reference */
	uint8_t *part;                  /* of each: enum training_part */
	uint8_t *target_part, *drug_part;
	bool *new_target;               /* targets that are held out themselves, or NULL */
};

/*
 * Pairs of a table (target, compound, label: 1 reverses, 0 does not), one that names nothing being refused; or, where
 * `from` >= 0, made of what the rows say about themselves: a target is then the mirror image of a signature,
 * reversed by the same compound, by compounds of the same class (moa), or by compounds whose target is the gene
 * that was perturbed (the row's compound, or its name). Labels with | or , stand for several.
 */
struct pairing *pairing_new(const struct cli *c, const struct signature_set *targets, const struct signature_set *drugs, const char *pairs, int from);
void pairing_free(struct pairing *p);
/*
 * Draws the parts: of the items with a positive pair, and of the others, `test` and `validation` of 1 go there (at
 * least one where there are three). `new_targets` of 1 of the targets with a positive pair are held out themselves.
 */
void pairing_split(const struct cli *c, struct pairing *p, const struct signature_set *targets, const struct signature_set *drugs, enum split_by by,
		   double test, double validation, double new_targets, uint64_t seed);
/* The parts of a table: item, kind, part; kind target for those that are held out. */
void pairing_split_from(struct pairing *p, const struct signature_set *targets, const struct signature_set *drugs, const char *path);
void pairing_split_write(const struct pairing *p, const struct signature_set *targets, const char *path);
/* Views for the kernels. */
struct training_data pairing_data(const struct pairing *p, const struct signature_set *targets, const struct signature_set *drugs);

#endif
