/* Names, numbers and values of fields as text of a table with tabs. */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H
#include "cli/cli.h"

/* As a table reads it back: with a tab, a line break or a leading quote in double quotes. */
void cli_text_name(struct cli_text *t, const char *s);
/* Shortest round trip, of an f32 or of an f64. */
void cli_text_number(struct cli_text *t, double v, bool as_float);
/* Value(s) of row i of a column or matrix; NA is missing, but NaN in a matrix of floats. */
void cli_text_values(struct cli_text *t, const struct pmx_field *f, const struct pmx_column *c, size_t row);
/* Its name; NAME_1, NAME_2, ... of a matrix. */
void cli_text_heads(struct cli_text *t, const struct pmx_field *f);

#endif
