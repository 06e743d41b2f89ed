/* A plan in the words of other engines, which rebuild what is stale and nothing else. */
#ifndef FLOW_EMIT_H
#define FLOW_EMIT_H
#include "base/err.h"
#include "flow/plan.h"

/* Each gives the text, kept with the spec, or NULL and a failure: a file that the engine cannot name. `out` is absolute. */
const char *flow_to_make(const struct flow_plan *p, const char *out, struct err *e);
const char *flow_to_snakemake(const struct flow_plan *p, const char *out, struct err *e);
/* What each step reads and leaves, in the order of the run; or Graphviz. */
const char *flow_to_text(const struct flow_plan *p);
const char *flow_to_dot(const struct flow_plan *p);

#endif
