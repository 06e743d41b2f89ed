#include "unit.h"
#include "base/mem.h"
#include "formats/export.h"
#include "stream/writer.h"
#include <string.h>
#include <unistd.h>

static struct pmx_schema *schema(void)
{
	struct pmx_schema *s = pmx_schema_new(PMX_CELLS, 2);
	struct names *genes = names_new();
	names_add(genes, "G1", NULL);
	names_add(genes, "G2", NULL);
	pmx_add_obs(s, "cell", PMX_TEXT);
	s->row_names = mem_text("cell");
	pmx_set_column_names(s, "gene", genes);
	names_free(genes);
	return s;
}

static void add_signature(struct pmx_schema *s)
{
	pmx_add_obs(s, "gene_target", PMX_CATEGORY);
	pmx_add_obsm(s, "near", PMX_U32, 3);
	pmx_add_layer(s, "X", PMX_F64, PMX_SPARSE);
	struct pmx_field *f = pmx_add_layer(s, "X_pert", PMX_F64, PMX_RECIPE);
	f->recipe = (struct pmx_recipe){ .kind = PMX_NEIGHBOUR_SIGNATURE, .source = mem_text("X"), .neighbours = mem_text("near"),
		.pert_key = mem_text("gene_target"), .control = mem_text("NT") };
}

UNIT(the_main_layer)
{
	struct err e = { 0 };
	struct pmx_schema *s = schema();
	CHECK(export_main_layer(s, NULL, false, &e) == PMX_NO_FIELD && strstr(e.text, "no layer"));
	e = (struct err){ 0 };
	pmx_add_layer(s, "a", PMX_F64, PMX_SPARSE);
	CHECK(export_main_layer(s, NULL, false, &e) == pmx_find(s, PMX_LAYER, "a"));
	pmx_add_layer(s, "b", PMX_F64, PMX_SPARSE);
	CHECK(export_main_layer(s, NULL, false, &e) == PMX_NO_FIELD && strstr(e.text, "a, b"));
	e = (struct err){ 0 };
	pmx_add_layer(s, "counts", PMX_U32, PMX_SPARSE);
	CHECK(export_main_layer(s, NULL, false, &e) == pmx_find(s, PMX_LAYER, "counts"));
	pmx_add_layer(s, "X", PMX_F64, PMX_SPARSE);
	CHECK(export_main_layer(s, NULL, false, &e) == pmx_find(s, PMX_LAYER, "X"));
	CHECK(export_main_layer(s, NULL, true, &e) == pmx_find(s, PMX_LAYER, "counts"));
	CHECK(export_main_layer(s, "b", true, &e) == pmx_find(s, PMX_LAYER, "b"));
	pmx_schema_free(s);
}

/* Other formats compute it; that an h5ad and a table do is in pmx-export.bats. */
UNIT(a_signature_is_no_count)
{
	struct err e = { 0 };
	struct pmx_schema *s = schema();
	add_signature(s);
	CHECK(!export_check_layer(s, pmx_find(s, PMX_LAYER, "X"), &e));
	CHECK(export_check_layer(s, pmx_find(s, PMX_LAYER, "X_pert"), &e) && strstr(e.text, "layer 'X_pert' is a signature") && strstr(e.text, "h5ad or tsv"));
	pmx_schema_free(s);
}

/* A stream of one cell with these counts, in a file that nobody sees. */
static struct pmx_reader *stream(const uint32_t count[2], struct err *e)
{
	struct pmx_schema *s = schema();
	pmx_add_layer(s, "counts", PMX_U32, PMX_SPARSE);
	int fd = file_scratch(e);
	struct pmx_writer *w = pmx_create(file_onto_fd(fd, "test"), s, 1, 1, e);
	struct pmx_filler *l = pmx_filler_new(w, 0);
	pmx_fill_text(l, 0, "c1");
	pmx_fill_sparse(l, 2, (uint32_t[]){ 0, 1 }, count, 2);
	pmx_fill_end_row(l, e);
	pmx_filler_close(l, e);
	pmx_finish(w, 0, e);
	pmx_schema_free(s);
	lseek(fd, 0, SEEK_SET);
	return pmx_open(file_from_fd(fd, "test"), 1, e);
}

UNIT(a_count_beyond_int32_is_named)
{
	struct err e = { 0 };
	const struct export_options o = { .threads = 1 };
	char path[64];
	snprintf(path, sizeof path, "/tmp/pertpipe-test-%ld.h5ad", (long)getpid());
	struct pmx_reader *in = stream((uint32_t[]){ 1, INT32_MAX }, &e);
	CHECK(!export_h5ad.run(in, path, &o, &e) && !unlink(path));
	pmx_close(in);
	in = stream((uint32_t[]){ 1, (uint32_t)INT32_MAX + 1 }, &e);
	CHECK(export_h5ad.run(in, path, &o, &e) && strstr(e.text, "cell c1, gene G2: 2147483648 does not fit"));
	CHECK(access(path, F_OK));
	pmx_close(in);
}

UNITS(RUN(the_main_layer), RUN(a_signature_is_no_count), RUN(a_count_beyond_int32_is_named))
