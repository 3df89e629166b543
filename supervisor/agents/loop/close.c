#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agents/common/transcript.h"
#include "agents/loop/close.h"
#include "agents/loop/fingerprint.h"
#include "agents/loop/gate.h"
#include "agents/loop/show.h"
#include "agents/loop/spend.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"

void
close_release(struct runner *r, int64_t now_ms)
{
	int64_t pause_ms = r->agent.mode == MODE_SLOW ? r->config->slow_pause_ms
						      : r->config->pause_ms;

	/* A worker that can't even be started is no reason to hurry. */
	if (r->work_cause == JOB_NOT_STARTED)
		pause_ms = r->config->slow_pause_ms;
	spend_forget(r);
	(void)gate_tell(r);
	gate_leave(r);
	r->outcome.refusal = (struct gate_news){ 0 }; /* part of the output */
	output_end(&r->output);
	claims_free(&r->claim);
	worker_free(&r->worker);
	passing_free(&r->rechecks);
	r->saved = r->lost = false;
	r->look = true;
	r->finished = r->only_test != NULL;
	r->not_before_ms = now_ms + pause_ms;
	runner_enter(r, PHASE_IDLE);
}

void
close_tell(struct runner *r, enum attempt_result result)
{
	const struct outcome *o = &r->outcome;
	static const char *const results[] = {
		[RESULT_PASSED] = "",
		[RESULT_RETRY] = "; it will be tried again",
		[RESULT_BLOCKED] = "; it is blocked now",
		[RESULT_NOTHING] = "; the test isn't ours any more",
		[RESULT_REPLACED] = "; another database lies there now",
	};

	show_diff(r);
	r->failed = result != RESULT_PASSED;
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

	/* Nobody is to be refused by the same provider meanwhile. */
	if (agent_database(&r->agent) < 0 || gate_tell(r) < 0)
		return false;
	if (attempts_end(&r->agent.store, &r->outcome.key, &r->outcome.end,
		&result) < 0) {
		agent_failed(&r->agent, "writing an outcome");
		return false;
	}
	close_forget(r);
	close_tell(r, result);
	return true;
}

void
close_save(struct runner *r)
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
close_forget(struct runner *r)
{
	outcome_remove(r->outcome_path);
	r->saved = false;
}

static void
copy(char *ret, size_t size, const char *text)
{
	(void)snprintf(ret, size, "%s", text);
}

/* Which files, or how many where there are too many to say. */
static void
fill_files(const struct runner *r, struct attempt_end *end)
{
	const char *json = r->changed_json;
	int n = 0;

	if (json == NULL)
		return;
	if (strlen(json) < sizeof(end->files_modified)) {
		copy(end->files_modified, sizeof(end->files_modified), json);
		return;
	}
	for (const char *p = json; (p = strstr(p, "\",\"")) != NULL; p++)
		n++;
	(void)snprintf(
	    end->files_modified, sizeof(end->files_modified), "%d", n + 1);
}

/* The commits that it is about. */
static void
fill_commits(const struct runner *r, struct attempt_end *end)
{
	/* Verified, or nobody knows yet because setup couldn't be run, or
	 * verify was broken off. */
	bool is_kept = r->phase == PHASE_INTEGRATE ||
	    (end->outcome == OUTCOME_INTERRUPTED &&
		(r->phase == PHASE_RESETUP || r->phase == PHASE_VERIFY ||
		    r->phase == PHASE_RECHECK));

	copy(end->base_commit, sizeof(end->base_commit), r->base);
	if (is_kept && r->is_changed)
		copy(end->result_commit, sizeof(end->result_commit),
		    r->candidate);
	else if (end->outcome == OUTCOME_PASSED)
		copy(end->result_commit, sizeof(end->result_commit), r->base);
	/* Where it couldn't be made yet it is before the next claim. */
	if (r->is_worked)
		(void)snprintf(end->snapshot_ref, sizeof(end->snapshot_ref),
		    "refs/loopkeeper/attempts/%s", r->claim.key.id);
}

/* Of what verify said or, where it wasn't asked, of how it ended. */
static void
fill_fingerprint(const struct runner *r, struct attempt_end *end)
{
	if (!attempt_outcome_counts(end->outcome) ||
	    end->outcome == OUTCOME_PASSED)
		return;
	if (r->fingerprint[0] != '\0')
		copy(
		    end->fingerprint, sizeof(end->fingerprint), r->fingerprint);
	else
		fingerprint_make(end->fingerprint, end->detail,
		    attempt_outcome_name(end->outcome), "");
}

void
close_fill(struct runner *r, enum attempt_outcome outcome, bool parked,
    const char *detail, int64_t now_ms)
{
	struct attempt_end *end = &r->outcome.end;

	r->outcome.key = r->claim.key;
	*end = (struct attempt_end){ .outcome = outcome,
		.parked = parked,
		/* Who tries one test by hand has paused the loop for that. */
		.draining = r->agent.draining && r->only_test == NULL,
		.duration_ms = now_ms - r->claimed_ms,
		.max_attempts = r->config->max_attempts,
		.retry_delay_ms = r->config->retry_delay_ms,
		.tokens = r->is_worked ? r->output.usage.tokens : 0,
		.cost_micros = r->is_worked ? r->output.usage.cost : 0 };
	copy(end->detail, sizeof(end->detail), detail);
	copy(end->leftovers, sizeof(end->leftovers), r->leftovers);
	copy(end->broken_test, sizeof(end->broken_test), r->broken);
	copy(end->session_id, sizeof(end->session_id),
	    r->is_worked ? r->output.session_id : "");
	fill_fingerprint(r, end);
	fill_commits(r, end);
	fill_files(r, end);
	text_clean(end->detail); /* it may have been cut */
	text_clean(end->leftovers);
}

void
close_begin(struct runner *r, enum attempt_outcome outcome, bool parked,
    const char *detail, int64_t now_ms)
{
	io_close(&r->merge_fd);
	r->saved = false; /* that was another one */
	close_fill(r, outcome, parked, detail, now_ms);
	transcript_note(r->transcript_fd, "%s%s%s",
	    attempt_outcome_name(outcome), detail[0] != '\0' ? ": " : "",
	    detail);
	show_more(r);
	io_close(&r->transcript_fd);
	runner_enter(r, PHASE_WRITE);
	close_step(r, now_ms);
}

void
close_step(struct runner *r, int64_t now_ms)
{
	if (write_outcome(r))
		close_release(r, now_ms);
	else
		close_save(r);
}
