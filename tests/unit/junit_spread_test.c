/* How directories are spread over loops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/junit_spread.h"

static void
add_tests(struct spread *s, const char *directory, size_t n, size_t loop)
{
	while (n-- > 0)
		assert_true(spread_add(s, directory, loop) < s->n);
}

/* The largest first, to whom has least; and what has a home keeps it. */
static void
test_spread(void **state)
{
	struct spread s = { 0 };
	int64_t loads[3] = { 1, 0, 0 };

	(void)state;
	add_tests(&s, "small", 2, SPREAD_NOWHERE);
	add_tests(&s, "large", 9, SPREAD_NOWHERE);
	add_tests(&s, "home", 4, 2);
	add_tests(&s, "middle", 5, SPREAD_NOWHERE);
	add_tests(&s, "small", 1, SPREAD_NOWHERE);
	assert_int_equal(spread_settle(&s, loads, 3), 0);
	assert_int_equal(s.groups[1].loop, 1);
	assert_int_equal(s.groups[2].loop, 2);
	assert_int_equal(s.groups[3].loop, 0);
	assert_int_equal(s.groups[0].loop, 2);
	assert_int_equal(loads[0], 6);
	assert_int_equal(loads[1], 9);
	assert_int_equal(loads[2], 7);
	spread_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
