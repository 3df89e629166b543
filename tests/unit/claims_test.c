/* The queue on a real database: who gets which test, with real processes
 * beside each other, and what a fence holds off. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/claims.h"
#include "store/overlap.h"
#include "store/statement.h"

#define PROCESSES 6
#define TESTS	  40

struct fixture {
	char directory[64];
	struct store store;
};

static const struct claim_request loop_1 = { .loop_id = "loop-1",
	.max_attempts = 3 };
static const struct claim_request loop_2 = { .loop_id = "loop-2",
	.max_attempts = 3 };

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(
	    f->directory, sizeof(f->directory), "/tmp/lk-claims.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
	assert_int_equal(claims_begin(&f->store, "loop-1", "One", 1, ""), 0);
	assert_int_equal(claims_begin(&f->store, "loop-2", "Two", 2, ""), 0);
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
takes(struct store *s, const struct claim_request *request, const char *test_id)
{
	struct claim claim = { 0 };
	int taken = claims_take(s, request, &claim, NULL);

	if (taken < 0)
		fail_msg("%s", store_error(s));
	if (test_id == NULL) {
		assert_int_equal(taken, 0);
		return;
	}
	assert_int_equal(taken, 1);
	assert_string_equal(claim.key.test_id, test_id);
	claims_free(&claim);
}

static enum attempt_result
ends(struct store *s, const struct attempt_key *key,
    enum attempt_outcome outcome, bool parked)
{
	struct attempt_end end = { .outcome = outcome,
		.parked = parked,
		.detail = "verify: exit 2",
		.max_attempts = 3 };
	enum attempt_result result = RESULT_NOTHING;

	if (attempts_end(s, key, &end, &result) < 0)
		fail_msg("%s", store_error(s));
	return result;
}

static void
test_order(void **state)
{
	struct store *s = &((struct fixture *)*state)->store;

	run(s,
	    "INSERT INTO tests (id, loop_id, sort_order, depends_on,"
	    " automatable, status) VALUES"
	    " ('T-3', 'loop-1', 3, NULL, 1, 'pending'),"
	    " ('T-2', 'loop-1', 2, 'T-3', 1, 'pending'),"
	    " ('T-1', 'loop-1', 1, NULL, 0, 'pending'),"
	    " ('T-0', 'loop-1', 0, NULL, 1, 'skipped'),"
	    " ('U-1', 'loop-2', 0, 'T-0', 1, 'pending')");
	takes(s, &loop_1, "T-3");
	takes(s, &loop_1, NULL);
	run(s, "UPDATE tests SET status = 'passed' WHERE id = 'T-3'");
	takes(s, &loop_1, "T-2");
	takes(s, &loop_2, NULL); /* what it depends on is only skipped */
}

static void
test_locks(void **state)
{
	struct store *s = &((struct fixture *)*state)->store;
	struct claim claim;
	bool locked = false;

	run(s,
	    "INSERT INTO tests (id, loop_id, sort_order, files) VALUES"
	    " ('A', 'loop-1', 1, '[\"src/b.c\", \"src/a.c\", \"src/a.c\"]'),"
	    " ('B', 'loop-2', 1, '[\"src/*.c\"]'),"
	    " ('C', 'loop-2', 2, '[\"doc/\", \"lib/x.c\"]'),"
	    " ('D', 'loop-2', 3, 'no JSON')");
	assert_int_equal(claims_take(s, &loop_1, &claim, NULL), 1);
	assert_int_equal(claim.nlocks, 2);
	claims_free(&claim);
	assert_int_equal(number(s, "SELECT count(*) FROM file_locks"), 2);
	takes(s, &loop_2, "C");
	takes(s, &loop_2, "D");
	assert_int_equal(claims_take(s, &loop_2, &claim, &locked), 0);
	assert_true(locked);
	/* The loop's own death gives its locks back. */
	assert_int_equal(claims_begin(s, "loop-1", "One", 1, ""), 1);
	assert_int_equal(
	    number(s,
		"SELECT count(*) FROM file_locks WHERE locked_by = 'loop-1'"),
	    0);
	takes(s, &loop_2, "B");
	takes(s, &loop_1, NULL);
}

static void
test_slow_keeps_apart(void **state)
{
	struct store *s = &((struct fixture *)*state)->store;
	struct claim_request slow = loop_2;

	slow.no_overlap = true;
	run(s,
	    "INSERT INTO tests (id, loop_id, files, status) VALUES"
	    " ('A', 'loop-1', '[\"src/*\"]', 'in_progress'),"
	    " ('B', 'loop-2', '[\"src/a.c\"]', 'pending')");
	takes(s, &slow, NULL);
	takes(s, &loop_2, "B"); /* nobody holds a lock on it */
}

static void
test_outcomes(void **state)
{
	struct store *s = &((struct fixture *)*state)->store;
	struct claim claim;

	run(s, "INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(claims_take(s, &loop_1, &claim, NULL), 1);
		assert_int_equal(claim.key.attempt, i);
		assert_int_equal(claim.key.fence, i);
		assert_int_equal(ends(s, &claim.key, OUTCOME_FAILED, false),
		    i < 3 ? RESULT_RETRY : RESULT_BLOCKED);
		/* Twice is once. */
		assert_int_equal(
		    ends(s, &claim.key, OUTCOME_FAILED, false), RESULT_NOTHING);
		claims_free(&claim);
	}
	takes(s, &loop_1, NULL);
	assert_int_equal(claims_reset(s, "T", "olaf", NULL), 1);
	assert_int_equal(claims_reset(s, "T", "olaf", NULL), 0);
	assert_int_equal(claims_take(s, &loop_1, &claim, NULL), 1);
	assert_int_equal(claim.key.attempt, 1);
	assert_int_equal(
	    ends(s, &claim.key, OUTCOME_PASSED, false), RESULT_PASSED);
	claims_free(&claim);
	assert_int_equal(number(s,
			     "SELECT count(*) FROM events"
			     " WHERE event_type = 'attempt_ended'"),
	    4);
	assert_int_equal(claims_reset(s, "nobody", "olaf", NULL), -1);
	assert_int_equal(errno, ENOENT);
}

static void
test_interruptions(void **state)
{
	struct store *s = &((struct fixture *)*state)->store;
	struct claim claim;

	run(s, "INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	/* Our own are never counted. */
	for (int i = 0; i < 2 * ATTEMPT_INTERRUPTIONS_MAX; i++) {
		assert_int_equal(claims_take(s, &loop_1, &claim, NULL), 1);
		assert_int_equal(ends(s, &claim.key, OUTCOME_INTERRUPTED, true),
		    RESULT_RETRY);
		claims_free(&claim);
	}
	for (int i = 1; i <= ATTEMPT_INTERRUPTIONS_MAX; i++) {
		assert_int_equal(claims_take(s, &loop_1, &claim, NULL), 1);
		assert_int_equal(claim.key.attempt, 1);
		assert_int_equal(
		    ends(s, &claim.key, OUTCOME_INTERRUPTED, false),
		    i < ATTEMPT_INTERRUPTIONS_MAX ? RESULT_RETRY
						  : RESULT_BLOCKED);
		claims_free(&claim);
	}
	assert_int_equal(claims_reset(s, "T", "olaf", NULL), 1);
	assert_int_equal(claims_take(s, &loop_1, &claim, NULL), 1);
	assert_int_equal(
	    ends(s, &claim.key, OUTCOME_INTERRUPTED, false), RESULT_RETRY);
	claims_free(&claim);
}

/* Whatever takes a test from its holder, the holder sees it and its late
 * outcome changes nothing. */
static void
test_fence(void **state)
{
	struct store *s = &((struct fixture *)*state)->store;
	struct claim old, new;

	run(s,
	    "INSERT INTO tests (id, loop_id, files)"
	    " VALUES ('T', 'loop-1', '[\"a\"]')");
	assert_int_equal(claims_take(s, &loop_1, &old, NULL), 1);
	assert_int_equal(claims_held(s, &old.key), 1);
	assert_int_equal(claims_renew(s, &old.key), 1);
	assert_int_equal(claims_reset(s, "T", "olaf", "wrong spec"), 1);
	assert_int_equal(claims_held(s, &old.key), 0);
	assert_int_equal(claims_renew(s, &old.key), 0);
	/* Its tree may still be alive: the files stay locked till it says so.
	 */
	assert_int_equal(number(s, "SELECT count(*) FROM file_locks"), 1);
	assert_int_equal(
	    ends(s, &old.key, OUTCOME_LOST_LEASE, true), RESULT_NOTHING);
	assert_int_equal(number(s, "SELECT count(*) FROM file_locks"), 0);

	assert_int_equal(claims_take(s, &loop_1, &new, NULL), 1);
	assert_int_equal(new.key.fence, 2);
	assert_int_equal(
	    ends(s, &old.key, OUTCOME_PASSED, false), RESULT_NOTHING);
	assert_int_equal(claims_held(s, &new.key), 1);
	/* By hand, as the old runbook does it. */
	run(s, "UPDATE tests SET status = 'pending'");
	assert_int_equal(claims_held(s, &new.key), 0);
	takes(s, &loop_1, NULL); /* not while the attempt is open */
	assert_int_equal(
	    ends(s, &new.key, OUTCOME_PASSED, false), RESULT_NOTHING);
	assert_int_equal(number(s,
			     "SELECT count(*) FROM tests"
			     " WHERE status = 'pending'"),
	    1);
	takes(s, &loop_1, "T");
	claims_free(&old);
	claims_free(&new);
}

static void
test_skip(void **state)
{
	struct store *s = &((struct fixture *)*state)->store;
	struct claim claim;

	run(s, "INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	assert_int_equal(claims_take(s, &loop_1, &claim, NULL), 1);
	assert_int_equal(claims_skip(s, "T", "olaf", "no use"), 1);
	assert_int_equal(claims_skip(s, "T", "olaf", "no use"), 0);
	assert_int_equal(claims_held(s, &claim.key), 0);
	assert_int_equal(
	    ends(s, &claim.key, OUTCOME_PASSED, false), RESULT_NOTHING);
	takes(s, &loop_1, NULL);
	claims_free(&claim);
}

/* In another database the attempt is nobody. */
static void
test_epoch(void **state)
{
	struct store *s = &((struct fixture *)*state)->store;
	struct claim claim;

	run(s, "INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	assert_int_equal(claims_take(s, &loop_1, &claim, NULL), 1);
	run(s,
	    "UPDATE meta SET value = '00000000-0000-4000-8000-000000000000'"
	    " WHERE key = 'epoch'");
	assert_int_equal(
	    ends(s, &claim.key, OUTCOME_PASSED, false), RESULT_REPLACED);
	run(s, "UPDATE attempts SET epoch = 'another'");
	assert_int_equal(claims_renew(s, &claim.key), 0);
	assert_int_equal(
	    ends(s, &claim.key, OUTCOME_PASSED, false), RESULT_NOTHING);
	assert_int_equal(number(s,
			     "SELECT count(*) FROM tests"
			     " WHERE status = 'passed'"),
	    0);
	claims_free(&claim);
}

/* One of many workers of the same queue. Exit 0 when all went well. */
static int
work(const char *directory)
{
	struct store s;
	struct claim claim;
	struct attempt_end end = { .outcome = OUTCOME_PASSED,
		.max_attempts = 3 };
	enum attempt_result result;
	int taken;

	if (store_open(&s, directory, STORE_WRITE) < 0)
		return 1;
	store_set_busy(&s, 60000);
	while ((taken = claims_take(&s, &loop_1, &claim, NULL)) == 1) {
		if (attempts_end(&s, &claim.key, &end, &result) < 0 ||
		    result != RESULT_PASSED)
			return 2;
		claims_free(&claim);
	}
	store_close(&s);
	return taken == 0 ? 0 : 3;
}

static void
test_processes(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;
	pid_t pids[PROCESSES];

	run(s,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 40) INSERT INTO tests (id, loop_id, sort_order)"
	    " SELECT 'T-' || i, 'loop-1', i FROM n");
	store_close(s); /* no database is carried over a fork */
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(work(f->directory));
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(store_open(s, f->directory, STORE_WRITE), 0);
	assert_int_equal(number(s, "SELECT count(*) FROM attempts"), TESTS);
	assert_int_equal(number(s,
			     "SELECT count(*) FROM tests"
			     " WHERE status = 'passed' AND attempts = 1"),
	    TESTS);
	assert_int_equal(number(s,
			     "SELECT count(*) FROM events"
			     " WHERE event_type = 'test_passed'"),
	    TESTS);
}

static void
test_overlap(void **state)
{
	(void)state;
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
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locks, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_slow_keeps_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outcomes, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_interruptions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_skip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_epoch, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_processes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
