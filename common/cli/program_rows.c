#include "cli/program_rows.h"
#include "cli/gene_names.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/table.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct row {
	uint32_t program, split, target;        /* codes; split PMX_MISSING_CODE where the stream has none */
	const char *split_name, *target_name;
	bool counts;                    /* its weight is not 0 */
	double *z;                      /* of all columns */
};

struct program_reader {
	struct pmx_schema *s;
	bool has_splits;
	struct row *row;
	size_t n_rows, cap;
	uint32_t *program;              /* codes of those that have rows */
	size_t n_programs;
	uint32_t *by_name;              /* columns */
	struct program_rows taken;
};

static const struct pmx_column *column(struct pmx_block *b, const struct pmx_schema *s, size_t f)
{
	struct err e = { 0 };
	const struct pmx_column *c = pmx_block_column(b, s, f, &e);
	if (!c)
		cli_fail(&e);
	return c;
}

static size_t optional(const struct pmx_schema *s, const char *name, enum pmx_type type)
{
	size_t f = pmx_find(s, PMX_OBS, name);
	return f != PMX_NO_FIELD && s->field[f].type == type ? f : PMX_NO_FIELD;
}

static void read_block(struct program_reader *r, struct pmx_block *b, size_t program, size_t target, size_t split, size_t weight, size_t z)
{
	const struct pmx_schema *s = r->s;
	for (size_t i = 0; i < b->n_rows; i++) {
		struct row row = { .program = column(b, s, program)->u32[i], .split = PMX_MISSING_CODE, .split_name = "", .target_name = "NA",
				   .counts = true };
		if (row.program == PMX_MISSING_CODE)
			continue;
		row.target = column(b, s, target)->u32[i];
		if (row.target != PMX_MISSING_CODE)
			row.target_name = s->field[target].values->at[row.target];
		if (split != PMX_NO_FIELD)
			row.split = column(b, s, split)->u32[i];
		if (row.split != PMX_MISSING_CODE)
			row.split_name = s->field[split].values->at[row.split];
		if (weight != PMX_NO_FIELD)
			row.counts = column(b, s, weight)->f64[i] != 0;
		row.z = mem_array(s->n_columns, sizeof *row.z);
		memcpy(row.z, column(b, s, z)->f64 + i * s->n_columns, s->n_columns * sizeof *row.z);
		mem_room(&r->row, &r->cap, r->n_rows + 1, sizeof *r->row);
		r->row[r->n_rows++] = row;
	}
}

static int by_split(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;
	int split = strcmp(a->split_name, b->split_name);
	return split ? split : strcmp(a->target_name, b->target_name);
}

static void order_columns(struct program_reader *r)
{
	struct names *genes = gene_names_unique(r->s);
	uint32_t *rank = names_ranks(genes);
	r->by_name = mem_array(genes->n, sizeof *r->by_name);
	for (uint32_t g = 0; g < genes->n; g++)
		r->by_name[rank[g]] = g;
	mem_free(rank);
	names_free(genes);
}

struct program_reader *program_rows_read(struct pmx_reader *in)
{
	struct err e = { 0 };
	struct program_reader *r = mem_zero(1, sizeof *r);
	const struct pmx_schema *s = r->s = pmx_schema_copy(pmx_reader_schema(in));
	size_t program = optional(s, "program", PMX_CATEGORY), z = pmx_find(s, PMX_LAYER, "z");
	if (program == PMX_NO_FIELD || z == PMX_NO_FIELD || s->field[z].type != PMX_F64 || s->field[z].storage != PMX_DENSE)
		cli_die("the contrasts have no programs: decompose writes the column 'program' and the layer 'z'");
	size_t target = pmx_need_category(s, "target", &e), split = optional(s, "split", PMX_CATEGORY), weight = optional(s, "weight", PMX_F64);
	if (e.set)
		cli_fail(&e);
	r->has_splits = split != PMX_NO_FIELD && s->field[split].values->n > 1;
	order_columns(r);
	pmx_want(in, z);
	for (struct pmx_block *b; (b = cli_next(in)); pmx_block_free(b))
		read_block(r, b, program, target, split, weight, z);
	if (r->n_rows)
		qsort(r->row, r->n_rows, sizeof *r->row, by_split);
	size_t n = s->field[program].values->n;
	bool *in_use = mem_zero(n, sizeof *in_use);
	r->program = mem_array(n, sizeof *r->program);
	for (size_t i = 0; i < r->n_rows; i++)
		in_use[r->row[i].program] = true;
	for (uint32_t p = 0; p < n; p++)
		if (in_use[p])
			r->program[r->n_programs++] = p;
	mem_free(in_use);
	return r;
}

size_t program_rows_count(const struct program_reader *r)
{
	return r->n_programs;
}

static void forget(struct program_rows *t)
{
	mem_free(t->members);
	mem_free(t->gene);
	mem_free(t->z);
	*t = (struct program_rows){ 0 };
}

const struct program_rows *program_rows_take(struct program_reader *r, size_t i)
{
	struct program_rows *t = &r->taken;
	struct row **member = mem_array(r->n_rows, sizeof *member);
	forget(t);
	t->name = r->s->field[optional(r->s, "program", PMX_CATEGORY)].values->at[r->program[i]];
	t->members = mem_text("");
	for (size_t k = 0; k < r->n_rows; k++) {
		struct row *row = &r->row[k];
		if (row->program != r->program[i] || !row->counts)
			continue;
		member[t->n++] = row;
		char *longer = mem_print("%s%s%s%s%s", t->members, *t->members ? ", " : "", row->target_name, r->has_splits ? "|" : "",
					 r->has_splits ? row->split_name : "");
		mem_free(t->members);
		t->members = longer;
	}
	t->gene = mem_array(r->s->n_columns, sizeof *t->gene);
	for (size_t g = 0; g < r->s->n_columns; g++) {
		bool all = t->n > 0;
		for (size_t k = 0; k < t->n; k++)
			all = all && !isnan(member[k]->z[r->by_name[g]]);
		if (all)
			t->gene[t->n_genes++] = r->by_name[g];
	}
	t->z = mem_array(t->n * t->n_genes, sizeof *t->z);
	for (size_t k = 0; k < t->n; k++)
		for (size_t g = 0; g < t->n_genes; g++)
			t->z[k * t->n_genes + g] = member[k]->z[t->gene[g]];
	mem_free(member);
	return t;
}

void program_rows_free(struct program_reader *r)
{
	for (size_t i = 0; i < r->n_rows; i++)
		mem_free(r->row[i].z);
	forget(&r->taken);
	mem_free(r->row);
	mem_free(r->program);
	mem_free(r->by_name);
	pmx_schema_free(r->s);
	mem_free(r);
}

struct permutations {
	struct table *t;
	size_t first;                   /* column with the iteration: after `program`, where there is one */
};

struct permutations *permutations_read(const char *path)
{
	struct err e = { 0 };
	if (!path)
		return NULL;
	struct permutations *p = mem_zero(1, sizeof *p);
	p->t = table_read(path, (uint64_t)1 << 32, &e);
	if (!p->t)
		cli_fail(&e);
	p->first = !strcmp(p->t->head[0], "program");
	if (p->t->n_columns < p->first + 3)
		cli_die("%s: iteration, row and a column of places for each member are wanted", path);
	return p;
}

static int64_t whole(const struct permutations *p, size_t line, size_t k, int64_t most)
{
	const char *text = p->t->field[line * p->t->n_columns + k];
	int64_t v = 0;
	if (!text_i64(text, &v) || v < 1 || v > most)
		cli_die("%s, line %llu: '%.40s' is not from 1 to %lld", p->t->name, (unsigned long long)p->t->line[line], text, (long long)most);
	return v;
}

/* Every place once in each column, or the matrix would not be a permuted one. */
static void check(const struct permutations *p, const char *program, const uint32_t *order, size_t n_columns, size_t n_rows)
{
	uint8_t *seen = mem_array(n_rows, sizeof *seen);
	for (size_t c = 0; c < n_columns; c++) {
		memset(seen, 0, n_rows);
		for (size_t i = 0; i < n_rows; i++) {
			uint32_t at = order[c * n_rows + i];
			if (at >= n_rows || seen[at]++)
				cli_die("%s: of program %s, %zu genes are kept, and they are not permuted by each column of each iteration", p->t->name, program,
					n_rows);
		}
	}
	mem_free(seen);
}

uint32_t *permutations_of(const struct permutations *p, const char *program, size_t n, size_t n_rows, long *iterations)
{
	const struct table *t = p->t;
	size_t first = p->first + 2;
	int64_t most = 0;
	if (t->n_columns < first + n)
		cli_die("%s: program %s has %zu members, but there are %zu columns of places", t->name, program, n, t->n_columns - first);
	for (size_t i = 0; i < t->n_rows; i++)
		if (!p->first || !strcmp(t->field[i * t->n_columns], program)) {
			int64_t it = whole(p, i, p->first, (int64_t)t->n_rows);
			most = it > most ? it : most;
		}
	if (!most)
		cli_die("%s has no permutation of program %s", t->name, program);
	uint32_t *order = mem_array((size_t)most * n * n_rows, sizeof *order);
	memset(order, 0xff, (size_t)most * n * n_rows * sizeof *order);
	for (size_t i = 0; i < t->n_rows; i++) {
		if (p->first && strcmp(t->field[i * t->n_columns], program))
			continue;
		size_t it = (size_t)whole(p, i, p->first, most) - 1, row = (size_t)whole(p, i, p->first + 1, (int64_t)n_rows) - 1;
		for (size_t k = 0; k < n; k++)
			order[(it * n + k) * n_rows + row] = (uint32_t)whole(p, i, first + k, (int64_t)n_rows) - 1;
	}
	check(p, program, order, (size_t)most * n, n_rows);
	*iterations = (long)most;
	return order;
}

void permutations_free(struct permutations *p)
{
	if (p)
		table_free(p->t);
	mem_free(p);
}
