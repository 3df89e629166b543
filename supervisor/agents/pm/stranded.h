/*
 * Tests of loops that failed for good, are switched off or aren't in the
 * configuration any more: an alert lists them with the command that gives them
 * to another loop; with `redistribute` they are given at once. A loop that was
 * paused or stopped by hand keeps what it has.
 */
#ifndef LOOPKEEPER_AGENTS_PM_STRANDED_H
#define LOOPKEEPER_AGENTS_PM_STRANDED_H

#include "agents/common/agent.h"

/* Returns 0; 1 when there is more to move, and it is to be called again at
 * once; or -1 with errno of store.h or ENOMEM. */
int stranded_look(struct agent *a);

#endif
