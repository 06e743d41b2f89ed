/* The guides of a screen, what they target, and their codes in the dictionaries of row columns. */
#ifndef CLI_GUIDE_LIBRARY_H
#define CLI_GUIDE_LIBRARY_H
#include "base/names.h"
#include "cli/cli.h"

struct guide_library_options {
	const char *table;              /* guide, target; NULL: targets from the names (perturb/guides.h) */
	struct cli_list control_guides; /* patterns as fnmatch has them */
	const char *control_label;
};

struct guide_library {
	struct names *guides, *targets;         /* in the order of the bytes */
	uint32_t *guide_code, *target_code;     /* of each guide, in the order given */
};

/* Ends the process when a guide has no target, or two, or when a pattern fits none. */
struct guide_library *guide_library_new(const struct cli *c, const struct names *guides, const struct guide_library_options *o);
void guide_library_free(struct guide_library *l);

#endif
