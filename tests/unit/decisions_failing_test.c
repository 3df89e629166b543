/* Questions about tests that fail in a row: asked once per run, and never by
 * holding up a loop. */
#include <string.h>

#include "claims_fixture.h"
#include "store/decisions_blocked.h"
#include "store/decisions_failing.h"
#include "store/progress.h"

#define HOUR_MS (60 * 60 * 1000)

static struct decision due;
static int ndue;

static struct failing_loop
loop_of(const char *loop_id, void *argument)
{
	return (struct failing_loop){ .max_attempts = 9,
		.has_second = strcmp(loop_id, "loop-2") == 0 };
}

static int
ask_after(int failures)
{
	const struct failing_rule rule = { .failures = failures,
		.loop = loop_of,
		.by = "pm",
		.timeout_ms = HOUR_MS };
	int asked = failing_ask(store, &rule);

	if (asked < 0)
		fail_msg("%s", store_error(store));
	return asked;
}

static int
ask(void)
{
	return ask_after(3);
}

static void
keep(const struct decision *decision, void *argument)
{
	due = *decision;
	ndue++;
}

static int
answers(const char *id, const char *choice)
{
	works(decisions_answer(store, id, choice, "olaf", NULL));
	ndue = 0;
	works(decisions_due(store, keep, NULL) < 0 ? -1 : 0);
	assert_int_equal(ndue, 1);
	assert_string_equal(due.id, id);
	return decisions_apply(store, &due, failing_apply, "pm");
}

static void
fails(const struct claim_request *loop, const char *test_id, int times)
{
	struct claim_request request = *loop;

	request.max_attempts = 9;
	request.by_hand = true;
	for (int i = 0; i < times; i++) {
		struct attempt_end end = { .outcome = OUTCOME_FAILED,
			.detail = "verify: exit 2",
			.max_attempts = 9 };
		struct attempt_key key = takes(&request, test_id);
		enum attempt_result result;

		works(attempts_end(store, &key, &end, &result));
	}
}

static int
setup(void **state)
{
	(void)claims_setup(state);
	sql("INSERT INTO tests (id, loop_id, sort_order, max_attempts) VALUES"
	    " ('T', 'loop-1', 1, 0), ('U', 'loop-1', 2, 9), ('V', 'loop-2', 1, "
	    "9)");
	return 0;
}

static void
test_switched_off(void **state)
{
	fails(&loop_1, "T", 4);
	assert_int_equal(ask_after(0), 0);
	has_rows(0, "decisions");
	assert_int_equal(ask_after(4), 1);
}

static void
test_long_id(void **state)
{
	sql("INSERT INTO tests (id, loop_id, attempts)"
	    " VALUES (printf('%0200d', 1), 'loop-1', 3)");
	assert_int_equal(ask(), 0);
}

static void
test_asked_once(void **state)
{
	fails(&loop_1, "T", 2);
	assert_int_equal(ask(), 0);
	fails(&loop_1, "T", 1);
	assert_int_equal(ask(), 1);
	assert_int_equal(ask(), 0);
	assert_string_equal(text("SELECT summary FROM decisions"),
	    "T failed 3 times in a row; the last: verify: exit 2");
	assert_string_equal(text("SELECT group_concat(value ->> 'id' || ' ' ||"
				 " (value ->> 'description'), ', ')"
				 " FROM decisions, json_each(options)"),
	    "A go on with the attempts that are left: 6, B skip it,"
	    " C leave it blocked until it is reset");
	has_rows(1, "decisions WHERE default_option = 'A'");
	/* The loop takes other work, and holds nothing. */
	takes(&loop_1, "U");
	has_rows(0, "file_locks WHERE test_id = 'T'");

	assert_int_equal(answers("DEC-001", "A"), 0);
	fails(&loop_1, "T", 1);
	assert_int_equal(ask(), 0);
	/* A reset begins another run. */
	assert_int_equal(claims_reset(store, "T", "olaf", NULL), 1);
	fails(&loop_1, "T", 2);
	assert_int_equal(ask(), 0);
	fails(&loop_1, "T", 1);
	assert_int_equal(ask(), 1);
	has_rows(1, "tests WHERE parked = 'DEC-002'");
}

static void
test_answers(void **state)
{
	fails(&loop_1, "T", 3);
	assert_int_equal(ask(), 1);
	assert_int_equal(answers("DEC-001", "b"), 1);
	has_rows(1, "tests WHERE id = 'T' AND status = 'skipped'");

	fails(&loop_1, "U", 3);
	assert_int_equal(ask(), 1);
	assert_int_equal(answers("DEC-002", "C"), 1);
	has_rows(1,
	    "tests WHERE id = 'U' AND status = 'blocked'"
	    " AND reason = 'decision DEC-002: C' AND parked IS NULL");
	/* Nobody is asked again what to do with it. */
	assert_int_equal(blocked_ask(store, "pm", HOUR_MS, NULL), 0);

	fails(&loop_2, "V", 3);
	assert_int_equal(ask(), 1);
	has_rows(1,
	    "decisions, json_each(options)"
	    " WHERE decisions.id = 'DEC-003' AND value ->> 'id' = 'D'");
	assert_int_equal(answers("DEC-003", "D"), 1);
	has_rows(1, "tests WHERE id = 'V' AND second_worker = 1");
	takes(&loop_2, "V");
	assert_int_equal(claims_reset(store, "V", "olaf", NULL), 1);
	has_rows(0, "tests WHERE second_worker = 1");
}

/* An attempt that runs while it is asked may pass: then there is nothing to be
 * asked any more. */
static void
test_passes_meanwhile(void **state)
{
	struct attempt_key key;

	fails(&loop_1, "T", 3);
	key = takes(&loop_1, "T");
	assert_int_equal(ask(), 1);
	has_rows(
	    1, "tests WHERE status = 'in_progress' AND parked IS NOT NULL");
	ends(&key, OUTCOME_PASSED, false, RESULT_PASSED);
	assert_int_equal(ask(), 0);
	has_rows(1, "decisions WHERE status = 'expired' AND choice IS NULL");
	has_rows(0, "tests WHERE parked IS NOT NULL");
	has_rows(1,
	    "events WHERE event_type = 'decision_expired'"
	    " AND payload ->> 'result' = 'closed'");
}

static void
note_failing(const struct failing *test, void *argument)
{
	note_said(test->test_id);
}

/* Another program counts an attempt when it begins. */
static void
test_foreign_counts_at_claim(void **state)
{
	sql("UPDATE tests SET status = 'in_progress', attempts = 3"
	    " WHERE id = 'V'");
	assert_int_equal(ask(), 0);
	works(progress_failing(store, 3, note_failing, NULL));
	was_said("");
	sql("UPDATE tests SET attempts = 4 WHERE id = 'V'");
	assert_int_equal(ask(), 1);
	assert_string_equal(text("SELECT summary FROM decisions"),
	    "V failed 3 times in a row; the last: no result given");
	works(progress_failing(store, 3, note_failing, NULL));
	was_said("V ");
	/* Ours count at the end. */
	fails(&loop_1, "T", 3);
	takes(&loop_1, "T");
	assert_int_equal(ask(), 1);
	works(progress_failing(store, 3, note_failing, NULL));
	was_said("T V ");
}

/* What it was asked about is over when the answer is to be done. */
static void
test_answered_too_late(void **state)
{
	fails(&loop_1, "T", 3);
	assert_int_equal(ask(), 1);
	works(decisions_answer(store, "DEC-001", "B", "olaf", NULL));
	assert_int_equal(claims_reset(store, "T", "olaf", NULL), 1);
	assert_int_equal(decisions_due(store, keep, NULL), 1);
	assert_int_equal(decisions_apply(store, &due, failing_apply, "pm"), 0);
	has_rows(1, "tests WHERE id = 'T' AND status = 'pending'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_switched_off, setup),
		TEST(test_long_id, setup),
		TEST(test_asked_once, setup),
		TEST(test_answers, setup),
		TEST(test_passes_meanwhile, setup),
		TEST(test_foreign_counts_at_claim, setup),
		TEST(test_answered_too_late, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
