/* Conflicts on a real database: each is known once, and every step of settling
 * one is found again by whoever takes the next. */
#include <string.h>

#include "claims_fixture.h"
#include "store/conflicts.h"
#include "store/decisions_blocked.h"
#include "store/parked.h"
#include "store/queries_conflicts.h"
#include "store/queries_standing.h"

#define HOUR_MS (60 * 60 * 1000)
#define BOOT	"11111111-1111-4111-8111-111111111111"

static char *const files[] = { "src/a.c", "src/b.c", NULL };
static struct attempt_key one, two; /* of loop-1 and loop-2 */
static struct conflict found;
static struct decision due;

/* Both loops are in an attempt. */
static int
setup(void **state)
{
	(void)claims_setup(state);
	sql("INSERT INTO tests (id, loop_id, sort_order) VALUES"
	    " ('A', 'loop-1', 1), ('B', 'loop-2', 1), ('C', 'loop-2', 2)");
	one = takes(&loop_1, "A");
	two = takes(&loop_2, "B");
	sql("UPDATE attempts SET repository = '/r', integration_branch = "
	    "'main',"
	    " base_commit = 'b', snapshot_ref = 'refs/' || test_id, pid = 1");
	return 0;
}

/* What is open; it is this. */
static void
is(const char *status)
{
	works(conflicts_next(store, "", &found) == 1 ? 0 : -1);
	assert_string_equal(found.status, status);
}

static void
none_is_open(void)
{
	assert_int_equal(conflicts_next(store, "", &found), 0);
}

static void
opens(void)
{
	assert_int_equal(conflicts_open(store, one.id, two.id, files, "m"), 1);
	is("open");
}

static void
pauses(void)
{
	opens();
	assert_int_equal(conflicts_pause(store, &found, "pm"), 1);
	is("paused");
}

static void
keep(const struct decision *decision, void *argument)
{
	due = *decision;
}

/* Asks, and takes this answer. */
static void
is_answered(const char *choice)
{
	pauses();
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	is("paused");
	assert_int_equal(
	    conflicts_ask(store, &found, "src/a.c", HOUR_MS, BOOT, "pm"), 1);
	is("deciding");
	assert_true(found.waits && found.asked);
	has_rows(1, "tests WHERE id = 'B' AND parked = 'DEC-001'");
	works(decisions_answer(store, "DEC-001", choice, "olaf", NULL));
	is("deciding");
	assert_true(found.asked);
	assert_int_equal(decisions_due(store, keep, NULL), 1);
	assert_int_equal(
	    decisions_apply(store, &due, conflicts_apply, "pm"), 1);
	assert_int_equal(
	    decisions_apply(store, &due, conflicts_apply, "pm"), 0);
	none_is_open();
	has_rows(1, "events WHERE event_type = 'conflict_resolved'");
	has_rows(0, "tests WHERE parked IS NOT NULL");
}

/* The test was reset after the conflict was looked at, while git was asked. */
static void
test_reset_while_git_was_asked(void **state)
{
	pauses();
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	is("paused");
	assert_int_equal(claims_reset(store, "B", "olaf", NULL), 1);
	assert_int_equal(
	    conflicts_ask(store, &found, "src/a.c", HOUR_MS, BOOT, "pm"), 0);
	assert_int_equal(conflicts_resume(store, &found, "goes on", "pm"), 0);
	has_rows(0, "decisions");
	has_rows(0, "attempts WHERE take_up <> 0");
	has_rows(1, "tests WHERE id = 'B' AND parked IS NULL");
	is("paused");
	assert_false(found.waits);
}

/* A question about its test was open already: that is what it waits for, and
 * it goes on with its work after that. */
static void
test_its_test_waits_already(void **state)
{
	opens();
	sql("UPDATE tests SET parked = 'DEC-001' WHERE id = 'B'");
	assert_int_equal(conflicts_pause(store, &found, "pm"), 1);
	is("paused");
	assert_false(found.waits);
	has_rows(1, "tests WHERE status = 'pending' AND parked = 'DEC-001'");
	has_rows(1, "attempts WHERE test_id = 'B' AND take_up = 1");
}

/* Whatever a test is parked on may be closed by others, who know nothing of
 * that. */
static void
test_nothing_is_parked_for_ever(void **state)
{
	pauses();
	assert_int_equal(parked_sweep(store), 0);
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	assert_int_equal(
	    conflicts_ask(store, &found, "src/a.c", HOUR_MS, BOOT, "pm"), 1);
	assert_int_equal(parked_sweep(store), 0);
	sql("UPDATE decisions SET status = 'decided', choice = 'A'");
	assert_int_equal(parked_sweep(store), 0);
	sql("UPDATE decisions SET status = 'expired'");
	assert_int_equal(parked_sweep(store), 1);
	has_rows(1, "tests WHERE id = 'B' AND waiting = 0 AND parked IS NULL");
	sql("UPDATE tests SET parked = 'CON-001' WHERE id = 'B'");
	assert_int_equal(parked_sweep(store), 0);
	sql("DELETE FROM conflicts");
	assert_int_equal(parked_sweep(store), 1);
}

static void
describes(const char *expected)
{
	char waiting[64];

	works(parked_describe(store, "loop-2", waiting, sizeof(waiting)));
	assert_string_equal(waiting, expected);
}

/* What is parked is told of, and what the head of a queue waits for: a long
 * queue isn't gone through whenever there is news. */
static void
test_what_is_waited_for(void **state)
{
	sql("INSERT INTO tests (id, loop_id, sort_order, depends_on) VALUES"
	    " ('D', 'loop-2', 3, 'A'), ('E', 'loop-2', 4, 'D')");
	describes("A");
	sql("UPDATE tests SET parked = 'DEC-001' WHERE id = 'C'");
	describes("DEC-001, A");
	sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 200) INSERT INTO tests (id, loop_id, sort_order)"
	    " SELECT 'T-' || i, 'loop-2', -i FROM n");
	describes("DEC-001");
}

static void
test_one_pair_is_one_conflict(void **state)
{
	opens();
	assert_string_equal(found.id, "CON-001");
	assert_string_equal(found.files, "src/a.c, src/b.c");
	assert_string_equal(found.repository, "/r");
	assert_false(found.first_ended || found.second_ended);
	assert_int_equal(conflicts_open(store, two.id, one.id, files, "m"), 0);
	assert_int_equal(conflicts_known(store, two.id, one.id), 1);
	has_rows(1, "events WHERE event_type = 'file_conflict'");
	assert_int_equal(conflicts_of_loop(store, "loop-1", &found), 1);
	assert_int_equal(conflicts_of_loop(store, "loop-2", &found), 1);
	assert_int_equal(conflicts_of_loop(store, "loop-3", &found), 0);
	/* Others are another one, and what has ended is none. */
	assert_int_equal(
	    conflicts_open(store, one.id, "another", files, "m"), 0);
	ends(&two, OUTCOME_FAILED, false, RESULT_RETRY);
	sql("DELETE FROM conflicts");
	assert_int_equal(conflicts_open(store, one.id, two.id, files, "m"), 0);
	none_is_open();
}

static void
test_what_goes_together_is_told_once(void **state)
{
	static char *const less[] = { "src/a.c", NULL };

	assert_int_equal(
	    conflicts_note_clean(store, one.id, two.id, files, "m"), 1);
	assert_int_equal(
	    conflicts_note_clean(store, one.id, two.id, files, "m"), 0);
	assert_int_equal(
	    conflicts_note_clean(store, one.id, two.id, less, "m"), 1);
	has_rows(2, "events WHERE event_type = 'same_file_changed'");
	none_is_open();
}

static void
test_the_higher_priority_goes_first(void **state)
{
	pauses();
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
	is("paused");
	assert_true(found.let_go);
	/* It takes other work. */
	(void)takes(&loop_2, "C");
}

static void
test_priorities_as_they_are_then(void **state)
{
	opens();
	sql("UPDATE loops SET priority = 9 WHERE id = 'loop-1'");
	assert_int_equal(conflicts_pause(store, &found, "pm"), 1);
	/* Whoever saw it before comes too late. */
	assert_int_equal(conflicts_pause(store, &found, "pm"), 0);
	is("paused");
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
	pauses();
	assert_string_equal(found.first.loop_id, "loop-2");
}

static void
test_nobody_waits_for_ever(void **state)
{
	sql("INSERT INTO conflicts (id, second_test, paused_loop, closed_at)"
	    " VALUES ('CON-001', 'B', 'loop-2', 'x'),"
	    " ('CON-002', 'B', 'loop-2', 'x'), ('CON-003', 'B', NULL, 'x')");
	pauses();
	assert_string_equal(found.first.loop_id, "loop-1");
	sql("UPDATE conflicts SET status = 'open' WHERE id = 'CON-004';"
	    "UPDATE attempts SET ended_at = NULL WHERE test_id = 'B';"
	    "UPDATE tests SET parked = NULL, status = 'in_progress'"
	    " WHERE id = 'B'");
	is("open");
	assert_int_equal(conflicts_pause(store, &found, "pm"), 1);
	is("paused");
	assert_string_equal(found.first.loop_id, "loop-2");
	assert_string_equal(found.second.loop_id, "loop-1");
}

static void
test_it_goes_on_with_its_work(void **state)
{
	struct claim claim;

	pauses();
	ends(&two, OUTCOME_INTERRUPTED, true, RESULT_NOTHING);
	ends(&one, OUTCOME_FAILED, false, RESULT_RETRY);
	is("paused");
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
	opens();
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
	opens();
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	looks("open  CON-001 ");
	ends(&two, OUTCOME_FAILED, false, RESULT_RETRY);
	looks("closed both attempts ended, and nobody had settled it ");
	sql("UPDATE attempts SET ended_at = '2026-01-01T00:00:00.000Z'");
	looks("");
	is("open");
	/* One that is paused waits for the PM, whoever has ended. */
	sql("UPDATE conflicts SET status = 'paused'");
	looks("paused  CON-001 ");
}

static void
test_whoever_settles_the_test_by_hand_ends_it(void **state)
{
	pauses();
	assert_int_equal(claims_skip(store, "B", "olaf", NULL), 1);
	is("paused");
	assert_false(found.waits);
	assert_int_equal(conflicts_close(store, &found, "skipped", "pm"), 1);
	none_is_open();
}

static void
test_the_first_is_kept(void **state)
{
	is_answered("A");
	has_rows(1, "tests WHERE id = 'B' AND status = 'pending'");
	has_rows(0, "attempts WHERE take_up > 0");
}

static void
test_the_second_is_kept(void **state)
{
	is_answered("B");
	has_rows(1, "tests WHERE id = 'B' AND status = 'pending'");
	has_rows(1, "attempts WHERE test_id = 'B' AND take_up = 2");
}

static void
test_by_hand(void **state)
{
	is_answered("C");
	has_rows(1,
	    "tests WHERE id = 'B' AND status = 'blocked'"
	    " AND instr(reason, 'refs/B') AND instr(reason, 'src/a.c')"
	    " AND instr(reason, 'loopkeeper reset B')");
	/* That was asked. */
	assert_int_equal(blocked_ask(store, "pm", HOUR_MS, BOOT), 0);
	assert_int_equal(claims_reset(store, "B", "olaf", NULL), 1);
	(void)takes(&loop_2, "B");
}

static void
test_reset_while_it_was_asked_about(void **state)
{
	pauses();
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	is("paused");
	assert_int_equal(
	    conflicts_ask(store, &found, "src/a.c", HOUR_MS, BOOT, "pm"), 1);
	assert_int_equal(claims_reset(store, "B", "olaf", NULL), 1);
	is("deciding");
	assert_false(found.asked);
	has_rows(0, "tests WHERE parked IS NOT NULL");
}

/* The PM was away when it was answered; what was said after that counts. */
static void
test_reset_after_it_was_answered(void **state)
{
	pauses();
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	is("paused");
	assert_int_equal(
	    conflicts_ask(store, &found, "src/a.c", HOUR_MS, BOOT, "pm"), 1);
	works(decisions_answer(store, "DEC-001", "C", "olaf", NULL));
	assert_int_equal(claims_reset(store, "B", "olaf", NULL), 1);
	assert_int_equal(decisions_due(store, keep, NULL), 1);
	assert_int_equal(
	    decisions_apply(store, &due, conflicts_apply, "pm"), 0);
	has_rows(1, "tests WHERE id = 'B' AND status = 'pending'");
	is("deciding");
	assert_false(found.asked);
	assert_int_equal(decisions_due(store, keep, NULL), 0);
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
	is("open");
	sql("INSERT INTO file_locks (file_path, locked_by) VALUES ('x', 'py')");
	is("open");
	assert_int_equal(conflicts_pause(store, &found, "pm"), 1);
	is("paused");
	assert_string_equal(found.second.loop_id, "py");
	has_rows(1,
	    "events WHERE event_type = 'pause_requested' AND component = 'py'");
	has_rows(1, "tests WHERE id = 'A' AND status = 'in_progress'");
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	is("paused");
	assert_true(found.first_ended);
	assert_int_equal(conflicts_resume(store, &found, "goes on", "pm"), 1);
	has_rows(1,
	    "events WHERE event_type = 'resume_requested' AND component = "
	    "'py'");
	/* Ours are counted from there. */
	works(conflicts_met(store, &two,
	    &(struct conflict_side){ .loop_id = "py" }, "abc", files));
	has_rows(1, "conflicts WHERE id = 'CON-008'");
}

/* What a merge runs into is noted as over, whoever was faster. */
static void
test_what_was_met_is_over(void **state)
{
	const struct conflict_side nobody = { 0 },
				   other = { "loop-1", "A", "" };

	works(conflicts_met(store, &two, &nobody, "0123456789abcdef", files));
	none_is_open();
	has_rows(1,
	    "conflicts WHERE first_loop IS NULL AND second_test = 'B'"
	    " AND status = 'closed' AND closed_at IS NOT NULL"
	    " AND outcome LIKE '%which has 0123456789ab'");
	has_rows(1, "events WHERE event_type = 'file_conflict'");
	has_rows(1, "events WHERE event_type = 'conflict_resolved'");
	opens();
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	sql("UPDATE attempts SET result_commit = 'abc' WHERE test_id = 'A'");
	works(conflicts_met(store, &two, &other, "abc", files));
	none_is_open();
	has_rows(2, "conflicts");
	has_rows(2, "events WHERE event_type = 'file_conflict'");
	has_rows(2, "events WHERE event_type = 'conflict_resolved'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_pair_is_one_conflict, setup),
		TEST(test_what_goes_together_is_told_once, setup),
		TEST(test_the_higher_priority_goes_first, setup),
		TEST(test_priorities_as_they_are_then, setup),
		TEST(test_the_older_one_goes_first_otherwise, setup),
		TEST(test_nobody_waits_for_ever, setup),
		TEST(test_it_goes_on_with_its_work, setup),
		TEST(test_one_that_ended_by_itself_is_over, setup),
		TEST(test_one_that_nobody_settles_is_over_with_both, setup),
		TEST(test_whoever_settles_the_test_by_hand_ends_it, setup),
		TEST(test_the_first_is_kept, setup),
		TEST(test_the_second_is_kept, setup),
		TEST(test_by_hand, setup),
		TEST(test_reset_while_it_was_asked_about, setup),
		TEST(test_reset_after_it_was_answered, setup),
		TEST(test_a_foreign_loop_is_asked, setup),
		TEST(test_what_was_met_is_over, setup),
		TEST(test_reset_while_git_was_asked, setup),
		TEST(test_its_test_waits_already, setup),
		TEST(test_nothing_is_parked_for_ever, setup),
		TEST(test_what_is_waited_for, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
