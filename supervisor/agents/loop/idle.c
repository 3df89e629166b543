#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agents/common/leftovers.h"
#include "agents/loop/attempt.h"
#include "agents/loop/gate.h"
#include "agents/loop/health.h"
#include "agents/loop/idle.h"
#include "agents/loop/ready.h"
#include "agents/loop/trouble.h"
#include "agents/loop/waits.h"
#include "base/clock.h"
#include "store/parked.h"
#include "store/retry.h"

#define LEFTOVERS_MS 1000 /* until it is seen whether they are gone */

/* Makes us known to this database and repairs what a predecessor left in it.
 * Returns whether that is done. */
static bool
begin(struct runner *r, int64_t now_ms)
{
	struct agent *a = &r->agent;
	const struct recovery recovery = { .by = a->name,
		.is_merged = repository_was_merged };
	int repaired = -1;

	if (strcmp(r->begun_epoch, a->store.epoch) == 0)
		return true;
	if (leftovers_end(a, r->config->directory) < 0) {
		r->look = true;
		r->not_before_ms = now_ms + LEFTOVERS_MS;
		return false;
	}
	if (outcome_apply(r->outcome_path, &a->store, &a->log) == 0)
		repaired = claims_begin(&a->store, a->name, r->config->title,
		    r->config->priority, r->config->branch, &recovery);
	if (repaired < 0) {
		agent_failed(a, "taking up the queue");
		return false;
	}
	if (repaired > 0)
		log_line(&a->log, "%d attempt%s of an earlier run ended",
		    repaired, repaired > 1 ? "s" : "");
	(void)snprintf(
	    r->begun_epoch, sizeof(r->begun_epoch), "%s", a->store.epoch);
	r->look = true;
	return true;
}

static void
tell_empty(struct runner *r)
{
	struct event e;

	if (r->told_empty || r->counts.pending + r->counts.in_progress > 0)
		return;
	event_begin(&e, r->agent.name, "queue_empty", r->agent.store.epoch);
	event_text(&e, "loop_id", r->agent.name);
	event_int(&e, "passed", r->counts.passed);
	event_int(&e, "failed", r->counts.failed);
	/* A full spool counts what it loses itself. */
	(void)spool_add(&r->agent.spool, &e);
	log_line(&r->agent.log, "the queue is empty");
	r->told_empty = true;
}

static struct claim_request
request(struct runner *r, bool only_fixes)
{
	return (struct claim_request){ .loop_id = r->agent.name,
		.boot_id = r->boot_id,
		.max_attempts = r->config->max_attempts,
		.no_overlap = r->agent.mode == MODE_SLOW,
		.no_passing = r->agent.mode == MODE_CONSERVATIVE,
		.test_id = r->only_test,
		.by_hand = r->only_test != NULL,
		.except = waits_tests(r),
		.only_fixes = only_fixes,
		.cursor = &r->cursor };
}

/* Looks again when the first test that has failed may be tried again. */
static void
await_retry(struct runner *r)
{
	struct agent *a = &r->agent;
	char test_id[ATTEMPT_TEST_SIZE], at[CLOCK_TIME_SIZE];
	int64_t in_ms;
	int found =
	    retry_next(&a->store, a->name, test_id, sizeof(test_id), &in_ms);

	/* The one that was waited for may have become due since we looked for
	 * something to claim: nothing else would wake us for it. */
	if (found == 0 && r->retry_ms != 0)
		r->look = true;
	r->retry_ms = 0;
	if (found < 0) {
		agent_failed(a, "looking for tests to be tried again");
		r->look = true;
	}
	if (found <= 0)
		return;
	r->retry_ms = clock_ms() + in_ms;
	clock_format_time(at, clock_wall_ms() + in_ms);
	(void)snprintf(r->retry_text, sizeof(r->retry_text),
	    "next attempt of %s at %s", test_id, at);
}

/* What is said of tests that wait: "waiting: DEC-001, T-2". */
static void
note_waiting(struct runner *r)
{
	static const char before[] = "waiting: ";
	const size_t len = sizeof(before) - 1;
	struct agent *a = &r->agent;

	(void)memcpy(r->waiting, before, sizeof(before));
	if (r->counts.pending > 0 &&
	    parked_describe(&a->store, a->name, r->waiting + len,
		sizeof(r->waiting) - len) < 0)
		agent_failed(a, "looking at what tests wait for");
	if (r->waiting[len] == '\0')
		r->waiting[0] = '\0';
}

static void
nothing(struct runner *r)
{
	r->look = false;
	r->hold[0] = '\0';
	if (waits_publish(r, r->blocked_by_file) < 0)
		agent_failed(&r->agent, "saying whose locks are waited for");
	if (trouble_refuse_one(r,
		r->blocked_by_file
		    ? "its files are locked ('loopkeeper show' tells more)"
		    : "it isn't pending, or waits for another test or a "
		      "decision ('loopkeeper show' tells more)"))
		return;
	trouble_clear_gates(r);
	tell_empty(r);
	note_waiting(r);
	await_retry(r);
	health_publish(r, true);
}

/* Whether it is worth making everything ready. */
static bool
is_anything(struct runner *r, bool only_fixes)
{
	struct agent *a = &r->agent;
	struct claim_request q = request(r, only_fixes);
	bool locked = false;
	int found = claims_any(&a->store, &q, &locked);

	if (found < 0 || claims_count(&a->store, a->name, &r->counts) < 0) {
		agent_failed(a, "looking for tests");
		return false;
	}
	r->counted = true;
	r->blocked_by_file = locked;
	if (found == 0)
		nothing(r);
	return found > 0;
}

/* The gate may have let in only those. */
static bool
is_any_fix(struct runner *r)
{
	if (!r->only_fixes || is_anything(r, true))
		return true;
	gate_leave(r);
	return false;
}

static void
claim(struct runner *r, int64_t now_ms)
{
	struct agent *a = &r->agent;
	struct claim_request q = request(r, r->only_fixes);
	bool locked = false;
	int found = claims_take(&a->store, &q, &r->claim, &locked);

	/* One less is pending, or others took what was there. */
	if (found < 0 || claims_count(&a->store, a->name, &r->counts) < 0) {
		agent_failed(a, "claiming a test");
		if (found <= 0)
			return;
	}
	r->look = false;
	r->blocked_by_file = locked;
	if (found > 0) {
		r->told_empty = false;
		r->retry_ms = 0;
		r->waiting[0] = '\0';
		trouble_clear(r);
		attempt_begin(r, now_ms);
	} else {
		gate_leave(r);
		nothing(r);
	}
}

/* Whether the database has changed since the last look, or we have, or it is
 * time. */
static bool
is_news(struct runner *r, int64_t now_ms)
{
	int64_t version;

	if (claims_version(&r->agent.store, &version) < 0) {
		agent_failed(&r->agent, "looking for tests");
		return false;
	}
	if (version != r->version ||
	    (r->retry_ms != 0 && now_ms >= r->retry_ms))
		r->look = true;
	r->version = version;
	return r->look;
}

void
idle_step(struct runner *r, int64_t now_ms)
{
	struct agent *a = &r->agent;

	if (a->stopping || r->finished)
		return;
	if (a->mode == MODE_FILE_BASED)
		(void)trouble_refuse_one(r, "the mode is file-based");
	if (agent_database(a) < 0 || !begin(r, now_ms))
		return;
	/* Who tries one test by hand has paused the loop for that. */
	if (a->draining && r->only_test == NULL)
		return;
	if (gate_may_be_open(r))
		r->not_before_ms = now_ms;
	if (now_ms < r->not_before_ms)
		return;
	if (is_news(r, now_ms) && is_anything(r, false) &&
	    gate_ask(r, now_ms) && is_any_fix(r) && ready_make(r, now_ms))
		claim(r, now_ms);
}
