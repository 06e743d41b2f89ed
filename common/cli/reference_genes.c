#include "cli/reference_genes.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/gene_info.h"
#include <string.h>

const char *const gene_space_choices[] = { "all", "landmark", "bing", NULL };

static const char *const symbol_names[] = { "gene_symbol", "pr_gene_symbol", "symbol", NULL };
static const char *const space_names[] = { "feature_space", NULL };
static const char *const landmark_names[] = { "pr_is_lm", "is_lm", NULL };
static const char *const bing_names[] = { "pr_is_bing", "is_bing", NULL };

/* Where symbol and space of a gene stand: in a table, or in columns of the genes. */
struct gene_facts {
	const struct pmx_schema *s;
	struct table *table;
	struct names *row;
	struct gene_ledger *ledger;     /* of the table, for names that its first column does not have; or NULL */
	size_t symbol, space, landmark, bing;
};

static size_t find(const struct gene_facts *f, const char *const *names)
{
	for (; *names; names++) {
		size_t k = 0;
		while (f->table && k < f->table->n_columns && strcmp(f->table->head[k], *names))
			k++;
		size_t at = f->table ? k < f->table->n_columns ? k : PMX_NO_FIELD : pmx_find(f->s, PMX_VAR, *names);
		if (at != PMX_NO_FIELD)
			return at;
	}
	return PMX_NO_FIELD;
}

static const char *fact(const struct gene_facts *f, size_t gene, size_t field, char *room)
{
	if (field == PMX_NO_FIELD)
		return NULL;
	if (!f->table) {
		const struct pmx_column *c = f->s->field[field].column;
		return pmx_column_is_missing(c, gene) ? NULL : pmx_column_text(&f->s->field[field], c, gene, room, TEXT_F64);
	}
	uint32_t row = names_find(f->row, pmx_column_name(f->s, gene));
	const char *text = row == NAMES_NONE ? NULL : f->table->field[row * f->table->n_columns + field];
	return text && !text_missing(text) && strcmp(text, "-666") ? text : NULL;
}

/* The gene of the ledger, where the first column of the table does not name it. */
static uint32_t in_ledger(const struct gene_facts *f, size_t gene)
{
	const char *name = pmx_column_name(f->s, gene);
	return f->ledger && names_find(f->row, name) == NAMES_NONE ? gene_ledger_find(f->ledger, name, NULL) : GENE_NONE;
}

static const char *symbol_of(const struct gene_facts *f, size_t gene, char *room)
{
	if (in_ledger(f, gene) >= GENE_TWO)
		return fact(f, gene, f->symbol, room);
	const char *name = pmx_column_name(f->s, gene), *spelling = gene_ledger_spelling(f->ledger, name);
	return spelling == name ? NULL : spelling;
}

static bool is_yes(const char *s)
{
	return s && (!strcmp(s, "1") || !strcmp(s, "true") || !strcmp(s, "True") || !strcmp(s, "TRUE"));
}

static bool in_space(const struct gene_facts *f, size_t gene, int space)
{
	char room[TEXT_F64];
	if (space == SPACE_ALL)
		return true;
	uint32_t known = in_ledger(f, gene);
	if (known < GENE_TWO)
		return gene_ledger_space(f->ledger, known) >= (space == SPACE_BING ? GENE_BEST_INFERRED : GENE_LANDMARK);
	const char *s = fact(f, gene, f->space, room);
	if (f->space != PMX_NO_FIELD)
		return s && (!strcmp(s, "landmark") || (space == SPACE_BING && !strcmp(s, "best inferred")));
	if (is_yes(fact(f, gene, f->landmark, room)))
		return true;
	return space == SPACE_BING && is_yes(fact(f, gene, f->bing, room));
}

static void open_facts(const struct cli *c, struct gene_facts *f, const char *gene_info)
{
	struct err e = { 0 };
	if (!gene_info)
		return;
	f->table = table_read_latin1(gene_info, c->memory, &e);
	if (!f->table)
		cli_fail(&e);
	struct err none = { 0 };
	f->ledger = gene_ledger_of(f->table, &none);
	f->row = names_new();
	for (size_t i = 0; i < f->table->n_rows; i++)
		if (names_add(f->row, f->table->field[i * f->table->n_columns], NULL) != i)
			cli_die("%s, line %llu: gene '%s' comes again", gene_info, (unsigned long long)f->table->line[i],
				f->table->field[i * f->table->n_columns]);
}

/* Symbols become names where they are known and no other gene has the same. */
static void name_genes(const struct gene_facts *f, struct reference_genes *g)
{
	char room[TEXT_F64];
	struct names *seen = names_new();
	uint32_t *times = mem_zero(g->n, sizeof *times);
	for (size_t i = 0; i < g->n; i++) {
		const char *symbol = symbol_of(f, g->column[i], room);
		times[names_add(seen, symbol ? symbol : pmx_column_name(f->s, g->column[i]), NULL)]++;
	}
	for (size_t i = 0; i < g->n; i++) {
		const char *id = pmx_column_name(f->s, g->column[i]), *symbol = symbol_of(f, g->column[i], room);
		bool named = symbol && times[names_find(seen, symbol)] == 1;
		g->name[i] = mem_text(named ? symbol : id);
		g->id[i] = mem_text(named && strcmp(symbol, id) ? id : "");
	}
	names_free(seen);
	mem_free(times);
}

struct reference_genes *reference_genes_new(const struct cli *c, const struct pmx_schema *s, const char *gene_info, int space)
{
	struct gene_facts f = { .s = s };
	open_facts(c, &f, gene_info);
	f.symbol = find(&f, symbol_names);
	f.space = find(&f, space_names);
	f.landmark = find(&f, landmark_names);
	f.bing = find(&f, bing_names);
	if (space != SPACE_ALL && f.space == PMX_NO_FIELD && f.landmark == PMX_NO_FIELD)
		cli_die("nothing says which genes are %s: give a table with feature_space, or pr_is_lm and pr_is_bing, by --gene-info",
			gene_space_choices[space]);
	struct reference_genes *g = mem_zero(1, sizeof *g);
	g->column = mem_array(s->n_columns, sizeof *g->column);
	size_t known = 0;
	for (size_t j = 0; j < s->n_columns; j++) {
		known += f.table && (names_find(f.row, pmx_column_name(s, j)) != NAMES_NONE || in_ledger(&f, j) < GENE_TWO);
		if (in_space(&f, j, space))
			g->column[g->n++] = (uint32_t)j;
	}
	if (f.table)
		cli_note(c, "%s: %zu of %zu genes of the signatures have a line among its %zu", gene_info, known, s->n_columns, f.table->n_rows);
	if (f.table && !known)
		cli_die("%s: none of its names and ids is a gene of the signatures (signatures: %s, ...; its first column: %s, ...)", gene_info,
			s->n_columns ? pmx_column_name(s, 0) : "none", f.row->n ? f.row->at[0] : "none");
	g->name = mem_array(g->n, sizeof *g->name);
	g->id = mem_array(g->n, sizeof *g->id);
	name_genes(&f, g);
	table_free(f.table);
	names_free(f.row);
	gene_ledger_free(f.ledger);
	return g;
}

void reference_genes_free(struct reference_genes *g)
{
	for (size_t i = 0; i < g->n; i++) {
		mem_free(g->name[i]);
		mem_free(g->id[i]);
	}
	mem_free(g->name);
	mem_free(g->id);
	mem_free(g->column);
	mem_free(g);
}
