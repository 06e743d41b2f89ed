#include "cli/class_tests.h"
#include "base/mem.h"
#include "cli/values.h"
#include "connect/class_enrichment.h"
#include "stats/adjust.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const method_name[] = { "fisher", "gsea", "rbo" };
enum reason { TESTED, FEW_MEMBERS, ALL_MEMBERS, NO_REST, N_REASONS };
static const char *const reason_name[N_REASONS] = { "NA", "too_few_members", "all_are_members", "no_rest_to_compare" };

struct line {
	uint32_t class;
	enum reason reason;
	size_t n_class, overlap;
	double statistic, p, q;
	uint32_t *place;                /* of the members, ascending */
	size_t n_place;
	size_t from, to;                /* those that the column members names */
};

/* Places of the ranked members, in order; background members count for fisher only. */
static void find_members(const struct class_tests_options *o, struct line *l, const struct item_class *c, const uint32_t *place, size_t n_ranked)
{
	uint8_t *mark = mem_zero(n_ranked + 1, 1);
	l->place = mem_array(c->n, sizeof *l->place);
	for (size_t i = 0; i < c->n; i++) {
		uint32_t at = place[c->item[i]];
		l->n_class += at != UINT32_MAX && (o->method == CLASS_FISHER || at < n_ranked);
		if (at < n_ranked)
			mark[at] = 1;
	}
	for (uint32_t at = 0; at < n_ranked; at++)
		if (mark[at])
			l->place[l->n_place++] = at;
	mem_free(mark);
	while (l->overlap < l->n_place && l->place[l->overlap] < (size_t)o->top)
		l->overlap++;
	l->to = l->overlap;
}

static void test(const struct cli *c, const struct class_tests_options *o, struct line *l, const struct class_ranking *r, size_t n_all, double *null,
		 size_t *null_size)
{
	l->statistic = l->p = l->q = NAN;
	l->reason = l->n_class < (size_t)o->min_size ? FEW_MEMBERS : l->n_class == n_all ? ALL_MEMBERS : n_all <= (size_t)o->top && o->method == CLASS_FISHER ?
		    NO_REST : TESTED;
	if (l->reason != TESTED)
		return;
	if (o->method == CLASS_FISHER) {
		struct class_table t = class_fisher(l->overlap, l->n_class, r->n < (size_t)o->top ? r->n : (size_t)o->top, n_all);
		l->statistic = t.odds_ratio;
		l->p = exp(t.log_p);
		return;
	}
	if (*null_size != l->n_class)
		class_null(r, o->method, *null_size = l->n_class, c->seed, (size_t)o->permutations, c->threads, null);
	size_t edge = 0;
	l->statistic = o->method == CLASS_GSEA ? class_gsea(r, l->place, l->n_class, &edge) : class_rbo(r, l->place, l->n_class);
	l->p = class_p(o->method, l->statistic, null, (size_t)o->permutations);
	if (o->method == CLASS_GSEA) {
		l->from = l->statistic < 0 ? l->n_place - edge : 0;
		l->to = l->from + edge;
		l->overlap = edge;
	}
}

static int by_size(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	return x->n_class != y->n_class ? (x->n_class > y->n_class) - (x->n_class < y->n_class) : (x->class > y->class) - (x->class < y->class);
}

static const struct names *class_names;

/* The most significant first, then the larger statistic, then by name. */
static int by_p(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	if (isnan(x->p) != isnan(y->p))
		return isnan(x->p) ? 1 : -1;
	if (x->p != y->p && !isnan(x->p))
		return x->p < y->p ? -1 : 1;
	if (x->statistic != y->statistic && !isnan(x->statistic) && !isnan(y->statistic))
		return x->statistic > y->statistic ? -1 : 1;
	return strcmp(class_names->at[x->class], class_names->at[y->class]);
}

static void write_line(const struct class_tests_options *o, struct cli_text *out, const struct rankings *r, uint32_t target, const struct line *l,
		       size_t n_in)
{
	const struct ranking *at = &r->at[target];
	cli_text_name(out, r->targets->at[target]);
	cli_text_put(out, "\t");
	cli_text_name(out, r->classes->at[l->class]);
	cli_text_print(out, "\t%s\t%zu\t%zu\t%zu", method_name[o->method], l->n_class, n_in, l->overlap);
	const double value[] = { l->statistic, l->p, l->q };
	for (int i = 0; i < 3; i++) {
		cli_text_put(out, "\t");
		if (isnan(value[i]))
			cli_text_put(out, "NA");
		else
			cli_text_f64(out, value[i]);
	}
	cli_text_put(out, l->from == l->to ? "\tNA" : "\t");
	for (size_t i = l->from; i < l->to; i++)
		cli_text_print(out, "%s%s", i > l->from ? "|" : "", r->items->at[at->item[l->place[i]]]);
	cli_text_print(out, "\t%s\n", reason_name[l->reason]);
}

/* Number of classes tested. */
static size_t test_target(const struct cli *c, const struct class_tests_options *o, struct cli_text *out, const struct rankings *r, uint32_t target,
			  uint64_t *count)
{
	const struct ranking *at = &r->at[target];
	size_t n_classes = r->classes->n, n_all = at->n, tested = 0, null_size = 0;
	uint32_t *place = mem_array(r->items->n, sizeof *place);
	struct line *line = mem_zero(n_classes, sizeof *line);
	double *w = mem_array(at->n, sizeof *w), *p = mem_array(n_classes, sizeof *p), *q = mem_array(n_classes, sizeof *q);
	double *null = o->method == CLASS_FISHER ? NULL : mem_array((size_t)o->permutations, sizeof *null);
	memset(place, 0xff, r->items->n * sizeof *place);
	for (uint32_t i = 0; i < at->n; i++) {
		place[at->item[i]] = i;
		w[i] = o->weight == 0 ? 1 : pow(fabs(at->score[i]), o->weight);
	}
	for (size_t i = 0; i < r->n_background && o->method == CLASS_FISHER; i++)
		place[r->background[i]] = (uint32_t)n_all++;
	struct class_ranking ranking = { at->n, w, o->persistence };
	for (uint32_t i = 0; i < n_classes; i++) {
		line[i].class = i;
		find_members(o, &line[i], &r->of_class[i], place, at->n);
	}
	qsort(line, n_classes, sizeof *line, by_size);
	for (size_t i = 0; i < n_classes; i++) {
		test(c, o, &line[i], &ranking, n_all, null, &null_size);
		count[line[i].reason]++;
		tested += line[i].reason == TESTED;
		p[i] = line[i].p;
	}
	adjust_bh(p, q, n_classes);
	for (size_t i = 0; i < n_classes; i++)
		line[i].q = q[i];
	qsort(line, n_classes, sizeof *line, by_p);
	for (size_t i = 0; i < n_classes; i++) {
		write_line(o, out, r, target, &line[i], o->method == CLASS_FISHER && at->n > (size_t)o->top ? (size_t)o->top : at->n);
		mem_free(line[i].place);
	}
	mem_free(line);
	mem_free(place);
	mem_free(w);
	mem_free(p);
	mem_free(q);
	mem_free(null);
	return tested;
}

void class_tests(const struct cli *c, const struct class_tests_options *o, const struct rankings *r)
{
	class_names = r->classes;
	struct cli_text *out = cli_text_new(c);
	uint64_t count[N_REASONS] = { 0 }, tested = 0, without = 0;
	cli_text_put(out, "target\tclass\tmethod\tn_class\tn_in\toverlap\tstatistic\tp_value\tq_value\tmembers\treason\n");
	for (uint32_t t = 0; t < r->targets->n; t++) {
		tested += test_target(c, o, out, r, t, count);
		without += r->at[t].n_without;
	}
	if (without)
		cli_note(c, "%llu rows have no score and are left out", (unsigned long long)without);
	if (count[NO_REST])
		cli_note(c, "%llu classes not tested: all ranked are among the first %ld; rank with --top-k 0, or give a smaller --top",
			 (unsigned long long)count[NO_REST], o->top);
	if (count[FEW_MEMBERS] + count[ALL_MEMBERS])
		cli_note(c, "%llu classes tested, %llu not: too_few_members %llu, all_are_members %llu", (unsigned long long)tested,
			 (unsigned long long)(count[FEW_MEMBERS] + count[ALL_MEMBERS]), (unsigned long long)count[FEW_MEMBERS],
			 (unsigned long long)count[ALL_MEMBERS]);
	if (!tested)
		cli_die("no class was tested");
	cli_text_close(out);
}
