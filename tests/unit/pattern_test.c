#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/pattern.h"

static void
test_of_a_name(void **state)
{
	(void)state;
	assert_true(pattern_matches("*_test.c", "list_test.c"));
	assert_true(pattern_matches("*_test.c", "src/deep/list_test.c"));
	assert_false(pattern_matches("*_test.c", "list_test.cc"));
	assert_true(pattern_matches("test_*", "lib/test_list.py"));
	/* Of the file, not of a folder above it. */
	assert_false(pattern_matches("test_*", "test_data/list.py"));
	assert_true(pattern_matches("[ab]?.snap", "x/b1.snap"));
	assert_true(pattern_matches("*.lock", ".lock"));
	assert_false(pattern_matches("", "a"));
}

static void
test_of_a_path(void **state)
{
	(void)state;
	assert_true(pattern_matches("tests/**", "tests/a.c"));
	assert_true(pattern_matches("tests/**", "packages/b/tests/deep/a.c"));
	assert_false(pattern_matches("tests/**", "mytests/a.c"));
	assert_false(pattern_matches("tests/**", "tests"));
	assert_true(pattern_matches("tests/", "tests/deep/a.c"));
	assert_true(pattern_matches("tests/", "b/tests/a.c"));
	assert_false(pattern_matches("tests/", "contests/a.c"));
	assert_true(pattern_matches("src/*.c", "src/a.c"));
	assert_true(pattern_matches("src/*.c", "src/deep/a.c"));
	/* From the top alone. */
	assert_true(pattern_matches("/src/*.c", "src/a.c"));
	assert_false(pattern_matches("/src/*.c", "b/src/a.c"));
	assert_true(pattern_matches("/src/", "src/a.c"));
	assert_false(pattern_matches("/src/", "b/src/a.c"));
}

static void
test_any(void **state)
{
	char *const patterns[] = { (char[]){ "a" }, (char[]){ "b/" }, NULL };

	(void)state;
	assert_true(pattern_any(patterns, "b/c"));
	assert_false(pattern_any(patterns, "c"));
	assert_false(pattern_any(NULL, "a"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_a_name),
		cmocka_unit_test(test_of_a_path),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
