/*
 * Somebody is made to let go of what he has locked. Of an attempt only its
 * claim is ended here, which raises the test's fence: the loop finds that
 * within seconds, stops its worker, saves the work, and gives its locks back
 * itself (attempts_end()); of a dead loop recovery does all that.
 */
#ifndef LOOPKEEPER_STORE_FORCE_H
#define LOOPKEEPER_STORE_FORCE_H

#include <stdint.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "store/attempts.h"
#include "store/queries_locks.h"
#include "store/store.h"

struct force_released {
	char attempt_id[UUID_SIZE];	 /* that was ended; "" for none */
	char test_id[ATTEMPT_TEST_SIZE]; /* is pending again; or "" */
	int64_t locks;			 /* that went at once */
	int64_t left; /* locks of attempts, which their loop gives back */
	int64_t edges;
};

/*
 * Inside a transaction: the open attempt of `name` is ended, not counted, its
 * test is pending; edges of it, and its locks that belong to no attempt, go. by
 * says who asks, why is one line. Notes it as force_release, unless there was
 * nothing. Returns 0 or -1.
 */
int force_release_within(struct store *s, const char *name, const char *by,
    const char *why, struct force_released *ret);

/* What somebody works on; all of it "" for nothing. */
struct force_work {
	char test_id[ATTEMPT_TEST_SIZE];
	char since[CLOCK_ISO_SIZE + 8];
};

/* Keeps of a row of queries_work() what is compared later. */
void force_keep_work(struct force_work *ret, const struct work_row *row);

/* In a transaction of its own. Where shown isn't NULL it is what was looked at
 * before: of somebody who works on anything else by now nothing is changed,
 * and 1 returned. */
int force_release(struct store *s, const char *name, const char *by,
    const char *why, const struct force_work *shown,
    struct force_released *ret);

/* How many locks of attempts that have ended `name` still holds; or -1. */
int force_left(struct store *s, const char *name);

#endif
