/* pca-merge - principal components from the sums of shards */
#include "cli/cli.h"
#include "cli/pca_files.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static long n_comps = 50;
static double tolerance = 1e-8;

static const struct cli_option options[] = {
	CLI_INT('n', "n-comps", &n_comps, 1, 10000, "N", "components"),
	CLI_REAL(0, "tolerance", &tolerance, 1e-14, 1e-2, "R", "largest residual, with more than 1024 genes",
		 "||Ax - lambda x|| relative to the largest eigenvalue. With fewer genes the matrix is diagonalised"),
	CLI_END
};

struct part {
	struct pmx_reader *in;
	struct pca_sums *sums;
};

static int by_digest(const void *a, const void *b)
{
	return strcmp(((const struct part *)a)->sums->digest, ((const struct part *)b)->sums->digest);
}

/* Controls of a splitting stand in its shard 1; without one of the shards something is missing. */
static void check_shards(const struct part *part, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct pca_sums *s = part[i].sums;
		for (long k = 1; s->split && k <= s->shards; k++) {
			size_t found = 0;
			for (size_t j = 0; j < n; j++)
				found += part[j].sums->split && !strcmp(part[j].sums->split, s->split) && part[j].sums->shard == k;
			if (found != 1)
				cli_die("%s is shard %ld of %ld of a pmx-split, and shard %ld of it is %s; give each shard once", pmx_reader_name(part[i].in), s->shard,
					s->shards, k, found ? "there more than once" : "not there");
		}
	}
}

/* The sums in an order of their own, whatever that of the arguments is. */
static struct part *open_all(const struct cli *c, size_t *n)
{
	size_t n_stdin = 0;
	*n = (size_t)c->n_args;
	struct part *part = mem_array(*n, sizeof *part);
	for (size_t i = 0; i < *n; i++)
		n_stdin += !strcmp(c->args[i], "-");
	if (n_stdin > 1)
		cli_misuse("standard input (-) can be read once only");
	for (size_t i = 0; i < *n; i++) {
		part[i].in = cli_open_kind(c, c->args[i], CLI_KIND(PMX_SUMS));
		part[i].sums = pca_sums_read(part[i].in);
		char *differs = i ? pca_basis_differs(&part[0].sums->basis, &part[i].sums->basis) : NULL;
		if (differs)
			cli_die("%s and %s cannot be merged: %s", pmx_reader_name(part[0].in), pmx_reader_name(part[i].in), differs);
	}
	check_shards(part, *n);
	qsort(part, *n, sizeof *part, by_digest);
	for (size_t i = 1; i < *n; i++)
		if (!by_digest(&part[i - 1], &part[i]))
			cli_die("%s and %s are sums of the same cells; give each once", pmx_reader_name(part[i - 1].in), pmx_reader_name(part[i].in));
	return part;
}

static void solve(const struct cli *c, struct pca *p, struct comoments *m)
{
	pca_check_components(c, p, (size_t)n_comps);
	struct pca_effort effort = { tolerance, 0, c->memory, c->threads };
	pca_solve_products(p, m, (size_t)n_comps, &effort);
	pca_check_converged(c, p);
}

static int run(struct cli *c)
{
	size_t n_parts;
	struct part *part = open_all(c, &n_parts);
	const struct pca_basis *basis = &part[0].sums->basis;
	size_t n = basis->genes->n, need = pca_products_bytes(n, (size_t)n_comps);
	if (need > c->memory)
		cli_die("the products of %zu genes need %zu MiB; give --memory %zuM, or fewer genes (pca-sums --genes)", n, (need >> 20) + 1, (need >> 20) + 1);
	struct comoments *m = comoments_new(n);
	for (size_t i = 0; i < n_parts; i++) {
		cli_detail(c, "%s: %zu cells", pmx_reader_name(part[i].in), part[i].sums->cells);
		pca_sums_join(part[i].in, part[i].sums, m);
	}
	struct pca *p = pca_new(n, basis->sd != NULL, 0);
	double *variance = mem_array(n, sizeof *variance);
	for (size_t g = 0; g < n; g++) {
		variance[g] = m->product[g * n + g] / (double)(m->rows - 1);
		p->inverse_sd[g] = basis->sd && basis->sd[g] > 0 ? 1 / basis->sd[g] : 0;
		if (!isfinite(m->mean[g]) || (m->rows > 1 && !isfinite(variance[g])))
			cli_die("gene %s has sums that are not finite", basis->genes->at[g]);
	}
	pca_find_varying(p, m);
	solve(c, p, m);
	struct pmx_reader **in = mem_array(n_parts, sizeof *in);
	for (size_t i = 0; i < n_parts; i++)
		in[i] = part[i].in;
	pca_components_write(c, in, n_parts, basis, p, m->mean, variance);
	for (size_t i = 0; i < n_parts; i++) {
		pca_sums_free(part[i].sums);
		pmx_close(in[i]);
	}
	pca_free(p);
	comoments_free(m);
	mem_free(variance);
	mem_free(part);
	mem_free(in);
	return 0;
}

static const char *const description[] = {
	"Joins the sums that pca-sums made of the cells of several shards and finds the principal components of all of them: those of pca, to rounding. The result "
	"does not depend on the order of the files: they are joined in the order of the digests that they carry.",
	"Genes that differ, values normalised otherwise, sums that are given twice, and shards of pmx-split of which some are missing are refused.",
	"The components are signatures: rows by genes, so that they can be viewed, exported, or ranked as such. pca --components FILE projects cells on them, also "
	"those of another screen. Deviations for a second round come from here, too: pca-sums --scale-by.",
	"With G genes 8 G^2 bytes are held: 32 MB for 2,000 genes, 512 MB for 8,000.",
	NULL
};
static const struct cli_output outputs[] = {
	{ "loadings", "layer: a row for each component, of length 1, the largest loading positive" },
	{ "variance", "row column: variance of the component; and of each gene, with its mean" },
	{ NULL, NULL }
};
static const char *const examples[] = {
	"pca-merge --n-comps 15 sums.pmx -o components.pmx",
	"pmx-select --rows 1-200 normalised.pmx | pca-sums -o a.pmx && pmx-select --rows 201- normalised.pmx | pca-sums -o b.pmx && pca-merge -n 15 a.pmx b.pmx -o pcs.pmx",
	NULL
};
static const char *const sources[] = {
	"Chan, Golub and LeVeque (1983), The American Statistician 37:242.",
	NULL
};

const struct cli_tool tool = { .name = "pca-merge", .summary = "principal components from the sums of shards", .stage = CLI_PREPARE,
	.flags = CLI_READS_STREAM | CLI_WRITES_STREAM | CLI_THREADS | CLI_HOLDS_DATA, .reads = CLI_KIND(PMX_SUMS), .writes = "signatures",
	.args = "FILE...", .min_args = 1, .max_args = -1, .options = options, .description = description, .outputs = outputs,
	.examples = examples, .sources = sources, .run = run };
