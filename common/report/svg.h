/*
 * SVG of figures: scales, ticks, axes and marks. Colours are classes (s0 .. s5 for series, up, down, mute), which
 * figure.css gives their values in light and dark. Lengths are pixels of the view box.
 */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H
#include "report/markup.h"

enum { SVG_SERIES = 6, SVG_MOST_TICKS = 16 };

/* from .. to of the data onto at_from .. at_to of the picture; a range of nothing maps to the middle. */
struct scale {
	double from, to, at_from, at_to;
};
double scale_at(const struct scale *s, double v);
/* The same, but not outside of the picture. */
double scale_within(const struct scale *s, double v);
/*
 * Round values (1, 2 or 5 times a power of ten) inside from .. to, about as many as asked for: their number, at most
 * SVG_MOST_TICKS; *decimals is what shows all of them exactly. 0 where the range is empty or not finite.
 */
int scale_ticks(double from, double to, int about, double tick[SVG_MOST_TICKS], int *decimals);

/* `alt` is what a screen reader says. */
void svg_begin(struct bytes *b, double width, double height, const char *alt);
void svg_end(struct bytes *b);
/* anchor: start, middle, end; class may be NULL. At most `most` characters, then an ellipsis; 0: all. */
void svg_text(struct bytes *b, double x, double y, const char *anchor, const char *class, const char *text, size_t most);
void svg_line(struct bytes *b, double x1, double y1, double x2, double y2, const char *class);
/* With a title that pops up, or NULL. Widths and heights below 0 are drawn the other way. */
void svg_rect(struct bytes *b, double x, double y, double w, double h, const char *class, const char *title);
void svg_dot(struct bytes *b, double x, double y, double r, const char *class, const char *title);
/* Grid lines with their values below (x) or to the left (y), and the name of the axis. */
void svg_axis_x(struct bytes *b, const struct scale *x, double top, double bottom, const char *label);
void svg_axis_y(struct bytes *b, const struct scale *y, double left, double right, const char *label);
/* Squares with labels in a row; returns where it ends. */
double svg_legend(struct bytes *b, double x, double y, const char *const *label, const char *const *class, size_t n);

/* How opaque a value is whose size is this share of the strongest. */
double svg_shade(double share);
/* The colours of -most (class down) .. most (class up) as svg_shade makes them, from x over SVG_RAMP pixels; its name above, values below. */
enum { SVG_RAMP = 210 };
void svg_ramp(struct bytes *b, double x, double y, double most, const char *label);

#endif
