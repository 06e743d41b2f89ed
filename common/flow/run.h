/*
 * Running a plan. A step is done when its manifest OUT/.pmx-flow/STEP.json says
 * so: it is taken away before the step begins and written, as a whole, after
 * every output is in its place. It keeps the digests of command, inputs and
 * outputs, so that a step runs again when one of them is another, and only then.
 */
#ifndef FLOW_RUN_H
#define FLOW_RUN_H
#include "base/err.h"
#include "flow/plan.h"

struct flow_report {
	void (*begins)(const char *step, const char *command);
	void (*is_current)(const char *step);
	/* What a tool wrote on its standard error. */
	void (*said)(const char *text, size_t n);
};

/* Steps that ran are counted in *n_ran. A failure names the step, the tool and what it said. */
int flow_run(const struct flow_plan *p, const char *out, const struct flow_report *report, size_t *n_ran, struct err *e);

#endif
