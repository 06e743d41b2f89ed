/* pmx-split - shards of whole groups, the controls in every one */
#include "cli/again.h"
#include "cli/cli.h"
#include "cli/screen.h"
#include "base/mem.h"
#include "stream/shards.h"
#include <inttypes.h>

static const char *by = "gene_target", *control, *prefix;
static long shards;

static const struct cli_option options[] = {
	CLI_INT(0, "shards", &shards, 1, 1000, "N", "how many (needed)"),
	CLI_TEXT(0, "prefix", &prefix, "PREFIX", "the shards are PREFIX.1.pmx, PREFIX.2.pmx, ... (needed)"),
	CLI_TEXT('p', "by", &by, "COLUMN", "row column whose groups stay whole"),
	CLI_TEXT('c', "control", &control, "LABEL", "its label of the controls, which stand in every shard (needed)"),
	CLI_END
};

/* A shard says which one it is. */
static struct pmx_writer *create(const struct cli *c, const struct pmx_schema *in, const struct pmx_reader *original, long k)
{
	struct err e = { 0 };
	struct pmx_schema *s = pmx_schema_copy(in);
	char *path = mem_print("%s.%ld.pmx", prefix, k + 1);
	cli_provenance(c, s, original, NULL);
	json_t *line = json_array_get(s->provenance, json_array_size(s->provenance) - 1);
	json_object_set_new(line, "shard", json_integer(k + 1));
	json_object_set_new(line, "shards", json_integer(shards));
	json_object_set_new(line, "by", json_string(by));
	json_object_set_new(line, "control", json_string(control));
	cli_provenance_file(s, NULL, path);
	struct file_out *f = file_create(path, &e);
	struct pmx_writer *w = f ? pmx_create(f, s, 1, c->threads, &e) : NULL;
	if (!w)
		cli_fail(&e);
	pmx_schema_free(s);
	mem_free(path);
	return w;
}

/* Where the groups are: from the trailer, for which a pipe is read to its end. */
static const struct pmx_index *find_groups(struct pmx_reader *r, bool *read)
{
	struct err e = { 0 };
	const struct pmx_index *index = pmx_read_index(r, &e);
	*read = !index && !e.set;
	if (*read) {
		for (struct pmx_block *b; (b = cli_next(r)); )
			pmx_block_free(b);
		index = pmx_read_index(r, &e);
	}
	if (!index)
		cli_fail(&e);
	return index;
}

static int run(struct cli *c)
{
	struct err e = { 0 };
	bool read;
	if (!shards || !prefix)
		cli_misuse("--shards N and --prefix PREFIX are needed");
	if (!control)
		cli_misuse("--control is needed: which label of '%s' marks the rows that every shard holds?", by);
	struct cli_again *again = cli_again_new(c);
	struct pmx_reader *original = cli_again_open(again), *in = cli_sorted(c, original, by, control);
	const struct pmx_index *index = find_groups(in, &read);
	const struct pmx_schema *s = pmx_reader_schema(in);
	uint64_t first = names_find(s->field[pmx_find(s, PMX_OBS, by)].values, control), n_controls = 0;
	for (size_t i = 0; i < index->n_groups; i++)
		n_controls += index->group[i].code == first ? index->group[i].n_rows : 0;
	if (!n_controls)
		cli_die("no row of column '%s' is labelled '%s'", by, control);
	uint32_t n = (uint32_t)shards, *shard = pmx_shards_plan(index, first, n, &e);
	if (!shard)
		cli_fail(&e);
	struct pmx_writer **out = mem_array(n, sizeof *out);
	for (uint32_t k = 0; k < n; k++)
		out[k] = create(c, s, original, k);
	/* The index of a pipe goes with its reader. */
	struct pmx_index places = *index;
	if (read) {
		places.group = mem_array(index->n_groups, sizeof *places.group);
		for (size_t i = 0; i < index->n_groups; i++)
			places.group[i] = index->group[i];
		in = cli_again_open(again);
	}
	if (pmx_shards_write(in, &places, first, shard, n, out, &e))
		cli_fail(&e);
	for (uint32_t k = 0; k < n; k++) {
		cli_detail(c, "%s.%u.pmx: %" PRIu64 " rows, %" PRIu64 " of them controls", prefix, (unsigned)k + 1, pmx_rows_written(out[k]), n_controls);
		if (pmx_finish(out[k], 0, &e))
			cli_fail(&e);
	}
	if (read)
		mem_free(places.group);
	else if (in != original)
		pmx_close(in);
	mem_free(shard);
	mem_free(out);
	cli_again_free(again);
	return 0;
}

static const char *const description[] = {
	"Cuts a screen into shards for as many machines: runs of whole groups (targets) in the order of the stream, as even in rows as that allows, each behind "
	"all controls. What a tool computes for a target of the controls and that target is then the same in a shard as in the whole, and a signature recipe "
	"holds in every shard. pmx-cat --controls-once puts the shards, or what a tool made of them, together again: row by row what the tool makes of the whole.",
	"What looks at all cells comes before: normalize, hvg, pca. A stream that does not promise groups with the controls in front is sorted on the way.",
	"The cut depends on the sizes of the groups alone. Rows without a label are a group of their own. In a shard it is no failure when a tool could compute "
	"nothing at all: its reasons say so.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "PREFIX.K.pmx", "shard K of N: a stream like the input; each appears whole or not at all" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"pmx-split --shards 2 --control NT --prefix shard signature.pmx && pmx-cat --controls-once shard.1.pmx shard.2.pmx | pmx-diff - signature.pmx",
	NULL
};

const struct cli_tool tool = { .name = "pmx-split", .summary = "shards of whole groups, the controls in every one", .stage = CLI_STREAMS,
	.flags = CLI_READS_STREAM | CLI_THREADS | CLI_HOLDS_DATA, .reads = CLI_KIND(PMX_CELLS), .args = "[FILE]", .max_args = 1,
	.options = options, .description = description, .outputs = outputs, .examples = examples, .run = run };
