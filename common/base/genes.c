#include "base/genes.h"
#include "base/mem.h"
#include "base/names.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Names of a level and the gene of each, or GENE_TWO. */
struct level {
	struct names *names;
	uint32_t *gene;
	size_t cap;
};

/* Levels of their own for symbols without regard to case: current, previous, alias. */
enum { FOLDED_SYMBOL = GENE_BY_CASE, FOLDED_PREVIOUS, FOLDED_ALIAS, N_LEVELS };

struct gene_ledger {
	struct level level[N_LEVELS];
	char **key;
	uint8_t *space;
	size_t n, key_cap, space_cap;
};

struct gene_ledger *gene_ledger_new(void)
{
	struct gene_ledger *l = mem_zero(1, sizeof *l);
	for (int i = 0; i < N_LEVELS; i++)
		l->level[i].names = names_new();
	return l;
}

void gene_ledger_free(struct gene_ledger *l)
{
	if (!l)
		return;
	for (int i = 0; i < N_LEVELS; i++) {
		names_free(l->level[i].names);
		mem_free(l->level[i].gene);
	}
	for (size_t i = 0; i < l->n; i++)
		mem_free(l->key[i]);
	mem_free(l->key);
	mem_free(l->space);
	mem_free(l);
}

uint32_t gene_ledger_add(struct gene_ledger *l, const char *key, enum gene_space space)
{
	mem_room(&l->key, &l->key_cap, l->n + 1, sizeof *l->key);
	mem_room(&l->space, &l->space_cap, l->n + 1, sizeof *l->space);
	l->key[l->n] = mem_text(key);
	l->space[l->n] = (uint8_t)space;
	return (uint32_t)l->n++;
}

static void put(struct level *v, const char *name, uint32_t gene)
{
	bool is_new;
	uint32_t i = names_add(v->names, name, &is_new);
	mem_room(&v->gene, &v->cap, v->names->n, sizeof *v->gene);
	if (is_new)
		v->gene[i] = gene;
	else if (v->gene[i] != gene)
		v->gene[i] = GENE_TWO;
}

static char *upper(const char *name)
{
	char *s = mem_text(name);
	for (char *p = s; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	return s;
}

/* ENSG00000115415.21 without its version; other names as they are. */
static char *without_version(const char *name)
{
	return mem_textn(name, strncmp(name, "ENS", 3) ? strlen(name) : strcspn(name, "."));
}

void gene_ledger_name(struct gene_ledger *l, uint32_t gene, enum gene_how how, const char *name)
{
	char *plain = how == GENE_BY_ENSEMBL ? without_version(name) : mem_text(name), *folded = upper(name);
	put(&l->level[how], plain, gene);
	if (how == GENE_BY_SYMBOL)
		put(&l->level[FOLDED_SYMBOL], folded, gene);
	else if (how == GENE_BY_PREVIOUS)
		put(&l->level[FOLDED_PREVIOUS], folded, gene);
	else if (how == GENE_BY_ALIAS)
		put(&l->level[FOLDED_ALIAS], folded, gene);
	mem_free(plain);
	mem_free(folded);
}

size_t gene_ledger_n(const struct gene_ledger *l)
{
	return l->n;
}

const char *gene_ledger_key(const struct gene_ledger *l, uint32_t gene)
{
	return l->key[gene];
}

enum gene_space gene_ledger_space(const struct gene_ledger *l, uint32_t gene)
{
	return (enum gene_space)l->space[gene];
}

static uint32_t look(const struct gene_ledger *l, int level, const char *name)
{
	uint32_t i = names_find(l->level[level].names, name);
	return i == NAMES_NONE ? GENE_NONE : l->level[level].gene[i];
}

uint32_t gene_ledger_find(const struct gene_ledger *l, const char *name, enum gene_how *how)
{
	enum gene_how level = GENE_BY_SYMBOL;
	uint32_t gene = GENE_NONE;
	if (*name && strspn(name, "0123456789") == strlen(name)) {
		level = GENE_BY_ENTREZ;
		gene = look(l, GENE_BY_ENTREZ, name);
	} else {
		static const enum gene_how exact[] = { GENE_BY_SYMBOL, GENE_BY_PREVIOUS, GENE_BY_ALIAS };
		if (!strncmp(name, "ENS", 3)) {
			char *id = without_version(name);
			level = GENE_BY_ENSEMBL;
			gene = look(l, GENE_BY_ENSEMBL, id);
			mem_free(id);
		}
		for (size_t i = 0; i < 3 && gene == GENE_NONE; i++) {
			level = exact[i];
			gene = look(l, (int)level, name);
		}
		char *folded = gene == GENE_NONE ? upper(name) : NULL;
		for (int i = FOLDED_SYMBOL; i < N_LEVELS && gene == GENE_NONE; i++) {
			level = GENE_BY_CASE;
			gene = look(l, i, folded);
		}
		mem_free(folded);
	}
	if (how)
		*how = level;
	return gene;
}

const char *gene_ledger_spelling(const struct gene_ledger *l, const char *name)
{
	uint32_t gene = l ? gene_ledger_find(l, name, NULL) : GENE_NONE;
	return gene < GENE_TWO && gene_ledger_find(l, l->key[gene], NULL) == gene ? l->key[gene] : name;
}

/* A list resolved: the gene of each name, and the place that stands for each gene. */
struct resolved {
	uint32_t *gene;
	uint8_t *how;
	uint32_t *place;                /* of each gene of the ledger; GENE_NONE */
	struct names *spelt;            /* names as they are, and the first place of each */
	uint32_t *first;
};

static struct resolved resolve(const char *const *name, size_t n, const struct gene_ledger *l)
{
	struct resolved r = { .gene = mem_array(n, sizeof *r.gene), .how = mem_array(n, 1), .spelt = names_new(),
		.first = mem_array(n, sizeof *r.first), .place = mem_array(l ? l->n : 0, sizeof *r.place) };
	for (size_t i = 0; l && i < l->n; i++)
		r.place[i] = GENE_NONE;
	for (size_t i = 0; i < n; i++) {
		bool is_new;
		enum gene_how how = GENE_BY_SYMBOL;
		uint32_t at = names_add(r.spelt, name[i], &is_new), g = r.gene[i] = l ? gene_ledger_find(l, name[i], &how) : GENE_NONE;
		if (is_new)
			r.first[at] = (uint32_t)i;
		r.how[i] = (uint8_t)how;
		if (g < GENE_TWO && (r.place[g] == GENE_NONE || r.how[r.place[g]] > how))
			r.place[g] = (uint32_t)i;
	}
	return r;
}

static void resolved_free(struct resolved *r)
{
	mem_free(r->gene);
	mem_free(r->how);
	mem_free(r->place);
	mem_free(r->first);
	names_free(r->spelt);
}

/* The place of name i of the query in the reference, GENE_NONE when there is none. */
static uint32_t partner(const struct resolved *q, size_t i, const char *name, const struct resolved *r, enum gene_status *status)
{
	uint32_t g = q->gene[i];
	if (g < GENE_TWO) {
		*status = q->place[g] != i ? GENE_REPEATED : r->place[g] == GENE_NONE ? GENE_OUTSIDE : GENE_USED;
		return *status == GENE_USED ? r->place[g] : GENE_NONE;
	}
	uint32_t own = q->first[names_find(q->spelt, name)], other = names_find(r->spelt, name);
	*status = own != i ? GENE_REPEATED : other != NAMES_NONE ? GENE_USED : g == GENE_TWO ? GENE_AMBIGUOUS : GENE_UNKNOWN;
	return *status == GENE_USED ? r->first[other] : GENE_NONE;
}

/* `reference` NULL: r stands for the ledger. */
static struct gene_alignment *align(const char *const *query, size_t n_query, const char *const *reference, const struct resolved *r, size_t most,
				    const struct gene_ledger *ledger)
{
	struct gene_alignment *a = mem_zero(1, sizeof *a);
	a->n_names = n_query;
	a->status = mem_array(n_query, 1);
	a->query = mem_array(most, sizeof *a->query);
	a->reference = mem_array(most, sizeof *a->reference);
	struct resolved q = resolve(query, n_query, ledger);
	for (size_t i = 0; i < n_query; i++) {
		enum gene_status status;
		uint32_t to = partner(&q, i, query[i], r, &status);
		a->status[i] = (uint8_t)status;
		a->count[status]++;
		if (!a->example[status])
			a->example[status] = query[i];
		if (status != GENE_USED)
			continue;
		a->query[a->n] = (uint32_t)i;
		a->reference[a->n++] = to;
		const char *other = reference ? reference[to] : gene_ledger_spelling(ledger, query[i]);
		bool same = !strcmp(query[i], other);
		a->n_renamed += !same;
		a->n_by_case += !same && !strcasecmp(query[i], other);
	}
	resolved_free(&q);
	return a;
}

struct gene_alignment *gene_align(const char *const *query, size_t n_query, const char *const *reference, size_t n_reference,
				  const struct gene_ledger *ledger)
{
	struct resolved r = resolve(reference, n_reference, ledger);
	struct gene_alignment *a = align(query, n_query, reference, &r, n_query < n_reference ? n_query : n_reference, ledger);
	resolved_free(&r);
	return a;
}

struct gene_alignment *gene_align_ledger(const char *const *query, size_t n_query, const struct gene_ledger *ledger)
{
	struct resolved r = resolve(NULL, 0, ledger);
	for (uint32_t g = 0; g < ledger->n; g++)
		r.place[g] = g;
	struct gene_alignment *a = align(query, n_query, NULL, &r, n_query, ledger);
	resolved_free(&r);
	return a;
}

void gene_alignment_free(struct gene_alignment *a)
{
	if (!a)
		return;
	mem_free(a->query);
	mem_free(a->reference);
	mem_free(a->status);
	mem_free(a);
}

static size_t add(char *out, size_t size, size_t at, size_t n, const char *what, const char *example)
{
	if (at < size && n)
		at += (size_t)snprintf(out + at, size - at, ", %zu %s%s%.60s", n, what, example ? ", such as " : "", example ? example : "");
	return at;
}

void gene_alignment_text(const struct gene_alignment *a, char *out, size_t size)
{
	size_t at = (size_t)snprintf(out, size, "%zu genes: %zu used", a->n_names, a->count[GENE_USED]);
	if (at < size && a->n_renamed)
		at += (size_t)snprintf(out + at, size - at, " (%zu under another name, %zu of them by the case of letters)", a->n_renamed,
				       a->n_by_case);
	at = add(out, size, at, a->count[GENE_OUTSIDE], "valid but outside", NULL);
	at = add(out, size, at, a->count[GENE_UNKNOWN], "unknown", a->example[GENE_UNKNOWN]);
	at = add(out, size, at, a->count[GENE_AMBIGUOUS], "ambiguous", a->example[GENE_AMBIGUOUS]);
	add(out, size, at, a->count[GENE_REPEATED], "repeated", a->example[GENE_REPEATED]);
}

/* 1-Mar, Mar-01: what a spreadsheet makes of MARCH1. */
static bool is_date(const char *s)
{
	static const char *const month[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec" };
	const char *dash = strchr(s, '-');
	if (!dash || strchr(dash + 1, '-'))
		return false;
	for (int i = 0; i < 12; i++) {
		bool first = dash - s == 3 && !strncasecmp(s, month[i], 3), last = !strcasecmp(dash + 1, month[i]);
		const char *digits = first ? dash + 1 : s;
		size_t n = strspn(digits, "0123456789");
		if ((first || last) && n && (first ? !digits[n] : digits + n == dash))
			return true;
	}
	return false;
}

enum gene_form gene_form(const char *s)
{
	size_t n = strlen(s), digits = strspn(s, "0123456789");
	if (n && digits == n)
		return GENE_FORM_ENTREZ;
	if (is_date(s))
		return GENE_FORM_DATE;
	if (!strncmp(s, "ENS", 3)) {
		size_t letters = 3 + strspn(s + 3, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		if (strspn(s + letters, "0123456789") >= 6)
			return GENE_FORM_ENSEMBL;
	}
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-._@", s[i]))
			return GENE_FORM_OTHER;
	return n && n <= 30 && isalpha((unsigned char)s[0]) ? GENE_FORM_SYMBOL : GENE_FORM_OTHER;
}
