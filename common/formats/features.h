/*
 * What 10x writes about the rows of its matrix: id, symbol, type and, in h5
 * files, genome. A list of names alone serves as well.
 */
#ifndef FORMATS_FEATURES_H
#define FORMATS_FEATURES_H
#include "formats/feed.h"

struct features {
	struct name_list id, symbol, type, genome;      /* all but id may be empty */
};

/* features.tsv or genes.tsv: no header; one to three (or more) columns. */
int features_read(struct features *f, const char *path, struct err *e);
void features_free(struct features *f);
/*
 * Makes them the columns of im: symbols, numbered where they come twice, or ids; --feature-type and --genes
 * are heeded; the rest of the table becomes columns of the genes.
 */
int features_set(struct import *im, struct features *f, struct err *e);
/* barcodes.tsv, or any list of names: its first column. */
int names_read(struct name_list *l, const char *path, struct err *e);

#endif
