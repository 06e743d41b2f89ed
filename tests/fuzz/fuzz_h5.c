/* h5ad, h5mu and 10x h5, dense and sparse, through pmx-import's readers. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct import_options o = IMPORT_DEFAULTS;
	o.memory = 16 << 20;
	fuzz_import(fuzz_path(data, size), &o);
	fuzz_end();
	return 0;
}
