#include "formats/gene_info.h"
#include "base/mem.h"
#include "formats/lincs.h"
#include "formats/table.h"
#include <string.h>
#include <strings.h>

enum { MEMORY = 1 << 28 };

enum column { SYMBOL, PREVIOUS, ALIAS, ENTREZ, ENSEMBL, LANDMARK, BING, SPACE, STATUS, N_COLUMNS };

/* The first name of a row that the table has is taken. */
static const char *const called[N_COLUMNS][6] = {
	[SYMBOL] = { "gene_symbol", "pr_gene_symbol", "symbol", "Approved symbol" },
	[PREVIOUS] = { "prev_symbol", "previous_symbol", "previous_symbols", "Previous symbol", "Previous symbols" },
	[ALIAS] = { "alias_symbol", "alias_symbols", "synonyms", "Alias symbol", "Alias symbols" },
	[ENTREZ] = { "entrez_id", "pr_gene_id", "gene_id", "NCBI Gene ID", "NCBI Gene ID(supplied by NCBI)" },
	[ENSEMBL] = { "ensembl_gene_id", "ensembl_id", "Ensembl gene ID", "Ensembl ID(supplied by Ensembl)" },
	[LANDMARK] = { "pr_is_lm", "is_lm" },
	[BING] = { "pr_is_bing", "is_bing" },
	[SPACE] = { "feature_space" },
	[STATUS] = { "status", "Status" },
};

static void find_columns(const struct table *t, size_t at[N_COLUMNS])
{
	for (size_t c = 0; c < N_COLUMNS; c++) {
		at[c] = SIZE_MAX;
		for (size_t i = 0; i < 6 && called[c][i] && at[c] == SIZE_MAX; i++)
			for (size_t k = 0; k < t->n_columns; k++)
				if (!strcmp(t->head[k], called[c][i]))
					at[c] = k;
	}
}

/* Field of a column, NULL where it is missing. */
static char *value(const struct table *t, size_t row, size_t column)
{
	char *s = column == SIZE_MAX ? NULL : t->field[row * t->n_columns + column];
	return s && !lincs_missing(s) ? s : NULL;
}

static enum gene_space space_of(const struct table *t, size_t row, const size_t at[N_COLUMNS])
{
	const char *space = value(t, row, at[SPACE]), *landmark = value(t, row, at[LANDMARK]), *bing = value(t, row, at[BING]);
	if (space)
		return !strcasecmp(space, "landmark") ? GENE_LANDMARK : !strcasecmp(space, "best inferred") ? GENE_BEST_INFERRED
		     : !strcasecmp(space, "inferred") ? GENE_INFERRED : GENE_SPACE_UNKNOWN;
	if (landmark && !strcmp(landmark, "1"))
		return GENE_LANDMARK;
	return bing && !strcmp(bing, "1") ? GENE_BEST_INFERRED : landmark || bing ? GENE_INFERRED : GENE_SPACE_UNKNOWN;
}

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* Names with | (or, as HGNC's own page writes them, a comma and a space) between them. */
static void add_list(struct gene_ledger *l, uint32_t gene, enum gene_how how, const char *names)
{
	const char *separator = strchr(names, '|') ? "|" : ",";
	char *list = mem_text(names), *rest = NULL;
	for (char *name = strtok_r(list, separator, &rest); name; name = strtok_r(NULL, separator, &rest)) {
		name += strspn(name, " ");
		if (*name)
			gene_ledger_name(l, gene, how, name);
	}
	mem_free(list);
}

static void add_row(struct gene_ledger *l, const struct table *t, size_t row, const size_t at[N_COLUMNS])
{
	const char *symbol = value(t, row, at[SYMBOL]), *status = value(t, row, at[STATUS]);
	const char *id[2] = { value(t, row, at[ENTREZ]), value(t, row, at[ENSEMBL]) };
	if ((status && strcasecmp(status, "Approved")) || (!symbol && !id[0] && !id[1]))
		return;
	uint32_t gene = id[0] && is_number(id[0]) ? gene_ledger_find(l, id[0], NULL) : GENE_NONE;
	if (gene >= GENE_TWO)
		gene = gene_ledger_add(l, symbol ? symbol : id[0] ? id[0] : id[1], space_of(t, row, at));
	if (symbol)
		gene_ledger_name(l, gene, GENE_BY_SYMBOL, symbol);
	for (int i = 0; i < 2; i++)
		if (id[i])
			gene_ledger_name(l, gene, is_number(id[i]) ? GENE_BY_ENTREZ : GENE_BY_ENSEMBL, id[i]);
	if (value(t, row, at[PREVIOUS]))
		add_list(l, gene, GENE_BY_PREVIOUS, value(t, row, at[PREVIOUS]));
	if (value(t, row, at[ALIAS]))
		add_list(l, gene, GENE_BY_ALIAS, value(t, row, at[ALIAS]));
}

struct gene_ledger *gene_ledger_of(const struct table *t, struct err *e)
{
	size_t at[N_COLUMNS];
	find_columns(t, at);
	if (at[SYMBOL] == SIZE_MAX) {
		table_need(t, "gene_symbol", e);
		err_context(e, "a table of genes needs a column gene_symbol, pr_gene_symbol or symbol");
		return NULL;
	}
	struct gene_ledger *l = gene_ledger_new();
	for (size_t i = 0; i < t->n_rows; i++)
		add_row(l, t, i, at);
	if (gene_ledger_n(l))
		return l;
	err_set(e, "%s names no gene", t->name);
	gene_ledger_free(l);
	return NULL;
}

struct gene_ledger *gene_ledger_read(const char *path, struct err *e)
{
	struct table *t = table_read_latin1(path, MEMORY, e);
	struct gene_ledger *l = t ? gene_ledger_of(t, e) : NULL;
	table_free(t);
	return l;
}
