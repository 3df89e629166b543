/* What tests of the summary share: a window of 100 minutes, and two loops in a
 * database that is older. Times are minutes after the window's beginning. */
#ifndef LOOPKEEPER_TESTS_SUMMARY_FIXTURE_H
#define LOOPKEEPER_TESTS_SUMMARY_FIXTURE_H

#include "store/summary.h"
#include "store_fixture.h"

#define MINUTE 60000LL
#define WINDOW (100 * MINUTE)

#define SUMMARY_TEST(name) \
	cmocka_unit_test_setup_teardown(name, summary_begin, summary_end)

extern int64_t since_ms;   /* when the window begins */
extern struct summary sum; /* as it was read last */
/* What the fleet says of loop-1 now. */
extern bool paused_now, stopped_now;

/* For cmocka: as fixture_open(), with the loops, and away with all of it. */
int summary_begin(void **state);
int summary_end(void **state);

/* That minute for SQL; good for the next seven calls. */
const char *when(int minute);

/* As sql(), with values. */
void does(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Adds an event of somebody. */
void event(const char *type, int minute, const char *payload);

/* Adds an attempt of loop-1 that has ended, at 100 tokens. */
void attempt(const char *outcome, int from, int to, const char *usd);

/* Reads sum, and gives what it says of loop-1. */
const struct summary_loop *look(void);

#endif
