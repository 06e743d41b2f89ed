#include "cli/rank_reference.h"
#include "base/mem.h"
#include "base/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* "10 uM" -> 10. */
static bool leading_number(const char *s, double *out)
{
	char *end;
	*out = strtod(s, &end);
	return end != s;
}

static bool meets(const char *want, const char *text, bool numbers)
{
	double low, high, v;
	const char *colon = strchr(want, ':');
	if (!strcmp(want, text))
		return true;
	if (!numbers || !leading_number(text, &v))
		return false;
	char *head = colon ? mem_textn(want, (size_t)(colon - want)) : mem_text(want);
	bool in = text_f64(head, &low) && (colon ? text_f64(colon + 1, &high) && v >= low && v <= high : v >= low && v <= low);
	mem_free(head);
	return in;
}

/* One of several values between |, as compounds have several mechanisms. */
static bool one_meets(const char *want, const char *text, bool numbers)
{
	if (meets(want, text, numbers))
		return true;
	for (const char *p = text, *end; ; p = end + 1) {
		end = strchr(p, '|');
		char *word = end ? mem_textn(p, (size_t)(end - p)) : mem_text(p);
		bool in = meets(want, word, numbers);
		mem_free(word);
		if (in || !end)
			return in;
	}
}

static void condition(struct rank_reference *r, enum reference_field f, const struct cli_list *want)
{
	if (!want->n)
		return;
	size_t n = r->file->field[f].n_values;
	bool *in = mem_zero(n, sizeof *in), any = false;
	for (size_t v = 0; v < n; v++)
		for (size_t i = 0; i < want->n && !in[v]; i++)
			in[v] = one_meets(want->at[i], r->file->field[f].value[v], f == REFERENCE_DOSE || f == REFERENCE_TIME);
	for (size_t s = 0; s < r->file->n; s++) {
		uint32_t code = r->file->field[f].code[s];
		r->keep[s] = r->keep[s] && code != UINT32_MAX && in[code];
		any = any || r->keep[s];
	}
	if (!any) {
		struct names *all = names_new();
		char list[800];
		for (size_t v = 0; v < n; v++)
			names_add(all, r->file->field[f].value[v], NULL);
		names_list(all, list, sizeof list);
		const char *near = NULL;
		for (size_t v = 0; v < n; v++)
			near = cli_nearer(want->at[0], r->file->field[f].value[v], near);
		cli_die("no signature of %s has a %s of '%s'%s;%s%s%s there is %s", r->file->name, reference_field_name[f], want->at[0],
			want->n > 1 ? " or the others named" : "", near ? " '" : "", near ? near : "", near ? "' is near;" : "",
			n ? list : "none at all");
	}
	mem_free(in);
}

/* Numbers the pairs of cell line and perturbagen type. */
static void stratify(struct rank_reference *r)
{
	size_t n_types = r->file->field[REFERENCE_PERT_TYPE].n_values + 1, n_cells = r->file->field[REFERENCE_CELL_LINE].n_values + 1;
	uint32_t *number = mem_zero(n_types * n_cells, sizeof *number);
	r->stratum = mem_array(r->file->n, sizeof *r->stratum);
	for (size_t s = 0; s < r->file->n; s++) {
		uint32_t cell = r->file->field[REFERENCE_CELL_LINE].code[s], type = r->file->field[REFERENCE_PERT_TYPE].code[s];
		/* Missing ones come last. */
		size_t at = (cell == UINT32_MAX ? n_cells - 1 : cell) * n_types + (type == UINT32_MAX ? n_types - 1 : type);
		if (!number[at])
			number[at] = (uint32_t)++r->n_strata;
		r->stratum[s] = number[at] - 1;
	}
	mem_free(number);
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* Compounds and the classes that their signatures name. */
static void group(const struct cli *c, struct rank_reference *r)
{
	size_t n = r->file->n, n_pairs = 0, cap = 0;
	size_t without = 0;
	uint32_t *compound = mem_array(n, sizeof *compound);
	uint64_t *pair = NULL;          /* class, compound */
	r->compound = names_new();
	r->moa = names_new();
	for (size_t s = 0; s < n && r->unit != RANK_SIGNATURE; s++) {
		const char *name = reference_text(r->file, REFERENCE_COMPOUND, s), *moa = reference_text(r->file, REFERENCE_MOA, s);
		compound[s] = r->keep[s] && name ? names_add(r->compound, name, NULL) : UINT32_MAX;
		without += r->keep[s] && (!name || (r->unit == RANK_MOA && !moa));
		if (r->unit != RANK_MOA)
			continue;
		for (const char *end; moa && compound[s] != UINT32_MAX; moa = end ? end + 1 : NULL) {
			end = strchr(moa, '|');
			char *word = end ? mem_textn(moa, (size_t)(end - moa)) : mem_text(moa);
			uint64_t class = names_add(r->moa, word, NULL);
			mem_room((void *)&pair, &cap, n_pairs + 1, sizeof *pair);
			pair[n_pairs++] = class << 32 | compound[s];
			mem_free(word);
		}
	}
	summary_groups_init(&r->compounds, compound, r->unit == RANK_SIGNATURE ? 0 : n, r->compound->n);
	if (n_pairs)
		qsort(pair, n_pairs, sizeof *pair, ascending);
	r->classes = (struct summary_groups){ r->moa->n, mem_zero(r->moa->n + 1, sizeof *r->classes.start),
		mem_array(n_pairs, sizeof *r->classes.member) };
	size_t m = 0;
	for (size_t i = 0; i < n_pairs; i++)
		if (!i || pair[i] != pair[i - 1]) {
			r->classes.member[m++] = (uint32_t)pair[i];
			r->classes.start[(pair[i] >> 32) + 1] = m;
		}
	mem_free(pair);
	mem_free(compound);
	if (r->unit == RANK_COMPOUND && !r->compound->n)
		cli_die("%s has no compounds to summarise over; give reference-build --sig-info", r->file->name);
	if (r->unit == RANK_MOA && !r->moa->n)
		cli_die("%s knows no mechanism of action; give reference-build --compound-info", r->file->name);
	if (without)
		cli_note(c, "%zu of %zu signatures have no %s and are left out", without, r->n_kept, r->unit == RANK_MOA ? "mechanism of action" : "compound");
}

/* Upper case, without spaces around it; Ensembl ids without their version. */
static char *fold(const char *name)
{
	while (isspace((unsigned char)*name))
		name++;
	char *out = mem_text(name), *dot = strchr(out, '.');
	for (size_t n = strlen(out); n && isspace((unsigned char)out[n - 1]); n--)
		out[n - 1] = 0;
	for (char *p = out; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	if (dot && !strncmp(out, "ENS", 3) && dot[1] && strspn(dot + 1, "0123456789") == strlen(dot + 1))
		*dot = 0;
	return out;
}

static void index_genes(struct rank_reference *r)
{
	r->gene = names_new();
	r->gene_id = names_new();
	r->folded = names_new();
	r->folded_gene = mem_array(2 * r->file->n_genes, sizeof *r->folded_gene);
	for (size_t g = 0; g < r->file->n_genes; g++) {
		const char *id = r->file->gene_id[g];
		if (names_add(r->gene, r->file->gene[g], NULL) != g)
			cli_die("%s: gene '%s' comes twice", r->file->name, r->file->gene[g]);
		char *none = *id ? NULL : mem_print("\t%zu", g);
		names_add(r->gene_id, none ? none : id, NULL);
		mem_free(none);
	}
	for (size_t g = 0; g < 2 * r->file->n_genes; g++) {
		bool is_new;
		char *folded = fold(g < r->file->n_genes ? r->file->gene[g] : r->file->gene_id[g - r->file->n_genes]);
		uint32_t at = names_add(r->folded, folded, &is_new);
		if (is_new)
			r->folded_gene[at] = (uint32_t)(g % r->file->n_genes);
		mem_free(folded);
	}
}

uint32_t rank_reference_gene(const struct rank_reference *r, const char *name)
{
	uint32_t g = names_find(r->gene, name);
	if (g == NAMES_NONE)
		g = names_find(r->gene_id, name);
	if (g != NAMES_NONE || !*name)
		return g;
	char *folded = fold(name);
	uint32_t at = names_find(r->folded, folded);
	mem_free(folded);
	return at == NAMES_NONE ? NAMES_NONE : r->folded_gene[at];
}

static void slab_done(const void *with, size_t k)
{
	reference_release(with, k);
}

struct rank_reference *rank_reference_open(const struct cli *c, const char *path, const struct rank_conditions *w, int unit, bool verify)
{
	struct err e = { 0 };
	struct rank_reference *r = mem_zero(1, sizeof *r);
	struct reference *file = r->file = reference_open(path, &e);
	if (!file || (verify && reference_verify(file, c->threads, &e)))
		cli_fail(&e);
	r->unit = unit;
	r->slab = mem_array(file->n_slabs, sizeof *r->slab);
	for (size_t k = 0; k < file->n_slabs; k++)
		r->slab[k] = (struct profile_slab){ (size_t)file->slab[k].first, (size_t)file->slab[k].n, (size_t)file->slab[k].width,
			file->map + file->slab[k].offset };
	r->keep = mem_array(file->n, sizeof *r->keep);
	memset(r->keep, true, file->n * sizeof *r->keep);
	condition(r, REFERENCE_CELL_LINE, &w->cell_line);
	condition(r, REFERENCE_MOA, &w->moa);
	condition(r, REFERENCE_DOSE, &w->dose);
	condition(r, REFERENCE_TIME, &w->time);
	for (size_t s = 0; s < file->n; s++)
		r->n_kept += r->keep[s];
	r->profiles = (struct profiles){ .n = file->n, .n_genes = file->n_genes, .value_size = file->value_size, .slab = r->slab, .n_slabs = file->n_slabs,
		.n_measured = file->n_measured, .keep = r->keep, .with = file };
	/* Mapped pages count as the process's, until they are let go: slab by slab, where all are too much. */
	if (file->size > c->memory / 2)
		r->profiles.done = slab_done;
	if (r->n_kept < file->n)
		cli_detail(c, "%zu of %zu signatures meet the conditions", r->n_kept, file->n);
	stratify(r);
	group(c, r);
	index_genes(r);
	return r;
}

void rank_reference_free(struct rank_reference *r)
{
	summary_groups_free(&r->compounds);
	summary_groups_free(&r->classes);
	names_free(r->compound);
	names_free(r->moa);
	names_free(r->gene);
	names_free(r->gene_id);
	names_free(r->folded);
	mem_free(r->folded_gene);
	mem_free(r->stratum);
	mem_free(r->keep);
	mem_free(r->slab);
	reference_free(r->file);
	mem_free(r);
}

size_t rank_reference_units(const struct rank_reference *r)
{
	return r->unit == RANK_SIGNATURE ? r->file->n : r->unit == RANK_COMPOUND ? r->compound->n : r->moa->n;
}

const char *rank_reference_unit(const struct rank_reference *r, size_t u)
{
	return r->unit == RANK_SIGNATURE ? r->file->id[u] : r->unit == RANK_COMPOUND ? r->compound->at[u] : r->moa->at[u];
}

void rank_reference_summarise(const struct rank_reference *r, const double *value, int threads, double *out)
{
	if (r->unit == RANK_SIGNATURE) {
		memcpy(out, value, r->file->n * sizeof *out);
		return;
	}
	double *over = r->unit == RANK_COMPOUND ? out : mem_array(r->compound->n, sizeof *over);
	summary_over_groups(&r->compounds, value, threads, over);
	if (r->unit == RANK_MOA) {
		summary_over_groups(&r->classes, over, threads, out);
		mem_free(over);
	}
}

bool rank_reference_gaps(const struct rank_reference *r)
{
	for (size_t s = 0; s < r->file->n; s++)
		if (r->file->n_measured[s] < r->file->n_genes)
			return true;
	return false;
}

void rank_reference_fetch(const struct rank_reference *r, const bool *used, unsigned parts)
{
	const uintptr_t page = 4096;
	const unsigned all = PROFILE_ABOVE | PROFILE_UPTO | PROFILE_MAGNITUDE | PROFILE_VALUE;
	for (size_t k = 0; k < r->file->n_slabs; k++) {
		size_t width = r->slab[k].width, run = profile_run_bytes(width, r->file->value_size);
		uintptr_t done = 0;
		/* Only what is asked for, not what stands beside it. */
		if ((parts & all) != all)
			madvise((void *)((uintptr_t)r->slab[k].at & ~(page - 1)), run * r->file->n_genes, MADV_RANDOM);
		for (size_t g = 0; g < r->file->n_genes; g++) {
			const uint8_t *at = r->slab[k].at + g * run;
			for (unsigned part = PROFILE_ABOVE; used[g] && part <= PROFILE_VALUE; part *= 2) {
				size_t bytes = width * (part == PROFILE_VALUE ? (size_t)r->file->value_size : 2);
				uintptr_t from = (uintptr_t)at & ~(page - 1), to = ((uintptr_t)at + bytes + page - 1) & ~(page - 1);
				at += bytes;
				from = from < done ? done : from;
				if (!(parts & part) || from >= to)
					continue;
				madvise((void *)from, to - from, MADV_WILLNEED);
				done = to;
			}
		}
	}
}
