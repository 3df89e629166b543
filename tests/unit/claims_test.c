/* The queue on a real database: who gets which test, with real processes
 * beside each other, and what a fence holds off. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "claims_fixture.h"
#include "store/claims.h"
#include "store/overlap.h"

#define PROCESSES 6
#define TESTS	  40

static void
test_order(void **state)
{
	sql("INSERT INTO tests (id, loop_id, sort_order, depends_on,"
	    " automatable, status) VALUES"
	    " ('T-3', 'loop-1', 3, NULL, 1, 'pending'),"
	    " ('T-2', 'loop-1', 2, 'T-3', 1, 'pending'),"
	    " ('T-1', 'loop-1', 1, NULL, 0, 'pending'),"
	    " ('T-0', 'loop-1', 0, NULL, 1, 'skipped'),"
	    " (printf('%0200d', 1), 'loop-1', 0, NULL, 1, 'pending'),"
	    " ('U-1', 'loop-2', 0, 'T-0', 1, 'pending')");
	takes(&loop_1, "T-3");
	takes(&loop_1, NULL);
	sql("UPDATE tests SET status = 'passed' WHERE id = 'T-3'");
	takes(&loop_1, "T-2");
	takes(&loop_2, NULL); /* what it depends on is only skipped */
}

static void
test_locks(void **state)
{
	struct claim claim;
	bool locked = false;

	sql("INSERT INTO tests (id, loop_id, sort_order, files) VALUES"
	    " ('A', 'loop-1', 1, '[\"src/b.c\", \"src/a.c\", \"src/a.c\"]'),"
	    " ('B', 'loop-2', 1, '[\"src/*.c\"]'),"
	    " ('C', 'loop-2', 2, '[\"doc/\", \"lib/x.c\"]'),"
	    " ('D', 'loop-2', 3, 'no JSON')");
	assert_int_equal(claims_take(store, &loop_1, &claim, NULL), 1);
	assert_int_equal(claim.nlocks, 2);
	claims_free(&claim);
	has_rows(2, "file_locks");
	takes(&loop_2, "C");
	takes(&loop_2, "D");
	assert_int_equal(claims_take(store, &loop_2, &claim, &locked), 0);
	assert_true(locked);
	/* The loop's own death gives its locks back. */
	assert_int_equal(
	    claims_begin(store, "loop-1", "One", 1, "", &repairs), 1);
	has_rows(0, "file_locks WHERE locked_by = 'loop-1'");
	takes(&loop_2, "B");
	takes(&loop_1, NULL);
}

static void
test_excepted(void **state)
{
	static const char *const two[] = { "A", "B", NULL };
	struct claim_request request = loop_1;
	struct claim claim;
	bool locked = false;

	sql("INSERT INTO tests (id, loop_id) VALUES ('A', 'loop-1'),"
	    " ('B', 'loop-1'), ('C', 'loop-1')");
	request.except = two;
	takes(&request, "C");
	assert_int_equal(claims_any(store, &request, &locked), 0);
	assert_true(locked);
	assert_int_equal(claims_take(store, &request, &claim, &locked), 0);
	assert_true(locked);
	/* Whoever names it wants it. */
	request.test_id = "B";
	takes(&request, "B");
	takes(&loop_1, "A");
}

static void
test_slow_keeps_apart(void **state)
{
	struct claim_request slow = loop_2;

	slow.no_overlap = true;
	sql("INSERT INTO tests (id, loop_id, files, status) VALUES"
	    " ('A', 'loop-1', '[\"src/*\"]', 'in_progress'),"
	    " ('B', 'loop-2', '[\"src/a.c\"]', 'pending')");
	takes(&slow, NULL);
	takes(&loop_2, "B"); /* nobody holds a lock on it */
}

static void
any(const struct claim_request *request, int expected)
{
	bool locked = false;

	assert_int_equal(claims_any(store, request, &locked), expected);
	assert_int_equal(locked, expected == 0);
}

/* However many of the first are locked, the others are found, and those that
 * aren't locked any more; what stands at the head goes before all. */
static void
test_long_locked(void **state)
{
	struct claim_cursor cursor = { 0 };
	struct claim_request request = loop_1;

	request.cursor = &cursor;
	sql("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
	    "999)"
	    " INSERT INTO tests (id, loop_id, sort_order, files)"
	    " SELECT 'T-' || i, 'loop-1', i / 500, '[\"' ||"
	    " iif(i IN (900, 950, 951), 'doc/', 'src/') || i || '\"]' FROM n");
	sql("INSERT INTO file_locks (file_path, locked_by)"
	    " VALUES ('src/', 'loop-2')");
	takes(&request, NULL);
	any(&request, 1);
	takes(&request, "T-900");
	any(&request, 1);
	takes(&request, "T-950");
	sql("INSERT INTO tests (id, loop_id, sort_order)"
	    " VALUES ('T-0', 'loop-1', -1)");
	takes(&request, "T-0");
	takes(&request, "T-951");
	any(&request, 0);
	takes(&request, NULL);
	sql("UPDATE tests SET files = NULL WHERE id = 'T-499'");
	any(&request, 1);
	takes(&request, "T-499");
	/* One that the last look has passed. */
	sql("UPDATE tests SET files = NULL WHERE id = 'T-498'");
	any(&request, 1);
	takes(&request, "T-498");
	any(&request, 0);
	sql("DELETE FROM file_locks");
	takes(&request, "T-1");
}

static void
waits(const char *test_ids)
{
	assert_string_equal(text("SELECT ifnull(group_concat(id, ' '), '')"
				 " FROM (SELECT id FROM tests WHERE waiting"
				 " ORDER BY id)"),
	    test_ids);
}

/* Whoever writes, and in whichever order. */
static void
test_waiting(void **state)
{
	sql("INSERT INTO tests (id, loop_id, depends_on, waiting) VALUES"
	    " ('B', 'loop-1', 'A', NULL), ('C', 'loop-1', 'B', 0),"
	    " ('D', 'loop-1', '', 1), ('E', 'loop-1', 'A', 0)");
	waits("B C E");
	sql("INSERT INTO tests (id, status) VALUES ('A', 'passed')");
	waits("C");
	sql("UPDATE tests SET status = 'pending' WHERE id = 'A'");
	waits("B C E");
	sql("UPDATE tests SET depends_on = NULL WHERE id = 'E'");
	waits("B C");
	sql("UPDATE tests SET depends_on = 'F' WHERE id = 'E'");
	waits("B C E");
	sql("UPDATE tests SET status = 'passed'");
	waits("E");
	sql("UPDATE tests SET id = 'F' WHERE id = 'A'");
	waits("B");
	sql("INSERT OR REPLACE INTO tests (id, status)"
	    " VALUES ('B', 'failed')");
	waits("C");
	sql("DELETE FROM tests WHERE id = 'F'");
	waits("C E");
}

/* One that is asked for, and no other. */
static void
test_one(void **state)
{
	struct claim_request one = loop_1;
	struct claim claim;
	bool locked = false;

	sql("INSERT INTO tests (id, loop_id, sort_order, depends_on, files)"
	    " VALUES ('A', 'loop-1', 1, NULL, '[\"a\"]'),"
	    " ('B', 'loop-1', 2, NULL, NULL), ('C', 'loop-1', 3, 'B', NULL),"
	    " ('D', 'loop-1', 4, NULL, '[\"a\"]'), ('E', 'loop-2', 1, NULL,"
	    " '[\"a\"]'), ('F', 'loop-2', 2, NULL, NULL)");
	one.test_id = "C";
	assert_int_equal(claims_take(store, &one, &claim, &locked), 0);
	assert_false(locked);
	one.test_id = "F"; /* another loop's */
	takes(&one, "F");
	one.test_id = "B";
	takes(&one, "B");
	takes(&one, NULL);
	takes(&loop_2, "E");
	one.test_id = "D";
	assert_int_equal(claims_take(store, &one, &claim, &locked), 0);
	assert_true(locked);
}

/* Whatever takes a test from its holder, the holder sees it and its late
 * outcome changes nothing. */
static void
test_fence(void **state)
{
	struct attempt_key old, new;

	sql("INSERT INTO tests (id, loop_id, files)"
	    " VALUES ('T', 'loop-1', '[\"a\"]')");
	old = takes(&loop_1, "T");
	assert_int_equal(claims_held(store, &old), 1);
	assert_int_equal(claims_renew(store, &old), 1);
	assert_int_equal(claims_reset(store, "T", "olaf", "wrong spec"), 1);
	assert_int_equal(claims_held(store, &old), 0);
	assert_int_equal(claims_renew(store, &old), 0);
	/* Its tree may still be alive: the files stay locked till it says so.
	 */
	has_rows(1, "file_locks");
	ends(&old, OUTCOME_LOST_LEASE, true, RESULT_NOTHING);
	has_rows(0, "file_locks");

	new = takes(&loop_1, "T");
	assert_int_equal(new.fence, 2);
	ends(&old, OUTCOME_PASSED, false, RESULT_NOTHING);
	assert_int_equal(claims_held(store, &new), 1);
	/* By hand, as the old runbook does it. */
	sql("UPDATE tests SET status = 'pending'");
	assert_int_equal(claims_held(store, &new), 0);
	takes(&loop_1, NULL); /* not while the attempt is open */
	ends(&new, OUTCOME_PASSED, false, RESULT_NOTHING);
	has_rows(1, "tests WHERE status = 'pending'");
	takes(&loop_1, "T");
}

static void
test_skip(void **state)
{
	struct attempt_key key;

	sql("INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	key = takes(&loop_1, "T");
	assert_int_equal(claims_skip(store, "T", "olaf", "no use"), 1);
	assert_int_equal(claims_skip(store, "T", "olaf", "no use"), 0);
	assert_int_equal(claims_held(store, &key), 0);
	ends(&key, OUTCOME_PASSED, false, RESULT_NOTHING);
	takes(&loop_1, NULL);
}

/* In another database the attempt is nobody. */
static void
test_epoch(void **state)
{
	struct attempt_key key;

	sql("INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	key = takes(&loop_1, "T");
	sql("UPDATE meta SET value = '00000000-0000-4000-8000-000000000000'"
	    " WHERE key = 'epoch'");
	ends(&key, OUTCOME_PASSED, false, RESULT_REPLACED);
	sql("UPDATE attempts SET epoch = 'another'");
	assert_int_equal(claims_renew(store, &key), 0);
	ends(&key, OUTCOME_PASSED, false, RESULT_NOTHING);
	has_rows(0, "tests WHERE status = 'passed'");
}

/* One of many workers of the same queue. Exit 0 when all went well. */
static int
work(void)
{
	struct claim claim;
	struct attempt_end end = { .outcome = OUTCOME_PASSED,
		.max_attempts = 3 };
	enum attempt_result result;
	int taken;

	if (store_open(store, directory, STORE_WRITE) < 0)
		return 1;
	store_set_busy(store, 60000);
	while ((taken = claims_take(store, &loop_1, &claim, NULL)) == 1) {
		if (attempts_end(store, &claim.key, &end, &result) < 0 ||
		    result != RESULT_PASSED)
			return 2;
		claims_free(&claim);
	}
	store_close(store);
	return taken == 0 ? 0 : 3;
}

static void
test_processes(void **state)
{
	int status;

	sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 40) INSERT INTO tests (id, loop_id, sort_order)"
	    " SELECT 'T-' || i, 'loop-1', i FROM n");
	store_close(store); /* no database is carried over a fork */
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(work());
	}
	for (int i = 0; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	open_again(STORE_WRITE);
	has_rows(TESTS, "attempts");
	has_rows(TESTS, "tests WHERE status = 'passed' AND attempts = 1");
	has_rows(TESTS, "events WHERE event_type = 'test_passed'");
}

static void
test_overlap(void **state)
{
	assert_true(overlap_patterns("a.c", "a.c"));
	assert_false(overlap_patterns("a.c", "a.h"));
	assert_false(overlap_patterns("a.c", "a.cc"));
	assert_true(overlap_patterns("src/*", "src/x/y.c"));
	assert_true(overlap_patterns("src", "src/x.c"));
	assert_true(overlap_patterns("src/", "src/x.c"));
	assert_false(overlap_patterns("src", "srcs/x.c"));
	assert_true(overlap_patterns("a*.c", "*b.c"));
	assert_false(overlap_patterns("a*.c", "*b.h"));
	assert_true(overlap_patterns("*", "anything/at/all"));
	assert_true(overlap_patterns("x?.c", "x[0-9].c"));
	assert_false(overlap_patterns("", "a.c"));
	/* So many ways that only a limit ends it. */
	assert_true(overlap_patterns("*a*a*a*a*a*a*a*a*a*a*a*a*b",
	    "*a*a*a*a*a*a*a*a*a*a*a*a*c*a*a*a*a*a*a*a*a*a*a*a*a*d"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overlap),
		TEST(test_order, claims_setup),
		TEST(test_locks, claims_setup),
		TEST(test_excepted, claims_setup),
		TEST(test_long_locked, claims_setup),
		TEST(test_waiting, claims_setup),
		TEST(test_slow_keeps_apart, claims_setup),
		TEST(test_one, claims_setup),
		TEST(test_fence, claims_setup),
		TEST(test_skip, claims_setup),
		TEST(test_epoch, claims_setup),
		TEST(test_processes, claims_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
