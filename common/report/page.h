/*
 * A self-contained HTML page: sections with figures and tables, its style and script inside, nothing from outside (the content
 * security policy forbids it; styles and scripts run by a nonce). Texts are escaped here.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H
#include "report/figure.h"

enum { PAGE_ROWS = 25, PAGE_TABLE_ROWS = 5000 };        /* rows of a table seen without the script; rows of a table at most */

struct page {
	struct bytes body, links;
	uint64_t nonce;
	char *title;
	bool in_section;
	double scale;                   /* of what tables and choices of figures may take */
	struct names *figures;          /* names used */
};

struct page *page_new(const char *title, double scale);
void page_free(struct page *p);
void page_section(struct page *p, const char *id, const char *title);
/* A paragraph of text. */
void page_text(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A row of figures: value and what it counts. */
void page_tiles(struct page *p, const char *const *value, const char *const *what, size_t n);
/* Takes the figure; NULL is nothing. */
void page_figure(struct page *p, struct figure *f);
/*
 * Figures of one kind, of which a list shows one at a time. Takes them (not the array). Beyond `most` bytes no further one is put in, and a
 * note tells how `figure` is drawn for any target.
 */
void page_choice(struct page *p, const char *label, const char *figure, struct figure **f, size_t n, size_t most);
/*
 * Takes the sheet. What is beyond PAGE_TABLE_ROWS rows or `most` bytes is left out, and a note says so and names `file`.
 */
void page_table(struct page *p, const char *name, const char *caption, struct sheet *s, const char *file, size_t most);
/* Text to be copied, line by line as it is. */
void page_code(struct page *p, const char *caption, const char *text);
/* The nonce of style and script is a digest of what the page holds so far. */
void page_settle(struct page *p);
/* The finished page in out. */
void page_end(struct page *p, struct bytes *out);

/* A picture that stands alone, with its style. */
void page_svg(const struct figure *f, struct bytes *out);

#endif
