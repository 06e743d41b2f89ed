/* The main of every tool: parse, run, end well. */
#include "cli/cli.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <math.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What pertpipe knows a tool by. */
static const char mark[] __attribute__((used)) = CLI_MARK;

enum { MAX_OPTIONS = 64, HELP = 1000, VERSION, EMIT, LONG0 = 2000 };

static const char *const progress_choices[] = { "auto", "always", "never", NULL };
static struct cli cli = { .output = "-", .memory = (uint64_t)1 << 30, .level = 1 };
static long threads, seed = 1, level = 1, block_rows;

static const struct {
	unsigned flag;                  /* of the tools that have it; 0: all */
	struct cli_option option;
} common[] = {
	{ CLI_WRITES_STREAM | CLI_WRITES_TEXT, CLI_TEXT('o', "output", &cli.output, "FILE", "write FILE, which appears whole or not at all") },
	{ CLI_THREADS, CLI_INT('t', "threads", &threads, 0, 1024, "N", "threads; 0: the cores there are. Never changes the result") },
	{ CLI_HOLDS_DATA, CLI_SIZE(0, "memory", &cli.memory, "SIZE", "most memory for data (512M, 2G); more is spilled to $TMPDIR") },
	{ CLI_DRAWS, CLI_INT(0, "seed", &seed, 0, 9007199254740992.0, "N", "seed of the random numbers") },
	{ CLI_WRITES_STREAM, CLI_INT(0, "compression-level", &level, 0, 19, "N", "zstd level of new sections; 0 stores") },
	{ CLI_WRITES_STREAM, CLI_INT(0, "block-rows", &block_rows, 0, 1000000, "N", "rows of a new block; 0: about 1 MiB") },
	{ 0, CLI_FLAG('q', "quiet", &cli.quiet, "no notes on stderr") },
	{ 0, CLI_FLAG('v', "verbose", &cli.verbose, "more notes on stderr") },
	{ CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_WRITES_TEXT,
	  CLI_CHOICE(0, "progress", &cli.progress, progress_choices, "WHEN", "bar on stderr; auto: on a terminal") },
};

const struct cli_option *cli_common(size_t i)
{
	for (size_t k = 0; k < sizeof common / sizeof *common; k++)
		if ((!common[k].flag || (tool.flags & common[k].flag)) && !i--)
			return &common[k].option;
	return NULL;
}

static int invert(const struct cli_option *o, const char *name)
{
	return o->type == CLI_T_SWITCH && !strncmp(name, "no-", 3);
}

static void note_option(const char *name, const char *arg)
{
	char *text = mem_print("--%s", name);
	json_array_append_new(cli.options, json_string(text));
	mem_free(text);
	if (arg)
		json_array_append_new(cli.options, json_string(arg));
}

static void set_number(const struct cli_option *o, const char *arg)
{
	int64_t i = 0;
	double v = 0;
	bool number = o->type == CLI_T_INT ? text_i64(arg, &i) : text_f64(arg, &v);
	if (o->type == CLI_T_INT)
		v = (double)i;
	if (!number || isnan(v))
		cli_misuse("--%s takes %s, not '%s'", o->name, o->type == CLI_T_INT ? "a whole number" : "a number", arg);
	if (v < o->min || v > o->max)
		cli_misuse("--%s takes %.15g to %.15g, not %s", o->name, o->min, o->max, arg);
	if (o->type == CLI_T_INT)
		*(long *)o->value = (long)i;
	else
		*(double *)o->value = v;
}

static void set_choice(const struct cli_option *o, const char *arg)
{
	char list[300] = "";
	for (int i = 0; o->choices[i]; i++) {
		if (!strcmp(arg, o->choices[i])) {
			*(int *)o->value = i;
			return;
		}
		size_t n = strlen(list);
		snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", o->choices[i]);
	}
	cli_misuse("--%s takes one of %s, not '%s'", o->name, list, arg);
}

static void set(const struct cli_option *o, const char *spelled, const char *arg)
{
	struct cli_list *list = o->value;
	switch (o->type) {
	case CLI_T_FLAG: *(bool *)o->value = true; break;
	case CLI_T_SWITCH: *(bool *)o->value = !invert(o, spelled); break;
	case CLI_T_INT:
	case CLI_T_REAL: set_number(o, arg); break;
	case CLI_T_TEXT: *(const char **)o->value = arg; break;
	case CLI_T_CHOICE: set_choice(o, arg); break;
	case CLI_T_SIZE:
		if (!text_size(arg, o->value))
			cli_misuse("--%s takes a size like 512M or 2G, not '%s'", o->name, arg);
		break;
	case CLI_T_LIST:
		mem_room(&list->at, &list->cap, list->n + 1, sizeof *list->at);
		list->at[list->n++] = arg;
		break;
	}
}

static bool takes_argument(const struct cli_option *o)
{
	return o->type != CLI_T_FLAG && o->type != CLI_T_SWITCH;
}

static _Noreturn void unknown(const char *arg, const struct option *list)
{
	if (strncmp(arg, "--", 2))
		cli_misuse("unknown option %s", arg);
	char *name = mem_textn(arg + 2, strcspn(arg + 2, "="));
	const char *near = NULL;
	for (; list->name; list++) {
		if (!strcmp(name, list->name))
			cli_misuse("--%s takes no value", name);
		near = cli_nearer(name, list->name, near);
	}
	if (near)
		cli_misuse("unknown option --%s; did you mean --%s?", name, near);
	cli_misuse("unknown option --%s", name);
}

static void parse(int argc, char **argv)
{
	static struct option list[2 * MAX_OPTIONS + 4];
	static const struct cli_option *all[2 * MAX_OPTIONS];
	static bool own[2 * MAX_OPTIONS];
	char letters[3 * MAX_OPTIONS + 4], *s = letters;
	static char negated[MAX_OPTIONS][64];
	int n = 0;
	*s++ = tool.flags & CLI_STOPS_AT_FIRST ? '+' : ':';
	if (tool.flags & CLI_STOPS_AT_FIRST)
		*s++ = ':';
	size_t i_common = 0;
	for (const struct cli_option *o = tool.options; ; ) {
		bool is_own = o && o->name;
		if (!is_own) {
			o = cli_common(i_common++);
			if (!o)
				break;
		}
		for (int copy = 0; copy < (o->type == CLI_T_SWITCH ? 2 : 1); copy++) {
			all[n] = o;
			own[n] = is_own;
			if (copy)
				snprintf(negated[n / 2], sizeof *negated, "no-%s", o->name);
			list[n] = (struct option){ copy ? negated[n / 2] : o->name, takes_argument(o), NULL, LONG0 + n };
			n++;
		}
		if (o->letter) {
			*s++ = (char)o->letter;
			if (takes_argument(o))
				*s++ = ':';
		}
		o = is_own ? o + 1 : NULL;
	}
	*s++ = 'h';
	*s = 0;
	list[n] = (struct option){ "help", 0, NULL, HELP };
	list[n + 1] = (struct option){ "version", 0, NULL, VERSION };
	list[n + 2] = (struct option){ "emit", 1, NULL, EMIT };
	opterr = 0;
	for (;;) {
		int c = getopt_long(argc, argv, letters, list, NULL);
		if (c == -1)
			break;
		/* A letter may stand among others; whatever else is wrong is the word before the next. */
		char letter[] = { '-', (char)optopt, 0 };
		const char *word = c == '?' && optopt > 0 && optopt < HELP ? letter : argv[optind - 1];
		if (c == 'h' || c == HELP) {
			cli_help();
			exit(fflush(stdout) || ferror(stdout) ? 1 : 0);
		}
		if (c == VERSION) {
			printf("%s %s\n", tool.name, PERTPIPE_VERSION);
			exit(fflush(stdout) || ferror(stdout) ? 1 : 0);
		}
		if (c == EMIT) {
			if (cli_emit(optarg))
				cli_misuse("--emit takes man, bash, zsh, fish or json, not '%s'", optarg);
			exit(fflush(stdout) || ferror(stdout) ? 1 : 0);
		}
		if (c == ':')
			cli_misuse("%s needs an argument", word);
		if (c == '?')
			unknown(word, list);
		int k = c - LONG0;
		if (c < LONG0)
			for (k = 0; all[k]->letter != c; k++)
				;
		set(all[k], list[k].name, optarg);
		/* The options that decide the result; a replay needs the seed, too. */
		if (own[k] || all[k]->value == &seed)
			note_option(list[k].name, optarg);
	}
	cli.args = argv + optind;
	cli.n_args = argc - optind;
	if (cli.n_args < tool.min_args)
		cli_misuse("missing %s", tool.args);
	if (tool.max_args >= 0 && cli.n_args > tool.max_args)
		cli_misuse("too many arguments: '%s'", cli.args[tool.max_args]);
}

static void out_of_memory(size_t bytes)
{
	fprintf(stderr, "%s: out of memory: %zu bytes asked for\n", tool.name, bytes);
	file_unlink_temporaries();
	_exit(1);
}

static void die_of_signal(int sig)
{
	file_unlink_temporaries();
	signal(sig, SIG_DFL);
	raise(sig);
}

/*
 * Threads that wait must sleep: the tools of a pipe share the cores, and libgomp's threads spin for
 * milliseconds after each parallel region. Large arrays want large pages: the first touch of small ones
 * costs more than many a pass over the data. Both are read before main, so they are set for a second
 * start of the same program.
 */
static void start_well_set(char **argv)
{
	if (!(tool.flags & CLI_THREADS) || getenv("OMP_WAIT_POLICY"))
		return;
	setenv("OMP_WAIT_POLICY", "passive", 1);
	setenv("OPENBLAS_NUM_THREADS", "1", 0);
	setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 0);
	execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	mem_exhausted = out_of_memory;
	/* Blocks come and go by the megabyte: giving their pages back each time costs more than the work on them. */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
	static const int deadly[] = { SIGPIPE, SIGINT, SIGTERM, SIGHUP };
	for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
		if (signal(deadly[i], die_of_signal) == SIG_IGN && deadly[i] != SIGPIPE)
			signal(deadly[i], SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	cli.options = json_array();
	parse(argc, argv);
	cli.threads = threads ? (int)threads : omp_get_max_threads();
	cli.seed = (uint64_t)seed;
	cli.level = (int)level;
	cli.block_rows = (size_t)block_rows;
	start_well_set(argv);
	int status = tool.run(&cli);
	json_decref(cli.options);
	if (fflush(stdout) || ferror(stdout))
		cli_die("cannot finish standard output: %s", strerror(errno));
	return status;
}
