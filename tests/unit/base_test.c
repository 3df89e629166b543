/* The ground floor: durations, dates, JSON text, names, files. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "base/texts.h"
#include "base/uuid.h"

static void
test_duration(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
		const char *exact;
		const char *rough;
	} cases[] = {
		{ "0", 0, "0", "0s" },
		{ "250ms", 250, "250ms", "0s" },
		{ "1h30m", 5400000, "1h30m", "1h" },
		{ "90s", 90000, "1m30s", "1m" },
		{ "30d", INT64_C(2592000000), "30d", "30d" },
		{ "1w", INT64_C(604800000), "7d", "7d" },
	};
	static const char *const bad[] = { "", "5", "s", "1x", "1h 2m", "-1s",
		"1.5s", "99999999999999999999s", "200000d" };
	char buf[DURATION_SIZE];
	int64_t ms = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(duration_parse(cases[i].text, &ms), 0);
		assert_int_equal(ms, cases[i].ms);
		duration_format_exact(buf, ms);
		assert_string_equal(buf, cases[i].exact);
		duration_format(buf, ms);
		assert_string_equal(buf, cases[i].rough);
	}
	ms = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(duration_parse(bad[i], &ms), -1);
	assert_int_equal(ms, 7);
}

static void
test_iso(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "2026-01-07T02:14:00Z", INT64_C(1767752040000) },
		{ "2026-01-07T02:14:00.123Z", INT64_C(1767752040123) },
		{ "2026-01-07T02:14:00.123456+00:00", INT64_C(1767752040123) },
		{ "2026-01-07 02:14:00", INT64_C(1767752040000) },
		{ "2026-01-07", INT64_C(1767744000000) },
	};
	char buf[CLOCK_ISO_SIZE];
	int64_t ms = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(clock_parse_iso(cases[i].text, &ms), 0);
		assert_int_equal(ms, cases[i].ms);
	}
	clock_format_iso(buf, INT64_C(1767752040123));
	assert_string_equal(buf, "2026-01-07T02:14:00.123Z");
	assert_int_equal(clock_parse_iso("yesterday", &ms), -1);
	assert_int_equal(clock_parse_iso("2026-01-07T02:14:00Zx", &ms), -1);
}

static void
test_json(void **state)
{
	char data[64];
	struct buf b;

	(void)state;
	buf_init(&b, data, sizeof(data));
	buf_add_json(&b, "a\"b\\c\n\x01\xff\xc3\xa9");
	assert_string_equal(data, "\"a\\\"b\\\\c\\n\\u0001\\ufffd\xc3\xa9\"");
	assert_false(b.cut);
	buf_init(&b, data, 4);
	buf_addf(&b, "%d", 123456);
	assert_string_equal(data, "123");
	assert_true(b.cut);
}

static void
test_word(void **state)
{
	char data[64];
	struct buf b;

	(void)state;
	buf_init(&b, data, sizeof(data));
	buf_add_word(&b, "T-1");
	buf_add_word(&b, "");
	buf_add_word(&b, "it's $x");
	assert_string_equal(data, "T-1'''it'\\''s $x'");
}

static void
test_text(void **state)
{
	static const char *const words[] = { "restart", "resume", "reload" };
	static const char *const signals[] = { "TRAP", "TERM" };
	char dirty[] = "a\tb\xff\xe2\x82\xac";
	int64_t number;

	(void)state;
	assert_true(text_is_name("loop-1_x.y"));
	assert_false(text_is_name("all"));
	assert_false(text_is_name(""));
	assert_false(text_is_name("-x"));
	assert_false(text_is_name("a/b"));
	text_clean(dirty);
	assert_string_equal(dirty, "a?b?\xe2\x82\xac");
	assert_string_equal(text_nearest("restrat", words, 3), "restart");
	assert_string_equal(text_nearest("TREM", signals, 2), "TERM");
	assert_null(text_nearest("xyzzy", words, 3));
	assert_int_equal(text_parse_int("12", 0, 12, &number), 0);
	assert_int_equal(text_parse_int("13", 0, 12, &number), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(text_parse_int("1x", 0, 12, &number), -1);
	assert_int_equal(errno, EINVAL);
}

static void
test_texts(void **state)
{
	char long_one[5000];
	struct texts t = { 0 };
	char **list;

	(void)state;
	(void)memset(long_one, 'x', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	assert_string_equal(texts_add(&t, long_one), long_one);
	for (int i = 1; i < 100; i++) {
		texts_addf(&t, "%d", i);
		assert_int_equal(t.n, i + 1);
		assert_int_equal(texts_count(t.items), i + 1);
	}
	list = texts_take(&t);
	assert_int_equal(t.n, 0);
	assert_string_equal(list[0], long_one);
	assert_string_equal(list[99], "99");
	texts_free(list);
	/* Nothing is a list, too. */
	list = texts_take(&t);
	assert_non_null(list);
	assert_null(list[0]);
	texts_free(list);
	/* One that is missing makes the rest worthless. */
	(void)texts_add(&t, "a");
	assert_null(texts_own(&t, NULL));
	(void)texts_add(&t, "b");
	assert_null(texts_take(&t));
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(texts_count(NULL), 0);
	texts_free(NULL);
}

static void
test_files(void **state)
{
	char directory[] = "/tmp/loopkeeper-base-XXXXXX";
	char path[PATH_SIZE], deep[PATH_SIZE], buf[4];
	int dirfd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dirfd >= 0);
	assert_int_equal(io_replace_file(dirfd, "f", "abc", 3, 1), 0);
	assert_int_equal(io_read_file(dirfd, "f", buf, sizeof(buf)), 3);
	assert_string_equal(buf, "abc");
	assert_int_equal(io_replace_file(dirfd, "f", "abcd", 4, 0), 0);
	assert_int_equal(io_read_file(dirfd, "f", buf, sizeof(buf)), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(io_replace_file(dirfd, "no/f", "x", 1, 0), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(path_format(deep, "%s/a/b", directory), 0);
	assert_int_equal(path_make(deep, 0700), 0);
	assert_int_equal(path_make(deep, 0700), 0);
	assert_int_equal(rmdir(deep), 0);
	assert_int_equal(path_dirname(path, deep), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(unlinkat(dirfd, "f", 0), 0);
	io_close(&dirfd);
	assert_int_equal(dirfd, -1);
	assert_int_equal(rmdir(directory), 0);
}

static void
test_uuid(void **state)
{
	char a[UUID_SIZE], b[UUID_SIZE];

	(void)state;
	uuid_new(a);
	uuid_new(b);
	assert_string_not_equal(a, b);
	assert_int_equal(strlen(a), 36);
	assert_int_equal(a[14], '4');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_iso),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_word),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_uuid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
