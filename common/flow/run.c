#include "flow/run.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 10, WAIT_MS = 100, LONGEST_TALE = 1 << 20, DEEPEST = 4 };
#define SAMPLED ((off_t)64 << 20)       /* from here on a fingerprint is of samples: the time counts, too */

struct run {
	const struct flow_plan *p;
	const char *out;
	const struct flow_report *report;
	int lock;
};

static int make_folder(const char *path, struct err *e)
{
	char *part = mem_text(path);
	int status = 0;
	for (char *c = part + 1; !status; c++) {
		bool end = !*c;
		if (!end && *c != '/')
			continue;
		*c = 0;
		if (mkdir(part, 0777) && errno != EEXIST)
			status = err_system(e, "cannot make the folder %s", part);
		if (end)
			break;
		*c = '/';
	}
	mem_free(part);
	return status;
}

static int folder_of(const char *path, struct err *e)
{
	char *folder = mem_textn(path, (size_t)(strrchr(path, '/') - path));
	int status = make_folder(folder, e);
	mem_free(folder);
	return status;
}

static int not_hidden(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* The digest of a file, or of all files of a folder with their names. */
static int add_content(struct hash_state *h, const char *path, int depth, struct err *e)
{
	struct stat st;
	char hex[17];
	if (stat(path, &st))
		return err_system(e, "cannot read %s", path);
	if (S_ISREG(st.st_mode)) {
		if (file_fingerprint(path, hex, e))
			return -1;
		hash_add(h, hex, sizeof hex);
		if (st.st_size > SAMPLED)
			hash_add(h, &st.st_mtim, sizeof st.st_mtim);
		return 0;
	}
	if (!S_ISDIR(st.st_mode) || depth > DEEPEST)
		return S_ISDIR(st.st_mode) ? 0 : err_set(e, "%s is neither a file nor a folder: what it holds is not known until it is read", path);
	struct dirent **entry;
	int n = scandir(path, &entry, not_hidden, alphasort), status = 0;
	if (n < 0)
		return err_system(e, "cannot read %s", path);
	for (int i = 0; i < n; i++) {
		char *file = mem_print("%s/%s", path, entry[i]->d_name);
		hash_add(h, entry[i]->d_name, strlen(entry[i]->d_name) + 1);
		if (!status)
			status = add_content(h, file, depth + 1, e);
		mem_free(file);
		free(entry[i]);
	}
	free(entry);
	return status;
}

static int fingerprint(const char *path, char out[17], struct err *e)
{
	struct hash_state *h = hash_new();
	int status = add_content(h, path, 0, e);
	snprintf(out, 17, "%016" PRIx64, hash_end(h));
	hash_free(h);
	return status;
}

static char *path_of(const struct run *r, const char *file)
{
	return *file == '/' ? mem_text(file) : mem_print("%s/%s", r->out, file);
}

static char *state_path(const struct run *r, const char *name, const char *end)
{
	return mem_print("%s/.pmx-flow/%s%s", r->out, name, end);
}

static json_t *prints(const struct run *r, const struct names *files, struct err *e)
{
	json_t *j = json_object();
	for (size_t i = 0; i < files->n; i++) {
		char hex[17], *path = path_of(r, files->at[i]);
		if (fingerprint(path, hex, e)) {
			mem_free(path);
			json_decref(j);
			return NULL;
		}
		json_object_set_new(j, files->at[i], json_string(hex));
		mem_free(path);
	}
	return j;
}

/* What decides the outputs of a step. */
static json_t *describe(const struct run *r, const struct flow_step *step, struct err *e)
{
	char hex[17];
	flow_digest(r->p, step, hex);
	json_t *made = prints(r, step->made, e), *outside = made ? prints(r, step->outside, e) : NULL;
	if (!outside) {
		json_decref(made);
		return NULL;
	}
	json_t *j = json_object(), *tools = json_object();
	json_object_set_new(j, "step", json_string(step->name));
	json_object_set_new(j, "command", json_string(flow_command(r->p, step, false)));
	json_object_set_new(j, "digest", json_string(hex));
	for (size_t g = 0; g < step->n_stages; g++)
		json_object_set(tools, step->stage[g].tool, json_object_get(step->stage[g].declared, "version"));
	json_object_set_new(j, "tools", tools);
	json_object_update(made, outside);
	json_decref(outside);
	json_object_set_new(j, "inputs", made);
	return j;
}

/* Does the manifest say that this is done, and are the outputs still what it left? */
static bool is_current(const struct run *r, const struct flow_step *step, const json_t *now)
{
	struct err e = { 0 };
	char *path = state_path(r, step->name, ".json");
	json_t *then = json_load_file(path, 0, NULL), *left = then ? prints(r, step->outputs, &e) : NULL;
	bool same = left && json_equal(left, json_object_get(then, "outputs")) && json_equal(json_object_get(now, "digest"), json_object_get(then, "digest")) &&
		json_equal(json_object_get(now, "inputs"), json_object_get(then, "inputs"));
	json_decref(then);
	json_decref(left);
	mem_free(path);
	return same;
}

static int finish(const struct run *r, const struct flow_step *step, json_t *manifest, struct err *e)
{
	json_t *left = prints(r, step->outputs, e);
	if (!left)
		return err_context(e, "step '%s' ended, but not all that it should leave is there", step->name);
	json_object_set_new(manifest, "outputs", left);
	char *path = state_path(r, step->name, ".json"), *text = json_dumps(manifest, JSON_INDENT(1));
	struct file_out *f = file_create(path, e);
	int status = !f || file_write(f, text, strlen(text), e) ? -1 : 0;
	if (f && status)
		file_abandon(f);
	else if (f)
		status = file_commit(f, e);
	free(text);
	mem_free(path);
	return status;
}

struct child {
	pid_t pid;
	int log;                        /* its standard error, a scratch file */
	int status;
	bool ended, stopped;            /* stopped: by us */
};

/* The child's side: never returns. */
static _Noreturn void become(const struct run *r, const struct flow_step *step, const struct flow_stage *g, int in, int out, int log, pid_t parent)
{
	char **argv = mem_array(g->n_words + 2, sizeof *argv), *path = mem_print("%s/%s", r->p->folder, g->tool);
	argv[0] = g->tool;
	for (size_t i = 0; i < g->n_words; i++)
		argv[i + 1] = g->word[i].text;
	argv[g->n_words + 1] = NULL;
	/* A run that is killed takes its tools along, and they take their temporary files along. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGPIPE, SIG_DFL);
	if (getppid() != parent)
		_exit(1);
	if (g == step->stage && step->from && (in = open(step->from, O_RDONLY)) < 0)
		dprintf(log, "%s: cannot read %s: %s\n", g->tool, step->from, strerror(errno));
	if (in >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0) {
		execv(path, argv);
		dprintf(log, "%s: cannot be run: %s\n", path, strerror(errno));
	}
	_exit(1);
}

/* Starts the tools of a step from the last one, so that nobody writes into a pipe without a reader. */
static int start(const struct run *r, const struct flow_step *step, struct child *child, int last_out, struct err *e)
{
	pid_t parent = getpid();
	int out = dup(last_out);
	for (size_t g = step->n_stages; g-- > 0; ) {
		int ends[2] = { -1, -1 };
		if (g ? pipe2(ends, O_CLOEXEC) : (ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0) {
			close(out);
			return err_system(e, "cannot make a pipe");
		}
		fcntl(out, F_SETFD, FD_CLOEXEC);
		child[g].pid = fork();
		if (!child[g].pid)
			become(r, step, &step->stage[g], ends[0], out, child[g].log, parent);
		close(out);
		close(ends[0]);
		out = ends[1];
		if (child[g].pid < 0) {
			close(out);
			return err_system(e, "cannot start %s", step->stage[g].tool);
		}
	}
	return 0;
}

/* As soon as a tool fails the others are told to stop, after a moment in which what follows from it ends by itself. */
static void wait_for(struct child *child, size_t n)
{
	size_t left = 0;
	for (size_t i = 0; i < n; i++)
		left += child[i].pid > 0;
	int grace = -1;
	while (left) {
		int status;
		pid_t pid = waitpid(-1, &status, grace >= 0 ? WNOHANG : 0);
		if (pid < 0 && errno != EINTR)
			break;
		if (pid <= 0) {
			nanosleep(&(struct timespec){ 0, WAIT_MS * 1000000L }, NULL);
			if (grace > 0 && !--grace)
				for (size_t i = 0; i < n; i++)
					if (child[i].pid > 0 && !child[i].ended && (child[i].stopped = true))
						kill(child[i].pid, SIGTERM);
			continue;
		}
		for (size_t i = 0; i < n; i++)
			if (child[i].pid == pid) {
				child[i].ended = true;
				child[i].status = status;
				left--;
				if (status && grace < 0)
					grace = PATIENCE;
			}
	}
}

/* The failure that the others follow from: a cut pipe ends those before it without a word, those after it miss the end of their input. */
static int blame(const struct flow_step *step, const struct child *child, struct err *e)
{
	size_t guilty = SIZE_MAX;
	for (size_t i = 0; i < step->n_stages; i++) {
		bool cut = WIFSIGNALED(child[i].status) && WTERMSIG(child[i].status) == SIGPIPE;
		if (child[i].status && !cut && !child[i].stopped && guilty == SIZE_MAX)
			guilty = i;
	}
	for (size_t i = 0; i < step->n_stages && guilty == SIZE_MAX; i++)
		if (child[i].status)
			guilty = i;
	if (guilty == SIZE_MAX)
		return 0;
	char said[900] = "";
	off_t size = lseek(child[guilty].log, 0, SEEK_END), from = size > (off_t)sizeof said - 1 ? size - (off_t)sizeof said + 1 : 0;
	ssize_t n = pread(child[guilty].log, said, sizeof said - 1, from);
	said[n > 0 ? n : 0] = 0;
	while (n > 0 && said[n - 1] == '\n')
		said[--n] = 0;
	int status = child[guilty].status;
	if (WIFSIGNALED(status))
		return err_set(e, "step '%s': %s was ended by signal %d (%s)%s%s", step->name, step->stage[guilty].tool, WTERMSIG(status),
			       strsignal(WTERMSIG(status)), *said ? ":\n" : "", said);
	return err_set(e, "step '%s': %s ended with status %d%s%s", step->name, step->stage[guilty].tool, WEXITSTATUS(status),
		       *said ? ":\n" : " and said nothing", said);
}

static void pass_on(const struct run *r, const struct child *child, size_t n)
{
	char *text = mem_array(LONGEST_TALE, 1);
	for (size_t i = 0; i < n; i++) {
		ssize_t k = pread(child[i].log, text, LONGEST_TALE, 0);
		if (k > 0)
			r->report->said(text, (size_t)k);
	}
	mem_free(text);
}

static int execute(const struct run *r, const struct flow_step *step, struct err *e)
{
	size_t n = step->n_stages;
	struct child *child = mem_zero(n, sizeof *child);
	char *to = step->to ? path_of(r, step->to) : NULL;
	struct file_out *f = to ? file_create_for_library(to, e) : NULL;
	int out = f ? open(file_temporary(f), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : dup(STDERR_FILENO), status = 0;
	if ((to && !f) || out < 0)
		status = e->set ? -1 : err_system(e, "cannot write %s", to ? to : "standard error");
	for (size_t i = 0; i < n; i++)
		child[i].log = -1;
	for (size_t i = 0; i < n && !status; i++)
		if ((child[i].log = file_scratch(e)) < 0 || fcntl(child[i].log, F_SETFD, FD_CLOEXEC))
			status = -1;
	if (!status) {
		status = start(r, step, child, out, e);
		if (status)
			for (size_t i = 0; i < n; i++)
				if (child[i].pid > 0)
					kill(child[i].pid, SIGTERM);
		wait_for(child, n);
		status = status ? status : blame(step, child, e);
		if (!status)
			pass_on(r, child, n);
	}
	if (out >= 0)
		close(out);
	if (f && status)
		file_abandon(f);
	else if (f)
		status = file_commit(f, e);
	for (size_t i = 0; i < n; i++)
		if (child[i].log >= 0)
			close(child[i].log);
	mem_free(child);
	mem_free(to);
	return status;
}

/* A file, or a folder with files. */
static void remove_path(const char *path)
{
	struct dirent **entry;
	int k = unlink(path) && errno == EISDIR ? scandir(path, &entry, not_hidden, NULL) : -1;
	for (int i = 0; i < k; i++) {
		char *file = mem_print("%s/%s", path, entry[i]->d_name);
		unlink(file);
		mem_free(file);
		free(entry[i]);
	}
	if (k < 0)
		return;
	free(entry);
	rmdir(path);
}

/* What a tool that was killed left of an output (base/file.h names it): the run has the folder for itself. */
static void sweep(const char *output)
{
	char *folder = mem_textn(output, (size_t)(strrchr(output, '/') - output));
	const char *name = strrchr(output, '/') + 1;
	size_t n = strlen(name);
	struct dirent **entry;
	int k = scandir(folder, &entry, not_hidden, NULL);
	for (int i = 0; i < k; i++) {
		const char *s = entry[i]->d_name, *end = s + strlen(s);
		if (!strncmp(s, name, n) && s[n] == '.' && end - s > 8 && !strcmp(end - 8, ".partial")) {
			char *path = mem_print("%s/%s", folder, s);
			remove_path(path);
			mem_free(path);
		}
		free(entry[i]);
	}
	if (k >= 0)
		free(entry);
	mem_free(folder);
}

static int run_step(const struct run *r, const struct flow_step *step, size_t *n_ran, struct err *e)
{
	json_t *now = describe(r, step, e);
	if (!now)
		return err_context(e, "step '%s'", step->name);
	if (is_current(r, step, now)) {
		r->report->is_current(step->name);
		json_decref(now);
		return 0;
	}
	char *manifest = state_path(r, step->name, ".json");
	int status = unlink(manifest) && errno != ENOENT ? err_system(e, "cannot remove %s", manifest) : 0;
	for (size_t i = 0; i < step->outputs->n && !status; i++) {
		char *path = path_of(r, step->outputs->at[i]);
		status = folder_of(path, e);
		if (!status)
			sweep(path);
		/* The folder itself may be what the tool fills. */
		char *slash = strrchr(path, '/');
		if (!status && strchr(step->outputs->at[i], '/') && (*slash = 0, true))
			sweep(path);
		mem_free(path);
	}
	r->report->begins(step->name, flow_command(r->p, step, false));
	status = status || execute(r, step, e) || finish(r, step, now, e) ? -1 : 0;
	*n_ran += !status;
	mem_free(manifest);
	json_decref(now);
	return status;
}

/* One run at a time. The lock goes on to the tools: those that a killed run leaves behind keep it until they have gone, too. */
static int take_lock(struct run *r, struct err *e)
{
	char *path = state_path(r, "lock", "");
	r->lock = open(path, O_RDWR | O_CREAT, 0666);
	int status = r->lock < 0 ? err_system(e, "cannot write %s", path) : -1;
	for (int i = 0; r->lock >= 0 && status && i < 100; i++) {
		status = flock(r->lock, LOCK_EX | LOCK_NB);
		if (status)
			nanosleep(&(struct timespec){ 0, WAIT_MS * 1000000L }, NULL);
	}
	if (status && !e->set)
		err_set(e, "another run is at work in %s; wait for it, or give another --out", r->out);
	mem_free(path);
	return status;
}

int flow_run(const struct flow_plan *p, const char *out, const struct flow_report *report, size_t *n_ran, struct err *e)
{
	char *state = mem_print("%s/.pmx-flow", out), *real = NULL;
	struct run r = { .p = p, .report = report, .lock = -1 };
	*n_ran = 0;
	int status = make_folder(state, e);
	if (!status && !(real = realpath(out, NULL)))
		status = err_system(e, "cannot find %s", out);
	r.out = real;
	if (!status)
		status = take_lock(&r, e);
	/* Tools run in the folder of results, where the files have the names that they have in the workflow. */
	if (!status && chdir(real))
		status = err_system(e, "cannot go to %s", real);
	for (size_t i = 0; i < p->n_steps && !status; i++)
		status = run_step(&r, &p->step[p->order[i]], n_ran, e);
	if (r.lock >= 0)
		close(r.lock);
	free(real);
	mem_free(state);
	return status;
}
