/*
 * Failures caused by the user's data or the system: a flag and a text that
 * travel up in a struct err. Only cli/ prints them and ends the process; our
 * own bugs are assert()s.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H
#include <stdbool.h>

struct err {
	bool set;
	char text[1500];
};

/* Keeps the first failure only; returns -1 so that callers can `return err_set(...)`. */
int err_set(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As err_set, followed by the system's reason for `errno`. */
int err_system(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "<text>: " in front of a failure already set. Returns -1. */
int err_context(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
