/* Conflicts that a human is asked about: what each answer does, and what
 * becomes of it when the test was taken care of otherwise. */
#include <string.h>

#include "conflicts_fixture.h"
#include "store/decisions_blocked.h"
#include "store/parked.h"
#include "store/queries_conflicts.h"

#define HOUR_MS (60 * 60 * 1000)
#define BOOT	"11111111-1111-4111-8111-111111111111"

static struct decision due;

static void
keep(const struct decision *decision, void *argument)
{
	due = *decision;
}

/* Asks, and takes this answer. */
static void
is_answered(const char *choice)
{
	conflict_pauses();
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	conflict_is("paused");
	assert_int_equal(
	    conflicts_ask(store, &found, "src/a.c", HOUR_MS, BOOT, "pm"), 1);
	conflict_is("deciding");
	assert_true(found.waits && found.asked);
	has_rows(1, "tests WHERE id = 'B' AND parked = 'DEC-001'");
	works(decisions_answer(store, "DEC-001", choice, "olaf", NULL));
	conflict_is("deciding");
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
	conflict_pauses();
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	conflict_is("paused");
	assert_int_equal(claims_reset(store, "B", "olaf", NULL), 1);
	assert_int_equal(
	    conflicts_ask(store, &found, "src/a.c", HOUR_MS, BOOT, "pm"), 0);
	assert_int_equal(conflicts_resume(store, &found, "goes on", "pm"), 0);
	has_rows(0, "decisions");
	has_rows(0, "attempts WHERE take_up <> 0");
	has_rows(1, "tests WHERE id = 'B' AND parked IS NULL");
	conflict_is("paused");
	assert_false(found.waits);
}

/* A question about its test was open already: that is what it waits for, and
 * it goes on with its work after that. */
static void
test_its_test_waits_already(void **state)
{
	conflict_opens();
	sql("UPDATE tests SET parked = 'DEC-001' WHERE id = 'B'");
	assert_int_equal(conflicts_pause(store, &found, "pm"), 1);
	conflict_is("paused");
	assert_false(found.waits);
	has_rows(1, "tests WHERE status = 'pending' AND parked = 'DEC-001'");
	has_rows(1, "attempts WHERE test_id = 'B' AND take_up = 1");
}

/* Whatever a test is parked on may be closed by others, who know nothing of
 * that. */
static void
test_nothing_is_parked_for_ever(void **state)
{
	conflict_pauses();
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
	conflict_pauses();
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	conflict_is("paused");
	assert_int_equal(
	    conflicts_ask(store, &found, "src/a.c", HOUR_MS, BOOT, "pm"), 1);
	assert_int_equal(claims_reset(store, "B", "olaf", NULL), 1);
	conflict_is("deciding");
	assert_false(found.asked);
	has_rows(0, "tests WHERE parked IS NOT NULL");
}

/* The PM was away when it was answered; what was said after that counts. */
static void
test_reset_after_it_was_answered(void **state)
{
	conflict_pauses();
	ends(&one, OUTCOME_PASSED, false, RESULT_PASSED);
	conflict_is("paused");
	assert_int_equal(
	    conflicts_ask(store, &found, "src/a.c", HOUR_MS, BOOT, "pm"), 1);
	works(decisions_answer(store, "DEC-001", "C", "olaf", NULL));
	assert_int_equal(claims_reset(store, "B", "olaf", NULL), 1);
	assert_int_equal(decisions_due(store, keep, NULL), 1);
	assert_int_equal(
	    decisions_apply(store, &due, conflicts_apply, "pm"), 0);
	has_rows(1, "tests WHERE id = 'B' AND status = 'pending'");
	conflict_is("deciding");
	assert_false(found.asked);
	assert_int_equal(decisions_due(store, keep, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_first_is_kept, conflicts_setup),
		TEST(test_the_second_is_kept, conflicts_setup),
		TEST(test_by_hand, conflicts_setup),
		TEST(test_reset_while_it_was_asked_about, conflicts_setup),
		TEST(test_reset_after_it_was_answered, conflicts_setup),
		TEST(test_reset_while_git_was_asked, conflicts_setup),
		TEST(test_its_test_waits_already, conflicts_setup),
		TEST(test_nothing_is_parked_for_ever, conflicts_setup),
		TEST(test_what_is_waited_for, conflicts_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
