/*
 * Components that only know the database, and poll it: before they are paused
 * by a signal they are asked in their own language, by an event, and get some
 * time to bring what they do to an end.
 */
#ifndef LOOPKEEPER_CLI_POLLING_H
#define LOOPKEEPER_CLI_POLLING_H

#include <stddef.h>

#include "cli/overview.h"

/*
 * Writes `pause_requested` for those of n components that poll and run, and
 * waits until each has ended, or has set its row in `loops` to paused, or its
 * stop_timeout is over (7 s at most, so that a pause takes no longer than 10).
 */
void polling_request(struct cli *cli, struct overview_component *const *targets,
    size_t n, const char *why);

#endif
