/*
 * Tests that passed on the integration branch and don't any more. One is open
 * until its test passes again, also by an attempt after a reset, or is given
 * up: skipped, or blocked.
 */
#ifndef LOOPKEEPER_STORE_REGRESSIONS_H
#define LOOPKEEPER_STORE_REGRESSIONS_H

#include <stdbool.h>

#include "store/attempts.h"
#include "store/store.h"

struct regression {
	const char *test_id;
	const char *loop_id;
	const char *commit;	/* on which it fails */
	const char *last_good;	/* on which it passed last; "" unknown */
	const char *transcript; /* a path */
	bool is_outside; /* it fails on last_good now, too: it's no commit */
};

/* Opens one, with event regression_detected. Returns 1, 0 when one is open for
 * that test or the test isn't passed now, -1 with errno of store.h. */
int regressions_open(
    struct store *s, const char *source, const struct regression *r);

/* The one that is open for the test was looked at again: it stands. Returns 0
 * or -1. */
int regressions_confirm(struct store *s, const char *test_id);

/* Clears those whose test was verified since, or is given up, with events
 * regression_cleared. Returns how many, or -1. */
int regressions_settle(struct store *s, const char *source);

/* The one that is open longest. */
struct regression_oldest {
	char test_id[ATTEMPT_TEST_SIZE];
	char commit[ATTEMPT_COMMIT_SIZE]; /* on which it fails */
	bool has_fix; /* a test in the loop's queue that has one is reset */
};

/* Whether one is open for a test of these loops (a JSON array); loop_id is that
 * of whom has_fix is told. A reset test that waits for another one is none:
 * that one is to be claimed. Returns 1 with *ret, 0, or -1. */
int regressions_ask(struct store *s, const char *loops, const char *loop_id,
    struct regression_oldest *ret);

/* Calls found for each open one. It must not use the store; texts live until it
 * returns. Returns 0 or -1. */
int regressions_each(struct store *s,
    void (*found)(const struct regression *r, void *argument), void *argument);

#endif
