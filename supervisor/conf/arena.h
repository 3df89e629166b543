/*
 * Memory that is given back all at once: what a load makes lives as long as
 * its result, or as long as the load.
 */
#ifndef LOOPKEEPER_CONF_ARENA_H
#define LOOPKEEPER_CONF_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_chunk *chunks; /* NULL: empty */
};

/* size bytes, zeroed and aligned for anything, or NULL with ENOMEM. */
void *arena_alloc(struct arena *a, size_t size);

/* A copy of text, or NULL with ENOMEM. */
char *arena_copy(struct arena *a, const char *text);

/* Gives everything back; a is empty then. */
void arena_free(struct arena *a);

#endif
