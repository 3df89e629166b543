/* What the command line asks the database, on a real one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/queries_add.h"
#include "store/queries_events.h"
#include "store/queries_fleet.h"
#include "store/queries_ids.h"
#include "store/queries_tests.h"
#include "store_fixture.h"

static int
note_test(const struct test_row *row, void *argument)
{
	note_said(row->id);
	return 0;
}

static int
note_event(const struct event_row *row, void *argument)
{
	note_said(row->id);
	return 0;
}

static int
note_text(const char *text, void *argument)
{
	note_said(text);
	return 0;
}

static void
add(const char *id, const char *loop, int64_t order, const char *depends_on)
{
	const struct test_row row = { .id = id,
		.loop_id = loop,
		.depends_on = depends_on,
		.automatable = 1,
		.sort_order = order };

	assert_int_equal(queries_add_test(store, &row), 1);
}

static void
add_two_loops(void)
{
	assert_int_equal(queries_add_loop(store, "loop-1", "One", 2), 1);
	assert_int_equal(queries_add_loop(store, "loop-2", NULL, 1), 1);
}

/* The order is that in which they are taken: priority, order, id. */
static void
test_order(void **state)
{
	add_two_loops();
	add("B", "loop-1", 1, NULL);
	add("A", "loop-1", 2, NULL);
	add("D", "loop-2", 1, NULL);
	add("C", "loop-2", 1, NULL);
	works(queries_each_test(store, NULL, NULL, note_test, NULL));
	was_said("C D B A ");
	sql("UPDATE tests SET status = 'passed' WHERE id IN ('A', 'C')");
	works(queries_each_test(store, "loop-1", "passed", note_test, NULL));
	was_said("A ");
}

/* Adding again changes nothing. */
static void
test_add_again(void **state)
{
	const struct test_row again = { .id = "A",
		.loop_id = "loop-1",
		.status = "passed",
		.verify = "other" };

	add_two_loops();
	assert_int_equal(queries_add_loop(store, "loop-1", "Other", 9), 0);
	add("A", "loop-1", 1, NULL);
	assert_int_equal(queries_add_test(store, &again), 0);
	assert_string_equal(
	    text("SELECT verify IS NULL AND status = 'pending' FROM tests"),
	    "1");
	assert_string_equal(
	    text("SELECT name || priority FROM loops WHERE id = 'loop-1'"),
	    "One2");
}

static void
test_no_such_loop(void **state)
{
	const struct test_row row = { .id = "A", .loop_id = "nobody" };

	assert_int_equal(queries_add_test(store, &row), -1);
	assert_int_equal(errno, EEXIST);
}

static void
finds(int expected, enum queries_kind kind, const char *word, const char *id)
{
	char found[32] = "";

	assert_int_equal(
	    queries_find_id(store, kind, word, found, sizeof(found)), expected);
	assert_string_equal(found, id);
}

/* Ids are found in any case, or by a beginning; an exact one wins. */
static void
test_ids(void **state)
{
	char id[32];

	add_two_loops();
	add("cp-1", "loop-1", 1, NULL);
	add("CP-1", "loop-1", 2, NULL);
	add("CP-10", "loop-1", 3, NULL);
	add("A%_", "loop-1", 4, NULL);
	finds(1, QUERIES_TEST, "CP-1", "CP-1");
	finds(1, QUERIES_TEST, "Cp-10", "CP-10");
	finds(2, QUERIES_TEST, "c", "CP-1");
	finds(1, QUERIES_TEST, "a", "A%_");
	finds(0, QUERIES_TEST, "%", "");
	finds(0, QUERIES_TEST, "A__", "");
	finds(0, QUERIES_TEST, "", "");
	finds(1, QUERIES_LOOP, "LOOP-2", "loop-2");
	finds(0, QUERIES_DECISION, "x", "");
	assert_int_equal(
	    queries_id(store, QUERIES_TEST, "a", id, sizeof(id)), 0);
	works(queries_each_id(store, QUERIES_LOOP, note_text, NULL));
	was_said("loop-1 loop-2 ");
}

static void
test_dependents(void **state)
{
	int64_t n;

	add_two_loops();
	add("A", "loop-1", 1, NULL);
	add("B", "loop-1", 2, "A");
	add("C", "loop-2", 1, "B");
	add("D", "loop-2", 1, "A");
	works(queries_each_dependent(store, "A", -1, note_test, NULL));
	was_said("B D ");
	works(queries_each_dependent(store, "A", 1, note_test, NULL));
	was_said("B ");
	works(queries_count_dependents(store, "A", &n));
	assert_int_equal(n, 2);
}

static int
note_loop(const struct loop_row *row, void *argument)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "%s %d,%d,%d,%d,%d %s %d %d",
	    row->id, (int)row->passed, (int)row->left, (int)row->ready,
	    (int)row->blocked, (int)row->skipped, row->test_id,
	    (int)row->attempt, (int)row->worker_pid);
	note_said(line);
	return 0;
}

/* What can be begun now is pending, for machines, and waits for nobody. */
static void
test_loops(void **state)
{
	add_two_loops();
	sql("INSERT INTO tests (id, loop_id, status, depends_on, automatable,"
	    " attempts) VALUES ('A', 'loop-1', 'passed', NULL, 1, 0),"
	    " ('B', 'loop-1', 'pending', 'A', 1, 0),"
	    " ('C', 'loop-1', 'in_progress', NULL, 1, 1),"
	    " ('D', 'loop-1', 'pending', 'C', 1, 0),"
	    " ('E', 'loop-1', 'pending', NULL, 0, 0),"
	    " ('F', 'loop-1', 'blocked', NULL, 1, 0),"
	    " ('G', 'loop-1', 'skipped', NULL, 1, 0);"
	    "INSERT INTO attempts (id, test_id, loop_id, fence, pid, ended_at)"
	    " VALUES ('a1', 'C', 'loop-1', 1, 66, 'then'),"
	    " ('a2', 'C', 'loop-1', 2, 77, NULL)");
	works(queries_each_loop(store, note_loop, NULL));
	was_said("loop-2 0,0,0,0,0  1 0 loop-1 1,4,1,1,1 C 2 77 ");
	/* Another program has counted its attempt when it began. */
	sql("UPDATE attempts SET ended_at = 'then'");
	works(queries_each_loop(store, note_loop, NULL));
	was_said("loop-2 0,0,0,0,0  1 0 loop-1 1,4,1,1,1 C 1 0 ");
}

/* Both formats of time are found and ordered, and whole seconds count. */
static void
test_event_times(void **state)
{
	struct event_query query = { .limit = -1 };

	sql("INSERT INTO events (id, timestamp, event_type) VALUES "
	    "('late', '2026-01-07T02:14:09.500Z', 'x'), "
	    "('sql', '2026-01-07 02:14:05', 'x'), "
	    "('bare', '2026-01-07T02:14:00Z', 'x'), "
	    "('before', '2026-01-06 23:59:59', 'x')");
	works(clock_parse_iso("2026-01-07T02:14:00Z", &query.since_wall_ms));
	works(queries_each_event(store, &query, note_event, NULL));
	was_said("bare sql late ");
	query.limit = 2;
	works(queries_each_event(store, &query, note_event, NULL));
	was_said("sql late ");
	assert_int_equal(queries_has_more_events(store, &query), 1);
	query.limit = 3;
	assert_int_equal(queries_has_more_events(store, &query), 0);
}

static void
finds_events(enum queries_event_key key, const char *value, const char *ids)
{
	const struct event_query query = {
		.key = key, .value = value, .limit = -1
	};

	works(queries_each_event(store, &query, note_event, NULL));
	was_said(ids);
}

/* In any case, and of tests that are no more as it is written. */
static void
test_event_keys(void **state)
{
	add_two_loops();
	add("A", "loop-1", 1, NULL);
	sql("INSERT INTO events (id, timestamp, event_type, payload) VALUES "
	    "('e1', '2026-01-07 01:00:00', 'x', '{\"component\":\"pm\"}'),"
	    "('e2', '2026-01-07 02:00:00', 'X', '{\"test_id\":\"A\"}'),"
	    "('e3', '2026-01-07 03:00:00', 'y', "
	    "'{\"test_id\":\"gone\",\"loop_id\":\"l\"}')");
	finds_events(QUERIES_EVENT_TEST, "a", "e2 ");
	finds_events(QUERIES_EVENT_TEST, "gone", "e3 ");
	finds_events(QUERIES_EVENT_TYPE, "x", "e1 e2 ");
	finds_events(QUERIES_EVENT_COMPONENT, "PM", "e1 ");
	finds_events(QUERIES_EVENT_LOOP, "L", "e3 ");
	finds_events(QUERIES_EVENT_LOOP, "m", "");
}

static int
stop_at_second(const struct event_row *row, void *argument)
{
	(void)note_event(row, argument);
	return strcmp(row->id, "e2") == 0 ? 7 : 0;
}

static void
test_events_after(void **state)
{
	int64_t last;

	works(queries_last_event_rowid(store, &last));
	assert_int_equal(last, 0);
	sql("INSERT INTO events (id, event_type) VALUES ('e1', 'x'), "
	    "('e2', 'x'), ('e3', 'x')");
	assert_int_equal(
	    queries_each_event_after(store, last, stop_at_second, NULL), 7);
	was_said("e1 e2 ");
	works(queries_last_event_rowid(store, &last));
	works(queries_each_event_after(store, last, note_event, NULL));
	was_said("");
}

/* A payload of another program may be no JSON; it is in nobody's way. */
static void
test_payload_keys(void **state)
{
	sql("INSERT INTO events (id, event_type, payload) VALUES "
	    "('e1', 'x', '{\"b\":1,\"a\":{\"c\":2}}'), "
	    "('e2', 'x', 'no json'), ('e3', 'x', '[5]'), "
	    "('e4', 'x', NULL), ('e5', 'x', '{\"component\":\"pm\"}')");
	works(queries_each_payload_key(store, note_text, NULL));
	was_said("a b component ");
	assert_int_equal(queries_has_payload_key(store, "b"), 1);
	assert_int_equal(queries_has_payload_key(store, "c"), 0);
	works(queries_last_events(store, "pm", 3, note_event, NULL));
	was_said("e5 ");
}

/* The newest by the time they tell, whichever way they name it. */
static void
test_last_events(void **state)
{
	sql("INSERT INTO events (id, timestamp, event_type, payload) "
	    "VALUES "
	    "('e3', '2026-01-07T03:00:00.000Z', 'x', "
	    "'{\"loop_id\":\"l\"}'), "
	    "('e1', '2026-01-07 01:00:00', 'x', '{\"component\":\"l\"}'),"
	    "('e4', '2026-01-07 04:00:00', 'x', "
	    "'{\"component\":\"l\",\"loop_id\":\"l\"}'), "
	    "('e2', '2026-01-07T02:00:00.000Z', 'x', "
	    "'{\"loop_id\":\"l\"}'), "
	    "('e5', '2026-01-07T05:00:00.000Z', 'x', "
	    "'{\"loop_id\":\"m\"}')");
	works(queries_last_events(store, "l", 3, note_event, NULL));
	was_said("e2 e3 e4 ");
}

static int
note_alert(const struct alert_row *row, void *argument)
{
	note_said(row->id);
	note_said(row->acknowledged ? row->acknowledged_by : "-");
	return 0;
}

static void
test_acknowledge(void **state)
{
	sql("INSERT INTO alerts (id, message, created_at) VALUES "
	    "('A1', 'm', '2026-01-07T02:14:00Z'), "
	    "('A2', 'm', '2026-01-07 02:15:00'), "
	    "('A3', 'm', '2026-01-07 02:13:00')");
	assert_int_equal(queries_acknowledge(store, "A1", "olaf"), 1);
	assert_int_equal(queries_acknowledge(store, "A1", "eva"), 0);
	assert_int_equal(queries_acknowledge(store, "A9", "eva"), 0);
	works(queries_each_alert(store, false, note_alert, NULL));
	was_said("A2 - A3 - ");
	assert_int_equal(queries_acknowledge(store, NULL, "eva"), 2);
	assert_int_equal(queries_acknowledge(store, NULL, "eva"), 0);
	works(queries_each_alert(store, true, note_alert, NULL));
	was_said("A2 eva A1 olaf A3 eva ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order, fixture_open),
		TEST(test_add_again, fixture_open),
		TEST(test_no_such_loop, fixture_open),
		TEST(test_ids, fixture_open),
		TEST(test_dependents, fixture_open),
		TEST(test_loops, fixture_open),
		TEST(test_event_times, fixture_open),
		TEST(test_event_keys, fixture_open),
		TEST(test_events_after, fixture_open),
		TEST(test_payload_keys, fixture_open),
		TEST(test_last_events, fixture_open),
		TEST(test_acknowledge, fixture_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
