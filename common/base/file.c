#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_TEMPORARIES = 24, IN_BUFFER = 256 * 1024, READ_STEP = 4 * 1024 * 1024 };

static char *volatile temporaries[MAX_TEMPORARIES];

struct file_out {
	int fd;
	bool direct;                /* written in place: stdout, a device, a fifo */
	bool keep;                  /* the descriptor is the caller's */
	bool in_folder;             /* `temporary` belongs to the folder, and stays */
	char *path;
	char *temporary;
	uint64_t written;
};

struct file_in {
	int fd;
	char *name;
	bool seekable;
	uint64_t size;
	uint64_t offset;            /* of the first byte in the buffer that was not handed out */
	uint8_t *buffer;
	size_t start, end;
	int tee;                    /* scratch descriptor, or -1 */
	uint64_t teed;
};

/* 64 KiB, the usual size of a pipe, wakes the other side sixteen times for a block. Where it cannot grow, it stays. */
static void widen_pipe(int fd, const struct stat *st)
{
#ifdef F_SETPIPE_SZ
	if (S_ISFIFO(st->st_mode))
		(void)fcntl(fd, F_SETPIPE_SZ, 1 << 20);
#else
	(void)fd;
	(void)st;
#endif
}

static void remember(char *temporary)
{
	for (int i = 0; i < MAX_TEMPORARIES; i++)
		if (!temporaries[i]) {
			temporaries[i] = temporary;
			return;
		}
}

static void forget(const char *temporary)
{
	for (int i = 0; i < MAX_TEMPORARIES; i++)
		if (temporaries[i] == temporary)
			temporaries[i] = NULL;
}

void file_unlink_temporaries(void)
{
	for (int i = 0; i < MAX_TEMPORARIES; i++)
		if (temporaries[i])
			unlink(temporaries[i]);
	/* Folders, once their files are gone. */
	for (int i = 0; i < MAX_TEMPORARIES; i++)
		if (temporaries[i])
			rmdir(temporaries[i]);
}

static struct file_out *create(const char *path, bool library, struct err *e)
{
	struct file_out *f = mem_zero(1, sizeof *f);
	struct stat st;
	f->fd = -1;
	f->path = mem_text(path);
	if (!strcmp(path, "-")) {
		f->fd = STDOUT_FILENO;
		f->direct = true;
		if (fstat(f->fd, &st)) {
			err_system(e, "standard output");
			goto fail;
		}
		widen_pipe(f->fd, &st);
		return f;
	}
	if (!stat(path, &st)) {
		if (S_ISDIR(st.st_mode)) {
			err_set(e, "%s is a directory; give a file name to -o", path);
			goto fail;
		}
		if (!S_ISREG(st.st_mode) && !library) {
			f->direct = true;
			f->fd = open(path, O_WRONLY);
			if (f->fd < 0) {
				err_system(e, "cannot write %s", path);
				goto fail;
			}
			return f;
		}
	}
	f->temporary = mem_print("%s.%ld.partial", path, (long)getpid());
	/* Remembered before it is there: a signal in between would leave it. */
	remember(f->temporary);
	f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (f->fd < 0) {
		err_system(e, "cannot write %s", path);
		goto fail;
	}
	return f;
fail:
	forget(f->temporary);
	mem_free(f->temporary);
	mem_free(f->path);
	mem_free(f);
	return NULL;
}

struct file_out *file_create(const char *path, struct err *e)
{
	return create(path, false, e);
}

struct file_out *file_create_for_library(const char *path, struct err *e)
{
	return create(path, true, e);
}

struct file_out *file_onto_fd(int fd, const char *name)
{
	struct file_out *f = mem_zero(1, sizeof *f);
	f->fd = fd;
	f->direct = f->keep = true;
	f->path = mem_text(name);
	return f;
}

int file_write(struct file_out *f, const void *bytes, size_t n, struct err *e)
{
	const uint8_t *p = bytes;
	while (n) {
		ssize_t done = write(f->fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_system(e, "cannot write %s", f->direct && !strcmp(f->path, "-") ? "standard output" : f->path);
		p += done;
		n -= (size_t)done;
		f->written += (uint64_t)done;
	}
	return 0;
}

uint64_t file_written(const struct file_out *f)
{
	return f->written;
}

bool file_is_terminal(const struct file_out *f)
{
	return isatty(f->fd);
}

const char *file_temporary(const struct file_out *f)
{
	return f->temporary;
}

static void free_out(struct file_out *f)
{
	if (f->temporary && !f->in_folder) {
		forget(f->temporary);
		mem_free(f->temporary);
	}
	mem_free(f->path);
	mem_free(f);
}

int file_commit(struct file_out *f, struct err *e)
{
	int status = 0;
	const char *name = f->direct && !strcmp(f->path, "-") ? "standard output" : f->path;
	/* A pipe or a terminal cannot be synced (EINVAL, EROFS): only a file's failure counts. */
	if (f->temporary && fsync(f->fd))
		status = err_system(e, "cannot finish %s", name);
	if (!f->keep && close(f->fd) && !status)
		status = err_system(e, "cannot finish %s", name);
	if (f->temporary && !f->in_folder && !status && rename(f->temporary, f->path))
		status = err_system(e, "cannot put %s in its place", f->path);
	if (f->temporary && status)
		unlink(f->temporary);
	free_out(f);
	return status;
}

void file_abandon(struct file_out *f)
{
	if (!f)
		return;
	if (f->fd != STDOUT_FILENO && !f->keep)
		close(f->fd);
	if (f->temporary)
		unlink(f->temporary);
	free_out(f);
}

int file_rewrite(struct file_out *f, uint64_t offset, const void *bytes, size_t n, struct err *e)
{
	const uint8_t *p = bytes;
	while (n) {
		ssize_t done = pwrite(f->fd, p, n, (off_t)offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_system(e, "cannot write %s", f->path);
		p += done;
		n -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

struct folder_out {
	char *path, *temporary;
	char *file[FOLDER_FILES];
	size_t n;
};

struct folder_out *folder_create(const char *path, struct err *e)
{
	struct stat st;
	struct folder_out *d = mem_zero(1, sizeof *d);
	d->path = mem_text(path);
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		d->path[n - 1] = 0;
	d->temporary = mem_print("%s.%ld.partial", d->path, (long)getpid());
	remember(d->temporary);
	if (!stat(path, &st) && !S_ISDIR(st.st_mode))
		err_set(e, "%s is a file; name a folder", path);
	else if (mkdir(d->temporary, 0777))
		err_system(e, "cannot make the folder %s", path);
	if (!e->set)
		return d;
	forget(d->temporary);
	mem_free(d->temporary);
	mem_free(d->path);
	mem_free(d);
	return NULL;
}

struct file_out *folder_file(struct folder_out *d, const char *name, struct err *e)
{
	assert(d->n < FOLDER_FILES);
	struct file_out *f = mem_zero(1, sizeof *f);
	char *path = mem_print("%s/%s", d->temporary, name);
	f->path = mem_print("%s/%s", d->path, name);
	f->in_folder = true;
	f->temporary = d->file[d->n] = path;
	remember(path);
	f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (f->fd >= 0) {
		d->n++;
		return f;
	}
	err_system(e, "cannot write %s", f->path);
	forget(path);
	mem_free(path);
	mem_free(f->path);
	mem_free(f);
	return NULL;
}

static void folder_free(struct folder_out *d)
{
	for (size_t i = 0; i < d->n; i++) {
		forget(d->file[i]);
		mem_free(d->file[i]);
	}
	forget(d->temporary);
	mem_free(d->temporary);
	mem_free(d->path);
	mem_free(d);
}

void folder_abandon(struct folder_out *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++)
		unlink(d->file[i]);
	rmdir(d->temporary);
	folder_free(d);
}

/* Only files that are in the new folder too may go with the old one. */
static int check_old_folder(const struct folder_out *d, struct err *e)
{
	DIR *dir = opendir(d->path);
	if (!dir)
		return err_system(e, "cannot read the folder %s", d->path);
	for (struct dirent *entry; (entry = readdir(dir)); ) {
		bool ours = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
		for (size_t i = 0; i < d->n; i++)
			ours = ours || !strcmp(entry->d_name, strrchr(d->file[i], '/') + 1);
		if (!ours)
			err_set(e, "the folder %s is there and holds other files, such as %s; remove it or name another", d->path, entry->d_name);
	}
	closedir(dir);
	return e->set ? -1 : 0;
}

int folder_commit(struct folder_out *d, struct err *e)
{
	struct stat st;
	int status = 0;
	if (stat(d->path, &st)) {
		if (rename(d->temporary, d->path))
			status = err_system(e, "cannot put %s in its place", d->path);
	} else if (check_old_folder(d, e)) {
		status = -1;
	} else if (renameat2(AT_FDCWD, d->temporary, AT_FDCWD, d->path, RENAME_EXCHANGE)) {
		status = err_system(e, "cannot put %s in its place; remove the old folder first", d->path);
	}
	if (status) {
		folder_abandon(d);
		return -1;
	}
	/* What is under the temporary name now, if anything, is the old folder. */
	for (size_t i = 0; i < d->n; i++)
		unlink(d->file[i]);
	rmdir(d->temporary);
	folder_free(d);
	return 0;
}

struct file_in *file_from_fd(int fd, const char *name)
{
	struct file_in *f = mem_zero(1, sizeof *f);
	struct stat st;
	f->fd = fd;
	f->name = mem_text(name);
	f->size = UINT64_MAX;
	f->tee = -1;
	bool known = !fstat(fd, &st);
	if (known)
		widen_pipe(fd, &st);
	if (known && S_ISREG(st.st_mode)) {
		off_t at = lseek(fd, 0, SEEK_CUR);
		f->seekable = at >= 0;
		f->offset = at > 0 ? (uint64_t)at : 0;
		f->size = (uint64_t)st.st_size;
	}
	f->buffer = mem_array(IN_BUFFER, 1);
	return f;
}

struct file_in *file_open(const char *path, struct err *e)
{
	if (!strcmp(path, "-"))
		return file_from_fd(STDIN_FILENO, "standard input");
	int fd = open(path, O_RDONLY);
	if (fd < 0) {
		err_system(e, "cannot open %s", path);
		return NULL;
	}
	struct stat st;
	if (!fstat(fd, &st) && S_ISDIR(st.st_mode)) {
		err_set(e, "%s is a directory", path);
		close(fd);
		return NULL;
	}
	return file_from_fd(fd, path);
}

void file_close(struct file_in *f)
{
	if (!f)
		return;
	if (f->fd != STDIN_FILENO)
		close(f->fd);
	mem_free(f->buffer);
	mem_free(f->name);
	mem_free(f);
}

void file_tee(struct file_in *f, int scratch)
{
	f->tee = scratch;
}

const char *file_name(const struct file_in *f)
{
	return f->name;
}

bool file_seekable(const struct file_in *f)
{
	return f->seekable;
}

uint64_t file_size(const struct file_in *f)
{
	return f->size;
}

uint64_t file_tell(const struct file_in *f)
{
	return f->offset;
}

int file_seek(struct file_in *f, uint64_t offset, struct err *e)
{
	if (lseek(f->fd, (off_t)offset, SEEK_SET) < 0)
		return err_system(e, "cannot seek in %s", f->name);
	f->offset = offset;
	f->start = f->end = 0;
	return 0;
}

static ssize_t read_some(struct file_in *f, void *out, size_t n, struct err *e)
{
	for (;;) {
		ssize_t got = read(f->fd, out, n);
		if (got > 0 && f->tee >= 0) {
			if (file_pwrite(f->tee, out, (size_t)got, f->teed, e))
				return -1;
			f->teed += (uint64_t)got;
		}
		if (got >= 0)
			return got;
		if (errno != EINTR)
			return err_system(e, "cannot read %s", f->name);
	}
}

int64_t file_read(struct file_in *f, void *out, size_t n, struct err *e)
{
	uint8_t *p = out;
	size_t left = n;
	while (left) {
		if (f->start < f->end) {
			size_t k = f->end - f->start < left ? f->end - f->start : left;
			memcpy(p, f->buffer + f->start, k);
			f->start += k;
			p += k;
			left -= k;
			continue;
		}
		/* Large reads go straight to the caller. */
		bool large = left >= IN_BUFFER;
		ssize_t got = read_some(f, large ? p : f->buffer, large ? left : IN_BUFFER, e);
		if (got < 0)
			return -1;
		if (!got)
			break;
		if (large) {
			p += got;
			left -= (size_t)got;
		} else {
			f->start = 0;
			f->end = (size_t)got;
		}
	}
	f->offset += n - left;
	return (int64_t)(n - left);
}

int64_t file_read_growing(struct file_in *f, uint8_t **out, size_t *cap, uint64_t n, struct err *e)
{
	uint64_t done = 0;
	while (done < n) {
		uint64_t step = n - done;
		if (step > READ_STEP && *cap < n) {
			/* Nothing promises that n bytes will come: ask for at most twice what came. */
			uint64_t most = done > READ_STEP ? done : READ_STEP;
			if (step > most)
				step = most;
		}
		mem_room(out, cap, (size_t)(done + step), 1);
		int64_t got = file_read(f, *out + done, (size_t)step, e);
		if (got < 0)
			return -1;
		done += (uint64_t)got;
		if ((uint64_t)got < step)
			break;
	}
	return (int64_t)done;
}

int64_t file_peek(struct file_in *f, void *out, size_t n, struct err *e)
{
	while (f->end - f->start < n) {
		if (f->start) {
			memmove(f->buffer, f->buffer + f->start, f->end - f->start);
			f->end -= f->start;
			f->start = 0;
		}
		ssize_t got = read_some(f, f->buffer + f->end, IN_BUFFER - f->end, e);
		if (got < 0)
			return -1;
		if (!got)
			break;
		f->end += (size_t)got;
	}
	size_t have = f->end - f->start < n ? f->end - f->start : n;
	memcpy(out, f->buffer + f->start, have);
	return (int64_t)have;
}

int file_scratch(struct err *e)
{
	const char *dir = getenv("TMPDIR");
	if (!dir || !*dir)
		dir = "/tmp";
	char *path = mem_print("%s/pertpipe.XXXXXX", dir);
	int fd = mkstemp(path);
	if (fd < 0)
		err_system(e, "cannot make a scratch file in %s (set TMPDIR to a folder with room)", dir);
	else
		unlink(path);
	mem_free(path);
	return fd;
}

int file_pread(int fd, void *out, size_t n, uint64_t offset, struct err *e)
{
	uint8_t *p = out;
	while (n) {
		ssize_t got = pread(fd, p, n, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_system(e, "cannot read a scratch file");
		if (!got)
			return err_set(e, "a scratch file is shorter than it was written");
		p += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

int file_pwrite(int fd, const void *bytes, size_t n, uint64_t offset, struct err *e)
{
	const uint8_t *p = bytes;
	while (n) {
		ssize_t done = pwrite(fd, p, n, (off_t)offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_system(e, "cannot write a scratch file (set TMPDIR to a folder with room)");
		p += done;
		n -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

int file_fingerprint(const char *path, char out[17], struct err *e)
{
	const uint64_t piece = 1 << 20, stride = 64 << 20;
	struct file_in *f = file_open(path, e);
	if (!f)
		return -1;
	struct hash_state *h = hash_new();
	uint8_t *buffer = mem_array(piece, 1);
	uint64_t size = file_size(f);
	int status = 0;
	bool whole = size <= stride || !file_seekable(f);
	for (uint64_t at = 0; at < size; at += whole ? piece : stride) {
		if (!whole && file_seek(f, at, e)) {
			status = -1;
			break;
		}
		int64_t got = file_read(f, buffer, piece, e);
		if (got < 0)
			status = -1;
		if (got <= 0)
			break;
		hash_add(h, buffer, (size_t)got);
	}
	if (!whole)
		hash_add(h, &size, sizeof size);
	snprintf(out, 17, "%016" PRIx64, hash_end(h));
	hash_free(h);
	mem_free(buffer);
	file_close(f);
	return status;
}
