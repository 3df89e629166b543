/* Tests that wait for others: what nothing will ever wake is found, whatever
 * wrote it; queues that nobody works on are known, and moved in order. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claims_fixture.h"
#include "store/dependencies.h"
#include "store/misfits.h"
#include "store/stranded.h"

/* status is '' for pending. */
static void
add(const char *id, const char *depends_on, const char *status)
{
	char statement[256];

	(void)snprintf(statement, sizeof(statement),
	    "INSERT INTO tests (id, loop_id, depends_on, status) VALUES"
	    " ('%s', 'loop-1', nullif('%s', ''),"
	    " ifnull(nullif('%s', ''), 'pending'))",
	    id, depends_on, status);
	sql(statement);
}

static void
note_end(const struct dead_end *end, void *argument)
{
	note_said(end->test_id);
	note_said(end->status);
	note_said(end->waiting);
}

static void
note_circular(const char *test_id, const char *depends_on, void *argument)
{
	note_said(test_id);
	note_said(depends_on);
}

static void
dead_ends_are(const char *expected)
{
	works(dependencies_dead_ends(store, note_end, NULL));
	was_said(expected);
}

static void
circular_are(const char *expected)
{
	works(dependencies_circular(store, note_circular, NULL));
	was_said(expected);
}

static void
test_dead_ends(void **state)
{
	add("A", "", "");
	add("B", "A", "");
	add("C", "B", "");
	dead_ends_are("");
	circular_are("");
	sql("UPDATE tests SET status = 'skipped' WHERE id = 'A'");
	dead_ends_are("A skipped B ");
	sql("UPDATE tests SET status = 'blocked' WHERE id = 'A'");
	add("D", "A", "");
	add("E", "A", "passed");
	dead_ends_are("A blocked B, D ");
	add("F", "nobody", "");
	dead_ends_are("A blocked B, D nobody missing F ");
	/* One that is behind another one is no cause of its own. */
	circular_are("");
	sql("UPDATE tests SET status = 'passed' WHERE id = 'A'");
	dead_ends_are("nobody missing F ");
}

static void
test_cycles(void **state)
{
	add("A", "B", "");
	add("B", "C", "");
	add("C", "", "");
	circular_are("");
	sql("UPDATE tests SET depends_on = 'A' WHERE id = 'C'");
	add("D", "A", "");
	add("E", "E", "");
	circular_are("A B B C C A D A E E ");
	dead_ends_are("");
	assert_int_equal(dependencies_set(store, "C", NULL, "olaf"), 1);
	assert_int_equal(dependencies_set(store, "E", NULL, "olaf"), 1);
	circular_are("");
	assert_int_equal(dependencies_set(store, "E", NULL, "olaf"), 0);
	assert_int_equal(dependencies_set(store, "E", "D", "olaf"), 1);
	assert_int_equal(dependencies_set(store, "A", "E", "olaf"), -1);
	assert_int_equal(errno, EINVAL);
	assert_string_equal(
	    store_error(store), "A can't wait for E, which waits for it");
	has_rows(3, "events WHERE event_type = 'dependency_changed'");
}

static bool
is_ours(const char *loop_id, void *argument)
{
	return strcmp(loop_id, "loop-1") == 0;
}

static void
resumes(int expected)
{
	assert_int_equal(
	    dependencies_resume(store, is_ours, NULL, "pm"), expected);
}

static void
test_resume(void **state)
{
	add("A", "", "");
	add("B", "A", "");
	sql("UPDATE loops SET status = 'paused', current_test_id = 'B'");
	resumes(0);
	sql("UPDATE tests SET status = 'passed', passed_at ="
	    " '2026-01-07 02:14:00' WHERE id = 'A'");
	resumes(1);
	resumes(0);
	has_rows(1,
	    "events WHERE event_type = 'resume_requested'"
	    " AND loop_id = 'loop-2' AND test_id = 'B'");
	/* It passes a second time. */
	sql("UPDATE tests SET status = 'pending' WHERE id = 'A';"
	    "UPDATE tests SET status = 'passed', passed_at ="
	    " '2026-01-07 03:14:00' WHERE id = 'A'");
	resumes(1);
	/* One that was asked to pause stays so until it is asked to go on. */
	sql("UPDATE tests SET passed_at = '2026-01-07 03:15:00';"
	    "INSERT INTO events (id, event_type, payload) VALUES"
	    " ('e1', 'pause_requested', '{\"component\":\"loop-2\"}')");
	resumes(0);
	sql("INSERT INTO events (id, event_type, payload) VALUES"
	    " ('e2', 'resume_requested', '{\"component\":\"loop-2\"}')");
	resumes(1);
	/* One that runs, or paused for another reason, isn't asked. */
	sql("UPDATE tests SET passed_at = '2026-01-07 04:14:00';"
	    "UPDATE loops SET status = 'running'");
	resumes(0);
	sql("UPDATE loops SET status = 'paused', current_test_id = 'A'");
	resumes(0);
}

/* However others write when it passed, they are asked once. */
static void
test_resume_at_any_time(void **state)
{
	static const char *const times[] = { "''", "NULL", "1767752040.123456",
		"printf('%0200d', 1)" };
	char statement[128];

	add("A", "", "");
	add("B", "A", "");
	sql("UPDATE loops SET status = 'paused', current_test_id = 'B';"
	    "UPDATE tests SET status = 'passed' WHERE id = 'A'");
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(statement, sizeof(statement),
		    "DELETE FROM events; UPDATE tests SET passed_at = %s"
		    " WHERE id = 'A'",
		    times[i]);
		sql(statement);
		resumes(i < 3);
		resumes(0);
	}
}

static void
test_stranded(void **state)
{
	struct queue *queues = NULL, *targets[2];
	char list[64];
	int listed;
	size_t n = 0;

	sql("INSERT INTO loops (id, priority) VALUES ('loop-3', 3);"
	    "INSERT INTO component_health (component, metadata) VALUES"
	    " ('loop-1', '{\"state\":\"failed\",\"circuit\":\"open\"}'),"
	    " ('loop-2', 'no JSON');"
	    "INSERT INTO tests (id, loop_id, sort_order, status) VALUES"
	    " ('D', 'loop-1', 1, 'pending'), ('C', 'loop-1', 2, 'pending'),"
	    " ('B', 'loop-1', 3, 'pending'), ('A', 'loop-1', 4, 'pending'),"
	    " ('P', 'loop-1', 5, 'passed'), ('X', 'loop-2', 1, 'pending'),"
	    " ('Y', 'loop-2', 2, 'pending')");
	works(stranded_queues(store, &queues, &n));
	assert_int_equal(n, 3);
	assert_string_equal(queues[0].loop_id, "loop-1");
	assert_string_equal(queues[0].state, "failed");
	assert_string_equal(queues[0].circuit, "open");
	assert_int_equal(queues[0].pending, 4);
	assert_string_equal(queues[1].state, "");
	works(stranded_list(store, "loop-1", 3, list, sizeof(list), &listed));
	assert_string_equal(list, "D C B");
	assert_int_equal(listed, 3);
	/* None is cut. */
	works(stranded_list(store, "loop-1", 9, list, 5, &listed));
	assert_string_equal(list, "D C");
	assert_int_equal(listed, 2);
	sql("INSERT INTO tests (id, loop_id, sort_order, status) VALUES"
	    " ('a b', 'loop-3', 1, 'pending'),"
	    " ('x''$y', 'loop-3', 2, 'pending')");
	works(stranded_list(store, "loop-3", 9, list, sizeof(list), &listed));
	assert_string_equal(list, "'a b' 'x'\\''$y'");
	sql("DELETE FROM tests WHERE loop_id = 'loop-3'");
	targets[0] = &queues[1];
	targets[1] = &queues[2];
	assert_int_equal(stranded_move(store, "loop-1", targets, 2, "pm"), 4);
	assert_string_equal(
	    text("SELECT group_concat(loop_id || ' ' || id, ', ') FROM"
		 " (SELECT * FROM tests ORDER BY loop_id, sort_order)"),
	    "loop-1 P, loop-2 X, loop-2 Y, loop-2 B, loop-3 D, loop-3 C,"
	    " loop-3 A");
	has_rows(4,
	    "events WHERE event_type = 'test_moved'"
	    " AND payload ->> 'from' = 'loop-1' AND source = 'pm'");
	free(queues);
}

/* A long queue is moved bit by bit, and stays in its order; what has too long
 * an id stays. */
static void
test_stranded_many(void **state)
{
	struct queue to = { .loop_id = "loop-2" }, *targets[] = { &to };
	int moved;

	sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 1200) INSERT INTO tests (id, loop_id, sort_order)"
	    " SELECT 'T-' || i, 'loop-1', i FROM n");
	sql("INSERT INTO tests (id, loop_id) VALUES"
	    " (printf('%0200d', 1), 'loop-1')");
	do {
		moved = stranded_move(store, "loop-1", targets, 1, "pm");
		has_rows((int)to.pending, "tests WHERE loop_id = 'loop-2'");
	} while (moved == STRANDED_MOVE_MAX);
	assert_int_equal(moved, 1200 % STRANDED_MOVE_MAX);
	assert_int_equal(to.pending, 1200);
	has_rows(
	    1, "tests WHERE loop_id <> 'loop-2' OR id <> 'T-' || sort_order");
}

static void
tells_of_misfits(const char *message)
{
	works(misfits_tell(store, "pm"));
	assert_string_equal(
	    text("SELECT ifnull(group_concat(substr(message, 1, 40)), '')"
		 " FROM alerts WHERE alert_type = 'test_id_too_long'"
		 " AND acknowledged = 0"),
	    message);
}

/* Which no loop would claim, without a word. */
static void
test_misfits(void **state)
{
	sql("INSERT INTO tests (id, loop_id) VALUES"
	    " (printf('%0127d', 1), 'loop-1')");
	tells_of_misfits("");
	sql("INSERT INTO tests (id, loop_id) VALUES"
	    " (printf('%0128d', 1), 'loop-1')");
	tells_of_misfits("1 test has an id of 128 bytes or more: n");
	sql("INSERT INTO tests (id, loop_id) VALUES"
	    " (printf('%0200d', 2), 'loop-2')");
	tells_of_misfits("1 test has an id of 128 bytes or more: n");
	has_rows(1,
	    "alerts WHERE message LIKE '% is 0000000%... of loop-1'"
	    " AND message LIKE '%Shorten the id%'");
	has_rows(1, "events WHERE event_type = 'alert_raised'");
	sql("UPDATE tests SET id = 'T' WHERE length(id) = 128");
	sql("UPDATE tests SET status = 'skipped' WHERE length(id) = 200");
	tells_of_misfits("");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dead_ends, claims_setup),
		TEST(test_cycles, claims_setup),
		TEST(test_resume, claims_setup),
		TEST(test_resume_at_any_time, claims_setup),
		TEST(test_stranded, claims_setup),
		TEST(test_stranded_many, claims_setup),
		TEST(test_misfits, claims_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
