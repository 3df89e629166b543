/* What the command line asks the database, on a real one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/queries_add.h"
#include "store/queries_events.h"
#include "store/queries_fleet.h"
#include "store/queries_ids.h"
#include "store/queries_tests.h"
#include "store/statement.h"

struct fixture {
	char directory[64];
	struct store store;
	char text[1024]; /* what the rows were, for comparison */
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(
	    f->directory, sizeof(f->directory), "/tmp/lk-queries.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	assert_int_equal(store_open(&f->store, f->directory, STORE_CREATE), 0);
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

static void
note(struct fixture *f, const char *text)
{
	size_t len = strlen(f->text);

	(void)snprintf(f->text + len, sizeof(f->text) - len, "%s ", text);
}

static int
note_test(const struct test_row *row, void *argument)
{
	note(argument, row->id);
	return 0;
}

static int
note_event(const struct event_row *row, void *argument)
{
	note(argument, row->id);
	return 0;
}

static int
note_text(const char *text, void *argument)
{
	note(argument, text);
	return 0;
}

static void
add(struct store *s, const char *id, const char *loop, int64_t order,
    const char *depends_on)
{
	const struct test_row row = { .id = id,
		.loop_id = loop,
		.depends_on = depends_on,
		.automatable = 1,
		.sort_order = order };

	assert_int_equal(queries_add_test(s, &row), 1);
}

static void
add_two_loops(struct store *s)
{
	assert_int_equal(queries_add_loop(s, "loop-1", "One", 2), 1);
	assert_int_equal(queries_add_loop(s, "loop-2", NULL, 1), 1);
}

/* The order is that in which they are taken: priority, order, id. */
static void
test_order(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;

	add_two_loops(s);
	add(s, "B", "loop-1", 1, NULL);
	add(s, "A", "loop-1", 2, NULL);
	add(s, "D", "loop-2", 1, NULL);
	add(s, "C", "loop-2", 1, NULL);
	assert_int_equal(queries_each_test(s, NULL, NULL, note_test, f), 0);
	assert_string_equal(f->text, "C D B A ");
	f->text[0] = '\0';
	run(s, "UPDATE tests SET status = 'passed' WHERE id IN ('A', 'C')");
	assert_int_equal(
	    queries_each_test(s, "loop-1", "passed", note_test, f), 0);
	assert_string_equal(f->text, "A ");
}

/* Adding again changes nothing. */
static void
test_add_again(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;
	const struct test_row again = { .id = "A",
		.loop_id = "loop-1",
		.status = "passed",
		.verify = "other" };
	char verify[32];

	add_two_loops(s);
	assert_int_equal(queries_add_loop(s, "loop-1", "Other", 9), 0);
	add(s, "A", "loop-1", 1, NULL);
	assert_int_equal(queries_add_test(s, &again), 0);
	assert_int_equal(statement_text_of(s, verify, sizeof(verify),
			     "SELECT ifnull(verify, 'none') || status FROM "
			     "tests WHERE id = 'A'",
			     ""),
	    1);
	assert_string_equal(verify, "nonepending");
	assert_int_equal(statement_text_of(s, verify, sizeof(verify),
			     "SELECT name || priority FROM loops "
			     "WHERE id = 'loop-1'",
			     ""),
	    1);
	assert_string_equal(verify, "One2");
}

static void
test_no_such_loop(void **state)
{
	struct fixture *f = *state;
	const struct test_row row = { .id = "A", .loop_id = "nobody" };

	assert_int_equal(queries_add_test(&f->store, &row), -1);
	assert_int_equal(errno, EEXIST);
}

/* Ids are found in any case; an exact one wins. */
static void
test_ids(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;
	char id[32];

	add_two_loops(s);
	add(s, "cp-1", "loop-1", 1, NULL);
	add(s, "CP-1", "loop-1", 2, NULL);
	assert_int_equal(
	    queries_id(s, QUERIES_TEST, "CP-1", id, sizeof(id)), 1);
	assert_string_equal(id, "CP-1");
	assert_int_equal(
	    queries_id(s, QUERIES_LOOP, "LOOP-2", id, sizeof(id)), 1);
	assert_string_equal(id, "loop-2");
	assert_int_equal(
	    queries_id(s, QUERIES_DECISION, "x", id, sizeof(id)), 0);
	assert_int_equal(queries_each_id(s, QUERIES_TEST, note_text, f), 0);
	assert_int_equal(strlen(f->text), 10);
}

static void
test_dependents(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;

	add_two_loops(s);
	add(s, "A", "loop-1", 1, NULL);
	add(s, "B", "loop-1", 2, "A");
	add(s, "C", "loop-2", 1, "B");
	assert_int_equal(queries_each_dependent(s, "A", note_test, f), 0);
	assert_string_equal(f->text, "B ");
}

static int
check_loop(const struct loop_row *row, void *argument)
{
	int *n = argument;

	(*n)++;
	if (strcmp(row->id, "loop-1") != 0) {
		assert_int_equal(row->passed + row->left + row->ready, 0);
		assert_string_equal(row->test_id, "");
		return 0;
	}
	assert_int_equal(row->passed, 1);
	assert_int_equal(row->left, 4);
	assert_int_equal(row->ready, 1);
	assert_int_equal(row->blocked, 1);
	assert_int_equal(row->skipped, 1);
	assert_string_equal(row->test_id, "C");
	assert_int_equal(row->attempt, 2);
	assert_int_equal(row->worker_pid, 77);
	return 0;
}

/* What can be begun now is pending, for machines, and waits for nobody. */
static void
test_loops(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;
	int n = 0;

	add_two_loops(s);
	add(s, "A", "loop-1", 1, NULL);
	add(s, "B", "loop-1", 2, "A");
	add(s, "C", "loop-1", 3, NULL);
	add(s, "D", "loop-1", 4, "C");
	add(s, "E", "loop-1", 5, NULL);
	add(s, "F", "loop-1", 6, NULL);
	add(s, "G", "loop-1", 7, NULL);
	run(s, "UPDATE tests SET status = 'passed' WHERE id = 'A'");
	run(s,
	    "UPDATE tests SET status = 'in_progress', attempts = 1 "
	    "WHERE id = 'C'");
	run(s, "UPDATE tests SET automatable = 0 WHERE id = 'E'");
	run(s, "UPDATE tests SET status = 'blocked' WHERE id = 'F'");
	run(s, "UPDATE tests SET status = 'skipped' WHERE id = 'G'");
	run(s,
	    "INSERT INTO attempts (id, test_id, loop_id, fence, pid, "
	    "ended_at) VALUES ('a1', 'C', 'loop-1', 1, 66, 'then'), "
	    "('a2', 'C', 'loop-1', 2, 77, NULL)");
	assert_int_equal(queries_each_loop(s, check_loop, &n), 0);
	assert_int_equal(n, 2);
}

/* Both formats of time are found and ordered, and whole seconds count. */
static void
test_event_times(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;
	int64_t since_ms;

	run(s,
	    "INSERT INTO events (id, timestamp, event_type) VALUES "
	    "('late', '2026-01-07T02:14:09.500Z', 'x'), "
	    "('sql', '2026-01-07 02:14:05', 'x'), "
	    "('bare', '2026-01-07T02:14:00Z', 'x'), "
	    "('before', '2026-01-06 23:59:59', 'x')");
	assert_int_equal(clock_parse_iso("2026-01-07T02:14:00Z", &since_ms), 0);
	assert_int_equal(queries_each_event(s, since_ms, note_event, f), 0);
	assert_string_equal(f->text, "bare sql late ");
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
	struct fixture *f = *state;
	struct store *s = &f->store;
	int64_t last;

	assert_int_equal(queries_last_event_rowid(s, &last), 0);
	assert_int_equal(last, 0);
	run(s,
	    "INSERT INTO events (id, event_type) VALUES ('e1', 'x'), "
	    "('e2', 'x'), ('e3', 'x')");
	assert_int_equal(
	    queries_each_event_after(s, last, stop_at_second, f), 7);
	assert_string_equal(f->text, "e1 e2 ");
	assert_int_equal(queries_last_event_rowid(s, &last), 0);
	assert_int_equal(queries_each_event_after(s, last, note_event, f), 0);
	assert_string_equal(f->text, "e1 e2 ");
}

/* A payload of another program may be no JSON; it is in nobody's way. */
static void
test_payload_keys(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;

	run(s,
	    "INSERT INTO events (id, event_type, payload) VALUES "
	    "('e1', 'x', '{\"b\":1,\"a\":{\"c\":2}}'), "
	    "('e2', 'x', 'no json'), ('e3', 'x', '[5]'), "
	    "('e4', 'x', NULL), ('e5', 'x', '{\"component\":\"pm\"}')");
	assert_int_equal(queries_each_payload_key(s, note_text, f), 0);
	assert_string_equal(f->text, "a b component ");
	f->text[0] = '\0';
	assert_int_equal(queries_last_events(s, "pm", 3, note_event, f), 0);
	assert_string_equal(f->text, "e5 ");
}

/* The newest by the time they tell, whichever way they name it. */
static void
test_last_events(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;

	run(s,
	    "INSERT INTO events (id, timestamp, event_type, payload) "
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
	assert_int_equal(queries_last_events(s, "l", 3, note_event, f), 0);
	assert_string_equal(f->text, "e2 e3 e4 ");
}

static int
note_alert(const struct alert_row *row, void *argument)
{
	note(argument, row->id);
	note(argument, row->acknowledged ? row->acknowledged_by : "-");
	return 0;
}

static void
test_acknowledge(void **state)
{
	struct fixture *f = *state;
	struct store *s = &f->store;

	run(s,
	    "INSERT INTO alerts (id, message, created_at) VALUES "
	    "('A1', 'm', '2026-01-07T02:14:00Z'), "
	    "('A2', 'm', '2026-01-07 02:15:00'), "
	    "('A3', 'm', '2026-01-07 02:13:00')");
	assert_int_equal(queries_acknowledge(s, "A1", "olaf"), 1);
	assert_int_equal(queries_acknowledge(s, "A1", "eva"), 0);
	assert_int_equal(queries_acknowledge(s, "A9", "eva"), 0);
	assert_int_equal(queries_each_alert(s, false, note_alert, f), 0);
	assert_string_equal(f->text, "A2 - A3 - ");
	f->text[0] = '\0';
	assert_int_equal(queries_acknowledge(s, NULL, "eva"), 2);
	assert_int_equal(queries_acknowledge(s, NULL, "eva"), 0);
	assert_int_equal(queries_each_alert(s, true, note_alert, f), 0);
	assert_string_equal(f->text, "A2 eva A1 olaf A3 eva ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_add_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_no_such_loop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_dependents, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loops, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_event_times, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_events_after, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_payload_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_last_events, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_acknowledge, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
