/*
 * Conflicts between loops, settled: one goes first, the other one waits and
 * goes on with its work on top of that, or a human is asked. All that is known
 * of them is in the database.
 */
#ifndef LOOPKEEPER_AGENTS_PM_CONFLICTS_H
#define LOOPKEEPER_AGENTS_PM_CONFLICTS_H

#include "agents/common/agent.h"

struct conflicts_work {
	struct agent *agent;
	const char *boot_id;
	int64_t rest_ms; /* git couldn't tell: it isn't asked again before */
};

/* Takes each that is open as far as it gets now. Returns how many steps were
 * taken, which is to be looked at again, or -1 with errno of store.h. */
int conflicts_look(struct conflicts_work *w, int64_t now_ms);

#endif
