/*
 * Deadlocks as the PM looks for them: of programs that write themselves whose
 * lock they wait for. Those of our own are found when they come to be, without
 * a PM.
 */
#ifndef LOOPKEEPER_AGENTS_PM_CYCLES_H
#define LOOPKEEPER_AGENTS_PM_CYCLES_H

#include "agents/common/agent.h"

struct cycles {
	struct agent *agent;
	int64_t version; /* of the database at the last look */
	int64_t next_ms; /* no look before that */
};

/*
 * Breaks what circles there are, if the database, which has this version, has
 * changed since the last look and that was long enough ago; else *ret_left_ms
 * is lowered to when it will have been. Returns 0, or -1 with errno of store.h.
 */
int cycles_look(
    struct cycles *c, int64_t version, int64_t now_ms, int64_t *ret_left_ms);

#endif
