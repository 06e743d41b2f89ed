#include "num/decimals.h"
#include <math.h>
#include <stdbool.h>

double decimals_round(double x, int digits)
{
	double scale = 1;
	for (int i = 0; i < digits; i++)
		scale *= 10;
	double scaled = scale * x, floor_i = floor(scaled), below = floor_i / scale, above = ceil(scaled) / scale;
	double to_above = above - x, to_below = x - below;
	bool odd = fmod(floor_i, 2) == 1;
	return to_above < to_below || (odd && to_above == to_below) ? above : below;
}
