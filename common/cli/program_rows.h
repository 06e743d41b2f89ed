/*
 * Programs coming in, from the contrasts of decompose: the z scores of each program's members. Members go by split and
 * target, genes by name, so that nothing depends on the order of the stream.
 */
#ifndef CLI_PROGRAM_ROWS_H
#define CLI_PROGRAM_ROWS_H
#include "cli/cli.h"
#include "base/names.h"

struct program_rows {
	const char *name;
	size_t n;                       /* members; those with weight 0 are left out */
	char *members;                  /* "IFNGR1, JAK2", or with splits "IFNGR1|rep_1, ..." */
	size_t n_genes;                 /* that have a z score in all members */
	uint32_t *gene;                 /* columns of the stream, by name */
	double *z;                      /* n_genes x n, member after member */
};

struct program_reader;
/* Reads the stream to its end. Programs go by the order of their dictionary; those without a row are not there. */
struct program_reader *program_rows_read(struct pmx_reader *in);
size_t program_rows_count(const struct program_reader *r);
/* Program i; valid until the next call. */
const struct program_rows *program_rows_take(struct program_reader *r, size_t i);
void program_rows_free(struct program_reader *r);

/*
 * Permutations from a table: [program,] iteration, row, then one place (from 1) a member; rows and places are those of the genes that
 * are kept. A table without the column program is for every program.
 */
struct permutations;
struct permutations *permutations_read(const char *path);
/* Of a program with n members and n_rows genes kept: [(iteration n + member) n_rows + row], and how many iterations. The caller frees. */
uint32_t *permutations_of(const struct permutations *p, const char *program, size_t n, size_t n_rows, long *iterations);
void permutations_free(struct permutations *p);

#endif
