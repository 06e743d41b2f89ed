/* The h5 files of Cell Ranger: group `matrix` (3 and later), or one named like the genome (2). Barcodes are rows. */
#include "base/mem.h"
#include "formats/feed.h"
#include "formats/features.h"
#include "formats/h5.h"
#include "formats/h5matrix.h"
#include <string.h>

static int take_name(void *to, uint64_t i, const char *text, struct err *e)
{
	(void)i;
	(void)e;
	name_list_add(to, text);
	return 0;
}

static int read_list(struct name_list *l, hid_t at, const char *group, const char *name, struct err *e)
{
	char *path = mem_print("%s/%s", group, name);
	int64_t n = h5_n_texts(at, path, e);
	int status = n < 0 || h5_texts(at, path, 0, (uint64_t)n, take_name, l, e);
	mem_free(path);
	return status ? -1 : 0;
}

static bool has(hid_t at, const char *group, const char *name)
{
	char *path = mem_print("%s/%s", group, name);
	bool there = h5_kind(at, path) != H5_NOTHING;
	mem_free(path);
	return there;
}

/* The group with the matrix; NULL when there is none. */
static char *find_group(hid_t at)
{
	struct err ignored = { 0 };
	if (has(at, "matrix", "barcodes") && has(at, "matrix", "features"))
		return mem_text("matrix");
	struct names *groups = h5_children(at, "/", &ignored);
	char *found = NULL;
	for (size_t i = 0; groups && i < groups->n && !found; i++)
		if (has(at, groups->at[i], "barcodes") && has(at, groups->at[i], "gene_names"))
			found = mem_text(groups->at[i]);
	names_free(groups);
	return found;
}

static bool recognise(const struct sniff *s)
{
	char *group = s->h5 >= 0 ? find_group(s->h5) : NULL;
	mem_free(group);
	return group != NULL;
}

static int read_features(struct features *f, hid_t at, const char *group, struct err *e)
{
	if (has(at, group, "gene_names"))
		return read_list(&f->id, at, group, "genes", e) || read_list(&f->symbol, at, group, "gene_names", e);
	return read_list(&f->id, at, group, "features/id", e) || read_list(&f->symbol, at, group, "features/name", e) ||
	       (has(at, group, "features/feature_type") && read_list(&f->type, at, group, "features/feature_type", e)) ||
	       (has(at, group, "features/genome") && read_list(&f->genome, at, group, "features/genome", e));
}

static int check_features(const struct features *f, struct err *e)
{
	size_t n = f->id.n;
	if (f->symbol.n != n || (f->type.n && f->type.n != n) || (f->genome.n && f->genome.n != n))
		return err_set(e, "the lists of features differ in length");
	return 0;
}

static int open_group(struct import *im, const char *group, struct err *e)
{
	struct features f = { 0 };
	struct name_list barcodes = { 0 };
	int status = read_features(&f, im->h5, group, e) || check_features(&f, e) || features_set(im, &f, e) ||
		read_list(&barcodes, im->h5, group, "barcodes", e) ? -1 : 0;
	struct names *cells = status ? NULL : import_unique(im, &barcodes, "cell", im->o->make_unique, e);
	features_free(&f);
	name_list_free(&barcodes);
	if (!cells || import_set_rows(im, cells, e))
		return -1;
	struct h5_matrix *m = h5_matrix_open(im, group, H5_BY_CELLS, 0, e);
	if (!m)
		return -1;
	const char *name = im->o->layer ? im->o->layer : h5_matrix_type(m) == PMX_U32 ? "counts" : "X";
	return h5_matrix_add(im, m, name, e);
}

static int open_file(struct import *im, const char *path, struct err *e)
{
	char *group = find_group(im->h5);
	int status = open_group(im, group, e);
	mem_free(group);
	return status ? err_context(e, "%s", path) : 0;
}

const struct format format_tenx_h5 = { "10x h5", USES_FEATURES, recognise, open_file };
