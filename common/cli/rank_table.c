#include "cli/rank_table.h"
#include "cli/values.h"
#include "base/mem.h"
#include "connect/leading_edge.h"
#include "stats/adjust.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void rank_table_head(struct cli_text *out, const struct rank_table_options *o)
{
	cli_text_put(out, "target\trank\tsignature_id\tcompound\tcell_line\tdose\ttime\tmoa\tdrug_target\tscore\tncs\ttau\tp_value\tq_value\t"
			  "n_overlap\treason");
	cli_text_put(out, o->leading_edge ? "\tleading_up\tleading_down\n" : "\n");
}

struct place {
	double stat;
	const char *name;
	uint32_t unit;
};

static int falling(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	bool nx = isnan(x->stat), ny = isnan(y->stat);
	if (nx != ny)
		return nx - ny;
	if (!nx && x->stat != y->stat)
		return x->stat > y->stat ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Drops what cannot be among the first `most`: keeps those up to the value in that place. */
static size_t keep_first(struct place *place, size_t n, size_t most)
{
	size_t low = 0, high = n;
	while (high - low > 1) {
		/* Three parts around a value from the middle: larger, equal, smaller or missing. */
		double pivot = place[low + (high - low) / 2].stat;
		size_t a = low, b = low, c = high;
		while (b < c) {
			double v = place[b].stat;
			bool more = isnan(pivot) ? !isnan(v) : v > pivot, equal = isnan(pivot) ? isnan(v) : v >= pivot && v <= pivot;
			struct place t = place[b];
			if (more) {
				place[b++] = place[a];
				place[a++] = t;
			} else if (equal) {
				b++;
			} else {
				place[b] = place[--c];
				place[c] = t;
			}
		}
		if (most <= a)
			high = a;
		else if (most > c)
			low = c;
		else
			return c;
	}
	return high;
}

uint32_t *rank_order(const struct rank_reference *r, const double *stat, bool mimic, size_t most, size_t *n_scored)
{
	size_t n = rank_reference_units(r), m = 0;
	struct place *place = mem_array(n, sizeof *place);
	*n_scored = 0;
	for (size_t u = 0; u < n; u++) {
		if (r->unit == RANK_SIGNATURE && !r->keep[u])
			continue;
		*n_scored += isnan(stat[u]) ? 0 : 1;
		place[m++] = (struct place){ mimic ? stat[u] : -stat[u], rank_reference_unit(r, u), (uint32_t)u };
	}
	if (most && most < m)
		m = keep_first(place, m, most);
	if (m)
		qsort(place, m, sizeof *place, falling);
	uint32_t *order = mem_array(m + 1, sizeof *order);
	for (size_t i = 0; i < m; i++)
		order[i] = place[i].unit;
	order[m] = UINT32_MAX;
	mem_free(place);
	return order;
}

static void strongest(const struct rank_reference *r, size_t compound, const double *score, double sign, size_t *best)
{
	for (size_t i = r->compounds.start[compound]; i < r->compounds.start[compound + 1]; i++) {
		size_t s = r->compounds.member[i];
		bool better = *best == SIZE_MAX || (!isnan(score[s]) && (isnan(score[*best]) || score[s] * sign > score[*best] * sign ||
				(score[s] * sign >= score[*best] * sign && strcmp(r->file->id[s], r->file->id[*best]) < 0)));
		*best = better ? s : *best;
	}
}

size_t rank_shown(const struct rank_reference *r, size_t unit, const double *score, double stat)
{
	size_t best = SIZE_MAX;
	double sign = stat < 0 ? -1 : 1;
	if (r->unit == RANK_SIGNATURE)
		return unit;
	if (r->unit == RANK_COMPOUND)
		strongest(r, unit, score, sign, &best);
	else
		for (size_t i = r->classes.start[unit]; i < r->classes.start[unit + 1]; i++)
			strongest(r, r->classes.member[i], score, sign, &best);
	return best;
}

static void put_text(struct cli_text *out, const char *s)
{
	cli_text_put(out, "\t");
	cli_text_name(out, s ? s : "NA");
}

static void put_number(struct cli_text *out, double v)
{
	cli_text_put(out, "\t");
	if (isnan(v))
		cli_text_put(out, "NA");
	else
		cli_text_number(out, v, false);
}

struct columns {
	const double *unit_score, *ncs, *tau, *p, *q;
};

static void put_row(struct cli_text *out, const struct rank_reference *r, const char *target, size_t rank, size_t unit, size_t shown,
		    const struct columns *v, const uint32_t *overlap, const char *reason)
{
	cli_text_name(out, target);
	if (rank)
		cli_text_print(out, "\t%zu", rank);
	else
		cli_text_put(out, "\tNA");
	put_text(out, r->file->id[shown]);
	put_text(out, reference_text(r->file, REFERENCE_COMPOUND, shown));
	put_text(out, reference_text(r->file, REFERENCE_CELL_LINE, shown));
	put_text(out, reference_text(r->file, REFERENCE_DOSE, shown));
	put_text(out, reference_text(r->file, REFERENCE_TIME, shown));
	put_text(out, r->unit == RANK_MOA ? r->moa->at[unit] : reference_text(r->file, REFERENCE_MOA, shown));
	put_text(out, reference_text(r->file, REFERENCE_TARGET, shown));
	put_number(out, v->unit_score[unit]);
	put_number(out, v->ncs[unit]);
	put_number(out, v->tau[unit]);
	put_number(out, v->p[unit]);
	put_number(out, v->q[unit]);
	cli_text_print(out, "\t%u", overlap[shown]);
	put_text(out, reason);
}

/* Genes of the leading edge of one side, between |. */
static void put_edge(struct cli_text *out, const struct rank_reference *r, int method, size_t shown, const uint32_t *set, size_t n, bool scored)
{
	uint32_t *edge = mem_array(n, sizeof *edge);
	size_t m = scored ? leading_edge(method, &r->profiles, shown, set, n, edge) : 0;
	cli_text_put(out, m ? "\t" : "\tNA");
	for (size_t i = 0; i < m; i++) {
		cli_text_put(out, i ? "|" : "");
		cli_text_name(out, r->file->gene[edge[i]]);
	}
	mem_free(edge);
}

static const char *why(const struct rank_options *how, const struct rank_targets *t, size_t at, uint32_t overlap)
{
	return t->reason[at] ? t->reason[at] : overlap < (uint32_t)how->min_overlap ? "few_shared_genes" : "no_spread";
}

/* Units without a statistic, all of them, whatever is shown. */
static void count_unscored(const struct rank_options *how, const struct rank_reference *r, const double *stat, const double *score,
			   const uint32_t *overlap, struct rank_count *n)
{
	for (size_t u = 0; u < rank_reference_units(r); u++) {
		if (!isnan(stat[u]) || (r->unit == RANK_SIGNATURE && !r->keep[u]))
			continue;
		size_t shown = rank_shown(r, u, score, stat[u]);
		bool few = shown != SIZE_MAX && overlap[shown] < (uint32_t)how->min_overlap;
		n->few_genes += few;
		n->no_spread += !few;
	}
}

/* What a target's rows are made of. */
struct ranked {
	double *room;
	struct columns columns;
	uint32_t *order;
	size_t scored;
};

static struct ranked rank_one(const struct rank_table_options *o, const struct rank_reference *r, const struct rank_scores *s, size_t i)
{
	size_t units = s->n_units, m = s->n_signatures;
	const double *stat = s->stat + i * units;
	double *room = mem_array(5 * units, sizeof *room), *unit_score = room, *tau = room + units, *p = room + 2 * units, *q = room + 3 * units;
	double *unit_ncs = s->unit_ncs ? s->unit_ncs + i * units : room + 4 * units;
	rank_reference_summarise(r, s->score + i * m, 1, unit_score);
	if (!s->unit_ncs)
		summary_normalise(s->score + i * m, r->stratum, m, r->n_strata, unit_ncs);
	for (size_t u = 0; u < units; u++) {
		double ncs = unit_ncs[u];
		p[u] = tau[u] = (double)NAN;
		if (s->n_null && !isnan(stat[u]))
			p[u] = (1 + (double)s->exceeding[i * units + u]) / (1 + (double)s->n_null);
		if (s->n_background && !isnan(ncs))
			tau[u] = (ncs > 0 ? 100 : ncs < 0 ? -100 : 0) * (double)s->below[i * units + u] / (double)s->n_background;
	}
	adjust_bh(p, q, units);
	struct ranked out = { .room = room, .columns = { unit_score, unit_ncs, tau, p, q } };
	out.order = rank_order(r, stat, o->mimic, (size_t)o->top_k, &out.scored);
	return out;
}

/* Target `at` of all, i of those scored. */
static void put_target(struct cli_text *out, const struct rank_table_options *o, const struct rank_reference *r, const struct rank_targets *t,
		       size_t at, const struct rank_scores *s, size_t i, const struct ranked *ranked, const struct rank_options *how,
		       struct rank_count *n)
{
	size_t m = s->n_signatures, scored = ranked->scored;
	const double *stat = s->stat + i * s->n_units;
	const uint32_t *overlap = s->overlap + i * m, *order = ranked->order;
	n->scored += scored;
	n->targets_without += !scored;
	count_unscored(how, r, stat, s->score + i * m, overlap, n);
	for (size_t k = 0; order[k] != UINT32_MAX; k++) {
		size_t unit = order[k], shown = rank_shown(r, unit, s->score + i * m, stat[unit]);
		const char *reason = isnan(stat[unit]) && shown != SIZE_MAX ? why(how, t, at, overlap[shown]) : NULL;
		/* A target without any score says so once. */
		if (shown == SIZE_MAX || (!scored && k) || (o->top_k && k >= (size_t)o->top_k))
			continue;
		put_row(out, r, t->name[at], isnan(stat[unit]) ? 0 : k + 1, unit, shown, &ranked->columns, overlap, reason);
		const struct query *target = &t->query[at];
		bool is = !isnan(s->score[i * m + shown]);
		if (o->leading_edge) {
			put_edge(out, r, how->score.method, shown, target->set, target->n_up, is);
			put_edge(out, r, how->score.method, shown, target->set + target->n_up, target->n_down, is);
		}
		cli_text_put(out, "\n");
	}
}

void rank_table_targets(const struct cli *c, struct cli_text *out, const struct rank_table_options *o, const struct rank_reference *r,
			const struct rank_targets *t, size_t first, const struct rank_scores *s, const struct rank_options *how, struct rank_count *n)
{
	/* Five columns, and what is sorted, of every unit. */
	uint64_t fit = c->memory / 8 / (72 * (s->n_units + 1));
	size_t together = fit < 1 ? 1 : fit < (uint64_t)c->threads ? (size_t)fit : (size_t)c->threads;
	struct ranked *ranked = mem_array(together, sizeof *ranked);
	for (size_t from = 0; from < s->n; from += together) {
		size_t here = s->n - from < together ? s->n - from : together;
#pragma omp parallel for num_threads(c->threads) schedule(static)
		for (size_t i = 0; i < here; i++)
			ranked[i] = rank_one(o, r, s, from + i);
		for (size_t i = 0; i < here; i++) {
			put_target(out, o, r, t, first + from + i, s, from + i, &ranked[i], how, n);
			mem_free(ranked[i].order);
			mem_free(ranked[i].room);
		}
	}
	mem_free(ranked);
}
