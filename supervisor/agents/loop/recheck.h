/*
 * Tests that passed before are run on the candidate: first those that were
 * merged since its worker began, which it has never seen. One that fails is run
 * without it, twice: failing there, it isn't this attempt's doing. Passing
 * there, it is run with it twice more, so that a test which fails now and then
 * blames nobody: not even one that fails every second time.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_RECHECK_H
#define LOOPKEEPER_AGENTS_LOOP_RECHECK_H

#include "agents/loop/runner.h"

/* The candidate passes its own test, and is checked out as that left it. */
void recheck_begin(struct runner *r, int64_t now_ms);
/* The checkout is ready for the step. */
void recheck_run(struct runner *r, int64_t now_ms);
void recheck_next(struct runner *r, int64_t now_ms);

#endif
