/* embed-eval - judges an embedding on held-out compounds, beside the scores of signatures */
#include "cli/cli.h"
#include "cli/evaluation.h"
#include "cli/values.h"
#include "base/mem.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_K = 32, MOST_METHODS = 16 };
static const char *const score_name[] = { "wtcs", "cosine", "pearson", "spearman", "gsea", "xsum", "zhang", "ensemble", "rges", "lamb" };
static const char *const candidate_names[] = { "held-out", "all", NULL };

static const char *reference, *pairs, *split, *layer, *ranks = "1,5,10,50", *baselines = "cosine,wtcs,ensemble";
static struct cli_list model_files, pairs_from;
static struct evaluation_options opt = { .n_genes = 150 };
static int candidates;
static long draws = 1000;
static double level = 0.95;

static const struct cli_option options[] = {
	CLI_TEXT('r', "reference", &reference, "FILE", "signatures of the drugs (needed)"),
	CLI_LIST('m', "model", &model_files, "FILE", "from embed-train (needed); repeatable: models of several seeds, judged together"),
	CLI_TEXT(0, "split", &split, "FILE", "the parts, from embed-train --split-out (needed)"),
	CLI_TEXT(0, "pairs", &pairs, "FILE", "table target, compound, label (1: reverses, 0: does not)"),
	CLI_LIST(0, "pairs-from", &pairs_from, "WAY", "or made from: same-compound, moa, drug-target, as embed-train does"),
	CLI_TEXT(0, "layer", &layer, "NAME", "layer of the input (default weights, else X)"),
	CLI_TEXT('k', "ranks", &ranks, "K,...", "where recall is read"),
	CLI_TEXT(0, "baselines", &baselines, "NAME,...", "scores of rank to compare with"),
	CLI_INT(0, "n-genes", &opt.n_genes, 1, 32767, "N", "strongest up and as many down genes, for the scores of sets"),
	CLI_CHOICE(0, "candidates", &candidates, candidate_names, "WHICH", "signatures to find a compound among"),
	CLI_INT(0, "draws", &draws, 10, 1000000, "N", "bootstrap samples"),
	CLI_REAL(0, "level", &level, 0.5, 0.999, "P", "of the intervals"),
	CLI_END
};

struct method {
	const char *name;
	double *value;                  /* queries x values */
	struct retrieval_interval *result;
};

/* Whole numbers between commas, ascending and different. */
static size_t read_ranks(uint32_t *k)
{
	char *text = mem_text(ranks), *field[MOST_K];
	size_t n = text_split(text, ',', field, MOST_K);
	int64_t value, before = 0;
	if (n > MOST_K)
		cli_misuse("--ranks takes up to %d numbers", MOST_K);
	for (size_t i = 0; i < n; i++, before = value) {
		if (!text_i64(field[i], &value) || value <= before || value > INT32_MAX)
			cli_misuse("--ranks takes whole numbers from 1 on that rise, not '%s'", field[i]);
		k[i] = (uint32_t)value;
	}
	mem_free(text);
	return n;
}

static int score_of(const char *name)
{
	for (int i = 0; i < SCORE_N_METHODS; i++)
		if (!strcmp(name, score_name[i]))
			return i;
	cli_misuse("there is no score '%s' to compare with; rank --help lists them", name);
}

/* A compound that the model was trained on is not held out. */
static void check_leaks(const struct cli *c, const struct embedding_file *m, const struct pairing *p, const struct signature_set *targets)
{
	static const char *const parts[] = { "train", "validation" };
	const char *kind = json_string_value(json_object_get(m->split, "kind"));
	if (!kind) {
		cli_note(c, "%s does not say what it was trained on: nobody knows whether the held-out compounds are new to it", m->name);
		return;
	}
	if (strcmp(kind, split_by_name[p->by]))
		cli_die("%s was split by %s, but %s by %s", m->name, kind, split, split_by_name[p->by]);
	for (int k = 0; k < 2; k++) {
		size_t i;
		json_t *item;
		json_array_foreach(json_object_get(m->split, parts[k]), i, item) {
			uint32_t at = json_is_string(item) ? names_find(p->items, json_string_value(item)) : NAMES_NONE;
			if (at != NAMES_NONE && p->part[at] == TRAINING_TEST)
				cli_die("%s '%s' is held out in %s, but %s has seen it (%s)", kind, json_string_value(item), split, m->name, parts[k]);
		}
	}
	const json_t *seen = json_object_get(m->split, "targets");
	if (p->new_target && !seen)
		cli_die("targets are held out in %s, but %s has seen all of them", split, m->name);
	for (size_t i = 0; p->new_target && i < json_array_size(seen); i++) {
		const char *name = json_string_value(json_array_get(seen, i));
		uint32_t at = name ? names_find(targets->name, name) : NAMES_NONE;
		if (at != NAMES_NONE && p->new_target[at])
			cli_die("target '%s' is held out in %s, but %s has seen it", name, split, m->name);
	}
}

/* The mean over models, query by query. */
static double *judge_models(const struct evaluation *e, struct embedding_file *const *model, size_t n)
{
	size_t size = e->n_queries * e->n_values;
	double *sum = evaluation_embedding(e, model[0]->model);
	for (size_t m = 1; m < n; m++) {
		double *value = evaluation_embedding(e, model[m]->model);
		for (size_t i = 0; i < size; i++)
			sum[i] += value[i];
		mem_free(value);
	}
	for (size_t i = 0; i < size; i++)
		sum[i] /= (double)n;
	return sum;
}

static void summarise(const struct cli *c, const struct evaluation *e, struct method *m)
{
	m->result = mem_array(e->n_values, sizeof *m->result);
	for (size_t v = 0; v < e->n_values; v++)
		m->result[v] = retrieval_bootstrap(m->value + v, e->n_values, e->unit, e->n_queries, e->retrieval.n_compounds, draws, level, c->seed);
}

static void write_method(struct cli_text *t, const struct method *m)
{
	for (size_t v = 0; v < opt.n_k + RETRIEVAL_N_METRICS - 1; v++) {
		const struct retrieval_interval *r = &m->result[v];
		const double number[] = { r->value, r->lower, r->upper };
		cli_text_print(t, "%s\t%s\t", m->name, retrieval_metric_name[v < opt.n_k ? 0 : v - opt.n_k + 1]);
		if (v < opt.n_k)
			cli_text_print(t, "%u", opt.k[v]);
		else
			cli_text_put(t, "NA");
		for (int i = 0; i < 3; i++) {
			cli_text_put(t, "\t");
			if (isnan(number[i]))
				cli_text_put(t, "NA");
			else
				cli_text_f64(t, number[i]);
		}
		cli_text_print(t, "\t%zu\n", r->n);
	}
}

/* By recall at the largest k that says something, else by the area. */
static void verdict(const struct cli *c, const struct evaluation *e, const struct method *m, size_t n)
{
	enum { FEW = 10 };
	size_t v = opt.n_k + RETRIEVAL_AUC - 1, best = 1;
	char what[40] = "AUC";
	for (size_t i = 0; i < opt.n_k; i++)
		if (opt.k[i] < e->n_candidates) {
			v = i;
			snprintf(what, sizeof what, "recall@%u", opt.k[i]);
		} else {
			cli_note(c, "recall@%u says nothing: there are only %zu candidates", opt.k[i], e->n_candidates);
		}
	if (n < 2)
		return;
	for (size_t i = 2; i < n; i++)
		if (m[i].result[v].value > m[best].result[v].value)
			best = i;
	const struct retrieval_interval *a = &m[0].result[v], *b = &m[best].result[v];
	const char *word = a->lower > b->upper ? "better than" : a->upper < b->lower ? "worse than" : "equal to";
	cli_note(c, "verdict: the embedding is %s the best baseline (%s): %s %.3f (%.3f to %.3f) against %.3f (%.3f to %.3f), %zu compounds, %zu candidates", word, m[best].name, what, a->value, a->lower, a->upper, b->value, b->lower, b->upper, a->n, e->n_candidates);
	if (a->n < FEW)
		cli_note(c, "an interval over %zu compounds says little: they stand for themselves only", a->n);
}

static int run(struct cli *c)
{
	uint32_t k[MOST_K];
	int from = pairs_from_option(&pairs_from);
	if (!model_files.n || !split || (pairs != NULL) == (from >= 0))
		cli_misuse("give --model FILE, --split FILE, and either --pairs FILE or --pairs-from WAY");
	opt.k = k;
	opt.n_k = read_ranks(k);
	opt.all_candidates = candidates == 1;
	struct embedding_file **model = mem_array(model_files.n, sizeof *model);
	for (size_t i = 0; i < model_files.n; i++) {
		model[i] = embedding_file_read(model_files.at[i]);
		if (!names_equal(model[i]->genes, model[0]->genes))
			cli_die("%s and %s are models of different genes", model[0]->name, model[i]->name);
	}
	struct signature_set *targets, *drugs;
	struct names *genes = signature_sets_read(c, &(struct signature_request){ reference, layer, from >= 0, model[0]->genes, model[0]->name, true },
						  &targets, &drugs);
	struct pairing *p = pairing_new(c, targets, drugs, pairs, from);
	pairing_split_from(p, targets, drugs, split);
	for (size_t i = 0; i < model_files.n; i++)
		check_leaks(c, model[i], p, targets);
	struct evaluation *e = evaluation_new(c, &opt, p, targets, drugs);

	char *names = mem_text(baselines), *name[MOST_METHODS];
	size_t n = *names ? text_split(names, ',', name, MOST_METHODS - 1) : 0;
	if (n > MOST_METHODS - 1)
		cli_misuse("--baselines takes up to %d names", MOST_METHODS - 1);
	struct method method[MOST_METHODS] = { { "embedding", judge_models(e, model, model_files.n), NULL } };
	for (size_t i = 0; i < n; i++)
		method[i + 1] = (struct method){ name[i], evaluation_score(e, score_of(name[i])), NULL };
	struct cli_text *out = cli_text_new(c);
	cli_text_put(out, "method\tmetric\tk\tvalue\tlower\tupper\tn\n");
	for (size_t i = 0; i <= n; i++) {
		summarise(c, e, &method[i]);
		write_method(out, &method[i]);
	}
	if (!method[0].result[opt.n_k].n)
		cli_die("no held-out compound can be told from another: there is nothing but compounds that reverse");
	cli_text_close(out);
	verdict(c, e, method, n + 1);
	for (size_t i = 0; i <= n; i++) {
		mem_free(method[i].value);
		mem_free(method[i].result);
	}
	for (size_t i = 0; i < model_files.n; i++)
		embedding_file_free(model[i]);
	mem_free(model);
	mem_free(names);
	evaluation_free(e);
	pairing_free(p);
	signature_set_free(targets);
	signature_set_free(drugs);
	names_free(genes);
	return 0;
}

static const char *const description[] = {
	"Writes a table method, metric, k, value, lower, upper, n: how well held-out compounds are found, by the embedding and by scores of "
	"signatures on the same genes, queries and candidates. On stderr it says plainly whether the embedding is better than the best of them, equal, or worse: "
	"better and worse only where the intervals do not touch, in recall at the largest k below the number of candidates.",
	"A query is a target and a held-out compound known to reverse it. It looks for the compound's signatures among the candidates; the target's "
	"other reversers, and in --pairs-from the signature that the target was made of, stand aside. A rank is 1 + the candidates with a lower score + half of those with the same.",
	"  recall    share of the compound's signatures with rank <= k\n"
	"  mrr       1 / the best of their ranks\n"
	"  auc       chance that one stands before a candidate of another compound (ties half)\n"
	"  spearman  correlation of the score's mirror image with 'this compound'",
	"n is the number of held-out compounds. A value is the mean over them of the mean over their queries, and the interval a percentile bootstrap over compounds "
	"with one set of samples for all methods. With several models (of several seeds, on one split) a query counts with its mean over them.",
	"Targets are those that the model was trained with, by other compounds, unless the split holds out some itself (embed-train --new-targets): a model that "
	"only remembers its targets can still place new compounds next to them, so the figure for targets never seen is another, and lower, one.",
	"Candidates are the held-out signatures. --candidates all adds those that the model was trained on; it has learned to keep them away from the targets that "
	"they do not reverse, so a model that merely remembers looks good there.",
	"A model that has seen a held-out compound, as the list in its file says, is refused.",
	NULL
};
static const char *const examples[] = {
	"embed-eval -r reference.pmx -m model.safetensors --pairs pairs.tsv --split split.tsv targets.pmx",
	NULL
};

const struct cli_tool tool = { .name = "embed-eval", .summary = "judges an embedding on held-out compounds", .stage = CLI_CONNECT,
	.flags = CLI_READS_STREAM | CLI_WRITES_TEXT | CLI_THREADS | CLI_DRAWS, .reads = CLI_KIND(PMX_SIGNATURES), .args = "[FILE]", .max_args = 1,
	.options = options, .description = description, .examples = examples, .run = run };
