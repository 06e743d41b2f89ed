/*
 * Contrasts (of de-markers or weighted-de) as volcanos: per row the genes worth a point. The most significant VOLCANO_TOP are
 * all kept; of the others one a cell of a grid over the range of fold changes and -log10 p (VOLCANO_ACROSS x VOLCANO_UP), the most
 * significant one, until there are VOLCANO_POINTS. Equal p: the gene that comes first. The VOLCANO_ROWS rows with most significant genes
 * (ties: the first) keep their points, the others VOLCANO_FEW, so that memory does not grow with points.
 */
#ifndef REPORT_EFFECTS_H
#define REPORT_EFFECTS_H
#include "report/sheet.h"
#include "stream/reader.h"

enum { VOLCANO_TOP = 80, VOLCANO_ACROSS = 40, VOLCANO_UP = 24, VOLCANO_POINTS = 400, VOLCANO_ROWS = 40, VOLCANO_ALL = 5000, VOLCANO_FEW = 5 };

struct effect_point {
	uint32_t gene;
	double fold, log10_p, log10_p_adj;      /* adj: NaN where the stream has none */
};

struct effects_row {
	char *name, *target, *split, *reason;   /* split, reason: NULL where there is none */
	struct effect_point *point;             /* most significant first */
	bool full;                      /* has its points */
	size_t n, n_tested, n_up, n_down;       /* up, down: adjusted p below 0.05 (p, where there is no adjusted one) */
	int64_t n_target, n_control;            /* cells; -1 where the stream does not tell */
};

struct effects {
	char *file, *fold_name;         /* logfc or log2fc */
	struct names *genes;
	struct effects_row *row;
	size_t n, cap;
	bool has_splits;
	size_t n_full;
};

/* NULL on failure. `only` (or NULL): rows of this target alone get their points. */
struct effects *effects_read(struct pmx_reader *r, const char *only, struct err *e);
void effects_free(struct effects *x);
/* Table: target, split, cells, genes tested, up, down, the strongest genes, reason. */
struct sheet *effects_table(const struct effects *x);

#endif
