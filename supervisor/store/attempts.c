#include <stdio.h>

#include "base/clock.h"
#include "store/attempts.h"
#include "store/note.h"
#include "store/statement.h"

/* The attempt is still the one that may write: ?1 id, ?2 epoch, ?3 fence. */
#define IS_OURS "id = ?1 AND epoch = ?2 AND fence = ?3 AND ended_at IS NULL"
#define AND_ITS_TEST                                                       \
	" AND EXISTS (SELECT 1 FROM tests t WHERE t.id = attempts.test_id" \
	" AND t.status = 'in_progress')"

int
attempts_enter(struct store *s, const struct attempt_key *key,
    enum attempt_state state, pid_t pid, uint64_t pid_start,
    const char *transcript)
{
	int begun = store_begin(s), changed;

	if (begun != 0)
		return begun < 0 ? -1 : 0;
	changed = statement_run(s,
	    "UPDATE attempts SET state = ?4, pid = ifnull(nullif(?5, 0), pid),"
	    " pid_start = ifnull(nullif(?6, 0), pid_start),"
	    " transcript = ifnull(?7, transcript)"
	    " WHERE " IS_OURS AND_ITS_TEST,
	    "ttitiit", key->id, key->epoch, key->fence,
	    attempt_state_name(state), (int64_t)pid, (int64_t)pid_start,
	    transcript);
	if (changed < 0) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s) < 0 ? -1 : changed;
}

static enum attempt_state
end_state(const struct attempt_end *end)
{
	if (end->outcome == OUTCOME_PASSED)
		return ATTEMPT_DONE;
	return end->parked ? ATTEMPT_PARKED : ATTEMPT_FAILED;
}

/* 1 ended now, 0 it isn't ours any more, -1. */
static int
end_row(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, const char *now)
{
	return statement_run(s,
	    "UPDATE attempts SET state = ?4, outcome = ?5, ended_at = ?6"
	    " WHERE " IS_OURS AND_ITS_TEST,
	    "ttittt", key->id, key->epoch, key->fence,
	    attempt_state_name(end_state(end)),
	    attempt_outcome_name(end->outcome), now);
}

/* The test was taken away by somebody who didn't end the attempt. */
static int
end_lost_row(struct store *s, const struct attempt_key *key, const char *now)
{
	int ended = statement_run(s,
	    "UPDATE attempts SET state = 'parked', outcome = 'lost_lease',"
	    " ended_at = ?4 WHERE " IS_OURS,
	    "ttit", key->id, key->epoch, key->fence, now);

	if (ended > 0)
		return note_event(s, key->loop_id, "attempt_ended", "ttiti",
		    "loop_id", key->loop_id, "test_id", key->test_id, "attempt",
		    (int64_t)key->attempt, "outcome", "lost_lease", "fence",
		    key->fence);
	return ended;
}

/*
 * Locks are given back only here, when nothing of the attempt's tree is left:
 * `skip` and `reset` leave them to the loop.
 */
static int
drop_locks(struct store *s, const struct attempt_key *key)
{
	int dropped = statement_run(s,
	    "DELETE FROM file_locks WHERE test_id = ?1 AND locked_by = ?2"
	    " AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.test_id = ?1"
	    " AND a.loop_id = ?2 AND a.ended_at IS NULL)",
	    "tt", key->test_id, key->loop_id);

	if (dropped > 0 &&
	    note_event(s, key->loop_id, "file_unlocked", "tti", "loop_id",
		key->loop_id, "test_id", key->test_id, "files",
		(int64_t)dropped) < 0)
		return -1;
	return dropped < 0 ? -1 : 0;
}

static int
leave_loop(struct store *s, const struct attempt_key *key, const char *now)
{
	return statement_run(s,
		   "UPDATE loops SET current_test_id = NULL, updated_at = ?3"
		   " WHERE id = ?1 AND current_test_id = ?2",
		   "ttt", key->loop_id, key->test_id, now) < 0
	    ? -1
	    : 0;
}

static int
add_usage(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, const char *now)
{
	char id[UUID_SIZE];

	uuid_new(id);
	return statement_run(s,
		   "INSERT INTO usage"
		   " (id, loop_id, test_id, duration_seconds, recorded_at)"
		   " VALUES (?1, ?2, ?3, ?4, ?5)",
		   "tttdt", id, key->loop_id, key->test_id,
		   (double)end->duration_ms / 1000, now) < 0
	    ? -1
	    : 0;
}

static int
pass_test(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, const char *now)
{
	return statement_run(s,
		   "UPDATE tests SET status = 'passed', passed_at = ?2,"
		   " verified_at = ?2, last_result = 'passed', reason = ?3,"
		   " attempts = ifnull(attempts, 0) + ?4 WHERE id = ?1",
		   "ttti", key->test_id, now,
		   end->detail[0] != '\0' ? end->detail : NULL,
		   (int64_t)!end->parked) < 0
	    ? -1
	    : 0;
}

/*
 * Why the test is blocked now, in reason; "" when it may be tried again.
 * Returns 0 or -1.
 */
static int
judge(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, char *reason, size_t size)
{
	int64_t tried = 0, allowed = 0, interrupted = 0;

	reason[0] = '\0';
	if (attempt_outcome_counts(end->outcome)) {
		if (statement_int_of(s, &tried,
			"SELECT ifnull(attempts, 0) FROM tests WHERE id = ?1",
			"t", key->test_id) < 0 ||
		    statement_int_of(s, &allowed,
			"SELECT ifnull(nullif(max_attempts, 0), ?2) FROM tests"
			" WHERE id = ?1",
			"ti", key->test_id, (int64_t)end->max_attempts) < 0)
			return -1;
		if (tried + 1 >= allowed)
			(void)snprintf(reason, size,
			    "%d of %d attempts failed; the last: %s",
			    (int)tried + 1, (int)allowed, end->detail);
		return 0;
	}
	if (statement_int_of(s, &interrupted,
		"SELECT count(*) FROM attempts WHERE test_id = ?1"
		" AND state = 'failed' AND outcome = 'interrupted'",
		"t", key->test_id) < 0)
		return -1;
	if (!end->parked && interrupted >= ATTEMPT_INTERRUPTIONS_MAX)
		(void)snprintf(reason, size,
		    "interrupted %d times; the last: %s", (int)interrupted,
		    end->detail);
	return 0;
}

/* The test goes back to the queue or, with a reason, out of it. */
static int
fail_test(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, const char *reason)
{
	const char *detail = end->detail[0] != '\0'
	    ? end->detail
	    : attempt_outcome_name(end->outcome);

	return statement_run(s,
		   "UPDATE tests SET status = ?2, reason = ?3,"
		   " last_result = CASE WHEN ?4 THEN ?5 ELSE last_result END,"
		   " attempts = ifnull(attempts, 0) + ?4 WHERE id = ?1",
		   "tttit", key->test_id,
		   reason[0] != '\0' ? "blocked" : "pending",
		   reason[0] != '\0' ? reason : NULL,
		   (int64_t)attempt_outcome_counts(end->outcome), detail) < 0
	    ? -1
	    : 0;
}

static int
note_end(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, const char *reason)
{
	const char *type = end->outcome == OUTCOME_PASSED ? "test_passed"
	    : attempt_outcome_counts(end->outcome)	  ? "test_failed"
							  : NULL;

	if (note_event(s, key->loop_id, "attempt_ended", "ttittiit", "loop_id",
		key->loop_id, "test_id", key->test_id, "attempt",
		(int64_t)key->attempt, "outcome",
		attempt_outcome_name(end->outcome), "detail", end->detail,
		"fence", key->fence, "duration_ms", end->duration_ms,
		"leftovers", end->leftovers) < 0)
		return -1;
	if (type != NULL &&
	    note_event(s, key->loop_id, type, "ttitt", "loop_id", key->loop_id,
		"test_id", key->test_id, "attempt", (int64_t)key->attempt,
		"outcome", attempt_outcome_name(end->outcome), "detail",
		end->detail) < 0)
		return -1;
	if (reason[0] != '\0')
		return note_event(s, key->loop_id, "test_blocked", "ttit",
		    "loop_id", key->loop_id, "test_id", key->test_id, "attempt",
		    (int64_t)key->attempt, "reason", reason);
	return 0;
}

/* What follows for the test of an attempt whose row has just been ended. */
static int
end_test(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, const char *now,
    enum attempt_result *ret_result)
{
	char reason[ATTEMPT_DETAIL_SIZE + 64] = "";

	if (end->outcome == OUTCOME_PASSED) {
		if (pass_test(s, key, end, now) < 0)
			return -1;
		*ret_result = RESULT_PASSED;
	} else {
		if (judge(s, key, end, reason, sizeof(reason)) < 0 ||
		    fail_test(s, key, end, reason) < 0)
			return -1;
		*ret_result = reason[0] != '\0' ? RESULT_BLOCKED : RESULT_RETRY;
	}
	if (add_usage(s, key, end, now) < 0)
		return -1;
	return note_end(s, key, end, reason);
}

/* The closing transaction between its begin and its commit. */
static int
end_all(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, enum attempt_result *ret_result)
{
	char now[CLOCK_ISO_SIZE];
	int ended;

	note_time(now, 0);
	*ret_result = RESULT_NOTHING;
	ended = end_row(s, key, end, now);
	if (ended == 0)
		ended = end_lost_row(s, key, now);
	else if (ended > 0)
		ended = end_test(s, key, end, now, ret_result);
	if (ended < 0)
		return -1;
	return leave_loop(s, key, now) < 0 ? -1 : drop_locks(s, key);
}

int
attempts_end(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, enum attempt_result *ret_result)
{
	enum attempt_result result;
	int begun = store_begin(s);

	if (begun != 0) {
		if (begun > 0)
			*ret_result = RESULT_REPLACED;
		return begun < 0 ? -1 : 0;
	}
	if (end_all(s, key, end, &result) < 0) {
		store_rollback(s);
		return -1;
	}
	if (store_commit(s) < 0)
		return -1;
	*ret_result = result;
	return 0;
}
