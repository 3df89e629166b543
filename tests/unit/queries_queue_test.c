/* The queue as operators arrange it, on a real database. */
#include <errno.h>

#include "store/claims.h"
#include "store/queries_add.h"
#include "store/queries_queue.h"
#include "store/queries_tests.h"
#include "store_fixture.h"

static int
setup(void **state)
{
	(void)fixture_open(state);
	assert_int_equal(
	    claims_begin(store, "loop-1", "One", 5, "", &repairs), 0);
	assert_int_equal(
	    claims_begin(store, "loop-2", "Two", 2, "", &repairs), 0);
	sql("INSERT INTO tests (id, loop_id, status, sort_order) VALUES"
	    " ('A', 'loop-1', 'pending', 1), ('B', 'loop-1', 'pending', 2),"
	    " ('C', 'loop-1', 'passed', 2), ('D', 'loop-1', 'pending', 3),"
	    " ('X', 'loop-2', 'pending', 7), ('N', 'loop-1', 'pending', NULL)");
	return 0;
}

static int
note_test(const struct test_row *row, void *argument)
{
	note_said(row->id);
	return 0;
}

/* Puts them there, and sees in which order loop-1 takes its tests. */
static void
ordered(const char *const *ids, size_t n, const char *after, const char *all)
{
	works(store_begin(store));
	works(store_end(
	    store, queries_order(store, "loop-1", ids, n, after, "me")));
	works(queries_each_test(store, "loop-1", NULL, note_test, NULL));
	was_said(all);
}

static void
test_order(void **state)
{
	static const char *const da[] = { "D", "A" };
	static const char *const c[] = { "C" };
	static const char *const bn[] = { "B", "N" };

	works(queries_each_test(store, "loop-1", NULL, note_test, NULL));
	was_said("N A B C D ");
	ordered(da, 2, NULL, "D A N B C ");
	ordered(da, 2, NULL, "D A N B C ");
	ordered(c, 1, "D", "D C A N B ");
	/* Behind one with whom another shares its place. */
	sql("UPDATE tests SET sort_order = 5 WHERE id IN ('A', 'D')");
	ordered(bn, 2, "A", "C A B N D ");
	ordered(bn, 2, "D", "C A D B N ");
	has_rows(1, "tests WHERE id = 'X' AND sort_order = 7");
	has_rows(0, "tests WHERE loop_id = 'loop-1' AND sort_order < 1");
	has_rows(2,
	    "events WHERE event_type = 'test_moved' AND test_id = 'D'"
	    " AND json_extract(payload, '$.result') = 'front'");
	has_rows(1,
	    "events WHERE event_type = 'test_moved' AND test_id = 'C'"
	    " AND json_extract(payload, '$.after') = 'D'");
}

static int
moves(const char *id, const char *loop)
{
	works(store_begin(store));
	return store_end(store, queries_move(store, id, loop, "me"));
}

static void
test_move(void **state)
{
	struct queue_place place;

	assert_int_equal(moves("A", "loop-2"), 1);
	assert_int_equal(queries_place(store, "A", &place), 1);
	assert_string_equal(place.loop_id, "loop-2");
	has_rows(1, "tests WHERE id = 'A' AND sort_order = 8");
	has_rows(1,
	    "events WHERE event_type = 'test_moved' AND test_id = 'A' AND"
	    " loop_id = 'loop-2' AND json_extract(payload, '$.from') ="
	    " 'loop-1' AND json_extract(payload, '$.by') = 'me'");
	assert_int_equal(moves("C", "loop-2"), 0);
	sql("UPDATE tests SET status = 'in_progress' WHERE id = 'B'");
	assert_int_equal(moves("B", "loop-2"), 0);
	assert_int_equal(moves("nobody", "loop-2"), 0);
	has_rows(1, "tests WHERE id = 'B' AND loop_id = 'loop-1'");
	assert_int_equal(moves("D", "loop-9"), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(queries_place(store, "nobody", &place), 0);
	has_rows(1, "events WHERE event_type = 'test_moved'");
}

static int
note_queued(const struct queued_row *row, void *argument)
{
	note_said(row->id);
	note_said(row->depends_on[0] != '\0' ? row->depends_on : "-");
	return 0;
}

/* What is in progress comes first; a dependency that has passed is none. */
static void
test_queued(void **state)
{
	sql("UPDATE tests SET status = 'in_progress' WHERE id = 'D';"
	    "UPDATE tests SET depends_on = 'C' WHERE id = 'A';"
	    "UPDATE tests SET depends_on = 'X' WHERE id = 'B'");
	works(queries_each_queued(store, "loop-1", -1, note_queued, NULL));
	was_said("D - N - A - B X ");
	works(queries_each_queued(store, "loop-1", 2, note_queued, NULL));
	was_said("D - N - ");
}

static int
note_category(const char *category, const char *loop_id, void *argument)
{
	note_said(category);
	note_said(loop_id);
	return 0;
}

static void
test_categories(void **state)
{
	sql("UPDATE tests SET category = 'src' WHERE id IN ('A', 'X');"
	    "UPDATE tests SET category = 'lib' WHERE id IN ('B')");
	works(queries_each_category(store, note_category, NULL));
	was_said("lib loop-1 src loop-1 src loop-2 ");
	sql("INSERT INTO tests (id, loop_id, category)"
	    " VALUES ('Y', 'loop-2', 'src')");
	works(queries_each_category(store, note_category, NULL));
	was_said("lib loop-1 src loop-2 src loop-1 ");
}

/* Sets it beside a configured 5. */
static void
sets_priority(int64_t priority, int expected, int64_t before)
{
	int64_t found = 0;

	works(store_begin(store));
	assert_int_equal(store_end(store,
			     queries_set_priority(
				 store, "loop-1", priority, 5, "me", &found)),
	    expected);
	assert_int_equal(found, before);
}

/* The loop starts with that configured priority, and has which. */
static void
starts_with(int configured, int64_t has)
{
	assert_int_equal(
	    claims_begin(store, "loop-1", "One", configured, "", &repairs), 0);
	assert_int_equal(
	    number("SELECT priority FROM loops WHERE id = 'loop-1'"), has);
}

/* What was set by hand stays until the configuration says something else. */
static void
test_priority(void **state)
{
	sets_priority(1, 1, 5);
	sets_priority(1, 0, 1);
	starts_with(5, 1);
	starts_with(5, 1);
	starts_with(3, 3);
	starts_with(5, 5);
	sets_priority(2, 1, 5);
	sets_priority(5, 1, 2);
	has_rows(0, "meta WHERE key LIKE 'priority:%'");
	has_rows(3,
	    "events WHERE event_type = 'priority_changed'"
	    " AND loop_id = 'loop-1'");
	has_rows(1, "loops WHERE id = 'loop-2' AND priority = 2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order, setup),
		TEST(test_move, setup),
		TEST(test_queued, setup),
		TEST(test_categories, setup),
		TEST(test_priority, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
