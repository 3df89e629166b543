/* Questions about tests that fail again and again, and still have attempts;
 * those that have none are blocked (decisions_blocked.h). */
#ifndef LOOPKEEPER_STORE_DECISIONS_FAILING_H
#define LOOPKEEPER_STORE_DECISIONS_FAILING_H

#include "store/decisions.h"

#define DECISION_FAILING "test_failing"

/* What the configuration says of a test's loop. */
struct failing_loop {
	int max_attempts; /* for tests that don't say; 0: unknown */
	bool has_second;  /* a second worker */
};

struct failing_rule {
	int failures; /* so many in a row; 0: nobody is asked */
	struct failing_loop (*loop)(const char *loop_id, void *argument);
	void *argument;
	const char *by;
	int64_t timeout_ms;
	const char *boot_id;
};

/*
 * Asks, once per run of failures (a reset begins a new one), about every test
 * that has failed so often: A go on, B skip, C set it aside, D the second
 * worker. The test waits for the answer. Returns how many, or -1.
 */
int failing_ask(struct store *s, const struct failing_rule *rule);

/* The answer's effect, as long as that run lasts. */
decisions_effect failing_apply;

#endif
