/* An input that is read more than once: a file is opened again, a pipe is copied to a scratch file as it is read. */
#ifndef CLI_AGAIN_H
#define CLI_AGAIN_H
#include "cli/cli.h"

struct cli_again;
/* The tool's input; or a stream that an option names, of the same kind. */
struct cli_again *cli_again_new(const struct cli *c);
struct cli_again *cli_again_at(const struct cli *c, const char *path);
/* The first reader, to look at its header; cli_again_open then gives the same one. */
struct pmx_reader *cli_again_peek(struct cli_again *a);
/* A reader from the first row on; the one before must have been read to its end. It belongs to `a`. */
struct pmx_reader *cli_again_open(struct cli_again *a);
/* The same, grouped by `by` with `first` in front; sorted into a scratch file once where the stream does not promise that. */
struct pmx_reader *cli_again_sorted(struct cli_again *a, const char *by, const char *first);
/* The input as it was given, for the provenance; read to its end once a reader was. */
struct pmx_reader *cli_again_original(struct cli_again *a);
void cli_again_free(struct cli_again *a);

#endif
