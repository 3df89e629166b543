/* Questions and alerts on a real database: each is asked or raised once, and
 * every answer is done once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/alerts.h"
#include "store/claims.h"
#include "store/decisions.h"
#include "store/progress.h"
#include "store/statement.h"

#define HOUR_MS (60 * 60 * 1000)
#define BOOT	"11111111-1111-4111-8111-111111111111"

struct fixture {
	char directory[64];
	struct store store;
	struct decision found[8];
	int nfound;
	char cause[64]; /* the last one that stands */
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(
	    f->directory, sizeof(f->directory), "/tmp/lk-decisions.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	assert_int_equal(claims_begin(&f->store, "loop-1", "One", 1, ""), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	store_close(&f->store);
	(void)snprintf(command, sizeof(command), "rm -rf %s", f->directory);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void
run(struct store *s, const char *sql)
{
	if (statement_run(s, sql, "") < 0)
		fail_msg("%s: %s", sql, store_error(s));
}

static int64_t
number(struct store *s, const char *sql)
{
	int64_t result = -1;

	if (statement_int_of(s, &result, sql, "") < 0)
		fail_msg("%s: %s", sql, store_error(s));
	return result;
}

static void
keep(const struct decision *decision, void *argument)
{
	struct fixture *f = argument;

	f->found[f->nfound++] = *decision;
}

static int
find(struct fixture *f, bool pending)
{
	f->nfound = 0;
	return decisions_each(&f->store, pending, keep, f);
}

/* A test that has just been blocked by its only attempt. */
static void
block(struct store *s)
{
	struct claim_request request = { .loop_id = "loop-1",
		.max_attempts = 1 };
	struct attempt_end end = { .outcome = OUTCOME_FAILED,
		.detail = "verify: exit 2",
		.max_attempts = 1 };
	enum attempt_result result;
	struct claim claim;

	assert_int_equal(claims_take(s, &request, &claim, NULL), 1);
	assert_int_equal(attempts_end(s, &claim.key, &end, &result), 0);
	assert_int_equal(result, RESULT_BLOCKED);
	claims_free(&claim);
}

static void
test_retry(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;
	char error[256];

	run(s,
	    "INSERT INTO tests (id, loop_id, max_attempts)"
	    " VALUES ('T', 'loop-1', 1)");
	assert_int_equal(decisions_open_blocked(s, "pm", HOUR_MS, BOOT), 0);
	block(s);
	assert_int_equal(decisions_open_blocked(s, "pm", HOUR_MS, BOOT), 1);
	assert_int_equal(decisions_open_blocked(s, "pm", HOUR_MS, BOOT), 0);
	assert_int_equal(find(f, true), 1);
	assert_string_equal(f->found[0].id, "DEC-001");
	assert_string_equal(f->found[0].test_id, "T");
	assert_string_equal(f->found[0].default_option, "C");
	assert_string_equal(f->found[0].boot_id, BOOT);
	assert_int_equal(f->found[0].timeout_ms, HOUR_MS);
	assert_true(f->found[0].asked_ms <= clock_ms());

	assert_int_equal(decisions_answer(s, "dec-001", "x", "olaf", NULL,
			     error, sizeof(error)),
	    -1);
	assert_int_equal(errno, EINVAL);
	assert_string_equal(error, "DEC-001 has no option x");
	assert_int_equal(decisions_answer(s, "DEC-9", "A", "olaf", NULL, error,
			     sizeof(error)),
	    -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(
	    decisions_answer(s, "dec-001", "a", "olaf", NULL, NULL, 0), 1);
	assert_int_equal(
	    decisions_answer(s, "DEC-001", "A", "olaf", NULL, NULL, 0), 0);
	assert_int_equal(
	    decisions_answer(s, "DEC-001", "B", "olaf", NULL, NULL, 0), -1);
	assert_int_equal(errno, EALREADY);
	assert_int_equal(decisions_expire(s, "DEC-001", "pm"), 0);

	assert_int_equal(find(f, true), 0);
	assert_int_equal(find(f, false), 1);
	assert_int_equal(decisions_apply(s, &f->found[0], "pm"), 1);
	assert_int_equal(decisions_apply(s, &f->found[0], "pm"), 0);
	assert_int_equal(find(f, false), 0);
	assert_int_equal(number(s,
			     "SELECT count(*) FROM tests WHERE"
			     " status = 'pending' AND attempts = 0"),
	    1);
	/* Blocked once more, it is a new question. */
	block(s);
	assert_int_equal(find(f, false), 0);
	assert_int_equal(decisions_open_blocked(s, "pm", HOUR_MS, BOOT), 1);
	assert_int_equal(find(f, true), 1);
	assert_string_equal(f->found[0].id, "DEC-002");
}

static void
test_default(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;

	run(s, "INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	run(s, "UPDATE tests SET max_attempts = 1");
	block(s);
	assert_int_equal(decisions_open_blocked(s, "pm", HOUR_MS, BOOT), 1);
	assert_int_equal(decisions_expire(s, "DEC-001", "pm"), 1);
	assert_int_equal(decisions_expire(s, "DEC-001", "pm"), 0);
	assert_int_equal(find(f, false), 0); /* C is nothing to do */
	assert_int_equal(decisions_open_blocked(s, "pm", HOUR_MS, BOOT), 0);
	assert_int_equal(number(s,
			     "SELECT count(*) FROM tests"
			     " WHERE status = 'blocked'"),
	    1);
}

/* A question about a test that somebody has settled by hand is closed. */
static void
test_settled_by_hand(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;

	run(s,
	    "INSERT INTO tests (id, loop_id, max_attempts)"
	    " VALUES ('T', 'loop-1', 1)");
	block(s);
	assert_int_equal(decisions_open_blocked(s, "pm", HOUR_MS, BOOT), 1);
	assert_int_equal(claims_skip(s, "T", "olaf", NULL), 1);
	assert_int_equal(find(f, true), 0);
	assert_int_equal(number(s,
			     "SELECT count(*) FROM decisions"
			     " WHERE status = 'expired'"),
	    1);
}

/* Rows of other programs are no reason to stumble. */
static void
test_strangers(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;

	run(s,
	    "INSERT INTO decisions (id, decision_type, options, context,"
	    " timeout_minutes, default_option) VALUES"
	    " ('DEC-041', 'merge', 'no JSON', 'no JSON', 5, 'B'),"
	    " ('other', 'merge', NULL, NULL, NULL, NULL)");
	assert_int_equal(find(f, true), 2);
	assert_string_equal(f->found[0].test_id, "");
	assert_int_equal(f->found[0].timeout_ms, 5 * 60 * 1000);
	assert_int_equal(f->found[1].timeout_ms, HOUR_MS);
	assert_int_equal(decisions_expire(s, "DEC-041", "pm"), 1);
	assert_int_equal(decisions_expire(s, "other", "pm"), 1);
	assert_int_equal(find(f, false), 0);
	run(s,
	    "INSERT INTO tests (id, loop_id, status)"
	    " VALUES ('T', 'loop-1', 'blocked')");
	assert_int_equal(decisions_open_blocked(s, "pm", HOUR_MS, BOOT), 1);
	assert_int_equal(find(f, true), 1);
	assert_string_equal(f->found[0].id, "DEC-042");
}

static void
keep_cause(const char *cause, void *argument)
{
	struct fixture *f = argument;

	(void)snprintf(f->cause, sizeof(f->cause), "%s", cause);
	f->nfound++;
}

static void
test_alerts(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;
	struct alert alert = { .cause = "stuck:loop-1",
		.severity = "warning",
		.type = "loop_stuck",
		.source = "monitor",
		.message = "loop-1: no progress" };

	run(s, "INSERT INTO alerts (message, context) VALUES ('x', 'no JSON')");
	assert_int_equal(alerts_clear(s, "monitor", "stuck:loop-1"), 0);
	assert_int_equal(alerts_raise(s, &alert, "stuck_detected"), 1);
	assert_int_equal(alerts_raise(s, &alert, "stuck_detected"), 0);
	/* Seen by a human is not gone. */
	run(s, "UPDATE alerts SET acknowledged = 1, acknowledged_by = 'olaf'");
	assert_int_equal(alerts_raise(s, &alert, "stuck_detected"), 0);
	assert_int_equal(alerts_each_standing(s, "monitor", keep_cause, f), 0);
	assert_int_equal(f->nfound, 1);
	assert_string_equal(f->cause, "stuck:loop-1");
	assert_int_equal(alerts_clear(s, "monitor", "stuck:loop-1"), 1);
	assert_int_equal(alerts_clear(s, "monitor", "stuck:loop-1"), 0);
	assert_int_equal(number(s,
			     "SELECT count(*) FROM alerts"
			     " WHERE acknowledged_by = 'olaf'"),
	    2);
	assert_int_equal(alerts_raise(s, &alert, "stuck_detected"), 1);
	assert_int_equal(number(s,
			     "SELECT count(*) FROM events"
			     " WHERE event_type = 'stuck_detected'"),
	    2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_retry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_default, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_settled_by_hand, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alerts, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
