/* Questions about tests whose attempts are used up. */
#ifndef LOOPKEEPER_STORE_DECISIONS_BLOCKED_H
#define LOOPKEEPER_STORE_DECISIONS_BLOCKED_H

#include "store/decisions.h"

#define DECISION_BLOCKED "test_blocked"

/*
 * Asks about every blocked test that nobody has been asked about since it was
 * blocked: A retry, B skip, C leave it so. Returns how many, or -1.
 */
int blocked_ask(
    struct store *s, const char *by, int64_t timeout_ms, const char *boot_id);

/* The answer's effect, as long as the test is blocked as it was when it was
 * asked. */
decisions_effect blocked_apply;

#endif
