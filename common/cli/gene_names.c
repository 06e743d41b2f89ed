#include "cli/gene_names.h"
#include "base/mem.h"
#include "formats/gene_info.h"

struct names *gene_names_unique(const struct pmx_schema *s)
{
	struct names *names = names_new();
	for (uint32_t i = 0; i < s->n_columns; i++) {
		bool is_new;
		uint32_t at = names_add(names, pmx_column_name(s, i), &is_new);
		if (!is_new)
			cli_die("genes %u and %u of the stream are both called '%s'; give each a name of its own (pmx-import --make-unique)", at + 1, i + 1,
				names->at[at]);
	}
	return names;
}

struct gene_ledger *gene_names_ledger(const char *path)
{
	struct err e = { 0 };
	struct gene_ledger *l = path ? gene_ledger_read(path, &e) : NULL;
	if (path && !l)
		cli_fail(&e);
	return l;
}

struct gene_alignment *gene_names_align(const struct cli *c, const char *what, const char *const *name, size_t n, const char *const *reference,
					size_t n_reference, const struct gene_ledger *ledger)
{
	char text[1200];
	struct gene_alignment *a = reference ? gene_align(name, n, reference, n_reference, ledger) : gene_align_ledger(name, n, ledger);
	gene_alignment_text(a, text, sizeof text);
	cli_note(c, "%s: %s", what, text);
	return a;
}

json_t *gene_names_counts(const struct gene_alignment *a)
{
	static const char *const name[GENE_N_STATUS] = { "used", "outside", "unknown", "ambiguous", "repeated" };
	json_t *o = json_object();
	for (int i = 0; i < GENE_N_STATUS; i++)
		json_object_set_new(o, name[i], json_integer((json_int_t)a->count[i]));
	json_object_set_new(o, "renamed", json_integer((json_int_t)a->n_renamed));
	return o;
}

struct gene_columns gene_columns_new(const struct cli *c, const char *what, const char *const *name, size_t n, const struct gene_ledger *ledger)
{
	struct gene_columns g = { .names = names_new(), .from = mem_array(n, sizeof *g.from) };
	struct gene_alignment *a = ledger ? gene_names_align(c, what, name, n, NULL, 0, ledger) : NULL;
	for (uint32_t i = 0; i < n; i++) {
		bool is_new;
		if (a && a->status[i] == GENE_REPEATED)
			continue;
		uint32_t at = names_add(g.names, gene_ledger_spelling(ledger, name[i]), &is_new);
		if (is_new)
			g.from[at] = i;
	}
	if (!a && g.names->n < n)
		cli_note(c, "%s: %zu of %zu have the name of one before them and are left out", what, n - g.names->n, n);
	g.counts = a ? gene_names_counts(a) : NULL;
	gene_alignment_free(a);
	return g;
}

void gene_columns_free(struct gene_columns *g)
{
	names_free(g->names);
	mem_free(g->from);
	json_decref(g->counts);
}
