#include "cli/completion.h"
#include "cli/cli.h"
#include <stdio.h>
#include <string.h>

/* Of the dispatcher: lists the tools, in each shell. */
#define TOOL_NAMES "pertpipe 2>/dev/null | sed -n 's/^  \\([a-z][a-z-]*\\) .*/\\1/p'"
#define FORMS "man bash zsh fish json"

static bool dispatches(void)
{
	return tool.flags & CLI_STOPS_AT_FIRST;
}

static const struct cli_option *nth(size_t i)
{
	for (const struct cli_option *o = tool.options; o && o->name; o++)
		if (!i--)
			return o;
	return cli_common(i);
}

/* Which files a value may be. */
enum value { NOTHING, FILES, FOLDERS };

static enum value value_of(const struct cli_option *o)
{
	return strstr(o->metavar, "FILE") || strstr(o->metavar, "VALUE") ? FILES : strstr(o->metavar, "DIR") || strstr(o->metavar, "PREFIX") ? FOLDERS : NOTHING;
}

static void put_choices(const struct cli_option *o)
{
	for (int k = 0; o->choices[k]; k++)
		printf("%s%s", k ? " " : "", o->choices[k]);
}

/* The first word is a tool; what follows is completed as that tool's own. */
static void bash_dispatch(void)
{
	puts("\tif [ \"$COMP_CWORD\" -gt 1 ] && [[ ${COMP_WORDS[1]} == [a-z]* ]]; then\n"
	     "\t\tlocal f=_${COMP_WORDS[1]//-/_}\n"
	     "\t\tdeclare -F \"$f\" >/dev/null || eval \"$(pertpipe \"${COMP_WORDS[1]}\" --emit bash 2>/dev/null)\"\n"
	     "\t\t! declare -F \"$f\" >/dev/null || \"$f\"\n\t\treturn\n\tfi\n"
	     "\t[ \"$COMP_CWORD\" -gt 1 ] || [[ $cur == -* ]] || { COMPREPLY=($(compgen -W \"$(" TOOL_NAMES ")\" -- \"$cur\")); return; }");
}

static void bash_name(const struct cli_option *o)
{
	printf("--%s", o->name);
	if (o->letter)
		printf("|-%c", o->letter);
}

void completion_bash(void)
{
	char function[64];
	snprintf(function, sizeof function, "_%s", tool.name);
	for (char *p = function; *p; p++)
		if (*p == '-')
			*p = '_';
	printf("%s() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n", function);
	/* An equals sign is a word of its own. */
	puts("\tif [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi");
	if (dispatches())
		bash_dispatch();
	puts("\tcase $prev in");
	const struct cli_option *o;
	size_t n = 0;
	for (size_t i = 0; (o = nth(i)); i++)
		if (o->type == CLI_T_CHOICE) {
			printf("\t");
			bash_name(o);
			printf(") compopt +o default 2>/dev/null; COMPREPLY=($(compgen -W '");
			put_choices(o);
			puts("' -- \"$cur\")); return;;");
		}
	puts("\t--emit) compopt +o default 2>/dev/null; COMPREPLY=($(compgen -W '" FORMS "' -- \"$cur\")); return;;");
	for (size_t i = 0; (o = nth(i)); i++)
		if (o->type != CLI_T_CHOICE && o->metavar && value_of(o) == NOTHING) {
			printf(n++ ? "|" : "\t");
			bash_name(o);
		}
	if (n)
		puts(") compopt +o default 2>/dev/null; return;;");
	printf("\tesac\n\tcase $cur in\n\t-*) COMPREPLY=($(compgen -W '");
	for (size_t i = 0; (o = nth(i)); i++)
		printf("--%s %s%s%s", o->name, o->type == CLI_T_SWITCH ? "--no-" : "", o->type == CLI_T_SWITCH ? o->name : "",
		       o->type == CLI_T_SWITCH ? " " : "");
	/* Names of files are readline's: it quotes them. */
	printf("--help --version --emit' -- \"$cur\"));;\n\tesac\n}\ncomplete -o default -F %s %s\n", function, tool.name);
}

/* Text inside of single quotes and, in zsh, of brackets. */
static void quote(const char *s, bool zsh)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs(zsh ? "'\\''" : "\\'", stdout);
		else if (*s == '\\' || (zsh && strchr("[]:", *s)))
			printf("\\%c", *s);
		else
			putchar(*s);
	}
}

static void zsh_option(const struct cli_option *o, bool negative)
{
	bool letter = o->letter && !negative, list = o->type == CLI_T_LIST;
	printf("  '%s", list ? "*" : "");
	if (letter && !list)
		printf("(-%c --%s)", o->letter, o->name);
	if (letter)
		printf("'{-%c%s,", o->letter, o->metavar ? "+" : "");
	printf("--%s%s%s%s[", negative ? "no-" : "", o->name, o->metavar ? "=" : "", letter ? "}'" : "");
	quote(o->help, true);
	printf("]");
	if (o->type == CLI_T_CHOICE) {
		printf(":%s:(", o->metavar);
		put_choices(o);
		printf(")");
	} else if (o->metavar) {
		static const char *const action[] = { " ", "_files", "_files -/" };
		printf(":%s:%s", o->metavar, action[value_of(o)]);
	}
	puts("' \\");
}

void completion_zsh(void)
{
	printf("#compdef %s\n", tool.name);
	if (dispatches())
		puts("if (( CURRENT > 2 )) && [[ $words[2] == [a-z]* ]]; then\n"
		     "  shift words\n  (( CURRENT-- ))\n"
		     "  eval \"$(pertpipe ${(Q)words[1]} --emit zsh 2>/dev/null | sed 1d)\"\n  return\nfi\n"
		     "local -a tools=(${(f)\"$(" TOOL_NAMES ")\"})");
	puts("_arguments -s \\");
	const struct cli_option *o;
	for (size_t i = 0; (o = nth(i)); i++)
		for (int negative = 0; negative <= (o->type == CLI_T_SWITCH); negative++)
			zsh_option(o, negative);
	puts("  '--help[short help]' '--version[version]' '--emit=[derived text]:form:(" FORMS ")' \\");
	if (dispatches())
		puts("  \"1:tool:($tools)\" \\");
	puts("  '*:file:_files'");
}

void completion_fish(void)
{
	const struct cli_option *o;
	for (size_t i = 0; (o = nth(i)); i++)
		for (int negative = 0; negative <= (o->type == CLI_T_SWITCH); negative++) {
			printf("complete -c %s", tool.name);
			if (o->letter && !negative)
				printf(" -s %c", o->letter);
			printf(" -l %s%s -d '", negative ? "no-" : "", o->name);
			quote(o->help, false);
			putchar('\'');
			if (o->type == CLI_T_CHOICE) {
				printf(" -x -a '");
				put_choices(o);
				putchar('\'');
			} else if (o->metavar) {
				static const char *const action[] = { " -x", " -r", " -x -a '(__fish_complete_directories)'" };
				printf("%s", action[value_of(o)]);
			}
			putchar('\n');
		}
	if (dispatches())
		puts("complete -c pertpipe -n __fish_use_subcommand -x -a \"(" TOOL_NAMES ")\"\n"
		     "function __pertpipe_tool\n\tset -l words (commandline -opc)\n\tset -l last (commandline -ct)\n"
		     "\tpertpipe $words[2] --emit fish 2>/dev/null | source\n\tcomplete -C \"$words[2..-1] $last\"\nend\n"
		     "complete -c pertpipe -n 'not __fish_use_subcommand' -f -a '(__pertpipe_tool)'");
	printf("complete -c %s -l help -d 'short help'\ncomplete -c %s -l version -d version\n", tool.name, tool.name);
	printf("complete -c %s -l emit -x -a '" FORMS "' -d 'derived text'\n", tool.name);
}
