/* Conflicts on a real database: how each is known once, who goes first, and how
 * it ends without anybody being asked. */
#include <string.h>

#include "conflicts_fixture.h"
#include "store/queries_conflicts.h"
#include "store/queries_standing.h"

static void
test_one_pair_is_one_conflict(void **state)
{
	conflict_opens();
	assert_string_equal(found.id, "CON-001");
	assert_string_equal(found.files, "src/a.c, src/b.c");
	assert_string_equal(found.repository, "/r");
	assert_false(found.first_ended || found.second_ended);
	assert_int_equal(
	    conflicts_open(store, two.id, one.id, conflict_files, "m"), 0);
	assert_int_equal(conflicts_known(store, two.id, one.id), 1);
	has_rows(1, "events WHERE event_type = 'file_conflict'");
	assert_int_equal(conflicts_of_loop(store, "loop-1", &found), 1);
	assert_int_equal(conflicts_of_loop(store, "loop-2", &found), 1);
	assert_int_equal(conflicts_of_loop(store, "loop-3", &found), 0);
	/* Others are another one, and what has ended is none. */
	assert_int_equal(
	    conflicts_open(store, one.id, "another", conflict_files, "m"), 0);
	ends(&two, OUTCOME_FAILED, false, RESULT_RETRY);
	sql("DELETE FROM conflicts");
	assert_int_equal(
	    conflicts_open(store, one.id, two.id, conflict_files, "m"), 0);
	none_is_open();
}

static void
test_what_goes_together_is_told_once(void **state)
{
	static char *const less[] = { "src/a.c", NULL };

	assert_int_equal(
	    conflicts_note_clean(store, one.id, two.id, conflict_files, "m"),
	    1);
	assert_int_equal(
	    conflicts_note_clean(store, one.id, two.id, conflict_files, "m"),
	    0);
	assert_int_equal(
	    conflicts_note_clean(store, one.id, two.id, less, "m"), 1);
	has_rows(2, "events WHERE event_type = 'same_file_changed'");
	none_is_open();
}

static void
test_the_higher_priority_goes_first(void **state)
{
	conflict_pauses();
	assert_string_equal(found.first.loop_id, "loop-1");
	assert_string_equal(found.second.loop_id, "loop-2");
	assert_string_equal(found.second.attempt_id, two.id);
	assert_true(found.second_ended && found.waits && !found.first_ended);
	has_rows(1,
	    "attempts WHERE test_id = 'B' AND state = 'parked'"
	    " AND outcome = 'interrupted'");
	has_rows(1,
	    "tests WHERE id = 'B' AND status = 'pending' AND attempts = 0"
	    " AND parked = 'CON-001'");
	has_rows(1,
	    "events WHERE event_type = 'paused' AND loop_id = 'loop-2'"
	    " AND payload ->> 'conflict' = 'CON-001'");
	assert_string_equal(
	    text("SELECT paused_loop FROM conflicts"), "loop-2");
	/* The loop has still to stop it. */
	assert_false(found.let_go);
	ends(&two, OUTCOME_INTERRUPTED, true, RESULT_NOTHING);
	conflict_is("paused");
	assert_true(found.let_go);
	/* It takes other work. */
	(void)takes(&loop_2, "C");
}

static void
test_priorities_as_they_are_then(void **state)
{
	conflict_opens();
	sql("UPDATE loops SET priority = 9 WHERE id = 'loop-1'");
	assert_int_equal(conflicts_pause(store, &found, "pm"), 1);
	/* Whoever saw it before comes too late. */
	assert_int_equal(conflicts_pause(store, &found, "pm"), 0);
	conflict_is("paused");
	assert_string_equal(found.first.loop_id, "loop-2");
	assert_string_equal(found.first.attempt_id, two.id);
	assert_string_equal(found.second.test_id, "A");
	has_rows(1, "tests WHERE id = 'A' AND parked = 'CON-001'");
}

static void
test_the_older_one_goes_first_otherwise(void **state)
{
	sql("UPDATE loops SET priority = 5;"
	    "UPDATE attempts SET started_at = '2026-01-01 00:00:00'"
	    " WHERE test_id = 'B'");
	conflict_pauses();
	assert_string_equal(found.first.loop_id, "loop-2");
}

static void
test_nobody_waits_for_ever(void **state)
{
	sql("INSERT INTO conflicts (id, second_test, paused_loop, closed_at)"
	    " VALUES ('CON-001', 'B', 'loop-2', 'x'),"
	    " ('CON-002', 'B', 'loop-2', 'x'), ('CON-003', 'B', NULL, 'x')");
	conflict_pauses();
	assert_string_equal(found.first.loop_id, "loop-1");
	sql("UPDATE conflicts SET status = 'open' WHERE id = 'CON-004';"
	    "UPDATE attempts SET ended_at = NULL WHERE test_id = 'B';"
	    "UPDATE tests SET parked = NULL, status = 'in_progress'"
	    " WHERE id = 'B'");
	conflict_is("open");
	assert_int_equal(conflicts_pause(store, &found, "pm"), 1);
	conflict_is("paused");
	assert_string_equal(found.first.loop_id, "loop-2");
	assert_string_equal(found.second.loop_id, "loop-1");
}

static void
test_it_goes_on_with_its_work(void **state)
{
	struct claim claim;

	conflict_pauses();
	ends(&two, OUTCOME_INTERRUPTED, true, RESULT_NOTHING);
	ends(&one, OUTCOME_FAILED, false, RESULT_RETRY);
	conflict_is("paused");
	assert_true(found.first_ended);
	assert_int_equal(conflicts_resume(store, &found, "goes on", "pm"), 1);
	assert_int_equal(conflicts_resume(store, &found, "goes on", "pm"), 0);
	none_is_open();
	has_rows(
	    1, "conflicts WHERE outcome = 'goes on' AND status = 'closed'");
	has_rows(1, "events WHERE event_type = 'resumed'");
	has_rows(1, "events WHERE event_type = 'conflict_resolved'");
	assert_int_equal(claims_take(store, &loop_2, &claim, NULL), 1);
	assert_string_equal(claim.key.test_id, "B");
	assert_int_equal(claim.session.take_up, TAKE_UP_WORK);
	assert_string_equal(claim.session.snapshot_ref, "refs/B");
	claims_free(&claim);
}

static void
test_one_that_ended_by_itself_is_over(void **state)
{
	conflict_opens();
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	assert_int_equal(conflicts_pause(store, &found, "pm"), 1);
	none_is_open();
	has_rows(1, "tests WHERE id = 'B' AND status = 'in_progress'");
	has_rows(1, "events WHERE event_type = 'conflict_resolved'");
}

static int
note_entry(const struct conflict_entry *row, void *argument)
{
	note_said(row->status);
	note_said(row->outcome);
	return 0;
}

static int
note_standing(const struct conflict_row *row, void *argument)
{
	note_said(row->id);
	return 0;
}

/* As people see it. */
static void
looks(const char *all)
{
	works(queries_each_conflict(store, false, note_entry, NULL));
	works(queries_each_open_conflict(store, note_standing, NULL));
	was_said(all);
}

/* Without a PM. */
static void
test_one_that_nobody_settles_is_over_with_both(void **state)
{
	conflict_opens();
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	looks("open  CON-001 ");
	ends(&two, OUTCOME_FAILED, false, RESULT_RETRY);
	looks("closed both attempts ended, and nobody had settled it ");
	sql("UPDATE attempts SET ended_at = '2026-01-01T00:00:00.000Z'");
	looks("");
	conflict_is("open");
	/* One that is paused waits for the PM, whoever has ended. */
	sql("UPDATE conflicts SET status = 'paused'");
	looks("paused  CON-001 ");
}

static void
test_whoever_settles_the_test_by_hand_ends_it(void **state)
{
	conflict_pauses();
	assert_int_equal(claims_skip(store, "B", "olaf", NULL), 1);
	conflict_is("paused");
	assert_false(found.waits);
	assert_int_equal(conflicts_close(store, &found, "skipped", "pm"), 1);
	none_is_open();
}

/* A loop that writes only rows is asked to stop, and to go on. */
static void
test_a_foreign_loop_is_asked(void **state)
{
	sql("INSERT INTO loops (id, priority) VALUES ('py', 7);"
	    "INSERT INTO conflicts (id, files, first_loop, first_test,"
	    " second_loop, second_test, second_attempt)"
	    " SELECT 'CON-007', '[\"x\"]', 'py', NULL, 'loop-1', 'A', id"
	    " FROM attempts WHERE test_id = 'A'");
	conflict_is("open");
	sql("INSERT INTO file_locks (file_path, locked_by) VALUES ('x', 'py')");
	conflict_is("open");
	assert_int_equal(conflicts_pause(store, &found, "pm"), 1);
	conflict_is("paused");
	assert_string_equal(found.second.loop_id, "py");
	has_rows(1,
	    "events WHERE event_type = 'pause_requested' AND component = 'py'");
	has_rows(1, "tests WHERE id = 'A' AND status = 'in_progress'");
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	conflict_is("paused");
	assert_true(found.first_ended);
	assert_int_equal(conflicts_resume(store, &found, "goes on", "pm"), 1);
	has_rows(1,
	    "events WHERE event_type = 'resume_requested' AND component = "
	    "'py'");
	/* Ours are counted from there. */
	works(conflicts_met(store, &two,
	    &(struct conflict_side){ .loop_id = "py" }, "abc", conflict_files));
	has_rows(1, "conflicts WHERE id = 'CON-008'");
}

/* What a merge runs into is noted as over, whoever was faster. */
static void
test_what_was_met_is_over(void **state)
{
	const struct conflict_side nobody = { 0 },
				   other = { "loop-1", "A", "" };

	works(conflicts_met(
	    store, &two, &nobody, "0123456789abcdef", conflict_files));
	none_is_open();
	has_rows(1,
	    "conflicts WHERE first_loop IS NULL AND second_test = 'B'"
	    " AND status = 'closed' AND closed_at IS NOT NULL"
	    " AND outcome LIKE '%which has 0123456789ab'");
	has_rows(1, "events WHERE event_type = 'file_conflict'");
	has_rows(1, "events WHERE event_type = 'conflict_resolved'");
	conflict_opens();
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	sql("UPDATE attempts SET result_commit = 'abc' WHERE test_id = 'A'");
	works(conflicts_met(store, &two, &other, "abc", conflict_files));
	none_is_open();
	has_rows(2, "conflicts");
	has_rows(2, "events WHERE event_type = 'file_conflict'");
	has_rows(2, "events WHERE event_type = 'conflict_resolved'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_pair_is_one_conflict, conflicts_setup),
		TEST(test_what_goes_together_is_told_once, conflicts_setup),
		TEST(test_the_higher_priority_goes_first, conflicts_setup),
		TEST(test_priorities_as_they_are_then, conflicts_setup),
		TEST(test_the_older_one_goes_first_otherwise, conflicts_setup),
		TEST(test_nobody_waits_for_ever, conflicts_setup),
		TEST(test_it_goes_on_with_its_work, conflicts_setup),
		TEST(test_one_that_ended_by_itself_is_over, conflicts_setup),
		TEST(test_one_that_nobody_settles_is_over_with_both,
		    conflicts_setup),
		TEST(test_whoever_settles_the_test_by_hand_ends_it,
		    conflicts_setup),
		TEST(test_a_foreign_loop_is_asked, conflicts_setup),
		TEST(test_what_was_met_is_over, conflicts_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
