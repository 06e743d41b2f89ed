#include "cli/program_out.h"
#include "base/mem.h"
#include "cli/values.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const reason_name[MEMBER_N_REASONS] = { NULL, "not_tested", "no_de_genes", "few_de_genes", "constant", "few_genes",
	"few_targets", "one_split", "alone", "no_program" };

struct member *members_new(const struct effect_rows *r)
{
	static const enum member_reason of_state[] = { MEMBER_NOWHERE, MEMBER_NOT_TESTED, MEMBER_NO_GENES, MEMBER_FEW_GENES, MEMBER_CONSTANT,
		MEMBER_FEW_ROWS };
	struct member *m = mem_array(r->n_rows, sizeof *m);
	for (size_t k = 0; k < r->n_rows; k++)
		m[k] = (struct member){ of_state[r->row[k].state], UINT32_MAX, { NAN, NAN }, false };
	return m;
}

/* Rows without a program by reason; nothing sought at all is no result. */
static void report(const struct cli *c, const struct effect_rows *r, const struct names *programs, const struct member *m)
{
	size_t count[MEMBER_N_REASONS] = { 0 };
	char text[300] = "";
	for (size_t k = 0; k < r->n_rows; k++)
		count[m[k].reason]++;
	for (int i = 1; i < MEMBER_N_REASONS; i++) {
		size_t n = strlen(text);
		if (count[i])
			snprintf(text + n, sizeof text - n, "%s%s %zu", n ? ", " : "", reason_name[i], count[i]);
	}
	if (!(count[MEMBER] + count[MEMBER_ALONE] + count[MEMBER_NOWHERE]))
		cli_die("no programs could be sought among %zu contrasts%s%s; --pval-cutoff, --logfc-threshold and --min-de-genes say which count",
			r->n_rows, *text ? ": " : "", text);
	if (count[MEMBER] < r->n_rows)
		cli_note(c, "%zu programs hold %zu of %zu contrasts; the others: %s", programs->n, count[MEMBER], r->n_rows, text);
}

static void put_line(struct cli_text *t, const struct effect_rows *r, const struct names *programs, size_t k, const struct member *m,
		     const struct program_columns *columns)
{
	const struct effect_row *row = &r->row[k];
	cli_text_name(t, m->program == UINT32_MAX ? "NA" : programs->at[m->program]);
	cli_text_put(t, "\t");
	cli_text_name(t, row->split == UINT32_MAX ? "NA" : r->splits->at[row->split]);
	cli_text_put(t, "\t");
	cli_text_name(t, row->target == UINT32_MAX ? "NA" : r->targets->at[row->target]);
	for (int i = 0; i < 2 && columns->number[i]; i++) {
		cli_text_put(t, "\t");
		if (isnan(m->number[i]))
			cli_text_put(t, "NA");
		else
			cli_text_f64(t, m->number[i]);
	}
	if (columns->prototype)
		cli_text_put(t, m->reason != MEMBER ? "\tNA" : m->prototype ? "\ttrue" : "\tfalse");
	cli_text_print(t, "\t%s\n", m->reason ? reason_name[m->reason] : "NA");
}

/* Members program by program, in the order of the stream; then the rows in none. */
static void put_table(const struct cli *c, const struct effect_rows *r, const struct names *programs, const struct member *m,
		      const struct program_columns *columns)
{
	struct cli_text *t = cli_text_new(c);
	cli_text_put(t, "program\tsplit\ttarget");
	for (int i = 0; i < 2 && columns->number[i]; i++)
		cli_text_print(t, "\t%s", columns->number[i]);
	cli_text_print(t, "%s\treason\n", columns->prototype ? "\tprototype" : "");
	for (size_t p = 0; p <= programs->n; p++)
		for (size_t k = 0; k < r->n_rows; k++)
			if (m[k].program == (p < programs->n ? p : UINT32_MAX))
				put_line(t, r, programs, k, &m[k], columns);
	cli_text_close(t);
}

static size_t add(struct pmx_schema *s, const char *name, enum pmx_type type)
{
	if (pmx_find(s, PMX_OBS, name) != PMX_NO_FIELD)
		cli_die("the contrasts have a column '%s' already: were they decomposed before? pmx-select --drop-columns takes it out", name);
	pmx_add_obs(s, name, type);
	return s->n_fields - 1;
}

/* New fields of the rows, in the order in which they are written. */
struct fields {
	size_t program, reason, number[2], prototype, z;
};

static struct pmx_schema *describe(const struct pmx_schema *in, const struct names *programs, const struct program_columns *columns,
				   struct fields *f)
{
	struct pmx_schema *s = pmx_schema_copy(in);
	f->program = add(s, "program", PMX_CATEGORY);
	names_free(s->field[f->program].values);
	s->field[f->program].values = names_copy(programs);
	f->reason = add(s, "program_reason", PMX_CATEGORY);
	for (int i = 1; i < MEMBER_N_REASONS; i++)
		names_add(s->field[f->reason].values, reason_name[i], NULL);
	for (int i = 0; i < 2 && columns->number[i]; i++)
		f->number[i] = add(s, columns->number[i], PMX_F64);
	if (columns->prototype)
		f->prototype = add(s, "prototype", PMX_BOOL);
	if (pmx_find(s, PMX_LAYER, "z") != PMX_NO_FIELD)
		cli_die("the contrasts have a layer 'z' already; pmx-select --drop-layer z takes it out");
	pmx_add_layer(s, "z", PMX_F64, PMX_DENSE);
	f->z = s->n_fields - 1;
	return s;
}

static void must(int status, const struct err *e)
{
	if (status)
		cli_fail(e);
}

static void put_row(struct pmx_pass *pass, const struct program_columns *columns, const struct fields *f, const struct member *m,
		    const double *z)
{
	struct err e = { 0 };
	uint32_t reason = m->reason ? (uint32_t)m->reason - 1 : PMX_MISSING_CODE;
	uint8_t prototype = m->reason ? PMX_MISSING_BOOL : m->prototype;
	must(pmx_pass_values(pass, f->program, &m->program, 1, &e), &e);
	must(pmx_pass_values(pass, f->reason, &reason, 1, &e), &e);
	for (int i = 0; i < 2 && columns->number[i]; i++)
		must(pmx_pass_values(pass, f->number[i], &m->number[i], 1, &e), &e);
	if (columns->prototype)
		must(pmx_pass_values(pass, f->prototype, &prototype, 1, &e), &e);
	must(pmx_pass_values(pass, f->z, z, 1, &e), &e);
}

static void put_stream(const struct cli *c, struct cli_again *again, const struct effect_rows *r, const struct names *programs,
		       const struct member *m, const struct program_columns *columns)
{
	struct err e = { 0 };
	struct pmx_reader *in = cli_again_open(again);
	struct fields f = { 0 };
	struct pmx_schema *s = describe(pmx_reader_schema(in), programs, columns, &f);
	struct pmx_writer *out = cli_output(c, s, in);
	struct pmx_pass *pass = pmx_pass_new(out);
	pmx_pass_adds(pass, f.program);
	pmx_pass_adds(pass, f.reason);
	for (int i = 0; i < 2 && columns->number[i]; i++)
		pmx_pass_adds(pass, f.number[i]);
	if (columns->prototype)
		pmx_pass_adds(pass, f.prototype);
	pmx_pass_adds(pass, f.z);
	const double **column = mem_zero(r->n_rows, sizeof *column);
	for (size_t i = 0; i < r->splits->n; i++)
		for (size_t k = 0; k < r->matrix[i].n; k++)
			column[r->matrix[i].row[k]] = r->matrix[i].z + k * r->n_genes;
	double *z = mem_array(s->n_columns, sizeof *z);
	size_t row = 0;
	for (struct pmx_block *b; (b = cli_next(in)); ) {
		size_t n = b->n_rows;
		pmx_pass_block(pass, b);
		for (size_t i = 0; i < n; i++, row++) {
			for (size_t g = 0; g < s->n_columns; g++)
				z[g] = NAN;
			for (size_t g = 0; column[row] && g < r->n_genes; g++)
				z[r->gene[g]] = column[row][g];
			put_row(pass, columns, &f, &m[row], z);
		}
	}
	must(pmx_pass_close(pass, &e), &e);
	cli_finish(out, in);
	pmx_schema_free(s);
	mem_free(column);
	mem_free(z);
}

void program_out(const struct cli *c, struct cli_again *in, const struct effect_rows *r, const struct names *programs,
		 const struct member *member, const struct program_columns *columns, bool tsv)
{
	report(c, r, programs, member);
	if (tsv)
		put_table(c, r, programs, member, columns);
	else
		put_stream(c, in, r, programs, member, columns);
}
