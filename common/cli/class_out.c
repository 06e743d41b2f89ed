#include "cli/class_out.h"
#include "base/mem.h"
#include <ctype.h>

enum { CLASS, GLOBAL, POSTERIOR, REASON, N_FIELDS };
enum { GLOBAL_CONTROL, GLOBAL_NP, GLOBAL_HIT };

struct class_out {
	const struct class_out_options *o;
	struct screen *s;
	struct pmx_schema *described;
	struct pmx_writer *out;
	size_t field[N_FIELDS];
};

static struct pmx_schema *describe(const struct class_out_options *o, const struct screen *s, size_t *field)
{
	char *lower = mem_text(o->suffix);
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	char *made[N_FIELDS] = { mem_text(o->column), mem_print("%s_global", o->column), mem_print("%s_p_%s", o->column, lower),
				 mem_text("mixscape_reason") };
	struct pmx_schema *d = pmx_schema_copy(s->s);
	for (int i = 0; i < N_FIELDS; i++)
		if (pmx_find(d, PMX_OBS, made[i]) != PMX_NO_FIELD)
			pmx_drop_field(d, pmx_find(d, PMX_OBS, made[i]));
	const struct names *targets = s->s->field[s->pert].values;
	struct names *classes = pmx_add_obs(d, made[CLASS], PMX_CATEGORY)->values;
	names_add(classes, s->o->control, NULL);
	names_add(classes, "NP", NULL);
	for (uint32_t t = 0; t < targets->n; t++)
		for (int hit = 0; hit < 2 && t != s->control_code; hit++) {
			char *name = mem_print("%s %s", targets->at[t], hit ? o->suffix : "NP");
			names_add(classes, name, NULL);
			mem_free(name);
		}
	struct names *global = pmx_add_obs(d, made[GLOBAL], PMX_CATEGORY)->values;
	names_add(global, s->o->control, NULL);
	names_add(global, "NP", NULL);
	names_add(global, o->suffix, NULL);
	pmx_add_obs(d, made[POSTERIOR], PMX_F64);
	struct names *reasons = pmx_add_obs(d, made[REASON], PMX_CATEGORY)->values;
	for (int i = 1; i < MIXSCAPE_N_REASONS; i++)
		names_add(reasons, mixscape_reason_name[i], NULL);
	for (int i = 0; i < N_FIELDS; i++) {
		field[i] = pmx_find(d, PMX_OBS, made[i]);
		mem_free(made[i]);
	}
	mem_free(lower);
	return d;
}

struct class_out *class_out_open(const struct cli *c, const struct class_out_options *o, struct screen *s)
{
	struct class_out *w = mem_zero(1, sizeof *w);
	w->o = o;
	w->s = s;
	w->described = describe(o, s, w->field);
	w->out = cli_output(c, w->described, s->original);
	s->pass = pmx_pass_new(w->out);
	for (int i = 0; i < N_FIELDS; i++)
		pmx_pass_adds(s->pass, w->field[i]);
	return w;
}

void class_out_reason(struct cell_classes *r, size_t cell, enum mixscape_reason reason)
{
	r->reason[cell] = reason == MIXSCAPE_CLASSIFIED ? PMX_MISSING_CODE : (uint32_t)reason - 1;
}

enum mixscape_reason class_out_reason_of(const struct cell_classes *r, size_t cell)
{
	return r->reason[cell] == PMX_MISSING_CODE ? MIXSCAPE_CLASSIFIED : (enum mixscape_reason)(r->reason[cell] + 1);
}

bool class_out_answers(const struct cell_classes *r, size_t cell)
{
	return r->global[cell] == GLOBAL_HIT;
}

/* The class of a cell: the dictionary has the control, bare NP, then NP and hit of every target but the control. */
void class_out_set(const struct class_out *w, const struct cell_group *g, struct cell_classes *r, size_t cell, enum mixscape_call call)
{
	uint32_t own = 2 + 2 * (g->code - (g->code > w->s->control_code));
	r->class[cell] = call == MIXSCAPE_BARE_NP ? 1 : own + (call == MIXSCAPE_KO);
	/* Seurat takes what stands after the blank, and where there is none, the control. */
	r->global[cell] = call == MIXSCAPE_KO ? GLOBAL_HIT : call == MIXSCAPE_BARE_NP && w->o->bare_is_control ? GLOBAL_CONTROL : GLOBAL_NP;
}

void class_out_reset(const struct class_out *w, const struct cell_group *g, struct cell_classes *r)
{
	mem_room(&r->class, &r->cap[CLASS], g->n, sizeof *r->class);
	mem_room(&r->global, &r->cap[GLOBAL], g->n, sizeof *r->global);
	mem_room(&r->p, &r->cap[POSTERIOR], g->n, sizeof *r->p);
	mem_room(&r->reason, &r->cap[REASON], g->n, sizeof *r->reason);
	for (size_t i = 0; i < g->n; i++) {
		r->p[i] = 0;
		r->class[i] = r->global[i] = g->code == w->s->control_code ? GLOBAL_CONTROL : PMX_MISSING_CODE;
		class_out_reason(r, i, g->code == w->s->control_code ? MIXSCAPE_CLASSIFIED : g->code == PMX_MISSING_CODE ? MIXSCAPE_NO_LABEL :
				 MIXSCAPE_NO_SPLIT);
		if (g->code != w->s->control_code && g->code != PMX_MISSING_CODE)
			class_out_set(w, g, r, i, MIXSCAPE_NP);
	}
}

void class_out_put(struct class_out *w, const struct cell_group *g, const struct cell_classes *r)
{
	struct err e = { 0 };
	const void *values[N_FIELDS] = { r->class, r->global, r->p, r->reason };
	for (int i = 0; i < N_FIELDS; i++)
		if (pmx_pass_values(w->s->pass, w->field[i], values[i], g->n, &e))
			cli_fail(&e);
}

void class_out_close(struct class_out *w)
{
	struct err e = { 0 };
	if (pmx_pass_close(w->s->pass, &e))
		cli_fail(&e);
	cli_finish(w->out, w->s->original);
	pmx_schema_free(w->described);
	mem_free(w);
}

void cell_classes_free(struct cell_classes *r)
{
	mem_free(r->class);
	mem_free(r->global);
	mem_free(r->p);
	mem_free(r->reason);
}
