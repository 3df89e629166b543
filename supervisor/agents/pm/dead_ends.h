/*
 * Tests that wait for others in vain: for one that was skipped, is blocked or
 * isn't there, or for themselves. Nothing would ever wake them, so that an
 * alert tells of each cause, with the commands that end it.
 */
#ifndef LOOPKEEPER_AGENTS_PM_DEAD_ENDS_H
#define LOOPKEEPER_AGENTS_PM_DEAD_ENDS_H

#include "store/store.h"

/* Raises alerts for those that are there, clears those that are gone. Returns
 * 0, or -1 with errno of store.h or ENOMEM. */
int dead_ends_look(struct store *s, const char *by);

#endif
