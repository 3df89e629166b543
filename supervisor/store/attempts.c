#include <stdio.h>
#include <string.h>

#include "store/attempts.h"
#include "store/edges.h"
#include "store/note.h"
#include "store/passing.h"
#include "store/retry.h"
#include "store/statement.h"

int
attempts_enter(struct store *s, const struct attempt_key *key,
    enum attempt_state state, pid_t pid, uint64_t pid_start,
    const char *transcript)
{
	int begun = store_begin(s);

	if (begun != 0)
		return begun < 0 ? -1 : 0;
	return store_end(s,
	    statement_change(s,
		"UPDATE attempts SET state = ?4,"
		" pid = ifnull(nullif(?5, 0), pid),"
		" pid_start = ifnull(nullif(?6, 0), pid_start),"
		" transcript = ifnull(?7, transcript) WHERE " ATTEMPT_IS_HELD,
		"ttitiit", key->id, key->epoch, key->fence,
		attempt_state_name(state), (int64_t)pid, (int64_t)pid_start,
		transcript));
}

/* Of NULL and a number below 0 the column stays as it is. */
#define TOKENS	"tokens = ifnull(nullif(?4, -1), tokens)"
#define COST	"cost_usd = ifnull(nullif(?5, -1) / 1e6, cost_usd)"
#define SESSION "session_id = ifnull(nullif(?6, ''), session_id)"

int
attempts_spent(struct store *s, const struct attempt_key *key, int64_t tokens,
    int64_t cost_micros, const char *session_id)
{
	int begun = store_begin(s);

	if (begun != 0)
		return begun < 0 ? -1 : 0;
	return store_end(s,
	    statement_change(s,
		"UPDATE attempts SET " TOKENS ", " COST ", " SESSION
		" WHERE " ATTEMPT_IS_HELD,
		"ttiiit", key->id, key->epoch, key->fence, tokens, cost_micros,
		session_id));
}

/* What is known of an attempt that is about to be ended. */
static int
write_facts(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end)
{
	return statement_run(s,
	    "UPDATE attempts SET " TOKENS ", " COST ", " SESSION ","
	    " provider = ifnull(nullif(?7, ''), provider),"
	    " base_commit = ifnull(nullif(?8, ''), base_commit),"
	    " result_commit = ifnull(nullif(?9, ''), result_commit),"
	    " snapshot_ref = ifnull(nullif(?10, ''),"
	    " CASE WHEN pid IS NOT NULL THEN snapshot_ref END),"
	    " draining = ?11, fingerprint = nullif(?12, ''),"
	    " broken_test = nullif(?13, '')"
	    " WHERE " ATTEMPT_IS_OPEN,
	    "ttiiitttttitt", key->id, key->epoch, key->fence, end->tokens,
	    end->cost_micros, end->session_id, end->provider, end->base_commit,
	    end->result_commit, end->snapshot_ref, (int64_t)end->draining,
	    end->fingerprint, end->broken_test);
}

static int
add_usage(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end)
{
	return statement_run(s,
	    "INSERT INTO usage (id, loop_id, test_id, attempt_id,"
	    " tokens_estimated, cost_usd, duration_seconds, files_modified,"
	    " recorded_at) SELECT " NOTE_ROW_ID("usage",
		NOTE_NEW_ID) ","
			     " loop_id, test_id, id, tokens, cost_usd, ?2, "
			     "nullif(?3, ''),"
			     " " NOTE_NOW " FROM attempts WHERE id = ?1",
	    "tdt", key->id, (double)end->duration_ms / 1000,
	    end->files_modified);
}

/* Somebody else ended it, and made a row of usage of what he knew. The money
 * is spent all the same. */
static int
correct_usage(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end)
{
	return statement_run(s,
	    "UPDATE usage SET"
	    " tokens_estimated = ifnull(nullif(?4, -1), tokens_estimated),"
	    " " COST " WHERE attempt_id = (SELECT id FROM attempts"
	    " WHERE id = ?1 AND epoch = ?2 AND fence = ?3"
	    " AND outcome IN ('interrupted', 'lost_lease'))",
	    "ttiii", key->id, key->epoch, key->fence, end->tokens,
	    end->cost_micros);
}

/* 1 ended now, 0 it isn't ours any more, -1. */
static int
end_row(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end)
{
	enum attempt_state state = end->outcome == OUTCOME_PASSED ? ATTEMPT_DONE
	    : end->parked ? ATTEMPT_PARKED
			  : ATTEMPT_FAILED;

	return statement_change(s,
	    "UPDATE attempts SET state = ?4, outcome = ?5,"
	    " ended_at = " NOTE_NOW " WHERE " ATTEMPT_IS_HELD,
	    "ttitt", key->id, key->epoch, key->fence, attempt_state_name(state),
	    attempt_outcome_name(end->outcome));
}

/* The test was taken away by somebody who didn't end the attempt. */
static int
end_lost_row(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end)
{
	int ended = statement_change(s,
	    "UPDATE attempts SET state = 'parked', outcome = 'lost_lease',"
	    " ended_at = " NOTE_NOW " WHERE " ATTEMPT_IS_OPEN,
	    "tti", key->id, key->epoch, key->fence);

	if (ended == 0)
		return correct_usage(s, key, end);
	if (ended < 0 || add_usage(s, key, end) < 0)
		return -1;
	return note_event(s, key->loop_id, "attempt_ended", "ttitiu", "loop_id",
	    key->loop_id, "test_id", key->test_id, "attempt",
	    (int64_t)key->attempt, "outcome", "lost_lease", "fence", key->fence,
	    "cost_usd", end->cost_micros);
}

/*
 * The loop has no test any more. Locks are given back only here, when nothing
 * of the attempt's tree is left: who takes the test away leaves them to the
 * loop. Those without an attempt are an older loopkeeper's.
 */
static int
leave(struct store *s, const struct attempt_key *key)
{
	int dropped;

	if (edges_end(s, key->loop_id, NULL) < 0 ||
	    statement_run(s,
		"UPDATE loops SET current_test_id = NULL,"
		" updated_at = " NOTE_NOW
		" WHERE id = ?1 AND current_test_id = ?2",
		"tt", key->loop_id, key->test_id) < 0)
		return -1;
	dropped = statement_change(s,
	    "DELETE FROM file_locks WHERE test_id = ?1 AND locked_by = ?2"
	    " AND (attempt_id = ?3 OR (attempt_id IS NULL AND NOT EXISTS"
	    " (SELECT 1 FROM attempts a WHERE a.test_id = ?1"
	    " AND a.loop_id = ?2 AND a.ended_at IS NULL)))",
	    "ttt", key->test_id, key->loop_id, key->id);
	if (dropped <= 0)
		return dropped;
	return note_event(s, key->loop_id, "file_unlocked", "tti", "loop_id",
	    key->loop_id, "test_id", key->test_id, "files", (int64_t)dropped);
}

static int
pass_test(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end)
{
	if (end->result_commit[0] != '\0' &&
	    passing_add_within(s, key->test_id, end->result_commit) < 0)
		return -1;
	return statement_run(s,
	    "UPDATE tests SET status = 'passed', passed_at = " NOTE_NOW ","
	    " verified_at = " NOTE_NOW ", last_result = 'passed',"
	    " reason = nullif(?2, ''), attempts = ifnull(attempts, 0) + ?3,"
	    " verified_commit = nullif(?4, '') WHERE id = ?1",
	    "ttit", key->test_id, end->detail, (int64_t)!end->parked,
	    end->result_commit);
}

/* Attempts that ended like this one since the last one that said anything
 * about the test. -1 on errors. */
static int
count_futile(struct store *s, const struct attempt_key *key)
{
	struct sqlite3_stmt *q = statement_query(s,
	    "SELECT outcome FROM attempts WHERE test_id = ?1"
	    " AND state = 'failed' ORDER BY fence DESC",
	    "t", key->test_id);
	enum attempt_outcome outcome;
	const char *name;
	int more, n = 0;

	while ((more = statement_row(s, q, "t", &name)) == 1) {
		if (!attempt_outcome_parse(name, &outcome))
			continue;
		if (attempt_outcome_counts(outcome))
			break;
		n += attempt_outcome_is_futile(outcome);
	}
	statement_end(q);
	return more < 0 ? -1 : n;
}

/* judge() of what uses up no attempt. */
static int
judge_uncounted(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, int interrupted, char *reason, size_t size)
{
	int futile = 0;

	if (end->parked)
		return 0;
	if (attempt_outcome_is_futile(end->outcome) &&
	    (futile = count_futile(s, key)) < 0)
		return -1;
	if (futile >= ATTEMPT_FUTILE_MAX)
		(void)snprintf(reason, size,
		    "%d attempts in a row came to nothing; the last: %s: %s",
		    futile, attempt_outcome_name(end->outcome), end->detail);
	else if (end->outcome == OUTCOME_INTERRUPTED &&
	    interrupted >= ATTEMPT_INTERRUPTIONS_MAX)
		(void)snprintf(reason, size,
		    "interrupted %d times; the last: %s", interrupted,
		    end->detail);
	return 0;
}

/* Why the test is blocked now, in reason; "" when it may be tried again. */
static int
judge(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, char *reason, size_t size)
{
	int tried, allowed, interrupted;

	if (statement_get(s,
		"SELECT ifnull(attempts, 0) + 1,"
		" ifnull(nullif(max_attempts, 0), ?2),"
		" (SELECT count(*) FROM attempts WHERE test_id = ?1"
		" AND state = 'failed' AND outcome = 'interrupted')"
		" FROM tests WHERE id = ?1",
		"ti>nnn", key->test_id, (int64_t)end->max_attempts, &tried,
		&allowed, &interrupted) <= 0)
		return -1;
	if (!attempt_outcome_counts(end->outcome))
		return judge_uncounted(s, key, end, interrupted, reason, size);
	if (tried >= allowed)
		(void)snprintf(reason, size,
		    "%d of %d attempts failed; the last: %s", tried, allowed,
		    end->detail);
	return 0;
}

/* The test goes back to the queue or, with a reason, out of it. */
static int
fail_test(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, const char *reason)
{
	bool counts = attempt_outcome_counts(end->outcome);
	char retry_at[CLOCK_ISO_SIZE] = "";

	if (counts && reason[0] == '\0')
		retry_format(s, retry_at, end->retry_delay_ms, key->attempt);
	return statement_run(s,
	    "UPDATE tests SET reason = nullif(?2, ''), status ="
	    " CASE ?2 WHEN '' THEN 'pending' ELSE 'blocked' END,"
	    " last_result = CASE WHEN ?3 THEN ?4 ELSE last_result END,"
	    " attempts = ifnull(attempts, 0) + ?3,"
	    " retry_at = nullif(?5, '') WHERE id = ?1",
	    "ttitt", key->test_id, reason, (int64_t)counts,
	    end->detail[0] != '\0' ? end->detail
				   : attempt_outcome_name(end->outcome),
	    retry_at);
}

static int
note_end(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, const char *reason)
{
	const char *outcome = attempt_outcome_name(end->outcome);
	const char *type = end->outcome == OUTCOME_PASSED ? "test_passed"
	    : attempt_outcome_counts(end->outcome)	  ? "test_failed"
							  : NULL;

	if (note_event(s, key->loop_id, "attempt_ended", "ttittiitttu",
		"loop_id", key->loop_id, "test_id", key->test_id, "attempt",
		(int64_t)key->attempt, "outcome", outcome, "detail",
		end->detail, "fence", key->fence, "duration_ms",
		end->duration_ms, "leftovers", end->leftovers, "commit",
		end->result_commit, "snapshot_ref", end->snapshot_ref,
		"cost_usd", end->cost_micros) < 0)
		return -1;
	if (end->outcome == OUTCOME_PASSED && !end->parked &&
	    strcmp(end->result_commit, end->base_commit) != 0 &&
	    note_event(s, key->loop_id, "merged", "ttitt", "loop_id",
		key->loop_id, "test_id", key->test_id, "attempt",
		(int64_t)key->attempt, "commit", end->result_commit, "base",
		end->base_commit) < 0)
		return -1;
	if (type != NULL &&
	    note_event(s, key->loop_id, type, "ttitt", "loop_id", key->loop_id,
		"test_id", key->test_id, "attempt", (int64_t)key->attempt,
		"outcome", outcome, "detail", end->detail) < 0)
		return -1;
	if (reason[0] == '\0')
		return 0;
	return note_event(s, key->loop_id, "test_blocked", "ttit", "loop_id",
	    key->loop_id, "test_id", key->test_id, "attempt",
	    (int64_t)key->attempt, "reason", reason);
}

/* What follows for the test of an attempt whose row has just been ended. */
static int
end_test(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, enum attempt_result *ret_result)
{
	char reason[ATTEMPT_DETAIL_SIZE + 64] = "";

	if (end->outcome == OUTCOME_PASSED) {
		*ret_result = RESULT_PASSED;
		if (pass_test(s, key, end) < 0)
			return -1;
	} else {
		if (judge(s, key, end, reason, sizeof(reason)) < 0 ||
		    fail_test(s, key, end, reason) < 0)
			return -1;
		*ret_result = reason[0] != '\0' ? RESULT_BLOCKED : RESULT_RETRY;
	}
	if (add_usage(s, key, end) < 0)
		return -1;
	return note_end(s, key, end, reason);
}

/* Everything of it, between begin and commit. */
static int
end_all(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, enum attempt_result *ret_result)
{
	int ended = write_facts(s, key, end) < 0 ? -1 : end_row(s, key, end);

	*ret_result = RESULT_NOTHING;
	if (ended == 0)
		ended = end_lost_row(s, key, end);
	else if (ended > 0)
		ended = end_test(s, key, end, ret_result);
	return ended < 0 ? -1 : leave(s, key);
}

int
attempts_end(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, enum attempt_result *ret_result)
{
	return attempts_end_with(s, key, end, NULL, NULL, ret_result);
}

int
attempts_end_within(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end)
{
	enum attempt_result result;

	return end_all(s, key, end, &result);
}

int
attempts_end_with(struct store *s, const struct attempt_key *key,
    const struct attempt_end *end, int (*effect)(void *argument),
    void *argument, enum attempt_result *ret_result)
{
	enum attempt_result result = RESULT_NOTHING;
	int ended = store_begin(s);

	if (ended != 0) {
		if (ended > 0)
			*ret_result = RESULT_REPLACED;
		return ended < 0 ? -1 : 0;
	}
	ended = end_all(s, key, end, &result);
	/* Last, so that nothing but the commit can fail after it. */
	if (ended >= 0 && effect != NULL && result != RESULT_NOTHING)
		ended = effect(argument);
	if (store_end(s, ended < 0 ? -1 : 0) < 0)
		return -1;
	*ret_result = result;
	return 0;
}
