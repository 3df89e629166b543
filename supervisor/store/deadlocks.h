/*
 * Circles of those who wait for each other's locks. One of each is made to let
 * go: the loop of the lowest priority (what isn't a loop ranks below them all),
 * of several the one whose attempt is the youngest. The others go on.
 */
#ifndef LOOPKEEPER_STORE_DEADLOCKS_H
#define LOOPKEEPER_STORE_DEADLOCKS_H

#include "store/store.h"

/* Texts live until each() returns. */
struct deadlock {
	/* "loop-1 -(src/a.c)-> loop-2 -(src/b.c)-> loop-1": loop-1 waits for
	 * src/a.c, which loop-2 has locked, ... */
	const char *cycle;
	const char *victim;
	const char *test_id; /* what the victim is at; "" without an attempt */
	const char *since;   /* the last of them waits, ISO; "" nobody knows */
};

/* Calls each() for every circle there is, one after the other as if the victims
 * of the earlier ones had let go. Returns 0, what each() returned when that
 * wasn't 0, or -1 with errno of store.h. */
int deadlocks_each(struct store *s,
    int (*each)(const struct deadlock *deadlock, void *argument),
    void *argument);

/*
 * Breaks every circle: an attempt of its victim is ended, not counted, and
 * its test is pending; the loop stops the worker, saves the work, and then
 * gives its locks back. A victim without an attempt loses them at once. Inside
 * a transaction, or in one of its own. Returns how many there were, or -1.
 */
int deadlocks_resolve_within(struct store *s, const char *by);
int deadlocks_resolve(struct store *s, const char *by);

#endif
