/* --help: one screen; the rest is in the man page. */
#include "cli/cli.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const stage_name[] = { "Bring data in and out", "Look at and move streams", "Prepare cells",
	"Screens: how strongly each cell responds", "Connectivity: drugs that reverse a state", "Whole runs" };

const char *cli_stage_name(enum cli_stage stage)
{
	return stage_name[stage];
}

static void size_text(uint64_t v, char *out, size_t size)
{
	const char *unit[] = { "", "K", "M", "G" };
	int u = 0;
	while (v && v % 1024 == 0 && u < 3) {
		v /= 1024;
		u++;
	}
	snprintf(out, size, "%" PRIu64 "%s", v, unit[u]);
}

void cli_show_default(const struct cli_option *o, char *out, size_t size)
{
	out[0] = 0;
	switch (o->type) {
	case CLI_T_FLAG:
	case CLI_T_LIST: break;
	case CLI_T_SWITCH: snprintf(out, size, "%s", *(bool *)o->value ? "yes" : "no"); break;
	case CLI_T_INT: snprintf(out, size, "%ld", *(long *)o->value); break;
	case CLI_T_REAL: snprintf(out, size, "%.15g", *(double *)o->value); break;
	case CLI_T_SIZE: size_text(*(uint64_t *)o->value, out, size); break;
	case CLI_T_TEXT:
		if (*(const char **)o->value)
			snprintf(out, size, "%s", *(const char **)o->value);
		break;
	case CLI_T_CHOICE: snprintf(out, size, "%s", o->choices[*(int *)o->value]); break;
	}
}

static void option_left(const struct cli_option *o, char *out, size_t size)
{
	char letter[5] = "    ";
	if (o->letter)
		snprintf(letter, sizeof letter, "-%c, ", o->letter);
	snprintf(out, size, "%s--%s%s%s%s", letter, o->type == CLI_T_SWITCH ? "[no-]" : "", o->name, o->metavar ? " " : "",
		 o->metavar ? o->metavar : "");
}

/* Words after `column`, which is returned as it is then; what would pass the margin goes below the first. */
static int put_words(const char *s, int column)
{
	enum { MARGIN = 100, INDENT = 33 };
	while (*s) {
		int n = (int)strcspn(s, " ");
		if (column + 1 + n > MARGIN)
			column = printf("\n%*s", INDENT, "") - 1;
		column += printf(" %.*s", n, s);
		s += n;
		s += strspn(s, " ");
	}
	return column;
}

void cli_help(void)
{
	char left[100], value[200], word[220];
	printf("%s - %s\nusage: %s [options]%s%s\n", tool.name, tool.summary, tool.name, tool.args ? " " : "", tool.args ? tool.args : "");
	for (const struct cli_option *o = tool.options; o && o->name; o++) {
		option_left(o, left, sizeof left);
		cli_show_default(o, value, sizeof value);
		int column = printf("  %-31s", left);
		column = put_words(o->help, column);
		for (int i = 0; o->type == CLI_T_CHOICE && o->choices[i]; i++) {
			snprintf(word, sizeof word, "%s%s%s", i ? "" : "(", o->choices[i], o->choices[i + 1] ? "," : ")");
			column = put_words(word, column);
		}
		if (o->type == CLI_T_SWITCH)
			snprintf(value, sizeof value, "%s", *(bool *)o->value ? "" : "no");
		if (*value) {
			snprintf(word, sizeof word, "[%s]", value);
			put_words(word, column);
		}
		putchar('\n');
	}
	printf("common:");
	size_t width = 7;
	const struct cli_option *o;
	for (size_t i = 0; (o = cli_common(i)); i++) {
		if (o->letter)
			snprintf(word, sizeof word, " -%c%s%s", o->letter, o->metavar ? " " : "", o->metavar ? o->metavar : "");
		else
			snprintf(word, sizeof word, " --%s%s%s", o->name, o->metavar ? " " : "", o->metavar ? o->metavar : "");
		if (width + strlen(word) > 78) {
			printf("\n       ");
			width = 7;
		}
		width += strlen(word);
		fputs(word, stdout);
	}
	printf("\n");
	for (int i = 0; tool.examples && tool.examples[i] && i < 2; i++)
		printf("%s  %s\n", i ? "   " : "e.g.", tool.examples[i]);
	printf("All of it: man %s\n", tool.name);
	if (tool.more_help)
		tool.more_help();
}

static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), row[80];
	if (m >= 79 || n >= 79)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t d = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < d)
				d = row[j] + 1;
			if (row[j - 1] + 1 < d)
				d = row[j - 1] + 1;
			row[j] = d;
		}
	}
	return row[m];
}

const char *cli_nearer(const char *wrong, const char *name, const char *best)
{
	size_t d = distance(wrong, name);
	if (d >= 4 || d >= strlen(wrong))
		return best;
	return best && distance(wrong, best) <= d ? best : name;
}
