/* What a training run leaves behind: its model, its checkpoint, its metrics. */
#ifndef CLI_TRAINING_FILE_H
#define CLI_TRAINING_FILE_H
#include "cli/embedding_file.h"
#include "cli/pairing.h"
#include "connect/training.h"

struct training_run {
	const struct cli *c;
	const struct training_options *o;
	const struct training_data *data;
	struct net_shape shape;
	const struct names *genes;
	struct training *training;
	struct training_epoch *history; /* of every epoch done */
	size_t n_history, cap;
};

/*
 * Everything needed to go on to the same bytes. A checkpoint of other data or options (but for the number of epochs
 * and the patience) is refused. False where there is no such file.
 */
void training_file_save(const struct training_run *r, const char *path);
bool training_file_resume(struct training_run *r, const char *path);
/* The best parameters as a model; what it was trained and validated on goes along. */
void training_file_model(const struct training_run *r, const struct embedding_origin *origin, const struct pairing *p, const struct signature_set *targets);
/* epoch loss gradient_norm validation_auc */
void training_file_metrics(const struct training_run *r, const char *path);

#endif
