#include "formats/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/lines.h"
#include <string.h>
#include <unistd.h>

static struct names *from_file(const char *path, struct err *e)
{
	struct lines *l = lines_open(path, e);
	if (!l)
		return NULL;
	struct names *names = names_new();
	char *line;
	size_t n;
	int more;
	while ((more = lines_next(l, &line, &n, e)) > 0) {
		line[strcspn(line, "\t")] = 0;
		if (!*line || *line == '#')
			continue;
		if (!text_utf8(line, strlen(line))) {
			err_set(e, "this is not UTF-8 text");
			lines_context(l, e);
			more = -1;
			break;
		}
		names_add(names, line, NULL);
	}
	if (!more && !names->n)
		more = err_set(e, "%s holds no names", lines_name(l));
	lines_close(l);
	if (!more)
		return names;
	names_free(names);
	return NULL;
}

struct names *list_read(const char *argument, bool plain_files, struct err *e)
{
	if (*argument == '@')
		return from_file(argument + 1, e);
	if (plain_files && *argument && !access(argument, F_OK))
		return from_file(argument, e);
	struct names *names = names_new();
	for (const char *p = argument; *p; ) {
		size_t n = strcspn(p, ",");
		char *name = mem_textn(p, n);
		if (n)
			names_add(names, name, NULL);
		mem_free(name);
		p += n + (p[n] == ',');
	}
	if (names->n)
		return names;
	err_set(e, "the list '%s' holds no names", argument);
	names_free(names);
	return NULL;
}

static void refuse(const struct names *wanted, const bool *found, const struct pmx_schema *s, struct err *e)
{
	char unknown[400], there[400];
	struct names *missing = names_new(), *columns = pmx_column_names(s);
	for (size_t i = 0; i < wanted->n; i++)
		if (!found[i])
			names_add(missing, wanted->at[i], NULL);
	names_list(missing, unknown, sizeof unknown);
	names_list(columns, there, sizeof there);
	err_set(e, "%zu of %zu names are no columns of this stream: %s; there is: %s", missing->n, wanted->n, unknown,
		*there ? there : "none");
	names_free(missing);
	names_free(columns);
}

uint32_t *list_columns(const struct names *wanted, const struct pmx_schema *s, bool in_stream_order, size_t *n, struct err *e)
{
	bool *found = mem_zero(wanted->n, sizeof *found);
	size_t *start = mem_zero(wanted->n + 1, sizeof *start), total = 0, n_found = 0;
	uint32_t *which = mem_array(s->n_columns, sizeof *which);
	for (size_t i = 0; i < s->n_columns; i++) {
		which[i] = names_find(wanted, pmx_column_name(s, i));
		if (which[i] == NAMES_NONE)
			continue;
		n_found += !found[which[i]];
		found[which[i]] = true;
		start[which[i] + 1]++;
		total++;
	}
	uint32_t *column = NULL;
	if (n_found < wanted->n) {
		refuse(wanted, found, s, e);
		goto out;
	}
	for (size_t i = 0; i < wanted->n; i++)
		start[i + 1] += start[i];
	column = mem_array(total, sizeof *column);
	size_t at = 0;
	for (size_t i = 0; i < s->n_columns; i++)
		if (which[i] != NAMES_NONE)
			column[in_stream_order ? at++ : start[which[i]]++] = (uint32_t)i;
	*n = total;
out:
	mem_free(found);
	mem_free(start);
	mem_free(which);
	return column;
}
