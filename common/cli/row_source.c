#include "cli/row_source.h"
#include "base/mem.h"
#include "num/pca.h"
#include "stream/layer.h"

enum { PIECE = 8 * PCA_CHUNKS * PACKED_ROWS };

struct row_source {
	const struct cli *c;
	struct cli_again *again;
	const struct pmx_schema *s;
	size_t layer;
	const uint32_t *slot;
	struct packed *packed;
	bool kept, in_pass;
	struct pmx_reader *in;
	struct pmx_block *block;
	size_t row;
	struct sparse_rows x;
};

struct row_source *row_source_new(const struct cli *c, struct cli_again *again, const struct pmx_schema *s, size_t layer,
				  const uint32_t *slot, size_t n_genes)
{
	struct row_source *r = mem_zero(1, sizeof *r);
	*r = (struct row_source){ .c = c, .again = again, .s = s, .layer = layer, .slot = slot, .kept = true };
	r->packed = packed_new(n_genes);
	sparse_rows_init(&r->x, s->n_columns);
	return r;
}

void row_source_free(struct row_source *r)
{
	pmx_block_free(r->block);
	packed_free(r->packed);
	sparse_rows_free(&r->x);
	mem_free(r);
}

bool row_source_kept(const struct row_source *r)
{
	return r->kept;
}

void row_source_pack(struct pmx_block *b, const struct pmx_schema *s, size_t layer, size_t from, size_t to, const uint32_t *slot,
		     struct sparse_rows *x, struct packed *out)
{
	struct err e = { 0 };
	sparse_rows_clear(x);
	if (pmx_layer_rows(b, s, layer, from, to, x, &e))
		cli_fail(&e);
	for (size_t i = 0; i < x->n_rows; i++) {
		size_t begin = x->start[i], n = begin;
		for (size_t k = begin; k < x->start[i + 1]; k++) {
			uint32_t g = slot[x->col[k]];
			if (g == UINT32_MAX)
				continue;
			x->col[n] = g;
			x->value[n++] = x->value[k];
		}
		packed_add(out, x->col + begin, x->value + begin, n - begin);
	}
}

static void begin(struct row_source *r)
{
	r->in = cli_again_open(r->again);
	pmx_layer_want(r->in, r->s, r->layer);
	r->in_pass = true;
}

/* Packs up to PIECE more rows. */
static size_t fill(struct row_source *r)
{
	size_t n = 0;
	while (n < PIECE) {
		if (!r->block || r->row == r->block->n_rows) {
			pmx_block_free(r->block);
			r->block = cli_next(r->in);
			r->row = 0;
			if (!r->block)
				break;
		}
		size_t to = r->row + PIECE - n < r->block->n_rows ? r->row + PIECE - n : r->block->n_rows;
		row_source_pack(r->block, r->s, r->layer, r->row, to, r->slot, &r->x, r->packed);
		n += to - r->row;
		r->row = to;
	}
	return n;
}

const struct packed *row_source_first(struct row_source *r, size_t *first)
{
	if (!r->in_pass)
		begin(r);
	if (packed_bytes(r->packed) > r->c->memory)
		r->kept = false;
	if (!r->kept)
		packed_clear(r->packed);
	*first = packed_chunks(r->packed);
	r->in_pass = fill(r);
	packed_end(r->packed);
	return r->in_pass ? r->packed : NULL;
}

const struct packed *row_source_rows(void *source)
{
	struct row_source *r = source;
	if (r->kept) {
		r->in_pass = !r->in_pass;
		return r->in_pass ? r->packed : NULL;
	}
	if (!r->in_pass)
		begin(r);
	packed_clear(r->packed);
	r->in_pass = fill(r);
	packed_end(r->packed);
	return r->in_pass ? r->packed : NULL;
}
