/* The command that prepares a worktree, as a job in one of the two trees. */
#ifndef LOOPKEEPER_AGENTS_LOOP_SETUP_H
#define LOOPKEEPER_AGENTS_LOOP_SETUP_H

#include "agents/loop/runner.h"

/* Opens specs/logs/setup.log as the transcript. Returns 0, or -1 with errno. */
int setup_open_log(struct runner *r);

/* Starts it in r->setup_tree and enters phase. Returns 0, or -1 with errno. */
int setup_start(struct runner *r, enum phase phase);

#endif
