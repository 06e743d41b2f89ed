/*
 * Signatures from a PMX stream or from any format that import knows, block by
 * block. An import runs beside the caller and hands its rows over in a pipe, so
 * memory stays bounded. Failures end the process.
 */
#ifndef CLI_SIGNATURE_SOURCE_H
#define CLI_SIGNATURE_SOURCE_H
#include "cli/cli.h"
#include "formats/import.h"
#include "stream/dense.h"

struct signature_source;
/* `o` (kept) describes an import; its memory, threads, say and to are filled in. PMX is taken when its kind is in `kinds`. */
struct signature_source *signature_source_open(const struct cli *c, const char *path, struct import_options *o, unsigned kinds);
struct pmx_reader *signature_source_reader(struct signature_source *s);
/* The file, for the provenance; NULL for a stream, whose reader tells. */
const char *signature_source_name(const struct signature_source *s);
void signature_source_close(struct signature_source *s);

/* The layer called `name`, or for NULL X, else the first of floats, else the first. Ends the process when there is none. */
size_t signature_layer(const struct pmx_schema *s, const char *name);

#endif
