/*
 * Tests that are taken out of the queue until a question about them is answered
 * or a conflict is over. Nothing is held meanwhile: their loop takes others.
 */
#ifndef LOOPKEEPER_STORE_PARKED_H
#define LOOPKEEPER_STORE_PARKED_H

#include <stddef.h>

#include "store/store.h"

/* Both are parts of the caller's transaction. */

/* Parks a test on id ("DEC-001"); a running attempt of it goes on. It ends by
 * itself when the test is settled: passed, skipped, blocked or reset. Returns
 * 1, 0 when the test is neither pending nor in progress or parked already, or
 * -1. */
int parked_begin(struct store *s, const char *test_id, const char *id);

/* Gives back what is parked on id. Returns how many tests, or -1. */
int parked_end(struct store *s, const char *id);

/* Gives back what is parked on something that nobody will end any more: other
 * programs close decisions and remove rows, too. In a transaction of its own.
 * Returns how many tests, or -1. */
int parked_sweep(struct store *s);

/*
 * What the pending tests of a loop wait for, as far as that is known at once:
 * "DEC-003, CON-001, T-2", the first few of them; "" for nothing. For people.
 * Returns 0, or -1 with errno of store.h.
 */
int
parked_describe(struct store *s, const char *loop_id, char *ret, size_t size);

#endif
