/*
 * A workflow as it is written: a YAML file with inputs, parameters, and steps
 * whose commands are the pipes that people type. What is wrong with it is
 * collected with line and column, so that one look shows all of it.
 */
#ifndef FLOW_SPEC_H
#define FLOW_SPEC_H
#include <stdbool.h>
#include <stddef.h>
#include "base/names.h"

/* Line and column from 1. */
struct flow_mark {
	size_t line, column;
};

/* What lives as long as the workflow; freed in one go. */
struct flow_pool;
struct flow_pool *flow_pool_new(void);
void flow_pool_free(struct flow_pool *p);
char *flow_text(struct flow_pool *p, const char *s);
char *flow_textn(struct flow_pool *p, const char *s, size_t n);
char *flow_print(struct flow_pool *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void *flow_zero(struct flow_pool *p, size_t n, size_t size);
/* Takes what mem_array gave, or a set of names. */
void *flow_keep(struct flow_pool *p, void *memory);
struct names *flow_names(struct flow_pool *p);
/* Room for one element more in *array of n elements. */
void flow_room(struct flow_pool *p, void *array, size_t *cap, size_t n, size_t size);

enum flow_type { FLOW_TEXT, FLOW_INT, FLOW_REAL, FLOW_SIZE, FLOW_CHOICE, FLOW_PATH, FLOW_N_TYPES };

/* An input (a file or folder from outside) or a parameter. */
struct flow_value {
	char *name, *help;
	struct flow_mark at, value_at;
	enum flow_type type;            /* FLOW_PATH: an input */
	bool required, bounded_below, bounded_above;
	double min, max;
	struct names *choices;
	char *value;                    /* NULL: none */
	bool used;
};

/* A scalar of the spec. */
struct flow_scalar {
	char *s;
	struct flow_mark at;
	size_t from, to;                /* its bytes in the file */
	bool literal;                   /* written as a block (| or >) */
};

struct flow_rule {
	char *name;
	struct flow_mark at;
	struct flow_scalar run;
	struct flow_scalar *output;
	size_t n_outputs;
	struct flow_scalar each;        /* "shard in 1..N"; s is NULL: the step stands once */
	long threads, runtime;          /* cores asked for; minutes */
};

struct flow_fault {
	struct flow_mark at;
	char *text;
};

struct flow_spec {
	const char *path;
	char *bytes;
	size_t n_bytes;
	char *name, *about;
	struct flow_value *value;
	size_t n_values, value_cap;
	struct flow_rule *rule;
	size_t n_rules, rule_cap;
	struct flow_fault *fault;
	size_t n_faults, fault_cap;
	struct flow_pool *pool;
};

/* `set` holds n texts name=value. Faults are in the result, which is never NULL; paths become absolute. */
struct flow_spec *flow_read(const char *path, const char *const *set, size_t n);
void flow_free(struct flow_spec *s);
void flow_fault(struct flow_spec *s, struct flow_mark at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Faults in the order of their lines. */
void flow_sort_faults(struct flow_spec *s);
struct flow_value *flow_find(const struct flow_spec *s, const char *name);
/* Where byte i of the scalar stands in the file. */
struct flow_mark flow_place(const struct flow_spec *s, const struct flow_scalar *t, size_t i);
/* "; did you mean 'X'?" where a name of the set is near, else "". */
const char *flow_hint(struct flow_spec *s, const char *wrong, const struct names *names);
/* Is `text` such a value? Else why not, in the pool. */
const char *flow_refuses(struct flow_spec *s, const struct flow_value *v, const char *text);

#endif
