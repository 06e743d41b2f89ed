/*
 * Fuzzing: tests/fuzz/fuzz_NAME.c defines LLVMFuzzerTestOneInput; its corpus is tests/fuzz/corpus/NAME, and words
 * that its inputs are made of may stand in tests/fuzz/NAME.dict. `make fuzz FUZZ=1` (SECONDS=600, FUZZERS="pmx h5")
 * links it with libFuzzer and runs it; any other build links it with replay.c, which runs the files that it is given.
 *
 * One more format that pmx-import reads needs nothing but seeds in corpus/text or corpus/h5. A reader of its own:
 *
 *	#include "fuzz.h"
 *	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
 *	{
 *		struct err e = { 0 };
 *		weights_free(weights_read(fuzz_path(data, size), &e));
 *		fuzz_end();
 *		return 0;
 *	}
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "formats/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as a file without a name: a path that opens it, until fuzz_end. */
const char *fuzz_path(const uint8_t *data, size_t size);
/* The same as a descriptor, which the caller closes. */
int fuzz_fd(const uint8_t *data, size_t size);
/* Closes the files of this input. */
void fuzz_end(void);

/* Reads every value of a stream in every way there is; takes the descriptor. -1 when the reader refused it. */
int fuzz_stream(int fd, struct err *e);
/* Imports the file into a stream; what is imported must be a stream that our reader accepts. */
void fuzz_import(const char *path, const struct import_options *o);

#endif
