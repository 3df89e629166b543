/* The lines of a component's log: what is written is read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/line.h"

static void
test_round_trip(void **state)
{
	const char text[] = "a\ttext | with ! marks";
	char bytes[LINE_PREFIX + sizeof(text)], stamp[CLOCK_ISO_SIZE];
	struct line line;

	(void)state;
	clock_format_iso(stamp, 1767752040123);
	for (int i = 0; i < 4; i++) {
		enum line_stream stream = i % 2 ? LINE_STDERR : LINE_STDOUT;

		line_format(bytes, 1767752040123, stream, i >= 2);
		(void)memcpy(bytes + LINE_PREFIX, text, sizeof(text) - 1);
		assert_true(
		    line_parse(bytes, LINE_PREFIX + sizeof(text) - 1, &line));
		assert_memory_equal(line.stamp, stamp, sizeof(line.stamp));
		assert_int_equal(line.stream, stream);
		assert_int_equal(line.partial, i >= 2);
		assert_int_equal(line.len, sizeof(text) - 1);
		assert_memory_equal(line.text, text, line.len);
	}
}

static void
test_empty_line(void **state)
{
	char bytes[LINE_PREFIX];
	struct line line;

	(void)state;
	line_format(bytes, 0, LINE_STDOUT, false);
	assert_true(line_parse(bytes, sizeof(bytes), &line));
	assert_int_equal(line.len, 0);
}

static void
test_line_of_housekeeping(void **state)
{
	static const char text[] = "2026-01-07T02:14:00.123Z logger: hello";
	struct line line;

	(void)state;
	assert_true(line_parse(text, sizeof(text) - 1, &line));
	assert_int_equal(line.stream, LINE_STDERR);
	assert_int_equal(line.len, strlen("logger: hello"));
	assert_memory_equal(line.text, "logger: hello", line.len);
}

static void
test_other_lines(void **state)
{
	static const char *const texts[] = { "", "hello",
		"2026-01-07T02:14:00.123Z", "2026-01-07 02:14:00.123Z | text",
		"2026-01-07T02:14:00.12xZ | text",
		"a line that is as long as a stamp and no stamp" };
	struct line line = { .len = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(line_parse(texts[i], strlen(texts[i]), &line));
	assert_int_equal(line.len, 77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_empty_line),
		cmocka_unit_test(test_line_of_housekeeping),
		cmocka_unit_test(test_other_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
