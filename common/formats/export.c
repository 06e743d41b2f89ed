#include "formats/export.h"
#include "base/mem.h"
#include "stream/layer.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct export_format *const formats[] = { &export_h5ad, &export_tenx, &export_tsv, &export_csv, &export_gctx,
	&export_gct, &export_gmt };

const struct export_format *export_format(size_t i)
{
	return i < sizeof formats / sizeof *formats ? formats[i] : NULL;
}

void export_say(const struct export_options *o, bool detail, const char *fmt, ...)
{
	char text[1500];
	va_list ap;
	if (!o->say)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	o->say(o->to, detail, text);
}

size_t export_main_layer(const struct pmx_schema *s, const char *name, bool counts_first, struct err *e)
{
	if (name)
		return pmx_need(s, PMX_LAYER, name, e);
	size_t x = pmx_find(s, PMX_LAYER, "X"), counts = pmx_find(s, PMX_LAYER, "counts"), only = PMX_NO_FIELD, n = 0;
	if (counts_first && counts != PMX_NO_FIELD)
		return counts;
	if (x != PMX_NO_FIELD || counts != PMX_NO_FIELD)
		return x != PMX_NO_FIELD ? x : counts;
	for (size_t i = 0; i < s->n_fields; i++)
		if (s->field[i].class == PMX_LAYER) {
			only = i;
			n++;
		}
	if (n == 1)
		return only;
	struct names *names = pmx_field_names(s, PMX_LAYER);
	char list[700];
	names_list(names, list, sizeof list);
	names_free(names);
	err_set(e, n ? "there is neither a layer X nor counts; name one of these with --layer: %s" : "the stream has no layer%s", list);
	return PMX_NO_FIELD;
}

int export_check_layer(const struct pmx_schema *s, size_t layer, struct err *e)
{
	if (!pmx_layer_is_signature(s, layer))
		return 0;
	return err_set(e, "layer '%s' is a signature; a 10x folder holds counts, so write it as h5ad or tsv",
		       s->field[layer].name);
}

const char *const *export_row_names(struct pmx_block *b, const struct pmx_schema *s, struct err *e)
{
	const struct pmx_column *c = pmx_block_column(b, s, pmx_find(s, PMX_OBS, s->row_names), e);
	for (size_t r = 0; c && r < c->n; r++)
		if (!c->text[r]) {
			err_set(e, "row %llu has no name", (unsigned long long)(b->first_row + r));
			return NULL;
		}
	return c ? c->text : NULL;
}
