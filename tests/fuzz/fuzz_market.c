/* Matrix Market with its names: three files, with a NUL between them. */
#include "fuzz.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct import_options o = IMPORT_DEFAULTS;
	const char *path[3];
	o.memory = 16 << 20;
	for (int i = 0; i < 3; i++) {
		const uint8_t *end = i < 2 && size ? memchr(data, 0, size) : NULL;
		size_t n = end ? (size_t)(end - data) : size;
		path[i] = fuzz_path(data, n);
		data += n + (end != NULL);
		size -= n + (end != NULL);
	}
	o.features = path[1];
	o.barcodes = path[2];
	fuzz_import(path[0], &o);
	o.make_unique = true;
	o.values = IMPORT_FLOAT;
	fuzz_import(path[0], &o);
	fuzz_end();
	return 0;
}
