/* The tools beside the running program: their names, and what they declare. */
#ifndef CLI_TOOLBOX_H
#define CLI_TOOLBOX_H
#include <jansson.h>
#include "base/err.h"
#include "base/names.h"

/* The folder of the running program, links followed. The caller frees; NULL on failure. */
char *toolbox_folder(struct err *e);
/* The tools in it, in the order of their bytes: programs that bear the mark of this version. NULL on failure. */
struct names *toolbox_names(const char *folder, struct err *e);
/* Is this file such a tool? Nothing is run to find out. */
bool toolbox_is_tool(const char *folder, const char *name);
/* What `name --emit json` says. NULL on failure. */
json_t *toolbox_declaration(const char *folder, const char *name, struct err *e);

#endif
