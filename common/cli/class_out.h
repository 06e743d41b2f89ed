/* What mixscape writes of every cell: class, global class, posterior and reason. */
#ifndef CLI_CLASS_OUT_H
#define CLI_CLASS_OUT_H
#include "cli/screen.h"
#include "perturb/mixscape.h"

struct class_out_options {
	const char *column, *suffix;    /* stem of the columns; of the class of the cells that answer */
	bool bare_is_control;           /* global class of a bare NP, as Seurat has it */
};

/* Of the cells of one group. */
struct cell_classes {
	uint32_t *class, *global, *reason;
	double *p;
	size_t cap[4];
};

struct class_out;
/* Opens the tool's output and makes the screen's blocks pass to it. */
struct class_out *class_out_open(const struct cli *c, const struct class_out_options *o, struct screen *s);
/* Classes of a group before anything is known: NP with a reason, or the control. */
void class_out_reset(const struct class_out *w, const struct cell_group *g, struct cell_classes *r);
void class_out_set(const struct class_out *w, const struct cell_group *g, struct cell_classes *r, size_t cell, enum mixscape_call call);
void class_out_reason(struct cell_classes *r, size_t cell, enum mixscape_reason reason);
enum mixscape_reason class_out_reason_of(const struct cell_classes *r, size_t cell);
bool class_out_answers(const struct cell_classes *r, size_t cell);
/* The next g->n cells of the stream. */
void class_out_put(struct class_out *w, const struct cell_group *g, const struct cell_classes *r);
void class_out_close(struct class_out *w);
void cell_classes_free(struct cell_classes *r);

#endif
