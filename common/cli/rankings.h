/*
 * A table of ranked compounds, as rank writes it: for every target its items in order, and the classes of the
 * items. Failures end the process.
 */
#ifndef CLI_RANKINGS_H
#define CLI_RANKINGS_H
#include "cli/cli.h"
#include "formats/table.h"

enum ranking_unit { RANKING_COMPOUND, RANKING_SIGNATURE };

struct rankings_options {
	const char *target_key, *compound_key, *signature_key, *score_key;
	const char *class_key;          /* a column with classes, several between | */
	const char *sets_file;          /* or a file of sets of compounds; NULL: the column */
	const char *background_file;    /* compounds that could have come up too; or NULL */
	int unit;
	bool mimic;                     /* highest score first; else lowest */
};

struct ranking {
	uint32_t *item;                 /* best first: by score, ties by name */
	double *score;
	size_t n, cap, score_cap, n_without;    /* rows without a score are not items */
};

struct item_class {
	uint32_t *item;
	size_t n, cap;
};

struct rankings {
	struct names *targets, *items, *classes;
	struct ranking *at;             /* of targets */
	struct item_class *of_class;
	uint32_t *background;           /* items that are in no ranking but could have been; with background_file */
	size_t n_background;
};

/* A compound with several rows for a target has the maximum quantile (67/33) of their scores. */
struct rankings *rankings_of_table(const struct cli *c, const struct rankings_options *o, struct table *t);
void rankings_free(struct rankings *r);

#endif
