/* A bar on stderr: drawn at most ten times a second, gone when the work is done. */
#include "cli/cli.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct cli_progress {
	const char *what;
	uint64_t total;
	bool shown;
	double start, last;
};

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct cli_progress *cli_progress_new(const struct cli *c, const char *what, uint64_t total)
{
	struct cli_progress *p = mem_zero(1, sizeof *p);
	const char *term = getenv("TERM");
	bool able = isatty(STDERR_FILENO) && !(term && !strcmp(term, "dumb"));
	p->what = what;
	p->total = total;
	p->shown = c->progress == 1 || (c->progress == 0 && able && !c->quiet);
	p->start = p->last = now();
	return p;
}

void cli_progress_at(struct cli_progress *p, uint64_t done, const char *extra)
{
	if (!p->shown || now() - p->last < 0.1)
		return;
	p->last = now();
	double elapsed = p->last - p->start, share = p->total ? (double)done / (double)p->total : 0;
	if (share > 1)
		share = 1;
	if (!p->total) {
		fprintf(stderr, "\r%s: %s %llu, %.0f s %s\033[K", tool.name, p->what, (unsigned long long)done, elapsed, extra ? extra : "");
		return;
	}
	char bar[31];
	for (int i = 0; i < 30; i++)
		bar[i] = i < (int)(share * 30) ? '#' : '.';
	bar[30] = 0;
	fprintf(stderr, "\r%s: %s [%s] %3.0f %%, %.0f s left %s\033[K", tool.name, p->what, bar, 100 * share,
		share > 0 ? elapsed * (1 - share) / share : 0, extra ? extra : "");
}

void cli_progress_end(struct cli_progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r\033[K");
	mem_free(p);
}
