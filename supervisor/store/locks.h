/* Locks on files, asked by whoever is about to change them: claims.h takes
 * them and gives them back. */
#ifndef LOOPKEEPER_STORE_LOCKS_H
#define LOOPKEEPER_STORE_LOCKS_H

#include "store/store.h"

/* A path, and the lock that forbids it. Texts live until found() returns, are
 * never NULL and "" where nothing is set. */
struct locks_conflict {
	const char *path;      /* of those that were asked about */
	const char *pattern;   /* what is locked */
	const char *loop_id;   /* who holds it, */
	const char *test_id;   /* and for what */
	const char *locked_at; /* as it is stored */
};

/*
 * Calls found for each of the paths (NULL-ended) that a lock of anybody but
 * loop_id may mean, once for a path; with NULL for each of these locks, path
 * being its pattern. A lock that has expired counts only
 * while the attempt it belongs to goes on. found must not use the store.
 * Returns how many there are, or -1 with errno of store.h.
 */
int locks_of_others(struct store *s, const char *loop_id, char *const *paths,
    void (*found)(const struct locks_conflict *conflict, void *argument),
    void *argument);

#endif
