/* Programs going out: the contrasts with the program of each row and its z scores beside what they had, or a table of members. */
#ifndef CLI_PROGRAM_OUT_H
#define CLI_PROGRAM_OUT_H
#include "cli/effect_rows.h"

/* Why a row is in no program. The first few are found before programs are sought (enum effect_state). */
enum member_reason { MEMBER, MEMBER_NOT_TESTED, MEMBER_NO_GENES, MEMBER_FEW_GENES, MEMBER_CONSTANT, MEMBER_FEW_ROWS, MEMBER_FEW_TARGETS, MEMBER_ONE_SPLIT,
		     MEMBER_ALONE, MEMBER_NOWHERE, MEMBER_N_REASONS };

struct member {
	enum member_reason reason;
	uint32_t program;
	double number[2];               /* what the method gives for the row; NaN */
	bool prototype;
};

/* What a method gives beside the program: columns of the rows. */
struct program_columns {
	const char *number[2];          /* NULL: no such column */
	bool prototype;
};

/* Every row outside of all programs so far, with the reason that effect_rows found. The caller frees. */
struct member *members_new(const struct effect_rows *r);
/* Writes everything and says how many rows are in no program and why; ends the process where no programs could be sought. */
void program_out(const struct cli *c, struct cli_again *in, const struct effect_rows *r, const struct names *programs,
		 const struct member *member, const struct program_columns *columns, bool tsv);

#endif
