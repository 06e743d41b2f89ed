/* --emit: the man page, completions and JSON that follow from the declaration. */
#include "cli/cli.h"
#include "cli/completion.h"
#include "base/mem.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Running text: words wrapped, a new line after each sentence as mdoc wants it; roff's own characters escaped. */
static void roff(const char *s)
{
	size_t column = 0;
	bool sentence_ended = false;
	while (*s) {
		size_t n = strcspn(s, " ");
		if (column && (column + n > 76 || sentence_ended)) {
			putchar('\n');
			column = 0;
		} else if (column) {
			putchar(' ');
		}
		if (!column && (*s == '.' || *s == '\''))
			fputs("\\&", stdout);
		for (size_t i = 0; i < n; i++) {
			if (s[i] == '\\')
				fputs("\\e", stdout);
			else if (s[i] == '-')
				fputs("\\-", stdout);
			else
				putchar(s[i]);
		}
		column += n + 1;
		sentence_ended = n && (s[n - 1] == '.' || s[n - 1] == '?' || s[n - 1] == ':');
		s += n;
		s += strspn(s, " ");
	}
}

/* A line as it is. */
static void verbatim(const char *s, size_t n)
{
	if (n && (*s == '.' || *s == '\''))
		fputs("\\&", stdout);
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\')
			fputs("\\e", stdout);
		else if (s[i] == '-')
			fputs("\\-", stdout);
		else
			putchar(s[i]);
	}
	putchar('\n');
}

/* An argument of a macro: punctuation and blanks would be read as syntax. */
static void quoted(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"')
			fputs("\\(dq", stdout);
		else if (*s == '\\')
			fputs("\\e", stdout);
		else
			putchar(*s);
	}
	putchar('"');
}

static void sentence(const char *text)
{
	size_t n = strlen(text);
	char *s = mem_print("%s%s", text, n && strchr(".?", text[n - 1]) ? "" : ".");
	/* A word that is a name (h5ad, p) keeps its case. */
	if (islower((unsigned char)s[0]) && (islower((unsigned char)s[1]) || s[1] == ' '))
		s[0] = (char)toupper((unsigned char)s[0]);
	roff(s);
	putchar('\n');
	mem_free(s);
}

static void paragraphs(const char *const *p)
{
	for (bool first = true; p && *p; p++, first = false) {
		if (!strncmp(*p, "  ", 2)) {
			puts(".Bd -literal -offset indent");
			for (const char *s = *p; s; s = strchr(s, '\n')) {
				s += *s == '\n';
				s += !strncmp(s, "  ", 2) ? 2 : 0;
				size_t n = strcspn(s, "\n");
				verbatim(s, n);
			}
			puts(".Ed");
			continue;
		}
		if (!first)
			puts(".Pp");
		roff(*p);
		putchar('\n');
	}
}

static void man_option(const struct cli_option *o)
{
	char value[200];
	printf(".It ");
	if (o->letter)
		printf("Fl %c , ", o->letter);
	printf("Fl \\-%s%s", o->type == CLI_T_SWITCH ? "[no\\-]" : "", o->name);
	if (o->metavar)
		printf(" Ar %s", o->metavar);
	putchar('\n');
	sentence(o->help);
	if (o->detail)
		sentence(o->detail);
	if (o->type == CLI_T_CHOICE) {
		printf("One of");
		for (int i = 0; o->choices[i]; i++)
			printf("%s %s", i ? "," : "", o->choices[i]);
		puts(".");
	}
	if (o->type == CLI_T_INT || o->type == CLI_T_REAL)
		printf("From %.15g to %.15g.\n", o->min, o->max);
	cli_show_default(o, value, sizeof value);
	if (*value) {
		printf("Default: ");
		roff(value);
		puts(".");
	}
}

static void emit_man(void)
{
	char title[64];
	size_t n = 0;
	for (; tool.name[n] && n + 1 < sizeof title; n++)
		title[n] = (char)toupper((unsigned char)tool.name[n]);
	title[n] = 0;
	printf(".Dd %s\n.Dt %s 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", PERTPIPE_DATE, title, tool.name);
	roff(tool.summary);
	printf("\n.Sh SYNOPSIS\n.Nm\n.Op Ar options\n");
	size_t in_brackets = tool.args && tool.args[0] == '[';
	if (tool.args)
		printf(".%sAr %.*s\n", tool.min_args ? "" : "Op ", (int)(strlen(tool.args) - 2 * in_brackets), tool.args + in_brackets);
	puts(".Sh DESCRIPTION");
	paragraphs(tool.description);
	if (tool.flags & CLI_READS_STREAM) {
		printf(".Pp\nReads a stream of");
		for (unsigned k = 0, some = 0; k < PMX_N_KINDS; k++)
			if (tool.reads & CLI_KIND(k))
				printf("%s %s", some++ ? " or" : "", pmx_kind_name((enum pmx_kind)k));
		printf(" from the file or from standard input");
		if (tool.flags & CLI_WRITES_STREAM)
			printf(" and writes %s%s", strcmp(tool.writes, "same") ? "a stream of " : "a stream of the same kind",
			       strcmp(tool.writes, "same") ? tool.writes : "");
		puts("; see\n.Xr pmx 5 .");
	}
	if (tool.flags & CLI_NEEDS_ORDER)
		puts(".Pp\nRows are needed group by group, the controls first.\nA stream that does not promise that order is sorted on the way, as\n"
		     ".Xr pmx-sort 1\ndoes it, and comes out in that order.");
	puts(".Sh OPTIONS\n.Bl -tag -width Ds");
	for (const struct cli_option *o = tool.options; o && o->name; o++)
		man_option(o);
	const struct cli_option *o;
	for (size_t i = 0; (o = cli_common(i)); i++)
		man_option(o);
	puts(".It Fl h , Fl \\-help\nShow a short help.\n.It Fl \\-version\nShow name and version.\n"
	     ".It Fl \\-emit Ar FORM\nWrite what follows from the tool's declaration: man, bash, zsh, fish or json.\n.El");
	if (tool.outputs) {
		puts(".Sh OUTPUT\n.Bl -tag -width Ds");
		for (const struct cli_output *p = tool.outputs; p->name; p++) {
			printf(".It Li ");
			quoted(p->name);
			putchar('\n');
			sentence(p->what);
		}
		puts(".El");
	}
	puts(".Sh EXIT STATUS\n0 when done, 1 when the data or the system did not allow it, 2 for wrong usage.\n"
	     "A reader that ends early (SIGPIPE) ends the tool quietly.");
	if (tool.examples && tool.examples[0]) {
		puts(".Sh EXAMPLES\n.Bd -literal -offset indent");
		for (int i = 0; tool.examples[i]; i++)
			verbatim(tool.examples[i], strlen(tool.examples[i]));
		puts(".Ed");
	}
	puts(".Sh SEE ALSO\n.Xr pmx 5 ,\n.Xr pertpipe 7");
	if (tool.sources) {
		puts(".Sh SOURCES");
		paragraphs(tool.sources);
	}
}

static json_t *texts(const char *const *list)
{
	json_t *a = json_array();
	for (; list && *list; list++)
		json_array_append_new(a, json_string(*list));
	return a;
}

static json_t *option_json(const struct cli_option *o, bool common)
{
	static const char *const type[] = { "flag", "switch", "int", "real", "text", "choice", "size", "list" };
	char value[200];
	json_t *j = json_object();
	json_object_set_new(j, "name", json_string(o->name));
	json_object_set_new(j, "type", json_string(type[o->type]));
	if (o->letter)
		json_object_set_new(j, "letter", json_sprintf("%c", o->letter));
	if (o->metavar)
		json_object_set_new(j, "metavar", json_string(o->metavar));
	if (o->type == CLI_T_INT || o->type == CLI_T_REAL) {
		json_object_set_new(j, "min", json_real(o->min));
		json_object_set_new(j, "max", json_real(o->max));
	}
	if (o->type == CLI_T_CHOICE)
		json_object_set_new(j, "choices", texts(o->choices));
	cli_show_default(o, value, sizeof value);
	if (*value)
		json_object_set_new(j, "default", json_string(value));
	json_object_set_new(j, "help", json_string(o->help));
	json_object_set_new(j, "common", json_boolean(common));
	return j;
}

static void emit_json(void)
{
	json_t *j = json_object(), *kinds = json_array(), *options = json_array();
	json_object_set_new(j, "tool", json_string(tool.name));
	json_object_set_new(j, "version", json_string(PERTPIPE_VERSION));
	json_object_set_new(j, "summary", json_string(tool.summary));
	json_object_set_new(j, "stage", json_string(cli_stage_name(tool.stage)));
	json_object_set_new(j, "stage_number", json_integer(tool.stage));
	for (unsigned k = 0; k < PMX_N_KINDS; k++)
		if ((tool.flags & CLI_READS_STREAM) && (tool.reads & CLI_KIND(k)))
			json_array_append_new(kinds, json_string(pmx_kind_name((enum pmx_kind)k)));
	json_object_set_new(j, "reads", kinds);
	json_object_set_new(j, "writes", tool.flags & CLI_WRITES_STREAM ? json_string(tool.writes) : json_null());
	json_object_set_new(j, "writes_text", json_boolean(tool.flags & CLI_WRITES_TEXT));
	json_object_set_new(j, "holds_data", json_boolean(tool.flags & CLI_HOLDS_DATA));
	json_object_set_new(j, "args", tool.args ? json_string(tool.args) : json_null());
	json_object_set_new(j, "min_args", json_integer(tool.min_args));
	json_object_set_new(j, "max_args", json_integer(tool.max_args));
	const struct cli_option *o;
	for (o = tool.options; o && o->name; o++)
		json_array_append_new(options, option_json(o, false));
	for (size_t i = 0; (o = cli_common(i)); i++)
		json_array_append_new(options, option_json(o, true));
	json_object_set_new(j, "options", options);
	json_object_set_new(j, "examples", texts(tool.examples));
	json_dumpf(j, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(j);
}

int cli_emit(const char *form)
{
	static const struct { const char *name; void (*emit)(void); } forms[] = {
		{ "man", emit_man }, { "bash", completion_bash }, { "zsh", completion_zsh }, { "fish", completion_fish }, { "json", emit_json } };
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (!strcmp(forms[i].name, form)) {
			forms[i].emit();
			return 0;
		}
	return -1;
}
