/* What a dead process left is given back, what its successor has begun isn't.
 */
#include <stdio.h>

#include "base/clock.h"
#include "store/succession.h"
#include "store_fixture.h"

static struct recovery_counts counts;

/* Of a process that was started so long ago. */
static void
succeed(int64_t age_ms)
{
	works(succession_run(
	    store, "loop-3", clock_ms() - age_ms, "recorder", &counts));
}

#define AT(age)		"strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-" age " seconds')"
#define ROUGHLY_AT(age) "datetime('now', '-" age " seconds')"

static void
begin(void)
{
	sql("INSERT INTO loops (id) VALUES ('loop-3'), ('loop-4');"
	    "INSERT INTO tests (id, loop_id, status, claimed_at) VALUES"
	    " ('OLD', 'loop-3', 'in_progress', " AT(
		"60") "),"
		      " ('NEW', 'loop-3', 'in_progress', " AT(
			  "10") "),"
				" ('OURS', 'loop-3', 'in_progress', " AT(
				    "60") "),"
					  " ('OTHER', 'loop-4', "
					  "'in_progress', " AT(
					      "60") ");"
						    "INSERT INTO attempts (id, "
						    "test_id, loop_id, fence) "
						    "VALUES"
						    " ('a', 'OURS', 'loop-3', "
						    "1);"
						    "INSERT INTO file_locks "
						    "(file_path, locked_by, "
						    "locked_at, test_id)"
						    " VALUES ('old', "
						    "'loop-3', " ROUGHLY_AT(
							"60") ", 'OLD'),"
							      " ('without', "
							      "'loop-3', " AT(
								  "60") ", "
									"NULL),"
									" ('"
									"new', "
									"'loop-"
									"3',"
									" " ROUGHLY_AT(
									    "1"
									    "0") ", 'NEW'),"
										 " ('ours', 'loop-3', " AT(
										     "60") ", 'OURS'),"
											   " ('other', 'loop-4', " ROUGHLY_AT(
											       "60") ", 'OTHER'),"
												     " ('never', 'loop-3', 'no time', NULL);"
												     "INSERT INTO wait_graph (waiter, holder, resource, waiting_since)"
												     " VALUES ('loop-3', 'loop-4', 'other', " ROUGHLY_AT(
													 "60") "),"
													       " ('loop-4', 'loop-3', 'old', " ROUGHLY_AT(
														   "60") "),"
															 " ('loop-4', 'loop-3', 'new', " ROUGHLY_AT(
															     "60") ");"
																   "INSERT INTO checkpoints (loop_id, test_id, created_at) VALUES"
																   " ('loop-3', 'OLD', " ROUGHLY_AT(
																       "60") "),"
																	     " ('loop-3', 'NEW', " ROUGHLY_AT(
																		 "10") ")");
}

static void
test_what_is_whose(void **state)
{
	begin();
	succeed(30 * 1000);
	assert_int_equal(counts.tests, 1);
	assert_int_equal(counts.locks, 2);
	assert_int_equal(counts.waits, 2);
	assert_int_equal(counts.checkpoints, 1);
	has_rows(1, "tests WHERE status = 'pending' AND id = 'OLD'");
	has_rows(3, "tests WHERE status = 'in_progress'");
	assert_string_equal(
	    text("SELECT group_concat(file_path) FROM (SELECT file_path"
		 " FROM file_locks ORDER BY file_path)"),
	    "never,new,other,ours");
	has_rows(1, "wait_graph WHERE resource = 'new'");
	has_rows(1, "checkpoints WHERE deleted_at IS NULL");
	has_rows(1, "events WHERE event_type = 'test_reset'");
	has_rows(1, "events WHERE event_type = 'recovery_done'");
	succeed(30 * 1000);
	assert_int_equal(counts.tests + counts.locks, 0);
	has_rows(1, "events WHERE event_type = 'recovery_done'");
}

/* Nothing is older than the process itself. */
static void
test_no_predecessor(void **state)
{
	begin();
	succeed(3600 * 1000);
	has_rows(4, "tests WHERE status = 'in_progress'");
	has_rows(6, "file_locks");
	has_rows(0, "events");
}

/* Of one second: the test tells, to the millisecond. */
static void
test_within_a_second(void **state)
{
	char start[CLOCK_ISO_SIZE], statements[512];
	int64_t now_ms = clock_wall_ms();

	begin();
	/* Half a second past a full one, so that all of it is in one. */
	now_ms -= now_ms % 1000 + 30 * 1000 - 500;
	clock_format_iso(start, now_ms);
	start[19] = '\0';
	(void)snprintf(statements, sizeof(statements),
	    "UPDATE tests SET claimed_at = '%s.499Z' WHERE id = 'OLD';"
	    "UPDATE tests SET claimed_at = '%s.510Z' WHERE id = 'NEW';"
	    "UPDATE file_locks SET locked_at = replace('%s', 'T', ' ')"
	    " WHERE test_id IN ('OLD', 'NEW')",
	    start, start, start);
	sql(statements);
	succeed(clock_wall_ms() - now_ms);
	has_rows(1, "tests WHERE status = 'pending' AND id = 'OLD'");
	has_rows(0, "file_locks WHERE file_path = 'old'");
	has_rows(1, "file_locks WHERE file_path = 'new'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_whose, fixture_open),
		TEST(test_no_predecessor, fixture_open),
		TEST(test_within_a_second, fixture_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
