/*
 * What is wrong with a configuration: collected while it is read, printed
 * together in the order of the files, so that one run shows everything.
 */
#ifndef LOOPKEEPER_CONF_FAULT_H
#define LOOPKEEPER_CONF_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct source;

/* A line of a file; line 0 is the file as a whole. source NULL: nowhere. */
struct place {
	const struct source *source;
	unsigned line;
};

struct faults {
	struct fault *list; /* owned */
	size_t n;
	size_t room;
	bool no_memory; /* at least one couldn't be kept */
};

/* Adds one; the text is what comes after "FILE:LINE: ". */
void fault_add(struct faults *f, struct place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether anything was added. */
bool fault_any(const struct faults *f);

/* Prints each once, sorted by file and line. out may be NULL. */
void fault_print(struct faults *f, FILE *out);

void fault_free(struct faults *f);

#endif
