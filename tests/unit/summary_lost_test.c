/* Why hours of a window of time went by without work, on a real database. */
#include "summary_fixture.h"

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
loop_event(const char *type, int minute)
{
	event(type, minute, "{\"component\": \"loop-1\"}");
}

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
	    when(20), when(-20));
	lost(LOST_LIMIT, 20);
	does("INSERT INTO alerts (alert_type, context, created_at) VALUES"
	     " ('rate_limited', '{\"cause\": \"gate:claude\"}', '%s')",
	    when(60));
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SUMMARY_TEST(test_attempts),
		SUMMARY_TEST(test_pauses),
		SUMMARY_TEST(test_paused_all_along),
		SUMMARY_TEST(test_stops),
		SUMMARY_TEST(test_empty_queue),
		SUMMARY_TEST(test_empty_before),
		SUMMARY_TEST(test_limits),
		SUMMARY_TEST(test_modes),
		SUMMARY_TEST(test_mode_before),
		SUMMARY_TEST(test_degraded_all_along),
		SUMMARY_TEST(test_precedence),
		SUMMARY_TEST(test_young_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
