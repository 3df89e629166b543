/* Which failures are the same one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agents/loop/fingerprint.h"
#include "base/buf.h"

static void
compare(const char *a, const char *b, bool same)
{
	char one[ATTEMPT_FINGERPRINT_SIZE], other[ATTEMPT_FINGERPRINT_SIZE];

	fingerprint_make(one, "verify: exit 1", a, "/state/loop-1/verify");
	fingerprint_make(other, "verify: exit 1", b, "/state/loop-2/verify");
	if ((strcmp(one, other) == 0) != same)
		fail_msg("%s\n%s", a, b);
}

static void
test_same(void **state)
{
	(void)state;
	compare("", "", true);
	compare("FAIL add (0.98 s)", "FAIL add (12 s)", true);
	compare("at 14:02:11 on 2026-01-07", "at 2:59:00 on 2026-11-28", true);
	compare("  9 passed,  1 failed", " 10 passed, 1 failed", true);
	compare("[T14:02] line 7", "[T15:12] line 140", true);
	compare("commit 3fa9c02 at 0x7ffd", "commit 77 at 0xdeadbeef", true);
	compare("b3: x", "0: x", true);
	compare("no such file x1", "no such file x22", true);
	/* What stands behind a text is none of it. */
	compare("expected 9\0005 more", "expected 9", true);
}

static void
test_other(void **state)
{
	(void)state;
	compare("expected red", "expected blue", false);
	compare("face added", "cafe added", false);
	compare("x", "", false);
	compare("b3g", "c3g", false);
	compare("a\nb", "a b", false);
}

static void
test_checkout(void **state)
{
	char one[ATTEMPT_FINGERPRINT_SIZE], other[ATTEMPT_FINGERPRINT_SIZE];

	(void)state;
	fingerprint_make(
	    one, "in /s/a/verify", "/s/a/verify/x.c: no", "/s/a/verify");
	fingerprint_make(other, "in /s/long/verify", "/s/long/verify/x.c: no",
	    "/s/long/verify");
	assert_string_equal(one, other);
	fingerprint_make(other, "in /s/long", "/s/long/y.c: no", "/s/long");
	assert_string_not_equal(one, other);
	fingerprint_make(other, "exit 2", "/s/a/verify/x.c: no", "/s/a/verify");
	assert_string_not_equal(one, other);
}

/* What was said long before the end doesn't count. */
static void
test_last_lines(void **state)
{
	char one[1024], other[1024];
	struct buf b, c;

	(void)state;
	buf_init(&b, one, sizeof(one));
	buf_init(&c, other, sizeof(other));
	buf_add(&b, "first\n");
	for (int i = 0; i < 60; i++) {
		buf_add(&b, "a line\n");
		buf_add(&c, "a line\n");
	}
	compare(one, other, true);
	buf_add(&c, "more\n");
	compare(one, other, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_checkout),
		cmocka_unit_test(test_last_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
