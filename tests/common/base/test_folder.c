#include "unit.h"
#include "base/file.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static bool there(const char *name)
{
	char path[200];
	snprintf(path, sizeof path, "%s/%s", root, name);
	return !access(path, F_OK);
}

static struct folder_out *new_folder(const char *text, struct err *e)
{
	char path[100];
	snprintf(path, sizeof path, "%s/out", root);
	struct folder_out *d = folder_create(path, e);
	struct file_out *f = d ? folder_file(d, "a", e) : NULL;
	CHECK(f && !file_write(f, text, strlen(text), e) && !file_rewrite(f, 0, "X", 1, e) && !file_commit(f, e));
	return d;
}

static int first_byte(void)
{
	char path[100];
	snprintf(path, sizeof path, "%s/out/a", root);
	FILE *f = fopen(path, "r");
	int c = f ? fgetc(f) : -1;
	c = f ? fgetc(f) : c;
	if (f)
		fclose(f);
	return c;
}

UNIT(a_folder_appears_whole)
{
	struct err e = { 0 };
	snprintf(root, sizeof root, "/tmp/pertpipe-folder-%ld", (long)getpid());
	CHECK(!mkdir(root, 0777));
	struct folder_out *d = new_folder("a1", &e);
	CHECK(!there("out"));
	CHECK(!folder_commit(d, &e) && there("out/a") && first_byte() == '1');
	/* Again: the old one is replaced, since it holds no other file. */
	CHECK(!folder_commit(new_folder("a2", &e), &e) && first_byte() == '2');
	folder_abandon(new_folder("a3", &e));
	CHECK(first_byte() == '2');
	/* As a signal would. */
	d = new_folder("a4", &e);
	file_unlink_temporaries();
	CHECK(first_byte() == '2');
	folder_abandon(d);
}

UNIT(a_folder_with_other_files_stays)
{
	struct err e = { 0 };
	char path[100];
	snprintf(path, sizeof path, "%s/out/mine", root);
	FILE *f = fopen(path, "w");
	fclose(f);
	CHECK(folder_commit(new_folder("a5", &e), &e) && strstr(e.text, "mine"));
	CHECK(first_byte() == '2' && there("out/mine"));
	unlink(path);
	snprintf(path, sizeof path, "%s/out/a", root);
	unlink(path);
	snprintf(path, sizeof path, "%s/out", root);
	CHECK(!rmdir(path));
	/* Nothing temporary is left beside it. */
	CHECK(!rmdir(root));
}

UNITS(RUN(a_folder_appears_whole), RUN(a_folder_with_other_files_stays))
