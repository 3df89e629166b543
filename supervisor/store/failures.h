/*
 * How many attempts of a loop came to nothing of late. What doesn't use up a
 * test's attempts (ends from outside, limits, questions) counts here, too: a
 * loop that gets nowhere, for whatever reason, is not to go on at full speed.
 */
#ifndef LOOPKEEPER_STORE_FAILURES_H
#define LOOPKEEPER_STORE_FAILURES_H

#include <stdint.h>

#include "store/store.h"

/*
 * Whether the loop may begin another attempt, when max of those that ended
 * within the last hour may not have passed: 1 yes, 0 no, with the time from
 * which it may in *ret_until_ms (wall clock), -1 with errno of store.h. Only
 * reads.
 */
int failures_may_claim(
    struct store *s, const char *loop_id, int max, int64_t *ret_until_ms);

#endif
