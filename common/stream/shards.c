#include "stream/shards.h"
#include "base/mem.h"

enum { STEP = 16 };                     /* rows between looks at the size of a block */

/* Shards needed when none but a single large group holds more than `most` rows. */
static uint64_t fill(const struct pmx_index *index, uint64_t first, uint64_t most, uint64_t n_shards, uint32_t *shard)
{
	uint64_t left = 0, used = 0, rows = 0;
	for (size_t i = 0; i < index->n_groups; i++)
		left += index->group[i].code != first;
	for (size_t i = 0; i < index->n_groups; i++) {
		const struct pmx_group_place *g = &index->group[i];
		if (g->code == first)
			continue;
		/* Groups that are left have to do for the shards that are left. */
		if (!used || rows + g->n_rows > most || left == n_shards - used) {
			used++;
			rows = 0;
		}
		rows += g->n_rows;
		left--;
		if (shard)
			shard[i] = (uint32_t)used - 1;
		if (used > n_shards)
			return used;
	}
	return used;
}

uint32_t *pmx_shards_plan(const struct pmx_index *index, uint64_t first, uint32_t n_shards, struct err *e)
{
	uint64_t low = 1, high = 1, n = 0;
	for (size_t i = 0; i < index->n_groups; i++)
		if (index->group[i].code != first) {
			low = index->group[i].n_rows > low ? index->group[i].n_rows : low;
			high += index->group[i].n_rows;
			n++;
		}
	if (n < n_shards) {
		err_set(e, "%llu groups besides the controls cannot fill %u shards; ask for %llu at most", (unsigned long long)n, (unsigned)n_shards,
			(unsigned long long)n);
		return NULL;
	}
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (fill(index, first, middle, n_shards, NULL) <= n_shards)
			high = middle;
		else
			low = middle + 1;
	}
	uint32_t *shard = mem_zero(index->n_groups + 1, sizeof *shard);
	fill(index, first, low, n_shards, shard);
	return shard;
}

/* Appends rows from .. to - 1 of the block. */
static int append(struct pmx_gather *g, struct pmx_writer *out, struct pmx_block *b, uint32_t from, uint32_t to, struct err *e)
{
	uint32_t row[STEP];
	while (from < to) {
		size_t have = pmx_gather_size(g), n = STEP - have % STEP;
		if (n > to - from)
			n = to - from;
		for (size_t i = 0; i < n; i++)
			row[i] = from + (uint32_t)i;
		if (pmx_gather_rows(g, b, row, n, NULL, e))
			return -1;
		from += (uint32_t)n;
		have += n;
		if (have % STEP == 0 && pmx_gather_bytes(g) >= PMX_BLOCK_BYTES && pmx_put(out, pmx_gather_take(g, 0), e))
			return -1;
	}
	return 0;
}

int pmx_shards_write(struct pmx_reader *r, const struct pmx_index *index, uint64_t first, const uint32_t *shard, uint32_t n,
		     struct pmx_writer **out, struct err *e)
{
	struct pmx_gather **rows = mem_array(n, sizeof *rows);
	struct pmx_block *b;
	size_t g = 0;
	int more, status = 0;
	for (uint32_t k = 0; k < n; k++)
		rows[k] = pmx_gather_new(pmx_reader_schema(r));
	while (!status && (more = pmx_next(r, &b, e))) {
		if (more < 0) {
			status = -1;
			break;
		}
		for (uint64_t at = b->first_row, end = b->first_row + b->n_rows; at < end && !status; ) {
			while (g < index->n_groups && index->group[g].first_row + index->group[g].n_rows <= at)
				g++;
			if (g == index->n_groups) {
				status = err_set(e, "%s holds more rows than its trailer says", pmx_reader_name(r));
				break;
			}
			uint64_t stop = index->group[g].first_row + index->group[g].n_rows;
			stop = stop < end ? stop : end;
			bool all = index->group[g].code == first;
			for (uint32_t k = all ? 0 : shard[g]; k < (all ? n : shard[g] + 1) && !status; k++)
				status = append(rows[k], out[k], b, (uint32_t)(at - b->first_row), (uint32_t)(stop - b->first_row), e);
			at = stop;
		}
		pmx_block_free(b);
	}
	for (uint32_t k = 0; k < n; k++) {
		if (!status && pmx_gather_size(rows[k]))
			status = pmx_put(out[k], pmx_gather_take(rows[k], 0), e);
		pmx_gather_free(rows[k]);
	}
	mem_free(rows);
	return status;
}
