#include "flow/emit.h"
#include "base/mem.h"
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct text {
	char *s;
	size_t n, cap;
};

__attribute__((format(printf, 2, 3)))
static void say(struct text *t, const char *fmt, ...)
{
	va_list list;
	char *more;
	va_start(list, fmt);
	int n = vasprintf(&more, fmt, list);
	va_end(list);
	if (n < 0)
		mem_exhausted(0);
	mem_room(&t->s, &t->cap, t->n + (size_t)n + 1, 1);
	memcpy(t->s + t->n, more, (size_t)n + 1);
	t->n += (size_t)n;
	free(more);
}

static const char *finished(const struct flow_plan *p, struct text *t)
{
	return flow_keep(p->spec->pool, t->s);
}

static int not_hidden(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* A folder stands for the files in it, so that a change of one of them counts. */
static void add_files(struct names *out, const char *path)
{
	struct stat st;
	if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
		names_add(out, path, NULL);
		return;
	}
	struct dirent **entry;
	int n = scandir(path, &entry, not_hidden, alphasort);
	for (int i = 0; i < n; i++) {
		char *file = mem_print("%s/%s", path, entry[i]->d_name);
		if (!stat(file, &st) && S_ISREG(st.st_mode))
			names_add(out, file, NULL);
		mem_free(file);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
}

/* What the step reads, as absolute paths. */
static struct names *read_by(const struct flow_plan *p, const struct flow_step *step, const char *out)
{
	struct names *files = flow_names(p->spec->pool);
	for (size_t i = 0; i < step->outside->n; i++)
		add_files(files, step->outside->at[i]);
	for (size_t i = 0; i < step->made->n; i++)
		names_add(files, flow_print(p->spec->pool, "%s/%s", out, step->made->at[i]), NULL);
	return files;
}

static int check_paths(const struct names *files, const char *bad, const char *engine, struct err *e)
{
	for (size_t i = 0; i < files->n; i++)
		if (strpbrk(files->at[i], bad))
			return err_set(e, "%s cannot name the file %s: rename it, or reach it by a link without blanks and signs", engine, files->at[i]);
	return 0;
}

/* Folders for the outputs. */
static void make_folders(const struct flow_plan *p, struct text *t, const struct flow_step *step, const char *out, const char *quoted_out)
{
	struct names *folders = flow_names(p->spec->pool);
	(void)out;
	say(t, "mkdir -p %s/.pmx-flow", quoted_out);
	for (size_t i = 0; i < step->outputs->n; i++) {
		const char *s = step->outputs->at[i], *slash = strrchr(s, '/');
		bool is_new = false;
		if (slash)
			names_add(folders, flow_textn(p->spec->pool, s, (size_t)(slash - s)), &is_new);
		if (is_new)
			say(t, " %s/%s", quoted_out, folders->at[folders->n - 1]);
	}
}

/* What a tool that was killed leaves of an output, or of the folder of outputs that it fills: base/file.h names it. */
static void remove_partial(const struct flow_plan *p, struct text *t, const struct flow_step *step)
{
	struct names *left = flow_names(p->spec->pool);
	for (size_t i = 0; i < step->outputs->n; i++) {
		const char *s = step->outputs->at[i], *slash = strrchr(s, '/');
		names_add(left, s, NULL);
		if (slash)
			names_add(left, flow_textn(p->spec->pool, s, (size_t)(slash - s)), NULL);
	}
	say(t, "rm -rf");
	for (size_t i = 0; i < left->n; i++)
		say(t, " %s.[0-9]*.partial", left->at[i]);
	say(t, " && ");
}

static const char *doubled(const struct flow_plan *p, const char *s, const char *which)
{
	char *out = flow_zero(p->spec->pool, 2 * strlen(s) + 1, 1), *o = out;
	for (; *s; s++) {
		if (strchr(which, *s))
			*o++ = *s;
		*o++ = *s;
	}
	return out;
}

static const char make_bad[] = " \t#%:*?[]~=;|&\\'\"$`<>(){}!";

const char *flow_to_make(const struct flow_plan *p, const char *out, struct err *e)
{
	struct text t = { NULL, 0, 0 };
	struct names *place = flow_names(p->spec->pool);
	names_add(place, out, NULL);
	if (check_paths(place, make_bad, "make", e))
		return NULL;
	say(&t, "# %s, by pmx-flow make; the tools have to be on the PATH.\nSHELL = /bin/bash\n.SHELLFLAGS = -o pipefail -ec\n.DELETE_ON_ERROR:\n.SUFFIXES:\n"
	    ".PHONY: all\nall:", p->spec->name ? p->spec->name : "A workflow");
	for (size_t i = 0; i < p->n_steps; i++)
		for (size_t k = 0; k < p->step[i].outputs->n; k++)
			say(&t, " \\\n\t%s/%s", out, p->step[i].outputs->at[k]);
	say(&t, "\n");
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct flow_step *step = &p->step[p->order[i]];
		struct names *files = read_by(p, step, out);
		char digest[17];
		if (check_paths(files, make_bad, "make", e)) {
			mem_free(t.s);
			return NULL;
		}
		flow_digest(p, step, digest);
		say(&t, "\n");
		for (size_t k = 0; k < step->outputs->n; k++)
			say(&t, "%s%s/%s", k ? " " : "", out, step->outputs->at[k]);
		say(&t, "%s", step->outputs->n > 1 ? " &:" : ":");
		for (size_t k = 0; k < files->n; k++)
			say(&t, " %s", files->at[k]);
		/* Of another command there is another stamp: what was made by the old one is stale. */
		say(&t, " %s/.pmx-flow/make.%s.%s\n\tcd %s && ", out, step->name, digest, out);
		remove_partial(p, &t, step);
		say(&t, "%s\n", doubled(p, flow_command(p, step, true), "$"));
		say(&t, "%s/.pmx-flow/make.%s.%s:\n\t@", out, step->name, digest);
		make_folders(p, &t, step, out, out);
		say(&t, "; rm -f %s/.pmx-flow/make.%s.*; touch $@\n", out, step->name);
	}
	return finished(p, &t);
}

/* A text of Python. */
static const char *python(const struct flow_plan *p, const char *s)
{
	char *out = flow_zero(p->spec->pool, 2 * strlen(s) + 3, 1), *o = out;
	*o++ = '"';
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			*o++ = '\\';
		*o++ = *s;
	}
	*o++ = '"';
	return out;
}

static void list_files(const struct flow_plan *p, struct text *t, const struct names *files, const char *in)
{
	for (size_t i = 0; i < files->n; i++)
		say(t, "%s\n        %s", i ? "," : "", python(p, in ? flow_print(p->spec->pool, "%s/%s", in, files->at[i]) : files->at[i]));
	say(t, "\n");
}

const char *flow_to_snakemake(const struct flow_plan *p, const char *out, struct err *e)
{
	struct text t = { NULL, 0, 0 };
	struct names *place = flow_names(p->spec->pool);
	names_add(place, out, NULL);
	if (check_paths(place, " \t{}*?[]'\"\\$`;&|<>()#!", "snakemake", e))
		return NULL;
	say(&t, "# %s, by pmx-flow snakemake; the tools have to be on the PATH.\n# snakemake --snakefile FILE --cores N; a cluster: --profile.\n"
	    "localrules: all\n\nrule all:\n    input:", p->spec->name ? p->spec->name : "A workflow");
	struct names *all = flow_names(p->spec->pool);
	for (size_t i = 0; i < p->n_steps; i++)
		for (size_t k = 0; k < p->step[i].outputs->n; k++)
			names_add(all, p->step[i].outputs->at[k], NULL);
	list_files(p, &t, all, out);
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct flow_step *step = &p->step[p->order[i]];
		struct names *files = read_by(p, step, out);
		struct text shell = { NULL, 0, 0 };
		if (check_paths(files, "{}*", "snakemake", e)) {
			mem_free(t.s);
			return NULL;
		}
		make_folders(p, &shell, step, out, out);
		say(&shell, " && cd %s && ", out);
		remove_partial(p, &shell, step);
		say(&shell, "%s", flow_command(p, step, true));
		say(&t, "\nrule %s:\n    input:", step->name);
		list_files(p, &t, files, NULL);
		say(&t, "    output:");
		list_files(p, &t, step->outputs, out);
		say(&t, "    threads: %ld\n    resources:\n        mem_mb=%llu,\n        runtime=%ld\n    shell:\n        %s\n", step->rule->threads,
		    (unsigned long long)((step->memory + (1 << 20) - 1) >> 20), step->rule->runtime,
		    python(p, doubled(p, flow_print(p->spec->pool, "set -o pipefail; %s", shell.s), "{}")));
		mem_free(shell.s);
	}
	return finished(p, &t);
}

static void name_list(struct text *t, const char *head, const struct names *a, const struct names *b)
{
	if (!a->n && (!b || !b->n))
		return;
	say(t, "    %s", head);
	for (size_t i = 0; i < a->n; i++)
		say(t, " %s", a->at[i]);
	for (size_t i = 0; b && i < b->n; i++)
		say(t, " %s", b->at[i]);
	say(t, "\n");
}

const char *flow_to_text(const struct flow_plan *p)
{
	struct text t = { NULL, 0, 0 };
	say(&t, "%s%s%s\n", p->spec->name ? p->spec->name : "workflow", p->spec->about ? ": " : "", p->spec->about ? p->spec->about : "");
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct flow_step *step = &p->step[p->order[i]];
		say(&t, "%s\n", step->name);
		name_list(&t, "<-", step->outside, step->made);
		say(&t, "    %s\n", flow_command(p, step, false));
		name_list(&t, "->", step->outputs, NULL);
	}
	return finished(p, &t);
}

const char *flow_to_dot(const struct flow_plan *p)
{
	struct text t = { NULL, 0, 0 };
	say(&t, "digraph %s {\n\trankdir=LR;\n\tnode [shape=box];\n", python(p, p->spec->name ? p->spec->name : "workflow"));
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct flow_step *step = &p->step[p->order[i]];
		struct text label = { NULL, 0, 0 };
		say(&label, "%s", step->name);
		for (size_t g = 0; g < step->n_stages; g++)
			say(&label, "%s%s", g ? " | " : ": ", step->stage[g].tool);
		say(&t, "\t%s [label=%s];\n", step->name, python(p, label.s));
		mem_free(label.s);
		for (size_t k = 0; k < step->outside->n; k++)
			say(&t, "\t%s [shape=note];\n\t%s -> %s;\n", python(p, step->outside->at[k]), python(p, step->outside->at[k]), step->name);
		for (size_t k = 0; k < step->made->n; k++)
			say(&t, "\t%s -> %s [label=%s];\n", flow_maker(p, step->made->at[k])->name, step->name, python(p, step->made->at[k]));
	}
	say(&t, "}\n");
	return finished(p, &t);
}
