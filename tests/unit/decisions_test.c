/* Questions and alerts on a real database: each is asked or raised once, and
 * every answer is done once. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "store/alerts.h"
#include "store/claims.h"
#include "store/decisions_blocked.h"
#include "store_fixture.h"

#define HOUR_MS (60 * 60 * 1000)
#define BOOT	"11111111-1111-4111-8111-111111111111"

static struct decision found[8];
static int nfound;

static int
setup(void **state)
{
	(void)fixture_open(state);
	assert_int_equal(
	    claims_begin(store, "loop-1", "One", 1, "", &repairs), 0);
	return 0;
}

static void
keep(const struct decision *decision, void *argument)
{
	found[nfound++] = *decision;
}

static int
find(bool pending)
{
	nfound = 0;
	return pending ? decisions_pending(store, keep, NULL)
		       : decisions_due(store, keep, NULL);
}

/* Questions that are new. */
static int
ask(void)
{
	return blocked_ask(store, "pm", HOUR_MS, BOOT);
}

static int
answer(const char *id, const char *choice)
{
	return decisions_answer(store, id, choice, "olaf", NULL);
}

static int
apply(void)
{
	return decisions_apply(store, &found[0], blocked_apply, "pm");
}

/* A test that has just been blocked by its only attempt. */
static void
block(void)
{
	struct claim_request request = { .loop_id = "loop-1",
		.max_attempts = 1 };
	struct attempt_end end = { .outcome = OUTCOME_FAILED,
		.detail = "verify: exit 2",
		.max_attempts = 1 };
	enum attempt_result result;
	struct claim claim;

	assert_int_equal(claims_take(store, &request, &claim, NULL), 1);
	works(attempts_end(store, &claim.key, &end, &result));
	assert_int_equal(result, RESULT_BLOCKED);
	claims_free(&claim);
}

static void
test_retry(void **state)
{
	sql("INSERT INTO tests (id, loop_id, max_attempts)"
	    " VALUES ('T', 'loop-1', 1)");
	assert_int_equal(ask(), 0);
	block();
	assert_int_equal(ask(), 1);
	assert_int_equal(ask(), 0);
	assert_int_equal(find(true), 1);
	assert_string_equal(found[0].id, "DEC-001");
	assert_string_equal(found[0].test_id, "T");
	assert_string_equal(found[0].default_option, "C");
	assert_string_equal(found[0].boot_id, BOOT);
	assert_int_equal(found[0].timeout_ms, HOUR_MS);
	assert_true(found[0].asked_ms <= clock_ms());

	assert_int_equal(answer("dec-001", "x"), -1);
	assert_int_equal(errno, EINVAL);
	assert_string_equal(store_error(store),
	    "DEC-001 has no option x, but A (retry with fresh attempts),"
	    " B (skip it), C (leave it blocked)");
	assert_int_equal(answer("DEC-9", "A"), -1);
	assert_int_equal(errno, ENOENT);
	works(answer("dec-001", "a"));
	for (const char *again = "AB"; *again != '\0'; again++) {
		const char choice[] = { *again, '\0' };

		assert_int_equal(answer("DEC-001", choice), -1);
		assert_int_equal(errno, EALREADY);
		assert_non_null(strstr(store_error(store),
		    "DEC-001 was already answered: A by olaf at 20"));
	}
	assert_int_equal(decisions_expire(store, "DEC-001", "pm"), 0);

	assert_int_equal(find(true), 0);
	assert_int_equal(find(false), 1);
	assert_int_equal(apply(), 1);
	assert_int_equal(apply(), 0);
	assert_int_equal(find(false), 0);
	has_rows(1, "tests WHERE status = 'pending' AND attempts = 0");
	/* Blocked once more, it is a new question. */
	block();
	assert_int_equal(ask(), 1);
	assert_int_equal(find(true), 1);
	assert_string_equal(found[0].id, "DEC-002");
}

/* A longer id than we keep: it couldn't be told that it was asked about. */
static void
test_long_id(void **state)
{
	sql("INSERT INTO tests (id, loop_id, status, attempts)"
	    " VALUES (printf('%0200d', 1), 'loop-1', 'blocked', 3),"
	    " ('T', 'loop-1', 'blocked', 3)");
	assert_int_equal(ask(), 1);
	has_rows(1, "decisions WHERE summary LIKE 'T is%'");
}

static void
test_default(void **state)
{
	sql("INSERT INTO tests (id, loop_id, max_attempts)"
	    " VALUES ('T', 'loop-1', 1)");
	block();
	assert_int_equal(ask(), 1);
	assert_int_equal(decisions_expire(store, "DEC-001", "pm"), 1);
	assert_int_equal(decisions_expire(store, "DEC-001", "pm"), 0);
	assert_int_equal(find(false), 1);
	assert_int_equal(apply(), 0); /* C is nothing to do */
	assert_int_equal(find(false), 0);
	assert_int_equal(ask(), 0);
	has_rows(1, "tests WHERE status = 'blocked'");
}

/* A question about a test that somebody has settled by hand is closed. */
static void
test_settled_by_hand(void **state)
{
	sql("INSERT INTO tests (id, loop_id, max_attempts)"
	    " VALUES ('T', 'loop-1', 1)");
	block();
	assert_int_equal(ask(), 1);
	assert_int_equal(claims_skip(store, "T", "olaf", NULL), 1);
	assert_int_equal(find(true), 0);
	has_rows(1, "decisions WHERE status = 'expired'");
	has_rows(1,
	    "events WHERE event_type = 'decision_expired' AND source = 'olaf'"
	    " AND test_id = 'T' AND json_extract(payload, '$.decision_id') ="
	    " 'DEC-001' AND json_extract(payload, '$.result') = 'closed'"
	    " AND json_extract(payload, '$.comment') = 'skipped'");
}

/* Rows of other programs are no reason to stumble. */
static void
test_strangers(void **state)
{
	sql("INSERT INTO decisions (id, decision_type, options, context,"
	    " timeout_minutes, default_option) VALUES"
	    " ('DEC-041', 'merge', 'no JSON', 'no JSON', 5, 'B'),"
	    " ('other', 'merge', NULL, NULL, NULL, NULL)");
	assert_int_equal(find(true), 2);
	assert_string_equal(found[0].test_id, "");
	assert_int_equal(found[0].timeout_ms, 5 * 60 * 1000);
	assert_int_equal(found[1].timeout_ms, -1); /* for ever */
	assert_int_equal(decisions_expire(store, "DEC-041", "pm"), 1);
	assert_int_equal(decisions_expire(store, "other", "pm"), 1);
	assert_int_equal(find(false), 1);
	assert_int_equal(decisions_apply(store, &found[0], NULL, "pm"), 0);
	assert_int_equal(find(false), 0);
	sql("INSERT INTO tests (id, loop_id, status)"
	    " VALUES ('T', 'loop-1', 'blocked')");
	assert_int_equal(ask(), 1);
	assert_int_equal(find(true), 1);
	assert_string_equal(found[0].id, "DEC-042");
}

/* What another program asks about its test is no business of ours, whatever it
 * calls it. */
static void
test_unsettled_strangers(void **state)
{
	sql("INSERT INTO tests (id, loop_id, max_attempts)"
	    " VALUES ('T', 'loop-1', 1)");
	block();
	assert_int_equal(ask(), 1);
	sql("INSERT INTO decisions (id, decision_type, context, status) VALUES"
	    " ('theirs', 'test_blocked', '{\"test_id\":\"T\"}', 'pending'),"
	    " ('text', 'test_blocked', 'no JSON', 'pending'),"
	    " ('none', 'test_blocked', NULL, 'pending')");
	sql("UPDATE tests SET status = 'passed'");
	assert_int_equal(ask(), 0);
	has_rows(3, "decisions WHERE status = 'pending'");
	has_rows(1, "decisions WHERE status = 'expired' AND id = 'DEC-001'");
}

/* Whoever only knows the table may answer as people do. */
static void
test_answered_by_others(void **state)
{
	sql("INSERT INTO tests (id, loop_id, max_attempts)"
	    " VALUES ('T', 'loop-1', 1)");
	block();
	assert_int_equal(ask(), 1);
	sql("UPDATE decisions SET status = 'decided', choice = 'b'");
	assert_int_equal(find(false), 1);
	assert_string_equal(found[0].choice, "B");
	assert_int_equal(apply(), 1);
	has_rows(1, "tests WHERE status = 'skipped'");
}

/* The test waits for the answer, its loop doesn't; whoever settles the test
 * by hand ends that, too. */
static void
test_parked(void **state)
{
	struct question question = { .type = "test_failing",
		.summary = "T: a \"quoted\" line",
		.test_id = "T",
		.loop_id = "loop-1",
		.options = { { "A", "go on" }, { "B", "skip it" } },
		.default_option = "A",
		.parks = true,
		.by = "pm",
		.timeout_ms = HOUR_MS,
		.boot_id = BOOT };
	struct claim_request request = { .loop_id = "loop-1",
		.max_attempts = 1 };
	char id[DECISION_ID_SIZE];
	struct claim claim;

	sql("INSERT INTO tests (id, loop_id, sort_order)"
	    " VALUES ('T', 'loop-1', 1), ('U', 'loop-1', 2)");
	works(decisions_open(store, &question, id));
	assert_string_equal(id, "DEC-001");
	has_rows(1, "tests WHERE id = 'T' AND parked = 'DEC-001'");
	assert_int_equal(claims_take(store, &request, &claim, NULL), 1);
	assert_string_equal(claim.key.test_id, "U");
	claims_free(&claim);
	assert_int_equal(claims_take(store, &request, &claim, NULL), 0);
	works(answer(id, "A"));
	has_rows(1, "tests WHERE id = 'T' AND parked = 'DEC-001'");
	assert_int_equal(find(false), 1);
	assert_string_equal(found[0].type, "test_failing");
	assert_int_equal(decisions_apply(store, &found[0], NULL, "pm"), 0);
	has_rows(0, "tests WHERE parked IS NOT NULL");

	works(decisions_open(store, &question, id));
	has_rows(1, "tests WHERE parked = 'DEC-002' AND waiting = 1");
	assert_int_equal(claims_reset(store, "T", "olaf", NULL), 1);
	has_rows(1, "decisions WHERE status = 'expired'");
	works(decisions_open(store, &question, id));
	assert_int_equal(claims_skip(store, "T", "olaf", NULL), 1);
	has_rows(0, "tests WHERE parked IS NOT NULL");
}

/* Keeps it if the argument says so. */
static bool
keep_cause(const char *cause, void *argument)
{
	note_said(cause);
	return argument != NULL;
}

static void
test_alerts(void **state)
{
	struct alert alert = { .cause = "stuck:loop-1",
		.severity = "warning",
		.type = "loop_stuck",
		.source = "monitor",
		.message = "loop-1: no progress" };

	sql("INSERT INTO alerts (message, context) VALUES ('x', 'no JSON')");
	assert_int_equal(alerts_clear(store, "monitor", "stuck:loop-1"), 0);
	assert_int_equal(alerts_raise(store, &alert, "stuck_detected"), 1);
	assert_int_equal(alerts_raise(store, &alert, "stuck_detected"), 0);
	/* Seen by a human is not gone. */
	sql("UPDATE alerts SET acknowledged = 1, acknowledged_by = 'olaf'");
	assert_int_equal(alerts_raise(store, &alert, "stuck_detected"), 0);
	assert_int_equal(alerts_sweep(store, "pm", keep_cause, NULL), 0);
	was_said("");
	assert_int_equal(alerts_sweep(store, "monitor", keep_cause, store), 0);
	was_said("stuck:loop-1 ");
	assert_int_equal(alerts_raise(store, &alert, "stuck_detected"), 0);
	assert_int_equal(alerts_sweep(store, "monitor", keep_cause, NULL), 0);
	assert_int_equal(alerts_clear(store, "monitor", "stuck:loop-1"), 0);
	has_rows(2, "alerts WHERE acknowledged_by = 'olaf'");
	assert_int_equal(alerts_raise(store, &alert, "stuck_detected"), 1);
	has_rows(2, "events WHERE event_type = 'stuck_detected'");
}

static void
test_alerts_that_become_more_severe(void **state)
{
	struct alert alert = { .cause = "metric:conflicts",
		.severity = "warning",
		.type = "conflicts",
		.source = "monitor",
		.message = "6 conflicts" };

	assert_int_equal(alerts_raise(store, &alert, NULL), 1);
	sql("UPDATE alerts SET acknowledged = 1, acknowledged_by = 'olaf'");
	alert.severity = "critical";
	alert.message = "11 conflicts";
	assert_int_equal(alerts_raise(store, &alert, NULL), 1);
	has_rows(1,
	    "alerts WHERE severity = 'critical' AND NOT acknowledged"
	    " AND acknowledged_by IS NULL AND message = '11 conflicts'");
	has_rows(1, "alerts");
	has_rows(2, "events WHERE event_type = 'alert_raised'");
	/* Down and up again is no news, until it was over. */
	alert.severity = "warning";
	assert_int_equal(alerts_raise(store, &alert, NULL), 0);
	alert.severity = "critical";
	assert_int_equal(alerts_raise(store, &alert, NULL), 0);
	has_rows(1, "alerts WHERE severity = 'critical'");
	assert_int_equal(alerts_clear(store, "monitor", "metric:conflicts"), 1);
	alert.severity = "warning";
	assert_int_equal(alerts_raise(store, &alert, NULL), 1);
	has_rows(1, "alerts WHERE NOT acknowledged AND severity = 'warning'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_retry, setup),
		TEST(test_long_id, setup),
		TEST(test_default, setup),
		TEST(test_settled_by_hand, setup),
		TEST(test_strangers, setup),
		TEST(test_unsettled_strangers, setup),
		TEST(test_answered_by_others, setup),
		TEST(test_parked, setup),
		TEST(test_alerts, setup),
		TEST(test_alerts_that_become_more_severe, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
