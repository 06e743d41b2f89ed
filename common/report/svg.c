#include "report/svg.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

double scale_at(const struct scale *s, double v)
{
	double range = s->to - s->from;
	return range != 0 ? s->at_from + (v - s->from) / range * (s->at_to - s->at_from) : (s->at_from + s->at_to) / 2;
}

double scale_within(const struct scale *s, double v)
{
	double low = fmin(s->from, s->to), high = fmax(s->from, s->to);
	return scale_at(s, v < low ? low : v > high ? high : v);
}

int scale_ticks(double from, double to, int about, double tick[SVG_MOST_TICKS], int *decimals)
{
	*decimals = 0;
	if (!(to > from) || !isfinite(to - from) || about < 1)
		return 0;
	double raw = (to - from) / about;
	int power = (int)floor(log10(raw));
	double unit = pow(10, power), step = unit;
	step = raw / unit > 5 ? 10 : raw / unit > 2 ? 5 : raw / unit > 1 ? 2 : 1;
	*decimals = step < 10 && power < 0 ? -power : power + 1 < 0 ? -power - 1 : 0;
	step *= unit;
	int n = 0;
	/* A hair of tolerance, so that the ends are ticks when they are round. */
	for (double k = ceil(from / step - 1e-9); k * step <= to + 1e-9 * step && n < SVG_MOST_TICKS; k++)
		tick[n++] = k == 0 ? 0 : k * step;
	return n;
}

void svg_begin(struct bytes *b, double width, double height, const char *alt)
{
	markup_print(b, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"figure\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" "
		     "role=\"img\" aria-label=\"", width, height, width, height);
	markup_escape(b, alt);
	markup_put(b, "\">\n");
}

void svg_end(struct bytes *b)
{
	markup_put(b, "</svg>\n");
}

static void attribute(struct bytes *b, const char *name, double v)
{
	markup_print(b, " %s=\"", name);
	markup_at(b, v);
	markup_put(b, "\"");
}

static void class_of(struct bytes *b, const char *class)
{
	if (class)
		markup_print(b, " class=\"%s\"", class);
}

/* Bytes of the first n characters. */
static size_t bytes_of(const char *s, size_t n)
{
	size_t i = 0;
	for (; s[i]; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80 && !n--)
			break;
	return i;
}

void svg_text(struct bytes *b, double x, double y, const char *anchor, const char *class, const char *text, size_t most)
{
	markup_put(b, "<text");
	attribute(b, "x", x);
	attribute(b, "y", y);
	if (strcmp(anchor, "start"))
		markup_print(b, " text-anchor=\"%s\"", anchor);
	class_of(b, class);
	markup_put(b, ">");
	size_t n = most ? bytes_of(text, most) : strlen(text);
	if (text[n]) {
		char *cut = mem_print("%.*s\xe2\x80\xa6", (int)bytes_of(text, most - 1), text);
		markup_put(b, "<title>");
		markup_escape(b, text);
		markup_put(b, "</title>");
		markup_escape(b, cut);
		mem_free(cut);
	} else {
		markup_escape(b, text);
	}
	markup_put(b, "</text>\n");
}

void svg_line(struct bytes *b, double x1, double y1, double x2, double y2, const char *class)
{
	markup_put(b, "<line");
	attribute(b, "x1", x1);
	attribute(b, "y1", y1);
	attribute(b, "x2", x2);
	attribute(b, "y2", y2);
	class_of(b, class);
	markup_put(b, "/>\n");
}

static void close_mark(struct bytes *b, const char *element, const char *class, const char *title)
{
	class_of(b, class);
	if (title) {
		markup_put(b, "><title>");
		markup_escape(b, title);
		markup_print(b, "</title></%s>\n", element);
	} else {
		markup_put(b, "/>\n");
	}
}

void svg_rect(struct bytes *b, double x, double y, double w, double h, const char *class, const char *title)
{
	markup_put(b, "<rect");
	attribute(b, "x", w < 0 ? x + w : x);
	attribute(b, "y", h < 0 ? y + h : y);
	attribute(b, "width", fabs(w));
	attribute(b, "height", fabs(h));
	close_mark(b, "rect", class, title);
}

void svg_dot(struct bytes *b, double x, double y, double r, const char *class, const char *title)
{
	markup_put(b, "<circle");
	attribute(b, "cx", x);
	attribute(b, "cy", y);
	attribute(b, "r", r);
	close_mark(b, "circle", class, title);
}

void svg_axis_x(struct bytes *b, const struct scale *x, double top, double bottom, const char *label)
{
	double tick[SVG_MOST_TICKS];
	int decimals, n = scale_ticks(fmin(x->from, x->to), fmax(x->from, x->to), 7, tick, &decimals);
	for (int i = 0; i < n; i++) {
		char text[32];
		snprintf(text, sizeof text, "%.*f", decimals, tick[i]);
		svg_line(b, scale_at(x, tick[i]), top, scale_at(x, tick[i]), bottom, tick[i] == 0 ? "zero" : "grid");
		svg_text(b, scale_at(x, tick[i]), bottom + 15, "middle", "tick", text, 0);
	}
	svg_text(b, (x->at_from + x->at_to) / 2, bottom + 33, "middle", "axis", label, 0);
}

void svg_axis_y(struct bytes *b, const struct scale *y, double left, double right, const char *label)
{
	double tick[SVG_MOST_TICKS], middle = (y->at_from + y->at_to) / 2;
	int decimals, n = scale_ticks(fmin(y->from, y->to), fmax(y->from, y->to), 6, tick, &decimals);
	for (int i = 0; i < n; i++) {
		char text[32];
		snprintf(text, sizeof text, "%.*f", decimals, tick[i]);
		svg_line(b, left, scale_at(y, tick[i]), right, scale_at(y, tick[i]), tick[i] == 0 ? "zero" : "grid");
		svg_text(b, left - 7, scale_at(y, tick[i]) + 4, "end", "tick", text, 0);
	}
	markup_print(b, "<text transform=\"translate(%.0f %.0f) rotate(-90)\" text-anchor=\"middle\" class=\"axis\">", left - 42, middle);
	markup_escape(b, label);
	markup_put(b, "</text>\n");
}

double svg_legend(struct bytes *b, double x, double y, const char *const *label, const char *const *class, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		svg_rect(b, x, y - 9, 10, 10, class[i], NULL);
		svg_text(b, x + 15, y, "start", "tick", label[i], 24);
		size_t wide = bytes_of(label[i], 24), characters = 0;
		for (size_t k = 0; k < wide; k++)
			characters += ((unsigned char)label[i][k] & 0xc0) != 0x80;
		x += 34 + 6.4 * (double)characters;
	}
	return x;
}

double svg_shade(double share)
{
	return fmin(1, 0.08 + 0.92 * fabs(share));
}

void svg_ramp(struct bytes *b, double x, double y, double most, const char *label)
{
	enum { STEPS = 21 };
	const double wide = (double)SVG_RAMP / STEPS;
	svg_text(b, x, y, "start", "axis", label, 0);
	for (int i = 0; i < STEPS; i++) {
		double share = (double)(2 * i - STEPS + 1) / (STEPS - 1);
		if (share == 0)
			continue;
		markup_print(b, "<g opacity=\"%.2f\">", svg_shade(share));
		svg_rect(b, x + wide * i, y + 6, wide, 10, share > 0 ? "up" : "down", NULL);
		markup_put(b, "</g>\n");
	}
	for (int side = -1; side <= 1; side++) {
		char text[32];
		snprintf(text, sizeof text, "%.3g", side * most);
		svg_text(b, x + SVG_RAMP * (side + 1) / 2.0, y + 29, side < 0 ? "start" : side > 0 ? "end" : "middle", "tick", text, 0);
	}
}
