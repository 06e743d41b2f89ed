/*
 * A tool declares itself once: parser, --help, man page, completion and the
 * JSON that pmx-flow and the law tests read all come from that declaration.
 * This is the one layer that prints messages and ends the process.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "stream/reader.h"
#include "stream/writer.h"

#define PERTPIPE_VERSION "0.1.0"
#define PERTPIPE_DATE "November 21, 2026"

enum cli_type { CLI_T_FLAG, CLI_T_SWITCH, CLI_T_INT, CLI_T_REAL, CLI_T_TEXT, CLI_T_CHOICE, CLI_T_SIZE, CLI_T_LIST };

struct cli_list {
	const char **at;
	size_t n, cap;
};

struct cli_option {
	int letter;                     /* 0: none */
	const char *name;
	enum cli_type type;
	void *value;
	double min, max;
	const char *const *choices;     /* ends with NULL */
	const char *metavar, *help;
	const char *detail;             /* more for the man page, or NULL */
};

/* Each constructor accepts one pointer type: a wrong one stops the build. A trailing string is the detail. */
#define CLI_FLAG(c, n, p, ...)          { c, n, CLI_T_FLAG,   _Generic((p), bool *: (p)), 0, 0, NULL, NULL, CLI_WORDS(__VA_ARGS__, NULL, 0) }
/* A flag that is on by default: --name and --no-name. */
#define CLI_SWITCH(c, n, p, ...)        { c, n, CLI_T_SWITCH, _Generic((p), bool *: (p)), 0, 0, NULL, NULL, CLI_WORDS(__VA_ARGS__, NULL, 0) }
#define CLI_INT(c, n, p, lo, hi, m, ...)  { c, n, CLI_T_INT,  _Generic((p), long *: (p)), lo, hi, NULL, m, CLI_WORDS(__VA_ARGS__, NULL, 0) }
#define CLI_REAL(c, n, p, lo, hi, m, ...) { c, n, CLI_T_REAL, _Generic((p), double *: (p)), lo, hi, NULL, m, CLI_WORDS(__VA_ARGS__, NULL, 0) }
#define CLI_TEXT(c, n, p, m, ...)       { c, n, CLI_T_TEXT,   _Generic((p), const char **: (p)), 0, 0, NULL, m, CLI_WORDS(__VA_ARGS__, NULL, 0) }
#define CLI_CHOICE(c, n, p, set, m, ...) { c, n, CLI_T_CHOICE, _Generic((p), int *: (p)), 0, 0, set, m, CLI_WORDS(__VA_ARGS__, NULL, 0) }
#define CLI_SIZE(c, n, p, m, ...)       { c, n, CLI_T_SIZE,   _Generic((p), uint64_t *: (p)), 0, 0, NULL, m, CLI_WORDS(__VA_ARGS__, NULL, 0) }
#define CLI_LIST(c, n, p, m, ...)       { c, n, CLI_T_LIST,   _Generic((p), struct cli_list *: (p)), 0, 0, NULL, m, CLI_WORDS(__VA_ARGS__, NULL, 0) }
#define CLI_WORDS(words, more, ...) words, more
#define CLI_END { 0, NULL, CLI_T_FLAG, NULL, 0, 0, NULL, NULL, NULL, NULL }

/* A column, layer or file that a tool leaves behind; for the man page. */
struct cli_output {
	const char *name, *what;        /* a list of these ends with a NULL name */
};

enum cli_flags {
	CLI_READS_STREAM = 1,           /* [FILE] or stdin is a PMX stream */
	CLI_WRITES_STREAM = 2,
	CLI_WRITES_TEXT = 4,
	CLI_HOLDS_DATA = 8,             /* takes --memory */
	CLI_DRAWS = 16,                 /* takes --seed */
	CLI_THREADS = 32,
	CLI_STOPS_AT_FIRST = 64,        /* options after the first argument are not ours (pertpipe) */
	CLI_NEEDS_ORDER = 128           /* reads rows by group, sorts when the stream does not promise it */
};

enum cli_stage { CLI_BRING_IN, CLI_STREAMS, CLI_PREPARE, CLI_SCREENS, CLI_CONNECT, CLI_RUNS, CLI_N_STAGES };

struct cli;

struct cli_tool {
	const char *name, *summary;
	enum cli_stage stage;
	unsigned flags;                 /* enum cli_flags */
	unsigned reads;                 /* kinds of stream accepted: bits 1 << enum pmx_kind */
	const char *writes;             /* kind written: "cells", ..., "same" as read, or NULL */
	const char *args;               /* metavar of the arguments; NULL: none */
	int min_args, max_args;
	const struct cli_option *options;       /* ends with CLI_END */
	const char *const *description; /* paragraphs; one that begins with two blanks is set as it is */
	const struct cli_output *outputs;       /* or NULL */
	const char *const *examples;    /* shell lines, run by the tests */
	const char *const *sources;     /* papers and programs followed, or NULL */
	int (*run)(struct cli *c);      /* exit status */
	void (*more_help)(void);        /* prints below --help; or NULL */
};

#define CLI_KIND(k) (1u << (k))
#define CLI_ANY_KIND (CLI_KIND(PMX_CELLS) | CLI_KIND(PMX_CONTRASTS) | CLI_KIND(PMX_SIGNATURES) | CLI_KIND(PMX_EMBEDDING) | \
		      CLI_KIND(PMX_SUMS))

extern const struct cli_tool tool;      /* each tool defines exactly this */

/* The options that every tool of its kind has. */
struct cli {
	const char *output;             /* "-" */
	int threads;
	uint64_t memory;
	uint64_t seed;
	bool quiet, verbose;
	int progress;                   /* auto, always, never */
	int level;
	size_t block_rows;
	char **args;
	int n_args;
	json_t *options;                /* what was given, for the provenance */
};

/* Ends: 1 for data and system, 2 for usage. */
_Noreturn void cli_fail(const struct err *e);
_Noreturn void cli_die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void cli_misuse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A line on stderr: unless -q; only with -v. */
void cli_note(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_detail(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The tool's input (its first argument or stdin), refused when it is of another kind. */
struct pmx_reader *cli_input(const struct cli *c);
struct pmx_reader *cli_open(const struct cli *c, const char *path);
/* The same for a stream that an option names, of a kind in `kinds`; and for a file that is open already. */
struct pmx_reader *cli_open_kind(const struct cli *c, const char *path, unsigned kinds);
struct pmx_reader *cli_reader(const struct cli *c, struct file_in *file, unsigned kinds);
struct file_in *cli_file(const char *path);
/*
 * The tool's output: `schema` with a provenance line appended. `in` may be NULL; `source` names what was
 * read instead (for importers), with its fingerprint, or NULL.
 */
struct pmx_writer *cli_output(const struct cli *c, struct pmx_schema *schema, const struct pmx_reader *in);
/*
 * What pmx-split says of this shard: its line of the provenance; NULL for what is none. In a shard nothing computed at all is no
 * failure: another may have it.
 */
const json_t *cli_shard(const struct pmx_reader *in);
void cli_provenance(const struct cli *c, struct pmx_schema *schema, const struct pmx_reader *in, const char *source);
/* Of a tool that names its streams itself: where this one is (folder NULL: `name` is the path), so that a replay reads it there. */
void cli_provenance_file(struct pmx_schema *schema, const char *folder, const char *name);
/* The history of each input stands in the one line of the result. */
void cli_provenance_of_many(const struct cli *c, struct pmx_schema *schema, struct pmx_reader *const *in, size_t n);
struct pmx_writer *cli_create(const struct cli *c, const struct pmx_schema *schema);
void cli_finish(struct pmx_writer *w, const struct pmx_reader *in);
/* The next block, or NULL at the end; failures end the process. */
struct pmx_block *cli_next(struct pmx_reader *r);
void cli_put(struct pmx_writer *w, struct pmx_block *b);

/* Text on the tool's output, buffered; lines of TSV. */
struct cli_text;
struct cli_text *cli_text_new(const struct cli *c);
struct cli_text *cli_text_at(const char *path);
struct cli_text *cli_text_on(struct file_out *file);     /* takes the file */
void cli_text_put(struct cli_text *t, const char *s);
void cli_text_print(struct cli_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_text_f64(struct cli_text *t, double v);
void cli_text_close(struct cli_text *t);

/* A bar on stderr: on a terminal, or always; `total` 0 counts only. */
struct cli_progress;
struct cli_progress *cli_progress_new(const struct cli *c, const char *what, uint64_t total);
void cli_progress_at(struct cli_progress *p, uint64_t done, const char *extra);
void cli_progress_end(struct cli_progress *p);

/* For emit.c and the dispatcher. */
const char *cli_stage_name(enum cli_stage stage);
int cli_emit(const char *form);
void cli_help(void);
/* For a slip of the finger: `name` when it is nearer to `wrong` than `best` (or NULL) is, and near at all; else `best`. */
const char *cli_nearer(const char *wrong, const char *name, const char *best);
/* Stands in the program of every tool. */
#define CLI_MARK "this is a tool of pertpipe, version " PERTPIPE_VERSION
const struct cli_option *cli_common(size_t i);  /* NULL after the last one that this tool has */
void cli_show_default(const struct cli_option *o, char *out, size_t size);

#endif
