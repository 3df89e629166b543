/* What an attempt's outcome makes of its test, and what it leaves, on a real
 * database. */
#include <errno.h>

#include "claims_fixture.h"

static void
test_outcomes(void **state)
{
	struct attempt_key key;

	sql("INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	for (int i = 1; i <= 3; i++) {
		key = takes(&loop_1, "T");
		assert_int_equal(key.attempt, i);
		assert_int_equal(key.fence, i);
		ends(&key, OUTCOME_FAILED, false,
		    i < 3 ? RESULT_RETRY : RESULT_BLOCKED);
		/* Twice is once. */
		ends(&key, OUTCOME_FAILED, false, RESULT_NOTHING);
	}
	takes(&loop_1, NULL);
	assert_int_equal(claims_reset(store, "T", "olaf", NULL), 1);
	assert_int_equal(claims_reset(store, "T", "olaf", NULL), 0);
	key = takes(&loop_1, "T");
	assert_int_equal(key.attempt, 1);
	ends(&key, OUTCOME_PASSED, false, RESULT_PASSED);
	has_rows(4, "events WHERE event_type = 'attempt_ended'");
	assert_int_equal(claims_reset(store, "nobody", "olaf", NULL), -1);
	assert_int_equal(errno, ENOENT);
}

static void
test_interruptions(void **state)
{
	struct attempt_key key;

	sql("INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	/* Our own are never counted. */
	for (int i = 0; i < 2 * ATTEMPT_INTERRUPTIONS_MAX; i++) {
		key = takes(&loop_1, "T");
		ends(&key, OUTCOME_INTERRUPTED, true, RESULT_RETRY);
	}
	for (int i = 1; i <= ATTEMPT_INTERRUPTIONS_MAX; i++) {
		key = takes(&loop_1, "T");
		assert_int_equal(key.attempt, 1);
		ends(&key, OUTCOME_INTERRUPTED, false,
		    i < ATTEMPT_INTERRUPTIONS_MAX ? RESULT_RETRY
						  : RESULT_BLOCKED);
	}
	assert_int_equal(claims_reset(store, "T", "olaf", NULL), 1);
	key = takes(&loop_1, "T");
	ends(&key, OUTCOME_INTERRUPTED, false, RESULT_RETRY);
}

/* Only one whose worker runs, and once. */
static void
test_stop(void **state)
{
	struct attempt_key key;
	char reason[64] = "";

	sql("INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	key = takes(&loop_1, "T");
	assert_int_equal(attempts_stop(store, key.id, "monitor", "early"), 0);
	assert_int_equal(
	    attempts_enter(store, &key, ATTEMPT_RUNNING, 1, 1, NULL), 1);
	assert_int_equal(
	    attempts_stop_reason(store, &key, reason, sizeof(reason)), 0);
	assert_int_equal(
	    attempts_stop(store, key.id, "monitor", "no progress"), 1);
	assert_int_equal(attempts_stop(store, key.id, "monitor", "again"), 0);
	assert_int_equal(
	    attempts_stop_reason(store, &key, reason, sizeof(reason)), 1);
	assert_string_equal(reason, "no progress");
	has_rows(1,
	    "events WHERE event_type = 'attempt_stopped' AND test_id = 'T'"
	    " AND loop_id = 'loop-1'");
	assert_int_equal(attempts_stopped(store, "monitor", "2026"), 1);
	assert_int_equal(attempts_stopped(store, "other", "2026"), 0);
	assert_int_equal(attempts_stopped(store, "monitor", "9999"), 0);
	ends(&key, OUTCOME_SILENT, false, RESULT_RETRY);
	assert_int_equal(attempts_stop(store, key.id, "monitor", "late"), 0);
	/* The next one has nothing to do with it. */
	key = takes(&loop_1, "T");
	assert_int_equal(
	    attempts_stop_reason(store, &key, reason, sizeof(reason)), 0);
}

/* What uses up no attempt isn't tried for ever all the same. */
static void
test_futile(void **state)
{
	struct attempt_key key;

	sql("INSERT INTO tests (id, loop_id, max_attempts)"
	    " VALUES ('T', 'loop-1', 5)");
	/* These are for the gate to bound. */
	for (int i = 0; i < 2 * ATTEMPT_INTERRUPTIONS_MAX; i++) {
		key = takes(&loop_1, "T");
		ends(&key, i % 2 ? OUTCOME_AUTH : OUTCOME_RATE_LIMITED, false,
		    RESULT_RETRY);
	}
	for (int round = 1; round <= 2; round++) {
		key = takes(&loop_1, "T");
		assert_int_equal(key.attempt, round);
		ends(&key, OUTCOME_BUDGET, false, RESULT_RETRY);
		key = takes(&loop_1, "T");
		ends(&key, OUTCOME_WAITING_FOR_INPUT, false, RESULT_RETRY);
		key = takes(&loop_1, "T");
		ends(&key, OUTCOME_RATE_LIMITED, false, RESULT_RETRY);
		key = takes(&loop_1, "T");
		if (round == 1) /* there was one that said something */
			ends(&key, OUTCOME_FAILED, false, RESULT_RETRY);
		else
			ends(&key, OUTCOME_BUDGET, false, RESULT_BLOCKED);
	}
	has_rows(1,
	    "tests WHERE status = 'blocked' AND attempts = 1"
	    " AND reason = '3 attempts in a row came to nothing;"
	    " the last: budget: verify: exit 2'");
	assert_int_equal(claims_reset(store, "T", "olaf", NULL), 1);
	key = takes(&loop_1, "T");
	ends(&key, OUTCOME_BUDGET, false, RESULT_RETRY);
	has_rows(4, "attempts WHERE outcome = 'budget'");
}

/* What test_facts() left. */
static void
next_is_told(void)
{
	struct claim c;

	assert_int_equal(claims_take(store, &loop_1, &c, NULL), 1);
	assert_string_equal(c.last_outcome, "failed");
	assert_string_equal(c.last_transcript, "/t.log");
	assert_string_equal(c.last_result_commit, "c1");
	assert_string_equal(c.session.id, "s-1");
	assert_string_equal(c.session.provider, "claude");
	assert_string_equal(c.session.loop_id, "loop-1");
	assert_string_equal(c.session.outcome, "failed");
	assert_true(c.session.draining);
	assert_string_equal(c.session.base_commit, "b0");
	assert_string_equal(
	    c.session.snapshot_ref, "refs/loopkeeper/attempts/1");
	claims_free(&c);
}

/* What an attempt leaves stands in its row, and the next claim tells it. */
static void
test_facts(void **state)
{
	struct attempt_end end = { .outcome = OUTCOME_FAILED,
		.draining = true,
		.max_attempts = 3,
		.tokens = 1200,
		.cost_micros = 340000,
		.session_id = "s-1",
		.provider = "claude",
		.base_commit = "b0",
		.result_commit = "c1",
		.snapshot_ref = "refs/loopkeeper/attempts/1",
		.files_modified = "[\"a.c\"]" };
	enum attempt_result result;
	struct claim c;

	sql("INSERT INTO tests (id, loop_id, files, test_files,"
	    " allow_test_changes) VALUES"
	    " ('T', 'loop-1', '[\"a.c\"]', '[\"t/**\"]', 1)");
	assert_int_equal(claims_take(store, &loop_1, &c, NULL), 1);
	assert_string_equal(c.files, "[\"a.c\"]");
	assert_string_equal(c.test_files, "[\"t/**\"]");
	assert_true(c.allow_test_changes);
	assert_string_equal(c.last_outcome, "");
	assert_string_equal(c.session.id, "");
	assert_string_equal(c.session.outcome, "");
	assert_false(c.session.draining);
	assert_int_equal(attempts_spawn(store, &c.key, "/t.log", "{}"), 1);
	has_rows(1, "attempts WHERE state = 'spawning' AND command = '{}'");
	assert_int_equal(
	    attempts_enter(store, &c.key, ATTEMPT_RUNNING, 7, 7, NULL), 1);
	works(attempts_end(store, &c.key, &end, &result));
	assert_int_equal(attempts_spawn(store, &c.key, "/u.log", "[]"), 0);
	claims_free(&c);
	has_rows(0, "passing_tests");
	has_rows(1,
	    "usage u JOIN attempts a ON a.id = u.attempt_id"
	    " WHERE u.tokens_estimated = 1200 AND u.cost_usd = 0.34"
	    " AND u.files_modified = '[\"a.c\"]' AND a.tokens = 1200"
	    " AND a.cost_usd = 0.34 AND a.base_commit = 'b0'");
	has_rows(1,
	    "events WHERE event_type = 'attempt_ended'"
	    " AND json_extract(payload, '$.cost_usd') = 0.34"
	    " AND json_extract(payload, '$.commit') = 'c1'"
	    " AND json_extract(payload, '$.snapshot_ref')"
	    " = 'refs/loopkeeper/attempts/1'");
	next_is_told();
}

/* The session that the next attempt may go on with, "" for none. */
static void
offers(const char *session, const char *outcome)
{
	struct claim c;

	assert_int_equal(claims_take(store, &loop_1, &c, NULL), 1);
	assert_string_equal(c.session.id, session);
	assert_string_equal(c.session.outcome, outcome);
	ends(&c.key, OUTCOME_INTERRUPTED, true, RESULT_RETRY);
	claims_free(&c);
}

/* An attempt that ran no worker doesn't hide the session of one before it; a
 * worker that told of none, or a test that passed, does. */
static void
test_sessions(void **state)
{
	struct attempt_key key;

	sql("INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	offers("", "");
	key = takes(&loop_1, "T");
	assert_int_equal(attempts_spent(store, &key, 1, 1, "s-1"), 1);
	ends(&key, OUTCOME_BUDGET, false, RESULT_RETRY);
	offers("s-1", "budget");
	offers("s-1", "budget");
	key = takes(&loop_1, "T");
	assert_int_equal(
	    attempts_enter(store, &key, ATTEMPT_RUNNING, 7, 7, NULL), 1);
	ends(&key, OUTCOME_AUTH, false, RESULT_RETRY);
	offers("", "auth");
	key = takes(&loop_1, "T");
	assert_int_equal(attempts_spent(store, &key, 1, 1, "s-2"), 1);
	ends(&key, OUTCOME_FAILED, false, RESULT_RETRY);
	offers("s-2", "failed");
	key = takes(&loop_1, "T");
	ends(&key, OUTCOME_PASSED, true, RESULT_PASSED);
	sql("UPDATE tests SET status = 'pending'");
	offers("", "passed");
}

/* What nobody told is nothing, and not 0. */
static void
test_unknown(void **state)
{
	struct attempt_end end = { .outcome = OUTCOME_PASSED,
		.max_attempts = 3,
		.tokens = ATTEMPT_UNKNOWN,
		.cost_micros = ATTEMPT_UNKNOWN,
		.result_commit = "c2" };
	enum attempt_result result;
	struct attempt_key key;

	sql("INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	key = takes(&loop_1, "T");
	works(attempts_end(store, &key, &end, &result));
	has_rows(1, "passing_tests WHERE test_id = 'T' AND commit_hash = 'c2'");
	has_rows(1,
	    "usage WHERE cost_usd IS NULL"
	    " AND tokens_estimated IS NULL AND files_modified IS NULL");
	has_rows(1,
	    "events WHERE event_type = 'attempt_ended' AND"
	    " json_extract(payload, '$.cost_usd') IS NULL");
}

/* The ref that was planned stays where a worker ran, as what it did may still
 * be kept there. */
static void
test_planned_ref(void **state)
{
	const struct attempt_plan plan = { .base_commit = "b0",
		.repository = "/r",
		.integration_branch = "m",
		.snapshot_ref = "refs/s",
		.provider = "" };
	struct attempt_key key;

	sql("INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	key = takes(&loop_1, "T");
	assert_int_equal(attempts_plan(store, &key, &plan), 1);
	has_rows(1, "attempts WHERE snapshot_ref = 'refs/s'");
	ends(&key, OUTCOME_INTERRUPTED, true, RESULT_RETRY);
	has_rows(0, "attempts WHERE snapshot_ref IS NOT NULL");
	key = takes(&loop_1, "T");
	assert_int_equal(attempts_plan(store, &key, &plan), 1);
	assert_int_equal(
	    attempts_enter(store, &key, ATTEMPT_RUNNING, 7, 7, NULL), 1);
	ends(&key, OUTCOME_INTERRUPTED, true, RESULT_RETRY);
	has_rows(1, "attempts WHERE snapshot_ref = 'refs/s'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_outcomes, claims_setup),
		TEST(test_interruptions, claims_setup),
		TEST(test_stop, claims_setup),
		TEST(test_futile, claims_setup),
		TEST(test_facts, claims_setup),
		TEST(test_sessions, claims_setup),
		TEST(test_unknown, claims_setup),
		TEST(test_planned_ref, claims_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
