/* What a window of time brought, on a real database. Its window is 100 minutes
 * long; times are minutes after its beginning. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/summary.h"
#include "store/summary_acts.h"
#include "store_fixture.h"

#define MINUTE 60000LL
#define WINDOW (100 * MINUTE)

static int64_t since_ms;
static struct summary sum;
/* What the fleet says of loop-1 now. */
static bool paused_now, stopped_now;

static const char *
at(int minute)
{
	static char times[8][CLOCK_ISO_SIZE];
	static int next;
	char *time = times[next++ % 8];

	clock_format_iso(time, since_ms + minute * MINUTE);
	return time;
}

static void does(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
does(const char *format, ...)
{
	char statements[2048];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(statements, sizeof(statements), format, ap);
	va_end(ap);
	sql(statements);
}

static int
begin(void **state)
{
	since_ms = clock_wall_ms() - WINDOW;
	paused_now = stopped_now = false;
	sum = (struct summary){ 0 };
	(void)fixture_open(state);
	sql("INSERT INTO loops (id, priority) VALUES ('loop-1', 1),"
	    " ('loop-2', 2);"
	    "INSERT INTO tests (id, loop_id, status) VALUES ('A', 'loop-1',"
	    " 'passed'), ('B', 'loop-1', 'pending'), ('C', 'loop-1',"
	    " 'blocked'), ('D', 'loop-2', 'in_progress')");
	/* The database is older than the window. */
	does("INSERT INTO events (id, timestamp, event_type)"
	     " VALUES ('old', '%s', 'supervisor_started')",
	    at(-10000));
	return 0;
}

static int
end(void **state)
{
	summary_free(&sum);
	return fixture_remove(state);
}

static void
now(struct summary_loop *loop, void *argument)
{
	bool first = strcmp(loop->id, "loop-1") == 0;

	loop->is_paused = first && paused_now;
	loop->is_stopped = first && stopped_now;
	(void)snprintf(
	    loop->provider, sizeof(loop->provider), first ? "claude" : "codex");
}

static const struct summary_loop *
look(void)
{
	summary_free(&sum);
	sum.since_ms = since_ms;
	sum.until_ms = since_ms + WINDOW;
	works(summary_read(&sum, store, now, NULL));
	return summary_find(&sum, "loop-1");
}

/* Sees that so many minutes of loop-1 are lost, and all of one cause. */
static void
lost(enum summary_cause cause, int minutes)
{
	const struct summary_loop *loop = look();

	for (int i = 0; i < LOST_CAUSES; i++)
		if (loop->lost_ms[i] !=
		    (i == (int)cause ? minutes * MINUTE : 0))
			fail_msg("%s: %d minutes and %d ms",
			    summary_cause_name((enum summary_cause)i),
			    (int)(loop->lost_ms[i] / MINUTE),
			    (int)(loop->lost_ms[i] % MINUTE));
}

static void
event(const char *type, int minute, const char *payload)
{
	does("INSERT INTO events (id, timestamp, source, event_type, payload)"
	     " VALUES (hex(randomblob(8)), '%s', 'somebody', '%s', '%s')",
	    at(minute), type, payload);
}

static void
loop_event(const char *type, int minute)
{
	event(type, minute, "{\"component\": \"loop-1\"}");
}

/* An attempt of loop-1 that has ended, at 100 tokens. */
static void
attempt(const char *outcome, int from, int to, const char *usd)
{
	static int n;

	n++;
	does("INSERT INTO attempts (id, test_id, loop_id, outcome, started_at,"
	     " ended_at) VALUES ('%d', 'A', 'loop-1', '%s', '%s', '%s');"
	     "INSERT INTO usage (loop_id, test_id, attempt_id, cost_usd,"
	     " tokens_estimated, recorded_at) VALUES ('loop-1', 'A', '%d', %s,"
	     " 100, '%s')",
	    n, outcome, at(from), at(to), n, usd, at(to));
}

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
	    at(11));
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

/* ---- lost time ---- */

static void
test_attempts(void **state)
{
	lost(LOST_PAUSED, 0);
	attempt("passed", -50, 10, "1");
	attempt("silent", 20, 50, "1");
	attempt("timeout", 60, 65, "1");
	lost(LOST_STUCK, 35);
	attempt("silent", -30, 5, "1"); /* over the edge, beside another one */
	lost(LOST_STUCK, 40);
	attempt("silent", 90, 150, "1"); /* a clock went back since */
	lost(LOST_STUCK, 50);
}

static void
test_pauses(void **state)
{
	/* A test that is in a conflict waits, and its loop doesn't. */
	event("paused", 20, "{\"loop_id\": \"loop-1\", \"test_id\": \"A\"}");
	lost(LOST_PAUSED, 0);
	loop_event("paused", -20);
	lost(LOST_PAUSED, 0); /* nobody says that it still is */
	loop_event("resumed", 10);
	lost(LOST_PAUSED, 10);
	loop_event("paused", 50);
	loop_event("paused", 60);
	loop_event("resumed", 70);
	loop_event("resumed", 75);
	lost(LOST_PAUSED, 30);
	loop_event("paused", 90);
	lost(LOST_PAUSED, 40);
	/* It works on until its test has ended. */
	attempt("passed", 85, 95, "1");
	lost(LOST_PAUSED, 35);
}

static void
test_paused_all_along(void **state)
{
	paused_now = true;
	lost(LOST_PAUSED, 100);
	assert_int_equal(summary_find(&sum, "loop-2")->lost_ms[LOST_PAUSED], 0);
}

static void
test_stops(void **state)
{
	loop_event("component_crashed", 10);
	loop_event("component_restarted", 12);
	loop_event("component_stopped", 40);
	loop_event("component_started", 50);
	lost(LOST_STOPPED, 12);
	stopped_now = true; /* events are better */
	lost(LOST_STOPPED, 12);
}

static void
test_empty_queue(void **state)
{
	event("queue_empty", 30, "{\"loop_id\": \"loop-1\"}");
	lost(LOST_EMPTY, 70);
	attempt("passed", 50, 60, "1");
	lost(LOST_EMPTY, 20);
	event("queue_empty", 60, "{\"loop_id\": \"loop-1\"}");
	lost(LOST_EMPTY, 60);
	event("resumed", 20, "{\"component\": \"loop-2\"}");
	lost(LOST_EMPTY, 60);
	assert_int_equal(summary_find(&sum, "loop-2")->lost_ms[LOST_EMPTY], 0);
}

static void
test_empty_before(void **state)
{
	event("test_started", -40, "{\"loop_id\": \"loop-1\"}");
	event("queue_empty", -30, "{\"loop_id\": \"loop-1\"}");
	attempt("passed", 50, 60, "1");
	lost(LOST_EMPTY, 50);
	event("test_started", -20, "{\"loop_id\": \"loop-1\"}");
	lost(LOST_EMPTY, 0);
}

static void
test_limits(void **state)
{
	does("INSERT INTO alerts (alert_type, context, created_at) VALUES"
	     " ('rate_limited', '{\"cause\": \"gate:claude\", \"cleared_at\":"
	     " \"%s\"}', '%s'), ('auth', '{\"cause\": \"gate:other\"}',"
	     " '2026-01-01'), ('rate_limited', 'no JSON', '2026-01-01')",
	    at(20), at(-20));
	lost(LOST_LIMIT, 20);
	does("INSERT INTO alerts (alert_type, context, created_at) VALUES"
	     " ('rate_limited', '{\"cause\": \"gate:claude\"}', '%s')",
	    at(60));
	lost(LOST_LIMIT, 60);
	attempt("passed", 70, 90, "1");
	lost(LOST_LIMIT, 40);
	assert_int_equal(summary_find(&sum, "loop-2")->lost_ms[LOST_LIMIT], 0);
}

static void
test_modes(void **state)
{
	event(
	    "mode_changed", 10, "{\"mode\": \"normal\", \"before\": \"slow\"}");
	event(
	    "mode_changed", 50, "{\"mode\": \"slow\", \"before\": \"normal\"}");
	event("mode_changed", 60,
	    "{\"mode\": \"conservative\", \"before\": \"slow\"}");
	lost(LOST_DEGRADED, 60);
	attempt("passed", 50, 80, "1");
	lost(LOST_DEGRADED, 30);
	event("mode_changed", 90, "no JSON");
	lost(LOST_DEGRADED, 30);
}

static void
test_mode_before(void **state)
{
	event("mode_changed", 10,
	    "{\"mode\": \"conservative\", \"before\": \"slow\"}");
	lost(LOST_DEGRADED, 100);
}

static void
test_degraded_all_along(void **state)
{
	sum.is_degraded = true;
	lost(LOST_DEGRADED, 100);
}

/* The first of several causes counts, each moment once. */
static void
test_precedence(void **state)
{
	const struct summary_loop *loop;

	sum.is_degraded = true;
	event("queue_empty", 10, "{\"loop_id\": \"loop-1\"}");
	loop_event("paused", 40);
	loop_event("component_stopped", 40);
	loop_event("component_started", 60);
	loop_event("resumed", 70);
	loop = look();
	assert_int_equal(loop->lost_ms[LOST_DEGRADED], 10 * MINUTE);
	assert_int_equal(loop->lost_ms[LOST_EMPTY], 60 * MINUTE);
	assert_int_equal(loop->lost_ms[LOST_PAUSED], 30 * MINUTE);
	assert_int_equal(loop->lost_ms[LOST_STOPPED], 0);
}

/* Before its first event there was nothing to lose. */
static void
test_young_database(void **state)
{
	stopped_now = true;
	sql("DELETE FROM events");
	lost(LOST_STOPPED, 0);
	event("supervisor_started", 80, "{}");
	lost(LOST_STOPPED, 20);
	assert_int_equal(sum.since_ms, since_ms + 80 * MINUTE);
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
	    at(10), at(20));
	does("INSERT INTO decisions (id, status, choice, decided_at,"
	     " decided_by) VALUES ('DEC-3', 'decided', 'A', '%s', 'olaf'),"
	     " ('DEC-4', 'auto_resolved', 'A', '%s', 'pm'),"
	     " ('DEC-5', 'pending', NULL, NULL, NULL)",
	    at(10), at(-10));
	/* Nobody answered one that has no default; two were closed when their
	 * tests were settled otherwise, by the PM and by hand. */
	does("INSERT INTO decisions (id, status, decided_at, decided_by,"
	     " comment) VALUES ('DEC-6', 'expired', '%s', 'pm', NULL),"
	     " ('DEC-7', 'expired', '%s', 'pm', 'over'),"
	     " ('DEC-8', 'expired', '2999-01-01', 'olaf', NULL)",
	    at(30), at(30));
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

	(void)snprintf(line, sizeof(line), "%s=%s/%s%s", row->test_id,
	    row->status, row->commit, row->is_found ? "!" : "");
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
	    at(-10), at(10));
	works(summary_each_regression(store, since_ms, note_broken, NULL));
	was_said("C=open/c4! B=open/c2 A=cleared/c1 ");
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
	    at(10), at(20), at(-10));
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

#define WITH(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_counts),
		WITH(test_costs),
		WITH(test_pace),
		WITH(test_attempts),
		WITH(test_pauses),
		WITH(test_paused_all_along),
		WITH(test_stops),
		WITH(test_empty_queue),
		WITH(test_empty_before),
		WITH(test_limits),
		WITH(test_modes),
		WITH(test_mode_before),
		WITH(test_degraded_all_along),
		WITH(test_precedence),
		WITH(test_young_database),
		WITH(test_decided),
		WITH(test_events_of_components),
		WITH(test_regressions),
		WITH(test_settled),
		WITH(test_blocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
