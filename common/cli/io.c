/* Messages, streams and text for tools; whatever fails here ends the process. */
#include "cli/cli.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void end(int status)
{
	file_unlink_temporaries();
	exit(status);
}

void cli_fail(const struct err *e)
{
	fprintf(stderr, "%s: %s\n", tool.name, e->text);
	end(1);
}

static void say(const char *fmt, va_list ap)
{
	fprintf(stderr, "%s: ", tool.name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void cli_die(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	end(1);
}

void cli_misuse(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fprintf(stderr, "try: %s --help\n", tool.name);
	end(2);
}

void cli_note(const struct cli *c, const char *fmt, ...)
{
	if (c->quiet)
		return;
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void cli_detail(const struct cli *c, const char *fmt, ...)
{
	if (!c->verbose)
		return;
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

struct pmx_reader *cli_reader(const struct cli *c, struct file_in *file, unsigned kinds)
{
	struct err e = { 0 };
	struct pmx_reader *r = pmx_open(file, c->threads, &e);
	if (!r)
		cli_fail(&e);
	enum pmx_kind kind = pmx_reader_schema(r)->kind;
	if (!(kinds & CLI_KIND(kind))) {
		char list[100] = "";
		for (unsigned k = 0; k < PMX_N_KINDS; k++)
			if (kinds & CLI_KIND(k)) {
				size_t n = strlen(list);
				snprintf(list + n, sizeof list - n, "%s%s", n ? " or " : "", pmx_kind_name((enum pmx_kind)k));
			}
		cli_die("%s is a stream of %s; this takes %s", pmx_reader_name(r), pmx_kind_name(kind), list);
	}
	return r;
}

struct pmx_reader *cli_open_kind(const struct cli *c, const char *path, unsigned kinds)
{
	return cli_reader(c, cli_file(path), kinds);
}

struct file_in *cli_file(const char *path)
{
	struct err e = { 0 };
	if (!strcmp(path, "-") && isatty(STDIN_FILENO))
		cli_misuse("no input: give a file or pipe a stream in");
	struct file_in *file = file_open(path, &e);
	if (!file)
		cli_fail(&e);
	return file;
}

struct pmx_reader *cli_open(const struct cli *c, const char *path)
{
	return cli_open_kind(c, path, CLI_ANY_KIND);
}

struct pmx_reader *cli_input(const struct cli *c)
{
	return cli_open_kind(c, c->n_args ? c->args[0] : "-", tool.reads);
}

void cli_provenance(const struct cli *c, struct pmx_schema *schema, const struct pmx_reader *in, const char *source)
{
	json_t *o = json_object();
	json_object_set_new(o, "tool", json_string(tool.name));
	json_object_set_new(o, "version", json_string(PERTPIPE_VERSION));
	json_object_set(o, "options", c->options);
	if (in) {
		char hex[17];
		snprintf(hex, sizeof hex, "%016" PRIx64, pmx_header_sum(in));
		json_object_set_new(o, "input_header", json_string(hex));
	}
	struct err ignored = { 0 };
	char hex[17];
	if (source) {
		json_object_set_new(o, "source", json_string(source));
		if (!file_fingerprint(source, hex, &ignored))
			json_object_set_new(o, "source_digest", json_string(hex));
	}
	json_array_append_new(schema->provenance, o);
}

void cli_provenance_file(struct pmx_schema *schema, const char *folder, const char *name)
{
	char *path = mem_print("%s%s%s", folder ? folder : "", folder ? "/" : "", name);
	json_object_set_new(json_array_get(schema->provenance, json_array_size(schema->provenance) - 1), "file", json_string(path));
	mem_free(path);
}

void cli_provenance_of_many(const struct cli *c, struct pmx_schema *s, struct pmx_reader *const *in, size_t n)
{
	cli_provenance(c, s, NULL, NULL);
	json_t *inputs = json_array();
	for (size_t i = 0; i < n; i++) {
		char hex[17];
		snprintf(hex, sizeof hex, "%016" PRIx64, pmx_header_sum(in[i]));
		json_t *o = json_object();
		const char *name = pmx_reader_name(in[i]);
		json_object_set_new(o, "name", json_string(strcmp(name, "standard input") ? name : "-"));
		json_object_set_new(o, "input_header", json_string(hex));
		json_object_set(o, "provenance", pmx_reader_schema(in[i])->provenance);
		json_array_append_new(inputs, o);
	}
	json_object_set_new(json_array_get(s->provenance, json_array_size(s->provenance) - 1), "inputs", inputs);
}

struct pmx_writer *cli_create(const struct cli *c, const struct pmx_schema *schema)
{
	struct err e = { 0 };
	struct file_out *file = file_create(c->output, &e);
	if (!file)
		cli_fail(&e);
	if (file_is_terminal(file))
		cli_misuse("a PMX stream is binary and is not written to a terminal; give -o FILE, or pipe it into pmx-view");
	struct pmx_writer *w = pmx_create(file, schema, c->level, c->threads ? c->threads : 1, &e);
	if (!w)
		cli_fail(&e);
	return w;
}

const json_t *cli_shard(const struct pmx_reader *in)
{
	const json_t *shard = NULL, *line;
	size_t i;
	json_array_foreach(pmx_reader_schema(in)->provenance, i, line)
		if (json_object_get(line, "shard"))
			shard = line;
	return shard;
}

struct pmx_writer *cli_output(const struct cli *c, struct pmx_schema *schema, const struct pmx_reader *in)
{
	cli_provenance(c, schema, in, NULL);
	return cli_create(c, schema);
}

void cli_finish(struct pmx_writer *w, const struct pmx_reader *in)
{
	struct err e = { 0 };
	if (pmx_finish(w, in ? pmx_reader_digest(in) : 0, &e))
		cli_fail(&e);
}

struct pmx_block *cli_next(struct pmx_reader *r)
{
	struct err e = { 0 };
	struct pmx_block *b;
	if (pmx_next(r, &b, &e) < 0)
		cli_fail(&e);
	return b;
}

void cli_put(struct pmx_writer *w, struct pmx_block *b)
{
	struct err e = { 0 };
	if (pmx_put(w, b, &e))
		cli_fail(&e);
}

struct cli_text {
	struct file_out *file;
	struct bytes out;
};

struct cli_text *cli_text_on(struct file_out *file)
{
	struct cli_text *t = mem_zero(1, sizeof *t);
	t->file = file;
	return t;
}

struct cli_text *cli_text_at(const char *path)
{
	struct err e = { 0 };
	struct file_out *file = file_create(path, &e);
	if (!file)
		cli_fail(&e);
	return cli_text_on(file);
}

struct cli_text *cli_text_new(const struct cli *c)
{
	return cli_text_at(c->output);
}

static void text_flush(struct cli_text *t)
{
	struct err e = { 0 };
	if (file_write(t->file, t->out.at, t->out.n, &e))
		cli_fail(&e);
	t->out.n = 0;
}

static void text_add(struct cli_text *t, const char *s, size_t n)
{
	bytes_add(&t->out, s, n);
	if (t->out.n >= 1 << 18)
		text_flush(t);
}

void cli_text_put(struct cli_text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void cli_text_print(struct cli_text *t, const char *fmt, ...)
{
	char line[4096];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof line) {
		text_add(t, line, (size_t)n);
		return;
	}
	char *longer = mem_array((size_t)n + 1, 1);
	va_start(ap, fmt);
	vsnprintf(longer, (size_t)n + 1, fmt, ap);
	va_end(ap);
	text_add(t, longer, (size_t)n);
	mem_free(longer);
}

void cli_text_f64(struct cli_text *t, double v)
{
	char s[TEXT_F64];
	text_add(t, s, text_put_f64(s, v));
}

void cli_text_close(struct cli_text *t)
{
	struct err e = { 0 };
	text_flush(t);
	if (file_commit(t->file, &e))
		cli_fail(&e);
	bytes_free(&t->out);
	mem_free(t);
}
