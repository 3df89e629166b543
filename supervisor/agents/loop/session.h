/*
 * The session of an earlier attempt, which the worker goes on with. Such a
 * session believes that its changes are in the files. They are put back before
 * it is continued; where they can't be, the worker begins a new one. What an
 * attempt had done that was stopped for another loop's is put back without a
 * session as well.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_SESSION_H
#define LOOPKEEPER_AGENTS_LOOP_SESSION_H

#include "agents/loop/runner.h"

/* Decides it for the claimed test, whose worktree is as in r->base, and notes
 * it in r->goes_on and r->takes_up. Returns 0, or -1 with git's error: then the
 * worktree may be in any state. */
int session_take_up(struct runner *r);

#endif
