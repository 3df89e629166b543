/* When a regression is over, and for whom it is one. */
#include "claims_fixture.h"
#include "store/passing.h"
#include "store/regressions.h"

static void
opens(const char *test_id, const char *loop_id)
{
	const struct regression r = { .test_id = test_id,
		.loop_id = loop_id,
		.commit = "c1",
		.last_good = "",
		.transcript = "" };

	assert_int_equal(regressions_open(store, "monitor", &r), 1);
}

static int
regressed_setup(void **state)
{
	(void)claims_setup(state);
	sql("INSERT INTO tests (id, loop_id, status, verified_at) VALUES"
	    " ('A', 'loop-1', 'passed', '2026-01-01T00:00:00.000Z'),"
	    " ('B', 'loop-2', 'passed', '2026-01-01T00:00:00.000Z')");
	opens("A", "loop-1");
	opens("B", "loop-2");
	return 0;
}

/* Of loop-1, for these loops: which is open, and whether one is to be mended.
 */
static void
asks(const char *loops, const char *test_id, bool has_fix)
{
	struct regression_oldest red;
	int found = regressions_ask(store, loops, "loop-1", &red);

	assert_int_equal(found, test_id != NULL);
	if (test_id == NULL)
		return;
	assert_string_equal(red.test_id, test_id);
	assert_string_equal(red.commit, "c1");
	assert_int_equal(red.has_fix, has_fix);
}

static void
test_whose_branch_it_is(void **state)
{
	asks("[\"loop-1\", \"loop-2\"]", "A", false);
	asks("[\"loop-2\"]", "B", false);
	asks("[\"loop-3\"]", NULL, false);
}

/* A candidate of another loop that is without the bad commit says nothing of
 * the branch. */
static void
test_it_passes_elsewhere(void **state)
{
	struct passing_test a = { .id = "A", .passes = true };
	const struct passing_list list = { .tests = &a, .n = 1 };

	works(passing_verified(store, &list));
	assert_int_equal(regressions_settle(store, "monitor"), 0);
	sql("UPDATE regressions SET status = 'cleared'");
	works(passing_verified(store, &list));
	has_rows(1, "tests WHERE id = 'A' AND verified_at > '2026-01-02'");
}

static void
test_a_reset_one_is_the_fix(void **state)
{
	assert_int_equal(claims_reset(store, "B", "tester", ""), 1);
	/* That is up to another loop. */
	asks("[\"loop-1\", \"loop-2\"]", "A", false);
	assert_int_equal(claims_reset(store, "A", "tester", ""), 1);
	asks("[\"loop-1\", \"loop-2\"]", "A", true);
	assert_int_equal(regressions_settle(store, "monitor"), 0);
	sql("UPDATE tests SET status = 'in_progress' WHERE id = 'A'");
	asks("[\"loop-1\"]", "A", false);
	assert_int_equal(regressions_settle(store, "monitor"), 0);
}

/* One that can't be had now is no reason to keep from the others. */
static void
test_what_is_locked_or_waits_is_passed_by(void **state)
{
	static const char *const fixes[] = { "F", "G", "H" };
	static const char *const waiting[] = { "F", NULL };
	struct claim_request request = loop_1;
	bool locked;

	request.only_fixes = true;
	sql("INSERT INTO tests (id, loop_id, status, sort_order, files)"
	    " VALUES ('E', 'loop-1', 'pending', 1, NULL),"
	    " ('F', 'loop-1', 'passed', 2, NULL),"
	    " ('G', 'loop-1', 'passed', 3, '[\"g\"]'),"
	    " ('H', 'loop-1', 'passed', 4, NULL)");
	sql("INSERT INTO file_locks (file_path, locked_by)"
	    " VALUES ('g', 'loop-2')");
	takes(&request, NULL);
	for (size_t i = 0; i < 3; i++) {
		opens(fixes[i], "loop-1");
		assert_int_equal(
		    claims_reset(store, fixes[i], "tester", ""), 1);
	}
	assert_int_equal(claims_reset(store, "A", "tester", ""), 1);
	sql("UPDATE tests SET retry_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now',"
	    " '+5 minutes'), sort_order = 0 WHERE id = 'A'");
	request.except = waiting;
	takes(&request, "H");
	takes(&request, NULL);
	assert_int_equal(claims_any(store, &request, &locked), 0);
	assert_true(locked);
	request.except = NULL;
	takes(&request, "F");
	request.only_fixes = false;
	takes(&request, "E");
}

/* Else nobody would make what it waits for. */
static void
test_a_reset_one_that_waits(void **state)
{
	sql("INSERT INTO tests (id, loop_id) VALUES ('D', 'loop-1');"
	    "UPDATE tests SET status = 'pending', depends_on = 'D'"
	    " WHERE id = 'A'");
	asks("[\"loop-1\"]", NULL, false);
	asks("[\"loop-1\", \"loop-2\"]", "B", false);
	sql("UPDATE tests SET status = 'passed' WHERE id = 'D'");
	asks("[\"loop-1\"]", "A", true);
}

static void
test_when_it_is_over(void **state)
{
	sql("UPDATE tests SET verified_at = '2999-01-01' WHERE id = 'A'");
	asks("[\"loop-1\"]", NULL, false);
	sql("UPDATE tests SET status = 'blocked' WHERE id = 'B'");
	asks("[\"loop-2\"]", NULL, false);
	assert_int_equal(regressions_settle(store, "monitor"), 2);
	has_rows(2, "regressions WHERE status = 'cleared'");
	has_rows(1,
	    "events WHERE event_type = 'regression_cleared'"
	    " AND test_id = 'A' AND payload ->> 'result' = 'passes'");
	has_rows(1,
	    "events WHERE event_type = 'regression_cleared'"
	    " AND test_id = 'B' AND payload ->> 'result' = 'blocked'");
}

static void
test_who_has_passed_anew_is_not_meant(void **state)
{
	struct regression r = { .test_id = "C",
		.loop_id = "loop-1",
		.commit = "c2",
		.last_good = "c1",
		.passed_on = "c1",
		.transcript = "" };

	/* While it was run again it was reset, mended and merged. */
	sql("INSERT INTO tests (id, loop_id, status, verified_commit) VALUES"
	    " ('C', 'loop-1', 'passed', 'c3')");
	assert_int_equal(regressions_open(store, "monitor", &r), 0);
	sql("UPDATE tests SET verified_commit = 'c1' WHERE id = 'C'");
	assert_int_equal(regressions_open(store, "monitor", &r), 1);
}

static void
test_where_it_passed_is_not_known(void **state)
{
	const struct regression r = { .test_id = "C",
		.loop_id = "loop-1",
		.commit = "c2",
		.last_good = "",
		.passed_on = "",
		.transcript = "" };

	sql("INSERT INTO tests (id, loop_id, status) VALUES"
	    " ('C', 'loop-1', 'passed')");
	assert_int_equal(regressions_open(store, "monitor", &r), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whose_branch_it_is, regressed_setup),
		TEST(test_it_passes_elsewhere, regressed_setup),
		TEST(test_a_reset_one_is_the_fix, regressed_setup),
		TEST(
		    test_what_is_locked_or_waits_is_passed_by, regressed_setup),
		TEST(test_a_reset_one_that_waits, regressed_setup),
		TEST(test_when_it_is_over, regressed_setup),
		TEST(test_who_has_passed_anew_is_not_meant, regressed_setup),
		TEST(test_where_it_passed_is_not_known, regressed_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
