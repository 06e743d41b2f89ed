#include "unit.h"
#include "base/mem.h"
#include "report/svg.h"
#include <string.h>

static bool says(struct bytes *b, const char *want)
{
	char *s = markup_take(b);
	bool same = !strcmp(s, want);
	if (!same)
		printf("# %s\n# is not\n# %s\n", s, want);
	mem_free(s);
	return same;
}

UNIT(a_scale_maps_ends_onto_ends)
{
	struct scale s = { -2, 6, 100, 20 };
	CHECK_NEAR(scale_at(&s, -2), 100, 0);
	CHECK_NEAR(scale_at(&s, 6), 20, 0);
	CHECK_NEAR(scale_at(&s, 2), 60, 1e-12);
	CHECK_NEAR(scale_within(&s, 99), 20, 0);
	CHECK_NEAR(scale_within(&s, -99), 100, 0);
	struct scale nothing = { 3, 3, 0, 10 };
	CHECK_NEAR(scale_at(&nothing, 3), 5, 0);
	struct scale turned = { 5, 0, 0, 100 };
	CHECK_NEAR(scale_within(&turned, 7), 0, 0);
	CHECK_NEAR(scale_within(&turned, -1), 100, 0);
}

/* Over many ranges: inside, evenly spaced, round, shown exactly by the decimals, and as many as asked for within a factor. */
UNIT(ticks_are_round_and_inside)
{
	for (int power = -12; power <= 12; power++)
		for (int k = 1; k < 40; k++) {
			double from = (k - 20) * pow(10, power) * 0.37, to = from + k * pow(10, power), tick[SVG_MOST_TICKS];
			int decimals, n = scale_ticks(from, to, 6, tick, &decimals);
			CHECK(n >= 2 && n <= 8);
			for (int i = 0; i < n; i++) {
				char text[64];
				snprintf(text, sizeof text, "%.*f", decimals, tick[i]);
				CHECK_NEAR(atof(text), tick[i], 1e-9 * (to - from));
				CHECK(tick[i] >= from - 1e-8 * (to - from) && tick[i] <= to + 1e-8 * (to - from));
			}
			double step = tick[1] - tick[0], first = step / pow(10, floor(log10(step) + 1e-9));
			CHECK(fabs(first - 1) < 1e-6 || fabs(first - 2) < 1e-6 || fabs(first - 5) < 1e-6);
			for (int i = 2; i < n; i++)
				CHECK_NEAR(tick[i] - tick[i - 1], step, 1e-9 * (to - from));
		}
	double tick[SVG_MOST_TICKS];
	int decimals;
	CHECK(scale_ticks(0, 1, 5, tick, &decimals) == 6 && decimals == 1 && tick[0] == 0);
	CHECK(scale_ticks(2, 2, 5, tick, &decimals) == 0);
	CHECK(scale_ticks(0, INFINITY, 5, tick, &decimals) == 0);
	CHECK(scale_ticks(NAN, 1, 5, tick, &decimals) == 0);
}

UNIT(texts_are_escaped)
{
	struct bytes b = { 0 };
	markup_escape(&b, "</script><script>alert('x' & \"y\")\r\n\t\x01\x1b\xef\xbf\xbf\xef\xbf\xbeü</svg>");
	CHECK(says(&b, "&lt;/script&gt;&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)&#13;\n\t\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdü&lt;/svg&gt;"));
	markup_escape(&b, "");
	CHECK(says(&b, ""));
	/* A character that ends the text while it looks like the start of U+FFFE. */
	markup_escape(&b, "a\xef\xbf");
	CHECK(says(&b, "a\xef\xbf"));
}

UNIT(numbers_are_short)
{
	struct bytes b = { 0 };
	const double at[] = { 1, 1.25, -0.04, 0, 12.96, 100.04 };
	for (size_t i = 0; i < 6; i++) {
		markup_at(&b, at[i]);
		markup_put(&b, " ");
	}
	CHECK(says(&b, "1 1.3 0 0 13 100 "));
	markup_number(&b, NAN);
	markup_number(&b, -0.0);
	markup_number(&b, 1234.5678);
	CHECK(says(&b, "-01235"));
	markup_count(&b, 0);
	markup_put(&b, " ");
	markup_count(&b, 1002034);
	CHECK(says(&b, "0 1\xe2\x80\xaf" "002\xe2\x80\xaf" "034"));
}

UNIT(long_labels_are_cut_between_characters)
{
	struct bytes b = { 0 };
	svg_text(&b, 1, 2, "start", NULL, "äöüäöü", 4);
	CHECK(says(&b, "<text x=\"1\" y=\"2\"><title>äöüäöü</title>äöü…</text>\n"));
	svg_text(&b, 1, 2, "end", "tick", "<äö>", 4);
	CHECK(says(&b, "<text x=\"1\" y=\"2\" text-anchor=\"end\" class=\"tick\">&lt;äö&gt;</text>\n"));
}

UNIT(marks_are_drawn_the_right_way_round)
{
	struct bytes b = { 0 };
	svg_rect(&b, 10, 20, -4, 5, "s0", "a<b");
	CHECK(says(&b, "<rect x=\"6\" y=\"20\" width=\"4\" height=\"5\" class=\"s0\"><title>a&lt;b</title></rect>\n"));
	svg_dot(&b, 1, 2, 3, "s1", NULL);
	CHECK(says(&b, "<circle cx=\"1\" cy=\"2\" r=\"3\" class=\"s1\"/>\n"));
}

UNIT(slugs_are_plain)
{
	static const char *const pair[][2] = { { "STAT1", "stat1" }, { "A / B,  rep 1", "a-b-rep-1" }, { "</script>", "script" }, { "äöü", "x" }, { "", "x" } };
	for (size_t i = 0; i < 5; i++) {
		char *s = markup_slug(pair[i][0]);
		CHECK(!strcmp(s, pair[i][1]));
		mem_free(s);
	}
}

UNITS(RUN(a_scale_maps_ends_onto_ends), RUN(ticks_are_round_and_inside), RUN(texts_are_escaped), RUN(numbers_are_short),
      RUN(long_labels_are_cut_between_characters), RUN(marks_are_drawn_the_right_way_round), RUN(slugs_are_plain))
