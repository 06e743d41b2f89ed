#include "cli/toolbox.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { LARGEST = 256 << 20 };

char *toolbox_folder(struct err *e)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	if (n < 0) {
		err_system(e, "cannot find the folder of the tools (/proc/self/exe)");
		return NULL;
	}
	path[n] = 0;
	char *slash = strrchr(path, '/');
	if (slash)
		*slash = 0;
	return mem_text(path);
}

/* Does the file hold the mark? */
static bool marked(const char *path, size_t size)
{
	struct err e = { 0 };
	struct file_in *f = file_open(path, &e);
	if (!f)
		return false;
	uint8_t *bytes = mem_array(size, 1);
	bool found = file_read(f, bytes, size, &e) == (int64_t)size && memmem(bytes, size, CLI_MARK, sizeof CLI_MARK);
	mem_free(bytes);
	file_close(f);
	return found;
}

bool toolbox_is_tool(const char *folder, const char *name)
{
	if (!*name || *name == '.' || strchr(name, '/'))
		return false;
	char *path = mem_print("%s/%s", folder, name);
	struct stat st;
	bool is = !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK) && st.st_size <= LARGEST && marked(path, (size_t)st.st_size);
	mem_free(path);
	return is;
}

struct names *toolbox_names(const char *folder, struct err *e)
{
	struct dirent **entry;
	int n = scandir(folder, &entry, NULL, alphasort);
	if (n < 0) {
		err_system(e, "cannot read %s", folder);
		return NULL;
	}
	struct names *names = names_new();
	for (int i = 0; i < n; i++) {
		if (toolbox_is_tool(folder, entry[i]->d_name))
			names_add(names, entry[i]->d_name, NULL);
		free(entry[i]);
	}
	free(entry);
	return names;
}

static json_t *read_json(int fd, const char *name, struct err *e)
{
	json_error_t why;
	json_t *json = json_loadfd(fd, JSON_REJECT_DUPLICATES, &why);
	if (!json)
		err_set(e, "%s --emit json writes no valid JSON (%s)", name, why.text);
	return json;
}

json_t *toolbox_declaration(const char *folder, const char *name, struct err *e)
{
	char *path = mem_print("%s/%s", folder, name), *argv[] = { path, (char[]){ "--emit" }, (char[]){ "json" }, NULL };
	posix_spawn_file_actions_t actions;
	int pipe_fd[2], status = 0;
	pid_t child;
	json_t *json = NULL;
	if (pipe(pipe_fd)) {
		err_system(e, "cannot make a pipe");
		mem_free(path);
		return NULL;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclose(&actions, pipe_fd[0]);
	posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], STDOUT_FILENO);
	errno = posix_spawn(&child, path, &actions, NULL, argv, environ);
	close(pipe_fd[1]);
	if (errno) {
		err_system(e, "cannot run %s", path);
	} else {
		json = read_json(pipe_fd[0], name, e);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(pipe_fd[0]);
	posix_spawn_file_actions_destroy(&actions);
	mem_free(path);
	return json;
}
