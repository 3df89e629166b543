/* Events in words: the phrases of the command line's one table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/event_line.c" /* NOLINT(bugprone-suspicious-include) */

static void
check(const char *source, const char *type, const char *payload,
    const char *expected)
{
	json_t *object = json_loads(payload, 0, NULL);
	struct event_view view = { .timestamp = "2026-01-07T02:14:00Z",
		.source = source,
		.event_type = type,
		.payload = object };
	char line[512];

	event_line_text(line, sizeof(line), &view);
	assert_string_equal(line, expected);
	json_decref(object);
}

static void
test_phrases(void **state)
{
	(void)state;
	check("loop-1", "test_passed",
	    "{\"loop_id\":\"loop-1\",\"test_id\":\"CP-1\",\"attempt\":2}",
	    "loop-1 passed CP-1 (attempt 2)");
	check("keeper-monitor", "component_crashed",
	    "{\"component\":\"monitor\",\"reason\":\"signal 9 (Killed)\","
	    "\"state\":\"stopping\"}",
	    "monitor crashed: signal 9 (Killed)");
	check("supervisor", "mode_changed",
	    "{\"component\":\"monitor\",\"mode\":\"slow\","
	    "\"before\":\"normal\",\"reason\":\"missing\"}",
	    "mode is slow, was normal: monitor (missing)");
}

/* The same type is told by what became of it. */
static void
test_variants(void **state)
{
	(void)state;
	check("keeper-pm", "component_stopped",
	    "{\"component\":\"pm\",\"state\":\"stopped\",\"level\":0}",
	    "pm stopped");
	check("keeper-pm", "component_stopped",
	    "{\"component\":\"pm\",\"state\":\"backoff\",\"level\":2}",
	    "pm waits before its next start (level 2)");
	check("monitor", "regression_cleared",
	    "{\"test_id\":\"A\",\"loop_id\":\"loop-1\"}",
	    "A of loop-1 is no regression any more");
	check("monitor", "regression_cleared",
	    "{\"test_id\":\"A\",\"loop_id\":\"loop-1\","
	    "\"result\":\"skipped\"}",
	    "A of loop-1 is skipped: its regression is over, and not mended");
}

/* What stands in brackets goes when one of its fields isn't there. */
static void
test_optional(void **state)
{
	(void)state;
	check("loop-1", "test_passed", "{\"test_id\":\"CP-1\"}",
	    "loop-1 passed CP-1");
	check("olaf", "test_skipped", "{\"test_id\":\"CP-1\",\"reason\":\"\"}",
	    "olaf skipped CP-1");
	check("olaf", "test_skipped",
	    "{\"test_id\":\"CP-1\",\"reason\":\"flaky\"}",
	    "olaf skipped CP-1: flaky");
}

static void
test_units(void **state)
{
	(void)state;
	check("supervisor", "keeper_stuck",
	    "{\"component\":\"pm\",\"pid\":7,\"silent_ms\":65000}",
	    "pm has a keeper that doesn't answer (pid 7) for 1m");
	/* What is a day or more away has its date; local time is UTC here. */
	assert_int_equal(setenv("TZ", "UTC0", 1), 0);
	tzset();
	check("loop-1", "rate_limited",
	    "{\"provider\":\"claude\",\"until\":\"2026-01-07T05:00:00.000Z\"}",
	    "loop-1 is rate limited by claude until 2026-01-07 05:00");
	check("loop-1", "rate_limited", "{\"until\":\"soon\"}",
	    "loop-1 is rate limited until soon");
	check("olaf", "budget_raised",
	    "{\"loop_id\":\"loop-1\",\"usd\":2.500000,\"by\":\"olaf\"}",
	    "today's budget of loop-1 is raised by 2.5 USD by olaf");
}

static void
test_unknown(void **state)
{
	(void)state;
	check("telegram", "message_sent", "{\"to\":\"olaf\",\"n\":3}",
	    "telegram message sent (to=olaf, n=3)");
	check("", "strange", "5", "somebody strange");
	check("x", "strange", "{}", "x strange");
}

/* Another program's text can't steer the terminal. */
static void
test_clean(void **state)
{
	(void)state;
	check("x", "human_message", "{\"text\":\"a\\u001b[31mb\\nc\"}",
	    "x says: a?[31mb?c");
}

static void
test_long(void **state)
{
	char line[16];
	struct event_view view = { .source = "a-rather-long-name",
		.event_type = "queue_empty" };

	(void)state;
	event_line_text(line, sizeof(line), &view);
	assert_string_equal(line, "a-rather-long-n");
}

/* Every phrase is well formed: braces and brackets are closed. */
static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < NPHRASES; i++) {
		int braces = 0, brackets = 0;

		for (const char *p = phrases[i].text; *p != '\0'; p++) {
			braces += (*p == '{') - (*p == '}');
			brackets += (*p == '[') - (*p == ']');
			assert_in_range(braces, 0, 1);
			assert_in_range(brackets, 0, 1);
		}
		assert_int_equal(braces, 0);
		assert_int_equal(brackets, 0);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(
			    phrases[i].type, phrases[j].type);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_phrases),
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_optional),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
