/* What a window of time brought, and what was decided over one's head, on a
 * real database. Lost time: summary_lost_test.c. */
#include <stdio.h>

#include "store/summary_acts.h"
#include "summary_fixture.h"

static void
passes(const char *test, int minute)
{
	char payload[128];

	(void)snprintf(payload, sizeof(payload),
	    "{\"test_id\": \"%s\", \"loop_id\": \"loop-1\"}", test);
	event("test_passed", minute, payload);
}

/* ---- counts and costs ---- */

/* A test that passed twice is one, and what was rolled back since is none. */
static void
test_counts(void **state)
{
	const struct summary_loop *loop;

	passes("A", -5);
	assert_int_equal(look()->passed, 0);
	passes("A", 5);
	passes("A", 6);
	passes("B", 7);
	event(
	    "test_failed", 8, "{\"test_id\": \"B\", \"loop_id\": \"loop-1\"}");
	event(
	    "test_failed", 9, "{\"test_id\": \"B\", \"loop_id\": \"loop-1\"}");
	event(
	    "test_failed", -1, "{\"test_id\": \"B\", \"loop_id\": \"loop-1\"}");
	/* Other programs may leave out whose they were. */
	event("test_failed", 10, "{\"test_id\": \"B\"}");
	does("INSERT INTO events (id, timestamp, source, event_type)"
	     " VALUES ('F', '%s', 'loop-2', 'test_failed')",
	    when(11));
	loop = look();
	assert_int_equal(loop->passed, 1);
	assert_int_equal(loop->failed, 3);
	assert_int_equal(summary_find(&sum, "loop-2")->failed, 1);
	assert_int_equal(loop->blocked, 1);
	assert_int_equal(loop->left, 1);
	assert_int_equal(summary_find(&sum, "loop-2")->left, 1);
	assert_null(summary_find(&sum, "loop-3"));
}

static void
test_costs(void **state)
{
	const struct summary_loop *loop;

	attempt("passed", -10, -1, "9.0");
	attempt("passed", -10, 10, "1.5");
	attempt("failed", 10, 20, "0.25");
	attempt("crashed", 20, 30, "NULL");
	sql("INSERT INTO attempts (id, loop_id, cost_usd, started_at)"
	    " VALUES ('running', 'loop-1', 2.0, '2026-01-01')");
	loop = look();
	assert_int_equal(loop->spent.micros, 3750000);
	assert_int_equal(loop->spent.known, 3);
	assert_int_equal(loop->spent.unknown, 1);
	assert_int_equal(loop->spent.tokens, 300);
	assert_int_equal(loop->wasted.micros, 250000);
	assert_int_equal(loop->wasted.unknown, 1);
	assert_int_equal(loop->wasted.tokens, 200);
	assert_int_equal(summary_find(&sum, "loop-2")->spent.tokens, -1);
}

/* One test in half an hour, and one that is left. */
static void
test_pace(void **state)
{
	const struct summary_loop *loop = look();

	assert_int_equal(summary_done_ms(&sum, loop), 0);
	attempt("passed", 70, 80, "1");
	passes("A", 80);
	loop = look();
	assert_int_equal(
	    summary_done_ms(&sum, loop), sum.until_ms + 30 * MINUTE);
	sql("UPDATE tests SET status = 'skipped' WHERE id = 'B'");
	assert_int_equal(summary_done_ms(&sum, look()), 0);
}

/* ---- acts ---- */

static int
note_decided(const struct decided_row *row, void *argument)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "%s=%s/%s/%s/%s", row->id,
	    row->choice, row->description, row->test_id, row->decided_by);
	note_said(line);
	return 0;
}

static void
test_decided(void **state)
{
	sql("INSERT INTO component_health (component) VALUES ('pm')");
	does("INSERT INTO decisions (id, status, choice, options, context,"
	     " decided_at, decided_by) VALUES ('DEC-1', 'auto_resolved', 'C',"
	     " '[{\"id\": \"C\", \"description\": \"leave it\"}]',"
	     " '{\"test_id\": \"A\"}', '%s', 'pm'), ('DEC-2', 'decided', 'A',"
	     " 'no JSON', 'no JSON', replace('%s', 'T', ' '), 'pm')",
	    when(10), when(20));
	does("INSERT INTO decisions (id, status, choice, decided_at,"
	     " decided_by) VALUES ('DEC-3', 'decided', 'A', '%s', 'olaf'),"
	     " ('DEC-4', 'auto_resolved', 'A', '%s', 'pm'),"
	     " ('DEC-5', 'pending', NULL, NULL, NULL)",
	    when(10), when(-10));
	/* Nobody answered one that has no default; two were closed when their
	 * tests were settled otherwise, by the PM and by hand. */
	does("INSERT INTO decisions (id, status, decided_at, decided_by,"
	     " comment) VALUES ('DEC-6', 'expired', '%s', 'pm', NULL),"
	     " ('DEC-7', 'expired', '%s', 'pm', 'over'),"
	     " ('DEC-8', 'expired', '2999-01-01', 'olaf', NULL)",
	    when(30), when(30));
	works(summary_each_decided(store, since_ms, note_decided, NULL));
	was_said("DEC-6=///pm DEC-2=A///pm DEC-1=C/leave it/A/pm ");
}

static int
note_happened(const struct event_row *row, void *argument)
{
	note_said(row->payload);
	return 0;
}

static void
test_events_of_components(void **state)
{
	sql("INSERT INTO component_health (component) VALUES ('pm')");
	event("test_moved", 10, "{\"by\":\"pm\"}");
	event("test_moved", 20, "{\"by\":\"olaf\"}");
	event("test_moved", 30, "none");
	event("test_moved", -1, "{\"by\":\"pm\",\"old\":1}");
	works(summary_each_event(
	    store, since_ms, "test_moved", true, note_happened, NULL));
	was_said("{\"by\":\"pm\"} ");
	works(summary_each_event(
	    store, since_ms, "test_moved", false, note_happened, NULL));
	was_said("none {\"by\":\"olaf\"} {\"by\":\"pm\"} ");
}

static int
note_broken(const struct broken_row *row, void *argument)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "%s=%s%s/%s%s", row->test_id,
	    row->status, row->result, row->commit, row->is_found ? "!" : "");
	note_said(line);
	return 0;
}

static void
test_regressions(void **state)
{
	does("INSERT INTO regressions (test_id, status, failing_commit,"
	     " first_bad_commit, detected_at, closed_at) VALUES"
	     " ('A', 'cleared', 'c1', NULL, '%s', '%s'),"
	     " ('B', 'open', 'c2', NULL, '2026-01-01', NULL),"
	     " ('C', 'open', 'c3', 'c4', '2026-01-02', NULL),"
	     " ('D', 'cleared', 'c5', NULL, '2026-01-01', '2026-01-02')",
	    when(-10), when(10));
	works(summary_each_regression(store, since_ms, note_broken, NULL));
	was_said("C=open/c4! B=open/c2 A=clearedpasses/c1 ");
	/* One that passed, it seems, while it fails again. */
	sql("UPDATE tests SET status = 'skipped' WHERE id = 'A';"
	    "UPDATE tests SET status = 'passed' WHERE id = 'B';"
	    "INSERT INTO regressions (test_id, status, detected_at, closed_at)"
	    " VALUES ('B', 'cleared', '2026-01-01', '9999-01-01')");
	works(summary_each_regression(store, since_ms, note_broken, NULL));
	was_said("C=open/c4! B=open/c2 A=clearedskipped/c1 B=cleared/ ");
}

static int
note_settled(const struct settled_row *row, void *argument)
{
	note_said(row->id);
	note_said(row->outcome);
	return 0;
}

/* What a human decided about is among the decisions. */
static void
test_settled(void **state)
{
	does("INSERT INTO conflicts (id, outcome, closed_at, decision_id)"
	     " VALUES ('CON-1', 'one', '%s', NULL),"
	     " ('CON-2', 'two', '%s', 'DEC-1'), ('CON-3', 'three', NULL, NULL),"
	     " ('CON-4', 'four', '%s', NULL)",
	    when(10), when(20), when(-10));
	works(summary_each_settled(store, since_ms, note_settled, NULL));
	was_said("CON-1 one ");
}

static int
note_blocked(const struct blocked_row *row, void *argument)
{
	note_said(row->id);
	note_said(row->reason);
	return 0;
}

static void
test_blocked(void **state)
{
	sql("INSERT INTO tests (id, loop_id, status, last_result, reason)"
	    " VALUES ('E', 'loop-1', 'failed', 'exit 1', NULL),"
	    " ('F', 'loop-1', 'blocked', 'exit 2', 'no money');"
	    "INSERT INTO decisions (id, status, context) VALUES ('DEC-1',"
	    " 'pending', '{\"test_id\": \"C\"}'), ('DEC-2', 'pending', 'x')");
	works(summary_each_blocked(store, -1, note_blocked, NULL));
	was_said("F no money E exit 1 ");
	works(summary_each_blocked(store, 1, note_blocked, NULL));
	was_said("F no money ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SUMMARY_TEST(test_counts),
		SUMMARY_TEST(test_costs),
		SUMMARY_TEST(test_pace),
		SUMMARY_TEST(test_decided),
		SUMMARY_TEST(test_events_of_components),
		SUMMARY_TEST(test_regressions),
		SUMMARY_TEST(test_settled),
		SUMMARY_TEST(test_blocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
