/* Gene sets (GMT, tables, lists), sides of signed sets, and tables of weights. */
#include "fuzz.h"
#include "formats/sets.h"
#include "formats/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_path(data, size);
	struct err list = { 0 }, table = { 0 }, both = { 0 }, up = { 0 }, weights = { 0 };
	sets_free(sets_read(path, false, "all", NULL, &list));
	sets_free(sets_read(path, true, NULL, NULL, &table));
	signed_sets_free(signed_sets_read(path, path, "all", NULL, &both));
	signed_sets_free(signed_sets_read(path, NULL, NULL, NULL, &up));
	weights_free(weights_read(path, &weights));
	fuzz_end();
	return 0;
}
