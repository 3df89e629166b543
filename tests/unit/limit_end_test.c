/* When a provider's limit ends, in the words of the programs that tell it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "agents/loop/limit_end.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 2026-01-07T02:14:00Z, a Wednesday, and how it began. */
#define NOW	 INT64_C(1767752040000)
#define HOUR	 INT64_C(3600000)
#define DAY	 (24 * HOUR)
#define MIDNIGHT (NOW - 2 * HOUR - 14 * 60000)

static const struct {
	const char *text;
	int64_t ms;
} moments[] = {
	{ "1767225600", INT64_C(1767225600000) },
	{ "1767225600.5", INT64_C(1767225600500) },
	{ "1767225600000", INT64_C(1767225600000) },
	{ "2026-01-07T05:00:00Z", MIDNIGHT + 5 * HOUR },
	{ "5pm", MIDNIGHT + 17 * HOUR },
	{ "5am (UTC)", MIDNIGHT + 5 * HOUR },
	{ "2am", MIDNIGHT + DAY + 2 * HOUR },
	{ "12am", MIDNIGHT + DAY },
	{ "12:10pm (Europe/Dublin)", MIDNIGHT + 12 * HOUR + 600000 },
	{ "3:28 PM", MIDNIGHT + 15 * HOUR + 28 * 60000 },
	{ "15:45 UTC", MIDNIGHT + 15 * HOUR + 45 * 60000 },
	{ "Jan 9, 1pm (Europe/Dublin)", MIDNIGHT + 2 * DAY + 13 * HOUR },
	{ "Jan 9th, 2026 1:00 PM", MIDNIGHT + 2 * DAY + 13 * HOUR },
	{ "Jan 1, 1pm", MIDNIGHT + 359 * DAY + 13 * HOUR },
	{ "5", -1 },
	{ "13pm", -1 },
	{ "25:00", -1 },
	{ "soon", -1 },
	{ "", -1 },
	{ "9/23/2026", -1 },
};

static const struct {
	const char *text;
	int64_t wait_ms;
} waits[] = {
	{ "39", 39000 },
	{ "39.5", 39500 },
	{ "20s", 20000 },
	{ "13h19m12s", 13 * HOUR + 19 * 60000 + 12000 },
	{ "3 days 6 hours 57 minutes", 3 * DAY + 6 * HOUR + 57 * 60000 },
	{ "1 hour, 2 minutes and 3 seconds", HOUR + 123000 },
	{ "900ms", 900 },
	{ "5 bananas", -1 },
	{ "later", -1 },
	{ "", -1 },
	{ "99999999999", -1 },
};

static void
use_zone(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
}

static void
test_moments(void **state)
{
	(void)state;
	use_zone("UTC");
	for (size_t i = 0; i < COUNT(moments); i++) {
		print_message("# at %s\n", moments[i].text);
		assert_int_equal(
		    limit_end_at(moments[i].text, NOW), moments[i].ms);
	}
	/* Elsewhere "5pm" is another moment. */
	use_zone("XYZ-3");
	assert_int_equal(limit_end_at("5pm", NOW), MIDNIGHT + 14 * HOUR);
}

static void
test_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(waits); i++) {
		int64_t wait = waits[i].wait_ms;

		print_message("# after %s\n", waits[i].text);
		assert_int_equal(limit_end_after(waits[i].text, NOW),
		    wait < 0 ? -1 : NOW + wait);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
