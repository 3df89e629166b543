/*
 * Repairing what a dead process left when another one works in its place
 * already: a loop of another program is started again at once, and knows of no
 * predecessor. What is whose is told by when it was begun. Our own loops look
 * after that themselves, before they claim anything.
 */
#ifndef LOOPKEEPER_STORE_SUCCESSION_H
#define LOOPKEEPER_STORE_SUCCESSION_H

#include <stdint.h>

#include "store/recovery.h"
#include "store/store.h"

/*
 * Gives back what was begun in the name of loop_id before started_ms
 * (clock_ms(): when the process that works in its place was started), and
 * isn't an attempt: tests, locks, edges of the wait graph, checkpoints; with
 * the events test_reset and recovery_done, if there is anything. by is their
 * source. Writes nothing, and locks nothing, where there is nothing to do.
 * *ret says what was done. Returns 0; 1 when the database turned out to be
 * another one and nothing was done; -1 with errno of store.h.
 */
int succession_run(struct store *s, const char *loop_id, int64_t started_ms,
    const char *by, struct recovery_counts *ret);

#endif
