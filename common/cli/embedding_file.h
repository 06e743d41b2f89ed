/* A shared embedding in a file: safetensors, with gene names, standardisation, options and provenance among its metadata. */
#ifndef CLI_EMBEDDING_FILE_H
#define CLI_EMBEDDING_FILE_H
#include "base/names.h"
#include "cli/cli.h"
#include "connect/embedding.h"
#include "formats/safetensors.h"

struct embedding_file {
	char *name;
	struct embedding *model;
	struct names *genes;
	json_t *split;                  /* kind, train, validation: what it was trained on; NULL where the file does not say */
};

/* Refused where it is no such model or was cut off; failures end the process. */
struct embedding_file *embedding_file_read(const char *path);
void embedding_file_free(struct embedding_file *f);

/* The tensors of a parameter array under PREFIX.state.norm.weight, ...; prefix "" for the model itself. */
void embedding_tensors(struct safetensors *s, const struct net_shape *shape, const float *parameter, const char *prefix);
/* Into `parameter`, of this shape. */
int embedding_from_tensors(const struct safetensors *s, const struct net_shape *shape, float *parameter, const char *prefix, struct err *e);
/* Where a model comes from: what its targets and drugs were read from (signature_set.origin), and the table of pairs or NULL. */
struct embedding_origin {
	uint64_t targets, reference;
	const char *pairs;
};
/* Gene names, standardisation, options and provenance as metadata. */
void embedding_notes(const struct cli *c, struct safetensors *s, const struct names *genes, double temperature, const struct embedding_origin *o);
/* The gene names of a file, NULL on failure. */
struct names *embedding_genes(const struct safetensors *s, struct err *e);

#endif
