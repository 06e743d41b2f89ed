/*
 * x rounded to `digits` decimals as R 4 does it: of the two decimals below and above, the one that is nearer in
 * double; an exact tie goes to the even one. x >= 0.
 */
#ifndef NUM_DECIMALS_H
#define NUM_DECIMALS_H

double decimals_round(double x, int digits);

#endif
