#include "cli/again.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/screen.h"
#include <string.h>
#include <unistd.h>

struct cli_again {
	const struct cli *c;
	const char *path;
	int fd;                         /* to read again from: standard input, or the scratch file; -1: open the path */
	off_t start;
	struct pmx_reader *reader;
	struct pmx_reader *original;    /* NULL: the reader; else what was sorted */
	bool peeked;                    /* the reader has not been asked for rows yet */
};

struct cli_again *cli_again_at(const struct cli *c, const char *path)
{
	struct cli_again *a = mem_zero(1, sizeof *a);
	a->c = c;
	a->path = path;
	a->fd = -1;
	return a;
}

struct cli_again *cli_again_new(const struct cli *c)
{
	return cli_again_at(c, c->n_args ? c->args[0] : "-");
}

static struct file_in *first(struct cli_again *a)
{
	struct err e = { 0 };
	struct file_in *file = cli_file(a->path);
	bool named = strcmp(a->path, "-");
	if (file_seekable(file) && named)
		return file;
	if (file_seekable(file)) {
		a->fd = STDIN_FILENO;
		a->start = (off_t)file_tell(file);
		return file;
	}
	a->fd = file_scratch(&e);
	if (a->fd < 0)
		cli_fail(&e);
	file_tee(file, a->fd);
	return file;
}

struct pmx_reader *cli_again_peek(struct cli_again *a)
{
	struct pmx_reader *r = cli_again_open(a);
	a->peeked = true;
	return r;
}

struct pmx_reader *cli_again_open(struct cli_again *a)
{
	struct file_in *file;
	if (a->peeked) {
		a->peeked = false;
		return a->reader;
	}
	if (!a->reader) {
		file = first(a);
	} else {
		pmx_close(a->reader);
		if (a->fd >= 0) {
			int fd = dup(a->fd);
			if (fd < 0 || lseek(fd, a->start, SEEK_SET) < 0)
				cli_die("the input cannot be read a second time");
			file = file_from_fd(fd, a->path);
		} else {
			file = cli_file(a->path);
		}
	}
	return a->reader = cli_reader(a->c, file, tool.reads);
}

struct pmx_reader *cli_again_sorted(struct cli_again *a, const char *by, const char *first_group)
{
	struct err e = { 0 };
	struct pmx_reader *r = cli_again_open(a);
	if (pmx_promises(pmx_reader_schema(r), by, first_group))
		return r;
	int fd = cli_sort_to_scratch(a->c, r, by, first_group), again = dup(fd);
	if (again < 0)
		cli_die("the sorted stream cannot be read");
	if (a->fd > STDIN_FILENO)
		close(a->fd);
	a->fd = fd;
	a->start = 0;
	a->original = r;
	a->reader = pmx_open(file_from_fd(again, "the sorted stream"), a->c->threads, &e);
	if (!a->reader)
		cli_fail(&e);
	return a->reader;
}

struct pmx_reader *cli_again_original(struct cli_again *a)
{
	return a->original ? a->original : a->reader;
}

void cli_again_free(struct cli_again *a)
{
	if (a->original)
		pmx_close(a->original);
	pmx_close(a->reader);
	if (a->fd > STDIN_FILENO)
		close(a->fd);
	mem_free(a);
}
