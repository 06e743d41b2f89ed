#include "formats/lincs.h"
#include "base/text.h"
#include <inttypes.h>
#include <string.h>

bool lincs_missing(const char *s)
{
	double v;
	if (*s == '-')
		return !strncmp(s, "-666", 4) && text_f64(s, &v) && v == LINCS_NULL;
	return text_missing(s) || !strcmp(s, "na");
}

static void clear_missing(const char **text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] && lincs_missing(text[i]))
			text[i] = NULL;
}

void lincs_put_obs(struct import *im, const char *name, const char **text)
{
	struct typed t;
	clear_missing(text, im->rows->n);
	typed_from_text(&t, text, im->rows->n, import_is_label(im, name) ? TYPED_LABELS : TYPED_GUESS);
	import_put_obs(im, name, &t);
}

void lincs_put_var(struct import *im, const char *name, const char **text)
{
	struct typed t;
	clear_missing(text, im->columns->n);
	typed_from_text(&t, text, im->columns->n, TYPED_GUESS);
	import_add_var(im, name, &t);
}

void lincs_say_missing(const struct import *im, uint64_t n_null, uint64_t n_nan)
{
	if (n_null || n_nan)
		import_say(im, false, "%s: %" PRIu64 " values are missing (%" PRIu64 " NaN, %" PRIu64 " of -666)",
			   im->source ? im->source : "standard input", n_null + n_nan, n_nan, n_null);
}
