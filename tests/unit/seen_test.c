/* The timeline's memory of what it has shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli/seen.c" /* NOLINT(bugprone-suspicious-include) */

static bool
add(struct seen *s, size_t i)
{
	char id[32];

	(void)snprintf(id, sizeof(id), "event-%zu", i);
	return seen_add(s, id);
}

static void
test_once(void **state)
{
	struct seen s;

	(void)state;
	if (seen_init(&s) < 0)
		abort();
	assert_false(seen_add(&s, "a"));
	assert_true(seen_add(&s, "a"));
	assert_false(seen_add(&s, "b"));
	assert_true(seen_add(&s, "a"));
	seen_finish(&s);
	seen_finish(&s);
}

/* However many come, the last ones are known. */
static void
test_many(void **state)
{
	struct seen s;

	(void)state;
	if (seen_init(&s) < 0)
		abort();
	for (size_t i = 0; i < (size_t)5 * SEEN_SIZE; i++) {
		assert_false(add(&s, i));
		if (i >= SEEN_SIZE)
			assert_true(add(&s, i - SEEN_SIZE + 1));
	}
	seen_finish(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
