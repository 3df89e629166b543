/* Which passed tests are run again, and in which order. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "claims_fixture.h"
#include "store/passing.h"

/* The list as "A B C"; good until the next call. */
static const char *
picked(const struct passing_request *request)
{
	static char text[512];
	struct passing_list list;

	text[0] = '\0';
	works(passing_pick(store, request, &list));
	for (size_t i = 0; i < list.n; i++) {
		size_t len = strlen(text);

		(void)snprintf(text + len, sizeof(text) - len, "%s%s",
		    len > 0 ? " " : "", list.tests[i].id);
	}
	passing_free(&list);
	return text;
}

static int
passed_setup(void **state)
{
	(void)claims_setup(state);
	sql("INSERT INTO loops (id) VALUES ('loop-3')");
	sql("INSERT INTO tests (id, loop_id, status, verify, verified_at)"
	    " VALUES ('A', 'loop-1', 'passed', 'true', '2026-01-01'),"
	    " ('B', 'loop-2', 'passed', 'true', '2026-01-02'),"
	    " ('C', 'loop-1', 'passed', 'true', '2026-01-03'),"
	    " ('D', 'loop-1', 'passed', 'true', '2026-01-04'),"
	    " ('E', 'loop-1', 'passed', 'true', '2026-01-05'),"
	    " ('F', 'loop-3', 'passed', 'true', '2026-01-06'),"
	    " ('G', 'loop-1', 'pending', 'true', NULL),"
	    " ('H', 'loop-1', 'passed', NULL, '2026-01-07')");
	sql("UPDATE tests SET files = '[\"src/c*\"]' WHERE id = 'C'");
	return 0;
}

static struct passing_request
request(void)
{
	return (struct passing_request){ .except_id = "T",
		.loops = "[\"loop-1\", \"loop-2\"]",
		.changed = "[\"src/c.c\"]",
		.max = 1 };
}

/* What is kept of a longer id isn't found again. */
static void
test_a_long_id(void **state)
{
	struct passing_request r = request();

	sql("INSERT INTO tests (id, loop_id, status, verify, verified_at)"
	    " VALUES (printf('%0128d', 1), 'loop-1', 'passed', 'true',"
	    " '2025-01-01'), (printf('%0127d', 2), 'loop-1', 'passed', 'true',"
	    " '2025-01-02')");
	r.changed = "[]";
	assert_int_equal(picked(&r)[126], '2');
}

/* Other programs know their own way to write a time, and nothing of
 * verified_commit. */
static void
test_where_it_passed_last(void **state)
{
	struct passing_request r = request();
	struct passing_list list;

	sql("INSERT INTO passing_tests (test_id, commit_hash, passed_at) VALUES"
	    " ('C', 'first', '2026-01-05T09:00:00.000Z'),"
	    " ('C', 'last', '2026-01-05 10:00:00'),"
	    " ('C', 'before', '2026-01-04 23:00:00')");
	works(passing_pick(store, &r, &list));
	assert_string_equal(list.tests[0].commit, "last");
	passing_free(&list);
	sql("UPDATE tests SET verified_commit = 'ours' WHERE id = 'C'");
	works(passing_pick(store, &r, &list));
	assert_string_equal(list.tests[0].commit, "ours");
	passing_free(&list);
}

static void
test_the_concerned_then_the_oldest(void **state)
{
	struct passing_request r = request();

	assert_string_equal(picked(&r), "C");
	r.max = 3;
	assert_string_equal(picked(&r), "C A B");
	r.except_id = "A";
	assert_string_equal(picked(&r), "C B D");
}

/* However few are to be run; but none of others, none that can't be. */
static void
test_all_that_were_merged_meanwhile(void **state)
{
	struct passing_request r = request();

	r.merged = "[\"E\", \"D\", \"E\", \"F\", \"G\", \"H\", \"\", \"X\"]";
	assert_string_equal(picked(&r), "E D C");
	r.merged = "[\"C\"]";
	assert_string_equal(picked(&r), "C A");
	r.merged = "[]";
	assert_string_equal(picked(&r), "C");
}

static void
test_not_more_than_50_of_them(void **state)
{
	struct passing_request r = request();
	struct passing_list list;
	char ids[1024] = "[\"A\"";

	for (int i = 1; i <= 60; i++)
		(void)snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids),
		    ", \"M-%d\"", i);
	(void)strlcat(ids, "]", sizeof(ids));
	sql("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 60) INSERT INTO tests (id, loop_id, status, verify,"
	    " verified_at) SELECT 'M-' || i, 'loop-1', 'passed', 'true',"
	    " '2026-02-01' FROM n");
	r.merged = ids;
	works(passing_pick(store, &r, &list));
	assert_int_equal(list.n, 51);
	assert_string_equal(list.tests[49].id, "M-49");
	assert_string_equal(list.tests[50].id, "C");
	passing_free(&list);
}

static void
test_what_was_broken_lately(void **state)
{
	struct passing_request r = request();

	sql("INSERT INTO regressions (test_id, status, closed_at) VALUES"
	    " ('D', 'cleared', datetime('now', '-2 days')),"
	    " ('D', 'cleared', datetime('now', '-2 hours')),"
	    " ('B', 'cleared', datetime('now', '-2 days')),"
	    " ('E', 'cleared', datetime('now', '-1 hour')),"
	    " ('E', 'open', NULL), ('G', 'cleared', datetime('now'))");
	r.merged = "[]";
	assert_string_equal(picked(&r), "D C");
	r.max = 3;
	assert_string_equal(picked(&r), "D C A B");
	r.regressed = true;
	assert_string_equal(picked(&r), "D C A B E");
	r.regressed = false;
	r.merged = NULL;
	assert_string_equal(picked(&r), "C A B");
}

/* Whatever others were verified before them. */
static void
test_the_concerned_of_many(void **state)
{
	struct passing_request r = request();

	sql("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 2000) INSERT INTO tests (id, loop_id, status, verify,"
	    " files, verified_at) SELECT 'M-' || i, 'loop-1', 'passed', 'true',"
	    " '[\"lib/m' || i || '/**\"]', '2025-01-01' FROM n");
	r.max = 2;
	assert_string_equal(picked(&r), "C M-1");
	sql("UPDATE tests SET files = '[\"lib\", \"src/deep/d.c\"]'"
	    " WHERE id = 'D';"
	    "UPDATE tests SET files = '[\"ot?er/e.c\", 7]' WHERE id = 'E';"
	    "UPDATE tests SET files = 'no json' WHERE id = 'C'");
	r.changed = "[\"src/deep/d.c\"]";
	assert_string_equal(picked(&r), "D M-1");
	r.changed = "[\"lib/new.c\"]";
	assert_string_equal(picked(&r), "D M-1");
	r.changed = "[\"other/e.c\"]";
	assert_string_equal(picked(&r), "E M-1");
	sql("DELETE FROM tests WHERE id = 'E'");
	assert_string_equal(picked(&r), "M-1 M-10");
	has_rows(3,
	    "test_scopes WHERE test_id NOT LIKE 'M-%' OR prefix ="
	    " 'lib/m7'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_where_it_passed_last, passed_setup),
		TEST(test_a_long_id, passed_setup),
		TEST(test_the_concerned_then_the_oldest, passed_setup),
		TEST(test_all_that_were_merged_meanwhile, passed_setup),
		TEST(test_not_more_than_50_of_them, passed_setup),
		TEST(test_what_was_broken_lately, passed_setup),
		TEST(test_the_concerned_of_many, passed_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
