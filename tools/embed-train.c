/* embed-train - trains the shared embedding of cell states and drugs */
#include "cli/cli.h"
#include "cli/pairing.h"
#include "cli/training_file.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const loss_name[] = { "ntxent", "triplet", NULL };

static struct training_options opt = TRAINING_DEFAULTS;
static const char *reference, *pairs, *layer, *split_in, *split_out, *metrics, *checkpoint;
static struct cli_list pairs_from;
static int split_by = SPLIT_COMPOUND;
static double test_share = 0.25, validation_share = 0.15, new_targets;
static bool resume, mirrored = true;

static const struct cli_option options[] = {
	CLI_TEXT('r', "reference", &reference, "FILE", "signatures of the drugs (needed)"),
	CLI_TEXT(0, "pairs", &pairs, "FILE", "table target, compound, label (1: reverses, 0: does not)"),
	CLI_LIST(0, "pairs-from", &pairs_from, "WAY", "or made from: same-compound, moa, drug-target",
		 "The rows of the input (by default those of the reference) are then signatures of perturbations, and their mirror images the states: reversed by "
		 "the same compound measured otherwise, by compounds that share a moa, or by compounds whose target is the gene that the row perturbs (its "
		 "compound column, or its name)"),
	CLI_TEXT(0, "layer", &layer, "NAME", "layer of the input (default weights, else X)"),
	CLI_CHOICE(0, "split-by", &split_by, split_by_name, "WHAT", "what is held out"),
	CLI_REAL(0, "test", &test_share, 0, 0.9, "SHARE", "held out, for embed-eval"),
	CLI_REAL(0, "validation", &validation_share, 0, 0.9, "SHARE", "held out to stop the training in time"),
	CLI_REAL(0, "new-targets", &new_targets, 0, 0.9, "SHARE", "of the targets held out too: embed-eval then judges by these alone"),
	CLI_TEXT(0, "split", &split_in, "FILE", "take the parts from a table item, kind, part instead"),
	CLI_TEXT(0, "split-out", &split_out, "FILE", "write that table"),
	CLI_CHOICE(0, "loss", &opt.loss, loss_name, "LOSS", "what is trained for"),
	CLI_INT(0, "hidden", &opt.hidden, 1, 65536, "N", "width of the hidden layer"),
	CLI_INT(0, "width", &opt.width, 1, 65536, "N", "width of the embedding"),
	CLI_REAL(0, "temperature", &opt.temperature, 0.01, 100, "T", "of ntxent"),
	CLI_REAL(0, "margin", &opt.margin, 0, 2, "M", "of triplet"),
	CLI_INT('b', "batch-size", &opt.batch, 2, 8192, "N", "pairs a step"),
	CLI_INT(0, "epochs", &opt.epochs, 1, 1000000, "N", "at most"),
	CLI_INT(0, "patience", &opt.patience, 0, 1000000, "N", "stop after so many epochs without a better validation; 0: never"),
	CLI_REAL(0, "learning-rate", &opt.rate, 0, 1e30, "R", "of AdamW"),
	CLI_INT(0, "warmup", &opt.warmup, 0, 1000000, "N", "steps in which the learning rate grows to that"),
	CLI_REAL(0, "weight-decay", &opt.decay, 0, 100, "R", "of AdamW"),
	CLI_REAL(0, "clip", &opt.clip, 0, 1e30, "L", "longest gradient; 0: any"),
	CLI_REAL(0, "dropout", &opt.dropout, 0, 0.99, "SHARE", "of the hidden layer"),
	CLI_REAL(0, "gene-dropout", &opt.thinning, 0, 0.99, "SHARE", "of the genes of a row, while training"),
	CLI_SWITCH(0, "mirrored", &mirrored, "both towers begin alike, so that mirror images begin close"),
	CLI_TEXT(0, "metrics", &metrics, "FILE", "write loss and validation of each epoch"),
	CLI_TEXT(0, "checkpoint", &checkpoint, "FILE", "keep the state of the training there"),
	CLI_FLAG(0, "resume", &resume, "go on from the checkpoint where there is one"),
	CLI_END
};

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void train(struct training_run *r)
{
	struct cli_progress *bar = cli_progress_new(r->c, "epochs", (uint64_t)opt.epochs);
	struct training_state *s = training_state(r->training);
	double saved = seconds();
	while (!training_done(r->training)) {
		struct training_epoch now;
		char extra[100];
		if (!training_epoch(r->training, &now)) {
			cli_progress_end(bar);
			if (checkpoint)
				training_file_save(r, checkpoint);
			if (metrics)
				training_file_metrics(r, metrics);
			cli_die("the loss is no longer finite in epoch %ld: lower --learning-rate (%g); %s%s", s->epoch + 1, opt.rate,
				checkpoint ? "the state before it is in " : "no model is written", checkpoint ? checkpoint : "");
		}
		mem_room(&r->history, &r->cap, r->n_history + 1, sizeof *r->history);
		r->history[r->n_history++] = now;
		if (checkpoint && seconds() - saved > 1) {
			training_file_save(r, checkpoint);
			saved = seconds();
		}
		snprintf(extra, sizeof extra, "loss %.4f, validation %.4f (best %.4f)", now.loss, now.validation, s->best_validation);
		cli_progress_at(bar, (uint64_t)s->epoch, extra);
	}
	cli_progress_end(bar);
	if (checkpoint)
		training_file_save(r, checkpoint);
}

static void check_options(const struct cli *c, int from)
{
	if ((pairs != NULL) == (from >= 0))
		cli_misuse("give either --pairs FILE or --pairs-from WAY");
	if (resume && !checkpoint)
		cli_misuse("--resume needs --checkpoint FILE");
	if (!strcmp(c->output, "-") && split_out && !strcmp(split_out, "-"))
		cli_misuse("model and split cannot both go to standard output");
	if (test_share + validation_share > 0.95)
		cli_misuse("--test and --validation leave nothing to train on");
}

static int run(struct cli *c)
{
	int from = pairs_from_option(&pairs_from);
	check_options(c, from);
	struct signature_set *targets, *drugs;
	struct names *genes = signature_sets_read(c, &(struct signature_request){ .reference = reference, .layer = layer, .mirrored = from >= 0 }, &targets, &drugs);
	struct pairing *p = pairing_new(c, targets, drugs, pairs, from);
	if (split_in)
		pairing_split_from(p, targets, drugs, split_in);
	else
		pairing_split(c, p, targets, drugs, (enum split_by)split_by, test_share, validation_share, new_targets, c->seed);
	if (split_out)
		pairing_split_write(p, targets, split_out);

	struct training_data data = pairing_data(p, targets, drugs);
	opt.seed = c->seed;
	opt.mirrored = mirrored;
	struct training_run r = { .c = c, .o = &opt, .data = &data, .shape = { genes->n, (size_t)opt.hidden, (size_t)opt.width }, .genes = genes };
	r.training = training_new(&opt, &data, c->threads);
	size_t n_train = training_pairs(r.training, TRAINING_TRAIN), n_validation = training_pairs(r.training, TRAINING_VALIDATION);
	if (training_alone(r.training))
		cli_die("the training pairs name one %s only: nothing tells compounds apart", opt.loss == TRAINING_TRIPLET ? "side" : "target or compound");
	if (!n_validation)
		cli_note(c, "no pair is left for validation: all %ld epochs are run and the last one is taken", opt.epochs);
	if (checkpoint && resume && !training_file_resume(&r, checkpoint))
		cli_note(c, "there is no %s yet: the training begins", checkpoint);
	train(&r);

	training_file_model(&r, &(struct embedding_origin){ targets->origin, drugs->origin, pairs }, p, targets);
	if (metrics)
		training_file_metrics(&r, metrics);
	const struct training_state *s = training_state(r.training);
	cli_note(c, "%zu training pairs, %zu for validation; epoch %ld of %ld is the best, validation AUC %.4f", n_train, n_validation, s->best_epoch,
		 s->epoch, s->best_validation);
	training_free(r.training);
	mem_free(r.history);
	pairing_free(p);
	signature_set_free(targets);
	signature_set_free(drugs);
	names_free(genes);
	return 0;
}

static const char *const description[] = {
	"Trains two towers that place states of cells and signatures of drugs in one space, so that drugs lie close to the states that they reverse. A "
	"tower is LayerNorm, a linear layer, GELU, dropout, a linear layer, unit norm. The model is a safetensors file; embed, embed-eval and rank use it.",
	"  similarity(state, drug) = <state tower(state), drug tower(-drug)>",
	"is what is trained and what is scored. A row is standardised over the genes that it measured; the others are 0 then. ntxent finds "
	"each target's compound among those of the batch and each compound's target; pairs that share target or compound, or that are known to belong together, are "
	"no negatives of each other. triplet wants the compound closer than one that does not reverse, by --margin, through both towers. A pair takes one "
	"of the compound's signatures anew in each epoch.",
	"The compounds (or cell lines) are split by name and --seed into those trained on, those that decide when to stop, and those held out for embed-eval; a "
	"compound stands in one part with all its lines, doses and times. Validation is the area under the ROC curve of finding a validation compound among the "
	"validation compounds. The best epoch is kept.",
	"What is drawn at random depends on --seed and the place alone: any number of threads, and a run that was killed and went on with --resume, gives the same bytes on "
	"one kind of CPU.",
	"What differs from scPerturb-CMap: genes are named in the model; the loss is symmetric and has no false negatives; the triplet trains the drug tower; the "
	"trained form is the scored one; batches are drawn without replacement; compounds are held out, not targets.",
	NULL
};
static const char *const examples[] = {
	"embed-train -r reference.pmx --pairs pairs.tsv --split-out split.tsv targets.pmx -o model.safetensors",
	"embed-train -r reference.pmx --pairs-from moa --epochs 5 -o moa.safetensors",
	NULL
};
static const char *const sources[] = {
	"NT-Xent: Chen et al. (2020), ICML; AdamW: Loshchilov and Hutter (2019), ICLR; LayerNorm: Ba et al. (2016); scPerturb-CMap 0.2.0.",
	NULL
};

const struct cli_tool tool = { .name = "embed-train", .summary = "trains the shared embedding of cell states and drugs", .stage = CLI_CONNECT,
	.flags = CLI_READS_STREAM | CLI_WRITES_TEXT | CLI_THREADS | CLI_DRAWS, .reads = CLI_KIND(PMX_SIGNATURES), .args = "[FILE]", .max_args = 1, .options = options,
	.description = description, .examples = examples, .sources = sources, .run = run };
