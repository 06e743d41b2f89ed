/*
 * What a workflow comes to once its values are known: steps in an order in
 * which they can run, each a pipe of tools with their arguments as they will
 * be given. No shell ever reads a value.
 */
#ifndef FLOW_PLAN_H
#define FLOW_PLAN_H
#include <jansson.h>
#include <stdint.h>
#include "flow/spec.h"

/* A word of a command, quotes taken off; braces still name values. */
enum flow_sign { FLOW_WORD, FLOW_PIPE, FLOW_FROM, FLOW_TO };
struct flow_token {
	enum flow_sign is;
	char *text;
	size_t at;                      /* byte of the command */
};

struct flow_word {
	char *text;
	size_t at;
	bool by_value;                  /* begins with a value: not an option, whatever it looks like */
	bool absent;                    /* names a value that has none */
};

/* What is known of a stream before it is there. */
struct flow_stream {
	const char *kind;               /* "cells", ..., "text"; NULL: not known */
	struct names *columns;          /* row columns; NULL: not known */
	struct names **labels;          /* of each column, or NULL */
};

struct flow_stage {
	char *tool;
	size_t at;
	struct flow_word *word;         /* the arguments */
	size_t n_words;
	const json_t *declared;
	char *output;                   /* of -o, or NULL */
	const char *prefix;             /* of several streams like the input, or NULL */
	const char *input;              /* the stream that it reads: a file, or NULL: the pipe */
	size_t input_at;
	bool as_text;                   /* --tsv of a tool that else writes a stream */
};

struct flow_step {
	const struct flow_rule *rule;
	char *name;
	struct flow_stage *stage;
	size_t n_stages;
	char *from, *to;                /* of < and >, or NULL */
	size_t from_at, to_at;
	struct names *outputs;          /* relative to the folder of results, as all files that steps make */
	struct names *made;             /* outputs of other steps that it reads */
	struct names *outside;          /* absolute paths of files and folders that it reads */
	struct flow_stream *leaves;     /* of each output */
	bool *written;                  /* is each output named in the command? */
	uint64_t memory;                /* that its tools may take together, bytes */
};

struct flow_plan {
	struct flow_spec *spec;
	char *folder;                   /* of the tools */
	struct names *tools;
	json_t **declaration;           /* of each tool; NULL until asked for */
	struct flow_step *step;
	size_t n_steps, step_cap;
	size_t *order;                  /* steps, each after those that it reads from */
};

/* Words of a command; faults where it is more than pipes, quotes and redirections. false on a fault. */
bool flow_lex(struct flow_spec *s, const struct flow_scalar *run, struct flow_token **token, size_t *n);
/* Values put in the place of {name}; a word with {1..n} becomes several. Counted in *n. */
struct flow_word *flow_expand(struct flow_spec *s, const struct flow_scalar *t, const struct flow_token *token, const char *index_name,
			      long index, size_t *n);
/* "shard in 1..n" */
bool flow_each(struct flow_spec *s, const struct flow_scalar *each, char **name, long *from, long *to);

/* Everything that can be known before a process starts; faults are in the spec. */
struct flow_plan *flow_plan(struct flow_spec *s);
void flow_plan_free(struct flow_plan *p);
/* Options and files of a stage. */
void flow_check_stage(struct flow_plan *p, struct flow_step *step, size_t stage);
/* Kinds and columns, in the order of the plan. */
void flow_check_streams(struct flow_plan *p, struct flow_step *step);
/* The step that makes the file, or NULL. */
struct flow_step *flow_maker(const struct flow_plan *p, const char *file);
struct flow_mark flow_at(const struct flow_plan *p, const struct flow_step *step, size_t byte);

/* The command of a step as a line of shell, to be run in the folder of results. */
char *flow_command(const struct flow_plan *p, const struct flow_step *step, bool whole);
/* 16 hex digits that change with the command and the versions of its tools. */
void flow_digest(const struct flow_plan *p, const struct flow_step *step, char out[17]);

#endif
