/* What is asked by default takes no more work of a large database than of a
 * small one, counted in steps of SQLite's machine. */
#include <stdio.h>

#include <sqlite3.h>

#include "store/checkpoints.h"
#include "store/passing.h"
#include "store/queries_events.h"
#include "store/queries_fleet.h"
#include "store/queries_ids.h"
#include "store/queries_queue.h"
#include "store/queries_tests.h"
#include "store_fixture.h"

#define SMALL 2000
#define LARGE 8000
#define FEW   20
#define SLACK 100 /* steps */

/* For each of n: nine of ten tests are passed, the others pending; all but the
 * first ten things that people see to are seen to. */
static const char rows[] =
    "INSERT INTO tests (id, loop_id, status, sort_order, verify, files)"
    " SELECT printf('T-%06d', i), 'loop-' || (i % 2 + 1), CASE i % 10"
    " WHEN 0 THEN 'pending' ELSE 'passed' END, i, 'true',"
    " json_array('src/' || i || '/**') FROM n;"
    "INSERT INTO events (id, event_type, payload) SELECT 'e' || i,"
    " 'test_passed', json_object('test_id', printf('T-%06d', i),"
    " 'loop_id', 'loop-' || (i % 2 + 1)) FROM n;"
    "INSERT INTO checkpoints (loop_id) SELECT 'loop-' || (i % 2 + 1) FROM n;"
    "INSERT INTO alerts (message, acknowledged) SELECT 'm', i > 10 FROM n;"
    "INSERT INTO decisions (id, status) SELECT 'DEC-' || i, CASE WHEN i > 10"
    " THEN 'decided' ELSE 'pending' END FROM n";

static int64_t steps;

static int
add_steps(unsigned type, void *context, void *statement, void *ns)
{
	steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
	return 0;
}

static void
fill(int from, int to)
{
	char numbers[256];

	(void)snprintf(numbers, sizeof(numbers),
	    "DROP TABLE IF EXISTS temp.n; CREATE TEMP TABLE n AS"
	    " WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n"
	    " WHERE i + 1 < %d) SELECT i FROM n",
	    from, to);
	sql(numbers);
	sql(rows);
}

#define IGNORE(name, type)                        \
	static int name(type row, void *argument) \
	{                                         \
		return 0;                         \
	}
IGNORE(ignore_test, const struct test_row *)
IGNORE(ignore_queued, const struct queued_row *)
IGNORE(ignore_event, const struct event_row *)
IGNORE(ignore_checkpoint, const struct checkpoint_row *)
IGNORE(ignore_alert, const struct alert_row *)
IGNORE(ignore_decision, const struct decision_row *)
IGNORE(ignore_loop, const struct loop_row *)

static void
ask_tests(void)
{
	works(queries_first_tests(store, NULL, NULL, FEW, ignore_test, NULL));
}

static void
ask_test(void)
{
	char id[32];

	assert_int_equal(
	    queries_find_id(store, QUERIES_TEST, "T-000300", id, sizeof(id)),
	    1);
	assert_int_equal(queries_test(store, id, ignore_test, NULL), 1);
}

static void
ask_queue(void)
{
	works(queries_each_queued(store, "loop-1", FEW, ignore_queued, NULL));
}

static void
ask_events(void)
{
	const struct event_query query = { .limit = FEW };

	works(queries_each_event(store, &query, ignore_event, NULL));
	works(queries_last_events(store, "loop-1", FEW, ignore_event, NULL));
}

/* The ids of all tests are gone through, for those in another case. */
static void
ask_events_of_test(void)
{
	const struct event_query query = {
		.key = QUERIES_EVENT_TEST, .value = "T-000300", .limit = -1
	};

	works(queries_each_event(store, &query, ignore_event, NULL));
}

static void
ask_checkpoints(void)
{
	works(checkpoints_each(store, "loop-1", FEW, ignore_checkpoint, NULL));
}

static void
ask_open(void)
{
	works(queries_each_alert(store, false, ignore_alert, NULL));
	works(queries_each_decision(store, false, ignore_decision, NULL));
}

static void
ask_passing(void)
{
	const struct passing_request request = { .except_id = "T-000001",
		.loops = "[\"loop-1\", \"loop-2\"]",
		.changed = "[\"src/7/a.c\", \"b.c\"]",
		.max = 5 };
	struct passing_list list;

	works(passing_pick(store, &request, &list));
	assert_string_equal(list.tests[0].id, "T-000007");
	passing_free(&list);
}

/* All are counted. */
static void
ask_loops(void)
{
	works(queries_each_loop(store, ignore_loop, NULL));
}

/* How often each of them may look at something for each test that there is
 * more. */
static const struct {
	const char *what;
	void (*ask)(void);
	int each;
} asked[] = {
	{ "tests", ask_tests, 0 },
	{ "test", ask_test, 0 },
	{ "queue", ask_queue, 0 },
	{ "events", ask_events, 0 },
	{ "events of a test", ask_events_of_test, 8 },
	{ "checkpoints", ask_checkpoints, 0 },
	{ "what is open", ask_open, 0 },
	{ "passing", ask_passing, 0 },
	{ "loops", ask_loops, 6 },
};
#define NASKED (sizeof(asked) / sizeof(asked[0]))

static int64_t
steps_of(size_t i)
{
	steps = 0;
	asked[i].ask();
	assert_true(steps > 0);
	return steps;
}

static void
test_growth(void **state)
{
	int64_t small[NASKED];

	sql("INSERT INTO loops (id) VALUES ('loop-1'), ('loop-2')");
	fill(0, SMALL);
	assert_int_equal(
	    sqlite3_trace_v2(store->db, SQLITE_TRACE_PROFILE, add_steps, NULL),
	    SQLITE_OK);
	for (size_t i = 0; i < NASKED; i++)
		small[i] = steps_of(i);
	fill(SMALL, LARGE);
	for (size_t i = 0; i < NASKED; i++) {
		int64_t large = steps_of(i);

		if (large - small[i] > asked[i].each * (LARGE - SMALL) + SLACK)
			fail_msg("%s: %lld steps of %d tests, %lld of %d",
			    asked[i].what, (long long)small[i], SMALL,
			    (long long)large, LARGE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_growth, fixture_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
