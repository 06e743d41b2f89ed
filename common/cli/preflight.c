#include "cli/preflight.h"
#include "base/genes.h"
#include "base/mem.h"
#include "formats/gene_info.h"
#include "num/random.h"
#include "perturb/calibration.h"
#include "stats/moments.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_ROWS = 0x70726566, STREAM_GENES, STREAM_HALVES };

struct scan {
	const struct preflight_options *o;
	const struct pmx_schema *s;
	size_t pert, split, guide, layer;       /* guide: PMX_NO_FIELD where there is none */
	uint32_t control;
	bool counts;                    /* the layer holds counts */
	size_t n_targets, n_splits, n_guides;
	uint64_t *cells;                /* targets x splits */
	uint32_t *target_of;            /* of each guide, from its first cell */
	uint64_t *guide_cells;
	bool *guide_of_two;             /* guides whose cells name two targets */
	uint64_t n_unlabelled, n_unsplit, row;
	/* Controls in the sample, with the genes in it. */
	struct sparse_rows one, kept;
	uint32_t *kept_split, *kept_guide, *draw;
	uint64_t *kept_row;
	double *total, *total_back;     /* of all genes: of the values, and of the values taken back with expm1 */
	size_t cap[6];
	uint32_t below;                 /* those with a draw below this are in it */
	bool negative, fractional, odd; /* values seen in what was drawn; odd: not finite */
	double largest;
};

static void say(struct preflight *p, const char *name, enum preflight_verdict verdict, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void say(struct preflight *p, const char *name, enum preflight_verdict verdict, const char *fmt, ...)
{
	char text[2000];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	mem_room(&p->check, &p->cap, p->n + 1, sizeof *p->check);
	p->check[p->n++] = (struct preflight_check){ name, verdict, mem_text(text) };
}

static size_t choose_layer(const struct scan *k, struct err *e)
{
	if (k->o->screen.layer)
		return pmx_need(k->s, PMX_LAYER, k->o->screen.layer, e);
	size_t x = pmx_find(k->s, PMX_LAYER, "X");
	return x != PMX_NO_FIELD ? x : pmx_need(k->s, PMX_LAYER, "counts", e);
}

static void open_scan(struct scan *k, struct pmx_reader *in)
{
	struct err e = { 0 };
	const struct screen_options *o = &k->o->screen;
	char list[1000];
	k->pert = pmx_need_category(k->s, o->pert_key, &e);
	k->split = o->split_by ? pmx_need_category(k->s, o->split_by, &e) : PMX_NO_FIELD;
	k->layer = choose_layer(k, &e);
	if (e.set)
		cli_fail(&e);
	if (pmx_layer_is_signature(k->s, k->layer))
		cli_die("layer '%s' is a signature; name the expression with --layer", k->s->field[k->layer].name);
	k->guide = pmx_find(k->s, PMX_OBS, o->guide_key);
	if (k->guide != PMX_NO_FIELD && k->s->field[k->guide].type != PMX_CATEGORY)
		k->guide = PMX_NO_FIELD;
	const struct names *targets = k->s->field[k->pert].values;
	names_list(targets, list, sizeof list);
	if (!o->control)
		cli_misuse("--control is needed: which label of '%s' marks the control cells? Its labels are: %s", o->pert_key, list);
	k->control = names_find(targets, o->control);
	if (k->control == NAMES_NONE)
		cli_die("column '%s' has no label '%s'; its labels are: %s", o->pert_key, o->control, list);
	k->counts = pmx_layer_is_counts(k->s, k->layer);
	k->n_targets = targets->n;
	k->n_splits = k->split == PMX_NO_FIELD ? 1 : k->s->field[k->split].values->n;
	k->n_guides = k->guide == PMX_NO_FIELD ? 0 : k->s->field[k->guide].values->n;
	k->cells = mem_zero(k->n_targets * k->n_splits, sizeof *k->cells);
	k->target_of = mem_array(k->n_guides, sizeof *k->target_of);
	memset(k->target_of, 0xff, k->n_guides * sizeof *k->target_of);
	k->guide_cells = mem_zero(k->n_guides, sizeof *k->guide_cells);
	k->guide_of_two = mem_zero(k->n_guides, sizeof *k->guide_of_two);
	sparse_rows_init(&k->one, k->s->n_columns);
	sparse_rows_init(&k->kept, k->s->n_columns);
	k->below = UINT32_MAX;
	pmx_want(in, k->pert);
	if (k->split != PMX_NO_FIELD)
		pmx_want(in, k->split);
	if (k->guide != PMX_NO_FIELD)
		pmx_want(in, k->guide);
}

/* Half of the sample goes when it is twice too large: what stays depends on the rows alone. */
static void thin(struct scan *k)
{
	size_t n = 0;
	struct sparse_rows fewer;
	uint32_t *row = mem_array(k->kept.n_rows, sizeof *row);
	k->below /= 2;
	for (size_t i = 0; i < k->kept.n_rows; i++) {
		if (k->draw[i] >= k->below)
			continue;
		k->draw[n] = k->draw[i];
		k->kept_split[n] = k->kept_split[i];
		k->kept_guide[n] = k->kept_guide[i];
		k->kept_row[n] = k->kept_row[i];
		k->total[n] = k->total[i];
		k->total_back[n] = k->total_back[i];
		row[n++] = (uint32_t)i;
	}
	sparse_rows_init(&fewer, k->kept.n_cols);
	cell_rows_pick(&k->kept, row, n, &fewer);
	sparse_rows_free(&k->kept);
	k->kept = fewer;
	mem_free(row);
}

static bool in_sample(const struct scan *k, uint32_t gene, size_t n_genes)
{
	double share = (double)n_genes / (double)(k->s->n_columns ? k->s->n_columns : 1);
	return share >= 1 || random_unit(random_words(1, STREAM_GENES, gene, 0).v[0]) < share;
}

/* Looks at all values of the row in k->one, and keeps those of the genes in the sample. */
static void take_values(struct scan *k)
{
	size_t n = k->kept.n_rows, at;
	double sum = 0, back = 0;
	sparse_rows_room(&k->kept, 1, k->one.start[1]);
	at = k->kept.start[n];
	for (size_t i = 0; i < k->one.start[1]; i++) {
		double v = k->one.value[i];
		k->odd |= !isfinite(v);
		k->negative |= v < 0;
		k->fractional |= v != floor(v);
		k->largest = fmax(k->largest, v);
		sum += v;
		back += expm1(v);
		if (v == 0 || !isfinite(v) || !in_sample(k, k->one.col[i], PREFLIGHT_GENES))
			continue;
		k->kept.col[at] = k->one.col[i];
		k->kept.value[at++] = k->one.value[i];
	}
	k->kept.start[++k->kept.n_rows] = at;
	k->total[n] = sum;
	k->total_back[n] = back;
}

static void keep(struct scan *k, struct pmx_block *b, size_t r, uint32_t split, uint32_t guide)
{
	struct err e = { 0 };
	uint32_t draw = random_words(1, STREAM_ROWS, k->row, 0).v[0];
	if (draw >= k->below)
		return;
	size_t n = k->kept.n_rows;
	mem_room(&k->draw, &k->cap[0], n + 1, sizeof *k->draw);
	mem_room(&k->kept_split, &k->cap[1], n + 1, sizeof *k->kept_split);
	mem_room(&k->kept_guide, &k->cap[2], n + 1, sizeof *k->kept_guide);
	mem_room(&k->kept_row, &k->cap[3], n + 1, sizeof *k->kept_row);
	mem_room(&k->total, &k->cap[4], n + 1, sizeof *k->total);
	mem_room(&k->total_back, &k->cap[5], n + 1, sizeof *k->total_back);
	k->draw[n] = draw;
	k->kept_split[n] = split;
	k->kept_guide[n] = guide;
	k->kept_row[n] = k->row;
	sparse_rows_clear(&k->one);
	if (pmx_layer_rows(b, k->s, k->layer, r, r + 1, &k->one, &e))
		cli_fail(&e);
	take_values(k);
	if (k->kept.n_rows > 2 * PREFLIGHT_CONTROLS)
		thin(k);
}

static void scan_block(struct scan *k, struct pmx_block *b)
{
	struct err e = { 0 };
	const struct pmx_column *pert = pmx_block_column(b, k->s, k->pert, &e),
		*split = k->split == PMX_NO_FIELD ? NULL : pmx_block_column(b, k->s, k->split, &e),
		*guide = k->guide == PMX_NO_FIELD ? NULL : pmx_block_column(b, k->s, k->guide, &e);
	if (e.set)
		cli_fail(&e);
	for (size_t r = 0; r < b->n_rows; r++, k->row++) {
		uint32_t t = pert->u32[r], d = split ? split->u32[r] : 0, g = guide ? guide->u32[r] : PMX_MISSING_CODE;
		if (t == PMX_MISSING_CODE) {
			k->n_unlabelled++;
			continue;
		}
		if (d == PMX_MISSING_CODE) {
			k->n_unsplit++;
			continue;
		}
		k->cells[t * k->n_splits + d]++;
		if (g != PMX_MISSING_CODE) {
			if (k->target_of[g] == PMX_MISSING_CODE)
				k->target_of[g] = t;
			k->guide_of_two[g] |= k->target_of[g] != t;
			k->guide_cells[g]++;
		}
		if (t == k->control)
			keep(k, b, r, d, g);
	}
}

/* What the values are; counts become log1p(count x 10000 / total), as normalize does it. */
static void look_at_values(struct preflight *p, struct scan *k)
{
	struct moments total = { 0 };
	for (size_t r = 0; r < k->kept.n_rows; r++)
		moments_add(&total, k->counts ? k->total[r] : k->total_back[r]);
	const char *name = k->s->field[k->layer].name;
	double spread = total.n > 1 ? sqrt(total.squares / (total.n - 1)) / total.mean : NAN;
	bool recipe = k->s->field[k->layer].storage == PMX_RECIPE, whole = !k->counts && !k->fractional && !recipe;
	if (k->odd)
		say(p, "values", PREFLIGHT_FAIL, "layer %s has values that are not finite (NaN or infinite); nothing here takes them", name);
	else if (k->negative)
		say(p, "values", PREFLIGHT_FAIL, "layer %s has negative values: scaled or corrected data. Give counts, or log-normalised values that were not scaled", name);
	else if (!k->kept.n_rows)
		return;
	else if (k->largest <= 0)
		say(p, "values", PREFLIGHT_FAIL, "layer %s is 0 in every control cell that was looked at", name);
	else if (k->counts || whole)
		say(p, "values", whole ? PREFLIGHT_WARN : PREFLIGHT_OK, "layer %s holds counts (largest %g)%s; run normalize first", name,
		    k->largest, whole ? ", stored as real numbers" : "");
	else if (!recipe && k->largest > 30)
		say(p, "values", PREFLIGHT_FAIL, "layer %s has values up to %g that are no counts: no log-normalised values either. Give counts, and run normalize", name, k->largest);
	else if (spread < 0.01)
		say(p, "values", PREFLIGHT_OK, "layer %s is log-normalised%s: the values of a cell, taken back, add up to about %.0f", name, recipe ? " from counts" : "", total.mean);
	else
		say(p, "values", PREFLIGHT_WARN, "layer %s looks log-normalised (largest %.3g), but cells do not add up to the same total "
		    "(they spread by %.0f %%): genes left out, or another transformation", name, k->largest, 100 * spread);
	if (!k->counts && !whole)
		return;
	for (size_t r = 0; r < k->kept.n_rows; r++)
		for (size_t i = k->kept.start[r]; i < k->kept.start[r + 1] && k->total[r] > 0; i++)
			k->kept.value[i] = log1p(k->kept.value[i] * 10000 / k->total[r]);
}

static const char *split_name(const struct scan *k, size_t d)
{
	return k->split == PMX_NO_FIELD ? "all cells" : k->s->field[k->split].values->at[d];
}

/* Splits where a signature has its neighbours. */
static size_t look_at_controls(struct preflight *p, const struct scan *k, bool *usable)
{
	char list[600] = "", few[300] = "";
	size_t n = 0, used = 0;
	uint64_t all = 0;
	for (size_t d = 0; d < k->n_splits; d++) {
		uint64_t controls = k->cells[k->control * k->n_splits + d], cells = 0;
		for (size_t t = 0; t < k->n_targets; t++)
			cells += k->cells[t * k->n_splits + d];
		usable[d] = controls >= (uint64_t)k->o->n_neighbours;
		all += controls;
		if (!cells)
			continue;
		used++;
		n += usable[d];
		size_t at = strlen(list), end = strlen(few);
		if (used <= 8)
			snprintf(list + at, sizeof list - at, "%s%.40s %llu", at ? ", " : "", split_name(k, d), (unsigned long long)controls);
		if (!usable[d] && end < 200)
			snprintf(few + end, sizeof few - end, "%s%.40s", end ? ", " : "", split_name(k, d));
	}
	if (used > 8)
		strcat(list, ", ...");
	if (n == used && n)
		say(p, "controls", PREFLIGHT_OK, "%s; %ld neighbours are asked for", list, k->o->n_neighbours);
	else if (!all)
		say(p, "controls", PREFLIGHT_FAIL, "no cell is labelled %s", k->o->screen.control);
	else
		say(p, "controls", n ? PREFLIGHT_WARN : PREFLIGHT_FAIL, "%s; fewer than the %ld neighbours in: %s. Lower --n-neighbors%s", list,
		    k->o->n_neighbours, few, k->split == PMX_NO_FIELD ? "" : ", or leave --split-by out");
	return n;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Sizes of the targets, ascending, counting cells in usable splits; the caller frees. */
static uint64_t *look_at_targets(struct preflight *p, const struct scan *k, const bool *usable)
{
	uint64_t *size = mem_array(k->n_targets, sizeof *size);
	size_t n = 0, few = 0, none = 0;
	for (size_t t = 0; t < k->n_targets; t++) {
		uint64_t all = 0, cells = 0;
		for (size_t d = 0; d < k->n_splits; d++) {
			all += k->cells[t * k->n_splits + d];
			cells += usable[d] ? k->cells[t * k->n_splits + d] : 0;
		}
		if (t == k->control || !all)
			continue;
		size[n++] = cells;
		none += cells < PREFLIGHT_MIN_CELLS;
		few += cells >= PREFLIGHT_MIN_CELLS && cells < PREFLIGHT_FEW_CELLS;
	}
	if (n)
		qsort(size, n, sizeof *size, by_size);
	p->n_targets = n;
	p->n_answerable = n - none;
	if (!n)
		say(p, "targets", PREFLIGHT_FAIL, "there are no cells but those labelled %s", k->o->screen.control);
	else if (!size[n - 1])
		say(p, "targets", PREFLIGHT_FAIL, "%zu targets, none with cells where there are controls enough", n);
	else
		say(p, "targets", none == n ? PREFLIGHT_FAIL : none || few ? PREFLIGHT_WARN : PREFLIGHT_OK,
		    "%zu targets of %llu to %llu cells, median %llu; %zu cannot be tested (fewer than %d cells), %zu hardly (fewer than %d)", n,
		    (unsigned long long)size[0], (unsigned long long)size[n - 1], (unsigned long long)size[n / 2], none, PREFLIGHT_MIN_CELLS, few, PREFLIGHT_FEW_CELLS);
	if (k->n_unlabelled || k->n_unsplit)
		say(p, "labels", PREFLIGHT_WARN, "%llu cells have no label in %s, %llu none in %s", (unsigned long long)k->n_unlabelled, k->o->screen.pert_key,
		    (unsigned long long)k->n_unsplit, k->o->screen.split_by ? k->o->screen.split_by : "--split-by");
	return size;
}

static void look_at_guides(struct preflight *p, const struct scan *k)
{
	if (k->guide == PMX_NO_FIELD) {
		struct names *others = names_new();
		char list[300] = "";
		for (size_t f = 0; f < k->s->n_fields; f++)
			if (k->s->field[f].class == PMX_OBS && k->s->field[f].type == PMX_CATEGORY && f != k->pert && f != k->split)
				names_add(others, k->s->field[f].name, NULL);
		names_list(others, list, sizeof list);
		say(p, "guides", PREFLIGHT_WARN, "there is no label column %s: guides cannot be compared%s%s", k->o->screen.guide_key,
		    others->n ? "; --guide-key names it, such as " : "", list);
		names_free(others);
		return;
	}
	size_t *of = mem_zero(k->n_targets, sizeof *of), single = 0, most = 0, least = SIZE_MAX, controls;
	for (size_t g = 0; g < k->n_guides; g++)
		if (k->target_of[g] != PMX_MISSING_CODE)
			of[k->target_of[g]]++;
	controls = of[k->control];
	for (size_t t = 0; t < k->n_targets; t++)
		if (t != k->control && of[t]) {
			single += of[t] == 1;
			most = of[t] > most ? of[t] : most;
			least = of[t] < least ? of[t] : least;
		}
	mem_free(of);
	if (!most) {
		say(p, "guides", PREFLIGHT_WARN, "no cell of a target names its guide");
		return;
	}
	uint64_t *size = mem_array(k->n_guides, sizeof *size);
	size_t n = 0, two = 0;
	char list[300] = "";
	for (size_t g = 0; g < k->n_guides; g++)
		if (k->guide_cells[g]) {
			size[n++] = k->guide_cells[g];
			two += k->guide_of_two[g];
			size_t end = strlen(list);
			if (k->guide_of_two[g] && end < 200)
				snprintf(list + end, sizeof list - end, "%s%.60s", end ? ", " : "", k->s->field[k->guide].values->at[g]);
		}
	qsort(size, n, sizeof *size, by_size);
	char cells[100];
	snprintf(cells, sizeof cells, "%llu to %llu cells a guide, median %llu", (unsigned long long)size[0], (unsigned long long)size[n - 1], (unsigned long long)size[n / 2]);
	mem_free(size);
	if (two)
		say(p, "guides", PREFLIGHT_WARN, "%zu of %zu guides have cells of more than one target: guides or targets may be labelled wrongly (%s)", two, n, list);
	else if (single)
		say(p, "guides", PREFLIGHT_WARN, "%zu to %zu guides a target, %zu of the controls, %s; %zu targets have one alone, whose effects on other genes cannot "
		    "be told from theirs", least, most, controls, cells, single);
	else
		say(p, "guides", controls < 2 ? PREFLIGHT_WARN : PREFLIGHT_OK, "%zu to %zu guides a target, %zu of the controls; %s", least, most, controls, cells);
}

/* By their form alone. */
static void look_at_names(struct preflight *p, const struct scan *k)
{
	size_t n = k->s->n_columns, count[GENE_N_FORMS] = { 0 };
	for (size_t g = 0; g < n; g++)
		count[gene_form(pmx_column_name(k->s, g))]++;
	enum preflight_verdict verdict = (double)count[GENE_FORM_SYMBOL] >= 0.9 * (double)n ? PREFLIGHT_OK : PREFLIGHT_WARN;
	static const char *const form[] = { "a symbol", "an Ensembl id", "an Entrez id", "a date, as spreadsheets make them of symbols", "no name of genes" };
	char list[400] = "";
	for (size_t i = 0; i < GENE_N_FORMS; i++)
		if (count[i])
			snprintf(list + strlen(list), sizeof list - strlen(list), "%s%zu have the form of %s", *list ? ", " : "", count[i], form[i]);
	say(p, "genes", count[GENE_FORM_DATE] ? PREFLIGHT_WARN : verdict, "%zu: %s (--gene-info looks them up)", n, list);
}

static void look_up_names(struct preflight *p, const struct scan *k, const struct gene_ledger *ledger)
{
	size_t n = k->s->n_columns, known = 0, other = 0, two = 0;
	for (size_t g = 0; g < n; g++) {
		enum gene_how how;
		uint32_t gene = gene_ledger_find(ledger, pmx_column_name(k->s, g), &how);
		two += gene == GENE_TWO;
		known += gene < GENE_TWO;
		other += gene < GENE_TWO && how != GENE_BY_SYMBOL;
	}
	say(p, "genes", 2 * known >= n && known ? PREFLIGHT_OK : PREFLIGHT_WARN, "%zu: %zu are known (%zu of them not by their current symbol), %zu are "
	    "ambiguous, %zu unknown", n, known, other, two, n - known - two);
}

/* A target that is among the genes shows whether it went down. */
static void look_at_target_names(struct preflight *p, const struct scan *k, const struct gene_ledger *ledger)
{
	struct names *genes = pmx_column_names(k->s);
	bool *there = mem_zero(ledger ? gene_ledger_n(ledger) : 0, sizeof *there);
	size_t n = 0, found = 0;
	for (size_t g = 0; ledger && g < genes->n; g++) {
		uint32_t gene = gene_ledger_find(ledger, genes->at[g], NULL);
		if (gene < GENE_TWO)
			there[gene] = true;
	}
	const struct names *targets = k->s->field[k->pert].values;
	for (uint32_t t = 0; t < targets->n; t++) {
		uint64_t cells = 0;
		for (size_t d = 0; d < k->n_splits; d++)
			cells += k->cells[t * k->n_splits + d];
		if (t == k->control || !cells)
			continue;
		uint32_t gene = ledger ? gene_ledger_find(ledger, targets->at[t], NULL) : GENE_NONE;
		n++;
		found += names_find(genes, targets->at[t]) != NAMES_NONE || (gene < GENE_TWO && there[gene]);
	}
	if (n)
		say(p, "target genes", 2 * found >= n ? PREFLIGHT_OK : PREFLIGHT_WARN, "%zu of %zu targets are among the genes%s", found, n,
		    2 * found >= n ? "" : ": the others were not measured, or labels are guides, or genes are named otherwise");
	mem_free(there);
	names_free(genes);
}

static void look_at_genes(struct preflight *p, const struct scan *k)
{
	struct err e = { 0 };
	struct gene_ledger *ledger = k->o->gene_info ? gene_ledger_read(k->o->gene_info, &e) : NULL;
	if (e.set)
		cli_fail(&e);
	if (ledger)
		look_up_names(p, k, ledger);
	else
		look_at_names(p, k);
	look_at_target_names(p, k, ledger);
	gene_ledger_free(ledger);
}

/* The sample by genes: about n_genes of them, by their draw. */
static struct sparse_cols *sample(const struct scan *k, size_t n_genes)
{
	struct sparse_rows some;
	sparse_rows_init(&some, k->kept.n_cols);
	for (size_t r = 0; r < k->kept.n_rows; r++) {
		size_t n = k->kept.start[r + 1] - k->kept.start[r], at;
		sparse_rows_room(&some, 1, n);
		at = some.start[r];
		for (size_t i = k->kept.start[r]; i < k->kept.start[r + 1]; i++) {
			uint32_t g = k->kept.col[i];
			if (!in_sample(k, g, n_genes))
				continue;
			some.col[at] = g;
			some.value[at++] = k->kept.value[i];
		}
		some.start[++some.n_rows] = at;
	}
	struct sparse_cols *x = sparse_transpose(&some, 1);
	sparse_rows_free(&some);
	return x;
}

static enum preflight_verdict judge(double share)
{
	return share > 0.1 ? PREFLIGHT_FAIL : share > 0.075 ? PREFLIGHT_WARN : PREFLIGHT_OK;
}

static void look_at_calibration(struct preflight *p, const struct scan *k, const struct sparse_cols *x)
{
	size_t n = k->kept.n_rows, done = 0, tested = 0;
	uint8_t *side = mem_array(n, sizeof *side);
	double sum = 0, low = 1, high = 0;
	for (uint32_t i = 0; i < PREFLIGHT_DRAWS; i++) {
		for (size_t r = 0; r < n; r++)
			side[r] = (uint8_t)(random_words(1, STREAM_HALVES, k->kept_row[r], i).v[0] & 1);
		struct calibration c = calibration_test(x, side);
		if (!c.n_tested)
			continue;
		done++;
		tested = c.n_tested;
		sum += c.share;
		low = fmin(low, c.share);
		high = fmax(high, c.share);
	}
	if (!done)
		say(p, "calibration", PREFLIGHT_WARN, "there is no gene that a tenth of the controls express: nothing could be tested");
	else
		say(p, "calibration", judge(sum / (double)done), "controls against controls, drawn in halves %zu times: %.1f %% of %zu genes have p < 0.05 "
		    "(%.1f to %.1f; 5 are due by chance)", done,
		    100 * sum / (double)done, tested, 100 * low, 100 * high);
	/* What is not chance: splits that differ are no fault when each is treated on its own. */
	if (k->n_splits > 1) {
		size_t first = 0;
		for (size_t d = 1; d < k->n_splits; d++)
			if (k->cells[k->control * k->n_splits + d] > k->cells[k->control * k->n_splits + first])
				first = d;
		for (size_t r = 0; r < n; r++)
			side[r] = k->kept_split[r] == first;
		struct calibration c = calibration_test(x, side);
		if (c.n_tested)
			say(p, "splits", PREFLIGHT_OK, "controls of %.60s against those of the other splits: %.1f %% of %zu genes have p < 0.05%s", split_name(k, first),
			    100 * c.share, c.n_tested,
			    c.share > 0.1 ? "; keep --split-by" : "");
	}
	mem_free(side);
}

struct guide_size {
	uint32_t guide;
	size_t n;
};

static int most_cells_first(const void *a, const void *b)
{
	const struct guide_size *x = a, *y = b;
	return x->n != y->n ? (x->n < y->n ? 1 : -1) : (x->guide > y->guide) - (x->guide < y->guide);
}

/* Each of the control guides with most cells against all the others. */
static void look_at_control_guides(struct preflight *p, const struct scan *k, const struct sparse_cols *x)
{
	struct guide_size *size = mem_zero(k->n_guides, sizeof *size);
	size_t n = 0, tested = 0;
	char list[300] = "";
	size_t most = 0;
	uint8_t *side = mem_array(k->kept.n_rows, sizeof *side);
	for (uint32_t g = 0; g < k->n_guides; g++)
		size[g].guide = g;
	for (size_t r = 0; r < k->kept.n_rows; r++)
		if (k->kept_guide[r] != PMX_MISSING_CODE)
			size[k->kept_guide[r]].n++;
	if (k->n_guides)
		qsort(size, k->n_guides, sizeof *size, most_cells_first);
	while (n < k->n_guides && n < PREFLIGHT_GUIDES && size[n].n >= PREFLIGHT_FEW_CELLS)
		n++;
	for (size_t i = 0; i < n && n > 1; i++) {
		const char *name = k->s->field[k->guide].values->at[size[i].guide];
		for (size_t r = 0; r < k->kept.n_rows; r++)
			side[r] = k->kept_guide[r] == PMX_MISSING_CODE ? 2 : k->kept_guide[r] == size[i].guide;
		struct calibration c = calibration_test(x, side);
		if (!c.n_tested)
			continue;
		tested++;
		most = c.n_different > most ? c.n_different : most;
		size_t at = strlen(list);
		if (c.n_different >= PREFLIGHT_DIFFERENT && at < 200)
			snprintf(list + at, sizeof list - at, "%s%.60s", at ? ", " : "", name);
	}
	if (tested && *list)
		say(p, "control guides", PREFLIGHT_WARN, "%zu, each against the others: up to %zu genes differ (p < 0.05, Bonferroni); not neutral may be %s", tested, most, list);
	else if (tested)
		say(p, "control guides", PREFLIGHT_OK, "%zu, each against the others: at most %zu genes differ (p < 0.05, Bonferroni)", tested, most);
	mem_free(side);
	mem_free(size);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* For a gene whose values spread as those of the median gene that a tenth of the controls express. */
static void look_at_power(struct preflight *p, const struct scan *k, const struct sparse_cols *x, const uint64_t *size, const bool *usable)
{
	double *sd = mem_array(x->n_cols, sizeof *sd);
	size_t n = 0, controls = 0;
	for (size_t g = 0; g < x->n_cols; g++) {
		size_t expressed = x->start[g + 1] - x->start[g];
		struct moments m = { 0 };
		if ((double)expressed < CALIBRATION_MIN_PCT * (double)x->n_rows || x->n_rows < 2)
			continue;
		for (size_t i = x->start[g]; i < x->start[g + 1]; i++)
			moments_add(&m, x->value[i]);
		struct moments zeros = { (double)(x->n_rows - expressed), 0, 0, 0 };
		m = moments_merge(m, zeros);
		sd[n++] = sqrt(m.squares / (m.n - 1));
	}
	for (size_t d = 0; d < k->n_splits; d++)
		controls += usable[d] ? k->cells[k->control * k->n_splits + d] : 0;
	if (n && p->n_answerable && controls) {
		qsort(sd, n, sizeof *sd, by_value);
		uint64_t median = size[p->n_targets - p->n_answerable + p->n_answerable / 2], least = size[p->n_targets - p->n_answerable];
		double usual = calibration_smallest_effect(sd[n / 2], median, controls, k->s->n_columns, 0.8) / M_LN2,
			worst = calibration_smallest_effect(sd[n / 2], least, controls, k->s->n_columns, 0.8) / M_LN2;
		say(p, "smallest effect", usual > 2 ? PREFLIGHT_WARN : PREFLIGHT_OK, "a change of %.2f (log2 scale) of a gene with the median spread is seen "
		    "with a probability of 0.8 in %llu cells, the median target; %.2f in %llu, the smallest",
		    usual, (unsigned long long)median, worst, (unsigned long long)least);
	}
	mem_free(sd);
}

static void close_scan(struct scan *k)
{
	sparse_rows_free(&k->one);
	sparse_rows_free(&k->kept);
	mem_free(k->total);
	mem_free(k->total_back);
	mem_free(k->guide_cells);
	mem_free(k->guide_of_two);
	mem_free(k->kept_split);
	mem_free(k->kept_guide);
	mem_free(k->kept_row);
	mem_free(k->draw);
	mem_free(k->cells);
	mem_free(k->target_of);
}

struct preflight *preflight_run(const struct cli *c, struct pmx_reader *in, const struct preflight_options *o)
{
	struct preflight *p = mem_zero(1, sizeof *p);
	struct scan k = { .o = o, .s = pmx_reader_schema(in) };
	open_scan(&k, in);
	struct cli_progress *bar = cli_progress_new(c, "cells", 0);
	for (struct pmx_block *b; (b = cli_next(in)); ) {
		scan_block(&k, b);
		cli_progress_at(bar, k.row, NULL);
		pmx_block_free(b);
	}
	cli_progress_end(bar);
	if (!k.row)
		cli_die("%s holds no cells", pmx_reader_name(in));
	bool *usable = mem_zero(k.n_splits, sizeof *usable);
	look_at_controls(p, &k, usable);
	uint64_t *size = look_at_targets(p, &k, usable);
	look_at_guides(p, &k);
	look_at_values(p, &k);
	look_at_genes(p, &k);
	if (k.kept.n_rows && !k.negative && !k.odd) {
		struct sparse_cols *x = sample(&k, PREFLIGHT_GENES);
		look_at_calibration(p, &k, x);
		if (k.guide != PMX_NO_FIELD) {
			struct sparse_cols *fewer = sample(&k, PREFLIGHT_GENES / 3);
			look_at_control_guides(p, &k, fewer);
			sparse_cols_free(fewer);
		}
		look_at_power(p, &k, x, size, usable);
		sparse_cols_free(x);
	}
	p->can_answer = p->n_answerable > 0;
	for (size_t i = 0; i < p->n; i++)
		p->can_answer &= p->check[i].verdict != PREFLIGHT_FAIL;
	mem_free(usable);
	mem_free(size);
	close_scan(&k);
	return p;
}

void preflight_free(struct preflight *p)
{
	for (size_t i = 0; i < p->n; i++)
		mem_free(p->check[i].text);
	mem_free(p->check);
	mem_free(p);
}
