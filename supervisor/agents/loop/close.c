/* The end of an attempt: its outcome goes into the database or, as long as
 * that can't be had, into a file in the spool. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agents/loop/runner.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"

static void
release(struct runner *r, int64_t now_ms)
{
	int64_t pause_ms = r->agent.mode == MODE_SLOW ? r->config->slow_pause_ms
						      : r->config->pause_ms;

	/* A worker that can't even be started is no reason to hurry. */
	if (r->work_cause == JOB_NOT_STARTED)
		pause_ms = r->config->slow_pause_ms;
	claims_free(&r->claim);
	worker_free(&r->worker);
	r->saved = r->lost = false;
	r->look = true;
	r->not_before_ms = now_ms + pause_ms;
	runner_enter(r, PHASE_IDLE);
}

static void
tell(struct runner *r, enum attempt_result result)
{
	const struct outcome *o = &r->outcome;
	static const char *const results[] = {
		[RESULT_PASSED] = "",
		[RESULT_RETRY] = "; it will be tried again",
		[RESULT_BLOCKED] = "; it is blocked now",
		[RESULT_NOTHING] = "; the test isn't ours any more",
		[RESULT_REPLACED] = "; another database lies there now",
	};

	log_line(&r->agent.log, "%s: %s%s%s%s", o->key.test_id,
	    attempt_outcome_name(o->end.outcome),
	    o->end.detail[0] != '\0' ? ": " : "", o->end.detail,
	    results[result]);
}

/* The closing transaction. Returns whether it is done. */
static bool
write_outcome(struct runner *r)
{
	enum attempt_result result;

	if (agent_database(&r->agent) < 0)
		return false;
	if (attempts_end(&r->agent.store, &r->outcome.key, &r->outcome.end,
		&result) < 0) {
		agent_failed(&r->agent, "writing an outcome");
		return false;
	}
	if (r->saved)
		outcome_remove(r->outcome_path);
	tell(r, result);
	return true;
}

static void
save(struct runner *r)
{
	if (r->saved)
		return;
	if (outcome_save(r->outcome_path, &r->outcome) < 0) {
		log_line(&r->agent.log, "%s: %s; the outcome of %s waits",
		    r->outcome_path, strerror(errno), r->outcome.key.test_id);
		return;
	}
	r->saved = true;
	log_line(&r->agent.log, "%s: %s; kept in %s until the database is back",
	    r->outcome.key.test_id,
	    attempt_outcome_name(r->outcome.end.outcome), r->outcome_path);
}

void
close_begin(struct runner *r, enum attempt_outcome outcome, bool parked,
    const char *detail, int64_t now_ms)
{
	struct attempt_end *end = &r->outcome.end;

	r->outcome.key = r->claim.key;
	*end = (struct attempt_end){ .outcome = outcome,
		.parked = parked,
		.duration_ms = now_ms - r->claimed_ms,
		.max_attempts = r->config->max_attempts,
		.tokens = ATTEMPT_UNKNOWN,
		.cost_micros = ATTEMPT_UNKNOWN };
	(void)snprintf(end->detail, sizeof(end->detail), "%s", detail);
	(void)snprintf(
	    end->leftovers, sizeof(end->leftovers), "%s", r->leftovers);
	text_clean(end->detail); /* it may have been cut */
	text_clean(end->leftovers);
	transcript_note(r->transcript_fd, "%s%s%s",
	    attempt_outcome_name(outcome), detail[0] != '\0' ? ": " : "",
	    detail);
	io_close(&r->transcript_fd);
	runner_enter(r, PHASE_WRITE);
	close_step(r, now_ms);
}

void
close_step(struct runner *r, int64_t now_ms)
{
	if (write_outcome(r))
		release(r, now_ms);
	else
		save(r);
}
