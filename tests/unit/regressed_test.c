/* What is asked about regressions, what is done without asking, and when it is
 * asked again. */
#include <stdio.h>
#include <string.h>

#include "claims_fixture.h"
#include "store/decisions_regression.h"
#include "store/passing.h"

static struct decision due;

static int
setup(void **state)
{
	(void)claims_setup(state);
	sql("INSERT INTO tests (id, loop_id, status, verify, verified_at)"
	    " VALUES ('A', 'loop-1', 'passed', 'make a', '2026-01-01'),"
	    " ('B', 'loop-1', 'passed', 'make b', '2026-01-01'),"
	    " ('W', 'loop-2', 'passed', 'make w', '2026-01-01')");
	return 0;
}

/* A regression of the test since that commit, which is W's. */
static void
opens(const char *test_id, const char *bad, int64_t ncommits)
{
	const struct regression r = { .test_id = test_id,
		.loop_id = "loop-1",
		.commit = "c9",
		.last_good = "c1",
		.first_bad = bad,
		.ncommits = ncommits,
		.transcript = "/t",
		.output = "make: no",
		.is_outside = bad[0] == '\0',
		.blamed_loop = bad[0] != '\0' ? "loop-2" : "",
		.blamed_test = bad[0] != '\0' ? "W" : "",
		.blamed_attempt = "",
		.author = "",
		.subject = "" };

	assert_int_equal(regressions_open(store, "monitor", &r), 1);
}

static int
asks(int rollbacks_per_day)
{
	return regressed_ask(store,
	    &(struct regressed_asking){ .by = "pm",
		.timeout_ms = 60000,
		.boot_id = "b",
		.auto_rollback = rollbacks_per_day > 0,
		.rollbacks_per_day = rollbacks_per_day });
}

static void
offers(const char *id, const char *options)
{
	char query[256];

	(void)snprintf(query, sizeof(query),
	    "SELECT group_concat(value ->> 'id', '') FROM decisions,"
	    " json_each(options) WHERE decisions.id = '%s'",
	    id);
	assert_string_equal(text(query), options);
}

/* "DEC-001": how it stands, and why it wasn't done without asking. */
static void
stands(const char *id, const char *status, const char *scruple)
{
	char query[256];

	(void)snprintf(query, sizeof(query),
	    "SELECT status FROM decisions WHERE id = '%s'", id);
	assert_string_equal(text(query), status);
	(void)snprintf(query, sizeof(query),
	    "SELECT summary FROM decisions WHERE id = '%s'", id);
	assert_non_null(strstr(text(query), scruple));
}

static void
keep(const struct decision *d, void *argument)
{
	due = *d;
}

/* Does what the one answer that is due says. */
static void
applies(const char *error)
{
	assert_int_equal(decisions_due(store, keep, NULL), 1);
	works(regressed_note(store, &due, error));
	assert_int_equal(
	    decisions_apply(store, &due, regressed_apply, "pm"), 1);
}

static void
fails_again(const char *test_id)
{
	works(regressions_confirm(store, test_id));
}

static void
test_what_is_offered(void **state)
{
	opens("A", "c5", 1);
	assert_int_equal(asks(0), 1);
	assert_int_equal(asks(0), 0);
	offers("DEC-001", "ABC");
	/* It may be one of two commits. */
	opens("B", "c6", 2);
	assert_int_equal(asks(0), 1);
	offers("DEC-002", "BC");
	opens("W", "", 0);
	assert_int_equal(asks(3), 1);
	offers("DEC-003", "BC");
	stands("DEC-003", "pending", "no commit is to blame");
	has_rows(3, "decisions WHERE default_option = 'C'");
}

static void
test_answers(void **state)
{
	opens("A", "c5", 1);
	opens("B", "c6", 1);
	opens("W", "", 0);
	assert_int_equal(asks(0), 3);
	works(decisions_answer(store, "DEC-001", "B", "olaf", NULL));
	applies(NULL);
	has_rows(1,
	    "tests WHERE id = 'A' AND status = 'pending'"
	    " AND evidence LIKE 'A had passed, and fails% since commit"
	    " c5 (W); it passes on c1.%make: no'");
	works(decisions_answer(store, "DEC-002", "C", "olaf", NULL));
	applies(NULL);
	has_rows(1,
	    "tests WHERE id = 'B' AND status = 'skipped'"
	    " AND reason = 'Regression from W'");
	works(decisions_answer(store, "DEC-003", "C", "olaf", NULL));
	applies(NULL);
	has_rows(
	    1, "tests WHERE id = 'W' AND reason = 'Regression seen on c9'");
	assert_int_equal(regressions_settle(store, "monitor"), 2);
	/* Whoever does it is told so, until it is done. */
	sql("UPDATE tests SET status = 'passed' WHERE id = 'A'");
	has_rows(1, "tests WHERE id = 'A' AND evidence IS NULL");
}

static void
test_a_question_ends_with_its_regression(void **state)
{
	opens("A", "c5", 1);
	assert_int_equal(asks(0), 1);
	sql("UPDATE tests SET verified_at = '2999-01-01' WHERE id = 'A'");
	assert_int_equal(regressions_settle(store, "monitor"), 1);
	stands("DEC-001", "expired", "");
	has_rows(1,
	    "events WHERE event_type = 'decision_expired'"
	    " AND payload ->> 'result' = 'closed'");
}

static void
test_a_rollback_in_vain(void **state)
{
	opens("A", "c5", 1);
	opens("B", "c5", 1);
	fails_again("A");
	fails_again("A");
	assert_int_equal(asks(0), 2);
	works(decisions_answer(store, "DEC-001", "A", "olaf", NULL));
	applies(NULL);
	/* This run may have begun before. */
	fails_again("A");
	assert_int_equal(asks(0), 0);
	fails_again("A");
	assert_int_equal(asks(0), 1);
	offers("DEC-003", "BC");
	stands("DEC-003", "pending", "mended nothing");
}

static void
test_one_rollback_for_all_that_it_mends(void **state)
{
	opens("A", "c5", 1);
	assert_int_equal(asks(3), 1);
	stands("DEC-001", "auto_resolved", "");
	opens("B", "c5", 1);
	assert_int_equal(asks(3), 0);
	applies(NULL);
	assert_int_equal(asks(3), 0);
	fails_again("B");
	fails_again("B");
	assert_int_equal(asks(3), 1);
	stands("DEC-002", "pending", "work was rolled back so before");
}

static void
test_what_is_not_done_without_asking(void **state)
{
	opens("A", "c5", 1);
	assert_int_equal(asks(3), 1);
	stands("DEC-001", "auto_resolved", "");
	/* Nothing is seen to be mended yet, whoever did the other. */
	opens("B", "c6", 1);
	sql("UPDATE regressions SET blamed_test = 'X' WHERE test_id = 'B'");
	assert_int_equal(asks(3), 1);
	stands("DEC-002", "pending", "isn't seen to have mended");
	sql("DELETE FROM regressions WHERE test_id = 'B';"
	    "UPDATE tests SET verified_at = '2999-01-01' WHERE id = 'A'");
	assert_int_equal(regressions_settle(store, "monitor"), 1);
	opens("B", "c7", 1);
	sql("UPDATE regressions SET blamed_test = 'X' WHERE test_id = 'B'");
	opens("W", "c8", 1);
	assert_int_equal(asks(3), 2);
	stands("DEC-003", "pending", "other tests fail for another cause");
	sql("DELETE FROM regressions WHERE test_id <> 'A'");
	opens("B", "c7", 1);
	sql("UPDATE regressions SET blamed_test = 'X' WHERE test_id = 'B'");
	assert_int_equal(asks(1), 1);
	stands("DEC-005", "pending", "as many today as are allowed");
	sql("DELETE FROM regressions WHERE test_id <> 'A'");
	opens("B", "c7", 1);
	sql("UPDATE regressions SET blamed_revert = 1 WHERE test_id = 'B'");
	assert_int_equal(asks(3), 1);
	stands("DEC-006", "pending", "is a rollback itself");
	sql("DELETE FROM regressions WHERE test_id <> 'A'");
	opens("B", "c7", 1);
	sql("UPDATE regressions SET blamed_test = NULL, blamed_loop = NULL"
	    " WHERE test_id = 'B'");
	assert_int_equal(asks(3), 1);
	stands("DEC-007", "pending", "no loop has made that commit");
	offers("DEC-007", "ABC");
}

static void
test_a_rollback_that_cant_be_done(void **state)
{
	opens("A", "c5", 1);
	assert_int_equal(asks(3), 1);
	applies("the branch is checked out");
	has_rows(1,
	    "alerts WHERE alert_type = 'rollback_failed'"
	    " AND message LIKE '%: the branch is checked out'");
	assert_int_equal(asks(3), 1);
	offers("DEC-002", "BC");
	stands("DEC-002", "pending", "the branch is checked out");
	sql("UPDATE tests SET verified_at = '2999-01-01' WHERE id = 'A'");
	assert_int_equal(regressions_settle(store, "monitor"), 1);
	has_rows(0, "alerts WHERE acknowledged = 0");
}

/* It is told once that it can't be yet, and no more once it is done. */
static void
test_a_rollback_that_cant_be_done_yet(void **state)
{
	opens("A", "c5", 1);
	assert_int_equal(asks(3), 1);
	assert_int_equal(decisions_due(store, keep, NULL), 1);
	for (int i = 0; i < 2; i++)
		works(regressed_postpone(store, &due, "pm", "checked out"));
	has_rows(1,
	    "alerts WHERE severity = 'warning'"
	    " AND message LIKE '% is tried again: checked out'");
	has_rows(1, "events WHERE event_type = 'alert_raised'");
	assert_int_equal(asks(3), 0);
	applies(NULL);
	has_rows(0, "alerts WHERE acknowledged = 0");
}

static void
test_how_often_it_fails_by_chance(void **state)
{
	struct passing_run run = { .test_id = "A", .commit = "c2", .runs = 1 };

	assert_int_equal(passing_note(store, "monitor", &run), 0);
	has_rows(1, "tests WHERE id = 'A' AND verified_commit = 'c2'");
	run = (struct passing_run){
		.test_id = "A", .commit = "", .runs = 5, .flakes = 2
	};
	assert_int_equal(passing_note(store, "monitor", &run), 1);
	assert_int_equal(passing_note(store, "monitor", &run), 0);
	has_rows(1,
	    "tests WHERE id = 'A' AND verified_commit = 'c2'"
	    " AND runs = 11 AND flakes = 4");
	has_rows(1, "events WHERE event_type = 'flaky_detected'");
}

/* What a merge has noted while it was run stands. */
static void
test_a_run_on_an_older_tip(void **state)
{
	struct passing_run run = {
		.test_id = "A", .commit = "c2", .passed_on = "", .runs = 1
	};

	assert_int_equal(passing_note(store, "monitor", &run), 0);
	has_rows(1, "tests WHERE id = 'A' AND verified_commit = 'c2'");
	run.passed_on = "c2";
	run.commit = "c3";
	sql("UPDATE tests SET verified_commit = 'c4', verified_at ="
	    " '2026-02-02' WHERE id = 'A'");
	assert_int_equal(passing_note(store, "monitor", &run), 0);
	has_rows(1,
	    "tests WHERE id = 'A' AND verified_commit = 'c4'"
	    " AND verified_at = '2026-02-02' AND runs = 2");
	run.passed_on = "c4";
	assert_int_equal(passing_note(store, "monitor", &run), 0);
	has_rows(1,
	    "tests WHERE id = 'A' AND verified_commit = 'c3'"
	    " AND verified_at > '2026-02-02'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_offered, setup),
		TEST(test_answers, setup),
		TEST(test_a_question_ends_with_its_regression, setup),
		TEST(test_a_rollback_in_vain, setup),
		TEST(test_one_rollback_for_all_that_it_mends, setup),
		TEST(test_what_is_not_done_without_asking, setup),
		TEST(test_a_rollback_that_cant_be_done, setup),
		TEST(test_a_rollback_that_cant_be_done_yet, setup),
		TEST(test_how_often_it_fails_by_chance, setup),
		TEST(test_a_run_on_an_older_tip, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
