/* Classes of compounds against rankings: a line for every target and class. Failures end the process. */
#ifndef CLI_CLASS_TESTS_H
#define CLI_CLASS_TESTS_H
#include "cli/rankings.h"

struct class_tests_options {
	int method;                     /* enum class_method */
	long top, permutations, min_size;
	double weight, persistence;
};

/* Status 1 when nothing was tested. */
void class_tests(const struct cli *c, const struct class_tests_options *o, const struct rankings *r);

#endif
