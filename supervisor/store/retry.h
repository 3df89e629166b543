/*
 * The back-off of a test after an attempt that used one up: tests.retry_at,
 * NULL for none. Whoever sets the test's status ends it (schema.c has the
 * trigger); the loop takes other tests meanwhile.
 */
#ifndef LOOPKEEPER_STORE_RETRY_H
#define LOOPKEEPER_STORE_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "store/store.h"

/* The longest; what is said to end later is not believed. */
#define RETRY_MAX_MS (10 * 60 * 1000)

/* Inside store/, of a row t of tests: it isn't to be waited for at the time
 * `now`, ISO. */
#define RETRY_IS_DUE(now)                                            \
	"(t.retry_at IS NULL OR (julianday(t.retry_at) BETWEEN"      \
	" julianday(" now ") AND julianday(" now ", '+600 seconds')" \
	") IS NOT 1)"

/*
 * Writes when the test of its attempt-th attempt (1 is the first) may be tried
 * again: after delay_ms, which doubles with each attempt, more or less. "" for
 * at once, where delay_ms is 0.
 */
void retry_format(struct store *s, char buf[static CLOCK_ISO_SIZE],
    int64_t delay_ms, int attempt);

/* The loop's test whose back-off ends first, of those that wait for nothing
 * else, and in how many ms. Returns 1, 0 when there is none, -1. */
int retry_next(struct store *s, const char *loop_id, char *ret_test_id,
    size_t size, int64_t *ret_in_ms);

/*
 * Whether of the last `used` attempts of a test that used one up two in a row
 * failed alike; *ret_now: the last two. Returns 1, 0, or -1.
 */
int retry_was_in_vain(
    struct store *s, const char *test_id, int used, bool *ret_now);

#endif
