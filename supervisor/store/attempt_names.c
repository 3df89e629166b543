#include <string.h>

#include "store/attempts.h"

static const char *const states[] = {
	[ATTEMPT_CLAIMED] = "claimed",
	[ATTEMPT_SPAWNING] = "spawning",
	[ATTEMPT_RUNNING] = "running",
	[ATTEMPT_VERIFYING] = "verifying",
	[ATTEMPT_INTEGRATING] = "integrating",
	[ATTEMPT_DONE] = "done",
	[ATTEMPT_FAILED] = "failed",
	[ATTEMPT_PARKED] = "parked",
};

static const struct {
	const char *name;
	bool counts;
	bool futile;
} outcomes[ATTEMPT_OUTCOMES] = {
	[OUTCOME_PASSED] = { "passed", true, false },
	[OUTCOME_FAILED] = { "failed", true, false },
	[OUTCOME_CRASHED] = { "crashed", true, false },
	[OUTCOME_SILENT] = { "silent", true, false },
	[OUTCOME_TIMEOUT] = { "timeout", true, false },
	[OUTCOME_INTERRUPTED] = { "interrupted", false, false },
	[OUTCOME_LOST_LEASE] = { "lost_lease", false, false },
	[OUTCOME_BUDGET] = { "budget", false, true },
	[OUTCOME_RATE_LIMITED] = { "rate_limited", false, false },
	[OUTCOME_AUTH] = { "auth", false, false },
	[OUTCOME_WAITING_FOR_INPUT] = { "waiting_for_input", false, true },
	[OUTCOME_GAMED] = { "gamed", true, false },
};

const char *
attempt_state_name(enum attempt_state state)
{
	return states[state];
}

const char *
attempt_outcome_name(enum attempt_outcome outcome)
{
	return outcomes[outcome].name;
}

bool
attempt_outcome_parse(const char *name, enum attempt_outcome *ret)
{
	for (size_t i = 0; i < ATTEMPT_OUTCOMES; i++) {
		if (strcmp(name, outcomes[i].name) == 0) {
			*ret = (enum attempt_outcome)i;
			return true;
		}
	}
	return false;
}

bool
attempt_outcome_counts(enum attempt_outcome outcome)
{
	return outcomes[outcome].counts;
}

bool
attempt_outcome_is_futile(enum attempt_outcome outcome)
{
	return outcomes[outcome].futile;
}
