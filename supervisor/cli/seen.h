/*
 * Which ids have been met lately: an event is first in the spool and then in
 * the database, and is to be shown once. Remembers at least the last
 * SEEN_SIZE of them, in constant memory.
 */
#ifndef LOOPKEEPER_CLI_SEEN_H
#define LOOPKEEPER_CLI_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_SIZE 16384

struct seen {
	uint64_t *slots[2]; /* hashes: what is filled now, what was before */
	size_t n;	    /* in slots[0] */
};

/* Returns 0, or -1 with ENOMEM. */
int seen_init(struct seen *s);
void seen_finish(struct seen *s);

/* Remembers id. Returns whether it was known. */
bool seen_add(struct seen *s, const char *id);

#endif
