#include "cli/signature_source.h"
#include "base/mem.h"
#include <pthread.h>
#include <string.h>
#include <unistd.h>

struct signature_source {
	const struct cli *c;
	struct pmx_reader *reader;
	struct import *im;
	int out;                        /* the end of the pipe that the import writes to */
	pthread_t thread;
};

static void say(void *to, bool detail, const char *text)
{
	if (detail)
		cli_detail(to, "%s", text);
	else
		cli_note(to, "%s", text);
}

static void *pump(void *state)
{
	struct signature_source *s = state;
	struct err e = { 0 };
	struct pmx_writer *w = pmx_create(file_onto_fd(s->out, "pipe"), import_schema(s->im), 0, 1, &e);
	if (!w)
		cli_fail(&e);
	struct pmx_filler *fill = pmx_filler_new(w, 0);
	int64_t n;
	while ((n = import_next(s->im, fill, &e)) > 0)
		;
	if (n < 0 || pmx_filler_close(fill, &e) || pmx_finish(w, 0, &e))
		cli_fail(&e);
	close(s->out);
	return NULL;
}

static bool is_stream(struct file_in *f)
{
	uint8_t head[PMX_MAGIC_SIZE];
	struct err e = { 0 };
	int64_t n = file_peek(f, head, sizeof head, &e);
	if (n < 0)
		cli_fail(&e);
	return n == (int64_t)sizeof head && !memcmp(head, pmx_magic, sizeof head);
}

struct signature_source *signature_source_open(const struct cli *c, const char *path, struct import_options *o, unsigned kinds)
{
	struct err e = { 0 };
	struct signature_source *s = mem_zero(1, sizeof *s);
	s->c = c;
	struct file_in *file = cli_file(path);
	if (is_stream(file)) {
		s->reader = cli_reader(c, file, kinds);
		return s;
	}
	/* A pipe whose first bytes were looked at cannot be opened again. */
	if (!file_seekable(file))
		cli_die("%s: a pipe has to bring a PMX stream; other formats are read from files", file_name(file));
	file_close(file);
	o->memory = c->memory / 4;
	o->threads = c->threads;
	o->say = say;
	o->to = (void *)(uintptr_t)c;
	s->im = import_open(path, o, &e);
	if (!s->im)
		cli_fail(&e);
	int ends[2];
	if (pipe(ends))
		cli_die("a pipe cannot be made");
	s->out = ends[1];
	if (pthread_create(&s->thread, NULL, pump, s))
		cli_die("a thread cannot be started");
	s->reader = pmx_open(file_from_fd(ends[0], path), c->threads, &e);
	if (!s->reader)
		cli_fail(&e);
	return s;
}

struct pmx_reader *signature_source_reader(struct signature_source *s)
{
	return s->reader;
}

const char *signature_source_name(const struct signature_source *s)
{
	return s->im ? import_source(s->im) : NULL;
}

void signature_source_close(struct signature_source *s)
{
	pmx_close(s->reader);
	if (s->im) {
		pthread_join(s->thread, NULL);
		import_close(s->im);
	}
	mem_free(s);
}

size_t signature_layer(const struct pmx_schema *s, const char *name)
{
	struct err e = { 0 };
	size_t f = name ? pmx_need(s, PMX_LAYER, name, &e) : pmx_find(s, PMX_LAYER, "X"), first = PMX_NO_FIELD;
	if (e.set)
		cli_fail(&e);
	for (size_t i = 0; i < s->n_fields && f == PMX_NO_FIELD; i++) {
		if (s->field[i].class != PMX_LAYER)
			continue;
		first = first == PMX_NO_FIELD ? i : first;
		if (s->field[i].type == PMX_F32 || s->field[i].type == PMX_F64)
			f = i;
	}
	f = f == PMX_NO_FIELD ? first : f;
	if (f == PMX_NO_FIELD)
		cli_die("the stream has no layer of values");
	return f;
}
