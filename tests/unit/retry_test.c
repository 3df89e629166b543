/* The back-off of a test that has failed, on a real database: who waits how
 * long, and who doesn't. */
#include <string.h>

#include <bsd/string.h>

#include "claims_fixture.h"
#include "store/claims.h"
#include "store/retry.h"

#define DELAY_MS 60000

/* Ends it so, under a loop whose first back-off is DELAY_MS. */
static void
fails(const struct attempt_key *key, enum attempt_outcome outcome,
    enum attempt_result expected)
{
	const struct attempt_end end = { .outcome = outcome,
		.retry_delay_ms = DELAY_MS };
	enum attempt_result result;

	works(attempts_end(store, key, &end, &result));
	assert_int_equal(result, expected);
}

/* The test that is tried next, in so many ms, give or take a tenth; but for a
 * moment that the look itself takes. */
static void
waits(const char *test_id, int64_t about_ms)
{
	char next[ATTEMPT_TEST_SIZE] = "";
	int64_t in_ms = 0;

	assert_int_equal(
	    retry_next(store, "loop-1", next, sizeof(next), &in_ms),
	    test_id != NULL);
	assert_string_equal(next, test_id != NULL ? test_id : "");
	assert_in_range(in_ms, about_ms - about_ms / 10 - about_ms / 20,
	    about_ms + about_ms / 10);
}

static void
set_due(void)
{
	sql("UPDATE tests SET retry_at = '2026-01-07 02:14:00'"
	    " WHERE retry_at IS NOT NULL");
}

static void
test_doubles(void **state)
{
	static const int64_t expected[] = { 1, 2, 4, 8, 10 };
	struct attempt_key key;

	sql("INSERT INTO tests (id, loop_id, max_attempts) VALUES"
	    " ('T', 'loop-1', 6), ('V', 'loop-2', 1)");
	for (int i = 0; i < 5; i++) {
		key = takes(&loop_1, "T");
		waits(NULL, 0);
		fails(&key, OUTCOME_FAILED, RESULT_RETRY);
		waits("T", expected[i] * DELAY_MS);
		has_rows(1,
		    "tests WHERE retry_at LIKE '____-__-__T__:__:__.___Z'"
		    " AND julianday(retry_at)"
		    " <= julianday('now', '+600 seconds')");
		set_due();
	}
	key = takes(&loop_1, "T");
	fails(&key, OUTCOME_FAILED, RESULT_BLOCKED);
	has_rows(0, "tests WHERE retry_at IS NOT NULL");
}

static void
test_others_go_on(void **state)
{
	struct claim_request one = loop_2;
	struct attempt_key key;
	struct claim claim;
	bool locked = true;

	sql("INSERT INTO tests (id, loop_id, sort_order, files) VALUES"
	    " ('T', 'loop-1', 1, '[\"a\"]'), ('U', 'loop-1', 2, NULL)");
	key = takes(&loop_1, "T");
	fails(&key, OUTCOME_CRASHED, RESULT_RETRY);
	key = takes(&loop_1, "U");
	fails(&key, OUTCOME_TIMEOUT, RESULT_RETRY);
	assert_int_equal(claims_any(store, &loop_1, &locked), 0);
	assert_false(locked);
	locked = true;
	assert_int_equal(claims_take(store, &loop_1, &claim, &locked), 0);
	assert_false(locked);
	one.test_id = "T";
	assert_int_equal(claims_any(store, &one, &locked), 0);
	assert_false(locked);
	takes(&one, NULL);
	/* By hand it is tried at once. */
	one.by_hand = true;
	assert_int_equal(claims_any(store, &one, &locked), 1);
	key = takes(&one, "T");
	has_rows(1, "tests WHERE retry_at IS NOT NULL");
	waits("U", DELAY_MS);
	/* What doesn't use up an attempt begins no back-off. */
	fails(&key, OUTCOME_RATE_LIMITED, RESULT_RETRY);
	key = takes(&loop_1, "T");
	fails(&key, OUTCOME_INTERRUPTED, RESULT_RETRY);
	takes(&loop_1, "T");
}

/* Whoever sets the status has the last word, and what can't be is not waited
 * for. */
static void
test_ends(void **state)
{
	struct attempt_key key;

	sql("INSERT INTO tests (id, loop_id, max_attempts)"
	    " VALUES ('T', 'loop-1', 6)");
	key = takes(&loop_1, "T");
	fails(&key, OUTCOME_GAMED, RESULT_RETRY);
	takes(&loop_1, NULL);
	assert_int_equal(claims_reset(store, "T", "olaf", NULL), 1);
	key = takes(&loop_1, "T");
	fails(&key, OUTCOME_FAILED, RESULT_RETRY);
	sql("UPDATE tests SET sort_order = 7");
	takes(&loop_1, NULL);
	sql("UPDATE tests SET status = 'pending'");
	key = takes(&loop_1, "T");
	fails(&key, OUTCOME_FAILED, RESULT_RETRY);
	sql("UPDATE tests SET retry_at ="
	    " strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+11 minutes')");
	waits(NULL, 0);
	key = takes(&loop_1, "T");
	fails(&key, OUTCOME_FAILED, RESULT_RETRY);
	sql("UPDATE tests SET retry_at = 'soon'");
	takes(&loop_1, "T");
}

/* Only those that could be taken then. */
static void
test_next(void **state)
{
	sql("INSERT INTO tests (id, loop_id, status, depends_on, automatable,"
	    " retry_at) SELECT column1, column2, column3, column4, column5,"
	    " datetime('now', column6 || ' minutes') FROM (VALUES"
	    " ('A', 'loop-2', 'pending', NULL, 1, 1),"
	    " ('B', 'loop-1', 'blocked', NULL, 1, 1),"
	    " ('C', 'loop-1', 'pending', 'B', 1, 1),"
	    " ('D', 'loop-1', 'pending', NULL, 0, 1),"
	    " ('E', 'loop-1', 'pending', NULL, 1, 5),"
	    " ('F', 'loop-1', 'pending', NULL, 1, 4),"
	    " ('G', 'loop-1', 'pending', NULL, 1, -1))");
	waits("F", 4 * DELAY_MS);
	takes(&loop_1, "G");
	takes(&loop_1, NULL);
}

/* One more attempt of T, which ends so; then two in a row were in vain or not,
 * and the last two. */
static void
goes(enum attempt_outcome outcome, const char *fingerprint, bool in_vain,
    bool now)
{
	struct attempt_end end = { .outcome = outcome, .max_attempts = 9 };
	enum attempt_result result;
	struct claim claim;

	(void)strlcpy(end.fingerprint, fingerprint, sizeof(end.fingerprint));
	assert_int_equal(claims_take(store, &loop_1, &claim, NULL), 1);
	works(attempts_end(store, &claim.key, &end, &result));
	claims_free(&claim);
	assert_int_equal(claims_take(store, &loop_1, &claim, NULL), 1);
	assert_int_equal(claim.in_vain, in_vain);
	assert_int_equal(claim.in_vain_now, now);
	ends(&claim.key, OUTCOME_INTERRUPTED, true, RESULT_RETRY);
	claims_free(&claim);
}

static void
test_in_vain(void **state)
{
	sql("INSERT INTO tests (id, loop_id, max_attempts)"
	    " VALUES ('T', 'loop-1', 99)");
	goes(OUTCOME_FAILED, "a", false, false);
	goes(OUTCOME_FAILED, "b", false, false);
	goes(OUTCOME_FAILED, "", false, false);
	goes(OUTCOME_CRASHED, "", false, false);
	goes(OUTCOME_FAILED, "b", false, false);
	/* Between two that count nothing counts. */
	goes(OUTCOME_RATE_LIMITED, "a", false, false);
	goes(OUTCOME_TIMEOUT, "b", true, true);
	goes(OUTCOME_FAILED, "c", true, false);
	goes(OUTCOME_FAILED, "b", true, false);
	assert_int_equal(claims_reset(store, "T", "olaf", NULL), 1);
	goes(OUTCOME_FAILED, "b", false, false);
	goes(OUTCOME_FAILED, "b", true, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_doubles, claims_setup),
		TEST(test_others_go_on, claims_setup),
		TEST(test_ends, claims_setup),
		TEST(test_next, claims_setup),
		TEST(test_in_vain, claims_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
