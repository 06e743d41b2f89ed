/*
 * Contrasts of a whole screen: target by target against its controls, in one pass and in the memory of the
 * controls and a batch of targets; or each target against all other cells, gene range by gene range.
 */
#ifndef CLI_CONTRAST_SCAN_H
#define CLI_CONTRAST_SCAN_H
#include "cli/contrasts.h"
#include "cli/screen.h"

struct contrast_scan {
	const struct screen_options *screen;
	const struct markers_options *test;
	const struct contrast_options *out;
	bool by_guide;
	bool whole;                     /* against all cells, the target's own among them */
};

void contrast_scan_controls(const struct cli *c, const struct contrast_scan *scan, json_t *notes);
void contrast_scan_rest(const struct cli *c, const struct contrast_scan *scan, json_t *notes);

#endif
