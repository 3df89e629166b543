/* What was spent, and whether there is money left, on a real database. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "store/budget.h"
#include "store/claims.h"
#include "store_fixture.h"

#define USD 1000000LL

static const struct budget_limits limits = { .loop_day_micros = 5 * USD,
	.day_micros = 20 * USD };

static int64_t
today(void)
{
	return clock_local_day(clock_wall_ms(), 0);
}

/* A row of usage, at wall_ms; as it stands in SQL. */
static void
spends(const char *loop_id, const char *usd, int64_t wall_ms)
{
	char when[CLOCK_ISO_SIZE], statement[256];

	clock_format_iso(when, wall_ms);
	(void)snprintf(statement, sizeof(statement),
	    "INSERT INTO usage (loop_id, cost_usd, tokens_estimated,"
	    " recorded_at) VALUES ('%s', %s, 100, '%s')",
	    loop_id, usd, when);
	sql(statement);
}

static void
spent(const char *loop_id, int64_t day_ms, int64_t micros, int64_t unknown)
{
	struct budget_sum sum;

	works(budget_spent(store, loop_id, day_ms, &sum));
	assert_int_equal(sum.micros, micros);
	assert_int_equal(sum.unknown, unknown);
}

static int
may_claim(const char *loop_id)
{
	struct budget_refusal refusal;
	int may = budget_may_claim(store, &limits, loop_id, &refusal);

	if (may < 0)
		fail_msg("%s", store_error(store));
	if (may == 0) {
		note_said(refusal.reason);
		assert_int_equal(
		    refusal.until_ms, clock_local_day(clock_wall_ms(), 1));
	}
	return may;
}

static void
test_days(void **state)
{
	int64_t day_ms = today();

	spends("loop-1", "1.25", day_ms);
	spends("loop-1", "NULL", day_ms + 1);
	spends("loop-2", "0.5", day_ms);
	spends("loop-1", "7", day_ms - 1);
	/* As other programs write it. */
	sql("UPDATE usage SET recorded_at = replace(substr(recorded_at, 1, 19),"
	    " 'T', ' ') WHERE loop_id = 'loop-2'");
	spent(NULL, day_ms, 1750000, 1);
	spent("loop-1", day_ms, 1250000, 1);
	spent("loop-2", day_ms, 500000, 0);
	spent("loop-3", day_ms, 0, 0);
	spent(NULL, clock_local_day(day_ms, -1), 7 * USD, 0);
}

/* Days are those of the machine, and not all equally long. */
static void
test_local_days(void **state)
{
	int64_t summer, winter;

	assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
	tzset();
	works(clock_parse_iso("2026-10-24T22:30:00Z", &summer));
	works(clock_parse_iso("2026-10-25T23:00:00Z", &winter));
	assert_int_equal(clock_local_day(summer, 1), winter);
	assert_int_equal(winter - clock_local_day(summer, 0), 25 * 3600 * 1000);
	assert_int_equal(
	    clock_local_day(winter, -1), clock_local_day(summer, 0));
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

/* What still runs counts too, and what others ended isn't lost. */
static void
test_running(void **state)
{
	struct claim_request request = { .loop_id = "loop-1",
		.max_attempts = 3 };
	struct attempt_end end = { .outcome = OUTCOME_FAILED,
		.max_attempts = 3,
		.tokens = 900,
		.cost_micros = 3 * USD };
	enum attempt_result result;
	struct claim claim;

	works(claims_begin(store, "loop-1", "One", 1, "", &repairs));
	sql("INSERT INTO tests (id, loop_id) VALUES ('T', 'loop-1')");
	assert_int_equal(claims_take(store, &request, &claim, NULL), 1);
	spent("loop-1", today(), 0, 0);
	assert_int_equal(
	    attempts_spent(store, &claim.key, 400, 2 * USD, "s-1"), 1);
	assert_int_equal(
	    attempts_spent(store, &claim.key, ATTEMPT_UNKNOWN, -1, NULL), 1);
	spent("loop-1", today(), 2 * USD, 0);
	assert_int_equal(claims_reset(store, "T", "olaf", NULL), 1);
	assert_int_equal(attempts_spent(store, &claim.key, 1, 1, "s-2"), 0);
	spent("loop-1", today(), 2 * USD, 0);
	/* Its loop knows it better, when it has ended its worker. */
	works(attempts_end(store, &claim.key, &end, &result));
	assert_int_equal(result, RESULT_NOTHING);
	spent("loop-1", today(), 3 * USD, 0);
	has_rows(1, "usage");
	claims_free(&claim);

	assert_int_equal(claims_take(store, &request, &claim, NULL), 1);
	assert_string_equal(claim.session.id, "s-1");
	assert_int_equal(attempts_spent(store, &claim.key, 1, USD, NULL), 1);
	/* The loop dies. */
	assert_int_equal(
	    claims_begin(store, "loop-1", "One", 1, "", &repairs), 1);
	spent("loop-1", today(), 4 * USD, 0);
	has_rows(2, "usage");
	claims_free(&claim);
}

static void
test_loop_limit(void **state)
{
	spends("loop-1", "3.99", today());
	assert_int_equal(may_claim("loop-1"), 1);
	has_rows(0, "alerts");
	spends("loop-1", "0.01", today());
	assert_int_equal(may_claim("loop-1"), 1);
	assert_int_equal(may_claim("loop-1"), 1);
	has_rows(1, "alerts WHERE severity = 'warning'");
	has_rows(0, "events WHERE event_type = 'budget_exceeded'");
	spends("loop-1", "1.10", today());
	assert_int_equal(may_claim("loop-1"), 0);
	assert_int_equal(may_claim("loop-1"), 0);
	was_said("loop-1 spent 5.10 of 5.00 USD of today; 'loopkeeper budget "
		 "--raise USD --loop loop-1' allows more loop-1 spent 5.10 of "
		 "5.00 USD of today; 'loopkeeper budget --raise USD --loop "
		 "loop-1' allows more ");
	has_rows(1,
	    "events WHERE event_type = 'budget_exceeded'"
	    " AND loop_id = 'loop-1'");
	has_rows(1, "alerts WHERE NOT acknowledged AND severity = 'error'");
	assert_int_equal(may_claim("loop-2"), 1);
	has_rows(1, "alerts WHERE NOT acknowledged");
}

static void
test_fleet_limit(void **state)
{
	spends("loop-8", "20", today());
	assert_int_equal(may_claim("loop-1"), 0);
	assert_int_equal(may_claim("loop-2"), 0);
	has_rows(1,
	    "events WHERE event_type = 'budget_exceeded'"
	    " AND loop_id IS NULL");
	has_rows(1, "alerts");
}

/* More is allowed until the day turns. */
static void
test_raise(void **state)
{
	struct budget_state now;

	spends("loop-1", "6", today());
	assert_int_equal(may_claim("loop-1"), 0);
	works(budget_raise(store, &limits, "loop-1", 2 * USD, "olaf"));
	works(budget_raise(store, &limits, "loop-1", USD, "olaf"));
	works(budget_state(store, &limits, "loop-1", &now));
	assert_int_equal(now.limit, 8 * USD);
	assert_int_equal(now.raised, 3 * USD);
	has_rows(0, "alerts WHERE NOT acknowledged");
	has_rows(2, "events WHERE event_type = 'budget_raised'");
	assert_int_equal(may_claim("loop-1"), 1);
	works(budget_state(store, &limits, NULL, &now));
	assert_int_equal(now.limit, 20 * USD);
	sql("UPDATE budget_raises SET day = '2026-01-07'");
	assert_int_equal(may_claim("loop-1"), 0);
}

/* Another day, and whoever looks takes yesterday's alerts back. */
static void
test_day_turns(void **state)
{
	spends("loop-1", "6", today());
	assert_int_equal(may_claim("loop-1"), 0);
	sql("DELETE FROM usage;"
	    "UPDATE alerts SET context = json_set(context, '$.cause',"
	    " 'budget:loop:loop-1:2026-01-07')");
	has_rows(1, "alerts WHERE NOT acknowledged");
	assert_int_equal(may_claim("loop-2"), 1);
	has_rows(0, "alerts WHERE NOT acknowledged");
	assert_int_equal(may_claim("loop-1"), 1);
}

static void
test_no_limit(void **state)
{
	struct budget_limits none = { BUDGET_NO_LIMIT, BUDGET_NO_LIMIT };
	struct budget_refusal refusal;

	spends("loop-1", "1000", today());
	assert_int_equal(may_claim("loop-1"), 0);
	/* Out of the configuration, and so are its alerts. */
	assert_int_equal(budget_may_claim(store, &none, "loop-1", &refusal), 1);
	has_rows(0, "alerts WHERE NOT acknowledged");
}

static int
note_row(const struct budget_row *row, void *argument)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "%s/%s:%lld,%lld+%lld", row->loop_id,
	    row->outcome, (long long)row->sum.micros, (long long)row->sum.known,
	    (long long)row->sum.unknown);
	note_said(line);
	return 0;
}

static void
test_outcomes(void **state)
{
	spends("loop-1", "1", today());
	sql("INSERT INTO attempts (id, test_id, loop_id, outcome, ended_at)"
	    " VALUES ('a', 'T', 'loop-2', 'passed', 'x'),"
	    " ('b', 'T', 'loop-2', 'failed', 'x');"
	    "INSERT INTO attempts (id, test_id, loop_id, cost_usd, tokens)"
	    " VALUES ('c', 'T', 'loop-2', 0.25, NULL),"
	    " ('d', 'T', 'loop-3', NULL, 7), ('e', 'T', 'loop-3', NULL, NULL)");
	spends("loop-2", "2", today());
	sql("UPDATE usage SET attempt_id = 'a' WHERE loop_id = 'loop-2'");
	sql("INSERT INTO usage (loop_id, attempt_id, recorded_at)"
	    " SELECT 'loop-2', 'b', recorded_at FROM usage LIMIT 1");
	works(budget_each(store, today(), note_row, NULL));
	was_said("loop-1/:1000000,1+0 loop-2/failed:0,0+1 "
		 "loop-2/passed:2000000,1+0 loop-2/running:250000,1+0 "
		 "loop-3/running:0,0+1 ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_days, fixture_open),
		cmocka_unit_test(test_local_days),
		TEST(test_running, fixture_open),
		TEST(test_loop_limit, fixture_open),
		TEST(test_fleet_limit, fixture_open),
		TEST(test_raise, fixture_open),
		TEST(test_day_turns, fixture_open),
		TEST(test_no_limit, fixture_open),
		TEST(test_outcomes, fixture_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
