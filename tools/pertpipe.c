/* pertpipe - run a tool, or list them all */
#include "cli/toolbox.h"
#include "cli/cli.h"
#include "base/mem.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct cli_option options[] = { CLI_END };

static char *find_folder(void)
{
	struct err e = { 0 };
	char *folder = toolbox_folder(&e);
	if (!folder)
		cli_fail(&e);
	return folder;
}

static struct names *find_tools(const char *folder)
{
	struct err e = { 0 };
	struct names *names = toolbox_names(folder, &e);
	if (!names)
		cli_fail(&e);
	return names;
}

static void list_stage(json_t *const *declared, size_t n, int stage)
{
	bool any = false;
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_object_get(declared[i], "tool"));
		const char *summary = json_string_value(json_object_get(declared[i], "summary"));
		if (!name || !summary || json_integer_value(json_object_get(declared[i], "stage_number")) != stage || !strcmp(name, tool.name))
			continue;
		if (!any)
			printf("\n%s\n", cli_stage_name((enum cli_stage)stage));
		any = true;
		printf("  %-20s %s\n", name, summary);
	}
}

static void list_tools(void)
{
	struct err e = { 0 };
	char *folder = find_folder();
	struct names *names = find_tools(folder);
	json_t **declared = mem_zero(names->n, sizeof *declared);
	for (size_t i = 0; i < names->n; i++)
		if (!(declared[i] = toolbox_declaration(folder, names->at[i], &e)))
			cli_fail(&e);
	for (int stage = 0; stage < CLI_N_STAGES; stage++)
		list_stage(declared, names->n, stage);
	printf("\nEach is a program of its own: TOOL --help, man TOOL, or pertpipe TOOL --help. How they fit together: man 7 pertpipe\n");
	for (size_t i = 0; i < names->n; i++)
		json_decref(declared[i]);
	mem_free(declared);
	names_free(names);
	mem_free(folder);
}

static _Noreturn void unknown(const char *folder, const char *name)
{
	struct names *names = find_tools(folder);
	const char *near = NULL;
	for (size_t i = 0; i < names->n; i++)
		near = cli_nearer(name, names->at[i], near);
	if (near)
		cli_misuse("there is no tool '%s'; did you mean %s?", name, near);
	cli_misuse("there is no tool '%s'; pertpipe alone lists them", name);
}

static int run(struct cli *c)
{
	if (!c->n_args) {
		printf("pertpipe %s - filters for perturbation screens and drugs that reverse a state, joined by pipes\n", PERTPIPE_VERSION);
		list_tools();
		return 0;
	}
	char *folder = find_folder();
	if (!toolbox_is_tool(folder, c->args[0]))
		unknown(folder, c->args[0]);
	char *path = mem_print("%s/%s", folder, c->args[0]);
	execv(path, c->args);
	cli_die("cannot run %s: %s", path, strerror(errno));
}

static const char *const description[] = {
	"Runs the tool of that name from its own folder, with the arguments that follow: pertpipe pmx-info FILE is pmx-info FILE. So the tools can be "
	"reached where only this one program is on the PATH. Without arguments it lists the tools by stage.",
	"How the tools fit together is told in pertpipe(7).",
	NULL
};
static const char *const examples[] = {
	"pertpipe",
	"pertpipe pmx-info screen.pmx",
	NULL
};

const struct cli_tool tool = { .name = "pertpipe", .summary = "run a tool, or list them all", .stage = CLI_RUNS,
	.flags = CLI_STOPS_AT_FIRST, .args = "[TOOL ...]", .max_args = -1, .options = options, .description = description,
	.examples = examples, .run = run, .more_help = list_tools };
