#include "cli/guide_table.h"
#include "base/mem.h"
#include "cli/values.h"
#include "perturb/weak_guides.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct guide_table {
	const struct screen *s;
	struct guide_share *at;
	size_t n, cap;
};

struct guide_table *guide_table_new(const struct screen *s)
{
	struct guide_table *t = mem_zero(1, sizeof *t);
	t->s = s;
	return t;
}

void guide_table_add(struct guide_table *t, const struct cell_group *g, const bool *classified, const bool *answers)
{
	size_t n_guides = t->s->s->field[t->s->guide].values->n;
	struct guide_share *of = mem_zero(n_guides, sizeof *of);
	bool *present = mem_zero(n_guides, sizeof *present);
	for (size_t i = 0; i < g->n; i++) {
		if (g->guide[i] == PMX_MISSING_CODE)
			continue;
		struct guide_share *one = &of[g->guide[i]];
		present[g->guide[i]] = true;
		one->n_cells += classified[i];
		one->n_ko += classified[i] && answers[i];
	}
	for (uint32_t k = 0; k < n_guides; k++) {
		if (!present[k])
			continue;
		mem_room(&t->at, &t->cap, t->n + 1, sizeof *t->at);
		of[k].target = g->code;
		of[k].guide = k;
		t->at[t->n++] = of[k];
	}
	mem_free(of);
	mem_free(present);
}

static void put(struct cli_text *out, double v)
{
	cli_text_put(out, "\t");
	if (isnan(v))
		cli_text_put(out, "NA");
	else
		cli_text_f64(out, v);
}

void guide_table_write(struct guide_table *t, const struct cli *c, const char *path)
{
	const struct names *targets = t->s->s->field[t->s->pert].values, *guides = t->s->s->field[t->s->guide].values;
	struct cli_text *out = cli_text_at(path);
	size_t weak = 0;
	char list[400] = "";
	weak_guides_test(t->at, t->n);
	cli_text_put(out, "target\tguide\tn_cells\tn_ko\tshare\tshare_others\tp_value\tq_value\tweak\treason\n");
	for (size_t i = 0; i < t->n; i++) {
		const struct guide_share *g = &t->at[i];
		cli_text_name(out, targets->at[g->target]);
		cli_text_put(out, "\t");
		cli_text_name(out, guides->at[g->guide]);
		cli_text_print(out, "\t%zu\t%zu", g->n_cells, g->n_ko);
		put(out, g->share);
		put(out, g->share_others);
		put(out, g->p);
		put(out, g->q);
		cli_text_print(out, "\t%s\t%s\n", g->reason ? "NA" : g->weak ? "yes" : "no", weak_guide_reason_name[g->reason]);
		size_t used = strlen(list);
		if (g->weak && weak++ < 10)
			snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", guides->at[g->guide]);
	}
	if (weak)
		cli_note(c, "%zu weak guides: %s%s", weak, list, weak > 10 ? ", ..." : "");
	cli_text_close(out);
	mem_free(t->at);
	mem_free(t);
}
