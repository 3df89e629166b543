/* What the monitor judges the loops by. */
#ifndef LOOPKEEPER_STORE_PROGRESS_H
#define LOOPKEEPER_STORE_PROGRESS_H

#include "store/attempts.h"
#include "store/store.h"

struct progress { /* of the attempt that a loop is in */
	char attempt_id[UUID_SIZE];
	char test_id[ATTEMPT_TEST_SIZE];
	char state[16];
	char base_commit[ATTEMPT_COMMIT_SIZE]; /* "" before it is planned */
};

/* Returns 1, 0 when the loop is in none, or -1 with errno of store.h. */
int
progress_of_loop(struct store *s, const char *loop_id, struct progress *ret);

struct failing {
	const char *test_id; /* texts live until found() returns */
	const char *loop_id;
	const char *last_result;
	int failures; /* in a row, since the test was last reset */
};

/*
 * Calls found for each test, not passed and not skipped, that has failed that
 * often in a row. found must not use the store. Returns 0 or -1.
 */
int progress_failing(struct store *s, int failures,
    void (*found)(const struct failing *test, void *argument), void *argument);

#endif
