#include "cli/pca_genes.h"
#include "base/mem.h"
#include "formats/lines.h"
#include <string.h>

/* Which columns count. */
static bool *choose(const struct cli *c, const struct pmx_schema *s, const char *genes_file, bool use_hvg)
{
	struct err e = { 0 };
	size_t marked = pmx_find(s, PMX_VAR, "highly_variable");
	if (use_hvg && marked == PMX_NO_FIELD)
		cli_die("no genes are marked as highly variable; run hvg first");
	bool *use = mem_zero(s->n_columns, sizeof *use);
	if (!genes_file && marked == PMX_NO_FIELD) {
		memset(use, true, s->n_columns * sizeof *use);
		return use;
	}
	if (!genes_file) {
		size_t n = 0;
		for (size_t j = 0; j < s->n_columns; j++)
			n += use[j] = s->field[marked].column->flag[j] == 1;
		cli_detail(c, "%zu genes marked by hvg are used", n);
		return use;
	}
	struct names *names = pmx_column_names(s);
	struct lines *in = lines_open(genes_file, &e);
	char *line;
	size_t length, unknown = 0;
	while (in && lines_next(in, &line, &length, &e) > 0) {
		uint32_t g = names_find(names, line);
		if (g != NAMES_NONE)
			use[g] = true;
		else if (length)
			cli_detail(c, "%s, line %llu: there is no gene '%s'", genes_file, (unsigned long long)lines_number(in), line);
		unknown += g == NAMES_NONE && length;
	}
	if (e.set)
		cli_fail(&e);
	lines_close(in);
	names_free(names);
	if (unknown)
		cli_note(c, "%s: %zu genes are not in the stream and are left out (-v names them)", genes_file, unknown);
	return use;
}

uint32_t *pca_genes(const struct cli *c, const struct pmx_schema *s, const char *file, bool use_hvg, size_t *n)
{
	bool *use = choose(c, s, file, use_hvg);
	uint32_t *slot = mem_array(s->n_columns, sizeof *slot);
	*n = 0;
	for (size_t j = 0; j < s->n_columns; j++)
		slot[j] = use[j] ? (uint32_t)(*n)++ : UINT32_MAX;
	mem_free(use);
	return slot;
}

const char *pca_gene_at(const struct pmx_schema *s, const uint32_t *slot, size_t gene)
{
	for (size_t j = 0; j < s->n_columns; j++)
		if (slot[j] == gene)
			return pmx_column_name(s, j);
	return "?";
}
