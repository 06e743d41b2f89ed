/* Runs the files named, or those of the folders named, through a fuzzer's function. */
#include "fuzz.h"
#include "base/file.h"
#include "base/mem.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static size_t n_done;

static void run(const char *path)
{
	struct stat st;
	DIR *folder = !stat(path, &st) && S_ISDIR(st.st_mode) ? opendir(path) : NULL;
	if (folder) {
		for (struct dirent *d; (d = readdir(folder)); ) {
			char *member = mem_print("%s/%s", path, d->d_name);
			if (*d->d_name != '.')
				run(member);
			mem_free(member);
		}
		closedir(folder);
		return;
	}
	struct err e = { 0 };
	uint8_t *bytes = NULL;
	size_t cap = 0;
	struct file_in *f = file_open(path, &e);
	int64_t n = f ? file_read_growing(f, &bytes, &cap, file_size(f), &e) : -1;
	file_close(f);
	if (n < 0) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(bytes, (size_t)n);
	mem_free(bytes);
	n_done++;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run(argv[i]);
	printf("%zu inputs\n", n_done);
	return n_done == 0;
}
