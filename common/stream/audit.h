/*
 * What the reader does not check while it reads: that the ingredients of
 * recipes fit together over the whole stream, that the trailer's groups are
 * those of the rows, that names are unique. A failure is one that makes values
 * wrong or impossible; the rest are notes.
 */
#ifndef STREAM_AUDIT_H
#define STREAM_AUDIT_H
#include "stream/reader.h"

struct pmx_audit;

/* For a reader at its first row; every stored field is decoded from now on. NULL on failure. */
struct pmx_audit *pmx_audit_new(struct pmx_reader *r, struct err *e);
int pmx_audit_block(struct pmx_audit *a, struct pmx_block *b, struct err *e);
/* After the last block. */
int pmx_audit_end(struct pmx_audit *a, struct err *e);
/* Note i, or NULL after the last one; known after pmx_audit_end. */
const char *pmx_audit_note(const struct pmx_audit *a, size_t i);
void pmx_audit_free(struct pmx_audit *a);

#endif
