#include "cli/pairing.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/values.h"
#include "formats/table.h"
#include "num/random.h"
#include <string.h>

const char *const pairs_from_name[] = { "same-compound", "moa", "drug-target", NULL };
const char *const split_by_name[] = { "compound", "cell_line", NULL };
static const char *const part_name[] = { "train", "validation", "test" };

int pairs_from_option(const struct cli_list *l)
{
	for (int i = 0; l->n && pairs_from_name[i]; i++)
		if (l->n == 1 && !strcmp(l->at[0], pairs_from_name[i]))
			return i;
	if (l->n)
		cli_misuse("--pairs-from is same-compound, moa or drug-target, once; not '%s'", l->at[l->n - 1]);
	return -1;
}

static int8_t *label_at(const struct pairing *p, size_t target, size_t compound)
{
	return &p->label[target * p->n_compounds + compound];
}

static void read_pairs(struct pairing *p, const struct signature_set *targets, const struct signature_set *drugs, const char *path)
{
	struct err e = { 0 };
	struct table *t = table_read(path, UINT64_MAX, &e);
	if (!t)
		cli_fail(&e);
	size_t target = table_need(t, "target", &e), compound = target == SIZE_MAX ? SIZE_MAX : table_need(t, "compound", &e);
	if (compound == SIZE_MAX)
		cli_fail(&e);
	size_t label = 0;
	while (label < t->n_columns && strcmp(t->head[label], "label"))
		label++;
	for (size_t i = 0; i < t->n_rows; i++) {
		char **field = t->field + i * t->n_columns;
		unsigned long long line = t->line[i];
		uint32_t k = names_find(targets->name, field[target]), c = names_find(drugs->compound.values, field[compound]);
		int64_t value = 1;
		if (k == NAMES_NONE)
			cli_die("%s, line %llu: there is no target '%s' in %s", path, line, field[target], targets->stream);
		if (c == NAMES_NONE)
			cli_die("%s, line %llu: there is no compound '%s' in %s", path, line, field[compound], drugs->stream);
		if (label < t->n_columns && (!text_i64(field[label], &value) || (value != 0 && value != 1)))
			cli_die("%s, line %llu: the label is '%s', not 0 or 1", path, line, field[label]);
		int8_t *at = label_at(p, k, c);
		if (*at >= 0 && *at != (int8_t)value)
			cli_die("%s, line %llu: '%s' with '%s' has both labels", path, line, field[target], field[compound]);
		*at = (int8_t)value;
	}
	table_free(t);
}

static const char *label_text(const struct row_labels *l, size_t row)
{
	return !l->values || l->code[row] == UINT32_MAX ? NULL : l->values->at[l->code[row]];
}

/* The words of a label, between | and commas, without blanks around them; calls `use` for each. */
typedef void use_word(void *context, const char *word, size_t row);
static void each_word(const char *label, size_t row, use_word *use, void *context)
{
	char *text = mem_text(label), *rest = text;
	for (char *word; (word = strsep(&rest, "|,")); ) {
		while (*word == ' ')
			word++;
		size_t n = strlen(word);
		while (n && word[n - 1] == ' ')
			word[--n] = 0;
		if (n && !text_missing(word))
			use(context, word, row);
	}
	mem_free(text);
}

/* For each word the compounds that have it. */
struct word_list {
	struct names *words;
	struct {
		uint32_t *compound;
		size_t n, cap;
	} *at;
	size_t cap;
	const struct signature_set *drugs;
	struct pairing *p;
};

static void learn_word(void *context, const char *word, size_t row)
{
	struct word_list *w = context;
	bool is_new;
	uint32_t k = names_add(w->words, word, &is_new), compound = w->drugs->compound.code[row];
	if (is_new) {
		mem_room(&w->at, &w->cap, w->words->n, sizeof *w->at);
		memset(&w->at[k], 0, sizeof *w->at);
	}
	if (compound == UINT32_MAX || (w->at[k].n && w->at[k].compound[w->at[k].n - 1] == compound))
		return;
	mem_room(&w->at[k].compound, &w->at[k].cap, w->at[k].n + 1, sizeof *w->at[k].compound);
	w->at[k].compound[w->at[k].n++] = compound;
}

static void pair_word(void *context, const char *word, size_t target)
{
	struct word_list *w = context;
	uint32_t k = names_find(w->words, word);
	for (size_t i = 0; k != NAMES_NONE && i < w->at[k].n; i++)
		*label_at(w->p, target, w->at[k].compound[i]) = 1;
}

static void need_labels(const struct signature_set *s, const struct row_labels *l, const char *name)
{
	if (!l->values)
		cli_die("%s has no row column %s, which the pairs are made from", s->stream, name);
}

static void make_pairs(struct pairing *p, const struct signature_set *targets, const struct signature_set *drugs, int from)
{
	struct word_list w = { .words = names_new(), .drugs = drugs, .p = p };
	const struct row_labels *said = from == PAIRS_MOA ? &drugs->moa : &drugs->target;
	if (from == PAIRS_SAME_COMPOUND)
		need_labels(targets, &targets->compound, "compound");
	else
		need_labels(drugs, said, from == PAIRS_MOA ? "moa" : "target");
	if (from == PAIRS_MOA)
		need_labels(targets, &targets->moa, "moa");
	for (size_t i = 0; from != PAIRS_SAME_COMPOUND && i < drugs->n; i++)
		if (label_text(said, i))
			each_word(label_text(said, i), i, learn_word, &w);
	for (size_t k = 0; k < targets->n; k++) {
		const char *compound = label_text(&targets->compound, k), *moa = label_text(&targets->moa, k);
		if (from == PAIRS_MOA && moa)
			each_word(moa, k, pair_word, &w);
		else if (from == PAIRS_DRUG_TARGET)
			pair_word(&w, compound ? compound : targets->name->at[k], k);
		else if (from == PAIRS_SAME_COMPOUND && compound && names_find(drugs->compound.values, compound) != NAMES_NONE)
			*label_at(p, k, names_find(drugs->compound.values, compound)) = 1;
	}
	for (size_t k = 0; k < w.words->n; k++)
		mem_free(w.at[k].compound);
	mem_free(w.at);
	names_free(w.words);
}

struct pairing *pairing_new(const struct cli *c, const struct signature_set *targets, const struct signature_set *drugs, const char *pairs, int from)
{
	if (!drugs->compound.values)
		cli_die("%s has no row column compound", drugs->stream);
	struct pairing *p = mem_zero(1, sizeof *p);
	p->n_compounds = drugs->compound.values->n;
	p->label = mem_array(targets->n * p->n_compounds, 1);
	memset(p->label, -1, targets->n * p->n_compounds);
	p->self = mem_array(targets->n, sizeof *p->self);
	if (pairs)
		read_pairs(p, targets, drugs, pairs);
	else
		make_pairs(p, targets, drugs, from);
	size_t without = 0;
	for (size_t k = 0; k < targets->n; k++) {
		size_t n = 0;
		uint32_t same = names_find(drugs->name, targets->name->at[k]);
		p->self[k] = from >= 0 && same != NAMES_NONE ? same : TRAINING_NO_SIGNATURE;
		for (size_t i = 0; i < p->n_compounds; i++) {
			if (targets->reason[k] != EMBEDDING_DONE)
				*label_at(p, k, i) = -1;
			n += *label_at(p, k, i) == 1;
		}
		without += targets->reason[k] == EMBEDDING_DONE && !n;
		p->n_positive += n;
	}
	if (!p->n_positive)
		cli_die("no pair says that a compound reverses a target: there is nothing to learn from");
	if (without)
		cli_note(c, "%zu of %zu targets have no compound that reverses them and have no part", without, targets->n_embedded);
	return p;
}

void pairing_free(struct pairing *p)
{
	if (!p)
		return;
	mem_free(p->label);
	mem_free(p->self);
	names_free(p->items);
	mem_free(p->part);
	mem_free(p->target_part);
	mem_free(p->drug_part);
	mem_free(p->new_target);
	mem_free(p);
}

static const struct row_labels *split_labels(const struct pairing *p, const struct signature_set *s)
{
	return p->by == SPLIT_COMPOUND ? &s->compound : &s->cell_line;
}

static void begin_split(struct pairing *p, const struct signature_set *drugs, enum split_by by)
{
	p->by = by;
	const struct row_labels *labels = split_labels(p, drugs);
	if (!labels->values)
		cli_die("%s has no row column %s to split by", drugs->stream, split_by_name[by]);
	p->items = names_copy(labels->values);
	p->part = mem_array(p->items->n, 1);
}

/* Parts of items -> parts of rows. A target made of a held-out compound or line is held out too. */
static void apply_split(struct pairing *p, const struct signature_set *targets, const struct signature_set *drugs)
{
	const struct row_labels *of_target = split_labels(p, targets), *of_drug = split_labels(p, drugs);
	p->target_part = mem_zero(targets->n, 1);
	p->drug_part = mem_array(drugs->n, 1);
	for (size_t k = 0; k < targets->n; k++) {
		const char *item = label_text(of_target, k);
		uint32_t at = item ? names_find(p->items, item) : NAMES_NONE;
		if (at != NAMES_NONE)
			p->target_part[k] = p->part[at];
		if (p->new_target && p->new_target[k])
			p->target_part[k] = TRAINING_TEST;
	}
	for (size_t i = 0; i < drugs->n; i++)
		p->drug_part[i] = drugs->reason[i] != EMBEDDING_DONE || drugs->compound.code[i] == UINT32_MAX || of_drug->code[i] == UINT32_MAX
			? PAIRING_NO_PART : p->part[of_drug->code[i]];
}

static size_t share_of(size_t n, double share)
{
	size_t k = (size_t)((double)n * share + 0.5);
	return share > 0 && !k && n > 2 ? 1 : k;
}

static void draw_targets(const struct cli *c, struct pairing *p, const struct signature_set *targets, double share, uint64_t seed)
{
	size_t n = targets->n, m = 0;
	uint32_t *rank = names_ranks(targets->name), *sorted = mem_array(n, sizeof *sorted), *list = mem_array(n, sizeof *list);
	for (uint32_t k = 0; k < n; k++)
		sorted[rank[k]] = k;
	for (size_t i = 0; i < n; i++)
		if (memchr(label_at(p, sorted[i], 0), 1, p->n_compounds))
			list[m++] = sorted[i];
	p->new_target = mem_zero(n, sizeof *p->new_target);
	size_t n_new = share_of(m, share);
	for (size_t i = 0; i < n_new; i++)
		p->new_target[list[random_permuted(seed + 2, i, m)]] = true;
	cli_note(c, "targets: %zu held out, %zu not", n_new, m - n_new);
	mem_free(rank);
	mem_free(sorted);
	mem_free(list);
}

void pairing_split(const struct cli *c, struct pairing *p, const struct signature_set *targets, const struct signature_set *drugs, enum split_by by,
		   double test, double validation, double new_targets, uint64_t seed)
{
	begin_split(p, drugs, by);
	if (new_targets > 0)
		draw_targets(c, p, targets, new_targets, seed);
	size_t n = p->items->n, count[3] = { 0 };
	bool *positive = mem_zero(n, sizeof *positive);
	uint32_t *list = mem_array(n, sizeof *list);
	for (size_t i = 0; i < drugs->n; i++) {
		uint32_t item = split_labels(p, drugs)->code[i];
		for (size_t k = 0; item != UINT32_MAX && drugs->compound.code[i] != UINT32_MAX && !positive[item] && k < targets->n; k++)
			positive[item] = *label_at(p, k, drugs->compound.code[i]) == 1;
	}
	/* By name, so that the order of the rows does not matter. */
	uint32_t *rank = names_ranks(p->items), *sorted = mem_array(n, sizeof *sorted);
	for (uint32_t i = 0; i < n; i++)
		sorted[rank[i]] = i;
	for (int group = 0; group < 2; group++) {
		size_t m = 0;
		for (size_t i = 0; i < n; i++)
			if (positive[sorted[i]] == !group)
				list[m++] = sorted[i];
		size_t n_test = share_of(m, test), n_validation = share_of(m, validation);
		for (size_t i = 0; i < m; i++) {
			uint8_t part = i < n_test ? TRAINING_TEST : i < n_test + n_validation ? TRAINING_VALIDATION : TRAINING_TRAIN;
			p->part[list[random_permuted(seed + (uint64_t)group, i, m)]] = part;
			count[part]++;
		}
	}
	cli_note(c, "%s: %zu to train on, %zu for validation, %zu held out", by == SPLIT_COMPOUND ? "compounds" : "cell lines", count[0], count[1], count[2]);
	mem_free(positive);
	mem_free(list);
	mem_free(rank);
	mem_free(sorted);
	apply_split(p, targets, drugs);
}

static int find_word(const char *word, const char *const *list, int n)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(word, list[i]))
			return i;
	return -1;
}

void pairing_split_from(struct pairing *p, const struct signature_set *targets, const struct signature_set *drugs, const char *path)
{
	struct err e = { 0 };
	struct table *t = table_read(path, UINT64_MAX, &e);
	if (!t)
		cli_fail(&e);
	size_t item = table_need(t, "item", &e), kind = e.set ? 0 : table_need(t, "kind", &e), part = e.set ? 0 : table_need(t, "part", &e);
	if (e.set)
		cli_fail(&e);
	int by = -1;
	for (size_t i = 0; i < t->n_rows && by < 0; i++)
		by = find_word(t->field[i * t->n_columns + kind], split_by_name, 2);
	if (by < 0)
		cli_die("%s: no item is of the kind compound or cell_line", path);
	begin_split(p, drugs, (enum split_by)by);
	memset(p->part, PAIRING_NO_PART, p->items->n);
	for (size_t i = 0; i < t->n_rows; i++) {
		char **field = t->field + i * t->n_columns;
		unsigned long long line = t->line[i];
		bool is_target = !strcmp(field[kind], "target");
		int value = find_word(field[part], part_name, 3);
		if (!is_target && strcmp(field[kind], split_by_name[by]))
			cli_die("%s, line %llu: the kind is '%s', but '%s' before", path, line, field[kind], split_by_name[by]);
		if (value < 0 || (is_target && value == TRAINING_VALIDATION))
			cli_die("%s, line %llu: the part is '%s', not train%s or test", path, line, field[part], is_target ? "" : ", validation");
		uint32_t at = names_find(is_target ? targets->name : p->items, field[item]);
		if (at == NAMES_NONE)
			cli_die("%s, line %llu: there is no %s '%s' in %s", path, line, field[kind], field[item], is_target ? targets->stream : drugs->stream);
		if (is_target) {
			if (!p->new_target)
				p->new_target = mem_zero(targets->n, sizeof *p->new_target);
			p->new_target[at] |= value == TRAINING_TEST;
			continue;
		}
		if (p->part[at] != PAIRING_NO_PART && p->part[at] != value)
			cli_die("%s, line %llu: %s '%s' stands in two parts", path, line, split_by_name[by], field[item]);
		p->part[at] = (uint8_t)value;
	}
	for (size_t i = 0; i < p->items->n; i++)
		if (p->part[i] == PAIRING_NO_PART)
			cli_die("%s does not say which part %s '%s' of %s belongs to", path, split_by_name[by], p->items->at[i], drugs->stream);
	table_free(t);
	apply_split(p, targets, drugs);
}

static void write_part(struct cli_text *t, const char *item, const char *kind, const char *part)
{
	cli_text_name(t, item);
	cli_text_print(t, "\t%s\t%s\n", kind, part);
}

void pairing_split_write(const struct pairing *p, const struct signature_set *targets, const char *path)
{
	struct cli_text *t = cli_text_at(path);
	cli_text_put(t, "item\tkind\tpart\n");
	for (size_t i = 0; i < p->items->n; i++)
		write_part(t, p->items->at[i], split_by_name[p->by], part_name[p->part[i]]);
	for (size_t k = 0; p->new_target && k < targets->n; k++)
		write_part(t, targets->name->at[k], "target", part_name[p->new_target[k] ? TRAINING_TEST : TRAINING_TRAIN]);
	cli_text_close(t);
}

struct training_data pairing_data(const struct pairing *p, const struct signature_set *targets, const struct signature_set *drugs)
{
	return (struct training_data){ targets->n, drugs->n, p->n_compounds, drugs->d, targets->row, drugs->row, drugs->compound.code,
		p->target_part, p->drug_part, p->self, p->label };
}
