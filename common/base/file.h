/*
 * Files that appear whole or not at all, scratch files that vanish, and
 * buffered reading of a file or pipe.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

/*
 * Output. A path that names a regular file (or nothing yet) is written beside
 * itself under a temporary name and renamed by file_commit after fsync; "-" is
 * standard output; a device or fifo is written directly.
 */
struct file_out;
struct file_out *file_create(const char *path, struct err *e);
/* Writes to a descriptor (a scratch file, say) that stays open when f is committed. */
struct file_out *file_onto_fd(int fd, const char *name);
int file_write(struct file_out *f, const void *bytes, size_t n, struct err *e);
uint64_t file_written(const struct file_out *f);
int file_commit(struct file_out *f, struct err *e);     /* closes and frees f, also on failure */
void file_abandon(struct file_out *f);                  /* removes what was written; frees f */
bool file_is_terminal(const struct file_out *f);
const char *file_temporary(const struct file_out *f);   /* where the bytes are now; NULL for a pipe */
/* A temporary path beside `path` that a library writes itself; commit and abandon as above. */
struct file_out *file_create_for_library(const char *path, struct err *e);
/* Writes over bytes that file_write wrote before; not for pipes. */
int file_rewrite(struct file_out *f, uint64_t offset, const void *bytes, size_t n, struct err *e);
/*
 * A folder with up to FOLDER_FILES files that appears whole: made beside `path` under a temporary name.
 * A folder that is there is replaced when it holds no other files than those of the same names.
 */
enum { FOLDER_FILES = 8 };
struct folder_out;
struct folder_out *folder_create(const char *path, struct err *e);
/* A file in it; file_commit leaves it in the folder. */
struct file_out *folder_file(struct folder_out *d, const char *name, struct err *e);
int folder_commit(struct folder_out *d, struct err *e); /* frees d, also on failure */
void folder_abandon(struct folder_out *d);
/* Removes the temporary files and folders of this process; safe in a signal handler. */
void file_unlink_temporaries(void);

/* Input: a path, or "-" for standard input. */
struct file_in;
struct file_in *file_open(const char *path, struct err *e);
struct file_in *file_from_fd(int fd, const char *name);          /* takes the descriptor */
/* Copies everything that is read from now on into a scratch descriptor, from its offset 0. */
void file_tee(struct file_in *f, int scratch);
void file_close(struct file_in *f);
const char *file_name(const struct file_in *f);                  /* "standard input" for "-" */
bool file_seekable(const struct file_in *f);
uint64_t file_size(const struct file_in *f);                     /* UINT64_MAX when not known */
uint64_t file_tell(const struct file_in *f);
int file_seek(struct file_in *f, uint64_t offset, struct err *e);
/* Bytes read: n, fewer only at the end of the file; -1 on failure. */
int64_t file_read(struct file_in *f, void *out, size_t n, struct err *e);
/* As file_read, but straight into a buffer that grows only as bytes arrive: *out holds *cap bytes. */
int64_t file_read_growing(struct file_in *f, uint8_t **out, size_t *cap, uint64_t n, struct err *e);
/* The first n bytes (n <= 4096) without consuming them. */
int64_t file_peek(struct file_in *f, void *out, size_t n, struct err *e);

/* A scratch file in $TMPDIR (or /tmp) without a name; -1 on failure. */
int file_scratch(struct err *e);
int file_pread(int fd, void *out, size_t n, uint64_t offset, struct err *e);
int file_pwrite(int fd, const void *bytes, size_t n, uint64_t offset, struct err *e);

/*
 * A digest of a file's content for the provenance: XXH64 of all of it up to
 * 64 MiB, else of its size and of 1 MiB in every 64 MiB. 16 hex digits in `out`.
 */
int file_fingerprint(const char *path, char out[17], struct err *e);

#endif
