/*
 * A passed test that fails on the tip: run again on the commit on which it
 * passed last, on the tip, and on those between (bisect.h says where), until it
 * is told which commit broke it, or that none did.
 */
#ifndef LOOPKEEPER_AGENTS_MONITOR_EXAMINE_H
#define LOOPKEEPER_AGENTS_MONITOR_EXAMINE_H

#include "agents/common/agent.h"
#include "agents/monitor/bisect.h"
#include "agents/monitor/probe.h"

struct examination {
	struct branch *branch; /* NULL: none is made. The caller's, as test */
	const struct passing_test *test;
	const char *tip;
	char **commits; /* owned: those behind the good one; NULL: none */
	struct bisect bisect;
	enum bisect_step step;
	size_t at; /* of it; or the first bad commit */
};

/* Begins with a failure on the tip. All three live longer than it. Returns 0,
 * or -1 with errno; then none is made. ECANCELED: it has passed on a commit
 * that came after this tip. */
int examine_begin(struct examination *e, struct branch *b,
    const struct passing_test *test, const char *tip);
void examine_end(struct examination *e);

/* The commit on which it is to be run next; NULL: it's over, and can be
 * told. */
const char *examine_next(struct examination *e);

/* What came of that, IMPOSSIBLE too. */
void examine_note(struct examination *e, enum probe_state state);

/*
 * Writes into the database what has been found, and says it in the log; output
 * is the end of what the last run wrote. What can't be written is found again.
 * Returns whether the transcript belongs to a regression now.
 */
bool examine_tell(const struct examination *e, struct agent *a,
    const char *transcript, const char *output);

#endif
