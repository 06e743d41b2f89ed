#include "cli/layer_scan.h"

void layer_scan(struct pmx_reader *in, const struct pmx_schema *s, size_t layer, layer_block *take, void *state)
{
	struct err e = { 0 };
	struct sparse_rows x;
	sparse_rows_init(&x, s->n_columns);
	pmx_layer_want(in, s, layer);
	for (struct pmx_block *b; (b = cli_next(in)); pmx_block_free(b)) {
		sparse_rows_clear(&x);
		if (pmx_layer_rows(b, s, layer, 0, b->n_rows, &x, &e))
			cli_fail(&e);
		take(state, b, &x);
	}
	sparse_rows_free(&x);
}

void layer_keep_range(struct sparse_rows *out, const struct sparse_rows *x, uint32_t first, uint32_t end, const uint32_t *mark)
{
	sparse_rows_room(out, x->n_rows, x->start[x->n_rows]);
	for (size_t r = 0; r < x->n_rows; r++) {
		size_t at = out->start[out->n_rows];
		for (size_t i = x->start[r]; i < x->start[r + 1] && !(mark && mark[r] == UINT32_MAX); i++)
			if (x->col[i] >= first && x->col[i] < end) {
				out->col[at] = x->col[i] - first;
				out->value[at++] = x->value[i];
			}
		out->start[++out->n_rows] = at;
	}
}

uint32_t layer_range_end(const uint64_t *per_gene, uint32_t first, uint32_t n_genes, uint64_t memory)
{
	uint32_t end = first;
	for (uint64_t values = 0; end < n_genes && (end == first || (values + per_gene[end]) * 24 <= memory); end++)
		values += per_gene[end];
	return end;
}
