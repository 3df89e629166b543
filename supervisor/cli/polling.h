/*
 * Components that only know the database, and poll it: before they are paused
 * by a signal they are asked in their own language, by an event, and get some
 * time to bring what they do to an end.
 */
#ifndef LOOPKEEPER_CLI_POLLING_H
#define LOOPKEEPER_CLI_POLLING_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/overview.h"

/* A pause takes 10 s; the rest is for those who didn't obey to be ended by a
 * signal, and for the database to be released. */
#define POLLING_LIMIT_MS 8500

/* Whether it is one of them. */
bool polling_is(const struct overview_component *c);

/*
 * Writes `pause_requested` for those of n components that poll and run, and
 * waits for each until it has ended (it isn't started again), or has set its
 * row in `loops` or `component_health` to paused, or its time is over: its
 * stop_timeout, or POLLING_LIMIT_MS if that is shorter; with after_test a loop
 * has as much as it takes. To be called when the pause begins.
 */
void polling_request(struct cli *cli, struct overview_component *const *targets,
    size_t n, bool after_test, const char *why);

/* Writes `resume_requested` for those of n components that poll, which are to
 * be started afterwards: they find it behind the other one. */
void polling_resume(struct cli *cli, struct overview_component *const *targets,
    size_t n, const char *why);

#endif
