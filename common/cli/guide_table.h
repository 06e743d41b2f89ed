/* The table of guides that mixscape writes: how many of the cells of each answer, and which guides are weak. */
#ifndef CLI_GUIDE_TABLE_H
#define CLI_GUIDE_TABLE_H
#include "cli/screen.h"

struct guide_table;
struct guide_table *guide_table_new(const struct screen *s);
/* Cells of one target: those classified, and of these those that answer. Cells without a guide are left out. */
void guide_table_add(struct guide_table *t, const struct cell_group *g, const bool *classified, const bool *answers);
/* Tests, writes and frees; names the weak guides on stderr. */
void guide_table_write(struct guide_table *t, const struct cli *c, const char *path);

#endif
