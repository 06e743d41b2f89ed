#include "cli/gene_enrichment.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/values.h"
#include "connect/set_enrichment.h"
#include "formats/lines.h"
#include "formats/sets.h"
#include "stats/adjust.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum reason { TESTED, FEW_MEMBERS, FEW_GENES, ALL_MEMBERS, IMPOSSIBLE, NO_SPREAD, N_REASONS };
static const char *const reason_name[N_REASONS] = { "NA", "too_few_members", "too_few_genes", "all_are_members", "impossible_table",
	"no_spread_of_null" };

struct line {
	uint32_t set;
	enum reason reason;
	size_t n_set, n_list;
	double statistic, combined, log_p, log_q;
	uint32_t *shared;               /* genes of the list that are in the set, in its order */
	size_t overlap;
};

struct work {
	const struct cli *c;
	const struct gene_enrichment_options *o;
	struct gene_lists *lists;
	struct sets *sets;
	struct set *of;                 /* the sets, by the lists' genes */
	uint8_t *in_all, *in_set;       /* by gene */
	struct set_rbo rbo;
	size_t **order;                 /* given permutations: places of the first genes */
	size_t n_orders, n_order, order_cap;
	uint64_t outside, count[N_REASONS];
	double *null;
};

/* What a table of genes makes of the names of the sets, against the genes that could have come up. */
static void report_sets(const struct work *w)
{
	const struct gene_lists *l = w->lists;
	size_t n = l->background ? l->n_background : l->genes->n;
	const char **other = mem_array(n, sizeof *other);
	for (size_t i = 0; i < n; i++)
		other[i] = l->genes->at[l->background ? l->background[i] : i];
	gene_alignment_free(gene_names_align(w->c, "genes of the sets", (const char *const *)w->sets->spelt->at, w->sets->spelt->n, other, n,
					     w->o->ledger));
	mem_free(other);
}

static void read_sets(struct work *w)
{
	struct err e = { 0 };
	w->sets = sets_read(w->o->sets_file, true, NULL, w->o->ledger, &e);
	if (!w->sets)
		cli_fail(&e);
	if (w->o->ledger)
		report_sets(w);
	w->of = mem_zero(w->sets->names->n, sizeof *w->of);
	for (size_t i = 0; i < w->sets->names->n; i++) {
		struct set *s = &w->of[i];
		s->member = mem_array(w->sets->at[i].n, sizeof *s->member);
		for (; s->n < w->sets->at[i].n; s->n++)
			s->member[s->n] = names_add(w->lists->genes, w->sets->members->at[w->sets->at[i].member[s->n]], NULL);
	}
}

struct placed {
	double value;
	size_t place;
};

static int by_value(const void *pa, const void *pb)
{
	const struct placed *a = pa, *b = pb;
	return a->value != b->value ? (a->value > b->value ? -1 : 1) : (a->place > b->place) - (a->place < b->place);
}

/* Header, then number TAB values between commas: value i is that of the list's gene i, the highest comes first. */
static void read_orders(struct work *w)
{
	struct err e = { 0 };
	const char *path = w->o->permutation_file;
	struct lines *in = lines_open(path, &e);
	char *text, *rest;
	size_t length;
	if (in)
		lines_next(in, &text, &length, &e);
	while (in && !e.set && lines_next(in, &text, &length, &e) > 0) {
		size_t n = 0, cap = 0;
		struct placed *p = NULL;
		char *values = strchr(text, '\t');
		for (char *one = values ? strtok_r(values + 1, ",", &rest) : NULL; one; one = strtok_r(NULL, ",", &rest)) {
			mem_room(&p, &cap, n + 1, sizeof *p);
			p[n].place = n;
			if (!text_f64(one, &p[n++].value))
				cli_die("%s, line %llu: '%.60s' is no number", path, (unsigned long long)lines_number(in), one);
		}
		if (!n || (w->n_orders && n != w->n_order))
			cli_die("%s, line %llu: %zu values where %zu are wanted", path, (unsigned long long)lines_number(in), n, w->n_order);
		qsort(p, n, sizeof *p, by_value);
		mem_room(&w->order, &w->order_cap, w->n_orders + 1, sizeof *w->order);
		size_t *order = w->order[w->n_orders++] = mem_array(n, sizeof *order);
		for (size_t i = 0; i < n; i++)
			order[i] = p[i].place;
		w->n_order = n;
		mem_free(p);
	}
	if (e.set)
		cli_fail(&e);
	lines_close(in);
	if (w->n_orders < 2)
		cli_die("%s holds %zu permutations; at least 2 are needed", path, w->n_orders);
}

static void fisher(struct work *w, struct line *l, const struct set_counts *counts)
{
	l->reason = l->n_set == counts->n_all && !w->o->seurat ? ALL_MEMBERS : TESTED;
	if (l->reason)
		return;
	struct set_fisher f = set_fisher(counts, w->o->ease || w->o->seurat);
	l->reason = f.possible ? TESTED : IMPOSSIBLE;
	l->statistic = f.odds_ratio;
	l->combined = f.combined;
	l->log_p = f.log_p;
}

static size_t permuted(struct work *w, const struct line *l, const struct gene_list *g, const uint32_t *pool, size_t n_pool)
{
	const struct set *s = &w->of[l->set];
	size_t deep = w->rbo.depth && w->rbo.depth < g->n ? w->rbo.depth : g->n, n_items = w->lists->genes->n;
	if (!w->order) {
		size_t n = (size_t)w->o->permutations;
		set_rbo_null(&w->rbo, s->member, s->n, w->o->seurat ? g->gene : pool, w->o->seurat ? deep : n_pool, deep, n_items, w->c->seed, n,
			     w->c->threads, w->null);
		return n;
	}
	if (w->n_order != deep)
		cli_die("%s permutes %zu genes, but the list %s has %zu that count", w->o->permutation_file, w->n_order, g->target, deep);
	uint32_t *list = mem_array(deep, sizeof *list);
	uint8_t *seen = mem_zero(n_items, 1);
	for (size_t k = 0; k < w->n_orders; k++) {
		for (size_t i = 0; i < deep; i++)
			list[i] = g->gene[w->order[k][i]];
		w->null[k] = set_rbo(&w->rbo, s->member, s->n, list, deep, seen);
	}
	mem_free(list);
	mem_free(seen);
	return w->n_orders;
}

static void rank_overlap(struct work *w, struct line *l, const struct gene_list *g, const uint32_t *pool, size_t n_pool)
{
	uint8_t *seen = mem_zero(w->lists->genes->n, 1);
	l->statistic = set_rbo(&w->rbo, w->of[l->set].member, w->of[l->set].n, g->gene, g->n, seen);
	mem_free(seen);
	size_t n = permuted(w, l, g, pool, n_pool), larger = 0;
	for (size_t k = 0; k < n; k++)
		larger += w->o->seurat ? w->null[k] > l->statistic : w->null[k] >= l->statistic;
	if (w->o->null == RBO_NORMAL)
		l->log_p = set_rbo_log_p_normal(l->statistic, w->null, n);
	else
		l->log_p = w->o->seurat ? log((double)larger / (double)n) : log((1 + (double)larger) / (1 + (double)n));
	if (w->o->seurat && (l->overlap <= 1 || l->statistic <= 0.01))
		l->log_p = 0;
	l->reason = isnan(l->log_p) ? NO_SPREAD : TESTED;
}

/* The set against the list: what they share, then the test. */
static void test(struct work *w, struct line *l, const struct gene_list *g, const uint32_t *all, size_t n_all)
{
	const struct set *s = &w->of[l->set];
	bool rbo = w->o->rbo, whole = rbo || w->o->seurat;
	l->statistic = l->combined = l->log_p = l->log_q = NAN;
	l->shared = mem_array(g->n, sizeof *l->shared);
	for (size_t i = 0; i < s->n; i++) {
		w->in_set[s->member[i]] = 1;
		l->n_set += rbo || w->in_all[s->member[i]];
	}
	for (size_t i = 0; i < g->n; i++) {
		bool counts = whole || w->in_all[g->gene[i]];
		l->n_list += counts;
		if (counts && w->in_set[g->gene[i]])
			l->shared[l->overlap++] = g->gene[i];
	}
	for (size_t i = 0; i < s->n; i++)
		w->in_set[s->member[i]] = 0;
	l->reason = l->n_list < (size_t)w->o->min_genes || !l->n_list ? FEW_GENES : l->n_set < (size_t)w->o->min_size && !w->o->seurat ? FEW_MEMBERS : TESTED;
	if (l->reason)
		return;
	if (rbo)
		rank_overlap(w, l, g, all, n_all);
	else
		fisher(w, l, &(struct set_counts){ l->overlap, l->n_set, l->n_list, n_all });
}

static const struct names *set_names;

/* The most significant first, then the larger statistic, then by name. */
static int by_p(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	if (isnan(x->log_p) != isnan(y->log_p))
		return isnan(x->log_p) ? 1 : -1;
	if (x->log_p != y->log_p && !isnan(x->log_p))
		return x->log_p < y->log_p ? -1 : 1;
	if (x->statistic != y->statistic && !isnan(x->statistic) && !isnan(y->statistic))
		return x->statistic > y->statistic ? -1 : 1;
	return strcmp(set_names->at[x->set], set_names->at[y->set]);
}

static void write_line(const struct work *w, struct cli_text *out, const struct gene_list *g, const struct line *l)
{
	cli_text_name(out, g->target);
	cli_text_print(out, "\t%s\t", g->direction);
	cli_text_name(out, set_names->at[l->set]);
	cli_text_print(out, "\t%s\t%zu\t%zu\t%zu", w->o->rbo ? "rbo" : "fisher", l->n_set, l->n_list, l->overlap);
	const double value[] = { l->statistic, l->combined, exp(l->log_p), exp(l->log_q), l->log_p / log(10) };
	for (int i = 0; i < 5; i++) {
		cli_text_put(out, "\t");
		if (isnan(value[i]))
			cli_text_put(out, "NA");
		else
			cli_text_f64(out, value[i] == 0 ? 0 : value[i]);
	}
	cli_text_put(out, l->overlap ? "\t" : "\tNA");
	for (size_t i = 0; i < l->overlap; i++)
		cli_text_print(out, "%s%s", i ? "|" : "", w->lists->genes->at[l->shared[i]]);
	cli_text_print(out, "\t%s\n", reason_name[l->reason]);
}

static void test_list(struct work *w, struct cli_text *out, const struct gene_list *g)
{
	size_t n = w->sets->names->n;
	const uint32_t *all = g->all ? g->all : w->lists->background;
	size_t n_all = g->all ? g->n_all : w->lists->n_background;
	struct line *line = mem_zero(n, sizeof *line);
	double *p = mem_array(n, sizeof *p), *q = mem_array(n, sizeof *q);
	for (size_t i = 0; i < n_all; i++)
		w->in_all[all[i]] = 1;
	for (size_t i = 0; i < g->n && n_all; i++)
		w->outside += !w->in_all[g->gene[i]];
	for (uint32_t i = 0; i < n; i++) {
		line[i].set = i;
		test(w, &line[i], g, all, n_all);
		w->count[line[i].reason]++;
		p[i] = line[i].log_p;
	}
	adjust_bh_log(p, q, n, 1);
	for (size_t i = 0; i < n; i++)
		line[i].log_q = q[i];
	qsort(line, n, sizeof *line, by_p);
	for (size_t i = 0; i < n; i++) {
		write_line(w, out, g, &line[i]);
		mem_free(line[i].shared);
	}
	for (size_t i = 0; i < n_all; i++)
		w->in_all[all[i]] = 0;
	mem_free(line);
	mem_free(p);
	mem_free(q);
}

void gene_enrichment(const struct cli *c, const struct gene_enrichment_options *o, struct gene_lists *lists)
{
	struct work w = { .c = c, .o = o, .lists = lists,
			  .rbo = { .persistence = o->persistence, .depth = (size_t)o->depth, .even = o->even, .extra = o->seurat } };
	bool known = lists->background || (lists->n && lists->at[0].all);
	if (!known && !(o->rbo && (o->seurat || o->permutation_file)))
		cli_misuse("--background is needed: which genes could have come into the lists?");
	if (o->permutation_file)
		read_orders(&w);
	read_sets(&w);
	set_names = w.sets->names;
	w.in_all = mem_zero(lists->genes->n, 1);
	w.in_set = mem_zero(lists->genes->n, 1);
	w.null = mem_array(w.order ? w.n_orders : (size_t)o->permutations, sizeof *w.null);
	struct cli_text *out = cli_text_new(c);
	cli_text_put(out, "target\tdirection\tset\tmethod\tn_set\tn_list\toverlap\tstatistic\tcombined\tp_value\tq_value\tlog10_p\tgenes\treason\n");
	for (size_t i = 0; i < lists->n; i++)
		test_list(&w, out, &lists->at[i]);
	if (w.outside)
		cli_note(c, "%llu genes of lists are not in the background%s", (unsigned long long)w.outside,
			 o->rbo || o->seurat ? "" : " and are left out");
	for (int i = 1; i < N_REASONS; i++)
		if (w.count[i])
			cli_note(c, "%llu sets not tested: %s", (unsigned long long)w.count[i], reason_name[i]);
	if (!w.count[TESTED])
		cli_die("no set was tested");
	cli_text_close(out);
	for (size_t i = 0; i < w.n_orders; i++)
		mem_free(w.order[i]);
	for (size_t i = 0; i < w.sets->names->n; i++)
		mem_free(w.of[i].member);
	mem_free(w.order);
	mem_free(w.of);
	mem_free(w.in_all);
	mem_free(w.in_set);
	mem_free(w.null);
	sets_free(w.sets);
}
