/*
 * Decisions as the PM sees them: those that wait for an answer, with the moment
 * of our clock at which their default is due, and answers that are to be done.
 * All of it is in the database; here is only what clocks can't say there.
 */
#ifndef LOOPKEEPER_AGENTS_PM_ANSWERS_H
#define LOOPKEEPER_AGENTS_PM_ANSWERS_H

#include "agents/common/agent.h"
#include "agents/pm/reverting.h"
#include "store/decisions.h"

struct answers_list {
	struct decision *decisions;
	size_t n;
	size_t room;
};

struct answers {
	struct agent *agent;
	const char *boot_id;
	struct reverting *reverting;
	struct answers_list pending; /* asked_ms is on our clock */
	struct answers_list spare;
	struct answers_list due;
};

/* Does what answers say, and takes note of what waits. Returns 0, or -1 with
 * errno of store.h. */
int answers_look(struct answers *w, int64_t now_ms);

/*
 * Takes the default of each whose time is over. *ret_left_ms is lowered to when
 * the next one's is. Returns how many were taken, which is to be looked at,
 * or -1.
 */
int answers_expire(struct answers *w, int64_t now_ms, int64_t *ret_left_ms);

void answers_free(struct answers *w);

#endif
