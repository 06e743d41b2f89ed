/* pmx-flow - a whole run from one description: checked, run, or handed to make and Snakemake */
#include "cli/cli.h"
#include "base/mem.h"
#include "flow/emit.h"
#include "flow/run.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct cli_list settings;
static const char *folder = "results";
static bool dot;
static const struct cli *cli_of_run;

static const struct cli_option options[] = {
	CLI_LIST(0, "set", &settings, "NAME=VALUE", "value of an input or parameter; may be repeated"),
	CLI_TEXT(0, "out", &folder, "DIR", "folder of the results, made where it is missing"),
	CLI_FLAG(0, "dot", &dot, "graph: in the language of Graphviz, instead of text"),
	CLI_END
};

static void begins(const char *step, const char *command)
{
	cli_note(cli_of_run, "step '%s' runs", step);
	cli_detail(cli_of_run, "%s", command);
}

static void is_current(const char *step)
{
	cli_detail(cli_of_run, "step '%s' is done already", step);
}

static void said(const char *text, size_t n)
{
	if (!cli_of_run->quiet)
		fwrite(text, 1, n, stderr);
}

static char *absolute(struct flow_spec *s, const char *path)
{
	char here[4096];
	if (*path == '/')
		return flow_text(s->pool, path);
	if (!getcwd(here, sizeof here))
		cli_die("the current folder is not there any more");
	return flow_print(s->pool, "%s/%s", here, path);
}

/* Every fault in one look: FILE:LINE:COLUMN: what, and the fix. */
static void refuse(struct flow_spec *s, bool nothing_started)
{
	flow_sort_faults(s);
	for (size_t i = 0; i < s->n_faults; i++)
		fprintf(stderr, "%s:%zu:%zu: %s\n", s->path, s->fault[i].at.line, s->fault[i].at.column, s->fault[i].text);
	if (s->n_faults)
		cli_die("%zu fault%s in %s%s", s->n_faults, s->n_faults > 1 ? "s" : "", s->path, nothing_started ? "; nothing was started" : "");
}

static void run_it(const struct cli *c, const struct flow_plan *p, const char *out)
{
	static const struct flow_report report = { begins, is_current, said };
	struct err e = { 0 };
	size_t n_ran;
	cli_of_run = c;
	if (flow_run(p, out, &report, &n_ran, &e))
		cli_fail(&e);
	cli_note(c, "%zu of %zu steps ran, the others were done; results are in %s", n_ran, p->n_steps, out);
}

static void write_text(const struct cli *c, const char *s, struct err *e)
{
	if (!s)
		cli_fail(e);
	struct cli_text *t = cli_text_new(c);
	cli_text_put(t, s);
	cli_text_close(t);
}

static int run(struct cli *c)
{
	static const char *const commands[] = { "check", "run", "make", "snakemake", "graph", NULL };
	const char *command = c->args[0], *near = NULL;
	struct err e = { 0 };
	int k = 0;
	while (commands[k] && strcmp(commands[k], command))
		near = cli_nearer(command, commands[k++], near);
	if (!commands[k])
		cli_misuse("there is no command '%s'; %s%s%s", command, near ? "did you mean " : "there are check, run, make, snakemake, graph", near ? near : "",
			   near ? "?" : "");
	struct flow_spec *s = flow_read(c->args[1], settings.at, settings.n);
	refuse(s, true);
	struct flow_plan *p = flow_plan(s);
	refuse(s, true);
	const char *out = absolute(s, folder);
	switch (k) {
	case 0: cli_note(c, "%s holds: %zu steps; nothing was started", s->path, p->n_steps); break;
	case 1: run_it(c, p, out); break;
	case 2: write_text(c, flow_to_make(p, out, &e), &e); break;
	case 3: write_text(c, flow_to_snakemake(p, out, &e), &e); break;
	default: write_text(c, dot ? flow_to_dot(p) : flow_to_text(p), &e);
	}
	flow_plan_free(p);
	flow_free(s);
	return 0;
}

static const char *const description[] = {
	"Takes a workflow, a YAML file with inputs, parameters and steps, and does with it what COMMAND says:",
	"  check      everything that can be known before a process starts\n"
	"  run        check, then run the steps that are not done, one after the other\n"
	"  make       write a Makefile (GNU make 4.3 or later) with the target all\n"
	"  snakemake  write a Snakefile (Snakemake 7 to 9) with the target all, threads, mem_mb and runtime\n"
	"  graph      write the steps with what they read and leave",
	"A workflow looks like this:",
	"  name: scores\n"
	"  inputs:                        # files and folders from outside\n"
	"    screen: {help: a stream of cells}\n"
	"  parameters:\n"
	"    control: {required: true}\n"
	"    comps: {type: int, default: 15, min: 2}\n"
	"    split_by:                    # no value: its option is left out\n"
	"  steps:\n"
	"    signature:\n"
	"      run: >\n"
	"        normalize {screen} | pca --n-comps {comps} |\n"
	"        pert-signature --control {control} --split-by {split_by} -o signature.pmx\n"
	"      outputs: [signature.pmx]\n"
	"    scores:\n"
	"      run: mixscale --control {control} signature.pmx | pmx-view --obs -o scores.tsv\n"
	"      outputs: [scores.tsv]",
	"Types are text, int, real, size and choice (with choices: [a, b]); min and max bound a number. --set gives values; a path in --set is relative to the "
	"current folder, a default one to that of the workflow. A step names the files that it leaves under outputs; what it reads is seen from its command. Files "
	"of steps have plain names inside --out, where all commands run; files from outside come in as inputs. Further keys of a step are threads (2), runtime in "
	"minutes (60), and for: shard in 1..N, which makes a step for each number, with {shard} in its command and outputs; {1..N} in a word makes a word for "
	"each number. N may be a parameter.",
	"Commands are pipes of pertpipe's tools: words, 'quotes', \"quotes\", backslash, |, < and >. There are no variables, no patterns and no command lists, and no "
	"shell reads a value: it is an argument as it stands, or a part of one. A plain brace is doubled.",
	"Faults are listed as FILE:LINE:COLUMN: what is wrong, and what mends it: tools, options, types and ranges, files, kinds of neighbouring tools, row columns "
	"and labels where the data are at hand, parameters that are missing or not used, outputs that two steps write, steps that wait for each other.",
	"A step is run again when its command, the version of a tool, or the content of a file that it reads or leaves is not what DIR/.pmx-flow/STEP.json says. "
	"Files above 64 MiB are compared by samples, size and time. When a tool fails, the rest of its step is stopped, and nothing after it starts. A run that is "
	"killed leaves no file that the next one takes for whole.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "DIR/.pmx-flow/STEP.json", "run: command, versions, and digests of what the step read and left" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"pmx-flow check scores.yaml --set screen=screen.pmx --set control=NT",
	"pmx-flow run scores.yaml --set screen=screen.pmx --set control=NT --out scores",
	"pmx-flow make scores.yaml --set screen=screen.pmx --set control=NT > scores.mk && make -s -f scores.mk",
	"pmx-flow graph scores.yaml --set screen=screen.pmx --set control=NT",
	NULL
};

const struct cli_tool tool = { .name = "pmx-flow", .summary = "whole runs from one description: check, run, make, snakemake", .stage = CLI_RUNS,
	.flags = CLI_WRITES_TEXT, .args = "COMMAND FILE", .min_args = 2, .max_args = 2, .options = options, .description = description,
	.outputs = outputs, .examples = examples, .run = run };
